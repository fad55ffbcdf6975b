"""Time of one step of the field solver beside the Fourier transforms that no pseudo-spectral step can do without.

    python benchmarks/fields.py [--quick] [--grids 128,256,512] [--threads 1,2] [--samples 41] [--seconds 0.02]

The model is the run-and-chase mixture of [S1] figure 3: two species in two dimensions, eight cells per sensing range. For what
the columns mean see benchmarks/README.md.
"""

import argparse
import math
import time
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fieldsolver import FieldSolver
from theory import Model, Motion, Species
from theory.compiling import set_threads
from theory.fourier import Grid, Transforms, complex_array, real_array

Array = NDArray[np.float64]

CELLS_PER_RANGE = 8
DENSITY = 50.0
# so short that every measurement sees the same fields; the cost of a step does not depend on it
TIME_STEP = 1e-4
EVALUATIONS = {"exponential_euler": 1, "etdrk2": 2}


def cross_mixture(self_inhibition: float = 1.0) -> Model:
    """[S1] Eq. 14 with couplings of opposite signs, as in its figure 3."""
    laws = {"A": "exp(-ks*tanh((A - 50)/15) + ka*tanh((B - 50)/15))", "B": "exp(-ks*tanh((B - 50)/15) + kb*tanh((A - 50)/15))"}
    parameters = {"ks": self_inhibition, "ka": 0.3, "kb": -0.3}
    return Model(2, [Species(name, Motion(tumble_rate=1.0), law) for name, law in laws.items()], parameters)


def integers(text: str) -> list[int]:
    """Positive integers with commas between them, as an argument of the command line."""
    values = [int(part) for part in text.split(",")]
    if any(value < 1 for value in values):
        raise argparse.ArgumentTypeError(f"'{text}': the numbers must be positive")
    return values


def alternately(calls: Sequence[Callable[[], object]], samples: int, seconds: float) -> Array:
    """Seconds per call of several functions, shape (sample, function).

    Every sample measures all functions one after the other, so that other work on the machine slows them alike; quick functions
    are called as often as fills ``seconds``.
    """
    repeats = []
    for call in calls:
        call()
        start = time.perf_counter()
        call()
        repeats.append(max(1, round(seconds / max(time.perf_counter() - start, 1e-7))))
    found = np.empty((samples, len(calls)))
    for sample in range(samples):
        for n, (call, count) in enumerate(zip(calls, repeats, strict=True)):
            start = time.perf_counter()
            for _ in range(count):
                call()
            found[sample, n] = (time.perf_counter() - start) / count
    return found


class BareTransforms:
    """The transforms of one step and nothing else, planned and run as the solver's.

    Per species and evaluation one for the density, one for its sensed field, one for v rho, d for its gradient and d for the
    flux; a noisy step transforms d random fluxes more.
    """

    def __init__(self, grid: Grid, species: int, evaluations: int, noisy: bool, threads: int) -> None:
        d = grid.dimension
        self._transforms = Transforms(threads)
        real, spectral = real_array(species * (2 + d), *grid.shape), complex_array(species * (2 + d), *grid.spectral_shape)
        fields, vectors = slice(0, 2 * species), slice(2 * species, None)
        plan = self._transforms.plan
        to_real = plan(spectral[fields], real[fields])
        to_weighted = plan(real[:species], spectral[:species])
        to_gradient = plan(spectral[vectors], real[vectors])
        to_flux = plan(real[vectors], spectral[vectors])
        self._groups = [to_real, to_weighted, to_gradient, to_flux] * evaluations + [to_flux] * noisy
        # planning leaves numbers that repeated transforms, which are not normalised, would blow up
        real[...], spectral[...] = 0.0, 0.0
        self.number = sum(len(group) for group in self._groups)

    def __call__(self) -> None:
        for group in self._groups:
            self._transforms.run(group)

    def close(self) -> None:
        self._transforms.close()


def waves(grid: Grid, species: int) -> Array:
    """Densities about the composition with a few long waves, shape (species, ny, nx)."""
    x, y = (2.0 * np.pi * grid.coordinates(axis) / edge for axis, edge in zip("xy", grid.size, strict=True))
    shape = np.sin(2.0 * x)[None, :] + np.cos(3.0 * y)[:, None]
    return np.stack([DENSITY * (1.0 + 0.1 * np.roll(shape, 5 * s)) for s in range(species)])


def new_solver(model: Model, cells: int, stepper: str, noise: float, threads: int) -> tuple[FieldSolver, int]:
    """A solver, and the bytes of all arrays that it holds."""
    size = (cells / CELLS_PER_RANGE,) * 2
    start = waves(Grid(size, (cells, cells)), model.number_of_species)
    tracemalloc.start()
    solver = FieldSolver(model, size, start, noise=noise, stepper=stepper, time_step=TIME_STEP, threads=threads)
    arrays = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    tracemalloc.stop()
    return solver, sum(one.size for one in arrays.statistics("filename"))


def measure(cells: int, threads: int, stepper: str, noise: float, samples: int, seconds: float) -> str:
    """One row of the table."""
    model = cross_mixture()
    species = model.number_of_species
    solver, size = new_solver(model, cells, stepper, noise, threads)
    bare = BareTransforms(solver.grid, species, EVALUATIONS[stepper], noise > 0.0, threads)

    def step() -> None:
        solver.advance((solver.step + 1) * TIME_STEP)

    set_threads(threads)
    found = alternately([step, bare], samples, seconds)
    bare.close()
    whole, transforms = np.median(found, axis=0)
    ratio = float(np.median(found[:, 0] / found[:, 1]))
    return (
        f"{cells:6d} {threads:8d} {stepper:>8} {noise:6g} {bare.number / species:11g} {1e3 * whole:9.2f} "
        f"{1e3 * transforms:9.2f} {ratio:7.2f} {1.0 / whole:9.1f} {size / (cells * cells * species):12.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--grids", type=integers, default=[128, 256, 512], help="cells along each edge (default 128,256,512)")
    parser.add_argument("--threads", type=integers, default=[1, 2], help="numbers of threads (default 1,2)")
    parser.add_argument("--samples", type=int, default=41, help="measurements of which the median is printed (default 41)")
    parser.add_argument("--seconds", type=float, default=0.02, help="least time of one measurement (default 0.02)")
    parser.add_argument("--quick", action="store_true", help="grid of 128 cells, one thread, short measurements")
    options = parser.parse_args()
    if options.samples < 1 or not (math.isfinite(options.seconds) and options.seconds > 0.0):
        parser.error("--samples must be at least 1 and --seconds positive")
    if options.quick:
        options.grids, options.threads, options.samples, options.seconds = [128], [1], 7, 0.01
    print(
        f"{'grid':>6} {'threads':>8} {'stepper':>8} {'noise':>6} {'transforms':>11} {'step/ms':>9} {'bare/ms':>9} {'ratio':>7} "
        f"{'steps/s':>9} {'bytes/point':>12}"
    )
    for cells in options.grids:
        for threads in options.threads:
            for stepper in EVALUATIONS:
                for noise in (0.0, 1.0):
                    print(measure(cells, threads, stepper, noise, options.samples, options.seconds), flush=True)


if __name__ == "__main__":
    main()
