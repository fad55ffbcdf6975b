"""Entropy production of a run from its stored frames, of both scales, with the theory beside it.

Per scale and coarse-graining length: the mid-point estimate of :mod:`theory.path_entropy`, what linear theory expects of this
very measurement (these frames, this filter, this box), and the linear theory of continuous trajectories. How far frames are
apart sets a bias, which is estimated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runs.entropy_measurement import UNSEEN, MapFrame, Measurement, ScaleEntropy
from runs.frames_of_run import open_run
from runs.runfile import RunSpecification, Scale
from theory.arrays import Array
from theory.coarse_graining import Filter
from theory.entropy_production import expected_box_rates
from theory.errors import InputError
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState, without_mean_field
from theory.linear_stability import classify

# coarse-graining lengths by default, in units of the longest sensing range, as far as they fit the box six times
_LENGTHS = (0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
_FIT = 6.0


@dataclass(frozen=True)
class RunEntropy:
    """Entropy production of a run.

    Parameters
    ----------
    specification
        The run.
    frame
        In which local maps are averaged.
    filters
        Coarse-grainings.
    continuous
        Linear theory of continuous trajectories of the whole box at order 0, shape (filter,) (1/time); None where it has no
        stable mixture.
    scales
        The scales, in order.
    """

    specification: RunSpecification
    frame: MapFrame
    filters: tuple[Filter, ...]
    continuous: Array | None
    scales: tuple[ScaleEntropy, ...]


def entropy(
    directory: Path | str,
    *,
    scale: Scale | None = None,
    frame: MapFrame = "lab",
    lengths: Sequence[float] | None = None,
    kind: str = "gaussian",
    after: float | None = None,
    velocity: Sequence[float] | None = None,
) -> RunEntropy:
    """Entropy production of a run from its frames.

    Parameters
    ----------
    directory
        Run directory.
    scale
        Which scale; by default all that there are.
    frame
        In which local maps are averaged: ``"lab"``, or ``"comoving"`` with the pattern.
    lengths
        Coarse-graining lengths (length); the local map and the spectrum are those of the first. By default multiples of the
        longest sensing range from 3/4 of it up.
    kind
        Of the filters: ``"gaussian"`` or ``"sharp"``.
    after
        Use frames from this physical time on (time); by default the second half.
    velocity
        Of the moving frame (x, y, ...) (length/time); by default it follows the phases of the strongest modes.

    Raises
    ------
    InputError
        There are too few frames, a number is out of range, or the model has no chemical potential of this kind.
    NumericalFailure
        Densities are too low for a logarithm.
    StoreError
        The directory holds no run.
    """
    specification, frames = open_run(directory)
    if scale is not None and scale not in frames:
        raise InputError(
            f"{directory}: holds no frames of {scale}; it has those of {', '.join(frames)}: choose --scale among them"
        )
    if reason := without_mean_field(specification.model):
        raise InputError(f"{directory}: entropy production is measured from densities, but {reason}")
    _check_velocity(velocity, frame, specification.model.dimension)
    chosen = _default_lengths(specification) if lengths is None else lengths
    _check_lengths(chosen, max(specification.size))
    filters = tuple(Filter(kind, one) for one in chosen)
    state = _stable_state(specification)
    found = []
    for one in (one for one in frames if scale in (None, one)):
        measurement = Measurement(specification, state, one, frames[one], filters, after)
        found.append(measurement.result(frame, velocity))
    continuous = None if state is None else _continuous(specification, state, filters)
    return RunEntropy(specification, frame, filters, continuous, tuple(found))


def _check_velocity(velocity: Sequence[float] | None, frame: MapFrame, dimension: int) -> None:
    if velocity is None:
        return
    told = ",".join(f"{one:g}" for one in velocity)
    if frame != "comoving":
        raise InputError(f"--velocity is {told}, that of a moving frame: give --frame comoving too, or leave it out")
    if len(velocity) != dimension:
        raise InputError(f"--velocity is {told}, of {len(velocity)} components; the run has {dimension} dimensions")
    if not np.all(np.isfinite(velocity)):
        raise InputError(f"--velocity is {told}; its components must be finite")


def _check_lengths(lengths: Sequence[float], edge: float) -> None:
    if not lengths:
        raise InputError("--lengths is empty; give at least one coarse-graining length")
    for one in lengths:
        if not 0.0 < one <= edge:
            raise InputError(f"--lengths has {one:g}; coarse-graining lengths must be positive, up to the box's edge {edge:g}")


def _default_lengths(specification: RunSpecification) -> list[float]:
    unit = specification.reach
    found = [factor * unit for factor in _LENGTHS if factor * unit * _FIT <= max(specification.size)]
    return found or [_LENGTHS[0] * unit]


def _stable_state(specification: RunSpecification) -> HomogeneousState | None:
    """The homogeneous mixture, if linear theory says how it fluctuates."""
    try:
        state = HomogeneousState.of(specification.model, dict(specification.composition))
        return state if classify(state).kind == "stable" else None
    except InputError:
        return None


def _continuous(specification: RunSpecification, state: HomogeneousState, filters: tuple[Filter, ...]) -> Array:
    """Linear theory at order 0 of all modes that the filters leave."""
    edge = UNSEEN / min(one.length for one in filters)
    grid = Grid.holding(specification.size, edge)
    return np.array(expected_box_rates(state, grid, [one.transfer(grid.wavenumber) for one in filters], 0.0))
