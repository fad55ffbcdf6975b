r"""The effective free energy of homogeneous mixtures ([S1] Eq. 9).

Where u_m = log rho_m + w_m is integrable in the local approximation,

    f = \sum_m (rho_m log rho_m - rho_m) + U,    dU/drho_m = w_m,    U(0) = 0,    u_m = df/drho_m,
    p = \sum_m rho_m u_m - f = \sum_m rho_m + \sum_m rho_m w_m - U,

so that df/drho_m = u_m without a constant, and the pressure is that of an ideal gas, \sum_m rho_m, at low densities. ([S1]
prints f without -rho_m, which adds a constant to every u_m and changes no coexistence.) The potential is integrated along the
straight path from the empty mixture,

    U(rho) = \int_0^1 \sum_m rho_m w_m(t rho) dt,

by Gauss-Legendre sums over ever more panels until they agree to 1e-12. As [S1] Eq. 8 holds, every other path gives the same.
"""

from collections.abc import Callable
from functools import cached_property, lru_cache

import numpy as np
import sympy
from numpy.typing import ArrayLike
from scipy.special import roots_legendre, xlogy

from theory.arrays import Array
from theory.chemical_potential import ChemicalPotentials
from theory.closed_form import potential
from theory.errors import NumericalFailure
from theory.integrability import Integrability, NotIntegrable, integrability, require_integrable
from theory.model import Model

_TOLERANCE = 1e-12
#: of U on grids, which only have to tell where phases are
GRID_TOLERANCE = 1e-7
_NODES = 16
_MOST_PANELS = 512
# paths that are compared where integrability is not proven, and differences that are round-off
_PATHS, _PATH_TOLERANCE = 64, 1e-8
# numbers held at a time by a quadrature
_BLOCK = 2_000_000


class FreeEnergy:
    """The free energy density f of a mixture in the local approximation, and its derivatives.

    Parameters
    ----------
    model
        The model.
    composition
        Densities (1/length^d); integrability is tested from zero to twice these.

    Raises
    ------
    NotIntegrable
        The mixture has no free energy; the message tells the size of the violation.
    InputError
        The model has pair interactions, or a chemical without a steady concentration.
    """

    def __init__(self, model: Model, composition: ArrayLike | dict[str, float]) -> None:
        self.model = model
        self.integrability = require_integrable(model, composition)
        self._potentials = ChemicalPotentials(model)

    def excess_potentials(self, densities: Array) -> Array:
        """w_m = u_m - log rho_m, shape (species, ...) as the densities (1/length^d); not finite where a speed is zero."""
        explicit = self._potentials.excess(densities)
        return explicit if self._potentials.is_explicit else explicit + self._steered_potentials(densities)

    def explicit(self, densities: Array) -> Array:
        """w_m without what steering with varying speeds adds; as finite as w_m, and cheaper."""
        return self._potentials.excess(densities)

    def excess(self, densities: Array, tolerance: float = _TOLERANCE) -> Array:
        """U to a relative tolerance, shape ``densities.shape[1:]`` (1/length^d); not finite beyond the end of a law.

        Raises
        ------
        NumericalFailure
            The integral of w does not converge.
        """

        def integrand(points: Array, step: Array, t: Array) -> Array:
            out = self._work(points, step, t)
            if not self._potentials.is_explicit:
                # the integral over t of that from 0 to t is the integral of 1 - t times its integrand
                out += (1.0 - t) * np.einsum("mp,mnpt,np->pt", step, self._potentials.steered(points), step)
            return out

        return np.asarray(_along(np.zeros_like(densities), densities, integrand, tolerance)[0])

    def _steered_potentials(self, densities: Array) -> Array:
        def integrand(points: Array, step: Array, t: Array) -> Array:
            return np.asarray(np.einsum("mnpt,np->mpt", self._potentials.steered(points), step))

        return _along(np.zeros_like(densities), densities, integrand)

    def density(self, densities: Array, tolerance: float = _TOLERANCE) -> Array:
        """f, with U to a relative tolerance, shape ``densities.shape[1:]`` (1/length^d)."""
        return np.asarray(np.sum(xlogy(densities, densities) - densities, axis=0) + self.excess(densities, tolerance))

    def chemical_potentials(self, densities: Array) -> Array:
        """u_m, shape (species, ...) as the densities; minus infinity where a density is zero."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(densities) + self.excess_potentials(densities))

    def pressure(self, densities: Array) -> Array:
        """p, shape ``densities.shape[1:]`` (1/length^d)."""
        ideal_and_excess = np.sum(densities * (1.0 + self.excess_potentials(densities)), axis=0)
        return np.asarray(ideal_and_excess - self.excess(densities))

    def feedback(self, densities: Array) -> Array:
        """b_mn = d w_m/d rho_n (length^d), symmetric, shape (species, species, ...)."""
        found = self._potentials.feedback(densities)
        return np.asarray(0.5 * (found + found.swapaxes(0, 1)))

    def stability(self, densities: Array) -> Array:
        """delta_mn + sqrt(rho_m rho_n) b_mn: the Hessian of f in units of 1/rho, regular at zero density, species axes last."""
        root = np.sqrt(densities)
        n = densities.shape[0]
        matrix = np.moveaxis(root[:, None] * root[None] * self.feedback(densities), (0, 1), (-2, -1))
        return np.asarray(matrix + np.eye(n))

    def hessian(self, densities: Array) -> Array:
        """d^2 f/drho_m drho_n, shape (species, species, ...), at positive densities."""
        out = self.feedback(densities)
        for m in range(densities.shape[0]):
            out[m, m] += 1.0 / densities[m]
        return out

    def third_derivatives(self, densities: Array) -> Array:
        """d^3 f/drho_m drho_n drho_l, shape (species, species, species, ...), at positive densities."""
        out = self._potentials.curvature(densities)
        for m in range(densities.shape[0]):
            out[m, m, m] -= 1.0 / densities[m] ** 2
        return out

    def path_dependence(self, densities: Array) -> float:
        """Largest difference of U between the straight path and the one along the axes, relative to the largest |U|.

        Zero up to round-off if and only if w is a gradient between zero and the given densities (species, point). Steering
        with varying speeds is left out: its differentials have no other path than their own.
        """
        if not self._potentials.is_explicit:
            return 0.0
        straight = self.excess(densities)
        around = np.zeros_like(straight)
        corner = np.zeros_like(densities)
        for m in range(densities.shape[0]):
            start = corner.copy()
            corner[m] = densities[m]
            around += _along(start, corner - start, self._work)[0]
        return float(np.max(np.abs(straight - around)) / max(float(np.max(np.abs(straight))), 1e-300))

    def require_path_independence(self, upper: Array) -> None:
        """Refuse densities up to which U depends on the path, where only sampled densities have shown that it does not.

        Parameters
        ----------
        upper
            Upper ends of the densities of interest, shape (species,) (1/length^d).

        Raises
        ------
        NotIntegrable
            It does.
        """
        if self.integrability.proven:
            return
        from scipy.stats import qmc

        points = upper[:, None] * qmc.Halton(d=upper.size, scramble=False).random(_PATHS + 1)[1:].T
        dependence = self.path_dependence(points)
        if dependence > _PATH_TOLERANCE:
            raise NotIntegrable(
                f"the mixture has no effective free energy at densities up to {upper.tolist()}: U depends on the path by "
                f"{dependence:.3g} of itself, although the couplings are symmetric at lower densities"
            )

    def _work(self, points: Array, step: Array, t: Array) -> Array:
        """w . d rho along paths, shape (1, point, node)."""
        return np.asarray(np.einsum("mp,mpt->pt", step, self._potentials.excess(points)))[None]

    @cached_property
    def closed_form(self) -> sympy.Expr | None:
        """U up to a constant as a tree in the densities, where sympy finds it within seconds; checked by differentiation."""
        if not self._potentials.is_explicit:
            return None
        return potential(self._potentials.local_trees, tuple(self._potentials.densities))


@lru_cache(maxsize=16)
def _nodes(panels: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on (0, 1) in t = s^3 (10 - 15 s + 6 s^2): dense at the ends, where w may diverge."""
    x, weight = roots_legendre(_NODES)
    s = ((np.arange(panels)[:, None] + 0.5 * (x + 1.0)) / panels).ravel()
    return s**3 * (10.0 - 15.0 * s + 6.0 * s**2), np.tile(0.5 * weight / panels, panels) * 30.0 * s**2 * (1.0 - s) ** 2


Integrand = Callable[[Array, Array, Array], Array]


def _along(start: Array, step: Array, integrand: Integrand, tolerance: float = _TOLERANCE) -> Array:
    """Integrals over t from 0 to 1 along straight paths start + t step, shape (value, ...).

    ``integrand`` gets the points (species, point, node), the steps (species, point) and t (node,); it returns
    (value, point, node).
    """
    origin, flat = (one.reshape(one.shape[0], -1) for one in (start, step))
    before, _ = _quadrature(origin, flat, integrand, 2)
    out = before.copy()
    # what meets a speed that is not positive stays undefined
    open_ = np.nonzero(np.all(np.isfinite(before), axis=0))[0]
    panels = 4
    while open_.size:
        found, scale = _quadrature(origin[:, open_], flat[:, open_], integrand, panels)
        with np.errstate(invalid="ignore"):
            unsettled = np.any(np.abs(found - out[:, open_]) > tolerance * scale, axis=0)
        out[:, open_] = found
        open_ = open_[unsettled]
        panels *= 2
        if panels > _MOST_PANELS and open_.size:
            raise NumericalFailure(
                f"the integral of the effective chemical potentials up to the densities {(start + step)[:, open_[0]].tolist()} "
                "does not converge: the motility laws are too sharp or singular there"
            )
    return out.reshape(out.shape[0], *step.shape[1:])


def _quadrature(start: Array, step: Array, integrand: Integrand, panels: int) -> tuple[Array, Array]:
    """Sums (value, point), and the size of what was summed, by which errors are judged."""
    t, weight = _nodes(panels)
    size = max(1, _BLOCK // (t.size * step.shape[0]))
    values, scales = [], []
    for first in range(0, max(1, step.shape[1]), size):
        part = slice(first, first + size)
        block = integrand(start[:, part, None] + step[:, part, None] * t, step[:, part], t)
        values.append(block @ weight)
        scales.append(np.abs(block) @ weight)
    return np.concatenate(values, axis=1), np.concatenate(scales, axis=1)


__all__ = ["GRID_TOLERANCE", "FreeEnergy", "Integrability", "NotIntegrable", "integrability", "require_integrable"]
