"""How all figures look, and how they are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runs.store.atomic import StoreError, storage_error
from theory.errors import InputError

# red and blue first, as in [S1]; the others for further species
COLOURS = ("#d62728", "#1f4fd8", "#2ca02c", "#e6a100", "#7b3fa0", "#00a0a0")
FORMATS = (".png", ".pdf", ".svg")
STYLE: dict[Any, Any] = {
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.linewidth": 0.6,
    "savefig.dpi": 300,
    "font.family": "DejaVu Sans",
    "hatch.linewidth": 0.4,
}


def check_target(target: Path, option: str) -> None:
    """Refuse a file that cannot become a figure, before anything is computed for it.

    Raises
    ------
    InputError
        The file's ending is not one of the formats.
    StoreError
        Its directory is not there, or it is a directory itself.
    """
    check_format(target, option)
    if not target.parent.is_dir():
        raise StoreError(f"{option} is '{target}', but there is no directory {target.parent}; make it, or choose another one")
    if target.is_dir():
        raise StoreError(f"{option} is '{target}', a directory; choose another name")


def check_format(target: Path, option: str) -> None:
    """Refuse a file name that is no figure's.

    Raises
    ------
    InputError
        The file's ending is not one of the formats.
    """
    if target.suffix.lower() not in FORMATS:
        raise InputError(f"{option} is '{target}'; its ending must be one of {', '.join(FORMATS)}")


def target_of(directory: Path | str, output: Path | str | None, name: str) -> Path:
    """The file to draw a run to, by default of a name in its directory; an ending is refused before anything is read.

    Raises
    ------
    InputError
        The file's ending is not one of the formats.
    StoreError
        Its directory is not there.
    """
    # of the default, the run directory is looked at by whoever reads the run
    if output is None:
        return Path(directory) / name
    check_target(Path(output), "--output")
    return Path(output)


@contextmanager
def drawing(target: Path, size: tuple[float, float], option: str = "--figure") -> Iterator[Any]:
    """An empty figure in this style, written to a file in the format of its ending once all has been drawn.

    Parameters
    ----------
    target
        File to write.
    size
        Width and height (inches).
    option
        How the command names the file, for errors.

    Raises
    ------
    InputError
        The file's ending is not one of the formats.
    StoreError
        The file cannot be written.
    """
    check_format(target, option)
    from matplotlib import rc_context

    # not by way of pyplot, which would change how a notebook shows its own figures
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure: Any = Figure(figsize=size, layout="constrained")
        yield figure
        try:
            figure.savefig(target, bbox_inches="tight")
        except OSError as error:
            raise storage_error(target, "write the figure", error) from error


def plain_ticks(axis: Any, digits: tuple[float, ...] = (1.0, 2.0, 5.0)) -> None:
    """Ticks of a logarithmic axis (its x or y side) at these digits in every decade, without exponents."""
    from matplotlib import ticker

    axis.set_major_locator(ticker.LogLocator(subs=digits))
    axis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axis.set_minor_formatter(ticker.NullFormatter())
