r"""Which densities matter, and grids over them.

A free energy that is convex everywhere knows one phase only. Where its stability matrix delta_mn + sqrt(rho_m rho_n) b_mn has
a negative eigenvalue it is not convex, and phases coexist about there. A scan over six decades of all densities finds these
places; the *window* holds them and the composition, and grids over the window are dense at low densities, rho = upper s^(3/2)
with s uniform.

If f curves downwards along rays to the highest densities, \sum_m rho_m + \sum_mn rho_m b_mn rho_n < 0, it has no lower bound:
the mixture collapses into ever denser clusters, and no tangent plane is global.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from theory.arrays import Array
from theory.errors import InputError
from theory.free_energy import GRID_TOLERANCE, FreeEnergy

Flags = NDArray[np.bool_]

_SCAN_LOW, _SCAN_HIGH = 1e-2, 1e4
# points along an axis by number of species, and in all where there are more
_SCAN_POINTS = {1: 4096, 2: 256, 3: 56}
_SCATTERED = 2**15
_STRETCH = 1.5
# windows reach beyond the densities at which a species separates by itself, or mixtures begin to separate, by these factors
_BEYOND_OWN, _BEYOND_ONSET = 2.0, 1.6


class Collapse(InputError):
    """The free energy has no lower bound at high densities, or its laws end before it turns convex again."""


@dataclass(frozen=True)
class Scan:
    """Where the free energy is not convex, over six decades of densities.

    Parameters
    ----------
    densities
        The points that were looked at, shape (species, point) (1/length^d).
    unstable
        Whether f is not convex there, shape (point,).
    valid
        Whether all speeds are positive there, shape (point,).
    own
        Whether each species would separate by itself there, shape (species, point).
    collapses
        Whether f curves downwards along a ray at the highest densities.
    """

    densities: Array
    unstable: Flags
    valid: Flags
    own: Flags
    collapses: bool


def scan(free_energy: FreeEnergy, composition: Array) -> Scan:
    """Look at the curvature of f between 1/100 and 10^4 times the composition's largest density."""
    scale = float(composition.max())
    # with the composition itself, which must not be taken for stable between the points
    densities = np.concatenate([_scan_points(composition.size, scale), composition[:, None]], axis=1)
    matrices = free_energy.stability(densities)
    valid = np.all(np.isfinite(matrices), axis=(1, 2)) & np.all(np.isfinite(free_energy.explicit(densities)), axis=0)
    matrices[~valid] = np.eye(composition.size)
    unstable = np.linalg.eigvalsh(matrices)[:, 0] < 0.0
    own = np.diagonal(matrices, axis1=1, axis2=2).T < 0.0
    # the ray's direction in these units
    root = np.sqrt(densities).T
    along = np.einsum("pm,pmn,pn->p", root, matrices, root)
    outer = densities.max(axis=0) > 0.5 * _SCAN_HIGH * scale
    return Scan(densities, unstable, valid, own, bool(np.any(outer & valid & (along < 0.0))))


def _scan_points(species: int, scale: float) -> Array:
    if species not in _SCAN_POINTS:
        from scipy.stats import qmc

        unit = qmc.Halton(d=species, scramble=False).random(_SCATTERED).T
        return np.asarray(scale * _SCAN_LOW * (_SCAN_HIGH / _SCAN_LOW) ** unit)
    axis = scale * np.geomspace(_SCAN_LOW, _SCAN_HIGH, _SCAN_POINTS[species])
    return _mesh([axis] * species)


def _mesh(axes: list[Array]) -> Array:
    return np.stack(np.meshgrid(*axes, indexing="ij")).reshape(len(axes), -1)


def window(found: Scan, composition: Array) -> Array:
    """Upper ends of the densities to look at closely, shape (species,) (1/length^d); the lower ends are zero.

    Raises
    ------
    Collapse
        The free energy has no lower bound.
    """
    if found.collapses:
        raise Collapse(
            "the free energy has no lower bound at high densities: the speeds fall so fast with density that the mixture "
            "collapses into ever denser clusters, and no phases coexist; state laws that saturate"
        )
    upper = 1.25 * composition
    if not np.any(found.unstable):
        return np.asarray(upper)
    onset = float(found.densities[:, found.unstable].max(axis=0).min())
    moderate = 4.0 * max(onset, float(composition.max()))
    for m in range(composition.size):
        others = np.delete(found.densities, m, axis=0)
        where = found.own[m] & np.all(others < moderate, axis=0)
        own = float(found.densities[m, where].max(initial=0.0))
        upper[m] = max(upper[m], _BEYOND_ONSET * onset, _BEYOND_OWN * own)
    return np.asarray(upper)


class CompositionGrid:
    """A grid over a window of densities, with f on it.

    Parameters
    ----------
    free_energy
        The free energy.
    upper
        Upper ends of the window, shape (species,) (1/length^d).
    points
        Number of points along each axis; with more than three species, of scattered points in all.
    """

    def __init__(self, free_energy: FreeEnergy, upper: Array, points: int) -> None:
        self.free_energy = free_energy
        self.upper = upper
        self.shape: tuple[int, ...] = (points,) * upper.size if upper.size in _SCAN_POINTS else (points + 2**upper.size,)
        self.densities = self._points(points)
        self.values = free_energy.density(self.densities, GRID_TOLERANCE)
        self.valid: Flags = np.isfinite(self.values)

    def _points(self, points: int) -> Array:
        species = self.upper.size
        if species in _SCAN_POINTS:
            axis = np.linspace(0.0, 1.0, points) ** _STRETCH
            return _mesh([axis * upper for upper in self.upper])
        from scipy.stats import qmc

        # with the corners of the window, so that every composition lies inside
        unit = qmc.Halton(d=species, scramble=False).random(points).T ** _STRETCH
        corners = _mesh([np.array([0.0, 1.0])] * species)
        return np.asarray(self.upper[:, None] * np.concatenate([unit, corners], axis=1))

    def cells(self, densities: Array) -> Array:
        """Densities (species, ...) in units of the grid's spacing, from zero."""
        upper = self.upper.reshape(-1, *(1,) * (densities.ndim - 1))
        along = self.shape[0] - 1 if len(self.shape) == self.upper.size else self.shape[0] ** (1.0 / self.upper.size)
        return np.asarray((np.maximum(densities, 0.0) / upper) ** (1.0 / _STRETCH) * along)

    def around(self, densities: Array, distance: float) -> Array:
        """Neighbours inside the window of points (species, point) along every axis, at a distance in cells.

        Returns
        -------
        ndarray
            Shape (species, neighbour), the neighbours of each point side by side.
        """
        out = np.repeat(densities[:, :, None], 2 * self.upper.size, axis=2)
        last = self.shape[0] - 1
        for m, along in enumerate(self.cells(densities)):
            for n, step in enumerate((-distance, distance)):
                out[m, :, 2 * m + n] = self.upper[m] * (np.clip(along + step, 0.0, last) / last) ** _STRETCH
        return out.reshape(self.upper.size, -1)

    @cached_property
    def at_the_end_of_laws(self) -> Flags:
        """Points beside one at which a speed is not positive, shape (point,)."""
        if len(self.shape) < self.upper.size:
            return np.zeros(self.valid.size, dtype=np.bool_)
        invalid = ndimage.binary_dilation(~self.valid.reshape(self.shape), np.ones((3,) * self.upper.size, dtype=np.bool_))
        return np.asarray(invalid.ravel() & self.valid)

    def basins(self, heights: Array, most: int) -> Array:
        """The lowest local minima of heights (point,) on the grid, as densities (species, minimum), lowest first."""
        finite = np.where(self.valid, heights, np.inf)
        if len(self.shape) == self.upper.size:
            field = finite.reshape(self.shape)
            lowest = np.nonzero((ndimage.minimum_filter(field, 3, mode="nearest") == field).ravel() & self.valid)[0]
        else:
            lowest = np.arange(finite.size)
        order = np.argsort(finite[lowest])[:most]
        return np.asarray(self.densities[:, lowest[order]])
