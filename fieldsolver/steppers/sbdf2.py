r"""Backward differences of second order, semi-implicit, the default without noise.

With steps dt after dt/r, u_0 the state and u_1 the one before, and N(u) = F(u) + c u,

    [(1 + 2r)/(1 + r) u(t + dt) - (1 + r) u_0 + r^2/(1 + r) u_1]/dt = -c u(t + dt) + (1 + r) N(u_0) - r N(u_1).

The first step is one of ETD2RK.

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

from typing import ClassVar

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Noise, Tendency, flat, least_rates, refuse_noise, root_of_sums
from fieldsolver.steppers.two_step import TwoStep

_MARGIN = 0.5


class Sbdf2(TwoStep):
    """Semi-implicit backward differences, one evaluation per step."""

    name: ClassVar[str] = "sbdf2"
    deterministic_order: ClassVar[int] = 2
    weak_order: ClassVar[int] = 0
    additive_weak_order: ClassVar[int] = 0
    error_order: ClassVar[int] = 3
    evaluations: ClassVar[int] = 1

    def prepare(self, exact: Array, reference: Array, time_step: float) -> None:
        """The least stabilising part is taken implicitly; see :class:`fieldsolver.steppers.base.Stepper`."""
        self._time_step = time_step
        share = (0.5 + self._ratio) / (1.0 + self._ratio)
        self._rates[...] = least_rates(exact, reference, time_step, share, _MARGIN)
        if not self._begun:
            _loops.second_order_weights(time_step, flat(self._rates), flat(self._first), flat(self._second))

    def step(
        self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: Noise | None, out: ComplexArray
    ) -> None:
        """One step; see :class:`fieldsolver.steppers.base.Stepper`."""
        refuse_noise(self.name, noise)
        if not self._begun:
            out[...] = 0.0
            self._first_step(state, tendency, evaluate, out)
            return
        _loops.two_step(
            self._time_step, self._ratio, flat(self._rates), flat(state), flat(tendency), flat(self._earlier),
            flat(self._earlier_tendency), flat(out),
        )  # fmt: skip

    def error(self, state: ComplexArray, tendency: ComplexArray, out: ComplexArray, out_tendency: ComplexArray) -> Array:
        """Local error, to leading order; see :class:`fieldsolver.steppers.base.Stepper`."""
        if not self._begun:
            return self._first_error(out)
        _loops.two_step_error(
            self._time_step, self._ratio, flat(self._rates), flat(state), flat(tendency), flat(self._earlier),
            flat(self._earlier_tendency), flat(out), flat(out_tendency), self._sums,
        )  # fmt: skip
        return root_of_sums(self._sums)
