"""What is measured on the way: against the frames themselves, against exact motions, and bit for bit after a restart."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from fieldsolver import FieldSolver, Observables
from tests.theory.models import RUN, cross, figure_one, one_species
from theory import InputError, Model, Species
from theory.arrays import Array
from theory.chemistry import Chemical, Chemotaxis
from theory.currents import Currents
from theory.fourier import Grid
from theory.frames import Frame
from theory.homogeneous import HomogeneousState
from theory.observables import Shells, modes, structure_factors

EVERYTHING = Observables(
    0.2, 0.05, structure_factors=True, pattern_velocity=True, kymograph=True, phase_densities=True, currents=True
)  # fmt: skip


def _waves(shape: tuple[int, ...], mean: float = 50.0, amplitude: float = 4.0) -> Array:
    """Two species with long waves along every axis."""
    angles = np.meshgrid(*(2.0 * np.pi * (np.arange(n) + 0.5) / n for n in shape), indexing="ij")
    first = sum(np.cos(angle + n) for n, angle in enumerate(angles))
    return np.stack([mean + amplitude * first, mean + amplitude * np.sin(angles[-1] - 0.4)])


def _value(frame: Frame, name: str) -> Any:
    return frame.variables[name].data


def _run(observables: Observables, **arguments: Any) -> FieldSolver:
    options: dict[str, Any] = {"noise": 1.0, "time_step": 0.01} | arguments
    return FieldSolver(cross(0.4, -0.4), (8.0, 6.0), _waves((32, 48)), observables=observables, **options)


def test_structure_factors_are_the_mean_over_the_samples() -> None:
    """Against frames of a run without observers, at the times of the samples."""
    watched, plain = _run(EVERYTHING), _run(replace(EVERYTHING, structure_factors=False))
    grid = Grid((8.0, 6.0), (32, 48))
    watched.advance(0.2)
    watched.frame()
    watched.advance(0.4)
    frame = watched.frame()
    q = frame.coordinates["wavenumber"].data
    expected = []
    for time in (0.25, 0.3, 0.35, 0.4):
        plain.advance(time)
        expected.append(structure_factors(modes(plain.density, grid), grid, Shells.of(grid, q[-1] + 0.3)))
    mean = np.mean(expected, axis=0)[..., : q.size]
    for (a, b), name in (((0, 0), "AA"), ((0, 1), "AB"), ((1, 1), "BB")):
        np.testing.assert_allclose(_value(frame, f"structure_factor_{name}"), mean[a, b], rtol=1e-10)
    # shells are complete: none reaches beyond the modes that are kept along the shortest axis
    assert q[-1] < 2.0 * np.pi * 10.5 / 6.0


def test_frames_look_alike_from_the_first_on_and_can_be_asked_for_twice() -> None:
    solver = _run(EVERYTHING, noise=0.0)
    first = solver.frame()
    again = solver.frame()
    solver.advance(0.2)
    later = solver.frame()
    assert first.variables.keys() == again.variables.keys() == later.variables.keys()
    for name, variable in first.variables.items():
        assert (variable.dimensions, variable.data.shape) == (
            later.variables[name].dimensions,
            later.variables[name].data.shape,
        )
        np.testing.assert_array_equal(variable.data, again.variables[name].data)
    for name, variable in later.coordinates.items():
        np.testing.assert_array_equal(variable.data, first.coordinates[name].data)
    # what needs two samples, or samples before the start, is not a number at first
    assert np.isnan(_value(first, "pattern_velocity_x_A"))
    assert np.all(np.isnan(_value(first, "kymograph_A")[:-1]))
    assert np.all(np.isfinite(_value(first, "kymograph_A")[-1]))
    assert np.all(np.isfinite(_value(later, "kymograph_A")))
    assert np.isfinite(_value(later, "pattern_velocity_x_A"))


@pytest.mark.parametrize("shape", [(48,), (32, 48), (12, 16, 48)])
def test_kymograph_is_the_density_along_x(shape: tuple[int, ...]) -> None:
    size = (8.0, 6.0, 4.0)[: len(shape)]
    observables = Observables(0.1, 0.05, kymograph=True)
    solver = FieldSolver(cross(0.4, -0.4, dimension=len(shape)), size, _waves(shape), tolerance=1e-3, observables=observables)
    other = FieldSolver(cross(0.4, -0.4, dimension=len(shape)), size, _waves(shape), tolerance=1e-3, observables=observables)
    solver.advance(0.1)
    frame = solver.frame()
    assert frame.variables["kymograph_A"].dimensions == ("sample", "x")
    np.testing.assert_allclose(frame.coordinates["sample"].data, [-0.05, 0.0])
    across = tuple(range(1, len(shape)))
    for row, time in enumerate((0.05, 0.1)):
        other.advance(time)
        for s, name in enumerate("AB"):
            expected = other.density.mean(axis=across)[s] if across else other.density[s]
            np.testing.assert_allclose(_value(frame, f"kymograph_{name}")[row], expected, rtol=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_velocity_of_a_growing_wave_is_its_phase_speed_with_its_sign(sign: float) -> None:
    """An eigenvector of the linear hydrodynamics, along the diagonal: the frequency over the wavenumber, and its direction."""
    model, size, cells = cross(0.5, -0.5), (12.0, 9.0), (36, 48)
    composition = np.array([52.0, 47.0])
    wave = np.array([2.0 * np.pi * 2.0 / 12.0, sign * 2.0 * np.pi / 9.0])
    q = float(np.linalg.norm(wave))
    values, vectors = np.linalg.eig(-(q**2) * HomogeneousState.of(model, composition).matrix(q))
    fastest = int(np.argmax(values.imag))
    x, y = Grid(size, cells).coordinates("x"), Grid(size, cells).coordinates("y")
    phase = np.exp(1j * (wave[0] * x[None, :] + wave[1] * y[:, None]))
    density = composition[:, None, None] + 1e-3 * (vectors[:, fastest, None, None] * phase).real
    solver = FieldSolver(model, size, density, tolerance=1e-6, observables=Observables(0.2, 0.02, pattern_velocity=True))
    solver.advance(0.2)
    frame = solver.frame()
    # exp(i q.r + lambda t): crests move with -Im(lambda)/q along the wave vector
    expected = -values[fastest].imag / q * wave / q
    assert values[fastest].imag > 0.1
    for axis, component in zip("xy", expected, strict=True):
        assert _value(frame, f"pattern_velocity_{axis}_A") == pytest.approx(component, rel=1e-3)
        assert _value(frame, f"pattern_velocity_{axis}_B") == pytest.approx(component, rel=1e-3)
    assert _value(frame, "pattern_coherence_A") == pytest.approx(1.0, abs=1e-6)


def test_a_pattern_at_rest_has_no_velocity() -> None:
    solver = FieldSolver(
        figure_one(),
        (8.0, 8.0),
        _waves((32, 32), 55.0),
        tolerance=1e-4,
        observables=Observables(0.2, 0.1, pattern_velocity=True),
    )
    solver.advance(0.2)
    speeds = [_value(solver.frame(), f"pattern_velocity_{axis}_A") for axis in "xy"]
    assert np.abs(speeds).max() < 0.02


def test_domain_size_of_a_single_wave_is_its_period() -> None:
    density = np.broadcast_to(50.0 + np.cos(2.0 * np.pi * 2.0 * (np.arange(48) + 0.5) / 48), (1, 32, 48)).copy()
    solver = FieldSolver(one_species(), (9.0, 6.0), density, observables=Observables(1.0, 1.0, structure_factors=True))
    assert _value(solver.frame(), "domain_size_A") == pytest.approx(4.5, rel=1e-9)


def test_phase_densities_of_two_slabs() -> None:
    density = np.full((2, 32, 96), 20.0)
    density[0, :, :32], density[1, :, 32:] = 90.0, 70.0
    solver = FieldSolver(figure_one(), (24.0, 8.0), density, observables=Observables(1.0, 1.0, phase_densities=True))
    frame = solver.frame()
    np.testing.assert_allclose(_value(frame, "phase_density_A")[:2], [90.0, 20.0], rtol=0.01)
    np.testing.assert_allclose(_value(frame, "phase_density_B")[:2], [20.0, 70.0], rtol=0.01)
    np.testing.assert_allclose(_value(frame, "phase_share")[:2], [1.0 / 3.0, 2.0 / 3.0], atol=0.03)
    assert np.all(np.isnan(_value(frame, "phase_share")[2:]))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_currents_change_the_densities(order: int) -> None:
    """d_t rho = -div J: over a short step of a deterministic run, at every order."""
    density = _waves((32, 32))
    species = [Species(s.name, s.motion, s.speed, 0.1) for s in cross(0.4, -0.4).species]
    model = Model(2, species, cross(0.4, -0.4).parameters)
    step = 1e-4
    solver = FieldSolver(
        model,
        (8.0, 8.0),
        density,
        order=order,
        time_step=step,
        stepper="etdrk2",
        observables=Observables(1.0, 1.0, currents=True),
    )
    # a polarity builds up first
    solver.advance(50 * step)
    frames, before = [solver.frame()], solver.density
    solver.advance(51 * step)
    frames.append(solver.frame())
    change = (solver.density - before) / step
    currents = Currents(model, Grid((8.0, 8.0), (32, 32)))
    for s, name in enumerate("AB"):
        flux = np.mean([[_value(frame, f"current_{axis}_{name}") for axis in "xy"] for frame in frames], axis=0)
        loss = currents.fields(currents.divergence(flux))
        # products have modes beyond those that the solver keeps
        kept = Grid((8.0, 8.0), (32, 32)).retained()
        loss = currents.fields(currents.modes(loss) * kept)
        np.testing.assert_allclose(change[s], -loss, atol=2e-4 * np.abs(loss).max())


def test_entropy_production_of_a_free_energy_is_its_loss() -> None:
    """One species with a local law: sigma T is minus the change of F = int rho log rho - rho + U, without noise."""
    model = Model(2, [Species("A", RUN, "exp(-0.004*A)")])
    density = _waves((24, 24), amplitude=8.0)[:1]
    solver = FieldSolver(
        model,
        (24.0, 24.0),
        density,
        time_step=0.02,
        stepper="etdrk2",
        observables=Observables(2.0, 2.0, entropy_production=True),
    )
    energies = []
    for time in (0.0, 2.0):
        solver.advance(time)
        # log v = -0.004 rho~, so that U = -0.002 rho rho~ with the kernel between the two
        rho = solver.density[0]
        grid = Grid((24.0, 24.0), (24, 24))
        sensed = np.fft.irfft2(np.fft.rfft2(rho) * model.channels.kernels[0].transform(grid.wavenumber), s=rho.shape)
        energies.append(float(np.sum(rho * np.log(rho) - rho - 0.002 * rho * sensed) * grid.cell_volume))
    frame = solver.frame()
    assert _value(frame, "entropy_production") * 2.0 == pytest.approx(energies[0] - energies[1], rel=1e-4)
    assert _value(frame, "entropy_density").mean() * 576.0 == pytest.approx(_value(frame, "entropy_production"), rel=1e-3)


def _solvers() -> list[Callable[[], FieldSolver]]:
    noisy = replace(EVERYTHING, entropy_production=True)
    return [
        partial(_run, noisy),
        partial(_run, replace(EVERYTHING, entropy_production=True), noise=0.0, time_step=None, tolerance=1e-3),
        partial(_run, EVERYTHING, order=1),
    ]


@pytest.mark.parametrize("new", _solvers(), ids=["noise", "adaptive", "order 1"])
def test_what_was_gathered_survives_a_restart(new: Callable[[], FieldSolver]) -> None:
    """Interrupted between samples, between frames; the frame after has the same bits."""
    whole, first, second = new(), new(), new()
    for solver in (whole, first):
        solver.advance(0.2)
        solver.frame()
    stop = first.step + 7 if first.noise_strength else first.step + 1
    assert not first.advance(0.4, interrupt=lambda: first.step == stop)
    second.restore(first.state())
    assert second.advance(0.4)
    whole.advance(0.4)
    one, other = whole.frame(), second.frame()
    assert one.variables.keys() == other.variables.keys()
    for name, variable in one.variables.items():
        np.testing.assert_array_equal(variable.data, other.variables[name].data, err_msg=name)
    assert whole.state().numbers == second.state().numbers


def test_observers_do_not_change_a_noisy_run() -> None:
    watched, plain = _run(replace(EVERYTHING, entropy_production=True)), _run(Observables(1.0, 1.0))
    for solver in (watched, plain):
        solver.advance(0.2)
    np.testing.assert_array_equal(watched.density, plain.density)


def test_interruption_at_a_sample_is_told() -> None:
    solver = _run(EVERYTHING)
    assert not solver.advance(0.2, interrupt=lambda: solver.step == 5)
    assert solver.step == 5
    assert solver.advance(0.2, interrupt=lambda: solver.step == 20)
    assert solver.step == 20


def test_currents_that_cannot_be_had_are_refused() -> None:
    model = Model(
        2,
        [Species("A", RUN, "1.0", chemotaxis=(Chemotaxis("c", speed_bias=0.1),))],
        chemicals=[Chemical("c", {"A": 1.0}, 1.0, 1.0)],
    )
    with pytest.raises(InputError, match=r"fields\.observables\.currents cannot be had at fields\.order above 0"):
        FieldSolver(model, (8.0, 8.0), np.full((1, 16, 16), 5.0), order=1, observables=Observables(1.0, 1.0, currents=True))
