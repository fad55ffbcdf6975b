"""Directions at the start: of a stated mean, and of the law of von Mises and Fisher around it."""

import numpy as np
import pytest
from scipy.special import i0, i1
from scipy.stats import kstest, vonmises, vonmises_fisher

from particles import ParticleEngine
from particles.initial_directions import concentration, initial_directions
from theory import Model, Motion, Species
from theory.arrays import Array
from theory.errors import InputError

COUNT = 20000
AXES = {1: np.array([-1.0]), 2: np.array([0.6, -0.8]), 3: np.array([2.0, -1.0, 2.0]) / 3.0}


def model(dimension: int, motion: Motion | None = None, names: str = "A") -> Model:
    return Model(dimension, [Species(name, motion or Motion(tumble_rate=1.0), "1.0") for name in names])


def drawn(dimension: int, length: float, motion: Motion | None = None) -> Array:
    mean = np.repeat(length * AXES[dimension][:, None], COUNT, axis=1)
    return initial_directions(model(dimension, motion), 8, np.array([0, COUNT]), mean)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("length", [0.0, 0.02, 0.4, 0.95])
def test_means_are_those_that_are_stated(dimension: int, length: float) -> None:
    found = drawn(dimension, length)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1.0, rtol=1e-12)
    error = found.std(axis=1) / np.sqrt(COUNT)
    assert np.all(np.abs(found.mean(axis=1) - length * AXES[dimension]) <= 4.0 * error)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_mean_of_length_one_leaves_one_direction(dimension: int) -> None:
    np.testing.assert_allclose(drawn(dimension, 1.0), AXES[dimension][:, None] * np.ones(COUNT), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("length", [0.02, 0.4, 0.95, 0.9999])
def test_directions_in_the_plane_follow_the_law_of_von_mises(length: float) -> None:
    kappa = float(concentration(np.array([length]), 2)[0])
    found = drawn(2, length)
    angle = np.arctan2(found[1], found[0]) - np.arctan2(AXES[2][1], AXES[2][0])
    angle = np.arctan2(np.sin(angle), np.cos(angle))
    assert kstest(angle, lambda one: vonmises.cdf(one, kappa)).pvalue > 0.001


def test_directions_in_space_follow_the_law_of_fisher() -> None:
    found, kappa = drawn(3, 0.7), float(concentration(np.array([0.7]), 3)[0])
    others = vonmises_fisher(AXES[3], kappa).rvs(COUNT, random_state=np.random.default_rng(1)).T
    assert kstest(AXES[3] @ found, AXES[3] @ others).pvalue > 0.001
    # no preference around the axis
    side = np.cross(AXES[3], [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    other = np.cross(AXES[3], side)
    angle = np.arctan2(side @ found, other @ found)
    assert kstest(angle / (2.0 * np.pi) + 0.5, "uniform").pvalue > 0.001


@pytest.mark.parametrize("dimension", [2, 3])
def test_concentrations_against_closed_forms(dimension: int) -> None:
    kappa = np.array([1e-6, 0.01, 0.5, 3.0, 30.0, 2e3])
    if dimension == 2:
        length = np.array([i1(k) / i0(k) if k < 100.0 else 1.0 - 0.5 / k - 0.125 / k**2 for k in kappa])
    else:
        # the series where the two terms cancel
        length = np.array([k / 3.0 - k**3 / 45.0 if k < 0.05 else 1.0 / np.tanh(k) - 1.0 / k for k in kappa])
    np.testing.assert_allclose(concentration(length, dimension), kappa, rtol=2e-7)
    assert concentration(np.array([0.0, 1.0]), dimension).tolist() == [0.0, np.inf]


def test_ornstein_uhlenbeck_vectors_have_the_mean_and_their_variance() -> None:
    found = drawn(2, 0.5, Motion(aoup=True, persistence_time=1.0))
    np.testing.assert_allclose(found.mean(axis=1), 0.5 * AXES[2], atol=4.0 * np.sqrt(0.5 / COUNT))
    np.testing.assert_allclose(found.var(axis=1), 0.5, rtol=4.0 * np.sqrt(2.0 / COUNT))


def test_cells_have_means_of_their_own() -> None:
    """Each species and each quarter of the box its own direction; what has no direction is as without polarity."""
    polarity = np.zeros((2, 2, 2, 2))
    polarity[0, :, 0, 0], polarity[0, :, 1, 0] = (1.0, 0.0), (0.0, -1.0)
    two = model(2, names="AB")
    engine = ParticleEngine(two, [4.0, 2.0], [50.0, 30.0], time_step=0.01, seed=3, polarity=polarity)
    x, y = engine.positions
    directions = engine.orientations.T
    left = (engine.species == 0) & (x < 2.0)
    assert np.all(directions[left & (y < 1.0)] == [1.0, 0.0])
    assert np.all(directions[left & (y > 1.0)] == [0.0, -1.0])
    free = directions[~left]
    assert np.linalg.norm(free.mean(axis=0)) < 4.0 / np.sqrt(free.shape[0])


@pytest.mark.parametrize(
    ("polarity", "message"),
    [
        (np.zeros((1, 2)), r"have shape \(1, 2\), not \(1, 2, ny, nx\)"),
        (np.zeros((2, 2, 1, 1)), r"have shape \(2, 2, 1, 1\)"),
        (np.full((1, 2, 1, 1), 0.8), "at most of length 1; the longest has 1.13137"),
        (np.full((1, 2, 1, 1), np.nan), "must be finite"),
    ],
)
def test_what_is_no_mean_direction_is_refused(polarity: Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ParticleEngine(model(2), [4.0, 4.0], [2.0], time_step=0.01, seed=1, polarity=polarity)
