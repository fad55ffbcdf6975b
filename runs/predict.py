"""Theory alone: what a run file's mixture will do, from its homogeneous state."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from runs.coexistence_section import coexistence_text, predict_coexistence
from theory.entropy_production import linear_density
from theory.errors import InputError
from theory.free_energy import integrability
from theory.linear_stability import HomogeneousState, classify

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

_WAVENUMBERS = 200
# in units of the inverse of the longest range: beyond, the transforms of the kernels are costly to work out, and zero
_LARGEST_WAVENUMBER = 5000.0


def predict(specification: "RunSpecification", wavenumbers: Sequence[float] | None = None) -> dict[str, Any]:
    """The predictions of the theory as JSON values.

    Parameters
    ----------
    specification
        The run; only its model, composition and box are used.
    wavenumbers
        Where to evaluate the dispersion relation (1/length); by default 200 from the box's smallest to beyond the
        inverse sensing range.

    Returns
    -------
    dict
        ``homogeneous``, ``dispersion`` (branch by branch, largest growth first), ``instability``, ``integrability``,
        ``entropy_production``, ``coexistence`` (see :func:`runs.coexistence_section.predict_coexistence`). Numbers that do
        not exist are None, and a ``reason`` beside them says why.

    Raises
    ------
    InputError
        The composition has no linear theory (a density or speed of zero), or a wavenumber is negative or too large.
    """
    model = specification.model
    state = HomogeneousState.of(model, dict(specification.composition))
    q = _default_wavenumbers(specification) if wavenumbers is None else np.asarray(wavenumbers, dtype=np.float64)
    if q.size == 0 or not np.all(np.isfinite(q) & (q >= 0.0)):
        raise InputError("wavenumbers must be finite and not negative, and at least one")
    longest = float(model.sensing_ranges.max()) or max(specification.size)
    if q.max() * longest > _LARGEST_WAVENUMBER:
        raise InputError(f"wavenumbers must be at most {_LARGEST_WAVENUMBER / longest:g}, where nothing is left of the kernels")
    growth = state.growth(q)
    return {
        "homogeneous": {
            "densities": _by_name(model.names, state.densities),
            "speeds": _by_name(model.names, state.speeds),
            "diffusivities": _by_name(model.names, state.total_diffusivities),
        },
        "dispersion": {
            "wavenumbers": q.tolist(),
            "growth_rates": growth.real.T.tolist(),
            "frequencies": growth.imag.T.tolist(),
        },
        "instability": _instability(state),
        "integrability": _integrability(specification),
        "entropy_production": _entropy_production(state),
        "coexistence": predict_coexistence(specification),
    }


def _by_name(names: Sequence[str], values: Any) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _default_wavenumbers(specification: "RunSpecification") -> Any:
    smallest = 2.0 * np.pi / max(specification.size)
    ranges = specification.model.sensing_ranges
    shortest = min((one for one in ranges if one > 0.0), default=max(specification.size) / 50.0)
    return np.linspace(smallest, max(12.0 / shortest, 10.0 * smallest), _WAVENUMBERS)


def _instability(state: HomogeneousState) -> dict[str, Any]:
    found = classify(state)
    out: dict[str, Any] = {
        "class": found.kind,
        "growth_rate": found.growth_rate,
        "wavenumber": found.wavenumber,
        "frequency": found.frequency,
        "phase_speed": found.phase_speed,
    }
    if found.growth_rate is None:
        out["reason"] = "with a local kernel the growth rate rises as q^2 without bound; state a kernel with a range"
    return out


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


def _entropy_production(state: HomogeneousState) -> dict[str, Any]:
    try:
        return {"linear_density": linear_density(state)}
    except InputError as error:
        return {"linear_density": None, "reason": str(error)}


def as_text(prediction: dict[str, Any]) -> str:
    """The prediction for reading."""
    homogeneous, instability = prediction["homogeneous"], prediction["instability"]
    lines = [f"{'species':10} {'density':>12} {'speed':>12} {'diffusivity':>12}"]
    lines += [
        f"{name:10} {rho:12.6g} {homogeneous['speeds'][name]:12.6g} {homogeneous['diffusivities'][name]:12.6g}"
        for name, rho in homogeneous["densities"].items()
    ]
    lines.append("")
    lines.append(f"homogeneous state: {_instability_text(instability)}")
    lines.append(f"effective free energy: {_integrability_text(prediction['integrability'])}")
    sigma = prediction["entropy_production"]
    number = sigma["linear_density"]
    told = f"none ({sigma['reason']})" if number is None else f"{number:.6g} per unit volume and time"
    lines.append(f"linear entropy production: {told}")
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


def _instability_text(instability: dict[str, Any]) -> str:
    if instability["class"] == "stable":
        return "linearly stable"
    if instability["growth_rate"] is None:
        return f"{instability['class']} instability; {instability['reason']}"
    text = (
        f"{instability['class']} instability, growth rate {instability['growth_rate']:.6g} "
        f"at wavenumber {instability['wavenumber']:.6g}"
    )
    if instability["class"] == "oscillatory":
        text += f", frequency {instability['frequency']:.6g} (phase speed {instability['phase_speed']:.6g})"
    return text
