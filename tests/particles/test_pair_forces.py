"""Pair forces and torques against sums over all pairs, and what keeps their lists complete."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from particles.neighbours import SlabOrder
from particles.pair_forces import VerletForces
from particles.state import Particles
from tests.particles.all_pairs import all_pairs
from theory import InputError, Model, Motion, NumericalFailure, PairInteraction, Species

Array = NDArray[np.float64]

RUN = Motion(tumble_rate=1.0)
FORCE, TORQUE = "k*exp(-r/s)", "m*r*exp(-r/s)"
TIME_STEP = 1e-3


def mixture(dimension: int, cutoffs: Sequence[float], torque: str = TORQUE) -> Model:
    """Two species with forces between all four ordered pairs, each of a strength and a cut-off of its own."""
    species = [Species("A", RUN, "1.0", translational_drag=2.0), Species("B", RUN, "1.0", rotational_drag=0.5)]
    pairs = [(o, s, c) for (o, s), c in zip([("A", "A"), ("A", "B"), ("B", "A"), ("B", "B")], cutoffs, strict=True) if c > 0.0]
    strengths = {"AA": 1.0, "AB": -2.0, "BA": 0.5, "BB": 3.0}
    interactions = [
        PairInteraction(o, s, c, f"{strengths[o + s]!r}*{FORCE}", torque if dimension == 2 else "0") for o, s, c in pairs
    ]
    return Model(dimension, species, {"k": 0.3, "s": 1.5, "m": 0.4}, interactions=interactions)


class Setup:
    """Particles at random places in a random order of storage, and their forces."""

    def __init__(
        self, model: Model, size: Sequence[float], numbers: Sequence[int], seed: int, time_step: float = TIME_STEP
    ) -> None:
        self.model, self.size = model, np.array(size)
        self.rng = np.random.default_rng(seed)
        offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int64)
        total, d = int(offsets[-1]), model.dimension
        directions = self.rng.normal(size=(d, total))
        identities = np.concatenate([self.rng.permutation(np.arange(a, b)) for a, b in itertools.pairwise(offsets)])
        places = self.rng.uniform(0.0, 1.0, (d, total)) * self.size[:, None]
        self.particles = Particles(places, directions / np.linalg.norm(directions, axis=0), identities, offsets, interacts=True)
        order = SlabOrder(self.size, (max(1, total // 16), *(1,) * (d - 1)), offsets)
        densities = np.array(numbers) / np.prod(self.size)
        self.forces = VerletForces(model, self.size, offsets, densities, time_step, order)
        order.sort(self.particles)
        self.drifts, self.rates = np.empty((d, total)), np.empty(total)

    def act(self) -> None:
        self.forces.prepare(self.particles)
        self.forces.act(self.particles, self.drifts, self.rates)

    def move(self, spread: float, drift: float) -> None:
        moved = self.particles.places + self.rng.normal(size=self.drifts.shape) * spread + drift
        self.particles.places[:] = np.mod(moved, self.size[:, None])

    def check(self) -> None:
        self.act()
        one = self.particles
        velocities, rates, largest = all_pairs(self.model, self.size, one.places, one.headings, one.species)
        np.testing.assert_allclose(self.drifts, velocities, rtol=0.0, atol=1e-12 * max(largest, 1e-3) * one.number)
        np.testing.assert_allclose(self.rates, rates, rtol=0.0, atol=1e-12 * max(largest, 1e-3) * one.number)


@st.composite
def setups(draw: st.DrawFn) -> tuple[Setup, float]:
    dimension = draw(st.integers(1, 3))
    # zero: these species do not interact
    cutoffs = draw(st.lists(st.sampled_from([0.0, 0.3, 1.0, 2.2, 3.0]), min_size=4, max_size=4).filter(any))
    size = draw(st.lists(st.floats(0.9, 12.0), min_size=dimension, max_size=dimension))
    numbers = draw(st.tuples(st.integers(0, 24), st.integers(1, 24)))
    drift = draw(st.sampled_from([0.0, 0.03, 0.5]))
    return Setup(mixture(dimension, cutoffs), size, numbers, draw(st.integers(0, 1000))), drift


@settings(max_examples=60)
@given(setups())
def test_sums_equal_those_over_all_pairs(case: tuple[Setup, float]) -> None:
    """In boxes of any size, also smaller than the cut-off, and after moves that keep the lists and that do not."""
    setup, drift = case
    setup.check()
    for spread in (1e-3, 0.02, 0.05, 0.3, 0.01):
        setup.move(spread, drift)
        setup.check()


def test_no_pair_is_missed_in_many_steps() -> None:
    setup = Setup(mixture(2, (1.0, 2.0, 0.5, 1.5)), (14.0, 11.0), (150, 100), 3)
    for _ in range(60):
        setup.move(0.02, 0.01)
        setup.check()
    assert 3 < setup.forces.lists.builds < 40


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_reciprocal_forces_conserve_momentum(dimension: int) -> None:
    species = [Species(name, RUN, "1.0") for name in "AB"]
    pairs = [PairInteraction(o, s, 2.0, FORCE) for o in "AB" for s in "AB"]
    model = Model(dimension, species, {"k": 0.3, "s": 1.5}, interactions=pairs)
    setup = Setup(model, (7.0, 3.0, 5.0)[:dimension], (60, 40), 5)
    setup.act()
    assert np.max(np.abs(np.sum(setup.drifts, axis=1))) < 1e-13 * np.sum(np.abs(setup.drifts))
    # what A does to B alone has a sum
    one_way = Setup(Model(dimension, species, {"k": 0.3, "s": 1.5}, interactions=pairs[1:2]), setup.size.tolist(), (60, 40), 5)
    one_way.act()
    assert np.max(np.abs(np.sum(one_way.drifts, axis=1))) > 1e-3 * np.sum(np.abs(one_way.drifts))
    assert np.all(one_way.drifts[:, one_way.particles.species == 1] == 0.0)


def test_lists_do_not_depend_on_the_order_of_storage() -> None:
    """Bit for bit, by permanent number."""
    a, b = (Setup(mixture(2, (1.0, 2.0, 0.5, 1.5)), (14.0, 11.0), (150, 100), 3) for _ in range(2))
    for setup in (a, b):
        setup.act()
    for _ in range(20):
        moved = a.rng.normal(size=a.drifts.shape) * 0.02
        for setup in (a, b):
            by_number = setup.particles.places + moved[:, setup.particles.identities]
            setup.particles.places[:] = np.mod(by_number, setup.size[:, None])
        b.forces.order.sort(b.particles)
        for setup in (a, b):
            setup.act()
        assert not np.array_equal(a.particles.identities, b.particles.identities)
        assert np.array_equal(a.particles.by_identity(a.drifts), b.particles.by_identity(b.drifts))
        assert np.array_equal(a.particles.by_identity(a.rates), b.particles.by_identity(b.rates))
    assert a.forces.lists.builds == b.forces.lists.builds > 2


def test_a_flock_keeps_its_lists() -> None:
    """What all particles do alike brings none closer; only once images could be mistaken are the lists made anew."""
    setup = Setup(mixture(2, (1.0, 1.0, 1.0, 1.0)), (16.0, 16.0), (100, 100), 3)
    setup.act()
    for _ in range(10):
        setup.move(0.001, 0.2)
        setup.check()
    assert setup.forces.lists.builds == 1
    setup.move(0.0, 2.5)
    setup.check()
    assert setup.forces.lists.builds == 2


def janus(cutoff: float = 8.0, speed: float = 66.0) -> Model:
    species = Species("A", Motion(rotational_diffusion=1.0), str(speed), 0.11, translational_drag=9.0, rotational_drag=3.0)
    pair = PairInteraction.janus(
        "A", "A", head_dipole=112.0, tail_dipole=-53.0, dipole_offset=0.19, screening_length=40.0, cutoff=cutoff
    )
    return Model(2, [species], interactions=[pair])


def test_random_states_are_separated() -> None:
    setup = Setup(janus(), (20.0, 20.0), (200,), 1, 1e-4)
    with pytest.raises(NumericalFailure, match=r"push one of A at .* shorten particles.time_step"):
        setup.act()
    before = setup.particles.by_identity(setup.particles.positions)
    setup.forces.separate(setup.particles)
    setup.act()
    setup.check()
    assert np.all((setup.particles.places >= 0.0) & (setup.particles.places < setup.size[:, None]))
    # pushed apart, not thrown about
    moved = setup.particles.by_identity(setup.particles.positions) - before
    moved -= np.round(moved / setup.size[:, None]) * setup.size[:, None]
    assert 0.1 < np.max(np.linalg.norm(moved, axis=0)) < 3.0


def test_states_that_cannot_be_separated_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("particles.pair_forces._SEPARATIONS", 30)
    setup = Setup(janus(), (20.0, 20.0), (2000,), 1, 1e-3)
    with pytest.raises(InputError, match="lower the densities"):
        setup.forces.separate(setup.particles)


def test_overlap_is_a_failure() -> None:
    setup = Setup(janus(), (20.0, 20.0), (2,), 1, 1e-4)
    setup.particles.places[:, 1] = setup.particles.places[:, 0]
    with pytest.raises(NumericalFailure, match="at inf"):
        setup.act()


def test_short_cutoffs_are_told() -> None:
    assert Setup(janus(8.0), (20.0, 20.0), (100,), 1).forces.warnings() == []
    (warning,) = Setup(janus(3.0), (20.0, 20.0), (100,), 1).forces.warnings()
    assert "beyond the cut-off 3 lie up to 12 % of the force and 12 % of the torque" in warning


def test_hard_collisions_are_told() -> None:
    setup = Setup(janus(), (20.0, 20.0), (2,), 1, 1e-3)
    setup.particles.places[:, 0] = 10.0
    setup.particles.places[:, 1] = 11.5, 10.0
    setup.act()
    assert setup.forces.warnings() == []
    setup.particles.places[:, 1] = 11.05, 10.0
    setup.act()
    (warning,) = setup.forces.warnings()
    assert "a collision pushed with 74" in warning
    assert "resolves no more than 6" in warning
