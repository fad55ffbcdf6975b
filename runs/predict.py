"""Theory alone: what a run file's mixture will do, from its homogeneous state."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.coexistence_section import coexistence_text, predict_coexistence
from runs.stability_section import check_order, hierarchy_section, hydrodynamic_section, stability_text, unknown_section
from theory.arrays import Array
from theory.errors import InputError
from theory.free_energy import integrability
from theory.homogeneous import HomogeneousState, without_mean_field

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

_WAVENUMBERS = 200
# in units of the inverse of the longest range: beyond, the transforms of the kernels are costly to work out, and zero
_LARGEST_WAVENUMBER = 5000.0
_BEYOND_KERNELS = "where nothing is left of the kernels"


def predict(
    specification: "RunSpecification",
    wavenumbers: Sequence[float] | None = None,
    order: int | None = None,
    cutoff: float | None = None,
) -> dict[str, Any]:
    """The predictions of the theory as JSON values.

    Parameters
    ----------
    specification
        The run; only its model, composition and box are used.
    wavenumbers
        Where to evaluate the dispersion relation (1/length); by default 200 from the box's smallest to beyond the
        inverse sensing range.
    order
        Highest angular harmonic to predict for beside order 0; by default that of the file's fields.
    cutoff
        Largest wavenumber of the entropy production (1/length); by default all, where its integral converges.

    Returns
    -------
    dict
        ``homogeneous``; of order 0 ``dispersion`` (branch by branch, largest growth first), ``instability``,
        ``exceptional_points``, ``oscillatory_condition`` and ``entropy_production``; the same of an order above 0 in
        ``hierarchy`` (see :mod:`runs.stability_section`); ``integrability``; ``coexistence`` (see
        :func:`runs.coexistence_section.predict_coexistence`). Numbers that do not exist are None, and a ``reason`` beside
        them says why.

    Raises
    ------
    InputError
        The composition has no linear theory (a density or speed of zero), or a wavenumber, the order or the cut-off is out of
        range.
    """
    model = specification.model
    reason = without_mean_field(model)
    state = None if reason else HomogeneousState.of(model, dict(specification.composition))
    q = _default_wavenumbers(specification) if wavenumbers is None else np.asarray(wavenumbers, dtype=np.float64)
    largest = _LARGEST_WAVENUMBER / (float(model.sensing_ranges.max()) or max(specification.size))
    _check_wavenumbers(q, largest)
    chosen = specification.order if order is None else order
    check_order(chosen)
    # local kernels end nowhere, and cost nothing
    highest = largest if np.any(model.sensing_ranges > 0.0) else np.finfo(np.float64).max
    if cutoff is not None and not 0.0 < cutoff <= highest:
        raise InputError(f"--cutoff is {cutoff:g}; it must be positive, and at most {highest:.4g}, {_BEYOND_KERNELS}")
    densities = model.densities(dict(specification.composition))
    speeds = model.speed(densities) if state is None else state.speeds
    diffusivities = model.diffusivities(speeds) + model.translational_diffusivities
    return {
        "homogeneous": {
            "densities": _by_name(model.names, densities),
            "speeds": _by_name(model.names, speeds),
            "diffusivities": _by_name(model.names, diffusivities),
        },
        **(unknown_section(q, reason) if state is None else hydrodynamic_section(state, q, cutoff)),
        "hierarchy": None if state is None else hierarchy_section(state, q, chosen, cutoff),
        "integrability": _integrability(specification),
        "coexistence": predict_coexistence(specification),
    }


def _check_wavenumbers(q: Array, largest: float) -> None:
    if q.size == 0:
        raise InputError("--wavenumbers is empty; give at least one")
    wrong = q[~((q >= 0.0) & (q <= largest))]
    if wrong.size:
        raise InputError(f"--wavenumbers has {wrong[0]:g}; they must be from 0 to {largest:g}, {_BEYOND_KERNELS}")


def _by_name(names: Sequence[str], values: Any) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _default_wavenumbers(specification: "RunSpecification") -> Any:
    smallest = 2.0 * np.pi / max(specification.size)
    ranges = specification.model.sensing_ranges
    shortest = min((one for one in ranges if one > 0.0), default=max(specification.size) / 50.0)
    return np.linspace(smallest, max(12.0 / shortest, 10.0 * smallest), _WAVENUMBERS)


def _integrability(specification: "RunSpecification") -> dict[str, Any]:
    try:
        found = integrability(specification.model, dict(specification.composition))
    except InputError as error:
        return {"local": None, "nonlocal": None, "violation": None, "nonlocal_violation": None, "reason": str(error)}
    return {
        "local": found.local,
        "nonlocal": found.nonlocal_,
        "violation": found.violation,
        "nonlocal_violation": found.nonlocal_violation,
    }


def as_text(prediction: dict[str, Any]) -> str:
    """The prediction for reading."""
    homogeneous = prediction["homogeneous"]
    lines = [f"{'species':10} {'density':>12} {'speed':>12} {'diffusivity':>12}"]
    lines += [
        f"{name:10} {rho:12.6g} {homogeneous['speeds'][name]:12.6g} {homogeneous['diffusivities'][name]:12.6g}"
        for name, rho in homogeneous["densities"].items()
    ]
    lines += ["", *stability_text(prediction)]
    if prediction["hierarchy"] is not None:
        lines += stability_text(prediction["hierarchy"])
    lines.append(f"effective free energy: {_integrability_text(prediction['integrability'])}")
    lines += ["", *coexistence_text(prediction["coexistence"])]
    return "\n".join(lines)


def _integrability_text(found: dict[str, Any]) -> str:
    if found["local"] is None:
        return f"not known ({found['reason']})"
    return (
        f"{'exists' if found['local'] else 'none'} in the local approximation"
        + ("" if not found["violation"] else f" (couplings differ by {found['violation']:.3g} of the largest)")
        + f"; {'exists' if found['nonlocal'] else 'none'} with the sensing kernel"
    )


def answer(
    specification: "RunSpecification",
    wavenumbers: Sequence[float] | None = None,
    *,
    order: int | None = None,
    cutoff: float | None = None,
    figure: Path | None = None,
) -> tuple[dict[str, Any], str]:
    """The predictions as JSON values and as text, the dispersion relation drawn if a figure is asked for.

    Arguments and errors are those of :func:`predict` and :func:`runs.figures.dispersion.draw_dispersion`.
    """
    from runs.figures.dispersion import draw_dispersion
    from runs.figures.style import check_target

    if figure is not None:
        check_target(figure, "--figure")
    found = predict(specification, wavenumbers, order, cutoff)
    text = as_text(found)
    if figure is not None:
        text += f"\n\nfigure: {draw_dispersion(found, figure)}"
    return found, text
