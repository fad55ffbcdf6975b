"""Initial places that keep a distance from each other: for particles that repel each other strongly.

Up to moderate densities particles are inserted one after the other, each at the first of its random places that is far enough
from all others. Inserted spheres come to a stop at a covered fraction of 0.748, 0.547 and 0.384 in one, two and three
dimensions (A. Renyi, Sel. Transl. Math. Stat. Probab. 4, 203 (1963); J. Feder, J. Theor. Biol. 87, 237 (1980)). Denser
particles start from random sites of the densest lattice that fits, moved at random as far as the distance allows.
"""

import itertools
import math
from typing import Any

import numpy as np

from particles._separation_loops import insert
from theory.arrays import Array, Integers
from theory.counter_random import Stream, uniform_pairs
from theory.errors import InputError

# fractions that insertion covers quickly: two thirds of those at which it stops
_EASY = {1: 0.5, 2: 0.36, 3: 0.25}
_ATTEMPTS = 100_000
# cells in which inserted particles are looked up, one number each: half a gigabyte, or thirty-two for a particle
_CELLS, _CELLS_PER_PARTICLE = 2**26, 32
# volumes of spheres of unit diameter
_SPHERES = {1: 1.0, 2: math.pi / 4.0, 3: math.pi / 6.0}
# sites in the rectangular unit cell of the densest lattice, and its edges (x, y, z) at unit distance between sites
_SITES = {
    1: np.array([[0.0]]),
    2: np.array([[0.0, 0.0], [0.5, 0.5]]),
    3: np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]),
}
_EDGES = {1: (1.0,), 2: (1.0, math.sqrt(3.0)), 3: (math.sqrt(2.0),) * 3}


def separated_positions(size: Array, offsets: Integers, distance: float, seed: int, profile: Array | None = None) -> Array:
    """Random positions with a least distance between any two particles.

    Parameters
    ----------
    size
        Edges of the box, shape (dimension,) (length).
    offsets
        Where each species begins among the permanent numbers, shape (species + 1,).
    distance
        Least distance (length), across the periodic boundaries too.
    seed
        Key of the random numbers.
    profile
        Where particles are likely: shape (species, [z,] [y,] x), not negative, constant within each cell; by default uniform.

    Returns
    -------
    ndarray
        Shape (dimension, particle) (length).

    Raises
    ------
    InputError
        There is not enough room, or the distance is so short that it takes too much memory.
    """
    d, count = size.size, int(offsets[-1])
    covered = count * _SPHERES[d] * distance**d / float(np.prod(size))
    if profile is None and covered > _EASY[d]:
        return _on_lattice(size, count, distance, seed)
    # strictly below the distance over the square root of d, so that no two particles share a cell
    cells = np.floor(size * math.sqrt(d) / distance).astype(np.int64) + 1
    _check_cells(size, cells, count, distance)
    held = np.full(int(np.prod(cells)), -1, dtype=np.int64)
    weights = np.ones((offsets.size - 1, *(1,) * d)) if profile is None else profile
    cumulative = np.cumsum(weights.reshape(weights.shape[0], -1), axis=1)
    shape = np.array(weights.shape[1:], dtype=np.int64)
    positions = np.empty((d, count))
    key: Any = np.uint64(seed)
    placed = insert(key, _ATTEMPTS, distance, offsets, size, cells, (shape, cumulative), held, positions)
    if placed < count:
        raise InputError(
            f"there is room for {placed} of {count} particles {distance:g} apart or more; lower minimum_distance, lower the "
            "initial densities where they are high, or start from a homogeneous state"
        )
    return positions


def _check_cells(size: Array, cells: Integers, count: int, distance: float) -> None:
    # in floating point, where nothing overflows
    needed, most = float(np.prod(cells.astype(np.float64))), max(_CELLS, _CELLS_PER_PARTICLE * count)
    if needed > most:
        least = distance * (needed / most) ** (1.0 / size.size)
        raise InputError(
            f"minimum_distance is {distance:g}: to look for particles so near to each other takes {needed:.2g} cells; set it "
            f"to 0, or to {1.01 * least:.3g} or more"
        )


def _on_lattice(size: Array, count: int, distance: float, seed: int) -> Array:
    """Random sites of the densest lattice that fits, moved at random by no more than keeps the distance."""
    d = size.size
    shape, apart = _fitting_lattice(size, count)
    if apart < distance:
        raise InputError(
            f"{count} particles in a box of {size.tolist()} cannot be {distance:g} apart: a lattice leaves {apart:.4g}; "
            "lower minimum_distance or the density"
        )
    corners = np.stack(np.meshgrid(*(np.arange(cells) for cells in shape), indexing="ij"), axis=-1).reshape(-1, 1, d)
    sites = ((corners + _SITES[d]) / np.array(shape)).reshape(-1, d).T * size[:, None]
    order = np.argsort(uniform_pairs(seed, Stream.INITIAL_POSITION, 1, sites.shape[1])[0], kind="stable")[:count]
    moves = np.concatenate([uniform_pairs(seed, Stream.INITIAL_POSITION, step, count) for step in (0, 2)])[:d]
    positions = sites[:, order] + (apart - distance) / math.sqrt(d) * (moves - 0.5)
    wrapped = positions - size[:, None] * np.floor(positions / size[:, None])
    return np.asarray(np.minimum(wrapped, np.nextafter(size, 0.0)[:, None]))


def _fitting_lattice(size: Array, count: int) -> tuple[tuple[int, ...], float]:
    """Numbers of unit cells along x, y, z with at least ``count`` sites, and the distance between sites (length)."""
    d = size.size
    sites = len(_SITES[d])
    unit = (float(np.prod(size)) * sites / count / float(np.prod(_EDGES[d]))) ** (1.0 / d)
    ideal = [edge / (unit * own) for edge, own in zip(size, _EDGES[d], strict=True)]
    best, apart = (1,) * d, 0.0
    for shape in itertools.product(*(range(max(1, int(n) - 2), int(n) + 4) for n in ideal)):
        if sites * math.prod(shape) < count:
            continue
        edges = size / np.array(shape)
        near = [*edges, *(math.hypot(*pair) / 2.0 for pair in itertools.combinations(edges, 2))]
        if min(near) > apart:
            best, apart = shape, min(near)
    return best, apart
