"""Compiled loops that keep the storage of particles sorted, in one, two and three dimensions.

Species lie one after the other in storage, each sorted by cells in array order: slabs of cells across the outermost axis
(z, y or x), in them rows, in these cells. A *strip* is the run of particles of one species that were last sorted into a group
of slabs: ``strips[species, n]`` to ``strips[species, n + 1]``. Strips do not depend on the number of threads, and each belongs
to one thread at a time: hence neither does any result.
Lengths of tuples are known to the compiler, which unrolls loops over them: one text serves all dimensions.
Indices are unsigned where they may be: a signed one may be negative to the compiler, which costs the vectorisation of a loop.
"""

import math
from typing import Any

import numba
import numpy as np

from theory.compiling import inlined, loop, parallel_loop

# particles whose places are worked out before their values are moved
_BLOCK = 1024


@inlined
def cell_of(coordinate: float, cells_per_length: float, cells: int) -> int:
    """Cell that holds a coordinate of [0, edge); rounding does not lead beyond the last one."""
    return min(numba.int64(coordinate * cells_per_length), cells - 1)  # type: ignore[no-any-return]


@inlined
def cell_at(particle: int, cells_per_length: Any, shape: Any, positions: Any) -> int:
    """Number, in array order, of the cell that holds a particle; ``cells_per_length`` (x, y, z), ``shape`` (z, y, x)."""
    cell = 0
    for n in range(len(shape)):
        axis = len(shape) - 1 - n
        cell = cell * shape[n] + cell_of(positions[axis, particle], cells_per_length[axis], shape[n])
    return numba.uint64(cell)  # type: ignore[no-any-return]


@loop
def stride_for(strips: int) -> int:
    """Stride, near the golden section, by which all strips are visited in an order that scatters them."""
    stride = max(1, int(0.618 * strips))
    while math.gcd(stride, strips) != 1:
        stride += 1
    return stride


@inlined
def task(n: int, number_of_species: int, strips: int, stride: int) -> tuple[int, int]:
    """Species and strip of a task.

    A thread gets a range of tasks. They alternate between species and are scattered over the box, so that threads have equal
    work in unequal mixtures and with dense regions.
    """
    return n % number_of_species, n // number_of_species * stride % strips


@loop
def _count(start: int, stop: int, cells_per_length: Any, shape: Any, positions: Any, counts: Any) -> None:
    counts[:] = 0
    for i in range(numba.uint64(start), numba.uint64(stop)):
        counts[cell_at(i, cells_per_length, shape, positions)] += 1


@parallel_loop
def count_cells(blocks: Any, cells_per_length: Any, shape: Any, positions: Any, counts: Any) -> None:
    """Particles per cell, for each block of storage: ``counts`` (block, cell)."""
    for n in numba.prange(blocks.shape[0]):
        _count(blocks[n, 0], blocks[n, 1], cells_per_length, shape, positions, counts[n])


@loop
def places_of_cells(start: int, counts: Any, starts: Any) -> None:
    """Turn one species' counts (block, cell) into places in storage; ``starts`` (cell + 1,) receives those of the cells."""
    place = start
    for cell in range(counts.shape[1]):
        starts[cell] = place
        for n in range(counts.shape[0]):
            held = counts[n, cell]
            counts[n, cell] = place
            place += held
    starts[counts.shape[1]] = place


@loop
def _scatter(places: Any, old: Any, new: Any) -> None:
    for i in range(places.size):
        new[places[i]] = old[i]


@loop
def _move(
    start: int,
    stop: int,
    cells_per_length: Any,
    shape: Any,
    positions: Any,
    old: tuple[Any, Any],
    counts: Any,
    new: tuple[Any, Any],
) -> None:
    places = np.empty(_BLOCK, dtype=np.uint64)
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        for i in range(numba.uint64(first), numba.uint64(last)):
            cell = cell_at(i, cells_per_length, shape, positions)
            places[i - numba.uint64(first)] = counts[cell]
            counts[cell] += 1
        held = places[: last - first]
        for row in range(old[0].shape[0]):
            _scatter(held, old[0][row, first:last], new[0][row])
        _scatter(held, old[1][first:last], new[1])


@parallel_loop
def move_to_places(
    blocks: Any, cells_per_length: Any, shape: Any, positions: Any, old: tuple[Any, Any], counts: Any, new: tuple[Any, Any]
) -> None:
    """Move particles, (rows of values, numbers), to their places, in order: a stable sort by the cells of ``positions``."""
    for n in numba.prange(blocks.shape[0]):
        _move(blocks[n, 0], blocks[n, 1], cells_per_length, shape, positions, old, counts[n], new)


@loop
def _strays(slabs_per_length: float, slabs: int, first: int, thickness: int, margin: int, coordinates: Any) -> int:
    found = 0
    for i in range(coordinates.size):
        # slabs above the lowest one that the strip allows, across the periodic boundary
        above = cell_of(coordinates[i], slabs_per_length, slabs) - first + margin
        above = above + slabs if above < 0 else above
        above = above - slabs if above >= slabs else above
        found += 1 if above >= thickness + 2 * margin else 0
    return found


@parallel_loop
def strays(strips: Any, first_slabs: Any, margin: int, slabs_per_length: float, slabs: int, coordinates: Any) -> int:
    """Number of particles more than ``margin`` slabs outside of the slabs of their strip, by their outermost coordinates."""
    found = 0
    number_of_strips = strips.shape[1] - 1
    stride = stride_for(number_of_strips)
    for n in numba.prange(strips.shape[0] * number_of_strips):
        species, strip = task(n, strips.shape[0], number_of_strips, stride)
        held = coordinates[strips[species, strip] : strips[species, strip + 1]]
        first = first_slabs[strip]
        found += _strays(slabs_per_length, slabs, first, first_slabs[strip + 1] - first, margin, held)
    return found
