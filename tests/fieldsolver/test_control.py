"""Steps that follow the error: the estimates, the controller, and runs with both."""

import itertools
import math

import numpy as np
import pytest

from fieldsolver import FieldSolver
from fieldsolver.control import StepControl
from fieldsolver.marching import March
from fieldsolver.steppers import STEPPERS
from fieldsolver.steppers.base import Stepper
from tests.fieldsolver.pointwise import Complex, Pointwise, march
from tests.theory.models import cross, one_species
from theory import InputError, NumericalFailure

ALL = sorted(STEPPERS)
SHAPE = (1, 1)
# splits off less than there is, so that both parts of a scheme err
_SPLIT, _RATE = 0.9, 1.7


def _logistic(u: Complex) -> Complex:
    return _RATE * u * (1.0 - u)


def _solution(time: float, start: float = 0.2) -> float:
    growth = start * math.exp(_RATE * time)
    return growth / (1.0 - start + growth)


def _problem() -> Pointwise:
    return Pointwise(_logistic, np.zeros(SHAPE), np.full(SHAPE, _SPLIT))


def _control(name: str, tolerance: float, first: float = 0.01) -> StepControl:
    return StepControl(tolerance, STEPPERS[name].error_order, first, 1e-9 * first)


def _one_step(name: str, dt: float, ratio: float = 1.0) -> tuple[float, float]:
    """True and estimated error of one step from exact values, after an exact step shorter by the ratio."""
    stepper: Stepper = STEPPERS[name](SHAPE, complex)
    rates = np.full(SHAPE, _SPLIT)
    now, before = 0.3, 0.3 - dt / ratio
    u, earlier = (np.full(SHAPE, _solution(t), dtype=complex) for t in (now, before))
    out, out_tendency = np.zeros(SHAPE, dtype=complex), np.zeros(SHAPE, dtype=complex)
    stepper.prepare(0.0 * rates, rates, dt / ratio)
    stepper.accept(earlier, _logistic(earlier))
    stepper.prepare(0.0 * rates, rates, dt)
    tendency = _logistic(u)
    stepper.step(u, tendency, lambda v, f: np.copyto(f, _logistic(v)), None, out)
    out_tendency[...] = _logistic(out)
    return abs(out[0, 0] - _solution(now + dt)), float(stepper.error(u, tendency, out, out_tendency)[0])


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.8])
def test_estimate_of_the_multistep_scheme_is_its_error(ratio: float) -> None:
    """To leading order, for longer and shorter steps than the one before."""
    true, estimated = _one_step("sbdf2", 0.01, ratio)
    assert estimated == pytest.approx(true, rel=0.05)
    assert true > 1e-9


@pytest.mark.parametrize("name", ALL)
def test_estimates_fall_as_declared_and_bound_the_error(name: str) -> None:
    pairs = [_one_step(name, dt) for dt in (0.1, 0.05, 0.025)]
    slope = math.log2(pairs[1][1] / pairs[2][1])
    assert slope == pytest.approx(STEPPERS[name].error_order, abs=0.25)
    assert all(true < 1.3 * estimated for true, estimated in pairs)


@pytest.mark.parametrize("name", ALL)
def test_error_follows_the_tolerance(name: str) -> None:
    """Two decades of tolerance are two decades of error, or more where the estimate is that of a lower order."""
    errors, steps = [], []
    for tolerance in (1e-5, 1e-6, 1e-7):
        one = march(name, _problem(), np.full(SHAPE, 0.2 + 0j), _control(name, tolerance))
        for time in (0.7, 1.4, 2.0):
            assert one.advance(time)
            # exactly, not to round-off
            assert one.time == time
        errors.append(abs(one.state[0, 0] - _solution(2.0)))
        steps.append(one.step)
    order, local = STEPPERS[name].deterministic_order, STEPPERS[name].error_order
    for one, other in itertools.pairwise(errors):
        assert math.log10(one / other) == pytest.approx(order / local, abs=0.35)
    # the state is about 1: its own variation is the scale
    assert errors[0] < 30.0 * 1e-5
    assert steps[1] / steps[0] == pytest.approx(10.0 ** (1.0 / local), rel=0.25)


def test_steps_lengthen_and_shorten_with_the_solution() -> None:
    """Fast at first, slow later: the steps grow by the ratio of the rates, and shrink when a fast phase comes back."""
    rate = {"now": 50.0}
    problem = Pointwise(lambda u: rate["now"] * (1.0 - u), np.zeros(SHAPE), np.full(SHAPE, 5.0))
    control = _control("sbdf2", 1e-4, 1e-4)
    one = march("sbdf2", problem, np.zeros(SHAPE, dtype=complex), control)
    one.advance(0.03)
    fast = one.time_step
    rate["now"] = 0.5
    one.advance(4.0)
    assert one.time_step > 20.0 * fast
    one.state[...] = 0.2
    rate["now"] = 50.0
    before = control.rejected
    one.advance(4.05)
    assert control.rejected > before


@pytest.mark.parametrize("name", ALL)
def test_a_run_that_is_continued_after_any_step_has_the_same_bits(name: str) -> None:
    """Steps that change and steps that stay, before and after a rejection and an output: what was prepared must not matter."""
    rates = np.array([[0.0, 40.0, 400.0]])
    start = np.array([[0.2, 0.1, -0.05j]])

    def new() -> March:
        problem = Pointwise(lambda u: 3.0 * u * (1.0 - u) - 0.6 * rates * u, np.zeros((1, 3)), rates)
        return march(name, problem, start, _control(name, 1e-4))

    whole, states = new(), []
    for time in (0.3, 0.6, 1.0):
        whole.advance(time, lambda: states.append(whole.memory()) is not None)
    assert len(states) > 15
    for arrays, numbers in states[:: len(states) // 15]:
        one = new()
        one.restore(arrays, numbers, (np.zeros((1, 3)), rates))
        for time in (0.3, 0.6, 1.0):
            one.advance(time)
        np.testing.assert_array_equal(one.state, whole.state)
        assert one.memory()[1] == whole.memory()[1]


def test_outputs_nearby_are_met_in_equal_steps() -> None:
    control = StepControl(1e-3, 3, 0.3, 1e-9)
    steps, remaining = [], 1.0
    while remaining > 0.0:
        step = control.next_step(remaining)
        steps.append(step)
        remaining = 0.0 if step >= remaining else remaining - step
    np.testing.assert_allclose(steps, 0.25)
    # far outputs are left alone
    assert control.next_step(100.0) == 0.3
    assert control.next_step(0.3 * (1.0 + 1e-12)) == 0.3 * (1.0 + 1e-12)


def test_controller_formula() -> None:
    control = StepControl(1e-3, 3, 0.1, 1e-9)
    # far below the tolerance: growth is limited
    assert control.judge(0.1, 1e-9, 0.0)
    assert control.time_step == pytest.approx(0.2)
    # proportional and integral part, the error before being 1e-6 of the tolerance
    assert control.judge(0.2, 0.5e-3, 0.0)
    assert control.time_step == pytest.approx(0.2 * max(0.2, 0.9 * 0.5 ** (-0.7 / 3.0) * 1e-6 ** (0.4 / 3.0)))
    # a little growth is not worth new weights: the step stays as it is
    step = control.time_step
    assert control.judge(step, 0.15e-3, 0.0)
    assert 0.9 * 0.15 ** (-0.7 / 3.0) * 0.5 ** (0.4 / 3.0) > 1.2
    step = control.time_step
    assert control.judge(step, 0.2e-3, 0.0)
    assert 1.0 < 0.9 * 0.2 ** (-0.7 / 3.0) * 0.15 ** (0.4 / 3.0) < 1.1
    assert control.time_step == step
    # an error of eight tolerances: rejected, and half as long but for the safety; then no growth at once
    assert not control.judge(step, 8e-3, 0.0)
    assert control.time_step == pytest.approx(0.45 * step)
    assert control.rejected == 1
    shorter = control.time_step
    assert control.judge(shorter, 1e-5, 0.0)
    assert control.time_step == shorter
    assert control.judge(shorter, 1e-5, 0.0)
    assert control.time_step > shorter
    # no state at all
    assert not control.judge(control.time_step, math.inf, 0.0)
    assert not control.judge(control.time_step, math.nan, 0.0)


def test_a_step_that_an_output_cut_short_does_not_shorten_the_next() -> None:
    control = StepControl(1e-3, 3, 0.1, 1e-9)
    assert control.judge(0.01, 1e-7, 0.0)
    assert control.time_step == 0.1
    # unless even the short one was hardly accurate enough
    assert control.judge(0.05, 0.9e-3, 0.0)
    assert control.time_step == pytest.approx(0.05 * 0.9 * 0.9 ** (-1.0 / 3.0))


@pytest.mark.parametrize(("tolerance", "step"), [(0.0, 0.1), (-1.0, 0.1), (math.nan, 0.1), (1e-3, 0.0), (1e-3, math.inf)])
def test_bad_controls_are_refused(tolerance: float, step: float) -> None:
    with pytest.raises(InputError, match="positive and finite"):
        StepControl(tolerance, 3, step, 1e-9)


def test_no_step_is_short_enough() -> None:
    """A tendency of noise has no accurate step; the message says what to do."""
    rng = np.random.default_rng(1)
    problem = Pointwise(lambda u: rng.normal(size=SHAPE) * 100.0 + 0j, np.zeros(SHAPE), np.zeros(SHAPE))
    one = march("sbdf2", problem, np.ones(SHAPE, dtype=complex), StepControl(1e-12, 3, 0.1, 1e-3))
    with pytest.raises(NumericalFailure, match=r"raise fields\.tolerance, or state a fixed fields\.time_step"):
        one.advance(100.0)


def test_a_state_that_cannot_be_evaluated_is_a_rejected_step() -> None:
    """Beyond u = 1.05 there is no tendency: too long a first step overshoots, is taken again, and the run goes on."""
    refused = []

    def drift(u: Complex) -> Complex:
        if u.real.max() > 1.05:
            refused.append(u.real.max())
            raise NumericalFailure("beyond 1.05")
        return 10.0 * (1.0 - u)

    control = StepControl(1e-2, 3, 3.0, 1e-3)
    one = march("sbdf2", Pointwise(drift, np.zeros(SHAPE), np.zeros(SHAPE)), np.zeros(SHAPE, dtype=complex), control)
    one.advance(3.0)
    assert refused
    assert control.rejected >= len(refused)
    assert one.state[0, 0].real == pytest.approx(1.0, abs=1e-2)

    def nowhere(u: Complex) -> Complex:
        if one.step > 0 or u.real.max() != 0.0:
            raise NumericalFailure("nowhere but at the start")
        return np.ones_like(u)

    one = march("sbdf2", Pointwise(nowhere, np.zeros(SHAPE), np.zeros(SHAPE)), np.zeros(SHAPE, dtype=complex), control)
    # not that the step is short, but why
    with pytest.raises(NumericalFailure, match="nowhere but at the start"):
        one.advance(1.0)


def _waves(cells: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    x = 2.0 * np.pi * (np.arange(cells) + 0.5) / cells
    return np.stack(
        [50.0 + 5.0 * np.cos(x)[None, :] + 5.0 * np.sin(x)[:, None], 50.0 - 5.0 * np.cos(x)[None, :] + 0.0 * x[:, None]]
    )


def test_runs_follow_the_error_by_default_and_conserve_mass() -> None:
    size, model = (8.0, 8.0), cross(0.3, -0.3)
    results = []
    for tolerance in (1e-7, 1e-5, 1e-4, None):
        solver = FieldSolver(model, size, _waves(32), tolerance=tolerance)
        for time in (0.5, 1.0, 2.0):
            assert solver.advance(time)
            assert solver.time == time
        frame = solver.frame()
        assert solver.monitors.mass_drift == 0.0
        assert frame.variables["time_step"].data == solver.time_step
        assert frame.variables["rejected_steps"].data == solver.monitors.rejected_steps
        results.append((solver.density, solver.step))
    reference = results[0][0]
    variation = np.linalg.norm(reference - reference.mean(axis=(1, 2), keepdims=True))
    errors = [np.linalg.norm(density - reference) / variation for density, _ in results[1:]]
    assert errors[0] < 0.5 * errors[1] < 0.25 * errors[2]
    # a growing pattern multiplies early errors
    assert errors[2] < 0.05
    steps = [step for _, step in results]
    assert steps == sorted(steps, reverse=True)


def test_a_law_that_fails_for_good_is_told_as_such() -> None:
    density = np.full((1, 16, 16), 50.0)
    density[0, :, :8] = 59.0
    solver = FieldSolver(one_species("1 - A/60"), (32.0, 32.0), density)
    with pytest.raises(NumericalFailure, match=r"motility law of A, '1 - A/60'"):
        solver.advance(1000.0)
    assert solver.monitors.rejected_steps > 0


def test_refusals() -> None:
    density = np.full((1, 16, 16), 50.0)
    for arguments, words in (
        ({"tolerance": 1e-3, "time_step": 0.1}, "fields.time_step is fixed"),
        ({"tolerance": 1e-3, "noise": 1.0}, "a noisy run has a fixed time step"),
        ({"tolerance": -1.0}, "fields.tolerance is -1"),
    ):
        with pytest.raises(InputError, match=words):
            FieldSolver(one_species(), (4.0, 4.0), density, **arguments)  # type: ignore[arg-type]
