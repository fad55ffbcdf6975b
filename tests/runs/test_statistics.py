"""Standard errors: known correlation times, textbook errors, and the true spread of many data sets.

The series are first-order autoregressive, x_t = a x_{t-1} + noise, about which all is known: with unit variance C(t) = a^|t|.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from runs.statistics import Estimate, autocorrelation_time, combine, jackknife, number_of_blocks, with_error, z_score

Array = NDArray[np.float64]


def autoregressive(generator: np.random.Generator, a: float, size: int, sets: int = 1) -> Array:
    """Stationary series of unit variance, shape (set, time)."""
    out = np.empty((sets, size))
    out[:, 0] = generator.standard_normal(sets)
    noise = np.sqrt(1.0 - a**2) * generator.standard_normal((sets, size))
    for t in range(1, size):
        out[:, t] = a * out[:, t - 1] + noise[:, t]
    return out


def variance_of_mean(a: float, size: int) -> float:
    """Of the mean of consecutive values: (1 + 2 sum_t (1 - t/n) a^t)/n."""
    t = np.arange(1, size)
    return float(1.0 + 2.0 * np.sum((1.0 - t / size) * a**t)) / size


def mean_of(values: Array) -> Estimate:
    frames = values.size
    (found,) = jackknife(lambda chosen: np.array([values[chosen].mean()]), frames, number_of_blocks(values))
    return found


@pytest.mark.parametrize("a", [0.0, 0.5, 0.8, 0.9])
def test_autocorrelation_time_of_a_known_process(a: float) -> None:
    """The exact time is (1 + a)/(2 (1 - a)).

    The standard error of the windowed sum is tau sqrt(2 (2 w + 1)/n) (Madras and Sokal 1988) with the window w = 5 tau;
    beyond the window a share a^w of the sum is missing.
    """
    size = 40_000
    exact = 0.5 * (1.0 + a) / (1.0 - a)
    window = max(1.0, 5.0 * exact)
    error = exact * np.sqrt(2.0 * (2.0 * window + 1.0) / size)
    (series,) = autoregressive(np.random.default_rng(11), a, size)
    assert abs(autocorrelation_time(series) - exact) < 4.0 * error + exact * a**window
    # neither an offset nor a factor matters
    assert autocorrelation_time(1e3 - 7.0 * series) == pytest.approx(autocorrelation_time(series), rel=1e-9)


ROUND_OFF = np.where(np.arange(50) % 3 == 0, 0.1, np.nextafter(0.1, 1.0))


@pytest.mark.parametrize("series", [np.full(50, 3.3), ROUND_OFF, np.zeros(50), np.array([1.0, 2.0, 3.0])])
def test_series_without_fluctuations_or_length(series: Array) -> None:
    assert autocorrelation_time(series) == 0.5


def test_alternating_series_is_not_more_than_independent() -> None:
    assert autocorrelation_time(np.tile([1.0, -1.0], 100)) == 0.5


def test_a_jump_leaves_no_block_to_compare_with() -> None:
    drift = np.linspace(0.0, 1.0, 60)
    assert number_of_blocks(drift) == 1
    assert mean_of(drift).standard_error is None


def test_number_of_blocks() -> None:
    generator = np.random.default_rng(3)
    independent = generator.standard_normal(300)
    assert number_of_blocks(independent) == 16
    assert number_of_blocks(independent[:10]) == 1
    (slow,) = autoregressive(generator, 0.8, 300)
    blocks = number_of_blocks(slow)
    # tau = 4.5: about 11 blocks of 27 frames
    assert 4 <= blocks < 16
    assert number_of_blocks(independent, slow) == blocks


def test_jackknife_of_a_mean_is_the_textbook_error() -> None:
    values = np.random.default_rng(5).normal(10.0, 2.0, 37)
    (found,) = jackknife(lambda chosen: np.array([values[chosen].mean()]), 37, 37)
    assert found.value == pytest.approx(values.mean(), rel=1e-14)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(37), rel=1e-12)
    assert found.samples == 37


def test_jackknife_of_blocks_is_the_textbook_error_of_their_means() -> None:
    values = np.random.default_rng(6).normal(10.0, 2.0, 40)
    means = values.reshape(8, 5).mean(axis=1)
    (found,) = jackknife(lambda chosen: np.array([values[chosen].mean()]), 40, 8)
    assert found.standard_error == pytest.approx(means.std(ddof=1) / np.sqrt(8), rel=1e-12)


def test_jackknife_of_a_ratio_follows_the_linear_propagation_of_errors() -> None:
    generator = np.random.default_rng(7)
    x, y = generator.normal(5.0, 0.1, (2, 400))
    (found,) = jackknife(lambda chosen: np.array([x[chosen].mean() / y[chosen].mean()]), 400, 400)
    ratio = x.mean() / y.mean()
    exact = np.std(x - ratio * y, ddof=1) / np.sqrt(400) / y.mean()
    # the next order is smaller by the relative error of the means, 1e-3
    assert found.standard_error == pytest.approx(exact, rel=5e-3)


def test_one_block_gives_values_without_errors() -> None:
    found = jackknife(lambda chosen: np.array([1.0, float(chosen.size)]), 9, 1)
    assert found == [Estimate(1.0, None, 1), Estimate(9.0, None, 1)]


@pytest.mark.parametrize("a", [0.6, 0.9])
def test_errors_agree_with_the_true_spread_of_correlated_data(a: float) -> None:
    """600 data sets of 400 correlated frames each: the quoted errors against the exact spread of their means.

    Blocks of 6 correlation times still correlate with their neighbours, so that errors are low by up to a tenth. The mean of
    the squared errors of B blocks has a relative standard error of sqrt(2/(B - 1)/600), at most 0.03.
    """
    sets, size = 600, 400
    series = autoregressive(np.random.default_rng(8), a, size, sets)
    found = [mean_of(one) for one in series]
    errors = np.array([one.standard_error for one in found if one.standard_error is not None])
    assert errors.size > 0.95 * sets
    exact = np.sqrt(variance_of_mean(a, size))
    assert 0.88 < np.sqrt(np.mean(errors**2)) / exact < 1.05
    # and the means do spread so: 3 standard errors of a standard deviation, 1/sqrt(2 n)
    assert np.std([one.value for one in found]) == pytest.approx(exact, rel=3.0 / np.sqrt(2.0 * sets))
    # errors of independent frames would be half as large or less, which the test above does not allow
    assert 1.0 / np.sqrt(size) < 0.55 * exact


def test_quoted_errors_cover_the_truth() -> None:
    """Deviations over errors, pooled: as often beyond 2 as Student's t, give or take what low errors allow."""
    series = autoregressive(np.random.default_rng(9), 0.6, 400, 600)
    scores = [z_score(mean_of(one), Estimate(0.0, 0.0, 1)) for one in series]
    known = np.array([score for score in scores if score is not None])
    # 12 to 16 blocks: P(|t| > 2) = 0.065; with errors low by a tenth 0.095; 3 standard errors of a share of 600 are 0.036
    assert 0.03 < np.mean(np.abs(known) > 2.0) < 0.131


def test_combine_three_replicas_uses_their_spread() -> None:
    found = combine([Estimate(1.0, 9.0, 5), Estimate(2.0, None, 1), Estimate(6.0, 0.1, 5)])
    assert found.value == pytest.approx(3.0)
    assert found.standard_error == pytest.approx(np.std([1.0, 2.0, 6.0], ddof=1) / np.sqrt(3))
    assert found.samples == 3


def test_combine_fewer_uses_their_own_errors() -> None:
    assert combine([Estimate(1.5, 0.2, 7)]) == Estimate(1.5, 0.2, 7)
    two = combine([Estimate(1.0, 0.3, 6), Estimate(2.0, 0.4, 8)])
    assert two.value == pytest.approx(1.5)
    assert two.standard_error == pytest.approx(0.25)
    assert two.samples == 14
    assert combine([Estimate(1.0, 0.3, 6), Estimate(2.0, None, 1)]).standard_error is None


def test_z_score() -> None:
    one, other = Estimate(1.0, 0.3, 6), Estimate(2.0, 0.4, 6)
    assert z_score(one, other) == pytest.approx(-2.0)
    assert z_score(other, one) == pytest.approx(2.0)
    assert z_score(None, one) is None
    assert z_score(one, None) is None
    assert z_score(one, Estimate(1.0, None, 1)) is None
    # an exact value against another exact one: a difference, but no error to measure it in
    assert z_score(Estimate(1.0, 0.0, 1), Estimate(2.0, 0.0, 1)) is None
    # constants whose means differ in the last digit only
    assert z_score(Estimate(1.0, 0.0, 1), Estimate(1.0 + 2e-16, 1e-17, 16)) is None
    assert z_score(Estimate(0.0, 0.0, 1), Estimate(0.0, 0.0, 1)) is None


def test_errors_in_words() -> None:
    assert with_error(vars(Estimate(1.5, 0.25, 7))) == "1.5 ± 0.25"
    assert with_error(vars(Estimate(1.5, None, 1))) == "1.5 (?)"
    assert with_error(None) == ""
    # an error of round-off is none
    assert with_error(vars(Estimate(11.111, 4.4e-15, 7))) == "11.111 ± 0"
