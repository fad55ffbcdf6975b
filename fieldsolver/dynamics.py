"""The dynamics of a run as the time steppers see it: tendency, noise, reference diffusivity, and monitors on the way."""

import math
from dataclasses import dataclass

import numpy as np

from fieldsolver.hydrodynamics import Hydrodynamics
from fieldsolver.noise import FieldNoise
from fieldsolver.steppers.base import Noise
from theory.errors import NumericalFailure
from theory.fourier import Array, ComplexArray

# The reference diffusivity follows the largest one: it is raised as soon as that exceeds it, and lowered when it is this many
# times too large (far above, schemes lose accuracy).
_RAISE = 1.1
_EXCESS = 2.0


@dataclass
class Monitors:
    """What went on during a run that a reader of its results must know.

    Parameters
    ----------
    largest_clipped_share
        Largest share of cells, in one step, whose negative density the noise took for zero.
    largest_negative_share
        Largest share of cells with a negative density.
    lowest_density
        Lowest density seen (1/length^2).
    largest_spectral_tail
        Largest share of the densities' variance in the last third of the retained modes.
    mass_drift
        Largest relative change of a species' mass since the start.
    rejected_steps
        Steps that were taken again, shorter, because their error was above the tolerance.
    """

    largest_clipped_share: float = 0.0
    largest_negative_share: float = 0.0
    lowest_density: float = math.inf
    largest_spectral_tail: float = 0.0
    mass_drift: float = 0.0
    rejected_steps: float = 0


class FieldDynamics:
    """Hydrodynamics and noise, watched; an implementation of :class:`fieldsolver.marching.Dynamics`.

    Parameters
    ----------
    hydrodynamics
        The deterministic tendency.
    noise
        The random increments.
    time_step
        Fixed dt (time), which the noise needs; any number for deterministic runs.
    monitors
        Brought up to date with every state that the run reaches.
    maximum_clipped_share
        A noisy run stops when more than this share of cells has a negative density.

    Attributes
    ----------
    reference
        D*, shape (species,) (length^2/time): at least the largest D anywhere, and at most about twice that.
    """

    def __init__(
        self,
        hydrodynamics: Hydrodynamics,
        noise: FieldNoise,
        time_step: float,
        monitors: Monitors,
        maximum_clipped_share: float,
    ) -> None:
        self._hydrodynamics, self._noise, self._time_step = hydrodynamics, noise, time_step
        self._maximum_clipped_share = maximum_clipped_share
        self.monitors = monitors
        self.reference = np.zeros(hydrodynamics.model.number_of_species)

    def evaluate(self, state: ComplexArray, out: ComplexArray) -> None:
        """d state/dt; see :class:`fieldsolver.marching.Dynamics`."""
        self._seen = self._hydrodynamics.fields(state)
        self._hydrodynamics.tendency_of_fields(state, out)

    def follow(self) -> tuple[Array, Array] | None:
        """Monitors and reference diffusivity; see :class:`fieldsolver.marching.Dynamics`."""
        m = self.monitors
        m.largest_negative_share = max(m.largest_negative_share, float(self._seen.negative_share.max()))
        m.lowest_density = min(m.lowest_density, float(self._seen.lowest_density.min()))
        largest = self._seen.largest_diffusivity
        too_low, too_high = largest > self.reference, largest * _EXCESS < self.reference
        if not np.any(too_low | too_high):
            return None
        first = not np.any(self.reference)
        self.reference = np.where(too_low | too_high, largest * (1.0 if first else _RAISE), self.reference)
        return self.rates()

    def rates(self) -> tuple[Array, Array]:
        """Decay rates of all modes by translational diffusion, and by the reference diffusivity, each (species, ny, nkx)."""
        squares = self._hydrodynamics.grid.squared_wavenumber * self._hydrodynamics.retained
        exact = self._hydrodynamics.model.translational_diffusivities[:, None, None] * squares
        reference = self.reference[:, None, None] * squares
        self._noise.prepare(exact + reference, self._time_step)
        return exact, reference

    def noise(self, step: int) -> Noise | None:
        """Random increments of one step; see :class:`fieldsolver.marching.Dynamics`."""
        if self._noise.strength == 0.0:
            return None

        def increment(at: ComplexArray | None, out: ComplexArray) -> None:
            if at is not None:
                self._hydrodynamics.fields(at)
            self._watch_clipping(self._noise.draw(step, out), step * self._time_step)

        return increment

    def _watch_clipping(self, clipped: float, time: float) -> None:
        self.monitors.largest_clipped_share = max(self.monitors.largest_clipped_share, clipped)
        if clipped > self._maximum_clipped_share:
            raise NumericalFailure(
                f"{100 * clipped:.1f} % of the cells have a negative density at t = {time:g}, more than "
                f"fields.maximum_clipped_share = {self._maximum_clipped_share:g}: the noise is too strong for the number of "
                f"particles per coarse-graining cell; raise fields.noise_length (now {self._noise.length:g}) or the densities, "
                "or lower fields.noise"
            )
