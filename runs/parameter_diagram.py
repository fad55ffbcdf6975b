"""Phase diagrams of one species over the values of a key of its run file."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.coexistence_section import point_as_json
from runs.reading.problems import hint
from runs.runfile import parse
from theory.arrays import Array
from theory.axis import Axis
from theory.errors import InputError
from theory.parameter_diagram import ParameterDiagram, parameter_diagram

if TYPE_CHECKING:
    from runs.runfile import RunSpecification
    from theory.model import Model


_VALUES = 33


def parameter_diagram_of(specification: "RunSpecification", parameter: Axis) -> ParameterDiagram:
    """Coexisting densities of a run file's single species over a range of values of one of its keys.

    Raises
    ------
    InputError
        There are several species, or a value is refused by the run file.
    NumericalFailure
        Newton's method does not converge.
    """
    section, _, name = parameter.key.rpartition(".")
    if not parameter.key.startswith("model."):
        raise InputError(
            f"--parameter names {parameter.key}, on which coexisting densities do not depend; name a key of the model, as "
            "model.parameters.NAME"
        )
    if section == "model.parameters":
        _check_parameter(specification, name)
    density = next(iter(specification.composition.values()))
    return parameter_diagram(_model_at(specification, parameter), np.linspace(parameter.low, parameter.high, _VALUES), density)


def _check_parameter(specification: "RunSpecification", name: str) -> None:
    known, used = specification.model.parameters, specification.model.parameters_used
    if name not in known:
        told = f"{hint(name, known)} (its parameters: {', '.join(known) or 'none'})"
        raise InputError(f"--parameter names model.parameters.{name}, which the file does not state{told}")
    if name not in used:
        raise InputError(f"--parameter names model.parameters.{name}, which no law uses{hint(name, used)}")


def _model_at(specification: "RunSpecification", parameter: Axis) -> Callable[[float], "Model"]:
    def model(value: float) -> "Model":
        overrides = [*specification.overrides, f"{parameter.key}={value!r}"]
        try:
            return parse(specification.text, source=specification.source, overrides=overrides).model
        except InputError as error:
            raise InputError(f"--parameter: at {parameter.key} = {value:g}: {error}") from None

    return model


def parameter_json(specification: "RunSpecification", parameter: Axis, found: ParameterDiagram) -> dict[str, Any]:
    """The diagram as JSON values: points are dicts of the density and the parameter by name."""
    names = (parameter.name, *specification.model.names)

    def ends(lines: Array) -> list[list[dict[str, float]]]:
        return [[point_as_json(names, line[[0, k]]) for k in (1, 2)] for line in lines]

    return {
        "binodals": [[point_as_json(names, line[[0, k]]) for line in found.tie_lines] for k in (1, 2) if found.tie_lines.size],
        "tie_lines": ends(found.tie_lines),
        "nonlocal_tie_lines": ends(found.exact),
        "triple_points": [],
        "critical_points": [point_as_json(names, one) for one in found.critical_points],
        "spinodal": [[point_as_json(names, one) for one in found.spinodals]] if found.spinodals.size else [],
        "collapsed": found.collapsed.tolist(),
    }


def parameter_text(specification: "RunSpecification", parameter: Axis, found: ParameterDiagram) -> str:
    """The diagram for reading: densities on both sides at some values of the parameter."""
    (name,) = specification.model.names
    lines = [f"{parameter.name:>12} {f'dense {name}':>12} {f'dilute {name}':>12}   {'with the kernel':>25}"]
    exact = {line[0]: f"{line[1]:12.6g} {line[2]:12.6g}" for line in found.exact}
    lines += [f"{line[0]:12.6g} {line[1]:12.6g} {line[2]:12.6g}   {exact.get(line[0], '')}" for line in found.tie_lines[::4]]
    if not found.tie_lines.size:
        lines = [f"one phase at all values of {parameter.name}"]
    lines += [f"critical point: {parameter.name} {one[0]:.6g}, {name} {one[1]:.6g}" for one in found.critical_points]
    if found.collapsed.size:
        lines.append(
            f"no lower bound of the free energy at {parameter.name} = {', '.join(f'{v:.4g}' for v in found.collapsed)}"
        )
    return "\n".join(lines)
