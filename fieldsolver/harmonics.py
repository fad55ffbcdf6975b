r"""Angular harmonics: the functions Y_a(u) of a particle's direction whose averages the fields are.

With the one-particle density f(r, u) the fields are  phi_a = \int f Y_a du:  phi_0 = rho (Y_0 = 1), then the polarity
(Y_1..Y_d = u), then higher degrees l. Averages over free directions are orthogonal, <Y_a Y_b> = c_a delta_ab, with

    d = 1:  1, u                                        (u = +-1; there is no degree beyond 1),
    d = 2:  1, cos l theta, sin l theta                 Psi_l = phi_cos + i phi_sin,   c = 1/2,
    d = 3:  1, (x, y, z), real spherical harmonics      scaled to c = 1/(2l + 1).

All that the equations of the harmonics need follows from the products  u_j Y_a = \sum_b M^j_ab Y_b,  which couple neighbouring
degrees only. The eigenvalues of the Laplacian on the sphere are -L_l, L_l = l (l + d - 2), and as u_j is itself a harmonic of
degree one,

    (e_j - u u_j) . grad_u Y_a = 1/2 [Lap (u_j Y_a) - u_j Lap Y_a - Y_a Lap u_j] = \sum_b N^j_ab Y_b,
    N^j_ab = 1/2 (L_a + L_1 - L_b) M^j_ab.

A direction that diffuses and tumbles forgets phi_a at the rate  lambda_a = L_a Dr + alpha (l > 0).

Each degree l holds as many functions as there are harmonics of it: one for l = 0; 1, 2 or 2l + 1 for higher ones in 1, 2 and 3
dimensions. In three dimensions degree one is ordered (x, y, z), higher ones (m = 0, cos phi, sin phi, cos 2phi, ...).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from theory.arrays import Array
from theory.motion import Motion

# products of harmonics are small rational numbers and their roots: what is smaller is round-off of the quadrature
_ROUND_OFF = 1e-13


@dataclass(frozen=True)
class AngularBasis:
    """The harmonics up to a degree, and those of the degree beyond it that a closure needs.

    Parameters
    ----------
    dimension
        Of space: 1, 2 or 3.
    order
        Highest degree K that has a dynamics of its own; at most 1 in one dimension.
    """

    dimension: int
    order: int

    @cached_property
    def degrees(self) -> NDArray[np.int64]:
        """Degree l of each function, kept ones first, then the closure's, shape (function,)."""
        highest = self.order + 1 if self.dimension > 1 else 1
        numbers = [np.full(_number(self.dimension, degree), degree) for degree in range(highest + 1)]
        return np.concatenate(numbers)

    @cached_property
    def kept(self) -> int:
        """Number of functions of degree 0 to K."""
        return int(np.count_nonzero(self.degrees <= self.order))

    @cached_property
    def slaved(self) -> range:
        """Functions of degree K + 1."""
        return range(self.kept, self.degrees.size)

    @cached_property
    def highest(self) -> range:
        """Functions of degree K."""
        return range(int(np.count_nonzero(self.degrees < self.order)), self.kept)

    @cached_property
    def norms(self) -> Array:
        """c_a = <Y_a^2> over free directions, shape (function,)."""
        weight, _, values = _sampled(self.dimension, self.degrees)
        return np.asarray(values**2 @ weight)

    @cached_property
    def products(self) -> Array:
        """M^j_ab, shape (direction, function, function)."""
        weight, directions, values = _sampled(self.dimension, self.degrees)
        found = np.einsum("i,ji,ai,bi->jab", weight, directions, values, values) / self.norms
        found[np.abs(found) < _ROUND_OFF] = 0.0
        return np.asarray(found)

    @cached_property
    def turns(self) -> Array:
        """N^j_ab, shape (direction, function, function)."""
        eigenvalues = self._eigenvalues
        return 0.5 * (eigenvalues[:, None] + (self.dimension - 1.0) - eigenvalues) * self.products

    @property
    def _eigenvalues(self) -> Array:
        return np.asarray(self.degrees * (self.degrees + self.dimension - 2.0))

    def decay_rates(self, motion: Motion) -> Array:
        """lambda_a, shape (function,) (1/time)."""
        return np.array([motion.decay_rate(self.dimension, int(degree)) for degree in self.degrees])

    @cached_property
    def closure_diffusivity(self) -> float:
        r"""Largest eigenvalue of  \sum_s M^x_as M^x_sb  over the degree K.

        With phi_s = -(v/lambda) M^j_sb d_j phi_b, what a closure gives back to degree K is diffusion with this times
        v^2/lambda.
        """
        if not self.slaved:
            return 0.0
        along = self.products[0]
        a, s = list(self.highest), list(self.slaved)
        return float(np.max(np.linalg.eigvals(along[np.ix_(a, s)] @ along[np.ix_(s, a)]).real))


def _number(dimension: int, degree: int) -> int:
    if degree == 0 or dimension == 1:
        return 1
    return 2 if dimension == 2 else 2 * degree + 1


def _sampled(dimension: int, degrees: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Weights (i,), directions (d, i) and functions (function, i) on a quadrature that is exact for products of three."""
    highest = int(degrees.max())
    if dimension == 1:
        directions = np.array([[1.0, -1.0]])
        return np.array([0.5, 0.5]), directions, np.stack([directions[0] ** degree for degree in degrees])
    angles = 2.0 * np.pi * np.arange(2 * highest + 3) / (2 * highest + 3)
    if dimension == 2:
        weight = np.full(angles.size, 1.0 / angles.size)
        waves = [np.ones_like(angles)]
        for degree in range(1, highest + 1):
            waves += [np.cos(degree * angles), np.sin(degree * angles)]
        return weight, np.stack([np.cos(angles), np.sin(angles)]), np.stack(waves)
    height, share = np.polynomial.legendre.leggauss(highest + 2)
    z, angle = (grid.ravel() for grid in np.meshgrid(height, angles, indexing="ij"))
    weight = np.repeat(0.5 * share / angles.size, angles.size)
    flat = np.sqrt(1.0 - z**2)
    directions = np.stack([flat * np.cos(angle), flat * np.sin(angle), z])
    return weight, directions, np.concatenate([_spherical(degree, z, angle, directions) for degree in range(highest + 1)])


def _spherical(degree: int, height: Array, angle: Array, directions: Array) -> Array:
    """Real spherical harmonics of one degree, scaled to <Y^2> = 1/(2l + 1), shape (2l + 1, i)."""
    if degree == 1:
        return directions
    rows = [special.eval_legendre(degree, height)]
    for order in range(1, degree + 1):
        scale = np.sqrt(2.0 * np.exp(special.gammaln(degree - order + 1) - special.gammaln(degree + order + 1)))
        profile = scale * special.lpmv(order, degree, height)
        rows += [profile * np.cos(order * angle), profile * np.sin(order * angle)]
    return np.stack(rows)
