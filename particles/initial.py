"""The particles' stationary initial state."""

from typing import Any

import numpy as np

from particles.separation import separated_positions
from particles.state import Particles
from theory.arrays import Array, Integers
from theory.counter_random import Stream, normal_pairs, uniform_pairs
from theory.errors import InputError
from theory.model import Model


def initial_particles(
    model: Model,
    size: Array,
    densities: Array,
    seed: int,
    profile: Array | None = None,
    minimum_distance: float = 0.0,
    **how: Any,
) -> Particles:
    """Particles with directions of the stationary law, independent of each other but for a least distance.

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
    **how
        Passed on to :class:`particles.state.Particles`.

    Raises
    ------
    InputError
        There would be no particle at all, the profile is none, or there is not enough room.
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
    orientations = _directions(model, seed, offsets)
    return Particles(positions, orientations, np.arange(count, dtype=np.int64), offsets, **how)


def _uniform(seed: int, dimension: int, count: int) -> Array:
    """Places in the unit box, shape (dimension, count)."""
    # the counter 1 belongs to the choice of cells
    pairs = [uniform_pairs(seed, Stream.INITIAL_POSITION, step, count) for step in (0, 2)]
    return np.concatenate(pairs)[:dimension]


def _directions(model: Model, seed: int, offsets: Integers) -> Array:
    """Directions of the stationary laws, shape (dimension, particle)."""
    d, count = model.dimension, int(offsets[-1])
    first, second = uniform_pairs(seed, Stream.INITIAL_ORIENTATION, 0, count)
    angles = 2.0 * np.pi * first
    if d == 1:
        directions = np.where(first < 0.5, 1.0, -1.0)[None]
    elif d == 2:
        directions = np.stack([np.cos(angles), np.sin(angles)])
    else:
        z = 2.0 * second - 1.0
        directions = np.stack([np.sqrt(1.0 - z**2) * np.cos(angles), np.sqrt(1.0 - z**2) * np.sin(angles), z])
    vectors = np.concatenate([normal_pairs(seed, Stream.INITIAL_ORIENTATION, step, count) for step in (0, 1)])[:d]
    for n, species in enumerate(model.species):
        if species.motion.aoup:
            one = slice(int(offsets[n]), int(offsets[n + 1]))
            directions[:, one] = vectors[:, one] / np.sqrt(d)
    return directions


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
