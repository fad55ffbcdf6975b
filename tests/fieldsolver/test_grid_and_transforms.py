import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import InputError
from theory.fourier import Grid, Transforms, aligned, complex_array, wisdom

even = st.integers(4, 20).map(lambda n: 2 * n)


@given(even, even)
def test_plans_agree_with_numpy_and_invert(ny: int, nx: int) -> None:
    field, spectrum = aligned((2, ny, nx), "float64"), complex_array(2, ny, nx // 2 + 1)
    transforms = Transforms()
    forward, inverse = transforms.plan(field, spectrum), transforms.plan(spectrum, field)
    values = np.random.default_rng(ny * nx).normal(size=field.shape)
    field[:] = values
    transforms.run(forward)
    np.testing.assert_allclose(spectrum, np.fft.rfft2(values), atol=1e-10)
    transforms.run(inverse)
    np.testing.assert_allclose(field / (nx * ny), values, atol=1e-12)


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    values = np.random.default_rng(1).normal(size=(4, 256, 256))
    results = []
    known = None
    for threads in (1, 2, 3):
        field, spectrum = aligned((4, 256, 256), "float64"), complex_array(4, 256, 129)
        transforms = Transforms(threads, known)
        plans = transforms.plan(field, spectrum)
        known = wisdom()
        field[:] = values
        transforms.run(plans)
        transforms.close()
        results.append(spectrum.copy())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_damaged_wisdom_is_refused() -> None:
    with pytest.raises(InputError, match="wisdom"):
        Transforms(1, b"not wisdom")


def test_wavenumbers_and_multiplicity() -> None:
    grid = Grid((10.0, 6.0), (12, 20))
    assert grid.spacing == (0.5, 0.5)
    assert grid.spectral_shape == (12, 11)
    # Parseval: the multiplicity makes sums over stored modes sums over all modes
    field = np.random.default_rng(2).normal(size=grid.shape)
    power = np.sum(grid.multiplicity * np.abs(np.fft.rfft2(field)) ** 2) / grid.cells
    assert power == pytest.approx(np.sum(field**2), rel=1e-12)
    assert grid.wavenumber[0, 1] == pytest.approx(2.0 * np.pi / 10.0)
    assert grid.wavenumber[1, 0] == pytest.approx(2.0 * np.pi / 6.0)


def test_two_thirds_rule_leaves_no_alias_of_a_square() -> None:
    """The retained modes of the square of a retained field on this grid equal those on a grid twice as fine."""
    coarse, fine = Grid((1.0, 1.0), (24, 24)), Grid((1.0, 1.0), (48, 48))
    rng = np.random.default_rng(3)
    spectrum = np.fft.rfft2(rng.normal(size=coarse.shape)) * coarse.retained()
    padded = np.zeros(fine.spectral_shape, dtype=complex)
    padded[:12, :13], padded[-12:, :13] = spectrum[:12], spectrum[-12:]
    square = np.fft.rfft2(np.fft.irfft2(spectrum, s=coarse.shape) ** 2) / coarse.cells
    exact = np.fft.rfft2((np.fft.irfft2(padded, s=fine.shape) * 4.0) ** 2) / fine.cells
    exact = np.concatenate([exact[:12, :13], exact[-12:, :13]])
    kept = coarse.retained()
    np.testing.assert_allclose(square[kept], exact[kept], atol=1e-12)


@pytest.mark.parametrize(
    ("size", "shape"), [((1.0,), (8, 8)), ((0.0, 1.0), (8, 8)), ((1.0, 1.0), (9, 8)), ((1.0, 1.0), (6, 8))]
)
def test_refusals(size: tuple[float, ...], shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        Grid(size, shape)
