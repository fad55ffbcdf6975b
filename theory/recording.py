"""What is measured while an engine runs: when observers look, and what frames show of it.

Observers look at samples, taken at multiples of an interval that divides the one between frames; some look at every step. A
frame shows what was gathered since the time of the frame before. All that an observer has gathered is part of the state of a
run.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Sampling:
    """When observers look.

    Parameters
    ----------
    output_interval
        Time between frames (time).
    sample_interval
        Time between samples, a whole fraction of it (time).
    """

    output_interval: float
    sample_interval: float

    @property
    def samples_per_frame(self) -> int:
        """Number of samples that a frame shows."""
        return round(self.output_interval / self.sample_interval)


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


class SampledRows(Observer[Seen]):
    """Values at each of the samples up to a frame; those of the next frame push those of the last one out.

    Parameters
    ----------
    sampling
        When there are samples.
    shape
        Of the values, the first axis that of the variables, for example (species, x).
    """

    def __init__(self, sampling: Sampling, shape: tuple[int, ...]) -> None:
        count = sampling.samples_per_frame
        self._times = sampling.sample_interval * np.arange(1 - count, 1)
        # shape (species, sample, ...); not a number before the first sample
        self._rows: Array = np.full((shape[0], count, *shape[1:]), np.nan)

    def _push(self, values: Array) -> None:
        # a new array: frames that wait to be written show the old one
        self._rows = np.concatenate([self._rows[:, 1:], values[:, None]], axis=1)

    def coordinates(self) -> Mapping[str, Variable]:
        """Times of the samples, counted from the frame."""
        return {"sample": Variable(self._times, ("sample",), "time", "time of the sample, counted from the frame")}

    def memory(self) -> Memory:
        """The rows."""
        return {"rows": self._rows.copy()}

    def restore(self, memory: Memory) -> None:
        """The rows."""
        self._rows = np.array(memory["rows"])


class SampledSums(Observer[Seen]):
    """Sums over the samples since the last frame, of which a frame shows means; a subclass says what a sample adds.

    Parameters
    ----------
    shapes
        Of the sums, by the name under which each is remembered.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._sums: dict[str, Array] = {name: np.zeros(shape) for name, shape in shapes.items()}
        self._samples = 0

    def _add(self, **values: Array | float) -> None:
        for name, value in values.items():
            self._sums[name] += value
        self._samples += 1

    def _mean(self, name: str) -> Array:
        return np.asarray(self._sums[name] / self._samples)

    def begin_frame(self) -> None:
        """Forget the samples of the last frame."""
        for total in self._sums.values():
            total[...] = 0.0
        self._samples = 0

    def memory(self) -> Memory:
        """The sums, and of how many samples they are."""
        return {**{name: total.copy() for name, total in self._sums.items()}, "samples": np.array(self._samples)}

    def restore(self, memory: Memory) -> None:
        """The sums, and of how many samples they are."""
        for name, total in self._sums.items():
            total[...] = memory[name]
        self._samples = int(memory["samples"])


class Recorder(Generic[Seen]):
    """The observers of a run, and their calendar.

    Parameters
    ----------
    observers
        May be none.
    sampling
        When there are samples, where an observer asks for them. Which ones a frame shows is a matter of their times, whether or
        not the frames before were made.
    """

    def __init__(self, observers: Sequence[Observer[Seen]], sampling: Sampling | None) -> None:
        self._sampling = [one for one in observers if not one.every_step]
        self._stepping = [one for one in observers if one.every_step]
        self._interval = 0.0 if sampling is None else sampling.sample_interval
        self._samples_per_frame = 1 if sampling is None else sampling.samples_per_frame
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
