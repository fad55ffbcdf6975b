r"""The Fourier modes in which fields are kept: those that a product of two fields leaves free of aliases.

A real field f on a periodic grid is held as its unnormalised transform

    f_k = \sum_x f(x) exp(-i k.x),    |n| < N/3 along every axis of N cells,  k = 2 pi n/L,

and of each pair k, -k one is stored: n_x >= 0. The Nyquist modes, which have no derivative, and everything else beyond two
thirds of them do not exist. Arrays of modes have the shape (component, column, row), whatever the dimension of space: the
column is n_x, the row numbers the wavenumbers along y and z in the order 0, 1, ..., m, -m, ..., -1 (y fastest); in one
dimension there is one row.

References
----------
Orszag, J. Atmos. Sci. 28, 1074 (1971), for the two thirds.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array, ComplexArray
from theory.fourier import Grid

SHARE = 2.0 / 3.0


class RetainedModes:
    """Which modes of a grid are kept, and where they lie.

    Parameters
    ----------
    grid
        The grid.

    Attributes
    ----------
    largest
        Largest number n kept along (x, y, ...).
    shape
        (columns, rows).
    positions
        Row of the grid's own spectrum, its axes (z, y) flattened, at which each row lies, shape (row,).
    runs
        Rows that lie side by side there: (first row, its position, number), shape (run, 3).
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        cells = grid.shape[::-1]
        # strictly below the share, but for round-off in it
        self.largest = tuple(int(np.ceil(0.5 * SHARE * n * (1.0 - 1e-12))) - 1 for n in cells)
        kept = [_signed(m) for m in self.largest[1:]]
        meshes = np.meshgrid(*kept[::-1], indexing="ij") if kept else []
        self._numbers = [mesh.ravel() for mesh in meshes[::-1]]
        self.positions = np.zeros(max(1, int(np.prod([one.size for one in kept]))), dtype=np.int64)
        stride = 1
        for numbers, n in zip(self._numbers, cells[1:], strict=True):
            self.positions += stride * (numbers % n)
            stride *= n
        self.shape = (self.largest[0] + 1, self.positions.size)
        begins = np.flatnonzero(np.diff(self.positions, prepend=-2) != 1)
        lengths = np.diff(begins, append=self.positions.size)
        self.runs = np.stack([begins, self.positions[begins], lengths], axis=1).astype(np.int64)

    @property
    def rows(self) -> int:
        """Rows of the grid's own spectrum: the product of its cells along y and z."""
        return self.grid.cells // self.grid.shape[-1]

    @cached_property
    def wavenumber_x(self) -> Array:
        """k_x of each column, shape (column,) (1/length)."""
        return np.asarray(2.0 * np.pi * np.arange(self.shape[0]) / self.grid.size[0])

    @cached_property
    def wavenumbers_across(self) -> Array:
        """k_y and k_z of each row, shape (d - 1, row) (1/length)."""
        sizes = self.grid.size[1:]
        across = [2.0 * np.pi * n / size for n, size in zip(self._numbers, sizes, strict=True)]
        return np.array(across, dtype=np.float64).reshape(len(sizes), self.shape[1])

    @cached_property
    def squared_wavenumber(self) -> Array:
        """|k|^2, shape (column, row)."""
        return np.asarray(self.wavenumber_x[:, None] ** 2 + np.sum(self.wavenumbers_across**2, axis=0))

    @cached_property
    def wavenumber(self) -> Array:
        """|k|, shape (column, row)."""
        return np.asarray(np.sqrt(self.squared_wavenumber))

    @cached_property
    def multiplicity(self) -> Array:
        """How many modes of the full spectrum each stored one stands for: 2 but for n_x = 0, shape (column, row)."""
        count = np.full(self.shape, 2.0)
        count[0] = 1.0
        return count

    @cached_property
    def tail(self) -> NDArray[np.bool_]:
        """Modes in the last third of those kept along some axis, shape (column, row)."""
        beyond = np.zeros(self.shape, dtype=np.bool_)
        beyond[np.arange(self.shape[0]) > SHARE * self.largest[0]] = True
        for numbers, m in zip(self._numbers, self.largest[1:], strict=True):
            beyond[:, np.abs(numbers) > SHARE * m] = True
        return beyond

    def pick(self, spectrum: ComplexArray) -> ComplexArray:
        """The modes of full spectra, shape (..., [nz,] [ny,] nx/2 + 1)."""
        leading = spectrum.shape[: spectrum.ndim - self.grid.dimension]
        flat = spectrum.reshape(*leading, self.rows, spectrum.shape[-1])
        return np.ascontiguousarray(np.swapaxes(flat[..., self.positions, : self.shape[0]], -1, -2))

    def spread(self, modes: ComplexArray) -> ComplexArray:
        """The full spectra of modes (..., column, row), zero beyond them."""
        leading = modes.shape[:-2]
        flat = np.zeros((*leading, self.rows, self.grid.spectral_shape[-1]), dtype=modes.dtype)
        flat[..., self.positions, : self.shape[0]] = np.swapaxes(modes, -1, -2)
        return flat.reshape(*leading, *self.grid.spectral_shape)

    def of(self, field: Array) -> ComplexArray:
        """The modes of real fields, shape (..., [nz,] [ny,] nx)."""
        axes = tuple(range(-self.grid.dimension, 0))
        return self.pick(np.fft.rfftn(field, axes=axes))

    def field(self, modes: ComplexArray) -> Array:
        """The real fields of modes (..., column, row) on the grid."""
        axes = tuple(range(-self.grid.dimension, 0))
        return np.asarray(np.fft.irfftn(self.spread(modes), s=self.grid.shape, axes=axes))


def _signed(largest: int) -> NDArray[np.int64]:
    """0, 1, ..., m, -m, ..., -1."""
    return np.concatenate([np.arange(largest + 1), np.arange(-largest, 0)])
