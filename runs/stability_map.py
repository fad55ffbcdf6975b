"""``twoscale stability-map``: the instability class of a run file's mixture over two parameters or densities."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs.reading.problems import hint
from runs.stability_section import check_order
from theory.axis import Axis
from theory.errors import InputError
from theory.homogeneous import without_mean_field
from theory.stability_map import MapLine, StabilityMap, stability_map

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

# cells of the grid along each side: more take hours
_CELLS = (2, 400)


def map_of(
    specification: "RunSpecification", x: str, y: str, *, order: int | None = None, cells: int | None = None
) -> StabilityMap:
    """The stability map of a run file.

    Parameters
    ----------
    specification
        The run; its model and composition are used.
    x, y
        Axes as ``KEY=LOW:HIGH``, with keys ``model.parameters.NAME`` or ``composition.SPECIES``.
    order
        Highest angular harmonic; by default that of the file's fields.
    cells
        Cells of the grid that brackets boundaries, along each side.

    Raises
    ------
    InputError
        An axis is none, or a number is out of range.
    """
    first, second = (Axis.of(text, f"the {name} axis of the map") for name, text in (("x", x), ("y", y)))
    chosen = specification.order if order is None else order
    check_order(chosen)
    if cells is not None and not _CELLS[0] <= cells <= _CELLS[1]:
        raise InputError(f"--cells is {cells}; it must be from {_CELLS[0]} to {_CELLS[1]}")
    reason = without_mean_field(specification.model)
    if reason:
        raise InputError(f"there is no stability map: {reason}")
    for axis in (first, second):
        _check_use(specification, axis)
    more = {} if cells is None else {"cells": cells}
    return stability_map(specification.model, dict(specification.composition), first, second, order=chosen, **more)


def _check_use(specification: "RunSpecification", axis: Axis) -> None:
    """Refuse an axis along which nothing changes, or begins where there is no mixture."""
    section, _, name = axis.key.rpartition(".")
    used = specification.model.parameters_used
    if section == "model.parameters" and name in specification.model.parameters and name not in used:
        raise InputError(f"{axis.key} cannot be an axis of a map: no law uses it{hint(name, used)}")
    if section == "composition" and axis.low <= 0.0:
        raise InputError(
            f"the range of {axis.key} is {axis.low:g}:{axis.high:g}; linear theory needs positive densities: begin above 0"
        )


def as_json(found: StabilityMap) -> dict[str, Any]:
    """The map as JSON values.

    Returns
    -------
    dict
        ``x`` and ``y`` (``key``, ``low``, ``high``), ``order``, ``classes``, ``boundaries`` (each ``classes`` of both sides,
        ``points`` and whether it is ``exceptional``), ``exceptional_lines`` of long waves (``points``).
    """
    return {
        "x": {"key": found.x.key, "low": found.x.low, "high": found.x.high},
        "y": {"key": found.y.key, "low": found.y.low, "high": found.y.high},
        "order": found.order,
        "classes": list(found.labels),
        "boundaries": [
            {"classes": list(one.labels), "points": one.points.tolist(), "exceptional": one.exceptional} for one in found.lines
        ],
        "exceptional_lines": [{"points": one.points.tolist()} for one in found.exceptional],
    }


def as_text(found: StabilityMap) -> str:
    """The map for reading."""
    where = "hydrodynamics" if found.order == 0 else f"order {found.order}"
    ranges = [f"{one.key} from {one.low:g} to {one.high:g}" for one in (found.x, found.y)]
    lines = [f"{where}, {', '.join(ranges)}"]
    lines += [f"  {label}: {100.0 * _share(found, label):.3g} % of the map" for label in found.labels]
    lines += [f"boundary between {_line_text(one)}" for one in found.lines]
    lines += [f"long waves coalesce: {_ends(one)}" for one in found.exceptional]
    return "\n".join(lines)


def _share(found: StabilityMap, label: str) -> float:
    area = dict.fromkeys(found.labels, 0.0)
    for patch in found.patches:
        x, y = patch.corners.T
        area[patch.label] += 0.5 * abs(float(x @ _next(y) - y @ _next(x)))
    return area[label] / sum(area.values())


def _next(values: Any) -> Any:
    return [*values[1:], values[0]]


def _line_text(line: MapLine) -> str:
    kind = " (modes coalesce)" if line.exceptional else ""
    return f"{line.labels[0]} and {line.labels[1]}{kind}: {_ends(line)}"


def _ends(line: MapLine) -> str:
    (ax, ay), (bx, by) = line.points[0], line.points[-1]
    return f"{len(line.points)} points from ({ax:.6g}, {ay:.6g}) to ({bx:.6g}, {by:.6g})"


def answer(
    specification: "RunSpecification",
    x: str,
    y: str,
    *,
    order: int | None = None,
    cells: int | None = None,
    figure: Path | None = None,
) -> tuple[dict[str, Any], str]:
    """The map as JSON values and as text, drawn if a figure is asked for; arguments and errors as of :func:`map_of`."""
    from runs.figures.stability_map import draw_stability_map
    from runs.figures.style import check_target

    if figure is not None:
        check_target(figure, "--figure")
    found = map_of(specification, x, y, order=order, cells=cells)
    text = as_text(found)
    if figure is not None:
        text += f"\nfigure: {draw_stability_map(found, figure)}"
    return as_json(found), text
