"""Filters through which both scales and theory are looked at, so that they are compared alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runs.runfile import RunSpecification
from theory.arrays import Array
from theory.fourier import Grid
from theory.observables import Shells, Smoothing

# "low q": modes up to this many times the smallest wavenumber of the box
LOW_Q = 2.5
# factor of the edge of a band of modes: well beyond round-off, well below the distance of modes
BEYOND = 1.0 + 1e-9


@dataclass(frozen=True)
class Filters:
    """What both scales are looked at through.

    Parameters
    ----------
    sensing
        Factor of each mode in the band: the transform of the sensing kernel; shape of the spectrum.
    smoothing
        How densities are coarse-grained before phases are looked for.
    shells
        Shells of the modes in the band.
    low, band
        Which modes are of low q, and which are compared, shape of the spectrum.
    """

    sensing: Array
    smoothing: Smoothing
    shells: Shells
    low: NDArray[np.bool_]
    band: NDArray[np.bool_]

    @classmethod
    def of(cls, specification: RunSpecification, grid: Grid) -> "Filters":
        """The filters of a run on a grid.

        Raises
        ------
        InputError
            No mode of the box is in the band.
        """
        cutoff = band_edge(specification)
        # edges are a little beyond the modes on them, so that grids of all sizes hold the same modes
        band = grid.wavenumber <= cutoff
        kernel = specification.model.channels.kernels[0]
        shells = Shells.of(grid, cutoff)
        # in a small box the band ends first
        low = band & (grid.wavenumber <= LOW_Q * 2.0 * np.pi / max(grid.size) * BEYOND)
        low.flat[0] = False
        smoothing = Smoothing.of(grid.wavenumber, max(grid.spacing), specification.reach)
        return cls(kernel.transform(grid.wavenumber) * band, smoothing, shells, low, band)


def band_edge(specification: RunSpecification) -> float:
    """Largest wavenumber that is compared: that of the fields' noise, where their grid retains it."""
    settings = specification.fields
    length = settings.noise_length if settings is not None and settings.noise_length is not None else specification.reach
    edge = float(np.pi / length) * BEYOND
    if settings is None:
        return edge
    spacing = max(one / cells for one, cells in zip(specification.size, settings.grid, strict=True))
    return min(edge, 2.0 / 3.0 * float(np.pi / spacing) / BEYOND)
