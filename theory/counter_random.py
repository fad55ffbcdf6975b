"""Random numbers as pure functions of (seed, stream, index, step).

No generator has a state: any number can be asked for at any time by any thread, so that results are the same for any number
of threads and a restart needs nothing but the step counter. The functions themselves are compiled loops in
:mod:`theory._loops`; this module names the streams and offers whole arrays.
"""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import _loops
from theory.compiling import loop


class Stream(IntEnum):
    """One stream per use, so that no two uses of a seed share a number."""

    INITIAL_POSITION = 1
    INITIAL_ORIENTATION = 2
    INITIAL_FIELD = 3
    TRANSLATION = 4
    ROTATION = 5
    TUMBLE = 6
    ORIENTATION = 7
    FIELD_NOISE = 8


@loop
def _fill_uniform(seed: Any, stream: Any, step: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        first, second = _loops.random_bits(seed, stream, i, step)
        out[0, i] = _loops.uniform(first)
        out[1, i] = _loops.uniform(second)


@loop
def _fill_normal(seed: Any, stream: Any, step: Any, out: Any) -> None:
    for i in range(out.shape[1]):
        first, second = _loops.random_bits(seed, stream, i, step)
        out[0, i], out[1, i] = _loops.normal_pair(first, second)


def uniform_pairs(seed: int, stream: Stream, step: int, count: int) -> NDArray[np.float64]:
    """Numbers uniform in (0, 1), shape (2, count)."""
    out = np.empty((2, count))
    _fill_uniform(np.uint64(seed), np.uint64(stream), np.uint64(step), out)
    return out


def normal_pairs(seed: int, stream: Stream, step: int, count: int) -> NDArray[np.float64]:
    """Standard normal numbers, shape (2, count)."""
    out = np.empty((2, count))
    _fill_normal(np.uint64(seed), np.uint64(stream), np.uint64(step), out)
    return out
