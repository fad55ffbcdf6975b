r"""Densities of particles on meshes, and what the mesh does to them.

A particle is deposited as a triangular-shaped cloud (TSC), the quadratic spline over three cells along each axis. The cloud's
transform is the window

    W(q) = \prod_axes [sin(q h/2) / (q h/2)]^3,   h the spacing,

by which the spectrum of a deposited density is multiplied (Hockney and Eastwood, Computer simulation using particles, 1981,
section 5-3). Dividing by W gives the particles' own spectrum back, but for aliases.

What a point source makes of a chemical, 1/(a + D q^2), falls so slowly with q that a spectrum cut at the Nyquist wavenumber q_N
rings throughout the box, its gradient by more than itself. Such fields are smoothed by exp(-8 (q/q_N)^4), which leaves waves of
many cells alone and sources within four cells blurred.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyfftw
from numpy.typing import NDArray

from particles import _mesh_loops
from particles.neighbours import CellOrder
from particles.state import Particles
from theory.arrays import Array, ComplexArray, Integers
from theory.fourier import PLANNER, Grid, Transforms, complex_array, wisdom

ASSIGNMENT = "TSC"
# Exponent of the smoothing at the Nyquist wavenumber: of several it left the least error beyond six cells.
_SMOOTHING = 8.0
# Columns before and behind a row, of which clouds use one: rows begin where whole vectors of the processor do, without which
# transforms take twice as long.
_VECTOR = 8


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


def smoothing(grid: Grid) -> Array:
    """Factor by which modes of fields around point sources are multiplied, shape of the grid's modes."""
    return np.asarray(np.exp(-_SMOOTHING * (grid.wavenumber * max(grid.spacing) / np.pi) ** 4))


class FramedFields:
    """Fields on a periodic grid with frames of cells around, which repeat those of the opposite edge.

    Parameters
    ----------
    number
        Number of fields.
    grid
        Their grid.

    Attributes
    ----------
    inside
        The fields, shape (number, [z,] [y,] x): a view of the framed memory.
    memory
        The framed fields, each as one row, shape (number, cells with the frame).
    """

    def __init__(self, number: int, grid: Grid) -> None:
        columns = _VECTOR * ((grid.shape[-1] + 3 * _VECTOR - 1) // _VECTOR)
        framed = (*(cells + 2 for cells in grid.shape[:-1]), columns)
        self._all: Array = np.asarray(pyfftw.zeros_aligned((number, *framed), dtype="float64"))
        self._edges = (*((1, cells + 1) for cells in grid.shape[:-1]), (_VECTOR, _VECTOR + grid.shape[-1]))
        self.inside: Array = self._all[(slice(None), *(slice(*edges) for edges in self._edges))]
        self.memory: Array = self._all.reshape(number, -1)
        strides = tuple(stride // self._all.itemsize for stride in self._all.strides[:0:-1])
        per_length = tuple(1.0 / spacing for spacing in grid.spacing)
        self.layout = (per_length, grid.shape[::-1], strides, _VECTOR - 1)

    def fold(self) -> None:
        """Add what lies in the frame to the opposite edge, inside."""
        for axis, (first, end) in enumerate(self._edges, start=1):
            along = np.moveaxis(self._all, axis, 0)
            along[first] += along[end]
            along[end - 1] += along[first - 1]

    def fill_frames(self) -> None:
        """Repeat in the frame what is inside at the opposite edge."""
        for axis, (first, end) in enumerate(self._edges, start=1):
            along = np.moveaxis(self._all, axis, 0)
            along[end] = along[first]
            along[first - 1] = along[end - 1]

    def deposit(self, particles: Particles, positions: Array, order: CellOrder | None = None) -> None:
        """Number densities of all species, one per field; strip by strip of an order, in parallel, if its strips allow that."""
        weight = float(np.prod(self.layout[0]))
        if order is not None and self._keeps_apart(order):
            _mesh_loops.clear(self.memory)
            for colour in range(min(2, order.strips.shape[1] - 1)):
                _mesh_loops.deposit_strips(order.strips, colour, self.layout, weight, positions, self.memory)
        else:
            self.memory[:] = 0.0
            for species, mesh in enumerate(self.memory):
                one = particles.slice_of(species)
                _mesh_loops.deposit(one.start, one.stop, self.layout, weight, positions, mesh)
        self.fold()

    def _keeps_apart(self, order: CellOrder) -> bool:
        """Whether clouds of the particles of a strip end before those of the next strip but one begin."""
        rows = self.inside.shape[1]
        # a cloud reaches a row beyond that of the particle; where slabs are no rows of the mesh, rows are cut anywhere
        between = 2.0 if order.shape[0] == rows else 3.0
        return bool(order.thickness * (1.0 + 1e-9) >= 2.0 * order.margin + between * order.size[-1] / rows)


def deposited_density(particles: Particles, grid: Grid) -> Array:
    """Number densities (1/length^d) of the species on the cells of a grid, shape (species, [z,] [y,] x)."""
    densities = FramedFields(particles.numbers.size, grid)
    densities.deposit(particles, particles.positions)
    return densities.inside.copy()


class Mesh:
    """The particles' densities as Fourier modes, and fields from modes back at the particles.

    Parameters
    ----------
    grid
        The mesh.
    species
        Number of species.
    fields
        Number of fields that are read back.
    threads
        Threads for the transforms.

    Attributes
    ----------
    spectra
        Transforms of the deposited densities, not normalised, shape (species, mode).
    modes
        To be filled with transforms of the fields times the number of cells, shape (field, mode).
    """

    def __init__(self, grid: Grid, species: int, fields: int, threads: int) -> None:
        self.grid = grid
        self._threads = threads
        self._densities = FramedFields(species, grid)
        self._fields = FramedFields(fields, grid)
        self._spectra = complex_array(species, *grid.spectral_shape)
        self._modes = complex_array(fields, *grid.spectral_shape)
        self.spectra: ComplexArray = self._spectra.reshape(species, -1)
        self.modes: ComplexArray = self._modes.reshape(fields, -1)
        self._plan(None)

    def _plan(self, remembered: bytes | None) -> None:
        self._transforms = Transforms(self._threads, remembered)
        self._forward = self._transforms.plan(self._densities.inside, self._spectra)
        self._inverse = self._transforms.plan(self._modes, self._fields.inside)
        self._wisdom = wisdom()

    def __str__(self) -> str:
        cells = " x ".join(str(number) for number in self.grid.shape[::-1])
        return f"mesh, {cells} cells of {' x '.join(f'{spacing:.4g}' for spacing in self.grid.spacing)}"

    @property
    def densities(self) -> Array:
        """The deposited densities (1/length^d), shape (species, [z,] [y,] x)."""
        return self._densities.inside

    def deposit(self, particles: Particles, positions: Array, order: CellOrder | None = None) -> None:
        """Densities of particles at positions (dimension, particle), and their spectra.

        Parameters
        ----------
        particles, positions
            The particles, and where they are taken to be.
        order
            If given, no particle is outside of its strip by more than the order's margin: strips are deposited in parallel.
        """
        self._densities.deposit(particles, positions, order)
        self._transforms.run(self._forward)

    def transform_fields(self, fields: Integers) -> None:
        """From the :attr:`modes` of some fields, which are lost, to the fields."""
        self._transforms.run([self._inverse[field] for field in fields])
        self._fields.fill_frames()

    def read(
        self, fields: Integers, strips: Integers, positions: Array, rows: Integers, values: Array, origin: int | None = None
    ) -> None:
        """Fields at the particles of one species.

        Parameters
        ----------
        fields
            Numbers of the fields.
        strips
            Where the strips of the species begin in storage, shape (strip + 1,).
        positions
            Of all particles, shape (dimension, particle) (length).
        rows, values
            Field ``fields[n]`` is written to ``values[rows[n]]``.
        origin
            Place in storage of the first particle of ``values``; by default the first one of the species.
        """
        first = strips[0] if origin is None else origin
        memory, layout = self._fields.memory, self._fields.layout
        _mesh_loops.interpolate(strips, first, layout, fields, rows, memory, positions, values)

    def subtract_own(self, strips: Integers, response: Array, positions: Array, values: Array) -> None:
        """Take from a field at the particles of one species what each contributed itself; see :meth:`own_response`."""
        _mesh_loops.subtract_own_clouds(strips, self._fields.layout, response, positions, values)

    def own_response(self, multiplier: Array) -> Array:
        """What a unit on one node makes at the nodes 0, 1, 2 spacings away, times the number of such nodes, shape (3^d,).

        Parameters
        ----------
        multiplier
            By which the spectrum of densities is multiplied, shape of the grid's modes.
        """
        field = np.fft.irfftn(multiplier, s=self.grid.shape, axes=range(self.grid.dimension)) / self.grid.cell_volume
        near = field[(slice(3),) * self.grid.dimension]
        for axis in range(self.grid.dimension):
            near = near * np.array([1.0, 2.0, 2.0]).reshape(-1, *(1,) * (self.grid.dimension - 1 - axis))
        return np.ascontiguousarray(near.ravel())

    def state(self) -> dict[str, NDArray[Any]]:
        """FFTW's wisdom, from which it makes the same plans."""
        return {"wisdom": np.frombuffer(self._wisdom, dtype=np.uint8)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Return to a state."""
        self._transforms.close()
        self._plan(np.asarray(state["wisdom"], dtype=np.uint8).tobytes())

    @property
    def planner(self) -> str:
        """How the transforms were planned."""
        return PLANNER
