"""Compiled loops between particles and meshes: triangular-shaped clouds, on nodes at the centres of cells.

Hockney and Eastwood, Computer simulation using particles (1981), section 5-3. Particles see *framed* meshes, with cells more at
every edge, so that clouds across an edge need no case of their own. A framed mesh is passed as one row of memory with its
*layout*: cells per length, cells, and strides in memory along (x, y, z), and the place of the lowest corner of the cloud of a
particle in cell (0, 0, 0). Lengths of tuples are known to the compiler: one text serves all dimensions.

Clouds are worked out for a block of particles at a time, in a loop that the compiler vectorises, and then put down.
For strips see :mod:`particles._order_loops`.
"""

from typing import Any

import numba
import numpy as np

from particles._order_loops import cell_of, stride_for, task
from theory.compiling import inlined, loop, parallel_loop

_BLOCK = 256
# numbers of a spectrum that one task filters
_SPECTRUM_BLOCK = 4096


@loop
def _clouds(start: int, stop: int, layout: Any, positions: Any, corners: Any, weights: Any) -> None:
    """Lowest corners of the particles' clouds, and the weights (3*axis + node) on the nodes below, at and above the nearest."""
    cells_per_length, cells, strides, first = layout
    corners[:] = first
    for axis in range(len(cells)):
        along, per_length, count, stride = positions[axis, start:stop], cells_per_length[axis], cells[axis], strides[axis]
        below, at, above = weights[3 * axis], weights[3 * axis + 1], weights[3 * axis + 2]
        for i in range(along.size):
            cell = cell_of(along[i], per_length, count)
            offset = along[i] * per_length - cell - 0.5
            corners[i] += cell * stride
            below[i] = 0.5 * (0.5 - offset) ** 2
            at[i] = 0.75 - offset * offset
            above[i] = 0.5 * (0.5 + offset) ** 2


@inlined
def _line(particle: int, axis: int, weights: Any) -> tuple[float, float, float]:
    return weights[3 * axis, particle], weights[3 * axis + 1, particle], weights[3 * axis + 2, particle]


@inlined
def _add_line(corner: int, weight: float, across: Any, mesh: Any) -> None:
    mesh[corner] += weight * across[0]
    mesh[corner + numba.uint64(1)] += weight * across[1]
    mesh[corner + numba.uint64(2)] += weight * across[2]


@inlined
def _add_plane(corner: int, stride: int, weight: float, up: Any, across: Any, mesh: Any) -> None:
    _add_line(corner, weight * up[0], across, mesh)
    _add_line(corner + stride, weight * up[1], across, mesh)
    _add_line(corner + stride + stride, weight * up[2], across, mesh)


@loop
def _add_clouds(count: int, weight: float, strides: Any, corners: Any, weights: Any, mesh: Any) -> None:
    for i in range(numba.uint64(count)):
        corner = numba.uint64(corners[i])
        across = _line(i, 0, weights)
        if len(strides) == 1:
            _add_line(corner, weight, across, mesh)
        elif len(strides) == 2:
            _add_plane(corner, numba.uint64(strides[1]), weight, _line(i, 1, weights), across, mesh)
        else:
            up, out, step = _line(i, 1, weights), _line(i, 2, weights), numba.uint64(strides[2])
            _add_plane(corner, numba.uint64(strides[1]), weight * out[0], up, across, mesh)
            _add_plane(corner + step, numba.uint64(strides[1]), weight * out[1], up, across, mesh)
            _add_plane(corner + step + step, numba.uint64(strides[1]), weight * out[2], up, across, mesh)


@loop
def deposit(start: int, stop: int, layout: Any, weight: float, positions: Any, mesh: Any) -> None:
    """Add clouds of ``weight`` of the particles ``start`` to ``stop`` to a framed mesh."""
    strides = layout[2]
    corners, weights = np.empty(_BLOCK, dtype=np.int64), np.empty((3 * len(strides), _BLOCK))
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        _clouds(first, last, layout, positions, corners, weights)
        _add_clouds(last - first, weight, strides, corners, weights, mesh)


@parallel_loop
def deposit_strips(strips: Any, colour: int, layout: Any, weight: float, positions: Any, meshes: Any) -> None:
    """Deposit every second strip of all species, beginning with strip ``colour``, on ``meshes`` (species, framed mesh).

    Strips two apart touch no row together, so that the sum in every cell has one order.
    """
    per_length, cells, strides, lowest = layout  # the compiler hands no tuples of tuples to threads
    halves = (strips.shape[1] - colour) // 2
    stride = stride_for(halves)
    for n in numba.prange(strips.shape[0] * halves):
        species, half = task(n, strips.shape[0], halves, stride)
        start, stop = strips[species, 2 * half + colour], strips[species, 2 * half + colour + 1]
        deposit(start, stop, (per_length, cells, strides, lowest), weight, positions, meshes[species])


@loop
def _clear(row: Any) -> None:
    row[:] = 0.0


@parallel_loop
def clear(meshes: Any) -> None:
    """Fill meshes (n, framed mesh) with zeros."""
    blocks = (meshes.shape[1] + _SPECTRUM_BLOCK - 1) // _SPECTRUM_BLOCK
    for n in numba.prange(meshes.shape[0] * blocks):
        mesh, block = n // blocks, n % blocks
        _clear(meshes[mesh, block * _SPECTRUM_BLOCK : (block + 1) * _SPECTRUM_BLOCK])


@loop
def _filter(multiplier: Any, source: Any, target: Any) -> None:
    for i in range(multiplier.size):
        target[2 * i] = source[2 * i] * multiplier[i]
        target[2 * i + 1] = source[2 * i + 1] * multiplier[i]


@parallel_loop
def filter_spectra(channels: Any, sources: Any, kernels: Any, multipliers: Any, spectra: Any, filtered: Any) -> None:
    """Spectra of some channels: those of their source species times the multipliers of their kernels.

    ``multipliers`` (kernel, mode); ``spectra`` (species, 2 mode) and ``filtered`` (channel, 2 mode) hold real and imaginary
    parts in turn.
    """
    modes = multipliers.shape[1]
    blocks = (modes + _SPECTRUM_BLOCK - 1) // _SPECTRUM_BLOCK
    for n in numba.prange(channels.size * blocks):
        channel, start = channels[n // blocks], n % blocks * _SPECTRUM_BLOCK
        stop = min(start + _SPECTRUM_BLOCK, modes)
        source, target = spectra[sources[channel], 2 * start : 2 * stop], filtered[channel, 2 * start : 2 * stop]
        _filter(multipliers[kernels[channel], start:stop], source, target)


@inlined
def _read_line(corner: int, across: Any, mesh: Any) -> float:
    middle = mesh[corner + numba.uint64(1)] * across[1]
    return mesh[corner] * across[0] + middle + mesh[corner + numba.uint64(2)] * across[2]  # type: ignore[no-any-return]


@inlined
def _read_plane(corner: int, stride: int, up: Any, across: Any, mesh: Any) -> float:
    low, middle = _read_line(corner, across, mesh), _read_line(corner + stride, across, mesh)
    return low * up[0] + middle * up[1] + _read_line(corner + stride + stride, across, mesh) * up[2]  # type: ignore[no-any-return]


@loop
def _read_clouds(strides: Any, corners: Any, weights: Any, mesh: Any, values: Any) -> None:
    for i in range(values.size):
        corner = numba.uint64(corners[i])
        across = _line(i, 0, weights)
        if len(strides) == 1:
            values[i] = _read_line(corner, across, mesh)
        elif len(strides) == 2:
            values[i] = _read_plane(corner, numba.uint64(strides[1]), _line(i, 1, weights), across, mesh)
        else:
            up, out, step = _line(i, 1, weights), _line(i, 2, weights), numba.uint64(strides[2])
            low = _read_plane(corner, numba.uint64(strides[1]), up, across, mesh)
            middle = _read_plane(corner + step, numba.uint64(strides[1]), up, across, mesh)
            high = _read_plane(corner + step + step, numba.uint64(strides[1]), up, across, mesh)
            values[i] = low * out[0] + middle * out[1] + high * out[2]


@loop
def _interpolate(
    start: int, stop: int, origin: int, layout: Any, fields: Any, rows: Any, meshes: Any, positions: Any, values: Any
) -> None:
    strides = layout[2]
    corners, weights = np.empty(_BLOCK, dtype=np.int64), np.empty((3 * len(strides), _BLOCK))
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        _clouds(first, last, layout, positions, corners, weights)
        for n in range(fields.size):
            _read_clouds(strides, corners, weights, meshes[fields[n]], values[rows[n], first - origin : last - origin])


@parallel_loop
def interpolate(
    strips: Any, origin: int, layout: Any, fields: Any, rows: Any, meshes: Any, positions: Any, values: Any
) -> None:
    """Framed fields ``meshes[fields]`` at particles of a species, into ``values[rows]``; these begin at particle ``origin``."""
    per_length, cells, strides, lowest = layout
    stride = stride_for(strips.size - 1)
    for n in numba.prange(strips.size - 1):
        _, strip = task(n, 1, strips.size - 1, stride)
        inside = (per_length, cells, strides, lowest)
        _interpolate(strips[strip], strips[strip + 1], origin, inside, fields, rows, meshes, positions, values)


@loop
def _overlaps(below: Any, at: Any, above: Any, same: Any, next_: Any, far: Any) -> None:
    """Overlap of a cloud with itself along an axis, shifted by 0, 1 and 2 spacings."""
    for i in range(below.size):
        same[i] = below[i] * below[i] + at[i] * at[i] + above[i] * above[i]
        next_[i] = below[i] * at[i] + at[i] * above[i]
        far[i] = below[i] * above[i]


@loop
def _multiply(factors: Any, values: Any) -> None:
    for i in range(values.size):
        values[i] *= factors[i]


@loop
def _subtract(terms: Any, values: Any) -> None:
    for i in range(values.size):
        values[i] -= terms[i]


@loop
def _subtract_own_clouds(start: int, stop: int, origin: int, layout: Any, response: Any, positions: Any, values: Any) -> None:
    dimension = len(layout[2])
    corners, weights = np.empty(_BLOCK, dtype=np.int64), np.empty((3 * dimension, _BLOCK))
    overlaps, terms = np.empty((3 * dimension, _BLOCK)), np.empty(_BLOCK)
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        _clouds(first, last, layout, positions, corners, weights)
        for axis in range(0, 3 * dimension, 3):
            below, at, above = weights[axis], weights[axis + 1], weights[axis + 2]
            _overlaps(below, at, above, overlaps[axis], overlaps[axis + 1], overlaps[axis + 2])
        for node in range(response.size):
            shift = node
            terms[:] = response[node]
            for axis in range(0, 3 * dimension, 3):
                _multiply(overlaps[axis + shift % 3], terms)
                shift //= 3
            _subtract(terms, values[first - origin : last - origin])


@parallel_loop
def subtract_own_clouds(strips: Any, layout: Any, response: Any, positions: Any, values: Any) -> None:
    """Take each particle's own contribution from what it senses of its species, exactly as the mesh returns it.

    ``response`` (3^dimension,): what a unit on one node makes at the nodes 0, 1 and 2 spacings away, x fastest, times the
    number of such nodes.
    """
    per_length, cells, strides, lowest = layout
    origin = strips[0]
    stride = stride_for(strips.size - 1)
    for n in numba.prange(strips.size - 1):
        _, strip = task(n, 1, strips.size - 1, stride)
        inside = (per_length, cells, strides, lowest)
        _subtract_own_clouds(strips[strip], strips[strip + 1], origin, inside, response, positions, values)
