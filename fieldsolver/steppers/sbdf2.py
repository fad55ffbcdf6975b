r"""Backward differences of second order, semi-implicit, the default without noise.

With steps dt after dt/r, u_0 the state and u_1 the one before, and N(u) = F(u) + c u,

    [(1 + 2r)/(1 + r) u(t + dt) - (1 + r) u_0 + r^2/(1 + r) u_1]/dt = -c u(t + dt) + (1 + r) N(u_0) - r N(u_1).

The first step is one of ETD2RK. The history is (u_1, F(u_1)), not N(u_1): rates may change from one step to the next, and the
scheme stays what it is.

The local error is estimated with F(u(t + dt)), which the next step needs anyway: it tells by how much, x, the extrapolated N
was wrong at the end of the step. The third derivative comes from p = u_0 + (1 + r) dt F(u_0) + r^2 (u_1 - u_0), an
extrapolation of second order. Together

    e = [dt x - (u(t + dt) - p)] / [1 + (1 + 2r)/(1 + r) + c dt].

c takes the least of the reference diffusion that is stable. With D q^2 dt anywhere between 0 and x and c dt = y both roots lie
in the unit circle if and only if

    y >= (1 + 2r)/(2 + 2r) x - 1,

3x/4 - 1 for equal steps; half of the 1 is left as room for the rest of F.

References
----------
Ascher, Ruuth and Wetton, SIAM J. Numer. Anal. 32, 797 (1995), scheme SBDF; with steps that change: Wang and Ruuth, J. Comput.
Math. 26, 838 (2008), section 2.2.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import (
    Array,
    ComplexArray,
    Noise,
    Tendency,
    block_sums,
    flat,
    least_rates,
    real_type,
    refuse_noise,
    root_of_sums,
)

_MARGIN = 0.5


class Sbdf2:
    """Semi-implicit backward differences, one evaluation per step."""

    name: ClassVar[str] = "sbdf2"
    deterministic_order: ClassVar[int] = 2
    weak_order: ClassVar[int] = 0
    additive_weak_order: ClassVar[int] = 0
    error_order: ClassVar[int] = 3
    evaluations: ClassVar[int] = 1

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        real = real_type(dtype)
        self._rates = np.zeros(shape, dtype=real)
        self._first, self._second = (np.zeros(shape, dtype=real) for _ in range(2))
        # before there is a history, room for the stage of the first step
        self._earlier, self._earlier_tendency = (np.zeros(shape, dtype=dtype) for _ in range(2))
        self._sums = block_sums(shape)
        self._time_step = self._earlier_step = 0.0

    @property
    def _ratio(self) -> float:
        """The step over the one before; 1 for the first."""
        return self._time_step / self._earlier_step if self._earlier_step > 0.0 else 1.0

    def prepare(self, exact: Array, reference: Array, time_step: float) -> None:
        """The least stabilising part is taken implicitly; see :class:`fieldsolver.steppers.base.Stepper`."""
        self._time_step = time_step
        share = (0.5 + self._ratio) / (1.0 + self._ratio)
        self._rates[...] = least_rates(exact, reference, time_step, share, _MARGIN)
        if self._earlier_step == 0.0:
            _loops.second_order_weights(time_step, flat(self._rates), flat(self._first), flat(self._second))

    def step(
        self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: Noise | None, out: ComplexArray
    ) -> None:
        """One step; see :class:`fieldsolver.steppers.base.Stepper`."""
        refuse_noise(self.name, noise)
        u, f, rates = flat(state), flat(tendency), flat(self._rates)
        earlier, earlier_tendency = flat(self._earlier), flat(self._earlier_tendency)
        if self._earlier_step > 0.0:
            _loops.two_step(self._time_step, self._ratio, rates, u, f, earlier, earlier_tendency, flat(out))
            return
        _loops.add_weighted(flat(self._first), u, f, earlier)
        evaluate(self._earlier, self._earlier_tendency)
        _loops.correct(flat(self._second), rates, u, f, earlier, earlier_tendency, flat(out))

    def error(self, state: ComplexArray, tendency: ComplexArray, out: ComplexArray, out_tendency: ComplexArray) -> Array:
        """Of the first step that of the embedded first order; see :class:`fieldsolver.steppers.base.Stepper`."""
        earlier = flat(self._earlier)
        if self._earlier_step > 0.0:
            _loops.two_step_error(
                self._time_step, self._ratio, flat(self._rates), flat(state), flat(tendency), earlier,
                flat(self._earlier_tendency), flat(out), flat(out_tendency), self._sums,
            )  # fmt: skip
        else:
            _loops.squared_difference(flat(out), earlier, self._sums)
        return root_of_sums(self._sums)

    def accept(self, state: ComplexArray, tendency: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """What the step started from becomes the history; see :class:`fieldsolver.steppers.base.Stepper`."""
        free = self._earlier, self._earlier_tendency
        self._earlier, self._earlier_tendency = state, tendency
        self._earlier_step = self._time_step
        return free

    def history(self) -> dict[str, Array]:
        """State, tendency and time step of the step before; empty before the first."""
        if self._earlier_step == 0.0:
            return {}
        return {
            "earlier_state": self._earlier.copy(),
            "earlier_tendency": self._earlier_tendency.copy(),
            "earlier_time_step": np.array(self._earlier_step),
        }

    def restore(self, history: Mapping[str, Array]) -> None:
        """Take up a history; see :class:`fieldsolver.steppers.base.Stepper`."""
        known = "earlier_time_step" in history
        self._earlier_step = float(history["earlier_time_step"]) if known else 0.0
        if known:
            self._earlier[...] = history["earlier_state"]
            self._earlier_tendency[...] = history["earlier_tendency"]
