"""Interacting particles in motion: trajectories, order of the schemes, reproducibility."""

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import solve_discrete_lyapunov

from particles import ParticleEngine
from particles.motion import Integrator
from tests.particles.builders import ordered, same_bits
from theory import Model, Motion, NumericalFailure, PairInteraction, Species
from theory.frames import State

Array = NDArray[np.float64]

DIPOLES = {"head_dipole": 112.0, "tail_dipole": -53.0}
SPEED = 11.0
# no particle tumbles in a test
STRAIGHT = Motion(tumble_rate=1e-12)


def janus(
    speed: float = SPEED,
    motion: Motion = STRAIGHT,
    diffusion: float = 0.0,
    cutoff: float = 8.0,
    dipoles: dict[str, float] = DIPOLES,
) -> Model:
    """[S2] Table 1."""
    species = Species("A", motion, str(speed), diffusion, translational_drag=9.0, rotational_drag=3.0)
    pair = PairInteraction.janus("A", "A", cutoff=cutoff, dipole_offset=0.19, screening_length=40.0, **dipoles)
    return Model(2, [species], interactions=[pair])


def started(
    model: Model, edge: float, positions: Array, angles: Array, time_step: float, integrator: Integrator
) -> ParticleEngine:
    """Particles at positions (2, particle), heading to angles (particle,)."""
    density = positions.shape[1] / edge**2
    engine = ParticleEngine(model, (edge, edge), [density], time_step=time_step, seed=1, integrator=integrator)
    state = engine.state()
    new = {
        "positions": positions,
        "orientations": np.stack([np.cos(angles), np.sin(angles)]),
        "identities": np.arange(angles.size),
    }
    engine.restore(State({**state.arrays, **new, "pair_reference": positions}, state.numbers))
    return engine


def pair_equations(time: float, state: Array) -> Array:
    """PHYSICS of [S2] Eqs. 1-3 for two particles without noise, written out: (x1, y1, theta1, x2, y2, theta2)."""
    force = 3.0 * (112.0 - 53.0) ** 2 / (4.0 * math.pi) / 9.0
    torque = 3.0 * 0.19 * (112.0**2 - 53.0**2) / (4.0 * math.pi) / 3.0
    out = np.empty(6)
    for i, j in ((0, 1), (1, 0)):
        (x, y, theta), (a, b, _) = state[3 * i : 3 * i + 3], state[3 * j : 3 * j + 3]
        r = math.hypot(a - x, b - y)
        strength = math.exp(-r / 40.0) / r**4
        seen_at = math.atan2(b - y, a - x) - theta
        out[3 * i] = SPEED * math.cos(theta) - force * strength * (a - x) / r
        out[3 * i + 1] = SPEED * math.sin(theta) - force * strength * (b - y) / r
        out[3 * i + 2] = -torque * strength * math.sin(seen_at)
    return out


POSITIONS = np.array([[19.0, 21.2], [20.1, 19.6]])
ANGLES = np.array([0.2, 2.7])


def after_meeting(time_step: float, integrator: Integrator) -> tuple[Array, Array]:
    """Positions and directions of two particles that have met head on."""
    engine = started(janus(cutoff=12.0), 40.0, POSITIONS, ANGLES, time_step, integrator)
    engine.advance(0.4)
    return ordered(engine, engine.positions), ordered(engine, engine.orientations)


def reference() -> tuple[Array, Array]:
    start = np.column_stack([*POSITIONS, ANGLES]).ravel()
    end = solve_ivp(pair_equations, (0.0, 0.4), start, rtol=1e-12, atol=1e-12, method="DOP853").y[:, -1].reshape(2, 3)
    return end[:, :2].T, np.stack([np.cos(end[:, 2]), np.sin(end[:, 2])])


def test_two_janus_particles_follow_the_equations_of_motion() -> None:
    positions, directions = after_meeting(1e-5, "midpoint")
    there, heading = reference()
    assert np.max(np.abs(there - POSITIONS)) > 1.0
    np.testing.assert_allclose(positions, there, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(directions, heading, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize(("integrator", "order"), [("midpoint", 2.0), ("euler", 1.0)])
def test_order_without_noise(integrator: Integrator, order: float) -> None:
    there, heading = reference()
    errors = []
    for time_step in (4e-4, 2e-4, 1e-4):
        positions, directions = after_meeting(time_step, integrator)
        errors.append(max(np.max(np.abs(positions - there)), np.max(np.abs(directions - heading))))
    found = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(found, order, atol=0.15)


def test_particles_turn_away_from_a_neighbour() -> None:
    """A neighbour on the left turns to the right; with the dipoles exchanged, C_G < 0, it turns to the left."""
    positions = np.array([[20.0, 20.5], [20.0, 22.0]])
    toward = {"head_dipole": 53.0, "tail_dipole": -112.0}
    turns = []
    for dipoles in (DIPOLES, toward):
        engine = started(janus(dipoles=dipoles), 40.0, positions, np.array([0.0, 0.0]), 1e-4, "midpoint")
        engine.advance(0.01)
        turns.append(ordered(engine, engine.orientations)[1])
    # the particle below has its neighbour on the left, the one above on the right
    assert turns[0][0] < -0.01
    assert turns[0][1] > 0.01
    np.testing.assert_allclose(turns[1], -turns[0], rtol=0.05)


def variance_of(h: float, integrator: Integrator) -> float:
    """Stationary variance of x by dx/dt = -x + noise, in units of the exact one, with steps h.

    Euler: x' = (1 - h) x + noise. Midpoint: p' = x - (h/2) p + a, x' = x - h p' + a + b, by the equation of Lyapunov.
    """
    if integrator == "euler":
        return 1.0 / (1.0 - 0.5 * h)
    step = np.array([[1.0 - h, 0.5 * h**2], [1.0, -0.5 * h]])
    noise = np.array([[1.0 - h, 1.0], [1.0, 0.0]]) * math.sqrt(h)
    return float(solve_discrete_lyapunov(step, noise @ noise.T)[0, 0])


@pytest.mark.parametrize(("integrator", "order"), [("midpoint", 2.0), ("euler", 1.0)])
def test_weak_order_of_positions(integrator: Integrator, order: float) -> None:
    """Pairs on springs: the variance of their distance is that of the scheme, and this is right to the scheme's order."""
    number, spacing, spring, diffusion, time_step = 3000, 60.0, 1.0, 0.5, 0.25
    species = Species("A", STRAIGHT, "0.0", diffusion)
    model = Model(1, [species], interactions=[PairInteraction("A", "A", 20.0, f"-{spring}*r")])
    engine = ParticleEngine(model, (number * spacing,), [2.0 / spacing], time_step=time_step, seed=2, integrator=integrator)
    places = ((np.arange(number)[:, None] + 0.5) * spacing + np.array([-0.25, 0.25])).reshape(1, -1)
    state = engine.state()
    new = {"positions": places, "identities": np.arange(2 * number), "pair_reference": places}
    engine.restore(State({**state.arrays, **new}, state.numbers))
    squares = []
    for snapshot in range(12):
        engine.advance(5.0 + snapshot * 2.0)
        apart = ordered(engine, engine.positions)[0].reshape(-1, 2)
        squares.append(np.mean((apart[:, 1] - apart[:, 0]) ** 2) * spring / diffusion)
    h = 2.0 * spring * time_step
    assert abs(np.mean(squares) - variance_of(h, integrator)) < 3.0 * np.std(squares, ddof=1) / math.sqrt(len(squares))
    errors = [abs(variance_of(one, integrator) - 1.0) for one in (0.02, 0.01)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


def moving(threads: int = 1, seed: int = 3, integrator: Integrator = "midpoint") -> ParticleEngine:
    """A crowd that rebuilds its lists about every tenth step."""
    model = janus(66.0, Motion(rotational_diffusion=1.0), 0.11, cutoff=3.0)
    return ParticleEngine(model, (30.0, 26.0), [0.32], time_step=4e-4, seed=seed, threads=threads, integrator=integrator)


@pytest.mark.parametrize("integrator", ["midpoint", "euler"])
def test_threads_change_nothing(integrator: Integrator) -> None:
    one, two = moving(integrator=integrator), moving(2, integrator=integrator)
    for engine in (one, two):
        engine.advance(0.08)
    assert same_bits(one, two)
    assert one._pairs is not None
    assert one._pairs.lists.builds > 8


@pytest.mark.parametrize("integrator", ["midpoint", "euler"])
def test_restored_states_continue_bit_for_bit(integrator: Integrator) -> None:
    """At every phase of the life of a list."""
    straight, donor = (moving(integrator=integrator) for _ in range(2))
    straight.advance(0.08)
    for steps in (0, 60, 63, 66, 69, 72):
        donor.advance(steps * 4e-4)
        state = donor.state()
        heir = moving(2, integrator=integrator)
        heir.restore(State({n: a.copy() for n, a in state.arrays.items()}, json.loads(json.dumps(state.numbers))))
        heir.advance(0.08)
        assert same_bits(heir, straight)


def test_pauses_change_nothing() -> None:
    straight, split = moving(), moving()
    straight.advance(0.02)
    for until in (4e-4, 8e-4, 0.01, 0.02):
        split.advance(until)
        split.frame()
    assert same_bits(straight, split)


def test_long_steps_fail_with_the_remedy() -> None:
    model = janus(66.0, Motion(rotational_diffusion=1.0), 0.11)
    engine = ParticleEngine(model, (30.0, 26.0), [0.32], time_step=3e-3, seed=1)
    with pytest.raises(NumericalFailure, match=r"push one of A .* shorten particles.time_step"):
        engine.advance(1.0)
    # the last completed step is kept
    assert np.all(np.isfinite(engine.positions))
    assert engine.time < 1.0
