"""What comparison and figures read of a run directory: the specification and the density frames of each scale."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from runs.atomic import StoreError
from runs.runfile import RunSpecification, Scale, parse
from runs.series import Series, list_segments, open_series
from runs.store import read_run_file
from theory.fourier import Array, ComplexArray, Grid
from theory.observables import deposit_window, modes


@dataclass(frozen=True)
class DensityFrames:
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

    series: Series
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

    @property
    def times(self) -> Array:
        """Physical times, shape (time,)."""
        return np.asarray(self.series.times)

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


def open_run(directory: Path | str) -> tuple[RunSpecification, dict[Scale, DensityFrames]]:
    """The run file and the frames of a run directory.

    Raises
    ------
    StoreError
        The directory holds no run, or no frames yet.
    """
    path = Path(directory)
    # a scale that has not written its first frame yet is left out
    found: list[Scale] = [scale for scale in ("fields", "particles") if list_segments(path / scale)]
    if not found:
        raise StoreError(f"{path}: holds no frames; make some with 'twoscale run FILE --output {path}'")
    facts = open_series(path / found[0]).provenance
    specification = stored_specification(path, facts)
    return specification, {scale: DensityFrames.of(path / scale, specification) for scale in found}


def stored_specification(directory: Path | str, facts: object) -> RunSpecification:
    """The run file of a run directory, with the overrides that it was run with."""
    overrides = facts.get("overrides", []) if hasattr(facts, "get") else []
    return parse(read_run_file(directory), source=str(Path(directory) / "run.toml"), overrides=[str(one) for one in overrides])
