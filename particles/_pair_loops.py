"""Compiled sums of a kernel over the neighbours of every particle.

A kernel is a table that is linear in the squared distance or in the distance: ``values[k] + slopes[k]*t`` for k <= t < k + 1,
zero in its last entry. The cells of a row lie one after the other in storage, so that the neighbours in a row are a single run.
"""

import math
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from particles._order_loops import stride_for, task
from theory.compiling import inlined, loop, parallel_loop


@intrinsic  # type: ignore[untyped-decorator]
def _add_in_any_order(typing_context: Any, total: Any, term: Any) -> Any:
    """Sum whose order the compiler chooses, once, when it compiles: without that leave the loop is not vectorised."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Instruction:
        return builder.fadd(arguments[0], arguments[1], flags=("reassoc", "nsz"))

    return types.float64(types.float64, types.float64), generate


@inlined
def _sum_run(start: int, stop: int, x0: float, y0: float, table: Any, x: Any, y: Any) -> float:
    scale, cusp, values, slopes = table
    end = numba.float64(values.size - 1)
    total = 0.0
    for i in range(numba.uint64(start), numba.uint64(stop)):
        dx, dy = x[i] - x0, y[i] - y0
        t = dx * dx + dy * dy
        if cusp is not None:
            t = math.sqrt(t)
        t = min(t * scale, end)
        k = numba.uint32(numba.int32(t))
        total = _add_in_any_order(total, values[k] + slopes[k] * t)
    return total


@loop
def _sum_row(
    start: int, stop: int, row: int, size: Any, shape: Any, starts: Any, support: float, table: Any, x: Any, y: Any, sensed: Any
) -> None:
    """Sums for the particles ``start`` to ``stop`` of one row of cells."""
    rows, columns = shape
    edge_x, edge_y = size
    height = edge_y / rows
    columns_per_length = columns / edge_x
    reach = numba.int64(math.ceil(support / height))
    sensed[:] = 0.0
    for other in range(row - reach, row + reach + 1):
        bottom = other * height
        wrapped, shift = other, 0.0
        if other < 0:
            wrapped, shift = other + rows, edge_y
        elif other >= rows:
            wrapped, shift = other - rows, -edge_y
        base = wrapped * columns
        for i in range(numba.uint64(start), numba.uint64(stop)):
            gap = max(bottom - y[i], y[i] - bottom - height, 0.0)
            chord = support * support - gap * gap
            if chord <= 0.0:
                continue
            half = math.sqrt(chord)
            left = numba.int64(np.floor((x[i] - half) * columns_per_length))
            right = numba.int64(np.floor((x[i] + half) * columns_per_length))
            total = 0.0
            # the box itself, and its images across the edges where the chord crosses one
            for image in range(-1 if left < 0 else 0, 2 if right >= columns else 1):
                a = starts[base + max(left - image * columns, 0)]
                b = starts[base + min(right - image * columns, columns - 1) + 1]
                total += _sum_run(a, b, x[i] - image * edge_x, y[i] + shift, table, x, y)
            sensed[i - numba.uint64(start)] += total


@parallel_loop
def sum_neighbours(
    observer_starts: Any, size: Any, shape: Any, starts: Any, support: float, table: Any, positions: Any, sensed: Any
) -> None:
    """Kernel summed over all particles of a source species, at the particles of an observer species.

    ``observer_starts`` and ``starts`` (cell + 1,) are the places in storage of the two species' cells. The support is at most
    half of each edge, so that a pair meets at most once.
    """
    columns = shape[1]
    origin = observer_starts[0]
    stride = stride_for(shape[0])
    for n in numba.prange(shape[0]):
        _, row = task(n, 1, shape[0], stride)
        start, stop = observer_starts[row * columns], observer_starts[(row + 1) * columns]
        sums = sensed[start - origin : stop - origin]
        _sum_row(start, stop, row, size, shape, starts, support, table, positions[0], positions[1], sums)
