"""The lower convex hull of a free energy that is known at points: global tangent planes, to the points' spacing.

The lower hull of f is the free energy of a mixture that may split into phases. Each of its facets is a simplex of N + 1
points whose tangent plane lies below all others. A small facet belongs to a homogeneous mixture; a facet with a long edge,
along which f rises above the hull, spans coexisting phases, which sit near its corners.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.spatial import ConvexHull

from theory.arrays import Array
from theory.errors import NumericalFailure
from theory.free_energy import GRID_TOLERANCE, FreeEnergy

Indices = NDArray[np.intp]

# with more species the hull has too many facets to be held; one facet at a time is found by linear programming
MOST_SPECIES = 3
# edges of facets up to this many cells belong to one phase
_SHORT_EDGE = 2.5


class LowerHull:
    """The lower convex hull of f over points.

    Parameters
    ----------
    densities
        The points, shape (species, point) (1/length^d); they span the compositions of interest.
    values
        f there, shape (point,) (1/length^d), all finite.
    """

    def __init__(self, densities: Array, values: Array) -> None:
        self.densities = densities
        self.values = values
        #: corners of the facets, shape (facet, species + 1); none where there are too many species to hold them
        self.facets: Indices = np.empty((0, densities.shape[0] + 1), dtype=np.intp)
        if densities.shape[0] <= MOST_SPECIES:
            self.facets, self._slopes, self._heights = self._constructed()

    def _constructed(self) -> tuple[Indices, Array, Array]:
        """Facets and their planes: height + slope . densities."""
        scale = self.densities.max(axis=1)
        unit = (self.densities / scale[:, None]).T
        # a plane taken away moves no facet, and leaves the digits to the curvature
        design = np.column_stack([unit, np.ones(unit.shape[0])])
        plane, *_ = np.linalg.lstsq(design, self.values, rcond=None)
        rest = self.values - design @ plane
        size = max(float(np.max(np.abs(rest))), 1e-300)
        hull = ConvexHull(np.column_stack([unit, rest / size]))
        normals = hull.equations
        lower = normals[:, -2] < -1e-12
        corners = np.sort(np.asarray(hull.simplices[lower], dtype=np.intp), axis=1)
        volume = np.abs(np.linalg.det(unit[corners[:, 1:]] - unit[corners[:, :1]]))
        # a corner that lies on the side of a facet leaves a simplex without volume
        solid = volume > 1e-14
        normals = normals[lower][solid]
        slopes = (-size * normals[:, :-2] / normals[:, -2:-1] + plane[:-1]) / scale
        heights = -size * normals[:, -1] / normals[:, -2] + plane[-1]
        return corners[solid], slopes, heights

    def value(self, densities: Array) -> Array:
        """The hull at densities (species, ...), shape ``densities.shape[1:]``: the highest of its planes."""
        flat = densities.reshape(densities.shape[0], -1)
        out = np.array([np.max(self._slopes @ one + self._heights) for one in flat.T])
        return out.reshape(densities.shape[1:])

    def facet(self, composition: Array) -> tuple[Indices, Array]:
        """Corners of the facet that holds a composition (species,), and their weights in it.

        Raises
        ------
        NumericalFailure
            The composition lies outside the points.
        """
        if not self.facets.size:
            return self._facet_by_programming(composition)
        planes = self._slopes @ composition + self._heights
        # facets of one plane have the same height: the right one holds the composition inside
        near = np.nonzero(planes >= planes.max() - 1e-12 * float(np.max(np.abs(self.values))))[0]
        weights = np.linalg.solve(
            self._systems[near], np.broadcast_to(np.append(composition, 1.0)[:, None], (near.size, composition.size + 1, 1))
        )[..., 0]
        best = int(np.argmax(weights.min(axis=1)))
        if weights[best].min() < -1e-6:
            raise NumericalFailure(f"the composition {composition.tolist()} lies outside the densities that were looked at")
        return self.facets[near[best]], np.maximum(weights[best], 0.0)

    @cached_property
    def _systems(self) -> Array:
        """Matrices that take weights of a facet's corners to a composition and their sum, shape (facet, N + 1, N + 1)."""
        corners = np.moveaxis(self.densities[:, self.facets], 0, 1)
        return np.concatenate([corners, np.ones((self.facets.shape[0], 1, self.facets.shape[1]))], axis=1)

    def _facet_by_programming(self, composition: Array) -> tuple[Indices, Array]:
        weights = lowest_mixture(self.densities, self.values, composition)
        corners = np.nonzero(weights > 0.0)[0]
        return corners, weights[corners]


def lowest_mixture(densities: Array, values: Array, composition: Array) -> Array:
    """Shares of points (species, point) that make up a composition with the lowest free energy, shape (point,).

    Raises
    ------
    NumericalFailure
        The composition lies outside the points.
    """
    balance = np.vstack([densities / composition[:, None], np.ones(densities.shape[1])])
    found = linprog(values - values.min(), A_eq=balance, b_eq=np.ones(composition.size + 1), method="highs-ds")
    if not found.success:
        raise NumericalFailure(f"the composition {composition.tolist()} lies outside the densities that were looked at")
    return np.asarray(found.x)


def corner_phases(free_energy: FreeEnergy, hull: LowerHull, facets: Indices, cells: Array) -> Indices:
    """Which corners of facets (facet, corner) belong to one phase: labels, equal within a phase, shape (facet, corner).

    Corners a few cells apart are one phase, and so are corners between which f nowhere rises above the hull.
    """
    corners = facets.shape[1]
    same = np.ones((facets.shape[0], corners, corners), dtype=np.bool_)
    first, second = np.triu_indices(corners, 1)
    a, b = facets[:, first], facets[:, second]
    long = np.abs(cells[:, a] - cells[:, b]).max(axis=0) > _SHORT_EDGE
    edges, which = np.unique(np.stack([a[long], b[long]]), axis=1, return_inverse=True)
    rises = np.zeros(edges.shape[1], dtype=np.bool_)
    for share in (0.25, 0.5, 0.75):
        inside = (1.0 - share) * hull.densities[:, edges[0]] + share * hull.densities[:, edges[1]]
        chord = (1.0 - share) * hull.values[edges[0]] + share * hull.values[edges[1]]
        rises |= free_energy.density(inside, GRID_TOLERANCE) > chord
    apart = np.zeros(a.shape, dtype=np.bool_)
    apart[long] = rises[which.ravel()]
    same[:, first, second] = same[:, second, first] = ~apart
    labels = np.broadcast_to(np.arange(corners), facets.shape).copy()
    for _ in range(corners - 1):
        labels = np.where(same, labels[:, None, :], corners).min(axis=2)
    return labels
