"""Compiled insertion of particles one after the other, none too near to another."""

from typing import Any

import numpy as np

from particles._order_loops import cell_of
from theory._loops import random_bits, uniform
from theory.compiling import loop
from theory.counter_random import Stream

_POSITION = np.uint64(Stream.INITIAL_POSITION)
# attempts are counted above the counters of places that are not asked to keep a distance
_FIRST = np.uint64(2**32)


@loop
def _draw(seed: int, particle: int, attempt: int, size: Any, cumulative: Any, shape: Any, place: Any) -> None:
    """A place: a cell by its share of the profile, then uniform in it."""
    drawn = _FIRST + np.uint64(3) * np.uint64(attempt)
    bits, more = random_bits(seed, _POSITION, particle, drawn), random_bits(seed, _POSITION, particle, drawn + np.uint64(1))
    inside = (uniform(bits[0]), uniform(bits[1]), uniform(more[0]))
    cell = np.searchsorted(cumulative, uniform(more[1]) * cumulative[-1], side="right")
    for axis in range(size.size):
        along = shape[shape.size - 1 - axis]
        place[axis] = min(size[axis] * ((cell % along) + inside[axis]) / along, np.nextafter(size[axis], 0.0))
        cell //= along


@loop
def _is_free(squared: float, size: Any, cells: Any, reach: int, place: Any, held: Any, positions: Any) -> bool:
    """Whether no particle lies nearer; ``held`` (cell,) holds the particle in each cell, or -1."""
    d = size.size
    width = 2 * reach + 1
    for n in range(width**d):
        rest, cell = n, 0
        for axis in range(d - 1, -1, -1):
            along = cell_of(place[axis], cells[axis] / size[axis], cells[axis]) + rest % width - reach
            cell = cell * cells[axis] + along % cells[axis]
            rest //= width
        other = held[cell]
        if other < 0:
            continue
        distance = 0.0
        for axis in range(d):
            gap = abs(positions[axis, other] - place[axis])
            gap = min(gap, size[axis] - gap)
            distance += gap * gap
        if distance < squared:
            return False
    return True


@loop
def insert(
    seed: int, attempts: int, distance: float, offsets: Any, size: Any, cells: Any, profile: Any, held: Any, positions: Any
) -> int:
    """Insert all particles, in the order of their numbers; returns how many found a place.

    ``cells`` (axis,) are so many that each holds one particle at most; ``held`` (cell,) is -1 everywhere. The profile is its
    shape ([z,] [y,] x) and, added up, its values (species, cell of the profile).
    """
    place, (shape, cumulative) = np.empty(size.size), profile
    reach = int(np.ceil(np.max(distance * cells / size)))
    for species in range(offsets.size - 1):
        for particle in range(offsets[species], offsets[species + 1]):
            found = False
            for attempt in range(attempts):
                _draw(seed, particle, attempt, size, cumulative[species], shape, place)
                if _is_free(distance * distance, size, cells, reach, place, held, positions):
                    found = True
                    break
            if not found:
                return particle
            cell = 0
            for axis in range(size.size - 1, -1, -1):
                cell = cell * cells[axis] + cell_of(place[axis], cells[axis] / size[axis], cells[axis])
                positions[axis, particle] = place[axis]
            held[cell] = particle
    return offsets[-1]  # type: ignore[no-any-return]
