"""Weak orders of the particles' schemes in steady states that are known exactly: tracers in a frozen field."""

import numpy as np
import pytest

from particles.motion import Integrator
from tests.particles.frozen import engine_with_tracers, mean_speed, steady_mean_speed

_STEPS = (0.8, 0.4, 0.2)
_BLOCKS = 6


def _errors(integrator: Integrator, diffusion: float) -> tuple[np.ndarray, np.ndarray]:
    """Relative errors of the mean speed for each time step, and their standard errors over blocks of time."""
    found = []
    for time_step in _STEPS:
        engine = engine_with_tracers(time_step, integrator, 5, 400_000, diffusion)
        exact = steady_mean_speed(engine)
        blocks = [mean_speed(engine, 24.0 + 8.0 * n, 4, 2.0) / exact - 1.0 for n in range(_BLOCKS)]
        found.append((np.mean(blocks), np.std(blocks, ddof=1) / np.sqrt(_BLOCKS)))
        print(f"\n{integrator}, Dt {diffusion:g}, time step {time_step:g}: {found[-1][0]:+.5f} ± {found[-1][1]:.5f}")
    return np.array(found)[:, 0], np.array(found)[:, 1]


@pytest.mark.parametrize("diffusion", [0.0, 0.1])
def test_weak_orders(diffusion: float) -> None:
    euler, _ = _errors("euler", diffusion)
    midpoint, error = _errors("midpoint", diffusion)
    # of first order: halved with the step
    assert 1.6 < euler[1] / euler[2] < 2.1
    # of second order: at a fifth of the persistence time two thousandths are left, of which half is statistics
    assert np.all(np.abs(midpoint) < np.array([0.012, 0.007, 0.002]))
    assert abs(midpoint[2]) < abs(midpoint[1]) / 2.5 + 2.0 * error[2]
    assert np.all(np.abs(midpoint) < np.abs(euler) / 8.0)
