"""Polar order, correlations of what particles carry, and fits of their decay, against planted fields and exact curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory import InputError
from theory.compiling import set_threads
from theory.observables.decay import better_decay, fit_decay
from theory.observables.orientation import pair_correlation, polar_order, polar_orders
from theory.observables.periodic import nearest_images

Array = NDArray[np.float64]


def unit(angles: Array) -> Array:
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


# --- polar order ---------------------------------------------------------------------------------------------------


def test_polar_order() -> None:
    assert polar_order(unit(np.full(7, 0.3))) == pytest.approx(1.0)
    assert polar_order(unit(np.arange(8) * np.pi / 4.0)) == pytest.approx(0.0, abs=1e-15)
    assert polar_order([[1.0], [1.0], [-1.0]]) == pytest.approx(1.0 / 3.0)
    assert polar_order(np.eye(3)) == pytest.approx(1.0 / np.sqrt(3.0))
    found = polar_orders(unit(np.array([0.0, np.pi, 1.0, 1.0])), [0, 0, 1, 1], 3)
    np.testing.assert_allclose(found[:2], [0.0, 1.0], atol=1e-15)
    assert np.isnan(found[2])
    with pytest.raises(InputError, match="at least one particle"):
        polar_order(np.zeros((0, 2)))


@given(st.integers(0, 10**6), st.floats(-7.0, 7.0))
def test_polar_order_of_turned_flocks(seed: int, turn: float) -> None:
    angles = np.random.default_rng(seed).normal(size=20)
    assert polar_order(unit(angles + turn)) == pytest.approx(polar_order(unit(angles)), abs=1e-12)


def test_polar_order_of_random_directions() -> None:
    """N P^2 is the mean square of a sum of N random unit vectors over N: 1 on average."""
    generator = np.random.default_rng(0)
    squares = [400.0 * polar_order(unit(2.0 * np.pi * generator.random(400))) ** 2 for _ in range(400)]
    # exponentially distributed
    assert abs(np.mean(squares) - 1.0) < 4.0 / np.sqrt(400.0)


# --- correlations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(9.0,), (5.0, 4.0), (4.0, 3.0, 3.5)], ids=["1D", "2D", "3D"])
@pytest.mark.parametrize("fluctuations", [False, True])
def test_correlation_is_that_of_all_pairs(size: tuple[float, ...], fluctuations: bool) -> None:
    generator = np.random.default_rng(2)
    points, values = generator.random((80, len(size))) * size, generator.normal(size=(80, 3)) + 1.0
    found = pair_correlation(values, points, size, 1.4, 7, fluctuations=fluctuations)
    carried = values - values.mean(axis=0) if fluctuations else values
    first, second = np.triu_indices(80, 1)
    distances = np.linalg.norm(nearest_images(points[second] - points[first], size), axis=1)
    near = distances < 1.4
    bins = (distances[near] / 1.4 * 7).astype(int)
    products = np.sum(carried[first] * carried[second], axis=1)[near]
    np.testing.assert_array_equal(found.counts, np.bincount(bins, minlength=7))
    np.testing.assert_allclose(found.values, np.bincount(bins, products, 7) / found.counts, atol=1e-12)
    assert found.at_zero == pytest.approx(np.mean(np.sum(carried**2, axis=1)))
    np.testing.assert_allclose(found.edges, np.linspace(0.0, 1.4, 8))


def test_plane_wave_of_directions() -> None:
    """Directions that turn with x by q: C(r) is the mean of cos(q r cos alpha), a Bessel function."""
    from scipy.special import j0

    generator = np.random.default_rng(7)
    points = generator.random((4000, 2)) * 20.0
    q = 2.0 * np.pi * 3.0 / 20.0
    found = pair_correlation(unit(q * points[:, 0]), points, (20.0, 20.0), 8.0, 40)
    # positions are independent: the errors of neighbouring bins are some per cent of one over the root of the pairs
    np.testing.assert_allclose(found.values, j0(q * found.distances), atol=0.03)
    np.testing.assert_allclose(found.normalised, found.values)


def test_correlation_length_of_patches() -> None:
    """An Ornstein-Uhlenbeck process along a line, exp(-r/xi), is found with its length."""
    generator = np.random.default_rng(1)
    number, spacing, length = 20_000, 0.25, 1.5
    memory = np.exp(-spacing / length)
    noise = generator.normal(size=(number, 2)) * np.sqrt(1.0 - memory**2)
    values = np.empty((number, 2))
    values[0] = generator.normal(size=2)
    for n in range(1, number):
        values[n] = memory * values[n - 1] + noise[n]
    places = (np.arange(number)[:, None] + 0.5) * spacing
    fit = pair_correlation(values, places, (number * spacing,), 10.0, 40).fit()
    assert fit.constant == pytest.approx(length, rel=0.06)


def test_sums_do_not_depend_on_threads() -> None:
    generator = np.random.default_rng(3)
    points, values = generator.random((700, 2)) * 9.0, generator.normal(size=(700, 2))
    found = []
    for threads in (1, 2):
        set_threads(threads)
        found.append(pair_correlation(values, points, (9.0, 9.0), 3.0, 20).values)
    np.testing.assert_array_equal(*found)


def test_correlations_that_cannot_be() -> None:
    points = np.zeros((3, 2))
    with pytest.raises(InputError, match="there are values for 2 particles, and 3 positions"):
        pair_correlation(np.ones((2, 2)), points, (4.0, 4.0), 1.0, 4)
    with pytest.raises(InputError, match="bins is 0; it must be at least 1"):
        pair_correlation(np.ones((3, 2)), points, (4.0, 4.0), 1.0, 0)


# --- decays --------------------------------------------------------------------------------------------------------


@given(st.floats(0.05, 5.0), st.floats(0.05, 20.0), st.booleans())
def test_exact_decays_are_recovered(amplitude: float, constant: float, exponential: bool) -> None:
    r = np.linspace(0.5, 20.0, 60)
    law = "exponential" if exponential else "power law"
    constant = constant if exponential else constant / 5.0
    curve = amplitude * (np.exp(-r / constant) if exponential else r**-constant)
    # far below the rest of the curve nothing is left to fit
    first, second = better_decay(r, curve, np.where(np.arange(60) % 7, 2.0, 1.0))
    assert first.misfit <= second.misfit
    if curve[1] > 1e-3 * curve[0] and curve[-1] < 0.9 * curve[0]:
        assert first.law == law
        assert first.constant == pytest.approx(constant, rel=1e-3)
        np.testing.assert_allclose(first(r), curve, atol=1e-4 * curve[0])


def test_weights_and_gaps() -> None:
    """Points without weight, or without a value, count for nothing."""
    r = np.arange(1.0, 9.0)
    curve = 2.0 * np.exp(-r / 3.0)
    curve[2], curve[5] = np.nan, 40.0
    found = fit_decay(r, curve, "exponential", np.where(curve > 10.0, 0.0, 1.0))
    assert found.constant == pytest.approx(3.0, rel=1e-5)
    assert found.amplitude == pytest.approx(2.0, rel=1e-5)
    assert found.misfit < 1e-12


def test_decays_that_cannot_be_fitted() -> None:
    with pytest.raises(InputError, match="needs at least 3 points at positive distances; there are 2"):
        fit_decay([1.0, 2.0, 3.0], [1.0, np.nan, 0.5], "exponential")
    with pytest.raises(InputError, match="at positive distances"):
        fit_decay([0.0, 2.0, 3.0], [1.0, 0.7, 0.5], "power law")
