"""Movies of the densities of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs.figures.densities import colour_key, picture_aspect, reference_density, scale_bar, show
from runs.figures.style import STYLE
from runs.frames_of_run import DensityFrames, open_run
from runs.store.atomic import storage_error
from theory.errors import InputError
from theory.observables import filtered

if TYPE_CHECKING:
    from runs.runfile import RunSpecification, Scale

_FORMATS = (".gif", ".mp4")
# pictures per second: a GIF counts hundredths of a second, up to 655 of them
_RATES = (0.01, 100.0)
_WIDTH = 4.0
_DOTS_PER_INCH = 120


def film(directory: Path | str, output: Path | str | None = None, *, rate: float = 15.0) -> Path:
    """Make a movie of the densities of a run, its scales side by side.

    Parameters
    ----------
    directory
        Run directory.
    output
        File to write: gif, or mp4 where ffmpeg is installed; by default ``movie.gif`` in the run directory.
    rate
        Pictures per second.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file's ending is none of these, ffmpeg is missing, or the rate is out of range.
    StoreError
        There is no run, or the file cannot be written.
    """
    target = Path(directory) / "movie.gif" if output is None else Path(output)
    if not _RATES[0] <= rate <= _RATES[1]:
        raise InputError(f"--rate is {rate:g}; it must be from {_RATES[0]:g} to {_RATES[1]:g} pictures per second")
    writer = _writer(target, rate)
    specification, scales = open_run(directory)

    from matplotlib import rc_context

    with rc_context({**STYLE, "savefig.dpi": _DOTS_PER_INCH}):
        try:
            _record(writer, target, specification, scales)
        except OSError as error:
            raise storage_error(target, "write the movie", error) from error
    return target


def _writer(target: Path, rate: float) -> Any:
    from matplotlib.animation import FFMpegWriter, PillowWriter

    ending = target.suffix.lower()
    if ending not in _FORMATS:
        raise InputError(f"--output is '{target}'; its ending must be one of {', '.join(_FORMATS)}")
    if ending == ".gif":
        return PillowWriter(fps=rate)  # type: ignore[arg-type]
    if not FFMpegWriter.isAvailable():
        raise InputError(f"--output is '{target}', but the program ffmpeg is not installed; install it, or write a .gif")
    return FFMpegWriter(fps=rate)  # type: ignore[arg-type]


def _record(writer: Any, target: Path, specification: "RunSpecification", scales: "dict[Scale, DensityFrames]") -> None:
    from matplotlib.figure import Figure

    height = _WIDTH * picture_aspect(specification.size) + 0.3
    figure: Any = Figure(figsize=(_WIDTH * len(scales), height), layout="constrained")
    axes = figure.subplots(1, len(scales), squeeze=False)[0]
    filters = {scale: _smoothing(specification, frames) for scale, frames in scales.items()}
    lasts = {s: filtered(f.modes(f.times.size - 1), f.grid, filters[s]) for s, f in scales.items()}
    with writer.saving(figure, str(target), _DOTS_PER_INCH):
        # scales may have been stored up to different times
        for time in max((frames.times for frames in scales.values()), key=len):
            for axis, (scale, frames) in zip(axes, scales.items(), strict=True):
                axis.clear()
                number = frames.nearest(time)
                density = filtered(frames.modes(number), frames.grid, filters[scale])
                show(axis, density, frames.grid, reference_density(specification, [lasts[scale]]))
                axis.set_title(f"{scale}, t = {frames.times[number]:.4g}", pad=3)
            colour_key(axes[0], specification)
            if frames.grid.dimension > 1:
                scale_bar(axes[-1], frames.grid.size)
            writer.grab_frame()


def _smoothing(specification: "RunSpecification", frames: DensityFrames) -> Any:
    """The sensing kernel, through which the particles themselves see densities."""
    return specification.model.channels.kernels[0].transform(frames.grid.wavenumber)
