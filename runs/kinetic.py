"""Kinetic theory from the particles of a run: mean-field coefficients, growth of polar order, and what fields need of them.

Coefficients are averages over frames of the isotropic state; their standard errors come from independent blocks of frames.
Beside them stands Boltzmann's theory, which needs the laws alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runs.frames_of_run import ParticleFrames, open_particles
from runs.kinetic_text import as_toml
from runs.statistics import Estimate, jackknife, number_of_blocks
from theory.arrays import Array
from theory.errors import InputError, NumericalFailure
from theory.kinetic.boltzmann import Boltzmann, BoltzmannTheory
from theory.kinetic.coefficients import MOMENTS, mean_fields, sampled_coefficients
from theory.kinetic.polarity import PolarityEquation, growth_matrix
from theory.kinetic.scattering import BinaryScattering
from theory.observables.orientation import polar_order

if TYPE_CHECKING:
    from runs.runfile import RunSpecification
    from theory.model import Model


# polar order of N random directions is about 1/sqrt(N); beyond this multiple of it the state is no longer isotropic
_ISOTROPIC = 4.0
_MOST_HARMONICS = 64


@dataclass(frozen=True)
class Sampled:
    """What the frames of a run say.

    Parameters
    ----------
    coefficients
        Of each frame, shape (frame, species, species, harmonics + 3); see :mod:`theory.kinetic.coefficients`.
    polar_orders
        Of each frame, shape (frame,).
    particles
        Number of particles.
    """

    coefficients: Array
    polar_orders: Array
    particles: int


def kinetic(directory: Path | str, *, after: float | None = None, harmonics: int = 4, boltzmann: bool = True) -> dict[str, Any]:
    """Kinetic theory of a run's particles as JSON values.

    Parameters
    ----------
    directory
        Run directory with frames of particles that interact in pairs, in two dimensions.
    after
        Use frames from this physical time on (time); by default the second half of the run.
    harmonics
        Number of torque harmonics T_m, at least 2.
    boltzmann
        Whether to scatter particles for Boltzmann's theory too, for one species.

    Returns
    -------
    dict
        ``frames``, ``polar_order``, ``pairs`` (coefficients with standard errors), ``growth_rate`` and ``saturation`` of the
        polar order (1/time), ``predicted_polar_order``, ``boltzmann``, ``toml`` (the text of ``[[model.mean_field]]``) and
        ``warnings``. Numbers that do not exist are None, and a ``reason`` says why.

    Raises
    ------
    InputError
        The model has no pair interactions or is not of two dimensions, no frame is late enough, or the box is too small.
    StoreError
        The directory holds no frames of particles.
    """
    return kinetic_of(*open_particles(directory), after=after, harmonics=harmonics, boltzmann=boltzmann)


def kinetic_of(
    specification: "RunSpecification",
    frames: ParticleFrames,
    *,
    after: float | None = None,
    harmonics: int = 4,
    boltzmann: bool = True,
) -> dict[str, Any]:
    """As :func:`kinetic`, of a run that is open already."""
    model = specification.model
    if model.dimension != 2 or not model.interactions:
        raise InputError(
            f"{specification.source}: kinetic theory is that of pair interactions (model.interactions) in two dimensions; the "
            f"model has {len(model.interactions)} of them and dimension {model.dimension}"
        )
    if not 2 <= harmonics <= _MOST_HARMONICS:
        raise InputError(
            f"--harmonics is {harmonics}; it must be from 2, for the saturation of polar order needs T_2, to {_MOST_HARMONICS}"
        )
    sampled = _sample(model, frames, frames.since(after), harmonics)
    densities = model.densities(dict(specification.composition))
    blocks = _blocks(model, sampled.coefficients)
    coefficients = _estimates(sampled.coefficients, blocks)
    seen = mean_fields(model, sampled.coefficients.mean(axis=0))
    return {
        "frames": int(sampled.polar_orders.size),
        "polar_order": vars(_estimates(sampled.polar_orders, number_of_blocks(sampled.polar_orders))[0]),
        "pairs": _pairs(model, coefficients, harmonics),
        **_predictions(model, densities, sampled.coefficients, blocks),
        "boltzmann": _boltzmann(specification) if boltzmann else None,
        "toml": as_toml(seen),
        "warnings": _warnings(sampled),
    }


def _sample(model: "Model", frames: ParticleFrames, chosen: NDArray[np.int64], harmonics: int) -> Sampled:
    values, orders = [], []
    for frame in chosen.tolist():
        positions, orientations = frames.positions(frame), frames.orientations(frame)
        values.append(
            sampled_coefficients(
                model.interactions,
                positions,
                orientations,
                frames.size,
                frames.species(frame),
                number=model.number_of_species,
                harmonics=harmonics,
            )
        )
        orders.append(polar_order(orientations))
    return Sampled(np.array(values), np.array(orders), positions.shape[0])


def _blocks(model: "Model", coefficients: Array) -> int:
    """Independent blocks by the slowest of all coefficients (frame, species, species, coefficient) of pairs that interact."""
    return number_of_blocks(*(series for pair in model.interactions for series in coefficients[:, *pair].T))


def _estimates(series: Array, blocks: int) -> list[Estimate]:
    """Means of a series (frame, ...) over frames, in the order of its flattened rows."""
    flat = series.reshape(series.shape[0], -1)
    return jackknife(lambda chosen: flat[chosen].mean(axis=0), flat.shape[0], blocks)


def _pairs(model: "Model", coefficients: list[Estimate], harmonics: int) -> list[dict[str, Any]]:
    width, number = harmonics + MOMENTS, model.number_of_species
    rows = []
    for observer, source in model.interactions:
        start = (observer * number + source) * width
        own = coefficients[start : start + width]
        drag = float(model.drags[observer, 1])
        rows.append(
            {
                "observer": model.names[observer],
                "source": model.names[source],
                "torque_harmonics": [vars(one) for one in own[:harmonics]],
                "speed_reduction": vars(own[harmonics]),
                "turning": _divided(own[harmonics + 1], drag),
                "repulsion": vars(own[harmonics + 2]),
            }
        )
    return rows


def _divided(one: Estimate, by: float) -> dict[str, Any]:
    error = None if one.standard_error is None else one.standard_error / by
    return vars(Estimate(one.value / by, error, one.samples))


def _predictions(model: "Model", densities: Array, coefficients: Array, blocks: int) -> dict[str, Any]:
    """Growth, saturation and order by the polarity equation; for mixtures growth alone."""

    def growth(chosen: NDArray[np.intp]) -> Array:
        matrix = growth_matrix(model, densities, mean_fields(model, coefficients[chosen].mean(axis=0)))
        return np.array([np.max(np.linalg.eigvals(matrix).real)])

    frames = coefficients.shape[0]
    (rate,) = jackknife(growth, frames, blocks)
    if model.number_of_species > 1:
        reason = "saturation is worked out for one species; give the coefficients to the fields"
        return _without_order(rate, reason)

    def order(chosen: NDArray[np.intp]) -> Array:
        (seen,) = mean_fields(model, coefficients[chosen].mean(axis=0))
        equation = PolarityEquation.of(model, float(densities[0]), seen)
        return np.array([equation.saturation_rate, equation.polar_order])

    try:
        saturation, predicted = jackknife(order, frames, blocks)
    except InputError as error:
        return _without_order(rate, str(error))
    return {"growth_rate": vars(rate), "saturation": vars(saturation), "predicted_polar_order": vars(predicted)}


def _without_order(rate: Estimate, reason: str) -> dict[str, Any]:
    return {"growth_rate": vars(rate), "saturation": None, "predicted_polar_order": None, "reason": reason}


def _boltzmann(specification: "RunSpecification") -> dict[str, Any]:
    """Boltzmann's theory of the run's species with itself, with both prefactors."""
    model = specification.model
    if model.number_of_species > 1:
        return {"flux": None, "printed": None, "reason": "Boltzmann's theory is worked out for one species"}
    density = float(model.densities(dict(specification.composition))[0])
    try:
        theory = boltzmann_theory(model, density)
    except (InputError, NumericalFailure) as error:
        return {"flux": None, "printed": None, "reason": str(error)}
    return {name: _boltzmann_numbers(getattr(theory, name), density) for name in ("flux", "printed")}


def boltzmann_theory(model: "Model", density: float, *, angles: int = 32, tolerance: float = 1e-5) -> BoltzmannTheory:
    """Boltzmann's theory of a model of one species, at its speed at a density.

    Parameters
    ----------
    model, density
        The model, and the density (1/length^2).
    angles, tolerance
        As in :meth:`theory.kinetic.boltzmann.BoltzmannTheory.of`.

    Raises
    ------
    InputError
        The model has another number of species, no interaction, or particles that do not move or do not forget.
    NumericalFailure
        Particles do not leave each other.
    """
    if model.number_of_species != 1 or (0, 0) not in model.interactions:
        raise InputError(f"Boltzmann's theory is that of one species that interacts with itself, not of {model!r}")
    speed, motion, drags = float(model.speed([density])[0]), model.species[0].motion, model.drags[0]
    scattering = BinaryScattering(
        model.interactions[0, 0], speed, translational_drag=float(drags[0]), rotational_drag=float(drags[1])
    )
    decay_rate = motion.rotational_diffusion + motion.tumble_rate
    return BoltzmannTheory.of(scattering, decay_rate, angles=angles, tolerance=tolerance)


def _boltzmann_numbers(one: Boltzmann, density: float) -> dict[str, float | None]:
    order = float(one.polar_order(density))
    return {
        "alignment": one.alignment,
        "growth_rate": float(one.growth_rate(density)),
        "saturation": float(one.saturation_rate(density)),
        "predicted_polar_order": order if np.isfinite(order) else None,
        "onset_density": one.onset_density if np.isfinite(one.onset_density) else None,
    }


def _warnings(sampled: Sampled) -> list[str]:
    mean, random = float(np.sqrt(np.mean(sampled.polar_orders**2))), 1.0 / np.sqrt(sampled.particles)
    if mean <= _ISOTROPIC * random:
        return []
    return [
        f"the polar order is {mean:.2g}, where random directions have {random:.2g}: coefficients are those of the isotropic "
        "state, and this one is not; lower the density or the speed, or take early frames"
    ]
