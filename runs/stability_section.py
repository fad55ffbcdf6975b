"""Linear stability as predictions of a run file tell it: dispersion relations, classes, exceptional points, flocks."""

from typing import Any

import numpy as np

from runs.reading.settings import LARGEST_ORDER
from theory.arrays import Array
from theory.entropy_production import linear_density
from theory.errors import InputError, NumericalFailure
from theory.exceptional_points import exceptional_points, oscillatory_condition
from theory.flocks import UniformFlock
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState
from theory.linear_stability import Instability, classify

# branches of a hierarchy that are told beyond one per species
_MORE_BRANCHES = 2
_UNBOUNDED = "growth rises towards short waves without bound, with a local kernel as q^2; state a kernel with a range"


def check_order(order: int) -> None:
    """Refuse an order of the theory that is none, or would take too much memory and time.

    Raises
    ------
    InputError
        It is out of range.
    """
    if not 0 <= order <= LARGEST_ORDER:
        raise InputError(f"--order is {order}; it must be from 0 to {LARGEST_ORDER}")


def hydrodynamic_section(state: HomogeneousState, wavenumbers: Array, cutoff: float | None = None) -> dict[str, Any]:
    """What order 0 says.

    Parameters
    ----------
    state
        The homogeneous mixture.
    wavenumbers
        Where to evaluate the dispersion relation, shape (wavenumber,) (1/length).
    cutoff
        Largest wavenumber of the entropy production (1/length); None: all, where its integral converges.

    Returns
    -------
    dict
        ``dispersion``, ``instability``, ``exceptional_points``, ``oscillatory_condition``, ``entropy_production``. What does
        not exist is None, and ``reason`` beside it says why.
    """
    out = _order_section(state, wavenumbers, 0, cutoff)
    try:
        found = oscillatory_condition(state)
        out["oscillatory_condition"] = {"product": found.product, "threshold": found.threshold, "met": found.met}
    except InputError:
        out["oscillatory_condition"] = None
    return out


def hierarchy_section(
    state: HomogeneousState, wavenumbers: Array, order: int, cutoff: float | None = None
) -> dict[str, Any] | None:
    """What an order above 0 says: ``order``, then as :func:`hydrodynamic_section`, and ``flock``; None at order 0."""
    if order == 0:
        return None
    return {"order": order, **_order_section(state, wavenumbers, order, cutoff), "flock": _flock(state, order)}


def _order_section(state: HomogeneousState, q: Array, order: int, cutoff: float | None) -> dict[str, Any]:
    try:
        growth = mode_rates(state, q, order)[:, : state.model.number_of_species + (order > 0) * _MORE_BRANCHES]
        found = classify(state, order)
        points = exceptional_points(state, order)
    except InputError as error:
        return _nothing(q, str(error))
    return {
        "dispersion": {
            "wavenumbers": q.tolist(),
            "growth_rates": growth.real.T.tolist(),
            "frequencies": growth.imag.T.tolist(),
        },
        "instability": _instability(found),
        "exceptional_points": [{"wavenumber": one.wavenumber, "growth_rate": one.growth_rate} for one in points],
        "entropy_production": _entropy_production(state, order, cutoff),
    }


def unknown_section(wavenumbers: Array, reason: str) -> dict[str, Any]:
    """As :func:`hydrodynamic_section` where linear theory has nothing to say."""
    return _nothing(wavenumbers, reason) | {"oscillatory_condition": None}


def _nothing(q: Array, reason: str) -> dict[str, Any]:
    because: dict[str, Any] = {"reason": reason}
    names = ("class", "extent", "together", "growth_rate", "wavenumber", "frequency", "phase_speed")
    return {
        "dispersion": {"wavenumbers": q.tolist(), "growth_rates": None, "frequencies": None} | because,
        "instability": dict.fromkeys(names) | because,
        "exceptional_points": [],
        "entropy_production": {"linear_density": None} | because,
    }


def _instability(found: Instability) -> dict[str, Any]:
    out: dict[str, Any] = {
        "class": found.kind,
        "extent": found.extent,
        "together": found.together,
        "growth_rate": found.growth_rate,
        "wavenumber": found.wavenumber,
        "frequency": found.frequency,
        "phase_speed": found.phase_speed,
    }
    return out if found.growth_rate is not None else out | {"reason": _UNBOUNDED}


def _entropy_production(state: HomogeneousState, order: int, cutoff: float | None) -> dict[str, Any]:
    try:
        return {"linear_density": linear_density(state, cutoff, order)}
    except InputError as error:
        return {"linear_density": None, "reason": str(error)}


def _flock(state: HomogeneousState, order: int) -> dict[str, Any] | None:
    """The uniform flock and the growth of waves along and across it; None where directions do not align."""
    if state.model.dimension != 2 or np.all(np.linalg.eigvals(-state.relaxation(1)).real <= 0.0):
        return None
    try:
        flock = UniformFlock.of(state, order)
    except (InputError, NumericalFailure) as error:
        return {"polar_order": None, "along": None, "across": None, "reason": str(error)}
    polar_order = flock.polarity / state.densities
    waves = {}
    for name, angle in (("along", 0.0), ("across", 0.5 * np.pi)):
        growth, wavenumber = flock.fastest(angle)
        waves[name] = {"growth_rate": max(growth.real, 0.0), "wavenumber": wavenumber, "frequency": growth.imag}
    names = state.model.names
    return {"polar_order": {name: float(one) for name, one in zip(names, polar_order, strict=True)}, **waves}


def stability_text(section: dict[str, Any]) -> list[str]:
    """The section of one order as lines for reading."""
    order = section.get("order", 0)
    where = "hydrodynamics" if order == 0 else f"order {order}"
    lines = [f"homogeneous state ({where}): {_instability_text(section['instability'])}"]
    if section["exceptional_points"]:
        places = ", ".join(f"{one['wavenumber']:.6g}" for one in section["exceptional_points"])
        lines.append(f"  modes coalesce at wavenumber {places}")
    if condition := section.get("oscillatory_condition"):
        sign, holds = ("<", "oscillate") if condition["met"] else (">=", "do not oscillate")
        lines.append(
            f"  long waves {holds}: product of cross couplings {condition['product']:.4g} {sign} {condition['threshold']:.4g}"
        )
    sigma = section["entropy_production"]
    number = sigma["linear_density"]
    told = f"none ({sigma['reason']})" if number is None else f"{number:.6g} per unit volume and time"
    lines.append(f"linear entropy production ({where}): {told}")
    return [*lines, *_flock_text(section.get("flock"))]


def _instability_text(instability: dict[str, Any]) -> str:
    kind = instability["class"]
    if kind is None:
        return str(instability["reason"])
    if kind == "stable":
        return "linearly stable"
    head = f"{kind} instability, {instability['extent']}"
    if instability["together"] is not None:
        head += f", species {'together' if instability['together'] else 'apart'}"
    if instability["growth_rate"] is None:
        return f"{head}; {instability['reason']}"
    text = f"{head}, growth rate {instability['growth_rate']:.6g} at wavenumber {instability['wavenumber']:.6g}"
    if instability["phase_speed"] is not None:
        text += f", frequency {instability['frequency']:.6g} (phase speed {instability['phase_speed']:.6g})"
    return text


def _flock_text(flock: dict[str, Any] | None) -> list[str]:
    if flock is None:
        return []
    if flock["polar_order"] is None:
        return [f"uniform flock: none ({flock['reason']})"]
    orders = ", ".join(f"{name} {one:.4g}" for name, one in flock["polar_order"].items())
    waves = [f"waves {name} it {_wave_text(flock[name])}" for name in ("along", "across")]
    return [f"uniform flock: polar order {orders}; {', '.join(waves)}"]


def _wave_text(wave: dict[str, float]) -> str:
    return f"grow at {wave['growth_rate']:.4g} (q = {wave['wavenumber']:.4g})" if wave["growth_rate"] > 0.0 else "decay"
