"""Orders of the schemes, and what they do to steady states."""

import numpy as np
import pytest
from numpy.typing import NDArray

from particles import ParticleEngine
from particles.motion import Integrator
from tests.particles.builders import ordered
from tests.particles.frozen import engine_with_tracers, mean_speed, steady_mean_speed
from theory import Model, Motion, Sensing, Species

Array = NDArray[np.float64]


def final_positions(dimension: int, time_step: float, integrator: Integrator) -> tuple[Array, float]:
    """Particles that sense each other through a smooth kernel and do not turn."""
    straight = Motion(tumble_rate=1e-12)
    laws = {"A": "exp(-0.02*A + 0.01*B)", "B": "0.5*exp(-0.01*A)"}
    model = Model(dimension, [Species(name, straight, law) for name, law in laws.items()], {}, Sensing("gaussian", 0.5))
    edge, density = (8.0, 30.0) if dimension == 1 else (6.5, (6.0, 2.0)[dimension - 2])
    engine = ParticleEngine(
        model,
        [edge] * dimension,
        [density, density],
        time_step=time_step,
        sensing="exact",
        integrator=integrator,
        seed=3,
    )
    engine.advance(1.6)
    return ordered(engine, engine.positions), edge


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize(("integrator", "order"), [("euler", 1.0), ("midpoint", 2.0)])
def test_order_of_trajectories(dimension: int, integrator: Integrator, order: float) -> None:
    finest, edge = final_positions(dimension, 0.0125, "midpoint")
    errors = []
    for time_step in (0.2, 0.1, 0.05):
        found, _ = final_positions(dimension, time_step, integrator)
        gap = found - finest
        gap -= edge * np.round(gap / edge)
        errors.append(np.sqrt(np.mean(gap**2)))
    measured = np.log2(np.array(errors[:-1]) / errors[1:])
    assert measured == pytest.approx([order, order], abs=0.15)


def test_steady_states_of_long_steps() -> None:
    """Long steps are wrong by tanh(dt/(2 tau)) with Euler's scheme and right with the midpoint's, here at dt = tau/5."""
    found = {}
    for integrator in ("euler", "midpoint"):
        engine = engine_with_tracers(0.2, integrator, 5, 60_000)
        found[integrator] = mean_speed(engine, 24.0, 6, 2.0) / steady_mean_speed(engine) - 1.0
    # statistics allow 0.2 per cent
    assert abs(found["midpoint"]) < 0.006
    assert -0.05 < found["euler"] < -0.02
