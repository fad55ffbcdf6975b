"""Phase diagrams: ends of two-phase regions, triple and critical points, spinodals, against what is known of them."""

import functools
import time

import numpy as np
import pytest

from tests.theory.models import RUN, cross, figure_one, one_species, three_species
from theory import InputError, Model, Species
from theory.coexistence import Collapse, NotIntegrable, coexistence
from theory.free_energy import FreeEnergy
from theory.parameter_diagram import parameter_diagram
from theory.phase_diagram import PhaseDiagram, phase_diagram
from theory.phases import kind_of
from theory.spinodals import criticality, smallest_eigenvalue
from theory.tie_lines import TwoPhaseRegion


def bubble(k_a: float = 0.35, k_b: float = 0.6) -> Model:
    """Species that do not separate by themselves, with a common activation: a region between two critical points."""
    laws = [f"exp(-{k}*tanh(({n} - 40)/20) + 0.9*tanh((total - 90)/40))" for n, k in (("A", k_a), ("B", k_b))]
    return Model(2, [Species(n, RUN, v) for n, v in zip("AB", laws, strict=True)])


@functools.cache
def diagram(name: str) -> PhaseDiagram:
    models = {"figure 1": (figure_one(), 75.0), "bubble": (bubble(), 50.0), "three": (three_species(), 50.0)}
    model, density = models[name]
    return phase_diagram(model, np.full(model.number_of_species, density))


def test_figure_one_in_time() -> None:
    """At most 10 s of one processor: imports are made, and nothing of this model is known, as its symbols and grids."""
    coexistence(one_species("exp(-tanh((A - 50)/20))"), [50.0])
    before = time.process_time()
    phase_diagram(figure_one(), [75.0, 75.0])
    assert time.process_time() - before < 10.0


def test_regions_of_figure_one() -> None:
    found = diagram("figure 1")
    endings = sorted(tuple(sorted(region.endings)) for region in found.regions)
    assert endings == [("axis", "triple point")] * 2 + [("triple point", "triple point")] + [("triple point", "window")] * 2
    kinds = {tuple(sorted(region.endings)): set(region.kinds) for region in found.regions}
    assert kinds["triple point", "triple point"] == {"demixing"}
    assert kinds["axis", "triple point"] == kinds["triple point", "window"] == {"separation"}
    assert found.critical_points.shape == (0, 2)


def test_triple_points_of_figure_one() -> None:
    upper, lower = sorted(diagram("figure 1").triangles, key=lambda one: -one[1].sum())
    expected = [[103.8933925, 16.9000250], [87.0873357, 87.0873357], [16.9000250, 103.8933925]]
    np.testing.assert_allclose(upper, expected, atol=6e-8)
    np.testing.assert_allclose(lower, [[72.3931699, 11.8262576], [18.7603508, 18.7603508], [11.8262576, 72.3931699]], atol=1e-7)


def test_regions_end_at_the_sides_of_the_triangles() -> None:
    found = diagram("figure 1")
    for region in found.regions:
        for line, ending in zip((region.tie_lines[0], region.tie_lines[-1]), region.endings, strict=True):
            if ending == "triple point":
                near = [np.min(np.max(np.abs(found.triangles.reshape(-1, 2) - one), axis=1)) for one in line]
                assert max(near) < 1e-6
    assert {len(region.triple_points) for region in found.regions} == {1, 2}


@pytest.mark.parametrize("name", ["figure 1", "bubble"])
def test_tie_lines_obey_their_equations(name: str) -> None:
    found = diagram(name)
    assert found.search is not None
    free_energy = found.search.free_energy
    inside = found.tie_lines[np.all(found.tie_lines > 1e-6, axis=(1, 2))]
    first, second = np.moveaxis(inside, 1, 0)
    np.testing.assert_allclose(free_energy.chemical_potentials(first.T), free_energy.chemical_potentials(second.T), atol=1e-8)
    np.testing.assert_allclose(free_energy.pressure(first.T), free_energy.pressure(second.T), rtol=1e-9)


def test_where_a_species_vanishes_the_other_separates_by_itself() -> None:
    """The end of the strip at B = 0 is the common tangent of a single species with the law at B = 0."""
    alone = one_species("exp(-tanh((A - 40)/20) + 0.5*tanh((A - 90)/40))")
    expected = coexistence(alone, [45.0]).densities[:, 0]
    (end,) = [
        line
        for region in diagram("figure 1").regions
        for line, ending in zip((region.tie_lines[0], region.tie_lines[-1]), region.endings, strict=True)
        if ending == "axis" and np.all(line[:, 1] == 0.0)
    ]
    np.testing.assert_allclose(np.sort(end[:, 0])[::-1], expected, rtol=1e-9)


def test_phases_between_the_tie_lines() -> None:
    """Compositions are in two phases if and only if they lie between tie lines, in three in the triangles, found one by one."""
    found = diagram("figure 1")
    assert found.search is not None
    for composition in np.random.default_rng(8).uniform(1.0, 110.0, (60, 2)):
        phases = found.search.at(composition).number_of_phases
        held = any(region.holds(composition[None])[0] for region in found.regions)
        assert (phases == 2) == held, composition


# --- critical points -----------------------------------------------------------------------------------------------------


def closed_region() -> TwoPhaseRegion:
    """The region of the bubble that lies between two critical points."""
    (region,) = [one for one in diagram("bubble").regions if one.endings == ("critical point", "critical point")]
    return region


def test_a_region_between_two_critical_points() -> None:
    # one closed binodal, through both critical points
    (binodal,) = closed_region().binodals
    on_it = [one for one in diagram("bubble").critical_points if np.min(np.max(np.abs(binodal - one), axis=1)) == 0.0]
    assert len(on_it) == 2
    for point in on_it:
        np.testing.assert_allclose(criticality(FreeEnergy(bubble(), [50, 50]), point, np.array([1.0, -1.0])), 0.0, atol=1e-9)


def test_critical_points_are_where_the_third_derivative_changes_sign_along_the_spinodal() -> None:
    """By the spinodals' own curves, which were followed without them."""
    found = diagram("bubble")
    free_energy = FreeEnergy(bubble(), [50, 50])
    crossings = []
    for spinodal in found.spinodals:
        np.testing.assert_allclose(smallest_eigenvalue(free_energy, spinodal.T), 0.0, atol=1e-9)
        values = np.array([criticality(free_energy, point, np.array([1.0, -1.0]))[1] for point in spinodal])
        for i in np.nonzero(values[:-1] * values[1:] < 0.0)[0]:
            share = values[i] / (values[i] - values[i + 1])
            crossings.append(spinodal[i] + share * (spinodal[i + 1] - spinodal[i]))
    assert len(crossings) == found.critical_points.shape[0] == 3
    for one in crossings:
        assert np.min(np.max(np.abs(found.critical_points - one), axis=1)) < 0.05


def test_a_critical_point_on_paper() -> None:
    """f = sum rho log rho - rho + 0.02 A B: det H = 0 on A B = 2500, critical at A = B = 50."""
    model = Model(2, [Species("A", RUN, "exp(0.02*B)"), Species("B", RUN, "exp(0.02*A)")])
    found = phase_diagram(model, [50.0, 50.0])
    np.testing.assert_allclose(found.critical_points, [[50.0, 50.0]], rtol=1e-7)
    for curve in found.spinodals:
        np.testing.assert_allclose(curve.prod(axis=1), 2500.0, rtol=1e-8)
    for a, b in found.tie_lines:
        np.testing.assert_allclose(a, b[::-1], rtol=1e-6)


def test_coexistence_curves_close_as_a_parabola() -> None:
    """Mean field: next to a critical point the tie lines' length is the root of the distance from it."""
    lines = closed_region().tie_lines
    lengths = np.linalg.norm(lines[1:6, 0] - lines[1:6, 1], axis=1)
    distances = np.linalg.norm(lines[1:6].mean(axis=1) - lines[0, 0], axis=1)
    assert np.polyfit(np.log(distances), np.log(lengths), 1)[0] == pytest.approx(0.5, abs=0.03)


# --- one and three species -----------------------------------------------------------------------------------------------


def test_one_species() -> None:
    found = phase_diagram(one_species("exp(-tanh((A - 50)/20))"), [50.0])
    np.testing.assert_allclose(found.tie_lines, [[[116.090543], [16.903988]]], atol=6e-7)
    np.testing.assert_allclose(np.ravel(found.spinodals), [34.53654, 75.69785], atol=6e-6)
    assert [one.tolist() for one in found.binodals] == [[[pytest.approx(116.090543)]], [[pytest.approx(16.903988)]]]


def test_two_separations_of_one_species() -> None:
    """Laws with two steps separate twice."""
    found = phase_diagram(one_species("exp(-tanh((A - 20)/5) - tanh((A - 200)/20))"), [60.0])
    assert len(found.regions) == 2
    assert len(found.spinodals) == 4


def test_one_phase_only() -> None:
    found = phase_diagram(one_species("1/(1 + A/20)"), [30.0])
    assert (found.regions, found.binodals, found.spinodals, found.search) == ((), [], (), None)
    assert found.kinds(np.array([[30.0]])) == [""]


def test_three_species() -> None:
    found = diagram("three")
    assert found.search is not None
    assert found.tetrahedra.shape[0] >= 4
    free_energy = found.search.free_energy
    for family in (found.tie_lines, found.triangles, found.tetrahedra):
        assert family.shape[0] > 0
        phases = np.moveaxis(family, 2, 0)
        potentials, pressures = free_energy.chemical_potentials(phases), free_energy.pressure(phases)
        np.testing.assert_allclose(potentials, np.broadcast_to(potentials[:, :, :1], potentials.shape), atol=1e-8)
        np.testing.assert_allclose(pressures, np.broadcast_to(pressures[:, :1], pressures.shape), rtol=1e-8)
    np.testing.assert_allclose(smallest_eigenvalue(free_energy, found.spinodals[0].T), 0.0, atol=1e-9)
    # inside a tetrahedron all four phases coexist
    middle = found.tetrahedra[0].mean(axis=0)
    assert found.kinds(middle[None]) == ["four"]
    np.testing.assert_allclose(found.search.at(middle).densities, found.tetrahedra[0], rtol=1e-6)


# --- over a parameter ----------------------------------------------------------------------------------------------------


def test_one_species_over_a_parameter() -> None:
    """v = exp(-k tanh((A - 50)/20)): critical where k = min over A of 20/(A sech^2((A - 50)/20))."""

    def model(k: float) -> Model:
        return one_species("exp(-k*tanh((A - 50)/20))", parameters={"k": k})

    found = parameter_diagram(model, np.linspace(0.2, 1.0, 9), 50.0)
    a = np.linspace(30.0, 90.0, 600001)
    threshold = 20.0 * np.cosh((a - 50.0) / 20.0) ** 2 / a
    np.testing.assert_allclose(found.critical_points, [[threshold.min(), a[np.argmin(threshold)]]], rtol=1e-4)
    assert found.critical_points[0, 0] == pytest.approx(threshold.min(), rel=1e-9)
    assert found.tie_lines[:, 0].min() > threshold.min()
    np.testing.assert_allclose(found.tie_lines[-1], [1.0, 116.090543, 16.903988], atol=6e-7)
    np.testing.assert_allclose(found.exact[-1], [1.0, 103.8284206, 15.0404342], atol=6e-8)
    np.testing.assert_allclose(found.spinodals[-2:], [[1.0, 34.53654], [1.0, 75.69785]], atol=6e-6)
    # next to the critical point the two constructions agree
    close = found.tie_lines[0]
    np.testing.assert_allclose(found.exact[0], close, rtol=2e-3)
    assert found.collapsed.size == 0


def test_values_at_which_the_mixture_collapses_are_told() -> None:
    found = parameter_diagram(lambda n: one_species("1/(1 + (A/20)**n)", parameters={"n": n}), np.array([0.5, 0.9, 2.0]), 30.0)
    # rho d log v/d rho = -n at high densities: no lower bound above 1
    assert found.collapsed.max() == 2.0
    assert found.collapsed.min() > 1.0
    assert not found.tie_lines.size


# --- refusals ------------------------------------------------------------------------------------------------------------


def test_refusals() -> None:
    with pytest.raises(NotIntegrable, match="no effective free energy"):
        phase_diagram(cross(0.5, -0.5), [50, 50])
    with pytest.raises(Collapse, match="no lower bound"):
        phase_diagram(one_species("exp(-A/20)"), [30.0])
    with pytest.raises(InputError, match="up to 3 species"):
        phase_diagram(Model(2, [Species(n, RUN, "1") for n in "ABCD"]), [1, 1, 1, 1])
    with pytest.raises(InputError, match="positive densities"):
        phase_diagram(figure_one(), [0.0, 1.0])
    with pytest.raises(InputError, match="one species"):
        parameter_diagram(lambda _: figure_one(), np.array([0.0, 1.0]), 50.0)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ([[19.2, 18.8], [12.0, 72.4]], "separation"),
        ([[95.0, 15.0], [15.0, 95.0]], "demixing"),
        ([[95.0, 70.0], [15.0, 10.0]], "condensation"),
        ([[5.0], [9.0]], "separation"),
    ],
)
def test_kinds(line: list[list[float]], kind: str) -> None:
    assert kind_of(np.array(line)) == kind


def test_binodals_join_at_critical_points() -> None:
    lines = np.array([[[5.0, 5.0], [5.0, 5.0]], [[6.0, 4.0], [4.0, 6.0]], [[7.0, 3.0], [3.0, 7.0]]])
    (joined,) = TwoPhaseRegion(lines, ("critical point", "window")).binodals
    assert joined.tolist() == [[3, 7], [4, 6], [5, 5], [6, 4], [7, 3]]
    (turned,) = TwoPhaseRegion(lines[::-1], ("window", "critical point")).binodals
    assert turned.tolist() == [[7, 3], [6, 4], [5, 5], [4, 6], [3, 7]]
    assert len(TwoPhaseRegion(lines[1:], ("axis", "window")).binodals) == 2
