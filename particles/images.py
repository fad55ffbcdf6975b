"""Particles and their periodic images as points in unbounded space.

Each particle, and each image of one within a range of the box, is an *entry*. Entries lie in the order of cells, which is a
function of the *anchors* alone, the positions at which they were made: neither the order of storage nor the number of
threads matters. Each then follows its particle, across the boundary where it must, until new anchors are taken.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from particles import _verlet_loops
from particles.state import Particles
from theory.arrays import Array, Integers

Indices = NDArray[np.uint32]

# Cells per range along x, y and z: long rows of short cells, of which few hold nothing but candidates that are too far.
_CELLS_PER_RANGE = (8.0, 1.0, 1.0)
_CELLS_PER_PARTICLE = 2.0
# Displacement in units of an edge up to which an image is surely found: an image is the nearest one up to a half.
_LONGEST_DRIFT = 0.25


class PeriodicImages:
    """Entries for all particles and for their images within a range of the box.

    Parameters
    ----------
    size
        Edges of the box, shape (dimension,) (length).
    offsets
        Where each species begins, in storage and by permanent number, shape (species + 1,).
    reach
        Range (length). It may exceed the box, which then is repeated as often as needed.

    Attributes
    ----------
    cells, surroundings
        Numbers of cells (z, y, x) in the box and around it on each side; a missing axis has one and none.
    cell_size
        Edges of a cell (x, y, z) (length).
    starts
        Entries before those of each cell of the box and its surroundings, shape (species, cell + 1).
    anchors
        Where the entries were made, shape (3, entry) (length); 0 along missing axes.
    identities
        Permanent number of each entry's particle, shape (entry,).
    centres
        The entries that are the particles themselves, species by species in the order of cells, shape (particle,).
    observers
        Places in storage of the particles in the order of ``centres``, as of the last :meth:`follow`, shape (particle,).
    points
        Where the entries are now, shape (dimension, entry + 1) (length); the last is far from everything.
    """

    starts: Integers
    anchors: Array
    identities: Integers
    centres: Indices
    observers: Indices
    points: Array

    def __init__(self, size: Array, offsets: Integers, reach: float) -> None:
        self._size = np.ones(3)
        self._size[: size.size] = size
        self._dimension = size.size
        self._offsets = offsets
        self._reach = reach
        self.cells, self.surroundings = _cells_for(size, reach, int(offsets[-1]))
        self.cell_size = tuple(float(edge) / n for edge, n in zip(self._size, self.cells[::-1], strict=True))
        self._located: tuple[Particles, int] | None = None

    def anchor(self, reference: Array) -> None:
        """Make the entries anew.

        Parameters
        ----------
        reference
            Positions in the box by permanent number, shape (dimension, particle).
        """
        anchored = np.zeros((3, reference.shape[1]))
        anchored[: self._dimension] = reference
        ordered, entries = self._order(anchored)
        self.anchors = np.empty((3, entries))
        self.centres = np.empty(reference.shape[1], dtype=np.uint32)
        self.identities = np.empty(entries, dtype=np.int64)
        size = tuple(self._size.tolist())
        for s, one in enumerate(self._slices()):
            _verlet_loops.place_images(
                self.cells,
                self.surroundings,
                size,
                one.start,
                anchored[:, one],
                *ordered[s],
                self.starts[s],
                self.anchors,
                self.identities,
                self.centres[one],
            )
        self.points = np.full((self._dimension, entries + 1), -10.0 * (float(np.max(self._size)) + self._reach))
        self._places = np.empty(entries, dtype=np.uint32)
        self._extremes = np.empty((-(-entries // _verlet_loops.BLOCK), self._dimension, 2))
        self._located = None

    def _slices(self) -> Iterator[slice]:
        for start, stop in zip(self._offsets[:-1].tolist(), self._offsets[1:].tolist(), strict=True):
            yield slice(start, stop)

    def _order(self, anchored: Array) -> tuple[list[tuple[Integers, Integers]], int]:
        """Cells' starts and order of the particles of each species; number of entries, whose ``starts`` are set."""
        cells_per_length = tuple(1.0 / edge for edge in self.cell_size)
        images = math.prod(n + 2 * m for n, m in zip(self.cells, self.surroundings, strict=True))
        self.starts = np.empty((self._offsets.size - 1, images + 1), dtype=np.int64)
        ordered, entries = [], 0
        for s, one in enumerate(self._slices()):
            starts = np.empty(math.prod(self.cells) + 1, dtype=np.int64)
            order = np.empty(one.stop - one.start, dtype=np.int64)
            _verlet_loops.sort_by_cells(cells_per_length, self.cells, one.start, anchored[:, one], starts, order)
            entries = _verlet_loops.count_images(self.cells, self.surroundings, entries, starts, self.starts[s])
            ordered.append((starts, order))
        return ordered, entries

    @property
    def nobody(self) -> int:
        """The entry that is far from everything."""
        return int(self.anchors.shape[1])

    def follow(self, particles: Particles) -> None:
        """Move the entries to the places of their particles."""
        if self._located is None or self._located[0] is not particles or self._located[1] != particles.version:
            place_of = np.empty(particles.number, dtype=np.uint32)
            place_of[particles.identities] = np.arange(particles.number, dtype=np.uint32)
            np.take(place_of, self.identities, out=self._places)
            self.observers = self._places[self.centres]
            self._located = (particles, particles.version)
        size = tuple(self._size.tolist())
        _verlet_loops.refresh(size, self._places, self.anchors, particles.places, self.points, self._extremes)

    def have_moved_apart(self, distance: float) -> bool:
        """Whether two entries may have approached or left each other by more than a distance (length) since their anchors.

        Never false where they have; also true where all have moved far enough together for images to be mistaken.
        """
        lowest, highest = _verlet_loops.extremes_of_all(self._extremes)
        axes = range(self._dimension)
        if any(max(-lowest[n], highest[n]) > _LONGEST_DRIFT * self._size[n] for n in axes):
            return True
        diagonal = math.hypot(*(highest[n] - lowest[n] for n in axes))
        if diagonal <= distance:
            return False
        if any(highest[n] - lowest[n] > distance for n in axes):
            return True
        centre = tuple(0.5 * (lowest[n] + highest[n]) for n in axes)
        squares = np.empty(self._extremes.shape[0])
        _verlet_loops.farthest(centre, self.anchors, self.points, squares)
        return bool(squares.max() > (0.5 * distance) ** 2)


def _cells_for(size: Array, reach: float, particles: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Cells of the box and around it (z, y, x); no more in the box than particles."""
    wanted = np.maximum(np.floor(size / (reach / np.array(_CELLS_PER_RANGE[: size.size]))), 1.0)
    for axes in (slice(0, 1), slice(0, size.size)):
        excess = math.prod(wanted.tolist()) / (_CELLS_PER_PARTICLE * max(particles, 1))
        if excess > 1.0:
            wanted[axes] = np.maximum(np.floor(wanted[axes] / excess ** (1.0 / wanted[axes].size)), 1.0)
    cells = wanted.astype(np.int64)
    around = np.ceil(reach / (size / cells) * (1.0 - 1e-12)).astype(np.int64)
    missing = (3 - size.size) * [0]
    return (*(1 for _ in missing), *cells[::-1].tolist()), (*missing, *around[::-1].tolist())
