"""What analysis reads of a run directory: the specification, the density frames of each scale, and the particles."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runs.runfile import RunSpecification, Scale, parse
from runs.store import read_run_file
from runs.store.atomic import StoreError
from runs.store.checkpoint import NEWEST, PREVIOUS
from runs.store.series import Series, list_segments, open_series
from theory.arrays import Array, ComplexArray
from theory.errors import InputError
from theory.fourier import Grid
from theory.observables import deposit_window, modes

SCALES: tuple[Scale, ...] = ("fields", "particles")


@dataclass(frozen=True)
class Frames:
    """Stored frames of one scale.

    Parameters
    ----------
    series
        The stored frames.
    """

    series: Series

    @property
    def times(self) -> Array:
        """Physical times, shape (time,)."""
        return np.asarray(self.series.times)

    def since(self, after: float | None, fewest: int = 1) -> NDArray[np.int64]:
        """Numbers of the frames from a time on; by default those of the second half of the run.

        Raises
        ------
        InputError
            There are too few, or the time is not finite.
        """
        if after is not None and not np.isfinite(after):
            raise InputError(f"--after is {after:g}; it must be a finite time: it takes at least {_told(fewest)} from then on")
        start = 0.5 * self.times[-1] if after is None else after
        chosen = np.flatnonzero(self.times >= start * (1.0 - 1e-12))
        if chosen.size < fewest:
            raise InputError(
                f"{self.series.path}: {_told(chosen.size)} from t = {start:g} on; it takes at least {fewest}, and the last is "
                f"at t = {self.times[-1]:g}: choose an earlier --after, or run with a shorter run.output_interval"
            )
        return chosen


@dataclass(frozen=True)
class DensityFrames(Frames):
    """Frames of one scale as modes of the densities.

    Parameters
    ----------
    series
        The stored frames.
    grid
        Their grid.
    names
        Species, in the order of the model.
    """

    grid: Grid
    names: tuple[str, ...]

    @classmethod
    def of(cls, directory: Path, specification: RunSpecification) -> "DensityFrames":
        """Open the frames of one scale.

        Raises
        ------
        StoreError
            There are no frames, or they are damaged.
        """
        series = open_series(directory)
        names = specification.model.names
        shape = series.variable(f"density_{names[0]}").shape
        return cls(series, Grid(tuple(specification.size), tuple(shape)), names)

    @cached_property
    def _window(self) -> Array | None:
        deposited = "assignment" in self.series.attributes(f"density_{self.names[0]}")
        return deposit_window(self.grid) if deposited else None

    def density(self, frame: int) -> Array:
        """Densities of one frame as stored, shape (species, ny, nx) (1/length^2)."""
        stop = frame + 1 if frame != -1 else None
        return np.stack([self.series.load(f"density_{n}", frame, stop)[0] for n in self.names]).astype(np.float64)

    def modes(self, frame: int) -> ComplexArray:
        """rho_q of one frame, shape (species, ny, nkx); the window of a deposit is divided out."""
        return modes(self.density(frame), self.grid, self._window)

    def number(self, name: str) -> Array:
        """A time series, shape (time,)."""
        return np.asarray(self.series.load(name), dtype=np.float64)

    def nearest(self, time: float) -> int:
        """Number of the frame nearest to a time."""
        return int(np.argmin(np.abs(self.times - time)))


@dataclass(frozen=True)
class ParticleFrames(Frames):
    """Frames of the particles themselves; particles keep their rows for the whole run.

    Parameters
    ----------
    series
        The stored frames.
    size
        Edges of the box (x, y, ...), shape (dimension,) (length).
    names
        Species, in the order of the model.
    """

    size: Array
    names: tuple[str, ...]

    def positions(self, frame: int) -> Array:
        """Positions of one frame, shape (particle, dimension) (length)."""
        return self.loaded("position", frame).astype(np.float64)

    def orientations(self, frame: int) -> Array:
        """Self-propulsion directions of one frame, shape (particle, dimension)."""
        return self.loaded("orientation", frame).astype(np.float64)

    def species(self, frame: int) -> NDArray[np.int64]:
        """Species of each particle, by number in the model, shape (particle,)."""
        return self.loaded("species", frame).astype(np.int64)

    def loaded(self, name: str, frame: int) -> NDArray[Any]:
        """Any variable of one frame."""
        first = range(self.series.frames)[frame]
        return np.asarray(self.series.load(name, first, first + 1)[0])


def open_particles(directory: Path | str, *, positions: bool = True) -> tuple[RunSpecification, ParticleFrames]:
    """The run file and the particles of a run directory.

    Parameters
    ----------
    directory
        Run directory.
    positions
        Whether the particles themselves are needed, and not only what was measured of them.

    Raises
    ------
    StoreError
        The directory holds no frames of particles.
    InputError
        Its frames do not hold the particles themselves, which are needed.
    """
    path = Path(directory)
    if "particles" not in _stored_scales(path):
        raise StoreError(f"{path}: holds no frames of particles; {_remedy(path, 'particles')}")
    series = open_series(path / "particles")
    specification = stored_specification(path, series.provenance)
    if positions and "position" not in series.names:
        raise InputError(
            f"{path}: its frames hold no positions; run with particles.save_positions = true into another directory"
        )
    return specification, ParticleFrames(series, np.asarray(specification.size, dtype=np.float64), specification.model.names)


def open_run(directory: Path | str) -> tuple[RunSpecification, dict[Scale, DensityFrames]]:
    """The run file and the frames of a run directory.

    Raises
    ------
    StoreError
        The directory holds no run, or no frames yet.
    """
    path = Path(directory)
    found = _stored_scales(path)
    if not found:
        raise StoreError(f"{path}: holds no frames; {_remedy(path)}")
    facts = open_series(path / found[0]).provenance
    specification = stored_specification(path, facts)
    return specification, {scale: DensityFrames.of(path / scale, specification) for scale in found}


def _stored_scales(path: Path) -> list[Scale]:
    """The scales with frames; one that has not written its first frame yet is left out."""
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path}: a file, not a run directory; give the directory that 'twoscale run' wrote to")
    return [scale for scale in SCALES if list_segments(path / scale)]


def _remedy(path: Path, scale: Scale | None = None) -> str:
    """What to do about a directory without the frames that are looked for."""
    if list_segments(path) or begun(path.parent, path.name):
        return f"this is the directory of one scale: give that of the run, {path.parent}"
    wanted = SCALES if scale is None else (scale,)
    if any(begun(path, one) for one in wanted):
        return f"the run ended before its first: continue it with 'twoscale resume {path}'"
    option = "" if scale is None else f" --{scale}"
    # a directory that holds a run is not run into again
    output = "OTHER" if _stored_scales(path) else path
    return f"make some with 'twoscale run FILE{option} --output {output}'"


def begun(directory: Path, scale: str) -> bool:
    """Whether a run directory holds a checkpoint of a scale."""
    return any((directory / scale / name).exists() for name in (NEWEST, PREVIOUS))


def _told(frames: int) -> str:
    return f"{frames} frame" if frames == 1 else f"{frames} frames"


def stored_specification(directory: Path | str, facts: object) -> RunSpecification:
    """The run file of a run directory, with the overrides that it was run with."""
    overrides = facts.get("overrides", []) if hasattr(facts, "get") else []
    return parse(read_run_file(directory), source=str(Path(directory) / "run.toml"), overrides=[str(one) for one in overrides])
