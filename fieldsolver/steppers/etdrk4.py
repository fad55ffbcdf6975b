r"""Exponential Runge-Kutta of fourth order (Krogstad's), without noise.

With  d(x) = N(x) - N(u) = F(x) - F(u) + c (x - u)  and  phi_k = phi_k(-c dt),

    a         = u + dt/2 phi_1(-c dt/2) F(u)
    b         = a + dt phi_2(-c dt/2) d(a)
    s         = u + dt phi_1 F(u) + 2 dt phi_2 d(b)
    u(t + dt) = u + dt phi_1 F(u) + dt (2 phi_2 - 4 phi_3) [d(a) + d(b)] + dt (4 phi_3 - phi_2) d(s).

The error is estimated by the embedded third order that takes F(u(t + dt)), which the next step needs anyway, in place of F(s):

    dt (4 phi_3 - phi_2) [N(u(t + dt)) - N(s)].

c takes the least of the reference diffusion that is stable. On the negative real axis, D q^2 dt anywhere between 0 and x with
the splitting c dt = y, the scheme is stable for y >= 0.59 x - 1 (found numerically); the constants below leave room for the
rest of F.

References
----------
Krogstad, J. Comput. Phys. 203, 72 (2005), scheme ETDRK4-B; the embedded estimate: Whalen, Brio and Moloney, J. Comput. Phys.
280, 579 (2015).
"""

from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import (
    Array,
    ComplexArray,
    Noise,
    OneStep,
    Tendency,
    flat,
    least_rates,
    real_type,
    refuse_noise,
    root_of_sums,
)

_SHARE, _MARGIN = 0.65, 0.75


class Etdrk4(OneStep):
    """Exponential Runge-Kutta of fourth order, four evaluations per step."""

    name: ClassVar[str] = "etdrk4"
    deterministic_order: ClassVar[int] = 4
    weak_order: ClassVar[int] = 0
    additive_weak_order: ClassVar[int] = 0
    error_order: ClassVar[int] = 4
    evaluations: ClassVar[int] = 4

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        super().__init__(shape, dtype)
        weights = [np.zeros(shape, dtype=real_type(dtype)) for _ in range(5)]
        self._half, self._half_second, self._whole, self._inner, self._last = weights
        self._stage, self._stage_tendency, self._changes = (np.zeros(shape, dtype=dtype) for _ in range(3))

    def prepare(self, exact: Array, reference: Array, time_step: float) -> None:
        """The least stabilising part is integrated exactly; see :class:`fieldsolver.steppers.base.Stepper`."""
        self._rates[...] = least_rates(exact, reference, time_step, _SHARE, _MARGIN)
        weights = (self._half, self._half_second, self._whole, self._inner, self._last)
        _loops.fourth_order_weights(time_step, flat(self._rates), *map(flat, weights))

    def step(
        self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: Noise | None, out: ComplexArray
    ) -> None:
        """One step; see :class:`fieldsolver.steppers.base.Stepper`."""
        refuse_noise(self.name, noise)
        u, f, rates = flat(state), flat(tendency), flat(self._rates)
        stage, stage_tendency, changes = flat(self._stage), flat(self._stage_tendency), flat(self._changes)
        whole, inner, last = flat(self._whole), flat(self._inner), flat(self._last)
        _loops.add_weighted(flat(self._half), u, f, stage)
        evaluate(self._stage, self._stage_tendency)
        _loops.second_stage(flat(self._half_second), rates, u, f, stage_tendency, stage, changes)
        evaluate(self._stage, self._stage_tendency)
        _loops.third_stage(whole, inner, last, rates, u, f, stage_tendency, stage, changes)
        evaluate(self._stage, self._stage_tendency)
        _loops.last_stage(whole, inner, last, rates, u, f, changes, stage, stage_tendency, flat(out))

    def error(self, state: ComplexArray, tendency: ComplexArray, out: ComplexArray, out_tendency: ComplexArray) -> Array:
        """Difference to the embedded third order; see :class:`fieldsolver.steppers.base.Stepper`."""
        _loops.squared_change(
            flat(self._last), flat(self._rates), flat(out), flat(out_tendency), flat(self._stage), flat(self._stage_tendency),
            self._sums,
        )  # fmt: skip
        return root_of_sums(self._sums)
