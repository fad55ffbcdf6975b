r"""The angular-harmonic hierarchy, linearised about a homogeneous isotropic mixture, to any order.

With f_mu(r, u, t) the density of particles of species mu and direction u, and theta the angle between u and the wave vector q,
the harmonics of a perturbation are a_l = \int P_l(cos theta) f d u, where P_l stands for cos(l theta) in two dimensions, for
Legendre's polynomials in three, and for 1 and cos(theta) in one. For phi_l = i^l a_l, which makes all coefficients real,

    d_t phi_l^mu = q v_mu [down_l phi_{l-1}^mu - up_l phi_{l+1}^mu] - (r_l + Dt q^2) phi_l^mu        motion
        + (l/(2 pi xi_r)) rho_mu \sum_nu T_l^{mu nu} phi_l^nu                                        pair torques
        + \delta_{l1} (q/d) \sum_nu F_{mu nu} phi_0^nu + \delta_{l1} (q/d) \sum_p F_{mu p} c_p       responses
        - \delta_{l0} q^2 \sum_nu (kappa_F/xi_t) rho_mu phi_0^nu                                     repulsion
        + (\delta_{l2} down_1 down_2 - \delta_{l0}/d) q^2 rho_mu \sum_p v1_{mu p} c_p                speed bias
    d_t c_p = -(gamma_p + Dc_p q^2) c_p + \sum_mu beta_{p mu} phi_0^mu                               chemicals

with r_l = l (l + d - 2) Dr + alpha (0 for l = 0) and the responses F of :class:`theory.homogeneous.HomogeneousState`.
This is the linear part of the equations of docs/theory.md, section 8, which holds their derivation.

A hierarchy of order K keeps l = 0 .. K. Of the harmonic K + 1 is made one of two things:

- slaved: its time derivative, its translational diffusion and the harmonic K + 2 are left out, and what is left is solved
  for it. This is what the field solver does; at order 0 it is the hydrodynamics of [S1] Eqs. 3-5.
- truncated: it is zero.

Chemicals in the adiabatic limit are eliminated in the same way. In one dimension order 1 is complete.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array
from theory.errors import InputError
from theory.homogeneous import HomogeneousState, has_torques

Matrix = TypeVar("Matrix", NDArray[np.float64], NDArray[np.complex128])
Closure = Literal["slaved", "truncated"]


def ladder(dimension: int, level: int) -> tuple[float, float]:
    """Shares (up, down) with which cos(theta) P_l is made of P_{l+1} and P_{l-1}."""
    if dimension == 3:
        return (level + 1) / (2 * level + 1), level / (2 * level + 1)
    if dimension == 2:
        return (1.0, 0.0) if level == 0 else (0.5, 0.5)
    return (1.0, 0.0) if level == 0 else (0.0, 1.0)


def mean_square(dimension: int, level: int) -> float:
    """w_l, the mean of P_l(cos theta)^2 over all directions; up_l w_{l+1} = down_{l+1} w_l."""
    if level == 0:
        return 1.0
    return {1: 1.0, 2: 0.5, 3: 1.0 / (2 * level + 1)}[dimension]


@dataclass(frozen=True)
class Hierarchy:
    """The linear equations of one order, before what is slaved is eliminated.

    Parameters
    ----------
    state
        The homogeneous isotropic mixture.
    order
        K, the highest harmonic that is kept.
    closure
        What becomes of the harmonic K + 1: ``"slaved"`` or ``"truncated"`` (zero).

    Raises
    ------
    InputError
        There is no such order in this dimension or for these particles, or the slaved harmonic would grow.
    """

    state: HomogeneousState
    order: int
    closure: Closure = "slaved"

    def __post_init__(self) -> None:
        if self.closure not in ("slaved", "truncated"):
            raise InputError(f"the closure is '{self.closure}'; it must be 'slaved' or 'truncated'")
        if self.order < 0:
            raise InputError(f"the order is {self.order}; it must not be negative")
        if self.order > 1 and self.state.model.dimension == 1:
            raise InputError(f"the order is {self.order}; in one dimension, where directions are two, it must be 0 or 1")
        if self.order == 0 and self.closure == "truncated":
            raise InputError("order 0 with a truncated closure leaves no motion at all; use the slaved closure")
        if self.levels > self.order + 1:
            self.state.check_slaved(self.order + 1)

    @property
    def levels(self) -> int:
        """Number of harmonics of the equations, the slaved one included."""
        complete = self.state.model.dimension == 1 and self.order == 1
        return self.order + 1 if self.closure == "truncated" or complete else self.order + 2

    @property
    def slaved(self) -> NDArray[np.bool_]:
        """Which rows of :meth:`operator` are eliminated, shape (row,)."""
        model = self.state.model
        harmonics = np.repeat(np.arange(self.levels) > self.order, model.number_of_species)
        return np.concatenate([harmonics, np.array([one.adiabatic for one in model.chemicals], dtype=np.bool_)])

    def operator(self, wavenumbers: ArrayLike) -> Array:
        """Coefficients of all harmonics and chemicals, shape (..., row, row): level by level, then the chemicals."""
        state, model = self.state, self.state.model
        n, d = model.number_of_species, model.dimension
        q = np.asarray(wavenumbers, dtype=np.float64)[..., None, None]
        size = self.levels * n + len(model.chemicals)
        out = np.zeros((*q.shape[:-2], size, size))
        speeds, diffusion = np.diag(state.speeds), np.diag(model.translational_diffusivities)
        block = [slice(level * n, (level + 1) * n) for level in range(self.levels)]
        for level in range(self.levels):
            up, down = ladder(d, level)
            free = level <= self.order
            out[..., block[level], block[level]] = -state.relaxation(level) - (q**2 * diffusion if free else 0.0)
            if level + 1 < self.levels:
                out[..., block[level], block[level + 1]] = -q * up * speeds
            if level > 0:
                out[..., block[level], block[level - 1]] = q * down * speeds
        out[..., block[0], block[0]] -= q**2 * state.repulsion
        responses = q / d * state.responses(q[..., 0, 0])
        out[..., block[1], block[0]] += responses[..., :n]
        self._couple_chemicals(q, responses[..., n:], block, out)
        return out

    def _couple_chemicals(self, q: Array, responses: Array, block: list[slice], out: Array) -> None:
        """Write what chemicals do to the harmonics, and their own equations, into the operator."""
        state, model = self.state, self.state.model
        d, chemicals = model.dimension, slice(self.levels * model.number_of_species, None)
        bias = state.densities[:, None] * model.speed_biases
        out[..., block[1], chemicals] = responses
        out[..., block[0], chemicals] = -(q**2) / d * bias
        if self.levels > 2:
            out[..., block[2], chemicals] = q**2 * ladder(d, 1)[1] * ladder(d, 2)[1] * bias
        out[..., chemicals, block[0]] = model.production
        decay = np.array([one.decay_rate for one in model.chemicals])
        spreading = np.array([one.diffusivity for one in model.chemicals])
        out[..., chemicals, chemicals] = -np.diag(decay) - q**2 * np.diag(spreading)


def moment_matrix(state: HomogeneousState, wavenumbers: ArrayLike, order: int, closure: Closure = "slaved") -> Array:
    """The linear operator of the harmonics along the wave vector: d phi/dt = matrix @ phi.

    Parameters
    ----------
    state
        The homogeneous isotropic mixture.
    wavenumbers
        |q| (1/length), shape (...).
    order
        K, the highest harmonic that is kept.
    closure
        What becomes of the harmonic K + 1: ``"slaved"`` or ``"truncated"`` (zero).

    Returns
    -------
    ndarray
        Shape (..., n, n) (1/time): phi_0 of all species, then phi_1 of all species, ..., then the chemicals with a dynamics
        of their own.

    Raises
    ------
    InputError
        See :class:`Hierarchy`.
    """
    hierarchy = Hierarchy(state, order, closure)
    return eliminated(hierarchy.operator(wavenumbers), hierarchy.slaved)


def transverse_matrix(state: HomogeneousState, wavenumbers: ArrayLike, order: int, closure: Closure = "slaved") -> Array:
    """The linear operator of the harmonics across the wave vector, sin(l theta) for l = 1 .. K, in two dimensions.

    They carry no density, and obey the equations of the cosines without those of level 0. Without torques they decay.

    Parameters and errors are those of :func:`moment_matrix`.

    Returns
    -------
    ndarray
        Shape (..., K N, K N) (1/time); empty at order 0.

    Raises
    ------
    InputError
        The dimension is not two, or see :class:`Hierarchy`.
    """
    if state.model.dimension != 2:
        raise InputError(f"transverse harmonics are worked out in two dimensions, not {state.model.dimension}")
    hierarchy = Hierarchy(state, order, closure)
    n = state.model.number_of_species
    rows = slice(n, hierarchy.levels * n)
    across = eliminated(hierarchy.operator(wavenumbers)[..., rows, rows], hierarchy.slaved[rows])
    return across[..., : order * n, : order * n]


def mode_rates(state: HomogeneousState, wavenumbers: ArrayLike, order: int = 0) -> NDArray[np.complex128]:
    """Growth rates and frequencies of all modes, largest growth first, then largest frequency.

    Parameters
    ----------
    state
        The homogeneous isotropic mixture.
    wavenumbers
        |q| (1/length), shape (...).
    order
        Highest angular harmonic of the hierarchy, whose next one is slaved; 0 is hydrodynamics.

    Returns
    -------
    ndarray
        Shape (..., mode) (1/time). Modes across the wave vector are among them where there are pair torques.
    """
    values = np.linalg.eigvals(moment_matrix(state, wavenumbers, order)).astype(np.complex128)
    if order > 0 and has_torques(state.model):
        across = np.linalg.eigvals(transverse_matrix(state, wavenumbers, order))
        values = np.concatenate([values, across], axis=-1)
    chosen = np.lexsort((-values.imag, -values.real), axis=-1)
    return np.take_along_axis(values, chosen, axis=-1)


def eliminated(operator: Matrix, slaved: NDArray[np.bool_]) -> Matrix:
    """The operator of what is kept when the rest follows at once: A_kk - A_ks A_ss^-1 A_sk.

    Parameters
    ----------
    operator
        A, shape (..., row, row).
    slaved
        Which rows are eliminated, shape (row,).

    Returns
    -------
    ndarray
        Shape (..., kept, kept).
    """
    kept = ~slaved
    inner: Matrix = operator[..., kept, :][..., kept]
    if not np.any(slaved):
        return inner
    rest = operator[..., slaved, :]
    inner -= operator[..., kept, :][..., slaved] @ np.linalg.solve(rest[..., slaved], rest[..., kept])
    return inner
