r"""Densities of particles on grids, and what the grid does to them.

A particle is deposited as a triangular-shaped cloud (TSC), the quadratic spline over three cells along each axis. The cloud's
transform is the window

    W(q) = \prod_axes [sin(q h/2) / (q h/2)]^3,   h the spacing,

by which the spectrum of a deposited density is multiplied (Hockney and Eastwood, Computer simulation using particles, 1981,
section 5-3). Dividing by W gives the particles' own spectrum back, but for aliases.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from particles import _mesh_loops
from particles.state import Particles
from theory.fourier import Grid

Array = NDArray[np.float64]

ASSIGNMENT = "TSC"


def _good_number(least: float) -> int:
    """Smallest multiple of 4 without prime factors above 5 that is at least ``least`` and 8: fast to transform."""
    for candidate in itertools.count(max(2, int(np.ceil(least / 4.0 - 1e-9)))):
        rest = candidate
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return 4 * candidate
    raise AssertionError("the powers of two do not end")


def grid_for(size: Array, spacing: float) -> Grid:
    """Grid of cells no longer than ``spacing``, of a number that is fast to transform.

    Parameters
    ----------
    size
        Edges of the box (x, y, ...) (length).
    spacing
        Largest edge of a cell (length).
    """
    return Grid(tuple(float(edge) for edge in size), tuple(_good_number(edge / spacing) for edge in size[::-1]))


def deposited_density(particles: Particles, grid: Grid) -> Array:
    """Number densities (1/length^2) of the species on the cells of a grid, shape (species, y, x)."""
    framed = np.zeros((particles.numbers.size, grid.shape[0] + 2, grid.shape[1] + 2))
    densities = np.empty((particles.numbers.size, *grid.shape))
    cells_per_length = tuple(1.0 / spacing for spacing in grid.spacing)
    for species, density in enumerate(framed):
        x, y = particles.positions[:, particles.slice_of(species)]
        _mesh_loops.deposit(cells_per_length, 1.0 / grid.cell_volume, x, y, density)
    _mesh_loops.fold(framed, densities)
    return densities
