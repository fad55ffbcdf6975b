"""The noise of every order: its covariance against linear theory, its band, and what the time step makes of it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov

from fieldsolver import FieldSolver
from fieldsolver.steppers import STEPPERS
from tests.fieldsolver.steered import mixture
from tests.theory.models import one_species
from theory import InputError, Model, Motion, Species
from theory.fluctuations import LinearProcess
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState

Array = NDArray[np.float64]


def _homogeneous(model: Model, composition: Array, order: int, **options: object) -> FieldSolver:
    d = model.dimension
    grid = Grid((6.0, 5.0, 4.0)[:d], {1: (64,), 2: (16, 24), 3: (8, 8, 16)}[d])
    density = np.broadcast_to(composition.reshape(-1, *(1,) * d), (composition.size, *grid.shape)).copy()
    settings = {"noise": 1.0, "noise_length": 2.0 * grid.spacing[0], "time_step": 1e-6, **options}
    return FieldSolver(model, grid.size, density, order=order, **settings)  # type: ignore[arg-type]


def _even(solver: FieldSolver) -> list[int]:
    """Components along x, in the order of the theory's rows: degree by degree, species by species."""
    layout = solver._layout
    degrees = layout.basis.degrees
    along = [int(np.argmax(degrees == degree)) for degree in range(layout.order + 1)]
    return [layout.component(s, a) for a in along for s in range(layout.species)]


def _without(model: Model) -> Model:
    """The same without chemicals: theory keeps those in time as variables of their own."""
    species = [Species(one.name, one.motion, "1.2 + 0.01*A" if one.name == "A" else "0.9", one.translational_diffusion, (),
                       one.translational_drag, one.rotational_drag) for one in model]  # fmt: skip
    return Model(model.dimension, species, {}, model.sensing, mean_field=list(model.mean_field.values()))


@pytest.mark.parametrize(("dimension", "order"), [(1, 0), (1, 1), (2, 0), (2, 1), (2, 3), (3, 0), (3, 1)])
def test_increments_have_the_covariance_of_linear_theory(dimension: int, order: int) -> None:
    """Two species with torques that enter each other's closure: <xi xi*> = 2 N dt volume, five standard errors."""
    model, composition = _without(mixture(dimension, steering=False, torques=order > 0)), np.array([10.0, 12.0])
    solver = _homogeneous(model, composition, order)
    dynamics, state, dt = solver._dynamics, solver._march.state, solver.time_step
    tendency, draws = np.empty_like(state), 1500
    dynamics.evaluate(state, tendency)
    dynamics.follow()
    components = _even(solver)
    modes = [1, 2, 4]
    products = []
    for step in range(draws):
        noise = dynamics.noise(step)
        assert noise is not None
        noise(None, tendency)
        xi = tendency[components][:, modes, 0] * solver.grid.cell_volume
        products.append((xi[:, None] * xi[None].conj()).real / (2.0 * dt * solver.grid.volume))
    found, error = np.mean(products, axis=0), np.std(products, axis=0) / np.sqrt(draws)
    q = solver._righthandside.modes.wavenumber_x[modes]
    theory = LinearProcess.of(HomogeneousState.of(model, composition), q, order).noise
    # theory's phi_l is i^l times the harmonic; Legendre's polynomials in space are these functions but for their scale
    degree = np.repeat(np.arange(order + 1), 2)
    phase = (1j ** (degree[:, None] - degree)).real
    expected = np.moveaxis(theory, 0, -1) * phase[:, :, None]
    assert np.all(np.abs(found - expected) < 5.0 * error + 1e-9 * np.abs(expected).max())
    assert np.all(error < 0.05 * np.sqrt(np.einsum("iik,jjk->ijk", expected, expected)) + 1e-9)


@pytest.mark.parametrize(("dimension", "order"), [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2), (2, 4), (3, 1)])
def test_structure_factor_at_the_default_time_step(dimension: int, order: int) -> None:
    """Free particles: the stationary covariance of the scheme, exactly, from its linear map of one step.

    Every harmonic should have c_a rho: without transport between harmonics it does at any step, with it to one per cent.
    """
    rho, dt = 400.0, None
    motion = Motion(1.0) if dimension == 1 else Motion(0.5, 0.5)
    model = Model(dimension, [Species("A", motion, "1.0", 0.02)])
    solver = _homogeneous(model, np.array([rho]), order, noise_length=0.6, time_step=dt)
    dynamics, state = solver._dynamics, solver._march.state
    tendency = np.empty_like(state)
    dynamics.evaluate(state, tendency)
    rates = dynamics.follow()
    assert rates is not None
    stepper = STEPPERS["etdrk2"](state.shape, state.dtype)
    stepper.prepare(*rates, solver.time_step)
    components = _even(solver)
    for mode in np.flatnonzero(solver._noise.band[1:, 0]) + 1:
        q = solver._righthandside.modes.wavenumber_x[mode]
        process = LinearProcess.of(HomogeneousState.of(model, [rho]), np.array(q), order)
        phase = 1j ** np.arange(order + 1)
        noise = 2.0 * (phase[:, None].conj() * process.noise * phase) * solver.time_step
        unit = [np.zeros_like(state) for _ in components]
        for one, component in zip(unit, components, strict=True):
            one[component, mode, 0] = 1e-3 * rho * solver.grid.cells

        def after(change: Array, increment: Array, n: int = int(mode)) -> NDArray[np.complex128]:
            start, out = state + change, np.empty_like(state)
            dynamics.evaluate(start, tendency)
            stepper.step(start, tendency, dynamics.evaluate, lambda at, xi: np.copyto(xi, increment), out)
            return out[components, n, 0] / (1e-3 * rho * solver.grid.cells)

        gain = np.array([after(one, 0 * one) for one in unit]).T
        response = np.array([after(0 * one, one) for one in unit]).T
        covariance = solve_discrete_lyapunov(gain, response @ noise @ response.conj().T)
        expected = rho * solver._layout.basis.norms[[solver._layout.basis.degrees.tolist().index(k) for k in range(order + 1)]]
        np.testing.assert_allclose(np.diag(covariance).real, expected, rtol=1e-9 if order == 0 else 0.01)
        off = covariance - np.diag(np.diag(covariance))
        assert np.max(np.abs(off)) < (1e-9 if order == 0 else 0.01) * rho


@pytest.mark.parametrize("order", [0, 1])
def test_noise_ends_at_its_band(order: int) -> None:
    solver = _homogeneous(one_species("1.0"), np.array([10.0]), order, noise_length=0.9)
    modes, state = solver._righthandside.modes, solver._march.state
    increment = np.full_like(state, np.nan)
    solver._dynamics.evaluate(state, increment)
    solver._dynamics.follow()
    noise = solver._dynamics.noise(0)
    assert noise is not None
    noise(None, increment)
    band = modes.wavenumber <= np.pi / 0.9 * (1.0 + 1e-12)
    assert 0 < band.sum() < band.size
    # the mean density has no noise, the mean polarity has; and that of order 1 is all in the polarity
    np.testing.assert_array_equal(increment[0] != 0.0, band & (modes.wavenumber > 0.0) & (order == 0))
    for component in range(1, state.shape[0]):
        np.testing.assert_array_equal(increment[component] != 0.0, band)


def test_noise_of_inhomogeneous_fields_is_that_of_their_density() -> None:
    """A slab: the random flux has the variance 2 (v^2 tau/d + Dt) rho place by place, none where rho < 0."""
    model = Model(2, [Species("A", Motion(1.0), "1.0 + 0.02*A", 0.1)])
    grid = Grid((6.0, 6.0), (16, 16))
    x = np.broadcast_to(grid.coordinates("x"), grid.shape)
    density = 10.0 + 8.0 * np.cos(2.0 * np.pi * x / 6.0)
    solver = FieldSolver(model, grid.size, density[None], noise=1.0, noise_length=0.5, time_step=1e-6)
    righthandside, noise = solver._righthandside, solver._noise
    righthandside.survey(solver._march.state)
    noise.prepare(1e-6)
    rows = []
    worker = righthandside.passes._workers[0]
    (block,) = righthandside.passes.row_blocks
    for step in range(3000):
        noise._step = step
        noise._draw_rows(worker, *block, 0)
        rows.append(worker.points[:2, : grid.cells].copy())
    variance = np.var(rows, axis=0).mean(axis=0).reshape(grid.shape) * grid.cell_volume * 1e-6
    speed = righthandside.kept[0].reshape(grid.shape)
    expected = 2.0 * (speed**2 / 2.0 + 0.1) * density
    ratio = (variance / expected).mean(axis=0)
    # 16 cells of a column, two components, 3000 draws
    assert np.all(np.abs(ratio - 1.0) < 5.0 * np.sqrt(2.0 / (16 * 2 * 3000)))


def test_wrong_noise_is_refused() -> None:
    with pytest.raises(InputError, match=r"fields\.noise is -1"):
        _homogeneous(one_species(), np.array([10.0]), 0, noise=-1.0)
    with pytest.raises(InputError, match="noise_length"):
        _homogeneous(one_species(), np.array([10.0]), 0, noise_length=0.0)
