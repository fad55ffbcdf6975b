"""Phase diagrams in composition space: which phases coexist where, for one, two and three species.

One species has intervals between two densities. Two species have regions of tie lines, which end at critical points, at the
sides of triangles of three phases, or where a species vanishes; they are started from the facets of the lower hull and
followed to their ends (:mod:`theory.tie_lines`). Three species have bodies of tie lines, rods of triangles and single
tetrahedra of four phases: the tetrahedra are found, of the others samples are refined.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.composition_space import scan, window
from theory.errors import InputError
from theory.free_energy import FreeEnergy
from theory.lower_hull import MOST_SPECIES, Indices
from theory.model import Model
from theory.phase_equilibrium import TangentPlane, invariant_phases
from theory.phase_search import BeyondWindow, PhaseSearch, search_wide_enough
from theory.phases import Coexistence, in_order
from theory.spinodals import critical_point, spinodal_curves, spinodal_densities, spinodal_points
from theory.tie_lines import TieLines, TwoPhaseRegion

# invariant phases closer than this, relative, are the same
_SAME = 1e-5
# the window is made to hold the phases of compositions up to this share of it
_INNER = 0.8
# and to reach beyond, as tie lines at its edge are cut off
_MARGIN = 1.25
_PROBES = 24
# refined samples of three species, and the length of tie lines, in units of the window, that lead to critical points
_SAMPLES = {2: 120, 3: 50}
_SHORT = 0.25


@dataclass(frozen=True)
class PhaseDiagram:
    """Coexisting phases over a window of compositions.

    Parameters
    ----------
    names
        The species.
    upper
        Upper ends of the densities up to which the diagram is complete, shape (species,) (1/length^d).
    regions
        Two-phase regions of one or two species, each with its tie lines in order.
    tie_lines
        All tie lines, of three species a sample, shape (line, 2, species) (1/length^d).
    triangles
        Three phases that coexist: the triple points of two species, of three species a sample, shape (triangle, 3, species).
    tetrahedra
        Four phases of three species that coexist, shape (tetrahedron, 4, species).
    critical_points
        Where two phases become one, of three species a sample, shape (point, species).
    spinodals
        Curves in order, each of shape (point, species); of one species single points, of three species one set of points.
    search
        By which the phases at any composition of the window are found; None where f is convex at all densities.
    """

    names: tuple[str, ...]
    upper: Array
    regions: tuple[TwoPhaseRegion, ...]
    tie_lines: Array
    triangles: Array
    tetrahedra: Array
    critical_points: Array
    spinodals: tuple[Array, ...]
    search: PhaseSearch | None = field(repr=False)

    def at(self, composition: Array) -> Coexistence | None:
        """The phases at a composition (species,) of the window; None where one of them lies beyond it, or f is convex."""
        return None if self.search is None else _at(self.search, composition)

    def kinds(self, compositions: Array) -> list[str]:
        """What compositions (point, species) of three species in the window are, to the spacing of the hull.

        The kind of their tie line (:func:`theory.phases.kind_of`), ``"triple"``, ``"four"``, or nothing for one phase.
        """
        if self.search is None:
            return [""] * compositions.shape[0]
        found = self.search.kinds(compositions)
        for tetrahedron in self.tetrahedra:
            # inside a tetrahedron the hull leaves slivers of fewer phases between its corners' neighbours
            sides = (tetrahedron[1:] - tetrahedron[0]).T
            shares = np.linalg.solve(sides, (compositions - tetrahedron[0]).T)
            inside = np.all(shares > 0.0, axis=0) & (shares.sum(axis=0) < 1.0)
            found = ["four" if within else kind for kind, within in zip(found, inside, strict=True)]
        return found

    @property
    def binodals(self) -> list[Array]:
        """Compositions at which a further phase appears: curves in order, each of shape (point, species).

        The two curves of a region are one where they meet in a critical point. Of three species: one set of points.
        """
        if len(self.names) == MOST_SPECIES:
            phases = [one.reshape(-1, MOST_SPECIES) for one in (self.tie_lines, self.triangles, self.tetrahedra)]
            return [np.concatenate(phases)] if any(one.size for one in phases) else []
        return [curve for region in self.regions for curve in region.binodals]


def phase_diagram(model: Model, composition: ArrayLike | dict[str, float], upper: ArrayLike | None = None) -> PhaseDiagram:
    """The phase diagram of a mixture of one, two or three species in the local approximation.

    Parameters
    ----------
    model
        The model.
    composition
        Densities (1/length^d), all positive, which the window holds.
    upper
        Upper ends of the window, shape (species,) (1/length^d); by default twice the densities at which species separate by
        themselves, at least, and so much that it holds the phases of its inner part.

    Raises
    ------
    NotIntegrable
        The mixture has no free energy.
    Collapse
        The free energy has no lower bound.
    InputError
        There are more than three species, a density is zero, or the model has pair interactions.
    NumericalFailure
        Newton's method does not converge.
    """
    densities = model.densities(composition)
    if densities.size > MOST_SPECIES:
        raise InputError(
            f"phase diagrams are drawn for up to {MOST_SPECIES} species; theory.coexistence finds the phases of more"
        )
    if np.any(densities == 0.0):
        raise InputError(f"phase diagrams need positive densities, not {densities.tolist()}; leave the absent species out")
    free_energy = FreeEnergy(model, densities)
    scanned = scan(free_energy, densities)
    smallest = window(scanned, densities) if upper is None else np.asarray(upper, dtype=np.float64)
    if upper is None and densities.size == MOST_SPECIES:
        # sections of constant total density reach from one pure species to the next
        smallest = np.maximum(smallest, densities.sum() / _MARGIN)
    if not np.any(scanned.unstable):
        return _nothing(model.names, smallest)
    if upper is None:
        search, _ = search_wide_enough(free_energy, scanned, _MARGIN * smallest, lambda one: _probes(one, _INNER * smallest))
    else:
        search = PhaseSearch(free_energy, smallest, scanned)
    build = (_of_one_species, _of_two_species, _of_three_species)[densities.size - 1]
    return build(model.names, search)


def _nothing(names: tuple[str, ...], upper: Array) -> PhaseDiagram:
    """The diagram of a mixture with one phase only."""
    pairs, triples, fours = (_stacked([], (count, upper.size)) for count in (2, 3, 4))
    return PhaseDiagram(names, upper, (), pairs, triples, fours, _stacked([], (upper.size,)), (), None)


def _probes(search: PhaseSearch, below: Array) -> Array:
    """Compositions below some densities (species,) at which phases coexist, shape (composition, species)."""
    _, _, centres = _facets(search, edges=True)
    inner = centres[np.all(centres < below, axis=1)]
    return np.asarray(inner[:: max(1, inner.shape[0] // _PROBES)])


def _facets(search: PhaseSearch, *, edges: bool = False) -> tuple[Indices, Array, Array]:
    """Facets of the hull that span several phases, longest first: numbers of phases, corners (facet, corner, species), centres.

    Facets at the upper ends of the window, whose phases lie beyond it, are left out unless ``edges`` asks for them.
    """
    facets = search.hull.facets
    labels = search.labels(facets)
    at_the_edge = np.any(search.hull.densities >= search.upper[:, None] * (1.0 - 1e-9), axis=0)
    several = np.nonzero((np.ptp(labels, axis=1) > 0) & (edges | ~np.any(at_the_edge[facets], axis=1)))[0]
    corners = np.moveaxis(search.hull.densities[:, facets[several]], 0, -1)
    extent = np.ptp(corners / search.upper, axis=1).max(axis=1)
    order = np.argsort(-extent, kind="stable")
    counts = np.array([np.unique(row).size for row in labels[several[order]]], dtype=np.intp)
    return counts, corners[order], corners[order].mean(axis=1)


def _at(search: PhaseSearch, composition: Array) -> Coexistence | None:
    """The phases at a composition (species,); None where one of them lies beyond the window."""
    try:
        found = search.at(composition)
    except BeyondWindow:
        return None
    return found if _inside(found.densities, search) else None


def _inside(densities: Array, search: PhaseSearch) -> bool:
    return bool(np.all(densities <= search.upper))


def _of_one_species(names: tuple[str, ...], search: PhaseSearch) -> PhaseDiagram:
    _, _, centres = _facets(search)
    regions: list[TwoPhaseRegion] = []
    for found in (search.at(centre) for centre in centres):
        if found.number_of_phases == 2 and not any(np.allclose(one.tie_lines[0], found.densities) for one in regions):
            regions.append(TwoPhaseRegion(found.densities[None], ("axis", "axis")))
    spinodals = spinodal_densities(search.free_energy, float(search.upper[0]))
    return replace(
        _nothing(names, search.upper),
        regions=tuple(regions),
        tie_lines=_stacked([one.tie_lines[0] for one in regions], (2, 1)),
        spinodals=tuple(one.reshape(1, 1) for one in spinodals),
        search=search,
    )


def _of_two_species(names: tuple[str, ...], search: PhaseSearch) -> PhaseDiagram:
    counts, corners, centres = _facets(search)
    triples = _invariants(search, list(corners[counts == 3]))
    regions = _regions(search, centres[counts == 2])
    ends = [(region.tie_lines[i], ending) for region in regions for i, ending in zip((0, -1), region.endings, strict=True)]
    critical = [line[0] for line, ending in ends if ending == "critical point"]
    triples += [region.triple_points[i] for region in regions for i in range(len(region.triple_points))]
    return replace(
        _nothing(names, _complete(search.upper, [line for line, ending in ends if ending == "window"])),
        regions=tuple(regions),
        tie_lines=_stacked([line for region in regions for line in region.tie_lines], (2, 2)),
        triangles=_stacked(_distinct(triples), (3, 2)),
        critical_points=_stacked(_distinct(critical), (2,)),
        spinodals=tuple(spinodal_curves(search.free_energy, search.upper)),
        search=search,
    )


def _complete(upper: Array, cut_off: list[Array]) -> Array:
    """The largest window in which no composition lies beyond a tie line (2, species) that the edge of the search cut off."""
    out = upper.copy()
    for line in cut_off:
        choices = [np.where(np.arange(2) == m, np.minimum(out, line[:, m].min()), out) for m in range(2)]
        # or a window of the same shape whose corner lies on the tie line, at share s of it
        s, factor = np.linalg.solve(np.column_stack([line[0] - line[1], -out]), -line[1])
        if 0.0 < s < 1.0 < 1.0 / factor:
            choices.append(factor * out)
        out = max(choices, key=lambda one: float(np.prod(one)))
    return out


def _regions(search: PhaseSearch, centres: Array) -> list[TwoPhaseRegion]:
    """The regions that hold the centres (facet, species) of the hull's two-phase facets."""
    tie_lines = TieLines(search)
    regions: list[TwoPhaseRegion] = []
    while centres.size:
        found, centres = _at(search, centres[0]), centres[1:]
        # facets beside a region, which the hull knows to its spacing only, lead to one phase or to a region that is known
        if found is None or found.number_of_phases != 2:
            continue
        if any(region.holds(found.densities.mean(axis=0)[None])[0] for region in regions):
            continue
        regions.append(tie_lines.region(found.densities))
        centres = centres[~regions[-1].holds(centres)]
    return regions


def _invariants(search: PhaseSearch, starts: list[Array]) -> list[Array]:
    """N + 1 phases that coexist, refined from corners of facets (phase, species), without repetitions."""
    found: list[Array] = []
    for start in starts:
        if np.any(start <= 0.0):
            continue
        phases = invariant_phases(search.free_energy, start)
        if phases is None or not _inside(phases, search):
            continue
        if search.below(TangentPlane.at(search.free_energy, phases[0]), phases) is None:
            found.append(phases[in_order(phases)])
    return _distinct(found)


def _distinct(found: list[Array]) -> list[Array]:
    out: list[Array] = []
    for one in found:
        if not any(np.allclose(one, other, rtol=_SAME, atol=0.0) for other in out):
            out.append(one)
    return out


def _stacked(found: list[Array], shape: tuple[int, ...]) -> Array:
    return np.array(found).reshape(-1, *shape)


def _of_three_species(names: tuple[str, ...], search: PhaseSearch) -> PhaseDiagram:
    counts, corners, centres = _facets(search)
    tetrahedra = _invariants(search, list(corners[counts == 4]))
    refined: list[Coexistence | None] = []
    for count, samples in _SAMPLES.items():
        chosen = centres[counts == count]
        refined += [_at(search, one) for one in chosen[:: max(1, chosen.shape[0] // samples)]]
    of = {count: [one.densities for one in refined if one is not None and one.number_of_phases == count] for count in _SAMPLES}
    return replace(
        _nothing(names, search.upper),
        tie_lines=_stacked(of[2], (2, 3)),
        triangles=_stacked(of[3], (3, 3)),
        tetrahedra=_stacked(tetrahedra, (4, 3)),
        critical_points=_stacked(_critical_points(search, of[2]), (3,)),
        spinodals=tuple(spinodal_points(search.free_energy, search.upper)),
        search=search,
    )


def _critical_points(search: PhaseSearch, tie_lines: list[Array]) -> list[Array]:
    """Critical points next to short tie lines."""
    found = []
    for line in tie_lines:
        if np.max(np.abs(line[1] - line[0]) / search.upper) < _SHORT:
            point = critical_point(search.free_energy, line.mean(axis=0), line[1] - line[0])
            if point is not None and _inside(point, search):
                plane = TangentPlane.at(search.free_energy, point)
                if search.below(plane, point[None]) is None:
                    found.append(point)
    return _distinct(found)
