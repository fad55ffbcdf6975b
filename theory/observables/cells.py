"""Particles sorted by cells, for the compiled loops over pairs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array, Integers
from theory.observables import _pair_loops
from theory.observables.periodic import checked_box, checked_reach, wrapped


@dataclass(frozen=True)
class CellSorted:
    """Particles in the order of cells at least as wide as a reach.

    Parameters
    ----------
    order
        Which particle stands at each place of storage, shape (particle,).
    arrays
        What the loops take: size (3,), shape (3,), starts (cell + 1,), cells (particle,), positions (3, particle).
    size
        Edges of the box, shape (dimension,) (length).
    """

    order: Integers
    arrays: tuple[Array, Integers, Integers, Integers, Array]
    size: Array

    @classmethod
    def of(cls, positions: ArrayLike, size: ArrayLike, reach: float) -> "CellSorted":
        """Sort particles.

        Parameters
        ----------
        positions
            Shape (particle, dimension) (length).
        size
            Edges of the box, shape (dimension,) (length).
        reach
            Distance up to which pairs are to be found (length), at most half of the shortest edge.

        Raises
        ------
        InputError
            The positions, the box or the reach are out of their range.
        """
        points = wrapped(positions, size)
        count, dimension = points.shape
        edges = checked_box(size, dimension)
        # no more cells than particles: empty ones only cost
        most = max(1, int(count ** (1.0 / dimension)))
        along = np.clip(edges // checked_reach(reach, edges), 1, most).astype(np.int64)
        index = np.minimum((points * (along / edges)).astype(np.int64), along - 1)
        cells = np.sum(index * np.concatenate([[1], np.cumprod(along[:-1])]), axis=1)
        starts, order = np.empty(int(np.prod(along)) + 1, dtype=np.int64), np.empty(count, dtype=np.int64)
        _pair_loops.sort_into_cells(cells, starts, order)
        missing = 3 - dimension
        spatial = np.zeros((3, count))
        spatial[:dimension] = points[order].T
        return cls(
            order,
            (
                np.concatenate([edges, np.ones(missing)]),
                np.concatenate([along, np.ones(missing, dtype=np.int64)]),
                starts,
                cells[order],
                spatial,
            ),
            edges,
        )

    @property
    def dimension(self) -> int:
        """Dimension of space."""
        return self.size.size

    @property
    def volume(self) -> float:
        """Volume of the box (length^d)."""
        return float(np.prod(self.size))

    def sorted(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values (..., particle) in the order of storage."""
        return np.ascontiguousarray(values[..., self.order])
