r"""How a correlation decays: exponential and power-law fits, and which of them is nearer to the data.

    exponential:  c(r) = A e^{-r/\xi},        power law:  c(r) = A r^{-\eta},

by weighted least squares of c itself, not of its logarithm: where a correlation has decayed it scatters about zero.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from theory.errors import InputError

Array = NDArray[np.float64]
Law = Literal["exponential", "power law"]

_FEWEST_POINTS = 3
# decay constants are looked for from this share of the largest distance to its inverse
_RANGE = 1e-4
_STARTS = 200


@dataclass(frozen=True)
class DecayFit:
    r"""A fitted decay.

    Parameters
    ----------
    law
        "exponential" or "power law".
    amplitude
        A, in the units of the correlation (times length^\eta for a power law).
    constant
        \xi (length), or \eta.
    misfit
        Mean of the squared residuals with the weights of the fit.
    """

    law: Law
    amplitude: float
    constant: float
    misfit: float

    def __call__(self, distances: ArrayLike) -> Array:
        """The fitted correlation at distances (length) of any shape."""
        r = np.asarray(distances, dtype=np.float64)
        shape = np.exp(-r / self.constant) if self.law == "exponential" else r**-self.constant
        return np.asarray(self.amplitude * shape)


def fit_decay(distances: ArrayLike, correlation: ArrayLike, law: Law, weights: ArrayLike | None = None) -> DecayFit:
    r"""Fit one law.

    Parameters
    ----------
    distances
        Positive, shape (point,) (length).
    correlation
        Shape (point,); points that are NaN are left out.
    law
        "exponential" or "power law".
    weights
        Of the squared residuals, shape (point,), for example numbers of pairs; by default all alike.

    Raises
    ------
    InputError
        There are fewer than three points, or a distance is not positive.
    """
    r, c = np.asarray(distances, dtype=np.float64), np.asarray(correlation, dtype=np.float64)
    w = np.ones(r.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    known = np.isfinite(c) & (w > 0.0)
    r, c, w = r[known], c[known], w[known]
    if r.size < _FEWEST_POINTS or np.any(r <= 0.0):
        raise InputError(f"a decay needs at least {_FEWEST_POINTS} points at positive distances; there are {r.size}")
    w = w / w.sum()
    span = float(r.max())
    # the constant is the only non-linear parameter: it is bracketed on a grid, then refined
    scales = span * np.geomspace(_RANGE, 1.0 / _RANGE, _STARTS) if law == "exponential" else np.linspace(0.0, 20.0, _STARTS)

    def shape(constant: float) -> Array:
        return np.asarray(np.exp(-r / constant) if law == "exponential" else (r / span) ** -constant)

    def amplitude(constant: float) -> float:
        s = shape(constant)
        total = float(np.sum(w * s * s))
        return float(np.sum(w * s * c)) / total if total > 0.0 else 0.0

    def misfit(constant: float) -> float:
        return float(np.sum(w * (c - amplitude(constant) * shape(constant)) ** 2))

    best = int(np.argmin([misfit(one) for one in scales]))
    bounds = (scales[max(best - 1, 0)], scales[min(best + 1, _STARTS - 1)])
    found = optimize.minimize_scalar(misfit, bounds=bounds, method="bounded", options={"xatol": 1e-10 * abs(bounds[1])})
    constant = float(found.x)
    scale = 1.0 if law == "exponential" else span**constant
    return DecayFit(law, amplitude(constant) * scale, constant, misfit(constant))


def better_decay(distances: ArrayLike, correlation: ArrayLike, weights: ArrayLike | None = None) -> tuple[DecayFit, DecayFit]:
    """Both fits, the better one first; see :func:`fit_decay`.

    Raises
    ------
    InputError
        There are fewer than three points, or a distance is not positive.
    """
    fits = [fit_decay(distances, correlation, law, weights) for law in ("exponential", "power law")]
    first, second = sorted(fits, key=lambda fit: fit.misfit)
    return first, second
