r"""Onset of flocking over speed and density, as [S2] figure 2 shows it: three theories and the particles.

From runs of one species that differ in speed and density:

    simulation          where the polar order P of the particles rises most steeply with the density,
    pair correlations   where the growth rate a of polar order, from the correlations that the runs show, changes sign,
    Boltzmann           where a changes sign that encounters of two particles give, with the flux over impact parameters and as
                        [S2] Eq. 7 is printed.

The first two are found between runs: their uncertainty is half of the distance to the next density. Runs that differ by their
seed alone are replicas. Their means count, and three or more at every density of a speed show by how much the onsets of single
series differ, which half of a distance does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.frames_of_run import ParticleFrames, open_particles
from runs.kinetic import boltzmann_theory, kinetic_of
from runs.statistics import Estimate, combine, error_of_replicas, with_error
from theory.arrays import Array
from theory.errors import InputError
from theory.model import Model

if TYPE_CHECKING:
    from runs.runfile import RunSpecification


# speeds of Boltzmann's lines, evenly spaced in their logarithm, and how far they go beyond the runs
_LINE_POINTS = 11
_MARGIN = 1.5
# of the integrals behind them: to a part in a thousand
_ANGLES, _TOLERANCE = 16, 1e-4


@dataclass(frozen=True)
class Crossing:
    """Where a curve over densities does what is looked for.

    Parameters
    ----------
    density
        (1/length^2).
    uncertainty
        Half of the distance of the two densities between which it was found, and with replicas the standard error from their
        spread as well (1/length^2).
    """

    density: float
    uncertainty: float


def onset(directories: Sequence[Path | str], *, after: float | None = None) -> dict[str, Any]:
    """The onset of flocking by all routes as JSON values.

    Parameters
    ----------
    directories
        Run directories with frames of particles, of models of one species that differ in speed and density alone; several of
        the same are replicas.
    after
        Use frames from this physical time on (time); by default the second half of each run.

    Returns
    -------
    dict
        ``points``: ``speed``, ``density``, ``polar_order``, ``growth_rate`` and number of ``runs`` at every place; ``onsets``:
        for each speed the densities of the onset by ``simulation`` and by ``pair_correlations``, each None where the runs do
        not enclose it, and by Boltzmann's theory with the prefactors ``flux`` and ``printed``; ``boltzmann``: the same theory
        along a line of speeds.

    Raises
    ------
    InputError
        There is no run, the models differ in more than the speed, or replicas share a seed.
    StoreError
        A directory holds no frames of particles.
    """
    if not directories:
        raise InputError("the onset of flocking is found between runs; give their directories")
    runs = [open_particles(directory, positions=False) for directory in directories]
    models = [specification for specification, _ in runs]
    _check_alike(models)
    seen: dict[float, dict[float, list[_Seen]]] = {}
    for specification, frames in sorted(runs, key=lambda one: _replica(one[0])):
        speed, density, _ = _replica(specification)
        seen.setdefault(speed, {}).setdefault(density, []).append(_seen(specification, frames, after))
    speeds = list(seen)
    return {
        "points": [_point(speed, density, replicas) for speed in speeds for density, replicas in seen[speed].items()],
        "onsets": [_at_speed(models[0].model, speed, seen[speed]) for speed in speeds],
        "boltzmann": boltzmann_lines(models[0].model, np.geomspace(speeds[0] / _MARGIN, speeds[-1] * _MARGIN, _LINE_POINTS)),
    }


def _check_alike(specifications: "Sequence[RunSpecification]") -> None:
    first = specifications[0]
    for one in specifications:
        model = one.model
        if model.number_of_species != 1:
            raise InputError(
                f"{one.source}: the onset of flocking is worked out for one species, not {model.number_of_species}"
            )
        same = dict(model.interactions) == dict(first.model.interactions)
        if not (same and replace(model.species[0], speed="") == replace(first.model.species[0], speed="")):
            raise InputError(f"{first.source} and {one.source} differ in more than the speed and the density of their species")
    known: dict[tuple[float, float, int], RunSpecification] = {}
    for one in specifications:
        other = known.setdefault(_replica(one), one)
        if other is not one:
            raise InputError(
                f"{other.source} and {one.source} have the same speed, density and seed; replicas are independent by different "
                "seeds"
            )


def _replica(specification: "RunSpecification") -> tuple[float, float, int]:
    """Speed, density and seed of a run."""
    density = float(next(iter(specification.composition.values())))
    return float(specification.model.speed([density])[0]), density, specification.run.seed


@dataclass(frozen=True)
class _Seen:
    """What one run shows."""

    polar_order: Estimate
    growth_rate: Estimate


def _seen(specification: "RunSpecification", frames: ParticleFrames, after: float | None) -> _Seen:
    found = kinetic_of(specification, frames, after=after, boltzmann=False)
    return _Seen(Estimate(**found["polar_order"]), Estimate(**found["growth_rate"]))


def _point(speed: float, density: float, replicas: list[_Seen]) -> dict[str, Any]:
    return {
        "speed": speed,
        "density": density,
        "polar_order": vars(combine([one.polar_order for one in replicas])),
        "growth_rate": vars(combine([one.growth_rate for one in replicas])),
        "runs": len(replicas),
    }


def _at_speed(model: Model, speed: float, seen: dict[float, list[_Seen]]) -> dict[str, Any]:
    """The onset at one speed, by all routes, from the replicas at rising densities."""
    density = np.array(list(seen))
    found = {
        "simulation": crossing(steepest_ascent, density, [[one.polar_order.value for one in runs] for runs in seen.values()]),
        "pair_correlations": crossing(
            sign_change, density, [[one.growth_rate.value for one in runs] for runs in seen.values()]
        ),
    }
    line = boltzmann_lines(model, np.array([speed]))
    return {
        "speed": speed,
        **{name: None if one is None else vars(one) for name, one in found.items()},
        **{name: line[name][0] for name in ("flux", "printed")},
    }


def crossing(route: Callable[[Array, Array], Crossing | None], density: Array, values: list[list[float]]) -> Crossing | None:
    """Where the means of replicas cross; with the spread of the crossings of single series, if all of at least three do.

    Parameters
    ----------
    route
        :func:`steepest_ascent` or :func:`sign_change`.
    density
        Rising densities (1/length^2), shape (density,).
    values
        At each density those of all replicas, of which there may be more at some densities.
    """
    found = route(density, np.array([np.mean(one) for one in values]))
    series = [route(density, np.array(one)) for one in zip(*values, strict=False)]
    spread = error_of_replicas(np.array([one.density for one in series if one is not None]))
    if found is None or spread is None or None in series:
        return found
    return replace(found, uncertainty=float(np.hypot(found.uncertainty, spread)))


def steepest_ascent(density: Array, order: Array) -> Crossing | None:
    """Middle of the two densities between which the polar order rises most steeply; None unless it rises.

    Parameters
    ----------
    density, order
        Rising densities (1/length^2) and the polar orders there, shape (run,).
    """
    slopes = np.diff(order) / np.diff(density)
    if slopes.size == 0 or slopes.max() <= 0.0:
        return None
    top = int(np.argmax(slopes))
    return Crossing(float(density[top : top + 2].mean()), float(0.5 * np.diff(density)[top]))


def sign_change(density: Array, growth: Array) -> Crossing | None:
    """First density at which the growth rate becomes positive, between two runs; None where no two enclose it.

    Parameters
    ----------
    density, growth
        Rising densities (1/length^2) and the growth rates there (1/time), shape (run,).
    """
    rising = np.flatnonzero((growth[:-1] < 0.0) & (growth[1:] >= 0.0))
    if rising.size == 0:
        return None
    n = int(rising[0])
    share = -growth[n] / (growth[n + 1] - growth[n])
    step = float(density[n + 1] - density[n])
    return Crossing(float(density[n] + share * step), 0.5 * step)


def boltzmann_lines(model: Model, speeds: Array) -> dict[str, list[float | None]]:
    """Densities (1/length^2) at the onset over speeds (length/time), with both prefactors; None where encounters do not align.

    Raises
    ------
    InputError
        The model has no Boltzmann theory.
    NumericalFailure
        Particles do not leave each other.
    """
    theories = [boltzmann_theory(_at(model, speed), 1.0, angles=_ANGLES, tolerance=_TOLERANCE) for speed in speeds]
    densities = {name: [getattr(one, name).onset_density for one in theories] for name in ("flux", "printed")}
    lines = {name: [value if np.isfinite(value) else None for value in values] for name, values in densities.items()}
    return {"speeds": speeds.tolist(), **lines}


def _at(model: Model, speed: float) -> Model:
    """The model with another, constant speed."""
    species = replace(model.species[0], speed=repr(float(speed)))
    interactions = [law.interaction for law in model.interactions.values()]
    return Model(model.dimension, [species], model.parameters, model.sensing, interactions=interactions)


def answer(
    directories: Sequence[Path | str],
    *,
    after: float | None = None,
    figure: Path | None = None,
    diameter: float | None = None,
) -> tuple[dict[str, Any], str]:
    """The onset as JSON values and as text, drawn if a figure is asked for.

    Parameters
    ----------
    directories, after
        As of :func:`onset`.
    figure
        File to draw, png, pdf or svg.
    diameter
        Diameter of a particle (length): the figure then shows area fractions.

    Raises
    ------
    InputError
        As :func:`onset`; the file's ending is none of these, or the diameter is not positive or without a figure.
    StoreError
        As :func:`onset`; the file cannot be written.
    """
    from runs.figures.onset import draw_onset
    from runs.figures.style import check_target

    if diameter is not None and figure is None:
        raise InputError(f"--diameter is {diameter:g}, of which only the figure tells: give --figure too, or leave it out")
    if diameter is not None and not (np.isfinite(diameter) and diameter > 0.0):
        raise InputError(f"--diameter is {diameter:g}; it must be positive and finite")
    if figure is not None:
        check_target(figure, "--figure")
    found = onset(directories, after=after)
    text = as_text(found)
    if figure is not None:
        text += f"\n\nfigure: {draw_onset(found, figure, diameter=diameter)}"
    return found, text


def as_text(found: dict[str, Any]) -> str:
    """The onset for reading."""
    lines = [f"{'speed':>10} {'density':>10} {'polar order':>22} {'growth rate a':>22}"]
    lines += [
        f"{one['speed']:10.5g} {one['density']:10.5g} {with_error(one['polar_order']):>22} {with_error(one['growth_rate']):>22}"
        for one in found["points"]
    ]
    lines += ["", f"{'speed':>10} {'simulation':>22} {'pair correlations':>22} {'Boltzmann, flux':>22} {'as printed':>22}"]
    for one in found["onsets"]:
        columns = [_told(one[name]) for name in ("simulation", "pair_correlations")]
        columns += ["none" if one[name] is None else f"{one[name]:.4g}" for name in ("flux", "printed")]
        lines.append(f"{one['speed']:10.5g} " + " ".join(f"{column:>22}" for column in columns))
    return "\n".join(lines)


def _told(one: dict[str, float] | None) -> str:
    return "not enclosed" if one is None else f"{one['density']:.4g} ± {one['uncertainty']:.2g}"
