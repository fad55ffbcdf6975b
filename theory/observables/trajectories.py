r"""Displacements and memory of directions along trajectories, in one to three dimensions.

    MSD(t) = <|r_i(s + t) - r_i(s)|^2>,        C(t) = <u_i(s + t) . u_i(s)>,

averages over particles i and all starting times s, by fast Fourier transforms (G. R. Kneller et al., Comput. Phys. Commun. 91,
191 (1995)): the cost is that of the data, not of its square.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from theory.arrays import Array
from theory.errors import InputError
from theory.observables.periodic import checked_box, nearest_images

# a particle that moves by more than this share of an edge between frames may have moved the other way around
LONGEST_MOVE = 0.4
# values transformed at a time
_CHUNK = 2**22


@dataclass(frozen=True)
class TimeCorrelation:
    """An average over particles and starting times.

    Parameters
    ----------
    values
        At lags of 0, 1, 2, ... frames, shape (lag,).
    standard_errors
        From the spread over particles, as if they were independent, shape (lag,); NaN for a single particle.
    """

    values: Array
    standard_errors: Array


def unwrapped(positions: ArrayLike, size: ArrayLike) -> Array:
    """Trajectories without jumps at the edges of the box.

    Parameters
    ----------
    positions
        At equally spaced times, shape (frame, particle, dimension) (length).
    size
        Edges of the box, shape (dimension,) (length).

    Raises
    ------
    InputError
        A particle moves so far between two frames that its way around the box is not known.
    """
    points = _checked(positions)
    edges = checked_box(size, points.shape[2])
    moves = nearest_images(np.diff(points, axis=0), edges)
    longest = float(np.max(np.abs(moves) / edges, initial=0.0))
    if longest > LONGEST_MOVE:
        raise InputError(
            f"a particle moves by {longest:.2g} of an edge of the box between two frames: its way around the box is not known; "
            "store frames more often"
        )
    return np.concatenate([points[:1], points[:1] + np.cumsum(moves, axis=0)])


def _checked(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 3 or array.shape[0] == 0 or array.shape[1] == 0:
        raise InputError(
            f"trajectories have the shape {array.shape}; it must be (frame, particle, dimension), none of them empty"
        )
    return array


def mean_squared_displacement(trajectories: ArrayLike) -> TimeCorrelation:
    """MSD of unwrapped trajectories (frame, particle, dimension) (length^2).

    Raises
    ------
    InputError
        The trajectories are of another shape.
    """
    points = _checked(trajectories)
    # a common origin costs no digits, and a distant one would
    return _over_particles(points - points[:1], _displacements)


def direction_correlation(directions: ArrayLike) -> TimeCorrelation:
    """C of directions, or of any vectors (frame, particle, dimension).

    Raises
    ------
    InputError
        The directions are of another shape.
    """
    return _over_particles(_checked(directions), _products)


def _over_particles(values: Array, correlate: Callable[[Array], Array]) -> TimeCorrelation:
    """Mean and spread over particles of a correlation (frame, particle, dimension) -> (lag, particle)."""
    frames, particles, dimension = values.shape
    step = max(1, _CHUNK // (2 * frames * dimension))
    own = np.concatenate([correlate(values[:, n : n + step]) for n in range(0, particles, step)], axis=1)
    spread = own.std(axis=1, ddof=1) if particles > 1 else np.full(frames, np.nan)
    return TimeCorrelation(own.mean(axis=1), spread / np.sqrt(particles))


def _products(values: Array) -> Array:
    """Mean over starting times of the product of values a lag apart, shape (lag, particle)."""
    frames = values.shape[0]
    spectrum = fft.rfft(values, fft.next_fast_len(2 * frames, real=True), axis=0)
    power = np.sum(np.abs(spectrum) ** 2, axis=2)
    sums = fft.irfft(power, fft.next_fast_len(2 * frames, real=True), axis=0)[:frames]
    return np.asarray(sums / np.arange(frames, 0, -1)[:, None])


def _displacements(values: Array) -> Array:
    """Mean over starting times of the squared displacement, shape (lag, particle)."""
    frames = values.shape[0]
    squares = np.sum(values**2, axis=2)
    # sum over s of |r(s + t)|^2 + |r(s)|^2: both ends of the total fall away one by one
    ends = np.zeros_like(squares)
    ends[1:] = np.cumsum(squares[:-1] + squares[:0:-1], axis=0)
    sums = 2.0 * np.sum(squares, axis=0) - ends
    return np.asarray(sums / np.arange(frames, 0, -1)[:, None] - 2.0 * _products(values))
