r"""Polar order and correlations of vectors that particles carry (directions, velocities), in one to three dimensions.

    P = |\sum_i u_i|/N,        C(r) = <a_i . a_j> over the pairs at distance r,

C also for fluctuations a - <a>, whose correlation length is what grows at the onset of order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array, Integers
from theory.errors import InputError
from theory.observables import _pair_loops
from theory.observables.cells import CellSorted
from theory.observables.decay import DecayFit, fit_decay
from theory.observables.periodic import checked_species

# a fixed number of blocks, so that sums do not depend on the threads
_BLOCKS = 64


def polar_order(orientations: ArrayLike) -> float:
    """|mean direction| of particles (particle, dimension): 1 where all are unit vectors along one direction.

    Raises
    ------
    InputError
        There is no particle.
    """
    return float(np.linalg.norm(_mean(orientations)))


def polar_orders(orientations: ArrayLike, species: ArrayLike, number: int) -> Array:
    """Polar order of each species, shape (species,); NaN for one without particles."""
    vectors = np.asarray(orientations, dtype=np.float64)
    index = checked_species(species, vectors.shape[0], number)
    own = [vectors[index == s] for s in range(number)]
    return np.array([polar_order(one) if one.size else np.nan for one in own])


def _mean(vectors: ArrayLike) -> Array:
    values = np.asarray(vectors, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] == 0:
        raise InputError(f"vectors have the shape {values.shape}; it must be (particle, dimension) with at least one particle")
    return np.asarray(values.mean(axis=0))


@dataclass(frozen=True)
class PairCorrelation:
    """A correlation over pairs of particles by their distance.

    Parameters
    ----------
    edges
        Of the bins, shape (bin + 1,) (length).
    values
        C, shape (bin,); NaN where there is no pair.
    counts
        Unordered pairs, shape (bin,).
    at_zero
        C of a particle with itself, the mean of |a|^2.
    """

    edges: Array
    values: Array
    counts: Integers
    at_zero: float

    @property
    def distances(self) -> Array:
        """Middles of the bins, shape (bin,) (length)."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]))

    @property
    def normalised(self) -> Array:
        """C(r)/C(0), shape (bin,)."""
        return np.asarray(self.values / self.at_zero)

    def fit(self) -> DecayFit:
        """Exponential fit, weighted by the numbers of pairs ([S2], Methods); its constant is the correlation length.

        Raises
        ------
        InputError
            Fewer than three bins hold a pair.
        """
        return fit_decay(self.distances, self.normalised, "exponential", self.counts)


def pair_correlation(
    values: ArrayLike, positions: ArrayLike, size: ArrayLike, reach: float, bins: int, *, fluctuations: bool = False
) -> PairCorrelation:
    """C(r) of vectors or scalars that particles carry.

    Parameters
    ----------
    values
        a, shape (particle, component); complex numbers are vectors of two components.
    positions
        Shape (particle, dimension) (length).
    size
        Edges of the box, shape (dimension,) (length).
    reach
        Largest distance (length), at most half of the shortest edge.
    bins
        Number of bins, of equal widths.
    fluctuations
        Whether the mean over all particles is taken away from a.

    Raises
    ------
    InputError
        An argument is out of its range, or the values are not one row per particle.
    """
    particles = CellSorted.of(positions, size, reach)
    vectors = np.asarray(values, dtype=np.float64)
    mean = _mean(vectors)
    if vectors.shape[0] != particles.order.size:
        raise InputError(f"there are values for {vectors.shape[0]} particles, and {particles.order.size} positions")
    if bins < 1:
        raise InputError(f"bins is {bins}; it must be at least 1")
    carried = vectors - mean if fluctuations else vectors
    counts, sums = np.zeros((_BLOCKS, bins), dtype=np.int64), np.zeros((_BLOCKS, bins))
    _pair_loops.sum_products(particles.arrays, float(reach), particles.sorted(carried.T), counts, sums)
    total = counts.sum(axis=0)
    correlation = sums.sum(axis=0) / np.where(total > 0, total, np.nan)
    at_zero = float(np.mean(np.sum(carried**2, axis=1)))
    return PairCorrelation(np.linspace(0.0, reach, bins + 1), correlation, total, at_zero)
