"""Measurements at samples; see :mod:`theory.recording` for how observers are called."""

from collections.abc import Mapping

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.observation import Observation
from fieldsolver.snapshots import number
from theory.frames import Variable
from theory.observables import Shells, domain_size
from theory.recording import Memory, Observer, SampleRows
from theory.travelling import velocity_of_correlations

_AXES = "xyz"


def _coarse_edge(layout: Layout, modes: RetainedModes) -> float:
    """Largest wavenumber of patterns, which are longer than sensing ranges (1/length)."""
    reach = float(layout.model.sensing_ranges.max())
    return np.pi / reach * (1.0 + 1e-9) if reach > 0.0 else float(modes.wavenumber.max())


class StructureFactors(Observer[Observation]):
    """S_ab(q) = Re <rho_a,q rho_b,q^*>/volume in shells of |q|, and domain sizes."""

    name = "structure_factors"

    def __init__(self, layout: Layout, modes: RetainedModes) -> None:
        self._names, self._modes = layout.model.names, modes
        self._pairs = [(a, b) for a in range(layout.species) for b in range(a, layout.species)]
        edges = [2.0 * np.pi * n / edge for n, edge in zip(modes.largest, modes.grid.size, strict=True)]
        width = 2.0 * np.pi / max(modes.grid.size)
        # complete shells only
        self._shells = Shells.of_modes(modes.wavenumber, modes.multiplicity, min(edges) * (1.0 + 1e-9), width)
        self._edge = _coarse_edge(layout, modes)
        self._sums = np.zeros((len(self._pairs), self._shells.counts.size))
        self._sizes = np.zeros(layout.species)
        self._samples = 0

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        scale = self._modes.grid.cell_volume**2 / self._modes.grid.volume
        rho = seen.density_modes
        for n, (a, b) in enumerate(self._pairs):
            product = scale * (rho[a].real * rho[b].real + rho[a].imag * rho[b].imag)
            self._sums[n] += self._shells.average(product)
            if a == b:
                self._sizes[a] += domain_size(self._modes.wavenumber, self._modes.multiplicity * product, self._edge)
        self._samples += 1

    def begin_frame(self) -> None:
        """See :class:`theory.recording.Observer`."""
        self._sums[...] = self._sizes[...] = 0.0
        self._samples = 0

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``structure_factor_<A><B>`` (wavenumber), ``domain_size_<A>``."""
        found = {}
        density = f"1/length^{self._modes.grid.dimension}"
        for (a, b), spectrum in zip(self._pairs, self._sums, strict=True):
            pair = self._names[a] + self._names[b]
            words = f"structure factor of {self._names[a]} and {self._names[b]}, mean since the last frame"
            found[f"structure_factor_{pair}"] = Variable(spectrum / self._samples, ("wavenumber",), density, words)
        for name, size in zip(self._names, self._sizes, strict=True):
            found[f"domain_size_{name}"] = number(size / self._samples, "length", f"2 pi over the mean wavenumber of {name}")
        return found

    def coordinates(self) -> Mapping[str, Variable]:
        """Mean wavenumbers of the shells."""
        words = "mean wavenumber of the shell"
        return {"wavenumber": Variable(self._shells.wavenumbers, ("wavenumber",), "1/length", words)}

    def memory(self) -> Memory:
        """See :class:`theory.recording.Observer`."""
        return {"sums": self._sums.copy(), "sizes": self._sizes.copy(), "samples": np.array(self._samples)}

    def restore(self, memory: Memory) -> None:
        """See :class:`theory.recording.Observer`."""
        self._sums[...], self._sizes[...] = memory["sums"], memory["sizes"]
        self._samples = int(memory["samples"])


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


class Kymograph(Observer[Observation]):
    """Densities along x, averaged over the other directions, at the samples up to a frame."""

    name = "kymograph"

    def __init__(self, layout: Layout, modes: RetainedModes, interval: float, count: int) -> None:
        self._names, self._modes = layout.model.names, modes
        self._rows = SampleRows(interval, count, (layout.species, modes.grid.shape[-1]))

    def look(self, seen: Observation) -> None:
        """See :class:`theory.recording.Observer`."""
        cells = self._modes.grid.shape[-1]
        # the first row holds the waves along x alone
        self._rows.push(np.fft.irfft(seen.density_modes[:, :, 0], cells, axis=1) * (cells / self._modes.grid.cells))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``kymograph_<A>`` (sample, x)."""
        density = f"1/length^{self._modes.grid.dimension}"
        return {
            f"kymograph_{name}": Variable(rows, ("sample", "x"), density, f"number density of {name} along x, averaged across")
            for name, rows in zip(self._names, self._rows.values, strict=True)
        }

    def coordinates(self) -> Mapping[str, Variable]:
        """Times of the samples, counted from the frame."""
        return self._rows.coordinates()

    def memory(self) -> Memory:
        """See :class:`theory.recording.Observer`."""
        return {"rows": self._rows.values.copy()}

    def restore(self, memory: Memory) -> None:
        """See :class:`theory.recording.Observer`."""
        self._rows.values = np.array(memory["rows"])
