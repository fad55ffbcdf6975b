"""Mean-squared displacements and memory of directions against direct sums and exact curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import theory.observables.trajectories as subject
from theory import InputError
from theory.observables.trajectories import direction_correlation, mean_squared_displacement, unwrapped

Array = NDArray[np.float64]

FAR = 4.0


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 5), st.integers(1, 3))
def test_averages_are_those_of_all_pairs_of_times(seed: int, frames: int, particles: int, dimension: int) -> None:
    walk = np.random.default_rng(seed).normal(size=(frames, particles, dimension)).cumsum(axis=0) + 1000.0
    displaced, alike = mean_squared_displacement(walk), direction_correlation(walk - 1000.0)
    for lag in range(frames):
        moves = np.sum((walk[lag:] - walk[: frames - lag]) ** 2, axis=2).mean(axis=0)
        assert displaced.values[lag] == pytest.approx(moves.mean(), abs=1e-9)
        products = np.sum((walk - 1000.0)[lag:] * (walk - 1000.0)[: frames - lag], axis=2).mean(axis=0)
        assert alike.values[lag] == pytest.approx(products.mean(), abs=1e-9)
        if particles > 1:
            assert displaced.standard_errors[lag] == pytest.approx(moves.std(ddof=1) / np.sqrt(particles), abs=1e-8)
    assert np.all(np.isnan(displaced.standard_errors)) == (particles == 1)


def test_ballistic_motion() -> None:
    times = np.arange(50.0)
    velocity = np.array([[0.3, -0.4], [0.0, 0.5]])
    found = mean_squared_displacement(times[:, None, None] * velocity)
    np.testing.assert_allclose(found.values, 0.25 * times**2, atol=1e-10)
    np.testing.assert_allclose(direction_correlation(np.broadcast_to(velocity, (50, 2, 2))).values, 0.25)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_persistent_particles(dimension: int) -> None:
    """Run-and-tumble particles, exactly simulated: MSD = 2 v^2 tau (t - tau (1 - e^(-t/tau))), <u.u> = e^(-t/tau).

    The trajectories are followed through a periodic box that they cross many times.
    """
    generator = np.random.default_rng(dimension)
    particles, frames, step, tau, edge = 300, 200, 0.2, 1.0, 2.0
    vectors = generator.normal(size=(frames * 20, particles, dimension))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    # tumbles only at the ends of short steps: a discrete process with its own exact curves
    short, keep = step / 20.0, np.exp(-step / 20.0 / tau)
    for n in range(1, vectors.shape[0]):
        stays = generator.random(particles) < keep
        vectors[n, stays] = vectors[n - 1, stays]
    positions = np.cumsum(vectors, axis=0)[19::20] * short
    found = mean_squared_displacement(unwrapped(np.mod(positions, edge), np.full(dimension, edge)))
    n = np.arange(frames) * 20.0
    exact = short**2 * (n * (1.0 + keep) / (1.0 - keep) - 2.0 * keep * (1.0 - keep**n) / (1.0 - keep) ** 2)
    used = slice(1, 60)
    assert np.max(np.abs((found.values - exact)[used] / found.standard_errors[used])) < FAR
    memory = direction_correlation(vectors[19::20])
    z = (memory.values - keep**n)[used] / memory.standard_errors[used]
    assert np.max(np.abs(z)) < FAR
    assert memory.values[0] == pytest.approx(1.0)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = np.random.default_rng(0).normal(size=(30, 17, 2)).cumsum(axis=0)
    whole = mean_squared_displacement(walk)
    monkeypatch.setattr(subject, "_CHUNK", 500)
    pieces = mean_squared_displacement(walk)
    np.testing.assert_array_equal(pieces.values, whole.values)
    np.testing.assert_array_equal(pieces.standard_errors, whole.standard_errors)


def test_what_cannot_be_followed() -> None:
    with pytest.raises(InputError, match=r"moves by 0\.45 of an edge of the box between two frames"):
        unwrapped([[[0.1, 0.1]], [[0.1, 0.55]]], (1.0, 1.0))
    with pytest.raises(InputError, match=r"trajectories have the shape \(3, 2\)"):
        mean_squared_displacement(np.zeros((3, 2)))
    np.testing.assert_array_equal(unwrapped(np.zeros((1, 2, 2)), (1.0, 1.0)), 0.0)
