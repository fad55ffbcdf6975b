"""What particles measure on the way: against the library on the same configurations, exact results, and bit for bit."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from particles import Observables, ParticleEngine
from tests.particles.builders import TUMBLING, free, mixture, ordered
from theory import InputError, Model, Sensing, Species
from theory.arrays import Array
from theory.fourier import Grid
from theory.frames import Frame, State
from theory.observables import Shells, structure_factors
from theory.observables.clusters import clusters
from theory.observables.hexatic import bond_correlation, global_bond_order, local_bond_order
from theory.observables.local_density import coarse_density, density_histogram
from theory.observables.orientation import pair_correlation, polar_order
from theory.observables.pair_distribution import RadialAccumulator
from theory.observables.relative_distribution import RelativeAccumulator
from theory.observables.structure import particle_modes
from theory.observables.trajectories import unwrapped

SIZE = (7.0, 6.0)
BINS = (5, 6, 4)
ALL = [
    "polar_order",
    "mean_squared_displacement",
    "radial_distribution",
    "pair_distribution",
    "direction_correlation",
    "bond_order",
    "structure_factors",
    "density_histogram",
]
PLANAR = ("pair_distribution", "bond_order")


def _observables(names: list[str], output_interval: float = 0.2, sample_interval: float = 0.05, **more: Any) -> Observables:
    bins = {"reach": 2.0, "distance_bins": 10, "pair_bins": BINS, "largest_wavenumber": 5.0, "density_bins": 12}
    return Observables(output_interval, sample_interval, **dict.fromkeys(names, True), **{**bins, **more})


EVERYTHING = _observables(ALL, cluster_distance=0.3)


def _engine(observables: Observables | None = EVERYTHING, threads: int = 1, seed: int = 3) -> ParticleEngine:
    model = mixture(Sensing("bump", 1.0))
    return ParticleEngine(
        model, SIZE, {"A": 4.0, "B": 3.0}, time_step=0.01, seed=seed, threads=threads, observables=observables
    )


def _value(frame: Frame, name: str) -> Any:
    return frame.variables[name].data


def _observed(frame: Frame) -> dict[str, bytes]:
    """All variables but the fields, as bits."""
    return {name: np.asarray(one.data).tobytes() for name, one in frame.variables.items()}


Configurations = list[tuple[Array, Array]]


@pytest.fixture(scope="module")
def watched() -> tuple[list[Frame], Configurations, Array]:
    """Two frames, and the positions and directions at all samples up to the second one, of a run without observers."""
    engine, plain = _engine(), _engine(None)
    engine.advance(0.2)
    frames = [engine.frame()]
    engine.advance(0.4)
    frames.append(engine.frame())
    found = []
    for n in range(9):
        plain.advance(0.05 * n)
        found.append((ordered(plain, plain.positions).T, ordered(plain, plain.orientations).T))
    assert engine.step == plain.step == 40
    return frames, found, plain.species.astype(np.int64)


def test_distributions_count_the_pairs_of_all_samples_since_the_last_frame(
    watched: tuple[list[Frame], Configurations, Array],
) -> None:
    frames, found, species = watched
    radial, relative = RadialAccumulator(2.0, 10, 2), RelativeAccumulator(2.0, BINS, 2)
    for positions, orientations in found[5:]:
        radial.accumulate(positions, SIZE, species)
        relative.accumulate(positions, orientations, SIZE, species)
    expected, seen = radial.result(), relative.result()
    for a, b in ((0, 0), (0, 1), (1, 1)):
        np.testing.assert_array_equal(_value(frames[1], f"radial_distribution_{'AB'[a]}{'AB'[b]}"), expected.values[a, b])
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        np.testing.assert_array_equal(_value(frames[1], f"pair_distribution_{'AB'[a]}{'AB'[b]}"), seen.values[a, b])
        assert _value(frames[1], f"pair_distribution_pairs_{'AB'[a]}{'AB'[b]}") == seen.counts[a, b].sum()
    assert _value(frames[1], "pair_distribution_samples") == 4
    np.testing.assert_allclose(frames[1].coordinates["distance"].data, expected.distances)
    for name, edges in (("pair_place", seen.place_edges), ("pair_direction", seen.direction_edges)):
        np.testing.assert_allclose(frames[1].coordinates[name].data, 0.5 * (edges[1:] + edges[:-1]), atol=1e-12)


def test_rows_are_the_samples(watched: tuple[list[Frame], Configurations, Array]) -> None:
    frames, found, species = watched
    for frame, samples in zip(frames, (found[1:5], found[5:]), strict=True):
        np.testing.assert_allclose(frame.coordinates["sample"].data, [-0.15, -0.1, -0.05, 0.0], atol=1e-12)
        expected = [polar_order(directions) for _, directions in samples]
        np.testing.assert_allclose(_value(frame, "sampled_polar_order"), expected, rtol=1e-12)
        own = [polar_order(directions[species == 1]) for _, directions in samples]
        np.testing.assert_allclose(_value(frame, "sampled_polar_order_B"), own, rtol=1e-12)
    paths = unwrapped(np.array([positions for positions, _ in found]), SIZE)
    squares = np.sum((paths - paths[0]) ** 2, axis=2)
    for s, name in enumerate("AB"):
        shown = np.concatenate([_value(frame, f"mean_squared_displacement_{name}") for frame in frames])
        np.testing.assert_allclose(shown, squares[1:, species == s].mean(axis=1), rtol=1e-12)


def test_means_are_those_over_the_samples(watched: tuple[list[Frame], Configurations, Array]) -> None:
    frames, found, species = watched
    samples, grid = found[5:], Grid.holding(SIZE, 5.0)
    shells = Shells.of(grid, 5.0)
    spectra, histograms, local, sizes = [], [], [], []
    for positions, _ in samples:
        spectra.append(structure_factors(particle_modes(positions, grid, species, 2), grid, shells))
        histograms.append(density_histogram(coarse_density(positions, SIZE, 1.0, species), 12, 4.0 * 4.0)[1])
        local.append(local_bond_order(positions, SIZE))
        sizes.append(clusters(positions, SIZE, 0.3))
    for a, b in ((0, 0), (0, 1), (1, 1)):
        shown = _value(frames[1], f"structure_factor_{'AB'[a]}{'AB'[b]}")
        np.testing.assert_allclose(shown, np.mean(spectra, axis=0)[a, b], rtol=1e-12, atol=1e-14)
    for s, name in enumerate("AB"):
        np.testing.assert_allclose(_value(frames[1], f"density_histogram_{name}"), np.mean(histograms, axis=0)[s], rtol=1e-12)
    assert _value(frames[1], "bond_order") == pytest.approx(np.mean([global_bond_order(one) for one in local]), rel=1e-12)
    assert _value(frames[1], "local_bond_order") == pytest.approx(np.mean(np.abs(local)), rel=1e-12)
    for name in ("mean_size", "weighted_size", "largest_share"):
        expected = np.mean([getattr(one, name) for one in sizes])
        assert _value(frames[1], f"cluster_{name}") == pytest.approx(expected, rel=1e-12)


def test_correlations_are_those_of_all_pairs(watched: tuple[list[Frame], Configurations, Array]) -> None:
    frames, found, _ = watched
    directions, bonds, counts, at_zero = 0.0, 0.0, 0, 0.0
    for positions, orientations in found[5:]:
        one = pair_correlation(orientations, positions, SIZE, 2.0, 10)
        other = bond_correlation(local_bond_order(positions, SIZE), positions, SIZE, 2.0, 10)
        directions, bonds = directions + one.values * one.counts, bonds + other.values * other.counts
        counts, at_zero = counts + one.counts, at_zero + other.at_zero / 4.0
    np.testing.assert_allclose(_value(frames[1], "direction_correlation"), directions / counts, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(_value(frames[1], "bond_correlation"), bonds / counts / at_zero, rtol=1e-10, atol=1e-14)


def test_looking_changes_nothing_and_frames_look_alike() -> None:
    watched, plain = _engine(), _engine(None)
    first, again = watched.frame(), watched.frame()
    for engine in (watched, plain):
        engine.advance(0.2)
    later = watched.frame()
    np.testing.assert_array_equal(watched.positions, plain.positions)
    assert _observed(first) == _observed(again)
    shape = {name: (one.dimensions, np.shape(one.data)) for name, one in first.variables.items()}
    assert shape == {name: (one.dimensions, np.shape(one.data)) for name, one in later.variables.items()}
    for name, variable in later.coordinates.items():
        np.testing.assert_array_equal(variable.data, first.coordinates[name].data)
    assert np.all(np.isnan(_value(first, "sampled_polar_order")[:-1]))
    assert _value(first, "mean_squared_displacement_A")[-1] == 0.0


def test_frames_keep_what_they_show() -> None:
    engine = _engine()
    engine.advance(0.2)
    frame = engine.frame()
    before = _observed(frame)
    engine.advance(0.4)
    assert _observed(frame) == before


@pytest.mark.parametrize("stopped", [0.25, 0.27])
def test_a_run_resumed_between_frames_gathers_the_same_bits(stopped: float) -> None:
    donor = _engine()
    donor.advance(0.2)
    donor.advance(stopped)
    state = donor.state()
    heir = _engine()
    heir.advance(0.1)
    heir.restore(State({n: a.copy() for n, a in state.arrays.items()}, json.loads(json.dumps(state.numbers))))
    for engine in (donor, heir):
        engine.advance(0.4)
    assert _observed(donor.frame()) == _observed(heir.frame())


def test_interruptions_change_nothing() -> None:
    """Also one just at a sample: it is taken once."""
    whole, parts = _engine(), _engine()
    whole.advance(0.4)
    left = 0

    def interrupt() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    while True:
        left = 5
        if parts.advance(0.4, interrupt=interrupt):
            break
    assert _observed(whole.frame()) == _observed(parts.frame())


def test_threads_do_not_matter() -> None:
    one, two = _engine(threads=1), _engine(threads=2)
    for engine in (one, two):
        engine.advance(0.2)
    assert _observed(one.frame()) == _observed(two.frame())


def test_states_of_other_observables_are_refused() -> None:
    state = _engine().state()
    with pytest.raises(InputError, match="the state has observables = "):
        _engine(None).restore(state)


def _mean_of_frames(name: str, engine: ParticleEngine, frames: int) -> tuple[Array, Array]:
    """Mean and standard error over frames of a gas that has moved by two boxes between them."""
    values = []
    for n in range(1, frames + 1):
        engine.advance(n * engine.time_step)
        values.append(_value(engine.frame(), name))
    return np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / np.sqrt(frames)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("radial_distribution_AA", 1.0),
        ("pair_distribution_AA", 1.0),
        ("direction_correlation", 0.0),
        ("structure_factor_AA", 3.0),
    ],
)
def test_ideal_gas(name: str, expected: float) -> None:
    """Independent particles: g = 1, no correlation, S = rho; each frame is a new gas, as all of it moves a box apart."""
    observables = _observables([*ALL[2:5], "structure_factors"], 5.0, 5.0, reach=3.0, distance_bins=6)
    engine = ParticleEngine(
        free(TUMBLING, translational_diffusion=20.0), SIZE, {"A": 3.0}, time_step=5.0, seed=5, observables=observables
    )
    mean, error = _mean_of_frames(name, engine, 80)
    scores = ((mean - expected) / error).ravel()
    # as many scores as bins: their largest grows slowly with the number
    assert np.abs(scores).max() < (3.5 if scores.size < 20 else 4.5)
    assert np.mean(scores**2) < 1.0 + 4.0 * np.sqrt(2.0 / scores.size)
    assert error.max() < (0.35 if name.startswith("pair") else 0.25) * max(expected, 0.3)


def test_mean_squared_displacement_of_free_particles() -> None:
    """(2 v^2 tau^2)(t/tau - 1 + exp(-t/tau)) of active Brownian particles that cross the box many times."""
    observables = _observables(["mean_squared_displacement"], 4.0, 0.5)
    engine = ParticleEngine(free(), (4.0, 4.0), {"A": 250.0}, time_step=0.02, seed=11, observables=observables)
    engine.advance(4.0)
    shown = _value(engine.frame(), "mean_squared_displacement_A")
    times = np.arange(0.5, 4.25, 0.5)
    exact = 2.0 * (times - 1.0 + np.exp(-times))
    # squared displacements spread no more than those of a Gaussian in the plane: by their mean
    error = exact / np.sqrt(4000.0)
    assert np.all(np.abs(shown - exact) < 3.0 * error)
    assert shown[-1] > 1.4 * 4.0
    assert engine.warnings() == []


def test_moves_that_are_too_long_are_told() -> None:
    observables = _observables(["mean_squared_displacement"], 4.0, 2.0, reach=None)
    engine = ParticleEngine(free(), (3.0, 3.0), {"A": 20.0}, time_step=0.1, seed=1, observables=observables)
    engine.advance(4.0)
    assert np.all(np.isnan(_value(engine.frame(), "mean_squared_displacement_A")))
    assert any("shorten particles.observables.sample_interval" in one for one in engine.warnings())


def test_a_species_without_particles_is_shown_too() -> None:
    model = mixture(Sensing("bump", 1.0))
    engine = ParticleEngine(model, SIZE, {"A": 4.0, "B": 0.0}, time_step=0.01, seed=1, observables=EVERYTHING)
    engine.advance(0.05)
    frame = engine.frame()
    assert np.all(np.isnan(_value(frame, "radial_distribution_AB")))
    assert np.isnan(_value(frame, "mean_squared_displacement_B")[-1])
    assert np.isnan(_value(frame, "sampled_polar_order_B")[-1])
    assert np.all(_value(frame, "structure_factor_BB") == 0.0)
    assert _value(frame, "density_histogram_B")[0] > 0.0


@pytest.mark.parametrize("dimension", [1, 3])
def test_other_dimensions(dimension: int) -> None:
    names = [name for name in ALL if name not in PLANAR]
    observables = _observables(names, cluster_distance=0.2)
    engine = ParticleEngine(
        free(TUMBLING, dimension=dimension), (5.0,) * dimension, {"A": 2.0}, time_step=0.01, seed=1, observables=observables
    )
    engine.advance(0.2)
    frame = engine.frame()
    for name in ("radial_distribution_AA", "structure_factor_AA", "density_histogram_A", "direction_correlation"):
        assert np.all(np.isfinite(_value(frame, name)))


def _line(names: list[str]) -> ParticleEngine:
    model = Model(1, [Species("A", TUMBLING, "1.0")])
    return ParticleEngine(model, (20.0,), {"A": 5.0}, time_step=0.01, seed=1, observables=_observables(names))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: _line(["bond_order"]), r"particles\.observables\.bond_order is measured in two dimensions"),
        (lambda: _line(["pair_distribution"]), r"particles\.observables\.pair_distribution is measured in two"),
        (lambda: _engine(_observables(["radial_distribution"], reach=3.5)), "at most half of the shortest edge"),
        (lambda: _engine(_observables([], cluster_distance=3.5)), "at most half of the shortest edge"),
    ],
)
def test_what_cannot_be_measured_is_refused(make: Callable[[], ParticleEngine], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
