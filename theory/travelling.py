r"""Velocity of a travelling pattern from the phases of its strongest modes.

For a pattern rho(r - V t) a mode obeys rho_q(t') = rho_q(t) exp(-i q.V (t' - t)). With z_q the sum of rho_q(t') rho_q^*(t) over
species and pairs of frames, V is found by least squares weighted with |z_q|^2,

    sum_q |z_q|^2 [ arg z_q + q.V (t' - t) ]^2 = min,

over the modes with at least a hundredth of the largest |z_q|. What merely fluctuates keeps its phase, and would slow the
pattern down; squares make it count little. Phases are unwound about the velocity of the longest of these modes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theory.arrays import Array, ComplexArray
from theory.fourier import Grid

_STRONG = 1e-4
_ROUNDS = 20


@dataclass(frozen=True)
class PatternVelocity:
    """How a pattern moves.

    Parameters
    ----------
    velocity
        V (x, y, ...) (length/time); 0 along directions in which the pattern does not vary.
    coherence
        |mean of exp(i residual phase)| over the modes, weighted: 1 if all move at V, near 0 if the motion is no translation.
    largest_turn
        Largest |q.V| (t' - t) among the modes (radian): frames too far apart turn phases by more than pi.
    """

    velocity: Array
    coherence: float
    largest_turn: float


def velocity_of_correlations(
    correlation: ComplexArray, wavevectors: Array, multiplicity: Array, interval: float
) -> PatternVelocity:
    """Velocity of a pattern, from correlations that were summed up on the way.

    Parameters
    ----------
    correlation
        Sum of rho_q(t') rho_q^*(t) over pairs of times, shape (mode,) or that of a spectrum; q = 0 does not count.
    wavevectors
        q, shape (dimension, ...) (1/length).
    multiplicity
        How many modes each of these stands for, shape (...).
    interval
        t' - t (time).
    """
    dimension = wavevectors.shape[0]
    weight = np.abs(correlation) ** 2 * multiplicity * np.any(wavevectors != 0.0, axis=0)
    if not np.any(weight > 0.0):
        return PatternVelocity(np.zeros(dimension), 0.0, 0.0)
    strong = weight > _STRONG * weight.max()
    vectors = wavevectors[:, strong].T * interval
    weight, phase = weight[strong], -np.angle(correlation[strong])
    velocity = _longest(vectors, weight, phase)
    for _ in range(_ROUNDS):
        unwound = vectors @ velocity + np.angle(np.exp(1j * (phase - vectors @ velocity)))
        found = _least_squares(vectors, weight, unwound)
        if np.allclose(found, velocity, rtol=1e-12, atol=1e-300):
            break
        velocity = found
    residual = phase - vectors @ velocity
    coherence = abs(np.average(np.exp(1j * residual), weights=weight))
    return PatternVelocity(velocity, float(coherence), float(np.abs(vectors @ velocity).max()))


class PatternTrack:
    """Follows a pattern from frame to frame.

    Parameters
    ----------
    grid
        The grid of the densities.
    largest
        Largest wavenumber of the modes that are followed (1/length).
    velocity
        Of the frame, where it is given instead (x, y, ...) (length/time).
    """

    def __init__(self, grid: Grid, largest: float, velocity: Sequence[float] | None) -> None:
        self._grid = grid
        self._given = None if velocity is None else np.asarray(velocity, dtype=np.float64)
        self._band = grid.wavenumber <= largest * (1.0 + 1e-9)
        self._vectors = np.stack([np.broadcast_to(k, grid.spectral_shape)[self._band] for k in grid.wavevector])
        self._sum = np.zeros(self._vectors.shape[1], dtype=np.complex128)
        self._place = np.zeros(grid.dimension)

    def step(self, before: Array, after: Array, time: float) -> Array:
        """Displacement of the pattern in the middle of a step, since the start (length)."""
        axes = tuple(range(1, before.ndim))
        old, new = (np.fft.rfftn(one, axes=axes)[:, self._band] for one in (before, after))
        correlation = np.sum(new * old.conj(), axis=0)
        self._sum += correlation
        moved = self._given * time if self._given is not None else self._motion(correlation, time).velocity * time
        middle = self._place + 0.5 * moved
        self._place = self._place + moved
        return np.asarray(middle)

    def _motion(self, correlation: ComplexArray, time: float) -> PatternVelocity:
        return velocity_of_correlations(correlation, self._vectors, self._grid.multiplicity[self._band], time)

    def motion(self, interval: float) -> PatternVelocity:
        """Mean motion over all steps."""
        return self._motion(self._sum, interval)


def _longest(vectors: Array, weight: Array, phase: Array) -> Array:
    """First guess, from the longest waves among the modes: their phases turn least."""
    length = np.linalg.norm(vectors, axis=1)
    near = length <= 1.5 * length.min()
    return _least_squares(vectors[near], weight[near], phase[near])


def _least_squares(vectors: Array, weight: Array, phase: Array) -> Array:
    root = np.sqrt(weight)
    found, _, _, _ = np.linalg.lstsq(vectors * root[:, None], phase * root, rcond=1e-9)
    return np.asarray(found)
