"""Cells: storage is sorted by them, so that neighbours in space are neighbours in memory."""

import itertools

import numpy as np
from numpy.typing import NDArray

from particles import _order_loops
from particles.state import Particles

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# Blocks into which a species is cut for sorting: a fixed number, so that the work does not depend on the threads.
_BLOCKS = 16


class CellOrder:
    """Storage sorted by rows of cells, and by cells in each row.

    Parameters
    ----------
    size
        Edges of the box, shape (2,) (length).
    shape
        Numbers of rows and of cells in a row.
    offsets
        Where each species begins in storage, shape (species + 1,).
    rows_per_strip
        Least number of rows whose particles form a strip, the unit of parallel work. There is an even number of strips, or one.

    Attributes
    ----------
    starts
        Place in storage of the first particle of each cell, as last sorted, shape (species, rows*columns + 1).
    strips
        The same for the strips, shape (species, strips + 1).
    """

    def __init__(self, size: Array, shape: tuple[int, int], offsets: Integers, rows_per_strip: int = 1) -> None:
        self.shape = shape
        self.size = (float(size[0]), float(size[1]))
        self.cells_per_length = (shape[1] / self.size[0], shape[0] / self.size[1])
        strips = max(1, 2 * (shape[0] // (2 * rows_per_strip)))
        self.first_rows: Integers = np.arange(strips + 1, dtype=np.int64) * shape[0] // strips
        number_of_species = offsets.size - 1
        self.starts: Integers = np.zeros((number_of_species, shape[0] * shape[1] + 1), dtype=np.int64)
        self.strips: Integers = np.zeros((number_of_species, strips + 1), dtype=np.int64)
        bounds = [np.linspace(a, b, _BLOCKS + 1).astype(np.int64) for a, b in itertools.pairwise(offsets)]
        self._blocks: Integers = np.concatenate([np.stack([cut[:-1], cut[1:]], axis=1) for cut in bounds])
        self._offsets = offsets
        self._counts: NDArray[np.int64] = np.empty((self._blocks.shape[0], shape[0] * shape[1]), dtype=np.int64)

    def sort(self, particles: Particles) -> None:
        """Sort the storage; particles of one cell keep their order."""
        _order_loops.count_cells(self._blocks, self.cells_per_length, self.shape, particles.positions, self._counts)
        for species, start in enumerate(self._offsets[:-1]):
            counts = self._counts[species * _BLOCKS : (species + 1) * _BLOCKS]
            _order_loops.places_of_cells(start, counts, self.starts[species])
        _order_loops.move_to_places(
            self._blocks, self.cells_per_length, self.shape, particles.arrays, self._counts, particles.spare
        )
        particles.swap()
        self.strips[:] = self.starts[:, self.first_rows * self.shape[1]]

    def has_strays(self, particles: Particles, margin: int) -> bool:
        """Whether a particle is more than ``margin`` rows outside of its strip."""
        rows = self.shape[0]
        found = _order_loops.strays(self.strips, self.first_rows, margin, self.cells_per_length[1], rows, particles.positions)
        return found > 0
