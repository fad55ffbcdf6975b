r"""Radial distribution function g(r), in one to three dimensions, for every ordered pair of species.

    g_{mn}(r) = (pairs of a particle of m and one of n at distances r to r + dr) / (those of an ideal gas),

the latter N_m (N_n - \delta_{mn})/V times the volume of the shell, so that g = 1 for independent particles also when they are
few.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.observables import _pair_loops
from theory.observables.cells import CellSorted
from theory.observables.pair_counts import PairCounts, PairDistribution

# volume of the unit ball in 1, 2 and 3 dimensions
_UNIT_BALL = (2.0, np.pi, 4.0 * np.pi / 3.0)


@dataclass(frozen=True)
class RadialDistribution(PairDistribution):
    """g(r) of every ordered pair of species: values, errors and counts have the shape (species, species, bin)."""


class RadialAccumulator(PairCounts):
    """Gathers g(r) over frames, also during a run.

    Parameters
    ----------
    reach
        Largest distance (length), at most half of the shortest edge of each box.
    bins
        Number of bins of r, of equal widths.
    species
        Number of species.

    Raises
    ------
    InputError
        An argument is not positive.
    """

    def __init__(self, reach: float, bins: int, species: int = 1) -> None:
        super().__init__(reach, (bins,), species)

    def accumulate(self, positions: ArrayLike, size: ArrayLike, species: ArrayLike | None = None) -> None:
        """Add a configuration.

        Parameters
        ----------
        positions
            Shape (particle, dimension) (length).
        size
            Edges of the box, shape (dimension,) (length).
        species
            Index of each particle's, shape (particle,).

        Raises
        ------
        InputError
            The configuration is out of its range, or of another dimension than those before.
        """
        particles = CellSorted.of(positions, size, self._reach)
        self._count(particles, species, lambda own, out: _pair_loops.count_distances(particles.arrays, self._reach, own, out))

    def result(self) -> RadialDistribution:
        """g(r) of all configurations so far.

        Raises
        ------
        InputError
            There are none.
        """
        edges = self._edges()
        shells = np.diff(_UNIT_BALL[self._dimension - 1] * edges**self._dimension)
        known = self._ideal(shells)
        # pairs of one species are counted from either end
        multiplicity = (1.0 + np.eye(self.species))[:, :, None]
        errors = multiplicity * np.sqrt(np.maximum(self._counts / multiplicity, 1.0))
        return RadialDistribution(edges, self._counts / known, errors / known, self._counts.copy())


def radial_distribution(
    positions: ArrayLike, size: ArrayLike, reach: float, bins: int, species: ArrayLike | None = None
) -> RadialDistribution:
    """g(r) of one configuration; see :class:`RadialAccumulator`.

    Raises
    ------
    InputError
        An argument is out of its range.
    """
    number = 1 if species is None else int(np.max(species)) + 1
    accumulator = RadialAccumulator(reach, bins, number)
    accumulator.accumulate(positions, size, species)
    return accumulator.result()
