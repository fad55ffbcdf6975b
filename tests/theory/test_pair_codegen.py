"""Compiled pair laws against their trees."""

import numpy as np
import pytest

from theory import Model, Motion, Species, pair_codegen
from theory.interactions import InteractionLaw, PairInteraction

JANUS = {"head_dipole": 112.0, "tail_dipole": -53.0, "dipole_offset": 0.19, "screening_length": 40.0}
LAWS = [
    PairInteraction.janus("A", "A", cutoff=3.0, **JANUS),
    PairInteraction("A", "A", 3.0, "k*exp(-r/2.5)/r**3*(1 + r)", "r**2*exp(-r/2.5) + 1/r"),
    PairInteraction("A", "A", 3.0, "k*(3 - r)**1.5 - sin(r)**2/sqrt(r)"),
    PairInteraction("A", "A", 3.0, torque="tanh(r) + log(r + 1)*k"),
]
PARAMETERS = {"unused": 3.0, "k": 0.7}


def one_observer(law: InteractionLaw, dimension: int, points: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Velocity, turning rate and largest values of the first of ``points`` (dimension, n), with all others listed."""
    compiled = pair_codegen.compile_pair(law, dimension)
    number = points.shape[1] - 1
    directions = np.array([[np.cos(0.3)], [np.sin(0.3)], [0.0]])[:dimension]
    velocities, turnings, largest = np.zeros((dimension, 1)), np.zeros(1), np.empty((1, 2))
    first = np.zeros(1, dtype=np.uint32)
    compiled.over(
        1,
        law.cutoff,
        (0.5, 0.25),
        compiled.parameters,
        first,
        first,
        np.zeros(1, dtype=np.int64),
        np.array([number], dtype=np.uint32),
        np.arange(1, number + 1, dtype=np.uint32),
        points,
        directions,
        velocities,
        turnings,
        largest,
    )
    return velocities[:, 0], float(turnings[0]), largest[0]


@pytest.mark.parametrize(("number", "dimension"), [(0, 2), (1, 2), (2, 1), (2, 3), (3, 2)])
def test_sums_agree_with_the_trees(number: int, dimension: int) -> None:
    law = InteractionLaw(LAWS[number], PARAMETERS)
    rng = np.random.default_rng(dimension)
    points = rng.uniform(-2.5, 2.5, (dimension, 40))
    points[:, 0] = 0.4
    velocity, turning, largest = one_observer(law, dimension, points)
    away = points[:, :1] - points[:, 1:]
    r = np.linalg.norm(away, axis=0)
    near = r < law.cutoff
    assert np.count_nonzero(near) > 5
    force = np.sum((law.force(r) / r * away)[:, near], axis=1)
    np.testing.assert_allclose(velocity, 0.5 * force, rtol=1e-12, atol=1e-12 * np.max(np.abs(law.force(r[near]))))
    assert largest[0] == pytest.approx(np.linalg.norm(velocity), rel=1e-14)
    if dimension == 2:
        torque = np.sum((law.torque(r) / r * away)[:, near], axis=1)
        expected = 0.25 * (np.cos(0.3) * torque[1] - np.sin(0.3) * torque[0])
        assert turning == pytest.approx(expected, rel=1e-11)
        assert largest[1] == abs(turning)


def test_a_neighbour_on_the_left_turns_to_the_right() -> None:
    """[S2]: positive torques turn away; those of exchanged dipoles turn towards the neighbour."""
    left = np.array([[0.0, np.cos(0.3 + 0.5 * np.pi)], [0.0, np.sin(0.3 + 0.5 * np.pi)]])
    _, away, _ = one_observer(InteractionLaw(PairInteraction.janus("A", "A", **JANUS)), 2, left)
    exchanged = JANUS | {"head_dipole": 53.0, "tail_dipole": -112.0}
    _, towards, _ = one_observer(InteractionLaw(PairInteraction.janus("A", "A", **exchanged)), 2, left)
    # C_G/xi_r = 147.19 with xi_r = 3; here xi_r = 4
    assert away == pytest.approx(-147.19 * 0.75 * np.exp(-1.0 / 40.0), rel=1e-4)
    assert towards == pytest.approx(-away, rel=1e-12)


def test_numbers_and_names_recompile_nothing() -> None:
    def source(force: str, parameters: dict[str, float]) -> str:
        return pair_codegen.source_of(InteractionLaw(PairInteraction("A", "A", 2.0, force, f"2.5*({force})"), parameters), 2)

    assert source("1.5*exp(-r/3.1)*k", {"k": 1.0}) == source("0.25*exp(-r/7.7)*q", {"q": 2.0})
    assert source("r**2", {}) != source("r**4", {})


def test_a_multiple_needs_no_sum_of_its_own() -> None:
    janus = pair_codegen.source_of(InteractionLaw(LAWS[0]), 2)
    general = pair_codegen.source_of(InteractionLaw(LAWS[1], PARAMETERS), 2)
    assert janus.count("add_product_in_any_order(") == 2
    assert general.count("add_product_in_any_order(") == 4
    # one exponential for force and torque
    assert general.split("squared_cutoff = ")[1].count("exp(") == 1


def test_forces_that_are_not_finite_are_seen() -> None:
    law = InteractionLaw(LAWS[0])
    _, _, largest = one_observer(law, 2, np.zeros((2, 2)))
    assert largest[0] == np.inf


def test_laws_come_from_the_model() -> None:
    model = Model(2, [Species("A", Motion(1.0), "1.0")], PARAMETERS, interactions=[LAWS[1]])
    compiled = pair_codegen.compile_pair(model.interactions[0, 0], 2)
    assert compiled.over is pair_codegen.compile_pair(InteractionLaw(LAWS[1], PARAMETERS), 2).over
    assert compiled.parameters[1] == PARAMETERS["k"]
