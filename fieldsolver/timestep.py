r"""The default time step of the field solver, and what is stable.

Diffusion and decay are treated exactly or implicitly. What is left to the explicit part of a step, motility feedback, transport
of harmonics at the particles' speed, torques, has a fastest rate: the spectral radius of  A(q) + c,  A the moment matrix
(:mod:`theory.hierarchy`) and c the decay that is split off; at order 0 that of  q^2 [M(q) - diag(D + Dt)].  The step is a fixed
share of the inverse of the largest such rate over the wavenumbers of the grid and over densities from a quarter of the
composition to twice it, where the patterns of a run dwell.
"""

import itertools

import numpy as np

from fieldsolver.layout import Layout, linear_part, reference_diffusivities
from fieldsolver.modes import RetainedModes
from theory.arrays import Array
from theory.errors import InputError
from theory.fourier import Grid
from theory.hierarchy import moment_matrix, transverse_matrix
from theory.homogeneous import HomogeneousState
from theory.model import Model

# The explicit part is stable up to about 2 over the rate; this leaves room for densities beyond those sampled. Transport of
# harmonics turns phases, where errors are those of accuracy: half of that again, for fluctuations right to a per cent.
_SHARE, _SHARE_OF_TRANSPORT = 0.5, 0.25
_STABLE = 2.0
_LEVELS = (0.25, 0.5, 1.0, 1.5, 2.0)
# without any feedback nothing limits the step but the wish to see the relaxation at the box's scale
_RELAXATION_SHARE = 0.05
_WAVES = 48
# The rate of transport is that of the lowest degrees; higher ones add decay, which is not explicit.
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

    Raises
    ------
    InputError
        There is no default: a speed vanishes at one of the densities.
    """
    layout = Layout(model, min(order, _HIGHEST_ORDER), keep_density=False)
    q = _wavenumbers(grid)
    present = np.maximum(composition, 1e-12)
    fastest = max(explicit_rate(layout, np.array(levels) * present, q) for levels in _levels(present.size))
    state = HomogeneousState.of(model, present)
    slowest = 2.0 * np.pi / max(grid.size)
    relaxation = _RELAXATION_SHARE / (float(state.total_diffusivities.max()) * slowest**2)
    share = _SHARE if order == 0 else _SHARE_OF_TRANSPORT
    return rounded_down(min(relaxation, share / fastest) if fastest > 0.0 else relaxation)


def stable_time_step(layout: Layout, densities: Array, grid: Grid) -> float:
    """The longest time step that keeps the explicit part stable at any of some densities, about (time).

    Parameters
    ----------
    layout
        The model at an order.
    densities
        Shape (species, sample) (1/length^d); where one is not positive, or linear theory has nothing to say, it is left out.
    grid
        The grid.

    Returns
    -------
    float
        Infinite where nothing limits it.
    """
    lowest = Layout(layout.model, min(layout.order, _HIGHEST_ORDER), keep_density=False)
    q = _wavenumbers(grid)
    fastest = 0.0
    for sample in densities.T:
        try:
            fastest = max(fastest, explicit_rate(lowest, sample, q))
        except InputError:
            # a density that is negative, or so high that a closure fails: other monitors tell of these
            continue
    return _STABLE / fastest if fastest > 0.0 else np.inf


def explicit_rate(layout: Layout, densities: Array, q: Array) -> float:
    """Fastest rate of what the steppers treat explicitly, about a homogeneous mixture (1/time).

    Parameters
    ----------
    layout
        The model at an order.
    densities
        Shape (species,) (1/length^d).
    q
        Wavenumbers, shape (wave,) (1/length).

    Raises
    ------
    InputError
        Linear theory has nothing to say: a density or a speed is not positive, or the closure fails.
    """
    state = HomogeneousState.of(layout.model, densities)
    rates, diffusivities = linear_part(layout)
    diffusivities = diffusivities + reference_diffusivities(layout, state.speeds, state.densities)
    split = rates + diffusivities * q[:, None] ** 2
    # the first function of a degree is that along the wave; one degree after the other, then the chemicals, as there
    along = [int(np.argmax(layout.basis.degrees == degree)) for degree in range(layout.order + 1)]
    rows = [layout.component(s, a) for a in along for s in range(layout.species)]
    chemicals = [layout.chemical_component(p) for p in layout.dynamic_chemicals]
    fastest = _radius(moment_matrix(state, q, layout.order), split[:, rows + chemicals])
    if layout.pairs.turn:
        across = rows[layout.species :]
        fastest = max(fastest, _radius(transverse_matrix(state, q, layout.order), split[:, across]))
    return fastest


def _radius(matrix: Array, split: Array) -> float:
    explicit = matrix + split[:, :, None] * np.eye(split.shape[1])
    return float(np.abs(np.linalg.eigvals(explicit)).max())


def rounded_down(step: float) -> float:
    """The next lower of 1, 2 and 5 times a power of ten."""
    decade = 10.0 ** np.floor(np.log10(step))
    return float(round(max(c for c in (1.0, 2.0, 5.0) if c * decade <= step * (1.0 + 1e-12)) * decade, 15))


def _wavenumbers(grid: Grid) -> Array:
    return np.linspace(0.0, float(RetainedModes(grid).wavenumber.max()), _WAVES + 1)[1:]


def _levels(species: int) -> list[tuple[float, ...]]:
    if species <= 3:
        return list(itertools.product(_LEVELS, repeat=species))
    return [(level,) * species for level in _LEVELS]
