"""Chemotaxis: drift in a constant gradient, concentrations on the mesh, and what a chemical does to its makers' followers."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from particles import ParticleEngine
from tests.particles.builders import TUMBLING, ordered, placed, same_bits
from theory import InputError, Model, Motion, Sensing, Species
from theory.chemistry import Chemical, Chemotaxis
from theory.frames import State

Array = NDArray[np.float64]

GRADIENT = 0.1


def steering(dimension: int, motion: Motion, response: Chemotaxis, speed: float = 1.0) -> Model:
    """One species that steers by a chemical which nobody makes."""
    one = Species("A", motion, str(speed), chemotaxis=(response,))
    return Model(dimension, [one], chemicals=[Chemical("c", {}, 1.0, 1.0)])


def in_constant_gradient(model: Model, time_step: float, number: int, seed: int) -> ParticleEngine:
    """An engine whose particles feel a constant gradient along x, in place of that of the chemical."""
    edge = 20.0
    density = number / edge**model.dimension
    engine = ParticleEngine(
        model, [edge] * model.dimension, [density], time_step=time_step, seed=seed, mesh_spacing=0.5, save_positions=False
    )
    engine._perception.gradients[:, 0] = GRADIENT
    engine._perception.act = lambda particles, order: True  # type: ignore[method-assign]
    return engine


def drift(engine: ParticleEngine, blocks: int = 20, steps: int = 10) -> tuple[float, float]:
    """Mean velocity along the gradient after a relaxation, and its standard error over the independent particles."""
    engine.advance(8.0)
    last = ordered(engine, engine.positions[0])
    moved = np.zeros_like(last)
    for _ in range(blocks):
        engine.advance(engine.time + steps * engine.time_step)
        now = ordered(engine, engine.positions[0])
        move = now - last
        moved += move - engine.size[0] * np.round(move / engine.size[0])
        last = now
    velocities = moved / (blocks * steps * engine.time_step)
    return float(np.mean(velocities)), float(np.std(velocities) / np.sqrt(velocities.size))


def expected_drift(model: Model) -> float:
    """V = -(v1/d + v0 tau0/(d tau1) + v0 tau0 chi (d - 1)/d) grad c.

    The last term is that of turning: the mean direction p relaxes as dp/dt = -chi <grad c - u u.grad c> - p/tau0, and
    <u u> = 1/d in lowest order.
    """
    d, speed = model.dimension, float(model.species[0].speed)
    response, time = model.species[0].chemotaxis[0], model.persistence_times[0]
    turning = response.turning * (d - 1)
    return -GRADIENT * (response.speed_bias + speed * time * (response.reorientation_bias + turning)) / d


BROWNIAN_2D, BROWNIAN_3D = Motion(rotational_diffusion=1.0), Motion(rotational_diffusion=0.5)
BOTH = Motion(tumble_rate=0.5, rotational_diffusion=0.4)
# the responses that are measured to within two standard errors
ASKED = [
    (2, TUMBLING, Chemotaxis("c", 0.5, 1.0)),
    (3, TUMBLING, Chemotaxis("c", 0.5, 1.0)),
    (2, BROWNIAN_2D, Chemotaxis("c", 0.5, 1.0)),
    (1, TUMBLING, Chemotaxis("c", 0.5, 1.0)),
]
FURTHER = [
    (2, TUMBLING, Chemotaxis("c", turning=1.0)),
    (2, BROWNIAN_2D, Chemotaxis("c", turning=1.0)),
    (3, BROWNIAN_3D, Chemotaxis("c", turning=1.0)),
    (3, BROWNIAN_3D, Chemotaxis("c", 0.0, 1.0)),
    (2, BOTH, Chemotaxis("c", 0.3, 0.7, 0.5)),
    (3, BOTH, Chemotaxis("c", 0.3, 0.7, 0.5)),
    (2, Motion(aoup=True, persistence_time=1.0), Chemotaxis("c", 1.0)),
]


@pytest.mark.parametrize(("dimension", "motion", "response"), ASKED)
def test_drift_in_a_constant_gradient(dimension: int, motion: Motion, response: Chemotaxis) -> None:
    engine = in_constant_gradient(steering(dimension, motion, response), 0.1, 40_000, seed=1)
    found, error = drift(engine)
    assert error < 0.04 * abs(expected_drift(engine.model))
    assert abs(found - expected_drift(engine.model)) < 2.0 * error


@pytest.mark.parametrize("time_step", [0.05, 0.5])
@pytest.mark.parametrize(("dimension", "motion", "response"), FURTHER)
def test_drift_does_not_depend_on_the_step(dimension: int, motion: Motion, response: Chemotaxis, time_step: float) -> None:
    """Steady directions are exact for any step, in first order of the gradient."""
    engine = in_constant_gradient(steering(dimension, motion, response, 2.0), time_step, 30_000, seed=2)
    found, error = drift(engine, steps=round(1.0 / time_step))
    assert error < 0.06 * abs(expected_drift(engine.model))
    assert abs(found - expected_drift(engine.model)) < 3.0 * error


def test_noise_of_directions_is_that_of_ito() -> None:
    """The steady density of directions is 1/Dr(theta), that of Ito's noise; Fick's would be uniform."""
    model = steering(2, BROWNIAN_2D, Chemotaxis("c", 0.0, 6.0))
    engine = in_constant_gradient(model, 0.02, 40_000, seed=3)
    engine.advance(6.0)
    angle = np.arctan2(engine.orientations[1], engine.orientations[0])
    # 1/(1 + a cos theta) has the first moment -a/(1 + sqrt(1 - a^2)), here with a = tau0/tau1 grad c
    a = 6.0 * GRADIENT
    error = np.std(np.cos(angle)) / np.sqrt(angle.size)
    assert abs(np.mean(np.cos(angle)) + a / (1.0 + np.sqrt(1.0 - a * a))) < 3.0 * error
    assert engine.warnings() == []


def test_cut_rates_are_counted_and_told() -> None:
    """With s = 1 + 2 cos theta a third of all directions would have a negative rate."""
    engine = in_constant_gradient(steering(2, TUMBLING, Chemotaxis("c", 0.0, 20.0)), 0.05, 3000, seed=4)
    engine.advance(0.05)
    shown = engine.frame().variables
    assert float(shown["cut_share_A"].data) == pytest.approx(1.0 / 3.0, abs=0.03)
    assert "of the reorientation rates of A were cut" in engine.warnings()[0]
    state = engine.state()
    engine.advance(0.5)
    # directions of no rate are kept: ever more particles have one
    assert float(engine.frame().variables["cut_share_A"].data) > 0.34
    engine.restore(state)
    np.testing.assert_array_equal(engine.frame().variables["cut_share_A"].data, shown["cut_share_A"].data)


@pytest.mark.parametrize("dimension", [2, 3])
def test_turning_is_exact(dimension: int) -> None:
    """tan(phi/2) grows as exp(chi |grad c| t), phi the angle to the gradient, at any step."""
    straight = Motion(tumble_rate=1e-12)
    engine = in_constant_gradient(steering(dimension, straight, Chemotaxis("c", turning=30.0)), 0.25, 500, seed=5)
    before = ordered(engine, engine.orientations)
    engine.advance(0.5)
    after = ordered(engine, engine.orientations)
    squared = (1.0 - before[0]) / (1.0 + before[0]) * np.exp(2.0 * 30.0 * GRADIENT * 0.5)
    np.testing.assert_allclose(after[0], (1.0 - squared) / (1.0 + squared), atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(after, axis=0), 1.0, rtol=1e-14)
    # what lies across the gradient keeps its direction
    across = after[1:] / np.linalg.norm(after[1:], axis=0)
    np.testing.assert_allclose(across, before[1:] / np.linalg.norm(before[1:], axis=0), atol=1e-10)


def one_source(dimension: int, *, adiabatic: bool = True, decay_rate: float = 1.0, speed: str = "0") -> Model:
    """Particles of S make a chemical, those of A read it and steer by it."""
    response = Chemotaxis("c", speed_bias=1e-6)
    species = [
        Species("S", Motion(tumble_rate=1e-12), speed),
        Species("A", Motion(tumble_rate=1.0), "0*S + 1.0 + 1e-9*c", chemotaxis=(response,)),
    ]
    chemical = Chemical("c", {"S": 3.0}, 0.5, decay_rate, adiabatic)
    return Model(dimension, species, chemicals=[chemical])


def response_at(distance: Array, dimension: int, diffusivity: float, decay_rate: float) -> tuple[Array, Array]:
    """Steady concentration around a unit source, and its derivative, far from the edges."""
    k = np.sqrt(decay_rate / diffusivity)
    x = k * distance
    if dimension == 1:
        value, slope = np.exp(-x) / (2.0 * k), -0.5 * np.exp(-x)
    elif dimension == 2:
        value, slope = special.k0(x) / (2.0 * np.pi), -k * special.k1(x) / (2.0 * np.pi)
    else:
        value, slope = np.exp(-x) / (4.0 * np.pi * distance), -np.exp(-x) * (1.0 + x) / (4.0 * np.pi * distance**2)
    return value / diffusivity, slope / diffusivity


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_concentration_around_a_source(dimension: int) -> None:
    """Beyond six cells of the mesh it is that of the steady equation, and so is its gradient."""
    model, edge, readers = one_source(dimension), (30.0, 16.0, 9.0)[dimension - 1], 60
    engine = ParticleEngine(
        model,
        [edge] * dimension,
        np.array([1, readers]) / edge**dimension,
        time_step=0.1,
        seed=1,
        integrator="euler",
        mesh_spacing=0.1,
    )
    rng = np.random.default_rng(4)
    direction = rng.standard_normal((dimension, readers))
    direction /= np.linalg.norm(direction, axis=0)
    distance = rng.uniform(0.6, 2.0, readers)
    source = np.full((dimension, 1), 0.5 * edge + 0.123)
    placed(engine, np.concatenate([source, source + direction * distance], axis=1))
    engine._perception.act(engine._particles, engine._storage.order)
    # images of the source count for less than a thousandth, and are left out
    value, slope = response_at(distance, dimension, 0.5, 1.0)
    read = ordered(engine, np.concatenate([one[2] for one in engine._perception._sensed]))[1:]
    np.testing.assert_allclose(read, 3.0 * value, rtol=2e-3)
    found = ordered(engine, engine._perception.gradients[0])[:, 1:]
    error = np.linalg.norm(found - 3.0 * slope * direction, axis=0)
    assert np.all(error < 0.02 * np.abs(3.0 * slope))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_particle_does_not_feel_its_own_gradient(dimension: int) -> None:
    """On the mesh too, wherever it is; what it reads of its own is taken away with count_self = false."""
    response = Chemotaxis("c", speed_bias=1.0)
    one = Species("A", TUMBLING, "1.0 + 1e-9*c", chemotaxis=(response,))
    chemical = Chemical("c", {"A": 1.0}, 1.0, 1.0)
    for count_self in (True, False):
        model = Model(dimension, [one], {}, Sensing(count_self=count_self), chemicals=[chemical])
        engine = ParticleEngine(
            model, [4.0] * dimension, [1.0 / 4.0**dimension], time_step=0.1, seed=8, mesh_spacing=0.25, integrator="euler"
        )
        engine._perception.act(engine._particles, engine._storage.order)
        read = float(engine._perception._sensed[0][1, 0])
        assert np.max(np.abs(engine._perception.gradients)) < 1e-13
        assert abs(read) < 1e-13 if not count_self else read > 0.1


@pytest.mark.parametrize(("integrator", "order"), [("midpoint", 2.0), ("euler", 1.0)])
def test_time_dependent_concentration_of_a_moving_source(integrator: str, order: float) -> None:
    """A mode behind a source at constant velocity: beta (exp(-iqvt) - exp(-at))/(a - iqv), from zero at the start."""
    velocity, decay_rate, duration = 0.8, 0.7, 2.0
    model = one_source(1, adiabatic=False, decay_rate=decay_rate, speed=str(velocity))
    errors = []
    for steps in (10, 20, 40):
        engine = ParticleEngine(
            model,
            [8.0],
            [1.0 / 8.0, 0.0],
            time_step=duration / steps,
            seed=1,
            integrator=integrator,
            mesh_spacing=0.1,  # type: ignore[arg-type]
        )
        chemistry = engine._perception.mesh.chemistry  # type: ignore[union-attr]
        chemistry.modes[:] = 0.0  # type: ignore[union-attr]
        start, signed = float(engine.positions[0, 0]), velocity * float(engine.orientations[0, 0])
        engine.advance(duration)
        grid = engine._perception.mesh.mesh.grid  # type: ignore[union-attr]
        q = 2.0 * np.pi / 8.0
        a = decay_rate + 0.5 * q**2
        exact = 3.0 * (np.exp(-1j * q * signed * duration) - np.exp(-a * duration)) / (a - 1j * q * signed)
        # modes are those of values at the centres of cells
        exact *= np.exp(-1j * q * (start - 0.5 * grid.spacing[0]))
        errors.append(abs(chemistry.modes[0, 1] * grid.spacing[0] - exact))  # type: ignore[union-attr]
    # aliases of the deposit are of order (1/160)^3
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(order, abs=0.3)


def test_time_dependent_concentrations_become_steady() -> None:
    model = one_source(2, adiabatic=False, decay_rate=2.0)
    engines = [
        ParticleEngine(
            Model(2, model.species, chemicals=[Chemical("c", {"S": 3.0}, 0.5, 2.0, adiabatic)]),
            [6.0, 5.0],
            [2.0, 1.0],
            time_step=0.25,
            seed=4,
        )
        for adiabatic in (True, False)
    ]
    # both start from the steady concentrations of the same particles
    fields = [engine.frame().variables["concentration_c"].data for engine in engines]
    np.testing.assert_allclose(fields[1], fields[0], rtol=1e-11)
    engines[1]._perception.mesh.chemistry.modes[:] *= 0.5  # type: ignore[union-attr]
    for engine in engines:
        engine.advance(10.0)
    fields = [engine.frame().variables["concentration_c"].data for engine in engines]
    np.testing.assert_allclose(fields[1], fields[0], rtol=1e-8)
    made = 3.0 * np.sum(engines[0]._particles.numbers[0]) / 30.0 / 2.0
    assert np.mean(fields[0]) == pytest.approx(made, rel=1e-12)


def test_a_chemical_that_does_not_decay_is_conserved() -> None:
    """And grows by what is made: <c> = beta rho t."""
    model = one_source(2, adiabatic=False, decay_rate=0.0)
    engine = ParticleEngine(model, [6.0, 5.0], [2.0, 1.0], time_step=0.25, seed=4, mesh_spacing=0.25)
    assert np.max(np.abs(engine.frame().variables["concentration_c"].data)) < 1e-12
    engine.advance(5.0)
    assert np.mean(engine.frame().variables["concentration_c"].data) == pytest.approx(3.0 * 2.0 * 5.0, rel=1e-12)


@pytest.mark.parametrize(
    "response", [Chemotaxis("c", speed_bias=0.02), Chemotaxis("c", reorientation_bias=0.02), Chemotaxis("c", turning=0.02)]
)
def test_followers_gather_as_the_theory_says(response: Chemotaxis) -> None:
    """Where D grad rho = V rho,  log rho = -(v1/tau0 + v0/tau1 + v0 chi (d - 1)) c/v0^2 + const ([S1] Eq. 16)."""
    species = [
        Species("S", Motion(tumble_rate=1.0), "0"),
        Species("A", Motion(tumble_rate=1.0), "1.0", chemotaxis=(response,)),
    ]
    model = Model(2, species, chemicals=[Chemical("c", {"S": 1.0}, 4.0, 1.0)])
    size, profile = (16.0, 4.0), np.ones((2, 1, 64))
    profile[0] += np.cos(2.0 * np.pi * (np.arange(64) + 0.5) / 64)
    engine = ParticleEngine(
        model, size, [60.0, 150.0], time_step=0.25, seed=2, density=profile, mesh_spacing=0.5, save_positions=False
    )
    q = 2.0 * np.pi / size[0]
    waves, places = [], []
    for n in range(24):
        engine.advance(20.0 + 8.0 * n)
        concentration = np.mean(engine.frame().variables["concentration_c"].data, axis=0)
        waves.append(2.0 * np.fft.rfft(concentration)[1] / concentration.size)
        places.append(np.mean(np.exp(-1j * q * engine._particles.positions[0, engine.species == 1])))
    # the frames' cells: their centres begin at half a spacing
    wave = waves[0] * np.exp(-1j * q * 0.5 * size[0] / concentration.size)
    strength = response.speed_bias + response.reorientation_bias + response.turning
    # rho ~ exp(-strength |c_1| cos): its first moment is that of Bessel functions
    amplitude = strength * abs(wave)
    expected = special.iv(1, amplitude) / special.iv(0, amplitude)
    along = np.real(np.array(places) * np.conj(wave) / abs(wave))
    error = np.std(along, ddof=1) / np.sqrt(along.size)
    assert 0.1 < expected < 0.4
    assert abs(np.mean(along) + expected) < 3.0 * error + 0.03 * expected


def _busy_model(dimension: int) -> Model:
    """Everything at once: sensing, two chemicals, one of them with a dynamics of its own, all biases, translational noise."""
    responses = (Chemotaxis("c", 0.02, 0.03, 0.05 if dimension > 1 else 0.0), Chemotaxis("w", 0.0, -0.02))
    species = [
        Species("A", Motion(0.5, 0.5), "exp(-0.3*tanh((A - 20)/10)) + 0.001*w", 0.02, responses),
        Species("B", Motion(aoup=True, persistence_time=0.5), "0.5", 0.01),
    ]
    chemicals = [Chemical("c", {"A": 1.0, "B": 0.5}, 1.0, 0.5), Chemical("w", {"B": 1.0}, 2.0, 0.0, adiabatic=False)]
    return Model(dimension, species, {}, Sensing(count_self=False), chemicals=chemicals)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("sensing", ["mesh", "exact"])
def test_bits_with_chemicals(dimension: int, sensing: str) -> None:
    """Threads, restarts and outputs change nothing."""
    size, dt = ((20.0,), (6.0, 5.0), (3.0, 3.2, 3.4))[dimension - 1], 0.05

    def engine_of(threads: int = 1) -> ParticleEngine:
        how = {"sensing": sensing, "threads": threads, "mesh_spacing": 0.2}
        return ParticleEngine(_busy_model(dimension), size, [20.0, 10.0], time_step=dt, seed=9, **how)  # type: ignore[arg-type]

    straight, two, heir = engine_of(), engine_of(2), engine_of(2)
    straight.advance(25 * dt)
    two.advance(11 * dt)
    two.frame()
    heir.restore(State({name: array.copy() for name, array in two.state().arrays.items()}, two.state().numbers))
    for engine in (two, heir):
        engine.advance(25 * dt)
        assert same_bits(engine, straight)
        modes = [one._perception.mesh.chemistry.modes for one in (engine, straight)]  # type: ignore[union-attr]
        assert np.array_equal(modes[0][1], modes[1][1])
    assert straight.warnings() == []


def test_exact_sensing_takes_a_mesh_for_chemicals_alone() -> None:
    engine = ParticleEngine(_busy_model(2), (6.0, 5.0), [5.0, 5.0], time_step=0.1, seed=1, sensing="exact", mesh_spacing=0.25)
    assert "densities exact" in repr(engine)
    assert "chemicals by way of a mesh, 24 x 20 cells" in repr(engine)
    with pytest.raises(InputError, match=r"smallest length of a chemical, 0\.5"):
        ParticleEngine(steering(2, TUMBLING, Chemotaxis("c", 0.1)), (6.0, 5.0), [5.0], time_step=0.1, seed=1, mesh_spacing=0.6)


def test_chemicals_that_nobody_reads_spread_all_the_same() -> None:
    species = [Species("A", TUMBLING, "1.0")]
    model = Model(2, species, chemicals=[Chemical("c", {"A": 2.0}, 1.0, 0.0, adiabatic=False)])
    engine = ParticleEngine(model, (6.0, 5.0), [4.0], time_step=0.1, seed=1, threads=2, mesh_spacing=0.25)
    engine.advance(1.0)
    field = engine.frame().variables["concentration_c"].data
    assert np.mean(field) == pytest.approx(2.0 * 4.0 * 1.0, rel=1e-12)
    assert np.std(field) > 0.01


def test_chemicals_that_do_not_spread_cannot_be_read() -> None:
    species = [Species("A", TUMBLING, "1.0 + 0.1*c")]
    model = Model(2, species, chemicals=[Chemical("c", {"A": 2.0}, 0.0, 1.0)])
    with pytest.raises(InputError, match="whose diffusivity is 0"):
        ParticleEngine(model, (6.0, 5.0), [4.0], time_step=0.1, seed=1)
