"""Voronoi neighbours in a periodic plane, by Delaunay triangulation of the particles and of their images near the box.

A triangle is one of the periodic triangulation if no image that was left out lies in its circumcircle; the margin of images
grows until this holds for every triangle with a particle of the box, and none of them is at the rim.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import Delaunay, QhullError

from theory.arrays import Array, Integers
from theory.errors import InputError
from theory.observables.periodic import checked_box, wrapped

# first margin, in mean distances of particles
_MARGIN = 4.0
# cells that touch along less than this share of the distance of their particles touch in a point: four on one circle
_POINT = 1e-6


@dataclass(frozen=True)
class Neighbours:
    """Ordered pairs of particles whose Voronoi cells share an edge.

    Parameters
    ----------
    first, second
        Particles, shape (pair,); every pair stands in both orders, sorted by the first.
    separations
        From the first to the second's image, shape (pair, 2) (length).
    edges
        Length of the shared edge, shape (pair,) (length).
    particles
        Number of particles.
    """

    first: Integers
    second: Integers
    separations: Array
    edges: Array
    particles: int

    @property
    def numbers(self) -> Integers:
        """How many neighbours each particle has, shape (particle,)."""
        return np.bincount(self.first, minlength=self.particles)

    @property
    def areas(self) -> Array:
        """Area of each particle's Voronoi cell, the inverse of its local density, shape (particle,) (length^2)."""
        lengths = np.linalg.norm(self.separations, axis=1)
        return np.bincount(self.first, 0.25 * self.edges * lengths, self.particles).astype(np.float64)

    def mean(self, values: Array, *, by_edge: bool = False) -> Array:
        """Mean of values (pair,), real or complex, over the neighbours of each particle, or weighted by the shared edges."""
        weights = self.edges if by_edge else np.ones(self.edges.shape)
        total = np.bincount(self.first, weights, self.particles)
        parts = [np.bincount(self.first, weights * part, self.particles) / total for part in (values.real, values.imag)]
        return np.asarray(parts[0] + 1j * parts[1] if np.iscomplexobj(values) else parts[0])


def voronoi_neighbours(positions: ArrayLike, size: ArrayLike) -> Neighbours:
    """Neighbours of every particle.

    Parameters
    ----------
    positions
        Shape (particle, 2) (length).
    size
        Edges of the box, shape (2,) (length).

    Raises
    ------
    InputError
        The positions are not in two dimensions, or so few or so arranged that they span no plane with their images.
    """
    points = wrapped(positions, size)
    if points.shape[1] != 2 or points.shape[0] == 0:
        raise InputError(
            f"Voronoi neighbours are those of particles in two dimensions; positions have the shape {points.shape}"
        )
    box = checked_box(size, 2)
    margin = _MARGIN * float(np.sqrt(np.prod(box) / points.shape[0]))
    # no circle without a particle in it is wider than the box
    largest = margin + 2.0 * float(box.sum())
    while margin <= largest:
        images, owners = _with_images(points, box, margin)
        try:
            triangulation = Delaunay(images)
        except QhullError as error:
            raise InputError(f"{points.shape[0]} particles have no Voronoi neighbours: {str(error).splitlines()[0]}") from error
        own = np.any(triangulation.simplices < points.shape[0], axis=1)
        inner = triangulation.simplices[own].astype(np.int64)
        centres = _circumcentres(images[inner])
        radii = np.linalg.norm(centres - images[inner[:, 0]], axis=1)
        beyond = np.max(np.maximum(radii[:, None] - centres, centres + radii[:, None] - box))
        # a particle of the box with no triangle on one side would be at the rim of the triangulation
        if beyond <= margin and np.all(triangulation.neighbors[own] >= 0):
            return _checked(_neighbours(points.shape[0], images, owners, inner, centres))
        margin *= 2.0
    raise InputError(f"{points.shape[0]} particles in the box {box.tolist()} lie so regularly that they have no triangulation")


def _checked(neighbours: Neighbours) -> Neighbours:
    alone = np.count_nonzero(neighbours.numbers == 0)
    if alone:
        raise InputError(f"{alone} particles have no Voronoi neighbours: they lie exactly where others do")
    return neighbours


def _with_images(points: Array, box: Array, margin: float) -> tuple[Array, Integers]:
    """The particles, then their images within a margin around the box; and whose image each is."""
    copies = [np.arange(-n, n + 1) for n in np.ceil(margin / box).astype(int)]
    shifts = np.stack(np.meshgrid(*copies, indexing="ij"), axis=-1).reshape(-1, 2)
    shifts = shifts[np.any(shifts != 0, axis=1)] * box
    images = (points[None] + shifts[:, None]).reshape(-1, 2)
    owners = np.tile(np.arange(points.shape[0]), shifts.shape[0])
    near = np.all((images >= -margin) & (images <= box + margin), axis=1)
    return np.concatenate([points, images[near]]), np.concatenate([np.arange(points.shape[0]), owners[near]])


def _circumcentres(corners: Array) -> Array:
    """Of triangles (triangle, 3, 2), shape (triangle, 2); far away for those without area."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    doubled = 2.0 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    squares = np.stack([np.sum(a * a, axis=1), np.sum(b * b, axis=1)], axis=1)
    upper = np.stack(
        [b[:, 1] * squares[:, 0] - a[:, 1] * squares[:, 1], a[:, 0] * squares[:, 1] - b[:, 0] * squares[:, 0]], axis=1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(corners[:, 0] + upper / doubled[:, None])


def _neighbours(particles: int, images: Array, owners: Integers, triangles: Integers, centres: Array) -> Neighbours:
    """Edges of the triangulation from particles of the box; the shared edge of two cells joins the two triangles' centres."""
    starts = triangles[:, [0, 1, 2, 1, 2, 0]].ravel()
    ends = triangles[:, [1, 2, 0, 0, 1, 2]].ravel()
    centre = np.repeat(centres, 6, axis=0)
    own = starts < particles
    starts, ends, centre = starts[own], ends[own], centre[own]
    order = np.lexsort((ends, starts))
    # the two triangles on either side of an edge now follow each other
    starts, ends = starts[order].reshape(-1, 2)[:, 0], ends[order].reshape(-1, 2)[:, 0]
    centre = centre[order].reshape(-1, 2, 2)
    separations = images[ends] - images[starts]
    edges = np.linalg.norm(centre[:, 1] - centre[:, 0], axis=1)
    touching = edges > _POINT * np.linalg.norm(separations, axis=1)
    return Neighbours(starts[touching], owners[ends][touching], separations[touching], edges[touching], particles)
