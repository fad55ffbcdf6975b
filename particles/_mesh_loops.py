"""Compiled loops between particles and meshes: triangular-shaped clouds, on nodes at the centres of cells.

Hockney and Eastwood, Computer simulation using particles (1981), section 5-3. Particles see *framed* meshes,
with a row or column more at every edge and the inside at [1:-1, 1:-1], so that clouds across an edge need no case of their own.
For strips see :mod:`particles._order_loops`.
"""

from typing import Any

import numba

from particles._order_loops import cell_of, stride_for, task
from theory.compiling import inlined, loop, parallel_loop


@inlined
def _cloud(offset: float) -> tuple[float, float, float]:
    """Weights on the nodes below, at and above, for an offset of -1/2 to 1/2 spacings from the middle one."""
    return 0.5 * (0.5 - offset) ** 2, 0.75 - offset * offset, 0.5 * (0.5 + offset) ** 2


@loop
def deposit(cells_per_length: Any, weight: float, x: Any, y: Any, framed: Any) -> None:
    """Add clouds of ``weight`` to a framed mesh."""
    rows, columns = framed.shape[0] - 2, framed.shape[1] - 2
    one, two = numba.uint64(1), numba.uint64(2)
    for i in range(x.size):
        column, row = cell_of(x[i], cells_per_length[0], columns), cell_of(y[i], cells_per_length[1], rows)
        a0, a1, a2 = _cloud(x[i] * cells_per_length[0] - column - 0.5)
        b0, b1, b2 = _cloud(y[i] * cells_per_length[1] - row - 0.5)
        b0, b1, b2 = weight * b0, weight * b1, weight * b2
        c, r = numba.uint64(column), numba.uint64(row)
        framed[r, c] += b0 * a0
        framed[r, c + one] += b0 * a1
        framed[r, c + two] += b0 * a2
        framed[r + one, c] += b1 * a0
        framed[r + one, c + one] += b1 * a1
        framed[r + one, c + two] += b1 * a2
        framed[r + two, c] += b2 * a0
        framed[r + two, c + one] += b2 * a1
        framed[r + two, c + two] += b2 * a2


@parallel_loop
def deposit_strips(strips: Any, colour: int, cells_per_length: Any, weight: float, positions: Any, framed: Any) -> None:
    """Deposit every second strip of all species, beginning with strip ``colour``, on ``framed`` (species, y, x).

    Strips two apart touch no row together, so that the sum in every cell has one order.
    """
    halves = (strips.shape[1] - colour) // 2
    stride = stride_for(halves)
    for n in numba.prange(strips.shape[0] * halves):
        species, half = task(n, strips.shape[0], halves, stride)
        start, stop = strips[species, 2 * half + colour], strips[species, 2 * half + colour + 1]
        deposit(cells_per_length, weight, positions[0, start:stop], positions[1, start:stop], framed[species])


@loop
def _clear(row: Any) -> None:
    row[:] = 0.0


@parallel_loop
def clear(meshes: Any) -> None:
    """Fill meshes (n, y, x) with zeros."""
    rows = meshes.shape[1]
    for n in numba.prange(meshes.shape[0] * rows):
        _clear(meshes[n // rows, n % rows])


@loop
def _add_inside(framed_row: Any, row: Any) -> None:
    columns = row.size
    for i in range(columns):
        row[i] += framed_row[i + 1]
    row[0] += framed_row[columns + 1]
    row[columns - 1] += framed_row[0]


@parallel_loop
def fold(framed: Any, meshes: Any) -> None:
    """Copy framed meshes (n, y + 2, x + 2) to meshes (n, y, x); what lies in the frame is added at the opposite edge."""
    rows = meshes.shape[1]
    for n in numba.prange(meshes.shape[0] * rows):
        mesh, row = n // rows, n % rows
        _clear(meshes[mesh, row])
        _add_inside(framed[mesh, row + 1], meshes[mesh, row])
        if row == 0:
            _add_inside(framed[mesh, rows + 1], meshes[mesh, row])
        if row == rows - 1:
            _add_inside(framed[mesh, 0], meshes[mesh, row])


@loop
def _copy_inside(row: Any, framed_row: Any) -> None:
    columns = row.size
    for i in range(columns):
        framed_row[i + 1] = row[i]
    framed_row[0] = row[columns - 1]
    framed_row[columns + 1] = row[0]


@parallel_loop
def frame(meshes: Any, framed: Any) -> None:
    """Copy meshes (n, y, x) into framed meshes (n, y + 2, x + 2), whose frame repeats the opposite edge."""
    rows = meshes.shape[1]
    for n in numba.prange(meshes.shape[0] * (rows + 2)):
        mesh, row = n // (rows + 2), n % (rows + 2)
        _copy_inside(meshes[mesh, (row - 1 + rows) % rows], framed[mesh, row])


@loop
def _filter(multiplier: Any, source: Any, target: Any) -> None:
    for i in range(multiplier.size):
        target[2 * i] = source[2 * i] * multiplier[i]
        target[2 * i + 1] = source[2 * i + 1] * multiplier[i]


@parallel_loop
def filter_spectra(sources: Any, kernels: Any, multipliers: Any, spectra: Any, filtered: Any) -> None:
    """Spectrum of each channel: that of its source species times the multiplier of its kernel.

    ``multipliers`` (kernel, y, x); ``spectra`` (species, y, 2 x) and ``filtered`` (channel, y, 2 x) hold real and imaginary
    parts in turn.
    """
    rows = spectra.shape[1]
    for n in numba.prange(filtered.shape[0] * rows):
        channel, row = n // rows, n % rows
        _filter(multipliers[kernels[channel], row], spectra[sources[channel], row], filtered[channel, row])


@loop
def _interpolate(cells_per_length: Any, channels: Any, framed: Any, x: Any, y: Any, sensed: Any) -> None:
    rows, columns = framed.shape[1] - 2, framed.shape[2] - 2
    one, two = numba.uint64(1), numba.uint64(2)
    for i in range(x.size):
        column, row = cell_of(x[i], cells_per_length[0], columns), cell_of(y[i], cells_per_length[1], rows)
        a0, a1, a2 = _cloud(x[i] * cells_per_length[0] - column - 0.5)
        b0, b1, b2 = _cloud(y[i] * cells_per_length[1] - row - 0.5)
        c, r = numba.uint64(column), numba.uint64(row)
        for source in range(channels.size):
            f = numba.uint64(channels[source])
            low = framed[f, r, c] * a0 + framed[f, r, c + one] * a1 + framed[f, r, c + two] * a2
            middle = framed[f, r + one, c] * a0 + framed[f, r + one, c + one] * a1 + framed[f, r + one, c + two] * a2
            high = framed[f, r + two, c] * a0 + framed[f, r + two, c + one] * a1 + framed[f, r + two, c + two] * a2
            sensed[source, i] = low * b0 + middle * b1 + high * b2


@parallel_loop
def interpolate(strips: Any, cells_per_length: Any, channels: Any, framed: Any, positions: Any, sensed: Any) -> None:
    """Framed fields (channel, y, x) at the particles of one species: ``sensed`` (source, particle of the species)."""
    origin = strips[0]
    stride = stride_for(strips.size - 1)
    for n in numba.prange(strips.size - 1):
        _, strip = task(n, 1, strips.size - 1, stride)
        start, stop = strips[strip], strips[strip + 1]
        x, y = positions[0, start:stop], positions[1, start:stop]
        _interpolate(cells_per_length, channels, framed, x, y, sensed[:, start - origin : stop - origin])


@loop
def _subtract_own_cloud(cells_per_length: Any, response: Any, x: Any, y: Any, sensed: Any) -> None:
    for i in range(x.size):
        across, up = x[i] * cells_per_length[0], y[i] * cells_per_length[1]
        a0, a1, a2 = _cloud(across - numba.int64(across) - 0.5)
        b0, b1, b2 = _cloud(up - numba.int64(up) - 0.5)
        # overlap of the cloud with itself, shifted by 0, 1 and 2 spacings along each axis
        p0, p1, p2 = a0 * a0 + a1 * a1 + a2 * a2, a0 * a1 + a1 * a2, a0 * a2
        q0, q1, q2 = b0 * b0 + b1 * b1 + b2 * b2, b0 * b1 + b1 * b2, b0 * b2
        own = q0 * (response[0, 0] * p0 + response[0, 1] * p1 + response[0, 2] * p2)
        own += q1 * (response[1, 0] * p0 + response[1, 1] * p1 + response[1, 2] * p2)
        own += q2 * (response[2, 0] * p0 + response[2, 1] * p1 + response[2, 2] * p2)
        sensed[i] -= own


@parallel_loop
def subtract_own_cloud(strips: Any, cells_per_length: Any, response: Any, positions: Any, sensed: Any) -> None:
    """Take each particle's own contribution from what it senses of its species, exactly as the mesh returns it."""
    origin = strips[0]
    stride = stride_for(strips.size - 1)
    for n in numba.prange(strips.size - 1):
        _, strip = task(n, 1, strips.size - 1, stride)
        start, stop = strips[strip], strips[strip + 1]
        x, y = positions[0, start:stop], positions[1, start:stop]
        _subtract_own_cloud(cells_per_length, response, x, y, sensed[start - origin : stop - origin])
