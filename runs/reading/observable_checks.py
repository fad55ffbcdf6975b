"""Checks of what a run file wants measured that need more than one key: calendar, box and dimension."""

import math

from runs.reading.observables import ParticleObservables, SampledObservables
from runs.reading.problems import ProblemList
from runs.reading.settings import RunFileSections, RunSettings
from runs.reading.toml_lines import KeyPath

MOST_SAMPLES = 10**4
_PATH: KeyPath = ("particles", "observables")


def check_samples(sections: RunFileSections, run: RunSettings, problems: ProblemList) -> None:
    """Samples suit frames and steps; averages begin before the end."""
    fields, particles = sections.fields, sections.particles
    if fields is not None:
        _check_interval("fields", fields.observables, fields.time_step, run, problems)
        if fields.observables.average_after >= run.duration:
            problems.add(
                ("fields", "observables", "average_after"),
                f"not before the end of the run, run.duration = {run.duration:g}",
                f"allowed: a number >= 0 and < {run.duration:g}",
            )
    if particles is not None:
        _check_interval("particles", particles.observables, particles.time_step, run, problems)
        _check_steps(particles.observables.sample_interval, particles.time_step, problems)


def _check_interval(
    scale: str, observables: SampledObservables, step: float | None, run: RunSettings, problems: ProblemList
) -> None:
    """Samples are a whole fraction of the output interval, and not closer than steps."""
    path: KeyPath = (scale, "observables", "sample_interval")
    interval = observables.sample_interval
    if interval is None:
        return
    ratio = run.output_interval / interval
    if not _whole(ratio):
        message = f"no whole fraction of run.output_interval = {run.output_interval:g}"
        problems.add(path, message, f"allowed: {run.output_interval:g} divided by 1, 2, 3, ...")
    elif step is not None and interval < step * (1.0 - 1e-9):
        problems.add(path, f"shorter than {scale}.time_step = {step:g}", f"allowed: a number >= {step:g}")
    elif ratio > MOST_SAMPLES:
        problems.add(path, f"more than {MOST_SAMPLES} samples in each frame")


def _whole(ratio: float) -> bool:
    return round(ratio) >= 1 and abs(ratio - round(ratio)) <= 1e-6 * ratio


def _check_steps(interval: float | None, step: float | None, problems: ProblemList) -> None:
    """Particles, whose step is fixed, are seen after whole numbers of steps."""
    path: KeyPath = (*_PATH, "sample_interval")
    if interval is None or step is None or problems.touches(*path) or _whole(interval / step):
        return
    message = f"no whole number of steps, particles.time_step = {step:g}"
    problems.add(path, message, f"allowed: {step:g} times 1, 2, 3, ...")


def check_particle_observables(
    observables: ParticleObservables, size: tuple[float, ...], dimension: int | None, problems: ProblemList
) -> None:
    """What is measured of particles suits the box and its dimension."""
    half, longest = 0.5 * min(size), max(size)
    for name in ("reach", "cluster_distance", "density_width"):
        value = getattr(observables, name)
        if value is not None and value > half * (1.0 + 1e-12):
            message = f"longer than half of the shortest edge of the box, {half:g}"
            problems.add((*_PATH, name), message, f"allowed: a number > 0 and <= {half:g}")
    lowest = 2.0 * math.pi / longest
    if observables.largest_wavenumber is not None and observables.largest_wavenumber < lowest:
        message = f"below that of the longest wave in the box, 2 pi/{longest:g}"
        problems.add((*_PATH, "largest_wavenumber"), message, f"allowed: a number >= {lowest:g}")
    for name in ("pair_distribution", "bond_order") if dimension not in (None, 2) else ():
        if getattr(observables, name):
            message = f"measured in two dimensions, and model.dimension is {dimension}; set it to false"
            problems.add((*_PATH, name), message)
