"""How all figures look, and how they are written."""

from pathlib import Path
from typing import Any

from runs.store.atomic import storage_error
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
}


def check_format(target: Path, option: str = "--output") -> None:
    """Refuse a file name that is no figure's.

    Raises
    ------
    InputError
        The file's ending is not one of the formats.
    """
    if target.suffix.lower() not in FORMATS:
        raise InputError(f"{option} is '{target}'; its ending must be one of {', '.join(FORMATS)}")


def save(figure: Any, target: Path) -> None:
    """Write a figure in the format that its file's ending says; to be called in the context of the style.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    try:
        figure.savefig(target, bbox_inches="tight")
    except OSError as error:
        raise storage_error(target, "write the figure", error) from error
