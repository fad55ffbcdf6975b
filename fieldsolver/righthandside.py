"""The deterministic right-hand side of a model's fields, at any order, in any dimension.

Five passes over blocks work it out (:mod:`fieldsolver.equations` says what each sums up, :mod:`fieldsolver.passes` how blocks
are shared). Per species and evaluation order 0 takes 3 + 2d real transforms: the density, its sensed field, v rho, d
components of its gradient and d of the flux; order K in two dimensions takes 4K + 7, and 2K more where directions are turned.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldsolver import _pass_loops, _point_loops
from fieldsolver.equations import Equations
from fieldsolver.layout import Layout, linear_part
from fieldsolver.modes import RetainedModes
from fieldsolver.passes import Passes, Worker
from fieldsolver.snapshots import concentration_modes
from fieldsolver.tables import ModeTable
from theory.arrays import Array, ComplexArray
from theory.codegen import CompiledLaws
from theory.fourier import Grid, aligned

# numbers that the survey reports per block and species
_SURVEYED = 6


@dataclass(frozen=True)
class Extremes:
    """What one evaluation saw.

    Parameters
    ----------
    lowest_density, highest_density
        Shape (species,) (1/length^d).
    slowest_speed, fastest_speed
        Shape (species,) (length/time).
    mean_speed
        Average of v over the particles, that is weighted with the density, shape (species,) (length/time).
    negative_share
        Share of cells with a negative density, shape (species,).
    overpolarised_share
        Share of cells with a polarity longer than the density, shape (species,); zero at order 0.
    smallest_pivot
        Of the closure's equations, relative to the decay rates: the closure means nothing unless it is positive.
    """

    lowest_density: Array
    highest_density: Array
    slowest_speed: Array
    fastest_speed: Array
    mean_speed: Array
    negative_share: Array
    overpolarised_share: Array
    smallest_pivot: float


class RightHandSide:
    """F(u) of  du/dt = F(u) + noise, with all the arrays that it works in.

    Parameters
    ----------
    layout
        The model at an order.
    grid
        The grid.
    threads
        Number of threads; the results do not depend on it.
    precision
        "float64" or "float32", of fields and transforms; states and tendencies are in double precision.
    random_rows
        Random fields that noise will ask the passes to transform.

    Attributes
    ----------
    kept
        Speeds, and what else is needed of the fields of the last state, shape (array, cell).
    last
        The state whose fields are held, None before the first.
    """

    def __init__(
        self, layout: Layout, grid: Grid, *, threads: int = 1, precision: str = "float64", random_rows: int = 0
    ) -> None:
        self.layout, self.modes = layout, RetainedModes(grid)
        self.kept: NDArray[Any] = aligned((layout.kept_arrays, grid.cells), precision)
        self.last: ComplexArray | None = None
        self._state = self._out = np.zeros((0, 0, 0), dtype=np.complex128)
        self._wants_products = True
        self._compile_laws()
        self._tabulate(Equations(layout, self.modes, precision))
        self.passes = self._planned(threads, precision, random_rows)
        blocks = len(self.passes.row_blocks)
        self._surveyed = np.zeros((blocks, layout.species, _SURVEYED))
        self._overpolarised = np.zeros((blocks, layout.species, 1))
        self._pivots = np.full((blocks, 1), np.inf)
        self._matrices = np.zeros((threads, layout.species, layout.species, _point_loops.CHUNK))

    def _compile_laws(self) -> None:
        lay, laws = self.layout, CompiledLaws(self.layout.model)
        self._laws = [laws.block_of(s) for s in range(lay.species)]
        self._law_rows = [lay.law_rows(s) for s in range(lay.species)]
        self._parameters = laws.parameters
        self._densities = np.array([lay.component(s, 0) for s in range(lay.species)], dtype=np.int64)
        self._slowed = [s for s in range(lay.species) if np.any(lay.pairs.speed_losses[s])]

    def _tabulate(self, equations: Equations) -> None:
        self._to_fields, self._filters = equations.to_fields(), equations.filters()
        self._to_products = equations.to_products()
        self._to_strain, self._to_first_tendency = equations.to_strain(), equations.to_first_tendency()
        self._slaved_at_once = equations.slaved_at_once
        self._to_slaved, self._to_outputs = equations.to_slaved(), equations.to_outputs()
        self._to_last_tendency, self._production = equations.to_last_tendency(), equations.production()
        lay, modes = self.layout, self.modes
        self.rates, self.diffusivities = linear_part(lay)
        self._inside = np.zeros(modes.rows)
        self._inside[modes.positions] = 1.0
        self._across_all = np.zeros((len(modes.wavenumbers_across), modes.rows))
        self._across_all[:, modes.positions] = modes.wavenumbers_across
        self.across = np.ascontiguousarray(modes.wavenumbers_across)
        if np.any(lay.closure_couplings):
            self._closed_densities = np.array([lay.kept_array(row) for row in self._densities])
            self._unknowns = np.array([[lay.slaved_row(s, f) for f in lay.basis.slaved] for s in range(lay.species)])

    def _planned(self, threads: int, precision: str, random_rows: int) -> Passes:
        lay = self.layout
        transforms = [
            ("from_modes", 0, lay.fields), ("to_points", 0, lay.fields), ("to_lines", lay.first_product, lay.harmonics),
            ("to_modes", 0, lay.harmonics),
        ]  # fmt: skip
        if lay.slaved:
            transforms += [("from_modes", lay.harmonics, lay.slaved), ("to_points", 0, lay.slaved)]
        for count in {lay.outputs, random_rows} - {0}:
            transforms += [("to_lines", 0, count), ("to_modes", 0, count)]
        arrays = max(lay.fields, lay.first_product + lay.harmonics, lay.harmonics + lay.slaved, lay.outputs, random_rows)
        return Passes(self.modes, arrays, transforms, threads, precision)

    # --- what is asked of it ------------------------------------------------------------------------------------------------

    def survey(self, state: ComplexArray) -> Extremes:
        """Work out the fields of a state (component, column, row), without the tendency."""
        self._first_passes(state, products=False)
        return self.extremes()

    def evaluate(self, state: ComplexArray, out: ComplexArray) -> None:
        """Write F(state), shape (component, column, row), to ``out``."""
        self._first_passes(state, products=True)
        self._out = out
        self.passes.over_columns(self._third_pass)
        if self.layout.outputs:
            self.passes.over_rows(self._fourth_pass)
            self.passes.over_columns(self._fifth_pass)

    def extremes(self) -> Extremes:
        """What the last evaluation saw."""
        found, cells = np.empty((self.layout.species, _SURVEYED)), self.modes.grid.cells
        _point_loops.summarise(self._surveyed, found)
        mass = self._state[self._densities, 0, 0].real
        overpolarised = self._overpolarised[:, :, 0].sum(axis=0) / cells
        lowest, highest, slowest, fastest, flow, negative = found.T
        mean_speed = np.divide(flow, mass, out=np.zeros_like(mass), where=mass != 0.0)
        pivot = float(self._pivots.min())
        return Extremes(lowest, highest, slowest, fastest, mean_speed, negative / cells, overpolarised, pivot)

    def close(self, unknowns: NDArray[np.int64], worker: Worker, start: int, points: int) -> float:
        """Solve the closure of species that enter each other's, for rows (species, function) of the points of a block.

        Returns
        -------
        float
            Smallest pivot over the decay rate.
        """
        lay = self.layout
        return float(
            _point_loops.solve_closure(
                lay.rates[:, lay.basis.kept], lay.closure_couplings, self._closed_densities, unknowns, start, points,
                self.kept, worker.points, self._matrices[worker.number],
            )
        )  # fmt: skip

    def read_by(self, species: int, state: ComplexArray) -> Array:
        """What the motility law of a species reads of a state, shape (species + chemical, cell); slow, for messages."""
        layout, modes, model = self.layout, self.modes, self.layout.model
        fields = []
        for n in range(layout.species):
            kernel = model.channels.kernels[model.channels.index[species, n]]
            fields.append(modes.field(kernel.transform(modes.wavenumber) * state[layout.component(n, 0)]))
        fields += [modes.field(concentration_modes(state, layout, modes, p)) for p in range(len(model.chemicals))]
        return np.stack(fields).reshape(len(fields), -1)

    # --- the passes ---------------------------------------------------------------------------------------------------------

    def _first_passes(self, state: ComplexArray, *, products: bool) -> None:
        self._state, self._wants_products = state, products
        self.passes.over_columns(self._first_pass)
        self.passes.over_rows(self._second_pass)
        self.last = state

    def _first_pass(self, worker: Worker, first: int, count: int, block: int) -> None:
        """Modes to fields."""
        table = self._to_fields
        _pass_loops.fill_columns(
            table.starts, table.lines, table.coefficients, self._filters, self.modes.wavenumber_x, self.across,
            self.modes.runs, self._inside, self._state, first, count, worker.columns,
        )  # fmt: skip
        self.passes.store_columns(worker, 0, self.layout.fields, first, count)

    def _second_pass(self, worker: Worker, first: int, count: int, block: int) -> None:
        """Fields to speeds, and to the products p."""
        lay, width = self.layout, self.modes.grid.shape[-1]
        start, points = first * width, count * width
        self.passes.load_rows(worker, lay.fields, first, count)
        rows = worker.points
        if lay.kept_rows.size:
            _point_loops.keep(lay.kept_rows, lay.species, start, points, rows, self.kept)
        for s in range(lay.species):
            read = [rows[row, :points] for row in self._law_rows[s]]
            self._laws[s](*read, self._parameters, self.kept[s, start : start + points])
        for s in self._slowed:
            _point_loops.slow_down(lay.pairs.speed_losses[s], self._densities, s, start, points, rows, self.kept)
        for s in range(lay.species):
            density = lay.component(s, 0)
            if lay.order > 0:
                _point_loops.polarisation(density, density + 1, lay.dimension, points, rows, self._overpolarised[block, s])
            _point_loops.survey(s, density, start, points, self.kept, rows, self._surveyed[block, s])
        if self._wants_products:
            _point_loops.combine(self._to_products.lines, self._to_products.coefficients, start, points, self.kept, rows)
            self.passes.store_rows(worker, lay.first_product, lay.harmonics, first, count)

    def _third_pass(self, worker: Worker, first: int, count: int, block: int) -> None:
        """Modes of p to the strain, and to the tendency what they give to it."""
        lay, table = self.layout, self._to_strain
        self.passes.load_columns(worker, lay.harmonics, first, count)
        if not self._to_first_tendency.empty or not lay.outputs:
            self._begin_tendency(first, count)
            self._gather(self._to_first_tendency, worker, first, count)
        if lay.slaved:
            _pass_loops.differentiate_columns(
                table.starts, table.lines, table.coefficients, self.modes.wavenumber_x, self._across_all, self._inside,
                lay.harmonics, first, count, worker.columns,
            )  # fmt: skip
            self.passes.store_columns(worker, lay.harmonics, lay.slaved, first, count)

    def _fourth_pass(self, worker: Worker, first: int, count: int, block: int) -> None:
        """Strain to slaved harmonics, and to what they enter."""
        lay, width, rows = self.layout, self.modes.grid.shape[-1], worker.points
        start, points = first * width, count * width
        if lay.slaved:
            self.passes.load_rows(worker, lay.slaved, first, count)
            if not self._slaved_at_once:
                _point_loops.combine(self._to_slaved.lines, self._to_slaved.coefficients, start, points, self.kept, rows)
            if np.any(lay.closure_couplings):
                self._pivots[block] = self.close(self._unknowns, worker, start, points)
        _point_loops.combine(self._to_outputs.lines, self._to_outputs.coefficients, start, points, self.kept, rows)
        self.passes.store_rows(worker, 0, lay.outputs, first, count)

    def _fifth_pass(self, worker: Worker, first: int, count: int, block: int) -> None:
        """Modes of the outputs to the tendency."""
        self.passes.load_columns(worker, self.layout.outputs, first, count)
        if self._to_first_tendency.empty:
            self._begin_tendency(first, count)
        self._gather(self._to_last_tendency, worker, first, count)

    def _begin_tendency(self, first: int, count: int) -> None:
        _pass_loops.decay(self.rates, self.diffusivities, self.modes.squared_wavenumber, self._state, first, count, self._out)
        if not self._production.empty:
            table = self._production
            _pass_loops.mix(table.starts, table.lines, table.coefficients, self._state, first, count, self._out)

    def _gather(self, table: ModeTable, worker: Worker, first: int, count: int) -> None:
        _pass_loops.gather(
            table.starts, table.lines, table.coefficients, self.modes.wavenumber_x, self.across, self.modes.runs,
            worker.columns, first, count, self._out,
        )  # fmt: skip
