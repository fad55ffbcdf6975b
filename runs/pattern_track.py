"""Frames of reference that move along with a pattern, and means of deterministic patterns in them."""

from collections.abc import Sequence

import numpy as np

from theory.currents import Currents
from theory.fourier import Array, ComplexArray, Grid
from theory.travelling import PatternVelocity, velocity_of_correlations
from theory.weak_noise import density_map


class PatternTrack:
    """Follows a pattern from frame to frame by the phases of its modes.

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
        meshes = np.meshgrid(*grid.wavenumbers[::-1], indexing="ij")[::-1]
        self._vectors = np.stack([k[self._band] for k in meshes])
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


class PatternMean:
    """Mean of the local entropy production of deterministic patterns (:mod:`theory.weak_noise`).

    Parameters
    ----------
    currents
        Those of the model.
    """

    def __init__(self, currents: Currents) -> None:
        self._currents, self._sum, self._count = currents, np.zeros(currents.grid.shape), 0

    def add(self, density: Array, displacement: Array | None) -> None:
        """Take in the densities in the middle of a step."""
        one = density_map(self._currents, density)
        self._sum += one if displacement is None else self._currents.shifted(one, -displacement)
        self._count += 1

    @property
    def mean(self) -> Array:
        """Mean so far, shape of the grid (1/(time length^d))."""
        return self._sum / self._count
