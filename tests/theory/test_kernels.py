import numpy as np
import pytest
from scipy import integrate, special

from theory.errors import InputError
from theory.kernels import KERNEL_NAMES, Kernel

REAL = [name for name in KERNEL_NAMES if name != "local"]


def _sphere(d: int) -> float:
    return {1: 2.0, 2: 2.0 * np.pi, 3: 4.0 * np.pi}[d]


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("wavenumber", [0.0, 0.7, 3.3, 11.0])
def test_transform_is_the_integral_of_the_kernel(name: str, dimension: int, wavenumber: float) -> None:
    kernel = Kernel(name, 1.3, dimension)

    def wave(r: float) -> float:
        x = wavenumber * r
        return float({1: np.cos(x), 2: special.j0(x), 3: np.sinc(x / np.pi)}[dimension])

    reach = kernel.range if kernel.support == kernel.range else 2.0 * kernel.support
    value, error = integrate.quad(
        lambda r: _sphere(dimension) * r ** (dimension - 1) * float(kernel(r)) * wave(r) if r > 0 else 0.0,
        0.0,
        reach,
        limit=800,
        epsabs=1e-11,
        epsrel=1e-11,
    )
    assert float(kernel.transform(wavenumber)) == pytest.approx(value, abs=max(5e-9, 10 * error))


def test_bump_constant_of_two_dimensions() -> None:
    """K(0) exp(1) = 1/Z = 2.143565775792 (reference value)."""
    assert float(Kernel("bump", 1.0, 2)(0.0)) * np.e == pytest.approx(2.143565775792, rel=1e-12)


def test_linear_constant_of_two_dimensions() -> None:
    assert float(Kernel("linear", 2.0, 2)(0.0)) == pytest.approx(3.0 / (np.pi * 4.0), rel=1e-13)


def test_transform_of_many_wavenumbers_is_that_of_each() -> None:
    kernel = Kernel("bump", 0.8, 2)
    q = np.random.default_rng(1).uniform(0.0, 300.0, (40, 130))
    together = kernel.transform(q)
    assert together.shape == q.shape
    assert together[3, 7] == pytest.approx(float(kernel.transform(q[3, 7])), abs=1e-13)


def test_smooth_kernels_decay() -> None:
    assert np.max(np.abs(Kernel("bump", 1.0, 2).transform(np.linspace(150.0, 400.0, 200)))) < 1e-7


def test_support_holds_the_kernel() -> None:
    for name in REAL:
        for d in (1, 2, 3):
            kernel = Kernel(name, 0.5, d)
            inside = float(kernel(1e-3 * kernel.range))
            assert float(kernel(kernel.support * 1.0001)) <= 1e-8 * inside


@pytest.mark.parametrize(
    ("name", "range_", "dimension", "message"),
    [("box", 1.0, 2, "unknown"), ("bump", 0.0, 2, "positive"), ("bump", np.inf, 2, "positive"), ("bump", 1.0, 4, "dimension")],
)
def test_refusals(name: str, range_: float, dimension: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Kernel(name, range_, dimension)
