"""The dynamics of a run as the time steppers see it: tendency, noise, reference diffusivity, and monitors on the way."""

import numpy as np

from fieldsolver.layout import linear_part, reference_diffusivities
from fieldsolver.monitors import Monitors, inspect
from fieldsolver.noise import FieldNoise
from fieldsolver.righthandside import RightHandSide
from fieldsolver.steppers.base import Noise
from theory.arrays import Array, ComplexArray
from theory.errors import NumericalFailure

# The reference diffusivity follows the largest one: it is raised as soon as that exceeds it, and lowered when it is this many
# times too large (far above, schemes lose accuracy).
_RAISE = 1.1
_EXCESS = 2.0


class FieldDynamics:
    """Right-hand side and noise, watched; an implementation of :class:`fieldsolver.marching.Dynamics`.

    What is the same everywhere is exact in every scheme: translational diffusion, the decay of harmonics and of chemicals. The
    reference diffusivity stands for the largest stabilising part that is not: at order 0 the particles' own diffusivity v^2
    tau/d, at order K what the closure gives back to degree K, and for densities what repulsion does.

    Parameters
    ----------
    righthandside
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
        Shape (component,) (length^2/time): at least the largest such diffusivity anywhere, and at most about twice that.
    groups
        All harmonics of a species are one, each chemical is by itself, shape (component,).
    """

    def __init__(
        self,
        righthandside: RightHandSide,
        noise: FieldNoise,
        time_step: float,
        monitors: Monitors,
        maximum_clipped_share: float,
    ) -> None:
        self._righthandside, self._noise, self._time_step = righthandside, noise, time_step
        self._maximum_clipped_share = maximum_clipped_share
        self.monitors = monitors
        if noise.strength > 0.0:
            noise.prepare(time_step)
        layout = righthandside.layout
        self.reference = np.zeros(layout.components)
        harmonics = np.repeat(np.arange(layout.species), layout.basis.kept)
        self.groups = np.concatenate([harmonics, layout.species + np.arange(layout.components - layout.harmonics)])

    def evaluate(self, state: ComplexArray, out: ComplexArray) -> None:
        """d state/dt; see :class:`fieldsolver.marching.Dynamics`."""
        self._righthandside.evaluate(state, out)
        self._seen = self._righthandside.extremes()
        noise_length = self._noise.length if self._noise.strength > 0.0 else None
        inspect(self._righthandside, self._seen, self.monitors.stable_time_step, noise_length)

    def follow(self) -> tuple[Array, Array] | None:
        """Monitors and reference diffusivity; see :class:`fieldsolver.marching.Dynamics`."""
        self.monitors.see(self._seen)
        largest = reference_diffusivities(self._righthandside.layout, self._seen.fastest_speed, self._seen.highest_density)
        too_low, too_high = largest > self.reference, largest * _EXCESS < self.reference
        if not np.any(too_low | too_high) and np.any(self.reference):
            return None
        first = not np.any(self.reference)
        self.reference = np.where(too_low | too_high, largest * (1.0 if first else _RAISE), self.reference)
        return self.rates()

    def rates(self) -> tuple[Array, Array]:
        """Decay rates of all modes that are exact, and by the reference diffusivity, each (component, column, row)."""
        rates, diffusivities = linear_part(self._righthandside.layout)
        squares = self._righthandside.modes.squared_wavenumber
        exact = rates[:, None, None] + diffusivities[:, None, None] * squares
        reference = self.reference[:, None, None] * squares
        return exact, reference

    def noise(self, step: int) -> Noise | None:
        """Random increments of one step; see :class:`fieldsolver.marching.Dynamics`."""
        if self._noise.strength == 0.0:
            return None

        def increment(at: ComplexArray | None, out: ComplexArray) -> None:
            if at is not None:
                self._righthandside.survey(at)
            self._watch_clipping(float(self._righthandside.extremes().negative_share.max()), step * self._time_step)
            self._noise.draw(step, out)

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
