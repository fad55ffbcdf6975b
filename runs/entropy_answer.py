"""``twoscale entropy``: the entropy production of a run as JSON values, as text and as a figure."""

from pathlib import Path
from typing import Any

import numpy as np

from runs.entropy import RunEntropy, entropy
from runs.entropy_measurement import ScaleEntropy
from runs.figures.style import check_target
from theory.entropy_production import linear_density
from theory.errors import InputError
from theory.homogeneous import HomogeneousState

# share of a rate that the interval between frames may hide
_LARGEST_BIAS = 0.5


def answer(directory: Path, *, figure: Path | None = None, **options: Any) -> tuple[dict[str, Any], str]:
    """The entropy production as JSON values and as text, drawn if a figure is asked for.

    Parameters
    ----------
    directory
        Run directory.
    figure
        File to draw, png, pdf or svg.
    **options
        As of :func:`runs.entropy.entropy`.

    Raises
    ------
    InputError
        See :func:`runs.entropy.entropy`, or the file's ending is none of these.
    StoreError
        There is no run, or the file cannot be written.
    """
    if figure is not None:
        check_target(figure, "--figure")
    found = entropy(directory, **options)
    told = as_json(found)
    text = as_text(told)
    if figure is not None:
        from runs.figures.entropy import draw_entropy

        text += f"\n\nfigure: {draw_entropy(found, figure)}"
    return told, text


def as_json(found: RunEntropy) -> dict[str, Any]:
    """Entropy production as JSON values.

    Returns
    -------
    dict
        ``volume``; ``theory``: ``linear_density`` and ``across_scales`` (``filter``, ``length``, ``rate`` of continuous
        trajectories at order 0); ``scales``: by name ``time``, ``interval``, ``across_scales`` (``filter``, ``length``,
        ``rate``, ``standard_error``, ``rate_per_volume``, ``by_species``, ``expected``, ``bias``, ``clipped_share``),
        ``spectrum`` (``wavenumbers``, ``rates``, ``standard_errors``, ``expected``), ``map`` (``frame``, ``velocity``,
        ``coherence``, ``lowest``, ``highest``, ``negative_share``), ``weak_noise_rate``. Rates are those of the whole box.
        What does not exist is None, and ``reason`` says why.
    """
    volume = float(np.prod(found.specification.size))
    continuous = None if found.continuous is None else found.continuous.tolist()
    return {
        "volume": volume,
        "theory": {
            **_linear_density(found),
            "across_scales": [
                {"filter": one.name, "length": one.length, "rate": None if continuous is None else continuous[n]}
                for n, one in enumerate(found.filters)
            ],
        },
        "scales": {one.scale: _scale_json(found, one, volume) for one in found.scales},
    }


def _linear_density(found: RunEntropy) -> dict[str, Any]:
    specification = found.specification
    try:
        state = HomogeneousState.of(specification.model, dict(specification.composition))
        return {"linear_density": linear_density(state)}
    except InputError as error:
        return {"linear_density": None, "reason": str(error)}


def _scale_json(found: RunEntropy, one: ScaleEntropy, volume: float) -> dict[str, Any]:
    estimate, motion = one.estimate, one.motion
    density = estimate.density
    assert density is not None
    assert estimate.spectrum is not None
    return {
        "time": estimate.time,
        "interval": estimate.intervals[1],
        "across_scales": [_rate_json(found, one, n, volume) for n in range(len(found.filters))],
        "spectrum": {
            "wavenumbers": one.wavenumbers.tolist(),
            "rates": estimate.spectrum.tolist(),
            "standard_errors": _listed(estimate.spectrum_errors),
            "expected": _listed(one.expected_spectrum),
        },
        "map": {
            "frame": found.frame,
            "velocity": motion.velocity.tolist(),
            "coherence": motion.coherence,
            "lowest": float(density.min()),
            "highest": float(density.max()),
            "negative_share": float(np.mean(density < 0.0)),
        },
        "weak_noise_rate": None if one.weak_noise is None else float(one.weak_noise.mean() * volume),
    }


def _rate_json(found: RunEntropy, one: ScaleEntropy, n: int, volume: float) -> dict[str, Any]:
    estimate, names = one.estimate, found.specification.model.names
    bias = float(one.bias[n])
    told = {
        "filter": found.filters[n].name,
        "length": found.filters[n].length,
        "rate": float(estimate.rates[n]),
        "standard_error": None if estimate.standard_errors is None else float(estimate.standard_errors[n]),
        "rate_per_volume": float(estimate.rates[n]) / volume,
        "by_species": {name: float(rate) for name, rate in zip(names, estimate.by_species[n], strict=True)},
        "expected": None if one.expected is None else float(one.expected[n]),
        "bias": bias,
        "clipped_share": float(estimate.clipped_shares[n]),
    }
    if bias <= _LARGEST_BIAS:
        return told
    hidden = dict.fromkeys(("rate", "standard_error", "rate_per_volume", "by_species"))
    reason = f"frames are too far apart: {100.0 * bias:.0f} % of the rate is hidden; run with a shorter run.output_interval"
    return told | hidden | {"reason": reason}


def _listed(values: Any) -> list[float] | None:
    return None if values is None else [float(one) for one in values]


def as_text(told: dict[str, Any]) -> str:
    """The JSON values for reading."""
    theory = told["theory"]
    density = theory["linear_density"]
    head = f"none ({theory['reason']})" if density is None else f"{density:.6g} per unit volume and time"
    lines = [f"linear theory, all scales of length: {head}", ""]
    columns = f"{'filter':>10} {'length':>8} {'theory':>12}"
    columns += "".join(f" {scale:>22} {'expected':>12} {'bias':>6}" for scale in told["scales"])
    lines.append(columns)
    for n, row in enumerate(theory["across_scales"]):
        line = f"{row['filter']:>10} {row['length']:8.4g} {_number(row['rate']):>12}"
        for scale in told["scales"].values():
            one = scale["across_scales"][n]
            line += f" {_with_error(one):>22} {_number(one['expected']):>12} {100.0 * one['bias']:5.1f}%"
        lines.append(line)
    lines += ["", "rates of the whole box per unit time; theory: linear, order 0, continuous; expected: of these frames"]
    for scale, one in told["scales"].items():
        lines += _scale_text(scale, one)
    return "\n".join(lines)


def _scale_text(scale: str, one: dict[str, Any]) -> list[str]:
    found = one["map"]
    speed = float(np.linalg.norm(found["velocity"]))
    lines = [
        f"{scale}: t = {one['time']:g} in steps of {one['interval']:g}; pattern moves at {speed:.4g} (coherence "
        f"{found['coherence']:.2f}); local map, {found['frame']} frame, from {found['lowest']:.3g} to {found['highest']:.3g}"
    ]
    if one["weak_noise_rate"] is not None:
        lines.append(
            f"{scale}: deterministic; rates are in units of the inverse strength of the noise, from currents "
            f"{one['weak_noise_rate']:.6g}"
        )
    lines += [f"{scale}, length {row['length']:g}: {row['reason']}" for row in one["across_scales"] if "reason" in row]
    clipped = max(row["clipped_share"] for row in one["across_scales"])
    if clipped > 0.0:
        lines.append(f"{scale}: up to {100.0 * clipped:.2g} % of the cells were too empty for a logarithm")
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _with_error(row: dict[str, Any]) -> str:
    if row["rate"] is None:
        return "no number"
    error = row["standard_error"]
    return f"{row['rate']:.5g} (?)" if error is None else f"{row['rate']:.5g} ± {error:.2g}"
