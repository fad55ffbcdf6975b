from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

from tests.theory.models import cross
from tests.theory.test_currents import rough
from tests.theory.test_hierarchy import mixture
from tests.theory.test_path_entropy import travelling
from theory import InputError
from theory.arrays import Array
from theory.currents import Currents
from theory.fourier import Grid
from theory.path_entropy import PathEntropy
from theory.travelling import PatternTrack, PatternVelocity
from theory.weak_noise import density_map, harmonic_map


def test_map_of_order_zero_is_that_of_the_path() -> None:
    """A short deterministic step: -J o grad u with the deterministic current, and its integral from the densities alone."""
    model, grid = cross(0.4, -0.3), Grid((8.0, 8.0), (48, 48))
    currents, density = Currents(model, grid), rough(grid, 3)
    flux, step = currents.flux(density), 1e-6
    later = density - step * currents.fields(currents.divergence(flux))
    found = PathEntropy(model, grid, local=True)
    found.accumulate(0.0, density, step, later, flux)
    expected = density_map(currents, density)
    result = found.result()
    assert result.density is not None
    np.testing.assert_allclose(result.density, expected, atol=1e-5 * expected.max())
    assert result.rates[0] == pytest.approx(expected.sum() * grid.cell_volume, rel=1e-5)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_homogeneous_states_produce_nothing(dimension: int) -> None:
    grid = Grid((4.0,) * dimension, (8,) * dimension)
    currents = Currents(mixture(dimension), grid)
    density = np.broadcast_to(np.array([45.0, 55.0]).reshape(2, *(1,) * dimension), (2, *grid.shape))
    assert np.all(density_map(currents, density) < 1e-20)
    assert np.all(harmonic_map(currents, density, {1: np.zeros((2, dimension, *grid.shape))}) < 1e-20)


def test_a_polarity_that_follows_the_density_gives_the_map_of_order_zero() -> None:
    model, grid = cross(0.4, -0.3), Grid((8.0, 8.0), (48, 48))
    currents, density = Currents(model, grid), rough(grid, 3)
    polarity = currents.flux(density) / currents.speeds(density)[:, None]
    expected = density_map(currents, density)
    np.testing.assert_allclose(harmonic_map(currents, density, {1: polarity}), expected, rtol=1e-10)
    nematic = {2: np.ones((2, 2, *grid.shape))}
    more = harmonic_map(currents, density, {1: polarity, **nematic})
    # two functions of the mean square 1/2 and the rate 1 for both species
    np.testing.assert_allclose(more - expected, np.sum(4.0 / density, axis=0), rtol=1e-9)


def test_densities_must_be_positive() -> None:
    grid = Grid((4.0, 4.0), (8, 8))
    with pytest.raises(InputError, match="falls to 0"):
        density_map(Currents(cross(0.1, 0.1), grid), np.zeros((2, 8, 8)))


def motion(path: Iterable[Array], grid: Grid, interval: float) -> PatternVelocity:
    """Mean motion of the densities of a path, all modes of their grid followed."""
    track = PatternTrack(grid, np.inf, None)
    for before, after in pairwise(path):
        track.step(before, after, interval)
    return track.motion(interval)


@pytest.mark.parametrize("velocity", [(0.8, 0.4), (-2.5, 1.5), (0.0, 0.0)])
def test_velocity_of_a_pattern(velocity: tuple[float, float]) -> None:
    grid = Grid((8.0, 8.0), (32, 32))
    path = [travelling(grid, np.array(velocity), 0.3 * n) for n in range(4)]
    found = motion(path, grid, 0.3)
    np.testing.assert_allclose(found.velocity, velocity, atol=1e-9)
    assert found.coherence == pytest.approx(1.0)
    largest = 2.0 * np.pi / 8.0 * 0.3 * max(abs(m * velocity[0] + n * velocity[1]) for m, n in ((1, 1), (1, -1), (2, 1)))
    assert found.largest_turn <= largest + 1e-9


def test_fluctuations_hardly_slow_a_pattern() -> None:
    """What keeps its phase between frames counts by the square of its power, here a fiftieth of the pattern's."""
    grid, speed, interval = Grid((8.0, 8.0), (32, 32)), 0.8, 0.1
    x = grid.coordinates("x")
    band = (grid.wavenumber > 1.0) & (grid.wavenumber < 3.0)
    noise = np.fft.rfft2(np.random.default_rng(2).normal(size=grid.shape)) * band
    noise *= np.sqrt(0.02 / np.mean(np.abs(noise[band]) ** 2)) * 0.5 * grid.cells
    waves = [np.tile(np.cos(2.0 * np.pi / 8.0 * (x - speed * n * interval)), (32, 1)) for n in range(60)]
    path = np.fft.rfft2(np.array(waves))[:, None] + noise
    found = motion([np.fft.irfft2(one, s=grid.shape) for one in path], grid, interval).velocity
    assert found[0] == pytest.approx(speed, rel=0.1)


def test_what_does_not_move_as_a_whole_is_not_coherent() -> None:
    grid = Grid((8.0, 8.0), (32, 32))
    noise = np.random.default_rng(1).normal(size=(40, 1, 32, 32))
    found = motion(noise, grid, 1.0)
    assert found.coherence < 0.5
    assert motion(np.ones((2, 1, 32, 32)), grid, 1.0).coherence == 0.0
