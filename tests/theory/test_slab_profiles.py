import numpy as np
import pytest

from tests.theory.models import RUN, cross, figure_one, one_species
from theory import Chemical, Chemotaxis, InputError, Model, NumericalFailure, Sensing, Species
from theory.chemical_potential import ChemicalPotentials
from theory.coexistence import slab_profile
from theory.slab_profiles import Line, sensing_lengths


@pytest.mark.parametrize(
    ("law", "gas", "liquid"),
    [
        ("exp(-tanh((A - 50)/20))", 15.0404342, 103.8284206),
        ("exp(-0.8*tanh((A - 25)/10))", 10.5476242, 47.1228646),
    ],
)
@pytest.mark.parametrize("kernel", ["bump", "gaussian"])
def test_one_species_reproduces_the_exact_binodal(law: str, gas: float, liquid: float, kernel: str) -> None:
    """PHYSICS reference numbers, the same for every symmetric kernel."""
    model = one_species(law, sensing=Sensing(kernel, 1.0 if kernel == "bump" else 0.4))
    found = slab_profile(model, [0.5, 0.5], np.array([[liquid], [gas]]), 30.0)
    np.testing.assert_allclose(found.plateaus[:, 0], [liquid, gas], rtol=2e-8)
    assert found.residual < 1e-10


def test_two_species_tie_line() -> None:
    """(19.249, 17.797)-(12.344, 70.027), PHYSICS section 7, quoted to 2e-3 as the lever rule moves it along the binodal."""
    found = slab_profile(figure_one(), [0.6, 0.4], np.array([[12.0, 70.0], [19.5, 20.0]]), 32.0)
    np.testing.assert_allclose(found.plateaus, [[12.344, 70.027], [19.249, 17.797]], rtol=2.5e-3)


def test_profile_obeys_its_equation_and_keeps_its_mean() -> None:
    start = np.array([[90.0, 20.0], [20.0, 90.0]])
    found = slab_profile(figure_one(), [0.5, 0.5], start, 24.0)
    np.testing.assert_allclose(found.density.mean(axis=1), [55.0, 55.0], rtol=1e-12)
    # the equation once more, by direct summation of the kernel over the profile instead of transforms
    model = figure_one()
    x, length = found.position, 24.0
    offsets = np.arange(-32, 33) * (x[1] - x[0])
    kernel = model.channels.kernels[0]
    y = np.linspace(-1.0, 1.0, 4001)
    across = np.array([np.trapezoid(kernel(np.hypot(offset, y)), y) for offset in offsets]) * (x[1] - x[0])
    sensed = sum(w * np.roll(found.density, -s, axis=1) for w, s in zip(across, range(-32, 33), strict=True))
    products = found.density * model.speed(np.asarray(sensed))
    assert length / x.size == pytest.approx(x[1] - x[0])
    np.testing.assert_allclose(products, np.broadcast_to(found.constants[:, None], products.shape), rtol=2e-5)


def test_plateaus_do_not_depend_on_the_box() -> None:
    start = np.array([[94.0, 15.0], [15.0, 94.0]])
    found = [slab_profile(figure_one(), [0.5, 0.5], start, length).plateaus for length in (30.0, 60.0)]
    # at fixed mean the lever rule moves the plateaus by the interfaces' share of the box, which halves
    np.testing.assert_allclose(found[0], found[1], rtol=5e-3)


def test_translational_diffusion_blunts_the_law() -> None:
    """v (v rho)' + (d Dt/tau) rho' = 0 with v = v(K * rho), by differences along the profile instead of the law's integral."""
    species = [Species("A", RUN, "exp(-tanh((A - 50)/20))", 0.05)]
    model = Model(2, species, sensing=Sensing("gaussian", 1.0))
    found = slab_profile(model, [0.5, 0.5], np.array([[90.0], [20.0]]), 40.0)
    rho, x = found.density[0], found.position
    wavenumbers = 2.0 * np.pi * np.fft.rfftfreq(x.size, x[1] - x[0])
    sensed = np.fft.irfft(np.exp(-0.5 * wavenumbers**2) * np.fft.rfft(rho), x.size)
    v = np.exp(-np.tanh((sensed - 50.0) / 20.0))

    def slope(f: np.ndarray) -> np.ndarray:
        return np.asarray(np.fft.irfft(1j * wavenumbers * np.fft.rfft(f), x.size))

    flux = v * slope(v * rho) + 2.0 * 0.05 * slope(rho)
    assert np.max(np.abs(flux)) < 1e-8 * np.max(np.abs(v * slope(v * rho)))
    assert np.ptp(rho) > 40.0
    # without it the densities lie further apart
    sharp = slab_profile(
        one_species(species[0].speed, sensing=Sensing("gaussian", 1.0)), [0.5, 0.5], np.array([[90.0], [20.0]]), 40.0
    )
    assert np.ptp(sharp.plateaus) > np.ptp(found.plateaus) + 5.0


def test_steering_by_a_chemical() -> None:
    """Repulsion of A by what B makes and of B by what A makes, s beta/gamma = 0.05: demixing without any law of the speed."""
    chemicals = [Chemical("a", {"A": 1.0}, 1.0, 1.0), Chemical("b", {"B": 1.0}, 1.0, 1.0)]
    species = [
        Species("A", RUN, "1", chemotaxis=(Chemotaxis("b", speed_bias=0.05),)),
        Species("B", RUN, "1", chemotaxis=(Chemotaxis("a", speed_bias=0.05),)),
    ]
    model = Model(2, species, chemicals=chemicals)
    assert sensing_lengths(model) == [1.0, 1.0]
    found = slab_profile(model, [0.5, 0.5], np.array([[40.0, 5.0], [5.0, 40.0]]), 40.0)
    # beta/(gamma + Dc q^2) is the exponential kernel: the chemical obeys its own equation c - c'' = rho
    rho, x = found.density, found.position
    wavenumbers = 2.0 * np.pi * np.fft.rfftfreq(x.size, x[1] - x[0])
    c = np.fft.irfft(np.fft.rfft(rho) / (1.0 + wavenumbers**2), x.size)
    np.testing.assert_allclose(rho * np.exp(0.05 * c[::-1]), np.broadcast_to(found.constants[:, None], rho.shape), rtol=1e-9)
    assert found.plateaus[0, 0] / found.plateaus[0, 1] > 3.0


def test_derivatives_of_the_residual_are_what_newton_takes_them_for() -> None:
    """The product with the Jacobian against central differences of the residual."""
    line = Line(figure_one(), 16.0)
    random = np.random.default_rng(4)
    wave = np.cos(2.0 * np.pi * line.position / 16.0)
    rho = 50.0 + np.array([[30.0], [-20.0]]) * wave
    change = random.normal(size=2)[:, None] * np.sin(2.0 * np.pi * line.position / 16.0) + random.normal(size=2)[:, None]
    h = 1e-5

    def defect(one: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(one) + line._excess(one))

    expected = (defect(rho * np.exp(h * change)) - defect(rho * np.exp(-h * change))) / (2.0 * h)
    means = rho.mean(axis=1)
    product = line._operator(rho, means).matvec(np.concatenate([change.ravel(), np.zeros(3)]))
    np.testing.assert_allclose(product[: rho.size].reshape(rho.shape), expected, atol=1e-7)
    np.testing.assert_allclose(product[rho.size : -1], np.mean(rho * change, axis=1) / means, rtol=1e-12)


def test_bulk_constants_are_those_of_the_law() -> None:
    line = Line(figure_one(), 16.0)
    rho = np.array([20.0, 70.0])
    expected = rho * figure_one().speed(rho)
    np.testing.assert_allclose(line.bulk_constants(rho), expected, rtol=1e-12)
    np.testing.assert_allclose(line.constants(np.tile(rho[:, None], line.cells)), expected, rtol=1e-12)


def test_refusals() -> None:
    base = figure_one()
    start = np.array([[90.0, 20.0], [20.0, 90.0]])
    with pytest.raises(InputError, match="local kernel"):
        slab_profile(Model(2, base.species, sensing=Sensing("local")), [0.5, 0.5], start, 24.0)
    pinned = [Chemical("c", {"A": 1.0}, 0.0, 1.0)]
    with pytest.raises(InputError, match="diffuse and decay"):
        slab_profile(Model(2, [Species("A", RUN, "exp(-c/50)")], chemicals=pinned), [0.5, 0.5], start[:, :1], 24.0)
    mixed = Species("A", RUN, "exp(-tanh((A - 50)/20))", chemotaxis=(Chemotaxis("c", speed_bias=0.1),))
    with pytest.raises(InputError, match="speed that depends"):
        slab_profile(Model(2, [mixed], chemicals=[Chemical("c", {"A": 1.0}, 1.0, 1.0)]), [0.5, 0.5], start[:, :1], 24.0)
    # what is not sensed needs no range
    assert sensing_lengths(Model(2, one_species().species, sensing=Sensing("local"))) == []
    assert ChemicalPotentials(one_species()).is_explicit


def test_a_mixture_that_chases_has_no_steady_profile_near_this_start() -> None:
    with pytest.raises(NumericalFailure, match="no steady slab profile"):
        slab_profile(cross(1.0, -1.0), [0.5, 0.5], np.array([[90.0, 20.0], [10.0, 80.0]]), 12.0)
