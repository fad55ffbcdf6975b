"""Every declared order of every scheme is measured; so are stability, variances of linear modes, and restarts."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg

from fieldsolver import FieldSolver
from fieldsolver.steppers import STEPPERS, phi_functions
from tests.fieldsolver.pointwise import Pointwise, brownian, coarsened, march
from tests.theory.models import cross
from theory import InputError
from theory.fourier import Grid

Real = NDArray[np.float64]

ALL = sorted(STEPPERS)
NOISY = [name for name in ALL if STEPPERS[name].weak_order > 0]
ONE_MODE = (1, 1)


def _gentle_waves(cells: int, size: float) -> Real:
    """Two species about 50, from the longest waves of the box."""
    x, y = (2.0 * np.pi * Grid((size, size), (cells, cells)).coordinates(axis) / size for axis in "xy")
    return np.stack(
        [
            50.0 + 8.0 * np.cos(x)[None, :] + 5.0 * np.sin(y + 0.3)[:, None],
            50.0 + 6.0 * np.sin(x + 1.0)[None, :] * np.cos(y)[:, None] + 4.0 * np.cos(2.0 * y)[:, None],
        ]
    )


def _chase(stepper: str, steps: int) -> Real:
    """Run and chase after a time of 0.4, in modes."""
    density = _gentle_waves(16, 8.0)
    solver = FieldSolver(cross(0.3, -0.3), (8.0, 8.0), density, stepper=stepper, time_step=0.4 / steps)
    solver.advance(0.4)
    assert solver.step == steps
    return solver.density


@pytest.fixture(scope="module")
def fine() -> Real:
    return _chase("etdrk4", 3200)


@pytest.mark.parametrize("name", ALL)
def test_deterministic_order_is_the_declared_one(name: str, fine: Real) -> None:
    """The nonlinear equations of a mixture; the diffusivity that is split off differs from the local one nearly everywhere."""
    errors = [float(np.max(np.abs(_chase(name, steps) - fine))) for steps in (80, 160, 320)]
    slopes = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert slopes[-1] == pytest.approx(STEPPERS[name].deterministic_order, abs=0.1)


def _sinh_runs(name: str, strength: float, steps: tuple[int, ...], samples: int) -> tuple[list[Real], Real]:
    """Samples at the end for several numbers of steps, and the exact solutions on the same Brownian paths.

    dX = [e^2 X/2 + sqrt(1 + X^2)] dt + e sqrt(1 + X^2) dW, Ito, is solved by X = sinh(x + t + e W). As every sample is compared
    with the solution on its own path, little statistical error is left.
    """
    start, end = 0.2, 0.8
    path = brownian(max(steps), samples, end, seed=3)
    rates = np.full((1, samples), 0.4)

    def amplitude(u: Real) -> Real:
        return strength * np.sqrt(1.0 + u.real**2)

    def drift(u: Real) -> Real:
        return 0.5 * strength**2 * u + np.sqrt(1.0 + u.real**2)

    found = []
    for count in steps:
        problem = Pointwise(drift, 0.0 * rates, rates, amplitude, coarsened(path, count))
        one = march(name, problem, np.full((1, samples), math.sinh(start), dtype=complex), end / count)
        one.advance(end)
        found.append(one.state[0].real)
    return found, np.sinh(start + end + strength * path.sum(axis=0))


def _order(errors: list[float], uncertainties: list[float]) -> tuple[float, float]:
    """Slope between the last two step sizes, each half the one before, and its standard error."""
    slope = math.log2(abs(errors[-2] / errors[-1]))
    return slope, math.hypot(uncertainties[-2] / errors[-2], uncertainties[-1] / errors[-1]) / math.log(2.0)


@pytest.mark.parametrize("name", NOISY)
def test_weak_order_with_multiplicative_noise_is_the_declared_one(name: str) -> None:
    """<X^2> under strong noise, on a nonlinear equation with an exact solution."""
    found, solution = _sinh_runs(name, 1.0, (16, 32), 400_000)
    differences = [values**2 - solution**2 for values in found]
    errors = [float(one.mean()) for one in differences]
    slope, uncertainty = _order(errors, [float(one.std()) / math.sqrt(one.size) for one in differences])
    assert uncertainty < 0.15
    assert abs(slope - STEPPERS[name].weak_order) < 0.2 + 2.0 * uncertainty


@pytest.mark.parametrize("name", NOISY)
def test_order_of_mean_and_variance_under_weak_noise_is_that_of_additive_noise(name: str) -> None:
    """Errors are O(dt^p + e^4 dt), and of the variance e^2 times that; the amplitude depends on the state all the same."""
    strength, samples = 0.05, 200_000
    found, solution = _sinh_runs(name, strength, (8, 16, 32), samples)
    expected = STEPPERS[name].additive_weak_order
    means = [values - solution for values in found]
    spread = (solution - solution.mean()) ** 2
    variances = [((values - values.mean()) ** 2 - spread) / strength**2 for values in found]
    for differences in (means, variances):
        errors = [float(one.mean()) for one in differences]
        slope, uncertainty = _order(errors, [float(one.std()) / math.sqrt(samples) for one in differences])
        assert uncertainty < 0.1
        assert abs(slope - expected) < 0.15 + 2.0 * uncertainty


def _driven_moments(end: float, noise: float) -> Real:
    """<v> and <v^2> of du = -u dt + s dW, dv = (u^2 - v) dt from u = v = 0: the moments obey a closed linear system."""
    # (<u^2>, <u^4>, <v>, <u^2 v>, <v^2>), and 1 as the last
    generator = np.zeros((6, 6))
    q = noise**2
    generator[0, [0, 5]] = -2.0, q
    generator[1, [1, 0]] = -4.0, 6.0 * q
    generator[2, [0, 2]] = 1.0, -1.0
    generator[3, [3, 2, 1]] = -3.0, q, 1.0
    generator[4, [4, 3]] = -2.0, 2.0
    return np.asarray((linalg.expm(end * generator) @ np.eye(6)[5])[[2, 4]])


@pytest.mark.parametrize("name", NOISY)
def test_weak_order_with_additive_noise_is_the_declared_one(name: str) -> None:
    """A mode that is driven by the square of another: nonlinear drift, and moments that are known exactly."""
    noise, end, samples, steps = 1.5, 1.0, 600_000, (2, 4, 8, 16)
    exact = _driven_moments(end, noise)
    path = brownian(max(steps), samples, end, seed=8)
    rates = np.repeat([[1.6], [0.3]], samples, axis=1)

    def drift(u: Real) -> Real:
        return np.stack([-u[0], u[0] ** 2 - u[1]])

    def amplitude(u: Real) -> Real:
        return np.array([[noise], [0.0]])

    found = []
    for count in steps:
        problem = Pointwise(drift, 0.0 * rates, rates, amplitude, coarsened(path, count))
        one = march(name, problem, np.zeros((2, samples), dtype=complex), end / count)
        one.advance(end)
        found.append(one.state[1].real)
    # between neighbouring step sizes: the paths are shared, and the statistical error nearly cancels
    changes = [coarse - finer for coarse, finer in itertools.pairwise(found)]
    slope, uncertainty = _order([float(c.mean()) for c in changes], [float(c.std()) / math.sqrt(samples) for c in changes])
    assert uncertainty < 0.15
    assert slope > STEPPERS[name].additive_weak_order - 0.25 - 2.0 * uncertainty
    finest = found[-1]
    remaining = abs(float(changes[-1].mean())) / (2 ** STEPPERS[name].additive_weak_order - 1)
    assert abs(finest.mean() - exact[0]) < 1.5 * remaining + 3.0 * finest.std() / math.sqrt(samples)


@pytest.mark.parametrize("name", NOISY)
def test_noise_is_that_of_ito(name: str) -> None:
    """dX = X dW keeps <X>, step by step; in the sense of Stratonovich it would grow as exp(t/2)."""
    samples, steps, end = 200_000, 4, 0.5
    rates = np.full((1, samples), 1.3)
    path = brownian(steps, samples, end, seed=2)
    problem = Pointwise(lambda u: 0.0 * u, 0.0 * rates, rates, lambda u: u, path)
    one = march(name, problem, np.ones((1, samples), dtype=complex), end / steps)
    one.advance(end)
    values = one.state[0].real
    assert abs(values.mean() - 1.0) < 3.0 * values.std() / math.sqrt(samples)
    assert math.exp(0.5 * end) - 1.0 > 20.0 * values.std() / math.sqrt(samples)


def _gain(name: str, local: float, split: float) -> float:
    """Largest growth per step of du/dt = -local u with dt = 1 and the reference rate ``split``, whatever came before."""
    factors = []
    for now, before in ((1.0, 0.0), (0.0, 1.0)):
        stepper = STEPPERS[name](ONE_MODE, complex)
        u, earlier, out = (np.full(ONE_MODE, x, dtype=complex) for x in (now, before, 0.0))
        rates = np.full(ONE_MODE, split)
        stepper.prepare(0.0 * rates, rates, 1.0)
        stepper.accept(earlier, -local * earlier)
        stepper.prepare(0.0 * rates, rates, 1.0)
        stepper.step(u, -local * u, lambda v, f: np.multiply(-local, v, out=f), None, out)
        factors.append(float(out[0, 0].real))
    return float(np.max(np.abs(np.roots([1.0, -factors[0], -factors[1]]))))


# of D q^2 dt, by scheme and by the reference diffusivity over D; None: no limit
_LIMITS = {
    "exponential_euler": {0.5: None, 1.0: None, 2.0: None},
    "etdrk2": {0.5: None, 1.0: None, 2.0: None},
    "exponential_adams": {0.5: 2.0025, 1.0: None, 2.0: None},
    "etdrk4": {0.5: 3.129, 1.0: None, 2.0: None},
    "sbdf2": {0.5: 4.0 / 3.0, 1.0: None, 2.0: None},
}


@pytest.mark.parametrize("mismatch", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", ALL)
def test_largest_stable_step(name: str, mismatch: float) -> None:
    """A reference that is half the diffusivity costs some schemes their stability; one at or above it none."""
    limit = _LIMITS[name][mismatch]
    for local in np.geomspace(0.1, 1e4, 40):
        stable = _gain(name, local, mismatch * local) <= 1.0 + 1e-12
        assert stable == (limit is None or local <= limit), local


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("name", ALL)
def test_places_of_any_lower_diffusivity_are_stable(name: str, share: float) -> None:
    """The reference is the largest diffusivity anywhere; where the local one is a share of it modes must not grow."""
    for reference in np.geomspace(0.1, 1e4, 30):
        # both roots of two-step schemes come as close as 1/reference to each other: there round-off counts that much more
        assert _gain(name, share * reference, reference) <= 1.0 + 1e-15 * max(reference, 1e3)


@pytest.mark.parametrize("step", [0.01, 0.3, 3.0, 50.0])
@pytest.mark.parametrize("name", NOISY)
def test_decaying_mode_has_the_exact_stationary_variance(name: str, step: float) -> None:
    assert _variance(name, step, 1.0) == pytest.approx(1.0, rel=1e-12)


# variance of a mode over the exact one, by D q^2 dt and the reference diffusivity over D
_VARIANCES = {
    "exponential_euler": {(0.3, 2.0): 0.873, (3.0, 2.0): 0.668},
    "etdrk2": {(0.3, 2.0): 0.997, (3.0, 2.0): 1.098, (0.3, 0.5): 0.992, (3.0, 0.5): 0.530},
    "exponential_adams": {(0.3, 2.0): 0.967, (3.0, 2.0): 0.592, (0.3, 0.5): 1.024},
}


@pytest.mark.parametrize("name", NOISY)
def test_variance_where_the_reference_is_not_the_diffusivity(name: str) -> None:
    """S(q)/rho of linear diffusion at long and short steps; a reference below the diffusivity loses half of it."""
    for (step, mismatch), expected in _VARIANCES[name].items():
        assert _variance(name, step, mismatch) == pytest.approx(expected, abs=6e-4)


def _variance(name: str, local: float, mismatch: float) -> float:
    """Stationary variance of du = -local u dt + sqrt(2 local) dW, exactly 1, with dt = 1 and the reference ``mismatch`` local.

    Every step is linear in the state, the state before, and the random numbers of both: its four coefficients are measured.
    """
    rates = np.full(ONE_MODE, mismatch * local)

    def after(now: float, before: float, kick: float, kick_before: float) -> float:
        stepper = STEPPERS[name](ONE_MODE, complex)
        u, out = np.full(ONE_MODE, now, dtype=complex), np.zeros(ONE_MODE, dtype=complex)
        earlier, increment = (np.full(ONE_MODE, x, dtype=complex) for x in (before, math.sqrt(2.0 * local) * kick_before))
        stepper.restore(
            {
                "earlier_state": earlier,
                "earlier_tendency": -local * earlier,
                "earlier_time_step": np.array(1.0),
                "earlier_increment": increment,
            }
        )
        stepper.prepare(0.0 * rates, rates, 1.0)
        stepper.step(
            u,
            -local * u,
            lambda v, f: np.multiply(-local, v, out=f),
            lambda at, xi: xi.fill(math.sqrt(2.0 * local) * kick),
            out,
        )
        return float(out[0, 0].real)

    gain = np.array([[after(*one) for one in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1))], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    kicks = np.array([after(0, 0, 1, 0), 0.0, 1.0])
    return float(linalg.solve_discrete_lyapunov(gain, np.outer(kicks, kicks))[0, 0])


@pytest.mark.parametrize("name", ALL)
def test_history_makes_a_continuation_bit_exact(name: str) -> None:
    """Also where the continuation starts right after the first step, and with rates that have changed in between."""
    rates = np.array([[0.0, 1.0, 5.0], [0.1, 2.0, 7.0]])
    start = np.array([[1.0, 0.3 - 0.2j, 0.05j], [0.4, -0.1j, 0.02]])

    def drift(u: Real) -> Real:
        return u * (1.0 - u) - 0.7 * rates * u

    def fresh() -> Pointwise:
        return Pointwise(drift, 0.1 * rates, rates)

    for stop in (1, 4):
        whole, first, second = (march(name, fresh(), start, 0.05) for _ in range(3))
        whole.advance(0.6)
        first.advance(stop * 0.05)
        arrays, numbers = first.memory()
        kept = {"sbdf2": 3, "exponential_adams": 4}.get(name, 0)
        assert sum(one.startswith("earlier_") for one in arrays) == kept == len(arrays) - 1
        second.restore(arrays, numbers, (0.1 * rates, rates))
        second.advance(0.6)
        np.testing.assert_array_equal(whole.state, second.state, strict=True)
        assert (whole.step, whole.time) == (second.step, second.time) == (12, pytest.approx(0.6))


def test_history_survives_a_change_of_rates() -> None:
    """Rates that jump at every step leave the order of the multistep scheme alone."""

    class Jumping(Pointwise):
        def follow(self) -> tuple[Real, Real]:
            return np.zeros(ONE_MODE), np.full(ONE_MODE, 4.0 + 3.0 * (self.evaluations % 2))

    def error(steps: int) -> float:
        one = march(
            "sbdf2", Jumping(lambda u: 1.7 * u * (1.0 - u), *np.zeros((2, 1, 1))), np.full(ONE_MODE, 0.2 + 0j), 2.0 / steps
        )
        one.advance(2.0)
        exact = 0.2 * math.exp(3.4) / (0.8 + 0.2 * math.exp(3.4))
        return abs(one.state[0, 0] - exact)

    assert math.log2(error(100) / error(200)) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("name", ALL)
def test_single_precision_gives_the_same_to_its_accuracy(name: str) -> None:
    rates = np.array([[0.0, 1.0, 5.0]])
    start = np.array([[1.0, 0.3 - 0.2j, 0.05j]])
    results = []
    for dtype in (np.complex64, np.complex128):
        one = march(name, Pointwise(lambda u: u * (1.0 - u), 0.0 * rates, rates), start.astype(dtype), 0.02)
        one.advance(1.0)
        assert one.state.dtype == dtype
        results.append(one.state)
    np.testing.assert_allclose(*results, atol=3e-6)


@pytest.mark.parametrize("name", sorted(set(ALL) - set(NOISY)))
def test_deterministic_schemes_refuse_noise(name: str) -> None:
    density = np.full((2, 16, 16), 50.0)
    with pytest.raises(
        InputError, match=f"'{name}' is for deterministic runs, and fields.noise is 1; use 'etdrk2' or 'exponential_adams'"
    ):
        FieldSolver(cross(0.0, 0.0), (8.0, 8.0), density, noise=1.0, stepper=name)
    rates = np.zeros(ONE_MODE)
    problem = Pointwise(lambda u: u, rates, rates, lambda u: u, np.zeros((1, 1)))
    with pytest.raises(InputError, match="with noise use 'exponential_adams'"):
        march(name, problem, np.ones(ONE_MODE, dtype=complex), 0.1).advance(0.1)


def test_phi_functions_have_no_cancellation() -> None:
    """Against their integrals, int_0^1 exp((1 - s) z) s^(n - 1)/(n - 1)! ds, with Gauss-Legendre nodes."""
    z = -np.concatenate([[0.0], np.geomspace(1e-12, 100.0, 400), [1.0, np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0)]])
    node, weight = np.polynomial.legendre.leggauss(80)
    s = 0.5 * (node + 1.0)
    for n, found in enumerate(phi_functions(z), start=1):
        integrand = np.exp(np.outer(z, 1.0 - s)) * s ** (n - 1) / math.factorial(n - 1)
        np.testing.assert_allclose(found, integrand @ (0.5 * weight), rtol=2e-14)
    # far out the asymptotic form, without overflow
    np.testing.assert_allclose([one for (one,) in phi_functions([-1e9])], [1e-9, 1e-9, 0.5e-9], rtol=1e-8)
