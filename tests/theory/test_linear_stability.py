import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, optimize

from tests.theory.models import RUN, cross, duan, figure_one, one_species, reference_mixture
from theory import InputError, MeanField, Model, PairSensing, Sensing, Species
from theory.fluctuations import equal_time_correlations
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState
from theory.linear_stability import classify


def test_spinodal_of_the_reference_law() -> None:
    """k = -1, r = 50, w = 20: spinodal 34.53654, 75.69785 (PHYSICS reference numbers)."""
    model = one_species("exp(-tanh((A - 50)/20))")
    for edge, inside in ((34.53654, 1e-4), (75.69785, -1e-4)):
        assert classify(HomogeneousState.of(model, [edge - inside])).kind == "stable"
        assert classify(HomogeneousState.of(model, [edge + inside])).kind == "static"


@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5), st.floats(20.0, 90.0), st.floats(20.0, 90.0))
def test_two_species_conditions_of_the_paper(ka: float, kb: float, rho_a: float, rho_b: float) -> None:
    """[S1] Eqs. 12 and 13 (local kernel) against eigenvalues."""
    model = cross(ka, kb)
    state = HomogeneousState.of(model, [rho_a, rho_b])
    d, rho, a = state.diffusivities, state.densities, state.couplings
    m = state.matrix(0.0)
    # Eq. 12 multiplied by rho rho D D/(v v): the product of the cross couplings against the difference of the diagonal
    left = d[0] * d[1] * rho[0] * rho[1] * a[0, 1] * a[1, 0]
    right = -((m[0, 0] - m[1, 1]) ** 2) / 4.0
    if abs(left - right) < 1e-9 * (abs(left) + abs(right) + 1e-12):
        return
    values = np.linalg.eigvals(m)
    assert (left < right) == bool(np.any(values.imag != 0.0))
    if left < right:
        # Eq. 13: with complex eigenvalues the mixture is unstable iff the trace is negative
        trace = sum(d[n] * (1.0 + rho[n] * a[n, n]) for n in range(2))
        assert (trace < 0.0) == bool(np.any(values.real < 0.0))


def test_figure_three_classes() -> None:
    kinds = {(a, b): classify(HomogeneousState.of(cross(a, b), [50, 50])).kind for a in (-0.5, 0.5) for b in (-0.5, 0.5)}
    assert kinds[0.5, -0.5] == kinds[-0.5, 0.5] == "oscillatory"
    assert kinds[0.5, 0.5] == kinds[-0.5, -0.5] == "static"


def test_figure_one_compositions() -> None:
    kinds = [classify(HomogeneousState.of(figure_one(), c)).kind for c in ([15, 50], [55, 55], [75, 75])]
    assert kinds == ["static", "static", "stable"]


def test_fastest_mode_is_a_maximum() -> None:
    state = HomogeneousState.of(cross(0.7, -0.7), [50, 50])
    found = classify(state)
    assert found.growth_rate is not None
    assert found.wavenumber is not None
    q = np.linspace(1e-3, 60.0, 200001)
    growth = mode_rates(state, q)[:, 0].real
    assert found.growth_rate >= growth.max()
    assert found.wavenumber == pytest.approx(q[np.argmax(growth)], abs=1e-3)
    assert found.phase_speed == pytest.approx(found.frequency / found.wavenumber)  # type: ignore[operator]


def test_local_kernel_has_a_class_but_no_growth_rate() -> None:
    model = Model(2, cross(0.7, -0.7).species, cross(0.7, -0.7).parameters, Sensing("local"))
    found = classify(HomogeneousState.of(model, [50, 50]))
    assert (found.kind, found.growth_rate) == ("oscillatory", None)
    calm = Model(2, [Species("A", RUN, "1.0")], sensing=Sensing("local"))
    assert classify(HomogeneousState.of(calm, [50])).kind == "stable"


def test_extent_of_an_instability() -> None:
    """Long waves of particles that slow down, short ones of particles that speed up, uniform order of particles that align."""
    slowing = classify(HomogeneousState.of(one_species("exp(-tanh((A - 50)/20))"), [50.0]))
    assert (slowing.label, slowing.together) == ("static long-wave", None)
    faster = one_species("exp(0.5*A)", sensing=Sensing("linear", 1.0))
    speeding = classify(HomogeneousState.of(faster, [200.0]))
    assert speeding.label == "static finite-wavelength"
    assert speeding.wavenumber == pytest.approx(7.0, abs=1.5)
    aligning = Model(2, [Species("A", RUN, "1.0")], mean_field=[MeanField("A", "A", (10.0, 2.0))])
    uniform = classify(HomogeneousState.of(aligning, [1.0]), 1)
    assert (uniform.label, uniform.wavenumber) == ("static uniform", 0.0)
    assert uniform.growth_rate == pytest.approx(10.0 / (2.0 * np.pi) - 1.0)


@pytest.mark.parametrize(
    ("ka", "kb", "label"), [(0.5, 0.5, "static long-wave, apart"), (-0.5, -0.5, "static long-wave, together")]
)
@pytest.mark.parametrize("order", [0, 1, 4])
def test_whether_species_gather_together(ka: float, kb: float, label: str, order: int) -> None:
    """Colocalised liquids and demixing of [S1] figure 3."""
    assert classify(HomogeneousState.of(cross(ka, kb), [50.0, 50.0]), order).label == label


def test_orders_differ_where_particles_run_far() -> None:
    """The published model: stable at order 0 for all couplings, travelling at order 20 beyond the critical one."""
    for coupling, kind in ((0.7, "stable"), (0.8, "oscillatory")):
        state = HomogeneousState.of(duan(coupling, 0.4), [80.0, 80.0])
        assert classify(state).kind == "stable"
        assert classify(state, 12).kind == kind


def test_couplings_beyond_the_critical_one_are_dynamic_in_simulations() -> None:
    """First coupling that published tables (box 20 x 5) call dynamic, by Dr: never below the linear instability of order 20.

    Where particles run far beyond the sensing range, Dr <= 0.1, the two agree within the spacing of the table, 0.1 to 0.15.
    """
    table = {0.02: 0.4, 0.1: 0.6, 0.2: 1.0, 0.4: 1.0, 1.0: 2.0, 2.2: 6.0}
    n, m = np.meshgrid(np.arange(16), np.arange(5))
    q = np.unique(np.round(2.0 * np.pi * np.hypot(n / 20.0, m / 5.0), 9))[1:]

    def fastest(coupling: float, rate: float) -> float:
        return float(mode_rates(HomogeneousState.of(duan(coupling, rate), [80.0, 80.0]), q, 20)[:, 0].real.max())

    for rate, dynamic in table.items():
        assert fastest(dynamic, rate) > 0.0
        if rate <= 0.1:
            assert fastest(dynamic - 0.15, rate) < 0.0


def test_growth_that_does_not_fall_off() -> None:
    """A local response among kernels of a range: the shortest waves grow fastest, without bound."""
    species = [Species("A", RUN, "exp(-0.05*A + 0.01*B)"), Species("B", RUN, "exp(0.01*A)")]
    model = Model(2, species, sensing=Sensing("bump", 1.0, (PairSensing("A", "A", "local", 1.0),)))
    found = classify(HomogeneousState.of(model, [50.0, 50.0]))
    assert (found.kind, found.growth_rate, found.wavenumber) == ("static", None, None)


@pytest.mark.parametrize("model", [cross(0.25, -0.2), cross(0.2, -0.1)])
@pytest.mark.parametrize("order", [0, 1])
def test_margin_goes_through_zero_at_onset(model: Model, order: int) -> None:
    def margin(self_inhibition: float) -> float:
        return classify(HomogeneousState.of(model.with_parameters({"ks": self_inhibition}), [50.0, 50.0]), order).margin

    onset = optimize.brentq(margin, 0.05, 1.0, xtol=1e-10)
    for side, kind in ((-1e-8, "stable"), (1e-8, "oscillatory")):
        state = HomogeneousState.of(model.with_parameters({"ks": onset + side}), [50.0, 50.0])
        assert classify(state, order).kind == kind


def test_growth_against_the_definition() -> None:
    """-q^2 M by scipy's general eigenvalue routine on a matrix written out element by element, with kernels per pair."""
    base = cross(0.3, -0.4)
    sensing = Sensing("bump", 1.0, (PairSensing("A", "B", "gaussian", 0.6),))
    species = [Species(s.name, s.motion, s.speed, dt) for s, dt in zip(base.species, (0.1, 0.2), strict=True)]
    model = Model(2, species, base.parameters, sensing)
    state = HomogeneousState.of(model, [45.0, 55.0])
    q = 1.7
    expected = np.zeros((2, 2))
    v = model.speed([45.0, 55.0])
    a = model.log_derivatives([45.0, 55.0])
    for m in range(2):
        for n in range(2):
            kernel = model.channels.kernels[model.channels.index[m, n]]
            assert kernel.name == ("gaussian" if (m, n) == (0, 1) else "bump")
            d = v[m] ** 2 / 2.0
            expected[m, n] = d * [45.0, 55.0][m] * a[m, n] * float(kernel.transform(q))
        expected[m, m] += d + (0.1, 0.2)[m]
    values = np.sort_complex(linalg.eig(-(q**2) * expected)[0])
    np.testing.assert_allclose(np.sort_complex(mode_rates(state, q)), values, rtol=1e-12)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_correlations_solve_the_lyapunov_equation(dimension: int) -> None:
    state = HomogeneousState.of(reference_mixture(dimension, Sensing()), [40, 60])
    q = np.array([0.0, 0.5, 2.0, 9.0])
    for one, c in zip(q, equal_time_correlations(state, q), strict=True):
        m, g = state.matrix(one), np.diag(state.total_diffusivities * state.densities)
        np.testing.assert_allclose(c, linalg.solve_continuous_lyapunov(m, 2.0 * g), rtol=1e-11)
        np.testing.assert_allclose(c, c.T, rtol=1e-12)


def test_independent_particles_have_the_correlations_of_an_ideal_gas() -> None:
    state = HomogeneousState.of(Model(2, [Species("A", RUN, "1.0"), Species("B", RUN, "2.0")]), [30, 70])
    np.testing.assert_allclose(equal_time_correlations(state, [0.0, 3.0]), [np.diag([30.0, 70.0])] * 2, atol=1e-12)


def test_refusals() -> None:
    with pytest.raises(InputError, match="positive densities"):
        HomogeneousState.of(one_species(), [0.0])
    with pytest.raises(InputError, match="unstable"):
        equal_time_correlations(HomogeneousState.of(cross(0.7, -0.7), [50, 50]), 1.0)
    with pytest.raises(InputError, match="vanishes"):
        HomogeneousState.of(one_species("A - 50"), [50.0])
