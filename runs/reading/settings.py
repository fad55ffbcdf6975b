"""The sections of a run file, as they are written: every key with its type, range, default, unit and meaning.

Units are those of the model: one length, one time, both chosen by the user. The classes are strict: text
is not a number, ``true`` is not a number, and unknown keys are refused; an integer is accepted where a real
number is expected. What spans several sections is checked in `runs.reading.cross_checks`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from runs.reading.observables import FieldObservables, ParticleObservables
from runs.reading.section import NonNegative, Positive, Section

REQUIRED_SECTIONS = ("model", "composition", "domain", "run")

# marks of union members in pydantic's error locations; no key looks like them
TAGS = ("<number>", "<list>")
KernelName = Literal["bump", "linear", "gaussian", "exponential", "local"]
StepperName = Literal["sbdf2", "exponential_adams", "etdrk2", "etdrk4", "exponential_euler"]
LARGEST_ORDER = 64
NOISY_STEPPERS = ("exponential_adams", "etdrk2", "exponential_euler")


def constant_as_text(speed: Any) -> Any:
    """A speed that is given as a number, which is a constant speed, as the text of a motility law."""
    if isinstance(speed, bool) or not isinstance(speed, int | float):
        return speed
    try:
        return repr(float(speed))
    except OverflowError:
        return speed


def _number_or_list(value: Any) -> str:
    return TAGS[isinstance(value, list)]


class MotionSection(Section):
    """How directions forget themselves: 1/tau = tumble_rate + (dimension - 1) rotational_diffusion."""

    tumble_rate: NonNegative = Field(default=0.0, description="rate of complete random reorientations (1/time)")
    rotational_diffusion: NonNegative = Field(default=0.0, description="rotational diffusivity of the direction (1/time)")
    aoup: bool = Field(default=False, description="whether the self-propulsion is an Ornstein-Uhlenbeck vector")
    persistence_time: Positive | None = Field(
        default=None, description="correlation time (time), in place of the rates; only with aoup = true"
    )


class ChemotaxisSection(Section):
    """How a species steers by the gradient of a chemical; positive numbers make it a repellent."""

    speed_bias: float = Field(
        default=0.0,
        description="v1: the speed falls by this times the gradient along the direction (length^2/time per concentration)",
    )
    reorientation_bias: float = Field(
        default=0.0,
        description="1/tau1: the reorientation rate rises by this times the gradient along the direction "
        "(length/time per concentration)",
    )
    turning: float = Field(
        default=0.0,
        description="chi: the direction turns down the gradient at this times its magnitude (length/time per concentration)",
    )


class SpeciesSection(Section):
    """One species."""

    name: str = Field(description="identifier by which motility laws and the composition name the species")
    motion: MotionSection = Field(description="how directions forget themselves")
    speed: Annotated[str, BeforeValidator(constant_as_text)] = Field(
        description="motility law: speed (length/time) in the sensed densities of the species, "
        "their sum total, the concentrations of chemicals and the parameters; a number is a constant speed"
    )
    translational_diffusion: NonNegative = Field(default=0.0, description="translational diffusivity (length^2/time)")
    chemotaxis: Mapping[str, ChemotaxisSection] = Field(
        default={}, description="how the species steers by chemicals, by name of the chemical"
    )
    translational_drag: Positive = Field(default=1.0, description="xi_t, by which pair forces are divided (force time/length)")
    rotational_drag: Positive = Field(default=1.0, description="xi_r, by which pair torques are divided (torque time)")


class ChemicalSection(Section):
    """One chemical that particles make."""

    name: str = Field(description="identifier by which motility laws and chemotaxis name the chemical")
    production: Mapping[str, float] = Field(
        default={}, description="rate at which one particle of each species makes it (amount/time); negative: takes it up"
    )
    diffusivity: NonNegative = Field(description="diffusivity (length^2/time)")
    decay_rate: NonNegative = Field(description="rate of decay (1/time)")
    adiabatic: bool = Field(
        default=True, description="whether the concentration follows the densities at once, rather than in time"
    )


class JanusSection(Section):
    """Screened dipoles in the head and the tail of Janus colloids ([S2] Eqs. 1, 2)."""

    head_dipole: float = Field(description="strength of the dipole in the head")
    tail_dipole: float = Field(description="strength of the dipole in the tail, with its sign")
    dipole_offset: NonNegative = Field(description="distance of the dipoles from the centre (length)")
    screening_length: Positive = Field(description="screening length (length)")
    permittivity: Positive = Field(default=1.0, description="permittivity")


class InteractionSection(Section):
    """Force and torque on particles of one species from those of another."""

    observer: str = Field(description="species that is pushed and turned")
    source: str = Field(description="species that pushes and turns it")
    cutoff: Positive = Field(default=8.0, description="distance from which on the interaction is left out (length)")
    force: Annotated[str, BeforeValidator(constant_as_text)] | None = Field(
        default=None, description="force in the distance r and the parameters; positive repels"
    )
    torque: Annotated[str, BeforeValidator(constant_as_text)] | None = Field(
        default=None,
        description="torque in the distance r and the parameters; positive turns the observer away from the source",
    )
    janus: JanusSection | None = Field(default=None, description="in place of force and torque: those of Janus colloids")


class MeanFieldSection(Section):
    """The pair interaction of two species as fields see it."""

    observer: str = Field(description="species that is acted on")
    source: str = Field(description="species that acts")
    torque_harmonics: tuple[float, ...] = Field(
        default=(), strict=False, max_length=64, description="T_1, T_2, ...: harmonics of the mean torque (torque length^2)"
    )
    speed_reduction: float = Field(default=0.0, description="zeta_0: loss of speed per density (force length^2)")
    turning: float = Field(default=0.0, description="chi: turning down the density gradient (length^4/time)")
    repulsion: float = Field(default=0.0, description="kappa_F: drift down the density gradient (force length^4)")


class PairSection(Section):
    """How one species senses another, where it differs from the default."""

    observer: str = Field(description="species that senses")
    source: str = Field(description="species that is sensed")
    kernel: KernelName = Field(description="sensing kernel of this pair")
    range: Positive = Field(description="range of this kernel (length)")


class SensingSection(Section):
    """How densities are sensed."""

    kernel: KernelName = Field(default="bump", description="sensing kernel of all pairs of species")
    range: Positive = Field(
        default=1.0,
        description="range of the kernel (length); of the gaussian kernel the standard deviation per axis",
    )
    count_self: bool = Field(default=True, description="whether a particle senses itself")
    pairs: tuple[PairSection, ...] = Field(
        default=(), strict=False, description="exceptions, at most one for each ordered pair of species"
    )


class ModelSection(Section):
    """What interacts."""

    dimension: int = Field(ge=1, le=3, description="dimension of space")
    parameters: Mapping[str, float] = Field(
        default={}, description="values of the names that the motility laws use, in any unit"
    )
    species: tuple[SpeciesSection, ...] = Field(strict=False, min_length=1, max_length=64, description="the species")
    sensing: SensingSection = Field(default=SensingSection(), description="how densities are sensed")
    chemicals: tuple[ChemicalSection, ...] = Field(
        default=(), strict=False, max_length=16, description="chemicals that particles make and steer by"
    )
    interactions: tuple[InteractionSection, ...] = Field(
        default=(), strict=False, description="pair forces and torques, at most one for each ordered pair of species"
    )
    mean_field: tuple[MeanFieldSection, ...] = Field(
        default=(),
        strict=False,
        description="coefficients with which fields see pair interactions, at most one for each ordered pair of species",
    )


class DomainSection(Section):
    """The periodic box."""

    size: Annotated[
        Annotated[Positive, Tag(TAGS[0])]
        | Annotated[tuple[Positive, ...], Field(strict=False, min_length=1, max_length=3), Tag(TAGS[1])],
        Discriminator(_number_or_list),
    ] = Field(
        description="edges (length) of the periodic box, one for each dimension; "
        "a single number is the edge of a square or cubic box"
    )


class FieldSettings(Section):
    """How the field solver runs the model."""

    grid: tuple[Annotated[int, Field(ge=8, le=65536, multiple_of=2)], ...] = Field(
        strict=False,
        min_length=1,
        max_length=3,
        description="number of grid cells along x, y, ..., one for each dimension; products of small primes are fastest",
    )
    order: int = Field(
        default=0, ge=0, le=LARGEST_ORDER, description="highest angular harmonic that is kept; 0 is fluctuating hydrodynamics"
    )
    precision: Literal["float64", "float32"] = Field(
        default="float64", description="of fields and transforms; modes and time steps are in double precision in any case"
    )
    noise: NonNegative = Field(default=1.0, description="factor of the variance of the noise; 0 is deterministic")
    time_step: Positive | None = Field(
        default=None,
        description="fixed time step (time)",
        json_schema_extra={"default_text": "follows the error; with noise chosen by the solver"},
    )
    tolerance: Annotated[float, Field(ge=1e-10, le=0.1)] | None = Field(
        default=None,
        description="largest error of a time step that follows the error, relative to the variation of the densities",
        json_schema_extra={"default_text": "0.001"},
    )
    stepper: StepperName | None = Field(
        default=None,
        description="time stepping scheme",
        json_schema_extra={"default_text": '"sbdf2"; with noise "exponential_adams", or "etdrk2" if order > 0'},
    )
    noise_length: Positive | None = Field(
        default=None,
        description="coarse-graining length below which no noise acts (length)",
        json_schema_extra={"default_text": "the sensing range"},
    )
    maximum_clipped_share: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="share of cells of negative density beyond which the run stops",
    )
    observables: FieldObservables = Field(
        default=FieldObservables(), description="what is measured on the way and shown in frames"
    )


class ParticleSettings(Section):
    """How the particle engine runs the model."""

    sensing: Literal["mesh", "exact"] = Field(
        default="mesh",
        description="how densities are sensed: on a mesh, or exactly by summing over neighbours",
    )
    time_step: Positive | None = Field(
        default=None,
        description="time step (time)",
        json_schema_extra={"default_text": "chosen by the engine"},
    )
    integrator: Literal["midpoint", "euler"] = Field(
        default="midpoint", description="scheme of positions: of second order, or that of Euler and Maruyama"
    )
    mesh_spacing: Positive | None = Field(
        default=None,
        description="largest edge of a cell of the mesh by which densities are sensed and chemicals spread (length)",
        json_schema_extra={"default_text": "chosen by the engine"},
    )
    minimum_distance: NonNegative = Field(
        default=0.0, description="least distance of any two particles at the start (length); 0: they are placed independently"
    )
    save_positions: bool = Field(default=True, description="whether frames hold the positions and directions of all particles")
    observables: ParticleObservables = Field(
        default=ParticleObservables(), description="what is measured on the way and shown in frames"
    )


class RunSettings(Section):
    """How long a run lasts and what it writes."""

    duration: Positive = Field(description="simulated time from start to end (time)")
    output_interval: Positive = Field(
        # asked for even if the duration is refused, in which case the whole section is
        default_factory=lambda values: values.get("duration", 1.0) / 100.0,
        description="simulated time between two frames (time)",
        json_schema_extra={"default_text": "duration/100"},
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="seed of all random numbers")
    checkpoint_interval: NonNegative = Field(
        default=30.0,
        description="wall-clock time between two checkpoints (seconds); 0 writes one with every frame",
    )


Directions = Mapping[str, Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=3)]]


class PhaseSection(Section):
    """One phase of the initial state."""

    share: Annotated[float, Field(ge=0.0, le=1.0)] | None = Field(
        default=None,
        description="share of the box that the phase fills; all shares add up to 1",
        json_schema_extra={"default_text": "required, but with radius"},
    )
    densities: Mapping[str, NonNegative] = Field(description="number density of each species (1/length^dimension)")
    polarity: Directions = Field(
        default={}, description="mean direction of each species in this phase, in place of initial.polarity"
    )


class WaveSection(Section):
    """One wave of the density of one species in the initial state."""

    species: str = Field(description="species whose density the wave modulates")
    wave: tuple[int, ...] = Field(
        strict=False, min_length=1, max_length=3, description="number of periods along x, y, ..., with signs"
    )
    amplitude: float = Field(ge=-1.0, le=1.0, description="amplitude relative to the mean density")
    phase: float = Field(default=0.0, description="phase of the cosine at the corner of the box (radian)")


class InitialSettings(Section):
    """The state from which a run starts."""

    state: Literal["homogeneous", "phases", "waves", "file", "run"] = Field(
        default="homogeneous",
        description="the composition everywhere, phases side by side, waves, densities from a file, or a frame of another run",
    )
    noise: Annotated[float, Field(ge=0.0, le=0.5)] | None = Field(
        default=None,
        description="relative amplitude of the random perturbation of the initial densities",
        json_schema_extra={"default_text": '0.01 with "homogeneous" and "phases", else 0.0'},
    )
    polarity: Directions = Field(
        default={},
        description="mean direction of each species along x, y, ..., of length <= 1; of particles, and fields of order >= 1",
    )
    geometry: Literal["slab", "patches", "droplet"] = Field(
        default="slab",
        description="how phases are laid out: in slabs across the box, in random patches, or as a droplet and shells around it",
    )
    patch_size: Positive | None = Field(
        default=None,
        description="edge of a patch (length)",
        json_schema_extra={"default_text": "a quarter of the shortest edge of the box"},
    )
    radius: Positive | None = Field(
        default=None,
        description="radius of the droplet (length), in place of the shares of its phase and of the one around it",
        json_schema_extra={"default_text": "from the shares"},
    )
    phases: tuple[PhaseSection, ...] = Field(default=(), strict=False, description='the phases, with state = "phases"')
    waves: tuple[WaveSection, ...] = Field(
        default=(), strict=False, max_length=64, description='the waves, with state = "waves"'
    )
    path: str | None = Field(
        default=None, description="file (.npz) with an array of densities for each species, or directory of another run"
    )
    time: NonNegative | None = Field(
        default=None,
        description="time of the frame of the other run (time)",
        json_schema_extra={"default_text": "its last frame"},
    )
    scale: Literal["fields", "particles"] | None = Field(
        default=None,
        description="scale of the other run whose densities are taken",
        json_schema_extra={"default_text": "its fields, if it has them"},
    )

    @property
    def relative_noise(self) -> float:
        """Amplitude of the random perturbation: as stated, or the default of the state."""
        if self.noise is not None:
            return self.noise
        return 0.01 if self.state in ("homogeneous", "phases") else 0.0


class RunFileSections(Section):
    """A whole run file. No section is required here, so that the others can be read while one is refused."""

    model: ModelSection | None = Field(default=None, description="what interacts")
    composition: Mapping[str, NonNegative] | None = Field(
        default=None, description="mean number density of each species (1/length^dimension)"
    )
    domain: DomainSection | None = Field(default=None, description="the periodic box")
    fields: FieldSettings | None = Field(default=None, description="present: the field solver can run this")
    particles: ParticleSettings | None = Field(default=None, description="present: the particle engine can run this")
    run: RunSettings | None = Field(default=None, description="how long a run lasts and what it writes")
    initial: InitialSettings = Field(default=InitialSettings(), description="the state from which a run starts")
