"""The particles at the start: independent of each other, by default the stationary state of free ones."""

from typing import Any

import numpy as np

from particles.initial_directions import check_mean_directions, initial_directions
from particles.separation import separated_positions
from particles.state import Particles
from theory.arrays import Array, Integers
from theory.counter_random import Stream, uniform_pairs
from theory.errors import InputError
from theory.model import Model


def initial_particles(
    model: Model,
    size: Array,
    densities: Array,
    seed: int,
    profile: Array | None = None,
    minimum_distance: float = 0.0,
    polarity: Array | None = None,
    **how: Any,
) -> Particles:
    """Particles independent of each other but for a least distance.

    Parameters
    ----------
    model
        Says the species and how they move.
    size
        Edges of the box, shape (dimension,) (length).
    densities
        Mean number densities (1/length^d), shape (species,); the numbers of particles are these times the volume, rounded.
    seed
        Key of the random numbers; the counter is the permanent number.
    profile
        Where particles are likely: shape (species, [z,] [y,] x), not negative, constant within each cell; by default uniform.
    minimum_distance
        Least distance between any two particles (length); see :mod:`particles.separation`.
    polarity
        Mean directions, shape (species, direction, [z,] [y,] x), constant within each cell; by default directions follow the
        stationary law of free particles. See :mod:`particles.initial_directions`.
    **how
        Passed on to :class:`particles.state.Particles`.

    Raises
    ------
    InputError
        There would be no particle at all, the profile or the polarity is none, or there is not enough room.
    """
    numbers = np.rint(densities * np.prod(size)).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int64)
    count = int(offsets[-1])
    if count == 0:
        raise InputError(
            f"mean densities {densities.tolist()} in a box of {size.tolist()} give no particle; "
            "enlarge the box or the densities"
        )
    if profile is not None:
        _check_profile(profile, size.size, offsets)
    if minimum_distance > 0.0:
        positions = separated_positions(size, offsets, minimum_distance, seed, profile)
    else:
        places = _uniform(seed, size.size, count)
        if profile is not None:
            chance = uniform_pairs(seed, Stream.INITIAL_POSITION, 1, count)[0]
            places = _placed(places, chance, offsets, profile)
        # a number just below 1 times the edge can be rounded to the edge itself
        positions = np.minimum(size[:, None] * places, np.nextafter(size, 0.0)[:, None])
    mean = None
    if polarity is not None:
        check_mean_directions(polarity, model.number_of_species, size.size)
        mean = _at(positions / size[:, None], offsets, polarity)
    orientations = initial_directions(model, seed, offsets, mean)
    return Particles(positions, orientations, np.arange(count, dtype=np.int64), offsets, **how)


def _uniform(seed: int, dimension: int, count: int) -> Array:
    """Places in the unit box, shape (dimension, count)."""
    # the counter 1 belongs to the choice of cells
    pairs = [uniform_pairs(seed, Stream.INITIAL_POSITION, step, count) for step in (0, 2)]
    return np.concatenate(pairs)[:dimension]


def _check_profile(profile: Array, dimension: int, offsets: Integers) -> None:
    number = offsets.size - 1
    if profile.ndim != dimension + 1 or profile.shape[0] != number:
        axes = ", ".join(("nz", "ny", "nx")[-dimension:])
        raise InputError(f"the density profile has shape {profile.shape}, not ({number}, {axes})")
    if not np.all(np.isfinite(profile)) or np.any(profile < 0.0):
        raise InputError("the density profile must be finite and not negative")
    for s, cells in enumerate(profile):
        if not np.any(cells) and offsets[s + 1] > offsets[s]:
            raise InputError(f"the density profile of species number {s + 1} is zero everywhere, but there are particles of it")


def _placed(inside: Array, chance: Array, offsets: Integers, profile: Array) -> Array:
    """Places in the unit box: a cell by its share of the profile, then uniform in it."""
    out = np.empty_like(inside)
    for s, cells in enumerate(profile.reshape(profile.shape[0], -1)):
        one = slice(int(offsets[s]), int(offsets[s + 1]))
        cumulative = np.cumsum(cells)
        # a cell of zero density is never chosen: its cumulative value equals that of the cell before
        chosen = np.minimum(np.searchsorted(cumulative, chance[one] * cumulative[-1], side="right"), cells.size - 1)
        corner = np.unravel_index(chosen, profile.shape[1:])[::-1]
        for axis, cells_along in enumerate(profile.shape[:0:-1]):
            out[axis, one] = (corner[axis] + inside[axis, one]) / cells_along
    return out


def _at(places: Array, offsets: Integers, cells: Array) -> Array:
    """What the cells hold in which particles are, shape (component, particle), of cells (species, component, [z,] [y,] x)."""
    shape = cells.shape[:1:-1]
    index = tuple(np.minimum((place * n).astype(np.intp), n - 1) for place, n in zip(places, shape, strict=True))[::-1]
    out = np.empty((cells.shape[1], places.shape[1]))
    for s, components in enumerate(cells):
        one = slice(int(offsets[s]), int(offsets[s + 1]))
        out[:, one] = components[(slice(None), *(i[one] for i in index))]
    return out
