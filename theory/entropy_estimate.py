"""What a trajectory tells of its entropy production."""

from dataclasses import dataclass, replace

from theory.arrays import Array
from theory.coarse_graining import Filter


@dataclass(frozen=True)
class EntropyEstimate:
    """Rates of entropy production of a trajectory, one per filter.

    Parameters
    ----------
    filters
        The coarse-grainings.
    rates
        Entropy per time, shape (filter,) (1/time).
    standard_errors
        Shape (filter,); None where the trajectory is too short for them.
    by_species
        What each species contributes, shape (filter, species) (1/time).
    density
        Local rate of the first filter, shape of the grid (1/(time length^d)); None if it was not asked for.
    time
        What the trajectory covers (time).
    intervals
        Shortest and longest step (time).
    clipped_shares
        Largest share of cells that were too empty for a logarithm, shape (filter,).
    spectrum, spectrum_errors
        What the modes of each shell contribute with the first filter, shape (shell,) (1/time); None if it was not asked for,
        or where the trajectory is too short for errors.
    """

    filters: tuple[Filter, ...]
    rates: Array
    standard_errors: Array | None
    by_species: Array
    density: Array | None
    time: float
    intervals: tuple[float, float]
    clipped_shares: Array
    spectrum: Array | None = None
    spectrum_errors: Array | None = None

    def in_units_of(self, strength: float) -> "EntropyEstimate":
        """The rates where the noise has another strength: chemical potentials count in its units."""

        def scaled(values: Array | None) -> Array | None:
            return None if values is None else values / strength

        return replace(
            self,
            rates=self.rates / strength,
            standard_errors=scaled(self.standard_errors),
            by_species=self.by_species / strength,
            density=scaled(self.density),
            spectrum=scaled(self.spectrum),
            spectrum_errors=scaled(self.spectrum_errors),
        )
