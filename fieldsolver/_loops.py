"""Compiled loops of the field solver.

Shapes: ``state``, ``tendency`` (species, ny, nkx) complex; real fields (species, n) with n = ny nx; vectors have one more axis
(species, component, ...). Loops over real fields run over blocks so that a report per block gives the same sums for any
number of threads.
"""

import math
from typing import Any

import numba

from theory._loops import normal_pair, random_bits
from theory.compiling import inlined, parallel_loop

BLOCK = 2048


@parallel_loop
def spread(scale: float, kernels: Any, sources: Any, state: Any, density: Any, sensed: Any) -> None:
    """Scaled copies of the state, and its products with the kernels' transforms (channel, ny, nkx)."""
    species, rows, columns = state.shape
    for row in numba.prange(rows):
        for s in range(species):
            for i in range(columns):
                density[s, row, i] = scale * state[s, row, i]
        for c in range(sources.shape[0]):
            s = sources[c]
            for i in range(columns):
                sensed[c, row, i] = (scale * kernels[c, row, i]) * state[s, row, i]


@inlined
def _weigh_block(speed: Any, density: Any, out: Any) -> tuple[float, float, float, float, float, int]:
    lowest, slowest, fastest, total, mass, negative = math.inf, math.inf, -math.inf, 0.0, 0.0, 0
    for i in range(out.shape[0]):
        v = speed[i]
        rho = density[i]
        out[i] = v * rho
        # a comparison with NaN is false: "total" carries it instead
        lowest = rho if rho < lowest else lowest
        slowest = v if v < slowest else slowest
        fastest = v if v > fastest else fastest
        negative += 1 if rho < 0.0 else 0
        total += v * rho
        mass += rho
    return lowest, slowest, fastest, total, mass, negative


@parallel_loop
def weigh(speed: Any, density: Any, out: Any, report: Any) -> None:
    """v rho, and per block: lowest density, slowest and fastest speed, sums of v rho and rho, cells with rho < 0.

    ``report`` has the shape (species, block, 6).
    """
    species, count = density.shape
    for n in numba.prange(report.shape[1]):
        start = n * BLOCK
        stop = min(start + BLOCK, count)
        for s in range(species):
            lowest, slowest, fastest, total, mass, negative = _weigh_block(
                speed[s, start:stop], density[s, start:stop], out[s, start:stop]
            )
            report[s, n, 0] = lowest
            report[s, n, 1] = slowest
            report[s, n, 2] = fastest
            report[s, n, 3] = total
            report[s, n, 4] = mass
            report[s, n, 5] = negative


@parallel_loop
def gradient(scale: float, kx: Any, ky: Any, field: Any, out: Any) -> None:
    """i k times the transform, out (species, 2, ny, nkx)."""
    species, rows, columns = field.shape
    for row in numba.prange(rows):
        for s in range(species):
            for i in range(columns):
                z = field[s, row, i]
                rotated = complex(-scale * z.imag, scale * z.real)
                out[s, 0, row, i] = kx[i] * rotated
                out[s, 1, row, i] = ky[row] * rotated


@parallel_loop
def multiply(factors: Any, speed: Any, vector: Any) -> None:
    """factor v times the vector, in place; factors (species,), vector (species, 2, n)."""
    species, components, count = vector.shape
    for n in numba.prange((count + BLOCK - 1) // BLOCK):
        start = n * BLOCK
        stop = min(start + BLOCK, count)
        for s in range(species):
            for c in range(components):
                for i in range(start, stop):
                    vector[s, c, i] *= factors[s] * speed[s, i]


@parallel_loop
def divergence(kx: Any, ky: Any, weights: Any, diffusivities: Any, flux: Any, state: Any, out: Any) -> None:
    """weight (i k . flux - Dt k^2 state); weights (ny, nkx), diffusivities (species,)."""
    species, rows, columns = state.shape
    for row in numba.prange(rows):
        for s in range(species):
            for i in range(columns):
                z = kx[i] * flux[s, 0, row, i] + ky[row] * flux[s, 1, row, i]
                decay = diffusivities[s] * (kx[i] * kx[i] + ky[row] * ky[row])
                out[s, row, i] = weights[row, i] * (complex(-z.imag, z.real) - decay * state[s, row, i])


@inlined
def _noise_block(
    seed: Any, stream: Any, step: Any, first: int, variance: float, persistence: float, diffusivity: float,
    speed: Any, density: Any, x: Any, y: Any,
) -> int:  # fmt: skip
    clipped = 0
    for i in range(density.shape[0]):
        one, two = random_bits(seed, stream, first + i, step)
        a, b = normal_pair(one, two)
        rho = density[i]
        clipped += 1 if rho < 0.0 else 0
        rho = rho if rho > 0.0 else 0.0
        amplitude = math.sqrt(variance * (persistence * speed[i] * speed[i] + diffusivity) * rho)
        x[i] = amplitude * a
        y[i] = amplitude * b
    return clipped


@parallel_loop
def noise_flux(
    seed: Any, stream: Any, step: Any, variance: float, persistence: Any, diffusivities: Any,
    speed: Any, density: Any, out: Any, clipped: Any,
) -> None:  # fmt: skip
    """Random flux of variance ``variance (persistence v^2 + diffusivity) max(rho, 0)`` per component, in real space.

    ``persistence`` holds tau/d and ``diffusivities`` Dt, both (species,); ``clipped`` (species, block) counts rho < 0.
    """
    species, count = density.shape
    for n in numba.prange(clipped.shape[1]):
        start = n * BLOCK
        stop = min(start + BLOCK, count)
        for s in range(species):
            clipped[s, n] = _noise_block(
                seed, stream, step, s * count + start, variance, persistence[s], diffusivities[s],
                speed[s, start:stop], density[s, start:stop], out[s, 0, start:stop], out[s, 1, start:stop],
            )  # fmt: skip


@parallel_loop
def noise_divergence(kx: Any, ky: Any, weights: Any, flux: Any, out: Any) -> None:
    """weight i k . flux; weights (species, ny, nkx)."""
    species, rows, columns = out.shape
    for row in numba.prange(rows):
        for s in range(species):
            for i in range(columns):
                z = kx[i] * flux[s, 0, row, i] + ky[row] * flux[s, 1, row, i]
                out[s, row, i] = weights[s, row, i] * complex(-z.imag, z.real)
