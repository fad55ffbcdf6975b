"""What schemes with a history of one step share: the history, the first step, and what is left of it after a change of step."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Tendency, block_sums, flat, real_type, root_of_sums


class TwoStep:
    """A scheme that reads the state before the last one, and its tendency; its first step is one of ETD2RK.

    The history is (u_1, F(u_1)), not N(u_1): rates may change from one step to the next, and the scheme stays what it is.
    """

    remembers: ClassVar[bool] = True

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        real = real_type(dtype)
        self._rates, self._first, self._second = (np.zeros(shape, dtype=real) for _ in range(3))
        # before there is a history, room for the stage of the first step
        self._earlier, self._earlier_tendency = (np.zeros(shape, dtype=dtype) for _ in range(2))
        self._sums = block_sums(shape)
        self._time_step = self._earlier_step = 0.0

    @property
    def _begun(self) -> bool:
        """Whether there is a history."""
        return self._earlier_step > 0.0

    @property
    def _ratio(self) -> float:
        """The step over the one before; 1 for the first."""
        return self._time_step / self._earlier_step if self._begun else 1.0

    def _first_step(self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, out: ComplexArray) -> None:
        """ETD2RK from the predictor's increment, noise for one, that ``out`` holds."""
        u, f, stage, stage_tendency = flat(state), flat(tendency), flat(self._earlier), flat(self._earlier_tendency)
        _loops.add_weighted(flat(self._first), u, f, stage)
        _loops.add(flat(out), stage)
        evaluate(self._earlier, self._earlier_tendency)
        _loops.correct(flat(self._second), flat(self._rates), u, f, stage, stage_tendency, flat(out))

    def _first_error(self, out: ComplexArray) -> Array:
        """Of the first step: that of the embedded first order."""
        _loops.squared_difference(flat(out), flat(self._earlier), self._sums)
        return root_of_sums(self._sums)

    def accept(self, state: ComplexArray, tendency: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """What the step started from becomes the history; see :class:`fieldsolver.steppers.base.Stepper`."""
        free = self._earlier, self._earlier_tendency
        self._earlier, self._earlier_tendency = state, tendency
        self._earlier_step = self._time_step
        return free

    def history(self) -> dict[str, Array]:
        """State, tendency and time step of the step before; empty before the first."""
        if not self._begun:
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
