"""One test measures every declared order, on problems with exact solutions."""

import itertools
import math

import numpy as np
import pytest

from fieldsolver.steppers import STEPPERS, noise_weight
from fieldsolver.steppers.base import ComplexArray, phi1, phi2

ALL = sorted(STEPPERS)
_RATE, _SPLIT = 1.7, 2.6


def _logistic(u: ComplexArray, out: ComplexArray) -> None:
    """du/dt = r u (1 - u): smooth, nonlinear, with an exact solution."""
    out[:] = _RATE * u * (1.0 - u)


def _error(name: str, steps: int) -> float:
    shape, end, start = (1, 2, 3), 2.0, 0.2
    # the exactly integrated rate differs from the linearisation on purpose
    stepper = STEPPERS[name](np.full(shape, _SPLIT), end / steps)
    u, tendency = np.full(shape, start, dtype=complex), np.zeros(shape, dtype=complex)
    for _ in range(steps):
        _logistic(u, tendency)
        stepper.step(u, tendency, _logistic, np.zeros(shape, dtype=complex))
    exact = start * math.exp(_RATE * end) / (1.0 - start + start * math.exp(_RATE * end))
    return float(np.max(np.abs(u - exact)))


@pytest.mark.parametrize("name", ALL)
def test_deterministic_order_is_the_declared_one(name: str) -> None:
    errors = [_error(name, steps) for steps in (80, 160, 320)]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert orders[-1] == pytest.approx(STEPPERS[name].deterministic_order, abs=0.1)


def _variance_and_mean(name: str, rates: float, steps: int) -> tuple[float, float]:
    """Mean and variance of du = -2 u dt + s u dW from u = 1 (Ito) at t = 1, exactly over the two-point noise of each step.

    The scheme is linear in u, so that each step multiplies the moments by numbers that follow from two weights.
    """
    dt, strength = 1.0 / steps, 0.8
    stepper = STEPPERS[name](np.full((1, 1, 1), rates), dt)
    weight = float(noise_weight(np.array(rates), dt))
    factors = []
    for sign in (1.0, -1.0):
        u, tendency = np.ones((1, 1, 1), dtype=complex), np.full((1, 1, 1), -2.0, dtype=complex)

        def decay(v: ComplexArray, out: ComplexArray) -> None:
            out[:] = -2.0 * v

        stepper.step(u, tendency, decay, np.full((1, 1, 1), sign * strength * weight / math.sqrt(dt), dtype=complex))
        factors.append(float(u[0, 0, 0].real))
    mean, square = np.mean(factors), np.mean(np.square(factors))
    return float(mean**steps), float(square**steps)


@pytest.mark.parametrize("rates", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("name", ALL)
def test_weak_order_is_at_least_the_declared_one(name: str, rates: float) -> None:
    """First and second moments of multiplicative noise, without sampling: the error bar is round-off."""
    exact = (math.exp(-2.0), math.exp(-4.0 + 0.8**2))
    for moment in range(2):
        errors = [abs(_variance_and_mean(name, rates, steps)[moment] - exact[moment]) for steps in (200, 400, 800)]
        if errors[-1] < 1e-12:
            continue
        order = math.log2(errors[1] / errors[2])
        assert order > STEPPERS[name].weak_order - 0.1


@pytest.mark.parametrize("step", [0.01, 0.3, 3.0, 50.0])
@pytest.mark.parametrize("name", ALL)
def test_decaying_mode_has_the_exact_stationary_variance(name: str, step: float) -> None:
    """du = -c u dt + sqrt(2 c) dW with c integrated exactly: variance 1 at any step."""
    c = 1.0
    stepper = STEPPERS[name](np.full((1, 1, 1), c), step)
    decay = np.ones((1, 1, 1), dtype=complex)

    def tendency(v: ComplexArray, out: ComplexArray) -> None:
        out[:] = -c * v

    stepper.step(decay, -c * decay, tendency, np.zeros((1, 1, 1), dtype=complex))
    noise = np.zeros((1, 1, 1), dtype=complex)
    unit = math.sqrt(2.0 * c / step) * float(noise_weight(np.array(c), step))
    stepper.step(noise, noise.copy(), tendency, np.full((1, 1, 1), unit, dtype=complex))
    gain, kick = float(decay[0, 0, 0].real), float(noise[0, 0, 0].real)
    assert kick**2 / (1.0 - gain**2) == pytest.approx(1.0, rel=1e-12)


def test_phi_functions_have_no_cancellation() -> None:
    z = -np.concatenate([[0.0], np.geomspace(1e-12, 100.0, 400)])
    exact1 = np.array([1.0 if x == 0 else math.expm1(x) / x for x in z])
    np.testing.assert_allclose(phi1(z), exact1, rtol=1e-15)
    # phi2 by its integral, int_0^1 exp((1 - s) z) s ds, with Gauss-Legendre nodes
    node, weight = np.polynomial.legendre.leggauss(60)
    s = 0.5 * (node + 1.0)
    integral = np.array([np.sum(0.5 * weight * s * np.exp((1.0 - s) * x)) for x in z])
    np.testing.assert_allclose(phi2(z), integral, rtol=5e-13)
