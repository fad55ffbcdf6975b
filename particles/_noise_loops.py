"""Compiled loops that add normal numbers to values of particles.

All random numbers are functions of (seed, stream; identity, step): neither the order of storage nor threads matter.
"""

from typing import Any

import numba
import numpy as np

from theory._loops import normal_pair, random_bits
from theory.compiling import inlined, loop

# further numbers of a stream, step and particle are counted above the largest identity
_FURTHER = np.uint64(2**40)


@inlined
def _normals(seed: int, stream: int, step: int, call: int, identity: int) -> tuple[float, float]:
    first, second = random_bits(seed, stream, numba.uint64(identity) + numba.uint64(call) * _FURTHER, step)
    return normal_pair(first, second)


@loop
def _add_one(seed: int, stream: int, step: int, call: int, amplitude: float, identities: Any, values: Any) -> None:
    for i in range(identities.size):
        a, _ = _normals(seed, stream, step, call, identities[i])
        values[i] += amplitude * a


@loop
def _add_two(seed: int, stream: int, step: int, call: int, amplitude: float, identities: Any, values: Any, others: Any) -> None:
    for i in range(identities.size):
        a, b = _normals(seed, stream, step, call, identities[i])
        values[i] += amplitude * a
        others[i] += amplitude * b


@loop
def add_normals(
    seed: int, stream: Any, step: int, call: int, amplitude: float, identities: Any, start: int, stop: int, values: Any
) -> None:
    """Add independent normal numbers to all rows of ``values`` (row, particle), for the particles ``start`` to ``stop``.

    ``call`` tells the uses of a stream by a particle in a step from each other: there are two rows to a call.
    """
    rows, ids = values.shape[0], identities[start:stop]
    for row in range(0, rows - 1, 2):
        _add_two(seed, stream, step, call + row // 2, amplitude, ids, values[row, start:stop], values[row + 1, start:stop])
    if rows % 2:
        _add_one(seed, stream, step, call + rows // 2, amplitude, ids, values[rows - 1, start:stop])
