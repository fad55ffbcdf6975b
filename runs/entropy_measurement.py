"""Entropy production of one scale of a run, from its stored frames, with the linear theory of this very measurement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from runs.frames_of_run import DensityFrames
from runs.runfile import RunSpecification, Scale
from theory.arrays import Array
from theory.coarse_graining import Filter
from theory.entropy_estimate import EntropyEstimate
from theory.entropy_production import expected_box_rates
from theory.fourier import Grid
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState
from theory.observables import Shells, deposit_window
from theory.path_entropy import PathEntropy
from theory.travelling import PatternTrack, PatternVelocity
from theory.weak_noise import PatternMean

MapFrame = Literal["lab", "comoving"]

# what lies beyond this many inverse lengths of a filter is not seen through it
UNSEEN = 3.5
# harmonics of particles in the theory beside them: more change nothing for waves longer than the way that a particle runs
_ORDER_OF_PARTICLES = {1: 1, 2: 8, 3: 8}
# a rate below this share of the relaxation is none: the theory says that there is none
_NOTHING = 1e-9


@dataclass(frozen=True)
class ScaleEntropy:
    """Entropy production of one scale.

    Parameters
    ----------
    scale
        "fields" or "particles".
    estimate
        What its frames show.
    expected
        What linear theory expects of this measurement, shape (filter,) (1/time); None where it has no stable mixture.
    bias
        Share of each rate that the interval between frames hides, shape (filter,).
    wavenumbers
        Mean |q| of the shells of the spectrum (1/length).
    expected_spectrum
        As ``expected``, shell by shell.
    grid
        The grid of the frames.
    motion
        How the pattern moves, mean over the frames.
    weak_noise
        Deterministic fields: local rate in units of the inverse strength of the noise, mean over the frames in the frame of the
        map; None for noisy ones.
    """

    scale: Scale
    estimate: EntropyEstimate
    expected: Array | None
    bias: Array
    wavenumbers: Array
    expected_spectrum: Array | None
    grid: Grid
    motion: PatternVelocity
    weak_noise: Array | None


@dataclass(frozen=True)
class Measurement:
    """What is measured of one scale.

    Parameters
    ----------
    specification
        The run.
    state
        The homogeneous mixture, if it is stable.
    scale, frames
        The scale and its frames.
    filters
        Coarse-grainings.
    after
        Time from which on frames are used; None: the second half.
    """

    specification: RunSpecification
    state: HomogeneousState | None
    scale: Scale
    frames: DensityFrames
    filters: tuple[Filter, ...]
    after: float | None

    @property
    def grid(self) -> Grid:
        """Grid of the frames."""
        return self.frames.grid

    @cached_property
    def chosen(self) -> NDArray[np.intp]:
        """Numbers of the frames that are used."""
        return self.frames.since(self.after, fewest=2)

    @property
    def interval(self) -> float:
        """Time between frames (time)."""
        return float(np.median(np.diff(self.frames.times[self.chosen])))

    @property
    def strength(self) -> float:
        """Variance of the noise relative to that of the particles."""
        settings = self.specification.fields
        return 1.0 if self.scale == "particles" or settings is None else settings.noise

    @property
    def order(self) -> int:
        """Order of the linear theory that describes the scale."""
        settings, model = self.specification.fields, self.specification.model
        if self.scale == "fields" and settings is not None:
            return settings.order
        return 0 if any(one.motion.aoup for one in model.species) else _ORDER_OF_PARTICLES[model.dimension]

    @cached_property
    def window(self) -> Array | None:
        """What deposited particles were seen through; None for fields."""
        return deposit_window(self.grid) if self.scale == "particles" else None

    @cached_property
    def transfers(self) -> list[Array]:
        """By what the modes that fluctuate are multiplied before they are looked at, filter by filter."""
        grid, settings = self.grid, self.specification.fields
        band = np.ones(grid.spectral_shape)
        if self.scale == "fields" and settings is not None:
            edge = np.pi / (settings.noise_length or self.specification.reach) * (1.0 + 1e-9)
            band = ((grid.wavenumber <= edge) & grid.retained()).astype(np.float64)
        seen = [band * one.transfer(grid.wavenumber) for one in self.filters]
        # a sharp filter has the window divided out
        return (
            seen if self.window is None else [g * self.window if one.name == "gaussian" else g for one, g in self._paired(seen)]
        )

    def _paired(self, seen: list[Array]) -> list[tuple[Filter, Array]]:
        return list(zip(self.filters, seen, strict=True))

    @cached_property
    def shells(self) -> Shells:
        """Shells of the modes that the first filter leaves, as wide as the distance of modes."""
        seen = min(float(np.max(np.abs(k))) for k in self.grid.wavenumbers)
        return Shells.of(self.grid, min(UNSEEN / self.filters[0].length, seen))

    def result(self, frame: MapFrame, velocity: Sequence[float] | None) -> ScaleEntropy:
        """Measure, with local maps in a frame.

        Raises
        ------
        InputError
            There are fewer than two frames, or the model has no chemical potential of this kind.
        NumericalFailure
            Densities are too low for a logarithm.
        """
        arguments = {"window": self.window, "local": True, "shells": self.shells.index}
        path = PathEntropy(self.specification.model, self.grid, self.filters, **arguments)  # type: ignore[arg-type]
        track = PatternTrack(self.grid, np.pi / self.specification.reach, velocity if frame == "comoving" else None)
        patterns = PatternMean(path.currents) if self.strength == 0.0 else None
        for start, before, end, after in self._steps():
            moved = track.step(before, after, end - start)
            displacement = moved if frame == "comoving" else None
            path.accumulate(start, before, end, after, displacement=displacement)
            if patterns is not None:
                patterns.add(0.5 * (before + after), displacement)
        motion = track.motion(self.interval)
        return ScaleEntropy(
            self.scale,
            path.result().in_units_of(self.strength or 1.0),
            self._expected(self.transfers),
            np.array([self._bias(n, motion) for n in range(len(self.filters))]),
            self.shells.wavenumbers,
            self._expected_spectrum(),
            self.grid,
            motion,
            None if patterns is None else patterns.mean,
        )

    def _steps(self) -> Iterator[tuple[float, Array, float, Array]]:
        before = self.frames.density(int(self.chosen[0]))
        for first, second in pairwise(self.chosen.tolist()):
            after = self.frames.density(second)
            yield float(self.frames.times[first]), before, float(self.frames.times[second]), after
            before = after

    def _expected(self, transfers: list[Array], interval: float | None = None) -> Array | None:
        if self.state is None:
            return None
        step = self.interval if interval is None else interval
        return np.array(expected_box_rates(self.state, self.grid, transfers, step, self.order))

    def _expected_spectrum(self) -> Array | None:
        shells = self.shells
        return self._expected([self.transfers[0] * (shells.index == n) for n in range(shells.wavenumbers.size)])

    def _bias(self, n: int, motion: PatternVelocity) -> float:
        """Share of a rate that is hidden by the interval."""
        if self.state is None:
            # a mode that turns by phi between frames shows sin phi of phi
            return float(1.0 - np.sinc(motion.largest_turn / np.pi))
        q = 1.0 / self.filters[n].length
        relaxation = float(np.max(-mode_rates(self.state, q).real))
        now, short = (self._expected([self.transfers[n]], step) for step in (None, 0.0))
        assert now is not None
        assert short is not None
        if short[0] > _NOTHING * relaxation:
            return float(1.0 - now[0] / short[0])
        return float(1.0 + np.expm1(-relaxation * self.interval) / (relaxation * self.interval))
