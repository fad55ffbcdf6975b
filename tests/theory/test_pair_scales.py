"""Scales of pair interactions: closest approach, relaxation, cut-off, resolution."""

import math

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from theory import Model, Motion, PairInteraction, Species
from theory.pair_scales import pair_scales, strongest_resolved

JANUS = {"head_dipole": 112.0, "tail_dipole": -53.0, "dipole_offset": 0.19, "screening_length": 40.0}


def janus(speed: float, cutoff: float, diffusion: float = 0.11) -> Model:
    species = Species("A", Motion(rotational_diffusion=1.0), str(speed), diffusion, translational_drag=9.0, rotational_drag=3.0)
    return Model(2, [species], interactions=[PairInteraction.janus("A", "A", cutoff=cutoff, **JANUS)])


def density(area_fraction: float) -> list[float]:
    return [4.0 * area_fraction / math.pi]


def test_closest_approach_is_that_of_a_head_on_collision() -> None:
    """Against the equation of motion of the distance, dr/dt = -2 v + 2 F(r)/xi_t, without diffusion."""
    model = janus(66.0, 8.0, diffusion=0.0)
    law = model.interactions[0, 0]
    meeting = solve_ivp(
        lambda t, r: -2.0 * 66.0 + 2.0 * law.force(r) / 9.0, (0.0, 1.0), [5.0], rtol=1e-10, atol=1e-12, method="LSODA"
    )
    assert pair_scales(model, (0, 0), density(0.02)).closest == pytest.approx(float(np.min(meeting.y)), rel=1e-6)


def test_dense_particles_are_as_close_as_in_a_lattice() -> None:
    lattice = (0.5 * math.sqrt(3.0) * density(1.3)[0]) ** -0.5
    scales = pair_scales(janus(133.0, 8.0), (0, 0), density(1.3))
    assert scales.closest == pytest.approx(lattice, rel=1e-12)
    # F' = -F (4/r + 1/lambda), six neighbours, 1.4 times for flocks that meet
    force = 92.34 * math.exp(-lattice / 40.0) / lattice**4
    assert scales.rate == pytest.approx(1.4 * 6.0 * force * (4.0 / lattice + 1.0 / 40.0), rel=1e-3)


@pytest.mark.parametrize(("cutoff", "seen"), [(3.0, 0.13), (5.0, 0.028), (8.0, 0.010), (10.0, 0.006), (20.0, 0.001)])
def test_neglected_shares(cutoff: float, seen: float) -> None:
    """Against quadrature, and near the worst shares that were seen in simulations."""
    scales = pair_scales(janus(66.0, cutoff), (0, 0), density(0.25))
    integrals = [quad(lambda r: math.exp(-r / 40.0) / r**3, a, b)[0] for a, b in ((cutoff, 1e3), (scales.closest, cutoff))]
    assert scales.neglected_force == pytest.approx(integrals[0] / sum(integrals), rel=1e-3)
    assert scales.neglected_torque == pytest.approx(scales.neglected_force, rel=1e-12)
    assert seen / 1.5 < scales.neglected_force < 1.5 * seen


def test_laws_that_do_not_decay_neglect_nearly_all() -> None:
    model = Model(2, [Species("A", Motion(1.0), "1.0")], interactions=[PairInteraction("A", "A", 5.0, "1/r")])
    assert pair_scales(model, (0, 0), [1.0]).neglected_force > 0.99


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_soft_laws(dimension: int) -> None:
    """A linear repulsion holds nobody apart who is fast enough: its slope counts everywhere."""
    species = Species("A", Motion(tumble_rate=1.0), "5.0", translational_drag=2.0)
    model = Model(dimension, [species], {"k": 3.0}, interactions=[PairInteraction("A", "A", 1.0, "k*(1 - r)")])
    scales = pair_scales(model, (0, 0), [0.01])
    assert scales.rate == pytest.approx(1.4 * {1: 2, 2: 6, 3: 12}[dimension] * 1.5)
    assert scales.neglected_torque == 0.0
    law = model.interactions[0, 0]
    assert strongest_resolved(law, 2.0, 0.3) == math.inf
    assert strongest_resolved(law, 2.0, 0.4) == pytest.approx(0.0, abs=1e-12)


def test_resolved_forces_are_those_whose_step_stays_in_the_collision() -> None:
    """dt 2 F' = 1 for F = C/r^4, that is 8 C dt = r^5."""
    model = Model(
        2, [Species("A", Motion(1.0), "1.0", translational_drag=2.0)], interactions=[PairInteraction("A", "A", 5.0, "50/r**4")]
    )
    time_step = 1e-3
    r = (8.0 * 25.0 * time_step) ** 0.2
    assert strongest_resolved(model.interactions[0, 0], 2.0, time_step) == pytest.approx(25.0 / r**4, rel=0.05)


def test_torques_without_repulsion_have_no_scale() -> None:
    model = Model(2, [Species("A", Motion(1.0), "1.0")], interactions=[PairInteraction("A", "A", 5.0, torque="1/r**4")])
    assert pair_scales(model, (0, 0), [1.0]).rate > 1e12
