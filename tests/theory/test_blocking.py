import numpy as np
import pytest

from theory.blocking import BlockedMean


def filled(values: np.ndarray, time: float = 0.5) -> BlockedMean:
    out = BlockedMean(values.shape[1:])
    for one in values:
        out.add(one * time, time)
    return out


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
def test_mean_is_the_mean(count: int) -> None:
    values = np.random.default_rng(1).normal(size=(count, 2))
    found = filled(values)
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-12, atol=1e-15)
    assert found.time == pytest.approx(0.5 * count)
    assert (found.standard_error is None) == (count < 8)


@pytest.mark.parametrize("a", [0.9, 0.0, -0.8])
def test_error_of_correlated_values(a: float) -> None:
    """A first-order process with the correlation a: the error of the mean is sqrt((1 + a)/(1 - a)) times the naive one."""
    rng, count = np.random.default_rng(2), 4096
    values = np.zeros((count, 400))
    for n in range(1, count):
        values[n] = a * values[n - 1] + np.sqrt(1.0 - a * a) * rng.normal(size=400)
    error = filled(values).standard_error
    assert error is not None
    expected = np.sqrt((1.0 + a) / (1.0 - a) / count)
    # the larger of two estimates leans upwards
    assert 1.0 < np.mean(error) / expected < 1.25
    assert values.mean(axis=0).std() == pytest.approx(expected, rel=0.12)


def test_unequal_times_weigh_by_their_length() -> None:
    out = BlockedMean()
    for value, time in ((1.0, 1.0), (4.0, 2.0), (2.0, 1.0)):
        out.add(value * time, time)
    assert out.mean == pytest.approx(11.0 / 4.0)
    assert np.isnan(BlockedMean().mean)


def test_continuation_is_exact() -> None:
    values = np.random.default_rng(3).normal(size=300)
    whole, first, second = filled(values), filled(values[:133]), BlockedMean()
    second.restore(first.arrays())
    for one in values[133:]:
        second.add(one * 0.5, 0.5)
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(array, second.arrays()[name])
