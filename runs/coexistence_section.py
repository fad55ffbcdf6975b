"""Coexisting phases as predictions of a run file tell them: in the local approximation and with the kernel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from theory.arrays import Array
from theory.coexistence import (
    Coexistence,
    NonlocalCoexistence,
    NotIntegrable,
    coexistence,
    coexistence_without_free_energy,
    nonlocal_coexistence,
)
from theory.errors import InputError, NumericalFailure

if TYPE_CHECKING:
    from runs.runfile import RunSpecification


_METHODS = {
    "exact": "with the kernel, exactly",
    "slab": "with the kernel, between flat interfaces",
    "homogeneous": "with the kernel",
}


def predict_coexistence(specification: "RunSpecification", known: Coexistence | None = None) -> dict[str, Any]:
    """Phases at the composition of a run as JSON values.

    Parameters
    ----------
    specification
        The run; only its model and composition are used.
    known
        The phases of the local approximation, where they are known already.

    Returns
    -------
    dict
        ``method``, ``phases`` (each with ``densities`` and ``fraction``), ``chemical_potentials`` and ``pressure`` of the local
        approximation, and ``nonlocal`` (``method``, ``phases``). What does not exist is None, and ``reason`` says why.
    """
    model, composition = specification.model, dict(specification.composition)
    local, beside, reasons = None, None, []
    try:
        local = coexistence(model, composition) if known is None else known
        beside = nonlocal_coexistence(model, composition, local)
    except NotIntegrable as error:
        reasons.append(str(error))
        try:
            beside = coexistence_without_free_energy(model, composition)
        except (InputError, NumericalFailure) as further:
            reasons.append(str(further))
    except (InputError, NumericalFailure) as error:
        reasons.append(str(error))
    out: dict[str, Any] = {
        "method": "local",
        "phases": None if local is None else _phases(model.names, local.densities, local.fractions),
        "chemical_potentials": None if local is None else point_as_json(model.names, local.chemical_potentials),
        "pressure": None if local is None else local.pressure,
        "nonlocal": None if beside is None else _nonlocal(model.names, beside),
    }
    if reasons:
        out["reason"] = "; ".join(reasons)
    return out


def _nonlocal(names: Sequence[str], found: NonlocalCoexistence) -> dict[str, Any]:
    return {"method": found.method, "phases": _phases(names, found.densities, found.fractions)}


def _phases(names: Sequence[str], densities: Array, fractions: Array) -> list[dict[str, Any]]:
    return [
        {"densities": point_as_json(names, one), "fraction": float(share)}
        for one, share in zip(densities, fractions, strict=True)
    ]


def point_as_json(names: Sequence[str], values: Array) -> dict[str, float]:
    """Numbers by name."""
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def points_as_json(names: Sequence[str], curves: Sequence[Array]) -> list[list[dict[str, float]]]:
    """Curves, each of shape (point, name), as lists of numbers by name."""
    return [[point_as_json(names, one) for one in curve] for curve in curves]


def coexistence_text(found: dict[str, Any]) -> list[str]:
    """The phases for reading, line by line."""
    lines = []
    if found["phases"] is not None:
        lines += _table("in the local approximation, common tangent", found["phases"])
    if found["nonlocal"] is not None:
        lines += _table(_METHODS[found["nonlocal"]["method"]], found["nonlocal"]["phases"])
    if "reason" in found:
        lines.append(f"{'no' if not lines else 'no further'} coexisting phases: {found['reason']}")
    return lines


def _table(title: str, phases: list[dict[str, Any]]) -> list[str]:
    if len(phases) == 1:
        return [f"one phase {title}"]
    names = list(phases[0]["densities"])
    lines = [f"{len(phases)} phases {title}:", f"{'':10}" + "".join(f" {name:>12}" for name in names) + f" {'fraction':>12}"]
    lines += [
        f"  phase {n:<2}" + "".join(f" {one['densities'][name]:12.6g}" for name in names) + f" {one['fraction']:12.6g}"
        for n, one in enumerate(phases, start=1)
    ]
    return lines
