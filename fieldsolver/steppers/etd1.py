r"""Exponential Euler-Maruyama, the reference scheme.

    u(t + dt) = e^{-c dt} u + dt phi1(-c dt) N(u) + noise  =  u + dt phi1(-c dt) F(u) + noise.

Deterministic order 1; weak order 1 for multiplicative Ito noise. A linear mode whose decay is c is integrated exactly, noise
included.

References
----------
Cox and Matthews, J. Comput. Phys. 176, 430 (2002), Eq. 4 (ETD1), with the noise of Lord and Rougemont, IMA J. Numer. Anal. 24,
587 (2004).
"""

from typing import ClassVar

import numpy as np

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Tendency, phi1


class Etd1:
    """Exponential Euler-Maruyama."""

    name: ClassVar[str] = "etd1"
    deterministic_order: ClassVar[int] = 1
    weak_order: ClassVar[int] = 1

    def __init__(self, rates: Array, time_step: float) -> None:
        self._weights = np.ascontiguousarray(time_step * phi1(-rates * time_step))

    def step(self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: ComplexArray) -> None:
        """One step in place; see :class:`fieldsolver.steppers.base.Stepper`."""
        _loops.add_weighted(self._weights, state, tendency, noise, state)
