"""Pair interactions, chemicals and their place in the model."""

import numpy as np
import pytest

from theory import Chemical, Chemotaxis, InputError, MeanField, Model, Motion, PairInteraction, Species
from theory.expressions import ExpressionError
from theory.interactions import InteractionLaw

RUN = Motion(tumble_rate=1.0)
# [S2] Table 1, in units of the diameter and the rotational diffusion time
JANUS = {"head_dipole": 112.0, "tail_dipole": -53.0, "dipole_offset": 0.19, "screening_length": 40.0}


def two_species(**arguments: object) -> Model:
    return Model(2, [Species("A", RUN, "1"), Species("B", RUN, "2 + c")], chemicals=[FOOD], **arguments)  # type: ignore[arg-type]


FOOD = Chemical("c", {"A": 2.0, "B": -0.5}, diffusivity=3.0, decay_rate=0.25)


def test_janus_amplitudes_are_those_of_the_paper() -> None:
    law = InteractionLaw(PairInteraction.janus("A", "A", **JANUS))
    r = np.array([1.0, 2.5, 8.0])
    shape = np.exp(-r / 40.0) / r**4
    # C_F/xi_t = 92.34 and C_G/xi_r = 147.19 with xi_t = 9, xi_r = 3
    np.testing.assert_allclose(law.force(r) / 9.0, 92.34 * shape, rtol=6e-5)
    np.testing.assert_allclose(law.torque(r) / 3.0, 147.19 * shape, rtol=6e-5)
    # of two particles, in the unit of time in which the torque's prefactor is 1 ([S2] Eqs. 8): C = 2 C_F xi_r/(C_G xi_t)
    strength = 2.0 * (law.force(r) / 9.0) / (law.torque(r) / 3.0)
    np.testing.assert_allclose(strength, 1.2547, atol=5e-5)


def test_exchanged_dipoles_turn_the_other_way_with_the_same_force() -> None:
    exchanged = {**JANUS, "head_dipole": JANUS["tail_dipole"], "tail_dipole": JANUS["head_dipole"]}
    away, toward = (InteractionLaw(PairInteraction.janus("A", "A", **one)) for one in (JANUS, exchanged))
    assert float(away.torque(2.0)) > 0.0 > float(toward.torque(2.0))
    np.testing.assert_allclose(away.force(2.0), toward.force(2.0), rtol=1e-14)


def test_laws_use_the_parameters() -> None:
    law = InteractionLaw(PairInteraction("A", "B", 3.0, "k*(1 - r/s)", "0"), {"k": 2.0, "s": 4.0})
    np.testing.assert_allclose(law.force([1.0, 4.0]), [1.5, 0.0])
    assert law.has_force
    assert not law.has_torque
    np.testing.assert_array_equal(law.torque([1.0, 4.0]), [0.0, 0.0])


def test_laws_are_read_from_a_model_by_ordered_pair() -> None:
    model = two_species(interactions=[PairInteraction("A", "B", 2.0, "1/r")], mean_field=[MeanField("B", "A", (5.0,))])
    assert list(model.interactions) == [(0, 1)]
    assert model.mean_field[1, 0].torque_harmonics == (5.0,)
    assert "B acts on A: force 1/r; cut-off 2" in str(model)
    assert "to fields of B, A appears as: torque harmonics 5" in str(model)


def test_steady_concentrations_and_derivatives_with_chemicals() -> None:
    model = two_species()
    rho = np.array([[3.0], [4.0]])
    # beta rho/gamma = (6 - 2)/0.25
    np.testing.assert_allclose(model.concentrations(rho), [[16.0]])
    np.testing.assert_allclose(model.speed(rho), [[1.0], [18.0]])
    np.testing.assert_allclose(model.log_derivatives(rho)[1, :, 0], [0.0, 0.0, 1.0 / 18.0])
    np.testing.assert_array_equal(model.senses, [[False, False, False], [False, False, True]])
    np.testing.assert_array_equal(model.channels.index[:, 2], [2, 2])


def test_a_chemical_solves_its_equation() -> None:
    q = np.array([0.0, 0.7, 3.0])
    np.testing.assert_allclose((FOOD.decay_rate + FOOD.diffusivity * q**2) * FOOD.transform(q), 1.0)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: PairInteraction("A", "A", 0.0), "cutoff"),
        (lambda: PairInteraction.janus("A", "A", **{**JANUS, "screening_length": 0.0}), "screening_length"),
        (lambda: InteractionLaw(PairInteraction("A", "A", 1.0, "1/s")), "unknown name 's'"),
        (lambda: MeanField("A", "A", (np.nan,)), "not finite"),
        (lambda: Chemical("c", {}, -1.0, 1.0), "diffusivity"),
        (lambda: Chemical("c", {}, 1.0, 0.0), "adiabatic"),
        (lambda: Chemical("c", {"A": np.inf}, 1.0, 1.0), "production"),
        (lambda: Chemotaxis("c", turning=np.nan), "turning"),
        (lambda: Species("A", RUN, "1", chemotaxis=(Chemotaxis("c"), Chemotaxis("c"))), "twice"),
        (lambda: Species("A", RUN, "1", rotational_drag=0.0), "rotational_drag"),
        (lambda: Model(2, [Species("A", RUN, "1", chemotaxis=(Chemotaxis("c"),))]), "no chemical"),
        (lambda: Model(2, [Species("A", RUN, "1")], chemicals=[FOOD]), "no species 'B'"),
        (lambda: Model(2, [Species("r", RUN, "1")]), "reserved"),
        (lambda: two_species(mean_field=[MeanField("A", "B"), MeanField("A", "B")]), "stated twice"),
        (lambda: two_species(interactions=[PairInteraction("A", "C", 1.0, "1")]), "no species 'C'"),
    ],
)
def test_refusals(make: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        make()  # type: ignore[operator]


def test_what_has_no_unit_direction_cannot_be_turned() -> None:
    vector = Motion(aoup=True, persistence_time=1.0)
    torque = [PairInteraction("A", "A", 1.0, torque="1")]
    for dimension, motion in ((2, vector), (1, RUN), (3, RUN)):
        with pytest.raises(InputError, match="torques turn"):
            Model(dimension, [Species("A", motion, "1")], interactions=torque)
    food = Chemical("c", {}, 1.0, 1.0)
    for biased in (Chemotaxis("c", reorientation_bias=1.0), Chemotaxis("c", turning=1.0)):
        with pytest.raises(InputError, match="Ornstein-Uhlenbeck"):
            Model(2, [Species("A", vector, "1", chemotaxis=(biased,))], chemicals=[food])
    with pytest.raises(InputError, match="one dimension"):
        Model(1, [Species("A", RUN, "1", chemotaxis=(Chemotaxis("c", turning=1.0),))], chemicals=[food])


def test_a_chemical_that_stays_in_place_has_no_gradient_to_steer_by() -> None:
    still = Chemical("c", {"A": 1.0}, 0.0, 1.0)
    with pytest.raises(InputError, match="diffusivity"):
        Model(2, [Species("A", RUN, "1", chemotaxis=(Chemotaxis("c", turning=1.0),))], chemicals=[still])


def test_laws_with_unknown_names_say_whose_they_are() -> None:
    with pytest.raises(ExpressionError, match="force of B on A: unknown name 'q'"):
        two_species(interactions=[PairInteraction("A", "B", 1.0, "q/r")])
