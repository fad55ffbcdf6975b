"""The engines of a run file: which one runs a scale, from which state and with which time step."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from runs.initial import initial_density, initial_mean_directions, initial_polarity
from runs.initial_source import FROM_ELSEWHERE, Source, read_source
from runs.runfile import RunSpecification, Scale
from runs.wisdom import keep_wisdom, recall_wisdom
from theory.arrays import Array
from theory.fourier import Grid
from theory.frames import Frame, State

if TYPE_CHECKING:
    from fieldsolver import Observables as FieldObservables
    from particles import Observables as ParticleObservables
    from runs.reading.observables import SampledObservables


class Engine(Protocol):
    """What both engines offer."""

    @property
    def time(self) -> float:
        """Physical time reached (time)."""

    @property
    def step(self) -> int:
        """Number of steps taken."""

    @property
    def time_step(self) -> float:
        """The time step, or the next one that is wished for (time)."""

    def advance(self, until: float, *, interrupt: Callable[[], bool] | None = None) -> bool:
        """Step until a time, or until the interrupt answers True; whether the time was reached."""

    def frame(self) -> Frame:
        """What is stored of this time."""

    def state(self) -> State:
        """Everything that a bit-exact continuation needs."""

    def restore(self, state: State) -> None:
        """Continue from a state."""

    def warnings(self) -> list[str]:
        """What a reader of the results must know."""


def build_engine(specification: RunSpecification, scale: Scale, threads: int = 1, source: Source | None = None) -> Engine:
    """The engine of one scale, at its initial state.

    Parameters
    ----------
    specification
        The run.
    scale
        Which engine.
    threads
        Threads of the engine.
    source
        Initial fields that were read from elsewhere; read now if they are needed and not given.

    Raises
    ------
    InputError
        The model cannot be run at this scale, or its initial state cannot be read.
    """
    if source is None and specification.initial.state in FROM_ELSEWHERE:
        source = read_source(specification)
    build = _build_fields if scale == "fields" else _build_particles
    while True:
        known = recall_wisdom()
        engine = build(specification, threads, source)
        # if another process has planned meanwhile, its plans hold for this one, too
        if keep_wisdom(known):
            return engine


def _build_fields(specification: RunSpecification, threads: int, source: Source | None) -> Engine:
    from fieldsolver import FieldSolver

    settings = specification.fields
    assert settings is not None
    grid = Grid(tuple(specification.size), tuple(settings.grid)[::-1])
    density = initial_density(specification, grid, source)
    return FieldSolver(
        specification.model,
        specification.size,
        density,
        order=settings.order,
        polarity=initial_polarity(specification, density, grid, source) if settings.order > 0 else None,
        precision=settings.precision,
        noise=settings.noise,
        noise_length=settings.noise_length,
        time_step=fields_time_step(specification),
        tolerance=settings.tolerance,
        stepper=settings.stepper,
        seed=specification.run.seed,
        threads=threads,
        maximum_clipped_share=settings.maximum_clipped_share,
        observables=_field_observables(specification),
    )


def _field_observables(specification: RunSpecification) -> "FieldObservables":
    from fieldsolver import Observables

    assert specification.fields is not None
    return Observables(**_stated(specification, specification.fields.observables))


def _particle_observables(specification: RunSpecification) -> "ParticleObservables":
    from particles import Observables

    assert specification.particles is not None
    return Observables(**_stated(specification, specification.particles.observables))


def _stated(specification: RunSpecification, observables: "SampledObservables") -> dict[str, Any]:
    """What a run file wants measured, and when."""
    calendar = {
        "output_interval": specification.run.output_interval,
        "sample_interval": _sample_interval(specification, observables),
    }
    return observables.model_dump() | calendar


def _sample_interval(specification: RunSpecification, observables: "SampledObservables") -> float:
    return observables.sample_interval or specification.run.output_interval


def _build_particles(specification: RunSpecification, threads: int, source: Source | None) -> Engine:
    from particles import ParticleEngine

    settings = specification.particles
    assert settings is not None
    model = specification.model
    density, polarity = _profiles_of_particles(specification, source)
    return ParticleEngine(
        model,
        specification.size,
        dict(specification.composition),
        time_step=particles_time_step(specification),
        sensing=settings.sensing,
        integrator=settings.integrator,
        seed=specification.run.seed,
        mesh_spacing=settings.mesh_spacing,
        threads=threads,
        save_positions=settings.save_positions,
        density=density,
        polarity=polarity,
        minimum_distance=settings.minimum_distance,
        observables=_particle_observables(specification),
    )


def _profiles_of_particles(specification: RunSpecification, source: Source | None) -> tuple[Array | None, Array | None]:
    """Densities and mean directions from which particles are drawn; None where they are uniform, and none is preferred."""
    if specification.initial.state == "homogeneous":
        composition = specification.model.densities(dict(specification.composition))
        uniform = composition.reshape(-1, *(1,) * specification.model.dimension)
        return None, initial_mean_directions(specification, uniform, source)
    model = specification.model
    # cells of two mean distances where nothing is sensed, as in frames
    spacing = 2.0 * sum(specification.composition.values()) ** (-1.0 / model.dimension)
    if np.any(model.senses):
        spacing = min(one for one in model.sensing_ranges if one > 0.0) / 4.0
    shape = tuple(2 * max(4, round(edge / spacing / 2.0)) for edge in specification.size[::-1])
    density = initial_density(specification, Grid(tuple(specification.size), shape), source)
    return density, initial_mean_directions(specification, density, source)


def fields_time_step(specification: RunSpecification) -> float | None:
    """Fixed time step of the fields (time): as stated, or with noise the default, shortened so that samples fall on steps.

    None where steps follow the error.

    Raises
    ------
    InputError
        There is no default: a speed vanishes at the composition.
    """
    from fieldsolver.timestep import default_time_step

    settings = specification.fields
    assert settings is not None
    if settings.time_step is not None or settings.noise == 0.0:
        return settings.time_step
    grid = Grid(tuple(specification.size), tuple(settings.grid)[::-1])
    composition = specification.model.densities(dict(specification.composition))
    longest = default_time_step(specification.model, composition, grid, settings.order)
    return _divided(_sample_interval(specification, settings.observables), longest)


def particles_time_step(specification: RunSpecification) -> float:
    """Time step of the particles (time): as stated, or the engine's default, shortened so that samples fall on steps.

    Raises
    ------
    InputError
        There is no default: no time step resolves a pair interaction.
    """
    from particles.timestep import default_time_step

    settings, model = specification.particles, specification.model
    assert settings is not None
    if settings.time_step is not None:
        return settings.time_step
    densities = model.densities(dict(specification.composition))
    return _divided(_sample_interval(specification, settings.observables), default_time_step(model, densities))


def _divided(interval: float, longest: float) -> float:
    """The longest part of an interval that is not longer than something."""
    return interval / math.ceil(interval / longest * (1.0 - 1e-12))
