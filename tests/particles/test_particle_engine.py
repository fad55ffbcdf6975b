"""The engine as a whole: reproducibility, frames, failures."""

import json

import numpy as np
import pytest

from particles import ParticleEngine
from tests.particles.builders import BROWNIAN, TUMBLING, mixture, same_bits
from theory import InputError, Model, Motion, NumericalFailure, Sensing, Species
from theory.frames import State

SIZE = (9.0, 7.0)
COMPOSITION = {"A": 30.0, "B": 18.0}
DT = 0.02
MODES = ["mesh", "exact"]
SIZES = {1: (60.0,), 2: SIZE, 3: (4.0, 3.5, 4.5)}
# ways of sensing in all dimensions, and both schemes
WAYS = [(sensing, d, "midpoint") for sensing in MODES for d in (1, 2, 3)] + [("mesh", 2, "euler"), ("exact", 2, "euler")]


def engine_of(
    sensing: str = "mesh", seed: int = 7, threads: int = 1, dimension: int = 2, integrator: str = "midpoint", **kwargs: object
) -> ParticleEngine:
    motion = Motion(tumble_rate=0.5, rotational_diffusion=0.5)
    model = mixture(Sensing(count_self=False), motion, 0.03, dimension)
    how = {"time_step": DT, "sensing": sensing, "seed": seed, "threads": threads, "integrator": integrator, **kwargs}
    return ParticleEngine(model, SIZES[dimension], COMPOSITION, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(("sensing", "dimension", "integrator"), WAYS)
def test_threads_change_nothing(sensing: str, dimension: int, integrator: str) -> None:
    one, two = (engine_of(sensing, threads=n, dimension=dimension, integrator=integrator) for n in (1, 2))
    for engine in (one, two):
        engine.advance(50 * DT)
    assert same_bits(one, two)
    assert np.array_equal(one.sensed_densities(), two.sensed_densities())
    assert np.array_equal(one.speeds(), two.speeds())


@pytest.mark.parametrize(("sensing", "dimension", "integrator"), WAYS)
def test_restored_states_continue_bit_for_bit(sensing: str, dimension: int, integrator: str) -> None:
    straight, donor, heir = (engine_of(sensing, threads=n, dimension=dimension, integrator=integrator) for n in (1, 1, 2))
    straight.advance(45 * DT)
    donor.advance(23 * DT)
    heir.advance(5 * DT)
    state = donor.state()
    # a state travels as arrays and JSON
    heir.restore(State({n: a.copy() for n, a in state.arrays.items()}, json.loads(json.dumps(state.numbers))))
    assert heir.step == 23
    assert same_bits(heir, donor)
    heir.advance(45 * DT)
    assert same_bits(heir, straight)
    # what was handed out does not change with the engine
    donor.advance(30 * DT)
    assert not np.array_equal(donor.positions, state.arrays["positions"])


@pytest.mark.parametrize("sensing", MODES)
def test_outputs_and_pauses_change_nothing(sensing: str) -> None:
    straight, split = engine_of(sensing), engine_of(sensing)
    straight.advance(30 * DT)
    for until in (1, 2, 9, 9, 30):
        split.advance(until * DT)
        split.frame()
        split.speeds()
        split.sensed_densities()
        assert split.step == until
    assert same_bits(straight, split)
    assert split.time == pytest.approx(30 * DT, rel=1e-15)


def test_seeds() -> None:
    a, b, c = engine_of(seed=1), engine_of(seed=1), engine_of(seed=2)
    assert not np.array_equal(a.positions[0, :10], c.positions[0, :10])
    for engine in (a, b, c):
        engine.advance(10 * DT)
    assert same_bits(a, b)
    assert not np.any(a.orientations == c.orientations)


def test_interrupt_stops_on_a_completed_step() -> None:
    engine, straight = engine_of(), engine_of()
    answers = iter([False, False, False, True])
    engine.advance(1.0, interrupt=lambda: next(answers))
    assert engine.step == 3
    engine.advance(6 * DT, interrupt=lambda: False)
    straight.advance(6 * DT)
    assert same_bits(engine, straight)


def test_state_of_another_run_is_refused() -> None:
    state = engine_of().state()
    others = (engine_of(seed=8), engine_of("exact"), engine_of(mesh_spacing=0.3), engine_of(integrator="euler"))
    for other, name in zip(others, ("seed", "sensing", "mesh", "integrator"), strict=True):
        with pytest.raises(InputError, match=f"the state has {name} = "):
            other.restore(state)


def test_frame() -> None:
    engine = engine_of(output_grid=(36, 28))
    engine.advance(12 * DT)
    frame = engine.frame()
    assert (frame.step, frame.time) == (12, pytest.approx(12 * DT))
    assert set(frame.variables) == {
        *(f"{kind}_{name}" for kind in ("density", "mean_speed", "polar_order", "particle_number") for name in "AB"),
        "polar_order",
        "position",
        "orientation",
        "species",
    }
    density = frame.variables["density_A"]
    assert (density.dimensions, density.units) == (("y", "x"), "1/length^2")
    assert density.attributes["assignment"] == "TSC"
    assert density.data.shape == (28, 36)
    np.testing.assert_allclose(frame.coordinates["x"].data, (np.arange(36) + 0.5) * 0.25)
    np.testing.assert_allclose(frame.coordinates["y"].data, (np.arange(28) + 0.5) * 0.25)
    assert int(frame.variables["particle_number_B"].data) == round(18.0 * 63.0)
    number = engine.identities.size
    position, orientation = frame.variables["position"].data, frame.variables["orientation"].data
    assert (position.dtype, position.shape) == (np.float32, (number, 2))
    np.testing.assert_array_equal(position[engine.identities].T, engine.positions.astype(np.float32))
    np.testing.assert_array_equal(orientation[engine.identities].T, engine.orientations.astype(np.float32))
    species = frame.variables["species"].data
    np.testing.assert_array_equal(species[engine.identities], engine.species)
    assert np.count_nonzero(species == 1) == round(18.0 * 63.0)
    # speeds by the model's own evaluation of the law
    sensed, mine = engine.sensed_densities(), engine.species == 0
    speeds = engine.model.motility["A"].speed(sensed[:, mine])
    np.testing.assert_allclose(engine.speeds()[mine], speeds, rtol=1e-12)
    assert float(frame.variables["mean_speed_A"].data) == pytest.approx(np.mean(speeds), rel=1e-12)


@pytest.mark.parametrize("dimension", [1, 3])
def test_frames_of_other_dimensions(dimension: int) -> None:
    cells = (60,) if dimension == 1 else (16, 14, 18)
    engine = engine_of(dimension=dimension, output_grid=cells)
    engine.advance(2 * DT)
    frame = engine.frame()
    density = frame.variables["density_A"]
    assert density.dimensions == ("z", "y", "x")[-dimension:]
    assert density.units == ("1/length" if dimension == 1 else "1/length^3")
    assert density.data.shape == cells[::-1]
    assert list(frame.coordinates) == list("xyz")[:dimension]
    volume = np.prod(SIZES[dimension]) / np.prod(cells)
    assert np.sum(density.data) * volume == pytest.approx(float(frame.variables["particle_number_A"].data), rel=1e-12)
    assert frame.variables["position"].data.shape == (engine.identities.size, dimension)


def test_polar_order() -> None:
    engine = engine_of()
    engine.advance(5 * DT)
    shown, u, species = engine.frame().variables, engine.orientations, engine.species
    for name, kept in (("polar_order_A", species == 0), ("polar_order_B", species == 1), ("polar_order", species >= 0)):
        assert float(shown[name].data) == pytest.approx(float(np.hypot(*u[:, kept].mean(axis=1))), rel=1e-12)
    # aligned by hand
    state = engine.state()
    aligned = np.zeros_like(u)
    aligned[0] = 1.0
    engine.restore(State({**state.arrays, "orientations": aligned}, state.numbers))
    assert float(engine.frame().variables["polar_order"].data) == 1.0


def test_what_nobody_reads_is_not_computed() -> None:
    """Constant speeds need no mesh; a species that is not sensed takes no transform, and can still be looked at."""
    assert engine_of()._perception.mesh is not None
    free = ParticleEngine(Model(2, [Species("A", TUMBLING, "1.0")]), SIZE, [30.0], time_step=DT, seed=1)
    assert free._perception.mesh is None
    assert np.mean(free.sensed_densities()) == pytest.approx(30.0, rel=0.1)
    model = Model(2, [Species("A", TUMBLING, "exp(-0.01*B)"), Species("B", TUMBLING, "0.5")])
    for sensing in MODES:
        engine = ParticleEngine(model, SIZE, COMPOSITION, time_step=DT, seed=1, sensing=sensing)  # type: ignore[arg-type]
        engine.advance(3 * DT)
        assert not np.any(engine._perception._sensed[0][0])
        assert np.all(engine._perception._sensed[0][1] > 0.0)
        assert np.all(engine.speeds()[engine.species == 1] == 0.5)


def test_particles_keep_their_rows() -> None:
    engine = engine_of()
    before = engine.frame()
    engine.advance(20 * DT)
    move = engine.frame().variables["position"].data - before.variables["position"].data
    move -= np.array(SIZE) * np.round(move / np.array(SIZE))
    # 20 steps of at most exp(0.9) dt, and 6 standard deviations of the diffusion
    assert np.max(np.abs(move)) < 20 * DT * np.exp(0.9) + 6.0 * np.sqrt(2.0 * 0.03 * 20 * DT)
    assert not np.array_equal(engine.identities, np.sort(engine.identities))


def test_a_least_distance_at_the_start() -> None:
    model = Model(2, [Species("A", TUMBLING, "1.0")])
    engine = ParticleEngine(model, (6.0, 5.0), [3.0], time_step=DT, seed=3, minimum_distance=0.3)
    gap = engine.positions[:, :, None] - engine.positions[:, None, :]
    gap -= engine.size[:, None, None] * np.round(gap / engine.size[:, None, None])
    distance = np.hypot(*gap)[np.triu_indices(90, 1)]
    assert distance.size == 90 * 89 // 2
    assert distance.min() >= 0.3


def test_frames_without_particles() -> None:
    assert "position" not in engine_of(save_positions=False).frame().variables


def test_a_species_without_particles() -> None:
    engine = ParticleEngine(mixture(), SIZE, {"A": 3.0, "B": 0.0}, time_step=DT, seed=1)
    engine.advance(3 * DT)
    frame = engine.frame()
    assert np.isnan(frame.variables["mean_speed_B"].data)
    assert np.all(frame.variables["density_B"].data == 0.0)


def test_both_ways_of_sensing_give_the_same_mean_speed() -> None:
    """Over independent runs; the standard error is that between runs."""
    means = {}
    for sensing, first in (("mesh", 0), ("exact", 100)):
        values = []
        for seed in range(first, first + 8):
            model = mixture(motion=BROWNIAN)
            engine = ParticleEngine(model, (6.0, 6.0), COMPOSITION, time_step=0.05, sensing=sensing, seed=seed)  # type: ignore[arg-type]
            engine.advance(2.0)
            values.append(float(engine.frame().variables["mean_speed_A"].data))
        means[sensing] = np.mean(values), np.var(values, ddof=1) / len(values)
    difference = means["mesh"][0] - means["exact"][0]
    assert abs(difference) < 3.0 * np.sqrt(means["mesh"][1] + means["exact"][1])


@pytest.mark.parametrize("sensing", MODES)
def test_both_ways_of_sensing_move_particles_alike(sensing: str) -> None:
    """From the same seed, until the difference of the sensed densities has grown."""
    a, b = engine_of(sensing), engine_of("exact", mesh_spacing=None)
    for engine in (a, b):
        engine.advance(5 * DT)
    rows = [np.argsort(engine.identities) for engine in (a, b)]
    gap = a.positions[:, rows[0]] - b.positions[:, rows[1]]
    gap -= np.array(SIZE)[:, None] * np.round(gap / np.array(SIZE)[:, None])
    assert np.max(np.abs(gap)) < 5 * DT * 5e-3


@pytest.mark.parametrize("law", ["1.0 - A/20", "sqrt(20 - A)", "1e10*exp(100*B)"])
def test_failing_laws_are_named(law: str) -> None:
    model = Model(2, [Species("A", TUMBLING, "1.0"), Species("B", TUMBLING, law)])
    engine = ParticleEngine(model, SIZE, COMPOSITION, time_step=DT, seed=1)
    before = engine.positions
    with pytest.raises(NumericalFailure, match="species B: the law") as caught:
        engine.advance(1.0)
    message = str(caught.value)
    assert law in message
    assert ("where it reads B = " if "B" in law else "where it reads A = ") in message
    assert "change the law" in message
    assert engine.step == 0
    assert np.array_equal(engine.positions, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": (5.0, -1.0)}, "2 positive, finite edges"),
        ({"size": (5.0, 5.0, 5.0)}, "2 positive, finite edges"),
        ({"integrator": "heun"}, 'it must be "midpoint" or "euler"'),
        ({"time_step": 0.0}, "time_step is 0.0; it must be positive"),
        ({"time_step": float("nan")}, "time_step is nan"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is"),
        ({"threads": 0}, "threads is 0"),
        ({"minimum_distance": -1.0}, "minimum_distance is -1"),
        ({"minimum_distance": 1.0}, "cannot be 1 apart"),
        ({"composition": {"A": 1.0}}, "B"),
        ({"composition": {"A": 1e-6, "B": 0.0}}, "give no particle"),
        ({"output_grid": (16,)}, "output_grid has 1 numbers"),
        ({"output_grid": (15, 16)}, "even and at least 8"),
    ],
)
def test_bad_arguments_are_refused(change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"size": SIZE, "composition": COMPOSITION, "time_step": DT, "seed": 1, **change}
    with pytest.raises(InputError, match=message):
        ParticleEngine(mixture(), **arguments)  # type: ignore[arg-type]


def test_repr_shows_what_a_physicist_checks() -> None:
    text = repr(engine_of())
    for part in (
        "9 x 7",
        "A 1890, B 1134",
        "tumble rate 0.5",
        "mesh",
        "time step: 0.02",
        "v = 0.5*exp(-0.2*tanh((total - 50)/20))",
    ):
        assert part in text
    assert "exact, all pairs within 1" in repr(engine_of("exact"))


def test_slow_and_fast_sorting_agree() -> None:
    """Sorting the storage changes sums by round-off only: the order is no part of the physics."""
    usual, often = engine_of(), engine_of()
    for _ in range(8):
        usual.advance(usual.time + DT)
        often.advance(often.time + DT)
        often._storage.order.sort(often._particles)
    assert not np.array_equal(usual.identities, often.identities)
    rows = [np.argsort(engine.identities) for engine in (usual, often)]
    np.testing.assert_allclose(usual.positions[:, rows[0]], often.positions[:, rows[1]], atol=1e-11)


def one_species(law: str, **kwargs: object) -> ParticleEngine:
    arguments: dict[str, object] = {"time_step": 0.01, "seed": 1, **kwargs}
    return ParticleEngine(Model(2, [Species("A", Motion(1.0), law)]), (8.0, 8.0), [5.0], **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("law", "how", "message"),
    [
        ("1.0", {"time_step": 0.01}, None),
        ("1.0", {"time_step": 0.6}, "raises the diffusivity by 3 % (it is 0.6 persistence times long)"),
        ("exp(-0.1*A)", {"time_step": 0.1}, None),
        ("1.0", {"time_step": 0.1, "integrator": "euler"}, None),
        ("exp(-0.1*A)", {"time_step": 0.1, "integrator": "euler"}, "strengthens the motility feedback by 5 %"),
        ("12*exp(-0.1*A)", {"time_step": 0.1}, "particles move by 0.69 sensing ranges"),
        ("12*exp(-0.1*A)", {"time_step": 0.01}, None),
        ("exp(-0.1*A)", {"mesh_spacing": 0.4}, "has 2.5 cells per sensing range"),
    ],
)
def test_what_costs_accuracy_is_told(law: str, how: dict[str, object], message: str | None) -> None:
    engine = one_species(law, **how)
    engine.advance(engine.time_step)
    told = engine.warnings()
    assert len(told) == (0 if message is None else 1)
    assert message is None or message in told[0]
