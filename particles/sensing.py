r"""What particles sense: densities weighted by a kernel, at every particle.

Continuous law ([S1] Eq. 10): the density of species n that a particle at r senses is

    \tilde\rho_n(r) = \sum_{j of species n} K(r - r_j),

over all periodic images, with or without the particle itself as the model says. Two ways to compute it:

- :class:`ExactSensing` adds up the kernel over all pairs, from a table of stated error.
- :class:`MeshSensing` deposits the particles on a mesh, multiplies the spectrum by Khat(q)/W(q)^2 (W: window of the
  assignment, once for depositing and once for interpolating) and interpolates back (Hockney and Eastwood 1981, chapter 5).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from particles import _mesh_loops, _pair_loops
from particles.kernel_table import KernelTable, tabulate
from particles.mesh import grid_for
from particles.neighbours import CellOrder
from particles.state import Particles
from theory.errors import InputError
from theory.fourier import PLANNER, Grid, Transforms, complex_array, real_array, wisdom
from theory.model import Model
from theory.observables import deposit_window

Array = NDArray[np.float64]

# Rows that particles may leave their strip by before the storage is sorted again.
_MARGIN = 3
# Mesh cells per sensing range, unless the spacing is given.
_CELLS_PER_RANGE = 8.0
_FEWEST_CELLS_PER_RANGE = 2.0


class Sensing(ABC):
    """One way to compute sensed densities. It also decides how the storage is sorted.

    Attributes
    ----------
    order
        The order of storage that it needs.
    """

    order: CellOrder

    @abstractmethod
    def prepare(self, particles: Particles) -> None:
        """Sort the storage, if the particles have moved so far that it must be."""

    @abstractmethod
    def sense(self, particles: Particles, sensed: list[Array]) -> None:
        """Compute what all particles sense.

        Parameters
        ----------
        particles
            Sorted by :meth:`prepare`.
        sensed
            For each observing species the densities (1/length^2) of all source species, shape (source, particle of the
            observing species), overwritten.
        """

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """What a bit-exact continuation needs, as arrays."""

    @abstractmethod
    def restore(self, state: Mapping[str, NDArray[Any]], particles: Particles) -> None:
        """Return to a state; the storage of the particles is restored already."""


def _check_kernels(model: Model) -> None:
    for kernel in model.channels.kernels:
        if kernel.is_local:
            raise InputError(
                "the local kernel has no meaning for particles (two of them never meet at a point); "
                "choose a kernel with a range, for example bump"
            )


def _check_self(model: Model) -> None:
    for observer in range(model.number_of_species):
        kernel = model.channels.kernels[model.channels.index[observer, observer]]
        if kernel.singular and model.sensing.count_self:
            raise InputError(
                f"the {kernel.name} kernel is infinite at distance zero, so that a particle cannot sense itself; "
                "set count_self = false"
            )


class MeshSensing(Sensing):
    """Sensed densities by way of a mesh.

    Parameters
    ----------
    model
        Says who senses whom, by which kernel.
    size
        Edges of the box, shape (2,) (length).
    offsets
        Where each species begins in storage.
    spacing
        Largest mesh spacing (length); an eighth of the smallest sensing range by default.
    threads
        Threads for the transforms.

    Raises
    ------
    InputError
        The kernel is local, is infinite at zero while particles sense themselves, or the spacing is above half of a range.

    Notes
    -----
    Root mean square relative error of the sensed density, with 100 particles per squared range (it falls as their square
    root): .24 % at 4 cells per range, .057 % at 8, .007 % at 16 for the bump kernel; .20, .078, .030 % for the linear kernel.

    A kernel that is infinite at zero is cut off by the mesh: pairs nearer than about a spacing sense each other as
    if a spacing apart. A particle's own contribution is exactly that of the mesh, and taken away exactly.
    """

    def __init__(
        self, model: Model, size: Array, offsets: NDArray[np.int64], spacing: float | None = None, threads: int = 1
    ) -> None:
        _check_kernels(model)
        _check_self(model)
        smallest = float(np.min(model.sensing_ranges))
        spacing = smallest / _CELLS_PER_RANGE if spacing is None else spacing
        if not 0.0 < spacing <= smallest / _FEWEST_CELLS_PER_RANGE * (1.0 + 1e-12):
            raise InputError(
                f"mesh_spacing is {spacing:g}; it must be positive and at most half of the smallest sensing range, "
                f"{smallest / _FEWEST_CELLS_PER_RANGE:g}"
            )
        self.grid: Grid = grid_for(size, spacing)
        # strips of two colours: the clouds of one strip's particles, strayed by the margin, end before the next but one
        self.order = CellOrder(size, (self.grid.shape[0], 1), offsets, rows_per_strip=2 * _MARGIN + 2)
        self._cells_per_length = tuple(1.0 / h for h in self.grid.spacing)
        self._channels = model.channels
        self._sources = np.array(model.channels.sources, dtype=np.int64)
        kernels = list(dict.fromkeys(model.channels.kernels))
        self._kernels = np.array([kernels.index(kernel) for kernel in model.channels.kernels], dtype=np.int64)
        response = np.stack([kernel.transform(self.grid.wavenumber) for kernel in kernels]) / deposit_window(self.grid) ** 2
        # transforms are not normalised
        self._multipliers = response / self.grid.cells
        self._own = None if model.sensing.count_self else [self._own_response(response[k]) for k in self._kernels]
        self._threads = threads
        self._densities = real_array(model.number_of_species, *self.grid.shape)
        self._spectra = complex_array(model.number_of_species, *self.grid.spectral_shape)
        self._filtered = complex_array(self._sources.size, *self.grid.spectral_shape)
        self._fields = real_array(self._sources.size, *self.grid.shape)
        framed = (self.grid.shape[0] + 2, self.grid.shape[1] + 2)
        self._framed_densities = np.empty((model.number_of_species, *framed))
        self._framed_fields = np.empty((self._sources.size, *framed))
        self._plan(None)

    def _plan(self, remembered: bytes | None) -> None:
        self._transforms = Transforms(self._threads, remembered)
        self._forward = self._transforms.plan(self._densities, self._spectra)
        self._inverse = self._transforms.plan(self._filtered, self._fields)
        self._wisdom = wisdom()

    def _own_response(self, response: Array) -> Array:
        """What a unit on one node makes at nodes 0, 1, 2 spacings away, times the number of such nodes, along y and x."""
        field = np.fft.irfft2(response, s=self.grid.shape) / self.grid.cell_volume
        both_sides = np.array([1.0, 2.0, 2.0])
        return np.ascontiguousarray(field[:3, :3] * both_sides[:, None] * both_sides)

    def __str__(self) -> str:
        (hx, hy), (ny, nx) = self.grid.spacing, self.grid.shape
        return f"mesh, {nx} x {ny} cells of {hx:.4g} x {hy:.4g}"

    def prepare(self, particles: Particles) -> None:
        """Sort the storage once a particle has left the rows of its strip by more than the margin."""
        if self.order.has_strays(particles, _MARGIN):
            self.order.sort(particles)

    def sense(self, particles: Particles, sensed: list[Array]) -> None:
        """Deposit, convolve, interpolate; see :meth:`Sensing.sense`."""
        strips, positions = self.order.strips, particles.positions
        _mesh_loops.clear(self._framed_densities)
        for colour in range(min(2, strips.shape[1] - 1)):
            _mesh_loops.deposit_strips(
                strips, colour, self._cells_per_length, 1.0 / self.grid.cell_volume, positions, self._framed_densities
            )
        _mesh_loops.fold(self._framed_densities, self._densities)
        self._transforms.run(self._forward)
        _mesh_loops.filter_spectra(
            self._sources,
            self._kernels,
            self._multipliers,
            self._spectra.view(np.float64),
            self._filtered.view(np.float64),
        )
        self._transforms.run(self._inverse)
        _mesh_loops.frame(self._fields, self._framed_fields)
        for observer, values in enumerate(sensed):
            channels = self._channels.index[observer]
            _mesh_loops.interpolate(strips[observer], self._cells_per_length, channels, self._framed_fields, positions, values)
            if self._own is not None:
                _mesh_loops.subtract_own_cloud(
                    strips[observer],
                    self._cells_per_length,
                    self._own[channels[observer]],
                    positions,
                    values[observer],
                )

    def state(self) -> dict[str, NDArray[Any]]:
        """The strips as last sorted, and FFTW's wisdom, from which it makes the same plans."""
        return {"strips": self.order.strips.copy(), "wisdom": np.frombuffer(self._wisdom, dtype=np.uint8)}

    def restore(self, state: Mapping[str, NDArray[Any]], particles: Particles) -> None:
        """Return to a state."""
        self.order.strips[:] = state["strips"]
        self._transforms.close()
        self._plan(np.asarray(state["wisdom"], dtype=np.uint8).tobytes())

    @property
    def planner(self) -> str:
        """How the transforms were planned."""
        return PLANNER


class ExactSensing(Sensing):
    """Sensed densities by summation over all pairs within the kernel's support.

    Parameters
    ----------
    model
        Says who senses whom, by which kernel.
    size
        Edges of the box, shape (2,) (length).
    offsets
        Where each species begins in storage.

    Raises
    ------
    InputError
        The kernel is local or infinite at zero, or its support is above half of an edge.

    Notes
    -----
    Gaussian kernels are cut where they fall below 1e-9 of their peak. For the error of the table see
    :mod:`particles.kernel_table`.
    """

    def __init__(self, model: Model, size: Array, offsets: NDArray[np.int64]) -> None:
        _check_kernels(model)
        for kernel in model.channels.kernels:
            if kernel.singular:
                raise InputError(
                    f'the {kernel.name} kernel is infinite at distance zero; use sensing = "mesh" with count_self = false'
                )
            if kernel.support > 0.5 * float(np.min(size)):
                raise InputError(
                    f"the {kernel.name} kernel of range {kernel.range:g} reaches to {kernel.support:g}, beyond half of the "
                    f'smallest edge of the box, {np.min(size):g}; enlarge the box or use sensing = "mesh"'
                )
        self._channels = model.channels
        self._tables: list[KernelTable] = [tabulate(kernel) for kernel in model.channels.kernels]
        self._count_self = model.sensing.count_self
        smallest = min(table.support for table in self._tables)
        self.order = CellOrder(size, _cells_for(size, smallest, int(np.max(np.diff(offsets)))), offsets)

    @property
    def table_error(self) -> float:
        """Largest error of a kernel's table, relative to the kernel's peak."""
        return max(table.error for table in self._tables)

    def __str__(self) -> str:
        return f"exact, all pairs within {max(table.support for table in self._tables):.4g}"

    def prepare(self, particles: Particles) -> None:
        """Sort the storage by cells."""
        self.order.sort(particles)

    def sense(self, particles: Particles, sensed: list[Array]) -> None:
        """Add up all pairs; see :meth:`Sensing.sense`."""
        order = self.order
        for observer, values in enumerate(sensed):
            for source, channel in enumerate(self._channels.index[observer]):
                table = self._tables[channel]
                _pair_loops.sum_neighbours(
                    order.starts[observer],
                    order.size,
                    order.shape,
                    order.starts[source],
                    table.support,
                    table.arguments,
                    particles.positions,
                    values[source],
                )
                if source == observer and not self._count_self:
                    values[source] -= table.values[0]

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing: the storage is sorted after every step, and sorting it again changes nothing."""
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]], particles: Particles) -> None:
        """Find the cells of the restored storage."""
        self.order.sort(particles)


def _cells_for(size: Array, support: float, particles: int) -> tuple[int, int]:
    """Rows of half a support (measured to be fastest), of cells of an eighth; no more cells than particles."""
    rows = max(1, int(size[1] / (0.5 * support)))
    columns = max(1, min(int(size[0] / (0.125 * support)), particles // rows))
    return rows, columns
