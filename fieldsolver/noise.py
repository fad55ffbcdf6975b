r"""The noise of the fluctuating hydrodynamics: div[ sqrt(2 (D + Dt) rho) Lambda ], band-limited.

In a step dt the random flux of a cell of volume a^d has the variance 2 (D + Dt) rho / (a^d dt) per component, as a white noise
has on that grid. It is drawn in real space, where it is multiplicative, and its divergence is weighted mode by mode with the
exact variance of a decaying mode. Modes beyond pi over the coarse-graining length, which a grid of that spacing would not hold,
receive none: there a cell holds few particles and a fluctuating density has no meaning.
"""

import math

import numpy as np

from fieldsolver import _loops
from fieldsolver.hydrodynamics import Hydrodynamics
from fieldsolver.steppers import noise_weight
from theory.counter_random import Stream
from theory.errors import InputError
from theory.fourier import Array, ComplexArray


class FieldNoise:
    """Random increments of the densities.

    Parameters
    ----------
    hydrodynamics
        Whose fields set the amplitude.
    strength
        Factor of the noise's variance: 1 is the noise of the particles, 0 none.
    length
        Coarse-graining length (length).
    seed
        Key of the random numbers.

    Raises
    ------
    InputError
        The strength is negative or the length not positive.
    """

    def __init__(self, hydrodynamics: Hydrodynamics, strength: float, length: float, seed: int) -> None:
        if not (math.isfinite(strength) and strength >= 0.0):
            raise InputError(f"fields.noise is {strength}; it must be finite and not negative")
        if strength > 0.0 and not (math.isfinite(length) and length > 0.0):
            raise InputError(f"fields.noise_length is {length}; it must be positive (there is no sensing range to take for it)")
        self._hydrodynamics = hydrodynamics
        self.strength, self.length, self._seed = strength, length, seed
        grid = hydrodynamics.grid
        band = hydrodynamics.retained.astype(bool)
        if strength > 0.0:
            band &= grid.wavenumber <= np.pi / length * (1.0 + 1e-12)
        self.band = band
        blocks = -(-grid.cells // _loops.BLOCK)
        self._clipped = np.zeros((hydrodynamics.model.number_of_species, blocks), dtype=np.int64)
        self._weights: Array = np.zeros((0,))
        self._time_step = 0.0

    def prepare(self, rates: Array, time_step: float) -> None:
        """Set the weights of the modes for these decay rates (species, ny, nkx) and time step."""
        self._time_step = time_step
        if self.strength > 0.0:
            self._weights = np.ascontiguousarray(noise_weight(rates, time_step) * self.band)

    def draw(self, step: int, out: ComplexArray) -> float:
        """The increment of one step, from the fields that the hydrodynamics holds.

        Parameters
        ----------
        step
            Number of the step, which counts the random numbers.
        out
            Shape (species, ny, nkx), overwritten; left alone where the strength is 0.

        Returns
        -------
        float
            Share of cells whose density was negative and was taken for zero, the largest over the species.
        """
        if self.strength == 0.0:
            return 0.0
        h = self._hydrodynamics
        variance = 2.0 * self.strength / (h.grid.cell_volume * self._time_step)
        _loops.noise_flux(
            np.uint64(self._seed), np.uint64(Stream.FIELD_NOISE), np.uint64(step), variance, h.persistence,
            h.model.translational_diffusivities, h.flatten(h.speed), h.flatten(h.density), h.flatten(h.flux), self._clipped,
        )  # fmt: skip
        h.transform_flux()
        _loops.noise_divergence(h.kx, h.ky, self._weights, h.flux_hat, out)
        return float(self._clipped.sum(axis=1).max()) / h.grid.cells
