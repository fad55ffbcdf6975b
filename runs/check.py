"""``twoscale check``: what a run file says, and what running it will take."""

from typing import TYPE_CHECKING

import numpy as np

from runs.initial_source import FROM_ELSEWHERE, read_source
from runs.reading.keys import keys
from theory.fourier import Grid
from theory.pair_scales import pair_scales

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

# measured on one core of a busy 2-core server: nanoseconds per cell, species and evaluation; per particle and step
_NANOSECONDS_PER_CELL = 80.0
_NANOSECONDS_PER_PARTICLE = {"mesh": 30.0, "exact": 350.0}
_NANOSECONDS_TO_MOVE = 40.0
_NANOSECONDS_PER_NEIGHBOUR = 2.5
_BYTES_PER_FLOAT = 8


def describe_run(specification: "RunSpecification") -> str:
    """The model as a tree, then resolution, memory and expected cost of each scale.

    Raises
    ------
    InputError
        A motility law gives a negative or not finite speed at the composition.
    """
    model = specification.model
    model.speed(model.densities(dict(specification.composition)))
    composition = ", ".join(f"{name} {value:g}" for name, value in specification.composition.items())
    box = " x ".join(f"{edge:g}" for edge in specification.size)
    run = specification.run
    lines = [
        str(model),
        "",
        f"composition {composition}; box {box}",
        f"duration {run.duration:g}, a frame every {run.output_interval:g}, seed {run.seed}",
    ]
    lines.append(f"starts from {_describe_start(specification)}")
    if specification.fields is not None:
        lines += _describe_fields(specification)
    if specification.particles is not None:
        lines += _describe_particles(specification)
    lines += [f"note: {one}" for one in specification.advice()]
    return "\n".join(lines)


def _describe_start(specification: "RunSpecification") -> str:
    """The initial state in words; what comes from elsewhere is read, so that a check finds what a run would."""
    initial = specification.initial
    noise = f" with a perturbation of {initial.relative_noise:g}" if initial.relative_noise > 0.0 else ""
    if initial.state in FROM_ELSEWHERE:
        cells = " x ".join(str(n) for n in read_source(specification).density.shape[:0:-1])
        return f"the densities of {initial.path} ({cells} cells){noise}"
    if initial.state == "phases":
        shares = ", ".join(f"{share:.4g}" for share in specification.phase_shares)
        return f"phases in the geometry {initial.geometry}, shares {shares}{noise}"
    if initial.state == "waves":
        return f"{len(initial.waves)} waves{noise}"
    return f"the homogeneous mixture{noise}"


def _describe_fields(specification: "RunSpecification") -> list[str]:
    from fieldsolver.solver import DEFAULT_TOLERANCE
    from fieldsolver.steppers import STEPPERS, default_stepper
    from runs.engines import fields_time_step

    settings, model = specification.fields, specification.model
    assert settings is not None
    grid = Grid(tuple(specification.size), tuple(settings.grid)[::-1])
    species = model.number_of_species
    scheme = STEPPERS[settings.stepper or default_stepper(settings.noise, settings.order)]
    seconds_per_step = grid.cells * species * scheme.evaluations * _NANOSECONDS_PER_CELL * 1e-9
    step = fields_time_step(specification)
    if step is None:
        pace = f"steps with an error below {settings.tolerance or DEFAULT_TOLERANCE:g}"
        cost = f"about {_duration(seconds_per_step)} per step on one core"
    else:
        pace, steps = f"time step {step:g}", specification.run.duration / step
        cost = f"{steps:.3g} steps, about {_duration(steps * seconds_per_step)} on one core"
    # real: density, sensed, speed, flux; spectral (as many numbers): the same and the stepper's and noise's arrays
    arrays = species * (5 + 5 + 8) + len(model.channels.sources) * 3
    memory = arrays * grid.cells * _BYTES_PER_FLOAT
    shortest = min((one for one in model.sensing_ranges if one > 0.0), default=None)
    resolution = "" if shortest is None else f", {shortest / max(grid.spacing):.3g} cells per sensing range"
    noise = f"noise {settings.noise:g}" if settings.noise else "deterministic"
    return [
        f"fields: grid {' x '.join(map(str, settings.grid))}, spacing {max(grid.spacing):.4g}{resolution}; {noise}; "
        f"{scheme.name}, {pace}",
        f"        about {_memory(memory)} of memory; {cost}",
    ]


def _describe_particles(specification: "RunSpecification") -> list[str]:
    from runs.engines import particles_time_step

    settings = specification.particles
    assert settings is not None
    number = float(np.prod(specification.size) * sum(specification.composition.values()))
    step = particles_time_step(specification)
    steps = specification.run.duration / step
    senses = bool(np.any(specification.model.senses))
    neighbours = _neighbours(specification)
    nanoseconds = _NANOSECONDS_PER_PARTICLE[settings.sensing] if senses else _NANOSECONDS_TO_MOVE
    seconds = steps * number * (nanoseconds + _NANOSECONDS_PER_NEIGHBOUR * neighbours) * 1e-9
    memory = number * (150 + 6.0 * neighbours)
    return [
        f"particles: {number:.4g} particles, {f'{settings.sensing} sensing, ' if senses else ''}time step {step:g}",
        *_describe_pairs(specification),
        f"        about {_memory(memory)} of memory; {steps:.3g} steps, about {_duration(seconds)} on one core",
    ]


def _neighbours(specification: "RunSpecification") -> float:
    """Mean number of neighbours within the cut-offs that a particle interacts with."""
    model = specification.model
    densities = model.densities(dict(specification.composition))
    volumes = {1: 2.0, 2: np.pi, 3: 4.0 * np.pi / 3.0}
    pairs = sum(
        densities[observer] * densities[source] * volumes[model.dimension] * law.cutoff**model.dimension
        for (observer, source), law in model.interactions.items()
    )
    return float(pairs / np.sum(densities))


def _describe_pairs(specification: "RunSpecification") -> list[str]:
    """What the cut-off of each pair interaction leaves out, and what should be noted of it."""
    if not specification.model.interactions:
        return []
    from particles.pair_forces import cutoff_warnings

    model = specification.model
    densities = model.densities(dict(specification.composition))
    scales = {pair: pair_scales(model, pair, densities) for pair in model.interactions}
    return [
        f"        {model.names[source]} on {model.names[observer]}: closest approach {one.closest:.3g}; beyond the cut-off at "
        f"most {100.0 * one.neglected_force:.2g} % of the force and {100.0 * one.neglected_torque:.2g} % of the torque"
        for (observer, source), one in scales.items()
    ] + [f"        note: {told}" for told in cutoff_warnings(model, scales)]


def _memory(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024.0:
            return f"{size:.3g} {unit}"
        size /= 1024.0
    return f"{size:.3g} TiB"


def _duration(seconds: float) -> str:
    if seconds < 120.0:
        return f"{seconds:.2g} s"
    return f"{seconds / 60.0:.2g} min" if seconds < 7200.0 else f"{seconds / 3600.0:.2g} h"


def describe_keys() -> str:
    """All keys of a run file with type, default, allowed values and description."""
    lines = []
    for key in keys():
        default = "" if key.default is None else f" (default {key.default})"
        allowed = f" [{key.allowed}]" if key.allowed else ""
        lines.append(f"{key.path}: {key.type}{default}{allowed}\n    {key.description}")
    return "\n".join(lines)
