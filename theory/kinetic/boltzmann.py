r"""Boltzmann's kinetic theory of flocking: from encounters of two particles to the growth of polar order ([S2] Eqs. 7-11).

To third order in the polar order P of an orientation distribution that is uniform but for P,

    dP/dt = a P - b P^3,    a = \rho v I - D_r - \alpha,    b = \rho v J,    P = sqrt(a/b),

    I = (1/2\pi) \int_{-\pi}^{\pi} d\theta |sin(\theta/2)| S(\theta),
    J = (1/2\pi) \int_{-\pi}^{\pi} d\theta |sin(\theta/2)| (1/2 - cos \theta) S(\theta),

\theta the angle between the directions of two particles that meet, and S the forward momentum p . \delta p that their
encounters add. Particles of which one would pass the other at the distance h (the impact parameter) if nothing turned them meet
at a rate proportional to their relative speed 2 v |sin(\theta/2)| times dh, so that

    flux:     S(\theta) = \int dh p.\delta p.

[S2] Eq. 7 averages over the half-angle \bar\theta that particles have when they come within r_int of each other, taken for
uniform (the distances are h = r_int sin \bar\theta):

    printed:  S(\theta) = (r_int/2\pi) \int_{-\pi}^{\pi} d\bar\theta p.\delta p.

Only h of the order of the particles' size matters, where dh = r_int d\bar\theta: the printed average is 2\pi smaller. The flux
does not depend on r_int, the rate of collisions follows from it, and it is the one to be used; the other is there to compare
with [S2].

Scheme: the half-angle is integrated adaptively for every \theta, since a sharp front parts encounters in which the particles
turn back from those in which they pass; \theta by Gauss-Legendre quadrature.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array
from theory.errors import InputError
from theory.kinetic.scattering import BinaryScattering

_LEGENDRE, _WEIGHTS = (0.5 * one for one in np.polynomial.legendre.leggauss(8))
_NODES = 0.5 + _LEGENDRE
# first panels of the half-angle, from the head-on one on: what turns particles is a small share of the cut-off wide
_FIRST_PANELS = 0.5 * np.pi * np.concatenate([[0.0], 2.0 ** np.arange(-9, 1)])
# a front that is sharper than this angle is taken for a jump
_NARROWEST = 1e-12


@dataclass(frozen=True)
class Boltzmann:
    """Growth and saturation of polar order with one of the two prefactors.

    Parameters
    ----------
    speed
        v (length/time).
    decay_rate
        D_r + alpha (1/time).
    alignment, saturation
        I and J (length).
    """

    speed: float
    decay_rate: float
    alignment: float
    saturation: float

    def growth_rate(self, density: ArrayLike) -> Array:
        """a (1/time) at densities (1/length^2) of any shape."""
        return np.asarray(np.asarray(density) * self.speed * self.alignment - self.decay_rate)

    def saturation_rate(self, density: ArrayLike) -> Array:
        """b (1/time) at densities (1/length^2) of any shape."""
        return np.asarray(np.asarray(density) * self.speed * self.saturation)

    def polar_order(self, density: ArrayLike) -> Array:
        """P = sqrt(a/b), 0 where a is not positive and NaN where nothing saturates; beyond 1 the expansion in P fails."""
        a, b = self.growth_rate(density), self.saturation_rate(density)
        saturated = np.where(b > 0.0, b, np.nan)
        return np.asarray(np.where(a > 0.0, np.sqrt(np.maximum(a, 0.0) / saturated), 0.0))

    @property
    def onset_density(self) -> float:
        """Density (1/length^2) at which a changes sign; infinite where encounters do not align."""
        return self.decay_rate / (self.speed * self.alignment) if self.alignment > 0.0 else np.inf


@dataclass(frozen=True)
class BoltzmannTheory:
    """Boltzmann's theory with both prefactors.

    Parameters
    ----------
    flux
        With the flux over impact parameters.
    printed
        With the average over half-angles, as [S2] Eq. 7 is printed.
    """

    flux: Boltzmann
    printed: Boltzmann

    @classmethod
    def of(
        cls, scattering: BinaryScattering, decay_rate: float, *, angles: int = 32, tolerance: float = 1e-5
    ) -> "BoltzmannTheory":
        """Scatter particles at all angles.

        Parameters
        ----------
        scattering
            The encounters.
        decay_rate
            D_r + alpha (1/time): how fast directions forget themselves between encounters.
        angles
            Nodes of the quadrature in theta.
        tolerance
            Largest error (length) of a panel of the integral over impact parameters.

        Raises
        ------
        InputError
            The decay rate is not positive, or there is no angle.
        NumericalFailure
            Particles do not leave each other.
        """
        if not (np.isfinite(decay_rate) and decay_rate > 0.0):
            raise InputError(f"the decay rate of polar order is {decay_rate}; it must be positive and finite")
        if angles < 1:
            raise InputError(f"angles is {angles}; it must be at least 1")
        nodes, weights = np.polynomial.legendre.leggauss(angles)
        # encounters at theta and -theta are mirror images
        theta = 0.5 * np.pi * (nodes + 1.0)
        weight = 0.5 * weights * np.sin(0.5 * theta)
        gains = _mean_gains(scattering, theta, tolerance)
        alignments = gains @ weight
        saturations = gains @ (weight * (0.5 - np.cos(theta)))
        return cls(
            *(Boltzmann(scattering.speed, decay_rate, float(i), float(j)) for i, j in zip(alignments, saturations, strict=True))
        )


@dataclass(frozen=True)
class _Panels:
    """Panels of the half-angle's distance from the head-on one.

    Parameters
    ----------
    node
        To which theta each belongs, shape (panel,).
    left, width
        Shape (panel,) (radian).
    integrals
        Of the flux and of the printed average, shape (2, panel) (length).
    """

    node: NDArray[np.int64]
    left: Array
    width: Array
    integrals: Array

    @classmethod
    def of(cls, scattering: BinaryScattering, theta: Array, node: NDArray[np.int64], left: Array, width: Array) -> "_Panels":
        aside = left[:, None] + width[:, None] * _NODES
        # for theta > 0 particles approach head-on where the half-angle is pi
        gain = scattering.momentum_gain(np.pi - aside, theta[node][:, None])
        flux = scattering.reach * np.cos(aside) * gain
        printed = scattering.reach / (2.0 * np.pi) * gain
        return cls(node, left, width, np.stack([flux @ _WEIGHTS, printed @ _WEIGHTS]) * width)

    def halves(self, scattering: BinaryScattering, theta: Array) -> tuple["_Panels", "_Panels"]:
        half = 0.5 * self.width
        lower = _Panels.of(scattering, theta, self.node, self.left, half)
        return lower, _Panels.of(scattering, theta, self.node, self.left + half, half)

    def only(self, kept: NDArray[np.bool_]) -> "_Panels":
        return _Panels(self.node[kept], self.left[kept], self.width[kept], self.integrals[:, kept])

    def joined(self, other: "_Panels") -> "_Panels":
        return _Panels(
            np.concatenate([self.node, other.node]),
            np.concatenate([self.left, other.left]),
            np.concatenate([self.width, other.width]),
            np.concatenate([self.integrals, other.integrals], axis=1),
        )


def _mean_gains(scattering: BinaryScattering, theta: Array, tolerance: float) -> Array:
    """S(theta) of the flux and of the printed average, shape (2, theta) (length)."""
    first = _FIRST_PANELS.size - 1
    node = np.repeat(np.arange(theta.size), first)
    left, width = np.tile(_FIRST_PANELS[:-1], theta.size), np.tile(np.diff(_FIRST_PANELS), theta.size)
    panels = _Panels.of(scattering, theta, node, left, width)
    total = np.zeros((2, theta.size))
    while panels.node.size:
        lower, upper = panels.halves(scattering, theta)
        better = lower.integrals + upper.integrals
        error = np.abs(better[0] - panels.integrals[0])
        done = (error <= tolerance) | (panels.width < _NARROWEST)
        for sums, values in zip(total, better, strict=True):
            sums += np.bincount(panels.node[done], values[done], theta.size)
        panels = lower.only(~done).joined(upper.only(~done))
    # particles that pass on the other side are mirror images
    return 2.0 * total
