r"""How a correlation decays: exponential and power-law fits, and which of them is nearer to the data.

    exponential:  c(r) = A e^{-r/\xi},        power law:  c(r) = A r^{-\eta},

by weighted least squares of c itself, not of its logarithm: where a correlation has decayed it scatters about zero.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from theory.arrays import Array
from theory.errors import InputError

Law = Literal["exponential", "power law"]

_FEWEST_POINTS = 3
# lengths are looked for from this share of the largest distance to its inverse, exponents up to the steepest
_RANGE = 1e-4
_STEEPEST = 20.0
_GRID = 200


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


@dataclass(frozen=True)
class _Points:
    """What is fitted: distances, a correlation and weights that add up to 1, each of shape (point,)."""

    law: Law
    r: Array
    c: Array
    w: Array

    def shape(self, constant: float) -> Array:
        """The decay with an amplitude of 1; powers are those of shares of the largest distance."""
        return np.asarray(np.exp(-self.r / constant) if self.law == "exponential" else (self.r / self.r.max()) ** -constant)

    def amplitude(self, constant: float) -> float:
        """The best amplitude, in closed form."""
        shape = self.shape(constant)
        total = float(np.sum(self.w * shape**2))
        return float(np.sum(self.w * shape * self.c)) / total if total > 0.0 else 0.0

    def misfit(self, constant: float) -> float:
        return float(np.sum(self.w * (self.c - self.amplitude(constant) * self.shape(constant)) ** 2))

    def best(self) -> float:
        """The best constant: bracketed on a grid, then refined."""
        span = float(self.r.max())
        grid = (
            span * np.geomspace(_RANGE, 1.0 / _RANGE, _GRID)
            if self.law == "exponential"
            else np.linspace(0.0, _STEEPEST, _GRID)
        )
        near = int(np.argmin([self.misfit(one) for one in grid]))
        bounds = (float(grid[max(near - 1, 0)]), float(grid[min(near + 1, _GRID - 1)]))
        found = optimize.minimize_scalar(self.misfit, bounds=bounds, method="bounded", options={"xatol": 1e-10 * bounds[1]})
        return float(found.x)


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
    if np.count_nonzero(known) < _FEWEST_POINTS or np.any(r[known] <= 0.0):
        raise InputError(
            f"a decay needs at least {_FEWEST_POINTS} points at positive distances; there are {np.count_nonzero(known)}"
        )
    points = _Points(law, r[known], c[known], w[known] / w[known].sum())
    constant = points.best()
    unit = 1.0 if law == "exponential" else float(points.r.max()) ** constant
    return DecayFit(law, points.amplitude(constant) * unit, constant, points.misfit(constant))


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
