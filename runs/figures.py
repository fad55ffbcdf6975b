"""Figures: fields and particles side by side, in the two-colour style of [S1]."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.figure_style import COLOURS, STYLE, check_format, save
from runs.frames_of_run import DensityFrames, open_run
from theory.fourier import Array
from theory.observables import Shells, filtered, structure_factors

if TYPE_CHECKING:
    from runs.execute import Scale
    from runs.runfile import RunSpecification

_SNAPSHOTS = 4


def draw(directory: Path | str, output: Path | str | None = None) -> Path:
    """Draw snapshots, mean speeds and structure factors of a run.

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
    target = Path(directory) / "figure.png" if output is None else Path(output)
    check_format(target)
    specification, scales = open_run(directory)

    from matplotlib import rc_context

    with rc_context(STYLE):
        save(_compose(specification, scales), target)
    return target


def _compose(specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> Any:
    # not by way of pyplot, which would change how a notebook shows its own figures
    from matplotlib.figure import Figure

    aspect = specification.size[1] / specification.size[0]
    wide = aspect < 0.6
    columns = 2 if wide else _SNAPSHOTS
    rows_per_scale = _SNAPSHOTS // columns
    width = 7.0
    height = (width / columns * aspect + 0.22) * rows_per_scale * len(scales)
    figure: Any = Figure(figsize=(width, height + 2.4), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[height, 2.4])
    axes = top.subplots(rows_per_scale * len(scales), columns, squeeze=False)
    for n, (scale, frames) in enumerate(scales.items()):
        block = axes[n * rows_per_scale : (n + 1) * rows_per_scale].ravel()
        _snapshots(block, specification, frames, scale)
    _colour_key(axes[0, 0], specification)
    lower = bottom.subplots(1, 2)
    _mean_speeds(lower[0], specification, scales)
    _spectra(lower[1], specification, scales)
    return figure


def _snapshots(axes: Any, specification: "RunSpecification", frames: DensityFrames, scale: str) -> None:
    grid = frames.grid
    kernel = specification.model.channels.kernels[0].transform(grid.wavenumber)
    last = frames.times[-1]
    # early times are where patterns form: quarter the time from frame to frame
    chosen = [frames.nearest(last * share) for share in (0.0625, 0.25, 0.5, 1.0)]
    densities = [filtered(frames.modes(frame), grid, kernel) for frame in chosen]
    reference = _reference_density(specification, densities)
    for axis, frame, density in zip(axes, chosen, densities, strict=True):
        axis.imshow(
            _colour(density, reference), origin="lower", extent=(0, grid.size[0], 0, grid.size[1]), interpolation="bilinear"
        )
        axis.set_title(f"{scale}, t = {frames.times[frame]:.4g}", pad=3)
        axis.set_xticks([])
        axis.set_yticks([])
    _scale_bar(axes[-1], grid.size)


def _reference_density(specification: "RunSpecification", densities: list[Array]) -> float:
    """Density of full colour: near the largest of the last snapshot, and never below the composition."""
    highest = max(float(np.quantile(one, 0.99)) for one in densities[-1])
    return max(highest, *specification.composition.values())


def _colour(density: Array, reference: float) -> Array:
    """RGB (ny, nx, 3): white where empty; each species takes away the complement of its colour."""
    from matplotlib.colors import to_rgb

    image = np.ones((*density.shape[1:], 3))
    for s, one in enumerate(density):
        colour = np.array(to_rgb(COLOURS[s % len(COLOURS)]))
        amount = np.clip(one / reference, 0.0, 1.0)[..., None]
        image *= 1.0 - amount * (1.0 - colour)
    return image


def _scale_bar(axis: Any, size: tuple[float, ...]) -> None:
    """A bar of a round length in the lower right corner."""
    from matplotlib import patheffects

    longest = 0.3 * size[0]
    decade = 10.0 ** np.floor(np.log10(longest))
    length = max(c * decade for c in (1.0, 2.0, 5.0) if c * decade <= longest)
    right, low = 0.95 * size[0], 0.07 * size[1]
    outline = [patheffects.withStroke(linewidth=3.0, foreground="white")]
    bar = {"color": "black", "linewidth": 2.0, "solid_capstyle": "butt", "path_effects": outline}
    axis.plot([right - length, right], [low, low], **bar)
    axis.text(
        right - 0.5 * length, low + 0.02 * size[1], f"{length:g}", ha="center", va="bottom", fontsize=7, path_effects=outline
    )


def _colour_key(axis: Any, specification: "RunSpecification") -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=COLOURS[s % len(COLOURS)], label=name) for s, name in enumerate(specification.model.names)]
    axis.legend(handles=handles, loc="upper left", fontsize=6, handlelength=0.9, borderpad=0.3, framealpha=0.85)


def _mean_speeds(axis: Any, specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> None:
    for scale, frames in scales.items():
        for s, name in enumerate(specification.model.names):
            axis.plot(
                frames.times,
                frames.number(f"mean_speed_{name}"),
                _line(scale),
                color=COLOURS[s % len(COLOURS)],
                linewidth=1.0,
                markersize=0.0,
                label=f"{name}, {scale}",
            )
    axis.set_xlabel("time")
    axis.set_ylabel("mean speed")
    axis.legend(fontsize=6, frameon=False)


def _spectra(axis: Any, specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> None:
    from matplotlib import ticker

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
    axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axis.xaxis.set_minor_formatter(ticker.NullFormatter())
    axis.set_xlabel("wavenumber $q$")
    axis.set_ylabel("structure factor $S(q)$")


def _line(scale: str) -> str:
    return "-" if scale == "fields" else "o:"
