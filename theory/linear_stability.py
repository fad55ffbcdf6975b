r"""Linear stability of a homogeneous isotropic mixture: which perturbations grow, how fast, and whether they travel.

Perturbations of wavenumber q grow with the eigenvalues of the hierarchy of an order K (:mod:`theory.hierarchy`), at order 0
with those of -q^2 M(q) (:mod:`theory.homogeneous`). The class of a mixture is that of its fastest mode over all wavenumbers:

- stable; static (a real growth rate); oscillatory (a complex one: patterns that travel);
- by its extent: uniform (q = 0 itself grows: polar order), long-wave (all long waves grow, the longer the slower: conserved
  densities), or finite-wavelength (long waves decay).

Two real modes become a complex pair where they coalesce, at an exceptional point. For two species at order 0

    (M_11 - M_22)^2 + 4 M_12 M_21 < 0        ([S1] Eq. 12, there for a local kernel)

is the condition for complex modes, and with it tr M < 0 that for their growth ([S1] Eq. 13).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from theory.arrays import Array, ComplexArray
from theory.hierarchy import mode_rates, moment_matrix
from theory.homogeneous import HomogeneousState

InstabilityClass = Literal["stable", "static", "oscillatory"]
Extent = Literal["none", "uniform", "long-wave", "finite-wavelength"]

# growth below this share of the rates at the same wavenumber is taken for zero
_ROUND_OFF = 1e-12
# wavenumbers that are searched, in units of an inverse length: an even grid up to the reach, with fewer points above order 0,
# where each costs more and long waves lose digits; a geometric one between limits
_REACH, _POINTS, _POINTS_OF_HIERARCHY = 40.0, 600, 300
_LIMITS, _LONGEST_OF_HIERARCHY, _FEW = (1e-5, 1e3), 1e-3, 80
# points into which a bracket of a maximum is split, and rounds of it: a factor 16 each
_SPLIT, _ROUNDS = 33, 7


@dataclass(frozen=True)
class Instability:
    """The fastest-growing perturbation of a homogeneous mixture.

    Parameters
    ----------
    kind
        ``"stable"``, ``"static"`` (real growth rate) or ``"oscillatory"`` (complex: travelling patterns).
    growth_rate
        Largest growth rate (1/time); 0 for a stable mixture; None where it does not fall off towards short waves (local
        kernel).
    wavenumber
        Where it is reached (1/length); 0 for a stable mixture; None as above.
    frequency
        |Im| there (1/time); None as above.
    extent
        ``"none"`` for a stable mixture, ``"uniform"``, ``"long-wave"`` or ``"finite-wavelength"``.
    margin
        Largest growth over q^2 (length^2/time), of a uniform instability the growth rate itself (1/time): where instability
        begins it goes through zero.
    together
        Of a static instability of several species: whether they become dense in the same places; else None.
    """

    kind: InstabilityClass
    growth_rate: float | None
    wavenumber: float | None
    frequency: float | None
    extent: Extent
    margin: float
    together: bool | None = None

    @property
    def label(self) -> str:
        """The class in words, as ``"static long-wave, together"``."""
        if self.kind == "stable":
            return "stable"
        how = "" if self.together is None else ", together" if self.together else ", apart"
        return f"{self.kind} {self.extent}{how}"

    @property
    def phase_speed(self) -> float | None:
        """Frequency over wavenumber of an oscillatory instability (length/time), at onset the speed of travelling bands."""
        if self.kind != "oscillatory" or not self.wavenumber or self.frequency is None:
            return None
        return self.frequency / self.wavenumber


def classify(state: HomogeneousState, order: int = 0) -> Instability:
    """Instability class of a homogeneous mixture, over all wavenumbers.

    Parameters
    ----------
    state
        The mixture.
    order
        Highest angular harmonic of the hierarchy, whose next one is slaved; 0 is hydrodynamics.

    Returns
    -------
    Instability
        That of the fastest-growing mode. A mixture whose growth rate does not fall off towards short waves, as an unstable one
        with a local kernel, has a class, but no growth rate.

    Raises
    ------
    InputError
        There is no hierarchy of this order; see :class:`theory.hierarchy.Hierarchy`.
    """
    lengths = intrinsic_lengths(state, order)
    if order == 0:
        shortest = np.inf if lengths else 0.0
        fastest = slow_mode(state, shortest)
        if fastest.real > 0.0:
            extent: Extent = "long-wave" if slow_mode(state, 0.0).real > 0.0 else "finite-wavelength"
            together = _together(state, shortest, 0, fastest)
            return Instability(_kind(fastest), None, None, None, extent, fastest.real, together)
        if not lengths:
            return Instability("stable", 0.0, 0.0, 0.0, "none", fastest.real)
    q = searched_wavenumbers(lengths, order)
    growth = leading(state, q, order)
    best = _largest(state, q[1:], growth[1:].real, order)
    top = complex(leading(state, np.array([best]), order)[0])
    if growth[0].real > 0.0:
        place, mode = (best, top) if top.real > growth[0].real else (0.0, complex(growth[0]))
        return Instability(_kind(mode), mode.real, place, abs(mode.imag), "uniform", mode.real)
    slow = slow_mode(state, 0.0)
    # growth that drowns in round-off says nothing
    told = np.where(growth[1:].real == 0.0, -np.inf, growth[1:].real / q[1:] ** 2)
    margin = max(slow.real, top.real / best**2 if top.real != 0.0 else -np.inf, float(np.max(told)))
    if margin <= 0.0:
        return Instability("stable", 0.0, 0.0, 0.0, "none", margin)
    extent = "long-wave" if slow.real > 0.0 else "finite-wavelength"
    # where all does, it is that of the longest waves
    mode, place = (top, best) if top.real > 0.0 else (slow, 0.0)
    together = _together(state, place, order if place > 0.0 else 0, mode)
    if best >= q[-2]:
        return Instability(_kind(mode), None, None, None, extent, margin, together)
    return Instability(_kind(mode), top.real, best, abs(top.imag), extent, margin, together)


def _kind(growth: complex) -> InstabilityClass:
    return "oscillatory" if growth.imag != 0.0 else "static"


def _together(state: HomogeneousState, wavenumber: float, order: int, growth: complex) -> bool | None:
    """Whether the densities of a static mode rise in the same places; None for a single species, or a mode that oscillates."""
    n = state.model.number_of_species
    if n == 1 or growth.imag != 0.0:
        return None
    matrix = -state.matrix(wavenumber) if order == 0 else moment_matrix(state, wavenumber, order)
    values, vectors = np.linalg.eig(matrix)
    amplitudes = vectors[:n, int(np.argmax(values.real))].real
    return bool(np.all(amplitudes > 0.0) or np.all(amplitudes < 0.0))


def slow_mode(state: HomogeneousState, wavenumber: float) -> complex:
    """Growth over q^2 (length^2/time) of the fastest mode of the hydrodynamics; at q = 0 the limit of every order.

    Parameters
    ----------
    state
        A mixture whose polarity relaxes.
    wavenumber
        |q| (1/length), 0 and infinity included.
    """
    return complex(_diffusive(state, np.array([wavenumber]))[0])


def _diffusive(state: HomogeneousState, q: Array) -> ComplexArray:
    values = -eigenvalues(state.matrix(q))
    return _fastest(values, np.abs(values).max(axis=-1))


def eigenvalues(matrix: Array) -> ComplexArray:
    """Eigenvalues of real matrices (..., n, n); of two species by formula, which is faster and exact where they coalesce."""
    if matrix.shape[-1] != 2:
        return np.asarray(np.linalg.eigvals(matrix), dtype=np.complex128)
    half = 0.5 * (matrix[..., 0, 0] - matrix[..., 1, 1])
    root = np.sqrt((half**2 + matrix[..., 0, 1] * matrix[..., 1, 0]).astype(np.complex128))
    middle = 0.5 * (matrix[..., 0, 0] + matrix[..., 1, 1])
    return np.stack([middle + root, middle - root], axis=-1)


def _fastest(values: ComplexArray, scale: Array) -> ComplexArray:
    """Of eigenvalues (..., mode) the one of largest real part, which is 0 where it is round-off of the scale."""
    chosen = np.take_along_axis(values, np.argmax(values.real, axis=-1)[..., None], axis=-1)[..., 0]
    return np.where(np.abs(chosen.real) < _ROUND_OFF * scale, 1j * np.abs(chosen.imag), chosen)


def leading(state: HomogeneousState, wavenumbers: Array, order: int = 0) -> ComplexArray:
    """Growth rate and frequency of the fastest mode at each wavenumber (..., 1/length), real part 0 where it is round-off."""
    if order == 0 and all(one.adiabatic for one in state.model.chemicals):
        # -q^2 M by its factors: exact for long waves
        return wavenumbers**2 * _diffusive(state, wavenumbers)
    values = mode_rates(state, wavenumbers, order)
    return _fastest(values, np.abs(values).max(axis=-1))


def intrinsic_lengths(state: HomogeneousState, order: int) -> list[float]:
    """Lengths on whose scale growth rates depend on the wavenumber, rising (length)."""
    model = state.model
    found = [float(one) for one in model.sensing_ranges if one > 0.0]
    diffusivity = float(state.total_diffusivities.max())
    for chemical in model.chemicals:
        spread = [chemical.diffusivity] if chemical.adiabatic else [chemical.diffusivity, diffusivity]
        found += [float(np.sqrt(one / chemical.decay_rate)) for one in spread if one > 0.0]
    if order > 0:
        found += [float(one) for one in state.speeds * model.persistence_times]
    return sorted(set(found))


def searched_wavenumbers(lengths: list[float], order: int) -> Array:
    """Wavenumbers that are searched (1/length), rising from 0; the growth rate has no finer structure."""
    points = _POINTS if order == 0 else _POINTS_OF_HIERARCHY
    even = [np.linspace(0.0, _REACH / one, points) for one in lengths]
    longest = _LIMITS[0] if order == 0 else _LONGEST_OF_HIERARCHY
    few = np.geomspace(longest / lengths[-1], _LIMITS[1] / lengths[0], _FEW)
    return np.unique(np.concatenate([*even, few]))


def _largest(state: HomogeneousState, q: Array, growth: Array, order: int) -> float:
    """Wavenumber of the largest growth rate: every local maximum on the grid that may hold it is refined."""
    step = np.diff(growth)
    peaks = 1 + np.nonzero((step[:-1] >= 0.0) & (step[1:] <= 0.0))[0]
    # a maximum between grid points rises above them by less than they differ among themselves
    peaks = peaks[growth[peaks] + step[peaks - 1] - step[peaks] >= growth.max()]
    found = [_refined(state, q[n - 1], q[n + 1], order) for n in peaks]
    # at the ends there is nothing to refine
    found += [float(q[n]) for n in (0, -1) if growth[n] >= growth.max()]
    return max(found, key=lambda one: float(leading(state, np.array([one]), order)[0].real))


def _refined(state: HomogeneousState, low: float, high: float, order: int) -> float:
    """Wavenumber of the maximum of the growth rate in a bracket."""
    for _ in range(_ROUNDS):
        q = np.linspace(low, high, _SPLIT)
        top = int(np.argmax(leading(state, q, order).real))
        low, high = q[max(top - 1, 0)], q[min(top + 1, _SPLIT - 1)]
    return float(q[top])
