r"""Fluctuations of a stable homogeneous mixture: the linear hierarchy with its noise, at any order.

The harmonics of :mod:`theory.hierarchy` are driven by white noises, one per harmonic and species,

    d_t phi = A phi + noise,    <noise noise^T> = 2 N delta(t - t') volume,    N_l = (r_l + Dt q^2) rho w_l,

with w_l the mean of P_l(cos theta)^2 over directions: what diffusion of places and directions and tumbles of independent
particles make, so that these have C_l = rho w_l exactly. (w_1 = 1/d: with P slaved this is the noise sqrt(2 (D + Dt) rho) of
[S1] Eq. 3.) A slaved harmonic hands its noise down, N_kk + B N_ss B^T with B = A_ks A_ss^-1; chemicals have none. Then

    C = <phi phi^T>/volume:  A C + C A^T + 2 N = 0,        <phi(t) phi^T(0)>/volume = exp(A t) C.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from theory.arrays import Array
from theory.errors import InputError
from theory.hierarchy import Hierarchy, eliminated, mean_square
from theory.homogeneous import HomogeneousState

# up to this size all Lyapunov equations are solved at once as ordinary linear systems
_SMALL = 4


@dataclass(frozen=True)
class LinearProcess:
    """The linear stochastic process of the modes at some wavenumbers.

    Parameters
    ----------
    operator
        A, shape (..., n, n) (1/time): variables as in :func:`theory.hierarchy.moment_matrix`.
    noise
        N, shape (..., n, n) (1/(time length^d)).
    """

    operator: Array
    noise: Array

    @classmethod
    def of(cls, state: HomogeneousState, wavenumbers: ArrayLike, order: int = 0) -> "LinearProcess":
        """The process of the hierarchy of one order, its next harmonic slaved.

        Raises
        ------
        InputError
            See :class:`theory.hierarchy.Hierarchy`.
        """
        hierarchy = Hierarchy(state, order)
        q = np.asarray(wavenumbers, dtype=np.float64)
        operator, slaved = hierarchy.operator(q), hierarchy.slaved
        noise = _strengths(state, q, hierarchy)
        kept = ~slaved
        handed = np.linalg.solve(
            operator[..., slaved, :][..., slaved].swapaxes(-1, -2), operator[..., kept, :][..., slaved].swapaxes(-1, -2)
        ).swapaxes(-1, -2)
        own = noise[..., kept, None] * np.eye(int(kept.sum()))
        return cls(eliminated(operator, slaved), own + (handed * noise[..., None, slaved]) @ handed.swapaxes(-1, -2))

    def correlations(self) -> Array:
        """C = <phi phi^T>/volume, shape (..., n, n) (1/length^d).

        Raises
        ------
        InputError
            The process is unstable at one of the wavenumbers.
        """
        return lyapunov(self.operator, self.noise)

    def later(self, time: float) -> Array:
        """<phi(time) phi^T(0)>/volume for a time not below 0, shape (..., n, n) (1/length^d)."""
        return np.asarray(linalg.expm(self.operator * time) @ self.correlations())


def equal_time_correlations(state: HomogeneousState, wavenumbers: ArrayLike, order: int = 0) -> Array:
    """C(q) = <delta_q delta_q*>/volume of the densities, shape (..., species, species) (1/length^d).

    Parameters
    ----------
    state
        The homogeneous isotropic mixture.
    wavenumbers
        |q| (1/length), shape (...); for q = 0 the limit.
    order
        Highest angular harmonic of the hierarchy; 0 is hydrodynamics.

    Raises
    ------
    InputError
        The mixture is unstable at one of the wavenumbers.
    """
    q, n = np.asarray(wavenumbers, dtype=np.float64), state.model.number_of_species
    out = lyapunov(-state.matrix(q), state.noise_matrix)
    if order > 0 or not all(one.adiabatic for one in state.model.chemicals):
        # slow modes obey the hydrodynamics with adiabatic chemicals, whatever the order
        out[q > 0.0] = LinearProcess.of(state, q[q > 0.0], order).correlations()[..., :n, :n]
    return out


def lyapunov(operator: Array, noise: Array) -> Array:
    """C of A C + C A^T + 2 N = 0.

    Parameters
    ----------
    operator
        A, shape (..., n, n).
    noise
        N, symmetric, shape broadcasting to that of A.

    Returns
    -------
    ndarray
        Shape (..., n, n), symmetric.

    Raises
    ------
    InputError
        An eigenvalue of A has no negative real part.
    """
    if np.any(np.linalg.eigvals(operator).real >= 0.0):
        raise InputError("the homogeneous mixture is unstable: it has no stationary linear correlations")
    n, shape = operator.shape[-1], operator.shape[:-2]
    right = np.broadcast_to(-2.0 * noise, operator.shape)
    if n > _SMALL:
        pairs = zip(operator.reshape(-1, n, n), right.reshape(-1, n, n), strict=True)
        found = [np.asarray(linalg.solve_continuous_lyapunov(a, b), dtype=np.float64) for a, b in pairs]
        return np.asarray(found).reshape(operator.shape)
    identity = np.eye(n)
    # vec(A C + C A^T) = (A x 1 + 1 x A) vec C in row-major order
    product = np.einsum("...ij,kl->...ikjl", operator, identity) + np.einsum("ij,...kl->...ikjl", identity, operator)
    solution = np.linalg.solve(product.reshape(*shape, n * n, n * n), right.reshape(*shape, n * n, 1))
    return np.asarray(solution.reshape(operator.shape))


def _strengths(state: HomogeneousState, q: Array, hierarchy: Hierarchy) -> Array:
    """N of every row of the hierarchy's operator, shape (..., row)."""
    model, d = state.model, state.model.dimension
    rows = []
    for level in range(hierarchy.levels):
        rates = np.array([one.motion.decay_rate(d, level) for one in model.species])
        spread = q[..., None] ** 2 * model.translational_diffusivities if level <= hierarchy.order else 0.0
        rows.append((rates + spread) * state.densities * mean_square(d, level))
    rows.append(np.zeros(len(model.chemicals)))
    return np.concatenate([np.broadcast_to(row, (*q.shape, row.shape[-1])) for row in rows], axis=-1)
