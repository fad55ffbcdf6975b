"""Particles as a structure of arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array, Integers


class Particles:
    """Where all particles are, where they head, and what a step remembers of the last one, in the order of storage.

    All values are rows of one array, so that sorting the storage moves everything that belongs to a particle.

    Parameters
    ----------
    positions
        Shape (dimension, particle), in [0, edge) (length).
    orientations
        Self-propulsion directions u, shape (dimension, particle): unit vectors, or Ornstein-Uhlenbeck vectors.
    identities
        The particles' permanent numbers, shape (particle,).
    offsets
        Species ``s`` is stored from ``offsets[s]`` to ``offsets[s + 1]``, shape (species + 1,); these are also its
        permanent numbers.
    predicts
        Whether steps evaluate speeds, forces and gradients at predicted places; else at the positions.
    interacts
        Whether there are pair interactions, whose velocities are remembered.

    Attributes
    ----------
    version
        Counts how often the order of storage has changed.
    """

    def __init__(
        self,
        positions: Array,
        orientations: Array,
        identities: Integers,
        offsets: Integers,
        *,
        predicts: bool = False,
        interacts: bool = False,
    ) -> None:
        d, number = positions.shape
        self.dimension = d
        self.version = 0
        self.offsets = offsets
        self.identities = np.array(identities, dtype=np.int64)
        self._predicts, self._interacts = predicts, interacts
        self._kept = 2 * d + 2 + (d + 1 if interacts else 0)
        self.values: Array = np.zeros((self._kept + (d if predicts else 0) + (d if predicts and interacts else 0), number))
        self._spare = (np.empty_like(self.values), np.empty_like(self.identities))
        self.positions[:] = positions
        self.orientations[:] = orientations
        self.places[:] = positions
        self.headings[:] = orientations

    @property
    def positions(self) -> Array:
        """Shape (dimension, particle) (length); a view, as all that follow."""
        return self.values[: self.dimension]

    @property
    def orientations(self) -> Array:
        """Self-propulsion directions, shape (dimension, particle)."""
        return self.values[self.dimension : 2 * self.dimension]

    @property
    def speeds(self) -> Array:
        """Speeds of the last step (length/time), zero before the first one, shape (particle,)."""
        speeds: Array = self.values[2 * self.dimension]
        return speeds

    @property
    def expected_speeds(self) -> Array:
        """Speeds expected at the start of the next step (length/time), by those of the last two, shape (particle,)."""
        speeds: Array = self.values[2 * self.dimension + 1]
        return speeds

    @property
    def drifts(self) -> Array:
        """Velocities by pair forces in the last step (length/time), shape (dimension, particle); no rows if there are none."""
        return self.values[2 * self.dimension + 2 : self._kept - 1] if self._interacts else self.values[:0]

    @property
    def turn_rates(self) -> Array:
        """Angular velocities by pair torques in the last step (1/time), shape (particle,); empty without interactions."""
        return self.values[self._kept - 1] if self._interacts else self.values[0, :0]

    @property
    def places(self) -> Array:
        """Where a step evaluates speeds, forces and gradients, shape (dimension, particle) (length).

        The positions predicted for the middle of the step, or, if steps do not predict, the positions themselves.
        """
        return self.values[self._kept : self._kept + self.dimension] if self._predicts else self.positions

    @property
    def headings(self) -> Array:
        """The directions there: with pair interactions turned by the torques of half a step, else the directions themselves."""
        return self.values[self._kept + self.dimension :] if self._predicts and self._interacts else self.orientations

    @property
    def number(self) -> int:
        """Number of particles."""
        return int(self.identities.size)

    @property
    def numbers(self) -> Integers:
        """Number of particles of each species, shape (species,)."""
        return np.diff(self.offsets)

    @property
    def species(self) -> NDArray[np.int16]:
        """Species of each particle in storage, shape (particle,); the same by permanent number."""
        return np.repeat(np.arange(self.offsets.size - 1, dtype=np.int16), self.numbers)

    @property
    def arrays(self) -> tuple[Array, Integers]:
        """(values, identities): all that is to be sorted."""
        return self.values, self.identities

    @property
    def spare(self) -> tuple[Array, Integers]:
        """Arrays of the same shapes, to sort into before :meth:`swap`."""
        return self._spare

    def swap(self) -> None:
        """Make the spare arrays the particles."""
        current = self.arrays
        self.values, self.identities = self._spare
        self._spare = current
        self.version += 1

    def slice_of(self, species: int) -> slice:
        """Where a species is stored."""
        return slice(int(self.offsets[species]), int(self.offsets[species + 1]))

    def by_identity(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values (..., particle) in the order of storage -> the same in the order of permanent numbers."""
        ordered = np.empty_like(values)
        ordered[..., self.identities] = values
        return ordered

    @property
    def moving(self) -> tuple[Any, ...]:
        """What a step reads and writes, as :mod:`particles._motion_loops` takes it."""
        where = self.positions, self.orientations, self.places, self.headings
        return self.identities, *where, self.speeds, self.expected_speeds, self.drifts, self.turn_rates

    @property
    def _kept_values(self) -> dict[str, NDArray[Any]]:
        """All that a continuation needs."""
        names = ["positions", "orientations", "identities", "speeds", "expected_speeds"]
        names += ["drifts", "turn_rates"] if self._interacts else []
        return {name: getattr(self, name) for name in names}

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all that a continuation needs."""
        return {name: array.copy() for name, array in self._kept_values.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Return to a state."""
        for name, array in self._kept_values.items():
            array[...] = state[name]
        self.version += 1
