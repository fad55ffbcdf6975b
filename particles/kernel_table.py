"""Sensing kernels as tables for fast sums over pairs.

A table is linear between equidistant values of the squared distance, or of the distance for kernels with a cusp at zero (whose
square root would need very many entries there). Its largest error, measured between the entries, is stated with it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputError
from theory.kernels import Kernel

Array = NDArray[np.float64]

# largest error of a table relative to the kernel's peak; sums over many neighbours then err by about 3e-9
TOLERANCE = 1e-8
# tables beyond these lengths leave the second-level cache
_LONGEST_IN_SQUARE = 2**15
_LONGEST = 2**17
_SHORTEST = 2**10


@dataclass(frozen=True)
class KernelTable:
    """A kernel, K = values[k] + slopes[k] t for k <= t < k + 1, zero in the last entry.

    Parameters
    ----------
    values, slopes
        Shape (entries + 1,) (1/length^d).
    scale
        t is the squared distance times this (1/length^2), or the distance times this (1/length).
    squared
        Which of the two.
    support
        Distance of the last entry (length).
    error
        Largest difference from the kernel, relative to its peak.
    """

    values: Array
    slopes: Array
    scale: float
    squared: bool
    support: float
    error: float

    @property
    def arguments(self) -> tuple[float, bool | None, Array, Array]:
        """What the compiled sums need; None or not is a type, for which the compiler makes a loop of its own."""
        return self.scale, None if self.squared else True, self.values, self.slopes

    def __call__(self, distance: Array) -> Array:
        """The kernel as the compiled sums see it, at distances (length) of any shape."""
        t = distance**2 * self.scale if self.squared else distance * self.scale
        t = np.minimum(t, self.values.size - 1)
        k = t.astype(np.int64)
        return np.asarray(self.values[k] + self.slopes[k] * t)


def _table(kernel: Kernel, entries: int, squared: bool) -> KernelTable:
    support = kernel.support
    index = np.arange(entries + 1, dtype=np.float64)

    def at(t: Array) -> Array:
        share = t / entries
        return kernel(support * (np.sqrt(share) if squared else share))

    exact = at(index)
    slopes = np.append(np.diff(exact), 0.0)
    values = exact - slopes * index
    values[-1] = 0.0
    error = 0.0
    for within in (0.25, 0.5, 0.75):
        t = index[:-1] + within
        error = max(error, float(np.max(np.abs(values[:-1] + slopes[:-1] * t - at(t)))))
    scale = entries / support**2 if squared else entries / support
    return KernelTable(values, slopes, scale, squared, support, error / float(exact[0]))


def tabulate(kernel: Kernel, tolerance: float = TOLERANCE) -> KernelTable:
    """Shortest table of a kernel whose error is below a tolerance.

    Parameters
    ----------
    kernel
        Finite at distance zero.
    tolerance
        Largest error relative to the kernel's peak.

    Raises
    ------
    InputError
        No table short enough to be fast is so accurate.
    """
    for squared, longest in ((True, _LONGEST_IN_SQUARE), (False, _LONGEST)):
        entries = _SHORTEST
        while entries <= longest:
            table = _table(kernel, entries, squared)
            if table.error <= tolerance:
                return table
            entries *= 2
    raise InputError(f'the {kernel.name} kernel cannot be tabulated to {tolerance:g} of its peak; use sensing = "mesh"')
