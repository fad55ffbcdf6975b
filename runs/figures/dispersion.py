"""Figures of dispersion relations."""

from pathlib import Path
from typing import Any

import numpy as np

from runs.figures.style import COLOURS, drawing
from theory.arrays import Array
from theory.errors import InputError

_SLACK = 1.08
# change of a frequency from point to point, as a share of the largest, that is no continuous curve
_JUMP = 0.05


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
    sections = [one for one in (prediction, prediction["hierarchy"]) if one is not None]
    if all(one["dispersion"]["growth_rates"] is None for one in sections):
        raise InputError(f"there is no dispersion relation to draw: {sections[0]['dispersion']['reason']}")
    with drawing(target, (4.2, 4.0)) as figure:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1.0))
        for number, section in enumerate(sections):
            _branches(top, bottom, section, COLOURS[1 - number])
        _frame(top, bottom, sections)
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
