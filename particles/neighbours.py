"""Cells: storage is sorted by them, so that neighbours in space are neighbours in memory."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from particles import _order_loops
from particles.state import Particles
from theory.arrays import Array, Integers

# Blocks into which a species is cut for sorting: a fixed number, so that the work does not depend on the threads.
_BLOCKS = 16
# Slabs that particles may leave their strip by before the storage is sorted again.
_MARGIN = 3
# Most strips: enough for even work, few enough for the cost of each to be negligible.
_STRIPS = 128


class CellOrder:
    """Order of storage by slabs of cells across the outermost axis, in them by rows, and in these by cells.

    Parameters
    ----------
    size
        Edges of the box (x, y, ...), shape (dimension,) (length).
    shape
        Numbers of cells in array order, that is (..., y, x).
    offsets
        Where each species begins in storage, shape (species + 1,).
    slabs_per_strip
        Least number of slabs whose particles form a strip, the unit of parallel work. Strips are even in number, or one.
    margin
        How far (length) particles may be outside of the slabs of their strip before they are sorted again.

    Attributes
    ----------
    starts
        Place in storage of the first particle of each cell, as last sorted, shape (species, cells + 1).
    strips
        The same for the strips, shape (species, strips + 1).
    """

    def __init__(
        self, size: Array, shape: tuple[int, ...], offsets: Integers, slabs_per_strip: int = 1, margin: float = 0.0
    ) -> None:
        self.margin = margin
        self.shape = tuple(int(cells) for cells in shape)
        self.size = tuple(float(edge) for edge in size)
        self.cells_per_length = tuple(cells / edge for cells, edge in zip(self.shape[::-1], self.size, strict=True))
        strips = max(1, 2 * (shape[0] // (2 * slabs_per_strip)))
        self.first_slabs: Integers = np.arange(strips + 1, dtype=np.int64) * shape[0] // strips
        cells = int(np.prod(shape))
        number_of_species = offsets.size - 1
        self.starts: Integers = np.zeros((number_of_species, cells + 1), dtype=np.int64)
        self.strips: Integers = np.zeros((number_of_species, strips + 1), dtype=np.int64)
        bounds = [np.linspace(a, b, _BLOCKS + 1).astype(np.int64) for a, b in itertools.pairwise(offsets)]
        self._blocks: Integers = np.concatenate([np.stack([cut[:-1], cut[1:]], axis=1) for cut in bounds])
        self._offsets = offsets
        self._counts: Integers = np.empty((self._blocks.shape[0], cells), dtype=np.int64)

    def sort(self, particles: Particles) -> None:
        """Sort the storage by the cells of the particles' places; particles of one cell keep their order."""
        self.sort_into(particles.places, particles.arrays, particles.spare)
        particles.swap()

    def sort_into(self, positions: Array, old: tuple[Array, Integers], new: tuple[Array, Integers]) -> None:
        """Sort (rows of values, numbers) by the cells of positions (dimension, particle) into arrays of the same shapes."""
        _order_loops.count_cells(self._blocks, self.cells_per_length, self.shape, positions, self._counts)
        for species, start in enumerate(self._offsets[:-1]):
            counts = self._counts[species * _BLOCKS : (species + 1) * _BLOCKS]
            _order_loops.places_of_cells(start, counts, self.starts[species])
        _order_loops.move_to_places(self._blocks, self.cells_per_length, self.shape, positions, old, self._counts, new)
        self.strips[:] = self.starts[:, self.first_slabs * ((self.starts.shape[1] - 1) // self.shape[0])]

    @property
    def thickness(self) -> float:
        """Least thickness of a strip (length); infinite where there is but one."""
        if self.first_slabs.size == 2:
            return float("inf")
        return float(np.min(np.diff(self.first_slabs))) / self.cells_per_length[-1]


class SlabOrder(CellOrder):
    """Storage sorted by slabs, and sorted again once a particle has left those of its strip by more than the margin.

    Parameters
    ----------
    size
        Edges of the box (x, y, ...), shape (dimension,) (length).
    shape
        Numbers of cells in array order; those of one slab are best few, or rows of a mesh.
    offsets
        Where each species begins in storage, shape (species + 1,).
    keep
        Whether anything gains by a sorted storage; otherwise it is left as it is, and strips are units of work alone.
    """

    def __init__(self, size: Array, shape: tuple[int, ...], offsets: Integers, *, keep: bool = True) -> None:
        per_strip = max(2 * _MARGIN + 2, shape[0] // _STRIPS)
        super().__init__(size, shape, offsets, per_strip, _MARGIN * float(size[-1]) / shape[0])
        self._keep = keep

    @property
    def order(self) -> CellOrder:
        """Itself."""
        return self

    def prepare(self, particles: Particles) -> None:
        """Sort the storage if a particle has strayed."""
        if self._keep and self.has_strays(particles):
            self.sort(particles)

    def has_strays(self, particles: Particles) -> bool:
        """Whether the place of a particle is outside of its strip by more than the margin."""
        slabs, per_length = self.shape[0], self.cells_per_length[-1]
        return bool(_order_loops.strays(self.strips, self.first_slabs, _MARGIN, per_length, slabs, particles.places[-1]) > 0)

    def state(self) -> dict[str, NDArray[Any]]:
        """The strips as last sorted."""
        return {"strips": self.strips.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]], particles: Particles) -> None:
        """Return to a state."""
        self.strips[:] = state["strips"].reshape(self.strips.shape)
