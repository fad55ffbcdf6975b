"""Compiled loops that keep the storage of particles sorted.

Species lie one after the other in storage, each sorted by cells, row of cells by row of cells. A *strip* is the run of
particles of one species that were last sorted into a group of rows: ``strips[species, n]`` to ``strips[species, n + 1]``.
Strips do not depend on the number of threads, and each belongs to one thread at a time: hence neither does any result.
Indices are unsigned where they may be: a signed one may be negative to the compiler, which costs the vectorisation of a loop.
"""

import math
from typing import Any

import numba

from theory.compiling import inlined, loop, parallel_loop


@inlined
def cell_of(coordinate: float, cells_per_length: float, cells: int) -> int:
    """Cell that holds a coordinate of [0, edge); rounding does not lead beyond the last one."""
    return min(numba.int64(coordinate * cells_per_length), cells - 1)  # type: ignore[no-any-return]


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
def _count(cells_per_length: Any, shape: Any, x: Any, y: Any, counts: Any) -> None:
    counts[:] = 0
    for i in range(x.size):
        row = cell_of(y[i], cells_per_length[1], shape[0])
        column = cell_of(x[i], cells_per_length[0], shape[1])
        counts[numba.uint64(row * shape[1] + column)] += 1


@parallel_loop
def count_cells(blocks: Any, cells_per_length: Any, shape: Any, positions: Any, counts: Any) -> None:
    """Particles per cell, for each block of storage: ``counts`` (block, cell)."""
    for n in numba.prange(blocks.shape[0]):
        start, stop = blocks[n]
        _count(cells_per_length, shape, positions[0, start:stop], positions[1, start:stop], counts[n])


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
def _move(
    start: int,
    stop: int,
    cells_per_length: Any,
    shape: Any,
    old: tuple[Any, Any, Any],
    places: Any,
    new: tuple[Any, Any, Any],
) -> None:
    positions, orientations, identities = old
    new_positions, new_orientations, new_identities = new
    for i in range(numba.uint64(start), numba.uint64(stop)):
        row = cell_of(positions[1, i], cells_per_length[1], shape[0])
        column = cell_of(positions[0, i], cells_per_length[0], shape[1])
        cell = numba.uint64(row * shape[1] + column)
        place = numba.uint64(places[cell])
        places[cell] += 1
        for axis in range(positions.shape[0]):
            new_positions[axis, place] = positions[axis, i]
            new_orientations[axis, place] = orientations[axis, i]
        new_identities[place] = identities[i]


@parallel_loop
def move_to_places(
    blocks: Any,
    cells_per_length: Any,
    shape: Any,
    old: tuple[Any, Any, Any],
    places: Any,
    new: tuple[Any, Any, Any],
) -> None:
    """Move particles (positions, orientations, identities) to their places, in order: a stable sort by cell."""
    for n in numba.prange(blocks.shape[0]):
        _move(blocks[n, 0], blocks[n, 1], cells_per_length, shape, old, places[n], new)


@loop
def _strays(rows_per_length: float, rows: int, first: int, height: int, margin: int, y: Any) -> int:
    found = 0
    for i in range(y.size):
        # rows above the lowest one that the strip allows, across the periodic boundary
        above = cell_of(y[i], rows_per_length, rows) - first + margin
        above = above + rows if above < 0 else above
        above = above - rows if above >= rows else above
        found += 1 if above >= height + 2 * margin else 0
    return found


@parallel_loop
def strays(strips: Any, first_rows: Any, margin: int, rows_per_length: float, rows: int, positions: Any) -> int:
    """Number of particles more than ``margin`` rows outside of the rows of their strip."""
    found = 0
    number_of_strips = strips.shape[1] - 1
    stride = stride_for(number_of_strips)
    for n in numba.prange(strips.shape[0] * number_of_strips):
        species, strip = task(n, strips.shape[0], number_of_strips, stride)
        y = positions[1, strips[species, strip] : strips[species, strip + 1]]
        first = first_rows[strip]
        found += _strays(rows_per_length, rows, first, first_rows[strip + 1] - first, margin, y)
    return found
