"""Orders of the hierarchy: linear growth, free particles, conservation, flocks, chemicals in time."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

from fieldsolver import FieldSolver
from fieldsolver.steppers import STEPPERS
from tests.fieldsolver.steered import mixture, smooth
from tests.theory.models import cross
from theory import InputError, Model, Motion, NumericalFailure, Sensing, Species
from theory.chemistry import Chemical
from theory.fourier import Grid
from theory.hierarchy import moment_matrix, transverse_matrix
from theory.homogeneous import HomogeneousState
from theory.interactions import MeanField

Array = NDArray[np.float64]


def _moment_matrix(model: Model, densities: Array, q: float, order: int) -> NDArray[np.complex128]:
    """d/dt of (Psi_0, Psi_1, ..., Psi_K) of all species for waves exp(i q x), Psi_k even in the angle: PHYSICS written down.

    Quorum sensing only; Psi_{K+1} slaved. Two dimensions, species by species.
    """
    n = len(densities)
    v = model.speed(densities)
    changes = v[:, None] * model.log_derivatives(densities) * model.channels.kernels[0].transform(np.array(q))
    size = order + 1
    out = np.zeros((n * size, n * size), dtype=complex)
    for m, one in enumerate(model.species):
        rate = [k**2 * one.motion.rotational_diffusion + one.motion.tumble_rate * (k > 0) for k in range(size + 1)]
        row = [m * size + k for k in range(size)]
        for k in range(size):
            out[row[k], row[k]] -= rate[k] + one.translational_diffusion * q**2
            # -(1/2) [D (v Psi_{k-1}) + D* (v Psi_{k+1})], both derivatives i q; Psi_{-1} = Psi_1 here
            below = abs(k - 1)
            for other in (below, k + 1):
                if other < size:
                    out[row[k], row[other]] -= 0.5j * q * v[m]
                    if other == 0:
                        for s in range(n):
                            out[row[k], s * size] -= 0.5j * q * densities[m] * changes[m, s]
                else:
                    # the slaved harmonic, -(i q/2) v Psi_K / rate
                    slaved = np.zeros(n * size, dtype=complex)
                    slaved[row[size - 1]] = -0.5j * q * v[m] / rate[size]
                    if size == 1:
                        slaved[::size] += -0.5j * q * densities[m] * changes[m] / rate[1]
                    out[row[k]] -= 0.5j * q * v[m] * slaved
    return out


def _pair(order: int) -> Model:
    """Two species that chase each other, free of the diffusive limit: q v tau is of order one."""
    parameters = {"ka": 0.5, "kb": -0.5}
    laws = ("exp(-tanh((A - 50)/15) + ka*tanh((B - 50)/15))", "exp(-tanh((B - 50)/15) + kb*tanh((A - 50)/15))")
    motions = (Motion(0.3, 0.4), Motion(0.0, 0.8))
    species = [Species(n, one, law, 0.02) for n, one, law in zip("AB", motions, laws, strict=True)]
    return Model(2, species, parameters)


@pytest.mark.parametrize("order", [0, 1, 2, 10, 20])
def test_growth_rates_agree_with_the_moment_matrix(order: int) -> None:
    """A perturbation along the fastest eigenvector follows its eigenvalue, to 1e-6; the theory has the same matrix."""
    model, composition, size = _pair(order), np.array([52.0, 47.0]), (12.0, 12.0)
    grid, number = Grid(size, (8, 32)), 3
    q = 2.0 * np.pi * number / size[0]
    matrix = _moment_matrix(model, composition, q, order)
    values, vectors = np.linalg.eig(matrix)
    theory = np.linalg.eigvals(moment_matrix(HomogeneousState.of(model, composition), np.array(q), order))
    for one in theory:
        assert np.min(np.abs(values - one)) < 1e-10 * np.abs(values).max()
    fastest = int(np.argmax(values.real + 1e-9 * values.imag))
    value, vector = values[fastest], vectors[:, fastest]
    solver = FieldSolver(
        model, size, np.broadcast_to(composition[:, None, None], (2, *grid.shape)).copy(), order=order, stepper="etdrk4",
        time_step=0.01,
    )  # fmt: skip
    state, layout = solver._march.state, solver._layout
    # both parts of a complex eigenvector: cos and sin of the angle stand for Psi_k and its conjugate, even in the angle here
    for m in range(2):
        for k in range(order + 1):
            component = layout.component(m, 2 * k - 1 if k else 0)
            state[component, number, 0] = 1e-4 * vector[m * (order + 1) + k] * grid.cells
    left = np.linalg.inv(vectors)[fastest]
    amplitudes = []
    for time in (0.0, 0.5):
        solver.advance(time)
        modes = solver._march.state[:, number, 0]
        found = [modes[layout.component(m, 2 * k - 1 if k else 0)] for m in range(2) for k in range(order + 1)]
        amplitudes.append(left @ np.array(found))
    measured = np.log(amplitudes[1] / amplitudes[0]) / 0.5
    assert abs(measured - value) < 1e-6 * abs(value)


def test_torques_let_longitudinal_and_transverse_harmonics_grow_as_linear_theory_says() -> None:
    """Two species with every mean-field coefficient, order 2: all eigenvalues, by the right-hand side at small amplitude."""
    model, composition, order = mixture(2), np.array([10.0, 12.0]), 2
    grid, number = Grid((6.0, 5.0), (8, 16)), 2
    q = np.array(2.0 * np.pi * number / 6.0)
    density = np.broadcast_to(composition[:, None, None], (2, *grid.shape)).copy()
    solver = FieldSolver(model, (6.0, 5.0), density, order=order, time_step=0.01)
    righthandside, state = solver._righthandside, solver._march.state
    layout, jacobian = solver._layout, []
    for component in range(layout.components):
        changes = []
        for sign in (1.0, -1.0):
            moved = state.copy()
            moved[component, number, 0] += sign * 1e-4 * grid.cells
            out = np.empty_like(moved)
            righthandside.evaluate(moved, out)
            changes.append(out[:, number, 0])
        jacobian.append((changes[0] - changes[1]) / (2e-4 * grid.cells))
    found = np.linalg.eigvals(np.array(jacobian).T)
    theory = HomogeneousState.of(model, composition)
    matrices = (moment_matrix(theory, q, order), transverse_matrix(theory, q, order))
    expected = np.concatenate([np.linalg.eigvals(one) for one in matrices])
    for value in expected:
        assert np.min(np.abs(found - value)) < 1e-6 * np.abs(expected).max()
    assert found.size == expected.size


@pytest.mark.parametrize("order", [6, 12])
def test_free_active_brownian_particles_relax_as_they_do(order: int) -> None:
    """Every harmonic of non-interacting particles against the exponential of a truncation with 60: the error of the order."""
    speed, spread, dr = 1.3, 0.05, 0.7
    model = Model(2, [Species("A", Motion(rotational_diffusion=dr), f"{speed}", spread)])
    size, number, time = (8.0, 8.0), 1, 1.0
    grid = Grid(size, (8, 16))
    q = 2.0 * np.pi * number / size[0]
    wave = np.cos(q * grid.coordinates("x"))
    density = np.broadcast_to(50.0 + 5.0 * wave, (1, *grid.shape)).copy()
    polarity = np.stack([np.broadcast_to(2.0 * wave, grid.shape), np.broadcast_to(-3.0 * wave, grid.shape)])[None]
    solver = FieldSolver(model, size, density, order=order, polarity=polarity, stepper="etdrk4", time_step=0.01)
    start = solver._march.state[:, number, 0].copy()
    solver.advance(time)
    modes = solver._march.state[:, number, 0]
    # Psi_k for k from -60 to 60; the components are the real and imaginary parts of those with k >= 0
    top = 60
    k = np.arange(-top, top + 1)
    matrix = np.diag(-(k**2) * dr - spread * q**2 + 0j)
    matrix += -0.5j * q * speed * (np.eye(2 * top + 1, k=1) + np.eye(2 * top + 1, k=-1))
    psi = np.zeros(2 * top + 1, dtype=complex)
    psi[top], psi[top + 1], psi[top - 1] = start[0], start[1] + 1j * start[2], start[1] - 1j * start[2]
    exact = expm(matrix * time) @ psi
    errors = [abs(modes[0] - exact[top])]
    for degree in range(1, order + 1):
        plus, minus = exact[top + degree], exact[top - degree]
        errors.append(abs(modes[2 * degree - 1] - 0.5 * (plus + minus)))
        errors.append(abs(modes[2 * degree] - (plus - minus) / 2j))
    assert max(errors) < {6: 1e-6, 12: 1e-9}[order] * abs(start[0])


@pytest.mark.parametrize("name", sorted(STEPPERS))
@pytest.mark.parametrize(("dimension", "order"), [(1, 1), (2, 0), (2, 1), (2, 3), (3, 1)])
def test_mass_is_conserved_to_the_last_bit(dimension: int, order: int, name: str) -> None:
    """By every scheme and order, with noise where the scheme takes it; the mean densities have no tendency and no noise."""
    noise = 0.01 if STEPPERS[name].weak_order > 0 else 0.0
    model, grid = mixture(dimension), Grid((6.0, 5.0, 4.0)[:dimension], (12,) * dimension)
    rng = np.random.default_rng(1)
    density = np.stack([smooth(rng, grid, 10.0, 0.3), smooth(rng, grid, 12.0, 0.3)])
    if order == 0:
        model = mixture(dimension, torques=False)
    solver = FieldSolver(
        model, grid.size, density, order=order, noise=noise, noise_length=1.5, time_step=2e-3, stepper=name,
        maximum_clipped_share=1.0,
    )  # fmt: skip
    before = solver._march.state[:, 0, 0].copy()
    solver.advance(0.1)
    frame = solver.frame()
    densities = [solver._layout.component(s, 0) for s in range(2)]
    np.testing.assert_array_equal(solver._march.state[densities, 0, 0], before[densities])
    np.testing.assert_allclose(solver.density.sum(axis=tuple(range(1, dimension + 1))), before[densities].real, rtol=1e-13)
    assert solver.monitors.mass_drift == 0.0
    assert float(frame.variables["mass_A"].data) == pytest.approx(density[0].sum() * grid.cell_volume, rel=1e-13)


def _flock(torques: tuple[float, ...], order: int, start: float = 0.2, **options: object) -> FieldSolver:
    model = Model(2, [Species("A", Motion(0.2, 0.5), "1.0", rotational_drag=3.0)], mean_field=[MeanField("A", "A", torques)])
    density = np.full((1, 8, 8), 0.5)
    polarity = np.zeros((1, 2, 8, 8))
    polarity[0, 0], polarity[0, 1] = 0.8 * start, 0.6 * start
    return FieldSolver(model, (4.0, 4.0), density, order=order, polarity=polarity, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sbdf2", "etdrk2", "etdrk4"])
def test_uniform_flock_has_the_polarity_of_its_two_coefficients(name: str) -> None:
    """|P| = sqrt(a/b), a = rho T_1/(2 pi xi_r) - Dr - alpha and b of PHYSICS, to 1e-6, along the direction of the start."""
    rho, first, second, drag, rate1, rate2 = 0.5, 36.0, 8.0, 3.0, 0.7, 4 * 0.5 + 0.2
    a = rho * first / (2.0 * np.pi * drag) - rate1
    b = first * (first - second) / (2.0 * np.pi**2 * drag**2 * (rate2 - rho * second / (np.pi * drag)))
    solver = _flock((first, second), 1, time_step=0.02, stepper=name)
    solver.advance(80.0)
    polarity = solver.polarity[0]
    np.testing.assert_allclose(np.hypot(*polarity), np.sqrt(a / b), rtol=1e-6)
    np.testing.assert_allclose(polarity[1] / polarity[0], 0.75, rtol=1e-9)
    order = float(solver.frame().variables["polar_order_A"].data)
    assert order == pytest.approx(np.sqrt(a / b) / rho, rel=1e-6)


def test_flocks_of_higher_order_settle_at_the_fixed_point_of_the_kinetic_equation() -> None:
    """Order 8 against f(theta) on a grid of angles: omega sin, integrated by itself."""
    rho, drag, dr, alpha, torques = 0.5, 3.0, 0.5, 0.2, (36.0, 8.0)
    solver = _flock(torques, 8, start=0.1, time_step=0.02)
    solver.advance(60.0)
    theta = 2.0 * np.pi * np.arange(64) / 64
    wave = np.fft.fftfreq(64, 1.0 / 64) * 1j
    f = rho / (2.0 * np.pi) * (1.0 + 0.4 * np.cos(theta))
    step = 0.002
    for _ in range(30_000):
        psi = [np.sum(f * np.exp(1j * m * theta)) * 2.0 * np.pi / 64 for m in (1, 2)]
        omega = sum(
            2.0 * t / (2.0 * np.pi * drag) * (p * np.exp(-1j * m * theta)).imag
            for m, t, p in zip((1, 2), torques, psi, strict=True)
        )
        drift = np.fft.ifft(wave * np.fft.fft(omega * f)).real
        f = np.fft.ifft((np.fft.fft(f - step * (drift + alpha * (f - rho / (2.0 * np.pi))))) / (1.0 - step * dr * wave**2)).real
    expected = abs(np.sum(f * np.exp(1j * theta)) * 2.0 * np.pi / 64)
    assert float(np.hypot(*solver.polarity[0])[0, 0]) == pytest.approx(expected, rel=1e-5)


def test_closures_that_fail_are_refused_or_end_the_run() -> None:
    with pytest.raises(InputError, match="harmonic 2 grow"):
        _flock((36.0, 60.0), 1)
    with pytest.raises(InputError, match="T_2 >= T_1"):
        _flock((30.0, 31.0), 1)
    # a gas in which the closure holds on average, and fails where it is dense
    model = Model(
        2, [Species("A", Motion(0.2, 0.5), "1.0", rotational_drag=3.0)], mean_field=[MeanField("A", "A", (0.0, 30.0))]
    )
    dense = np.full((1, 16, 16), 0.3)
    dense[0, 4:12, 4:12] = 1.6
    with pytest.raises(NumericalFailure, match="closure fails"):
        FieldSolver(model, (8.0, 8.0), dense, order=1, time_step=0.01).advance(0.01)


def test_torques_that_do_not_saturate_end_the_run_with_an_explanation() -> None:
    """At order 2 T_1 alone makes a polarity longer than the density before anything else happens."""
    with pytest.raises(NumericalFailure, match="polarity longer than their density"):
        _flock((360.0,), 2, time_step=0.002).advance(5.0)


def test_noise_that_is_too_strong_for_the_polarity_ends_the_run_with_its_length() -> None:
    """One particle in a hundred cells of the noise; without noise its length is no cure."""
    model = Model(2, [Species("A", Motion(1.0), "1.0")])
    solver = FieldSolver(model, (8.0, 8.0), np.full((1, 16, 16), 0.01), order=1, noise=1.0, time_step=0.01, seed=1)
    with pytest.raises(
        NumericalFailure, match=r"too strong .*; raise fields\.noise_length \(now 1\), lower fields\.noise, raise"
    ):
        solver.advance(1.0)
    with pytest.raises(NumericalFailure) as error:
        _flock((360.0,), 2, time_step=0.002).advance(5.0)
    assert "noise" not in str(error.value)


def test_chemicals_in_time_approach_the_adiabatic_limit() -> None:
    """Rates g times faster: the difference to the adiabatic run falls as 1/g."""

    def run(factor: float, adiabatic: bool) -> Array:
        chemical = Chemical("c", {"A": 0.3 * factor}, 0.5 * factor, 1.0 * factor, adiabatic)
        model = Model(2, [Species("A", Motion(1.0), "1.0 + 0.3*tanh(c - 3)", 0.1)], chemicals=[chemical])
        grid = Grid((6.0, 6.0), (16, 16))
        density = smooth(np.random.default_rng(2), grid, 10.0, 0.8)[None]
        solver = FieldSolver(model, grid.size, density, time_step=1e-3, stepper="etdrk4")
        solver.advance(0.5)
        return solver.density

    limit = run(1.0, True)
    errors = [np.max(np.abs(run(factor, False) - limit)) for factor in (20.0, 40.0)]
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.1)
    assert errors[1] < 1e-2


def test_a_chemical_by_itself_decays_exactly() -> None:
    """No production: its modes decay at gamma + Dc q^2 at any step, and nothing is made of them."""
    chemical = Chemical("c", {}, 0.3, 0.2, adiabatic=False)
    model = Model(2, [Species("A", Motion(1.0), "1.0 + 0*c")], chemicals=[chemical])
    grid = Grid((6.0, 6.0), (16, 16))
    concentration = smooth(np.random.default_rng(3), grid, 2.0, 0.3)[None]
    solver = FieldSolver(
        model, grid.size, np.full((1, *grid.shape), 5.0), concentration=concentration, time_step=0.5, stepper="etdrk2"
    )
    modes = solver._righthandside.modes
    solver.advance(2.0)
    expected = modes.of(concentration[0]) * np.exp(-2.0 * (0.2 + 0.3 * modes.squared_wavenumber))
    np.testing.assert_allclose(solver._march.state[1], expected, atol=1e-12 * grid.cells)
    frame = solver.frame()
    np.testing.assert_allclose(frame.variables["concentration_c"].data, modes.field(expected), atol=1e-12)


@pytest.mark.parametrize(("dimension", "order", "adiabatic"), [(1, 1, True), (2, 2, False), (3, 0, False)])
def test_restored_states_continue_bit_for_bit(dimension: int, order: int, adiabatic: bool) -> None:
    """Orders, chemicals in time, noise and threads: the same bits."""
    grid = Grid((6.0, 5.0, 4.0)[:dimension], (16,) * dimension)

    def new(threads: int = 1) -> FieldSolver:
        model = mixture(dimension, torques=order > 0, adiabatic=adiabatic)
        rng = np.random.default_rng(1)
        density = np.stack([smooth(rng, grid, 10.0, 0.3), smooth(rng, grid, 12.0, 0.3)])
        return FieldSolver(
            model, grid.size, density, order=order, noise=0.01, noise_length=1.5, time_step=2e-3, seed=4, threads=threads,
            maximum_clipped_share=1.0,
        )  # fmt: skip

    whole, first, second = new(), new(2), new()
    whole.advance(0.06)
    first.advance(0.022)
    second.restore(first.state())
    second.frame()
    second.advance(0.06)
    assert whole._march.state.tobytes() == second._march.state.tobytes()
    assert np.any(whole._march.state != new()._march.state)


def test_spectral_convergence_at_order_two() -> None:
    """The same smooth polar pattern on finer grids: the error falls faster than any fixed order."""
    results = {}
    for cells in (16, 24, 32, 64):
        grid = Grid((4.0, 4.0), (cells, cells))
        # the same functions of place on every grid
        angles = [2.0 * np.pi * (np.arange(cells)) / cells] * 2
        x, y = np.meshgrid(*angles, indexing="xy")
        density = np.stack([50.0 + 8.0 * np.cos(x) + 4.0 * np.sin(y), 50.0 - 6.0 * np.sin(x + y)])
        polarity = np.zeros((2, 2, cells, cells))
        polarity[0, 0] = 5.0 * np.cos(y)
        solver = FieldSolver(cross(0.4, -0.4), grid.size, density, order=2, polarity=polarity, time_step=2e-3, stepper="etdrk4")
        solver.advance(0.4)
        results[cells] = np.fft.rfft2(solver.density)[:, :5, :5] / cells**2
    errors = [np.max(np.abs(results[cells] - results[64])) for cells in (16, 24, 32)]
    assert errors[1] < 0.1 * errors[0]
    assert errors[2] < 0.1 * errors[1]
    assert errors[2] < 1e-6


def test_initial_fields_of_the_wrong_kind_are_refused() -> None:
    density = np.full((1, 16, 16), 5.0)
    model = Model(2, [Species("A", Motion(1.0), "1.0")], sensing=Sensing())
    with pytest.raises(InputError, match=r"fields\.order is 0"):
        FieldSolver(model, (4.0, 4.0), density, polarity=np.zeros((1, 2, 16, 16)))
    with pytest.raises(InputError, match="polarity has shape"):
        FieldSolver(model, (4.0, 4.0), density, order=1, polarity=np.zeros((1, 16, 16)))
    polarity = np.zeros((1, 2, 16, 16))
    polarity[0, 1, :2] = 5.001
    with pytest.raises(InputError, match=r"longer than the density in 12\.5 % of the cells"):
        FieldSolver(model, (4.0, 4.0), density, order=1, polarity=polarity)
    with pytest.raises(InputError, match="concentration has shape"):
        FieldSolver(model, (4.0, 4.0), density, concentration=np.zeros((1, 16, 16)))
    with pytest.raises(InputError, match="precision"):
        FieldSolver(model, (4.0, 4.0), density, precision="float16")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no field of its own"):
        _ = FieldSolver(model, (4.0, 4.0), density).polarity
