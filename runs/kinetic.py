"""Kinetic theory from the particles of a run: mean-field coefficients, growth of polar order, and what fields need of them.

Coefficients are averages over samples of the isotropic state (:mod:`runs.kinetic_source`); their standard errors come from
independent blocks of frames. Beside them stands Boltzmann's theory, which needs the laws alone.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runs.frames_of_run import ParticleFrames, open_particles
from runs.kinetic_source import Sampled, SourceName, sample
from runs.kinetic_text import as_toml
from runs.statistics import Estimate, jackknife, number_of_blocks
from theory.arrays import Array
from theory.errors import InputError, NumericalFailure
from theory.kinetic.boltzmann import Boltzmann, BoltzmannTheory
from theory.kinetic.coefficients import MOMENTS, mean_fields
from theory.kinetic.polarity import PolarityEquation, growth_matrix
from theory.kinetic.scattering import BinaryScattering
from theory.kinetic.unit_directions import check_unit_directions

if TYPE_CHECKING:
    from runs.runfile import RunSpecification
    from theory.model import Model


# polar order of N random directions is about 1/sqrt(N); beyond this multiple of it the state is no longer isotropic
_ISOTROPIC = 4.0
_MOST_HARMONICS = 64


def kinetic(
    directory: Path | str,
    *,
    after: float | None = None,
    harmonics: int = 4,
    boltzmann: bool = True,
    source: SourceName | None = None,
) -> dict[str, Any]:
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
    source
        ``"frames"``: sums over the particles in the frames; ``"distribution"``: integrals of the pair distributions that the
        run gathered at all samples; by default these, where there are any and they are fine enough.

    Returns
    -------
    dict
        ``source`` (which one it was, with its numbers of frames and samples), ``polar_order``, ``pairs`` (coefficients with
        standard errors; of a distribution also the number of pairs and the errors of its bins), ``growth_rate`` and
        ``saturation`` of the polar order (1/time), ``predicted_polar_order``, ``boltzmann``, ``toml`` (the text of
        ``[[model.mean_field]]``) and ``warnings``. Numbers that do not exist are None, and a ``reason`` says why.

    Raises
    ------
    InputError
        The model has no pair interactions, is not of two dimensions, or its particles that interact have no unit direction; no
        frame is late enough, the box is too small, or the source is missing or too coarse.
    StoreError
        The directory holds no frames of particles.
    """
    how: dict[str, Any] = {"after": after, "harmonics": harmonics, "boltzmann": boltzmann, "source": source}
    return kinetic_of(*open_particles(directory, positions=False), **how)


def kinetic_of(
    specification: "RunSpecification",
    frames: ParticleFrames,
    *,
    after: float | None = None,
    harmonics: int = 4,
    boltzmann: bool = True,
    source: SourceName | None = None,
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
    check_unit_directions(model, model.interactions)
    sampled = sample(model, frames, frames.since(after), harmonics, source)
    densities = model.densities(dict(specification.composition))
    blocks = _blocks(model, sampled.coefficients)
    orders = jackknife(
        lambda chosen: np.array([np.average(sampled.polar_orders[chosen], weights=sampled.samples[chosen])]),
        sampled.polar_orders.size,
        number_of_blocks(sampled.polar_orders),
    )
    warnings = [*sampled.warnings(), *_warnings(sampled)]
    return {
        "source": sampled.source,
        "polar_order": vars(orders[0]),
        "pairs": _pairs(model, sampled, blocks, harmonics),
        **_predictions(model, densities, sampled, blocks),
        "boltzmann": _boltzmann(specification) if boltzmann else None,
        "toml": as_toml(mean_fields(model, sampled.mean()), warnings),
        "warnings": warnings,
    }


def _blocks(model: "Model", coefficients: Array) -> int:
    """Independent blocks by the slowest of all coefficients (frame, species, species, coefficient) of pairs that interact."""
    return number_of_blocks(*(series for pair in model.interactions for series in coefficients[:, *pair].T))


def _pairs(model: "Model", sampled: Sampled, blocks: int, harmonics: int) -> list[dict[str, Any]]:
    found = jackknife(lambda chosen: sampled.mean(chosen).ravel(), sampled.samples.size, blocks)
    width, number = harmonics + MOMENTS, model.number_of_species
    rows = []
    for observer, source in model.interactions:
        start = (observer * number + source) * width
        own = found[start : start + width]
        drag = float(model.drags[observer, 1])
        rows.append(
            {
                "observer": model.names[observer],
                "source": model.names[source],
                "torque_harmonics": [vars(one) for one in own[:harmonics]],
                "speed_reduction": vars(own[harmonics]),
                "turning": _divided(own[harmonics + 1], drag),
                "repulsion": vars(own[harmonics + 2]),
                **_bins(sampled, observer, source, drag),
            }
        )
    return rows


def _bins(sampled: Sampled, observer: int, source: int, drag: float) -> dict[str, Any]:
    """What is known of a pair's distribution, if there is one."""
    if sampled.binning_errors is None or sampled.ordered_pairs is None:
        return {}
    *torques, reduction, turning, repulsion = sampled.binning_errors[observer, source].tolist()
    errors = {"torque_harmonics": torques, "speed_reduction": reduction, "turning": turning / drag, "repulsion": repulsion}
    return {"ordered_pairs": int(sampled.ordered_pairs[observer, source]), "binning_errors": errors}


def _divided(one: Estimate, by: float) -> dict[str, Any]:
    error = None if one.standard_error is None else one.standard_error / by
    return vars(Estimate(one.value / by, error, one.samples))


def _predictions(model: "Model", densities: Array, sampled: Sampled, blocks: int) -> dict[str, Any]:
    """Growth, saturation and order by the polarity equation; for mixtures growth alone."""

    def growth(chosen: NDArray[np.intp]) -> Array:
        matrix = growth_matrix(model, densities, mean_fields(model, sampled.mean(chosen)))
        return np.array([np.max(np.linalg.eigvals(matrix).real)])

    frames = sampled.samples.size
    (rate,) = jackknife(growth, frames, blocks)
    if model.number_of_species > 1:
        reason = "saturation is worked out for one species; give the coefficients to the fields"
        return _without_order(rate, reason)

    def order(chosen: NDArray[np.intp]) -> Array:
        (seen,) = mean_fields(model, sampled.mean(chosen))
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
        The model has another number of species or dimensions, no interaction, or particles that do not move or have no unit
        direction.
    NumericalFailure
        Particles do not leave each other.
    """
    if model.number_of_species != 1 or model.dimension != 2 or (0, 0) not in model.interactions:
        raise InputError(
            f"Boltzmann's theory is that of one species that interacts with itself in two dimensions, not of {model!r}"
        )
    check_unit_directions(model, model.interactions)
    speed, drags = float(model.speed([density])[0]), model.drags[0]
    scattering = BinaryScattering(
        model.interactions[0, 0], speed, translational_drag=float(drags[0]), rotational_drag=float(drags[1])
    )
    decay_rate = model.species[0].motion.decay_rate(2, 1)
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
    mean = float(np.sqrt(np.average(sampled.polar_orders**2, weights=sampled.samples)))
    random = 1.0 / np.sqrt(sampled.particles)
    if mean <= _ISOTROPIC * random:
        return []
    return [
        f"the polar order is {mean:.2g}, where random directions have {random:.2g}: the coefficients, and what follows from "
        "them, are those of the isotropic state, and this one is not; lower the density or the speed, or take early frames"
    ]
