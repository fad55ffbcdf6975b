"""Fluctuations where diffusivities differ fifty-fold from place to place: what the time step makes of them, without sampling.

The speed of A depends on an immobile species B alone. Particles of A are then independent, and their density fluctuates about
the steady state without flux, rho v constant, as <drho(x) drho(x')> = rho(x) delta(x - x'). The equations of A are linear: a
step maps deviations linearly, and the stationary covariance of the scheme follows from its matrices.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov

from fieldsolver import FieldSolver
from fieldsolver.steppers import STEPPERS
from tests.theory.models import RUN
from theory import Model, Sensing, Species
from theory.fourier import Grid

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

LENGTH, CELLS = 16.0, 64
X = Grid((LENGTH,), (CELLS,)).coordinates("x")
MODEL = Model(
    1, [Species("A", RUN, "exp(-1 - tanh((B - 50)/10))"), Species("B", RUN, "0")], sensing=Sensing("gaussian", 0.5)
)  # fmt: skip


def _landscape() -> tuple[Array, Array]:
    """Densities of A and B, and the speed of A."""
    b = 50.0 + 30.0 * np.cos(2.0 * np.pi * X / LENGTH)
    sensed = 50.0 + 30.0 * np.exp(-0.5 * (0.5 * 2.0 * np.pi / LENGTH) ** 2) * np.cos(2.0 * np.pi * X / LENGTH)
    speed = np.exp(-1.0 - np.tanh((sensed - 50.0) / 10.0))
    return np.stack([100.0 / speed / np.mean(1.0 / speed), b]), speed


class _LinearSteps:
    """The linear map of a step about the steady state, in the real and imaginary parts of the modes of A."""

    def __init__(self, scheme: str, time_step: float) -> None:
        density, self.speed = _landscape()
        self.solver = FieldSolver(MODEL, (LENGTH,), density, noise=1.0, noise_length=1.0, time_step=time_step)
        self.density, self.time_step = self.solver.density[0], time_step
        self._scheme, self._state = scheme, self.solver._march.state
        self.waves = self._state.shape[1] - 1
        self._tendency(self._state)
        rates = self.solver._dynamics.follow()
        assert rates is not None
        self._rates = rates

    def _tendency(self, state: Complex) -> Complex:
        out = np.empty_like(state)
        self.solver._dynamics.evaluate(state, out)
        return out

    def _after(self, now: Complex, before: Complex, increment: Complex, earlier_increment: Complex) -> Array:
        stepper = STEPPERS[self._scheme](self._state.shape, self._state.dtype)
        state, earlier = self._state + now, self._state + before
        stepper.restore(
            {
                "earlier_state": earlier,
                "earlier_tendency": self._tendency(earlier),
                "earlier_time_step": np.array(self.time_step),
                "earlier_increment": earlier_increment,
            }
        )
        stepper.prepare(*self._rates, self.time_step)
        out = np.empty_like(state)
        evaluate = self.solver._dynamics.evaluate
        stepper.step(state, self._tendency(state), evaluate, lambda at, xi: np.copyto(xi, increment), out)
        return np.concatenate([out[0, 1:, 0].real, out[0, 1:, 0].imag])

    def matrices(self) -> list[Array]:
        """How the state, the state before, the increment and the one before enter, each (2 waves, 2 waves)."""
        nothing = np.zeros_like(self._state)
        rest = self._after(nothing, nothing, nothing, nothing)
        found = []
        for place in range(4):
            columns = []
            for part in np.eye(2 * self.waves):
                arguments = [nothing] * 4
                arguments[place] = np.zeros_like(self._state)
                arguments[place][0, 1:, 0] = part[: self.waves] + 1j * part[self.waves :]
                columns.append(self._after(*arguments) - rest)
            found.append(np.array(columns).T)
        return found

    def covariance(self) -> Array:
        """Stationary covariance of the modes."""
        state, before, increment, earlier = self.matrices()
        size = 2 * self.waves
        gain = np.block([[state, before, earlier], [np.eye(size), np.zeros((size, 2 * size))], [np.zeros((size, 3 * size))]])
        kicks = np.vstack([increment, np.zeros((size, size)), np.eye(size)])
        return np.asarray(solve_discrete_lyapunov(gain, kicks @ self._noise() @ kicks.T)[:size, :size])

    def _noise(self) -> Array:
        """Covariance of the increments: the divergence of fluxes of the variance 2 D rho/(a dt) in each cell, D = v^2."""
        spacing = LENGTH / CELLS
        k = self.solver._righthandside.modes.wavenumber_x
        band = self.solver._noise.band[:, 0]
        flux = np.sqrt(2.0 * self.speed**2 * self.density / (spacing * self.time_step))
        forced = self.time_step * (band * 1j * k)[:, None] * np.exp(-1j * np.outer(k, np.arange(CELLS) * spacing)) * flux
        rows = np.concatenate([forced[1:].real, forced[1:].imag])
        return np.asarray(rows @ rows.T)


def _ratios(scheme: str, time_step: float) -> Array:
    """Variance over the exact one of the numbers of particles in three windows: in the slow, the middle, and the fast part."""
    steps = _LinearSteps(scheme, time_step)
    covariance, ratios = steps.covariance(), []
    missing = CELLS // 2 - steps.waves
    units = np.eye(2 * steps.waves)
    basis = np.array([np.fft.irfft(np.pad(one[: steps.waves] + 1j * one[steps.waves :], (1, missing)), CELLS) for one in units])
    band = np.pad(steps.solver._noise.band[:, 0], (0, missing))
    spacing = LENGTH / CELLS
    for centre in (0.0, 4.0, 8.0):
        distance = (X - centre + 0.5 * LENGTH) % LENGTH - 0.5 * LENGTH
        window = np.fft.irfft(np.fft.rfft(np.exp(-0.5 * (distance / 0.8) ** 2)) * band, CELLS)
        # of independent particles, whose number in the box is fixed
        rho, weight = steps.density, window * spacing
        exact = np.sum(window * weight * rho) - np.sum(weight * rho) ** 2 / (spacing * rho.sum())
        seen = basis @ weight
        ratios.append(seen @ covariance @ seen / exact)
    return np.array(ratios)


# largest error of a variance at D* q^2 dt = 1.8 at the end of the noise's band; the modes that are not kept are 0.7 % of it
@pytest.mark.parametrize(
    ("scheme", "smallest", "largest"),
    [("exponential_adams", 0.0, 0.008), ("etdrk2", 0.005, 0.012), ("exponential_euler", 0.06, 0.12)],
)
def test_variances_in_a_landscape_of_diffusivities(scheme: str, smallest: float, largest: float) -> None:
    _, speed = _landscape()
    assert (speed.max() / speed.min()) ** 2 > 50.0
    error = np.max(np.abs(_ratios(scheme, 0.2) - 1.0))
    assert smallest < error < largest


@pytest.mark.parametrize(("scheme", "order"), [("exponential_adams", 2), ("etdrk2", 2), ("exponential_euler", 1)])
def test_order_of_the_variances(scheme: str, order: int) -> None:
    """Halving the step divides the change of all three variances by 2^order."""
    coarse, middle, fine = (_ratios(scheme, dt) for dt in (0.04, 0.02, 0.01))
    changes = np.abs(coarse - middle).sum(), np.abs(middle - fine).sum()
    assert np.log2(changes[0] / changes[1]) > order - 0.35
