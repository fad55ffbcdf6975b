r"""Coexisting phases with the sensing kernel and the chemicals' ranges, in mean field.

For one species there is an exact formula (:mod:`theory.exact_binodal`).

For mixtures no such formula is known: slab profiles (:mod:`theory.slab_profiles`) are solved, started from the phases of the
local approximation. At fixed means a profile's plateaus would depend on the box by way of the interfaces' share of it. Here
the means are moved until the composition lies on the plateaus' own tie line (or in their triangle), by a quasi-Newton method:
the result is that of an infinite box, up to the exponential tails of the interfaces, and boxes grow until these are gone.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array
from theory.chemical_potential import ChemicalPotentials
from theory.errors import InputError, NumericalFailure
from theory.exact_binodal import SeveralRanges, exact_binodal, has_exact_binodal
from theory.free_energy import FreeEnergy
from theory.lever_rule import lever_rule
from theory.long_waves import long_wave_relaxation
from theory.model import Model
from theory.phases import Coexistence, in_order
from theory.slab_profiles import Line, sensing_lengths

# slabs are this many sensing ranges thick at first, and up to 2^4 times thicker where their plateaus are not flat
_THICKNESS = 8.0
_DOUBLINGS = 4
_TOLERANCE = 1e-12
# largest departure of a plateau from the homogeneous law, which the interfaces' tails leave
_FLAT = 1e-10
# distance of the composition from the plateaus' tie line, relative
_ON_THE_LINE = 1e-10
_MOVES = 30
# differences of plateaus, relative to the composition, below which they are one phase
_MERGED = 1e-3
# how far slabs that start along an instability go, in units of where a density would vanish
_FIRST_SLABS = 0.8
# length of the line that they relax on, and slopes of log rho below which it is flat, in units of the longest range
_LONG, _SLOPE = 160.0, 1e-2


@dataclass(frozen=True)
class NonlocalCoexistence:
    """Phases between flat interfaces at a composition.

    Parameters
    ----------
    method
        ``"exact"``: from the formula for one species; ``"slab"``: from slab profiles; ``"homogeneous"``: one phase.
    densities
        Shape (phase, species) (1/length^d), in the order of :class:`theory.phases.Coexistence`.
    fractions
        Shares of the volume by the lever rule, shape (phase,).
    constants
        C_m = rho_m exp(w_m), common to all phases, shape (species,).
    length
        Of the box that the profile was solved in (length); None without one.
    """

    method: Literal["exact", "slab", "homogeneous"]
    densities: Array
    fractions: Array
    constants: Array
    length: float | None = None


def nonlocal_coexistence(model: Model, composition: ArrayLike | dict[str, float], local: Coexistence) -> NonlocalCoexistence:
    """The phases of a mixture with its kernels, by the exact formula for one species and by slab profiles otherwise.

    Parameters
    ----------
    model
        The model.
    composition
        Mean densities (1/length^d), all positive.
    local
        Phases to start from: those of the local approximation.

    Raises
    ------
    InputError
        Something is sensed without a range, or a species steers with a speed that varies (see :func:`slab_profile`).
    NumericalFailure
        There is no steady profile near the start.
    """
    means = model.densities(composition)
    exact = _one_species(FreeEnergy(model, means), means, local) if has_exact_binodal(model) else None
    if exact is not None:
        return exact
    phases, fractions = local.densities, local.fractions
    if phases.shape[0] == 1 and local.metastable is not None:
        # with the kernel the phase that comes next in the local approximation may be there already
        phases = np.vstack([phases, local.metastable])
        try:
            return _by_slabs(model, means, phases)
        except NumericalFailure:
            phases = phases[:1]
    try:
        return _by_slabs(model, means, phases)
    except NumericalFailure:
        # with the kernel other phases may appear between those of the local approximation, or in their place
        return _by_slabs(model, means, _settled(model, means, phases, fractions))


def coexistence_without_free_energy(model: Model, composition: ArrayLike | dict[str, float]) -> NonlocalCoexistence:
    """Phases of a mixture that has no free energy, from slabs started along its own instability.

    The steady state need not be reached, nor be stable: what is told is that these phases would be at rest beside each other.

    Parameters
    ----------
    model
        The model.
    composition
        Mean densities (1/length^d), all positive.

    Raises
    ------
    InputError
        The homogeneous mixture is stable at long waves, or its instability is oscillatory: there is nothing to start from.
        Otherwise as for :func:`nonlocal_coexistence`.
    NumericalFailure
        There is no steady profile near the start.
    """
    means = model.densities(composition)
    rates, directions = long_wave_relaxation(ChemicalPotentials(model), means)
    slowest = int(np.argmin(rates.real))
    if rates[slowest].real >= 0.0:
        raise InputError("the homogeneous mixture is linearly stable: there is nothing to start slab profiles from")
    if rates[slowest].imag != 0.0:
        raise InputError("the instability is oscillatory: patterns travel instead of coming to rest")
    way = directions[:, slowest].real
    amplitude = _FIRST_SLABS * float(np.min(means / np.abs(way)))
    slabs = np.stack([means + amplitude * way, means - amplitude * way])
    return _by_slabs(model, means, _settled(model, means, slabs, np.array([0.5, 0.5])))


def _settled(model: Model, means: Array, phases: Array, fractions: Array) -> Array:
    """Plateaus (phase, species) that slabs of phases (phase, species) with fractions (phase,) relax to at fixed means."""
    line = Line(model, _LONG * max(sensing_lengths(model), default=1.0))
    layout = _there_and_back(phases / means)
    shares = np.array([fractions[k] / layout.count(k) for k in layout])
    slab = np.minimum(np.searchsorted(np.cumsum(shares), line.position / line.length), len(layout) - 1)
    start = phases[layout][slab].T
    density, _ = line.relaxed(start * (means / start.mean(axis=1))[:, None], _TOLERANCE)
    return _flat_stretches(line, density)


def _flat_stretches(line: Line, density: Array) -> Array:
    """Densities of the plateaus of a profile (species, x), perhaps more than it started from, shape (plateau, species)."""
    steps = np.max(np.abs(np.log(np.roll(density, -1, axis=1) / density)), axis=0)
    flat = steps * line.cells_per_range < _SLOPE
    found: list[Array] = []
    for stretch in np.split(np.arange(line.cells), np.nonzero(np.diff(flat))[0] + 1):
        middle = density[:, stretch[stretch.size // 2]]
        known = any(np.max(np.abs(middle / other - 1.0)) < 10.0 * _MERGED for other in found)
        if flat[stretch[0]] and stretch.size >= line.cells_per_range and not known:
            found.append(middle)
    return np.array(found).reshape(-1, density.shape[0])


def _homogeneous(model: Model, means: Array) -> NonlocalCoexistence:
    constants = Line(model, 1.0).bulk_constants(means)
    return NonlocalCoexistence("homogeneous", means[None], np.ones(1), constants)


def _one_species(free_energy: FreeEnergy, means: Array, local: Coexistence) -> NonlocalCoexistence | None:
    """By the exact formula; None where there are several unstable ranges between the densities, for which slabs are needed."""
    densities = local.densities[:, 0]
    if densities.size == 1:
        if local.metastable is None:
            return _homogeneous(free_energy.model, means)
        densities = np.array([means[0], local.metastable[0]])
    try:
        gas, liquid = exact_binodal(free_energy, float(densities.min()), float(densities.max()))
    except SeveralRanges:
        return None
    if not gas < means[0] < liquid:
        return _homogeneous(free_energy.model, means)
    fraction = (means[0] - gas) / (liquid - gas)
    constant = gas * np.exp(free_energy.excess_potentials(np.array([[gas]]))[:, 0])
    return NonlocalCoexistence("exact", np.array([[liquid], [gas]]), np.array([fraction, 1.0 - fraction]), constant)


def _by_slabs(model: Model, means: Array, phases: Array) -> NonlocalCoexistence:
    """Phases from slabs; those that the lever rule finds to be absent are left out."""
    while phases.shape[0] > 1:
        plateaus, constants, length = plateaus_through(model, means, phases)
        fractions = lever_rule(plateaus, means)
        if np.all(fractions > 0.0):
            order = in_order(plateaus)
            return NonlocalCoexistence("slab", plateaus[order], fractions[order], constants, length)
        phases = plateaus[np.arange(fractions.size) != np.argmin(fractions)]
    return _homogeneous(model, means)


def plateaus_through(
    model: Model, composition: Array, phases: Array, thickness: float = _THICKNESS
) -> tuple[Array, Array, float]:
    """Plateaus of slab profiles whose tie line (or triangle) goes through a composition.

    Parameters
    ----------
    model
        The model.
    composition
        Mean densities, shape (species,).
    phases
        Where to start, shape (phase, species).
    thickness
        Of the slabs in the smallest box, in units of the longest sensing range.

    Returns
    -------
    tuple
        Plateaus (phase, species) in the order of ``phases``, the constants C (species,), and the length of the box.

    Raises
    ------
    InputError
        As for :func:`theory.slab_profiles.slab_profile`.
    NumericalFailure
        There is no steady profile, or its plateaus are not flat in the longest box.
    """
    layout = _there_and_back(phases / composition)
    longest = max(sensing_lengths(model))
    for doubling in range(_DOUBLINGS + 1):
        line = Line(model, thickness * 2.0**doubling * longest * len(layout))
        slab = np.minimum((np.arange(line.cells) * len(layout)) // line.cells, len(layout) - 1)
        centres = ((np.array([layout.index(k) for k in range(phases.shape[0])]) + 0.5) * line.cells / len(layout)).astype(
            np.intp
        )
        density = _moved(line, composition, phases[layout][slab].T, centres)
        plateaus, constants = density[:, centres].T, line.constants(density)
        bulk = np.stack([line.bulk_constants(one) for one in plateaus])
        if np.max(np.abs(bulk / constants - 1.0)) < _FLAT:
            return plateaus, constants, line.length
        phases = plateaus
    raise NumericalFailure(
        f"the plateaus of slabs of {thickness * 2.0**_DOUBLINGS * longest:g} are not flat: the phases are about to merge, and "
        "their interfaces are too wide"
    )


def _there_and_back(phases: Array) -> list[int]:
    """A periodic order of phases (phase, species): the shortest way through all of them, and back again."""
    orders = list(permutations(range(phases.shape[0])))
    ways = [np.linalg.norm(np.diff(phases[list(order)], axis=0), axis=1).sum() for order in orders]
    path = orders[int(np.argmin(ways))]
    return [*path, *path[-2:0:-1]]


def _moved(line: Line, composition: Array, start: Array, centres: NDArray[np.intp]) -> Array:
    """The profile (species, x) whose plateaus at the centres have the composition in their affine hull."""

    def beside(density: Array) -> Array:
        """The way from the plateaus' hull to the composition, in units of the composition."""
        plateaus = density[:, centres].T / composition
        sides = (plateaus[1:] - plateaus[0]).T
        offset = 1.0 - plateaus[0]
        along, *_ = np.linalg.lstsq(sides, offset, rcond=None)
        return np.asarray(offset - sides @ along)

    density, _ = line.relaxed(start, _TOLERANCE)
    gap, inverse = beside(density), np.eye(composition.size)
    for _ in range(_MOVES):
        if np.min(np.max(np.abs(np.diff(density[:, centres])), axis=0) / composition.max()) < _MERGED:
            raise NumericalFailure(f"slabs of different phases merge on the way to the composition {composition.tolist()}")
        if np.max(np.abs(gap)) < _ON_THE_LINE:
            return density
        move = inverse @ gap
        move *= min(1.0, 0.2 / float(np.max(np.abs(move))))
        means = density.mean(axis=1)
        density, _ = line.relaxed(density * ((means + move * composition) / means)[:, None], _TOLERANCE)
        change = beside(density) - gap
        gap = gap + change
        # Broyden's update: the moves are taken to shift the gap as they were seen to do
        seen = inverse @ -change
        inverse += np.outer(move - seen, move @ inverse) / float(move @ seen)
    raise NumericalFailure(f"no slab profile was found whose phases make up the composition {composition.tolist()}")
