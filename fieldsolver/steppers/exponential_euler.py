r"""Exponential Euler-Maruyama, the reference scheme with noise.

    du = [-c u + N(u)] dt + G(u) dW,    Ito

    u(t + dt) = e^{-c dt} u + dt phi_1(-c dt) N(u) + w G(u) xi  =  u + dt phi_1(-c dt) F(u) + w G(u) xi,

w^2 = dt phi_1(-2 c dt), so that a mode whose decay is c has its exact law after every step. Deterministic order 1; weak order
1, for multiplicative noise too: the amplitude is that at the start of the step, as Ito asks.

References
----------
Cox and Matthews, J. Comput. Phys. 176, 430 (2002), Eq. 4 (ETD1), with the noise of Lord and Rougemont, IMA J. Numer. Anal. 24,
587 (2004).
"""

from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Noise, OneStep, Tendency, flat, real_type, root_of_sums


class ExponentialEuler(OneStep):
    """Exponential Euler-Maruyama, one evaluation per step."""

    name: ClassVar[str] = "exponential_euler"
    deterministic_order: ClassVar[int] = 1
    weak_order: ClassVar[int] = 1
    additive_weak_order: ClassVar[int] = 1
    error_order: ClassVar[int] = 2
    evaluations: ClassVar[int] = 1

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        super().__init__(shape, dtype)
        self._first, self._second = (np.zeros(shape, dtype=real_type(dtype)) for _ in range(2))
        self._increment = np.zeros(shape, dtype=dtype)

    def prepare(self, exact: Array, reference: Array, time_step: float) -> None:
        """All of the reference diffusion is integrated exactly; see :class:`fieldsolver.steppers.base.Stepper`."""
        self._rates[...] = exact + reference
        _loops.second_order_weights(time_step, flat(self._rates), flat(self._first), flat(self._second))

    def step(
        self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: Noise | None, out: ComplexArray
    ) -> None:
        """One step; see :class:`fieldsolver.steppers.base.Stepper`."""
        _loops.add_weighted(flat(self._first), flat(state), flat(tendency), flat(out))
        if noise is not None:
            noise(None, self._increment)
            _loops.add(flat(self._increment), flat(out))

    def error(self, state: ComplexArray, tendency: ComplexArray, out: ComplexArray, out_tendency: ComplexArray) -> Array:
        """Dt phi_2 [N(out) - N(state)]: what the next order would add; see :class:`fieldsolver.steppers.base.Stepper`."""
        _loops.squared_change(
            flat(self._second), flat(self._rates), flat(out), flat(out_tendency), flat(state), flat(tendency), self._sums
        )
        return root_of_sums(self._sums)
