r"""Entropy production of the linear theory, exactly ([S1] Eq. 6 about a homogeneous state).

Order 0. With C(q) from M C + C M^T = 2 G and A = M C - G, the antisymmetric circulation, one real copy of a mode q produces

    sigma_q = q^2 tr(A C^-1 A^T G^-1) = q^2 [ tr(M C M^T G^-1) - tr M ],

which for two species without pair torques is q^2 (M_12 g_2 - M_21 g_1)^2/(g_1 g_2 tr M). The rate per volume is

    \int d^d q/(2 pi)^d sigma_q.

It does not depend on the strength of the noise. A kernel makes the integral converge.

Order K > 0. Directions are odd under time reversal, so that the harmonic l changes by the sign (-1)^l. Of the operator of the
hierarchy (:mod:`theory.fluctuations`) that part is irreversible which does not change sign, A_irr = 1/2 (A + e A e) with
e = diag((-1)^l), and with the noise N and the irreversible current Y

    sigma_q = tr(Y^T N^-1 Y C^-1),    Y = A_irr C + N.

(For directions even under time reversal the rate would be infinite: a density that is carried by polarities has no noise of
its own.) For long waves the two agree.

What an observer measures of densities at intervals t, with u = B delta, B = G^-1 M, and the mid-point rule of
:mod:`theory.path_entropy` is, mode by mode and with <delta(t) delta(0)^T>/volume = C(t),

    sigma_q(t) = (1/2t) tr[ B (C(t) - C(t)^T) ],

which tends to sigma_q of order 0 for intervals short beside the times of relaxation.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.errors import InputError
from theory.fluctuations import LinearProcess, equal_time_correlations, lyapunov
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState
from theory.linear_stability import classify, intrinsic_lengths

# area of the unit sphere over (2 pi)^d
_MEASURE = {1: 1.0 / np.pi, 2: 1.0 / (2.0 * np.pi), 3: 1.0 / (2.0 * np.pi**2)}
# in units of the inverse range: the first panel, and a wavenumber beyond which no kernel matters
_FIRST_PANEL, _RESOLVED = 8.0, 2000.0
# a panel below this share of the sum ends it
_NEGLIGIBLE = 1e-9
# panels of an octave at least; the ratio of octaves from which on they are taken not to converge
_PANELS, _CONVERGING = 8, 0.9
# weight below which a filtered mode is left out
_UNSEEN = 1e-9
# an irreversible drift where there is no noise, as a share of the others, that is not round-off
_ROUND_OFF = 1e-9
# share of its terms below which a difference is their round-off
_CANCELLED = 1e-13


def linear_spectrum(state: HomogeneousState, wavenumbers: ArrayLike, order: int = 0) -> Array:
    """sigma_q at the given wavenumbers.

    Parameters
    ----------
    state
        A stable homogeneous mixture.
    wavenumbers
        |q| (1/length), any shape.
    order
        Highest angular harmonic; 0 is hydrodynamics. Above, directions are odd under time reversal.

    Returns
    -------
    ndarray
        Entropy production rate per real mode (1/time), same shape, never negative.

    Raises
    ------
    InputError
        The mixture is unstable at one of the wavenumbers, a chemical has a dynamics of its own but no noise, or something
        irreversible acts without noise, so that the rate is infinite.
    """
    _check_chemicals(state)
    q = np.asarray(wavenumbers, dtype=np.float64)
    if order > 0:
        return _spectrum_of_hierarchy(state, q, order)
    correlations, noise = equal_time_correlations(state, q), state.noise_matrix
    product = state.matrix(q) @ correlations
    # M C = G + A; a sum of squares does not lose digits where A is small
    circulation = _without_round_off(0.5 * (product - product.swapaxes(-1, -2)), product)
    weighted = np.linalg.solve(correlations, circulation.swapaxes(-1, -2))
    return np.asarray(q**2 * np.einsum("...ij,...jk,ki->...", circulation, weighted, np.linalg.inv(noise)))


def _without_round_off(difference: Array, terms: Array) -> Array:
    """Matrices with zeros where they are round-off of the terms (..., i, j) that they are differences of."""
    largest = np.abs(terms).max(axis=(-2, -1), keepdims=True)
    return np.asarray(np.where(np.abs(difference) > _CANCELLED * largest, difference, 0.0))


def _check_chemicals(state: HomogeneousState) -> None:
    for one in state.model.chemicals:
        if not one.adiabatic:
            raise InputError(
                f"the chemical {one.name} has a dynamics of its own without noise: what it forgets cannot be told from a "
                "trajectory, and its entropy production is not defined; take the adiabatic limit"
            )


def _spectrum_of_hierarchy(state: HomogeneousState, q: Array, order: int) -> Array:
    n = state.model.number_of_species
    out = np.zeros_like(q)
    inside = q > 0.0
    if not np.any(inside):
        return out
    process = LinearProcess.of(state, q[inside], order)
    parity = (-1.0) ** np.repeat(np.arange(order + 1), n)
    flipped = parity[:, None] * process.operator * parity
    irreversible, noise = 0.5 * (process.operator + flipped), process.noise
    quiet = np.all(noise == 0.0, axis=-1)
    drift = np.abs(irreversible).max(axis=-1)
    if np.any(quiet & (drift > _ROUND_OFF * drift.max(axis=-1, keepdims=True))):
        raise InputError(
            "something irreversible moves densities without noise (speed_bias or repulsion): at this order the rate is "
            "infinite; give the species translational_diffusion, or use order 0"
        )
    # harmonics without noise are moved reversibly, and drop out
    inverse = np.linalg.pinv(noise, rcond=1e-13, hermitian=True)
    correlations = process.correlations()
    drifting = irreversible @ correlations
    current = _without_round_off(drifting + noise, drifting)
    out[inside] = np.einsum(
        "...ji,...ji->...", current, inverse @ np.linalg.solve(correlations, current.swapaxes(-1, -2)).swapaxes(-1, -2)
    )
    return out


def expected_rates(state: HomogeneousState, wavenumbers: ArrayLike, interval: float, order: int = 0) -> Array:
    """sigma_q(t): what the mid-point rule finds at an interval.

    Parameters
    ----------
    state
        A stable homogeneous mixture.
    wavenumbers
        |q| (1/length), any shape; 0 at q = 0.
    interval
        t (time); 0 for the limit of short intervals.
    order
        Highest angular harmonic of the dynamics that is observed; 0 is hydrodynamics.

    Returns
    -------
    ndarray
        Same shape (1/time).

    Raises
    ------
    InputError
        The mixture is unstable at one of the wavenumbers.
    """
    q, n = np.asarray(wavenumbers, dtype=np.float64), state.model.number_of_species
    out = np.zeros_like(q)
    inside = q > 0.0
    process = LinearProcess.of(state, q[inside], order)
    change = process.later(interval) / interval if interval > 0.0 else process.operator @ process.correlations()
    change = change[..., :n, :n]
    potential = np.linalg.solve(state.noise_matrix, state.matrix(q[inside]))
    out[inside] = 0.5 * np.einsum("...ij,...ji->...", potential, change - change.swapaxes(-1, -2))
    return out


def expected_box_rates(
    state: HomogeneousState, grid: Grid, transfers: Sequence[Array], interval: float, order: int = 0
) -> list[float]:
    """What the mid-point rule finds in a box: sums of g^2 sigma_q(t) over its modes.

    Parameters
    ----------
    state
        A stable homogeneous mixture.
    grid
        Whose modes there are.
    transfers
        Factors g of the modes by which densities were filtered, one array per filter, shape of the spectrum.
    interval, order
        As of :func:`expected_rates`.

    Returns
    -------
    list of float
        One rate per filter (1/time).

    Raises
    ------
    InputError
        The mixture is unstable at one of the wavenumbers.
    """
    weights = [grid.multiplicity * transfer**2 for transfer in transfers]
    used = np.max(weights, axis=0) > _UNSEEN
    # modes of one length share their rate
    q, place = np.unique(np.round(grid.wavenumber[used], 12), return_inverse=True)
    rates = expected_rates(state, q, interval, order)[place]
    return [float(np.sum(weight[used] * rates)) for weight in weights]


def linear_density(state: HomogeneousState, cutoff: float | None = None, order: int = 0) -> float:
    """Entropy production rate per volume of a stable homogeneous mixture.

    Parameters
    ----------
    state
        A stable homogeneous mixture.
    cutoff
        Largest wavenumber (1/length); needed where the integral does not converge, as with a local kernel.
    order
        As in :func:`linear_spectrum`.

    Returns
    -------
    float
        Rate per volume (1/(time length^d)).

    Raises
    ------
    InputError
        The mixture is unstable, a cut-off is needed and missing or not positive; and see :func:`linear_spectrum`.
    """
    if classify(state, order).kind != "stable":
        raise InputError("the homogeneous mixture is unstable; its linear entropy production is not defined")
    _check_chemicals(state)
    if cutoff is not None:
        if not (np.isfinite(cutoff) and cutoff > 0.0):
            raise InputError(f"the cutoff is {cutoff}; it must be positive and finite")
        return _integral(state, 0.0, cutoff, order)
    lengths = intrinsic_lengths(state, order)
    limit = state.matrix(np.inf) @ lyapunov(-state.matrix(np.inf), state.noise_matrix)
    local = np.abs(limit - limit.T).max() > _ROUND_OFF * np.abs(limit).max()
    if local or not lengths:
        return 0.0 if not local else _diverging()
    # panels that double in length; what lies beyond the last follows from the ratio of the last two
    parts, low, high = [0.0], 0.0, _FIRST_PANEL / lengths[-1]
    while low < _RESOLVED / lengths[0]:
        parts.append(_integral(state, low, high, order))
        if parts[-1] <= _NEGLIGIBLE * sum(parts) and low > 1.0 / lengths[0]:
            return float(sum(parts))
        low, high = high, 2.0 * high
    ratio = parts[-1] / parts[-2]
    return float(sum(parts) + parts[-1] * ratio / (1.0 - ratio)) if ratio < _CONVERGING else _diverging()


def _diverging() -> float:
    raise InputError(
        "the spectrum does not fall off fast enough towards short waves for its integral to converge (local or exponential "
        "kernels, chemicals); give a cutoff, the largest wavenumber"
    )


def _integral(state: HomogeneousState, low: float, high: float, order: int) -> float:
    """Integral of the spectrum's density between two wavenumbers: Gauss-Legendre panels of a radian of the longest kernel."""
    d = state.model.dimension
    pieces = int(np.ceil((high - low) * float(state.model.sensing_ranges.max(initial=0.0)))) + _PANELS
    edges = np.linspace(low, high, pieces + 1)
    node, weight = np.polynomial.legendre.leggauss(10)
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    q = (middle[:, None] + half[:, None] * node).ravel()
    measure = (half[:, None] * weight).ravel()
    return float(_MEASURE[d] * np.sum(measure * q ** (d - 1) * linear_spectrum(state, q, order)))


__all__ = ["expected_box_rates", "expected_rates", "linear_density", "linear_spectrum"]
