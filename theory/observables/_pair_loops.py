"""Compiled loops over the pairs of particles that are closer than a reach.

Particles are sorted by cells of at least the reach, in three dimensions: a box of fewer has a single cell along the others.
``particles`` is (size (3,), shape (3,), starts (cell + 1,), cells (particle,), positions (3, particle)). Every pair is met
once. Each of a number of blocks takes every so many-th particle and has an output of its own: whole numbers may be added up in
any order, and where numbers are real the blocks do not depend on the threads, so that neither does any result.
"""

import math
from typing import Any

import numba
import numpy as np

from theory.compiling import inlined, loop, parallel_loop

_NEIGHBOURS = 27


@inlined
def _along(cell: int, step: int, cells: int) -> int:
    """Number ``step`` (0 to 2) of the cells around a cell along one axis, each once; -1 if there are fewer."""
    if cells > 2:
        return (cell + step + cells - 1) % cells
    return step if step < cells else -1


@inlined
def _neighbour(cell: int, n: int, shape: Any) -> int:
    """Number ``n`` (0 to 26) of the cells around a cell and the cell itself, each once; -1 if there are fewer."""
    x = _along(cell % shape[0], n % 3, shape[0])
    y = _along(cell // shape[0] % shape[1], n // 3 % 3, shape[1])
    z = _along(cell // (shape[0] * shape[1]), n // 9, shape[2])
    return (z * shape[1] + y) * shape[0] + x if min(x, y, z) >= 0 else -1


@inlined
def _partners(i: Any, n: int, particles: Any) -> tuple[Any, Any]:
    """Particles of the n-th cell around that of particle i which come after i in the order of storage."""
    _, shape, starts, cells, _ = particles
    other = _neighbour(cells[i], n, shape)
    if other < 0:
        return numba.uint64(0), numba.uint64(0)
    return numba.uint64(max(starts[other], numba.int64(i) + 1)), numba.uint64(starts[other + 1])


@inlined
def _nearest(separation: float, edge: float) -> float:
    """The shortest of a separation's images along one axis."""
    # reciprocals of edges are taken out of the loops by the compiler
    return float(separation - edge * np.rint(separation * (1.0 / edge)))


@inlined
def _bin_of_turn(turns: float, bins: int) -> int:
    """Bin of an angle (in turns) among bins of [-1/2, 1/2)."""
    shifted = turns + 0.5
    return min(int((shifted - math.floor(shifted)) * bins), bins - 1)


@loop
def sort_into_cells(cells: Any, starts: Any, order: Any) -> None:
    """Counting sort of particles by their cells: ``starts`` (cell + 1,) and ``order`` (particle,)."""
    starts[:] = 0
    for cell in cells:
        starts[cell + 1] += 1
    for n in range(1, starts.size):
        starts[n] += starts[n - 1]
    filled = starts[:-1].copy()
    for i in range(cells.size):
        order[filled[cells[i]]] = i
        filled[cells[i]] += 1


@inlined
def _squared_distance(i: Any, j: Any, size: Any, positions: Any) -> float:
    x = _nearest(positions[0, j] - positions[0, i], size[0])
    y = _nearest(positions[1, j] - positions[1, i], size[1])
    z = _nearest(positions[2, j] - positions[2, i], size[2])
    return x * x + y * y + z * z


@parallel_loop
def count_distances(particles: Any, reach: float, species: Any, counts: Any) -> None:
    """Ordered pairs by species and distance: ``counts`` (block, species, species, bin)."""
    blocks, bins = counts.shape[0], counts.shape[3]
    size, positions = particles[0], particles[4]
    for block in numba.prange(blocks):
        own = counts[block]
        for i in range(numba.uint64(block), numba.uint64(species.size), numba.uint64(blocks)):
            for n in range(_NEIGHBOURS):
                first, stop = _partners(i, n, particles)
                for j in range(first, stop):
                    squared = _squared_distance(i, j, size, positions)
                    if squared < reach * reach:
                        k = min(int(math.sqrt(squared) * (bins / reach)), bins - 1)
                        own[species[i], species[j], k] += 1
                        own[species[j], species[i], k] += 1


@parallel_loop
def count_relative(particles: Any, reach: float, turns: Any, species: Any, counts: Any) -> None:
    """Ordered pairs of two dimensions as seen from the first: ``counts`` (block, species, species, r bin, phi bin, theta bin).

    ``turns`` are the directions of the particles, in turns.
    """
    blocks, bins, places, directions = counts.shape[0], counts.shape[3], counts.shape[4], counts.shape[5]
    size, positions = particles[0], particles[4]
    for block in numba.prange(blocks):
        own = counts[block]
        for i in range(numba.uint64(block), numba.uint64(species.size), numba.uint64(blocks)):
            for n in range(_NEIGHBOURS):
                first, stop = _partners(i, n, particles)
                for j in range(first, stop):
                    squared = _squared_distance(i, j, size, positions)
                    if squared < reach * reach:
                        k = min(int(math.sqrt(squared) * (bins / reach)), bins - 1)
                        x = _nearest(positions[0, j] - positions[0, i], size[0])
                        y = _nearest(positions[1, j] - positions[1, i], size[1])
                        seen = math.atan2(y, x) / (2.0 * math.pi)
                        turn = turns[j] - turns[i]
                        place, direction = _bin_of_turn(seen - turns[i], places), _bin_of_turn(turn, directions)
                        own[species[i], species[j], k, place, direction] += 1
                        place, direction = _bin_of_turn(seen + 0.5 - turns[j], places), _bin_of_turn(-turn, directions)
                        own[species[j], species[i], k, place, direction] += 1


@parallel_loop
def sum_products(particles: Any, reach: float, values: Any, counts: Any, sums: Any) -> None:
    """Pairs and sums of the products of their values (component, particle) by distance, each (block, bin)."""
    blocks, bins = sums.shape
    size, positions = particles[0], particles[4]
    for block in numba.prange(blocks):
        for i in range(numba.uint64(block), numba.uint64(values.shape[1]), numba.uint64(blocks)):
            for n in range(_NEIGHBOURS):
                first, stop = _partners(i, n, particles)
                for j in range(first, stop):
                    squared = _squared_distance(i, j, size, positions)
                    if squared < reach * reach:
                        k = min(int(math.sqrt(squared) * (bins / reach)), bins - 1)
                        product = 0.0
                        for c in range(values.shape[0]):
                            product += values[c, i] * values[c, j]
                        counts[block, k] += 1
                        sums[block, k] += product
