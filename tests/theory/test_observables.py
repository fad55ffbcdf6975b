"""Observables against sums over points, real-space averages and patterns whose answers are known."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory import InputError
from theory.fourier import Grid
from theory.observables import (
    Shells,
    Smoothing,
    band_variance,
    deposit_window,
    domain_size,
    dominant_wavenumber,
    filtered,
    modes,
    phases,
    structure_factors,
    travelling_speed,
)

Array = NDArray[np.float64]

GRID = Grid((12.0, 8.0), (16, 24))
# number of standard errors that no one of some hundred numbers may leave: a chance of 1e-5 each
FAR = 4.5


def plane(grid: Grid, n: tuple[int, int], phase: float = 0.0) -> Array:
    """cos(q.r + phase) for the mode with these numbers of waves along x and y, shape (ny, nx)."""
    x, y = np.meshgrid(grid.coordinates("x"), grid.coordinates("y"))
    return np.asarray(np.cos(2.0 * np.pi * (n[0] * x / grid.size[0] + n[1] * y / grid.size[1]) + phase))


def length_of(grid: Grid, n: tuple[int, int]) -> float:
    return float(2.0 * np.pi * np.hypot(n[0] / grid.size[0], n[1] / grid.size[1]))


# --- modes, shells, structure factors ------------------------------------------------------------------------------


def test_modes_are_the_fourier_integral() -> None:
    """rho_q = int rho exp(-i q.r): the sum over cells with its phases, up to that of the first cell's centre."""
    density = np.random.default_rng(0).random((2, *GRID.shape))
    found = modes(density, GRID)
    x, y = np.meshgrid(np.arange(24) * 0.5, np.arange(16) * 0.5)
    for row, column in [(0, 0), (3, 5), (13, 12), (8, 0)]:
        kx, ky = GRID.wavenumbers[0][column], GRID.wavenumbers[1][row]
        direct = np.sum(density * np.exp(-1j * (kx * x + ky * y)), axis=(1, 2)) * 0.25
        np.testing.assert_allclose(found[:, row, column], direct, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(found[:, 0, 0].real, density.mean(axis=(1, 2)) * 96.0, rtol=1e-13)


@pytest.mark.parametrize("n", [(3, 0), (0, 2), (2, 2), (2, -2), (1, -3)])
def test_structure_factors_of_a_plane_wave(n: tuple[int, int]) -> None:
    """A wave of amplitude a has |rho_q|^2/volume = a^2 volume/4 at q and -q, and cos(phase) of it between species."""
    density = np.stack([5.0 + 2.0 * plane(GRID, n), 9.0 + 3.0 * plane(GRID, n, 0.8)])
    shells = Shells.of(GRID, 4.0)
    found = structure_factors(modes(density, GRID), GRID, shells)
    shell = int(np.floor(length_of(GRID, n) * 12.0 / (2.0 * np.pi) + 0.5)) - 1
    expected = np.zeros((2, 2, shells.counts.size))
    pair = 96.0 / 4.0 * np.array([[4.0, 6.0 * np.cos(0.8)], [6.0 * np.cos(0.8), 9.0]])
    # q and -q, among all modes of the shell
    expected[:, :, shell] = pair * 2.0 / shells.counts[shell]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_shells_count_every_mode_once() -> None:
    """All modes of the full plane, enumerated by hand, are found in the shells."""
    shells = Shells.of(GRID, 2.5)
    nx, ny = np.meshgrid(np.arange(-12, 12), np.arange(-8, 8))
    q = 2.0 * np.pi * np.hypot(nx / 12.0, ny / 8.0)
    inside = q[(q > 0.0) & (q <= 2.5)]
    number = np.floor(inside / (2.0 * np.pi / 12.0) + 0.5).astype(int) - 1
    np.testing.assert_array_equal(shells.counts, np.bincount(number))
    np.testing.assert_allclose(shells.wavenumbers, np.bincount(number, inside) / np.bincount(number), rtol=1e-13)
    np.testing.assert_allclose(shells.average(GRID.wavenumber), shells.wavenumbers, rtol=1e-13)
    assert shells.average(np.ones((3, 2, *GRID.spectral_shape))).shape == (3, 2, shells.counts.size)


def test_shells_of_another_width_and_without_modes() -> None:
    wide = Shells.of(GRID, 2.5, width=1.0)
    assert wide.counts.sum() == Shells.of(GRID, 2.5).counts.sum()
    assert np.all(np.abs(wide.wavenumbers - np.arange(1, wide.counts.size + 1)) < 0.5)
    with pytest.raises(InputError, match=r"no mode of the box lies below the wavenumber 0\.5"):
        Shells.of(GRID, 0.5)


def test_structure_factors_of_independent_points() -> None:
    """Poisson points: S_aa = rho_a and S_ab = 0, mode by mode, from the exact sum of phases.

    |rho_q|^2 of one mode is exponentially distributed: over ``draws`` sets and ``counts``/2 independent modes the mean has the
    relative standard error sqrt(2/(counts draws)); the real part of a product of two species has half the variance.
    """
    grid, draws, rho = Grid((5.0, 5.0), (16, 16)), 40, (6.0, 3.0)
    generator = np.random.default_rng(1)
    shells = Shells.of(grid, 6.5)
    total = np.zeros((2, 2, shells.counts.size))
    for _ in range(draws):
        rows = []
        for one in rho:
            points = generator.random((2, generator.poisson(one * 25.0))) * 5.0
            wave_x = np.exp(-1j * np.outer(grid.wavenumbers[0], points[0]))
            wave_y = np.exp(-1j * np.outer(grid.wavenumbers[1], points[1]))
            rows.append(wave_y @ wave_x.T)
        total += structure_factors(np.stack(rows), grid, shells) / draws
    error = np.sqrt(2.0 / (shells.counts * draws))
    for s in (0, 1):
        assert np.all(np.abs(total[s, s] / rho[s] - 1.0) < FAR * error)
    assert np.all(np.abs(total[0, 1]) < FAR * error * np.sqrt(rho[0] * rho[1] / 2.0))
    np.testing.assert_array_equal(total[0, 1], total[1, 0])


def spline_cloud(points: Array, grid: Grid) -> Array:
    """Triangular-shaped clouds by their formula, one particle and one cell at a time."""
    out = np.zeros(grid.shape)
    for x, y in points.T:
        # in units of cells, from the centre of cell 0
        u, v = x / grid.spacing[0] - 0.5, y / grid.spacing[1] - 0.5
        for i in range(round(u) - 1, round(u) + 2):
            for j in range(round(v) - 1, round(v) + 2):
                weight = 1.0
                for s in (abs(u - i), abs(v - j)):
                    weight *= 0.75 - s**2 if s <= 0.5 else 0.5 * (1.5 - s) ** 2
                out[j % grid.shape[0], i % grid.shape[1]] += weight / grid.cell_volume
    return out


def test_deposit_window_is_the_mean_response_of_a_cloud() -> None:
    """Averaged over positions within a cell, aliases cancel, and the modes of a deposit are the window times exp(-i q.r).

    Positions on a 12 x 12 lattice within the cell leave the twelfth aliases, of the relative size (1/12)^3 at the Nyquist mode.
    """
    grid, lattice = Grid((6.0, 4.0), (8, 12)), (np.arange(12) + 0.5) / 12.0
    kx, ky = grid.wavenumbers[0][None, :], grid.wavenumbers[1][:, None]
    response = np.zeros(grid.spectral_shape, dtype=complex)
    for u in lattice:
        for v in lattice:
            x, y = 3.0 + u * grid.spacing[0], 1.0 + v * grid.spacing[1]
            # modes count from the centre of the first cell
            offset = np.exp(1j * (kx * (x - 0.5 * grid.spacing[0]) + ky * (y - 0.5 * grid.spacing[1])))
            response += modes(spline_cloud(np.array([[x], [y]]), grid)[None], grid)[0] * offset / 144.0
    window = deposit_window(grid)
    np.testing.assert_allclose(response, window, atol=2e-3 * window.min())
    assert window[0, 0] == 1.0
    np.testing.assert_allclose(window.min(), (2.0 / np.pi) ** 6, rtol=1e-12)


def test_dividing_by_the_window_recovers_low_modes() -> None:
    """What is left is the alias of the deposit: q a/(2 pi) to the third power, next to nothing for long waves."""
    grid = Grid((6.0, 6.0), (48, 48))
    points = np.random.default_rng(2).random((2, 300)) * 6.0
    found = modes(spline_cloud(points, grid)[None], grid, deposit_window(grid))[0]
    centre = 0.5 * 6.0 / 48
    kx, ky = grid.wavenumbers
    exact = np.exp(-1j * np.outer(ky, points[1] - centre)) @ np.exp(-1j * np.outer(kx, points[0] - centre)).T
    low = grid.wavenumber <= np.pi
    # 300 unit contributions add up to about sqrt(300), each with an error of at most 4 aliases of (q a/2 pi)^3
    bound = 4.0 * (np.pi * 0.125 / (2.0 * np.pi)) ** 3 * np.sqrt(300.0) * FAR
    assert np.abs(found - exact)[low].max() < bound
    uncorrected = modes(spline_cloud(points, grid)[None], grid)[0]
    assert np.abs(uncorrected - exact)[low].max() > 2.0 * bound


# --- variances and filters -----------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
def test_parseval(seed: int) -> None:
    density = np.random.default_rng(seed).random((2, *GRID.shape))
    found = band_variance(modes(density, GRID), GRID, np.ones(GRID.spectral_shape))
    np.testing.assert_allclose(found, density.var(axis=(1, 2)), rtol=1e-12)


def test_band_variance_is_that_of_the_filtered_density() -> None:
    generator = np.random.default_rng(3)
    density = generator.random((2, *GRID.shape))
    # of a real filter that depends on |q| alone
    multiplier = np.exp(-0.3 * GRID.squared_wavenumber) * (GRID.wavenumber < 3.0)
    smooth = filtered(modes(density, GRID), GRID, multiplier)
    found = band_variance(modes(density, GRID), GRID, multiplier)
    np.testing.assert_allclose(found, smooth.var(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_allclose(smooth.mean(axis=(1, 2)), density.mean(axis=(1, 2)), rtol=1e-13)
    assert np.all(found < density.var(axis=(1, 2)))


def test_a_filter_of_ones_changes_nothing_and_arguments_are_left_alone() -> None:
    density = np.random.default_rng(4).random((1, *GRID.shape))
    ones, transformed = np.ones(GRID.spectral_shape), modes(density, GRID)
    before = transformed.copy()
    np.testing.assert_allclose(filtered(transformed, GRID, ones), density, atol=1e-14)
    band_variance(transformed, GRID, ones)
    structure_factors(transformed, GRID, Shells.of(GRID, 2.0))
    np.testing.assert_array_equal(transformed, before)


# --- dominant wavenumber -------------------------------------------------------------------------------------------


def shells_up_to(number: int) -> Shells:
    """Shells of unit distance at 1, 2, ..., each with one mode."""
    return Shells(np.arange(1.0, number + 1), np.ones(number), np.zeros((1, 1), dtype=np.int64), np.ones((1, 1)))


@given(st.floats(2.6, 7.4), st.floats(0.1, 5.0))
def test_dominant_wavenumber_of_a_parabola_is_exact(top: float, height: float) -> None:
    shells = shells_up_to(9)
    found = dominant_wavenumber(shells, height * (100.0 - (shells.wavenumbers - top) ** 2))
    assert found == pytest.approx(top, abs=1e-10)


def test_dominant_wavenumber_at_edges_plateaus_and_empty_shells() -> None:
    shells = shells_up_to(5)
    assert dominant_wavenumber(shells, np.array([5.0, 4.0, 3.0, 2.0, 1.0])) == 1.0
    assert dominant_wavenumber(shells, np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == 5.0
    assert dominant_wavenumber(shells, np.array([1.0, 3.0, 3.0, 3.0, 1.0])) == pytest.approx(2.5)
    empty = Shells(shells.wavenumbers, np.array([1.0, 1.0, 1.0, 0.0, 1.0]), shells.index, shells.weights)
    assert dominant_wavenumber(empty, np.array([1.0, 2.0, 1.0, 9.0, 0.0])) == pytest.approx(2.0)


def test_dominant_wavenumber_of_a_pattern() -> None:
    """A ring of modes about 4 waves per box: found to a tenth of the distance of modes."""
    grid = Grid((16.0, 16.0), (64, 64))
    generator = np.random.default_rng(5)
    spacing = 2.0 * np.pi / 16.0
    amplitude = np.exp(-0.5 * ((grid.wavenumber / spacing - 4.3) / 1.0) ** 2)
    noise = np.fft.rfft2(generator.standard_normal((50, *grid.shape)))
    shells = Shells.of(grid, 4.0)
    spectrum = np.mean([structure_factors(one[None] * amplitude, grid, shells)[0, 0] for one in noise], axis=0)
    assert dominant_wavenumber(shells, spectrum) == pytest.approx(4.3 * spacing, abs=0.1 * spacing)


# --- phases --------------------------------------------------------------------------------------------------------


def slabs(levels: Array, shares: Array, cells: int = 128, width: float = 2.0) -> Array:
    """Slabs of densities (phase, species) along x with tanh interfaces of a width in cells, shape (species, 48, cells)."""
    x, edges = np.arange(cells) + 0.5, np.cumsum(shares) * cells
    density = np.zeros((levels.shape[1], cells))
    for level, share, edge in zip(levels, shares, edges, strict=True):
        for shift in (-cells, 0, cells):
            inside = np.tanh((x - edge + share * cells + shift) / width) - np.tanh((x - edge + shift) / width)
            density += 0.5 * level[:, None] * inside
    return np.repeat(density[:, None], 48, axis=1)


CASES = {
    "one species": ([[80.0], [20.0]], [0.3, 0.7]),
    "demixed": ([[94.0, 16.0], [16.0, 94.0]], [0.5, 0.5]),
    "weak partner": ([[72.0, 12.0], [19.0, 18.0]], [0.42, 0.58]),
    "three phases": ([[100.0, 17.0], [81.0, 81.0], [17.0, 100.0]], [0.3, 0.4, 0.3]),
    "three species": ([[80.0, 10.0, 12.0], [10.0, 80.0, 12.0], [10.0, 12.0, 80.0]], [0.3, 0.4, 0.3]),
    "a uniform partner": ([[80.0, 33.3], [20.0, 33.3]], [0.4, 0.6]),
    "five species": ([[80.0, 10.0, 12.0, 30.0, 60.0], [10.0, 80.0, 40.0, 12.0, 60.0]], [0.4, 0.6]),
}


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("case", CASES)
def test_phases_of_known_densities(case: str, noise: float) -> None:
    """Densities within 1 % of the largest, shares within what interfaces and noise may move, whatever the order."""
    levels, shares = np.array(CASES[case][0]), np.array(CASES[case][1])
    generator = np.random.default_rng(6)
    clean = slabs(levels, shares)
    found = phases(clean * (1.0 + noise * generator.standard_normal(clean.shape)))
    assert len(found) == len(levels)
    for level, share in zip(levels, shares, strict=True):
        nearest = min(found, key=lambda one: float(np.sum((one.densities - level) ** 2)))
        assert np.abs(nearest.densities - level).max() < 0.01 * levels.max()
        assert nearest.share == pytest.approx(share, abs=0.03)
    assert sum(one.share for one in found) == pytest.approx(1.0)


def test_phases_are_ordered_by_density_whatever_their_places() -> None:
    levels, shares = np.array(CASES["weak partner"][0]), np.array(CASES["weak partner"][1])
    one, other = phases(slabs(levels, shares)), phases(slabs(levels[::-1], shares[::-1]))
    assert one[0].densities[0] > one[1].densities[0]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.densities, b.densities, rtol=0.01)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_one_phase(noise: float) -> None:
    """The mode of a Gaussian cloud, to a fifth of its width: it is the mean of those inside a ball, some thousand of them."""
    generator = np.random.default_rng(7)
    level = np.array([50.0, 30.0])
    (found,) = phases(level[:, None, None] * (1.0 + noise * generator.standard_normal((2, 64, 64))))
    assert found.share == 1.0
    assert np.all(np.abs(found.densities / level - 1.0) <= 0.2 * noise + 1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_noise_makes_no_phases(seed: int) -> None:
    """Smoothed noise of few places has a histogram of several peaks, which their number explains."""
    generator = np.random.default_rng(seed)
    grid = Grid((16.0, 16.0), (64, 64))
    smoothing = Smoothing.of(grid.wavenumber, max(grid.spacing), 1.0)
    noise = generator.standard_normal((2, 64, 64))
    density = smoothing.thinned(50.0 + filtered(modes(noise, grid, None), grid, smoothing.factors))
    assert len(phases(density, samples=smoothing.independent(grid.volume, 2))) == 1


def test_what_samples_explain() -> None:
    """Two levels with a tenth of the places between them: a valley if there are enough independent places."""
    density = np.concatenate([np.full(450, 10.0), np.linspace(10.0, 90.0, 100), np.full(450, 90.0)])[None]
    assert len(phases(density)) == 2
    assert len(phases(density, samples=100.0)) == 2
    assert len(phases(density, samples=6.0)) == 1


def test_a_shallow_valley_is_none() -> None:
    """However many places there are."""
    generator = np.random.default_rng(3)
    flat = generator.uniform(0.0, 1.0, 100_000)
    bumps = np.concatenate([generator.normal(place, 0.05, 6_000) for place in (0.25, 0.75)])
    assert len(phases(10.0 + np.concatenate([flat, bumps])[None])) == 1


def test_small_shares_are_taken_for_interfaces() -> None:
    levels = np.array([[90.0, 10.0], [50.0, 50.0], [10.0, 90.0]])
    density = slabs(levels, np.array([0.46, 0.08, 0.46]), width=0.3)
    assert len(phases(density, smallest_share=0.1)) == 2
    assert len(phases(density, smallest_share=0.01)) == 3


# --- travelling speed ----------------------------------------------------------------------------------------------

BOX = Grid((20.0, 10.0), (16, 32))
INTERVAL = 0.4


def frames_of(pattern: Callable[[float], Array], number: int = 25) -> NDArray[np.complex128]:
    return np.stack([modes(pattern(n * INTERVAL)[None], BOX)[0] for n in range(number)])


def wave(n: tuple[int, int], speed: float) -> Callable[[float], Array]:
    return lambda time: plane(BOX, n, -length_of(BOX, n) * speed * time)


@pytest.mark.parametrize("n", [(2, 0), (0, 1), (3, 1), (3, -1)])
@pytest.mark.parametrize("speed", [0.3, -0.3, 1.1])
def test_speed_of_a_plane_wave(n: tuple[int, int], speed: float) -> None:
    found = travelling_speed(frames_of(lambda time: 50.0 + 7.0 * wave(n, speed)(time)), BOX, INTERVAL)
    assert found.speed == pytest.approx(abs(speed), rel=1e-12)
    assert found.largest_turn == pytest.approx(abs(speed) * length_of(BOX, n) * INTERVAL, rel=1e-11)


def test_speed_of_a_shape_with_many_modes() -> None:
    """A train of narrow bands moves as one; its harmonics turn faster, in proportion to their wavenumber."""
    x = np.broadcast_to(BOX.coordinates("x"), BOX.shape)
    found = travelling_speed(
        frames_of(lambda time: np.exp(2.0 * np.cos(2.0 * np.pi * (x - 0.35 * time) / 10.0))), BOX, INTERVAL
    )
    assert found.speed == pytest.approx(0.35, rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_standing_pattern_does_not_travel(noise: float) -> None:
    """Noise adds: a phase is off by the noise over the signal in its mode, sqrt(2/cells) of that in a cell, over q dt."""
    generator = np.random.default_rng(8)
    still = 10.0 * plane(BOX, (2, 0)) + 8.0 * plane(BOX, (1, 1), 0.3)
    found = travelling_speed(frames_of(lambda time: still + 10.0 * noise * generator.standard_normal(BOX.shape)), BOX, INTERVAL)
    turn = noise * np.sqrt(2.0 / BOX.cells) * FAR
    assert found.speed <= turn / (length_of(BOX, (2, 0)) * INTERVAL) + 1e-12
    assert (found.speed > 0.0) or noise == 0.0


def test_noise_does_not_hide_a_travelling_pattern() -> None:
    generator = np.random.default_rng(9)
    moving = wave((2, 0), 0.5)
    found = travelling_speed(frames_of(lambda time: moving(time) + 0.3 * generator.standard_normal(BOX.shape)), BOX, INTERVAL)
    assert found.speed == pytest.approx(0.5, rel=0.05)


def test_waves_in_opposite_directions_at_different_times_both_count() -> None:
    """The first half of the frames goes to the right, the second to the left; halves of 12 frames hold windows of 4."""
    forth, back = wave((2, 0), 0.5), wave((2, 0), -0.5)
    found = travelling_speed(frames_of(lambda time: forth(time) if time < 12 * INTERVAL else back(time)), BOX, INTERVAL)
    assert found.speed == pytest.approx(0.5, rel=0.1)


def test_waves_of_different_length_in_opposite_directions_both_count() -> None:
    forth, back = wave((2, 0), 0.5), wave((3, 0), -0.5)
    found = travelling_speed(frames_of(lambda time: 10.0 * forth(time) + 8.0 * back(time)), BOX, INTERVAL)
    assert found.speed == pytest.approx(0.5, rel=1e-10)


def two_regions(share: float, first: tuple[int, int], second: tuple[int, int]) -> NDArray[np.complex128]:
    """Bands along x with smooth edges: in this share of the box one wave goes right, in the rest another goes left."""
    y = BOX.coordinates("y")[:, None] / BOX.size[1]
    right = 0.5 * (1.0 + np.tanh((np.abs(y - 0.5) - 0.5 * (1.0 - share)) / 0.05)) * np.ones(BOX.shape)
    forth, back = wave(first, 0.5), wave(second, -0.5)
    return frames_of(lambda time: right * forth(time) + (1.0 - right) * back(time))


def test_two_regions_with_opposite_directions_both_count() -> None:
    """Bands of a finite width have side bands at larger |q| and the same frequency, which look slower."""
    found = travelling_speed(two_regions(0.5, (4, 0), (6, 0)), BOX, INTERVAL).speed
    slowest = 0.5 * length_of(BOX, (4, 0)) / length_of(BOX, (4, 1))
    assert slowest < found < 0.5


@pytest.mark.parametrize("share", [0.5, 0.7, 0.85])
def test_two_regions_that_share_a_wave_vector_give_a_lower_bound(share: float) -> None:
    found = travelling_speed(two_regions(share, (3, 0), (3, 0)), BOX, INTERVAL).speed
    assert found < 0.5
    # equal regions are a standing wave in the common mode
    assert (found < 1e-12) == (share == 0.5)


def test_turns_that_may_have_gone_round_are_told() -> None:
    """Beyond half a turn between frames the direction is lost; the largest turn says so."""
    fast = frames_of(wave((6, 0), 3.6))
    assert travelling_speed(fast, BOX, INTERVAL).largest_turn > 2.0


@pytest.mark.parametrize("density", [np.full(BOX.shape, 30.0), np.zeros(BOX.shape)])
def test_no_pattern_has_no_speed(density: Array) -> None:
    found = travelling_speed(frames_of(lambda time: density), BOX, INTERVAL)
    assert found.speed == 0.0
    assert found.largest_turn == 0.0


def test_domain_size_of_stripes_is_their_period() -> None:
    grid = Grid((12.0, 12.0), (24, 24))
    x = grid.coordinates("x")
    density = np.broadcast_to(10.0 + np.cos(2.0 * np.pi * 3.0 * x / 12.0), (1, 24, 24)).copy()
    power = grid.multiplicity * np.abs(modes(density, grid)[0]) ** 2
    assert domain_size(grid.wavenumber, power, 5.0) == pytest.approx(4.0, rel=1e-10)
    # what is beyond the largest wavenumber does not count
    rough = power + 1e9 * (grid.wavenumber > 4.0)
    assert domain_size(grid.wavenumber, rough, 4.0) == pytest.approx(4.0, rel=1e-10)
    assert domain_size(grid.wavenumber, 0.0 * power, 5.0) == np.inf


def test_shells_of_some_modes_are_those_of_the_grid() -> None:
    """In any order of the modes, and in three dimensions."""
    grid = Grid((6.0, 5.0, 4.0), (8, 10, 12))
    whole = Shells.of(grid, 4.0)
    order = np.random.default_rng(1).permutation(grid.wavenumber.size)
    flat = grid.wavenumber.ravel()[order], grid.multiplicity.ravel()[order]
    some = Shells.of_modes(*flat, 4.0, 2.0 * np.pi / 6.0)
    np.testing.assert_array_equal(whole.counts, some.counts)
    values = np.random.default_rng(2).normal(size=(2, *grid.spectral_shape))
    np.testing.assert_allclose(whole.average(values), some.average(values.reshape(2, -1)[:, order]), rtol=1e-12)
