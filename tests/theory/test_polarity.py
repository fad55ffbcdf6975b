"""The polarity equation against the complex hierarchy that it is derived from, and its conditions."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from theory import InputError, MeanField, Model, Motion, Species
from theory.flocks import Torques, UniformFlock
from theory.homogeneous import HomogeneousState
from theory.kinetic.polarity import PolarityEquation, growth_matrix

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

XI_T, XI_R, DT, DR, ALPHA = 9.0, 3.0, 0.11, 1.0, 0.3
SEEN = MeanField("A", "A", (216.0, 75.0, 26.0), speed_reduction=95.0, turning=209.0, repulsion=1182.0)
DENSITY = 0.12


def model(speed: str = "11.1", tumbles: float = ALPHA, number: int = 1) -> Model:
    motion = Motion(rotational_diffusion=DR, tumble_rate=tumbles)
    species = [Species(n, motion, speed, DT, translational_drag=XI_T, rotational_drag=XI_R) for n in "ABC"[:number]]
    return Model(2, species)


# --- the gradient terms --------------------------------------------------------------------------------------------


def slaved_hierarchy(psi: ComplexArray, edge: float, speed: float) -> ComplexArray:
    """d Psi_1/dt of a uniform density with Psi_2 slaved and Psi_3 = 0, by spectral derivatives of complex fields."""
    k = 2.0 * np.pi * np.fft.fftfreq(psi.shape[0], edge / psi.shape[0])
    kx, ky = k[None, :], k[:, None]

    def derivative(field: ComplexArray, conjugate: bool = False) -> ComplexArray:
        factor = 1j * kx + (1j if not conjugate else -1j) * 1j * ky
        return np.fft.ifft2(factor * np.fft.fft2(field))

    t1, t2, _ = SEEN.torque_harmonics
    decay = 4.0 * DR + ALPHA - DENSITY * t2 / (np.pi * XI_R)
    second = (-0.5 * speed * derivative(psi) + t1 / (np.pi * XI_R) * psi**2) / decay
    growth = DENSITY * t1 / (2.0 * np.pi * XI_R) - DR - ALPHA
    laplacian = np.fft.ifft2(-(kx**2 + ky**2) * np.fft.fft2(psi))
    coupling = (t2 - t1) / (2.0 * np.pi * XI_R) * second * psi.conj()
    return growth * psi + coupling - 0.5 * speed * derivative(second, conjugate=True) + DT * laplacian


def polarity_equation(psi: ComplexArray, edge: float, one: PolarityEquation) -> ComplexArray:
    """The same in the vector form of the module."""
    k = 2.0 * np.pi * np.fft.fftfreq(psi.shape[0], edge / psi.shape[0])

    def gradient(field: Array) -> tuple[Array, Array]:
        modes = np.fft.fft2(field)
        return np.fft.ifft2(1j * k[None, :] * modes).real, np.fft.ifft2(1j * k[:, None] * modes).real

    p = (psi.real, psi.imag)
    slopes = [gradient(component) for component in p]
    square = p[0] ** 2 + p[1] ** 2
    divergence, slope_of_square = slopes[0][0] + slopes[1][1], gradient(square)
    rates = []
    for n in (0, 1):
        laplacian = gradient(slopes[n][0])[0] + gradient(slopes[n][1])[1]
        carried = p[0] * slopes[n][0] + p[1] * slopes[n][1]
        splayed = p[n] * divergence - 0.5 * slope_of_square[n]
        rates.append(
            (one.growth_rate - one.saturation * square) * p[n]
            + one.viscosity * laplacian
            - one.advection * carried
            - one.compression * splayed
        )
    return rates[0] + 1j * rates[1]


def test_gradient_terms_are_those_of_the_hierarchy() -> None:
    """To round-off, for a field of many modes."""
    generator = np.random.default_rng(0)
    cells, edge = 32, 7.0
    modes = np.zeros((cells, cells), dtype=complex)
    # products of three stay below the Nyquist wavenumber
    modes[np.ix_([0, 1, 2, 3, -1, -2, -3], [0, 1, 2, 3, -1, -2, -3])] = generator.normal(size=(7, 7, 2)) @ [1.0, 1.0j]
    psi = np.fft.ifft2(modes) * cells
    one = PolarityEquation.of(model(), DENSITY, SEEN)
    exact = slaved_hierarchy(psi, edge, one.speed)
    np.testing.assert_allclose(polarity_equation(psi, edge, one), exact, atol=1e-11 * np.abs(exact).max())


def test_pressure_is_the_response_to_a_density_gradient() -> None:
    """-(1/2) D(v rho) - (chi/2) rho D rho, differentiated by finite differences of a speed that depends on density."""
    sensing = model("11.1*exp(-0.3*A)")

    def force(rho: float) -> float:
        speed = 11.1 * np.exp(-0.3 * rho) - SEEN.speed_reduction * rho / XI_T
        return 0.5 * speed * rho + 0.25 * SEEN.turning * rho**2

    step = 1e-5
    slope = (force(DENSITY + step) - force(DENSITY - step)) / (2.0 * step)
    assert PolarityEquation.of(sensing, DENSITY, SEEN).pressure == pytest.approx(slope, rel=1e-8)


# --- growth and saturation -----------------------------------------------------------------------------------------


def test_growth_and_saturation_as_printed() -> None:
    """[S2] Eq. 5; b = T_1 (T_1 - T_2)/(2 pi^2 xi_r^2 (4 Dr - rho T_2/(pi xi_r))) without tumbles."""
    one = PolarityEquation.of(model(tumbles=0.0), DENSITY, SEEN)
    assert one.growth_rate == pytest.approx(DENSITY * 216.0 / (2.0 * np.pi * XI_R) - DR)
    second = 4.0 * DR - DENSITY * 75.0 / (np.pi * XI_R)
    assert one.saturation == pytest.approx(216.0 * (216.0 - 75.0) / (2.0 * np.pi**2 * XI_R**2 * second))
    assert one.polar_order == pytest.approx(np.sqrt(one.growth_rate / one.saturation) / DENSITY)
    assert one.speed == pytest.approx(11.1 - 95.0 * DENSITY / XI_T)


def test_uniform_flock_is_a_fixed_point_of_the_hierarchy() -> None:
    one = PolarityEquation.of(model(), DENSITY, SEEN)
    psi = np.full((8, 8), one.polar_order * DENSITY * np.exp(0.7j))
    np.testing.assert_allclose(slaved_hierarchy(psi, 7.0, one.speed), 0.0, atol=1e-13)


def test_no_order_where_isotropy_is_stable() -> None:
    assert PolarityEquation.of(model(), 0.05, SEEN).polar_order == 0.0
    assert PolarityEquation.of(model(), 0.05, MeanField("A", "A")).growth_rate == pytest.approx(-DR - ALPHA)


def test_what_does_not_saturate_or_cannot_be_slaved() -> None:
    growing = dataclasses.replace(SEEN, torque_harmonics=(216.0, 220.0))
    one = PolarityEquation.of(model(), DENSITY, growing)
    with pytest.raises(InputError, match=r"polar order grows .* and does not saturate .* T_2 < T_1 is needed"):
        _ = one.polar_order
    with pytest.raises(InputError, match=r"the second harmonic of directions grows by itself at the density 0\.3"):
        PolarityEquation.of(model(), 0.3, growing)
    with pytest.raises(InputError, match="one species in two dimensions"):
        PolarityEquation.of(model(number=2), DENSITY, SEEN)


def test_growth_of_mixtures() -> None:
    """Two species that only turn each other: growth by the root of the product of both couplings."""
    seen = [MeanField("A", "B", (100.0,)), MeanField("B", "A", (-40.0, 3.0)), MeanField("A", "A")]
    matrix = growth_matrix(model(number=2), [0.2, 0.5], seen)
    unit = 1.0 / (2.0 * np.pi * XI_R)
    expected = np.array([[-DR - ALPHA, 0.2 * 100.0 * unit], [0.5 * -40.0 * unit, -DR - ALPHA]])
    np.testing.assert_allclose(matrix, expected)
    values = np.linalg.eigvals(matrix)
    # one turns towards the other and that away: polarities that chase each other around
    assert np.all(np.abs(values.imag) > 0.1)
    single = growth_matrix(model(), [DENSITY], [SEEN])
    assert single[0, 0] == pytest.approx(PolarityEquation.of(model(), DENSITY, SEEN).growth_rate)


@pytest.mark.parametrize(
    "motion",
    [Motion(aoup=True, persistence_time=0.5), Motion(aoup=True, rotational_diffusion=2.0)],
    ids=["persistence time", "rates"],
)
def test_particles_without_a_unit_direction(motion: Motion) -> None:
    """Where nothing turns them their polarity decays at 1/tau, however it is stated; torques are not worked out for them."""
    species = [Species("A", motion, "1"), Species("B", Motion(rotational_diffusion=1.0, tumble_rate=3.0), "1")]
    mixture = Model(2, species)
    pushed = [MeanField("A", "A", speed_reduction=3.0), MeanField("B", "B", (4.0 * np.pi,))]
    np.testing.assert_allclose(growth_matrix(mixture, [0.5, 0.5], pushed), np.diag([-2.0, -3.0]), atol=1e-14)
    for observer, source in (("A", "B"), ("B", "A")):
        with pytest.raises(InputError, match=r"a unit direction; A is an Ornstein-Uhlenbeck particle .*; use tumbles"):
            growth_matrix(mixture, [0.5, 0.5], [MeanField(observer, source, (1.0,))])
    with pytest.raises(InputError, match="A is an Ornstein-Uhlenbeck particle"):
        PolarityEquation.of(Model(2, species[:1]), 0.5, MeanField("A", "A"))


def test_tumbles_and_diffusion_forget_the_second_harmonic() -> None:
    """Gamma_2 = 4 Dr + alpha without torques, read off the viscosity."""
    speed = 11.1 - 95.0 * DENSITY / XI_T
    one = PolarityEquation.of(model(), DENSITY, dataclasses.replace(SEEN, torque_harmonics=()))
    assert one.viscosity == pytest.approx(DT + speed**2 / (4.0 * (4.0 * DR + ALPHA)))


def test_order_and_growth_are_those_of_the_uniform_hierarchy() -> None:
    """The flock to which the harmonics grow, and for mixtures the growth of the first ones, by another implementation."""
    species = model().species[0]
    seeing = Model(2, [species], mean_field=[SEEN])
    flock = UniformFlock.of(HomogeneousState.of(seeing, [DENSITY]), 1)
    assert PolarityEquation.of(seeing, DENSITY, SEEN).polar_order * DENSITY == pytest.approx(flock.polarity[0], rel=1e-8)
    pair = [MeanField("A", "A", (50.0,)), MeanField("A", "B", (100.0,)), MeanField("B", "A", (80.0, 3.0))]
    mixture = Model(2, model(number=2).species, mean_field=pair)
    torques = Torques(HomogeneousState.of(mixture, [0.2, 0.5]), 1)
    still = torques.complete(np.zeros((2, 1)))
    first = still.shape[1] // 2 + 1
    growth = torques.jacobian(still)[first, :, first]
    np.testing.assert_allclose(growth_matrix(mixture, [0.2, 0.5], pair), growth, atol=1e-12)
