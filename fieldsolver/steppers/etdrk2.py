r"""Exponential Runge-Kutta of second order, the default with noise.

    du = [-c u + N(u)] dt + G(u) dW,    Ito

    h         = u + dt/2 F(u)                                            amplitude of the noise, in the middle of the step
    a         = u + dt phi_1(-c dt) F(u) + w G(h) xi
    u(t + dt) = a + dt phi_2(-c dt) [N(a) - N(u)],    w^2 = dt phi_1(-2 c dt).

h is reached by half an exponential step. Without noise this is ETD2RK, of order 2 with stiff modes too. With noise:

- A linear mode whose decay is c has its exact law after every step.
- Additive noise: weak order 2, as that of a stochastic Heun scheme, because the corrector sees the noise of the step.
- Multiplicative noise of strength e: errors of expectations are O(dt^2 + e^4 dt). The amplitude is taken where the flow without
  noise will be at half the step: this is Ito, since h knows nothing of xi, and second order in all that is linear in the
  fluctuations. Products of increments are left out, e^4 times curvature and commutators of G. For densities e^2 is one over the
  number of particles in a cell of the noise. Strictly the weak order is 1.

References
----------
Cox and Matthews, J. Comput. Phys. 176, 430 (2002), Eq. 22 (ETD2RK); Milstein and Tretyakov, SIAM J. Sci.
Comput. 18, 1067 (1997), for schemes of the order dt^2 + e^4 dt; Delong, Griffith, Vanden-Eijnden and Donev, Phys. Rev. E 87,
033302 (2013), for weak orders in fluctuating hydrodynamics.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Noise, OneStep, Tendency, flat, real_type, root_of_sums


class Etdrk2(OneStep):
    """Exponential Runge-Kutta of second order, two evaluations per step."""

    name: ClassVar[str] = "etdrk2"
    deterministic_order: ClassVar[int] = 2
    weak_order: ClassVar[int] = 1
    additive_weak_order: ClassVar[int] = 2
    error_order: ClassVar[int] = 2
    evaluations: ClassVar[int] = 2

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        super().__init__(shape, dtype)
        self._half, self._first, self._second = (np.zeros(shape, dtype=real_type(dtype)) for _ in range(3))
        self._stage, self._stage_tendency = (np.zeros(shape, dtype=dtype) for _ in range(2))

    def prepare(self, exact: Array, reference: Array, time_step: float) -> None:
        """All of the reference diffusion is integrated exactly; see :class:`fieldsolver.steppers.base.Stepper`."""
        self._rates[...] = exact + reference
        rates = flat(self._rates)
        # the second weight of half a step is not wanted: it is overwritten
        _loops.second_order_weights(0.5 * time_step, rates, flat(self._half), flat(self._second))
        _loops.second_order_weights(time_step, rates, flat(self._first), flat(self._second))

    def step(
        self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: Noise | None, out: ComplexArray
    ) -> None:
        """One step; see :class:`fieldsolver.steppers.base.Stepper`."""
        u, f, stage = flat(state), flat(tendency), flat(self._stage)
        if noise is not None:
            _loops.add_weighted(flat(self._half), u, f, stage)
            noise(self._stage, self._stage_tendency)
        _loops.add_weighted(flat(self._first), u, f, stage)
        if noise is not None:
            _loops.add(flat(self._stage_tendency), stage)
        evaluate(self._stage, self._stage_tendency)
        _loops.correct(flat(self._second), flat(self._rates), u, f, stage, flat(self._stage_tendency), flat(out))

    def error(self, state: ComplexArray, tendency: ComplexArray, out: ComplexArray, out_tendency: ComplexArray) -> Array:
        """Out - a, the error of the embedded first order; see :class:`fieldsolver.steppers.base.Stepper`."""
        _loops.squared_difference(flat(out), flat(self._stage), self._sums)
        return root_of_sums(self._sums)
