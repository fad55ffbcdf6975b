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
# in one dimension a direction cannot diffuse
FREE = [(d, name) for d in (1, 2, 3) for name in MOTIONS if (d, name) != (1, "brownian")]
TIME_STEP = 0.05
STEPS = (1, 12, 50)
DIFFUSION = 0.02


def engine_of(
    motion: Motion, seed: int = 11, diffusion: float = 0.0, number: int = 8000, dimension: int = 2, time_step: float = TIME_STEP
) -> ParticleEngine:
    edge = 12.0
    model = free(motion, diffusion, dimension)
    return ParticleEngine(model, [edge] * dimension, {"A": number / edge**dimension}, time_step=time_step, seed=seed)


def trajectories(engine: ParticleEngine, steps: int) -> tuple[Array, Array]:
    """Unwrapped displacements and directions after every step, (step + 1, dimension, particle)."""
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


@pytest.mark.parametrize(("dimension", "name"), FREE)
def test_displacement_and_autocorrelation(dimension: int, name: str) -> None:
    """<u.u'> = exp(-t/tau);  <|dr|^2> = 2 tau^2 (t/tau - 1 + exp(-t/tau)) + 2 d Dt t, to a thousandth at this time step."""
    motion = MOTIONS[name]
    displacements, directions = trajectories(engine_of(motion, diffusion=DIFFUSION, dimension=dimension), max(STEPS))
    time = motion.time(dimension)
    for n in STEPS:
        lags = np.arange(n)
        elapsed = n * TIME_STEP / time
        # of the scheme, exactly: the sum over pairs of steps of <u_j . u_k>
        propelled = TIME_STEP**2 * np.sum(np.exp(-np.abs(lags[:, None] - lags) * TIME_STEP / time))
        assert propelled == pytest.approx(2.0 * time**2 * (elapsed + np.expm1(-elapsed)), rel=0.05 if n == 1 else 1e-2)
        assert_mean(np.sum(displacements[n] ** 2, axis=0), propelled + 2.0 * dimension * DIFFUSION * n * TIME_STEP)
        assert_mean(np.sum(directions[n] * directions[0], axis=0), np.exp(-elapsed))


@pytest.mark.parametrize(("dimension", "name"), FREE)
def test_long_steps_keep_the_correlation_of_directions(dimension: int, name: str) -> None:
    """The mean of u'.u is exact for a step of any length."""
    motion = MOTIONS[name]
    _, directions = trajectories(engine_of(motion, dimension=dimension, time_step=1.3, seed=3), 2)
    for n in (1, 2):
        assert_mean(np.sum(directions[n] * directions[0], axis=0), np.exp(-1.3 * n / motion.time(dimension)))


@pytest.mark.parametrize("dimension", [2, 3])
def test_one_free_step_is_the_direction(dimension: int) -> None:
    displacements, directions = trajectories(engine_of(BROWNIAN, number=200, dimension=dimension), 1)
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


def test_diffusion_on_the_sphere() -> None:
    """<P_2(u'.u)> = exp(-6 Dr t), up to third order in the step; the azimuth is uniform."""
    n = 8
    for motion, rate in ((MOTIONS["brownian"], 6.0), (MOTIONS["both"], 0.6 + 6.0 * 0.9)):
        _, directions = trajectories(engine_of(motion, seed=5, dimension=3, number=20000), n)
        cosine = np.sum(directions[n] * directions[0], axis=0)
        assert_mean(1.5 * cosine**2 - 0.5, np.exp(-rate * n * TIME_STEP))
        # two directions at right angles to the first one, wherever that points
        helper = np.where(np.abs(directions[0, 2]) < 0.9, np.array([[0.0], [0.0], [1.0]]), np.array([[1.0], [0.0], [0.0]]))
        first = np.cross(directions[0], helper, axis=0)
        first /= np.linalg.norm(first, axis=0)
        second = np.cross(directions[0], first, axis=0)
        angle = np.arctan2(np.sum(directions[n] * second, axis=0), np.sum(directions[n] * first, axis=0))
        for harmonic in (1, 2, 3):
            assert_mean(np.cos(harmonic * angle), 0.0)
            assert_mean(np.sin(harmonic * angle), 0.0)


@pytest.mark.parametrize("time_step", [TIME_STEP, 1.0])
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_tumbles_are_as_rare_as_stated(dimension: int, time_step: float) -> None:
    """And uniform: in one dimension half of them change nothing."""
    steps = round(1.0 / time_step)
    _, directions = trajectories(engine_of(TUMBLING, dimension=dimension, time_step=time_step), steps)
    kept = np.all(directions[steps] == directions[0], axis=0)
    tumbled = 1.0 - np.exp(-1.0)
    assert_mean(kept.astype(np.float64), 1.0 - tumbled * (0.5 if dimension == 1 else 1.0))
    for component in directions[steps]:
        assert_mean(component, 0.0)
        assert_mean(component**2, 1.0 / dimension) if dimension > 1 else None


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_ornstein_uhlenbeck_vectors_are_stationary_and_gaussian(dimension: int) -> None:
    _, directions = trajectories(engine_of(MOTIONS["ornstein-uhlenbeck"], dimension=dimension), 40)
    for n in (0, 40):
        assert_mean(np.sum(directions[n] ** 2, axis=0), 1.0)
        for component in directions[n]:
            assert_mean(component, 0.0)
            # fourth moment of a Gaussian of variance 1/d
            assert_mean(component**4, 3.0 / dimension**2)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_directions_stay_unit_vectors(dimension: int) -> None:
    engine = engine_of(MOTIONS["both"], number=400, dimension=dimension)
    engine.advance(1500 * TIME_STEP)
    assert np.max(np.abs(np.linalg.norm(engine.orientations, axis=0) - 1.0)) < 1e-14


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_initial_state_is_uniform_and_isotropic(dimension: int) -> None:
    engine = engine_of(TUMBLING, dimension=dimension)
    for values in (engine.orientations, engine.positions / engine.size[:, None] - 0.5):
        for component in values:
            assert_mean(component, 0.0)
    for component in engine.positions / engine.size[:, None]:
        assert_mean(component**2, 1.0 / 3.0)
    for component in engine.orientations if dimension > 1 else []:
        assert_mean(component**2, 1.0 / dimension)
        # the fourth moment of a component of a random direction is 3/(d (d + 2))
        assert_mean(component**4, 3.0 / (dimension * (dimension + 2)))
    assert np.max(np.abs(np.linalg.norm(engine.orientations, axis=0) - 1.0)) < 1e-14


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


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_particles_stay_in_the_box(dimension: int) -> None:
    """Also where a step leads across several boxes."""
    size = [3.0, 2.0, 1.0][:dimension]
    engine = ParticleEngine(free(TUMBLING, 50.0, dimension), size, {"A": 500.0}, time_step=1.0, seed=2)
    engine.advance(20.0)
    assert np.all(engine.positions >= 0.0)
    assert np.all(engine.positions < engine.size[:, None])
