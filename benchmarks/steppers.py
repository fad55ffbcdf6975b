"""Work and precision of the time steppers: right-hand sides per unit of time against the error, on two patterns of [S1].

    python benchmarks/steppers.py [--quick] [--problems chase,demixing] [--steppers sbdf2,exponential_adams,etdrk4]

A pattern is grown, then followed for a time, with fixed steps and with steps that follow the error; errors are those of the
densities at the end, relative to their variation, against a run of a far smaller tolerance. For what the columns mean see
benchmarks/README.md.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldsolver import FieldSolver
from fieldsolver.steppers import STEPPERS
from theory import Model, Motion, NumericalFailure, Species
from theory.fourier import Grid

Array = NDArray[np.float64]

STEPS = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True)
class Problem:
    """A pattern: its model, box edge, cells along it, mean density, time to grow, and time over which errors are measured."""

    laws: tuple[str, str]
    edge: float
    cells: int
    density: float
    growth: float
    duration: float


PROBLEMS = {
    "chase": Problem(
        ("exp(-tanh((A - 50)/15) + 0.3*tanh((B - 50)/15))", "exp(-tanh((B - 50)/15) - 0.3*tanh((A - 50)/15))"),
        10.0, 80, 50.0, 15.0, 2.0,
    ),
    "demixing": Problem(
        ("exp(-tanh((A - 40)/20) + 0.5*tanh((total - 90)/40))", "exp(-tanh((B - 40)/20) + 0.5*tanh((total - 90)/40))"),
        12.0, 96, 55.0, 20.0, 2.0,
    ),
}  # fmt: skip


class Follower:
    """A grown pattern, and how it goes on."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._model = Model(2, [Species(n, Motion(tumble_rate=1.0), v) for n, v in zip("AB", problem.laws, strict=True)])
        grown = self._solver(_start(problem), tolerance=1e-5)
        grown.advance(problem.growth)
        self._pattern = np.maximum(grown.density, 0.0)
        fine = self._solver(self._pattern, tolerance=1e-8)
        fine.advance(problem.duration)
        self._reference = fine.density
        self._variation = float(np.linalg.norm(self._reference - problem.density))

    def _solver(self, density: Array, **pace: float | str) -> FieldSolver:
        return FieldSolver(self._model, (self._problem.edge,) * 2, density, **pace)  # type: ignore[arg-type]

    def measure(self, stepper: str, **pace: float) -> tuple[float, float, float]:
        """Right-hand sides per unit of time, error, and mean time step."""
        solver = self._solver(self._pattern, stepper=stepper, **pace)
        solver.advance(self._problem.duration)
        attempts = solver.step + solver.monitors.rejected_steps
        work = attempts * STEPPERS[stepper].evaluations / self._problem.duration
        error = float(np.linalg.norm(solver.density - self._reference)) / self._variation
        return work, error, self._problem.duration / solver.step


def _start(problem: Problem) -> Array:
    """Densities with a few waves of every length down to a sixth of the box, in fixed random phases."""
    rng = np.random.default_rng(7)
    grid = Grid((problem.edge,) * 2, (problem.cells,) * 2)
    modes = np.zeros((2, *grid.spectral_shape), dtype=complex)
    modes[:, :7, :7] = np.exp(2j * np.pi * rng.random((2, 7, 7)))
    modes[:, 0, 0] = 0.0
    waves = np.fft.irfft2(modes, s=grid.shape)
    return np.asarray(problem.density * (1.0 + 0.05 * waves / waves.std(axis=(1, 2), keepdims=True)))


def row(problem: str, stepper: str, follower: Follower, **pace: float) -> str:
    """One row of the table."""
    told = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in pace.items())
    try:
        work, error, step = follower.measure(stepper, **pace)
    except NumericalFailure:
        return f"{problem:>9} {stepper:>18} {told:>18} {'unstable':>26}"
    return f"{problem:>9} {stepper:>18} {told:>18} {step:8.4f} {work:8.0f} {error:8.1e}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--problems", default=",".join(PROBLEMS), help=f"of {', '.join(PROBLEMS)}, with commas between them")
    parser.add_argument("--steppers", default=",".join(STEPPERS), help=f"of {', '.join(STEPPERS)}, with commas between them")
    parser.add_argument("--quick", action="store_true", help="one fixed step and one tolerance each")
    options = parser.parse_args()
    for chosen, known, name in ((options.problems, PROBLEMS, "--problems"), (options.steppers, STEPPERS, "--steppers")):
        unknown = set(chosen.split(",")) - set(known)
        if unknown:
            parser.error(f"{name}: {', '.join(sorted(unknown))} unknown; known: {', '.join(known)}")
    steps, tolerances = (STEPS[3:4], TOLERANCES[1:2]) if options.quick else (STEPS, TOLERANCES)
    print(f"{'problem':>9} {'stepper':>18} {'pace':>18} {'step':>8} {'rhs/time':>8} {'error':>8}")
    for problem in options.problems.split(","):
        follower = Follower(PROBLEMS[problem])
        for stepper in options.steppers.split(","):
            for step in steps:
                print(row(problem, stepper, follower, time_step=step), flush=True)
            for tolerance in tolerances:
                print(row(problem, stepper, follower, tolerance=tolerance), flush=True)


if __name__ == "__main__":
    main()
