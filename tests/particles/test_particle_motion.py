"""Free particles against exact curves; errors are standard errors over independent particles."""

import numpy as np
import pytest
from numpy.typing import NDArray

from particles import ParticleEngine
from tests.particles.builders import BROWNIAN, TUMBLING, free, ordered
from theory import Motion

Array = NDArray[np.float64]

MOTIONS = {
    "brownian": BROWNIAN,
    "tumbling": TUMBLING,
    "both": Motion(tumble_rate=0.6, rotational_diffusion=0.9),
    "ornstein-uhlenbeck": Motion(aoup=True, persistence_time=0.7),
}
TIME_STEP = 0.05
STEPS = (1, 12, 50)
DIFFUSION = 0.02


def engine_of(motion: Motion, seed: int = 11, diffusion: float = 0.0, number: int = 8000) -> ParticleEngine:
    edge = 12.0
    return ParticleEngine(free(motion, diffusion), [edge, edge], {"A": number / edge**2}, time_step=TIME_STEP, seed=seed)


def trajectories(engine: ParticleEngine, steps: int) -> tuple[Array, Array]:
    """Unwrapped displacements and directions after every step, (step + 1, 2, particle)."""
    directions = [ordered(engine, engine.orientations)]
    displacements = [np.zeros_like(directions[0])]
    last = ordered(engine, engine.positions)
    for _ in range(steps):
        engine.advance(engine.time + engine.time_step)
        now = ordered(engine, engine.positions)
        move = now - last
        # no particle moves by half the box in a step
        move -= engine.size[:, None] * np.round(move / engine.size[:, None])
        displacements.append(displacements[-1] + move)
        directions.append(ordered(engine, engine.orientations))
        last = now
    return np.array(displacements), np.array(directions)


def assert_mean(samples: Array, expected: float) -> None:
    """The mean of independent samples is the expected one within 3 standard errors."""
    error = float(np.std(samples) / np.sqrt(samples.size))
    assert abs(float(np.mean(samples)) - expected) < 3.0 * error


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("diffusion", [0.0, DIFFUSION])
def test_displacement_and_autocorrelation(name: str, diffusion: float) -> None:
    motion = MOTIONS[name]
    displacements, directions = trajectories(engine_of(motion, diffusion=diffusion), max(STEPS))
    memory = np.exp(-TIME_STEP / motion.time(2))
    for n in STEPS:
        lag = np.arange(n)
        # Euler-Maruyama: the sum over pairs of steps of <u_j . u_k> = memory^|j - k|
        squared = TIME_STEP**2 * np.sum(memory ** np.abs(lag[:, None] - lag)) + 4.0 * diffusion * n * TIME_STEP
        assert_mean(np.sum(displacements[n] ** 2, axis=0), squared) if n > 1 or diffusion else None
        assert_mean(np.sum(directions[n] * directions[0], axis=0), memory**n)


def test_one_free_step_is_the_direction() -> None:
    displacements, directions = trajectories(engine_of(BROWNIAN, number=200), 1)
    np.testing.assert_allclose(displacements[1], TIME_STEP * directions[0], atol=1e-13)


@pytest.mark.parametrize("harmonic", [1, 2, 3])
def test_angular_laws(harmonic: int) -> None:
    """<cos k dtheta> is exp(-k^2 Dr t) of a Gaussian angle, exp(-alpha t) of tumbles, and their product of both."""
    n = 8
    for motion in (MOTIONS["brownian"], MOTIONS["tumbling"], MOTIONS["both"]):
        _, directions = trajectories(engine_of(motion, seed=5), n)
        angle = np.arctan2(directions[n, 1], directions[n, 0]) - np.arctan2(directions[0, 1], directions[0, 0])
        rate = motion.tumble_rate + harmonic**2 * motion.rotational_diffusion
        assert_mean(np.cos(harmonic * angle), np.exp(-rate * n * TIME_STEP))
        assert_mean(np.sin(harmonic * angle), 0.0)


def test_tumbles_are_as_rare_as_stated() -> None:
    _, directions = trajectories(engine_of(TUMBLING), 20)
    kept = np.all(directions[20] == directions[0], axis=0)
    assert_mean(kept.astype(np.float64), np.exp(-20 * TIME_STEP))


def test_ornstein_uhlenbeck_vectors_are_stationary_and_gaussian() -> None:
    _, directions = trajectories(engine_of(MOTIONS["ornstein-uhlenbeck"]), 40)
    for n in (0, 40):
        assert_mean(np.sum(directions[n] ** 2, axis=0), 1.0)
        for component in directions[n]:
            assert_mean(component, 0.0)
            # fourth moment of a Gaussian of variance 1/2
            assert_mean(component**4, 0.75)


def test_directions_stay_unit_vectors() -> None:
    engine = engine_of(MOTIONS["both"], number=400)
    engine.advance(1500 * TIME_STEP)
    assert np.max(np.abs(np.hypot(*engine.orientations) - 1.0)) < 1e-14


def test_initial_state_is_uniform_and_isotropic() -> None:
    engine = engine_of(BROWNIAN)
    for values in (engine.orientations, engine.positions / engine.size[:, None] - 0.5):
        for component in values:
            assert_mean(component, 0.0)
    for component in engine.positions / engine.size[:, None]:
        assert_mean(component**2, 1.0 / 3.0)
    assert_mean(engine.orientations[0] ** 2, 0.5)
    assert np.max(np.abs(np.hypot(*engine.orientations) - 1.0)) < 1e-14


def test_noises_are_independent() -> None:
    """Translational noise, rotation and tumbles of a particle share no random number."""
    displacements, directions = trajectories(engine_of(MOTIONS["both"], diffusion=DIFFUSION), 1)
    noise = (displacements[1] - TIME_STEP * directions[0]) / np.sqrt(2.0 * DIFFUSION * TIME_STEP)
    cross = directions[0, 0] * directions[1, 1] - directions[0, 1] * directions[1, 0]
    along = np.sum(directions[0] * directions[1], axis=0)
    for component in noise:
        assert_mean(component**2, 1.0)
        assert_mean(component * cross, 0.0)
        assert_mean(component * (along - np.mean(along)), 0.0)
    assert_mean(noise[0] * noise[1], 0.0)


def test_particles_stay_in_the_box() -> None:
    """Also where a step leads across several boxes."""
    engine = ParticleEngine(free(BROWNIAN, 50.0), [3.0, 2.0], {"A": 500.0}, time_step=1.0, seed=2)
    engine.advance(20.0)
    assert np.all(engine.positions >= 0.0)
    assert np.all(engine.positions < engine.size[:, None])
