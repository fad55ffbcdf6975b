import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from tests.theory.models import RUN, cross, figure_one, one_species, reference_mixture
from theory import InputError, Model, PairSensing, Sensing, Species
from theory.linear_stability import HomogeneousState, classify


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
    growth = state.growth(q)[:, 0].real
    assert found.growth_rate >= growth.max()
    assert found.wavenumber == pytest.approx(q[np.argmax(growth)], abs=1e-3)
    assert found.phase_speed == pytest.approx(found.frequency / found.wavenumber)  # type: ignore[operator]


def test_local_kernel_has_a_class_but_no_growth_rate() -> None:
    model = Model(2, cross(0.7, -0.7).species, cross(0.7, -0.7).parameters, Sensing("local"))
    found = classify(HomogeneousState.of(model, [50, 50]))
    assert (found.kind, found.growth_rate) == ("oscillatory", None)
    calm = Model(2, [Species("A", RUN, "1.0")], sensing=Sensing("local"))
    assert classify(HomogeneousState.of(calm, [50])).kind == "stable"


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
    np.testing.assert_allclose(np.sort_complex(state.growth(q)), values, rtol=1e-12)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_correlations_solve_the_lyapunov_equation(dimension: int) -> None:
    state = HomogeneousState.of(reference_mixture(dimension, Sensing()), [40, 60])
    q = np.array([0.0, 0.5, 2.0, 9.0])
    for one, c in zip(q, state.equal_time_correlations(q), strict=True):
        m, g = state.matrix(one), np.diag(state.noise_strengths)
        np.testing.assert_allclose(c, linalg.solve_continuous_lyapunov(m, 2.0 * g), rtol=1e-11)
        np.testing.assert_allclose(c, c.T, rtol=1e-12)


def test_independent_particles_have_the_correlations_of_an_ideal_gas() -> None:
    state = HomogeneousState.of(Model(2, [Species("A", RUN, "1.0"), Species("B", RUN, "2.0")]), [30, 70])
    np.testing.assert_allclose(state.equal_time_correlations([0.0, 3.0]), [np.diag([30.0, 70.0])] * 2, atol=1e-12)


def test_refusals() -> None:
    with pytest.raises(InputError, match="positive densities"):
        HomogeneousState.of(one_species(), [0.0])
    with pytest.raises(InputError, match="unstable"):
        HomogeneousState.of(cross(0.7, -0.7), [50, 50]).equal_time_correlations(1.0)
    with pytest.raises(InputError, match="vanishes"):
        HomogeneousState.of(one_species("A - 50"), [50.0])
