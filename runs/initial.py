"""Initial densities, the same for both scales.

Every random number is a function of the seed and the place, so that a run can be set up again bit for bit.
"""

from typing import TYPE_CHECKING

import numpy as np

from theory.counter_random import Stream, normal_pairs
from theory.errors import InputError
from theory.fourier import Array, Grid

if TYPE_CHECKING:
    from runs.runfile import RunSpecification


def initial_density(specification: "RunSpecification", grid: Grid) -> Array:
    """Initial densities of a run.

    Parameters
    ----------
    specification
        The run: its composition, box and initial state.
    grid
        Where densities are wanted.

    Returns
    -------
    ndarray
        Shape (species, ny, nx) (1/length^2), not negative; the mean of each species is the composition.

    Raises
    ------
    InputError
        No phase holds any of a species that the composition has.
    """
    model, initial = specification.model, specification.initial
    composition = model.densities(dict(specification.composition))
    reach = float(model.sensing_ranges.max()) or 2.0 * max(grid.spacing)
    shape = (composition.size, *grid.shape)
    if initial.state == "homogeneous":
        density = np.broadcast_to(composition[:, None, None], shape).copy()
    else:
        shares = np.array([phase.share for phase in initial.phases])
        values = np.array([model.densities(dict(phase.densities)) for phase in initial.phases])
        layout = _slabs(shares, grid) if initial.geometry == "slab" else _patches(specification, shares, grid)
        density = np.stack([_smoothed(values[layout, s], grid, 0.25 * reach) for s in range(composition.size)])
    if initial.noise > 0.0:
        for s in range(composition.size):
            density[s] *= 1.0 + initial.noise * _random_field(specification.run.seed, s, grid, 0.5 * reach)
    density = np.maximum(density, 0.0)
    means = density.mean(axis=(1, 2))
    for name, mean, wanted in zip(model.names, means, composition, strict=True):
        if mean == 0.0 and wanted > 0.0:
            raise InputError(f"initial.phases: no phase holds any {name}, of which the composition has {wanted:g}")
    return np.asarray(density * np.divide(composition, means, out=np.zeros_like(means), where=means > 0.0)[:, None, None])


def _slabs(shares: Array, grid: Grid) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Phase of each cell: slabs side by side along x."""
    position = (np.arange(grid.shape[1]) + 0.5) / grid.shape[1]
    phase = np.minimum(np.searchsorted(np.cumsum(shares), position), shares.size - 1)
    return np.broadcast_to(phase, grid.shape)


def _patches(specification: "RunSpecification", shares: Array, grid: Grid) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Phase of each cell: level sets of a smooth random field, each filling its share."""
    # a patch is half a wave of the field
    field = _random_field(specification.run.seed, len(specification.composition), grid, specification.patch_size / np.pi)
    edges = np.quantile(field, np.clip(np.cumsum(shares)[:-1], 0.0, 1.0))
    return np.searchsorted(edges, field)


def _random_field(seed: int, number: int, grid: Grid, width: float) -> Array:
    """A Gaussian field of zero mean and unit variance, smoothed over a width (length)."""
    noise = normal_pairs(seed, Stream.INITIAL_FIELD, number, grid.cells)[0].reshape(grid.shape)
    smooth = _smoothed(noise, grid, width)
    smooth = smooth - smooth.mean()
    return np.asarray(smooth / smooth.std())


def _smoothed(field: Array, grid: Grid, width: float) -> Array:
    """The field convolved with a Gaussian of a standard deviation (length)."""
    gauss = np.exp(-0.5 * np.minimum(grid.squared_wavenumber * width**2, 1400.0))
    return np.asarray(np.fft.irfft2(np.fft.rfft2(field) * gauss, s=grid.shape))
