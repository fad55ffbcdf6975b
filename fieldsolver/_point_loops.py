"""Compiled loops over the points of a block of rows; serial, for one block each.

``rows`` (array, point) are the fields of one block, in the work array of one thread; ``kept`` (array, point) are fields of the
whole grid, of which the block begins at the point ``start``.
"""

import math
from typing import Any

from numba import float64

from theory._loops import add_in_any_order, larger, normal_pair, random_bits, smaller
from theory.compiling import inlined, loop

# points whose rows stay in the first-level cache while a table of terms is worked through
CHUNK = 512

# how much longer than its density a polarity is, squared, if not by round-off
LONGER = (1.0 + 1e-9) ** 2


@loop
def combine(table: Any, coefficients: Any, start: int, count: int, kept: Any, rows: Any) -> None:
    """Lines (out, x, y, add) in order: rows[out] (+)= coefficient x y.

    A factor numbered n >= 0 is ``rows[n]``, -1 is one, and below that ``kept[-2 - n]``.
    """
    for low in range(0, count, CHUNK):
        high = min(low + CHUNK, count)
        for e in range(table.shape[0]):
            target, one, other, add = table[e]
            out = rows[target, low:high]
            x = rows[one, low:high] if one >= 0 else kept[-2 - one, start + low : start + high]
            if other == -1:
                _scale(coefficients[e], x, add, out)
            elif other == target:
                _multiply_in_place(coefficients[e], x, out)
            else:
                y = rows[other, low:high] if other >= 0 else kept[-2 - other, start + low : start + high]
                _multiply(coefficients[e], x, y, add, out)


@inlined
def _scale(coefficient: Any, x: Any, add: int, out: Any) -> None:
    if add:
        for i in range(out.shape[0]):
            out[i] += coefficient * x[i]
    else:
        for i in range(out.shape[0]):
            out[i] = coefficient * x[i]


@inlined
def _multiply_in_place(coefficient: Any, x: Any, out: Any) -> None:
    # an array that is read and written under two names keeps the compiler from vectorising
    for i in range(out.shape[0]):
        out[i] *= coefficient * x[i]


@inlined
def _multiply(coefficient: Any, x: Any, y: Any, add: int, out: Any) -> None:
    if add:
        for i in range(out.shape[0]):
            out[i] += coefficient * x[i] * y[i]
    else:
        for i in range(out.shape[0]):
            out[i] = coefficient * x[i] * y[i]


@loop
def keep(index: Any, target: int, start: int, count: int, rows: Any, kept: Any) -> None:
    """Store the rows ``index`` as the arrays ``target`` and on."""
    for n in range(index.shape[0]):
        for i in range(count):
            kept[target + n, start + i] = rows[index[n], i]


@loop
def slow_down(losses: Any, sources: Any, species: int, start: int, count: int, rows: Any, kept: Any) -> None:
    """Take loss x density of every source from the speed of a species, kept[species]; ``sources`` are rows of densities."""
    for n in range(losses.shape[0]):
        for i in range(count):
            kept[species, start + i] -= losses[n] * rows[sources[n], i]


@loop
def survey(species: int, density: int, start: int, count: int, kept: Any, rows: Any, report: Any) -> None:
    """Report lowest and highest density, slowest and fastest speed, the sum of v rho, and the number of cells with rho < 0.

    Where there is a NaN the extremes and the sum are NaN.
    """
    lowest, highest, slowest, fastest = math.inf, -math.inf, math.inf, -math.inf
    flow, negative = 0.0, 0.0
    speed, rho = kept[species, start : start + count], rows[density, :count]
    for i in range(count):
        v, value = float64(speed[i]), float64(rho[i])
        lowest, highest = smaller(lowest, value), larger(highest, value)
        slowest, fastest = smaller(slowest, v), larger(fastest, v)
        flow = add_in_any_order(flow, v * value)
        negative = add_in_any_order(negative, 1.0 if value < 0.0 else 0.0)
    report[0], report[1], report[2], report[3] = lowest, highest, slowest, fastest
    report[4], report[5] = flow, negative


@loop
def summarise(reports: Any, out: Any) -> None:
    """Reports of all blocks (block, species, 6) as one (species, 6): extremes of extremes, sums of sums, in a fixed order."""
    for s in range(out.shape[0]):
        out[s] = reports[0, s]
        for block in range(1, reports.shape[0]):
            for n in range(0, 4, 2):
                out[s, n] = smaller(out[s, n], reports[block, s, n])
                out[s, n + 1] = larger(out[s, n + 1], reports[block, s, n + 1])
            for n in range(4, 6):
                out[s, n] += reports[block, s, n]


@loop
def polarisation(density: int, first: int, dimension: int, count: int, rows: Any, report: Any) -> None:
    """Cells whose polarity is longer than their density by more than round-off, which no distribution of directions has."""
    beyond = 0
    for i in range(count):
        square = 0.0
        for j in range(dimension):
            square += rows[first + j, i] * rows[first + j, i]
        beyond += 1 if square > LONGER * rows[density, i] * rows[density, i] else 0
    report[0] = beyond


@loop
def solve_closure(
    rates: Any, couplings: Any, densities: Any, unknowns: Any, start: int, count: int, kept: Any, rows: Any, matrix: Any
) -> float:  # fmt: skip
    """Solve  rate_m x_m - rho_m sum_n coupling_mn x_n = y_m  at every point, in place of y, by elimination.

    ``densities`` (species,) are arrays of ``kept``, ``unknowns`` (species, function) are rows, ``matrix`` (species, species,
    CHUNK) is room to work in. Returns the smallest pivot over the rate of its species.
    """
    species, functions = unknowns.shape
    smallest = math.inf
    for low in range(0, count, CHUNK):
        points = min(CHUNK, count - low)
        for m in range(species):
            rho = kept[densities[m], start + low : start + low + points]
            for n in range(species):
                _set_entry(rates[m] if m == n else 0.0, couplings[m, n], rho, matrix[m, n])
        for m in range(species):
            smallest = smaller(smallest, _invert(rates[m], points, matrix[m, m]))
            for n in range(m + 1, species):
                factor = matrix[n, m]
                _multiply_in_place(1.0, matrix[m, m], factor)
                for k in range(m + 1, species):
                    _subtract(factor, matrix[m, k], points, matrix[n, k])
                for f in range(functions):
                    _subtract(factor, rows[unknowns[m, f], low:], points, rows[unknowns[n, f], low:])
        for m in range(species - 1, -1, -1):
            for f in range(functions):
                value = rows[unknowns[m, f], low : low + points]
                for n in range(m + 1, species):
                    _subtract(matrix[m, n], rows[unknowns[n, f], low:], points, value)
                _multiply_in_place(1.0, matrix[m, m], value)
    return smallest


@inlined
def _set_entry(rate: Any, coupling: Any, rho: Any, out: Any) -> None:
    for i in range(rho.shape[0]):
        out[i] = rate - coupling * rho[i]


@inlined
def _invert(rate: Any, points: int, pivots: Any) -> Any:
    """Replace pivots by their inverses; the smallest of them over the rate, NaN if one is."""
    smallest = math.inf
    for i in range(points):
        smallest = smaller(smallest, pivots[i])
        pivots[i] = 1.0 / pivots[i]
    return smallest / rate


@inlined
def _subtract(factor: Any, x: Any, points: int, out: Any) -> None:
    for i in range(points):
        out[i] -= factor[i] * x[i]


@loop
def draw(
    seed: Any, stream: Any, step: Any, cells: int, densities: Any, speeds: Any, active: Any, passive: Any, start: int, count:
    int, kept: Any, rows: Any,
) -> None:  # fmt: skip
    """Rows of normal numbers of the variance (active v^2 + passive) max(rho, 0).

    ``densities`` and ``speeds`` (row,) are arrays of ``kept``. Two rows share the pairs of numbers that the counters give.
    """
    for n in range(0, active.shape[0], 2):
        last = min(n + 1, active.shape[0] - 1)
        one, other = rows[n, :count], rows[last, :count]
        offset = (n // 2) * cells + start
        for i in range(count):
            first, second = random_bits(seed, stream, offset + i, step)
            a, b = normal_pair(first, second)
            other[i] = b
            one[i] = a
        for m in range(n, last + 1):
            _amplify(active[m], passive[m], kept[speeds[m], start : start + count], kept[densities[m], start : start + count],
                     rows[m, :count])  # fmt: skip


@inlined
def _amplify(active: float, passive: float, speed: Any, density: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        rho = density[i]
        rho = rho if rho > 0.0 else 0.0
        v = speed[i]
        out[i] *= math.sqrt((active * v * v + passive) * rho)
