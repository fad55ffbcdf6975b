"""Figures of entropy production: of a run across scales of length, over the modes and in space; and of runs side by side."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from runs.entropy import RunEntropy
from runs.entropy_measurement import ScaleEntropy
from runs.figures.style import COLOURS, drawing, plain_ticks
from theory.arrays import Array

_MARKS = {"fields": ("s", COLOURS[1]), "particles": ("o", COLOURS[0])}
_DASHES = {"fields": "--", "particles": "-"}
# by what the marks of a scale are moved along the axis of lengths, so that error bars lie side by side
_ASIDE = {"fields": 0.985, "particles": 1.015}
# height of the row of curves (inches)
_CURVES = 2.7
# width of each mixture, side by side (inches)
_PANEL = 2.4
# share of the largest local rate below which negative ones are noise, and need no colour of their own
_SLIGHT = 0.1


def draw_entropy(found: RunEntropy, target: Path) -> Path:
    """Draw the rates over the coarse-graining length, the spectrum, and the local maps of all scales.

    Parameters
    ----------
    found
        The entropy production of a run.
    target
        File to write, png, pdf or svg.

    Raises
    ------
    InputError
        The file's ending is none of these.
    StoreError
        The file cannot be written.
    """
    width = 3.4 * max(2, len(found.scales))
    height = _map_height(found, width)
    with drawing(target, (width, _CURVES + height)) as figure:
        upper, lower = figure.subfigures(2, 1, height_ratios=(_CURVES, height))
        lengths, spectrum = upper.subplots(1, 2)
        _across_scales(lengths, found)
        _spectrum(spectrum, found)
        maps = lower.subplots(1, len(found.scales), squeeze=False)[0]
        _maps(lower, maps, found)
    return target


def draw_side_by_side(mixtures: Mapping[str, RunEntropy], pattern: RunEntropy, target: Path) -> Path:
    """Draw the rates of some mixtures over the coarse-graining length on one axis, and the maps and rates of a pattern.

    Parameters
    ----------
    mixtures
        By what is written above them.
    pattern
        A run in two dimensions, of a pattern.
    target
        File to write.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    width = _PANEL * len(mixtures)
    size, share = pattern.scales[0].grid.size, 1.0 - 1.0 / len(mixtures)
    height = max(_CURVES, len(pattern.scales) * (0.8 * share * width * size[1] / size[0] + 0.3))
    with drawing(target, (width, _CURVES + height)) as figure:
        upper, lower = figure.subfigures(2, 1, height_ratios=(_CURVES, height))
        axes = upper.subplots(1, len(mixtures), sharey=True)
        for axis, (title, found) in zip(axes, mixtures.items(), strict=True):
            _across_scales(axis, found)
            axis.set_title(title)
        _both_signs(axes, list(mixtures.values()))
        for axis in axes[1:]:
            axis.set_ylabel("")
            axis.get_legend().remove()
        left, right = lower.subfigures(1, 2, width_ratios=(share, 1.0 - share))
        _maps(left, left.subplots(len(pattern.scales), 1, squeeze=False)[:, 0], pattern)
        _across_scales(right.subplots(), pattern)
    return target


def _both_signs(axes: Any, found: list[RunEntropy]) -> None:
    """One logarithmic axis of rates that goes through zero, linear up to the largest standard error."""
    from matplotlib import ticker

    errors = [one.estimate.standard_errors for run in found for one in run.scales]
    largest = max(float(np.max(one)) for one in errors if one is not None)
    linear = 10.0 ** np.floor(np.log10(largest))
    for axis in axes:
        axis.set_yscale("symlog", linthresh=linear, subs=range(2, 10))
        axis.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axis.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)


def _map_height(found: RunEntropy, width: float) -> float:
    """Height of the row of maps in inches, with room for titles; thin boxes leave some for the bar of colours."""
    size = found.scales[0].grid.size
    if len(size) == 1:
        return _CURVES
    return max(0.82 * width / len(found.scales) * size[1] / size[0] + 0.35, 1.5)


def _across_scales(axis: Any, found: RunEntropy) -> None:
    lengths = np.array([one.length for one in found.filters])
    if found.continuous is not None:
        axis.plot(lengths, found.continuous, color="black", linewidth=1.0, label="linear theory")
    for one in found.scales:
        mark, colour = _MARKS[one.scale]
        places, errors = lengths * _ASIDE[one.scale], one.estimate.standard_errors
        axis.errorbar(places, one.estimate.rates, errors, fmt=mark, color=colour, markersize=3.5, capsize=2, label=one.scale)
        if one.expected is not None:
            axis.plot(lengths, one.expected, _DASHES[one.scale], color=colour, linewidth=0.9, label=f"expected of {one.scale}")
        if one.weak_noise is not None:
            rate = float(one.weak_noise.mean() * np.prod(one.grid.size))
            axis.axhline(rate, linestyle=":", color="black", linewidth=1.0, label="from the currents")
    axis.set_xscale("log")
    axis.set_xticks(lengths, [f"{one:g}" for one in lengths])
    axis.set_xticks([], minor=True)
    rates = np.concatenate([one.estimate.rates for one in found.scales])
    if np.all(rates > 0.0):
        axis.set_yscale("log")
        plain_ticks(axis.yaxis)
    else:
        axis.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    axis.set(xlabel=r"coarse-graining length $\ell$ (length)", ylabel=r"entropy production rate $\sigma(\ell)$ (1/time)")
    axis.legend(fontsize=6, frameon=False)


def _spectrum(axis: Any, found: RunEntropy) -> None:
    for one in found.scales:
        mark, colour = _MARKS[one.scale]
        assert one.estimate.spectrum is not None
        axis.errorbar(
            one.wavenumbers,
            one.estimate.spectrum,
            one.estimate.spectrum_errors,
            fmt=mark,
            color=colour,
            markersize=3,
            linewidth=0.7,
        )
        if one.expected_spectrum is not None:
            axis.plot(one.wavenumbers, one.expected_spectrum, _DASHES[one.scale], color=colour, linewidth=0.9)
    axis.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    axis.set(
        xlabel="wavenumber $q$ (1/length)", ylabel=rf"rate per shell of modes, $\ell = {found.filters[0].length:g}$ (1/time)"
    )


def _maps(figure: Any, axes: Any, found: RunEntropy) -> None:
    """Local maps on one scale of colours, or as curves on a line."""
    shown = [one.estimate.density for one in found.scales]
    largest = max(float(np.quantile(np.abs(one), 0.998)) for one in shown if one is not None)
    lowest = min(float(np.quantile(one, 0.002)) for one in shown if one is not None)
    colours: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    if lowest > -_SLIGHT * largest:
        colours = {"cmap": "YlOrRd", "vmin": 0.0, "vmax": largest}
    for axis, one, density in zip(axes, found.scales, shown, strict=True):
        assert density is not None
        title = f"{one.scale}, {'moving with the pattern' if found.frame == 'comoving' else 'laboratory'}"
        axis.set_title(title, pad=3)
        if one.grid.dimension == 1:
            _curves(axis, one, density)
            continue
        plane = density if one.grid.dimension == 2 else density[density.shape[0] // 2]
        image = axis.imshow(plane, origin="lower", extent=(0, one.grid.size[0], 0, one.grid.size[1]), **colours)
        axis.set(xticks=[], yticks=[])
    if found.scales[0].grid.dimension > 1:
        bar = figure.colorbar(image, ax=list(axes), pad=0.02)
        bar.set_label(rf"local rate $\sigma(\mathbf{{r}})$ (1/(time length$^{found.scales[0].grid.dimension}$))")


def _curves(axis: Any, one: ScaleEntropy, density: Array) -> None:
    x = one.grid.coordinates("x")
    axis.plot(x, density, color=_MARKS[one.scale][1], linewidth=1.0, label="from the path")
    if one.weak_noise is not None:
        axis.plot(x, one.weak_noise, "--", color="black", linewidth=0.9, label="from the currents")
        axis.legend(fontsize=6, frameon=False)
    axis.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    axis.set(xlabel="$x$", ylabel=r"local rate $\sigma(x)$ (1/(time length))", xlim=(0.0, one.grid.size[0]))
