"""Measurements at samples; see :mod:`theory.recording` for how observers are called."""

from collections.abc import Mapping

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.observation import Observation
from theory.arrays import Array
from theory.frames import Variable, number
from theory.observables import Shells, domain_size
from theory.recorded_spectra import RecordedSpectra
from theory.recording import Memory, Observer, SampledRows, Sampling
from theory.travelling import velocity_of_correlations

_AXES = "xyz"


def _coarse_edge(layout: Layout, modes: RetainedModes) -> float:
    """Largest wavenumber of patterns, which are longer than sensing ranges (1/length)."""
    reach = float(layout.model.sensing_ranges.max())
    return np.pi / reach * (1.0 + 1e-9) if reach > 0.0 else float(modes.wavenumber.max())


class StructureFactors(RecordedSpectra[Observation]):
    """Structure factors from the modes of the fields, and domain sizes."""

    def __init__(self, layout: Layout, modes: RetainedModes) -> None:
        self._modes = modes
        edges = [2.0 * np.pi * n / edge for n, edge in zip(modes.largest, modes.grid.size, strict=True)]
        width = 2.0 * np.pi / max(modes.grid.size)
        # complete shells only
        shells = Shells.of_modes(modes.wavenumber, modes.multiplicity, min(edges) * (1.0 + 1e-9), width)
        self._edge = _coarse_edge(layout, modes)
        super().__init__(layout.model.names, shells, modes.grid.dimension, {"sizes": (layout.species,)})

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        scale = self._modes.grid.cell_volume**2 / self._modes.grid.volume
        rho = seen.density_modes
        spectra: list[Array] = []
        sizes = []
        for a, b in self._pairs:
            product = scale * (rho[a].real * rho[b].real + rho[a].imag * rho[b].imag)
            spectra.append(self._shells.average(product))
            if a == b:
                sizes.append(domain_size(self._modes.wavenumber, self._modes.multiplicity * product, self._edge))
        self._add(sums=np.stack(spectra), sizes=np.array(sizes))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``structure_factor_<A><B>`` (wavenumber), ``domain_size_<A>``."""
        sizes = {
            f"domain_size_{name}": number(size, "length", f"2 pi over the mean wavenumber of {name}")
            for name, size in zip(self._names, self._mean("sizes"), strict=True)
        }
        return {**super().variables(seen), **sizes}


class PatternVelocities(Observer[Observation]):
    """Velocity of the pattern of each species, with direction and sign, from the phases of its modes."""

    name = "pattern_velocity"

    def __init__(self, layout: Layout, modes: RetainedModes, interval: float) -> None:
        self._names, self._modes, self._interval = layout.model.names, modes, interval
        self._band = modes.wavenumber <= _coarse_edge(layout, modes)
        across = np.broadcast_to(modes.wavenumbers_across[:, None, :], (modes.grid.dimension - 1, *modes.shape))
        along = np.broadcast_to(modes.wavenumber_x[:, None], modes.shape)
        self._vectors = np.stack([along[self._band], *(k[self._band] for k in across)])
        self._last = np.zeros((layout.species, self._vectors.shape[1]), dtype=np.complex128)
        self._correlation = np.zeros_like(self._last)
        self._looks = 0

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        rho = seen.density_modes[:, self._band]
        if self._looks > 0:
            self._correlation += rho * self._last.conj()
        self._last[...] = rho
        self._looks += 1

    def begin_frame(self) -> None:
        """See :class:`theory.recording.Observer`."""
        self._correlation[...] = 0.0

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``pattern_velocity_<axis>_<A>``, ``pattern_coherence_<A>``; not a number before two samples."""
        found = {}
        multiplicity = self._modes.multiplicity[self._band]
        for s, name in enumerate(self._names):
            motion = velocity_of_correlations(self._correlation[s], self._vectors, multiplicity, self._interval)
            known = self._looks > 1
            for axis, component in zip(_AXES, motion.velocity, strict=False):
                words = f"{axis} component of the velocity of the pattern of {name} since the last frame"
                found[f"pattern_velocity_{axis}_{name}"] = number(component if known else np.nan, "length/time", words)
            words = f"1 if the pattern of {name} moves as a whole"
            found[f"pattern_coherence_{name}"] = number(motion.coherence if known else np.nan, "1", words)
        return found

    def memory(self) -> Memory:
        """See :class:`theory.recording.Observer`."""
        return {"last": self._last.copy(), "correlation": self._correlation.copy(), "looks": np.array(self._looks)}

    def restore(self, memory: Memory) -> None:
        """See :class:`theory.recording.Observer`."""
        self._last[...], self._correlation[...] = memory["last"], memory["correlation"]
        self._looks = int(memory["looks"])


class Kymograph(SampledRows[Observation]):
    """Densities along x, averaged over the other directions, at the samples up to a frame."""

    name = "kymograph"

    def __init__(self, layout: Layout, modes: RetainedModes, sampling: Sampling) -> None:
        super().__init__(sampling, (layout.species, modes.grid.shape[-1]))
        self._names, self._modes = layout.model.names, modes

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        cells = self._modes.grid.shape[-1]
        # the first row holds the waves along x alone
        self._push(np.fft.irfft(seen.density_modes[:, :, 0], cells, axis=1) * (cells / self._modes.grid.cells))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``kymograph_<A>`` (sample, x)."""
        density = f"1/length^{self._modes.grid.dimension}"
        return {
            f"kymograph_{name}": Variable(rows, ("sample", "x"), density, f"number density of {name} along x, averaged across")
            for name, rows in zip(self._names, self._rows, strict=True)
        }
