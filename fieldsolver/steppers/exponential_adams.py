r"""Exponential Adams-Bashforth of second order, the default with noise.

    du = [-c u + N(u)] dt + G(u) dW,    Ito

With steps dt after dt/r, u_0 the state and u_1 the one before, phi_k = phi_k(-c dt),

    h         = u_0 + dt/2 phi_1(-c dt/2) F(u_0)                          amplitude of the noise, in the middle of the step
    u(t + dt) = u_0 + dt phi_1 F(u_0) + dt phi_2 r [N(u_0) - N(u_1)] + w_0 G(h_0) dW_0 + w_1 G(h_1) dW_1

    w_0, w_1  = 1/2 [ phi_1 +- R ],    R^2 = phi_1^2 + c dt (phi_2 - 2 phi_3).

The first step is one of ETD2RK. c takes all of the reference diffusion. The noise of the step before comes back in N(u_0) -
N(u_1); w_1 takes it away again. Two conditions fix both weights:

- w_0 + w_1 = phi_1: the noise is right where the diffusivity is far below the reference, N being about c u there;
- w_0^2 + w_1^2 + 2 e^{-c dt} w_0 w_1 = phi_1(-2 c dt): a mode whose decay is c has its exact variance, at any step.

Between the two the variance of a linear mode errs by less than c^2 dt^2/8, and by at most 8 % at c dt = 1.

Additive noise: weak order 2. Multiplicative noise of strength e: errors of expectations are O(dt^2 + e^4 dt), strictly weak
order 1; see :mod:`fieldsolver.steppers.etdrk2`. One evaluation per step, and one look at the fields of h.

References
----------
Cox and Matthews, J. Comput. Phys. 176, 430 (2002), Eq. 6 (ETD2); Hochbruck and Ostermann, Acta Numerica 19, 209 (2010), section
2.7; Buckwar and Winkler, SIAM J. Numer. Anal. 44, 779 (2006), for multistep schemes whose noise has a memory. The weights of
the noise are derived here.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Noise, Tendency, flat, real_type, root_of_sums
from fieldsolver.steppers.two_step import TwoStep


class ExponentialAdams(TwoStep):
    """Exponential Adams-Bashforth, one evaluation per step."""

    name: ClassVar[str] = "exponential_adams"
    deterministic_order: ClassVar[int] = 2
    weak_order: ClassVar[int] = 1
    additive_weak_order: ClassVar[int] = 2
    error_order: ClassVar[int] = 3
    evaluations: ClassVar[int] = 1

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        super().__init__(shape, dtype)
        real = real_type(dtype)
        self._half, self._newest, self._oldest = (np.zeros(shape, dtype=real) for _ in range(3))
        self._increment, self._earlier_increment = (np.zeros(shape, dtype=dtype) for _ in range(2))

    def prepare(self, exact: Array, reference: Array, time_step: float) -> None:
        """All of the reference diffusion is integrated exactly; see :class:`fieldsolver.steppers.base.Stepper`."""
        self._time_step = time_step
        self._rates[...] = exact + reference
        rates, second = flat(self._rates), flat(self._second)
        # the second weight of half a step is not wanted: it is overwritten
        _loops.second_order_weights(0.5 * time_step, rates, flat(self._half), second)
        _loops.second_order_weights(time_step, rates, flat(self._first), second)
        _loops.adams_noise_weights(time_step, rates, flat(self._newest), flat(self._oldest))

    def step(
        self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: Noise | None, out: ComplexArray
    ) -> None:
        """One step; see :class:`fieldsolver.steppers.base.Stepper`."""
        u, f = flat(state), flat(tendency)
        if noise is not None:
            _loops.add_weighted(flat(self._half), u, f, flat(out))
            noise(out, self._increment)
        if not self._begun:
            # without a step before there is nothing to take away: the weight of a one-step scheme
            weights = np.zeros_like(self._rates)
            _loops.noise_weights(self._time_step, flat(self._rates), flat(weights))
            out[...] = 0.0
            _loops.add_product(flat(weights), flat(self._increment), flat(out))
            self._first_step(state, tendency, evaluate, out)
            return
        _loops.adams_step(
            self._ratio, flat(self._first), flat(self._second), flat(self._rates), u, f, flat(self._earlier),
            flat(self._earlier_tendency), flat(out),
        )  # fmt: skip
        if noise is not None:
            _loops.add_product(flat(self._newest), flat(self._increment), flat(out))
            _loops.add_product(flat(self._oldest), flat(self._earlier_increment), flat(out))

    def error(self, state: ComplexArray, tendency: ComplexArray, out: ComplexArray, out_tendency: ComplexArray) -> Array:
        """Dt phi_2 times the error of the extrapolated N, 1 to 1.2 times the local error without noise.

        See :class:`fieldsolver.steppers.base.Stepper`.
        """
        if not self._begun:
            return self._first_error(out)
        _loops.adams_error(
            self._ratio, flat(self._second), flat(self._rates), flat(state), flat(tendency), flat(self._earlier),
            flat(self._earlier_tendency), flat(out), flat(out_tendency), self._sums,
        )  # fmt: skip
        return root_of_sums(self._sums)

    def accept(self, state: ComplexArray, tendency: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """State, tendency and random increment become the history; see :class:`fieldsolver.steppers.base.Stepper`."""
        self._increment, self._earlier_increment = self._earlier_increment, self._increment
        return super().accept(state, tendency)

    def history(self) -> dict[str, Array]:
        """Of the step before: state, tendency, time step, and random increment; empty before the first."""
        found = super().history()
        return found | {"earlier_increment": self._earlier_increment.copy()} if found else found

    def restore(self, history: Mapping[str, Array]) -> None:
        """Take up a history; see :class:`fieldsolver.steppers.base.Stepper`."""
        super().restore(history)
        if self._begun:
            self._earlier_increment[...] = history["earlier_increment"]
