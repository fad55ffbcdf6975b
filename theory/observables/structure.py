r"""Fourier modes of particle configurations, in one to three dimensions.

    \rho_q = \sum_i exp(-i q.r_i)

Modes of particles have the form of those of fields: :class:`theory.observables.Shells` and
:func:`theory.observables.structure_factors` take both.
"""

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array, ComplexArray
from theory.fourier import Grid
from theory.observables.periodic import checked_species, wrapped

# values held at a time: some tens of megabytes
_CHUNK = 2**21


def particle_modes(positions: ArrayLike, grid: Grid, species: ArrayLike | None = None, number: int = 1) -> ComplexArray:
    """rho_q by the sum over all particles, exact at every mode: no mesh, no window, no aliases.

    Parameters
    ----------
    positions
        Shape (particle, dimension) (length).
    grid
        Its box is that of the particles, its modes are those wanted; the cost is their number times that of the particles.
    species
        Index of each particle's, shape (particle,).
    number
        Number of species.

    Returns
    -------
    ndarray
        Shape (species, ..., ky, kx).

    Raises
    ------
    InputError
        The positions do not belong to the grid, or the species to the positions.
    """
    points = wrapped(positions, grid.size)
    index = checked_species(species, points.shape[0], number)
    out = np.zeros((number, *grid.spectral_shape), dtype=np.complex128)
    step = max(1, _CHUNK // int(np.prod(grid.spectral_shape[:-1]) + grid.spectral_shape[-1]))
    for s in range(number):
        own = points[index == s]
        for start in range(0, own.shape[0], step):
            out[s] += _sum_of_phases(own[start : start + step], grid)
    return out


def _sum_of_phases(points: Array, grid: Grid) -> ComplexArray:
    waves = [np.exp(-1j * np.outer(k, x)) for k, x in zip(grid.wavenumbers, points.T, strict=True)]
    # one matrix product: all axes but x make the rows
    rows = np.ones((1, points.shape[0]), dtype=np.complex128)
    for wave in waves[:0:-1]:
        rows = (rows[:, None] * wave[None]).reshape(-1, points.shape[0])
    return np.asarray((rows @ waves[0].T).reshape(grid.spectral_shape))
