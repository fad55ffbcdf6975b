"""``twoscale phase-diagram``: a diagram over compositions or over a parameter, with its figures and what runs measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.parameter_diagram import parameter_diagram_of, parameter_json, parameter_text
from runs.phase_diagram import as_text, diagram_of
from theory.arrays import Array
from theory.axis import Axis
from theory.errors import InputError

if TYPE_CHECKING:
    from runs.runfile import RunSpecification


def answer(
    specification: "RunSpecification",
    *,
    parameter: str | None = None,
    figure: Path | None = None,
    free_energy: Path | None = None,
    runs: Sequence[Path | str] = (),
) -> tuple[dict[str, Any], str]:
    """The phase diagram as JSON values and as text, and its figures.

    Parameters
    ----------
    specification
        The run; only its model and composition are used.
    parameter
        Of one species: ``KEY=LOW:HIGH``, a key of the run file and its range.
    figure, free_energy
        Files to draw the diagram and the free energy's tangent plane to: png, pdf or svg.
    runs
        Run directories whose phase densities and compositions the figure shows.

    Raises
    ------
    InputError
        The options do not fit each other or the model, or a range or a file's ending is refused.
    NumericalFailure
        Newton's method does not converge.
    StoreError
        A figure cannot be written, or a directory holds no run.
    """
    from runs.figures.free_energy import draw_free_energy
    from runs.figures.phase_diagram import draw_phase_diagram
    from runs.figures.style import check_target

    for option, target in (("--figure", figure), ("--free-energy", free_energy)):
        if target is not None:
            check_target(target, option)
    species = specification.model.number_of_species
    if runs and (figure is None or parameter is not None or species != 2):
        raise InputError("--runs marks the phases of runs in the figure of two species: give --figure, and no --parameter")
    if free_energy is not None and (parameter is not None or species > 2):
        raise InputError("--free-energy is drawn of one or two species, at the file's own parameters: leave out --parameter")
    if figure is not None and species == 1 and parameter is None:
        raise InputError(
            "the compositions of one species are a line; draw it over a parameter (--parameter KEY=LOW:HIGH), or its free "
            "energy (--free-energy FILE)"
        )
    if parameter is not None:
        return _over_parameter(specification, Axis.of(parameter, "--parameter"), figure)
    # runs are read first: a directory that cannot be used is told at once
    measured, compositions = measured_phases(runs, specification.model.names)
    diagram = diagram_of(specification)
    if figure is not None:
        draw_phase_diagram(diagram, figure, measured, compositions)
    if free_energy is not None:
        draw_free_energy(diagram, free_energy)
    return diagram.as_json(), as_text(diagram)


def _over_parameter(specification: "RunSpecification", parameter: Axis, figure: Path | None) -> tuple[dict[str, Any], str]:
    from runs.figures.phase_diagram import draw_parameter_diagram

    found = parameter_diagram_of(specification, parameter)
    if figure is not None:
        draw_parameter_diagram(specification, parameter, found, figure)
    return parameter_json(specification, parameter, found), parameter_text(specification, parameter, found)


def measured_phases(directories: Sequence[Path | str], names: Sequence[str]) -> tuple[dict[str, Array], list[Array]]:
    """Phase densities measured in run directories, by scale, each of shape (phase, species), and the runs' compositions.

    Raises
    ------
    InputError
        A run has other species.
    StoreError
        A directory holds no run.
    """
    found: dict[str, list[Array]] = {}
    compositions = []
    for directory in directories:
        # what runs particles and fields is loaded for those who mark runs
        from runs.compare import compare
        from runs.frames_of_run import open_run

        composition = open_run(directory)[0].composition
        if list(composition) != list(names):
            raise InputError(
                f"{directory} holds the species {', '.join(composition)}; the diagram is that of {', '.join(names)}"
            )
        compositions.append(np.array(list(composition.values())))
        rows = [row for row in compare([directory]) if row["observable"] == "phase_density"]
        for scale in ("fields", "particles"):
            values = [row[scale]["value"] for row in rows if row[scale] is not None]
            if values:
                found.setdefault(scale, []).append(np.array(values).reshape(-1, len(names)))
    return {scale: np.concatenate(one) for scale, one in found.items()}, compositions
