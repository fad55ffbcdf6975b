"""What observers of fields see; see :mod:`theory.recording` for how they are called."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fieldsolver import snapshots
from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from theory.arrays import Array, ComplexArray


@dataclass(frozen=True)
class Observation:
    """The fields at one time.

    Parameters
    ----------
    time
        Physical time (time).
    state
        Shape (component, column, row); not to be kept, as the solver goes on to write into it.
    layout, modes
        What the components and modes of the state are.
    """

    time: float
    state: ComplexArray
    layout: Layout
    modes: RetainedModes

    @cached_property
    def density_modes(self) -> ComplexArray:
        """Unnormalised transforms of the densities, shape (species, column, row), a copy."""
        return np.asarray(self.state[[self.layout.component(s, 0) for s in range(self.layout.species)]])

    @cached_property
    def density(self) -> Array:
        """Shape (species, [z,] [y,] x) (1/length^d)."""
        return snapshots.densities(self.state, self.layout, self.modes)
