import numpy as np
import pytest
from scipy import integrate

from tests.theory.models import RUN, cross, reference_mixture
from tests.theory.test_hierarchy import COMPOSITION, mixture
from theory import Chemical, Chemotaxis, InputError, Model, Motion, Sensing, Species
from theory.entropy_production import expected_rates, linear_density, linear_spectrum
from theory.fluctuations import LinearProcess
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState

MEASURE = {1: 1.0 / np.pi, 2: 1.0 / (2.0 * np.pi), 3: 1.0 / (2.0 * np.pi**2)}


def reference(dimension: int, kernel: str, range_: float) -> HomogeneousState:
    return HomogeneousState.of(reference_mixture(dimension, Sensing(kernel, range_)), [40, 60])


def closed_form(state: HomogeneousState, q: float) -> float:
    """Two species: sigma_q = q^2 (M12 g2 - M21 g1)^2/(g1 g2 tr M)."""
    m, g = state.matrix(q), state.total_diffusivities * state.densities
    return float(q**2 * (m[0, 1] * g[1] - m[1, 0] * g[0]) ** 2 / (g[0] * g[1] * np.trace(m)))


@pytest.mark.parametrize(
    ("dimension", "kernel", "range_", "expected", "tolerance"),
    [(2, "bump", 1.0, 3.030331, 2e-6), (2, "gaussian", 0.5, 0.99719, 5e-6), (1, "gaussian", 0.5, 0.90856, 5e-6)],
)
def test_reference_mixture(dimension: int, kernel: str, range_: float, expected: float, tolerance: float) -> None:
    """For the bump 3.0302 is what an integral up to q = 60 gives; shorter waves add 1.1e-4."""
    assert linear_density(reference(dimension, kernel, range_)) == pytest.approx(expected, abs=tolerance)


def test_reference_mixture_up_to_a_cutoff() -> None:
    assert linear_density(reference(2, "bump", 1.0), 60.0) == pytest.approx(3.0302, abs=5e-5)


@pytest.mark.parametrize(("dimension", "kernel"), [(1, "gaussian"), (2, "gaussian"), (3, "gaussian"), (1, "exponential")])
def test_density_is_the_integral_of_the_closed_form(dimension: int, kernel: str) -> None:
    """Integrated adaptively, to infinity; the exponential kernel leaves a tail of 1/q^2."""
    state = reference(dimension, kernel, 0.7)

    def integrand(q: float) -> float:
        return MEASURE[dimension] * q ** (dimension - 1) * closed_form(state, q)

    value = integrate.quad(integrand, 0.0, 15.0, epsabs=1e-11, limit=200)[0]
    value += integrate.quad(lambda s: integrand(1.0 / s) / s**2, 1e-9, 1.0 / 15.0, epsabs=1e-11)[0]
    assert linear_density(state) == pytest.approx(value, rel=1e-6)
    assert float(linear_spectrum(state, 1.3)) == pytest.approx(closed_form(state, 1.3), rel=1e-11)


@pytest.mark.parametrize(("dimension", "kernel"), [(2, "exponential"), (3, "exponential"), (2, "local"), (1, "local")])
def test_diverging_integrals_are_refused(dimension: int, kernel: str) -> None:
    state = reference(dimension, kernel, 0.7)
    with pytest.raises(InputError, match="give a cutoff"):
        linear_density(state)
    assert linear_density(state, 5.0) > 0.0


def test_cutoff_of_a_local_kernel() -> None:
    """sigma_q grows as q^2: in two dimensions the density grows as the fourth power of the cut-off."""
    local = reference(2, "local", 1.0)
    assert linear_density(local, 20.0) / linear_density(local, 10.0) == pytest.approx(16.0, rel=1e-9)
    with pytest.raises(InputError, match="cutoff is -1"):
        linear_density(local, -1.0)


@pytest.mark.parametrize("order", [0, 1, 4])
def test_reciprocal_mixtures_produce_none(order: int) -> None:
    """With one kernel, a symmetric matrix of couplings suffices, at every order; and so does a single species."""
    model = Model(2, [Species("A", RUN, "exp(-0.004*A + 0.006*B)"), Species("B", Motion(0.3, 0.5), "exp(0.006*A - 0.002*B)")])
    state = HomogeneousState.of(model, [40, 60])
    assert linear_density(state, 20.0, order) == 0.0
    alone = HomogeneousState.of(Model(2, [Species("A", RUN, "exp(-0.01*A)")]), [40])
    assert np.all(linear_spectrum(alone, [0.5, 2.0], order) == 0.0)


def test_reciprocal_chemotaxis_produces_none() -> None:
    """[S1] below Eq. 19: v1_m beta_n = v1_n beta_m, for equal speeds and times."""

    def state(bias: float) -> HomogeneousState:
        steering = [(Chemotaxis("c", speed_bias=one),) for one in (0.02, bias)]
        species = [Species(n, RUN, "1.0", chemotaxis=one) for n, one in zip("AB", steering, strict=True)]
        return HomogeneousState.of(Model(2, species, chemicals=[Chemical("c", {"A": 1.0, "B": 1.5}, 1.0, 1.0)]), [20.0, 30.0])

    scale = linear_density(state(0.01), 20.0)
    assert scale > 1e-3
    assert linear_density(state(0.03), 20.0) < 1e-12 * scale


@pytest.mark.parametrize("order", [1, 2, 3])
def test_orders_agree_on_long_waves(order: int) -> None:
    state = reference(2, "bump", 1.0)
    departures = [abs(float(linear_spectrum(state, q, order) / linear_spectrum(state, q)) - 1.0) for q in (0.1, 0.05)]
    assert departures[0] < 0.02
    assert departures[0] / departures[1] == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("order", [1, 2])
def test_spectrum_of_an_order_by_frequencies(order: int) -> None:
    r"""For a Gaussian process x of spectral density S(w) and parities e: 1/(4 pi) \int dw tr [ S (e S^T e)^-1 - 1 ].

    Densities are left out: they are integrals of the polarities, and have no noise of their own.
    """
    state, q = reference(2, "bump", 1.0), 1.4
    process = LinearProcess.of(state, q, order)
    n = process.operator.shape[0]
    parity = np.diag((-1.0) ** np.repeat(np.arange(1, order + 1), 2))

    def integrand(w: float) -> float:
        response = np.linalg.inv(1j * w * np.eye(n) - process.operator)
        spectral = (response @ (2.0 * process.noise) @ response.conj().T)[2:, 2:]
        back = parity @ spectral.T @ parity
        return float(np.trace(spectral @ np.linalg.inv(back)).real - (n - 2))

    value = 2.0 * integrate.quad(integrand, 0.0, np.inf, epsabs=1e-10, limit=400)[0] / (4.0 * np.pi)
    assert float(linear_spectrum(state, q, order)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_short_intervals_show_the_spectrum(dimension: int) -> None:
    """With everything that acts at order 0."""
    state = HomogeneousState.of(mixture(dimension), COMPOSITION)
    q = np.array([0.0, 0.6, 2.0])
    np.testing.assert_allclose(expected_rates(state, q, 0.0), linear_spectrum(state, q), rtol=1e-9, atol=1e-13)
    relaxation = np.abs(mode_rates(state, q)).max()
    short = expected_rates(state, q, 1e-4 / relaxation)
    np.testing.assert_allclose(short, linear_spectrum(state, q), rtol=2e-4)


def test_an_interval_beyond_the_relaxation_hides_everything() -> None:
    state = reference(2, "bump", 1.0)
    assert float(expected_rates(state, 2.0, 50.0)) < 1e-6 * float(linear_spectrum(state, 2.0))
    # the bias grows with the interval
    shares = [float(expected_rates(state, 2.0, t) / linear_spectrum(state, 2.0)) for t in (0.01, 0.02, 0.1)]
    assert 1.0 > shares[0] > shares[1] > shares[2]


def test_refusals() -> None:
    unstable = HomogeneousState.of(cross(0.7, -0.7), [50, 50])
    with pytest.raises(InputError, match="unstable"):
        linear_density(unstable)
    with pytest.raises(InputError, match="unstable"):
        linear_spectrum(unstable, 1.0)
    dynamic = HomogeneousState.of(mixture(2, adiabatic=False), COMPOSITION)
    for refused in (lambda: linear_spectrum(dynamic, 1.0), lambda: linear_density(dynamic, 10.0)):
        with pytest.raises(InputError, match="chemical c has a dynamics of its own without noise"):
            refused()
    biased = Species("A", RUN, "1.0", chemotaxis=(Chemotaxis("c", speed_bias=0.01),))
    state = HomogeneousState.of(Model(2, [biased], chemicals=[Chemical("c", {"A": 1.0}, 1.0, 1.0)]), [10.0])
    assert float(linear_spectrum(state, 1.0)) < 1e-14
    with pytest.raises(InputError, match="rate is infinite"):
        linear_spectrum(state, 1.0, 1)
