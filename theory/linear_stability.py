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
from numpy.typing import NDArray

from theory.homogeneous import HomogeneousState

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
InstabilityClass = Literal["stable", "static", "oscillatory"]
Extent = Literal["none", "uniform", "long-wave", "finite-wavelength"]

# growth below this share of the rates at the same wavenumber is taken for zero
_ROUND_OFF = 1e-12
# wavenumbers that are searched, in units of an inverse length: an even grid up to the reach, a geometric one between limits
_REACH, _POINTS = 40.0, 600
_LIMITS, _FEW = (1e-5, 1e3), 80
# points into which a bracket of a maximum is split, and rounds of it: a factor 4 each
_SPLIT, _ROUNDS = 9, 14
# modes whose distance is below this share of their rates coalesce; eigenvalues are that uncertain where they do
_COALESCED = 1e-5


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
    """

    kind: InstabilityClass
    growth_rate: float | None
    wavenumber: float | None
    frequency: float | None
    extent: Extent

    @property
    def phase_speed(self) -> float | None:
        """Frequency over wavenumber of an oscillatory instability (length/time), at onset the speed of travelling bands."""
        if self.kind != "oscillatory" or not self.wavenumber or self.frequency is None:
            return None
        return self.frequency / self.wavenumber


_STABLE = Instability("stable", 0.0, 0.0, 0.0, "none")


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
        shortest = slow_mode(state, np.inf if lengths else 0.0)
        if not lengths or shortest.real > 0.0:
            return _without_maximum(shortest, slow_mode(state, 0.0))
    q = _searched(lengths)
    growth = leading(state, q, order)
    best = _largest(state, q, growth.real, order)
    top = leading(state, np.array([best]), order)[0]
    uniform = growth[0].real > 0.0
    slow = 0j if uniform else slow_mode(state, 0.0)
    if top.real <= 0.0 and slow.real <= 0.0:
        return _STABLE
    extent: Extent = "uniform" if uniform else "long-wave" if slow.real > 0.0 else "finite-wavelength"
    if best >= q[-2]:
        return Instability(_kind(top), None, None, None, extent)
    # growth that drowns in round-off is that of the longest waves
    kind = _kind(top if top.real > 0.0 else slow)
    return Instability(kind, float(top.real), best, abs(float(top.imag)), extent)


def _without_maximum(shortest: complex, slow: complex) -> Instability:
    """The class of a mixture whose growth over q^2 is the same for all waves, or settles to a value for short ones."""
    if shortest.real <= 0.0:
        return _STABLE
    return Instability(_kind(shortest), None, None, None, "long-wave" if slow.real > 0.0 else "finite-wavelength")


def _kind(growth: complex) -> InstabilityClass:
    return "oscillatory" if growth.imag != 0.0 else "static"


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
    values = -np.linalg.eigvals(state.matrix(q)).astype(np.complex128)
    return _fastest(values, np.abs(values).max(axis=-1))


def _fastest(values: ComplexArray, scale: Array) -> ComplexArray:
    """Of eigenvalues (..., mode) the one of largest real part, which is 0 where it is round-off of the scale."""
    chosen = np.take_along_axis(values, np.argmax(values.real, axis=-1)[..., None], axis=-1)[..., 0]
    return np.where(np.abs(chosen.real) < _ROUND_OFF * scale, 1j * np.abs(chosen.imag), chosen)


def leading(state: HomogeneousState, wavenumbers: Array, order: int = 0) -> ComplexArray:
    """Growth rate and frequency of the fastest mode at each wavenumber (..., 1/length), real part 0 where it is round-off."""
    if order == 0 and all(one.adiabatic for one in state.model.chemicals):
        # -q^2 M by its factors: exact for long waves
        return wavenumbers**2 * _diffusive(state, wavenumbers)
    values = state.growth(wavenumbers, order)
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


def _searched(lengths: list[float]) -> Array:
    """Wavenumbers that are searched (1/length), rising from 0; the growth rate has no finer structure."""
    even = [np.linspace(0.0, _REACH / one, _POINTS) for one in lengths]
    few = np.geomspace(_LIMITS[0] / lengths[-1], _LIMITS[1] / lengths[0], _FEW)
    return np.unique(np.concatenate([*even, few]))


def _largest(state: HomogeneousState, q: Array, growth: Array, order: int) -> float:
    """Wavenumber of the largest growth rate: every local maximum on the grid that may hold it is refined."""
    padded = np.concatenate([[-np.inf], growth, [-np.inf]])
    rise, fall = growth - padded[:-2], growth - padded[2:]
    peaks = np.nonzero((rise >= 0.0) & (fall >= 0.0))[0]
    # a maximum between grid points rises above them by less than they differ among themselves
    gain = np.minimum(np.where(np.isfinite(rise), rise, 0.0) + np.where(np.isfinite(fall), fall, 0.0), np.abs(growth) + 1.0)
    peaks = peaks[growth[peaks] + gain[peaks] >= growth.max()]
    found = [_refined(state, q[max(n - 1, 0)], q[min(n + 1, q.size - 1)], order) for n in peaks]
    return max(found, key=lambda one: float(leading(state, np.array([one]), order)[0].real))


def _refined(state: HomogeneousState, low: float, high: float, order: int) -> float:
    """Wavenumber of the maximum of the growth rate in a bracket."""
    for _ in range(_ROUNDS):
        q = np.linspace(low, high, _SPLIT)
        top = int(np.argmax(leading(state, q, order).real))
        low, high = q[max(top - 1, 0)], q[min(top + 1, _SPLIT - 1)]
    return float(q[top])


__all__ = ["HomogeneousState", "Instability", "classify", "intrinsic_lengths", "leading", "slow_mode"]
