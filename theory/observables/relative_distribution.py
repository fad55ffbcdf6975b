r"""Pair distribution g(r, \phi, \theta) in the frame of a particle, in two dimensions ([S2], Methods).

For a particle with the direction u_1 and a neighbour at the distance r: \phi is the direction of the neighbour seen from u_1,
positive to the left, and \theta the direction of the neighbour less that of the particle, both in [-\pi, \pi).

    mean number of neighbours in a bin = (\rho_n/2\pi) g(r, \phi, \theta) r dr d\phi d\theta,

so that g = 1 for independent particles with independent directions. Densities are (N_n - \delta_{mn})/V, as in g(r).

Symmetries ([S2] Figs. S10-S12). Without a preferred hand the distribution is that of the mirror image,

    g(r, \phi, \theta) = g(r, -\phi, -\theta);

torques make particles flock only where g differs from g(r, \phi + \pi, \theta) and from g(r, \phi, \theta + \pi).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.errors import InputError
from theory.observables import _pair_loops
from theory.observables.cells import CellSorted
from theory.observables.pair_counts import PairCounts, PairDistribution


@dataclass(frozen=True)
class RelativeDistribution(PairDistribution):
    r"""g(r, \phi, \theta) of every ordered pair of species.

    Values, errors and counts have the shape (species, species, r bin, phi bin, theta bin).
    """

    @classmethod
    def of_values(cls, edges: Array, values: Array, pairs: ArrayLike) -> "RelativeDistribution":
        """From g and how many pairs were counted for it, as frames of a run hold them.

        Parameters
        ----------
        edges, values
            As of the class.
        pairs
            Ordered pairs within the last edge, shape (species, species).
        """
        _, _, _, places, directions = values.shape
        sectors = (np.diff(edges**2) / (places * directions))[:, None, None]
        found = np.asarray(pairs, dtype=np.float64)[..., None, None, None]
        # what an ideal gas would have in a bin is known from what there is in all of them
        total = np.nansum(values * sectors, axis=(2, 3, 4), keepdims=True)
        known = found / np.where(total > 0.0, total, np.nan) * sectors
        counts = np.rint(np.nan_to_num(values * known)).astype(np.int64)
        return cls(edges, values, np.sqrt(np.maximum(counts, 1)) / known, counts)

    def coarser(self) -> "RelativeDistribution":
        """The same with neighbouring bins of r merged two by two; an odd last one stays as it is."""
        starts = np.arange(0, self.values.shape[2], 2)
        shells = np.diff(self.edges**2)[:, None, None]

        def merged(per_bin: Array) -> Array:
            return np.asarray(np.add.reduceat(per_bin, starts, axis=2))

        values = merged(self.values * shells) / np.add.reduceat(shells, starts, axis=0)
        pairs = self.counts.sum(axis=(2, 3, 4))
        return RelativeDistribution.of_values(np.append(self.edges[starts], self.edges[-1]), values, pairs)

    @property
    def place_edges(self) -> Array:
        r"""Edges of the bins of \phi, shape (phi bin + 1,) (radian)."""
        return np.linspace(-np.pi, np.pi, self.values.shape[3] + 1)

    @property
    def direction_edges(self) -> Array:
        r"""Edges of the bins of \theta, shape (theta bin + 1,) (radian)."""
        return np.linspace(-np.pi, np.pi, self.values.shape[4] + 1)

    def mirror_difference(self) -> Array:
        r"""g(r, \phi, \theta) - g(r, -\phi, -\theta), of the shape of ``values``; zero without a preferred hand."""
        return np.asarray(self.values - self.values[..., ::-1, ::-1])

    def opposite_place_difference(self) -> Array:
        r"""g(r, \phi, \theta) - g(r, \phi + \pi, \theta), of the shape of ``values``.

        Raises
        ------
        InputError
            The number of bins of \phi is odd.
        """
        return np.asarray(self.values - np.roll(self.values, _half(self.values.shape[3], "phi"), axis=3))

    def opposite_direction_difference(self) -> Array:
        r"""g(r, \phi, \theta) - g(r, \phi, \theta + \pi), of the shape of ``values``.

        Raises
        ------
        InputError
            The number of bins of \theta is odd.
        """
        return np.asarray(self.values - np.roll(self.values, _half(self.values.shape[4], "theta"), axis=4))


def _half(bins: int, name: str) -> int:
    if bins % 2:
        raise InputError(f"there are {bins} bins of {name}; opposite ones need an even number")
    return bins // 2


class RelativeAccumulator(PairCounts):
    r"""Gathers g(r, \phi, \theta) over frames, also during a run.

    Parameters
    ----------
    reach
        Largest distance (length), at most half of the shortest edge of each box.
    bins
        Numbers of bins of r, \phi and \theta, of equal widths; by default close to those of [S2] in r and \phi, and as fine
        in \theta as the integrals over it need.
    species
        Number of species.

    Raises
    ------
    InputError
        An argument is not positive.
    """

    def __init__(self, reach: float, bins: tuple[int, int, int] = (100, 60, 60), species: int = 1) -> None:
        super().__init__(reach, bins, species)

    def accumulate(
        self, positions: ArrayLike, orientations: ArrayLike, size: ArrayLike, species: ArrayLike | None = None
    ) -> None:
        """Add a configuration.

        Parameters
        ----------
        positions
            Shape (particle, 2) (length).
        orientations
            Directions as vectors of any length but zero, shape (particle, 2).
        size
            Edges of the box, shape (2,) (length).
        species
            Index of each particle's, shape (particle,).

        Raises
        ------
        InputError
            The configuration is out of its range.
        """
        particles = CellSorted.of(positions, size, self._reach)
        turns = particles.sorted(turns_of(orientations, particles.order.size))
        self._count(
            particles, species, lambda own, out: _pair_loops.count_relative(particles.arrays, self._reach, turns, own, out)
        )

    def result(self) -> RelativeDistribution:
        """g of all configurations so far.

        Raises
        ------
        InputError
            There are none.
        """
        edges = self._edges()
        _, _, _, places, directions = self._counts.shape
        sectors = np.diff(np.pi * edges**2) / (places * directions)
        known = self._ideal(sectors[:, None, None])
        errors = np.sqrt(np.maximum(self._counts, 1.0))
        return RelativeDistribution(edges, self._counts / known, errors / known, self._counts.copy())


def turns_of(orientations: ArrayLike, particles: int) -> Array:
    """Directions of vectors (particle, 2) in turns, shape (particle,).

    Raises
    ------
    InputError
        They are not one vector of two dimensions per particle, or one has no direction.
    """
    vectors = np.asarray(orientations, dtype=np.float64)
    if vectors.shape != (particles, 2):
        raise InputError(f"orientations have the shape {vectors.shape}; there are {particles} particles in 2 dimensions")
    if not np.all(np.isfinite(vectors).all(axis=1) & np.any(vectors != 0.0, axis=1)):
        raise InputError("an orientation is zero or not finite: it has no direction")
    return np.asarray(np.arctan2(vectors[:, 1], vectors[:, 0]) / (2.0 * np.pi))
