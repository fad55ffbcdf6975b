"""Figures: fields and particles side by side, in the two-colour style of [S1]."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.figures.densities import colour_key, picture_aspect, reference_density, scale_bar, show
from runs.figures.style import COLOURS, drawing, plain_ticks, target_of
from runs.frames_of_run import DensityFrames, open_run
from theory.observables import Shells, filtered, structure_factors

if TYPE_CHECKING:
    from runs.runfile import RunSpecification, Scale

_SNAPSHOTS = 4
# pictures of boxes that are flatter than this (height over width) stand in two columns
_WIDE = 0.6
# width of the figure, and height of its row of curves (inches)
_WIDTH, _CURVES = 7.0, 2.4


def draw(directory: Path | str, output: Path | str | None = None) -> Path:
    """Draw snapshots, mean speeds (or the polar order of particles that turn each other) and structure factors of a run.

    Parameters
    ----------
    directory
        Run directory.
    output
        File to write, png, pdf or svg; by default ``figure.png`` in the run directory.

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
    target = target_of(directory, output, "figure.png")
    specification, scales = open_run(directory)
    aspect = picture_aspect(specification.size)
    columns = 2 if aspect < _WIDE else _SNAPSHOTS
    rows = _SNAPSHOTS // columns * len(scales)
    height = (_WIDTH / columns * aspect + 0.22) * rows
    with drawing(target, (_WIDTH, height + _CURVES), "--output") as figure:
        top, bottom = figure.subfigures(2, 1, height_ratios=[height, _CURVES])
        _compose(top.subplots(rows, columns, squeeze=False), bottom.subplots(1, 2), specification, scales)
    return target


def _compose(pictures: Any, curves: Any, specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> None:
    for n, (scale, frames) in enumerate(scales.items()):
        _snapshots(pictures.reshape(len(scales), _SNAPSHOTS)[n], specification, frames, scale)
    colour_key(pictures[0, 0], specification)
    _over_time(curves[0], specification, scales)
    _spectra(curves[1], specification, scales)


def _snapshots(axes: Any, specification: "RunSpecification", frames: DensityFrames, scale: str) -> None:
    grid = frames.grid
    kernel = specification.model.channels.kernels[0].transform(grid.wavenumber)
    last = frames.times[-1]
    # early times are where patterns form: quarter the time from frame to frame; a run of few frames shows each once
    chosen = list(dict.fromkeys(frames.nearest(last * share) for share in (0.0625, 0.25, 0.5, 1.0)))
    densities = [filtered(frames.modes(frame), grid, kernel) for frame in chosen]
    reference = reference_density(specification, densities)
    for unused in axes[len(chosen) :]:
        unused.set_axis_off()
    for axis, frame, density in zip(axes, chosen, densities, strict=False):
        show(axis, density, grid, reference)
        axis.set_title(f"{scale}, t = {frames.times[frame]:.4g}", pad=3)
    if grid.dimension > 1:
        scale_bar(axes[len(chosen) - 1], grid.size)


def _over_time(axis: Any, specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> None:
    """Mean speeds, or the polar order where particles turn each other."""
    model = specification.model
    torques = [any(one.torque_harmonics) for one in model.mean_field.values()]
    turning = any(torques) or any(law.has_torque for law in model.interactions.values())
    quantity, label = ("polar_order", "polar order $P$") if turning else ("mean_speed", "mean speed")
    for scale, frames in scales.items():
        for s, name in enumerate(model.names):
            axis.plot(
                frames.times,
                frames.number(f"{quantity}_{name}"),
                _line(scale),
                color=COLOURS[s % len(COLOURS)],
                linewidth=1.0,
                markersize=0.0,
                label=f"{name}, {scale}",
            )
    axis.set_xlabel("time")
    axis.set_ylabel(label)
    axis.legend(fontsize=6, frameon=False)


def _spectra(axis: Any, specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> None:
    largest = np.pi / max(float(specification.model.sensing_ranges.max()), 2.0 * max(specification.size) / 512.0)
    for scale, frames in scales.items():
        shells = Shells.of(frames.grid, largest)
        last = range(max(0, frames.times.size - 10), frames.times.size)
        spectrum = np.mean([structure_factors(frames.modes(frame), frames.grid, shells) for frame in last], axis=0)
        for s in range(len(specification.model.names)):
            axis.plot(
                shells.wavenumbers,
                spectrum[s, s],
                _line(scale),
                color=COLOURS[s % len(COLOURS)],
                linewidth=1.0,
                markersize=2.5,
            )
    axis.set_xscale("log")
    # a state without any fluctuation has no logarithm
    if any(np.any(line.get_ydata() > 0.0) for line in axis.lines):
        axis.set_yscale("log")
    plain_ticks(axis.xaxis)
    axis.set_xlabel("wavenumber $q$")
    axis.set_ylabel("structure factor $S(q)$")


def _line(scale: str) -> str:
    return "-" if scale == "fields" else "o:"
