"""Initial densities, the same for both scales and for every grid.

Every random number is a function of the seed and of the place, so that a run can be set up again bit for bit. Random fields are
drawn on a grid of their own, which depends on the box and on the width of the field alone, and brought to other grids by their
Fourier modes: fields on any grid and particles start from one and the same state.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runs.initial_source import FROM_ELSEWHERE, Source, read_source
from theory.arrays import Array
from theory.counter_random import Stream, normal_pairs
from theory.errors import InputError
from theory.fourier import Grid
from theory.resampling import resampled

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

Layout = NDArray[np.intp]

# cells of the grid of a random field per width: the Gaussian by which it is smoothed is 1e-13 at the Nyquist wavenumber
_CELLS_PER_WIDTH = 2.5


def initial_density(specification: "RunSpecification", grid: Grid, source: Source | None = None) -> Array:
    """Initial densities of a run.

    Parameters
    ----------
    specification
        The run: its composition, box and initial state.
    grid
        Where densities are wanted.
    source
        What was read from a file or another run; read now where it is needed and not given.

    Returns
    -------
    ndarray
        Shape (species, [nz,] [ny,] nx) (1/length^d), not negative; the mean of each species is the composition.

    Raises
    ------
    InputError
        No phase holds any of a species that the composition has, or densities cannot be read.
    """
    model, initial = specification.model, specification.initial
    composition = model.densities(dict(specification.composition))
    reach = _reach(specification, grid)
    if initial.state in FROM_ELSEWHERE:
        density = resampled((source or read_source(specification)).density, grid.shape)
    elif initial.state == "phases":
        density = _phases(specification, grid)
    elif initial.state == "waves":
        density = _waves(specification, grid)
    else:
        density = np.broadcast_to(composition.reshape(-1, *(1,) * grid.dimension), (composition.size, *grid.shape)).copy()
    if initial.relative_noise > 0.0:
        for s in range(composition.size):
            density[s] *= 1.0 + initial.relative_noise * _random_field(specification.run.seed, s, grid, 0.5 * reach)
    return _rescaled(specification, np.maximum(density, 0.0), composition)


def initial_polarity(specification: "RunSpecification", density: Array, grid: Grid, source: Source | None) -> Array | None:
    """Initial polarities of fields of order 1 and above.

    Parameters
    ----------
    specification
        The run.
    density
        Its initial densities, shape (species, [nz,] [ny,] nx).
    grid
        Their grid.
    source
        As for :func:`initial_density`.

    Returns
    -------
    ndarray or None
        Density times mean direction, shape (species, direction, [nz,] [ny,] nx): as stated or read, and the random
        perturbation; None if it vanishes.
    """
    model, noise, d = specification.model, specification.initial.relative_noise, grid.dimension
    polarity = _stated_polarity(specification, density, source)
    if noise > 0.0:
        reach = _reach(specification, grid)
        for s in range(model.number_of_species):
            for axis in range(d):
                number = model.number_of_species + 1 + s * d + axis
                waves = _random_field(specification.run.seed, number, grid, 0.5 * reach)
                polarity[s, axis] += noise * density[s].mean() * waves
    return polarity if np.any(polarity) else None


def initial_mean_directions(specification: "RunSpecification", density: Array, source: Source | None) -> Array | None:
    """Mean directions with which particles start: those of the fields, but for the perturbation, which particles bring along.

    Parameters
    ----------
    specification, density, source
        As for :func:`initial_polarity`.

    Returns
    -------
    ndarray or None
        Shape (species, direction, [nz,] [ny,] nx), at most of length 1; None if all are zero.
    """
    polarity, rho = _stated_polarity(specification, density, source), density[:, None]
    means = np.divide(polarity, rho, out=np.zeros_like(polarity), where=rho > 0.0)
    # fields that are read need not keep to the bound
    means = _no_longer_than_one(means)
    return means if np.any(means) else None


def _stated_polarity(specification: "RunSpecification", density: Array, source: Source | None) -> Array:
    """Density times mean direction as stated and as read."""
    d, initial = density.ndim - 1, specification.initial
    directions = _directions(specification, initial.polarity)
    means = np.broadcast_to(directions.reshape(*directions.shape, *(1,) * d), (*directions.shape, *density.shape[1:]))
    if initial.state == "phases" and any(phase.polarity for phase in initial.phases):
        means = _of_phases(specification, Grid(tuple(specification.size), density.shape[1:]))
    polarity = np.asarray(means * density[:, None])
    if source is not None and source.polarity is not None:
        polarity += resampled(source.polarity, density.shape[1:])
    return polarity


def _directions(specification: "RunSpecification", stated: Mapping[str, Sequence[float]]) -> Array:
    """Mean directions, shape (species, direction); zero where none is stated."""
    still = (0.0,) * specification.model.dimension
    return np.array([stated.get(name, still) for name in specification.model.names], dtype=np.float64)


def _of_phases(specification: "RunSpecification", grid: Grid) -> Array:
    """Mean directions where phases have their own, smoothed like the densities, (species, direction, [nz,] [ny,] nx)."""
    initial, width = specification.initial, _interface_width(specification, grid)
    layout, values = _layout(specification, grid), _densities_of_phases(specification)
    own = np.array([_directions(specification, {**initial.polarity, **phase.polarity}) for phase in initial.phases])
    rho = np.maximum(_phases(specification, grid), 0.0)
    means = np.zeros((*own.shape[1:], *grid.shape))
    for s, axis in np.ndindex(*own.shape[1:]):
        flux = _smoothed(values[layout, s] * own[layout, s, axis], grid, width)
        np.divide(flux, rho[s], out=means[s, axis], where=rho[s] > 0.0)
    return _no_longer_than_one(means)


def _no_longer_than_one(means: Array) -> Array:
    """Mean directions (species, direction, ...), the longer ones cut."""
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1.0))


def _reach(specification: "RunSpecification", grid: Grid) -> float:
    """The length on which initial states vary (length): the longest sensing range, or two cells where nothing is sensed."""
    model = specification.model
    senses = not model.interactions or bool(np.any(model.senses))
    return (float(model.sensing_ranges.max()) if senses else 0.0) or 2.0 * max(grid.spacing)


def _rescaled(specification: "RunSpecification", density: Array, composition: Array) -> Array:
    """Densities with the composition as their means."""
    means = density.mean(axis=tuple(range(1, density.ndim)))
    for name, mean, wanted in zip(specification.model.names, means, composition, strict=True):
        if mean == 0.0 and wanted > 0.0:
            raise InputError(f"initial.phases: no phase holds any {name}, of which the composition has {wanted:g}")
    factors = np.divide(composition, means, out=np.zeros_like(means), where=means > 0.0)
    return np.asarray(density * factors.reshape(-1, *(1,) * (density.ndim - 1)))


def _phases(specification: "RunSpecification", grid: Grid) -> Array:
    """Phases side by side, their interfaces smoothed."""
    values, layout = _densities_of_phases(specification), _layout(specification, grid)
    width = _interface_width(specification, grid)
    return np.stack([_smoothed(values[layout, s], grid, width) for s in range(values.shape[1])])


def _densities_of_phases(specification: "RunSpecification") -> Array:
    """Shape (phase, species)."""
    return np.array([specification.model.densities(dict(phase.densities)) for phase in specification.initial.phases])


def _interface_width(specification: "RunSpecification", grid: Grid) -> float:
    """Over which interfaces are smoothed (length)."""
    return 0.25 * _reach(specification, grid)


def _layout(specification: "RunSpecification", grid: Grid) -> Layout:
    """Phase of each cell."""
    initial, shares = specification.initial, np.array(specification.phase_shares)
    if initial.geometry == "slab":
        return _slabs(shares, grid)
    if initial.geometry == "droplet":
        return _droplet(shares, initial.radius, grid)
    return _patches(specification, shares, grid)


def _slabs(shares: Array, grid: Grid) -> Layout:
    """Phase of each cell: slabs side by side along x."""
    position = (np.arange(grid.shape[-1]) + 0.5) / grid.shape[-1]
    phase = np.minimum(np.searchsorted(np.cumsum(shares), position), shares.size - 1)
    return np.broadcast_to(phase, grid.shape)


def _droplet(shares: Array, radius: float | None, grid: Grid) -> Layout:
    """Phase of each cell: the first in the middle of the box, the others in shells around it."""
    centred = [grid.coordinates(axis) - 0.5 * edge for axis, edge in zip("xyz", grid.size, strict=False)]
    meshes = np.meshgrid(*centred[::-1], indexing="ij", sparse=True)
    distance = np.sqrt(sum(mesh**2 for mesh in meshes))
    if radius is not None:
        return np.asarray(distance > radius, dtype=np.intp)
    return _level_sets(distance, shares)


def _patches(specification: "RunSpecification", shares: Array, grid: Grid) -> Layout:
    """Phase of each cell: level sets of a smooth random field, each filling its share."""
    # a patch is half a wave of the field
    field = _random_field(specification.run.seed, len(specification.composition), grid, specification.patch_size / np.pi)
    return _level_sets(field, shares)


def _level_sets(field: Array, shares: Array) -> Layout:
    edges = np.quantile(field, np.clip(np.cumsum(shares)[:-1], 0.0, 1.0))
    return np.searchsorted(edges, field)


def _waves(specification: "RunSpecification", grid: Grid) -> Array:
    """Mean densities times one plus the sum of the waves of each species."""
    names = specification.model.names
    composition = specification.model.densities(dict(specification.composition))
    places = [grid.coordinates(axis) / edge for axis, edge in zip("xyz", grid.size, strict=False)]
    meshes = np.meshgrid(*places[::-1], indexing="ij", sparse=True)[::-1]
    relative = np.ones((len(names), *grid.shape))
    for one in specification.initial.waves:
        turns = sum(periods * mesh for periods, mesh in zip(one.wave, meshes, strict=True))
        relative[names.index(one.species)] += one.amplitude * np.cos(2.0 * np.pi * turns + one.phase)
    return np.asarray(relative * composition.reshape(-1, *(1,) * grid.dimension))


def _random_field(seed: int, number: int, grid: Grid, width: float) -> Array:
    """A Gaussian field of zero mean and unit variance, smoothed over a width (length); the same on every fine enough grid."""
    shape = tuple(2 * max(4, round(0.5 * _CELLS_PER_WIDTH * edge / width)) for edge in grid.size[::-1])
    own = Grid(grid.size, shape)
    noise = normal_pairs(seed, Stream.INITIAL_FIELD, number, own.cells)[0].reshape(own.shape)
    smooth = _smoothed(noise, own, width)
    smooth = smooth - smooth.mean()
    return resampled(smooth / smooth.std(), grid.shape)


def _smoothed(field: Array, grid: Grid, width: float) -> Array:
    """The field convolved with a Gaussian of a standard deviation (length)."""
    gauss = np.exp(-0.5 * np.minimum(grid.squared_wavenumber * width**2, 1400.0))
    return np.asarray(np.fft.irfftn(np.fft.rfftn(field) * gauss, s=grid.shape, axes=tuple(range(grid.dimension))))
