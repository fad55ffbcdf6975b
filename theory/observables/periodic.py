"""Particles in a periodic box: what all observables of configurations share.

Positions are arrays (particle, dimension), anywhere in space: they are brought into the box here. A box is its edges
(x, y, ...), shape (dimension,).
"""

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array, Integers
from theory.errors import InputError


def checked_box(size: ArrayLike, dimension: int) -> Array:
    """Edges of a box, shape (dimension,) (length).

    Raises
    ------
    InputError
        The edges are not as many as the dimension, or not positive and finite.
    """
    edges = np.asarray(size, dtype=np.float64)
    if edges.shape != (dimension,) or not np.all(np.isfinite(edges) & (edges > 0.0)):
        raise InputError(f"the box has the edges {np.asarray(size).tolist()}; it needs {dimension} positive, finite ones")
    return edges


def wrapped(positions: ArrayLike, size: ArrayLike) -> Array:
    """Positions in [0, edge), shape (particle, dimension).

    Raises
    ------
    InputError
        The positions are no array (particle, dimension) of finite numbers, or the box does not belong to them.
    """
    points = np.asarray(positions, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] not in (1, 2, 3):
        raise InputError(f"positions have the shape {points.shape}; it must be (particle, dimension), the dimension 1 to 3")
    if not np.all(np.isfinite(points)):
        raise InputError(f"{np.count_nonzero(~np.isfinite(points).all(axis=1))} positions are not finite")
    edges = checked_box(size, points.shape[1])
    inside = np.mod(points, edges)
    # what lies just below zero is rounded to the edge itself
    inside[inside >= np.broadcast_to(edges, inside.shape)] = 0.0
    return np.asarray(inside)


def nearest_images(separations: ArrayLike, size: ArrayLike) -> Array:
    """The shortest of the equivalent separation vectors, shape (..., dimension)."""
    vectors, edges = np.asarray(separations, dtype=np.float64), np.asarray(size, dtype=np.float64)
    return np.asarray(vectors - edges * np.rint(vectors / edges))


def checked_reach(reach: float, size: Array) -> float:
    """A distance up to which every pair meets at most once: at most half of the shortest edge.

    Raises
    ------
    InputError
        The distance is not positive, or longer.
    """
    longest = 0.5 * float(size.min())
    if not 0.0 < reach <= longest * (1.0 + 1e-12):
        raise InputError(
            f"the distance {reach:g} must be positive and at most half of the shortest edge of the box, {longest:g}, so that "
            "every pair is met once"
        )
    return float(reach)


def checked_species(species: ArrayLike | None, particles: int, number: int) -> Integers:
    """Species (index) of every particle, shape (particle,); all 0 where none are given.

    Raises
    ------
    InputError
        They are not one per particle, or beyond the number of species.
    """
    if species is None:
        return np.zeros(particles, dtype=np.int64)
    index = np.asarray(species).astype(np.int64)
    if index.shape != (particles,):
        raise InputError(f"species have the shape {index.shape}; there are {particles} particles")
    if np.any((index < 0) | (index >= number)):
        raise InputError(f"species run from {index.min()} to {index.max()}; they must be 0 to {number - 1}")
    return index
