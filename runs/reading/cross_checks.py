"""Checks of a run file that need more than one key: box and dimension, scales and model, phases."""

import math
from collections.abc import Mapping

from runs.reading.initial import check_initial, check_lengths, check_polarity, check_waves
from runs.reading.model import ModelCheck, check_speed
from runs.reading.observable_checks import check_particle_observables, check_samples
from runs.reading.problems import ProblemList, hint, nearest, show_path, value_at
from runs.reading.settings import (
    NOISY_STEPPERS,
    DomainSection,
    FieldSettings,
    RunFileSections,
    RunSettings,
)
from runs.reading.toml_lines import KeyPath
from theory.errors import InputError

LARGEST_COUNT = 2**31
# steps are counted in floating point up to here without a gap
MOST_STEPS = 2**53
MOST_FRAMES = 10**7
# sites of the densest lattice per volume, at unit distance
_DENSEST = {1: 1.0, 2: 2.0 / math.sqrt(3.0), 3: math.sqrt(2.0)}


def check_together(sections: RunFileSections, check: ModelCheck, problems: ProblemList) -> None:
    """Add the problems that span several keys; what is refused by itself is left out.

    Parameters
    ----------
    sections
        The sections that have the right types and ranges, None for the others.
    check
        What could be read of the model.
    problems
        Every problem found is added.
    """
    data = problems.data
    model = data.get("model")
    dimension = model.get("dimension") if isinstance(model, dict) else None
    if problems.touches("model", "dimension") or not isinstance(dimension, int):
        dimension = None
    size = None if sections.domain is None else box_size(sections.domain, dimension or 1)
    if isinstance(data.get("initial"), dict) and not problems.touches("initial"):
        check_initial(data["initial"], sections.initial, problems)
        if dimension is not None and check.names:
            check_waves(sections, check.names, dimension, problems)
            check_polarity(sections, check.names, dimension, problems)
    if dimension is not None:
        _check_dimension(dimension, problems)
    if check.names:
        _check_densities(check, sections, problems)
    if sections.run is not None:
        _check_times(sections.run, sections, problems)
    if sections.fields is not None:
        _check_stepping(sections.fields, problems)
    if sections.run is not None:
        check_samples(sections, sections.run, problems)
    _check_order(check, sections, problems)
    if size is not None and sections.domain is not None and not problems.touches("domain"):
        _check_counts(size, sections, problems)
        check_lengths(size, sections.initial, problems)
        if sections.particles is not None:
            check_particle_observables(sections.particles.observables, size, dimension, problems)
    _check_scales(sections, check.names, problems)


def box_size(domain: DomainSection, dimension: int) -> tuple[float, ...]:
    """Edges of the box (length); a single number is the edge of a square or cubic box."""
    return domain.size if isinstance(domain.size, tuple) else (domain.size,) * dimension


def _check_dimension(dimension: int, problems: ProblemList) -> None:
    for path in (("domain", "size"), ("fields", "grid")):
        value = value_at(problems.data, path)
        if isinstance(value, list) and len(value) != dimension:
            message = f"model.dimension is {dimension}, but the list has {len(value)}"
            problems.add(path, message, "allowed: one number for each dimension")


def _check_order(check: ModelCheck, sections: RunFileSections, problems: ProblemList) -> None:
    """The model has equations of the fields' order."""
    from theory.orders import check_order

    if sections.fields is None or check.model is None:
        return
    try:
        check_order(check.model, sections.fields.order)
    except InputError as error:
        problems.add(("fields", "order"), str(error))


def _check_densities(check: ModelCheck, sections: RunFileSections, problems: ProblemList) -> None:
    """Every species has its density, and the laws give speeds there."""
    places: list[tuple[KeyPath, Mapping[str, float] | None]] = [(("composition",), sections.composition)]
    for number, phase in enumerate(sections.initial.phases):
        places.append((("initial", "phases", number, "densities"), phase.densities))
    for path, densities in places:
        if densities is None:
            continue
        _check_species(path, densities, check.names, problems)
        if problems.touches(*path):
            continue
        if path == ("composition",) and not any(densities.values()):
            problems.add(path, "no particles at all; at least one density must be above 0")
        if problems.touches("model", "parameters"):
            continue
        values = _homogeneous_fields(densities, check, sections)
        for species, law in check.laws.items() if values is not None else ():
            check_speed(law, species, values, show_path(path), problems)


def _homogeneous_fields(densities: Mapping[str, float], check: ModelCheck, sections: RunFileSections) -> list[float] | None:
    """Densities, then steady concentrations; None where there are none, or where they cannot be known yet."""
    values = [densities[name] for name in check.names]
    if not check.chemicals:
        return values
    if sections.model is None or any(one.decay_rate == 0.0 for one in sections.model.chemicals):
        return None
    return values + [
        sum(one.production.get(name, 0.0) * densities[name] for name in check.names) / one.decay_rate
        for one in sections.model.chemicals
    ]


def _check_species(path: KeyPath, densities: Mapping[str, float], names: tuple[str, ...], problems: ProblemList) -> None:
    meant = set()
    for name in densities:
        if name not in names:
            meant.add(nearest(name, names))
            problems.add((*path, name), "unknown species" + hint(name, names), f"known: {', '.join(names)}")
    for name in names:
        if name not in densities and name not in meant:
            problems.add((*path, name), "missing density of this species", "allowed: a number >= 0; 0 for none")


def _check_times(run: RunSettings, sections: RunFileSections, problems: ProblemList) -> None:
    if run.output_interval > run.duration:
        problems.add(("run", "output_interval"), f"longer than run.duration = {run.duration:g}")
    elif run.duration > MOST_FRAMES * run.output_interval:
        message = f"more than {MOST_FRAMES} frames in run.duration = {run.duration:g}"
        problems.add(("run", "output_interval"), message)
    for name, scale in (("fields", sections.fields), ("particles", sections.particles)):
        if scale is not None and scale.time_step is not None:
            _check_step((name, "time_step"), scale.time_step, run, problems)


def _check_step(path: KeyPath, time_step: float, run: RunSettings, problems: ProblemList) -> None:
    if time_step > run.output_interval:
        stated = "output_interval" in problems.data["run"]
        origin = "" if stated else " (duration/100, as it is not stated)"
        problems.add(
            path,
            f"longer than run.output_interval = {run.output_interval:g}{origin}; shorten the step or state a longer interval",
            f"allowed: a number > 0 and <= {run.output_interval:g}",
        )
    elif run.duration > MOST_STEPS * time_step:
        message = f"more than 2^53 steps in run.duration = {run.duration:g}"
        problems.add(path, message, f"allowed: a number >= {run.duration / MOST_STEPS:g}")


def _check_stepping(fields: FieldSettings, problems: ProblemList) -> None:
    """Steps that follow the error, and schemes without noise, are for deterministic runs."""
    if fields.tolerance is not None and fields.time_step is not None:
        problems.add(("fields", "tolerance"), "stated beside fields.time_step, which is fixed; keep one of the two")
    if fields.noise == 0.0:
        return
    if fields.tolerance is not None:
        message = f"a noisy run has a fixed time step, and fields.noise is {fields.noise:g}; leave it out, or set noise = 0"
        problems.add(("fields", "tolerance"), message)
    if fields.stepper is not None and fields.stepper not in NOISY_STEPPERS:
        problems.add(
            ("fields", "stepper"),
            f"this scheme is for deterministic runs, and fields.noise is {fields.noise:g}",
            "allowed with noise: " + " or ".join(f'"{name}"' for name in NOISY_STEPPERS),
        )


def _check_counts(size: tuple[float, ...], sections: RunFileSections, problems: ProblemList) -> None:
    volume = math.prod(size)
    if not 0.0 < volume < math.inf:
        problems.add(("domain", "size"), "the volume of the box is not a finite number above 0")
        return
    fields, composition = sections.fields, sections.composition
    if fields is not None and math.prod(fields.grid) > LARGEST_COUNT:
        message = f"{math.prod(fields.grid)} cells are more than this version can number"
        problems.add(("fields", "grid"), message, f"allowed: at most 2^31 = {LARGEST_COUNT} cells")
    if sections.particles is None or composition is None or problems.touches("composition"):
        return
    count = volume * sum(composition.values())
    if count > LARGEST_COUNT:
        message = f"{count:.4g} particles in the box are more than this version can number"
        problems.add(("composition",), message, f"allowed: at most 2^31 = {LARGEST_COUNT} particles")
    elif count < 0.5:
        message = f"{count:.4g} particles in the box; choose a larger box or higher densities"
        problems.add(("composition",), message, "allowed: at least 1 particle")
    else:
        particles = sum(round(volume * density) for density in composition.values())
        _check_room(volume, len(size), particles, sections.particles.minimum_distance, problems)


def _check_room(volume: float, dimension: int, count: int, distance: float, problems: ProblemList) -> None:
    """Particles at the start are no further from each other than in the densest lattice."""
    farthest = (_DENSEST[dimension] * volume / max(count, 1)) ** (1.0 / dimension)
    if count > 1 and distance > farthest:
        problems.add(
            ("particles", "minimum_distance"),
            f"{count} particles cannot be so far apart in this box; lower it, or the densities",
            f"allowed: a number >= 0 and <= {farthest:.4g}",
        )


def _check_scales(sections: RunFileSections, names: tuple[str, ...], problems: ProblemList) -> None:
    """A kernel without range suits neither particles nor, without a length, the noise of fields."""
    if sections.model is None or not names:
        return
    sensing = sections.model.sensing
    place: KeyPath = ("model", "sensing")
    kernels = {(observer, source): (sensing.kernel, place) for observer in names for source in names}
    for number, pair in enumerate(sensing.pairs):
        kernels[pair.observer, pair.source] = (pair.kernel, (*place, "pairs", number))
    local = list(dict.fromkeys(where for kernel, where in kernels.values() if kernel == "local"))
    for where in local if sections.particles is not None else []:
        problems.add(
            (*where, "kernel"),
            "particles cannot sense a density at a point; choose a kernel with a range or remove [particles]",
            'allowed with [particles]: "bump" or "linear" or "gaussian" or "exponential"',
        )
    fields = sections.fields
    all_local = all(kernel == "local" for kernel, _ in kernels.values())
    if fields is not None and all_local and fields.noise > 0.0 and fields.noise_length is None:
        problems.add(
            ("fields", "noise_length"),
            "missing; the local kernel has no range at which noise could end: state a length, or noise = 0",
            "allowed: a number > 0",
        )
