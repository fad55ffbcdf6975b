"""Pair forces and torques by summing over all pairs and all periodic images: slow, short, and independent of the engine."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from theory.model import Model

Array = NDArray[np.float64]


def all_pairs(
    model: Model, size: Array, positions: Array, directions: Array, species: NDArray[np.integer]
) -> tuple[Array, Array, float]:
    """Velocities F/xi_t (dimension, particle), turning rates (particle,), and the largest velocity of a single pair.

    Positions and directions are (dimension, particle), ``species`` (particle,). What the images of a particle do to it is left
    out: it cancels.
    """
    velocities, rates, largest = np.zeros_like(positions), np.zeros(positions.shape[1]), 0.0
    for (observer, source), law in model.interactions.items():
        mine, theirs = np.flatnonzero(species == observer), np.flatnonzero(species == source)
        drags = model.drags[observer]
        repeats = [range(-n, n + 1) for n in np.ceil(law.cutoff / size).astype(int)]
        for boxes in product(*repeats):
            away = positions[:, mine, None] - positions[:, None, theirs] - (np.array(boxes) * size)[:, None, None]
            r = np.sqrt(np.sum(away**2, axis=0))
            here, there = np.nonzero((r < law.cutoff) & (mine[:, None] != theirs[None, :]))
            unit, i = away[:, here, there] / r[here, there], mine[here]
            force, torque = law.force(r[here, there]) / drags[0], law.torque(r[here, there]) / drags[1]
            for axis, out in enumerate(velocities):
                np.add.at(out, i, force * unit[axis])
            largest = max(largest, float(np.max(np.abs(force), initial=0.0)), float(np.max(np.abs(torque), initial=0.0)))
            if model.dimension == 2:
                # a neighbour on the left, u x (r_j - r_i) > 0, turns to the right where the torque is positive
                left = directions[0, i] * -unit[1] - directions[1, i] * -unit[0]
                np.add.at(rates, i, -torque * left)
    return velocities, rates, largest
