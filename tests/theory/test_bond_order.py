"""Voronoi neighbours and bond-orientational order against lattices, areas, a brute-force Voronoi test and planted order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from theory import InputError
from theory.observables.decay import better_decay
from theory.observables.hexatic import bond_angle, bond_correlation, global_bond_order, local_bond_order
from theory.observables.voronoi import voronoi_neighbours

Array = NDArray[np.float64]


def triangular(columns: int, rows: int, spacing: float = 1.0) -> tuple[Array, Array]:
    """Sites of a triangular lattice and its periodic box; an even number of rows."""
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    sites = np.stack([column + 0.5 * (row % 2), row * np.sqrt(0.75)], axis=-1).reshape(-1, 2) * spacing
    return sites, np.array([columns * spacing, rows * np.sqrt(0.75) * spacing])


def square(cells: int) -> tuple[Array, Array]:
    sites = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), axis=-1).reshape(-1, 2).astype(float)
    return sites, np.array([cells, cells], dtype=float)


def gas(seed: int, number: int, size: Array) -> Array:
    return np.random.default_rng(seed).random((number, 2)) * size


# --- neighbours ----------------------------------------------------------------------------------------------------


def test_triangular_lattice_has_six_neighbours() -> None:
    sites, box = triangular(6, 4, 1.7)
    found = voronoi_neighbours(sites, box)
    assert np.all(found.numbers == 6)
    np.testing.assert_allclose(np.linalg.norm(found.separations, axis=1), 1.7)
    np.testing.assert_allclose(found.edges, 1.7 / np.sqrt(3.0))
    np.testing.assert_allclose(found.areas, 1.7**2 * np.sqrt(0.75))


def test_one_particle_has_its_own_images_for_neighbours() -> None:
    found = voronoi_neighbours([[0.3, 0.1]], [1.0, 1.3])
    np.testing.assert_array_equal(found.second, [0, 0, 0, 0])
    assert found.areas[0] == pytest.approx(1.3)


def test_square_lattice_has_four_neighbours() -> None:
    """Cells that touch in a corner are no neighbours, whichever diagonal the triangulation took."""
    sites, box = square(5)
    found = voronoi_neighbours(sites, box)
    assert np.all(found.numbers == 4)
    np.testing.assert_allclose(found.edges, 1.0)


@given(st.integers(0, 10**6), st.integers(2, 30), st.floats(0.05, 1.0))
def test_cells_tile_the_box(seed: int, number: int, aspect: float) -> None:
    """Euler: six neighbours on average; the cells fill the box; every pair is there from both ends."""
    box = np.array([2.0, 2.0 * aspect])
    found = voronoi_neighbours(gas(seed, number, box), box)
    assert found.first.size == 6 * number
    assert found.areas.sum() == pytest.approx(np.prod(box), rel=1e-9)
    for column in range(2):
        ends = np.lexsort((found.separations[:, column], found.first, found.second))
        starts = np.lexsort((-found.separations[:, column], found.second, found.first))
        np.testing.assert_array_equal(found.first[starts], found.second[ends])
        np.testing.assert_allclose(found.separations[starts, column], -found.separations[ends, column], atol=1e-9)


def test_clustered_particles_with_wide_voids() -> None:
    """Circles as wide as the box: images must be taken from far away."""
    box = np.array([50.0, 50.0])
    points = np.concatenate([gas(1, 300, np.array([2.0, 2.0])), [[30.0, 20.0]]])
    found = voronoi_neighbours(points, box)
    assert found.first.size == 6 * 301
    assert found.areas.sum() == pytest.approx(2500.0)


def test_neighbours_share_an_edge() -> None:
    """By the definition: the middle of the shared edge is as near to both, and no nearer to any third particle."""
    box = np.array([3.0, 2.0])
    points = gas(4, 25, box)
    found = voronoi_neighbours(points, box)
    shifts = np.array([[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1)]) * box
    images = (points[None] + shifts[:, None]).reshape(-1, 2)
    grid = np.stack(np.meshgrid(np.linspace(0.0, 3.0, 400), np.linspace(0.0, 2.0, 300)), axis=-1).reshape(-1, 2)
    nearest, second = cKDTree(images).query(grid, 2)[1].T
    # neighbours are those that are first and second somewhere
    seen = {(a % 25, b % 25) for a, b in zip(nearest, second, strict=True)}
    assert seen <= set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert len(seen) > 0.9 * len(set(zip(found.first.tolist(), found.second.tolist(), strict=True)))


def test_neighbours_that_do_not_exist() -> None:
    with pytest.raises(InputError, match="2 particles have no Voronoi neighbours: they lie exactly where others do"):
        voronoi_neighbours([[0.1, 0.1], [0.1, 0.1], [0.5, 0.6], [0.5, 0.6]], [1.0, 1.0])
    with pytest.raises(InputError, match="in two dimensions"):
        voronoi_neighbours(np.zeros((3, 3)), [1.0, 1.0, 1.0])
    with pytest.raises(InputError, match="in two dimensions"):
        voronoi_neighbours(np.zeros((0, 2)), [1.0, 1.0])


# --- bond order ----------------------------------------------------------------------------------------------------


def test_perfect_crystals() -> None:
    sites, box = triangular(8, 10)
    order = local_bond_order(sites, box)
    np.testing.assert_allclose(order, 1.0, atol=1e-12)
    assert global_bond_order(order) == pytest.approx(1.0)
    np.testing.assert_allclose(bond_angle(order), 0.0, atol=1e-6)
    # turned by 30 degrees, bonds point the other way
    turned = local_bond_order(sites[:, ::-1], box[::-1])
    np.testing.assert_allclose(turned, -1.0, atol=1e-12)
    sites, box = square(6)
    np.testing.assert_allclose(local_bond_order(sites, box), 0.0, atol=1e-12)
    np.testing.assert_allclose(local_bond_order(sites, box, fold=4), 1.0, atol=1e-12)
    np.testing.assert_allclose(local_bond_order(sites, box, by_edge=True), 0.0, atol=1e-12)


def test_bond_order_of_a_gas_is_small() -> None:
    """Independent particles: |mean| of the order of one over the root of their number."""
    order = local_bond_order(gas(2, 4000, np.array([60.0, 60.0])), [60.0, 60.0])
    assert global_bond_order(order) < 3.0 / np.sqrt(4000.0)
    assert 0.2 < np.mean(np.abs(order)) < 0.5


@given(st.integers(0, 10**6), st.tuples(st.floats(-9.0, 9.0), st.floats(-9.0, 9.0)))
def test_symmetries_of_bond_order(seed: int, shift: tuple[float, float]) -> None:
    """Moving changes nothing, renaming renames it, a quarter turn multiplies by exp(6 i pi/2), a mirror conjugates."""
    box = np.array([5.0, 5.0])
    points = gas(seed, 30, box)
    order = local_bond_order(points, box)
    permutation = np.random.default_rng(seed).permutation(30)
    np.testing.assert_allclose(local_bond_order((points + np.array(shift))[permutation], box), order[permutation], atol=1e-7)
    np.testing.assert_allclose(local_bond_order(points[:, ::-1] * [-1.0, 1.0], box), -order, atol=1e-7)
    np.testing.assert_allclose(local_bond_order(points * [-1.0, 1.0], box), order.conj(), atol=1e-7)


def test_two_grains() -> None:
    """Two halves with bonds turned by a right angle: local order everywhere, none on average, and angles of 0 or pi."""
    order = np.repeat([1.0 + 0.0j, -1.0 + 0.0j], [60, 40])
    assert global_bond_order(order) == pytest.approx(0.2)
    np.testing.assert_allclose(bond_angle(order), np.repeat([0.0, np.pi], [60, 40]))


def test_edge_weights_make_order_continuous() -> None:
    """Shearing a square lattice a little: equal weights jump, since diagonals become neighbours; weights by edges do not."""
    sites, box = square(8)
    strained = sites + np.array([1e-3, 0.0]) * np.sin(2.0 * np.pi * sites[:, 1:] / 8.0)
    assert np.max(np.abs(local_bond_order(strained, box))) > 0.1
    assert np.max(np.abs(local_bond_order(strained, box, by_edge=True))) < 0.02


# --- correlations --------------------------------------------------------------------------------------------------


def test_correlation_in_a_crystal_is_one() -> None:
    sites, box = triangular(12, 14)
    found = bond_correlation(local_bond_order(sites, box), sites, box, 5.0, 50)
    held = found.counts > 0
    np.testing.assert_allclose(found.normalised[held], 1.0)
    assert np.all(np.isnan(found.values[~held]))


@pytest.mark.parametrize("law", ["exponential", "power law"])
def test_planted_decay(law: str) -> None:
    """A complex field on points with a given correlation is found to decay by the law with which it was made."""
    generator = np.random.default_rng(3)
    cells, edge = 128, 64.0
    n = np.fft.fftfreq(cells, 1.0 / cells)
    r = np.hypot(*np.meshgrid(n, n)) * edge / cells
    wanted = np.exp(-r / 4.0) if law == "exponential" else np.maximum(r, 0.5) ** -0.25
    power = np.maximum(np.fft.fft2(wanted).real, 0.0)
    correlation = np.fft.ifft2(power).real
    fields = [
        np.fft.ifft2(
            np.sqrt(power)
            * np.fft.fft2(generator.standard_normal((cells, cells)) + 1j * generator.standard_normal((cells, cells)))
        )
        for _ in range(12)
    ]
    sites = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), axis=-1).reshape(-1, 2) * edge / cells
    chosen = generator.choice(cells**2, 2500, replace=False)
    curves = [bond_correlation(field.ravel()[chosen], sites[chosen], [edge, edge], 16.0, 32) for field in fields]
    mean = np.mean([one.values for one in curves], axis=0) / np.mean([one.at_zero for one in curves])
    np.testing.assert_allclose(mean[5], correlation[0, 5:7].mean() / correlation[0, 0], atol=0.08)
    first, second = better_decay(curves[0].distances[1:], mean[1:], curves[0].counts[1:])
    assert first.law == law
    assert first.misfit < 0.7 * second.misfit
    assert first.constant == pytest.approx(4.0 if law == "exponential" else 0.25, rel=0.25)
