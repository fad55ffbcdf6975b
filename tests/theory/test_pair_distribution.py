"""Pair distributions against ideal gases, crystals, sums over all pairs, planted angles and symmetries."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory import InputError
from theory.compiling import set_threads
from theory.observables.cells import CellSorted
from theory.observables.pair_distribution import RadialAccumulator, radial_distribution
from theory.observables.periodic import nearest_images, wrapped
from theory.observables.relative_distribution import RelativeAccumulator, RelativeDistribution

Array = NDArray[np.float64]

# number of standard errors that no one of some hundred numbers may leave: a chance of 1e-5 each
FAR = 4.5


def unit(angles: Array) -> Array:
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def gas(seed: int, number: int, size: tuple[float, ...]) -> Array:
    return np.random.default_rng(seed).random((number, len(size))) * size


def relative(
    positions: Array, angles: Array, size: Array, reach: float, bins: tuple[int, int, int], species: Array | None = None
) -> RelativeDistribution:
    accumulator = RelativeAccumulator(reach, bins, 1 if species is None else int(species.max()) + 1)
    accumulator.accumulate(positions, unit(angles), size, species)
    return accumulator.result()


# --- g(r) ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(40.0,), (8.0, 5.0), (4.0, 3.0, 2.5)], ids=["1D", "2D", "3D"])
def test_ideal_gas(size: tuple[float, ...]) -> None:
    """g = 1 within errors that describe its scatter, also for the few particles of the second species."""
    accumulator = RadialAccumulator(1.2, 10, species=2)
    species = np.repeat([0, 1], [150, 12])
    for frame in range(60):
        accumulator.accumulate(gas(frame, 162, size), size, species)
    found = accumulator.result()
    z = (found.values - 1.0) / found.standard_errors
    # the two orders of unlike species are the same pairs
    np.testing.assert_array_equal(found.values[0, 1], found.values[1, 0])
    independent = z[[0, 0, 1], [0, 1, 1]]
    assert np.max(np.abs(independent)) < FAR
    assert 0.7 < independent.std() < 1.3


@pytest.mark.parametrize("size", [(7.0,), (3.0, 7.0), (3.0, 4.0, 5.0)], ids=["1D", "2D", "3D"])
@pytest.mark.parametrize("reach", [0.3, 0.9, 1.5])
def test_counts_are_those_of_all_pairs(size: tuple[float, ...], reach: float) -> None:
    """From boxes of many cells down to boxes of one, positions anywhere in space."""
    points = gas(3, 60, size) * 3.0 - np.array(size)
    species = np.arange(60) % 3
    found = radial_distribution(points, size, reach, 5, species)
    expected = np.zeros((3, 3, 5), dtype=int)
    for i, j in itertools.permutations(range(60), 2):
        distance = np.linalg.norm(nearest_images(points[j] - points[i], size))
        if distance < reach:
            expected[species[i], species[j], int(distance / reach * 5)] += 1
    np.testing.assert_array_equal(found.counts, expected)


def test_square_lattice() -> None:
    """Shells of 4, 4, 4, 8 neighbours at 1, sqrt 2, 2, sqrt 5."""
    sites = np.stack(np.meshgrid(np.arange(8.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    found = radial_distribution(sites, (8.0, 6.0), 2.3, 23)
    shells = found.counts[0, 0] / 48
    held = {10: 4, 14: 4, 20: 4, 22: 8}
    assert {n: int(c) for n, c in enumerate(shells) if c} == held
    area = np.pi * (1.1**2 - 1.0**2)
    assert found.values[0, 0, 10] == pytest.approx(4.0 / (area * 47.0 / 48.0))
    assert found.distances[10] == pytest.approx(1.05)


def test_missing_species_have_no_distribution() -> None:
    accumulator = RadialAccumulator(1.0, 4, species=2)
    accumulator.accumulate(gas(0, 20, (5.0, 5.0)), (5.0, 5.0))
    found = accumulator.result()
    assert np.all(np.isfinite(found.values[0, 0]))
    assert np.all(np.isnan(found.values[1])) & np.all(np.isnan(found.values[0, 1]))


# --- g(r, phi, theta) ----------------------------------------------------------------------------------------------


def test_ideal_gas_of_directions() -> None:
    accumulator = RelativeAccumulator(2.0, (4, 6, 6))
    generator = np.random.default_rng(5)
    for frame in range(40):
        accumulator.accumulate(gas(frame, 300, (9.0, 9.0)), unit(2.0 * np.pi * generator.random(300)), (9.0, 9.0))
    found = accumulator.result()
    z = (found.values - 1.0) / found.standard_errors
    assert np.max(np.abs(z)) < FAR
    assert 0.85 < z.std() < 1.15
    assert np.max(np.abs(found.mirror_difference() / found.standard_errors)) < FAR * np.sqrt(2.0)


def test_angles_of_one_pair() -> None:
    """Particle 0 looks along +x at particle 1, 0.5 away at 43 degrees to its left, which looks along 104 degrees."""
    where, direction = np.radians(43.0), np.radians(104.0)
    points = np.array([[0.1, 9.9], [0.1, 9.9] + 0.5 * unit(where)])
    found = relative(points, np.array([0.0, direction]), np.array([10.0, 10.0]), 1.0, (4, 36, 36), np.array([0, 1]))
    ((_, _, r, phi, theta),) = np.argwhere(found.counts[:1])
    assert found.edges[r] <= 0.5 <= found.edges[r + 1]
    assert found.place_edges[phi] <= where <= found.place_edges[phi + 1]
    assert found.direction_edges[theta] <= direction <= found.direction_edges[theta + 1]
    ((_, source, _, phi, theta),) = np.argwhere(found.counts[1:])
    assert source == 0
    # seen from particle 1: behind it, 43 + 180 - 104 degrees to the left; turned by -104 degrees
    assert found.place_edges[phi] <= np.radians(119.0) <= found.place_edges[phi + 1]
    assert found.direction_edges[theta] <= np.radians(-104.0) <= found.direction_edges[theta + 1]


def test_planted_correlation() -> None:
    """Neighbours of lone particles, planted with a density 1 + cos(phi - phi_0) cos(theta - theta_0), are found as planted."""
    generator = np.random.default_rng(8)
    pairs, phi_0, theta_0 = 40_000, 0.7, -1.2
    phi, theta = (2.0 * np.pi * generator.random((2, 4 * pairs))) - np.pi
    accepted = 2.0 * generator.random(4 * pairs) < 1.0 + np.cos(phi - phi_0) * np.cos(theta - theta_0)
    phi, theta = phi[accepted][:pairs], theta[accepted][:pairs]
    # pairs on a lattice so wide that they do not see each other
    sites = 5.0 * np.stack(np.meshgrid(np.arange(200.0), np.arange(200.0)), axis=-1).reshape(-1, 2)
    own = 2.0 * np.pi * generator.random(pairs)
    r = np.sqrt(generator.random(pairs))
    partners = sites + r[:, None] * unit(own + phi)
    species = np.repeat([0, 1], pairs)
    size = np.array([1000.0, 1000.0])
    found = relative(np.concatenate([sites, partners]), np.concatenate([own, own + theta]), size, 1.0, (3, 8, 8), species)
    # one neighbour within the unit circle, where a gas of this density would have pi/25
    density = found.values[0, 1] * np.pi / 25.0
    errors = found.standard_errors[0, 1] * np.pi / 25.0
    half = np.pi / 8.0
    places, directions = (edges[:-1] + half for edges in (found.place_edges, found.direction_edges))
    smoothing = (np.sin(half) / half) ** 2
    planted = 1.0 + smoothing * np.cos(places - phi_0)[:, None] * np.cos(directions - theta_0)[None]
    assert np.max(np.abs((density - planted) / errors)) < FAR
    assert found.counts[0, 1].sum() == pairs


CONFIGURATIONS = st.builds(
    lambda seed, number: (
        gas(seed, number, (6.0, 6.0)),
        2.0 * np.pi * np.random.default_rng(seed + 1).random(number),
        np.random.default_rng(seed + 2).integers(0, 2, number),
    ),
    st.integers(0, 10**6),
    st.integers(2, 60),
)
SIZE = np.array([6.0, 6.0])
BINS = (5, 8, 6)


def counts(positions: Array, angles: Array, species: Array) -> Array:
    accumulator = RelativeAccumulator(2.5, BINS, 2)
    accumulator.accumulate(positions, unit(angles), SIZE, species)
    return accumulator.result().counts


@given(CONFIGURATIONS, st.tuples(st.floats(-20.0, 20.0), st.floats(-20.0, 20.0)), st.randoms(use_true_random=False))
def test_translation_and_permutation(configuration: tuple[Array, Array, Array], shift: tuple[float, float], random) -> None:
    positions, angles, species = configuration
    order = list(range(positions.shape[0]))
    random.shuffle(order)
    moved = counts((positions + np.array(shift))[order], angles[order], species[order])
    np.testing.assert_array_equal(moved, counts(positions, angles, species))


@given(CONFIGURATIONS)
def test_quarter_turns(configuration: tuple[Array, Array, Array]) -> None:
    positions, angles, species = configuration
    turned = positions[:, ::-1] * [-1.0, 1.0]
    np.testing.assert_array_equal(counts(turned, angles + np.pi / 2.0, species), counts(positions, angles, species))


@given(CONFIGURATIONS)
def test_mirror_image(configuration: tuple[Array, Array, Array]) -> None:
    """Of a reflected configuration g(r, phi, theta) is g(r, -phi, -theta): S10 is a symmetry under reflection."""
    positions, angles, species = configuration
    mirrored = counts(positions * [1.0, -1.0], -angles, species)
    np.testing.assert_array_equal(mirrored, counts(positions, angles, species)[..., ::-1, ::-1])


@given(CONFIGURATIONS)
def test_reversed_directions(configuration: tuple[Array, Array, Array]) -> None:
    """Turning all particles around moves phi by pi; turning species 1 around moves theta of unlike pairs (S11, S12)."""
    positions, angles, species = configuration
    before = counts(positions, angles, species)
    around = counts(positions, angles + np.pi, species)
    np.testing.assert_array_equal(around, np.roll(before, BINS[1] // 2, axis=3))
    partly = counts(positions, angles + np.pi * species, species)
    np.testing.assert_array_equal(partly[0, 1], np.roll(before[0, 1], BINS[2] // 2, axis=2))
    np.testing.assert_array_equal(partly[0, 0], before[0, 0])


def test_differences_are_those_of_the_symmetries() -> None:
    positions, angles, _ = gas(1, 200, (6.0, 6.0)), 2.0 * np.pi * np.random.default_rng(2).random(200), None
    one = relative(positions, angles, SIZE, 2.5, BINS)
    other = relative(positions * [1.0, -1.0], -angles, SIZE, 2.5, BINS)
    np.testing.assert_allclose(one.mirror_difference(), one.values - other.values, atol=1e-12)
    around = relative(positions, angles + np.pi, SIZE, 2.5, BINS)
    np.testing.assert_allclose(one.opposite_place_difference(), one.values - around.values, atol=1e-12)
    difference = one.opposite_direction_difference()
    np.testing.assert_allclose(difference, -np.roll(difference, 3, axis=4), atol=1e-12)
    assert np.max(np.abs(difference)) > 0.1
    odd = relative(positions, angles, SIZE, 2.5, (5, 7, 9))
    for verb, name in ((odd.opposite_place_difference, "phi"), (odd.opposite_direction_difference, "theta")):
        with pytest.raises(InputError, match=f"bins of {name}; opposite ones need an even number"):
            verb()


# --- accumulating --------------------------------------------------------------------------------------------------


def test_parts_add_up_to_the_whole() -> None:
    """Frame by frame, merged, or stored and added in another process: the same counts."""
    frames = [(gas(n, 50, (6.0, 6.0)), unit(2.0 * np.pi * np.random.default_rng(n).random(50))) for n in range(4)]
    whole, halves = RelativeAccumulator(2.0, BINS), [RelativeAccumulator(2.0, BINS) for _ in range(2)]
    for n, (positions, directions) in enumerate(frames):
        whole.accumulate(positions, directions, SIZE)
        halves[n // 2].accumulate(positions, directions, SIZE)
    stored = halves[1].arrays()
    halves[0].add(halves[1].arrays())
    fresh = RelativeAccumulator(2.0, BINS)
    fresh.add(stored)
    fresh.add(stored)
    np.testing.assert_array_equal(fresh.result().counts, 2 * halves[1].result().counts)
    np.testing.assert_array_equal(halves[0].result().values, whole.result().values)
    assert (fresh.configurations, halves[0].configurations, whole.configurations) == (4, 4, 4)
    assert whole.pairs == whole.result().counts.sum()
    # what was stored is a copy
    np.testing.assert_array_equal(stored["counts"], halves[1].arrays()["counts"])


def test_different_distributions_cannot_be_added() -> None:
    filled = RadialAccumulator(1.0, 4)
    filled.accumulate(gas(0, 10, (4.0, 4.0)), (4.0, 4.0))
    spatial = RadialAccumulator(1.0, 4)
    spatial.accumulate(gas(0, 10, (4.0, 4.0, 4.0)), (4.0, 4.0, 4.0))
    for other in (RadialAccumulator(1.0, 5), RadialAccumulator(1.1, 4), RadialAccumulator(1.0, 4, 2), spatial):
        with pytest.raises(InputError, match="different bins, species or dimensions"):
            filled.add(other.arrays())
    with pytest.raises(InputError, match="positions have 3 dimensions, those before had 2"):
        filled.accumulate(gas(0, 10, (4.0, 4.0, 4.0)), (4.0, 4.0, 4.0))


def test_threads_do_not_change_results() -> None:
    positions, angles = gas(4, 500, (9.0, 9.0)), 2.0 * np.pi * np.random.default_rng(9).random(500)
    found = []
    for threads in (1, 2):
        set_threads(threads)
        found.append(relative(positions, angles, np.array([9.0, 9.0]), 3.0, (10, 6, 6)).values)
    np.testing.assert_array_equal(*found)


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("positions", "size", "reach", "message"),
    [
        (np.zeros((3, 2)), (4.0,), 1.0, r"the box has the edges \[4.0\]; it needs 2 positive, finite ones"),
        (np.zeros((3, 2)), (4.0, -1.0), 1.0, "it needs 2 positive, finite ones"),
        (np.zeros((3, 4)), (4.0,) * 4, 1.0, r"positions have the shape \(3, 4\)"),
        (np.zeros(3), (4.0,), 1.0, r"positions have the shape \(3,\)"),
        (np.array([[np.nan, 0.0]]), (4.0, 4.0), 1.0, "1 positions are not finite"),
        (np.zeros((3, 2)), (4.0, 3.0), 1.6, r"the distance 1.6 must be positive and at most half .* 1.5"),
    ],
)
def test_configurations_out_of_range(positions: Array, size: tuple[float, ...], reach: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CellSorted.of(positions, size, reach)


def test_arguments_out_of_range() -> None:
    for arguments in ((0.0, 4), (1.0, 0), (np.inf, 4), (1.0, 4, 0)):
        with pytest.raises(InputError, match="must be positive"):
            RadialAccumulator(*arguments)
    with pytest.raises(InputError, match="no configuration has been added"):
        RadialAccumulator(1.0, 4).result()
    points = gas(0, 3, (4.0, 4.0))
    with pytest.raises(InputError, match=r"species have the shape \(2,\); there are 3 particles"):
        radial_distribution(points, (4.0, 4.0), 1.0, 4, [0, 1])
    accumulator = RelativeAccumulator(1.0, BINS, 2)
    with pytest.raises(InputError, match="species run from 0 to 2; they must be 0 to 1"):
        accumulator.accumulate(points, np.ones((3, 2)), (4.0, 4.0), [0, 1, 2])
    with pytest.raises(InputError, match=r"orientations have the shape \(2, 2\)"):
        accumulator.accumulate(points, np.ones((2, 2)), (4.0, 4.0))
    with pytest.raises(InputError, match="it has no direction"):
        accumulator.accumulate(points, np.zeros((3, 2)), (4.0, 4.0))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0.1, 1e3))
def test_wrapped_positions_lie_in_the_box(coordinates: list[float], edge: float) -> None:
    inside = wrapped(np.array(coordinates)[:, None], [edge])
    assert np.all((inside >= 0.0) & (inside < edge))


def test_positions_just_below_zero_lie_in_the_box() -> None:
    assert wrapped([[-1e-18]], [3.0])[0, 0] == 0.0


def test_stored_values_say_how_many_pairs_there_were() -> None:
    """In single precision, as frames hold them: the same counts and errors; nothing where there is no pair of species."""
    positions = gas(3, 60, (6.0, 6.0))
    found = relative(positions, 2.0 * np.pi * np.random.default_rng(1).random(60), SIZE, 2.0, BINS, np.arange(60) % 2)
    again = RelativeDistribution.of_values(found.edges, found.values.astype(np.float32), found.counts.sum(axis=(2, 3, 4)))
    np.testing.assert_array_equal(again.counts, found.counts)
    np.testing.assert_allclose(again.standard_errors, found.standard_errors, rtol=1e-5)
    nothing = RelativeDistribution.of_values(found.edges, np.full((1, 1, *BINS), np.nan), [[0]])
    assert np.all(nothing.counts == 0)
    assert np.all(np.isnan(nothing.standard_errors))
