"""Compiled integration of encounters of two particles, each with its own adaptive steps.

The state of an encounter is (r, theta_1, theta_2, Phi): the distance, the directions of the particles in the frame that turns
with the pair, and the angle by which that frame has turned (see :mod:`theory.kinetic.scattering`). A law of r is a table of
cubics in log r, (start, scale, coefficients): with t = (log r - start)*scale and k = floor(t),

    f(r) = sum_p coefficients[p, k] (t - k)^p.
"""

import math
from typing import Any

import numba
import numpy as np

from theory._loops import log, sine_cosine_of_turns
from theory.compiling import inlined, loop, parallel_loop

_STATE = 4
_STAGES = 7
_TURNS = 0.5 / math.pi
# encounters per task: enough to make the task's own arrays cheap
_BLOCK = 64
# limits of the change of a step, and the share of the step that the error asks for
_SHRINK, _GROW, _SAFETY = 0.2, 5.0, 0.9
_FIRST_STEP = 0.01
# share of the reach within which an encounter ends
_EDGE = 1e-9
# the logarithm takes positive numbers only
_NEAREST = 1e-300


@inlined
def _cubic(k: Any, s: float, coefficients: Any) -> float:
    return float(coefficients[0, k] + s * (coefficients[1, k] + s * (coefficients[2, k] + s * coefficients[3, k])))


@inlined
def _rates(speed: float, table: Any, state: Any, out: Any) -> None:
    start, scale, push, turn = table
    r = state[0]
    s1, c1 = sine_cosine_of_turns(state[1] * _TURNS)
    s2, c2 = sine_cosine_of_turns(state[2] * _TURNS)
    # beyond the table, where only steps end that are taken again, the law is that at its end
    t = min((log(max(r, _NEAREST)) - start) * scale, float(push.shape[1]))
    k = min(int(max(t, 0.0)), push.shape[1] - 1)
    # closer than the table reaches the law is not a number, so that the step is refused
    pushed = _cubic(k, t - k, push) if t >= 0.0 else math.nan
    turned = _cubic(k, t - k, turn)
    frame = speed / r * (c1 - c2)
    out[0] = pushed - speed * (s1 - s2)
    out[1] = -turned * c1 - frame
    out[2] = turned * c2 - frame
    out[3] = frame


@inlined
def _step(speed: float, table: Any, scheme: Any, tolerance: float, h: float, state: Any, rates: Any) -> float:
    """Advance ``state[0]``, whose rates are ``rates[0]``, into ``state[1]``; returns the error over the tolerance."""
    matrix, error_weights = scheme
    for stage in range(1, _STAGES):
        for q in range(_STATE):
            total = 0.0
            for p in range(stage):
                total += matrix[stage, p] * rates[p, q]
            state[1, q] = state[0, q] + h * total
        _rates(speed, table, state[1], rates[stage])
    worst = 0.0
    for q in range(_STATE):
        error = 0.0
        for p in range(_STAGES):
            error += error_weights[p] * rates[p, q]
        # written so that an error that is not a number is the worst
        ratio = abs(h * error) / (tolerance * (1.0 + abs(state[1, q])))
        worst = ratio if not ratio <= worst else worst
    return worst


@loop
def _scatter(
    speed: float, reach: float, table: Any, scheme: Any, tolerance: float, most_steps: int, state: Any, rates: Any
) -> int:
    """Follow one encounter until the particles leave; the number of steps, negative if they have not left after the most."""
    h = _FIRST_STEP * reach / speed
    _rates(speed, table, state[0], rates[0])
    for n in range(most_steps):
        if rates[0, 0] >= 0.0 and state[0, 0] >= reach * (1.0 - _EDGE):
            return n
        error = _step(speed, table, scheme, tolerance, h, state, rates)
        if error <= 1.0 and state[1, 0] > reach * (1.0 + _EDGE):
            # the encounter ends at the reach: a shorter step, as if the distance grew evenly
            h *= max(_SHRINK, (reach - state[0, 0]) / (state[1, 0] - state[0, 0]))
            continue
        if error <= 1.0:
            state[0] = state[1]
            rates[0] = rates[_STAGES - 1]
        change = _SAFETY * max(error, 1e-10) ** -0.2 if error < np.inf else _SHRINK
        h *= min(_GROW, max(_SHRINK, change))
    return -most_steps


@parallel_loop
def scatter(
    speed: float,
    reach: float,
    table: Any,
    scheme: Any,
    tolerance: float,
    most_steps: int,
    incoming: Any,
    outgoing: Any,
    steps: Any,
) -> None:
    """Directions after the encounters, in the laboratory: ``incoming`` and ``outgoing`` (2, encounter).

    The particles begin at the distance ``reach``, one above the other. ``scheme`` holds the matrix (stage, stage) and the
    weights of the error (stage,) of a Runge-Kutta pair whose last stage is the result.
    """
    count = incoming.shape[1]
    for n in numba.prange((count + _BLOCK - 1) // _BLOCK):
        state = np.empty((2, _STATE))
        rates = np.empty((_STAGES, _STATE))
        for i in range(n * _BLOCK, min((n + 1) * _BLOCK, count)):
            state[0, 0] = reach
            state[0, 1] = incoming[0, i]
            state[0, 2] = incoming[1, i]
            state[0, 3] = 0.0
            steps[i] = _scatter(speed, reach, table, scheme, tolerance, most_steps, state, rates)
            outgoing[0, i] = state[0, 1] + state[0, 3]
            outgoing[1, i] = state[0, 2] + state[0, 3]
