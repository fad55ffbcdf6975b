r"""Means and standard errors from runs: independent blocks or replicas, never correlated frames.

The integrated autocorrelation time of a time series x, in frames,

    tau = 1/2 + sum_{t = 1}^{w} C(t)/C(0),    w the smallest window with w >= 5 tau (Sokal),

says how many frames a block needs: with 6 tau of them the means of neighbouring blocks correlate by about a tenth, which an
error of an error hides. With fewer than four blocks there is no standard error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array

_BLOCK_TIMES = 6.0
_FEWEST_BLOCKS = 4
_MOST_BLOCKS = 16
_FEWEST_REPLICAS = 3
_ROUND_OFF = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error.

    Parameters
    ----------
    value
        The estimate.
    standard_error
        None where the data do not allow one.
    samples
        Number of independent blocks or replicas behind the standard error.
    """

    value: float
    standard_error: float | None
    samples: int


def autocorrelation_time(series: Array) -> float:
    """Integrated autocorrelation time of a series, in frames, at least one half."""
    x = np.asarray(series, dtype=np.float64) - np.mean(series)
    size = x.size
    variance = float(np.mean(x**2))
    # a constant up to round-off has no fluctuations to correlate
    if size < 4 or variance <= (1e-12 * float(np.max(np.abs(series), initial=0.0))) ** 2:
        return 0.5
    spectrum = np.abs(np.fft.rfft(x, 2 * size)) ** 2
    correlation = np.fft.irfft(spectrum)[:size] / (variance * size)
    tau = 0.5 + np.cumsum(correlation[1:])
    windows = np.nonzero(np.arange(1, size) >= 5.0 * tau)[0]
    return float(max(0.5, tau[windows[0]] if windows.size else tau[-1]))


def number_of_blocks(*series: Array) -> int:
    """How many independent blocks the slowest of some series has; 1 where it is too short for an error."""
    size = min(one.size for one in series)
    slowest = max(autocorrelation_time(one) for one in series)
    blocks = min(_MOST_BLOCKS, int(size / (_BLOCK_TIMES * slowest)))
    return blocks if blocks >= _FEWEST_BLOCKS else 1


def jackknife(estimator: Callable[[NDArray[np.intp]], Array], frames: int, blocks: int) -> list[Estimate]:
    """Estimates from all frames, with errors from leaving out one block at a time.

    Parameters
    ----------
    estimator
        Given numbers of frames, returns the estimates, shape (value,).
    frames
        Number of frames.
    blocks
        Number of independent blocks; 1: no standard errors.
    """
    every = np.arange(frames)
    values = estimator(every)
    if blocks == 1:
        return [Estimate(float(value), None, 1) for value in values]
    parts = np.array_split(every, blocks)
    left_out = np.stack([estimator(np.concatenate(parts[:n] + parts[n + 1 :])) for n in range(blocks)])
    spread = np.sqrt((blocks - 1) / blocks * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    return [Estimate(float(value), float(error), blocks) for value, error in zip(values, spread, strict=True)]


def error_of_replicas(values: Array) -> float | None:
    """Standard error of the mean of independent values by their spread; None where there are too few."""
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size >= _FEWEST_REPLICAS else None


def combine(estimates: list[Estimate]) -> Estimate:
    """One estimate from replicas: their spread gives the error where there are at least three."""
    values = np.array([one.value for one in estimates])
    spread = error_of_replicas(values)
    if spread is not None:
        return Estimate(float(values.mean()), spread, values.size)
    errors = [one.standard_error for one in estimates]
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return Estimate(float(values.mean()), None, len(estimates))
    total = float(np.sqrt(np.sum(np.square(known)))) / len(known)
    return Estimate(float(values.mean()), total, sum(one.samples for one in estimates))


def z_score(first: Estimate | None, second: Estimate | None) -> float | None:
    """Difference over its standard error; None where one is missing, or where both are exact up to round-off."""
    if first is None or second is None or first.standard_error is None or second.standard_error is None:
        return None
    error = float(np.hypot(first.standard_error, second.standard_error))
    exact = error <= _ROUND_OFF * max(abs(first.value), abs(second.value))
    return None if exact else (first.value - second.value) / error


def with_error(found: Mapping[str, Any] | None) -> str:
    """An estimate (its fields by name) for reading; (?) where there is no standard error, and nothing for None."""
    if found is None:
        return ""
    error = found["standard_error"]
    if error is None:
        return f"{found['value']:.5g} (?)"
    # an error of round-off is none
    exact = 0.0 < error <= _ROUND_OFF * abs(found["value"])
    return f"{found['value']:.5g} ± {0.0 if exact else error:.2g}"
