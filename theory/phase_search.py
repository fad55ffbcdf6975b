"""Coexisting phases of a free energy: found on its lower hull, refined by Newton's method, verified on a finer grid.

1. The lower hull of f over a grid of the window is refined where its facets span several phases (:mod:`theory.lower_hull`).
2. The corners of the facet that holds a composition start Newton's method (:mod:`theory.phase_equilibrium`).
3. The tangent plane that comes out is held against f on a finer grid, whose lowest basins are followed down to their
   bottoms, and against the scan over all densities. Where f dips below the plane there is a further phase, and step 2 is
   repeated with it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array
from theory.composition_space import Collapse, CompositionGrid, Scan
from theory.errors import NumericalFailure
from theory.free_energy import GRID_TOLERANCE, FreeEnergy
from theory.lower_hull import Indices, LowerHull, corner_phases, lowest_mixture
from theory.phase_equilibrium import TangentPlane, descended, phases_at, touching_point
from theory.phases import Coexistence, in_order, kind_of

# points along an axis (in all, with more than three species) of the hull's grid and of the one that verifies
_POINTS = {1: (2001, 8001), 2: (97, 193), 3: (25, 49)}
_SCATTERED_POINTS = (3000, 12000)
_REFINEMENTS = {1: 2, 2: 2, 3: 1}
# heights of f below a plane that are round-off, in units of the composition's total density
_ROUND_OFF = 1e-9
_SAME_PHASE = 1e-6
_BASINS = 8
# how far from an unstable phase the way down starts, relative
_ASIDE = 0.01
_LARGEST_GROWTH = 1e3
_ATTEMPTS = 24
# densities that start Newton's method, at least, in units of the window
_TRACE = 1e-7


class BeyondWindow(NumericalFailure):
    """A phase lies at densities above those that were looked at closely; ``densities`` (species,) says where about."""

    def __init__(self, densities: Array, upper: Array) -> None:
        super().__init__(f"phases lie at densities above {upper.tolist()}, at about {densities.tolist()}")
        self.densities = densities


class PhaseSearch:
    """Finds the phases at any composition of a window.

    Parameters
    ----------
    free_energy
        The free energy.
    upper
        Upper ends of the window, shape (species,) (1/length^d).
    scanned
        The scan over all densities.

    Raises
    ------
    NotIntegrable
        There is no free energy at some densities of the window.
    """

    def __init__(self, free_energy: FreeEnergy, upper: Array, scanned: Scan) -> None:
        free_energy.require_path_independence(upper)
        self.free_energy = free_energy
        self.upper = upper
        coarse, fine = _POINTS.get(upper.size, _SCATTERED_POINTS)
        self.grid = CompositionGrid(free_energy, upper, coarse)
        self._fine = CompositionGrid(free_energy, upper, fine)
        self._highest = scanned.densities.max(axis=1)
        self._outer = scanned.densities[:, scanned.valid][:, :: max(1, scanned.densities.shape[1] // 4096)]
        self._outer_values = free_energy.density(self._outer, GRID_TOLERANCE)
        self.hull, self._at_the_end = self._refined_hull()

    def _refined_hull(self) -> tuple[LowerHull, NDArray[np.bool_]]:
        """The hull with points added around the corners of facets that span phases; which points lie at the end of laws."""
        densities, values = self.grid.densities[:, self.grid.valid], self.grid.values[self.grid.valid]
        at_the_end = self.grid.at_the_end_of_laws[self.grid.valid]
        hull = LowerHull(densities, values)
        for n in range(_REFINEMENTS.get(self.upper.size, 0)):
            labels = self.labels(hull.facets, hull)
            corners = np.unique(hull.facets[np.ptp(labels, axis=1) > 0])
            around = self.grid.around(densities[:, corners], 0.5 ** (n + 1))
            found = self.free_energy.density(around, GRID_TOLERANCE)
            finite = np.isfinite(found)
            nearest = np.repeat(at_the_end[corners], around.shape[1] // max(1, corners.size))
            densities = np.concatenate([densities, around[:, finite]], axis=1)
            values = np.concatenate([values, found[finite]])
            at_the_end = np.concatenate([at_the_end, nearest[finite]])
            hull = LowerHull(densities, values)
        return hull, at_the_end

    def labels(self, facets: Indices, hull: LowerHull | None = None) -> Indices:
        """Labels of the phases that the corners of facets belong to; see :func:`corner_phases`."""
        hull = hull or self.hull
        return corner_phases(self.free_energy, hull, facets, self.grid.cells(hull.densities))

    def kinds(self, compositions: Array) -> list[str]:
        """What compositions (point, species) are to the spacing of the hull, as :meth:`PhaseDiagram.kinds` names it."""
        facets = np.stack([self.hull.facet(one)[0] for one in compositions])
        labels = self.labels(facets)
        out = []
        for corners, label in zip(facets, labels, strict=True):
            groups = np.unique(label)
            phases = np.stack([self.hull.densities[:, corners[label == one]].mean(axis=1) for one in groups])
            out.append(("", kind_of(phases[:2]) if groups.size > 1 else "", "triple", "four")[groups.size - 1])
        return out

    def at(self, composition: Array) -> Coexistence:
        """The phases at a composition (species,), all densities of which are positive.

        Raises
        ------
        Collapse
            A phase lies where the speeds end.
        BeyondWindow
            A phase lies above the window.
        NumericalFailure
            Newton's method does not converge.
        """
        densities, fractions = self._start(composition)
        for _ in range(_ATTEMPTS):
            densities, fractions = self._refined(composition, densities, fractions)
            plane = TangentPlane.at(self.free_energy, densities[0])
            others = self.bottoms(plane, densities)
            tolerance = _ROUND_OFF * float(densities.sum(axis=1).max())
            lower = [one for height, one in others if height < -tolerance]
            if not lower:
                order, next_ = in_order(densities), others[0][1] if others else None
                return Coexistence(densities[order], fractions[order], plane.potentials, plane.pressure, next_)
            if np.any(lower[0] > self.upper):
                raise BeyondWindow(lower[0], self.upper)
            densities, fractions = self._with(composition, densities, fractions, lower)
        raise NumericalFailure(f"no phases were found whose tangent plane is global at the composition {composition.tolist()}")

    def _start(self, composition: Array) -> tuple[Array, Array]:
        corners, weights = self.hull.facet(composition)
        labels = self.labels(corners[None])[0]
        groups = [np.nonzero(labels == one)[0] for one in np.unique(labels)]
        groups = [group for group in groups if weights[group].sum() > 1e-9]
        if len(groups) == 1:
            return composition[None], np.ones(1)
        if np.any(self._at_the_end[corners]):
            densest = self.hull.densities[:, corners[int(np.argmax(self._at_the_end[corners]))]]
            raise Collapse(
                f"the dense phase at the composition {composition.tolist()} lies where a speed vanishes, at about "
                f"{densest.round(4).tolist()}: the free energy is not convex again before the laws end"
            )
        fractions = np.array([weights[group].sum() for group in groups])
        densities = np.stack([self.hull.densities[:, corners[g]] @ weights[g] / weights[g].sum() for g in groups])
        return self._without_zeros(composition, densities, fractions), fractions

    def _without_zeros(self, composition: Array, densities: Array, fractions: Array) -> Array:
        """Densities (phase, species) with a dilute species' shares for zeros, which come from the edge of the grid."""
        excess = self.free_energy.excess_potentials(densities.T).T
        out = densities.copy()
        for m in range(composition.size):
            if np.any(densities[:, m] < _TRACE * self.upper[m]):
                share = np.exp(excess[:, m].min() - excess[:, m])
                out[:, m] = composition[m] * share / (fractions @ share)
        return out

    def _refined(self, composition: Array, densities: Array, fractions: Array) -> tuple[Array, Array]:
        """Newton's method, without phases that it finds to be absent or the same as others."""
        while fractions.size > 1:
            found = phases_at(self.free_energy, composition, densities, fractions)
            if found is None:
                # phases that are about to merge have no solution of their own: the smallest one gives way
                keep = np.arange(fractions.size) != np.argmin(fractions)
            else:
                densities, fractions = found
                keep = _distinct(densities) & (fractions > 0.0)
            if np.all(keep):
                return densities, fractions
            densities, fractions = densities[keep], fractions[keep] / fractions[keep].sum()
        return composition[None], np.ones(1)

    def _with(self, composition: Array, densities: Array, fractions: Array, lower: list[Array]) -> tuple[Array, Array]:
        """A start that has phases from those that were found below the plane, the lowest first."""
        candidates = np.vstack([densities, *lower]).T
        values = self.free_energy.density(candidates)
        shares = lowest_mixture(candidates, values, composition)
        if np.any(shares[fractions.size :] > 0.0):
            return candidates[:, shares > 0.0].T, shares[shares > 0.0]
        # the composition lies outside of what is known: a little of the lowest phase, and the others moved to make room
        share = 0.02 * min(1.0, float(np.min(composition / lower[0])))
        rest = (composition - share * lower[0]) / (fractions @ densities)
        return np.vstack([densities * rest, lower[0]]), np.append(fractions * (1.0 - share), share)

    def below(self, plane: TangentPlane, phases: Array) -> Array | None:
        """Densities (species,) of a bottom of f below a plane that touches it at phases (phase, species), if there is one."""
        height, found = self.lowest_other(plane, phases)
        return found if height < -_ROUND_OFF * float(phases.sum(axis=1).max()) else None

    def lowest_other(self, plane: TangentPlane, phases: Array) -> tuple[float, Array | None]:
        """Height and densities (species,) of the lowest of the :meth:`bottoms`; infinity and None without any."""
        return next(iter(self.bottoms(plane, phases)), (np.inf, None))

    def bottoms(self, plane: TangentPlane, phases: Array) -> list[tuple[float, Array]]:
        """Bottoms of f over a plane that are not the phases (phase, species): heights and densities, lowest first."""
        found: list[tuple[float, Array]] = []
        for start in self._starts(plane, phases):
            height, one = self._bottom(plane, np.maximum(start, _TRACE * self.upper))
            known = np.array([*phases, *(other for _, other in found)])
            if one is not None and np.all(_far(one, known)):
                found.append((height, one))
        return sorted(found, key=lambda one: one[0])

    def _bottom(self, plane: TangentPlane, start: Array) -> tuple[float, Array | None]:
        """Height and densities of the bottom of f over a plane next to a start (species,)."""

        def height(densities: Array) -> float:
            point = densities[:, None]
            return float(plane.heights(point, self.free_energy.density(point))[0])

        found = touching_point(self.free_energy, plane, start)
        if found is not None and np.any(found > self._highest):
            found = None
        before, after = height(start), np.inf if found is None else height(found)
        # what lies below the plane must not be lost to a root elsewhere
        if before < 0.0 and after > before:
            found = descended(self.free_energy, plane, start, self._highest)
            after = height(found)
        return after, found

    def _starts(self, plane: TangentPlane, phases: Array) -> list[Array]:
        """Bottoms of f over the plane, to the grids' spacing, that are not the phases themselves."""
        heights = plane.heights(self._fine.densities, self._fine.values)
        basins = self._fine.basins(heights, _BASINS)
        distance = np.abs(self._fine.cells(basins)[:, :, None] - self._fine.cells(phases.T)[:, None]).max(axis=0).min(axis=1)
        starts = list(basins[:, distance > 1.5].T)
        # a phase that is unstable itself lies between two bottoms, perhaps nearer than the spacing
        values, vectors = np.linalg.eigh(self.free_energy.stability(phases.T))
        for phase, curvature, direction in zip(phases, values[:, 0], vectors[..., 0], strict=True):
            if curvature < 0.0:
                # in log rho the eigenvector of the stability matrix points along e_m/sqrt(rho_m)
                aside = direction / np.sqrt(phase)
                starts += [phase * np.exp(step * aside / np.max(np.abs(aside))) for step in (-_ASIDE, _ASIDE)]
        outside = plane.heights(self._outer, self._outer_values)
        if outside.size and float(outside.min()) < 0.0:
            starts.append(self._outer[:, int(np.argmin(outside))])
        return starts


def search_wide_enough(
    free_energy: FreeEnergy, scanned: Scan, upper: Array, compositions: Callable[[PhaseSearch], Array]
) -> tuple[PhaseSearch, list[Coexistence]]:
    """A search over a window that holds the phases of some compositions, and these phases.

    Parameters
    ----------
    free_energy, scanned
        The free energy and the scan of its curvature.
    upper
        Upper ends of the smallest window, shape (species,) (1/length^d).
    compositions
        Takes a search to the compositions of interest (composition, species).

    Raises
    ------
    Collapse
        A phase lies where the speeds end.
    NumericalFailure
        Newton's method does not converge, or phases lie far beyond the window.
    """
    smallest = upper
    while np.all(upper < _LARGEST_GROWTH * smallest):
        search = PhaseSearch(free_energy, upper, scanned)
        try:
            found = [search.at(composition) for composition in compositions(search)]
        except BeyondWindow as error:
            # where about is known badly: the window grows step by step
            upper = np.where(error.densities > upper, 1.5 * upper, upper)
            continue
        highest = np.max([np.zeros_like(upper), *(one.densities.max(axis=0) for one in found)], axis=0)
        if np.all(highest <= upper):
            return search, found
        upper = np.where(highest > upper, 1.3 * highest, upper)
    raise NumericalFailure(
        f"phases were found at densities of {upper.tolist()}, far above those of interest, {smallest.tolist()}"
    )


def _far(densities: Array, phases: Array) -> NDArray[np.bool_]:
    return np.asarray(np.max(np.abs(densities - phases) / (densities + phases), axis=1) > _SAME_PHASE)


def _distinct(densities: Array) -> NDArray[np.bool_]:
    """Phases (phase, species) that are not the same as an earlier one."""
    return np.array([bool(np.all(_far(one, densities[:k]))) for k, one in enumerate(densities)])
