r"""The default time step of the field solver, and what is stable.

Diffusion and decay are treated exactly or implicitly. What is left to the explicit part of a step, motility feedback,
transport of harmonics at the particles' speed, torques, has a fastest rate: the spectral radius of  F'(q) + c
(:mod:`fieldsolver.linearisation`); at order 0 that of  q^2 [M(q) - diag(D)]. The step is a fixed share of the inverse of the
largest such rate over the wavenumbers of the grid and over densities from a quarter of the composition to twice it, where the
patterns of a run dwell.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from fieldsolver.layout import Layout
from fieldsolver.linearisation import Linearised
from fieldsolver.modes import RetainedModes
from theory.errors import InputError
from theory.fourier import Grid
from theory.model import Model

Array = NDArray[np.float64]

# The explicit part is stable up to about 2 over the rate; this leaves room for densities beyond those sampled.
_SHARE = 0.5
_STABLE = 2.0
_LEVELS = (0.25, 0.5, 1.0, 1.5, 2.0)
# without any feedback nothing limits the step but the wish to see the relaxation at the box's scale
_RELAXATION_SHARE = 0.05
_WAVES = 64
# The rate of transport comes from the lowest degrees; higher ones add decay, which is not explicit.
_HIGHEST_ORDER = 2


def default_time_step(model: Model, composition: Array, grid: Grid, order: int = 0) -> float:
    """A stable and accurate time step for a run about a composition.

    Parameters
    ----------
    model
        The model.
    composition
        Mean densities, shape (species,) (1/length^d).
    grid
        The grid, which says what wavenumbers there are.
    order
        Of the equations.

    Returns
    -------
    float
        dt (time), rounded down to one digit of 1, 2, 5.
    """
    layout = _low_order(model, order)
    present = np.maximum(composition, 1e-12)
    densities = np.array(_levels(composition.size)).T * present[:, None]
    fastest = float(_rates(layout, densities, grid).max())
    slowest = 2.0 * np.pi / max(grid.size)
    diffusivity = model.speed(present) ** 2 * model.persistence_times / model.dimension + model.translational_diffusivities
    relaxation = _RELAXATION_SHARE / (float(diffusivity.max()) * slowest**2) if np.any(diffusivity) else np.inf
    return rounded_down(min(relaxation, _SHARE / fastest) if fastest > 0.0 else relaxation)


def stable_time_step(layout: Layout, densities: Array, grid: Grid) -> float:
    """The longest time step that keeps the explicit part stable at any of some densities, about (time).

    Parameters
    ----------
    layout
        The model at an order.
    densities
        Shape (species, state) (1/length^d); where one is not positive, or a speed is not, there is nothing to tell.
    grid
        The grid.

    Returns
    -------
    float
        Infinite where nothing limits it.
    """
    lowest = _low_order(layout.model, layout.order)
    positive = densities[:, np.all(densities > 0.0, axis=0)]
    try:
        fastest = float(_rates(lowest, positive, grid).max(initial=0.0))
    except InputError:
        return np.inf
    return _STABLE / fastest if fastest > 0.0 else np.inf


def rounded_down(step: float) -> float:
    """The next lower of 1, 2 and 5 times a power of ten."""
    decade = 10.0 ** np.floor(np.log10(step))
    return float(round(max(c for c in (1.0, 2.0, 5.0) if c * decade <= step * (1.0 + 1e-12)) * decade, 15))


def _low_order(model: Model, order: int) -> Layout:
    return Layout(model, min(order, _HIGHEST_ORDER), keep_density=False)


def _rates(layout: Layout, densities: Array, grid: Grid) -> Array:
    largest = float(np.max(RetainedModes(grid).wavenumber))
    q = np.unique(np.concatenate([np.linspace(0.0, largest, _WAVES)[1:], np.geomspace(largest / 100.0, largest, 24)]))
    return Linearised(layout, densities).explicit_rate(q)


def _levels(species: int) -> list[tuple[float, ...]]:
    if species <= 3:
        return list(itertools.product(_LEVELS, repeat=species))
    return [(level,) * species for level in _LEVELS]
