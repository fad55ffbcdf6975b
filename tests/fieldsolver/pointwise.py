"""Small equations for the time steppers, with everything that they ask for."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fieldsolver.control import StepControl
from fieldsolver.marching import March
from fieldsolver.steppers import STEPPERS, Noise, noise_weight
from theory.counter_random import Stream, normal_pairs

Complex = NDArray[np.complexfloating]
Real = NDArray[np.float64]


class Pointwise:
    """du = F(u) dt + G(u) dW for every mode by itself, real: a mode is a sample.

    ``path`` holds the Brownian increments of the finest steps, shape (step, mode), so that runs with different steps share it.
    """

    def __init__(
        self,
        drift: Callable[[Complex], Complex],
        exact: Real,
        reference: Real,
        amplitude: Callable[[Complex], Complex] | None = None,
        path: Real | None = None,
    ) -> None:
        self._drift, self._amplitude, self._path = drift, amplitude, path
        self._rates: tuple[Real, Real] | None = (exact, reference)
        self._total = exact + reference
        self.evaluations = 0
        self.time_step = math.nan

    def evaluate(self, state: Complex, out: Complex) -> None:
        self._last = state
        self.evaluations += 1
        out[...] = self._drift(state)

    def follow(self) -> tuple[Real, Real] | None:
        rates, self._rates = self._rates, None
        return rates

    def noise(self, step: int) -> Noise | None:
        if self._amplitude is None:
            return None
        path, amplitude = self._path, self._amplitude
        assert path is not None
        increment = path[step]
        weight = noise_weight(self._total, self.time_step) / self.time_step

        def draw(at: Complex | None, out: Complex) -> None:
            out[...] = weight * amplitude(self._last if at is None else at) * increment

        return draw


def march(name: str, dynamics: Pointwise, start: Complex, pace: float | StepControl) -> March:
    if not isinstance(pace, StepControl):
        dynamics.time_step = pace
    return March(dynamics, STEPPERS[name](start.shape, start.dtype), start.copy(), pace)


def brownian(steps: int, samples: int, time: float, seed: int) -> Real:
    """Increments of independent Brownian motions, shape (step, sample)."""
    pairs = [normal_pairs(seed, Stream.FIELD_NOISE, step, (samples + 1) // 2).reshape(-1)[:samples] for step in range(steps)]
    return np.array(pairs) * math.sqrt(time / steps)


def coarsened(path: Real, steps: int) -> Real:
    """The same paths in fewer steps."""
    return path.reshape(steps, -1, path.shape[1]).sum(axis=1)
