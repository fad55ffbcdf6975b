"""What is measured while an engine runs: when observers look, and what frames show of it.

Observers look at samples, taken at multiples of an interval that divides the one between frames; some look at every step. A
frame shows what was gathered since the time of the frame before. All that an observer has gathered is part of the state of a
run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.frames import Variable

# What an engine lets its observers see of one time.
Seen = TypeVar("Seen")
Watched = TypeVar("Watched", contravariant=True)

Memory = Mapping[str, NDArray[Any]]

# Times that differ by less than this share are the same, computed in two ways.
_SAME = 1e-12


class Observer(Protocol[Watched]):
    """One kind of measurement."""

    name: str
    every_step: bool

    def look(self, seen: Watched) -> None:
        """Take in a sample, or a step."""
        ...

    def begin_frame(self) -> None:
        """Forget what belongs to the last frame: the first sample for the next one follows."""
        ...

    def variables(self, seen: Watched) -> Mapping[str, Variable]:
        """What a frame at this time shows; the same names and shapes for every frame."""
        ...

    def coordinates(self) -> Mapping[str, Variable]:
        """Coordinates that the variables need beside those of the engine."""
        ...

    def memory(self) -> Memory:
        """What a bit-exact continuation needs, by name; copies."""
        ...

    def restore(self, memory: Memory) -> None:
        """Continue from a memory."""
        ...


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
