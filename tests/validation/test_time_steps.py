"""A phase-separated mixture with noise does not know its time step: default schemes and steps against steps far shorter."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldsolver import FieldSolver
from fieldsolver.timestep import default_time_step
from tests.theory.models import figure_one
from theory.fourier import Grid

Array = NDArray[np.float64]

SIZE, CELLS, DENSITY = (8.0, 8.0), (40, 40), 55.0
SEEDS, BEGIN, END = range(6), 30, 150


def _averages(stepper: str, time_step: float, seed: int) -> Array:
    """Mean speed of A, and the largest density, spread, and short-wave structure factor of A, averaged over time."""
    grid = Grid(SIZE, CELLS)
    x = 2.0 * np.pi * (grid.coordinates("x") / SIZE[0])
    start = np.stack([np.broadcast_to(DENSITY + sign * 30.0 * np.cos(x), CELLS) for sign in (1.0, -1.0)])
    solver = FieldSolver(figure_one(), SIZE, start, noise=1.0, time_step=time_step, stepper=stepper, seed=seed)
    short = (grid.wavenumber > 2.0) & (grid.wavenumber <= np.pi)
    found = []
    for time in range(BEGIN, END):
        solver.advance(float(time))
        density = solver.density[0]
        power = np.abs(np.fft.rfft2(density)) ** 2 * grid.cell_volume**2 / grid.volume
        spectrum = np.average(power[short], weights=grid.multiplicity[short])
        found.append((float(solver.frame().variables["mean_speed_A"].data), density.max(), density.std(), spectrum))
    return np.mean(found, axis=0)


@pytest.fixture(scope="module")
def fine() -> Array:
    return np.array([_averages("etdrk2", 0.0025, seed) for seed in SEEDS])


def test_default_step() -> None:
    """What the others are measured by: the step that a run takes when none is stated."""
    assert default_time_step(figure_one(), np.full(2, DENSITY), Grid(SIZE, CELLS)) == 0.02


@pytest.mark.parametrize("stepper", ["exponential_adams", "etdrk2"])
def test_averages_do_not_depend_on_the_step(stepper: str, fine: Array) -> None:
    """Within three standard errors of the difference, which seeds of their own give."""
    coarse = np.array([_averages(stepper, 0.02, 100 + seed) for seed in SEEDS])
    difference = coarse.mean(axis=0) - fine.mean(axis=0)
    error = np.sqrt((coarse.var(axis=0, ddof=1) + fine.var(axis=0, ddof=1)) / len(SEEDS))
    assert np.all(np.abs(difference) < 3.0 * error)
    # which are small beside what would matter: 1 % of the speed, 1 % of the density, 2 % of the spread, 8 % of the fluctuations
    assert np.all(error < np.array([0.01, 0.01, 0.02, 0.08]) * fine.mean(axis=0))
