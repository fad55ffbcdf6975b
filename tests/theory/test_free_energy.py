import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from tests.theory.models import RUN, figure_one, one_species, steered, three_species
from theory import Chemical, Chemotaxis, Model, NumericalFailure, Species
from theory.closed_form import potential, vanishes, within
from theory.expressions import symbol
from theory.free_energy import FreeEnergy, NotIntegrable

POINTS = np.array([[12.0, 60.0, 104.0, 3.0], [50.0, 60.0, 17.0, 0.02]])


def log_cosh(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp(x, -x) - np.log(2.0))


def test_figure_one_against_its_own_integral() -> None:
    """U = 20 [-log cosh((A - 40)/20) - log cosh((B - 40)/20) + log cosh((A + B - 90)/40)] less its value at zero."""
    a, b = POINTS
    expected = 20.0 * (log_cosh((a + b - 90) / 40) - log_cosh((a - 40) / 20) - log_cosh((b - 40) / 20))
    expected -= 20.0 * (log_cosh(np.array(-2.25)) - 2.0 * log_cosh(np.array(-2.0)))
    np.testing.assert_allclose(FreeEnergy(figure_one(), [50, 50]).excess(POINTS), expected, atol=1e-12)


def test_potential_against_adaptive_quadrature() -> None:
    """1e-12 with a law that has a cusp-like rise, by QUADPACK along the same axis."""
    free_energy = FreeEnergy(one_species("0.2 + 1/(1 + exp((A - 50)/2))"), [50.0])
    for density in (10.0, 49.0, 80.0, 700.0):
        exact, _ = integrate.quad(
            lambda x: np.log(0.2 + 1.0 / (1.0 + np.exp((x - 50.0) / 2.0))),
            0.0,
            density,
            points=[40, 50, 60],
            epsabs=1e-12,
            limit=500,
        )
        assert free_energy.excess(np.array([[density]]))[0] == pytest.approx(exact, rel=1e-12)


def test_a_speed_that_vanishes_at_zero_density_is_integrated_across() -> None:
    r"""v = A/50: U = \int_0^A log(x/50) dx = A (log(A/50) - 1), although log v is infinite at zero."""
    free_energy = FreeEnergy(one_species("A/50"), [30.0])
    a = np.array([[1.0, 50.0, 120.0]])
    np.testing.assert_allclose(free_energy.excess(a), (a * (np.log(a / 50.0) - 1.0))[0], rtol=1e-11)


MODELS = {
    "figure 1": figure_one(),
    "three species": three_species(),
    "translational diffusion": Model(2, [Species("A", RUN, "exp(-tanh((A - 50)/20))", 0.3)]),
    "chemotaxis": steered((0.02, 0.02)),
    "steering with a speed that varies": Model(
        2,
        [Species("A", RUN, "exp(-tanh((A - 50)/20))", chemotaxis=(Chemotaxis("c", speed_bias=0.01, turning=0.02),))],
        chemicals=[Chemical("c", {"A": 0.7}, 1.0, 2.0)],
    ),
    "chemical in the law": Model(
        2, [Species("A", RUN, "exp(-0.5*tanh((c - 20)/8))")], chemicals=[Chemical("c", {"A": 1.5}, 1.0, 3.0)]
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_are_those_of_f(name: str) -> None:
    """u = df/drho, H = du/drho, third = dH/drho, dp = rho . du, by central differences."""
    model = MODELS[name]
    n = model.number_of_species
    free_energy = FreeEnergy(model, np.full(n, 50.0))
    rho = np.random.default_rng(3).uniform(5.0, 110.0, (n, 6))
    u, hessian, third = (
        one(rho) for one in (free_energy.chemical_potentials, free_energy.hessian, free_energy.third_derivatives)
    )
    h = 1e-3
    for m in range(n):
        step = np.zeros((n, 1))
        step[m] = h
        ahead, behind = rho + step, rho - step
        np.testing.assert_allclose((free_energy.density(ahead) - free_energy.density(behind)) / (2 * h), u[m], atol=2e-8)
        np.testing.assert_allclose(
            (free_energy.chemical_potentials(ahead) - free_energy.chemical_potentials(behind)) / (2 * h),
            hessian[:, m],
            atol=1e-8,
        )
        np.testing.assert_allclose(
            (free_energy.hessian(ahead) - free_energy.hessian(behind)) / (2 * h), third[:, :, m], atol=1e-8
        )
        slope = (free_energy.pressure(ahead) - free_energy.pressure(behind)) / (2 * h)
        np.testing.assert_allclose(slope, np.sum(rho * hessian[:, m], axis=0), atol=1e-6)


def test_chemotactic_potential_is_quadratic() -> None:
    """U = (s beta/gamma) (A + B)^2/2 with s = v1/(tau v0^2) in the local limit, [S1] Eqs. 16-18."""
    free_energy = FreeEnergy(steered((0.02, 0.02)), [50, 50])
    np.testing.assert_allclose(free_energy.excess(POINTS), 0.01 * POINTS.sum(axis=0) ** 2, rtol=1e-12)
    assert sympy.simplify(free_energy.closed_form - (symbol("A") + symbol("B")) ** 2 / 100) == 0


def test_translational_diffusion_makes_speeds_of_its_own() -> None:
    """u = log rho + (1/2) log(v^2 + d Dt/tau): with v = 0 nowhere felt, without v an ideal gas."""
    still = FreeEnergy(one_species("0.000001"), [30.0])
    moved = FreeEnergy(Model(2, [Species("A", RUN, "1e-6", 0.5)]), [30.0])
    density = np.array([[30.0]])
    assert still.excess_potentials(density)[0, 0] == pytest.approx(np.log(1e-6))
    assert moved.excess_potentials(density)[0, 0] == pytest.approx(0.0, abs=1e-11)


def test_ideal_gas_at_low_densities() -> None:
    free_energy = FreeEnergy(figure_one(), [50, 50])
    np.testing.assert_allclose(free_energy.pressure(np.array([[1e-7], [2e-7]])), 3e-7, rtol=1e-6)
    assert free_energy.density(np.zeros((2, 1)))[0] == 0.0


@given(st.lists(st.floats(0.1, 200.0), min_size=3, max_size=3))
def test_potential_does_not_depend_on_the_path(densities: list[float]) -> None:
    free_energy = _THREE
    assert free_energy.path_dependence(np.array(densities)[:, None]) < 1e-12


_THREE = FreeEnergy(three_species(), [50, 50, 50])


def test_a_path_that_matters_is_refused() -> None:
    """The violation sits at B = 400, far above the composition at which symmetry was sampled."""
    laws = {"A": "exp(0.01*B + tanh(B - 400))", "B": "exp(0.01*A)"}
    free_energy = FreeEnergy(Model(2, [Species(n, RUN, v) for n, v in laws.items()]), [10.0, 10.0])
    free_energy.require_path_independence(np.array([20.0, 20.0]))
    with pytest.raises(NotIntegrable, match="depends on the path"):
        free_energy.require_path_independence(np.array([500.0, 500.0]))


def test_beyond_the_end_of_a_law_nothing_is_defined() -> None:
    free_energy = FreeEnergy(one_species("1 - A/75"), [30.0])
    inside, beyond = free_energy.density(np.array([[60.0, 80.0]]))
    assert np.isfinite(inside)
    assert np.isnan(beyond)


def test_laws_too_sharp_for_the_quadrature_are_named() -> None:
    free_energy = FreeEnergy(one_species("2 + sin(1000000*A)"), [30.0])
    with pytest.raises(NumericalFailure, match="does not converge"):
        free_energy.excess(np.array([[30.0]]))


# --- closed forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["figure 1", "three species", "chemical in the law"])
def test_closed_forms_agree_with_the_quadrature(name: str) -> None:
    model = MODELS[name]
    free_energy = FreeEnergy(model, np.full(model.number_of_species, 50.0))
    names = [symbol(one) for one in model.names]
    closed = sympy.lambdify(names, free_energy.closed_form, "numpy")
    rho = np.random.default_rng(5).uniform(1.0, 120.0, (len(names), 5))
    # up to a constant
    np.testing.assert_allclose(closed(*rho) - closed(*np.zeros(len(names))), free_energy.excess(rho), atol=1e-9)


def test_no_closed_form_is_no_failure() -> None:
    assert FreeEnergy(MODELS["steering with a speed that varies"], [50.0]).closed_form is None
    a = symbol("A")
    assert potential((sympy.exp(-a * sympy.tanh(a)),), (a,), seconds=0.3) is None


def test_potentials_are_checked_by_differentiation() -> None:
    a, b = symbol("A"), symbol("B")
    assert potential((b, a), (a, b)) == a * b
    # not a gradient: whatever was integrated fails the check
    assert potential((b, -a), (a, b)) is None


def test_searches_end_in_time() -> None:
    def never() -> None:
        while True:
            len(())
            abs(-1)

    assert within(0.05, never) is None
    assert within(5.0, lambda: 3) == 3
    a = symbol("A")
    assert vanishes(sympy.sin(a) ** 2 + sympy.cos(a) ** 2 - 1)
    assert not vanishes(sympy.sin(a))
