r"""Transforms in passes over blocks, with the work on points and modes done while a block is in the cache.

A transform of d-dimensional fields is one along x, over rows of cells, and one along the other axes, over columns of modes;
and of the columns only those are transformed that hold retained modes. What lies between two transforms acts on rows or on
columns alone. A right-hand side is therefore a sequence of passes over blocks of rows and of columns,

    rows:     load, transform along x to real space, work on points, transform along x, store,
    columns:  load, transform along y and z, work on modes, transform along y and z, store,

between which fields wait as arrays transformed along x (``half``). A field takes 16/3 bytes per cell there.

Blocks are shared by a few threads, each with work arrays and plans of its own. What a block gives does not depend on the
thread that works on it, and plans made from the same wisdom are the same: results are the same, bit for bit, for any number of
threads.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldsolver import _pass_loops
from fieldsolver.modes import RetainedModes
from theory.fourier import aligned, plan_along

# Work arrays of one thread, real and complex together, for blocks of rows: they should stay in the second-level cache. Blocks
# of columns gain more from reading longer pieces of memory.
_ROW_BYTES, _COLUMN_BYTES = 2**20, 2**21
# Every call of a compiled loop costs a microsecond: blocks should not be smaller than this.
_LEAST_POINTS, _LEAST_COLUMNS = 4096, 4
# Pieces of columns begin where a line of the cache does; columns do not lie a multiple of 4096 bytes apart, where they would
# fight for the same places in the first-level cache.
_LINE = 4

Task = Callable[["Worker", int, int, int], None]


class Worker:
    """Work arrays and plans of one thread.

    Parameters
    ----------
    number
        Of the thread.
    modes
        Which modes there are.
    arrays
        Fields that are worked on side by side.
    rows, columns
        In a block.
    types
        Real and complex type.

    Attributes
    ----------
    points
        Real fields of a block of rows, shape (array, row x column).
    lines
        The same transformed along x, shape (array, row, nx/2 + 1).
    columns
        Fields of a block of columns, shape (array, column, rows of the spectrum and a few to spare).
    """

    def __init__(self, number: int, modes: RetainedModes, arrays: int, rows: int, columns: int, types: tuple[str, str]) -> None:
        real, spectral = types
        self.number = number
        self._cells = modes.grid.shape
        self._grid = aligned((arrays, rows, self._cells[-1]), real)
        self.points = self._grid.reshape(arrays, -1)
        self.lines = aligned((arrays, rows, self._cells[-1] // 2 + 1), spectral)
        self.columns = aligned((arrays, columns, modes.rows + _LINE), spectral)
        self._plans: dict[tuple[str, int, int], Any] = {}

    def plan(self, kind: str, first: int, count: int) -> None:
        """Plan a transform of arrays ``first`` to ``first + count``: "to_points", "to_lines", "to_modes" or "from_modes".

        Planning overwrites the work arrays.
        """
        chosen = slice(first, first + count)
        if kind == "to_points":
            plan = plan_along(self.lines[chosen], self._grid[chosen], (2,), inverse=True)
        elif kind == "to_lines":
            plan = plan_along(self._grid[chosen], self.lines[chosen], (2,), inverse=False)
        else:
            across = self._cells[:-1]
            rows = int(np.prod(across))
            block = self.columns[chosen, :, :rows].reshape(count, self.columns.shape[1], *across)
            axes = tuple(range(2, 2 + len(across)))
            plan = plan_along(block, block, axes, inverse=kind == "from_modes") if axes else None
        self._plans[kind, first, count] = plan
        for array in (self._grid, self.lines, self.columns):
            array[...] = 0.0

    def run(self, kind: str, first: int, count: int) -> None:
        """Execute a transform that was planned."""
        plan = self._plans[kind, first, count]
        if plan is not None:
            plan.execute()


class Passes:
    """The blocks of a grid, and the threads that work on them.

    Parameters
    ----------
    modes
        Which modes there are.
    arrays
        Fields that are worked on side by side, at most.
    transforms
        All that will be asked of :meth:`Worker.run`, as (kind, first, count).
    threads
        Number of threads.
    precision
        "float64" or "float32", of the fields; modes are always kept in double precision.

    Attributes
    ----------
    half
        Fields transformed along x, shape (array, row, column).
    row_blocks, column_blocks
        First row or column of each block, and how many it has.
    """

    def __init__(
        self, modes: RetainedModes, arrays: int, transforms: Sequence[tuple[str, int, int]], threads: int, precision: str
    ) -> None:
        types = (precision, "complex64" if precision == "float32" else "complex128")
        item = np.dtype(types[0]).itemsize
        cells = modes.grid.shape[-1]
        self.modes = modes
        self.half: NDArray[Any] = aligned((arrays, modes.rows, _LINE * -(-modes.shape[0] // _LINE)), types[1])
        rows = max(_ROW_BYTES // (2 * item * arrays * cells), -(-_LEAST_POINTS // cells))
        columns = max(_COLUMN_BYTES // (2 * item * arrays * modes.rows), _LEAST_COLUMNS)
        self.row_blocks = list(_blocks(modes.rows, rows, 1))
        self.column_blocks = list(_blocks(modes.shape[0], columns, _LINE))
        largest = max(count for _, count in self.row_blocks), max(count for _, count in self.column_blocks)
        self._workers = [Worker(n, modes, arrays, *largest, types) for n in range(threads)]
        self._pool = ThreadPoolExecutor(threads - 1, thread_name_prefix="fields") if threads > 1 else None
        for worker in self._workers:
            for transform in transforms:
                worker.plan(*transform)

    def over_rows(self, task: Task) -> None:
        """``task(worker, first row, rows, number of the block)`` for every block of rows."""
        self._share(task, self.row_blocks)

    def over_columns(self, task: Task) -> None:
        """``task(worker, first column, columns, number of the block)`` for every block of columns."""
        self._share(task, self.column_blocks)

    def _share(self, task: Task, blocks: list[tuple[int, int]]) -> None:
        # asking an iterator for its next element is one step for Python's threads
        numbers = iter(range(len(blocks)))

        def work(worker: Worker) -> None:
            for number in numbers:
                task(worker, *blocks[number], number)

        if self._pool is None:
            work(self._workers[0])
            return
        others = [self._pool.submit(work, worker) for worker in self._workers[1:]]
        try:
            work(self._workers[0])
        finally:
            for other in others:
                other.result()

    def load_rows(self, worker: Worker, arrays: int, first: int, count: int) -> None:
        """The first arrays of ``half`` as real fields of a block of rows."""
        _pass_loops.load_rows(self.half, arrays, first, count, self.modes.shape[0], worker.lines)
        worker.run("to_points", 0, arrays)

    def store_rows(self, worker: Worker, offset: int, arrays: int, first: int, count: int) -> None:
        """Real fields of a block of rows, arrays ``offset`` and on, to ``half``."""
        worker.run("to_lines", offset, arrays)
        _pass_loops.store_rows(worker.lines, offset, arrays, first, count, self.modes.shape[0], self.half)

    def load_columns(self, worker: Worker, arrays: int, first: int, count: int) -> None:
        """The first arrays of ``half`` as modes of a block of columns."""
        _pass_loops.load_columns(self.half, arrays, first, count, worker.columns)
        worker.run("to_modes", 0, arrays)

    def store_columns(self, worker: Worker, offset: int, arrays: int, first: int, count: int) -> None:
        """Modes of a block of columns, arrays ``offset`` and on, to ``half``."""
        worker.run("from_modes", offset, arrays)
        _pass_loops.store_columns(worker.columns, offset, arrays, first, count, self.half)

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def _blocks(total: int, largest: int, multiple: int) -> Iterator[tuple[int, int]]:
    """(first, count) of the fewest blocks of about the same size, but for the last a multiple of a number."""
    number = -(-total // min(largest, total))
    size = multiple * -(-total // (number * multiple))
    for first in range(0, total, size):
        yield first, min(size, total - first)
