"""Currents and chemical potentials against the linear theory, against closed forms, and against [S1] Eq. 16."""

import numpy as np
import pytest

from tests.theory.models import RUN, cross
from tests.theory.test_hierarchy import COMPOSITION, mixture
from theory import Chemical, Chemotaxis, InputError, MeanField, Model, Motion, NumericalFailure, Sensing, Species
from theory.arrays import Array
from theory.currents import Currents
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState


def wave(grid: Grid, wavevector: tuple[int, ...], amplitudes: tuple[float, ...]) -> tuple[Array, float]:
    """Small cosines on the composition, shape (species, ...), and their wavenumber."""
    axes = [grid.coordinates(axis) for axis in "xyz"[: grid.dimension]]
    mesh = np.meshgrid(*axes[::-1], indexing="ij")[::-1]
    vector = [2.0 * np.pi * n / edge for n, edge in zip(wavevector, grid.size, strict=True)]
    phase = sum(k * x for k, x in zip(vector, mesh, strict=True))
    one = np.stack([a * np.cos(phase) for a in amplitudes])
    return one, float(np.linalg.norm(vector))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_small_waves_obey_the_linear_theory(dimension: int) -> None:
    """Everything acts at once: -div J = -q^2 M delta, u = G^-1 M delta, M = g."""
    model = mixture(dimension)
    grid = Grid((6.0, 7.0, 5.0)[:dimension], (8, 16, 12)[3 - dimension :])
    state, currents = HomogeneousState.of(model, COMPOSITION), Currents(model, grid)
    small = 1e-6
    perturbation, q = wave(grid, (1, 2, 1)[:dimension], (3.0, -2.0))
    plus, minus = (COMPOSITION.reshape(2, *(1,) * dimension) + sign * small * perturbation for sign in (1.0, -1.0))
    tendency = [-currents.fields(currents.divergence(currents.flux(rho))) for rho in (plus, minus)]
    expected = -(q**2) * np.tensordot(state.matrix(q), perturbation, axes=1)
    np.testing.assert_allclose((tendency[0] - tendency[1]) / (2.0 * small), expected, rtol=1e-6, atol=1e-6)
    potential = (currents.potential(plus) - currents.potential(minus)) / (2.0 * small)
    response = np.linalg.solve(state.noise_matrix, state.matrix(q))
    np.testing.assert_allclose(potential, np.tensordot(response, perturbation, axes=1), rtol=1e-6, atol=1e-8)
    homogeneous = np.broadcast_to(COMPOSITION.reshape(2, *(1,) * dimension), (2, *grid.shape))
    mobility = currents.mobility(homogeneous, currents.speeds(homogeneous))
    np.testing.assert_allclose(mobility[:, *(0,) * dimension], state.total_diffusivities * state.densities, rtol=1e-12)


def rough(grid: Grid, seed: int) -> Array:
    """Densities of a few long waves of large amplitude."""
    rng, total = np.random.default_rng(seed), np.zeros((2, *grid.shape))
    for _ in range(4):
        one, _ = wave(grid, tuple(int(n) for n in rng.integers(-2, 3, grid.dimension)), tuple(rng.normal(size=2)))
        total += 4.0 * one
    return 50.0 + total


def test_quorum_sensing_has_the_potential_log_density_plus_log_speed() -> None:
    """The force -J/M by gradients of v rho is minus the gradient of u."""
    model = cross(0.4, -0.3)
    grid = Grid((6.0, 6.0), (48, 48))
    currents, density = Currents(model, grid), rough(grid, 1)
    speeds = currents.speeds(density)
    force = -currents.flux(density) / currents.mobility(density, speeds)[:, None]
    np.testing.assert_allclose(currents.potential(density), np.log(density) + np.log(speeds), rtol=1e-14)
    np.testing.assert_allclose(currents.gradient(currents.potential(density)), force, atol=1e-8 * np.abs(force).max())


def test_chemotactic_potential_of_the_paper() -> None:
    """[S1] Eq. 16 with the prefactor 1/v0^2 that its Eq. 17 has."""
    steering = Chemotaxis("c", speed_bias=0.03, reorientation_bias=-0.02), Chemotaxis("s", speed_bias=0.05)
    species = [Species("A", Motion(0.5), "1.4", chemotaxis=steering), Species("B", Motion(2.0), "0.7", chemotaxis=steering[:1])]
    chemicals = [Chemical("c", {"A": 1.0, "B": 0.5}, 1.0, 1.0), Chemical("s", {"B": 2.0}, 0.5, 1.0)]
    model, grid = Model(2, species, chemicals=chemicals), Grid((6.0, 7.0), (32, 32))
    currents, density = Currents(model, grid), rough(grid, 2)
    c, s = currents.concentrations(density)
    expected = np.log(density)
    expected[0] += (0.03 * 0.5 + 1.4 * -0.02) / 1.4**2 * c + 0.05 * 0.5 / 1.4**2 * s
    expected[1] += (0.03 * 2.0 + 0.7 * -0.02) / 0.7**2 * c
    difference = currents.potential(density) - expected
    np.testing.assert_allclose(
        difference, np.broadcast_to(difference.mean(axis=(1, 2), keepdims=True), difference.shape), atol=1e-9
    )


def test_longitudinal_current_obeys_continuity() -> None:
    grid = Grid((4.0, 5.0, 6.0), (8, 10, 12))
    currents = Currents(mixture(3), grid)
    change, _ = wave(grid, (1, -1, 2), (1.0, 0.3))
    current = currents.longitudinal(change)
    np.testing.assert_allclose(currents.fields(currents.divergence(current)), -change, atol=1e-12)


def test_shifting_moves_a_field() -> None:
    grid = Grid((4.0, 6.0), (24, 16))
    currents = Currents(cross(0.1, 0.1), grid)
    field = np.random.default_rng(1).normal(size=grid.shape)
    smooth = currents.fields(currents.modes(field) * grid.retained())
    np.testing.assert_allclose(currents.shifted(smooth, np.array([0.5, -0.25])), np.roll(smooth, (-1, 2), (0, 1)), atol=1e-12)


def test_refusals() -> None:
    grid = Grid((4.0, 4.0), (8, 8))
    with pytest.raises(InputError, match="dimensions"):
        Currents(cross(0.1, 0.1, dimension=3), grid)
    with pytest.raises(InputError, match="dynamics of its own"):
        Currents(mixture(2, adiabatic=False), grid)
    with pytest.raises(InputError, match="polarities"):
        Currents(mixture(2, torques=True), grid)
    stopping = Model(2, [Species("A", RUN, "1.0")], sensing=Sensing(), mean_field=[MeanField("A", "A", speed_reduction=0.1)])
    with pytest.raises(NumericalFailure, match="the speed of A falls to -1"):
        Currents(stopping, grid).potential(np.full((1, 8, 8), 20.0))
