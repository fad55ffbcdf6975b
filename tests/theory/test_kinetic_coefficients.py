"""Mean-field coefficients: both routes on the same particles, exact sums, symmetries, and the numbers of [S2]'s model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.theory.brownian import Brownian, janus, janus_model
from theory import InputError, MeanField, Model, Motion, PairInteraction, Species
from theory.interactions import InteractionLaw
from theory.kinetic.coefficients import binning_errors, integrated_coefficients, mean_fields, sampled_coefficients
from theory.observables.relative_distribution import RelativeAccumulator, RelativeDistribution

Array = NDArray[np.float64]


def unit(angles: Array) -> Array:
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def laws(cutoff: float = 2.5) -> dict[tuple[int, int], InteractionLaw]:
    """Different for each ordered pair: what one does to the other is not what that does to it."""
    texts = {(0, 0): ("3/r", "2 - r"), (0, 1): ("exp(-r)", "5"), (1, 1): ("0", "r")}
    return {
        pair: InteractionLaw(PairInteraction("AB"[pair[0]], "AB"[pair[1]], cutoff, force, torque))
        for pair, (force, torque) in texts.items()
    }


def configuration(seed: int, number: int = 40) -> tuple[Array, Array, NDArray[np.int64], Array]:
    generator = np.random.default_rng(seed)
    return (
        generator.random((number, 2)) * 6.0,
        2.0 * np.pi * generator.random(number),
        generator.integers(0, 2, number),
        np.array([6.0, 6.0]),
    )


# --- directly ------------------------------------------------------------------------------------------------------


def test_sums_over_neighbours_by_hand() -> None:
    """Every ordered pair, with angles and not with complex numbers."""
    positions, angles, species, size = configuration(1)
    found = sampled_coefficients(laws(), positions, unit(angles), size, species, number=2, harmonics=3)
    numbers = np.bincount(species)
    expected = np.zeros((2, 2, 6))
    for (observer, source), law in laws().items():
        density = (numbers[source] - (observer == source)) / 36.0
        for i in np.flatnonzero(species == observer):
            for j in np.flatnonzero(species == source):
                apart = positions[j] - positions[i]
                apart -= 6.0 * np.rint(apart / 6.0)
                r = np.hypot(*apart)
                if i == j or r >= 2.5:
                    continue
                phi, theta = np.arctan2(apart[1], apart[0]) - angles[i], angles[j] - angles[i]
                force, torque = float(law.force(r)), float(law.torque(r))
                terms = [-2.0 * np.pi * torque * np.sin(phi) * np.sin(m * theta) for m in (1, 2, 3)]
                terms += [force * np.cos(phi), r * torque * np.sin(phi) ** 2, 0.5 * r * force]
                expected[observer, source] += np.array(terms) / (numbers[observer] * density)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    assert np.all(found[1, 0] == 0.0)


@given(st.integers(0, 10**6), st.tuples(st.floats(-9.0, 9.0), st.floats(-9.0, 9.0)), st.integers(0, 3))
def test_symmetries(seed: int, shift: tuple[float, float], quarter: int) -> None:
    """Coefficients are the same for moved, renamed and turned particles, and for the mirror image."""
    positions, angles, species, size = configuration(seed)

    def coefficients(points: Array, directions: Array, kinds: NDArray[np.int64]) -> Array:
        return sampled_coefficients(laws(), points, unit(directions), size, kinds, number=2)

    before = coefficients(positions, angles, species)
    order = np.random.default_rng(seed).permutation(positions.shape[0])
    turn = 0.5 * np.pi * quarter
    rotation = np.round([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = coefficients((positions @ rotation.T + np.array(shift))[order], angles[order] + turn, species[order])
    np.testing.assert_allclose(moved, before, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(coefficients(positions * [1.0, -1.0], -angles, species), before, rtol=1e-9, atol=1e-9)


def test_uncorrelated_particles_do_not_align() -> None:
    """In an ideal gas T_m = zeta_0 = 0, and tau_1, kappa_F are integrals of the laws alone."""
    frames = []
    for seed in range(60):
        positions, angles, _, size = configuration(seed, 150)
        law = {(0, 0): InteractionLaw(PairInteraction("A", "A", 2.0, "1", "1"))}
        frames.append(sampled_coefficients(law, positions, unit(angles), size)[0, 0])
    mean, error = np.mean(frames, axis=0), np.std(frames, axis=0) / np.sqrt(60.0)
    # tau_1 = (1/2 pi) int r^2 dr pi 2 pi = pi r_c^3/3, kappa_F = (1/4 pi) int r^2 dr (2 pi)^2 = the same
    exact = np.array([0.0, 0.0, 0.0, 0.0, 0.0, np.pi * 8.0 / 3.0, np.pi * 8.0 / 3.0])
    assert np.all(np.abs(mean - exact) < 4.0 * error)
    assert np.all(error[5:] < 0.05 * exact[5:])


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["left", "right"])
def test_turning_away_from_a_neighbour(side: float) -> None:
    """A neighbour aside that looks to the left of one's own direction.

    Turning away from one on the left is to turn right, away from its direction: T_1 < 0; from one on the right T_1 > 0.
    """
    law = {(0, 1): InteractionLaw(PairInteraction("A", "B", 2.0, "0", "1"))}
    positions, angles = np.array([[5.0, 5.0], [5.0, 5.0 + side]]), np.array([0.0, 0.5])
    found = sampled_coefficients(law, positions, unit(angles), (10.0, 10.0), [0, 1], number=2)[0, 1]
    # one pair in an area of 100: T_1 = -2 pi sin(phi) sin(theta) times the area
    assert found[0] == pytest.approx(-2.0 * np.pi * 100.0 * side * np.sin(0.5))


def test_species_without_particles_have_no_coefficients() -> None:
    positions, angles, _, size = configuration(0)
    found = sampled_coefficients(laws(), positions, unit(angles), size, np.zeros(40, dtype=int), number=2)
    assert np.all(np.isfinite(found[0, 0]))
    assert np.all(np.isnan(found[0, 1])) & np.all(np.isnan(found[1, 1]))
    assert np.all(sampled_coefficients({}, positions, unit(angles), size) == 0.0)


# --- both routes ---------------------------------------------------------------------------------------------------


def test_both_routes_agree_and_bins_converge() -> None:
    """On one gas of two species: the error of the integrals falls with the width of the bins."""
    frames = [configuration(seed, 60) for seed in range(40)]
    errors, scale = [], np.abs(_pooled(frames)).max(axis=2, keepdims=True) + 1.0
    for bins in ((10, 16, 16), (80, 96, 96)):
        accumulator = RelativeAccumulator(2.5, bins, 2)
        for positions, angles, species, size in frames:
            accumulator.accumulate(positions, unit(angles), size, species)
        integrated = integrated_coefficients(laws(), accumulator.result())
        errors.append(np.max(np.abs(integrated - _pooled(frames)) / scale))
    assert errors[0] < 0.05
    assert errors[1] < 0.25 * errors[0]


def _pooled(frames: list[tuple[Array, Array, NDArray[np.int64], Array]]) -> Array:
    """Coefficients of all frames, each weighted by its pairs as in an accumulated distribution."""
    total, weight = np.zeros((2, 2, 7)), np.zeros((2, 2, 1))
    for positions, angles, species, size in frames:
        numbers = np.bincount(species, minlength=2).astype(float)
        pairs = (numbers[:, None] * (numbers - np.eye(2)))[:, :, None]
        total += pairs * sampled_coefficients(laws(), positions, unit(angles), size, species, number=2)
        weight += pairs
    return total / weight


@pytest.mark.parametrize(
    ("reach", "bins", "told"),
    [
        (2.0, (4, 16, 16), r"the pair distribution ends at r = 2, the interaction at 2\.5"),
        (2.5, (4, 16, 15), "has 15 bins of theta; it takes 16 or more for the harmonic 4"),
        (2.5, (4, 7, 16), "has 7 bins of phi; it takes 8 or more for the harmonic 2"),
    ],
)
def test_distribution_that_is_too_coarse(reach: float, bins: tuple[int, int, int], told: str) -> None:
    accumulator = RelativeAccumulator(reach, bins, 2)
    accumulator.accumulate(*(lambda p, a, k, s: (p, unit(a), s, k))(*configuration(0)))
    with pytest.raises(InputError, match=told):
        integrated_coefficients(laws(), accumulator.result())


def smooth(distances: int) -> RelativeDistribution:
    """g = 1 + r [sin phi sin 2 theta - cos phi/2] between 1 and 2: its means over bins, of angles by the primitives."""
    edges = np.linspace(0.0, 2.0, distances + 1)
    place, direction = np.linspace(-np.pi, np.pi, 9), np.linspace(-np.pi, np.pi, 17)
    # int r^2 dr over int r dr, from 1 on
    from_one = np.maximum(edges, 1.0)
    shells = 2.0 * np.diff(from_one**3) / (3.0 * np.diff(edges**2))
    held = np.diff(from_one**2) / np.diff(edges**2)
    sine, cosine = -np.diff(np.cos(place)) / np.diff(place), np.diff(np.sin(place)) / np.diff(place)
    double = -0.5 * np.diff(np.cos(2.0 * direction)) / np.diff(direction)
    shape = sine[:, None] * double - 0.5 * cosine[:, None]
    values = held[:, None, None] + shells[:, None, None] * shape
    return RelativeDistribution.of_values(edges, values[None, None], [[10**9]])


def test_angles_are_exact_and_distances_as_estimated() -> None:
    """F = Gamma = 1/r, g as above: T_2 = -pi^2 int r dr, zeta_0 = -(pi/2) int r dr, from 1 to 2."""
    law = {(0, 0): InteractionLaw(PairInteraction("A", "A", 2.0, "1/r", "1/r"))}
    exact = np.array([0.0, -1.5 * np.pi**2, 0.0, 0.0, -0.75 * np.pi])
    errors = []
    for distances in (20, 80):
        found = integrated_coefficients(law, smooth(distances))[0, 0, :5]
        estimates = binning_errors(law, smooth(distances))[0, 0, :5]
        errors.append(np.abs(found - exact))
        np.testing.assert_allclose(estimates[[1, 4]], errors[-1][[1, 4]], rtol=0.02)
        np.testing.assert_allclose(found[[0, 2, 3]], 0.0, atol=1e-12)
        assert np.all(estimates[[0, 2, 3]] < 1e-12)
    np.testing.assert_allclose(errors[1][[1, 4]] / errors[0][[1, 4]], 1.0 / 16.0, rtol=0.05)
    assert errors[1][1] < 1e-3


def test_merged_bins_are_those_of_a_coarser_count() -> None:
    """Of two species, one pair of which does not occur; the last of five bins stays alone."""
    positions, angles, _, size = configuration(4)
    species = np.zeros(40, dtype=int)
    results = []
    for reach, bins in ((2.0, (4, 8, 16)), (2.0, (2, 8, 16)), (2.5, (5, 8, 16))):
        accumulator = RelativeAccumulator(reach, bins, 2)
        accumulator.accumulate(positions, unit(angles), size, species)
        results.append(accumulator.result())
    fine, coarse, odd = results
    for name in ("edges", "values", "standard_errors", "counts"):
        np.testing.assert_allclose(getattr(fine.coarser(), name), getattr(coarse, name), rtol=1e-12, err_msg=name)
    np.testing.assert_array_equal(odd.coarser().counts[:, :, 2], odd.counts[:, :, 4])
    np.testing.assert_allclose(odd.coarser().edges, [0.0, 1.0, 2.0, 2.5])


def test_species_without_particles_have_no_coefficients_either_way() -> None:
    positions, angles, _, size = configuration(0)
    accumulator = RelativeAccumulator(2.5, (10, 16, 16), 2)
    accumulator.accumulate(positions, unit(angles), size, np.zeros(40, dtype=int))
    found = integrated_coefficients(laws(), accumulator.result())
    assert np.all(np.isfinite(found[0, 0]))
    assert np.all(np.isnan(found[0, 1])) & np.all(np.isnan(found[1, 1]))


# --- Janus particles -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def isotropic() -> tuple[Model, list[tuple[Array, Array]], Array]:
    """400 Janus particles in the isotropic state (phi0 = .1, 5 um/s), by the small reference loop."""
    dynamics = Brownian(400, 0.1, 5.0, seed=1, cutoff=5.0, dt=2e-3)
    dynamics.advance(2.0)
    frames = []
    for _ in range(16):
        dynamics.advance(0.25)
        frames.append((dynamics.positions, dynamics.orientations))
    return janus_model(5.0, cutoff=5.0), frames, dynamics.size


def test_both_routes_on_janus_particles(isotropic: tuple[Model, list[tuple[Array, Array]], Array]) -> None:
    model, frames, size = isotropic
    accumulator = RelativeAccumulator(5.0, (100, 60, 60))
    for positions, directions in frames:
        accumulator.accumulate(positions, directions, size)
    integrated = integrated_coefficients(model.interactions, accumulator.result())[0, 0]
    direct = np.mean([sampled_coefficients(model.interactions, p, u, size)[0, 0] for p, u in frames], axis=0)
    np.testing.assert_allclose(integrated, direct, rtol=0.01, atol=2.0)


def test_coefficients_of_janus_particles(isotropic: tuple[Model, list[tuple[Array, Array]], Array]) -> None:
    """PHYSICS: T_1 = +216 and zeta_0/xi_t = 10.1, here within a fifth; T_2 < T_1, so that flocks saturate."""
    model, frames, size = isotropic
    direct = np.mean([sampled_coefficients(model.interactions, p, u, size) for p, u in frames], axis=0)
    (seen,) = mean_fields(model, direct)
    assert seen.torque_harmonics[0] == pytest.approx(216.0, rel=0.2)
    assert 0.0 < seen.torque_harmonics[1] < seen.torque_harmonics[0]
    assert seen.speed_reduction / 9.0 == pytest.approx(10.1, rel=0.2)
    assert seen.turning > 0.0
    assert seen.repulsion > 0.0


def test_coefficients_as_a_model_takes_them() -> None:
    species = [Species(n, Motion(rotational_diffusion=1.0), "1", translational_drag=2.0, rotational_drag=4.0) for n in "AB"]
    model = Model(2, species, interactions=[janus(), PairInteraction("A", "B", 3.0, "1", "1")])
    values = np.zeros((2, 2, 5))
    values[0, 0], values[0, 1] = [1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]
    assert mean_fields(model, values) == [
        MeanField("A", "A", (1.0, 2.0), speed_reduction=3.0, turning=1.0, repulsion=5.0),
        MeanField("A", "B", (6.0, 7.0), speed_reduction=8.0, turning=2.25, repulsion=10.0),
    ]
    with_them = Model(2, species, interactions=[janus()], mean_field=mean_fields(model, values))
    assert with_them.mean_field[0, 1].turning == 2.25
