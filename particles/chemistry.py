r"""Chemicals that particles make, as Fourier modes on the mesh.

Continuous law ([S1], below Eq. 15):  d_t c = Dc lap c - gamma c + \sum_\mu beta_\mu rho_\mu.  In a step the densities are
those in its middle; with them every mode is integrated exactly,

    c_q(t + h) = exp(-a h) c_q(t) + [1 - exp(-a h)]/a \sum_\mu beta_\mu rho_\mu,q,    a = gamma + Dc q^2,

to the middle of the step, h = dt/2, where particles feel the gradient, and to its end. In the adiabatic limit
c_q = \sum_\mu beta_\mu rho_\mu,q/a at once. Sources are smoothed, see :mod:`particles.mesh`: beyond six cells of the mesh the
gradient around a particle errs by less than 2 % of itself.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from particles import _chemistry_loops
from particles.mesh import smoothing
from theory.arrays import Array, ComplexArray
from theory.fourier import Grid, complex_array
from theory.model import Model
from theory.observables import deposit_window


class Chemistry:
    """The concentrations of all chemicals, and the modes of what particles read of them.

    Parameters
    ----------
    model
        Chemicals, and who makes them.
    grid
        The mesh.
    time_step
        dt (time).
    middle
        Whether steps take fields from their middle; else from their start.

    Attributes
    ----------
    modes
        Transforms of the concentrations at the present time, not normalised, shape (chemical, mode); of those in the adiabatic
        limit at the time of the last step.
    seen
        The same as last looked at.
    """

    def __init__(self, model: Model, grid: Grid, time_step: float, *, middle: bool) -> None:
        self._production = model.production
        self._decays = np.array([one.decay_rate > 0.0 for one in model.chemicals])
        self._adiabatic = np.array([one.adiabatic for one in model.chemicals])
        window = deposit_window(grid).ravel()
        self._source = smoothing(grid).ravel() / window
        self._rates = np.stack([c.decay_rate + c.diffusivity * grid.squared_wavenumber.ravel() for c in model.chemicals])
        self._now = self._coefficients(0.0)
        self._middle = self._coefficients(0.5 * time_step) if middle else self._now
        self._end = self._coefficients(time_step)
        self._read = 1.0 / (window * grid.cells)
        self._along = [np.broadcast_to(k, grid.spectral_shape).ravel() * self._read for k in grid.derivative]
        self.modes: ComplexArray = complex_array(len(model.chemicals), window.size)
        self.seen: ComplexArray = complex_array(len(model.chemicals), window.size)

    def _coefficients(self, duration: float) -> tuple[Array, Array]:
        """(decay, gain) of each chemical and mode over a duration (time)."""
        rates = self._rates
        decay, gain = np.exp(-rates * duration), np.full_like(rates, duration)
        decays = rates > 0.0
        gain[decays] = -np.expm1(-rates[decays] * duration) / rates[decays]
        decay[self._adiabatic] = 0.0
        gain[self._adiabatic] = 1.0 / rates[self._adiabatic]
        return decay, gain * self._source

    @property
    def evolves(self) -> bool:
        """Whether a concentration has a dynamics of its own."""
        return not bool(np.all(self._adiabatic))

    def begin(self, spectra: ComplexArray) -> None:
        """Start from the steady concentrations of given densities; chemicals that do not decay start at zero."""
        decaying = np.broadcast_to(self._decays[:, None], self._rates.shape)
        steady = np.divide(1.0, self._rates, out=np.zeros_like(self._rates), where=decaying)
        self._relax((np.zeros_like(steady), steady * self._source), spectra, self.modes, self.modes)

    def _relax(self, coefficients: tuple[Array, Array], spectra: ComplexArray, old: ComplexArray, new: ComplexArray) -> None:
        decay, gain = coefficients
        _chemistry_loops.relax(decay, gain, self._production, _real(spectra), _real(old), _real(new))

    def look(self, spectra: ComplexArray, *, now: bool) -> None:
        """Work out the concentrations that are read next: those of the present, or of the middle of the step.

        Parameters
        ----------
        spectra
            Transforms of the deposited densities, of the same time, shape (species, mode).
        now
            Whether those of the present are wanted.
        """
        self._relax(self._now if now else self._middle, spectra, self.modes, self.seen)

    def advance(self, spectra: ComplexArray) -> None:
        """Concentrations at the end of the step, by the densities of its middle."""
        self._relax(self._end, spectra, self.modes, self.modes)

    def concentration(self, chemical: int, target: ComplexArray) -> None:
        """Modes, as a mesh transforms them back, of the concentration last looked at, shape (mode,)."""
        _chemistry_loops.scale(self._read, _real(self.seen[chemical]), _real(target))

    def gradient(self, chemical: int, axis: int, target: ComplexArray) -> None:
        """Modes of a component of its gradient, shape (mode,)."""
        _chemistry_loops.differentiate(self._along[axis], _real(self.seen[chemical]), _real(target))

    def state(self) -> dict[str, NDArray[Any]]:
        """The concentrations of the time-dependent chemicals, as real and imaginary parts."""
        return {} if not self.evolves else {"concentration_modes": _real(self.modes).copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Return to a state."""
        if self.evolves:
            _real(self.modes)[:] = state["concentration_modes"].reshape(_real(self.modes).shape)


def _real(modes: ComplexArray) -> Array:
    """The same memory as real and imaginary parts in turn."""
    return modes.view(np.float64)
