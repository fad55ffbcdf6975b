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
from theory.linear_stability import HomogeneousState, classify

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
    correlations = state.equal_time_correlations(q)
    product = state.matrix(q) @ correlations
    # M C = G + A with A antisymmetric, the circulation; in these terms the rate is tr(A C^-1 A^T G^-1), a sum of squares
    circulation = 0.5 * (product - product.swapaxes(-1, -2))
    weighted = np.linalg.solve(correlations, circulation.swapaxes(-1, -2))
    return np.asarray(q**2 * np.einsum("...ij,...ji,i->...", circulation, weighted, 1.0 / state.noise_strengths))


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
    if classify(state).kind != "stable":
        raise InputError("the homogeneous mixture is unstable; its linear entropy production is not defined")
    if any(kernel.is_local for kernel in state.model.channels.kernels):
        if cutoff is None:
            raise InputError("with a local kernel the spectrum grows as q^2; give a cutoff (largest wavenumber)")
        return _integral(state, 0.0, cutoff)
    # panels that double in length; a kernel's transform decays, and with it their contributions
    ranges = state.model.sensing_ranges
    edge, total = _FIRST_PANEL / float(ranges.max()), 0.0
    low, high, reach = 0.0, edge, _RESOLVED / float(ranges.min())
    while low < reach:
        high = min(high, reach) if cutoff is None else min(high, cutoff)
        part = _integral(state, low, high)
        total += part
        done = part <= _NEGLIGIBLE * total and low > 1.0 / float(ranges.min())
        if done or high == cutoff:
            break
        low, high = high, 2.0 * high
    return total


# in units of the inverse range: the first panel, and a wavenumber beyond which no kernel matters
_FIRST_PANEL = 8.0
_RESOLVED = 2000.0
_NEGLIGIBLE = 1e-8


def _integral(state: HomogeneousState, low: float, high: float) -> float:
    """Integral of the spectrum's density between two wavenumbers by Gauss-Legendre panels of a radian of the kernel's wave."""
    d = state.model.dimension
    longest = float(state.model.sensing_ranges.max(initial=0.0)) or 1.0 / high
    pieces = int(np.ceil((high - low) * longest)) + 1
    edges = np.linspace(low, high, pieces + 1)
    node, weight = np.polynomial.legendre.leggauss(10)
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    q = (middle[:, None] + half[:, None] * node).ravel()
    measure = (half[:, None] * weight).ravel()
    return float(_MEASURE[d] * np.sum(measure * q ** (d - 1) * linear_spectrum(state, q)))


__all__ = ["linear_density", "linear_spectrum"]
