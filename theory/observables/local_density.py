"""Local densities of particle configurations: coarse-grained fields and their histograms.

Phase densities are those at which the histogram peaks: ``phases(coarse_density(...))`` of :mod:`theory.observables`.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from theory.arrays import Array
from theory.errors import InputError
from theory.observables.periodic import checked_box, checked_species, wrapped

# cells per coarse-graining width
_CELLS_PER_WIDTH = 4.0


def cell_density(
    positions: ArrayLike, size: ArrayLike, cells: tuple[int, ...], species: ArrayLike | None = None, number: int | None = None
) -> Array:
    """Particles per volume in the cells of a grid.

    Parameters
    ----------
    positions
        Shape (particle, dimension) (length).
    size
        Edges of the box (x, y, ...), shape (dimension,) (length).
    cells
        Numbers of cells (x, y, ...).
    species
        Index of each particle's, shape (particle,).
    number
        Number of species; by default up to the last that has a particle.

    Returns
    -------
    ndarray
        Shape (species, ..., y, x) (1/length^d).

    Raises
    ------
    InputError
        An argument is out of its range.
    """
    points = wrapped(positions, size)
    count, dimension = points.shape
    edges = checked_box(size, dimension)
    if len(cells) != dimension or min(cells) < 1:
        raise InputError(f"the numbers of cells {cells} must be positive, one for each of {dimension} dimensions")
    if number is None:
        number = 1 if species is None else int(np.max(species, initial=0)) + 1
    index = checked_species(species, count, number)
    shape = np.array(cells)
    places = np.minimum((points * (shape / edges)).astype(np.int64), shape - 1)
    whole = (number, *cells[::-1])
    flat = np.ravel_multi_index((index, *places.T[::-1]), whole)
    counts = np.bincount(flat, minlength=int(np.prod(whole))).reshape(whole)
    return np.asarray(counts * (np.prod(shape) / np.prod(edges)))


def coarse_density(
    positions: ArrayLike, size: ArrayLike, width: float, species: ArrayLike | None = None, number: int | None = None
) -> Array:
    """Densities coarse-grained with a Gaussian, on cells of at most a quarter of its width.

    Parameters
    ----------
    positions, size, species, number
        As in :func:`cell_density`.
    width
        Standard deviation of the Gaussian along each axis (length).

    Returns
    -------
    ndarray
        Shape (species, ..., y, x) (1/length^d).

    Raises
    ------
    InputError
        An argument is out of its range.
    """
    edges = np.asarray(size, dtype=np.float64)
    if not (np.isfinite(width) and 0.0 < width <= 0.5 * float(edges.min())):
        raise InputError(f"the width {width} must be positive and at most half of the shortest edge, {0.5 * edges.min():g}")
    cells = np.ceil(_CELLS_PER_WIDTH * edges / width).astype(int)
    density = cell_density(positions, size, tuple(cells.tolist()), species, number)
    spreads = width * cells / edges
    return np.stack([ndimage.gaussian_filter(one, spreads[::-1], mode="wrap", truncate=6.0) for one in density])


def density_histogram(densities: Array, bins: int, highest: float | None = None) -> tuple[Array, Array]:
    """How often densities occur.

    Parameters
    ----------
    densities
        Shape (species, ...) (1/length^d).
    bins
        Number of bins, of equal widths from 0.
    highest
        Upper edge of the last bin (1/length^d); by default the largest density.

    Returns
    -------
    edges
        Shape (bin + 1,) (1/length^d).
    shares
        Share of the places per density, shape (species, bin) (length^d): its integral is 1 where no density is beyond.

    Raises
    ------
    InputError
        There is no bin, or no positive density.
    """
    top = float(np.max(densities)) if highest is None else highest
    if bins < 1 or not (np.isfinite(top) and top > 0.0):
        raise InputError(f"a histogram of densities needs bins ({bins}) and a positive upper edge ({top})")
    edges = np.linspace(0.0, top, bins + 1)
    rows = densities.reshape(densities.shape[0], -1)
    counts = np.stack([np.histogram(row, edges)[0] for row in rows])
    return edges, counts / (rows.shape[1] * np.diff(edges))
