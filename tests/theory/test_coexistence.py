"""Coexistence at a composition, in the local approximation."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.models import RUN, figure_one, one_species, steered, three_species
from tests.theory.phase_splits import FIGURE_ONE, THREE_SPECIES, lowest_split
from theory import Chemical, InputError, Model, Motion, NumericalFailure, Sensing, Species
from theory.coexistence import Coexistence, Collapse, NotIntegrable, coexistence, lever_rule
from theory.composition_space import scan
from theory.free_energy import FreeEnergy
from theory.phase_diagram import phase_diagram
from theory.phase_equilibrium import TangentPlane, invariant_phases, newton, phases_at
from theory.phase_search import BeyondWindow, PhaseSearch
from theory.spinodals import spinodal_densities


@functools.cache
def search(name: str) -> PhaseSearch:
    """Searches that several tests share."""
    models = {
        "figure 1": (figure_one(), 75.0),
        "permuted": (Model(2, three_species().species[::-1]), 50.0),
        "three": (three_species(), 50.0),
    }
    model, density = models[name]
    found = phase_diagram(model, np.full(model.number_of_species, density)).search
    assert found is not None
    return found


# --- reference numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "spinodal", "tangent"),
    [
        ("exp(-tanh((A - 50)/20))", (34.53654, 75.69785), (16.903988, 116.090543)),
        ("exp(-0.8*tanh((A - 25)/10))", (18.52188, 36.25441), (11.250026, 50.083910)),
    ],
)
def test_one_species(law: str, spinodal: tuple[float, float], tangent: tuple[float, float]) -> None:
    model = one_species(law)
    middle = sum(spinodal) / 2
    np.testing.assert_allclose(spinodal_densities(FreeEnergy(model, [middle]), 200.0), spinodal, atol=6e-6)
    found = coexistence(model, [middle])
    np.testing.assert_allclose(found.densities[::-1, 0], tangent, atol=6e-7)
    # the common tangent once more: equal slopes, and the chord
    gas, liquid = found.densities[::-1]
    free_energy = FreeEnergy(model, [middle])
    chord = (free_energy.density(liquid[:, None]) - free_energy.density(gas[:, None])) / (liquid - gas)
    assert chord[0] == pytest.approx(found.chemical_potentials[0], rel=1e-12)


def test_upper_triple_point() -> None:
    found = coexistence(figure_one(), {"A": 75.0, "B": 75.0})
    expected = [[103.8933925, 16.9000250], [87.0873357, 87.0873357], [16.9000250, 103.8933925]]
    np.testing.assert_allclose(found.densities, expected, atol=6e-8)
    np.testing.assert_allclose(found.fractions, [0.22643, 0.54713, 0.22643], atol=6e-6)


def test_demixing() -> None:
    found = coexistence(figure_one(), [55.0, 55.0])
    np.testing.assert_allclose(found.densities, [[94.9084897, 15.0915103], [15.0915103, 94.9084897]], atol=6e-8)
    np.testing.assert_allclose(found.fractions, 0.5, rtol=1e-12)


def test_tie_line_next_to_the_lower_triple_point() -> None:
    """The tie line quoted for (15, 50) solves the equations of two phases, but a third one lies 0.8 below its plane."""
    free_energy, composition = FreeEnergy(figure_one(), [15, 50]), np.array([15.0, 50.0])
    found = phases_at(free_energy, composition, np.array([[19.0, 19.0], [12.0, 72.0]]), np.array([0.4, 0.6]))
    assert found is not None
    np.testing.assert_allclose(found[0], [[19.1761401, 18.7785744], [12.0061364, 72.3825565]], atol=6e-8)
    plane = TangentPlane.at(free_energy, found[0][0])
    height, other = search("figure 1").lowest_other(plane, found[0])
    assert height == pytest.approx(-0.8067929, abs=1e-6)
    assert other == pytest.approx([73.2580627, 11.7268007], abs=1e-6)
    # the lower triple point: a half per cent of the volume is rich in A
    lower = coexistence(figure_one(), composition)
    expected = [[72.3931699, 11.8262576], [18.7603508, 18.7603508], [11.8262576, 72.3931699]]
    np.testing.assert_allclose(lower.densities, expected, atol=1e-7)
    np.testing.assert_allclose(lower.fractions, [0.0052823, 0.4115621, 0.5831556], atol=1e-7)
    energies = [x @ free_energy.density(rho.T) for x, rho in ((found[1], found[0]), (lower.fractions, lower.densities))]
    assert energies[0] - energies[1] == pytest.approx(0.0021352, abs=1e-6)


def test_four_phases_of_three_species() -> None:
    found = coexistence(three_species(), [50.0, 50.0, 50.0])
    assert found.number_of_phases == 4
    _check(found, np.array([50.0, 50.0, 50.0]), FreeEnergy(three_species(), [50, 50, 50]))


def test_four_species() -> None:
    """Figure 1's law for four species: three phases, through which the fourth is spread evenly by symmetry of the others."""
    model = Model(2, [Species(n, RUN, f"exp(-tanh(({n} - 40)/20) + 0.5*tanh((total - 90)/40))") for n in "ABCD"])
    composition = np.array([30.0, 40.0, 50.0, 10.0])
    found = coexistence(model, composition)
    assert found.number_of_phases == 3
    _check(found, composition, FreeEnergy(model, composition))
    np.testing.assert_allclose(found.densities[:, 3], 10.0, rtol=1e-9)


def _check(found: Coexistence, composition: np.ndarray, free_energy: FreeEnergy) -> None:
    """Mass balance, the lever rule, equal chemical potentials and pressures."""
    np.testing.assert_allclose(found.fractions @ found.densities, composition, rtol=1e-9)
    assert found.fractions.sum() == pytest.approx(1.0, rel=1e-12)
    assert np.all(found.fractions > 0.0)
    np.testing.assert_allclose(lever_rule(found.densities, composition), found.fractions, atol=1e-6)
    potentials = free_energy.chemical_potentials(found.densities.T)
    np.testing.assert_allclose(potentials, np.broadcast_to(found.chemical_potentials[:, None], potentials.shape), atol=1e-9)
    np.testing.assert_allclose(free_energy.pressure(found.densities.T), found.pressure, rtol=1e-9)


# --- the second route ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "composition", [(15.0, 50.0), (55.0, 55.0), (75.0, 75.0), (20.0, 5.0), (40.0, 120.0), (95.0, 60.0), (5.0, 40.0)]
)
def test_direct_minimisation_over_splits_finds_the_same_free_energy(composition: tuple[float, float]) -> None:
    point = np.array(composition)
    found = search("figure 1").at(point)
    hull = float(found.fractions @ FIGURE_ONE.density(found.densities.T))
    lowest = lowest_split(FIGURE_ONE, point, 3, 50, seed=1)
    assert lowest == pytest.approx(hull, abs=2e-6)
    assert lowest > hull - 1e-9


@pytest.mark.parametrize("composition", [(50.0, 50.0, 50.0), (70.0, 30.0, 15.0), (10.0, 12.0, 60.0)])
def test_direct_minimisation_for_three_species(composition: tuple[float, float, float]) -> None:
    point = np.array(composition)
    found = search("three").at(point)
    hull = float(found.fractions @ THREE_SPECIES.density(found.densities.T))
    lowest = lowest_split(THREE_SPECIES, point, 4, 20, seed=2)
    assert lowest == pytest.approx(hull, abs=2e-5)
    assert lowest > hull - 1e-9


# --- properties ----------------------------------------------------------------------------------------------------------

_PAIRS = st.tuples(st.floats(0.5, 115.0), st.floats(0.5, 115.0))
_TRIPLES = st.tuples(st.floats(1.0, 90.0), st.floats(1.0, 90.0), st.floats(1.0, 90.0))


@settings(max_examples=30)
@given(_PAIRS)
def test_phases_obey_their_equations_and_balance_the_mass(composition: tuple[float, float]) -> None:
    one = search("figure 1")
    _check(one.at(np.array(composition)), np.array(composition), one.free_energy)


@settings(max_examples=30)
@given(_PAIRS)
def test_hull_is_below_f_and_above_the_tangent_plane(composition: tuple[float, float]) -> None:
    one, point = search("figure 1"), np.array(composition)
    found = one.at(point)
    coexisting = float(found.fractions @ one.free_energy.density(found.densities.T))
    homogeneous = float(one.free_energy.density(point[:, None])[0])
    hull = float(one.hull.value(point[:, None])[0])
    # the hull over points lies above the true one, by no more than their spacing allows
    assert coexisting <= homogeneous + 1e-9
    assert coexisting - 1e-6 <= hull
    assert hull - coexisting < 0.06
    assert found.chemical_potentials @ point - found.pressure == pytest.approx(coexisting, abs=1e-8)


@settings(max_examples=30)
@given(_PAIRS)
def test_symmetric_mixtures_have_mirrored_phases(composition: tuple[float, float]) -> None:
    one = search("figure 1")
    found, mirrored = one.at(np.array(composition)), one.at(np.array(composition[::-1]))
    assert found.number_of_phases == mirrored.number_of_phases
    order = np.argsort(mirrored.densities[:, 1])[::-1]
    straight = np.argsort(found.densities[:, 0])[::-1]
    np.testing.assert_allclose(found.densities[straight], mirrored.densities[order][:, ::-1], rtol=1e-7)


@settings(max_examples=12)
@given(_TRIPLES)
def test_names_and_order_of_species_do_not_matter(composition: tuple[float, float, float]) -> None:
    found = search("three").at(np.array(composition))
    other = search("permuted").at(np.array(composition[::-1]))
    assert found.number_of_phases == other.number_of_phases
    for phase in found.densities:
        assert np.min(np.max(np.abs(other.densities[:, ::-1] / phase - 1.0), axis=1)) < 1e-6


@pytest.mark.parametrize("composition", [(15.0, 50.0), (55.0, 50.0)])
def test_linear_terms_of_f_change_no_phase(composition: tuple[float, float]) -> None:
    """Factors of the speeds, one for each species, add linear terms; other persistence times change nothing at all."""
    laws = [f"{factor}*({s.speed})" for factor, s in zip((7.0, 0.3), figure_one().species, strict=True)]
    model = Model(3, [Species(n, Motion(rotational_diffusion=2.0), v) for n, v in zip("AB", laws, strict=True)])
    found, expected = coexistence(model, composition), coexistence(figure_one(), composition)
    np.testing.assert_allclose(found.densities, expected.densities, rtol=1e-9)
    np.testing.assert_allclose(found.fractions, expected.fractions, atol=1e-8)
    shift = found.chemical_potentials - expected.chemical_potentials
    np.testing.assert_allclose(shift, np.log([7.0, 0.3]), rtol=1e-9)


def test_kernels_do_not_matter_locally() -> None:
    model = Model(2, figure_one().species, sensing=Sensing("gaussian", 3.0))
    np.testing.assert_allclose(
        coexistence(model, [55, 55]).densities, coexistence(figure_one(), [55, 55]).densities, rtol=1e-12
    )


def test_a_mixture_of_independent_species_separates_as_each_by_itself() -> None:
    """Two laws that know their own density only: phases are all pairs of the single species' phases."""
    model = Model(2, [Species("A", RUN, "exp(-tanh((A - 50)/20))"), Species("B", RUN, "exp(-0.8*tanh((B - 25)/10))")])
    found = coexistence(model, [55.0, 30.0])
    for phase in found.densities:
        assert min(abs(phase[0] - one) for one in (16.903988, 116.090543)) < 1e-6
        assert min(abs(phase[1] - one) for one in (11.250026, 50.083910)) < 1e-6
    # a third species that nobody feels changes nothing
    third = Model(2, [*figure_one().species, Species("C", RUN, "1.0")])
    laws = [Species(s.name, RUN, s.speed.replace("total", "(A + B)")) for s in figure_one().species]
    third = Model(2, [*laws, Species("C", RUN, "1.0")])
    np.testing.assert_allclose(coexistence(third, [55, 55, 20]).densities[:, 2], 20.0, rtol=1e-9)


def test_strong_separation() -> None:
    """Densities that differ four-hundredfold; the window has to grow to hold the dense phase."""
    found = coexistence(one_species("exp(-3*tanh((A - 50)/20))"), [30.0])
    assert found.densities[0, 0] / found.densities[1, 0] > 350.0
    _check(found, np.array([30.0]), FreeEnergy(one_species("exp(-3*tanh((A - 50)/20))"), [30.0]))


def test_demixing_by_cross_interactions_alone() -> None:
    """log v_m = 0.02 rho_n: f = sum rho log rho + 0.02 A B demixes where A B > 50^2, critical at (50, 50)."""
    model = Model(2, [Species("A", RUN, "exp(0.02*B)"), Species("B", RUN, "exp(0.02*A)")])
    assert coexistence(model, [49.0, 49.0]).number_of_phases == 1
    found = coexistence(model, [60.0, 60.0])
    a, b = found.densities[0]
    # on the symmetric tie line log a + 0.02 b = log b + 0.02 a, and a + b = 120
    assert a + b == pytest.approx(120.0)
    assert np.log(a / b) == pytest.approx(0.02 * (a - b))


# --- chemotaxis ----------------------------------------------------------------------------------------------------------


def test_attraction_by_a_chemical_alone_collapses() -> None:
    """U = -s beta (A + B)^2/(2 gamma) has no lower bound: the local limit of Keller-Segel collapse."""
    with pytest.raises(Collapse, match="no lower bound"):
        coexistence(steered((-0.05, -0.05)), [30.0, 30.0])


def test_attraction_by_a_chemical_with_speeds_that_saturate() -> None:
    """One species that slows down where the chemical is dense: the law of the density c = A/2 itself."""
    model = Model(2, [Species("A", RUN, "exp(-tanh((c - 25)/10))")], chemicals=[Chemical("c", {"A": 1.0}, 1.0, 2.0)])
    np.testing.assert_allclose(coexistence(model, [55.0]).densities[:, 0], [116.090543, 16.903988], atol=6e-7)


# --- refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "composition", "error", "words"),
    [
        (one_species("exp(-A/20)"), [30.0], Collapse, "no lower bound"),
        (one_species("1/(1 + (A/20)**2)"), [30.0], Collapse, "no lower bound"),
        (one_species("1 - A/75"), [30.0], Collapse, "where a speed vanishes"),
        (figure_one(), [0.0, 30.0], InputError, "positive densities"),
        (
            Model(2, [Species("A", RUN, "exp(0.01*B)"), Species("B", RUN, "exp(-0.01*A)")]),
            [5.0, 5.0],
            NotIntegrable,
            "differ by 2",
        ),
    ],
)
def test_refusals(model: Model, composition: list[float], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        coexistence(model, composition)


def test_convex_free_energies_have_one_phase() -> None:
    found = coexistence(one_species("1/(1 + A/20)"), [30.0])
    assert (found.number_of_phases, found.metastable) == (1, None)
    assert found.pressure == pytest.approx(
        30.0 + 30.0 * np.log(1 / 2.5) - FreeEnergy(one_species("1/(1 + A/20)"), [30]).excess(np.array([[30.0]]))[0]
    )


def test_metastable_phases_are_told() -> None:
    """Next to the binodal the mixture is homogeneous, and the liquid is known to come next."""
    found = coexistence(one_species("exp(-tanh((A - 50)/20))"), [16.0])
    assert found.number_of_phases == 1
    assert found.metastable is not None
    assert found.metastable[0] == pytest.approx(110.2994, abs=1e-4)
    other = FreeEnergy(one_species("exp(-tanh((A - 50)/20))"), [16.0]).chemical_potentials(found.metastable[:, None])
    assert other[0, 0] == pytest.approx(found.chemical_potentials[0], abs=1e-10)


def test_phases_above_the_window_are_noticed() -> None:
    model = Model(2, [Species("A", RUN, "exp(0.02*B)"), Species("B", RUN, "exp(0.02*A)")])
    composition = np.array([113.0, 152.0])
    free_energy = FreeEnergy(model, composition)
    small = PhaseSearch(free_energy, np.array([141.0, 191.0]), scan(free_energy, composition))
    with pytest.raises(BeyondWindow, match="above"):
        small.at(composition)
    assert coexistence(model, composition).number_of_phases == 2


def test_compositions_outside_the_hull_are_refused() -> None:
    with pytest.raises(NumericalFailure, match="outside"):
        search("figure 1").hull.facet(np.array([500.0, 500.0]))


def test_newton_says_when_it_finds_nothing() -> None:
    assert newton(lambda x: (x**2 + 1.0, np.diag(2.0 * x)), np.array([1.0])) is None
    assert newton(lambda x: (np.ones(1), np.zeros((1, 1))), np.array([1.0])) is None
    free_energy = FreeEnergy(one_species("1/(1 + A/20)"), [30.0])
    found = invariant_phases(free_energy, np.array([[5.0], [90.0]]))
    # a convex f has no two phases: either nothing, or twice the same
    assert found is None or np.allclose(found[0], found[1])


@given(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3))
def test_lever_rule_undoes_mixing(weights: list[float]) -> None:
    phases = np.array([[104.0, 17.0], [87.0, 87.0], [17.0, 104.0]])
    fractions = np.array(weights) / sum(weights)
    np.testing.assert_allclose(lever_rule(phases, fractions @ phases), fractions, atol=1e-9)


def test_lever_rule_goes_negative_beyond_the_phases() -> None:
    assert lever_rule([[10.0], [100.0]], [5.0])[1] < 0.0
    # of two phases that do not quite hold the composition: the nearest shares
    np.testing.assert_allclose(lever_rule([[10.0, 90.0], [90.0, 10.0]], [51.0, 51.0]), [0.5, 0.5], atol=1e-6)
