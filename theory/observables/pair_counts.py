"""Counts of pairs gathered over frames, also during a run: what pair distributions are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array, Integers
from theory.errors import InputError
from theory.observables.cells import CellSorted
from theory.observables.periodic import checked_species


@dataclass(frozen=True)
class PairDistribution:
    """A distribution over distances, and whatever else, of every ordered pair of species.

    Parameters
    ----------
    edges
        Of the bins of r, shape (r bin + 1,) (length).
    values
        g, shape (species, species, r bin, ...); NaN where there is no pair of these species.
    standard_errors
        By counting, as if pairs were independent, likewise.
    counts
        Ordered pairs, likewise.
    """

    edges: Array
    values: Array
    standard_errors: Array
    counts: Integers

    @property
    def distances(self) -> Array:
        """Middles of the bins of r, shape (r bin,) (length)."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]))


class PairCounts:
    """Ordered pairs in bins, and those that an ideal gas would have.

    Parameters
    ----------
    reach
        Largest distance (length), at most half of the shortest edge of each box.
    bins
        Numbers of bins, the first that of distances, all of equal widths.
    species
        Number of species.

    Raises
    ------
    InputError
        An argument is not positive.
    """

    def __init__(self, reach: float, bins: tuple[int, ...], species: int) -> None:
        if not (np.isfinite(reach) and reach > 0.0 and min(bins) > 0 and species > 0):
            raise InputError(f"reach {reach}, bins {bins} and species {species} of a pair distribution must be positive")
        self._reach = float(reach)
        self._counts: Integers = np.zeros((species, species, *bins), dtype=np.int64)
        self._expected: Array = np.zeros((species, species))
        self._configurations = 0
        self._dimension = 0

    @property
    def reach(self) -> float:
        """Largest distance (length)."""
        return self._reach

    @property
    def species(self) -> int:
        """Number of species."""
        return int(self._counts.shape[0])

    @property
    def configurations(self) -> int:
        """How many have been added."""
        return self._configurations

    @property
    def pairs(self) -> Integers:
        """Ordered pairs counted so far within the reach, shape (species, species)."""
        return np.asarray(self._counts.sum(axis=tuple(range(2, self._counts.ndim))))

    def _count(
        self, particles: CellSorted, species: ArrayLike | None, loop: Callable[[Integers, NDArray[np.int64]], object]
    ) -> None:
        """Add the pairs of a configuration; the loop takes the sorted species and an array of counts for each thread."""
        index = checked_species(species, particles.order.size, self.species)
        self._add_expected(particles, index)
        counts = np.zeros((numba.get_num_threads(), *self._counts.shape), dtype=np.int64)
        loop(particles.sorted(index), counts)
        self._counts += counts.sum(axis=0)
        self._configurations += 1

    def _add_expected(self, particles: CellSorted, species: Integers) -> None:
        """Note the ordered pairs per volume of an ideal gas, N_m (N_n - delta_mn)/V."""
        if self._dimension not in (0, particles.dimension):
            raise InputError(f"positions have {particles.dimension} dimensions, those before had {self._dimension}")
        self._dimension = particles.dimension
        numbers = np.bincount(species, minlength=self.species).astype(np.float64)
        self._expected += numbers[:, None] * (numbers[None] - np.eye(self.species)) / particles.volume

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What has been gathered, for a checkpoint."""
        return {
            "counts": self._counts.copy(),
            "expected": self._expected.copy(),
            "configurations": np.array(self._configurations),
            "reach": np.array(self._reach),
            "dimension": np.array(self._dimension),
        }

    def add(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Add stored :meth:`arrays`.

        Raises
        ------
        InputError
            Their bins, species or dimension differ.
        """
        dimension = int(arrays["dimension"])
        same = arrays["counts"].shape == self._counts.shape and float(arrays["reach"]) == self._reach
        if not same or 0 != self._dimension != dimension != 0:
            raise InputError("pair distributions of different bins, species or dimensions cannot be added")
        self._counts += arrays["counts"]
        self._expected += arrays["expected"]
        self._configurations += int(arrays["configurations"])
        self._dimension = self._dimension or dimension

    def _ideal(self, volumes: Array) -> Array:
        """Ordered pairs of an ideal gas in bins of some volumes (bin, ...), shape (species, species, bin, ...); NaN for 0."""
        expected = self._expected.reshape(*self._expected.shape, *(1,) * volumes.ndim) * volumes
        return np.where(expected > 0.0, expected, np.nan)

    def _edges(self) -> Array:
        """Edges of the bins of distance.

        Raises
        ------
        InputError
            No configuration has been added.
        """
        if self._dimension == 0:
            raise InputError("no configuration has been added to this pair distribution")
        return np.linspace(0.0, self._reach, self._counts.shape[2] + 1)
