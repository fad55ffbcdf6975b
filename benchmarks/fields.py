"""Time of one step of the field solver beside the Fourier transforms that no pseudo-spectral step can do without.

    python benchmarks/fields.py [--quick] [--grids 128,256,512] [--threads 1,2] [--samples 41] [--seconds 0.02]
                                [--clock wall|processor] [--peers 128]

The model is the run-and-chase mixture of [S1] figure 3: two species in two dimensions, eight cells per sensing range. For what
the columns mean see benchmarks/README.md.
"""

import argparse
import math
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import peers
from numpy.typing import NDArray

from fieldsolver import FieldSolver
from fieldsolver.modes import RetainedModes
from fieldsolver.passes import Passes, Worker
from fieldsolver.steppers import STEPPERS
from theory import Model, Motion, Species
from theory.compiling import set_threads
from theory.fourier import Grid, Transforms, aligned

Array = NDArray[np.float64]
Clock = Callable[[], float]

CELLS_PER_RANGE = 8
DENSITY = 50.0
# so short that every measurement sees the same fields; the cost of a step does not depend on it
TIME_STEP = 1e-4
# not counted: they plan and compile, and schemes of several steps reach their last loop in the third
FIRST_CALLS = 5
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "processor": time.process_time}


@dataclass(frozen=True)
class Case:
    """What is measured in one row."""

    stepper: str
    noise: float
    precision: str = "float64"

    @property
    def evaluations(self) -> int:
        return STEPPERS[self.stepper].evaluations

    @property
    def surveys(self) -> int:
        """Fields of a state that noise asks for beside the evaluations: in the middle of a step."""
        return 1 if self.noise > 0.0 and self.stepper != "exponential_euler" else 0

    def transforms(self, dimension: int) -> int:
        """Real transforms per species and step: 3 + 2d per evaluation, 2 per survey, d for noise."""
        noisy = dimension if self.noise > 0.0 else 0
        return (3 + 2 * dimension) * self.evaluations + 2 * self.surveys + noisy


CASES = [
    Case("sbdf2", 0.0),
    Case("etdrk2", 0.0),
    Case("exponential_adams", 1.0),
    Case("etdrk2", 1.0),
    Case("sbdf2", 0.0, "float32"),
    Case("exponential_adams", 1.0, "float32"),
]


def cross_mixture(self_inhibition: float = 1.0) -> Model:
    """[S1] Eq. 14 with couplings of opposite signs, as in its figure 3."""
    laws = {"A": "exp(-ks*tanh((A - 50)/15) + ka*tanh((B - 50)/15))", "B": "exp(-ks*tanh((B - 50)/15) + kb*tanh((A - 50)/15))"}
    parameters = {"ks": self_inhibition, "ka": 0.3, "kb": -0.3}
    return Model(2, [Species(name, Motion(tumble_rate=1.0), law) for name, law in laws.items()], parameters)


def integers(text: str) -> list[int]:
    """Positive integers with commas between them, as an argument of the command line."""
    values = [int(part) for part in text.split(",") if part]
    if any(value < 1 for value in values):
        raise argparse.ArgumentTypeError(f"'{text}': the numbers must be positive")
    return values


def alternately(calls: Sequence[Callable[[], object]], samples: int, seconds: float, clock: Clock = time.perf_counter) -> Array:
    """Seconds per call of several functions, shape (sample, function).

    Every sample measures all functions one after the other, so that other work on the machine slows them alike; quick functions
    are called as often as fills ``seconds``.
    """
    repeats = []
    for call in calls:
        for _ in range(FIRST_CALLS):
            call()
        start = time.perf_counter()
        call()
        repeats.append(max(1, round(seconds / max(time.perf_counter() - start, 1e-7))))
    found = np.empty((samples, len(calls)))
    for sample in range(samples):
        for n, (call, count) in enumerate(zip(calls, repeats, strict=True)):
            start = clock()
            for _ in range(count):
                call()
            found[sample, n] = (clock() - start) / count
    return found


class BareTransforms:
    """The transforms of one step and nothing else, each of a whole field by FFTW."""

    def __init__(self, grid: Grid, species: int, case: Case, threads: int) -> None:
        d = grid.dimension
        complex_type = "complex64" if case.precision == "float32" else "complex128"
        self._transforms = Transforms(threads)
        real = aligned((species * (2 + d), *grid.shape), case.precision)
        spectral = aligned((species * (2 + d), *grid.spectral_shape), complex_type)
        fields, vectors = slice(0, 2 * species), slice(2 * species, None)
        plan = self._transforms.plan
        to_real = plan(spectral[fields], real[fields])
        to_weighted = plan(real[:species], spectral[:species])
        to_gradient = plan(spectral[vectors], real[vectors])
        to_flux = plan(real[vectors], spectral[vectors])
        evaluation = [to_real, to_weighted, to_gradient, to_flux]
        self._groups = evaluation * case.evaluations + [to_real] * case.surveys + [to_flux] * (case.noise > 0.0)
        # planning leaves numbers that repeated transforms, which are not normalised, would blow up
        real[...], spectral[...] = 0.0, 0.0

    def __call__(self) -> None:
        for group in self._groups:
            self._transforms.run(group)

    def close(self) -> None:
        self._transforms.close()


class BarePasses:
    """The same transforms of retained modes only, in passes over blocks, with nothing done in between: those of the solver."""

    def __init__(self, grid: Grid, species: int, case: Case, threads: int) -> None:
        self._case, self._fields, self._vectors = case, 2 * species, grid.dimension * species
        self._products = species
        kinds = {"from_modes": (self._fields, self._vectors), "to_points": (self._fields, self._vectors)}
        kinds |= {"to_lines": (self._products, self._vectors), "to_modes": (self._products, self._vectors)}
        transforms = [(kind, 0, count) for kind, counts in kinds.items() for count in dict.fromkeys(counts)]
        arrays = max(self._fields, self._vectors)
        self._passes = Passes(RetainedModes(grid), arrays, transforms, threads, case.precision)

    def __call__(self) -> None:
        for _ in range(self._case.evaluations):
            self._columns(out=self._fields)
            self._rows(self._fields, self._products)
            self._columns(self._products, self._vectors)
            self._rows(self._vectors, self._vectors)
            self._columns(self._vectors)
        for _ in range(self._case.surveys):
            self._columns(out=self._fields)
            self._rows(self._fields)
        if self._case.noise > 0.0:
            self._rows(out=self._vectors)
            self._columns(self._vectors)

    def _rows(self, read: int = 0, out: int = 0) -> None:
        def task(worker: Worker, first: int, count: int, block: int) -> None:
            if read:
                self._passes.load_rows(worker, read, first, count)
            if out:
                self._passes.store_rows(worker, 0, out, first, count)

        self._passes.over_rows(task)

    def _columns(self, read: int = 0, out: int = 0) -> None:
        def task(worker: Worker, first: int, count: int, block: int) -> None:
            if read:
                self._passes.load_columns(worker, read, first, count)
            if out:
                worker.columns[:out] = 0.0
                self._passes.store_columns(worker, 0, out, first, count)

        self._passes.over_columns(task)

    def close(self) -> None:
        self._passes.close()


def waves(grid: Grid, species: int) -> Array:
    """Densities about the composition with a few long waves, shape (species, ny, nx)."""
    x, y = (2.0 * np.pi * grid.coordinates(axis) / edge for axis, edge in zip("xy", grid.size, strict=True))
    shape = np.sin(2.0 * x)[None, :] + np.cos(3.0 * y)[:, None]
    return np.stack([DENSITY * (1.0 + 0.1 * np.roll(shape, 5 * s)) for s in range(species)])


def new_solver(model: Model, cells: int, case: Case, threads: int) -> tuple[FieldSolver, int]:
    """A solver, and the bytes of all arrays that it holds."""
    size = (cells / CELLS_PER_RANGE,) * 2
    start = waves(Grid(size, (cells, cells)), model.number_of_species)
    tracemalloc.start()
    solver = FieldSolver(
        model, size, start, noise=case.noise, stepper=case.stepper, time_step=TIME_STEP, threads=threads,
        precision=case.precision,  # type: ignore[arg-type]
    )  # fmt: skip
    arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    tracemalloc.stop()
    return solver, sum(one.size for one in arrays.statistics("filename"))


def measure(cells: int, threads: int, case: Case, samples: int, seconds: float, clock: Clock) -> tuple[str, float]:
    """One row of the table, and the time of a step."""
    model = cross_mixture()
    species = model.number_of_species
    solver, size = new_solver(model, cells, case, threads)
    used = threads if cells >= 384 else 1
    bare, passes = BareTransforms(solver.grid, species, case, used), BarePasses(solver.grid, species, case, used)

    def step() -> None:
        solver.advance((solver.step + 1) * TIME_STEP)

    set_threads(threads)
    found = alternately([step, bare, passes], samples, seconds, clock)
    bare.close()
    passes.close()
    whole, transforms, pruned = np.median(found, axis=0)
    ratios = np.median(found[:, :1] / found[:, 1:], axis=0)
    row = (
        f"{cells:6d} {threads:8d} {case.stepper:>18} {case.noise:6g} {case.precision:>9} {case.transforms(2):11d} "
        f"{1e3 * whole:9.2f} {1e3 * transforms:9.2f} {ratios[0]:6.2f} {1e3 * pruned:9.2f} {ratios[1]:6.2f} {1.0 / whole:9.1f} "
        f"{size / (cells * cells * species):12.0f}"
    )
    return row, whole


def table(options: argparse.Namespace) -> None:
    """Print all rows, then what threads and single precision gain."""
    print(
        f"{'grid':>6} {'threads':>8} {'stepper':>18} {'noise':>6} {'precision':>9} {'transforms':>11} {'step/ms':>9} "
        f"{'bare/ms':>9} {'ratio':>6} {'passes/ms':>9} {'ratio':>6} {'steps/s':>9} {'bytes/point':>12}"
    )
    times: dict[tuple[int, int, Case], float] = {}
    for cells in options.grids:
        for threads in options.threads:
            for case in CASES:
                row, seconds = measure(cells, threads, case, options.samples, options.seconds, CLOCKS[options.clock])
                times[cells, threads, case] = seconds
                print(row, flush=True)
    for cells in options.grids:
        first = options.threads[0]
        for threads in options.threads[1:]:
            gains = [f"{times[cells, first, case] / times[cells, threads, case]:.2f}" for case in CASES]
            print(f"{cells}^2: {threads} threads over {first}: {', '.join(gains)} times as fast, row by row")
        single = [f"{times[cells, first, one] / times[cells, first, other]:.2f}" for one, other in _precisions()]
        print(f"{cells}^2: single over double precision: {', '.join(single)} times as fast, without and with noise")


def _precisions() -> list[tuple[Case, Case]]:
    singles = [case for case in CASES if case.precision == "float32"]
    return [(Case(one.stepper, one.noise), one) for one in singles]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--grids", type=integers, default=[128, 256, 512], help="cells along each edge (default 128,256,512)")
    parser.add_argument("--threads", type=integers, default=[1, 2], help="numbers of threads (default 1,2)")
    parser.add_argument("--samples", type=int, default=41, help="measurements of which the median is printed (default 41)")
    parser.add_argument("--seconds", type=float, default=0.02, help="least time of one measurement (default 0.02)")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="processor time is steadier on a busy machine")
    parser.add_argument(
        "--peers", type=integers, default=[128], help="grids of the comparison with other solvers (default 128; '': none)"
    )
    parser.add_argument("--quick", action="store_true", help="grid of 128 cells, one thread, short measurements, no others")
    options = parser.parse_args()
    if options.samples < 1 or not (math.isfinite(options.seconds) and options.seconds > 0.0):
        parser.error("--samples must be at least 1 and --seconds positive")
    if options.quick:
        options.grids, options.threads, options.samples, options.seconds, options.peers = [128], [1], 7, 0.01, []
    table(options)
    for cells in options.peers:
        peers.compare(cells)


if __name__ == "__main__":
    main()
