"""Measurements of pairs of particles at samples; see :mod:`theory.recording` for how observers are called."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np

from particles.observation import Observation
from theory.arrays import Array
from theory.frames import Variable, number
from theory.observables.hexatic import bond_correlation, global_bond_order, local_bond_order
from theory.observables.orientation import PairCorrelation, pair_correlation
from theory.observables.pair_counts import PairCounts
from theory.observables.pair_distribution import RadialAccumulator
from theory.observables.relative_distribution import RelativeAccumulator
from theory.recording import Memory, Observer, SampledSums

Counts = TypeVar("Counts", bound=PairCounts)


def _middles(low: float, high: float, bins: int) -> Array:
    """Middles of bins of equal widths."""
    return np.asarray(low + (high - low) * (np.arange(bins) + 0.5) / bins)


def _distances(reach: float, bins: int) -> dict[str, Variable]:
    return {"distance": Variable(_middles(0.0, reach, bins), ("distance",), "length", "distance of two particles")}


class _Distributions(Observer[Observation], Generic[Counts]):
    """A distribution over the pairs at all samples since the last frame; a subclass says of what."""

    def __init__(self, names: tuple[str, ...], size: Array, new: Callable[[], Counts]) -> None:
        self._names, self._size, self._new = names, size, new
        self._pairs = new()

    def begin_frame(self) -> None:
        """See :class:`theory.recording.Observer`."""
        self._pairs = self._new()

    def memory(self) -> Memory:
        """See :class:`theory.recording.Observer`."""
        return self._pairs.arrays()

    def restore(self, memory: Memory) -> None:
        """See :class:`theory.recording.Observer`."""
        self.begin_frame()
        self._pairs.add(dict(memory))


class RadialDistributions(_Distributions[RadialAccumulator]):
    """g(r) of every pair of species, of the pairs at all samples since the last frame."""

    name = "radial_distribution"

    def __init__(self, names: tuple[str, ...], size: Array, reach: float, bins: int) -> None:
        super().__init__(names, size, lambda: RadialAccumulator(reach, bins, len(names)))
        self._reach, self._bins = reach, bins

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        self._pairs.accumulate(seen.positions, self._size, seen.species)

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``radial_distribution_<A><B>`` (distance) of every pair, which is that of B and A too."""
        values, found = self._pairs.result().values, {}
        for a, first in enumerate(self._names):
            for b, second in enumerate(self._names[a:], a):
                words = f"radial distribution of {first} and {second}, since the last frame"
                found[f"radial_distribution_{first}{second}"] = Variable(values[a, b], ("distance",), "1", words)
        return found

    def coordinates(self) -> Mapping[str, Variable]:
        """Middles of the bins."""
        return _distances(self._reach, self._bins)


class PairDistributions(_Distributions[RelativeAccumulator]):
    """g(r, phi, theta) of every ordered pair of species, of the pairs at all samples since the last frame."""

    name = "pair_distribution"

    def __init__(self, names: tuple[str, ...], size: Array, reach: float, bins: tuple[int, int, int]) -> None:
        super().__init__(names, size, lambda: RelativeAccumulator(reach, bins, len(names)))
        self._reach, self._bins = reach, bins

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        self._pairs.accumulate(seen.positions, seen.orientations, self._size, seen.species)

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``pair_distribution_<A><B>`` (pair_distance, pair_place, pair_direction): B as seen by A, and how much it rests on.

        ``pair_distribution_pairs_<A><B>`` ordered pairs were counted for it, at ``pair_distribution_samples`` samples.
        """
        values, axes = self._pairs.result().values, ("pair_distance", "pair_place", "pair_direction")
        pairs = self._pairs.pairs
        since = "since the last frame"
        found = {
            "pair_distribution_samples": number(
                self._pairs.configurations, "1", f"samples behind the pair distributions, {since}"
            )
        }
        for a, first in enumerate(self._names):
            for b, second in enumerate(self._names):
                words = f"pair distribution of {second} as seen by {first}, {since}"
                found[f"pair_distribution_{first}{second}"] = Variable(values[a, b], axes, "1", words)
                words = f"pairs of {first} and a neighbour of {second} that were counted, {since}"
                found[f"pair_distribution_pairs_{first}{second}"] = number(pairs[a, b], "1", words)
        return found

    def coordinates(self) -> Mapping[str, Variable]:
        """Middles of the bins."""
        distances, places, directions = self._bins
        axes = {
            "pair_distance": (_middles(0.0, self._reach, distances), "length", "distance of the neighbour"),
            "pair_place": (_middles(-np.pi, np.pi, places), "radian", "where the neighbour is, from the particle's direction"),
            "pair_direction": (_middles(-np.pi, np.pi, directions), "radian", "direction of the neighbour less the particle's"),
        }
        return {name: Variable(values, (name,), units, words) for name, (values, units, words) in axes.items()}


class _Correlations(SampledSums[Observation]):
    """A correlation C(r) over the pairs at all samples since the last frame; a subclass says of what."""

    def __init__(self, size: Array, reach: float, bins: int, further: tuple[str, ...] = ()) -> None:
        self._size, self._reach, self._bins = size, reach, bins
        super().__init__({"counts": (bins,), "sums": (bins,), **dict.fromkeys(("at_zero", *further), ())})

    def _add_pairs(self, one: PairCorrelation, **further: float) -> None:
        sums = np.asarray(np.where(one.counts > 0, one.values, 0.0) * one.counts, dtype=np.float64)
        self._add(counts=one.counts.astype(np.float64), sums=sums, at_zero=one.at_zero, **further)

    @property
    def _values(self) -> Array:
        """C(r), not a number where there was no pair."""
        counts = self._sums["counts"]
        return np.asarray(self._sums["sums"] / np.where(counts > 0.0, counts, np.nan))

    def coordinates(self) -> Mapping[str, Variable]:
        """Middles of the bins."""
        return _distances(self._reach, self._bins)


class DirectionCorrelations(_Correlations):
    """<u_i.u_j> over the pairs at a distance, of whatever species."""

    name = "direction_correlation"

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        self._add_pairs(pair_correlation(seen.orientations, seen.positions, self._size, self._reach, self._bins))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``direction_correlation`` (distance)."""
        words = "mean product of the directions of two particles, since the last frame"
        return {"direction_correlation": Variable(self._values, ("distance",), "1", words)}


class BondOrder(_Correlations):
    r"""|<psi_6>|, <|psi_6|> and g_6(r), of all particles together."""

    name = "bond_order"

    def __init__(self, size: Array, reach: float, bins: int) -> None:
        super().__init__(size, reach, bins, ("global_order", "local_order"))

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        local = local_bond_order(seen.positions, self._size)
        pairs = bond_correlation(local, seen.positions, self._size, self._reach, self._bins)
        self._add_pairs(pairs, global_order=global_bond_order(local), local_order=float(np.mean(np.abs(local))))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``bond_order``, ``local_bond_order``, ``bond_correlation`` (distance)."""
        since, order, local = "since the last frame", self._mean("global_order"), self._mean("local_order")
        correlation = self._values / self._mean("at_zero")
        return {
            "bond_order": number(order, "1", f"hexatic order of all particles, mean {since}"),
            "local_bond_order": number(local, "1", f"hexatic order of a particle's neighbours, mean {since}"),
            "bond_correlation": Variable(correlation, ("distance",), "1", f"correlation g_6 of hexatic order, {since}"),
        }
