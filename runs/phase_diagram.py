"""Phase diagrams of a run file's mixture: what theory says of all compositions, as data and as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.coexistence_section import coexistence_text, point_as_json, points_as_json, predict_coexistence
from theory.arrays import Array
from theory.chemical_potential import ChemicalPotentials
from theory.coexistence import Collapse, NotIntegrable
from theory.long_waves import stability_boundaries
from theory.phase_diagram import PhaseDiagram, phase_diagram

if TYPE_CHECKING:
    from runs.runfile import RunSpecification


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
