"""Steps from time to time: a dynamics, a scheme, and either a fixed time step or one that follows the error."""

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from fieldsolver.control import StepControl
from fieldsolver.steppers import _loops
from fieldsolver.steppers.base import Array, ComplexArray, Noise, Stepper, block_sums, flat, root_of_sums
from theory.errors import NumericalFailure
from theory.frames import Json


class Dynamics(Protocol):
    """What is integrated."""

    def evaluate(self, state: ComplexArray, out: ComplexArray) -> None:
        """Write F(state).

        Raises
        ------
        NumericalFailure
            The state has left the range in which it means anything.
        """
        ...

    def follow(self) -> tuple[Array, Array] | None:
        """Take note of the state that was just evaluated, as one that the run has reached.

        Returns
        -------
        tuple of ndarray or None
            Exact and reference rates (see :mod:`fieldsolver.steppers.base`) if they change now, else None.
        """
        ...

    def noise(self, step: int) -> Noise | None:
        """Supplier of the random increment of a step; None: the dynamics is deterministic."""
        ...


class March:
    """A state on its way through time.

    Parameters
    ----------
    dynamics
        What is integrated.
    stepper
        The scheme, made for states of this shape and type.
    state
        Where to start; taken over, not copied.
    pace
        The fixed time step (time), or the control of steps that follow the error.

    Attributes
    ----------
    state
        Where the run is now; another array after every step.
    time, step
        Time reached, and number of steps taken.
    """

    def __init__(self, dynamics: Dynamics, stepper: Stepper, state: ComplexArray, pace: float | StepControl) -> None:
        self._dynamics, self._stepper, self.pace = dynamics, stepper, pace
        self.state, self._next = state, np.zeros_like(state)
        # pages of zeros take no memory until they are written: a fixed step does not use the last one
        self._tendency, self._next_tendency = np.zeros_like(state), np.zeros_like(state)
        self._sums = block_sums(state.shape)
        self._rates: tuple[Array, Array] | None = None
        self._prepared = 0.0
        self._evaluated = False
        self._adaptive_time = 0.0
        self.step = 0

    @property
    def time(self) -> float:
        """Time reached (time)."""
        return self._adaptive_time if isinstance(self.pace, StepControl) else self.step * self.pace

    @property
    def time_step(self) -> float:
        """The fixed time step, or the one that is wished for next (time)."""
        return self.pace.time_step if isinstance(self.pace, StepControl) else self.pace

    def advance(self, until: float, interrupt: Callable[[], bool] | None = None) -> bool:
        """Step until a time is reached: to the nearest fixed step, or exactly.

        Parameters
        ----------
        until
            The time (time).
        interrupt
            Asked after every step; when it answers True the method returns, on a completed step.

        Returns
        -------
        bool
            Whether the time was reached.

        Raises
        ------
        NumericalFailure
            From the dynamics, or because no step is short enough.
        """
        while not self._reached(until):
            if isinstance(self.pace, StepControl):
                self._adaptive_step(self.pace, until)
            else:
                self._fixed_step(self.pace)
            if interrupt is not None and interrupt():
                break
        return self._reached(until)

    def _reached(self, until: float) -> bool:
        if isinstance(self.pace, StepControl):
            return self.time >= until
        return self.step >= round(until / self.pace)

    def _begin(self) -> None:
        """Tendency and rates at the state."""
        self._dynamics.evaluate(self.state, self._tendency)
        self._follow()

    def _follow(self) -> None:
        rates = self._dynamics.follow()
        if rates is not None:
            self._rates, self._prepared = rates, 0.0
        self._evaluated = True

    def _prepare(self, time_step: float) -> None:
        if time_step != self._prepared:
            assert self._rates is not None, "a dynamics states its rates when it is first followed"
            self._stepper.prepare(*self._rates, time_step)
            self._prepared = time_step

    def _fixed_step(self, time_step: float) -> None:
        self._begin()
        self._prepare(time_step)
        noise = self._dynamics.noise(self.step)
        self._stepper.step(self.state, self._tendency, self._dynamics.evaluate, noise, self._next)
        free, self._tendency = self._stepper.accept(self.state, self._tendency)
        self.state, self._next = self._next, free
        self.step += 1

    def _adaptive_step(self, control: StepControl, until: float) -> None:
        if not self._evaluated:
            self._begin()
        while True:
            time_step = control.next_step(until - self.time)
            self._prepare(time_step)
            error, failure = self._attempt()
            try:
                accepted = control.judge(time_step, error, self.time)
            except NumericalFailure as exhausted:
                # what makes every step fail is more to the point than how short the last one was
                raise failure or exhausted from None
            if accepted:
                break
        free, free_tendency = self._stepper.accept(self.state, self._tendency)
        self.state, self._next = self._next, free
        self._tendency, self._next_tendency = self._next_tendency, free_tendency
        self._adaptive_time = until if time_step >= until - self.time else self.time + time_step
        self.step += 1
        self._follow()

    def _attempt(self) -> tuple[float, NumericalFailure | None]:
        """Error of a step relative to the variation of the state; infinite where there is no state after it, and why."""
        evaluate = self._dynamics.evaluate
        try:
            self._stepper.step(self.state, self._tendency, evaluate, None, self._next)
            evaluate(self._next, self._next_tendency)
        except NumericalFailure as failure:
            return math.inf, failure
        error = self._stepper.error(self.state, self._tendency, self._next, self._next_tendency)
        return float(np.max(error / self._variation())), None

    def _variation(self) -> Array:
        """Norm of each component (component,), before or after the step: of all modes but means that nothing changes."""
        still = flat(self._tendency)[:, 0] == 0.0
        norms, floor = np.zeros(self.state.shape[0]), float(np.finfo(np.float64).tiny)
        for state in (flat(self.state), flat(self._next)):
            _loops.squared_waves(state, self._sums)
            means = np.abs(state[:, 0]).astype(np.float64)
            norms = np.maximum(norms, np.hypot(root_of_sums(self._sums), np.where(still, 0.0, means)))
            # below this a variation is round-off of the means
            floor = max(floor, math.sqrt(np.finfo(state.dtype).eps) * float(means.max()))
        return np.maximum(norms, floor)

    def memory(self) -> tuple[dict[str, Array], dict[str, Json]]:
        """Arrays and numbers that a bit-exact continuation needs beside the dynamics' own; copies."""
        numbers: dict[str, Json] = {"step": self.step, "scheme": self._stepper.name}
        if isinstance(self.pace, StepControl):
            numbers |= {"time": self.time, "control": self.pace.memory()}
        else:
            numbers |= {"time_step": self.pace}
        return {"state": self.state.copy(), **self._stepper.history()}, numbers

    def restore(self, arrays: Mapping[str, Array], numbers: Mapping[str, Json], rates: tuple[Array, Array]) -> None:
        """Continue from a memory of the same dynamics, scheme and pace.

        Parameters
        ----------
        arrays, numbers
            As :meth:`memory` gave them; other names are left alone.
        rates
            Exact and reference rates at that state.
        """
        self.state[...] = arrays["state"]
        self._stepper.restore(arrays)
        self._rates, self._prepared, self._evaluated = rates, 0.0, False
        self.step = int(str(numbers["step"]))
        if isinstance(self.pace, StepControl):
            self._adaptive_time = float(str(numbers["time"]))
            control = numbers["control"]
            assert isinstance(control, dict)
            self.pace.restore(control)
