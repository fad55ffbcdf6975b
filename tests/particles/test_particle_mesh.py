"""Deposited densities: conservation, the cloud's own shape, and the structure factor of an ideal gas."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from particles import ParticleEngine
from particles.mesh import FramedFields, deposited_density, grid_for
from particles.neighbours import _MARGIN, CellOrder, SlabOrder
from particles.state import Particles
from tests.particles.builders import TUMBLING, free, mixture
from theory.fourier import Grid
from theory.observables import deposit_window

Array = NDArray[np.float64]


def particles_at(positions: Array, numbers: list[int]) -> Particles:
    offsets = np.concatenate([[0], np.cumsum(numbers)])
    return Particles(positions, np.zeros_like(positions), np.arange(positions.shape[1]), offsets)


def spline(distance: Array) -> Array:
    """Quadratic B-spline of unit spacing: the cloud's share in a cell whose centre is that far away."""
    r = np.abs(distance)
    return np.where(r < 0.5, 0.75 - r**2, np.where(r < 1.5, 0.5 * (1.5 - r) ** 2, 0.0))


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.floats(0.5, 9.0), st.integers(4, 9)), min_size=1, max_size=3),
)
def test_deposit_is_the_sum_of_clouds(seed: int, axes: list[tuple[float, int]]) -> None:
    grid = Grid(tuple(edge for edge, _ in axes), tuple(2 * half for _, half in reversed(axes)))
    rng = np.random.default_rng(seed)
    size = np.array(grid.size)
    positions = size[:, None] * rng.random((size.size, 30))
    positions[:, 0] = 0.0
    positions[:, 1] = np.nextafter(size, 0.0)
    density = deposited_density(particles_at(positions, [18, 12]), grid)
    expected = np.ones((1, 30))
    for axis in range(size.size):
        gap = positions[axis] - grid.coordinates("xyz"[axis])[:, None]
        share = spline((gap - size[axis] * np.round(gap / size[axis])) / grid.spacing[axis])
        # x runs fastest: each further axis goes in front
        expected = (share[:, None] * expected).reshape(-1, 30)
    expected = expected.reshape(*grid.shape, 30) / grid.cell_volume
    np.testing.assert_allclose(density[0], expected[..., :18].sum(axis=-1), atol=1e-12 / grid.cell_volume)
    np.testing.assert_allclose(density[1], expected[..., 18:].sum(axis=-1), atol=1e-12 / grid.cell_volume)


def test_number_is_conserved_to_round_off() -> None:
    engine = ParticleEngine(mixture(), [6.0, 7.0], {"A": 60.0, "B": 13.0}, time_step=0.02, seed=3)
    engine.advance(0.4)
    frame = engine.frame()
    ny, nx = frame.variables["density_A"].data.shape
    for name in "AB":
        total = np.sum(frame.variables[f"density_{name}"].data) * (6.0 / nx) * (7.0 / ny)
        assert total == pytest.approx(float(frame.variables[f"particle_number_{name}"].data), rel=1e-13)
    # the mesh that is sensed with holds them too
    mesh = engine._perception.mesh.mesh  # type: ignore[union-attr]
    totals = np.sum(mesh._densities.inside, axis=(1, 2)) * mesh.grid.cell_volume
    np.testing.assert_allclose(totals, engine._particles.numbers, rtol=1e-13)


def test_window_is_the_transform_of_the_cloud() -> None:
    grid = Grid((4.0, 3.0), (12, 16))
    density = deposited_density(particles_at(np.array([[1.0], [0.9]]), [1]), grid)[0]
    # the particle sits anywhere; only aliases, of relative size 1/(2 cells per wave)^3, depend on where
    spectrum = np.abs(np.fft.rfft2(density)) * grid.cell_volume
    low = (grid.wavenumber > 0.0) & (grid.wavenumber < 0.25 * np.pi / max(grid.spacing))
    np.testing.assert_allclose(spectrum[low], deposit_window(grid)[low], rtol=5e-3)


@given(st.integers(2, 60), st.integers(1, 3))
def test_strips_of_one_colour_never_meet(quarter: int, dimension: int) -> None:
    """Not even if every particle strays by the margin: what is deposited at the same time goes to different rows."""
    rows = 4 * quarter
    order = SlabOrder(np.full(dimension, rows / 8.0), (rows, *(1,) * (dimension - 1)), np.array([0, 1]))
    touched = []
    for first, last in itertools.pairwise(order.first_slabs):
        touched.append({row % rows for row in range(first - _MARGIN - 1, last + _MARGIN + 1)})
    for colour in (0, 1):
        for a, b in itertools.combinations(touched[colour::2], 2):
            assert not a & b


@pytest.mark.parametrize(("slabs", "together"), [(3, True), (12, True), (20, False)])
def test_slabs_that_are_no_rows_of_the_mesh(slabs: int, together: bool) -> None:
    """Thick strips are deposited in parallel, thin ones in turn; the densities are the same to round-off."""
    rng = np.random.default_rng(3)
    size = np.array([8.0, 8.0])
    particles = particles_at(8.0 * rng.random((2, 5000)), [3000, 2000])
    order = CellOrder(size, (slabs, 1), particles.offsets, margin=0.1)
    order.sort(particles)
    particles.places[1] = (particles.places[1] + rng.uniform(-0.1, 0.1, 5000)) % 8.0
    fields = FramedFields(2, Grid((8.0, 8.0), (64, 64)))
    assert fields._keeps_apart(order) == together
    fields.deposit(particles, particles.places, order)
    expected = deposited_density(particles, Grid((8.0, 8.0), (64, 64)))
    np.testing.assert_allclose(fields.inside, expected, rtol=1e-12, atol=1e-9)


def test_grids_are_fast_to_transform() -> None:
    for cells in (1.0, 8.0, 9.0, 101.0, 250.3, 256.0, 257.0):
        (ny, nx) = grid_for(np.array([cells, 2.0 * cells]), 1.0).shape
        for number, least in ((nx, cells), (ny, 2.0 * cells)):
            assert number % 4 == 0
            assert number >= least
            rest = number
            for prime in (2, 3, 5):
                while rest % prime == 0:
                    rest //= prime
            assert rest == 1


def test_structure_factor_of_an_ideal_gas() -> None:
    """S(q)/rho0 = 1 in every shell of the output grid below half its Nyquist wavenumber.

    A mode's |n_q|^2/N is exponentially distributed with mean 1, so that a shell of M independent modes has the standard error
    1/sqrt(M). The deposited density of a Poisson process carries, per axis, the window squared summed over all aliases,
    1 - s^2 + 2 s^4/15 with s = sin(q h/2) (Jing 2005, doi 10.1086/427087, Eq. 20, p = 3).
    """
    edge, number, powers = 8.0, 6000, []
    for seed in range(6):
        engine = ParticleEngine(free(TUMBLING), [edge, edge], {"A": number / edge**2}, time_step=0.1, seed=seed)
        engine.advance(1.0)
        density = engine.frame().variables["density_A"].data
        powers.append(np.abs(np.fft.rfft2(density) * edge**2 / density.size) ** 2 / number)
    grid = Grid((edge, edge), density.shape)
    aliased = 1.0
    for k, h in zip(np.meshgrid(*grid.wavenumbers[::-1], indexing="ij"), grid.spacing[::-1], strict=True):
        s = np.sin(0.5 * k * h) ** 2
        aliased = aliased * (1.0 - s + 2.0 * s**2 / 15.0)
    structure = np.mean(powers, axis=0) / aliased
    shell = np.rint(grid.wavenumber * edge / (2.0 * np.pi)).astype(int)
    checked = range(1, density.shape[0] // 4 + 1)
    scores = []
    for n in checked:
        inside = shell == n
        # stored modes of the first column come in conjugate pairs: both are stored, and neither counts twice
        weight = np.where((grid.multiplicity == 1.0)[inside], 0.5, 1.0)
        modes = len(powers) * np.sum(weight)
        scores.append((np.average(structure[inside], weights=weight) - 1.0) * np.sqrt(modes))
    assert len(scores) >= 8
    assert np.max(np.abs(scores)) < 3.0
