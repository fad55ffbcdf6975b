"""``twoscale phase-diagram``: what theory says of all compositions, as data, as text and as figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runs.coexistence_section import coexistence_text, point_as_json, points_as_json, predict_coexistence
from runs.parameter_range import ParameterRange, parameter_diagram_of, parameter_json, parameter_text
from theory.chemical_potential import ChemicalPotentials
from theory.coexistence import Collapse, NotIntegrable
from theory.errors import InputError
from theory.long_waves import stability_boundaries
from theory.phase_diagram import PhaseDiagram, phase_diagram

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

Array = NDArray[np.float64]

# without a free energy the window is this many times the composition's largest density, and the phases' with the kernel
_WINDOW, _MARGIN = 2.0, 1.15


@dataclass(frozen=True)
class Diagram:
    """The phase diagram of a run file's mixture.

    Parameters
    ----------
    specification
        The run file.
    coexistence
        The phases at its composition; see :func:`runs.coexistence_section.predict_coexistence`.
    phases
        The diagram in composition space; None where there is none.
    boundaries
        Without a free energy: where long waves become unstable, curves (point, species) (1/length^d).
    upper
        Upper ends of the window, shape (species,) (1/length^d).
    reason
        Why there is no diagram; empty where there is one.
    """

    specification: "RunSpecification"
    coexistence: dict[str, Any]
    phases: PhaseDiagram | None
    boundaries: tuple[Array, ...]
    upper: Array
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The diagram as JSON values: points are dicts of densities by name, curves are lists of points."""
        names = self.specification.model.names
        found = self.phases
        curves = list(self.boundaries) if found is None else list(found.spinodals)
        out: dict[str, Any] = {
            "binodals": [] if found is None else points_as_json(names, found.binodals),
            "tie_lines": [] if found is None else points_as_json(names, list(found.tie_lines)),
            "triple_points": [] if found is None else points_as_json(names, list(found.triangles)),
            "four_phase_points": [] if found is None else points_as_json(names, list(found.tetrahedra)),
            "critical_points": [] if found is None else points_as_json(names, [found.critical_points])[0],
            "spinodal": points_as_json(names, curves),
            "window": point_as_json(names, self.upper),
            "composition": dict(self.specification.composition),
            "coexistence": self.coexistence,
        }
        if self.reason:
            out["reason"] = self.reason
        return out


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
    from runs.figures.style import check_format

    for option, target in (("--figure", figure), ("--free-energy", free_energy)):
        if target is not None:
            check_format(target, option)
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
        return _over_parameter(specification, ParameterRange.of(parameter), figure)
    diagram = diagram_of(specification)
    if figure is not None:
        measured, compositions = measured_phases(runs, specification.model.names)
        draw_phase_diagram(diagram, figure, measured, compositions)
    if free_energy is not None:
        draw_free_energy(diagram, free_energy)
    return diagram.as_json(), as_text(diagram)


def _over_parameter(
    specification: "RunSpecification", parameter: "ParameterRange", figure: Path | None
) -> tuple[dict[str, Any], str]:
    from runs.figures.phase_diagram import draw_parameter_diagram

    found = parameter_diagram_of(specification, parameter)
    if figure is not None:
        draw_parameter_diagram(specification, parameter, found, figure)
    return parameter_json(specification, parameter, found), parameter_text(specification, parameter, found)


def diagram_of(specification: "RunSpecification") -> Diagram:
    """The phase diagram of a run file's mixture in composition space.

    A mixture without a free energy, or with one that has no lower bound, gets what theory can still say: where homogeneous
    mixtures are unstable, and what can be at rest beside each other.

    Parameters
    ----------
    specification
        The run; only its model and composition are used.

    Raises
    ------
    InputError
        There are more than three species, a density is zero, or the model has pair interactions.
    NumericalFailure
        Newton's method does not converge.
    """
    model, composition = specification.model, dict(specification.composition)
    try:
        found = phase_diagram(model, composition)
    except (NotIntegrable, Collapse) as error:
        beside = predict_coexistence(specification)
        known = [composition, *(one["densities"] for one in (beside["nonlocal"] or {"phases": []})["phases"])]
        highest = max(value for one in known for value in one.values())
        upper = np.full(model.number_of_species, max(_WINDOW * max(composition.values()), _MARGIN * highest))
        boundaries = stability_boundaries(ChemicalPotentials(model), upper) if upper.size == 2 else []
        return Diagram(specification, beside, None, tuple(boundaries), upper, str(error))
    beside = predict_coexistence(specification, found.at(model.densities(composition)))
    return Diagram(specification, beside, found, (), found.upper, "")


def as_text(diagram: Diagram) -> str:
    """The diagram for reading."""
    names = diagram.specification.model.names
    window = ", ".join(f"{name} to {end:.4g}" for name, end in zip(names, diagram.upper, strict=True))
    lines = [f"window: {window}"]
    found = diagram.phases
    if found is None:
        # the phases at the composition, below, are missing for the same reason
        lines.append("no phase diagram in the local approximation")
        if diagram.boundaries:
            lines.append(f"homogeneous mixtures become unstable on {len(diagram.boundaries)} curves (see --json, --figure)")
    elif not found.tie_lines.size:
        lines.append("one phase at all compositions")
    else:
        lines += [line for n, one in enumerate(found.regions, start=1) for line in _region_text(n, one, names)]
        if not found.regions:
            lines.append(f"samples of {len(found.tie_lines)} tie lines and {len(found.triangles)} triangles (see --json)")
        triples = list(found.triangles) if found.regions else []
        lines += ["three phases: " + " | ".join(_brief(names, one) for one in phases) for phases in triples]
        lines += ["four phases: " + " | ".join(_brief(names, one) for one in phases) for phases in found.tetrahedra]
        lines += [f"critical point: {_brief(names, one)}" for one in found.critical_points]
    composition = _brief(names, np.array(list(diagram.specification.composition.values())))
    return "\n".join([*lines, "", f"at the composition {composition}:", *coexistence_text(diagram.coexistence)])


_ENDINGS = {
    "critical point": "critical point",
    "triple point": "triple point",
    "axis": "a species vanishes",
    "window": "edge of the window",
    "lost": "not followed further",
}


def _region_text(n: int, region: Any, names: Sequence[str]) -> list[str]:
    kinds = ", ".join(dict.fromkeys(region.kinds))
    lines = [f"two phases, region {n} ({kinds}), {len(region.tie_lines)} tie lines"]
    for end, ending in zip((0, -1), region.endings, strict=True):
        phases = " | ".join(_brief(names, one) for one in region.tie_lines[end])
        lines.append(f"  {'from' if end == 0 else 'to':4} {phases}" + (f" ({_ENDINGS[ending]})" if len(names) > 1 else ""))
    return lines if len(region.tie_lines) > 1 else [lines[0].rsplit(",", 1)[0], lines[1].replace("from", "at  ", 1)]


def _brief(names: Sequence[str], densities: Array) -> str:
    return " ".join(f"{name} {value:.5g}" for name, value in zip(names, densities, strict=True))


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
