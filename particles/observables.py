"""Which observers a run of particles has."""

from dataclasses import asdict, dataclass

import numpy as np

from particles.observation import Observation
from particles.observers import ClusterSizes, DensityHistograms, Displacements, PolarOrder, StructureFactors
from particles.pair_observers import BondOrder, DirectionCorrelations, PairDistributions, RadialDistributions
from theory.arrays import Array, Integers
from theory.errors import InputError
from theory.frames import Json
from theory.model import Model
from theory.observables.periodic import checked_reach
from theory.recording import Observer, Sampling

# reach of correlations, in mean distances of particles, where neither forces nor sensing reach further
_REACH = 8.0
# waves along the longest edge up to which there are structure factors
_WAVES = 32.0
# width over which local densities are smoothed, in mean distances of particles, where nothing is sensed
_WIDTH = 2.0
# upper edge of histograms of local densities, in units of the highest mean density of a species
_HIGHEST = 4.0


@dataclass(frozen=True)
class Observables(Sampling):
    """What is measured on the way.

    Parameters
    ----------
    output_interval
        Time between frames (time).
    sample_interval
        Time between samples, a whole fraction of it and a whole number of time steps (time).
    polar_order
        Of each species and of all particles, sample by sample.
    mean_squared_displacement
        Of each species since the start, sample by sample.
    radial_distribution
        g(r) of all pairs of species.
    pair_distribution
        g(r, phi, theta) of all ordered pairs of species; two dimensions.
    direction_correlation
        <u.u>(r) of all particles.
    bond_order
        Global and local hexatic order and its correlation; two dimensions.
    structure_factors
        Of all pairs of species, averaged over shells.
    density_histogram
        Of the local density of each species.
    cluster_distance
        Distance up to which particles form a cluster; without one clusters are not looked for (length).
    reach
        Largest distance of distributions and correlations (length); by default that of forces and sensing, at least eight mean
        distances of particles, at most half of the shortest edge.
    distance_bins
        Number of bins of g(r), <u.u>(r) and g_6(r).
    pair_bins
        Numbers of bins of r, phi and theta.
    largest_wavenumber
        Of structure factors (1/length); by default that of 32 waves along the longest edge.
    density_width
        Standard deviation of the Gaussian that smooths local densities (length); by default the longest sensing range, or two
        mean distances of particles where nothing is sensed.
    highest_density
        Upper edge of the histograms (1/length^d); by default four times the highest mean density of a species.
    density_bins
        Number of their bins.
    """

    polar_order: bool = False
    mean_squared_displacement: bool = False
    radial_distribution: bool = False
    pair_distribution: bool = False
    direction_correlation: bool = False
    bond_order: bool = False
    structure_factors: bool = False
    density_histogram: bool = False
    cluster_distance: float | None = None
    reach: float | None = None
    distance_bins: int = 100
    pair_bins: tuple[int, int, int] = (50, 36, 36)
    largest_wavenumber: float | None = None
    density_width: float | None = None
    highest_density: float | None = None
    density_bins: int = 100

    def described(self) -> dict[str, Json]:
        """What must agree for what was gathered to be continued, as JSON holds it."""
        return {**asdict(self), "pair_bins": list(self.pair_bins)}

    def observers(self, model: Model, size: Array, numbers: Integers) -> list[Observer[Observation]]:
        """The observers of a model's particles in a box.

        Parameters
        ----------
        model, size
            The model, and the edges of the box, shape (dimension,) (length).
        numbers
            Particles of each species, shape (species,).

        Raises
        ------
        InputError
            One of them cannot be had for this model or box.
        """
        self._check(model)
        names, particles = model.names, int(numbers.sum())
        found: list[Observer[Observation]] = []
        if self.polar_order:
            found.append(PolarOrder(names, self))
        if self.mean_squared_displacement:
            found.append(Displacements(names, size, particles, self))
        if self.structure_factors:
            largest = self.largest_wavenumber or _WAVES * 2.0 * np.pi / float(size.max())
            found.append(StructureFactors(names, size, largest))
        if self.density_histogram:
            highest = self.highest_density or _HIGHEST * float(numbers.max()) / float(np.prod(size))
            found.append(DensityHistograms(names, size, self._width(model, size, particles), highest, self.density_bins))
        if self.cluster_distance is not None:
            found.append(ClusterSizes(size, checked_reach(self.cluster_distance, size)))
        return found + self._of_pairs(model, size, particles)

    def _of_pairs(self, model: Model, size: Array, particles: int) -> list[Observer[Observation]]:
        reach = checked_reach(self.reach or default_reach(model, size, particles), size)
        found: list[Observer[Observation]] = []
        if self.radial_distribution:
            found.append(RadialDistributions(model.names, size, reach, self.distance_bins))
        if self.pair_distribution:
            found.append(PairDistributions(model.names, size, reach, self.pair_bins))
        if self.direction_correlation:
            found.append(DirectionCorrelations(size, reach, self.distance_bins))
        if self.bond_order:
            found.append(BondOrder(size, reach, self.distance_bins))
        return found

    def _width(self, model: Model, size: Array, particles: int) -> float:
        if self.density_width is not None:
            return self.density_width
        return min(_sensed(model) or _WIDTH * _distance(size, particles), 0.5 * float(size.min()))

    def _check(self, model: Model) -> None:
        for name in ("pair_distribution", "bond_order"):
            if getattr(self, name) and model.dimension != 2:
                raise InputError(
                    f"particles.observables.{name} is measured in two dimensions, and model.dimension is {model.dimension}; "
                    "set it to false"
                )


def _distance(size: Array, particles: int) -> float:
    """Mean distance of particles (length)."""
    return float((np.prod(size) / particles) ** (1.0 / size.size))


def _sensed(model: Model) -> float:
    """How far particles sense, 0 if they do not (length)."""
    return float(np.max(model.sensing_ranges)) if np.any(model.senses) else 0.0


def default_reach(model: Model, size: Array, particles: int) -> float:
    """How far correlations are followed unless it is stated (length); see :class:`Observables`."""
    cutoffs = [law.cutoff for law in model.interactions.values()]
    return min(max(_sensed(model), _REACH * _distance(size, particles), *cutoffs), 0.5 * float(size.min()))
