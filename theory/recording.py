"""What is measured while an engine runs: when observers look, and what frames show of it.

Observers look at samples, taken at multiples of an interval that divides the one between frames; some look at every step. A
frame shows what was gathered since the time of the frame before. All that an observer has gathered is part of the state of a
run.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array
from theory.frames import Variable

# What an engine lets its observers see of one time.
Seen = TypeVar("Seen")

Memory = Mapping[str, NDArray[Any]]

# Times that differ by less than this share are the same, computed in two ways.
_SAME = 1e-12


class Observer(ABC, Generic[Seen]):
    """One kind of measurement; what is not overridden remembers nothing.

    Attributes
    ----------
    name
        Under which its memory is kept; none begins with another and an underscore.
    every_step
        Whether it looks at every step, not at samples.
    """

    name: str
    every_step = False

    def look(self, seen: Seen) -> None:
        """Take in a sample, or a step."""

    def begin_frame(self) -> None:
        """Forget what belongs to the last frame: the first sample for the next one follows."""

    @abstractmethod
    def variables(self, seen: Seen) -> Mapping[str, Variable]:
        """What a frame at this time shows; the same names and shapes for every frame."""

    def coordinates(self) -> Mapping[str, Variable]:
        """Coordinates that the variables need beside those of the engine."""
        return {}

    def memory(self) -> Memory:
        """What a bit-exact continuation needs, by name; copies."""
        return {}

    def restore(self, memory: Memory) -> None:
        """Continue from a memory."""

    def warnings(self) -> list[str]:
        """Sentences on what a reader of the results must know; empty when all is well."""
        return []


class SampleRows:
    """Values at each of the samples up to a frame; those of the next frame push those of the last one out.

    Parameters
    ----------
    interval
        Time between samples (time).
    count
        Samples per frame.
    shape
        Of the values, the first axis that of the variables, for example (species, x).

    Attributes
    ----------
    values
        Shape (species, sample, ...); not a number before the first sample.
    """

    def __init__(self, interval: float, count: int, shape: tuple[int, ...]) -> None:
        self._times = interval * np.arange(1 - count, 1)
        self.values: Array = np.full((shape[0], count, *shape[1:]), np.nan)

    def push(self, values: Array) -> None:
        """Take in a sample."""
        # a new array: frames that wait to be written show the old one
        self.values = np.concatenate([self.values[:, 1:], values[:, None]], axis=1)

    def coordinates(self) -> Mapping[str, Variable]:
        """Times of the samples, counted from the frame."""
        return {"sample": Variable(self._times, ("sample",), "time", "time of the sample, counted from the frame")}


class Recorder(Generic[Seen]):
    """The observers of a run, and their calendar.

    Parameters
    ----------
    observers
        May be none.
    interval
        Time between samples (time).
    samples_per_frame
        A frame shows as many; which ones is a matter of their times, whether or not the frames before were made.
    """

    def __init__(self, observers: Sequence[Observer[Seen]], interval: float = 0.0, samples_per_frame: int = 1) -> None:
        self._sampling = [one for one in observers if not one.every_step]
        self._stepping = [one for one in observers if one.every_step]
        self._interval, self._samples_per_frame = interval, samples_per_frame
        self._samples = 0

    @property
    def _observers(self) -> list[Observer[Seen]]:
        return [*self._sampling, *self._stepping]

    def due(self, until: float) -> Iterator[float]:
        """Times of the samples that are due up to a time; each is taken before the next is asked for."""
        while self._sampling and (time := self._samples * self._interval) <= until * (1.0 + _SAME):
            yield until if time >= until * (1.0 - _SAME) else time

    def sample(self, seen: Seen) -> None:
        """Take a sample that is due."""
        # the first sample is that of the first frame, at the start
        if (self._samples - 1) % self._samples_per_frame == 0:
            for one in self._sampling:
                one.begin_frame()
        for one in self._sampling:
            one.look(seen)
        self._samples += 1

    def step(self, see: Callable[[], Seen]) -> None:
        """Look at a step that was just taken, or at the start of the first one."""
        if self._stepping:
            seen = see()
            for one in self._stepping:
                one.look(seen)

    def frame(self, seen: Seen) -> tuple[dict[str, Variable], dict[str, Variable]]:
        """Variables and coordinates of a frame at this time, before any step with a sample of the start."""
        if self._sampling and self._samples == 0:
            self.sample(seen)
        variables: dict[str, Variable] = {}
        coordinates: dict[str, Variable] = {}
        for one in self._observers:
            variables |= one.variables(seen)
            coordinates |= one.coordinates()
        return variables, coordinates

    def memory(self) -> dict[str, Any]:
        """All that was gathered, by name."""
        out: dict[str, Any] = {"observed_samples": np.array(self._samples)}
        for one in self._observers:
            out |= {f"observed_{one.name}_{name}": array for name, array in one.memory().items()}
        return out

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from a memory of the same observers; other names are left alone."""
        self._samples = int(memory["observed_samples"])
        for one in self._observers:
            prefix = f"observed_{one.name}_"
            one.restore({name.removeprefix(prefix): array for name, array in memory.items() if name.startswith(prefix)})

    def warnings(self) -> list[str]:
        """What the observers warn of."""
        return [sentence for one in self._observers for sentence in one.warnings()]
