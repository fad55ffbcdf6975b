"""Figures of stability maps, in the manner of [S1] figure 3b."""

from pathlib import Path
from typing import Any

from runs.figures.style import drawing
from theory.stability_map import UNDEFINED, StabilityMap

# as in [S1] figure 3b: red where species stay apart, blue where they gather together, orange where patterns travel
_FILLS = {
    "stable": "#ffffff",
    "static": "#e4b9b5",
    "static apart": "#f0b4ad",
    "static together": "#b8c8f2",
    "oscillatory": "#f8cd92",
    UNDEFINED: "#d9d9d9",
}
# fills of mixtures whose long waves decay are hatched, and of those that order uniformly
_HATCHES = {"finite-wavelength": "....", "uniform": "////"}
_HATCH_COLOUR = "0.55"


def draw_stability_map(found: StabilityMap, target: Path) -> Path:
    """Draw a stability map.

    Parameters
    ----------
    found
        The map.
    target
        File to write, png, pdf or svg.

    Raises
    ------
    InputError
        The file's ending is none of these.
    StoreError
        The file cannot be written.
    """
    with drawing(target, (4.8, 3.3)) as figure:
        axis = figure.subplots()
        _regions(axis, found)
        for line in found.lines:
            axis.plot(*line.points.T, "-", color="black", linewidth=1.1, solid_capstyle="round")
        for line in found.exceptional:
            axis.plot(*line.points.T, ":", color="0.25", linewidth=1.0)
        axis.set(xlim=(found.x.low, found.x.high), ylim=(found.y.low, found.y.high))
        axis.set(xlabel=_axis_label(found.x.key), ylabel=_axis_label(found.y.key))
        axis.set_box_aspect(1)
        _map_key(figure, found)
    return target


def _regions(axis: Any, found: StabilityMap) -> None:
    from matplotlib.collections import PolyCollection

    for label in found.labels:
        corners = [one.corners for one in found.patches if one.label == label]
        fill, hatch = _fill(label)
        # edges of the same colour close the seams between patches
        axis.add_collection(PolyCollection(corners, facecolors=fill, edgecolors=fill, linewidths=0.4, zorder=0))
        if hatch:
            pattern = PolyCollection(corners, facecolors="none", edgecolors=_HATCH_COLOUR, hatch=hatch, linewidths=0.0)
            axis.add_collection(pattern)


def _fill(label: str) -> tuple[str, str]:
    """Colour and hatch of a class."""
    kind, _, how = label.partition(", ")
    head, _, extent = kind.partition(" ")
    return _FILLS.get(f"{head} {how}".strip(), _FILLS[head]), _HATCHES.get(extent, "")


def _axis_label(key: str) -> str:
    section, name = key.rsplit(".", 1)
    return f"density of {name}" if section == "composition" else name


def _map_key(figure: Any, found: StabilityMap) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for label in found.labels:
        fill, hatch = _fill(label)
        handles.append(Patch(facecolor=fill, edgecolor=_HATCH_COLOUR, hatch=hatch, linewidth=0.5, label=_key_text(label)))
    if found.lines:
        handles.append(Line2D([], [], color="black", linewidth=1.1, label="boundaries"))
    if found.exceptional:
        handles.append(Line2D([], [], color="0.25", linestyle=":", linewidth=1.0, label="long waves coalesce"))
    title = "hydrodynamics" if found.order == 0 else f"order {found.order}"
    figure.legend(handles=handles, loc="outside right upper", title=title, fontsize=7, title_fontsize=7, frameon=False)


def _key_text(label: str) -> str:
    return "no linear theory" if label == UNDEFINED else label.replace(", ", ",\n")
