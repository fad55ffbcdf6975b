"""Particles as a structure of arrays, and their stationary initial state."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.counter_random import Stream, normal_pairs, uniform_pairs
from theory.errors import InputError
from theory.model import Model

Array = NDArray[np.float64]


@dataclass
class Particles:
    """Positions, directions and names of all particles, in the order of storage.

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
    """

    positions: Array
    orientations: Array
    identities: NDArray[np.int64]
    offsets: NDArray[np.int64]
    version: int = field(default=0, init=False)
    _spare: tuple[Array, Array, NDArray[np.int64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._spare = (np.empty_like(self.positions), np.empty_like(self.orientations), np.empty_like(self.identities))

    @property
    def number(self) -> int:
        """Number of particles."""
        return int(self.identities.size)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Number of particles of each species, shape (species,)."""
        return np.diff(self.offsets)

    @property
    def places(self) -> Array:
        return self.positions

    @property
    def headings(self) -> Array:
        return self.orientations

    @property
    def species(self) -> NDArray[np.int16]:
        """Species of each particle in storage, shape (particle,); the same by permanent number."""
        return np.repeat(np.arange(self.offsets.size - 1, dtype=np.int16), self.numbers)

    @property
    def arrays(self) -> tuple[Array, Array, NDArray[np.int64]]:
        """(positions, orientations, identities)."""
        return self.positions, self.orientations, self.identities

    @property
    def spare(self) -> tuple[Array, Array, NDArray[np.int64]]:
        """Arrays of the same shapes, to sort into before :meth:`swap`."""
        return self._spare

    def swap(self) -> None:
        """Make the spare arrays the particles."""
        current = self.arrays
        self.positions, self.orientations, self.identities = self._spare
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


def initial_particles(model: Model, size: Array, densities: Array, seed: int, profile: Array | None = None) -> Particles:
    """Independent particles with directions of the stationary law.

    Parameters
    ----------
    model
        Says the species and how they move.
    size
        Edges of the box, shape (2,) (length).
    densities
        Mean number densities (1/length^2), shape (species,); the numbers of particles are these times the area, rounded.
    seed
        Key of the random numbers; the counter is the permanent number.
    profile
        Where particles are likely: shape (species, ny, nx), not negative, constant within each cell; by default uniform.

    Raises
    ------
    InputError
        There would be no particle at all.
    """
    numbers = np.rint(densities * np.prod(size)).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int64)
    count = int(offsets[-1])
    if count == 0:
        raise InputError(
            f"mean densities {densities.tolist()} in a box of {size.tolist()} give no particle; "
            "enlarge the box or the densities"
        )
    # a number just below 1 times the edge can be rounded to the edge itself
    places = uniform_pairs(seed, Stream.INITIAL_POSITION, 0, count)
    if profile is not None:
        places = _placed(places, uniform_pairs(seed, Stream.INITIAL_POSITION, 1, count)[0], offsets, profile)
    positions = np.minimum(size[:, None] * places, np.nextafter(size, 0.0)[:, None])
    angles = 2.0 * np.pi * uniform_pairs(seed, Stream.INITIAL_ORIENTATION, 0, count)[0]
    orientations = np.stack([np.cos(angles), np.sin(angles)])
    vectors = normal_pairs(seed, Stream.INITIAL_ORIENTATION, 0, count) * np.sqrt(0.5)
    for n, species in enumerate(model.species):
        if species.motion.aoup:
            orientations[:, offsets[n] : offsets[n + 1]] = vectors[:, offsets[n] : offsets[n + 1]]
    return Particles(positions, orientations, np.arange(count, dtype=np.int64), offsets)


def _placed(inside: Array, chance: Array, offsets: NDArray[np.int64], profile: Array) -> Array:
    """Places in the unit box: a cell by its share of the profile, then uniform in it."""
    if profile.ndim != 3 or profile.shape[0] != offsets.size - 1:
        raise InputError(f"the density profile has shape {profile.shape}, not ({offsets.size - 1}, ny, nx)")
    if not np.all(np.isfinite(profile)) or np.any(profile < 0.0):
        raise InputError("the density profile must be finite and not negative")
    _, rows, columns = profile.shape
    out = np.empty_like(inside)
    for s, cells in enumerate(profile.reshape(profile.shape[0], -1)):
        one = slice(int(offsets[s]), int(offsets[s + 1]))
        cumulative = np.cumsum(cells)
        if cumulative[-1] <= 0.0 and one.stop > one.start:
            raise InputError(f"the density profile of species number {s + 1} is zero everywhere, but there are particles of it")
        # a cell of zero density is never chosen: its cumulative value equals that of the cell before
        chosen = np.minimum(np.searchsorted(cumulative, chance[one] * cumulative[-1], side="right"), cells.size - 1)
        out[0, one] = (chosen % columns + inside[0, one]) / columns
        out[1, one] = (chosen // columns + inside[1, one]) / rows
    return out
