"""Encounters against an independent integration in the laboratory frame, limits that are known, and symmetries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from tests.theory.brownian import MICROMETRE_PER_SECOND, XI_R, XI_T, janus, law
from theory import InputError, NumericalFailure, PairInteraction
from theory.compiling import set_threads
from theory.interactions import InteractionLaw
from theory.kinetic.scattering import BinaryScattering

Array = NDArray[np.float64]

FORCE, TORQUE = 92.34 * XI_T, 147.19 * XI_R


def scattering(speed: float = 5.0, force: float = FORCE, torque: float = TORQUE, cutoff: float = 20.0) -> BinaryScattering:
    """Of [S2]'s laws with amplitudes of one's own; the speed in micrometres per second."""
    shape = "exp(-r/40)/r**4"
    own = InteractionLaw(PairInteraction("A", "A", cutoff, f"{force!r}*{shape}", f"{torque!r}*{shape}"))
    return BinaryScattering(own, speed * MICROMETRE_PER_SECOND, translational_drag=XI_T, rotational_drag=XI_R)


def in_the_laboratory(speed: float, first: float, second: float, cutoff: float = 20.0) -> Array:
    """Outgoing directions by the equations of motion of two particles in the plane ([S2] Eqs. 3), without any turning frame."""
    v = speed * MICROMETRE_PER_SECOND

    def rates(_: float, state: Array) -> Array:
        x, y, one, other = state
        r = np.hypot(x, y)
        shape = np.exp(-r / 40.0) / r**4
        # the direction of the neighbour, seen from each
        angle = np.arctan2(y, x)
        push = 2.0 * FORCE / XI_T * shape
        return np.array(
            [
                v * (np.cos(other) - np.cos(one)) + push * x / r,
                v * (np.sin(other) - np.sin(one)) + push * y / r,
                -TORQUE / XI_R * shape * np.sin(angle - one),
                -TORQUE / XI_R * shape * np.sin(angle + np.pi - other),
            ]
        )

    def left(_: float, state: Array) -> float:
        return float(np.hypot(state[0], state[1]) - cutoff - 1e-12)

    left.terminal, left.direction = True, 1.0  # type: ignore[attr-defined]
    start = [0.0, cutoff, first, second]
    found = solve_ivp(rates, (0.0, 1e6), start, "DOP853", events=left, rtol=1e-11, atol=1e-11, max_step=0.5)
    assert found.status == 1
    return np.asarray(found.y[2:, -1])


@pytest.mark.parametrize(
    ("half_angle", "difference"), [(np.pi - 0.01, 1.0), (np.pi + 0.05, 2.0), (np.pi - 0.1, 2.9), (0.03, -1.5), (3.3, 0.3)]
)
def test_directions_are_those_of_the_laboratory(half_angle: float, difference: float) -> None:
    """Which also shows that the angle of the frame is needed: without it directions would differ by much more."""
    before = (half_angle - 0.5 * difference, half_angle + 0.5 * difference)
    found = scattering().outgoing(*before)
    np.testing.assert_allclose(found, in_the_laboratory(5.0, *before), atol=2e-6)


def test_directions_of_any_shape() -> None:
    first, second = np.array([[0.4], [0.5]]), np.array([2.6, 2.7, 2.9])
    found = scattering().outgoing(first, second)
    assert found.shape == (2, 2, 3)
    np.testing.assert_array_equal(found[:, 1, 2], scattering().outgoing(0.5, 2.9))


def test_momentum_is_compared_in_the_laboratory() -> None:
    half, difference = np.array([3.1, 3.2]), np.array([1.0, 2.0])
    out = scattering().outgoing(half - 0.5 * difference, half + 0.5 * difference)
    p = np.stack([np.cos(half), np.sin(half)]) * 2.0 * np.cos(0.5 * difference)
    after = np.stack([np.cos(out).sum(axis=0), np.sin(out).sum(axis=0)])
    expected = np.sum(p * (after - p), axis=0)
    np.testing.assert_allclose(scattering().momentum_gain(half, difference), expected, atol=1e-12)


def test_without_interaction_nothing_turns() -> None:
    half = np.linspace(2.0, 4.2, 23)
    free = scattering(force=0.0, torque=0.0)
    np.testing.assert_allclose(free.outgoing(half - 0.5, half + 0.5), [half - 0.5, half + 0.5], atol=1e-6)
    np.testing.assert_allclose(free.momentum_gain(half, 1.0), 0.0, atol=1e-6)


def test_repulsion_alone_turns_nothing() -> None:
    half = np.linspace(3.0, 3.3, 7)
    pushed = scattering(torque=0.0)
    np.testing.assert_allclose(pushed.outgoing(half - 0.5, half + 0.5), [half - 0.5, half + 0.5], atol=1e-6)


def test_symmetric_encounters_with_torques_alone() -> None:
    """[S2] Fig. 5a: without repulsion the angle between the particles is reversed, and no momentum gained."""
    difference = np.linspace(0.2, 2.8, 14)
    turned = scattering(force=0.0)
    out = turned.outgoing(np.pi - 0.5 * difference, np.pi + 0.5 * difference)
    # the particles come in with theta_2 - theta_1 and leave with its negative
    np.testing.assert_allclose(out[1] - out[0], -difference, atol=1e-5)
    np.testing.assert_allclose(turned.momentum_gain(np.pi, difference), 0.0, atol=1e-5)


def test_symmetric_encounters_with_repulsion_align() -> None:
    """[S2] Fig. 5b: with repulsion particles leave with a smaller angle between them."""
    difference = np.linspace(0.2, 2.8, 14)
    out = scattering().outgoing(np.pi - 0.5 * difference, np.pi + 0.5 * difference)
    assert np.all(np.abs(out[1] - out[0]) < difference)
    assert np.all(out[1] - out[0] < 0.0)
    assert np.all(scattering().momentum_gain(np.pi, difference) > 0.0)


@given(st.floats(-0.4, 0.4), st.floats(0.1, 3.0))
def test_mirror_images_and_exchange(aside: float, difference: float) -> None:
    """Passing on the other side is the mirror image; exchanging the particles looks at the encounter from behind."""
    one = scattering()
    gain = float(one.momentum_gain(np.pi + aside, difference))
    assert float(one.momentum_gain(np.pi - aside, difference)) == pytest.approx(gain, abs=1e-5)
    assert float(one.momentum_gain(aside, -difference)) == pytest.approx(gain, abs=1e-5)
    assert gain >= -4.0


def test_time_and_length_have_no_units() -> None:
    """[S2] Eqs. 8 in the time unit of the torque: v' = v/147.19, C = 2 x 92.34/147.19 = 1.2547."""
    half = np.pi - np.linspace(0.0, 0.2, 9)
    scaled = InteractionLaw(PairInteraction("A", "A", 20.0, "1.2547/2*exp(-r/40)/r**4", "exp(-r/40)/r**4"))
    reduced = BinaryScattering(scaled, 5.0 * MICROMETRE_PER_SECOND / 147.19)
    np.testing.assert_allclose(reduced.momentum_gain(half, 1.3), scattering().momentum_gain(half, 1.3), atol=1e-4)


def test_tolerance_is_kept() -> None:
    half, difference = np.pi - np.linspace(0.0, 0.3, 40), np.full(40, 1.7)
    exact = BinaryScattering(law(), 11.0, translational_drag=XI_T, rotational_drag=XI_R, tolerance=1e-12)
    loose = BinaryScattering(law(), 11.0, translational_drag=XI_T, rotational_drag=XI_R, tolerance=1e-6)
    difference_of_gains = np.abs(exact.momentum_gain(half, difference) - loose.momentum_gain(half, difference))
    assert 1e-9 < np.max(difference_of_gains) < 3e-4


def test_results_do_not_depend_on_threads() -> None:
    half, difference = np.pi - np.linspace(0.0, 0.3, 200), np.linspace(0.1, 3.0, 200)
    found = []
    for threads in (1, 2):
        set_threads(threads)
        found.append(scattering().momentum_gain(half, difference))
    np.testing.assert_array_equal(*found)


def test_particles_that_meet_head_on_stop_each_other() -> None:
    with pytest.raises(NumericalFailure, match="1 of 1 encounters have not ended after 3000 steps"):
        scattering().outgoing(0.5 * np.pi, -0.5 * np.pi)


def test_particles_that_stay_together() -> None:
    """An attraction of short range and torques that turn particles towards each other bind them."""
    bound = InteractionLaw(PairInteraction("A", "A", 4.0, "-100*exp(-r)", "-300*exp(-r)"))
    with pytest.raises(NumericalFailure, match="of 3 encounters have not ended after 3000 steps: the particles stay together"):
        BinaryScattering(bound, 1.0).outgoing([0.0, 0.1, 0.2], [3.0, 3.1, 3.2])


def test_what_cannot_scatter() -> None:
    for speed in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="the speed of scattering particles is"):
            BinaryScattering(InteractionLaw(janus()), speed)
    with pytest.raises(InputError, match="the tolerance of scattering particles is 0"):
        BinaryScattering(InteractionLaw(janus()), 1.0, tolerance=0.0)
    singular = InteractionLaw(PairInteraction("A", "B", 4.0, "log(2 - r)", "1"))
    with pytest.raises(InputError, match="the force of B on A is not finite at r = 4"):
        BinaryScattering(singular, 1.0)
