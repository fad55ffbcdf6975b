"""Figure of the onset of flocking, in the manner of [S2] figures 2a and 4f."""

from pathlib import Path
from typing import Any

import numpy as np

from runs.figures.style import COLOURS, drawing, plain_ticks
from theory.errors import InputError

# blue for the simulation, green for pair correlations and red for Boltzmann, as in [S2]
_SIMULATION, _CORRELATIONS, _BOLTZMANN = COLOURS[1], COLOURS[2], COLOURS[0]
_SIZE = (7.0, 3.1)
# growth rates are those of the isotropic state; where the polar order exceeds this they are drawn as open circles
_FLOCK = 0.3


class _Scales:
    """How lengths and times of the runs are told.

    Parameters
    ----------
    diameter
        Diameter of a particle (length), for area fractions; None: number densities.
    speed_unit
        How many of a unit one length/time is, and its name.
    """

    def __init__(self, diameter: float | None, speed_unit: tuple[float, str]) -> None:
        self.area = 1.0 if diameter is None else 0.25 * np.pi * diameter**2
        self.density_label = "density (1/length²)" if diameter is None else "area fraction $\\phi_0$"
        self.speed = speed_unit[0]
        self.speed_name = speed_unit[1]


def draw_onset(
    found: dict[str, Any],
    target: Path | str,
    *,
    diameter: float | None = None,
    speed_unit: tuple[float, str] = (1.0, "length/time"),
) -> Path:
    """Draw the onset by all routes over speed and density, and the growth rates behind it.

    Parameters
    ----------
    found
        The answer of :func:`runs.onset.onset`.
    target
        File to write, png, pdf or svg.
    diameter
        Diameter of a particle (length): densities are then told as area fractions.
    speed_unit
        How many of a unit one length/time is, and its name, for example (0.45, "µm/s").

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file's ending is none of these, or a scale is not positive.
    StoreError
        The file cannot be written.
    """
    path = Path(target)
    for name, value in (("diameter", diameter), ("speed unit", speed_unit[0])):
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise InputError(f"the {name} is {value}; it must be positive and finite")
    scales = _Scales(diameter, speed_unit)
    with drawing(path, _SIZE) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1.0])
        _phase_diagram(figure, left, found, scales)
        _growth_rates(right, found, scales)
    return path


def _phase_diagram(figure: Any, axis: Any, found: dict[str, Any], scales: _Scales) -> None:
    points = found["points"]
    speed = np.array([one["speed"] for one in points]) * scales.speed
    density = np.array([one["density"] for one in points]) * scales.area
    order = np.array([one["polar_order"]["value"] for one in points])
    dots = axis.scatter(
        speed, density, c=order, cmap="viridis", vmin=0.0, vmax=1.0, s=26, edgecolors="black", linewidths=0.4, zorder=3
    )
    figure.colorbar(dots, ax=axis, label="polar order $P$ in the simulation", shrink=0.9)
    line = found["boltzmann"]
    for name, style, told in (("flux", "-", "Boltzmann, flux"), ("printed", "--", "Boltzmann, as printed")):
        onset = np.array([np.nan if value is None else value for value in line[name]]) * scales.area
        axis.plot(np.array(line["speeds"]) * scales.speed, onset, style, color=_BOLTZMANN, linewidth=1.2, label=told)
    for name, marker, colour, told in (
        ("pair_correlations", "s", _CORRELATIONS, "pair correlations (BBGKY)"),
        ("simulation", "D", _SIMULATION, "simulation, steepest rise of $P$"),
    ):
        _crossings(axis, found["onsets"], name, marker, colour, told, scales)
    axis.set_xscale("log")
    axis.set_yscale("log")
    lowest, highest = float(density.min()), float(density.max())
    axis.set_ylim(0.6 * lowest, 1.8 * highest)
    axis.set_xlabel(f"self-propulsion speed $v_0$ ({scales.speed_name})")
    axis.set_ylabel(scales.density_label)
    axis.legend(fontsize=6, framealpha=0.9, loc="lower left")
    plain_ticks(axis.xaxis)
    plain_ticks(axis.yaxis)


def _crossings(
    axis: Any, onsets: list[dict[str, Any]], name: str, marker: str, colour: str, told: str, scales: _Scales
) -> None:
    known = [(one["speed"], one[name]["density"], one[name]["uncertainty"]) for one in onsets if one[name] is not None]
    if not known:
        return
    speed, density, uncertainty = np.array(known).T
    axis.errorbar(
        speed * scales.speed,
        density * scales.area,
        yerr=uncertainty * scales.area,
        fmt=f"{marker}-",
        color=colour,
        markersize=4.5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        linewidth=1.0,
        elinewidth=0.8,
        zorder=4,
        label=told,
    )


def _growth_rates(axis: Any, found: dict[str, Any], scales: _Scales) -> None:
    from matplotlib import colormaps

    speeds = [one["speed"] for one in found["onsets"]]
    colours = colormaps["plasma"](np.linspace(0.0, 0.85, len(speeds)))
    for speed, colour in zip(speeds, colours, strict=True):
        own = [one for one in found["points"] if one["speed"] == speed]
        density, growth = np.array([[one["density"] * scales.area, one["growth_rate"]["value"]] for one in own]).T
        errors = [one["growth_rate"]["standard_error"] or 0.0 for one in own]
        told = f"{speed * scales.speed:.3g} {scales.speed_name}"
        axis.errorbar(density, growth, yerr=errors, fmt="o-", color=colour, markersize=3.4, linewidth=0.9, label=told)
        flocks = np.array([one["polar_order"]["value"] > _FLOCK for one in own])
        axis.plot(density[flocks], growth[flocks], "o", color="white", markeredgecolor=colour, markersize=3.4, zorder=3)
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.set_xscale("log")
    plain_ticks(axis.xaxis, (1.0,))
    axis.set_xlabel(scales.density_label)
    axis.set_ylabel("growth rate $a$ from pair correlations")
    axis.legend(fontsize=6, frameon=False, title=f"open: flocks, $P > {_FLOCK}$", title_fontsize=6)
