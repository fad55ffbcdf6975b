"""Kymographs: densities along x against time, averaged over the other directions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.figures.style import COLOURS, drawing, target_of
from runs.frames_of_run import DensityFrames, open_run
from theory.arrays import Array

if TYPE_CHECKING:
    from runs.runfile import RunSpecification, Scale


def draw_kymograph(directory: Path | str, output: Path | str | None = None) -> Path:
    """Draw the kymographs of a run: a column per scale, a row per species.

    Parameters
    ----------
    directory
        Run directory.
    output
        File to write, png, pdf or svg; by default ``kymograph.png`` in the run directory.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file's ending is none of these.
    StoreError
        There is no run, or the file cannot be written.
    """
    target = target_of(directory, output, "kymograph.png")
    specification, scales = open_run(directory)
    names = specification.model.names
    with drawing(target, (3.4 * len(scales) + 0.6, 2.2 * len(names)), "--output") as figure:
        _compose(figure, specification, scales)
    return target


def kymograph(frames: DensityFrames) -> tuple[Array, Array]:
    """Times (time,) and densities along x, shape (species, time, x): the samples between frames where they were stored.

    Raises
    ------
    StoreError
        Frames are missing or damaged.
    """
    stored = [f"kymograph_{name}" for name in frames.names]
    if not all(name in frames.series.names for name in stored):
        across = tuple(range(1, frames.grid.dimension))
        rows = [frames.density(n).mean(axis=across) if across else frames.density(n) for n in range(frames.times.size)]
        return frames.times, np.stack(rows, axis=1)
    samples = np.asarray(frames.series.coordinates["sample"].data)
    times = (frames.times[:, None] + samples).ravel()
    rows_of = np.stack([frames.series.load(name).astype(np.float64).reshape(times.size, -1) for name in stored])
    # before the first sample of a run
    known = np.all(np.isfinite(rows_of), axis=(0, 2))
    return times[known], rows_of[:, known]


def _compose(figure: Any, specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> None:
    names = specification.model.names
    axes = figure.subplots(len(names), len(scales), squeeze=False, sharex=True)
    for column, (scale, frames) in enumerate(scales.items()):
        times, rows = kymograph(frames)
        for s, name in enumerate(names):
            axis = axes[s, column]
            image = _show(axis, times, rows[s], specification.size[0], COLOURS[s % len(COLOURS)])
            figure.colorbar(image, ax=axis, label=f"density of {name}")
            axis.set_title(f"{name}, {scale}", pad=3)
            axis.set_ylabel("time")
        axes[-1, column].set_xlabel("x")


def _show(axis: Any, times: Array, rows: Array, length: float, colour: str) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("density", ["white", colour, "black"])
    edges = np.linspace(0.0, length, rows.shape[1] + 1)
    # a row lasts until the next one; a single row has no length in time
    steps = np.append(times, 2.0 * times[-1] - times[-2] if times.size > 1 else times[-1] + 1.0)
    return axis.pcolormesh(edges, steps, rows, cmap=shades, rasterized=True)
