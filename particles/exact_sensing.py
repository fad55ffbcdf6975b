"""Sensed densities by summation over all pairs of particles within a kernel's support."""

import numpy as np
from numpy.typing import NDArray

from particles import _pair_loops
from particles.neighbours import CellOrder
from particles.sensing import check_kernels
from theory.arrays import Array, Integers
from theory.errors import InputError
from theory.kernels import Kernel
from theory.model import Model

_SHAPES = {
    "bump": _pair_loops.BUMP,
    "linear": _pair_loops.LINEAR,
    "gaussian": _pair_loops.GAUSSIAN,
    "exponential": _pair_loops.EXPONENTIAL,
}
# Edges of the cells in units of the smallest support, across lines and along them: measured to be fastest.
_LINE, _CELL = 1.0, 0.125


class ExactSensing:
    """Sensed densities by summation over all pairs within the kernel's support.

    Parameters
    ----------
    model
        Says who senses whom, by which kernel.
    size
        Edges of the box, shape (dimension,) (length).
    offsets
        Where each species begins in storage.

    Raises
    ------
    InputError
        The kernel is local or infinite at zero, or its support is above half of an edge.

    Notes
    -----
    Kernels are evaluated to a relative error of 3e-10. Those without an end are cut where they fall below 1e-9 of their scale.
    """

    def __init__(self, model: Model, size: Array, offsets: Integers) -> None:
        check_kernels(model)
        for kernel in model.channels.kernels:
            _check_support(kernel, size)
        self._kernels = model.channels.kernels
        self._index = model.channels.index
        self._arguments = [_arguments(kernel) for kernel in self._kernels]
        self._count_self = model.sensing.count_self
        self._offsets = offsets
        smallest = min(kernel.support for kernel in self._kernels)
        self._cells = CellOrder(size, _cells_for(size, smallest, int(offsets[-1])), offsets)
        self._numbers = np.concatenate([np.arange(n) for n in np.diff(offsets)])
        # loops over whole vectors read beyond the last particle
        self._sorted = (np.zeros((size.size, int(offsets[-1]) + _pair_loops.PADDING)), np.empty_like(self._numbers))

    @property
    def line(self) -> float:
        """Thickness of the cells across lines (length)."""
        return _LINE * min(kernel.support for kernel in self._kernels)

    def __str__(self) -> str:
        return f"exact, all pairs within {max(kernel.support for kernel in self._kernels):.4g}"

    def read(self, positions: Array, wanted: NDArray[np.bool_], sensed: list[Array]) -> None:
        """Add up all pairs.

        Parameters
        ----------
        positions
            Of all particles, shape (dimension, particle) (length).
        wanted
            Which observing species (row) needs which source (column).
        sensed
            For each observing species the densities (1/length^d) of all sources, shape
            (source, particle of the observing species). Rows that are wanted are overwritten.
        """
        self._cells.sort_into(positions, (positions, self._numbers), self._sorted)
        for observer, values in enumerate(sensed):
            first, last = self._offsets[observer : observer + 2]
            for source in np.flatnonzero(wanted[observer, : len(sensed)]):
                channel = self._index[observer, source]
                squared = self._kernels[channel].support ** 2
                cells = (self._cells.size, self._cells.shape, self._cells.starts[source])
                arguments = self._arguments[channel]
                _pair_loops.sum_neighbours(first, last, arguments, squared, cells, *self._sorted, values[source])
                if source == observer and not self._count_self:
                    values[source] -= _pair_loops.at_zero(arguments)


def _check_support(kernel: Kernel, size: Array) -> None:
    if kernel.singular:
        raise InputError(f'the {kernel.name} kernel is infinite at distance zero; use sensing = "mesh" with count_self = false')
    if kernel.support > 0.5 * float(np.min(size)):
        raise InputError(
            f"the {kernel.name} kernel of range {kernel.range:g} reaches to {kernel.support:g}, beyond half of the "
            f'smallest edge of the box, {np.min(size):g}; enlarge the box or use sensing = "mesh"'
        )


def _arguments(kernel: Kernel) -> tuple[int, float, float, float]:
    """What the compiled sums need of a kernel."""
    shape = _SHAPES[kernel.name]
    peak = float(kernel(0.0)) * (np.e if shape == _pair_loops.BUMP else 1.0)
    return shape, (kernel.support / kernel.range) ** 2, 1.0 / kernel.range**2, peak


def _cells_for(size: Array, support: float, particles: int) -> tuple[int, ...]:
    """Lines of a support, of cells of an eighth; no more cells than particles."""
    across = [max(1, int(edge / (_LINE * support))) for edge in size[:0:-1]]
    columns = max(1, min(int(size[0] / (_CELL * support)), particles // int(np.prod(across, initial=1.0))))
    return (*across, columns)
