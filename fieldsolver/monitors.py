"""What goes on during a run that a reader of its results must know: kept, put into words, or reason enough to stop."""

import math
from dataclasses import dataclass

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.righthandside import Extremes, RightHandSide
from fieldsolver.timestep import rounded_down
from theory.arrays import Array, ComplexArray
from theory.errors import NumericalFailure

_TAIL_LIMIT = 1e-3
_ANGULAR_LIMIT = 1e-2
OVERPOLARISED_LIMIT = 0.05  # of the cells of a species


@dataclass
class Monitors:
    """What went on so far.

    Parameters
    ----------
    largest_clipped_share
        Largest share of cells, in one step, whose negative density the noise took for zero.
    largest_negative_share
        Largest share of cells with a negative density.
    lowest_density
        Lowest density seen (1/length^d).
    largest_spectral_tail
        Largest share of the fields' variance in the last third of the retained modes.
    largest_angular_tail
        Largest ratio of the harmonics of the highest degree kept to the densities, root mean squares; at order 2 and above.
    largest_overpolarised_share
        Largest share of cells with a polarity longer than the density.
    mass_drift
        Largest relative change of a species' mass since the start.
    rejected_steps
        Steps that were taken again, shorter, because their error was above the tolerance.
    stable_time_step
        Shortest of the time steps that were found to be stable at the densities seen (time).
    """

    largest_clipped_share: float = 0.0
    largest_negative_share: float = 0.0
    lowest_density: float = math.inf
    largest_spectral_tail: float = 0.0
    largest_angular_tail: float = 0.0
    largest_overpolarised_share: float = 0.0
    mass_drift: float = 0.0
    rejected_steps: float = 0
    stable_time_step: float = math.inf

    def see(self, extremes: Extremes) -> None:
        """Take note of a state that the run has reached."""
        self.largest_negative_share = max(self.largest_negative_share, float(extremes.negative_share.max()))
        self.largest_overpolarised_share = max(self.largest_overpolarised_share, float(extremes.overpolarised_share.max()))
        self.lowest_density = min(self.lowest_density, float(extremes.lowest_density.min()))

    def warnings(self, *, noisy: bool, time_step: float) -> list[str]:
        """Sentences on what a reader of the results must know; empty when all is well.

        Parameters
        ----------
        noisy
            Whether the run has noise, whose variance reaches to the end of its band.
        time_step
            The fixed time step; 0 where steps follow the error (time).
        """
        found = []
        if self.largest_spectral_tail > _TAIL_LIMIT and not noisy:
            found.append(
                f"under-resolved: up to {self.largest_spectral_tail:.1e} of the variance lies in the last third of the modes "
                f"(limit {_TAIL_LIMIT:g}); refine fields.grid"
            )
        if self.largest_angular_tail > _ANGULAR_LIMIT and not noisy:
            found.append(
                f"the highest harmonics are up to {self.largest_angular_tail:.2g} of the density (limit {_ANGULAR_LIMIT:g}): "
                "directions are not resolved; raise fields.order"
            )
        if self.largest_overpolarised_share > 0.0:
            fix = "raise fields.noise_length, " if noisy else ""
            found.append(
                f"up to {100 * self.largest_overpolarised_share:.2g} % of the cells had a polarity longer than their density, "
                f"which no distribution of directions has; {fix}raise fields.order or refine fields.grid"
            )
        if self.largest_clipped_share > 0.0:
            found.append(
                f"up to {100 * self.largest_clipped_share:.2g} % of the cells were clipped to zero density by the noise"
            )
        elif self.lowest_density < 0.0:
            found.append(f"densities went down to {self.lowest_density:.3g}: refine fields.grid or shorten fields.time_step")
        if time_step > self.stable_time_step:
            found.append(
                f"the time step {time_step:g} is longer than about {self.stable_time_step:.2g}, up to which it is stable at "
                f"the densities seen; state fields.time_step = {rounded_down(self.stable_time_step):g}"
            )
        if self.mass_drift > 1e-9:
            found.append(f"the mass of a species has drifted by {self.mass_drift:.1e} of itself")
        return found


def spectral_tail(state: ComplexArray, modes: RetainedModes) -> float:
    """Share of the variance in the last third of the retained wavenumbers, the largest over the components of a state."""
    power = modes.multiplicity * (state.real**2 + state.imag**2)
    power[:, 0, 0] = 0.0
    total = power.sum(axis=(1, 2))
    # a component that is all round-off has no tail
    present = total > (1e-14 * np.abs(state[:, 0, 0]).max()) ** 2
    return float(np.max(np.divide(power[:, modes.tail].sum(axis=1), total, out=np.zeros_like(total), where=present)))


def angular_tail(state: ComplexArray, layout: Layout, modes: RetainedModes) -> float:
    """Root mean square of the harmonics of the highest degree over that of the density, the largest over the species."""
    if layout.order < 2:
        return 0.0
    squares = np.sum(modes.multiplicity * (state.real**2 + state.imag**2), axis=(1, 2))
    ratios = []
    for s in range(layout.species):
        highest = sum(squares[layout.component(s, b)] / layout.basis.norms[b] for b in layout.basis.highest)
        ratios.append(np.sqrt(highest / squares[layout.component(s, 0)]) if squares[layout.component(s, 0)] > 0.0 else 0.0)
    return float(max(ratios))


def inspect(
    righthandside: RightHandSide, extremes: Extremes, stable_time_step: float, noise_length: float | None = None
) -> None:
    """Stop where a state means nothing; the length is that of the noise, None where there is none.

    Raises
    ------
    NumericalFailure
        A field is not finite, a law gives a negative or not finite speed, the closure fails, or too many cells have a polarity
        longer than their density.
    """
    layout = righthandside.layout
    for s, (slowest, fastest) in enumerate(zip(extremes.slowest_speed, extremes.fastest_speed, strict=True)):
        if not (slowest >= 0.0 and fastest < math.inf):
            _explain(righthandside, s, stable_time_step)
    if not np.all(np.isfinite(extremes.highest_density - extremes.lowest_density)):
        raise NumericalFailure(_not_finite(stable_time_step))
    if not extremes.smallest_pivot > 0.0:
        raise NumericalFailure(
            f"the closure fails: the decay of the harmonics of degree {layout.order + 1}, slowed down by "
            f"torque_harmonics[{layout.order}], is no longer positive at the highest densities "
            f"({', '.join(f'{value:.4g}' for value in extremes.highest_density)}); lower that coefficient or the densities, or "
            "raise fields.order"
        )
    if layout.order > 0 and np.max(extremes.overpolarised_share) > OVERPOLARISED_LIMIT:
        noise = "" if noise_length is None else "the noise is too strong for the number of particles per coarse-graining cell, "
        fix = "" if noise_length is None else f"raise fields.noise_length (now {noise_length:g}), lower fields.noise, "
        raise NumericalFailure(
            f"{100 * np.max(extremes.overpolarised_share):.1f} % of the cells have a polarity longer than their density, which "
            f"no distribution of directions has (limit {100 * OVERPOLARISED_LIMIT:g} %): {noise}the torques do not "
            f"saturate at fields.order = {layout.order}, or the fields are under-resolved; {fix}raise fields.order, or refine "
            "fields.grid"
        )


def _not_finite(stable_time_step: float) -> str:
    hint = "halve fields.time_step"
    if math.isfinite(stable_time_step):
        hint += f" (steps up to about {stable_time_step:.2g} were found to be stable)"
    return f"a density is no longer finite: the time step is too long or the grid too coarse; {hint}, or refine fields.grid"


def _explain(righthandside: RightHandSide, species: int, stable_time_step: float) -> None:
    layout, state = righthandside.layout, righthandside.last
    assert state is not None
    if not np.all(np.isfinite(state)):
        raise NumericalFailure(_not_finite(stable_time_step))
    model, name = layout.model, layout.model.names[species]
    speed = np.asarray(righthandside.kept[species], dtype=np.float64)
    where = int(np.argmax(~np.isfinite(speed) | (speed < 0.0)))
    fields = righthandside.read_by(species, state)[:, where]
    seen = ", ".join(f"{one} = {value:g}" for one, value in zip((*model.names, *model.chemical_names), fields, strict=True))
    reduced = "" if not np.any(layout.pairs.speed_losses[species]) else ", less model.mean_field's speed_reduction,"
    raise NumericalFailure(
        f"the motility law of {name}, '{model.motility[name].text}',{reduced} gives the speed {speed[where]:g} at the sensed "
        f"densities {seen}; speeds must be finite and not negative"
    )


def sampled_densities(righthandside: RightHandSide, density: Array, number: int = 64) -> Array:
    """Densities of some cells, evenly spread over their numbering, shape (species, sample)."""
    flat = density.reshape(righthandside.layout.species, -1)
    return np.ascontiguousarray(flat[:, :: max(1, flat.shape[1] // number)])
