"""Measurements of particles at samples; see :mod:`theory.recording` for how observers are called."""

from collections.abc import Mapping

import numpy as np

from particles.observation import Observation
from theory.arrays import Array
from theory.fourier import Grid
from theory.frames import Variable, number
from theory.observables import Shells, structure_factors
from theory.observables.clusters import clusters
from theory.observables.local_density import coarse_density, density_histogram
from theory.observables.orientation import polar_order, polar_orders
from theory.observables.periodic import nearest_images
from theory.observables.structure import particle_modes
from theory.observables.trajectories import LONGEST_MOVE
from theory.recorded_spectra import RecordedSpectra
from theory.recording import Memory, SampledRows, SampledSums, Sampling


class PolarOrder(SampledRows[Observation]):
    """|mean direction| of each species and of all particles, sample by sample."""

    name = "polar_order"

    def __init__(self, names: tuple[str, ...], sampling: Sampling) -> None:
        super().__init__(sampling, (len(names) + 1,))
        self._names = names

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        own = polar_orders(seen.orientations, seen.species, len(self._names))
        self._push(np.append(own, polar_order(seen.orientations)))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``sampled_polar_order_<A>`` and ``sampled_polar_order`` (sample)."""
        keys = [f"sampled_polar_order_{name}" for name in self._names] + ["sampled_polar_order"]
        whose = [f"of {name}" for name in self._names] + ["of all particles"]
        return {
            key: Variable(row, ("sample",), "1", f"length of the mean direction {words} at each sample")
            for key, words, row in zip(keys, whose, self._rows, strict=True)
        }


class Displacements(SampledRows[Observation]):
    """Mean of |r(t) - r(0)|^2 over the particles of each species, r followed from sample to sample around the box."""

    name = "mean_squared_displacement"

    def __init__(self, names: tuple[str, ...], size: Array, particles: int, sampling: Sampling) -> None:
        super().__init__(sampling, (len(names),))
        self._names, self._size = names, size
        self._last: Array = np.full((particles, size.size), np.nan)
        self._displacements: Array = np.zeros((particles, size.size))
        self._longest = 0.0

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        if not np.isnan(self._last[0, 0]):
            moves = nearest_images(seen.positions - self._last, self._size)
            self._longest = max(self._longest, float(np.max(np.abs(moves) / self._size)))
            self._displacements += moves
        self._last[...] = seen.positions
        squares = seen.own(np.sum(self._displacements**2, axis=1))
        known = self._longest <= LONGEST_MOVE
        self._push(np.array([one.mean() if known and one.size else np.nan for one in squares]))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``mean_squared_displacement_<A>`` (sample); not a number once a way around the box is not known."""
        return {
            f"mean_squared_displacement_{name}": Variable(
                row, ("sample",), "length^2", f"mean squared displacement of {name} since the start at each sample"
            )
            for name, row in zip(self._names, self._rows, strict=True)
        }

    def memory(self) -> Memory:
        """See :class:`theory.recording.Observer`."""
        return {
            **super().memory(),
            "last": self._last.copy(),
            "displacements": self._displacements.copy(),
            "longest": np.array(self._longest),
        }

    def restore(self, memory: Memory) -> None:
        """See :class:`theory.recording.Observer`."""
        super().restore(memory)
        self._last[...], self._displacements[...] = memory["last"], memory["displacements"]
        self._longest = float(memory["longest"])

    def warnings(self) -> list[str]:
        """Moves between samples so long that they may have gone the other way around."""
        if self._longest <= LONGEST_MOVE:
            return []
        return [
            f"a particle moved by {self._longest:.2g} of an edge of the box between two samples: its way around the box is not "
            "known, nor is the mean squared displacement from there on; shorten particles.observables.sample_interval"
        ]


class StructureFactors(RecordedSpectra[Observation]):
    """Structure factors, each mode summed over all particles."""

    def __init__(self, names: tuple[str, ...], size: Array, largest: float) -> None:
        self._grid = Grid.holding(size.tolist(), largest)
        super().__init__(names, Shells.of(self._grid, largest * (1.0 + 1e-9)), size.size)

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        modes = particle_modes(seen.positions, self._grid, seen.species, len(self._names))
        spectra = structure_factors(modes, self._grid, self._shells)
        self._add(sums=np.stack([spectra[pair] for pair in self._pairs]))


class ClusterSizes(SampledSums[Observation]):
    """Clusters of particles closer than a distance, of whatever species."""

    name = "clusters"

    def __init__(self, size: Array, distance: float) -> None:
        self._size, self._distance = size, distance
        super().__init__({"sizes": (3,)})

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        found = clusters(seen.positions, self._size, self._distance)
        self._add(sizes=np.array([found.mean_size, found.weighted_size, found.largest_share]))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``cluster_mean_size``, ``cluster_weighted_size``, ``cluster_largest_share``."""
        mean, weighted, largest = self._mean("sizes")
        since = "mean since the last frame"
        return {
            "cluster_mean_size": number(mean, "1", f"particles per cluster, {since}"),
            "cluster_weighted_size": number(weighted, "1", f"size of the cluster of a particle, {since}"),
            "cluster_largest_share": number(largest, "1", f"share of the particles in the largest cluster, {since}"),
        }


class DensityHistograms(SampledSums[Observation]):
    """How often local densities occur, coarse-grained with a Gaussian."""

    name = "density_histogram"

    def __init__(self, names: tuple[str, ...], size: Array, width: float, highest: float, bins: int) -> None:
        self._names, self._size, self._width, self._highest, self._bins = names, size, width, highest, bins
        super().__init__({"histograms": (len(names), bins)})

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        density = coarse_density(seen.positions, self._size, self._width, seen.species, len(self._names))
        self._add(histograms=density_histogram(density, self._bins, self._highest)[1])

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``density_histogram_<A>`` (local_density)."""
        words = "share of the box per local density of"
        return {
            f"density_histogram_{name}": Variable(
                row, ("local_density",), f"length^{self._size.size}", f"{words} {name}, mean since the last frame"
            )
            for name, row in zip(self._names, self._mean("histograms"), strict=True)
        }

    def coordinates(self) -> Mapping[str, Variable]:
        """Middles of the bins."""
        middles = self._highest * (np.arange(self._bins) + 0.5) / self._bins
        units = f"1/length^{self._size.size}"
        return {"local_density": Variable(middles, ("local_density",), units, "middle of the bin of local density")}
