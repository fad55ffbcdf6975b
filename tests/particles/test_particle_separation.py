"""Initial places at a distance from each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from particles.separation import separated_positions
from theory import InputError

Array = NDArray[np.float64]

# volumes of spheres of unit diameter, and the fractions that the densest lattices cover
SPHERE = {1: 1.0, 2: np.pi / 4.0, 3: np.pi / 6.0}
DENSEST = {1: 1.0, 2: 0.9069, 3: 0.7405}


def box(dimension: int, number: int, covered: float) -> Array:
    """Edges of a box that spheres of unit diameter cover by a fraction."""
    edges = np.array([1.0, 1.4, 0.8])[:dimension]
    return np.asarray(edges * (number * SPHERE[dimension] / covered / np.prod(edges)) ** (1.0 / dimension))


def nearest(positions: Array, size: Array) -> float:
    """Least distance between any two, across the periodic boundaries."""
    return float(cKDTree(positions.T, boxsize=size).query(positions.T, k=2)[0][:, 1].min())


@settings(max_examples=40)
@given(st.integers(0, 2**63), st.integers(1, 3), st.integers(30, 400), st.floats(0.02, 0.85))
def test_no_two_are_too_near(seed: int, dimension: int, number: int, share: float) -> None:
    size = box(dimension, number, share * DENSEST[dimension])
    offsets = np.array([0, number // 3, number])
    # small boxes fit lattices less well
    distance = 0.9 if share > 0.6 else 1.0
    positions = separated_positions(size, offsets, distance, seed)
    assert positions.shape == (dimension, number)
    assert np.all((positions >= 0.0) & (positions < size[:, None]))
    assert nearest(positions, size) >= distance * (1.0 - 1e-12)
    np.testing.assert_array_equal(positions, separated_positions(size, offsets, distance, seed))


@pytest.mark.parametrize(("dimension", "covered"), [(1, 0.97), (2, 0.88), (3, 0.7)])
def test_nearly_closest_packing(dimension: int, covered: float) -> None:
    """Lattices leave some room, in which particles are at random places."""
    size = box(dimension, 3000, covered)
    positions = separated_positions(size, np.array([0, 3000]), 0.95, 1)
    assert 0.95 <= nearest(positions, size) < 1.0
    with pytest.raises(InputError, match="lower minimum_distance or the density"):
        separated_positions(size, np.array([0, 3000]), 1.05, 1)


@pytest.mark.parametrize("covered", [0.2, 0.6])
def test_places_are_spread_evenly(covered: float) -> None:
    size = box(2, 4000, covered)
    positions = separated_positions(size, np.array([0, 4000]), 0.9, 5)
    for along, edge in zip(positions, size, strict=True):
        counts, _ = np.histogram(along, bins=10, range=(0.0, edge))
        # repulsion makes fluctuations smaller than those of independent places
        assert np.max(np.abs(counts - 400)) < 4.0 * np.sqrt(400)


def test_profiles_are_kept() -> None:
    size, profile = np.array([40.0, 20.0]), np.ones((2, 4, 8))
    profile[0, :, :4] = 0.0
    profile[1, :, 4:] = 0.0
    positions = separated_positions(size, np.array([0, 100, 250]), 1.0, 7, profile)
    assert positions[0, :100].min() > 20.0
    assert positions[0, 100:].max() < 20.0
    assert nearest(positions, size) >= 1.0


def test_crowded_profiles_are_refused() -> None:
    profile = np.zeros((1, 1, 8))
    profile[0, 0, 0] = 1.0
    with pytest.raises(InputError, match="there is room for"):
        separated_positions(np.array([8.0, 8.0]), np.array([0, 50]), 1.0, 7, profile)


def test_shortest_distance() -> None:
    """What is named as short enough is."""
    size, offsets = box(2, 50, 0.1), np.array([0, 50])
    with pytest.raises(InputError, match="so near to each other takes") as error:
        separated_positions(size, offsets, 1e-6, 1)
    least = float(str(error.value).rsplit(" or more", 1)[0].rsplit(" ", 1)[1])
    assert nearest(separated_positions(size, offsets, least, 1), size) >= least
