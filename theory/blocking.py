r"""Time averages with standard errors from blocks, in bounded memory.

Values arrive in time order, each with the time that it covers. They are gathered in at most 64 blocks of equal time: when all
are full, neighbours are merged and blocks last twice as long. The standard error of the mean from n blocks,

    e_n = s_n/sqrt(n),    s_n the standard deviation of the means of the blocks,

is right once blocks are long beside the correlations, whether these are positive or, as of work that is mostly given back,
negative (H. Flyvbjerg and H. G. Petersen, J. Chem. Phys. 91, 461 (1989)). It is given for the two longest lengths that leave at
least 8 blocks, the larger of the two.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array

_MOST_BLOCKS = 64
_FEWEST_BLOCKS = 8


class BlockedMean:
    """A running time average of an array.

    Parameters
    ----------
    shape
        Of the values.
    """

    def __init__(self, shape: tuple[int, ...] = ()) -> None:
        self._sums = np.zeros((_MOST_BLOCKS, *shape))
        self._times = np.zeros(_MOST_BLOCKS)
        self._length, self._full = 0.0, 0

    @property
    def time(self) -> float:
        """Time covered so far."""
        return float(self._times.sum())

    def add(self, integral: ArrayLike, time: float) -> None:
        """Take in the integral of the value over a time (> 0) that follows the last one."""
        if self._length == 0.0:
            self._length = time
        self._sums[self._full] += integral
        self._times[self._full] += time
        if self._times[self._full] >= self._length * (1.0 - 1e-9):
            self._full += 1
        if self._full == _MOST_BLOCKS:
            self._merge()

    def _merge(self) -> None:
        half = _MOST_BLOCKS // 2
        for array in (self._sums, self._times):
            array[:half] = array[0::2] + array[1::2]
            array[half:] = 0.0
        self._length, self._full = 2.0 * self._length, half

    @property
    def mean(self) -> Array:
        """The time average; NaN before the first value."""
        total = self._times.sum()
        return np.asarray(self._sums.sum(axis=0) / total if total > 0.0 else np.full(self._sums.shape[1:], np.nan))

    @property
    def standard_error(self) -> Array | None:
        """Of the time average; None with fewer than 8 blocks."""
        # the block that is still filling would weigh too much
        sums, times = self._sums[: self._full], self._times[: self._full]
        errors = []
        while times.size >= _FEWEST_BLOCKS:
            means = sums / times.reshape(-1, *(1,) * (sums.ndim - 1))
            errors.append(means.std(axis=0, ddof=1) / np.sqrt(times.size))
            pairs = 2 * (times.size // 2)
            sums, times = sums[0:pairs:2] + sums[1:pairs:2], times[0:pairs:2] + times[1:pairs:2]
        return np.max(errors[-2:], axis=0) if errors else None

    def arrays(self) -> dict[str, Any]:
        """Everything that a continuation needs."""
        counts = np.array([self._length, self._full], dtype=np.float64)
        return {"sums": self._sums.copy(), "times": self._times.copy(), "counts": counts}

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Continue from :meth:`arrays`."""
        self._sums, self._times = np.array(arrays["sums"]), np.array(arrays["times"])
        self._length, self._full = float(arrays["counts"][0]), int(arrays["counts"][1])
