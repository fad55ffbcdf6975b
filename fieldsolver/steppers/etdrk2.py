r"""Exponential Runge-Kutta of second order, the default.

    a         = u + dt phi1(-c dt) F(u) + noise
    u(t + dt) = a + dt phi2(-c dt) [N(a) - N(u)],    N(u) = F(u) + c u.

Deterministic order 2. With noise the random increment enters the predictor, so that the corrector sees it: for additive
noise the scheme is a stochastic Heun scheme in the variables that decay exactly (weak order 2 in the drift's
non-stiff part); multiplicative noise is taken at the start of the step (Ito), which leaves weak order 1.

References
----------
Cox and Matthews, J. Comput. Phys. 176, 430 (2002), Eq. 22 (ETD2RK).
"""

from typing import ClassVar

import numpy as np

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Tendency, phi1, phi2


class Etdrk2:
    """Exponential Runge-Kutta, two evaluations per step."""

    name: ClassVar[str] = "etdrk2"
    deterministic_order: ClassVar[int] = 2
    weak_order: ClassVar[int] = 1

    def __init__(self, rates: Array, time_step: float) -> None:
        self._predictor = np.ascontiguousarray(time_step * phi1(-rates * time_step))
        self._corrector = np.ascontiguousarray(time_step * phi2(-rates * time_step))
        self._rates = np.ascontiguousarray(rates)
        self._predicted = np.empty(rates.shape, dtype=np.complex128)
        self._second = np.empty(rates.shape, dtype=np.complex128)

    def step(self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: ComplexArray) -> None:
        """One step in place; see :class:`fieldsolver.steppers.base.Stepper`."""
        _loops.add_weighted(self._predictor, state, tendency, noise, self._predicted)
        evaluate(self._predicted, self._second)
        _loops.correct(self._corrector, self._rates, self._predicted, tendency, self._second, state)
