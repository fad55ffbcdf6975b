"""Figures of the linear theory: dispersion relations, and stability maps in the manner of [S1] figure 3b."""

from pathlib import Path
from typing import Any

import numpy as np

from runs.figures.style import COLOURS, STYLE, check_format, save
from theory.errors import InputError
from theory.fourier import Array
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
_SLACK = 1.08
# change of a frequency from point to point, as a share of the largest, that is no continuous curve
_JUMP = 0.05


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
    check_format(target, "--figure")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({**STYLE, "hatch.linewidth": 0.4}):
        figure: Any = Figure(figsize=(4.8, 3.3), layout="constrained")
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
        save(figure, target)
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


def draw_dispersion(prediction: dict[str, Any], target: Path) -> Path:
    """Draw growth rates and frequencies of a prediction, of order 0 and of the run file's order.

    Parameters
    ----------
    prediction
        As :func:`runs.predict.predict` returns it.
    target
        File to write, png, pdf or svg.

    Raises
    ------
    InputError
        The file's ending is none of these, or there is no dispersion relation.
    StoreError
        The file cannot be written.
    """
    check_format(target, "--figure")
    sections = [one for one in (prediction, prediction["hierarchy"]) if one is not None]
    if all(one["dispersion"]["growth_rates"] is None for one in sections):
        raise InputError(f"there is no dispersion relation to draw: {sections[0]['dispersion']['reason']}")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure: Any = Figure(figsize=(4.2, 4.0), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1.0))
        for number, section in enumerate(sections):
            _branches(top, bottom, section, COLOURS[1 - number])
        _frame(top, bottom, sections)
        save(figure, target)
    return target


def _branches(top: Any, bottom: Any, section: dict[str, Any], colour: str) -> None:
    dispersion = section["dispersion"]
    if dispersion["growth_rates"] is None:
        return
    q, growth, frequencies = (np.array(dispersion[name]) for name in ("wavenumbers", "growth_rates", "frequencies"))
    order = section.get("order", 0)
    for n, (rate, frequency) in enumerate(zip(growth, frequencies, strict=True)):
        label = ("hydrodynamics" if order == 0 else f"order {order}") if n == 0 else None
        width = 1.4 if n == 0 else 0.8
        top.plot(q, rate, color=colour, linewidth=width, alpha=1.0 if n == 0 else 0.6, label=label)
        bottom.plot(q, _broken(np.where(frequency > 0.0, frequency, np.nan)), color=colour, linewidth=width)
    for point in section["exceptional_points"]:
        if q[0] <= point["wavenumber"] <= q[-1]:
            top.plot(point["wavenumber"], point["growth_rate"], "o", color=colour, markersize=4, markerfacecolor="white")
            bottom.plot(point["wavenumber"], 0.0, "o", color=colour, markersize=4, markerfacecolor="white", clip_on=False)
    fastest = section["instability"]
    if fastest["growth_rate"]:
        top.plot(fastest["wavenumber"], fastest["growth_rate"], "o", color=colour, markersize=3.5)


def _broken(frequency: Array) -> Array:
    """A curve with gaps where branches change places."""
    jumps = np.abs(np.diff(frequency, prepend=frequency[0]))
    return np.where(jumps > _JUMP * np.nanmax(np.append(frequency, 1e-300)), np.nan, frequency)


def _frame(top: Any, bottom: Any, sections: list[dict[str, Any]]) -> None:
    """Limits that show what grows, and as much of what decays."""
    rates = np.concatenate([np.ravel(one["dispersion"]["growth_rates"] or [0.0]) for one in sections])
    peaks = [one["instability"]["growth_rate"] or 0.0 for one in sections]
    highest = max(float(rates.max()), *peaks)
    lowest = float(rates.min())
    floor = max(lowest, -2.0 * highest) if highest > 0.02 * abs(lowest) else lowest
    extent = max(highest - floor, 1e-12)
    top.set_ylim(floor - 0.04 * extent, highest + 0.08 * extent)
    top.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    top.set_ylabel("growth rate")
    top.legend(fontsize=7, frameon=False)
    bottom.set(xlabel="wavenumber $q$", ylabel="frequency")
    bottom.set_xlim(0.0, sections[0]["dispersion"]["wavenumbers"][-1])
    bottom.set_ylim(0.0, max(bottom.get_ylim()[1] * _SLACK, 1e-12))
