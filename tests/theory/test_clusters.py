"""Clusters across the edges of the box, against a search that shares nothing with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory import InputError
from theory.observables.clusters import close_pairs, clusters
from theory.observables.periodic import nearest_images

Array = NDArray[np.float64]


def disc(centre: tuple[float, float], number: int, seed: int) -> Array:
    """Particles so dense that they are connected at a distance of 0.5."""
    generator = np.random.default_rng(seed)
    angle, radius = 2.0 * np.pi * generator.random(number), np.sqrt(generator.random(number))
    return np.array(centre) + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_two_clusters_across_the_boundary() -> None:
    """One astride an edge, one astride a corner, and single particles; then a bridge makes one of the two."""
    box = (20.0, 15.0)
    points = np.concatenate([disc((0.0, 7.0), 60, 1), disc((20.0, 15.0), 90, 2), [[10.0, 3.0], [10.0, 11.0]]]) % box
    found = clusters(points, box, 0.5)
    np.testing.assert_array_equal(found.sizes, [90, 60, 1, 1])
    np.testing.assert_array_equal(found.labels[:60], 1)
    np.testing.assert_array_equal(found.labels[60:150], 0)
    assert found.mean_size == pytest.approx(152.0 / 4.0)
    assert found.weighted_size == pytest.approx((90.0**2 + 60.0**2 + 2.0) / 152.0)
    assert found.largest_share == pytest.approx(90.0 / 152.0)
    sizes, shares = found.distribution()
    np.testing.assert_array_equal(sizes, [1, 60, 90])
    np.testing.assert_allclose(shares, np.array([2.0, 60.0, 90.0]) / 152.0)
    bridge = np.stack([np.zeros(20), np.linspace(-1.0, 7.0, 20)], axis=1) % box
    np.testing.assert_array_equal(clusters(np.concatenate([points, bridge]), box, 0.5).sizes, [170, 1, 1])


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 3), st.floats(0.05, 1.5))
def test_clusters_are_those_of_a_search(seed: int, number: int, dimension: int, distance: float) -> None:
    size = np.array([5.0, 4.0, 3.0])[:dimension]
    points = np.random.default_rng(seed).random((number, dimension)) * size
    close = np.linalg.norm(nearest_images(points[:, None] - points[None], size), axis=2) < distance
    found = clusters(points + 7.0 * size, size, distance)
    reached = np.linalg.matrix_power(close.astype(object), number) > 0
    np.testing.assert_array_equal(found.labels[:, None] == found.labels[None], reached)
    assert found.sizes.sum() == number
    assert np.all(np.diff(found.sizes) <= 0)
    np.testing.assert_array_equal(np.bincount(found.labels), found.sizes)
    pairs = close_pairs(points, size, distance)
    assert np.all(pairs[:, 0] < pairs[:, 1])
    assert {tuple(pair) for pair in pairs.tolist()} == {(i, j) for i, j in np.argwhere(np.triu(close, 1)).tolist()}


def test_what_has_no_clusters() -> None:
    with pytest.raises(InputError, match="there is no particle"):
        clusters(np.zeros((0, 2)), (4.0, 4.0), 1.0)
    with pytest.raises(InputError, match="the distance 0 must be positive"):
        clusters(np.zeros((2, 2)), (4.0, 4.0), 0.0)
