"""Coexisting phases in density fields: the modes of the joint histogram of the densities of all species."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from theory.arrays import Array
from theory.coarse_graining import Filter

_HISTOGRAM_BINS = 48
_HISTOGRAM_AXES = 3
_MEAN_SHIFTS = 60
_UNIFORM = 1e-9
# half of the width of the places about a peak and half way to another, in units of their distance
_WINDOW = 1.0 / 6.0
# how deep a valley between two peaks is at least, as a share of the lower of them, and by how many standard errors
_VALLEY, _SIGNIFICANT = 0.7, 2.0

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
    length
        Standard deviation of the Gaussian (length).
    """

    factors: Array
    stride: int
    length: float

    @classmethod
    def of(cls, wavenumber: Array, spacing: float, reach: float) -> "Smoothing":
        """For modes of some wavenumbers, cells of a width, and a sensing range."""
        length = SMOOTHING * reach
        return cls(Filter("gaussian", length).transfer(wavenumber), max(1, int(0.5 * reach / spacing)), length)

    def independent(self, volume: float, dimension: int) -> float:
        """Number of independent samples in a volume: the volume over the integral of the squared correlation of smoothed noise.

        With the correlation C(r) = exp(-r^2/(4 l^2)) of white noise smoothed over l, that integral is (2 pi)^(d/2) l^d.
        """
        return float(volume / (np.sqrt(2.0 * np.pi) * self.length) ** dimension)

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


def phases(density: Array, smallest_share: float = 0.04, samples: float | None = None) -> list[Phase]:
    """Coexisting phases: the modes of the joint histogram of (coarse-grained) densities.

    Peaks of a smoothed histogram are refined by a mean shift of shrinking width, so that they do not depend on the bins. With
    more than three species the histogram is that of the three combinations of densities that vary most.

    Two peaks a and b are two phases only if there is a valley between them, and one that chance does not explain: with n_a, n_b
    and n independent samples about a, about b and half way, each within a sixth of their distance along the line from a to b,

        n <= 0.7 m  and  m - n >= 2 sqrt(m + n),    m = min(n_a, n_b).

    Parameters
    ----------
    density
        Shape (species, ...): coarse-grained densities at many places (and times).
    smallest_share
        Peaks with a smaller share of the cells are taken for interfaces and left out.
    samples
        Number of independent samples that the densities amount to; by default as many as there are places.

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
    independent = 1.0 if samples is None else min(1.0, samples / unit.shape[0])
    distinct = _distinct([_shifted_mean(unit, start) for start in starts], unit, smallest_share, independent)
    return _sorted([Phase(low + spread * centre, share) for centre, share in distinct])


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


def _distinct(centres: list[Array], unit: Array, smallest_share: float, independent: float) -> list[tuple[Array, float]]:
    """The centres that are phases, each with its share; of points of which a share is independent."""
    distinct: list[Array] = []
    for centre in centres:
        if all(np.linalg.norm(centre - other) > 0.08 for other in distinct):
            distinct.append(centre)
    while True:
        nearest = np.argmin([np.sum((unit - centre) ** 2, axis=1) for centre in distinct], axis=0)
        shares = np.bincount(nearest, minlength=len(distinct)) / unit.shape[0]
        surplus = int(np.argmin(shares)) if shares.min() < smallest_share else _by_chance(distinct, unit, nearest, independent)
        if len(distinct) == 1 or surplus is None:
            return [(centre, float(share)) for centre, share in zip(distinct, shares, strict=True)]
        distinct.pop(surplus)


def _by_chance(centres: list[Array], unit: Array, nearest: NDArray[np.intp], independent: float) -> int | None:
    """The lower of the two peaks with the shallowest valley, if that is none or chance explains it; None if all are valleys."""
    found = []
    for a, b in combinations(range(len(centres)), 2):
        between = unit[(nearest == a) | (nearest == b)] - centres[a]
        line = centres[b] - centres[a]
        along = between @ line / (line @ line)
        low, middle, high = (independent * np.count_nonzero(np.abs(along - place) < _WINDOW) for place in (0.0, 0.5, 1.0))
        peak = min(low, high)
        none = middle > _VALLEY * peak or peak - middle < _SIGNIFICANT * np.sqrt(peak + middle)
        if none:
            found.append((peak - middle, a if low < high else b))
    return min(found)[1] if found else None


def _sorted(found: list[Phase]) -> list[Phase]:
    ranges = np.ptp([phase.densities for phase in found], axis=0)
    # the first species that tells the phases apart: symmetric mixtures are then ordered alike at both scales
    telling = int(np.argmax(ranges > 0.2 * ranges.max()))
    return sorted(found, key=lambda phase: -float(phase.densities[telling]))
