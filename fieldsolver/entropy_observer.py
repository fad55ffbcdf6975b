"""Entropy production, measured while a run goes on; see :mod:`theory.recording` for how observers are called."""

from collections.abc import Mapping

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.observation import Observation
from theory.arrays import Array
from theory.coarse_graining import Filter
from theory.frames import Variable, number
from theory.path_entropy import PathEntropy
from theory.recording import Memory, Observer

_AXES = "xyz"


class EntropyProduction(Observer[Observation]):
    """Entropy production of the trajectory, and where; see :mod:`theory.path_entropy`."""

    name, every_step = "entropy_production", True

    def __init__(self, layout: Layout, modes: RetainedModes, length: float, after: float) -> None:
        self._dimensions = tuple(_AXES[: layout.dimension][::-1])
        self._path = PathEntropy(layout.model, modes.grid, [Filter("gaussian", length)], local=True)
        self._shape, self._after = modes.grid.shape, after
        self._last: tuple[float, Array] | None = None
        self._steps = 0

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        if seen.time < self._after:
            return
        density = seen.density
        if self._last is not None and seen.time > self._last[0]:
            self._path.accumulate(self._last[0], self._last[1], seen.time, density)
            self._steps += 1
        self._last = (seen.time, density)

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``entropy_production``, ``entropy_production_error``, ``entropy_density``; not a number before the first step."""
        rate, error, density = np.nan, np.nan, np.full(self._shape, np.nan)
        if self._steps > 0:
            found = self._path.result()
            assert found.density is not None
            rate, density = float(found.rates[0]), found.density
            error = np.nan if found.standard_errors is None else float(found.standard_errors[0])
        units = f"1/(time length^{len(self._dimensions)})"
        return {
            "entropy_production": number(rate, "1/time", "rate of entropy production, mean of the run so far"),
            "entropy_production_error": number(error, "1/time", "standard error of the rate of entropy production"),
            "entropy_density": Variable(density, self._dimensions, units, "local rate of entropy production, mean so far"),
        }

    def memory(self) -> Memory:
        """See :class:`theory.recording.Observer`; the density of the last step is that of the state."""
        return {**self._path.arrays(), "steps": np.array(self._steps)}

    def restore(self, memory: Memory) -> None:
        """See :class:`theory.recording.Observer`."""
        self._steps, self._last = int(memory["steps"]), None
        self._path.restore(memory)
