"""The sections of a run file that say what is measured while it runs; see :mod:`runs.reading.settings`."""

from typing import Annotated

from pydantic import Field

from runs.reading.section import NonNegative, Positive, Section

Bins = Annotated[int, Field(ge=1, le=1000)]


class SampledObservables(Section):
    """What both engines are told of their samples."""

    sample_interval: Positive | None = Field(
        default=None,
        description="simulated time between two samples, a whole fraction of that between two frames (time)",
        json_schema_extra={"default_text": "run.output_interval"},
    )


class FieldObservables(SampledObservables):
    """What the field solver measures on the way and shows in frames."""

    structure_factors: bool = Field(default=True, description="structure factors of all pairs of species, and domain sizes")
    pattern_velocity: bool = Field(default=True, description="velocity of the pattern of each species, with its direction")
    kymograph: bool = Field(default=True, description="densities along x at every sample, averaged over the other directions")
    phase_densities: bool = Field(default=False, description="densities of coexisting phases")
    currents: bool = Field(default=False, description="currents without the noise, as fields")
    entropy_production: bool = Field(
        default=False, description="entropy production of the trajectory, step by step, and its local map"
    )
    entropy_length: NonNegative = Field(
        default=0.0, description="coarse-graining length at which entropy production is measured (length); 0: none"
    )
    average_after: NonNegative = Field(default=0.0, description="time from which on averages over a whole run are taken (time)")


class ParticleObservables(SampledObservables):
    """What the particle engine measures on the way and shows in frames."""

    polar_order: bool = Field(default=True, description="polar order of each species and of all particles at every sample")
    mean_squared_displacement: bool = Field(
        default=False, description="mean squared displacement of each species since the start, at every sample"
    )
    radial_distribution: bool = Field(default=False, description="radial distributions of all pairs of species")
    pair_distribution: bool = Field(
        default=False, description="distribution of place and direction of neighbours as particles see them; in two dimensions"
    )
    direction_correlation: bool = Field(
        default=False, description="mean product of the directions of two particles by distance"
    )
    bond_order: bool = Field(default=False, description="global and local hexatic order and its correlation; in two dimensions")
    structure_factors: bool = Field(default=False, description="structure factors of all pairs of species")
    density_histogram: bool = Field(default=False, description="histogram of the local density of each species")
    cluster_distance: Positive | None = Field(
        default=None,
        description="particles closer than this form a cluster; clusters are looked for where it is stated (length)",
    )
    reach: Positive | None = Field(
        default=None,
        description="largest distance of distributions and correlations, at most half of the shortest edge (length)",
        json_schema_extra={"default_text": "that of forces and sensing, at least 8 mean distances of particles"},
    )
    distance_bins: Bins = Field(default=100, description="number of bins of radial distributions and correlations")
    pair_bins: tuple[Bins, ...] = Field(
        default=(50, 36, 36),
        strict=False,
        min_length=3,
        max_length=3,
        description="numbers of bins of the pair distribution: of the distance, of the place and of the direction",
    )
    largest_wavenumber: Positive | None = Field(
        default=None,
        description="up to which there are structure factors (1/length)",
        json_schema_extra={"default_text": "32 waves along the longest edge"},
    )
    density_width: Positive | None = Field(
        default=None,
        description="standard deviation of the Gaussian that smooths local densities (length)",
        json_schema_extra={"default_text": "the longest sensing range, or 2 mean distances of particles"},
    )
    highest_density: Positive | None = Field(
        default=None,
        description="upper edge of the histogram of local densities (1/length^dimension)",
        json_schema_extra={"default_text": "4 times the highest mean density of a species"},
    )
    density_bins: Bins = Field(default=100, description="number of bins of the histogram of local densities")
