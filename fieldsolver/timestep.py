r"""The default time step of the field solver.

Diffusion is integrated exactly. What is left to the explicit part of a step is the motility feedback, whose rate for a
mode q is

    q^2 max_mn |D_m rho_m a_mn| Khat(q)   (spectral radius of q^2 [M(q) - diag(D)]).

The step is a fixed share of the inverse of the largest such rate over the wavenumbers of the grid and over densities from
a quarter of the composition to twice it, where the patterns of a run dwell.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from theory.fourier import Grid
from theory.linear_stability import HomogeneousState
from theory.model import Model

Array = NDArray[np.float64]

# the explicit part is stable up to about 2 over the rate; this leaves room for densities beyond those sampled
_SHARE = 0.5
_LEVELS = (0.25, 0.5, 1.0, 1.5, 2.0)
# without any feedback nothing limits the step but the wish to see the relaxation at the box's scale
_RELAXATION_SHARE = 0.05


def default_time_step(model: Model, composition: Array, grid: Grid) -> float:
    """A stable and accurate time step for a run about a composition.

    Parameters
    ----------
    model
        The model.
    composition
        Mean densities, shape (species,) (1/length^d).
    grid
        The grid, which says what wavenumbers there are.

    Returns
    -------
    float
        dt (time), rounded down to one digit of 1, 2, 5.
    """
    largest = float(np.max(grid.wavenumber * grid.retained()))
    q = np.linspace(0.0, largest, 400)[1:]
    rates = [_feedback_rate(model, levels * np.maximum(composition, 1e-12), q) for levels in _levels(composition.size)]
    fastest = max(rates)
    slowest_mode = 2.0 * np.pi / max(grid.size)
    diffusivity = HomogeneousState.of(model, np.maximum(composition, 1e-12)).total_diffusivities.max()
    relaxation = _RELAXATION_SHARE / (diffusivity * slowest_mode**2)
    step = min(relaxation, _SHARE / fastest) if fastest > 0.0 else relaxation
    decade = 10.0 ** np.floor(np.log10(step))
    return float(round(max(c for c in (1.0, 2.0, 5.0) if c * decade <= step * (1.0 + 1e-12)) * decade, 15))


def _levels(species: int) -> list[Array]:
    if species <= 3:
        return [np.array(levels) for levels in itertools.product(_LEVELS, repeat=species)]
    return [np.full(species, level) for level in _LEVELS]


def _feedback_rate(model: Model, densities: Array, q: Array) -> float:
    state = HomogeneousState.of(model, densities)
    feedback = state.matrix(q) - np.diag(state.total_diffusivities)
    return float(np.max(q**2 * np.abs(np.linalg.eigvals(feedback)).max(axis=-1)))
