"""Theory, fields and particles side by side.

Each row carries a value per source, standard errors from independent blocks or replicas, z-scores, and the regime in which, or
the bias with which, its numbers hold.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runs.expectation import Coexisting, Expectation, interface_densities, linear_expectation
from runs.filters import LOW_Q, band_edge
from runs.frames_of_run import open_run
from runs.measurement import Key, Measured, measure, stores_polar_order
from runs.runfile import RunSpecification
from runs.statistics import combine, with_error, z_score
from theory.errors import InputError
from theory.model import Model
from theory.observables.phases import SMOOTHING

_SOURCES = ("theory", "fields", "particles")


def compare(directories: Sequence[Path | str], *, after: float | None = None) -> list[dict[str, Any]]:
    """Compare the scales of one run, or of replicas of one model.

    Parameters
    ----------
    directories
        Run directories. Several must state the same model, composition and box, and those with fields the same mean field of
        pair interactions and noise; with three or more the standard errors come from their spread. A scale may be in some of
        them only.
    after
        Use frames from this physical time on (time); by default the second half of each run.

    Returns
    -------
    list of dict
        Per row: ``observable``, ``species``, ``units``, ``theory``, ``fields``, ``particles`` (each None or a dict of
        ``value``, ``standard_error``, ``samples``), ``z_scores``, ``regime``.

    Raises
    ------
    InputError
        The directories state different models or share a seed at a scale, or no frame is late enough.
    StoreError
        A directory holds no run.
    """
    opened = [open_run(directory) for directory in directories]
    holders = {scale: [one for one, scales in opened if scale in scales] for scale in ("fields", "particles")}
    _check_replicas([one for one, _ in opened], holders)
    # what is compared, and what theory knows of pair interactions, is stated with the fields
    specification = (holders["fields"] or [opened[0][0]])[0]
    measured: dict[str, list[Measured]] = {scale: [] for scale in holders}
    polar = all(stores_polar_order(frames) for _, scales in opened for frames in scales.values())
    for _, scales in opened:
        for scale, frames in scales.items():
            measured[scale].append(measure(specification, frames, after, polar_order=polar))
    columns: dict[str, Measured] = {scale: _combined(found) for scale, found in measured.items()}
    if specification.model.interactions:
        columns["particles"] = {key: one for key, one in columns["particles"].items() if key[0] != "mean_speed"}
    expected = linear_expectation(specification)
    coexisting = interface_densities(specification, columns)
    columns["theory"] = {**expected.values, **coexisting.values}
    keys = list(dict.fromkeys(key for source in ("fields", "particles", "theory") for key in columns[source]))
    units = _units(specification.model.dimension)
    keys.sort(key=lambda key: list(units).index(key[0]))
    regimes = _regimes(specification, expected, coexisting)
    return [_row(key, columns, units[key[0]], regimes[key[0]]) for key in keys]


def _check_replicas(specifications: Sequence[RunSpecification], holders: Mapping[str, Sequence[RunSpecification]]) -> None:
    """Check that runs can be combined; ``holders`` are those that hold each scale."""
    _check_alike(specifications, lambda one: (_without_mean_field(one.model), one.composition, one.size))
    _check_alike(holders["fields"], lambda one: (one.model.mean_field, _noise(one)))
    for scale, runs in holders.items():
        seeds = [one.run.seed for one in runs]
        if len(set(seeds)) < len(seeds):
            told = ", ".join(map(str, seeds))
            raise InputError(f"the runs of the {scale} have the seeds {told}; replicas are independent by different seeds")


def _check_alike(specifications: Sequence[RunSpecification], stated: Callable[[RunSpecification], object]) -> None:
    for other in specifications[1:]:
        if stated(specifications[0]) != stated(other):
            raise InputError(
                f"{specifications[0].source} and {other.source} state different models, compositions, boxes or noises; "
                "only replicas are combined"
            )


def _without_mean_field(model: Model) -> tuple[object, ...]:
    """What a model states but for how fields see pair interactions."""
    interactions = {pair: law.interaction for pair, law in model.interactions.items()}
    return model.dimension, model.species, dict(model.parameters), model.sensing, model.chemicals, interactions


def _noise(specification: RunSpecification) -> tuple[float, float | None] | None:
    settings = specification.fields
    return None if settings is None else (settings.noise, settings.noise_length)


def _combined(replicas: list[Measured]) -> Measured:
    if not replicas:
        return {}
    shared = [key for key in replicas[0] if all(key in other for other in replicas)]
    return {key: combine([one[key] for one in replicas]) for key in shared}


def _units(dimension: int) -> dict[str, str]:
    """Units of all observables; a density is a number of particles per length^dimension."""

    def inverse(power: int) -> str:
        return "1/length" if power == 1 else f"1/length^{power}"

    return {
        "mean_speed": "length/time",
        "polar_order": "1",
        "density_variance": inverse(2 * dimension),
        "structure_factor": inverse(dimension),
        "dominant_wavenumber": "1/length",
        "travelling_speed": "length/time",
        "phase_density": inverse(dimension),
    }


def _row(key: Key, columns: dict[str, Measured], units: str, regime: str) -> dict[str, Any]:
    found = {source: columns[source].get(key) for source in _SOURCES}
    row: dict[str, Any] = {"observable": key[0], "species": key[1], "units": units}
    for source, one in found.items():
        row[source] = None if one is None else vars(one)
    pairs = [("theory", "fields"), ("theory", "particles"), ("fields", "particles")]
    row["z_scores"] = {f"{a}-{b}": z_score(found[a], found[b]) for a, b in pairs}
    row["regime"] = regime
    return row


def _regimes(specification: RunSpecification, expected: Expectation, coexisting: Coexisting) -> dict[str, str]:
    """What each row's numbers rest on."""
    model, stable = specification.model, expected.stable
    edge, smoothed = band_edge(specification), SMOOTHING * specification.reach
    settings = specification.fields
    strength = 1.0 if settings is None else settings.noise
    low = min(edge, LOW_Q * 2.0 * np.pi / max(specification.size))
    try:
        run_length = float(np.max(model.speed(model.densities(dict(specification.composition))) * model.persistence_times))
    except InputError:
        run_length = float("nan")
    diffusive = f"hydrodynamics needs q v tau << 1 (here {low * run_length:.2g} at q = {low:.2g})"
    if specification.order > 0:
        diffusive = f"fields and theory of order {specification.order}"
    fields = "" if strength == 1.0 else f"the fields' noise has {strength:g} times the variance of the particles'; "
    fields = fields if strength > 0.0 else "fields are deterministic: no fluctuations; "
    missing = f"no theory: {expected.reason}"
    linear = "theory: linear" if stable else missing
    peak, phases = "peak of S(q), resolved to the spacing of the box's modes", "from phases of the strongest modes"
    if ("dominant_wavenumber", model.names[0]) in expected.values:
        onset = "; theory: fastest-growing mode at onset; patterns coarsen or saturate later"
    else:
        onset = "" if stable else f"; {missing}"
    flat = f"no theory: {coexisting.reason}" if coexisting.reason else "theory: flat steady interfaces"
    speed = "theory: homogeneous mean field" if stable else missing
    if model.interactions:
        speed += "; particles: theirs is that of the law alone, without what pair forces take away, and left out"
    return {
        "mean_speed": speed,
        "polar_order": f"length of the mean direction; of N independent directions about 1/sqrt(N); {expected.polar_order}",
        "density_variance": f"{fields}modes q <= {edge:.3g} seen through the sensing kernel; {linear}",
        "structure_factor": f"{fields}modes q <= {low:.3g}; {diffusive}; {linear}",
        "dominant_wavenumber": peak + onset,
        "travelling_speed": f"{phases} (never negative: noise adds){onset}",
        "phase_density": f"histogram modes, densities smoothed over {smoothed:g}; {flat}",
    }


def as_table(rows: list[dict[str, Any]]) -> str:
    """The rows for reading, with the regimes below."""
    lines = [f"{'observable':21} {'species':12} {'theory':>11} {'fields':>22} {'particles':>22} {'z f-p':>7} {'z t-p':>7}"]
    notes: dict[str, str] = {}
    for row in rows:
        z = row["z_scores"]
        theory = "" if row["theory"] is None else f"{row['theory']['value']:.5g}"
        lines.append(
            f"{row['observable']:21} {row['species']:12} {theory:>11} {with_error(row['fields']):>22} "
            f"{with_error(row['particles']):>22} {_signed(z['fields-particles']):>7} {_signed(z['theory-particles']):>7}"
        )
        notes[row["observable"]] = row["regime"]
    lines.append("")
    lines += [f"{observable}: {regime}" for observable, regime in notes.items()]
    lines.append("standard errors from independent blocks or replicas; (?) where the frames do not allow one")
    return "\n".join(lines)


def _signed(z: float | None) -> str:
    return "" if z is None else f"{z:+.1f}"
