"""What observers of particles see; see :mod:`theory.recording` for how they are called."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from particles.state import Particles
from theory.arrays import Array, Integers


@dataclass(frozen=True)
class Observation:
    """The particles at one time, in the order of their permanent numbers.

    The order of storage changes on the way: by permanent number, sums of real numbers are the same however it was sorted, and
    each particle keeps its row.

    Parameters
    ----------
    time
        Physical time (time).
    particles
        As they are stored; not to be kept, as the engine goes on to write into them.
    """

    time: float
    particles: Particles

    @cached_property
    def positions(self) -> Array:
        """Shape (particle, dimension) (length), a copy."""
        return np.ascontiguousarray(self.particles.by_identity(self.particles.positions).T)

    @cached_property
    def orientations(self) -> Array:
        """Self-propulsion directions, shape (particle, dimension), a copy."""
        return np.ascontiguousarray(self.particles.by_identity(self.particles.orientations).T)

    @cached_property
    def species(self) -> Integers:
        """Species (index) of each, shape (particle,)."""
        return self.particles.species.astype(np.int64)

    def own(self, values: Array) -> list[Array]:
        """Values (particle, ...) of each species."""
        return [values[self.particles.slice_of(s)] for s in range(self.particles.offsets.size - 1)]
