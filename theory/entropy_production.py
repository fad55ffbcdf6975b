r"""Entropy production of the linear theory, exactly ([S1] Eq. 6 about a homogeneous state).

With C(q) from M C + C M^T = 2 G, one real copy of a mode q produces entropy at the rate

    sigma_q = q^2 [ tr(M C M^T G^-1) - tr M ],

which for two species is q^2 (M_12 g_2 - M_21 g_1)^2/(g_1 g_2 tr M), and the density of the rate is

    \int d^d q/(2 pi)^d sigma_q.

It does not depend on the strength of the noise. A kernel makes the integral converge.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import InputError
from theory.linear_stability import HomogeneousState

Array = NDArray[np.float64]

# area of the unit sphere over (2 pi)^d
_MEASURE = {1: 1.0 / np.pi, 2: 1.0 / (2.0 * np.pi), 3: 1.0 / (2.0 * np.pi**2)}


def linear_spectrum(state: HomogeneousState, wavenumbers: ArrayLike) -> Array:
    """sigma_q at the given wavenumbers.

    Parameters
    ----------
    state
        A stable homogeneous mixture.
    wavenumbers
        |q| (1/length), any shape.

    Returns
    -------
    ndarray
        Entropy production rate per real mode (1/time), same shape, never negative.

    Raises
    ------
    InputError
        The mixture is unstable at one of the wavenumbers.
    """
    q = np.asarray(wavenumbers, dtype=np.float64)
    matrix = state.matrix(q)
    correlations = state.equal_time_correlations(q)
    flux = np.einsum("...ij,...jk,...lk->...il", matrix, correlations, matrix)
    trace = np.einsum("...ii,i->...", flux, 1.0 / state.noise_strengths) - np.einsum("...ii->...", matrix)
    # a difference of equal numbers in reciprocal mixtures: round-off may leave a negative zero
    return np.asarray(q**2 * np.maximum(trace, 0.0))


def linear_density(state: HomogeneousState, cutoff: float | None = None) -> float:
    """Entropy production rate per volume of a stable homogeneous mixture.

    Parameters
    ----------
    state
        A stable homogeneous mixture.
    cutoff
        Largest wavenumber (1/length); needed where a coupling has a local kernel, whose integral does not converge.

    Returns
    -------
    float
        Rate per volume (1/(time length^d)).

    Raises
    ------
    InputError
        The mixture is unstable, or a cut-off is needed and missing.
    """
    d = state.model.dimension
    if not state.is_stable:
        raise InputError("the homogeneous mixture is unstable; its linear entropy production is not defined")
    if cutoff is None:
        if any(kernel.is_local for kernel in state.model.channels.kernels):
            raise InputError("with a local kernel the spectrum grows as q^2; give a cutoff (largest wavenumber)")
        cutoff = _converged_cutoff(state)
    # pieces as short as half the inverse of the largest range, so that the oscillations of Khat are resolved
    pieces = int(np.ceil(cutoff * float(state.model.sensing_ranges.max(initial=1.0 / cutoff)) * 2.0)) + 1
    edges = np.linspace(0.0, cutoff, pieces + 1)
    node, weight = np.polynomial.legendre.leggauss(12)
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    q = (middle[:, None] + half[:, None] * node).ravel()
    measure = (half[:, None] * weight).ravel()
    return float(_MEASURE[d] * np.sum(measure * q ** (d - 1) * linear_spectrum(state, q)))


def _converged_cutoff(state: HomogeneousState) -> float:
    """A wavenumber beyond which the spectrum no longer matters: its envelope there is 1e-10 of its largest value."""
    smallest = float(state.model.sensing_ranges.min())
    q = np.linspace(0.01, 400.0, 40000) / smallest
    weighted = q ** (state.model.dimension - 1) * linear_spectrum(state, q)
    tail = np.maximum.accumulate(weighted[::-1])[::-1] * q
    significant = np.nonzero(tail > 1e-10 * float(np.max(tail, initial=0.0)))[0]
    return float(q[significant[-1]]) if significant.size else float(1.0 / smallest)


__all__ = ["linear_density", "linear_spectrum"]
