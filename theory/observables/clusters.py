"""Clusters: particles connected by neighbours closer than a distance, across the edges of the periodic box."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from theory.arrays import Array, Integers
from theory.errors import InputError
from theory.observables.periodic import checked_box, checked_reach, wrapped


def close_pairs(positions: ArrayLike, size: ArrayLike, reach: float) -> Integers:
    """Every pair of particles closer than a reach, once, shape (pair, 2), the smaller number first.

    Raises
    ------
    InputError
        The positions or the box are out of their range, or the reach is not positive or above half of the shortest edge.
    """
    points = wrapped(positions, size)
    edges = checked_box(size, points.shape[1])
    tree = cKDTree(points, boxsize=edges)
    return tree.query_pairs(checked_reach(reach, edges), output_type="ndarray").astype(np.int64)


@dataclass(frozen=True)
class Clusters:
    """A configuration's clusters.

    Parameters
    ----------
    labels
        Cluster of each particle, shape (particle,); 0 is the largest.
    sizes
        Particles in each cluster, largest first, shape (cluster,).
    """

    labels: Integers
    sizes: Integers

    @property
    def mean_size(self) -> float:
        """Mean over the clusters, single particles among them."""
        return float(self.sizes.mean())

    @property
    def weighted_size(self) -> float:
        """Mean over the particles of the size of their cluster."""
        return float(np.sum(self.sizes.astype(np.float64) ** 2) / self.sizes.sum())

    @property
    def largest_share(self) -> float:
        """Share of the particles in the largest cluster."""
        return float(self.sizes[0] / self.sizes.sum())

    def distribution(self) -> tuple[Integers, Array]:
        """Sizes that occur, rising, and the share of the particles in clusters of each, both (size,)."""
        sizes, numbers = np.unique(self.sizes, return_counts=True)
        return sizes, sizes * numbers / self.sizes.sum()


def clusters(positions: ArrayLike, size: ArrayLike, distance: float) -> Clusters:
    """Clusters of particles.

    Parameters
    ----------
    positions
        Shape (particle, dimension) (length).
    size
        Edges of the box, shape (dimension,) (length).
    distance
        Particles closer than this are connected (length).

    Raises
    ------
    InputError
        An argument is out of its range, or there is no particle.
    """
    pairs = close_pairs(positions, size, distance)
    count = np.shape(positions)[0]
    if count == 0:
        raise InputError("there is no particle to form a cluster")
    graph = coo_array((np.ones(pairs.shape[0], dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, found = connected_components(graph, directed=False)
    sizes = np.bincount(found)
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return Clusters(rank[found], sizes[order].astype(np.int64))
