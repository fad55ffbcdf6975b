r"""The length of the next time step, from the estimated error of the last.

With e the estimated local error over the tolerance and p the power of dt with which the estimate falls, an accepted step (e <=
1) is followed by one that is longer or shorter by the factor

    0.9 e_n^{-0.7/p} e_{n-1}^{0.4/p}            (proportional and integral control),

between 1/5 and ``largest_growth``; a rejected one is taken again, shortened by 0.9 e^{-1/p}. Steps that would grow by less than
a tenth stay as they are: their weights need not be worked out anew.

References
----------
Gustafsson, ACM Trans. Math. Softw. 17, 533 (1991); Hairer and Wanner, Solving Ordinary Differential Equations II, section IV.2.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from theory.errors import InputError, NumericalFailure
from theory.frames import Json

_SAFETY = 0.9
_INTEGRAL, _PROPORTIONAL = 0.7, 0.4
_SHORTEST, _WORTH_GROWING = 0.2, 1.1
# Outputs this many steps away or closer are reached in equal steps.
_AHEAD = 4
# an error of zero would ask for an infinite step
_TINY = 1e-10


@dataclass
class StepControl:
    """Step sizes of one run.

    Parameters
    ----------
    tolerance
        Largest local error of a step, relative to the variation of the state.
    error_order
        Power of dt with which the estimate falls.
    time_step
        First step, and later the one that is wished for next (time).
    shortest
        Steps below this are refused (time).
    largest_growth
        Largest factor between two steps.

    Attributes
    ----------
    rejected
        Number of steps that were taken again.

    Raises
    ------
    InputError
        The tolerance or the first step is not positive and finite.
    """

    tolerance: float
    error_order: int
    time_step: float
    shortest: float
    largest_growth: float = 2.0
    rejected: int = field(default=0, init=False)
    _previous_error: float = field(default=1.0, init=False)
    _just_rejected: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance) and self.tolerance > 0.0):
            raise InputError(f"fields.tolerance is {self.tolerance}; it must be positive and finite")
        if not (math.isfinite(self.time_step) and self.time_step > 0.0):
            raise InputError(f"the first time step is {self.time_step}; it must be positive and finite")

    def next_step(self, remaining: float) -> float:
        """Length of the next step (time), so that a time ``remaining`` ahead is met exactly, in equal steps if it is near."""
        if remaining > _AHEAD * self.time_step:
            return self.time_step
        return remaining / max(1, math.ceil(remaining / self.time_step * (1.0 - 1e-9)))

    def judge(self, step: float, error: float, time: float) -> bool:
        """Whether a step is accepted, and what is wished for next.

        Parameters
        ----------
        step
            Its length (time).
        error
            Its estimated error, relative to the variation of the state; infinite or NaN if there is no state after it.
        time
            When it began, for messages (time).

        Raises
        ------
        NumericalFailure
            Steps have become so short that this is no matter of accuracy.
        """
        ratio = max(error / self.tolerance, _TINY)
        if not ratio <= 1.0:
            self._reject(step, ratio, time)
            return False
        power = 1.0 / self.error_order
        # a step that an output cut short says nothing of longer ones, unless its error was large already
        whole = step > self.time_step * (1.0 - 1e-6)
        if whole:
            factor = _SAFETY * ratio ** (-_INTEGRAL * power) * self._previous_error ** (_PROPORTIONAL * power)
            self._previous_error = ratio
            growth = 1.0 if self._just_rejected else self.largest_growth
            factor = min(max(factor, _SHORTEST), growth)
            self.time_step = step if 1.0 <= factor < _WORTH_GROWING else step * factor
        else:
            self.time_step = min(self.time_step, step * _SAFETY * ratio**-power)
        self._just_rejected = False
        return True

    def _reject(self, step: float, ratio: float, time: float) -> None:
        self.rejected += 1
        self._just_rejected = True
        factor = _SAFETY * ratio ** (-1.0 / self.error_order) if math.isfinite(ratio) else _SHORTEST
        self.time_step = step * max(min(factor, 0.9), _SHORTEST)
        if self.time_step < self.shortest:
            raise NumericalFailure(
                f"at t = {time:g} a time step of {step:.3g} still has an error of {ratio * self.tolerance:.3g}, more than "
                f"fields.tolerance = {self.tolerance:g}: refine fields.grid, raise fields.tolerance, or state a fixed "
                "fields.time_step"
            )

    def memory(self) -> dict[str, Json]:
        """Everything that the next steps depend on."""
        return {
            "time_step": self.time_step,
            "previous_error": self._previous_error,
            "just_rejected": self._just_rejected,
            "rejected": self.rejected,
        }

    def restore(self, memory: Mapping[str, Json]) -> None:
        """Continue from a memory."""
        self.time_step = float(str(memory["time_step"]))
        self._previous_error = float(str(memory["previous_error"]))
        self._just_rejected = memory["just_rejected"] is True
        self.rejected = int(str(memory["rejected"]))
