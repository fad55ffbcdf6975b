"""Densities on the sites of a line that hop between them with the noise of [S1] Eq. 5, by Euler-Maruyama.

Many lines side by side, as rows of a field (species, line, site), sample faster; sites are one length apart, and lines do not
see each other. Speeds follow from the site alone: log v_m = s tanh((rho_m/N - 1)/w) + k_m tanh((rho_n/N - 1)/w).
"""

import numpy as np

from tests.theory.models import RUN
from theory import Model, Sensing, Species
from theory.fourier import Array, Grid
from theory.path_entropy import EntropyEstimate, PathEntropy

SITES, SELF, WIDTH = 32, -0.1, 0.5


def model(number: float, couplings: tuple[float, float]) -> Model:
    """Two species with N particles per site each, D = 1 (in two dimensions, as the lines lie in a plane)."""

    def speed(own: str, other: str, coupling: float) -> str:
        return f"sqrt(2)*exp({SELF}*tanh(({own}/{number} - 1)/{WIDTH}) + {coupling}*tanh(({other}/{number} - 1)/{WIDTH}))"

    laws = (speed("A", "B", couplings[0]), speed("B", "A", couplings[1]))
    return Model(2, [Species(name, RUN, law) for name, law in zip("AB", laws, strict=True)], sensing=Sensing("local"))


class Lines:
    """The state, and its steps.

    Parameters
    ----------
    number
        N, particles per site and species.
    couplings
        k of both species.
    time_step
        dt.
    lines
        Number of lines.
    seed
        Of the random numbers.
    """

    def __init__(self, number: float, couplings: tuple[float, float], time_step: float, lines: int, seed: int) -> None:
        self.number, self.time_step, self.lines = number, time_step, lines
        self._couplings = np.array(couplings)[:, None, None]
        self._random = np.random.default_rng(seed)
        start = self._random.poisson(number, size=(2, lines, SITES)).astype(float)
        self.density = start * (number / start.mean(axis=-1, keepdims=True))

    @property
    def _filled(self) -> Array:
        return np.maximum(self.density, 1e-3 * self.number)

    @property
    def _log_speed(self) -> Array:
        bent = np.tanh((self.density / self.number - 1.0) / WIDTH)
        return np.asarray(SELF * bent + self._couplings * bent[::-1])

    @property
    def potential(self) -> Array:
        """u = log rho + log v, shape (species, line, site)."""
        return np.asarray(np.log(self._filled) + self._log_speed)

    def step(self) -> None:
        rho, dt, potential = self.density, self.time_step, self.potential
        mobility = np.exp(2.0 * self._log_speed) * self._filled
        between = 0.5 * (mobility + np.roll(mobility, -1, axis=-1))
        noise = np.sqrt(2.0 * between / dt) * self._random.normal(size=rho.shape)
        flux = -between * (np.roll(potential, -1, axis=-1) - potential) + noise
        self.density = rho - dt * (flux - np.roll(flux, 1, axis=-1))


def measured(
    number: float, couplings: tuple[float, float], *, time: float, lines: int = 64, time_step: float = 0.01, seed: int = 1
) -> EntropyEstimate:
    """Entropy production of all lines together, after 20 units of time that are not looked at."""
    state = Lines(number, couplings, time_step, lines, seed)
    for _ in range(round(20.0 / time_step)):
        state.step()
    found = PathEntropy(model(number, couplings), Grid((float(SITES), float(lines)), (lines, SITES)), largest_clipped_share=0.2)
    for n in range(round(time / time_step)):
        before = state.density
        state.step()
        found.accumulate(n * time_step, before, (n + 1) * time_step, state.density)
    return found.result()
