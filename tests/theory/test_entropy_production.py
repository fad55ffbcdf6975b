import numpy as np
import pytest
from scipy import integrate

from tests.theory.models import RUN, cross, reference_mixture
from theory import InputError, Model, Sensing, Species
from theory.entropy_production import linear_density, linear_spectrum
from theory.linear_stability import HomogeneousState


@pytest.mark.parametrize(
    ("dimension", "kernel", "range_", "expected", "tolerance"),
    [(2, "bump", 1.0, 3.0303, 5e-5), (2, "gaussian", 0.5, 0.99719, 5e-6), (1, "gaussian", 0.5, 0.90856, 5e-6)],
)
def test_reference_mixture(dimension: int, kernel: str, range_: float, expected: float, tolerance: float) -> None:
    """The printed reference says 3.0302 for the bump; its closed form integrates to 3.03033 (next test)."""
    state = HomogeneousState.of(reference_mixture(dimension, Sensing(kernel, range_)), [40, 60])
    assert linear_density(state) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_density_is_the_integral_of_the_closed_form(dimension: int) -> None:
    """Two species: sigma_q = q^2 (M12 g2 - M21 g1)^2/(g1 g2 tr M), integrated adaptively."""
    state = HomogeneousState.of(reference_mixture(dimension, Sensing("gaussian", 0.7)), [40, 60])
    g = state.noise_strengths

    def closed(q: float) -> float:
        m = state.matrix(q)
        return float(q**2 * (m[0, 1] * g[1] - m[1, 0] * g[0]) ** 2 / (g[0] * g[1] * np.trace(m)))

    measure = {1: 1.0 / np.pi, 2: 1.0 / (2.0 * np.pi), 3: 1.0 / (2.0 * np.pi**2)}[dimension]
    value, _ = integrate.quad(lambda q: measure * q ** (dimension - 1) * closed(q), 0.0, 15.0, epsabs=1e-11, limit=200)
    assert linear_density(state) == pytest.approx(value, rel=1e-7)
    assert float(linear_spectrum(state, 1.3)) == pytest.approx(closed(1.3), rel=1e-11)


def test_reciprocal_mixtures_produce_none() -> None:
    model = Model(2, [Species("A", RUN, "exp(-0.004*A + 0.006*B)"), Species("B", RUN, "exp(0.006*A - 0.002*B)")])
    state = HomogeneousState.of(model, [40, 60])
    reference = HomogeneousState.of(reference_mixture(2, Sensing()), [40, 60])
    assert linear_density(state) < 1e-12 * linear_density(reference)


def test_refusals() -> None:
    with pytest.raises(InputError, match="unstable"):
        linear_density(HomogeneousState.of(cross(0.7, -0.7), [50, 50]))
    local = HomogeneousState.of(reference_mixture(2, Sensing("local")), [40, 60])
    with pytest.raises(InputError, match="cutoff"):
        linear_density(local)
    # without a kernel sigma_q grows as q^2: the density as the fourth power of the cut-off in two dimensions
    assert linear_density(local, 20.0) / linear_density(local, 10.0) == pytest.approx(16.0, rel=1e-6)
