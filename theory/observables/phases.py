"""Coexisting phases in density fields: the modes of the joint histogram of the densities of all species."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from theory.arrays import Array
from theory.coarse_graining import Filter

_HISTOGRAM_BINS = 48
_HISTOGRAM_AXES = 3
_MEAN_SHIFTS = 60
_UNIFORM = 1e-9


# standard deviation of the Gaussian by which densities are smoothed before phases are looked for, in sensing ranges
SMOOTHING = 0.5


@dataclass(frozen=True)
class Smoothing:
    """How densities are coarse-grained before phases are looked for.

    Parameters
    ----------
    factors
        Of the modes of the densities, of their shape.
    stride
        Every so many cells along each axis are looked at.
    """

    factors: Array
    stride: int

    @classmethod
    def of(cls, wavenumber: Array, spacing: float, reach: float) -> "Smoothing":
        """For modes of some wavenumbers, cells of a width, and a sensing range."""
        return cls(Filter("gaussian", SMOOTHING * reach).transfer(wavenumber), max(1, int(0.5 * reach / spacing)))

    def thinned(self, densities: Array) -> Array:
        """Smoothed densities (species, [z,] [y,] x) at the cells that are looked at."""
        return densities[(slice(None), *(slice(None, None, self.stride),) * (densities.ndim - 1))]


@dataclass(frozen=True)
class Phase:
    """One phase of a coexistence.

    Parameters
    ----------
    densities
        Shape (species,) (1/length^d).
    share
        Share of the cells closer to this phase than to any other, measured in the spread of each species.
    """

    densities: Array
    share: float


def phases(density: Array, smallest_share: float = 0.04) -> list[Phase]:
    """Coexisting phases: the modes of the joint histogram of (coarse-grained) densities.

    Peaks of a smoothed histogram are refined by a mean shift of shrinking width, so that they do not depend on the bins. With
    more than three species the histogram is that of the three combinations of densities that vary most.

    Parameters
    ----------
    density
        Shape (species, ...): coarse-grained densities at many places (and times).
    smallest_share
        Peaks with a smaller share of the cells are taken for interfaces and left out.

    Returns
    -------
    list of Phase
        By falling density of the first species whose densities differ appreciably; one phase if there is a single mode.
    """
    points = density.reshape(density.shape[0], -1).T
    low, high = points.min(axis=0), points.max(axis=0)
    # a density that is uniform up to round-off does not tell phases apart
    spread = np.where(high - low > _UNIFORM * np.abs(high), high - low, 1.0)
    unit = (points - low) / spread
    starts = _peaks(unit) if unit.shape[1] <= _HISTOGRAM_AXES else _projected_peaks(unit)
    return _gathered([_shifted_mean(unit, start) for start in starts], unit, low, spread, smallest_share)


def _peaks(unit: Array) -> Array:
    """Peaks of the smoothed histogram of points (point, axis) in the unit cube, shape (peak, axis)."""
    histogram, _ = np.histogramdd(unit, bins=_HISTOGRAM_BINS, range=[(0.0, 1.0)] * unit.shape[1])
    smooth = ndimage.gaussian_filter(histogram, 1.5, mode="constant")
    peaks = (smooth == ndimage.maximum_filter(smooth, size=7)) & (smooth > 0.1 * smooth.max())
    return np.asarray((np.argwhere(peaks) + 0.5) / _HISTOGRAM_BINS)


def _projected_peaks(unit: Array) -> Array:
    """Peaks of the histogram along the axes of largest variance; each stands for the mean of the points about it."""
    centred = unit - unit.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    flat = centred @ axes[:, -_HISTOGRAM_AXES:]
    extent = np.ptp(flat, axis=0)
    flat = (flat - flat.min(axis=0)) / np.where(extent > 0.0, extent, 1.0)
    about = [np.abs(flat - peak).max(axis=1) < 1.5 / _HISTOGRAM_BINS for peak in _peaks(flat)]
    return np.stack([unit[near].mean(axis=0) for near in about if np.any(near)])


def _shifted_mean(unit: Array, start: Array) -> Array:
    """Mean of the points in a ball that follows its own mean while it shrinks: the mode near the start."""
    centre = start
    radius = 0.1
    for _ in range(_MEAN_SHIFTS):
        inside = np.sum((unit - centre) ** 2, axis=1) < radius**2
        if np.count_nonzero(inside) < 50:
            break
        moved = unit[inside].mean(axis=0)
        if np.linalg.norm(moved - centre) < 1e-4 * radius:
            radius *= 0.8
        centre = moved
        if radius < 0.04:
            break
    return np.asarray(centre)


def _gathered(centres: list[Array], unit: Array, low: Array, spread: Array, smallest_share: float) -> list[Phase]:
    distinct: list[Array] = []
    for centre in centres:
        if all(np.linalg.norm(centre - other) > 0.08 for other in distinct):
            distinct.append(centre)
    while True:
        nearest = np.argmin([np.sum((unit - centre) ** 2, axis=1) for centre in distinct], axis=0)
        shares = np.bincount(nearest, minlength=len(distinct)) / unit.shape[0]
        if len(distinct) == 1 or shares.min() >= smallest_share:
            break
        distinct.pop(int(np.argmin(shares)))
    found = [Phase(low + spread * c, float(s)) for c, s in zip(distinct, shares, strict=True)]
    ranges = np.ptp([phase.densities for phase in found], axis=0)
    # the first species that tells the phases apart: symmetric mixtures are then ordered alike at both scales
    telling = int(np.argmax(ranges > 0.2 * ranges.max()))
    return sorted(found, key=lambda phase: -float(phase.densities[telling]))
