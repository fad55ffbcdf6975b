"""Entropy production of trajectories: lattices, exact linear processes, free energies, moving patterns."""

import itertools

import numpy as np
import pytest

from tests.theory import lattice
from tests.theory.models import RUN, cross, reference_mixture
from theory import InputError, Model, NumericalFailure, Sensing, Species
from theory.arrays import Array
from theory.coarse_graining import Filter
from theory.entropy_production import expected_box_rates, expected_rates, linear_spectrum
from theory.fluctuations import LinearProcess
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState
from theory.path_entropy import PathEntropy

# wavenumbers of the lattice's Laplacian
_LATTICE = 2.0 * np.sin(np.pi * np.arange(lattice.SITES) / lattice.SITES)


def lattice_state(couplings: tuple[float, float]) -> HomogeneousState:
    return HomogeneousState.of(lattice.model(5000.0, couplings), [5000.0, 5000.0])


def test_linear_theory_of_the_lattice() -> None:
    assert float(linear_spectrum(lattice_state((0.2, -0.05)), _LATTICE).sum()) == pytest.approx(10.0, abs=5e-4)


@pytest.mark.parametrize("couplings", [(0.2, -0.05), (0.1, 0.1)])
def test_lattice_with_many_particles(couplings: tuple[float, float]) -> None:
    """A non-reciprocal and an integrable pair of species."""
    found = lattice.measured(5000.0, couplings, time=12.0)
    assert found.standard_errors is not None
    rate, error = found.rates[0] / 64, found.standard_errors[0] / 64
    expected = float(expected_rates(lattice_state(couplings), _LATTICE, 0.01).sum())
    assert error < 0.5
    assert abs(rate - expected) < 3.0 * error
    # Euler-Maruyama and the interval take some per cent away from 10, nothing from 0
    assert expected == pytest.approx(10.0 if couplings[0] != couplings[1] else 0.0, abs=0.3)


@pytest.mark.parametrize(("couplings", "rate"), [((0.2, -0.05), 10.0), ((0.1, 0.1), 0.0)])
def test_the_start_of_a_step_is_no_place_to_evaluate_at(couplings: tuple[float, float], rate: float) -> None:
    """There the sum is wrong by sum q^2 tr M: PHYSICS has 113 instead of 10."""
    state = lattice_state(couplings)
    excess = float(sum(q**2 * np.trace(state.matrix(q)) for q in _LATTICE))
    assert rate + excess == pytest.approx(113.0 - 10.0 + rate, abs=1.0)
    lines, duration, found = lattice.Lines(5000.0, couplings, 0.01, 64, seed=1), 4.0, 0.0
    for n in range(round((20.0 + duration) / 0.01)):
        before, potential = lines.density, lines.potential
        lines.step()
        if n >= 2000:
            found -= float(np.sum(potential * (lines.density - before))) / (duration * lines.lines)
    # Euler-Maruyama and the interval take some per cent away
    assert found == pytest.approx(rate + excess, rel=0.04)


def linear_trajectory(state: HomogeneousState, grid: Grid, interval: float, steps: int, order: int) -> Array:
    """Densities of the exact linear process at equal times, shape (time, species, x), on a line."""
    rng, n = np.random.default_rng(5), state.model.number_of_species
    q = grid.wavenumber[1:-1]
    process = LinearProcess.of(state, q, order)
    correlations, later = process.correlations(), process.later(interval)
    carried = later @ np.linalg.inv(correlations)
    left = np.linalg.cholesky(correlations - carried @ correlations @ carried.swapaxes(-1, -2))
    now = np.linalg.cholesky(correlations) @ _complex(rng, (*q.shape, correlations.shape[-1], 1))
    out = np.zeros((steps, n, *grid.spectral_shape), dtype=complex)
    for step in range(steps):
        out[step, :, 1:-1] = now[:, :n, 0].T
        now = carried @ now + left @ _complex(rng, now.shape)
    # a mode of variance V C of the transform: V/2 for each of its two real copies
    modes = out * np.sqrt(grid.volume) / grid.cell_volume
    modes[:, :, 0] = state.densities * grid.cells
    return np.asarray(np.fft.irfft(modes, axis=-1))


def _complex(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray((rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2.0))


@pytest.mark.parametrize("order", [0, 1])
def test_filters_weigh_the_modes_of_a_linear_field(order: int) -> None:
    """At high density the logarithm is linear: the sum over modes of g^2 sigma_q(t), whatever the interval."""
    dense = 1e6
    parameters = {"a": 1.0 / dense}
    speeds = ["exp(a*(-0.3*A + 0.5*B))", "1.2*exp(a*(-0.7*A - 0.2*B))"]
    model = Model(1, [Species(n, RUN, v) for n, v in zip("AB", speeds, strict=True)], parameters, Sensing("gaussian", 0.5))
    state, grid, interval = HomogeneousState.of(model, [dense, 1.5 * dense]), Grid((16.0,), (48,)), 0.2
    filters = [Filter(), Filter("sharp", 2.0), Filter("sharp", 4.0), Filter("gaussian", 0.5), Filter("gaussian", 1.0)]
    found = PathEntropy(model, grid, filters, shells=np.arange(grid.spectral_shape[0]))
    trajectory = linear_trajectory(state, grid, interval, 5000, order)
    for n, (before, after) in enumerate(itertools.pairwise(trajectory)):
        found.accumulate(n * interval, before, (n + 1) * interval, after)
    result = found.result()
    spectrum = expected_rates(state, grid.wavenumber[:-1], interval, order) * grid.multiplicity[:-1]
    # the trajectory has no Nyquist mode
    band = np.append(np.ones(grid.wavenumber.size - 1), 0.0)
    assert expected_box_rates(state, grid, [band], interval, order)[0] == pytest.approx(spectrum.sum(), rel=1e-12)
    expected = expected_box_rates(state, grid, [one.transfer(grid.wavenumber) * band for one in filters], interval, order)
    assert result.standard_errors is not None
    assert np.all(result.standard_errors < 0.1 * result.rates)
    assert np.all(np.abs(result.rates - expected) < 3.0 * result.standard_errors)
    # shells of single modes add up to the rate of the first filter
    assert result.spectrum is not None
    assert result.spectrum_errors is not None
    assert result.spectrum.sum() == pytest.approx(result.rates[0], rel=1e-10)
    told = np.append(spectrum, 0.0)
    assert np.mean(np.abs(result.spectrum - told)[1:] < 2.0 * result.spectrum_errors[1:] + 1e-12) > 0.85
    # the smooth filter does not give the truncated spectrum, and is not meant to
    assert expected[2] < expected[1] < expected[0]
    np.testing.assert_allclose(result.by_species.sum(axis=1), result.rates, rtol=1e-12)


@pytest.mark.parametrize("name", ["gaussian", "sharp"])
def test_free_energy_accounts_for_every_step(name: str) -> None:
    """Local and integrable: what the mid-point rule adds up is the difference of F = sum f, at every coarse-graining length."""
    model = Model(2, [Species(n, RUN, f"exp(-0.01*{n} + 0.006*total)") for n in "AB"], sensing=Sensing("local"))
    grid = Grid((8.0, 8.0), (16, 16))
    rng = np.random.default_rng(1)
    times = np.linspace(0.0, 1.0, 400)
    modes = rng.normal(size=(3, 2, *grid.shape))
    modes -= modes.mean(axis=(-2, -1), keepdims=True)
    path = [50.0 + 4.0 * (modes[0] + np.sin(7.0 * t) * modes[1] + t * modes[2]) for t in times]
    one = Filter(name, 1.0)
    found = PathEntropy(model, grid, [one])
    for start, end, before, after in zip(times[:-1], times[1:], path[:-1], path[1:], strict=True):
        found.accumulate(start, before, end, after)

    def energy(density: Array) -> float:
        seen = np.fft.irfft2(np.fft.rfft2(density) * one.transfer(grid.wavenumber))
        a, b = seen
        pair = -0.005 * (a**2 + b**2) + 0.003 * (a + b) ** 2
        return float(grid.cell_volume * np.sum(seen * np.log(seen) - seen) + grid.cell_volume * np.sum(pair))

    difference = energy(path[-1]) - energy(path[0])
    assert abs(difference) > 0.1
    assert found.result().rates[0] * found.result().time == pytest.approx(-difference, rel=1e-4)


def travelling(grid: Grid, velocity: Array, time: float) -> Array:
    """A pattern that moves without changing."""
    x, y = (grid.coordinates("x") - velocity[0] * time)[None, :], (grid.coordinates("y") - velocity[1] * time)[:, None]
    k = 2.0 * np.pi / grid.size[0]
    a = 50.0 + 12.0 * np.cos(k * x) * (1.0 + 0.3 * np.cos(k * y))
    b = 45.0 + 9.0 * np.cos(k * x - 0.8) + 2.0 * np.sin(2.0 * k * x + k * y)
    return np.stack([a, b])


def test_local_map_in_both_frames() -> None:
    """Its integral is the rate; in the frame of the pattern it does not smear, and in the laboratory a period averages it."""
    model, grid, velocity = cross(0.4, -0.4), Grid((8.0, 8.0), (32, 32)), np.array([0.8, 0.4])
    moving = PathEntropy(model, grid, local=True, velocity=velocity)
    still = PathEntropy(model, grid, local=True)
    once = PathEntropy(model, grid, local=True, velocity=velocity)
    interval = 0.02
    for n in range(1000):
        start, end = n * interval, (n + 1) * interval
        before, after = travelling(grid, velocity, start), travelling(grid, velocity, end)
        for found in (moving, still, *((once,) if n == 0 else ())):
            found.accumulate(start, before, end, after)
    volume = grid.cell_volume
    for found in (moving, still, once):
        result = found.result()
        assert result.density is not None
        assert result.density.sum() * volume == pytest.approx(result.rates[0], rel=1e-9)
    first, smeared = once.result().density, moving.result().density
    assert first is not None
    assert smeared is not None
    np.testing.assert_allclose(smeared, first, atol=2e-3 * np.abs(first).max())
    laboratory = still.result().density
    assert laboratory is not None
    # a period along x passes by: what is left depends on y alone, less the other way round
    assert np.ptp(laboratory, axis=1).max() < 0.02 * np.ptp(first)


def test_map_with_a_given_current() -> None:
    """A current without divergence moves entropy production about, and leaves the rate."""
    model, grid = cross(0.4, -0.4), Grid((8.0, 8.0), (16, 16))
    before, after = travelling(grid, np.array([0.5, 0.0]), 0.0), travelling(grid, np.array([0.5, 0.0]), 0.02)
    own, given = (PathEntropy(model, grid, local=True) for _ in range(2))
    own.accumulate(0.0, before, 0.02, after)
    current = own.currents.longitudinal((after - before) / 0.02)
    curl = np.zeros_like(current)
    curl[:, 0] = 30.0 * np.cos(2.0 * np.pi * grid.coordinates("y") / 8.0)[:, None]
    given.accumulate(0.0, before, 0.02, after, current + curl)
    one, other = own.result(), given.result()
    assert one.density is not None
    assert other.density is not None
    assert np.abs(other.density - one.density).max() > 0.1 * np.abs(one.density).max()
    assert other.density.sum() == pytest.approx(one.density.sum(), rel=1e-9)


def test_continuation_is_exact() -> None:
    model, grid = cross(0.2, -0.2), Grid((8.0, 8.0), (16, 16))
    path = [travelling(grid, np.array([0.5, 0.1]), 0.1 * n) for n in range(30)]

    def through(found: PathEntropy, steps: range) -> PathEntropy:
        for n in steps:
            found.accumulate(0.1 * n, path[n], 0.1 * (n + 1), path[n + 1])
        return found

    def fresh() -> PathEntropy:
        shells = np.minimum(grid.wavenumber, 5.0).astype(np.int64)
        return PathEntropy(model, grid, [Filter("sharp", 1.5), Filter()], local=True, velocity=(0.5, 0.1), shells=shells)

    whole, second = through(fresh(), range(29)), fresh()
    second.restore(through(fresh(), range(11)).arrays())
    for name, array in through(second, range(11, 29)).arrays().items():
        np.testing.assert_array_equal(array, whole.arrays()[name], err_msg=name)


def test_deposits_are_seen_through_their_window() -> None:
    """Sharp filters divide it out; smooth ones leave it, as densities must stay positive."""
    model, grid = cross(0.2, -0.2), Grid((8.0, 8.0), (16, 16))
    window = np.exp(-0.1 * grid.squared_wavenumber)
    path = [travelling(grid, np.array([0.5, 0.1]), 0.1 * n) for n in range(2)]
    deposited = [np.fft.irfft2(np.fft.rfft2(one) * window) for one in path]
    seen = PathEntropy(model, grid, [Filter("sharp", 1.0), Filter("gaussian", 0.5)], window=window)
    seen.accumulate(0.0, deposited[0], 0.1, deposited[1])
    true = PathEntropy(model, grid, [Filter("sharp", 1.0), Filter("gaussian", 0.5)])
    true.accumulate(0.0, path[0], 0.1, path[1])
    smooth = PathEntropy(model, grid, [Filter("gaussian", np.sqrt(0.5**2 + 0.2))])
    smooth.accumulate(0.0, path[0], 0.1, path[1])
    assert seen.result().rates[0] == pytest.approx(true.result().rates[0], rel=1e-9)
    assert seen.result().rates[1] == pytest.approx(smooth.result().rates[0], rel=1e-9)


def test_refusals() -> None:
    model, grid = reference_mixture(2, Sensing()), Grid((8.0, 8.0), (16, 16))
    found = PathEntropy(model, grid)
    with pytest.raises(InputError, match="nothing to estimate"):
        found.result()
    density = np.full((2, 16, 16), 40.0)
    with pytest.raises(InputError, match="does not go forward"):
        found.accumulate(1.0, density, 1.0, density)
    with pytest.raises(InputError, match="shapes"):
        found.accumulate(0.0, density[:1], 1.0, density)
    density[0, :3] = 0.0
    with pytest.raises(NumericalFailure, match=r"19 % of the cells .* choose a larger length"):
        found.accumulate(0.0, density, 1.0, density)
    with pytest.raises(InputError, match="at least one filter"):
        PathEntropy(model, grid, [])
    with pytest.raises(InputError, match="known filters"):
        Filter("box", 1.0)
    with pytest.raises(InputError, match="coarse-graining length"):
        Filter("sharp", -1.0)
