"""How the kinetic theory of a run is told: a table for reading, and the text that a run file takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runs.statistics import with_error

if TYPE_CHECKING:
    from theory.interactions import MeanField

_PREDICTIONS = {
    "growth_rate": "growth rate a",
    "saturation": "saturation b",
    "predicted_polar_order": "polar order sqrt(a/b)",
}


def as_toml(seen: "list[MeanField]", warnings: Sequence[str] = ()) -> str:
    """Coefficients as they stand in a run file, with which fields see the interaction; warnings stay with them as comments."""
    tables = [
        "[[model.mean_field]]\n"
        f'observer = "{one.observer}"\n'
        f'source = "{one.source}"\n'
        f"torque_harmonics = [{', '.join(_decimal(value) for value in one.torque_harmonics)}]\n"
        f"speed_reduction = {_decimal(one.speed_reduction)}\n"
        f"turning = {_decimal(one.turning)}\n"
        f"repulsion = {_decimal(one.repulsion)}\n"
        for one in seen
    ]
    return "\n".join([*(f"# warning: {text}" for text in warnings), *tables])


def _decimal(value: float) -> str:
    # TOML wants digits on both sides of the point
    return repr(float(f"{value:.6g}"))


def as_text(found: dict[str, Any]) -> str:
    """The answer of :func:`runs.kinetic.kinetic` for reading, the text for a run file last."""
    lines = [*_source(found["source"]), f"polar order {with_error(found['polar_order'])}", ""]
    for pair in found["pairs"]:
        lines += _pair(pair)
    lines += ["", *_predictions(found), ""]
    lines += [f"warning: {text}" for text in found["warnings"]]
    lines += ["for a run file, so that fields see the interaction:", "", found["toml"].rstrip("\n")]
    return "\n".join(lines)


def _source(source: dict[str, Any]) -> list[str]:
    if source["kind"] == "frames":
        lines = [f"sums over the particles of {source['frames']} frames"]
        return lines + ([f"note: not from the pair distribution: {source['reason']}"] if "reason" in source else [])
    bins = " x ".join(str(one) for one in source["bins"])
    return [
        f"integrals of the pair distribution of {source['samples']} samples in {source['frames']} frames, {bins} bins up to "
        f"r = {source['reach']:g}"
    ]


def _pair(pair: dict[str, Any]) -> list[str]:
    """The coefficients of a pair of species, and of a distribution what its bins leave unknown."""
    errors = pair.get("binning_errors")
    title = f"{pair['observer']} from {pair['source']}"
    if errors:
        title += f", {pair['ordered_pairs']} ordered pairs"
        title = f"{title:51} {'binning':>12}"
    lines = [title]
    names = [f"T_{m}, torque harmonic" for m in range(1, len(pair["torque_harmonics"]) + 1)]
    names += ["zeta_0, speed reduction", "chi, turning", "kappa_F, repulsion"]
    for name, one, error in zip(names, _in_order(pair), _in_order(errors) if errors else [None] * len(names), strict=True):
        lines.append(f"  {name:26} {with_error(one):>22}" + ("" if error is None else f" {error:>12.2g}"))
    return lines


def _in_order(table: dict[str, Any]) -> list[Any]:
    return [*table["torque_harmonics"], *(table[name] for name in ("speed_reduction", "turning", "repulsion"))]


def _predictions(found: dict[str, Any]) -> list[str]:
    """A row for each prediction, a column for each theory."""
    boltzmann = found["boltzmann"] or {}
    columns = {"pair correlations": [with_error(found[name]) or "none" for name in _PREDICTIONS]}
    for name, told in (("flux", "Boltzmann, flux"), ("printed", "Boltzmann, as printed")):
        numbers = boltzmann.get(name)
        if numbers is not None:
            columns[told] = ["none" if numbers[one] is None else f"{numbers[one]:.5g}" for one in _PREDICTIONS]
    lines = [f"{'':24}" + "".join(f" {told:>22}" for told in columns)]
    for row, told in enumerate(_PREDICTIONS.values()):
        lines.append(f"{told:24}" + "".join(f" {column[row]:>22}" for column in columns.values()))
    return lines + [f"note: {one['reason']}" for one in (found, boltzmann) if "reason" in one]
