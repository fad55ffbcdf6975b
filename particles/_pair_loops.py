"""Compiled sums of a kernel over the neighbours of every particle, in one, two and three dimensions.

Particles are sorted by cells. The cells of a *line* along x lie one after the other in storage, so that the neighbours in a
line are a single run. Lines side by side make a plane, planes the box; each of the loops below hands on what is left of the
squared support.
"""

import math
from typing import Any

import numba
import numpy as np

from particles._order_loops import cell_of, stride_for, task
from theory._loops import add_in_any_order, multiply_add, short_exp2
from theory.compiling import inlined, loop, parallel_loop

BUMP, LINEAR, GAUSSIAN, EXPONENTIAL = 0, 1, 2, 3
# particles that positions are padded by, as loops run over whole vectors
PADDING = 8
_VECTOR = np.uint64(PADDING)
_BLOCK = 256
_LOG2_E = 1.4426950408889634


@inlined
def _kernel(shape: int, limit: float, t: float) -> float:
    """A kernel's shape at the squared distance t, in units of the range; a constant ``shape`` leaves one of the lines."""
    if shape == BUMP:
        # at and beyond the range 2^-1000 is left, which is nothing
        return short_exp2(max(-_LOG2_E / max(1.0 - t, 1e-3), -1000.0))  # type: ignore[no-any-return]
    if shape == LINEAR:
        return max(1.0 - math.sqrt(t), 0.0)
    return short_exp2(-_LOG2_E * (0.5 * t if shape == GAUSSIAN else math.sqrt(t))) if t < limit else 0.0


@inlined
def _sum_of(shape: int, limit: float, scale: float, start: int, stop: int, place: Any, positions: Any) -> float:
    """Sum over whole vectors of the processor, of which what lies beyond the end counts nothing: there is no rest to add up."""
    total, count = 0.0, numba.uint64(stop - start)
    for j in range((count + _VECTOR - numba.uint64(1)) // _VECTOR * _VECTOR):
        squared = 0.0
        for axis in range(len(place)):
            gap = positions[axis, numba.uint64(start) + j] - place[axis]
            squared = multiply_add(gap, gap, squared)
        term = _kernel(shape, limit, squared * scale)
        total = add_in_any_order(total, term if j < count else 0.0)
    return total


@loop
def _sum_run(kernel: Any, start: int, stop: int, place: Any, positions: Any) -> float:
    """Sum over the particles ``start`` to ``stop``, seen from ``place``; each shape has a loop of its own."""
    shape, limit, scale, _ = kernel
    if shape == BUMP:
        return _sum_of(BUMP, limit, scale, start, stop, place, positions)
    if shape == LINEAR:
        return _sum_of(LINEAR, limit, scale, start, stop, place, positions)
    if shape == GAUSSIAN:
        return _sum_of(GAUSSIAN, limit, scale, start, stop, place, positions)
    return _sum_of(EXPONENTIAL, limit, scale, start, stop, place, positions)


@loop
def at_zero(kernel: Any) -> float:
    """What a particle adds to the sum at its own place."""
    shape, limit, _, factor = kernel
    return factor * _kernel(shape, limit, 0.0)  # type: ignore[no-any-return]


@inlined
def _sum_line(kernel: Any, cells: Any, line: int, squared: float, place: Any, positions: Any) -> float:
    """Sum over a line, within the squared distance that is left along it."""
    size, shape, starts = cells
    columns = shape[len(shape) - 1]
    per_length = columns / size[0]
    half = math.sqrt(squared)
    left = numba.int64(math.floor((place[0] - half) * per_length))
    right = numba.int64(math.floor((place[0] + half) * per_length))
    total = 0.0
    # the box itself, and its images across the edges where the chord crosses one
    for image in range(-1 if left < 0 else 0, 2 if right >= columns else 1):
        first = starts[numba.uint64(line * columns + max(left - image * columns, 0))]
        last = starts[numba.uint64(line * columns + min(right - image * columns, columns - 1) + 1)]
        total += _sum_run(kernel, first, last, (place[0] - image * size[0], *place[1:]), positions)
    return total


@inlined
def _neighbour(n: int, count: int, edge: float, coordinate: float) -> tuple[int, float, float]:
    """A layer across a periodic axis: its number, the coordinate as seen from it, and its distance from there."""
    thickness = edge / count
    distance = max(n * thickness - coordinate, coordinate - (n + 1) * thickness, 0.0)
    if n < 0:
        return n + count, coordinate + edge, distance
    if n >= count:
        return n - count, coordinate - edge, distance
    return n, coordinate, distance


@inlined
def _sum_plane(kernel: Any, cells: Any, plane: int, squared: float, place: Any, positions: Any) -> float:
    """Sum over the lines of a plane, side by side along y."""
    size, shape, _ = cells
    rows = shape[len(shape) - 2]
    middle, reach = cell_of(place[1], rows / size[1], rows), numba.int64(math.ceil(math.sqrt(squared) * rows / size[1]))
    total = 0.0
    for n in range(middle - reach, middle + reach + 1):
        row, y, distance = _neighbour(n, rows, size[1], place[1])
        left = squared - distance * distance
        if left > 0.0:
            total += _sum_line(kernel, cells, plane * rows + row, left, (place[0], y, *place[2:]), positions)
    return total


@inlined
def _sum_box(kernel: Any, cells: Any, squared: float, place: Any, positions: Any) -> float:
    """Sum over the planes of the box, side by side along z."""
    size, shape, _ = cells
    planes = shape[0]
    middle, reach = cell_of(place[2], planes / size[2], planes), numba.int64(math.ceil(math.sqrt(squared) * planes / size[2]))
    total = 0.0
    for n in range(middle - reach, middle + reach + 1):
        plane, z, distance = _neighbour(n, planes, size[2], place[2])
        left = squared - distance * distance
        if left > 0.0:
            total += _sum_plane(kernel, cells, plane, left, (place[0], place[1], z), positions)
    return total


@loop
def _sum_block(
    start: int,
    stop: int,
    kernel: Any,
    squared: float,
    size: Any,
    shape: Any,
    starts: Any,
    positions: Any,
    numbers: Any,
    values: Any,
) -> None:
    cells = size, shape, starts
    for i in range(numba.uint64(start), numba.uint64(stop)):
        if len(shape) == 1:
            total = _sum_line(kernel, cells, 0, squared, (positions[0, i],), positions)
        elif len(shape) == 2:
            total = _sum_plane(kernel, cells, 0, squared, (positions[0, i], positions[1, i]), positions)
        else:
            total = _sum_box(kernel, cells, squared, (positions[0, i], positions[1, i], positions[2, i]), positions)
        values[numbers[i]] = kernel[3] * total


@parallel_loop
def sum_neighbours(
    first: int, last: int, kernel: Any, squared: float, cells: Any, positions: Any, numbers: Any, values: Any
) -> None:
    """A kernel summed over all particles of a source species, at the particles ``first`` to ``last`` of an observer species.

    ``kernel`` is (shape, largest squared distance, 1 over the squared range, factor), both distances in units of the range;
    ``squared`` the squared support, which is at most half of each edge, so that a pair meets at most once; ``cells`` (edges of
    the box (x, y, z), numbers of cells (z, y, x), where the cells of the source begin). The sum of particle i is written to
    ``values[numbers[i]]``.
    """
    size, shape, starts = cells
    blocks = (last - first + _BLOCK - 1) // _BLOCK
    stride = stride_for(max(blocks, 1))
    for n in numba.prange(blocks):
        _, block = task(n, 1, blocks, stride)
        start = first + block * _BLOCK
        _sum_block(start, min(start + _BLOCK, last), kernel, squared, size, shape, starts, positions, numbers, values)
