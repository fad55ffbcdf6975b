"""The right-hand side against the kinetic equation from which it comes, worked out by other means."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldsolver.layout import Layout
from fieldsolver.righthandside import RightHandSide
from tests.fieldsolver.smoluchowski import Kinetic
from tests.fieldsolver.steered import mixture, smooth
from tests.theory.models import RUN
from theory import Model, Motion, Sensing, Species
from theory.chemistry import Chemotaxis
from theory.fourier import Grid

Array = NDArray[np.float64]

COUPLINGS = {
    "quorum sensing": {"steering": False, "pairs": False},
    "chemotaxis": {"pairs": False},
    "pairs": {"steering": False},
    "everything": {},
}


def evaluated(model: Model, order: int, grid: Grid, components: Array, **options: object) -> tuple[RightHandSide, Array]:
    """The right-hand side, and its value for real fields (component, [z,] [y,] x)."""
    righthandside = RightHandSide(Layout(model, order, keep_density=False), grid, **options)  # type: ignore[arg-type]
    state = righthandside.modes.of(components)
    out = np.empty_like(state)
    righthandside.evaluate(state, out)
    return righthandside, out


def _real_components(psi: NDArray[np.complex128], order: int) -> Array:
    rows = []
    for one in psi:
        rows.append(one[0].real)
        for k in range(1, order + 1):
            rows += [one[k].real, one[k].imag]
    return np.stack(rows)


@pytest.mark.parametrize("name", COUPLINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_harmonics_obey_the_kinetic_equation(order: int, name: str) -> None:
    """Random smooth fields, two species: every harmonic of d_t f on a grid of angles, to 2e-14 of the largest."""
    model, grid, rng = mixture(2, **COUPLINGS[name]), Grid((6.0, 5.0), (64, 64)), np.random.default_rng(order)
    psi = np.zeros((2, order + 2, *grid.shape), dtype=complex)
    for m in range(2):
        psi[m, 0] = smooth(rng, grid, 10.0, 0.6)
        for k in range(1, order + 1):
            psi[m, k] = smooth(rng, grid, 0.3, 0.5 / k) + 1j * smooth(rng, grid, -0.2, 0.4 / k)
    righthandside, found = evaluated(model, order, grid, _real_components(psi, order))
    kinetic = Kinetic(model, grid, order)
    kinetic.close(psi)
    expected = righthandside.modes.of(_real_components(kinetic.tendency(psi), order))
    assert np.max(np.abs(found - expected)) < 2e-14 * np.max(np.abs(expected))
    np.testing.assert_array_equal(found[[0, 1 + 2 * order], 0, 0], 0.0)


def test_hydrodynamics_is_the_kinetic_equation_with_its_polarity_slaved() -> None:
    """Order 0 with chemotaxis and mean field: the same closure, one degree lower."""
    model, grid, rng = mixture(2, torques=False), Grid((6.0, 5.0), (48, 48)), np.random.default_rng(7)
    psi = np.zeros((2, 2, *grid.shape), dtype=complex)
    psi[:, 0] = [smooth(rng, grid, 10.0, 0.3), smooth(rng, grid, 12.0, 0.3)]
    righthandside, found = evaluated(model, 0, grid, psi[:, 0].real)
    kinetic = Kinetic(model, grid, 0)
    kinetic.close(psi)
    expected = righthandside.modes.of(kinetic.tendency(psi)[:, 0].real)
    # round-off grows with the square of the largest wavenumber
    assert np.max(np.abs(found - expected)) < 1e-12 * np.max(np.abs(expected))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_drift_of_chemotaxis_at_order_zero(dimension: int) -> None:
    """V = -(v1/d + v0 tau0/(d tau1) + (d - 1) v0 tau0 chi/d) grad c of PHYSICS, with constant speeds."""
    turning = 0.07 if dimension > 1 else 0.0
    base = mixture(dimension, pairs=False)
    taxis = (Chemotaxis("e", 0.05, 0.04, turning),)
    species = [Species("A", RUN, "1.3", 0.0, taxis), Species("B", RUN, "0.9")]
    model = Model(dimension, species, chemicals=base.chemicals)
    grid = Grid((6.0, 5.0, 4.0)[:dimension], (16,) * dimension)
    rng = np.random.default_rng(2)
    rho = np.stack([smooth(rng, grid, 10.0, 0.5), smooth(rng, grid, 9.0, 0.5)])
    righthandside, found = evaluated(model, 0, grid, rho)
    modes = righthandside.modes
    k = [2.0 * np.pi * np.fft.fftfreq(n, d) for n, d in zip(grid.shape[::-1], grid.spacing, strict=True)]
    wave = np.meshgrid(*k[::-1], indexing="ij", sparse=True)[::-1]
    square = sum(one**2 for one in wave)
    chemical = model.chemicals[1]
    c_hat = chemical.production["B"] * np.fft.fftn(rho[1]) / (chemical.decay_rate + chemical.diffusivity * square)
    drift = -(0.05 + 1.3 * (0.04 + (dimension - 1) * turning)) / dimension
    flux = [drift * rho[0] * np.fft.ifftn(1j * one * c_hat).real for one in wave]
    change = -sum(np.fft.ifftn(1j * one * np.fft.fftn(j)).real for one, j in zip(wave, flux, strict=True))
    change += 1.3**2 / dimension * np.fft.ifftn(-square * np.fft.fftn(rho[0])).real
    np.testing.assert_allclose(found[0], modes.of(change), atol=1e-12 * np.abs(found).max())


def test_order_one_on_a_line_is_the_two_way_street() -> None:
    """Densities of right- and left-movers that turn at half the tumble rate, with every coupling in one dimension."""
    model, grid, rng = mixture(1), Grid((6.0,), (64,)), np.random.default_rng(3)
    rho = np.stack([smooth(rng, grid, 10.0, 0.6), smooth(rng, grid, 12.0, 0.6)])
    polarity = np.stack([smooth(rng, grid, 0.5, 0.4), smooth(rng, grid, -0.4, 0.3)])
    righthandside, found = evaluated(model, 1, grid, np.stack([rho[0], polarity[0], rho[1], polarity[1]]))
    line = _Line(model, grid)
    expected = np.concatenate([line.tendency(m, rho, polarity) for m in range(2)])
    expected = righthandside.modes.of(expected)
    assert np.max(np.abs(found - expected)) < 2e-14 * np.max(np.abs(expected))


class _Line:
    def __init__(self, model: Model, grid: Grid) -> None:
        self.model, self.q = model, 2.0 * np.pi * np.fft.rfftfreq(grid.cells, grid.spacing[0])

    def derivative(self, f: Array) -> Array:
        return np.fft.irfft(1j * self.q * np.fft.rfft(f))

    def tendency(self, m: int, rho: Array, polarity: Array) -> Array:
        model = self.model
        made = model.production @ rho
        c = [np.fft.irfft(one.transform(self.q) * np.fft.rfft(f)) for one, f in zip(model.chemicals, made, strict=True)]
        kernels = [model.channels.kernels[model.channels.index[m, n]] for n in range(2)]
        sensed = [np.fft.irfft(one.transform(self.q) * np.fft.rfft(f)) for one, f in zip(kernels, rho, strict=True)]
        v = model.motility[model.names[m]].speed(np.stack([*sensed, *c]))
        v1, b, kappa = (np.zeros_like(v) for _ in range(3))
        for p, one in enumerate(c):
            v1 += model.speed_biases[m, p] * self.derivative(one)
            b += model.reorientation_biases[m, p] * model.persistence_times[m] * self.derivative(one)
        for (observer, source), law in model.mean_field.items():
            if observer == m:
                v = v - law.speed_reduction * rho[source] / model.drags[m, 0]
                kappa += law.repulsion / model.drags[m, 0] * self.derivative(rho[source])
        alpha, spread = model.species[m].motion.tumble_rate, model.translational_diffusivities[m]
        right, left = 0.5 * (rho[m] + polarity[m]), 0.5 * (rho[m] - polarity[m])
        changes = []
        for sign, own, other in ((1.0, right, left), (-1.0, left, right)):
            flux = sign * (v - sign * v1) * own - kappa * own - spread * self.derivative(own)
            turned = 0.5 * alpha * ((1.0 - sign * b) * other - (1.0 + sign * b) * own)
            changes.append(-self.derivative(flux) + turned)
        return np.stack([changes[0] + changes[1], changes[0] - changes[1]])


def test_polarity_equations_in_space_against_a_sphere_of_directions() -> None:
    """Order 1 in three dimensions: f on a quadrature of the sphere, with the nematic tensor slaved by hand."""
    model, grid, rng = mixture(3), Grid((6.0, 5.0, 4.0), (24, 24, 24)), np.random.default_rng(5)
    rho = np.stack([smooth(rng, grid, 10.0, 0.3), smooth(rng, grid, 12.0, 0.3)])
    polarity = np.stack([[smooth(rng, grid, 0.2, 0.2) for _ in range(3)] for _ in range(2)])
    fields = np.concatenate([[rho[0]], polarity[0], [rho[1]], polarity[1]])
    righthandside, found = evaluated(model, 1, grid, fields)
    sphere = _Sphere(model, grid)
    expected = righthandside.modes.of(np.concatenate([sphere.tendency(m, rho, polarity[m]) for m in range(2)]))
    assert np.max(np.abs(found - expected)) < 2e-14 * np.max(np.abs(expected))


class _Sphere:
    def __init__(self, model: Model, grid: Grid) -> None:
        self.model, self.grid = model, grid
        k = [2.0 * np.pi * np.fft.fftfreq(n, d) for n, d in zip(grid.shape[::-1], grid.spacing, strict=True)]
        for one in k:
            one[one.size // 2] = 0.0
        self.k = np.meshgrid(*k[::-1], indexing="ij", sparse=True)[::-1]
        self.q = np.sqrt(sum(one**2 for one in self.k))
        height, share = np.polynomial.legendre.leggauss(6)
        angle = 2.0 * np.pi * np.arange(11) / 11
        z, phi = (a.ravel() for a in np.meshgrid(height, angle, indexing="ij"))
        self.u = np.stack([np.sqrt(1 - z**2) * np.cos(phi), np.sqrt(1 - z**2) * np.sin(phi), z])
        self.weight = np.repeat(share, 11) * 2.0 * np.pi / 11

    def derivative(self, f: Array, axis: int) -> Array:
        return np.fft.ifftn(1j * self.k[axis] * np.fft.fftn(f)).real

    def gradient(self, f: Array) -> Array:
        return np.stack([self.derivative(f, axis) for axis in range(3)])

    def filtered(self, f: Array, transform: Array) -> Array:
        return np.fft.ifftn(transform * np.fft.fftn(f)).real

    def tendency(self, m: int, rho: Array, polarity: Array) -> Array:
        model, motion = self.model, self.model.species[m].motion
        speed, v1, b, chi, kappa = self.fields(m, rho)
        nematic = self.slaved(m, rho[m], polarity, speed, v1, b, chi)
        f = rho[m] + 3.0 * np.einsum("in,i...->n...", self.u, polarity)
        f = (f + 7.5 * np.einsum("in,jn,ij...->n...", self.u, self.u, nematic)) / (4.0 * np.pi)
        along = speed - np.einsum("in,i...->n...", self.u, v1)
        rate = 1.0 + np.einsum("in,i...->n...", self.u, b)
        carried = np.einsum("n,in,n...->i...", self.weight, self.u, along * f)
        stress = np.einsum("n,in,jn,n...->ij...", self.weight, self.u, self.u, along * f)
        turned = np.einsum("n,in,n...->i...", self.weight, self.u, rate * f)
        spread = model.translational_diffusivities[m]
        # du/dt = -chi (g - u u.g), averaged
        second = np.einsum("n,in,jn,n...->ij...", self.weight, self.u, self.u, f)
        turning = -(rho[m] * chi - np.einsum("ij...,j...->i...", second, chi))
        out = [-sum(self.derivative(carried[j] - kappa[j] * rho[m], j) for j in range(3)) + spread * self.laplacian(rho[m])]
        for i in range(3):
            moved = -sum(self.derivative(stress[i, j] - kappa[j] * polarity[i], j) for j in range(3))
            lost = (motion.tumble_rate + 2.0 * motion.rotational_diffusion) * turned[i]
            out.append(moved - lost + turning[i] + spread * self.laplacian(polarity[i]))
        return np.stack(out)

    def laplacian(self, f: Array) -> Array:
        return self.filtered(f, -(self.q**2))

    def fields(self, m: int, rho: Array) -> tuple[Array, Array, Array, Array, Array]:
        model = self.model
        made = np.tensordot(model.production, rho, axes=1)
        c = [self.filtered(f, one.transform(self.q)) for one, f in zip(model.chemicals, made, strict=True)]
        kernels = [model.channels.kernels[model.channels.index[m, n]] for n in range(2)]
        sensed = [self.filtered(f, one.transform(self.q)) for one, f in zip(kernels, rho, strict=True)]
        speed = model.motility[model.names[m]].speed(np.stack([*sensed, *c]))
        v1, b, chi, kappa = (np.zeros((3, *self.grid.shape)) for _ in range(4))
        for p, one in enumerate(c):
            v1 += model.speed_biases[m, p] * self.gradient(one)
            b += model.reorientation_biases[m, p] * model.persistence_times[m] * self.gradient(one)
            chi += model.turnings[m, p] * self.gradient(one)
        for (observer, source), law in model.mean_field.items():
            if observer == m:
                speed = speed - law.speed_reduction * rho[source] / model.drags[m, 0]
                chi += law.turning * self.gradient(rho[source])
                kappa += law.repulsion / model.drags[m, 0] * self.gradient(rho[source])
        return speed, v1, b, chi, kappa

    def slaved(self, m: int, rho: Array, polarity: Array, speed: Array, v1: Array, b: Array, chi: Array) -> Array:
        """Q = <u u - 1/3>, from -1/5 of the traceless strain of <u (v - v1 u.g)> and from what turns."""
        motion = self.model.species[m].motion
        rate = motion.tumble_rate + 6.0 * motion.rotational_diffusion
        product = speed * polarity - v1 * rho / 3.0
        strain = np.stack([self.gradient(one) for one in product], axis=1)
        biased = np.einsum("i...,j...->ij...", b, polarity)
        turned = np.einsum("i...,j...->ij...", chi, polarity)
        return -(_traceless(strain) / 5.0 + rate / 5.0 * _traceless(biased) + 0.6 * _traceless(turned)) / rate


def _traceless(tensor: Array) -> Array:
    """T + T^T without its trace."""
    trace = np.einsum("ii...->...", tensor)
    return tensor + np.swapaxes(tensor, 0, 1) - 2.0 / 3.0 * np.multiply.outer(np.eye(3), trace)


@pytest.mark.parametrize("order", [0, 1])
def test_fields_that_vary_along_one_axis_do_not_know_how_many_there_are(order: int) -> None:
    """In two and three dimensions, along each axis: the same numbers once rates are such that D, and the closure, agree."""
    grids = {2: Grid((6.0, 5.0), (32, 16)[::-1]), 3: Grid((6.0, 5.0, 4.0), (8, 16, 32))}
    rng = np.random.default_rng(1)
    wave = smooth(rng, Grid((6.0,), (32,)), 10.0, 0.5)
    polarity = smooth(rng, Grid((6.0,), (32,)), 0.3, 0.2)
    results = {}
    for dimension, grid in grids.items():
        species = [Species("A", Motion(tumble_rate=0.8), "1.2 + 0.02*A", 0.05)]
        model = Model(dimension, species, sensing=Sensing("gaussian", 0.6))
        along = [np.broadcast_to(wave, grid.shape)]
        if order > 0:
            along += [np.broadcast_to(polarity, grid.shape), *[np.zeros(grid.shape)] * (dimension - 1)]
        righthandside, found = evaluated(model, order, grid, np.stack(along))
        results[dimension] = righthandside.modes.field(found)[:, *(0,) * (dimension - 1)]
    q = 2.0 * np.pi * np.fft.rfftfreq(32, 6.0 / 32)
    diffused = np.fft.irfft(-(q**2) * np.fft.rfft(wave)) * 0.05
    if order == 0:
        # (tau/d) v grad(v rho): the dimension is a factor of what is not translational
        np.testing.assert_allclose(3.0 * (results[3][0] - diffused), 2.0 * (results[2][0] - diffused), atol=1e-11)
        return
    np.testing.assert_allclose(results[3][0], results[2][0], atol=1e-12)
    # the pressure is v rho/d; the viscosity 1/4 v^2/alpha or 4/15 v^2/alpha
    kernel = Model(2, species, sensing=Sensing("gaussian", 0.6)).channels.kernels[0]
    v = 1.2 + 0.02 * np.fft.irfft(kernel.transform(q) * np.fft.rfft(wave))

    def derivative(f: Array) -> Array:
        return np.fft.irfft(1j * q * np.fft.rfft(f))

    rest = -0.8 * polarity + 0.05 * derivative(derivative(polarity))
    viscous = derivative(v * derivative(v * polarity)) / 0.8
    for dimension, factor in ((2, 0.25), (3, 4.0 / 15.0)):
        expected = -derivative(v * wave) / dimension + rest + factor * viscous
        np.testing.assert_allclose(results[dimension][1], expected, atol=1e-11)


def test_single_precision_agrees_to_its_digits() -> None:
    model, grid, rng = mixture(2), Grid((6.0, 5.0), (48, 40)), np.random.default_rng(4)
    fields = np.stack([smooth(rng, grid, 10.0 if n % 3 == 0 else 0.2, 0.3) for n in range(6)])
    _, double = evaluated(model, 1, grid, fields)
    righthandside, single = evaluated(model, 1, grid, fields, precision="float32")
    assert righthandside.kept.dtype == np.float32
    assert single.dtype == np.complex128
    error = np.max(np.abs(single - double)) / np.max(np.abs(double))
    assert 1e-9 < error < 3e-5


@pytest.mark.parametrize(("dimension", "shape"), [(1, (4096,)), (2, (64, 96)), (3, (16, 24, 20))])
def test_blocks_and_threads_change_nothing(dimension: int, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks, so that there are many and a last one that is not full, shared by three threads: the same bits."""
    model, grid, rng = mixture(dimension), Grid((6.0, 5.0, 4.0)[:dimension], shape), np.random.default_rng(6)
    number = Layout(model, 1, keep_density=False).components
    fields = np.stack([smooth(rng, grid, 10.0 if n % (dimension + 1) == 0 else 0.2, 0.3) for n in range(number)])
    _, whole = evaluated(model, 1, grid, fields)
    for name, value in (("_ROW_BYTES", 1), ("_COLUMN_BYTES", 1), ("_LEAST_POINTS", 3 * shape[-1]), ("_LEAST_COLUMNS", 1)):
        monkeypatch.setattr(f"fieldsolver.passes.{name}", value)
    bits = []
    for threads in (1, 3):
        righthandside, found = evaluated(model, 1, grid, fields, threads=threads)
        righthandside.passes.close()
        bits.append(found.tobytes())
        np.testing.assert_allclose(found, whole, atol=1e-13 * np.abs(whole).max())
    assert bits[0] == bits[1]
    if dimension == 2:
        assert [len(righthandside.passes.row_blocks), len(righthandside.passes.column_blocks)] == [22, 8]
