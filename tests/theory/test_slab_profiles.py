import numpy as np
import pytest

from tests.theory.models import cross, figure_one, one_species
from theory import InputError, Model, NumericalFailure, Sensing, Species
from theory.coexistence import slab_profile


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


def test_refusals() -> None:
    base = figure_one()
    diffusing = Model(2, [Species(s.name, s.motion, s.speed, 0.1) for s in base.species])
    start = np.array([[90.0, 20.0], [20.0, 90.0]])
    with pytest.raises(InputError, match="translational"):
        slab_profile(diffusing, [0.5, 0.5], start, 24.0)
    with pytest.raises(InputError, match="local kernel"):
        slab_profile(Model(2, base.species, sensing=Sensing("local")), [0.5, 0.5], start, 24.0)


def test_a_mixture_that_chases_has_no_steady_profile_near_this_start() -> None:
    with pytest.raises(NumericalFailure, match="no steady slab profile"):
        slab_profile(cross(1.0, -1.0), [0.5, 0.5], np.array([[90.0, 20.0], [10.0, 80.0]]), 12.0)
