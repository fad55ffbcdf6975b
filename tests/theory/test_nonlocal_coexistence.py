"""Coexistence with the kernel: the exact formula for one species, slab profiles for mixtures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from tests.theory.models import RUN, cross, figure_one, one_species, three_species
from theory import Chemical, InputError, Model, NumericalFailure, Sensing, Species
from theory.coexistence import (
    coexistence,
    coexistence_without_free_energy,
    exact_binodal,
    nonlocal_coexistence,
    slab_profile,
)
from theory.exact_binodal import has_exact_binodal
from theory.free_energy import FreeEnergy
from theory.nonlocal_coexistence import NonlocalCoexistence, plateaus_through


def found_at(model: Model, composition: list[float]) -> NonlocalCoexistence:
    return nonlocal_coexistence(model, composition, coexistence(model, composition))


# --- one species ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "composition", "exact"),
    [
        ("exp(-tanh((A - 50)/20))", 55.0, (15.0404342, 103.8284206)),
        ("exp(-0.8*tanh((A - 25)/10))", 25.0, (10.5476242, 47.1228646)),
    ],
)
def test_exact_binodal(law: str, composition: float, exact: tuple[float, float]) -> None:
    found = found_at(one_species(law), [composition])
    assert found.method == "exact"
    np.testing.assert_allclose(found.densities[::-1, 0], exact, atol=6e-8)
    assert found.fractions @ found.densities[:, 0] == pytest.approx(composition)
    # a slab profile knows nothing of the formula
    slab = slab_profile(one_species(law, sensing=Sensing("linear", 1.0)), [0.5, 0.5], found.densities, 24.0)
    np.testing.assert_allclose(slab.plateaus, found.densities, rtol=1e-8)


@settings(max_examples=20)
@given(st.floats(0.5, 2.0), st.floats(20.0, 60.0), st.floats(0.3, 0.5))
def test_exact_binodal_obeys_its_two_equations(k: float, middle: float, relative_width: float) -> None:
    """Equal activities, and the integral once more by QUADPACK."""
    model = one_species("exp(-k*tanh((A - a)/w))", parameters={"k": k, "a": middle, "w": relative_width * middle})
    local = coexistence(model, [1.1 * middle])
    if local.number_of_phases == 1:
        return
    gas, liquid = exact_binodal(FreeEnergy(model, [middle]), *local.densities[::-1, 0])

    def speed(x: float) -> float:
        return float(np.exp(-k * np.tanh((x - middle) / (relative_width * middle))))

    constant = gas * speed(gas)
    assert liquid * speed(liquid) == pytest.approx(constant, rel=1e-10)
    integral, _ = integrate.quad(lambda y: 1.0 / speed(y), gas, liquid, epsrel=1e-12)
    assert integral == pytest.approx((liquid**2 - gas**2) / (2.0 * constant), rel=1e-9)


def test_compositions_between_the_two_binodals() -> None:
    """The kernel moves both densities down: at 16 there is a liquid already, at 110 no gas any more."""
    model = one_species("exp(-tanh((A - 50)/20))")
    assert coexistence(model, [16.0]).number_of_phases == 1
    assert found_at(model, [16.0]).densities.shape == (2, 1)
    assert coexistence(model, [110.0]).number_of_phases == 2
    assert found_at(model, [110.0]).method == "homogeneous"
    assert found_at(one_species("1/(1 + A/20)"), [30.0]).method == "homogeneous"


def test_a_chemical_is_a_kernel() -> None:
    """c = A/2 read by the law of A = 2 c: the same exact densities."""
    chemical = [Chemical("c", {"A": 1.0}, 1.0, 2.0)]
    model = Model(2, [Species("A", RUN, "exp(-tanh((c - 25)/10))")], chemicals=chemical)
    assert has_exact_binodal(model)
    np.testing.assert_allclose(found_at(model, [55.0]).densities[:, 0], [103.8284206, 15.0404342], atol=6e-8)
    # two fields with ranges of their own have no formula: slabs
    both = Model(2, [Species("A", RUN, "exp(-0.5*tanh((c - 25)/10) - 0.5*tanh((A - 50)/20))")], chemicals=chemical)
    assert not has_exact_binodal(both)
    assert found_at(both, [55.0]).method == "slab"
    assert not has_exact_binodal(Model(2, one_species("exp(-A/90)").species, sensing=Sensing("local")))


def test_more_than_one_unstable_range_is_refused() -> None:
    model = one_species("exp(-tanh((A - 20)/5) - tanh((A - 200)/20))")
    with pytest.raises(NumericalFailure, match="2 unstable ranges"):
        exact_binodal(FreeEnergy(model, [60.0]), 5.0, 400.0)


# --- mixtures ------------------------------------------------------------------------------------------------------------


def test_tie_line_of_the_slab() -> None:
    """(19.249, 17.797)-(12.344, 70.027), PHYSICS section 7: that of a box of 80 ranges."""
    found = slab_profile(figure_one(), [0.4176, 0.5824], np.array([[19.176, 18.779], [12.006, 72.383]]), 80.0)
    np.testing.assert_allclose(found.plateaus, [[19.249, 17.797], [12.344, 70.027]], atol=1e-3)
    # and of an infinite one
    plateaus, _, _ = plateaus_through(figure_one(), np.array([15.0, 50.0]), found.plateaus)
    np.testing.assert_allclose(plateaus, [[19.262017, 17.797458], [12.349387, 70.027250]], atol=2e-6)


@pytest.mark.parametrize(
    ("composition", "phases"),
    [
        ([50.0, 60.0], [[95.0, 15.0], [15.0, 95.0]]),
        ([75.0, 75.0], [[104.0, 17.0], [87.0, 87.0], [17.0, 104.0]]),
    ],
)
def test_plateaus_do_not_depend_on_the_box(composition: list[float], phases: list[list[float]]) -> None:
    model, point = figure_one(), np.array(composition)
    results = [plateaus_through(model, point, np.array(phases), thickness) for thickness in (8.0, 13.0, 21.0)]
    assert len({round(length, 6) for _, _, length in results}) == 3
    for plateaus, constants, _ in results:
        np.testing.assert_allclose(plateaus, results[0][0], rtol=1e-9)
        # rho_mu v_mu = C_mu on every plateau, which is homogeneous
        np.testing.assert_allclose(
            plateaus.T * model.speed(plateaus.T), np.broadcast_to(constants[:, None], plateaus.T.shape), rtol=1e-9
        )


def test_the_symmetric_tie_line_is_that_of_the_common_tangent() -> None:
    """Mirrored phases have equal pressures by symmetry, with any kernel: the demixing (55, 55) is local and non-local alike."""
    found = found_at(figure_one(), [55.0, 55.0])
    assert found.method == "slab"
    np.testing.assert_allclose(found.densities, [[94.9084897, 15.0915103], [15.0915103, 94.9084897]], atol=6e-8)


def test_a_phase_that_the_kernel_takes_away_is_left_out() -> None:
    """(14.9, 50) lies in the local lower triangle; with the kernel more so. (12.1, 60) is beyond its side at both."""
    inside = found_at(figure_one(), [15.0, 50.0])
    assert inside.densities.shape[0] == 3
    np.testing.assert_allclose(inside.fractions @ inside.densities, [15.0, 50.0], rtol=1e-9)
    beyond = found_at(figure_one(), [5.0, 50.0])
    assert beyond.densities.shape[0] == 2
    np.testing.assert_allclose(beyond.fractions @ beyond.densities, [5.0, 50.0], rtol=1e-9)
    # at (85, 85) the mixed phase alone is left with the kernel, whose triangle ends at (80.6, 80.6)
    assert coexistence(figure_one(), [85.0, 85.0]).number_of_phases == 3
    assert found_at(figure_one(), [85.0, 85.0]).method == "homogeneous"


def test_four_phases_between_flat_interfaces() -> None:
    model, composition = three_species(), [50.0, 50.0, 50.0]
    found = found_at(model, composition)
    assert found.densities.shape == (4, 3)
    np.testing.assert_allclose(found.fractions @ found.densities, composition, rtol=1e-9)
    constants = found.densities.T * model.speed(found.densities.T)
    np.testing.assert_allclose(constants, np.broadcast_to(found.constants[:, None], constants.shape), rtol=1e-9)


def test_refusals() -> None:
    local = Model(2, figure_one().species, sensing=Sensing("local"))
    with pytest.raises(InputError, match="local kernel"):
        found_at(local, [55.0, 55.0])


# --- without a free energy -----------------------------------------------------------------------------------------------


def test_repelling_species_that_have_no_free_energy() -> None:
    """[S1] figure 3, both couplings positive: liquids of A and of B, and a gas, found from the instability alone."""
    model = cross(0.3, 0.3)
    found = coexistence_without_free_energy(model, [50.0, 50.0])
    np.testing.assert_allclose(found.densities, [[100.42707, 7.55022], [13.80530, 13.80530], [7.55022, 100.42707]], atol=1e-5)
    np.testing.assert_allclose(found.densities.T * model.speed(found.densities.T), found.constants[0], rtol=1e-8)
    np.testing.assert_allclose(found.fractions @ found.densities, [50.0, 50.0], rtol=1e-9)


def test_attracting_species_condense_together() -> None:
    found = coexistence_without_free_energy(cross(-0.3, -0.3), [50.0, 50.0])
    np.testing.assert_allclose(found.densities, [[109.66118, 109.66118], [8.23331, 8.23331]], atol=1e-5)


@pytest.mark.parametrize(
    ("couplings", "composition", "words"),
    [((0.3, -0.3), [50.0, 50.0], "oscillatory"), ((0.3, 0.1), [5.0, 5.0], "linearly stable")],
)
def test_where_there_is_nothing_to_start_from(couplings: tuple[float, float], composition: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        coexistence_without_free_energy(cross(*couplings), composition)
