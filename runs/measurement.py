"""What is measured of one scale of a run, with standard errors from independent blocks of its frames."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runs.filters import Filters
from runs.frames_of_run import DensityFrames
from runs.runfile import RunSpecification
from runs.statistics import Estimate, jackknife, number_of_blocks
from theory.arrays import Array
from theory.fourier import Grid
from theory.observables import (
    Phase,
    Shells,
    band_variance,
    dominant_wavenumber,
    filtered,
    phases,
    structure_factors,
    travelling_speed,
)

# observable, and species or pair of species
Key = tuple[str, str]
Measured = dict[Key, Estimate]


def stores_polar_order(frames: DensityFrames) -> bool:
    """Whether the frames of a scale tell the polar order; fields of order 0 do not."""
    return all(f"polar_order_{name}" in frames.series.names for name in frames.names)


def measure(
    specification: RunSpecification, frames: DensityFrames, after: float | None, *, polar_order: bool = False
) -> Measured:
    """Measure one scale of a run.

    Parameters
    ----------
    specification, frames
        The run, and the frames of the scale.
    after
        Use frames from this physical time on (time); None: the second half.
    polar_order
        Whether to measure the polar order too, which the frames must tell.

    Raises
    ------
    InputError
        Fewer than two frames are late enough.
    """
    chosen = frames.since(after, fewest=2)
    filters = Filters.of(specification, frames.grid)
    modes = np.stack([frames.modes(int(frame)) for frame in chosen])
    model = specification.model
    out: Measured = {}

    speeds = np.stack([frames.number(f"mean_speed_{name}")[chosen] for name in model.names], axis=1)
    out.update(_averages("mean_speed", model.names, speeds))

    if polar_order:
        orders = np.stack([frames.number(f"polar_order_{name}")[chosen] for name in model.names], axis=1)
        out.update(_averages("polar_order", model.names, orders))

    variances = np.stack([band_variance(one, frames.grid, filters.sensing) for one in modes])
    out.update(_averages("density_variance", model.names, variances))

    low, pairs = _low_structure_factors(modes, frames.grid, filters)
    out.update(_averages("structure_factor", [f"{model.names[a]}{model.names[b]}" for a, b in pairs], low))

    blocks = number_of_blocks(*variances.T)
    spectra = np.stack([structure_factors(one, frames.grid, filters.shells) for one in modes])
    diagonal = np.stack([spectra[:, s, s] for s in range(len(model.names))], axis=1)
    out.update(_jackknifed("dominant_wavenumber", model.names, _dominant(filters.shells, diagonal), chosen.size, blocks))

    interval = float(np.median(np.diff(frames.times[chosen])))
    out.update(_travel(model.names, modes, frames.grid, interval, blocks))
    out.update(_phase_densities(model.names, modes, frames.grid, filters, blocks))
    return out


def _averages(observable: str, labels: Sequence[str], series: Array) -> Measured:
    """Time averages of series (time, label), each with blocks from its own correlation time."""
    out: Measured = {}
    for label, values in zip(labels, series.T, strict=True):
        if not np.all(np.isfinite(values)):
            continue  # the mean over a species without particles
        found = jackknife(lambda frames, v=values: np.array([v[frames].mean()]), values.size, number_of_blocks(values))  # type: ignore[misc]
        out[observable, label] = found[0]
    return out


def _jackknifed(
    observable: str, labels: Sequence[str], estimator: Callable[[NDArray[np.intp]], Array], frames: int, blocks: int
) -> Measured:
    found = jackknife(estimator, frames, blocks)
    return {(observable, label): one for label, one in zip(labels, found, strict=True)}


def _low_structure_factors(modes: Any, grid: Grid, filters: Filters) -> tuple[Array, list[tuple[int, int]]]:
    """S_ab averaged over the modes of low q, shape (time, pair)."""
    species = modes.shape[1]
    pairs = [(a, b) for a in range(species) for b in range(a, species)]
    weights = grid.multiplicity[filters.low]
    values = [
        np.average((modes[:, a] * modes[:, b].conj()).real[:, filters.low], axis=1, weights=weights) / grid.volume
        for a, b in pairs
    ]
    return np.stack(values, axis=1), pairs


def _dominant(shells: Shells, spectra: Array) -> Callable[[NDArray[np.intp]], Array]:
    """Dominant wavenumber of each species from spectra (time, species, shell)."""

    def estimator(frames: NDArray[np.intp]) -> Array:
        return np.array([dominant_wavenumber(shells, one) for one in spectra[frames].mean(axis=0)])

    return estimator


def _travel(names: Sequence[str], modes: Any, grid: Grid, interval: float, blocks: int) -> Measured:
    """Travelling speeds; frames of a block stay together, as speeds need neighbours in time."""
    largest = [travelling_speed(modes[:, s], grid, interval).largest_turn for s in range(len(names))]

    def estimator(frames: NDArray[np.intp]) -> Array:
        pieces = np.split(frames, np.nonzero(np.diff(frames) > 1)[0] + 1)
        pieces = [piece for piece in pieces if piece.size > 1]
        weights = [piece.size - 1 for piece in pieces]
        speeds = [[travelling_speed(modes[piece, s], grid, interval).speed for s in range(len(names))] for piece in pieces]
        return np.average(np.array(speeds), axis=0, weights=weights)

    found = _jackknifed("travelling_speed", names, estimator, modes.shape[0], blocks)
    # phases that turn by more than this between frames may have gone round: no number rather than a wrong one
    return {key: one for (key, one), turn in zip(found.items(), largest, strict=True) if turn < 2.0}


def _phase_densities(names: Sequence[str], modes: Any, grid: Grid, filters: Filters, blocks: int) -> Measured:
    smoothing = filters.smoothing
    densities = np.stack([smoothing.thinned(filtered(one, grid, smoothing.factors)) for one in modes])
    samples = smoothing.independent(grid.volume, grid.dimension)
    pooled = phases(densities.swapaxes(0, 1), samples=samples * densities.shape[0])

    def estimator(frames: NDArray[np.intp]) -> Array:
        found = phases(densities[frames].swapaxes(0, 1), samples=samples * frames.size)
        return np.concatenate([_nearest(phase, found).densities for phase in pooled])

    labels = [f"{name}, phase {n + 1}" for n in range(len(pooled)) for name in names]
    return _jackknifed("phase_density", labels, estimator, modes.shape[0], blocks)


def _nearest(phase: Phase, others: list[Phase]) -> Phase:
    return min(others, key=lambda other: float(np.sum((other.densities - phase.densities) ** 2)))
