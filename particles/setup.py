"""What follows from the arguments of a particle engine before it is put together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from particles.mesh import grid_for
from particles.neighbours import SlabOrder
from particles.perception import Perception
from particles.state import Particles
from theory.arrays import Array
from theory.errors import InputError
from theory.fourier import Grid
from theory.model import Model

# Cells of the output grid per sensing range, unless it is given.
_OUTPUT_CELLS_PER_RANGE = 4.0
# Cells of the output grid per mean distance of particles, where they sense nothing.
_OUTPUT_CELLS_PER_DISTANCE = 0.5
_LARGEST_SEED = 2**64 - 1
# Particles in a slab, where nothing but the units of parallel work depends on it.
_PARTICLES_PER_SLAB = 256
# The same with pair forces, of which few particles are enough work for several threads.
_INTERACTING_PER_SLAB = 16


def checked_size(model: Model, size: ArrayLike) -> Array:
    """Edges of the box, shape (dimension,) (length).

    Raises
    ------
    InputError
        They are not as many as the model has dimensions, or not positive and finite.
    """
    edges = np.array(size, dtype=np.float64)
    if edges.shape != (model.dimension,) or not np.all(np.isfinite(edges) & (edges > 0.0)):
        axes = ", ".join(("x", "y", "z")[: model.dimension])
        raise InputError(f"size is {size!r}; it must be {model.dimension} positive, finite edges ({axes})")
    return edges


def check_arguments(time_step: float, integrator: str, seed: int, threads: int, minimum_distance: float) -> None:
    """Refuse arguments out of their ranges.

    Raises
    ------
    InputError
        One is; the message says which.
    """
    if not (np.isfinite(time_step) and time_step > 0.0):
        raise InputError(f"time_step is {time_step}; it must be positive and finite")
    if integrator not in ("midpoint", "euler"):
        raise InputError(f'integrator is \'{integrator}\'; it must be "midpoint" or "euler"')
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"seed is {seed}; it must be from 0 to {_LARGEST_SEED}")
    if threads < 1:
        raise InputError(f"threads is {threads}; it must be at least 1")
    if not (np.isfinite(minimum_distance) and minimum_distance >= 0.0):
        raise InputError(f"minimum_distance is {minimum_distance}; it must be finite and not negative")


def needs_middle(model: Model, integrator: str) -> bool:
    """Whether steps predict their middle: constant speeds that feel nothing are the same there."""
    feels = bool(model.interactions) or bool(np.any(model.senses)) or bool(model.chemicals)
    return integrator == "midpoint" and feels


def new_order(model: Model, size: Array, particles: Particles, perception: Perception) -> SlabOrder:
    """Storage sorted as what particles read and feel needs it."""
    across = (1,) * (size.size - 1)
    if perception.mesh is not None:
        cells = perception.mesh.mesh.grid.shape
        # particles of a row of the mesh stay unsorted: the row itself lies in the cache
        return SlabOrder(size, (*cells[:-1], 1) if across else cells, particles.offsets)
    interacts = bool(model.interactions)
    slabs = max(1, particles.number // (_INTERACTING_PER_SLAB if interacts else _PARTICLES_PER_SLAB))
    if perception.exact is not None:
        slabs = max(1, min(slabs, int(size[-1] / perception.exact.line)))
    return SlabOrder(size, (slabs, *across), particles.offsets, keep=interacts or perception.exact is not None)


def new_output_grid(model: Model, size: Array, particles: int, cells: Sequence[int] | None) -> Grid:
    """Grid of the densities in frames, of given numbers of cells (x, y, ...) or of those that suit the model.

    Raises
    ------
    InputError
        The numbers are not as many as the box has edges, or not those of a grid.
    """
    if cells is not None:
        if len(cells) != size.size:
            raise InputError(f"output_grid has {len(cells)} numbers; the box has {size.size} edges")
        return Grid(tuple(size.tolist()), tuple(int(number) for number in reversed(cells)))
    if np.any(model.senses):
        return grid_for(size, float(np.min(model.sensing_ranges)) / _OUTPUT_CELLS_PER_RANGE)
    distance = (float(np.prod(size)) / particles) ** (1.0 / size.size)
    return grid_for(size, distance / _OUTPUT_CELLS_PER_DISTANCE)
