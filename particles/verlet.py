r"""Lists of neighbours that stay valid while particles move (L. Verlet, Phys. Rev. 159, 98 (1967)).

All pairs closer than the cut-off plus a skin s are listed. With d_i the displacements since then, no pair can have come
within the cut-off unlisted while

    \max_i |d_i - c| <= s/2   for some common vector c,

as two particles then have approached each other by at most s. c is the centre of the box that just holds all displacements:
what all particles do alike, in a flock, does not count. The lists are made anew as soon as the condition fails, before they
are used.

Periodic images are neighbours of their own (:mod:`particles.images`): a box may be smaller than the cut-off, and a particle
then meets several images of its neighbours, and its own. The lists, and with them the order of all sums, are functions of
the positions at which they were made alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from particles import _verlet_loops
from particles.images import PeriodicImages
from particles.state import Particles
from theory.arrays import Array, Integers

Indices = NDArray[np.uint32]
Pair = tuple[int, int]

# Rows are filled up to a multiple of this, the number of pairs that the compiler takes at once.
_MULTIPLE = 8
# Observers per block when lists are made.
_PER_BLOCK = 128
# Room that is left in the rows of a block for lists that grow.
_SPARE = 1.15


@dataclass(frozen=True)
class Rows:
    """The neighbours of one species among another.

    Parameters
    ----------
    starts, lengths
        Where the neighbours of each observer begin in ``neighbours``, and how many there are, shape (observer,); observers are
        in the order of the images' ``centres``.
    neighbours
        Entries, shape (any,). Rows are filled up to a multiple of 8 with the entry that is far from everything.
    """

    starts: Integers
    lengths: Indices
    neighbours: Indices


class VerletList:
    """Neighbours of all particles within the cut-offs of several pairs of species.

    Parameters
    ----------
    size
        Edges of the box, shape (dimension,) (length).
    offsets
        Where each species begins, shape (species + 1,).
    cutoffs
        Cut-off (length) of each ordered pair (observer, source) that interacts; at least one.
    skin
        Distance (length) beyond the cut-offs up to which neighbours are listed.

    Attributes
    ----------
    images
        The entries that are listed.
    rows
        The lists of each pair.
    builds
        How often they were made.
    """

    def __init__(self, size: Array, offsets: Integers, cutoffs: Mapping[Pair, float], skin: float) -> None:
        self._offsets = offsets
        self._cutoffs = dict(cutoffs)
        self._skin = skin
        self.images = PeriodicImages(size, offsets, max(cutoffs.values()) + skin)
        self.rows: dict[Pair, Rows] = {}
        self.builds = 0
        self._reference: Array | None = None
        numbers = np.diff(offsets)
        self._buffers = {
            pair: np.empty((-(-int(numbers[pair[0]]) // _PER_BLOCK), _MULTIPLE * _PER_BLOCK), dtype=np.uint32)
            for pair in cutoffs
        }

    @property
    def reference(self) -> Array | None:
        """Positions by permanent number at which the lists were made, shape (dimension, particle); None if not yet."""
        return self._reference

    def update(self, particles: Particles) -> None:
        """Bring points and lists up to date with the particles' places."""
        if self._reference is not None:
            self.images.follow(particles)
            if not self.images.have_moved_apart(self._skin):
                return
        self.build(particles.by_identity(particles.places))
        self.images.follow(particles)

    def build(self, reference: Array) -> None:
        """Make the lists.

        Parameters
        ----------
        reference
            Positions in the box by permanent number, shape (dimension, particle).
        """
        self._reference = reference
        self.images.anchor(reference)
        for pair in self._cutoffs:
            self.rows[pair] = self._list(pair)
        self.builds += 1

    def _list(self, pair: Pair) -> Rows:
        observer, source = pair
        centres = self.images.centres[self._offsets[observer] : self._offsets[observer + 1]]
        blocks = self._buffers[pair].shape[0]
        starts = np.empty(centres.size, dtype=np.int64)
        lengths = np.empty(centres.size, dtype=np.uint32)
        ends = np.empty(blocks, dtype=np.int64)
        while blocks > 0:
            buffer = self._buffers[pair]
            images = self.images
            _verlet_loops.list_neighbours(
                _PER_BLOCK,
                _MULTIPLE,
                images.nobody,
                # rounding must not leave out a pair at the very end of the range
                (self._cutoffs[pair] + self._skin) * (1.0 + 1e-12),
                images.cells,
                images.surroundings,
                images.cell_size,
                (images.starts[source], images.anchors, images.identities),
                centres,
                starts,
                lengths,
                ends,
                buffer,
            )
            if ends.max() <= buffer.shape[1]:
                break
            self._buffers[pair] = np.empty((blocks, int(_SPARE * ends.max())), dtype=np.uint32)
        return Rows(starts, lengths, self._buffers[pair].reshape(-1))
