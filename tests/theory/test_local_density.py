"""Local densities, phase densities and Fourier modes of particles, against counts, planted phases and Parseval's theorem."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import theory.observables.structure as structure
from theory import InputError
from theory.fourier import Grid
from theory.observables import Shells, modes, phases, structure_factors
from theory.observables.local_density import cell_density, coarse_density, density_histogram
from theory.observables.structure import particle_modes

Array = NDArray[np.float64]


def gas(seed: int, number: int, size: tuple[float, ...]) -> Array:
    return np.random.default_rng(seed).random((number, len(size))) * size


# --- densities -----------------------------------------------------------------------------------------------------


def test_particles_are_counted_in_their_cells() -> None:
    points = np.array([[0.1, 0.1], [0.9, 0.1], [2.9, 3.9], [-0.1, -0.1], [1.5, 2.5]])
    found = cell_density(points, (3.0, 4.0), (3, 2), [0, 0, 0, 1, 1])
    # (species, y, x) in cells of 1 by 2
    expected = np.zeros((2, 2, 3))
    expected[0, 0, 0], expected[0, 1, 2] = 1.0, 0.5
    expected[1, 1, 2], expected[1, 1, 1] = 0.5, 0.5
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("size", [(9.0,), (6.0, 4.0), (3.0, 2.0, 2.5)], ids=["1D", "2D", "3D"])
def test_coarse_graining_keeps_particles(size: tuple[float, ...]) -> None:
    points = gas(1, 200, size)
    species = np.arange(200) % 2
    found = coarse_density(points, size, 0.3, species)
    assert found.ndim == len(size) + 1
    np.testing.assert_allclose(found.reshape(2, -1).mean(axis=1), 100.0 / np.prod(size))


def test_one_particle_becomes_a_gaussian() -> None:
    """Across the corner of the box, with the width asked for along both axes of an oblong box."""
    found = coarse_density([[0.0, 0.0]], (8.0, 4.0), 0.5)[0]
    x = (np.arange(found.shape[1]) + 0.5) * 8.0 / found.shape[1]
    y = (np.arange(found.shape[0]) + 0.5) * 4.0 / found.shape[0]
    x, y = np.minimum(x, 8.0 - x), np.minimum(y, 4.0 - y)
    weight = found / found.sum()
    # a cell's width adds to the Gaussian's, and the particle sits in the corner of its cell
    assert np.sum(weight * x**2) == pytest.approx(0.25, rel=0.1)
    assert np.sum(weight * y[:, None] ** 2) == pytest.approx(0.25, rel=0.1)


def test_phase_densities_of_particles() -> None:
    """Two slabs of 60 and 20 particles per area are found with their densities and shares."""
    generator = np.random.default_rng(4)
    dense, dilute = generator.random((6000, 2)) * [10.0, 10.0], generator.random((4000, 2)) * [20.0, 10.0] + [10.0, 0.0]
    density = coarse_density(np.concatenate([dense, dilute]), (30.0, 10.0), 0.7)
    first, second = phases(density)
    # local densities scatter by the root of the density over 4 pi width^2, 3.1 and 1.8, and a slab holds 16 and 32 such areas
    assert first.densities[0] == pytest.approx(60.0, abs=3.1)
    assert second.densities[0] == pytest.approx(20.0, abs=1.8)
    assert first.share == pytest.approx(1.0 / 3.0, abs=0.03)


def test_histogram_of_an_ideal_gas() -> None:
    """Counts in cells are Poisson distributed."""
    from scipy.stats import poisson

    points = gas(2, 80_000, (100.0, 100.0))
    density = cell_density(points, (100.0, 100.0), (100, 100))
    edges, shares = density_histogram(density + 0.5, 30, 30.0)
    expected = poisson.pmf(np.arange(30), 8.0)
    errors = np.sqrt(expected / 10_000.0)
    seen = expected > 1e-3
    assert np.max(np.abs((shares[0] - expected)[seen] / errors[seen])) < 4.0
    np.testing.assert_allclose(edges, np.arange(31.0))
    assert np.sum(shares * np.diff(edges)) == pytest.approx(1.0)


def test_densities_out_of_range() -> None:
    points = gas(0, 5, (4.0, 4.0))
    with pytest.raises(InputError, match="must be positive, one for each of 2 dimensions"):
        cell_density(points, (4.0, 4.0), (4,))
    for width in (0.0, 2.1, np.inf):
        with pytest.raises(InputError, match="must be positive and at most half of the shortest edge, 2"):
            coarse_density(points, (4.0, 4.0), width)
    with pytest.raises(InputError, match="a histogram of densities needs bins"):
        density_histogram(np.ones((1, 4)), 0)
    with pytest.raises(InputError, match="a positive upper edge"):
        density_histogram(np.zeros((1, 4)), 3)


# --- modes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(12,), (8, 12), (8, 10, 12)], ids=["1D", "2D", "3D"])
def test_particles_on_the_sites_of_a_grid(shape: tuple[int, ...]) -> None:
    """Then the sum over particles is the discrete transform of their numbers, and Parseval's theorem holds."""
    generator = np.random.default_rng(6)
    size = tuple(0.7 * cells + 0.3 for cells in shape[::-1])
    grid = Grid(size, shape)
    numbers = generator.integers(0, 3, shape)
    sites = np.argwhere(numbers > 0)[:, ::-1]
    occupied = np.repeat(sites, numbers[tuple(sites[:, ::-1].T)], axis=0)
    found = particle_modes(occupied * np.array(grid.spacing), grid)[0]
    np.testing.assert_allclose(found, np.fft.rfftn(numbers), atol=1e-9)
    power = np.sum(grid.multiplicity * np.abs(found) ** 2) / grid.cells
    assert power == pytest.approx(np.sum(numbers.astype(float) ** 2))


def test_modes_agree_with_those_of_fields() -> None:
    """Particles on sites, deposited as a density: the same modes and structure factors by the route of the fields."""
    grid = Grid((6.0, 4.0), (16, 24))
    sites = np.random.default_rng(1).integers(0, (24, 16), (300, 2))
    species = np.arange(300) % 2
    density = cell_density((sites + 0.5) * np.array(grid.spacing), grid.size, (24, 16), species)
    direct, deposited = particle_modes(sites * np.array(grid.spacing), grid, species, 2), modes(density, grid)
    np.testing.assert_allclose(direct, deposited, atol=1e-10)
    shells = Shells.of(grid, 5.0)
    np.testing.assert_allclose(structure_factors(direct, grid, shells), structure_factors(deposited, grid, shells), atol=1e-10)


@given(st.integers(0, 10**6), st.tuples(st.floats(-9.0, 9.0), st.floats(-9.0, 9.0)))
def test_symmetries_of_modes(seed: int, shift: tuple[float, float]) -> None:
    """A translation multiplies by phases; a mirror image exchanges q and -q; the order of particles does not matter."""
    grid = Grid((3.0, 3.0), (8, 8))
    points = gas(seed, 15, (3.0, 3.0))
    before = particle_modes(points, grid)[0]
    kx, ky = grid.wavenumbers[0], grid.wavenumbers[1][:, None]
    moved = particle_modes((points + np.array(shift))[::-1], grid)[0]
    np.testing.assert_allclose(moved, before * np.exp(-1j * (kx * shift[0] + ky * shift[1])), atol=1e-9)
    mirrored = particle_modes(points * [1.0, -1.0], grid)[0]
    np.testing.assert_allclose(mirrored[1:4], before[:4:-1], atol=1e-9)
    turned = particle_modes(points[:, ::-1] * [-1.0, 1.0], grid)[0]
    # S(qx, qy) of the turned configuration is S(qy, -qx)
    np.testing.assert_allclose(np.abs(turned[1, 2]), np.abs(before[-2, 1]), atol=1e-9)


def test_pieces_of_modes_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid((3.0, 3.0), (8, 8))
    points = gas(5, 40, (3.0, 3.0))
    whole = particle_modes(points, grid)
    monkeypatch.setattr(structure, "_CHUNK", 50)
    np.testing.assert_allclose(particle_modes(points, grid), whole, atol=1e-12)
