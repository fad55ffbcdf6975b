"""Figures of phase diagrams, in the manner of [S1] figure 2a."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.figures.style import COLOURS, drawing
from runs.phase_diagram import Diagram
from theory.arrays import Array
from theory.axis import Axis
from theory.chemical_potential import ChemicalPotentials
from theory.errors import InputError
from theory.long_waves import OSCILLATORY, STATIC, instability_classes
from theory.parameter_diagram import ParameterDiagram

if TYPE_CHECKING:
    from runs.runfile import RunSpecification


# as in [S1] figure 2a: red, green and ochre; light, so that lines show
_FILLS = {
    "separation": ("#f2b5ae", "one species separates"),
    "demixing": ("#bfe0b4", "demixing"),
    "condensation": ("#c3cfee", "both species condense"),
    "triple": ("#efcf8f", "three phases"),
    "four": ("#cbb6dd", "four phases"),
}
_CLASSES = {STATIC: ("#e3e3e3", "static instability"), OSCILLATORY: ("#f6c98a", "oscillatory instability")}
_BESIDE = "#3d6fd6"
# every so many tie lines is drawn, and how finely maps and sections are sampled
_TIE_LINES = 4
_MAP = 241
_SECTION = 131


def draw_phase_diagram(
    diagram: Diagram, target: Path, measured: Mapping[str, Array] | None = None, more: Sequence[Array] = ()
) -> Path:
    """Draw a diagram of two species in their plane, or of three in a section of constant total density.

    Parameters
    ----------
    diagram
        The diagram.
    target
        File to write, png, pdf or svg.
    measured
        Phase densities found in runs, by scale, each of shape (phase, species).
    more
        Further compositions to mark, each of shape (species,).

    Raises
    ------
    InputError
        The file's ending is none of these, or there is nothing to draw.
    StoreError
        The file cannot be written.
    """
    species = diagram.specification.model.number_of_species
    with drawing(target, (4.2, 3.7)) as figure:
        axis = figure.subplots()
        if species == 2:
            _marks(axis, diagram, measured or {}, more)
        if diagram.phases is None:
            _instabilities(axis, diagram)
        elif species == 2:
            _plane(axis, diagram)
        else:
            _section(axis, diagram)
    return target


def _plane(axis: Any, diagram: Diagram) -> None:
    found = diagram.phases
    assert found is not None
    used: list[str] = []
    for region in found.regions:
        kinds = region.kinds
        changes = [n for n in range(1, len(kinds)) if kinds[n] != kinds[n - 1]]
        for first, last in zip([0, *changes], [*changes, len(kinds) - 1], strict=True):
            piece = region.tie_lines[first : last + 1]
            axis.fill(*np.concatenate([piece[:, 0], piece[::-1, 1]]).T, color=_FILLS[kinds[first]][0], linewidth=0.3)
            used.append(kinds[first])
        for line in region.tie_lines[_TIE_LINES // 2 :: _TIE_LINES]:
            axis.plot(*line.T, "--", color="0.35", linewidth=0.4, dashes=(5, 3))
    for triangle in found.triangles:
        axis.fill(*triangle.T, color=_FILLS["triple"][0], linewidth=0.0)
        axis.plot(*np.vstack([triangle, triangle[:1]]).T, "--", color="0.2", linewidth=0.6, dashes=(5, 3))
        used.append("triple")
    for curve in found.binodals:
        axis.plot(*curve.T, "-", color="black", linewidth=1.1)
    for curve in found.spinodals:
        axis.plot(*curve.T, ":", color="0.3", linewidth=0.8)
    if found.critical_points.size:
        axis.plot(*found.critical_points.T, "o", color="black", markersize=4, clip_on=False, label="critical point")
    _key(axis, [_FILLS[kind] for kind in _FILLS if kind in used], lines=True)
    _limits(axis, diagram)


def _instabilities(axis: Any, diagram: Diagram) -> None:
    """Without a free energy: which long waves grow."""
    from matplotlib.colors import ListedColormap

    model = diagram.specification.model
    if model.number_of_species != 2:
        raise InputError(f"there is no diagram to draw: {diagram.reason}")
    axes = [np.linspace(0.0, end, _MAP)[1:] for end in diagram.upper]
    classes = instability_classes(ChemicalPotentials(model), np.stack(np.meshgrid(*axes)))
    colours = ListedColormap(["white", *(_CLASSES[n][0] for n in (STATIC, OSCILLATORY))])
    axis.imshow(classes, origin="lower", extent=(0, diagram.upper[0], 0, diagram.upper[1]), cmap=colours, vmin=0, vmax=2)
    for curve in diagram.boundaries:
        axis.plot(*curve.T, "-", color="black", linewidth=1.0)
    _key(axis, [_CLASSES[n] for n in _CLASSES if np.any(classes == n)])
    axis.set_title("no effective free energy: growth of long waves")
    _limits(axis, diagram)


def _limits(axis: Any, diagram: Diagram) -> None:
    names = diagram.specification.model.names
    axis.set_xlim(0.0, diagram.upper[0])
    axis.set_ylim(0.0, diagram.upper[1])
    axis.set_aspect("equal" if 0.5 < diagram.upper[0] / diagram.upper[1] < 2.0 else "auto")
    axis.set_xlabel(rf"density of {names[0]}, $\rho_{{{names[0]}}}$")
    axis.set_ylabel(rf"density of {names[1]}, $\rho_{{{names[1]}}}$")


def _key(axis: Any, entries: Sequence[tuple[str, str]], *, lines: bool = False) -> None:
    """What fills mean, and what was drawn with a label, beside the axis."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(facecolor=colour, edgecolor="0.4", linewidth=0.4, label=label) for colour, label in entries]
    if lines and entries:
        handles.append(Line2D([], [], color="black", linewidth=1.1, label="binodal"))
        handles.append(Line2D([], [], color="0.35", linewidth=0.5, linestyle="--", label="tie line"))
        handles.append(Line2D([], [], color="0.3", linewidth=0.8, linestyle=":", label="spinodal"))
    handles += axis.get_legend_handles_labels()[0]
    if handles:
        axis.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=7, handlelength=1.6)


def _marks(axis: Any, diagram: Diagram, measured: Mapping[str, Array], more: Sequence[Array]) -> None:
    """Stars at compositions, squares at densities measured in runs, diamonds at the phases between flat interfaces."""
    mark = {"color": "black", "linestyle": "none", "clip_on": False}
    compositions = [np.array(list(diagram.specification.composition.values())), *more]
    axis.plot(*np.array(compositions).T, "*", markersize=8, markeredgewidth=0.0, zorder=5, label="composition", **mark)
    beside = diagram.coexistence["nonlocal"]
    if beside is not None and len(beside["phases"]) > 1:
        phases = np.array([list(one["densities"].values()) for one in beside["phases"]])
        mark["color"] = _BESIDE
        axis.plot(*phases.T, "D", markersize=3.5, markerfacecolor="none", zorder=4, label="with the kernel", **mark)
    mark["color"] = "black"
    for scale, densities in measured.items():
        face = "black" if scale == "particles" else "none"
        axis.plot(*densities.T, "s", markersize=4, markerfacecolor=face, zorder=5, label=f"measured, {scale}", **mark)


def _section(axis: Any, diagram: Diagram) -> None:
    """Three species at the composition's total density: a triangle whose corners are the pure species."""
    found = diagram.phases
    assert found is not None
    names = diagram.specification.model.names
    total = float(sum(diagram.specification.composition.values()))
    shares = np.linspace(0.0, 1.0, _SECTION)[1:-1]
    a, b = (one.ravel() for one in np.meshgrid(shares, shares))
    inside = a + b < 1.0 - 0.5 / _SECTION
    compositions = total * np.stack([a[inside], b[inside], 1.0 - a[inside] - b[inside]], axis=1)
    kinds = np.full(compositions.shape[0], "", dtype="<U12")
    within = np.all(compositions < found.upper, axis=1)
    kinds[within] = found.kinds(compositions[within])
    used = []
    x, y = _corner(compositions / total)
    for kind, (colour, label) in _FILLS.items():
        chosen = kinds == kind
        if np.any(chosen):
            used.append((colour, label))
            axis.plot(x[chosen], y[chosen], "h", color=colour, markersize=2.7, markeredgewidth=0.0, rasterized=True)
    corners = np.array(_corner(np.eye(3)[[0, 1, 2, 0]]))
    axis.plot(*corners, "-", color="black", linewidth=0.9)
    for n, (name, way) in enumerate(zip(names, ((0, -1), (0, -1), (0, 1)), strict=True)):
        place = corners[:, n] + 0.03 * np.array(way)
        axis.text(*place, name, ha="center", va="top" if way[1] < 0 else "bottom")
    composition = np.array(list(diagram.specification.composition.values())) / total
    axis.plot(*_corner(composition[None]), "*", color="black", markersize=8, markeredgewidth=0.0)
    _key(axis, used)
    axis.set_title(f"compositions of total density {total:g}", pad=10)
    axis.set_aspect("equal")
    axis.set_axis_off()


def _corner(shares: Array) -> tuple[Array, Array]:
    """Places in the triangle of shares (point, 3)."""
    return shares[:, 1] + 0.5 * shares[:, 2], 0.5 * np.sqrt(3.0) * shares[:, 2]


def draw_parameter_diagram(specification: "RunSpecification", parameter: Axis, found: ParameterDiagram, target: Path) -> Path:
    """Draw the coexisting densities of one species over a parameter.

    Raises
    ------
    InputError
        The file's ending is not png, pdf or svg.
    StoreError
        The file cannot be written.
    """
    (name,) = specification.model.names
    with drawing(target, (4.2, 3.2)) as figure:
        axis = figure.subplots()
        for lines, style, label in ((found.tie_lines, "-", "common tangent"), (found.exact, "--", "exact, with the kernel")):
            branches = _branches(lines)
            for n, branch in enumerate(branches):
                ended = _with_critical(branch, found.critical_points)
                colour = "black" if style == "-" else COLOURS[0]
                axis.plot(*ended.T, style, color=colour, linewidth=1.1, label=label if n == 0 else None)
        axis.plot(*found.spinodals[:, ::-1].T, ".", color="0.5", markersize=2.0, label="spinodal")
        axis.plot(*found.critical_points[:, ::-1].T, "o", color="black", markersize=4, label="critical point")
        axis.set_xlabel(rf"density of {name}, $\rho_{{{name}}}$")
        axis.set_ylabel(parameter.name)
        axis.set_ylim(parameter.low, parameter.high)
        axis.legend(fontsize=6.5, frameon=False)
    return target


def _branches(lines: Array) -> list[Array]:
    """Tie lines (line, 3) of one unstable range each, by their order among those of a value; each branch (line, 3)."""
    rank = [int(np.sum((lines[:, 0] == one[0]) & (lines[:, 2] < one[2]))) for one in lines]
    return [lines[np.array(rank) == n] for n in sorted(set(rank))]


def _with_critical(branch: Array, critical: Array) -> Array:
    """Densities and parameter along a branch, down one side and up the other, through the critical point at its end."""
    spacing = float(np.diff(branch[:, 0]).max()) if branch.shape[0] > 1 else 0.0
    near = [one for one in critical if min(abs(one[0] - branch[0, 0]), abs(one[0] - branch[-1, 0])) <= 1.01 * spacing]
    sides = branch[:, [1, 0]], branch[:, [2, 0]]
    if not near:
        return np.concatenate([sides[0], [[np.nan, np.nan]], sides[1]])
    ordered = branch[:, 0] > near[0][0]
    if np.all(ordered):
        return np.concatenate([sides[0][::-1], [near[0][::-1]], sides[1]])
    return np.concatenate([sides[0], [near[0][::-1]], sides[1][::-1]])
