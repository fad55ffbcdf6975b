from typing import Any

import numpy as np
import pytest
from scipy import stats

from theory import _loops
from theory.compiling import loop
from theory.counter_random import Stream, normal_pairs, uniform_pairs


@loop
def _apply_exp(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = _loops.exp(x[i])


@loop
def _apply_short_exp2(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = _loops.short_exp2(x[i])


@loop
def _apply_log(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = _loops.log(x[i])


@loop
def _apply_tanh(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = _loops.tanh(x[i])


@loop
def _apply_turns(x: Any, sine: Any, cosine: Any) -> None:
    for i in range(x.size):
        sine[i], cosine[i] = _loops.sine_cosine_of_turns(x[i])


def test_exp() -> None:
    x = np.concatenate([np.linspace(-700.0, 700.0, 50001), np.linspace(-1e-3, 1e-3, 1001)])
    out = np.empty_like(x)
    _apply_exp(x, out)
    assert np.max(np.abs(out / np.exp(x) - 1.0)) < 4e-16
    edge = np.array([np.nan, 1e5, -1e5])
    _apply_exp(edge, out[:3])
    assert np.isnan(out[0])
    assert out[1] > 1e307
    assert out[2] < 1e-307


def test_short_exp2() -> None:
    x = np.concatenate([np.linspace(-1000.0, 1000.0, 50001), np.linspace(-0.5, 0.5, 1001)])
    out = np.empty_like(x)
    _apply_short_exp2(x, out)
    assert np.max(np.abs(out / np.exp2(x) - 1.0)) < 5e-11
    _apply_short_exp2(np.array([np.nan]), out[:1])
    assert np.isnan(out[0])


def test_log() -> None:
    x = np.concatenate([np.geomspace(1e-300, 1e300, 50001), np.linspace(0.5, 2.0, 10001)])
    out = np.empty_like(x)
    _apply_log(x, out)
    assert np.max(np.abs(out - np.log(x)) / np.maximum(np.abs(np.log(x)), 1e-3)) < 1e-15


def test_tanh() -> None:
    x = np.linspace(-25.0, 25.0, 50001)
    out = np.empty_like(x)
    _apply_tanh(x, out)
    assert np.max(np.abs(out - np.tanh(x))) < 4e-16


def test_sine_and_cosine_of_turns() -> None:
    x = np.linspace(-3.0, 3.0, 60001)
    sine, cosine = np.empty_like(x), np.empty_like(x)
    _apply_turns(x, sine, cosine)
    angle = 2.0 * np.longdouble("3.14159265358979323846264338328") * x.astype(np.longdouble)
    assert np.max(np.abs(sine - np.sin(angle))) < 4e-16
    assert np.max(np.abs(cosine - np.cos(angle))) < 4e-16


def test_threefry_known_answer() -> None:
    """Zero key and counter, from the known-answer tables of the reference implementation (threefry2x64, 13 rounds)."""
    zero = np.uint64(0)
    assert [int(word) for word in _loops.random_bits(zero, zero, zero, zero)] == [0xF167B032C3B480BD, 0xE91F9FEE4B7A6FB5]


def test_uniform_numbers() -> None:
    u = uniform_pairs(7, Stream.TUMBLE, 11, 200_000).ravel()
    assert u.min() > 0.0
    assert u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 1e-3


def test_normal_numbers() -> None:
    n = normal_pairs(7, Stream.TRANSLATION, 11, 200_000)
    assert stats.kstest(n.ravel(), "norm").pvalue > 1e-3
    # independence of the two of a pair: correlation of normals within 4 standard errors, of squares too
    for f in (lambda x: x, lambda x: x**2):
        r = np.corrcoef(f(n[0]), f(n[1]))[0, 1]
        assert abs(r) < 4.0 / np.sqrt(n.shape[1])


@pytest.mark.parametrize("change", ["seed", "stream", "step"])
def test_every_part_of_the_key_matters(change: str) -> None:
    base = {"seed": 1, "stream": Stream.TUMBLE, "step": 5}
    other = {**base, change: {"seed": 2, "stream": Stream.ROTATION, "step": 6}[change]}
    first, second = (uniform_pairs(**one, count=20_000) for one in (base, other))  # type: ignore[arg-type]
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 4.0 / np.sqrt(first.size)


def test_numbers_are_functions_of_their_index() -> None:
    np.testing.assert_array_equal(
        normal_pairs(3, Stream.FIELD_NOISE, 2, 10), normal_pairs(3, Stream.FIELD_NOISE, 2, 1000)[:, :10]
    )
