r"""What pair interactions do on the scale of particles: how close they bring them, how fast, and what a cut-off leaves out.

**Closest approach.** Two particles that meet head on, each with the speed v, stop where the repulsion balances it,
F(r)/\xi_t = v. Diffusion brings them as close as work of ten thermal energies allows, about where r F(r) = 10 \xi_t D_t.
Where the density is high, particles are at the distance a of neighbours in a lattice. The closest approach r_0 is the least
of a and the greatest distance with

    F(r)/\xi_t >= v + 10 D_t/r.

**Fastest relaxation.** A pair relaxes at the rate 2 |F'|/\xi_t, a direction at |\Gamma|/\xi_r, and a particle in the cage of
its z neighbours at up to z |F'(a)|/\xi_t, which is taken 1.4 times: flocks that run into each other press cages together. The
greatest of the three, over all distances from r_0 on, is what a time step must resolve.

**Cut-off.** With all neighbours on one side, at equal density, the share

    \int_{r_c}^\infty |F| r^{d-1} dr / \int_{r_0}^\infty |F| r^{d-1} dr

of the force lies beyond the cut-off, and likewise of the torque: an upper estimate. For the Janus particles of [S2] at 30
um/s it is 12 % at r_c = 3, 4.1 % at 5, 1.4 % at 8 and 0.8 % at 10; the root mean square of the force and torque that
simulated states lack is 7, 1.8, 0.5 and 0.3 % of the whole.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from theory.arrays import Array
from theory.interactions import InteractionLaw
from theory.model import Model

# Work against the repulsion, in thermal energies xi_t D_t, that particles seldom do.
_STRONG_COLLISION = 10.0
# Distances at which laws are looked at: how many per factor of ten, and between which multiples of the cut-off.
_PER_DECADE = 300
_NEAREST, _FARTHEST = 1e-4, 1e4
# Neighbours of a particle in a dense lattice, and the volume of a cell of the lattice in units of a^d, by dimension.
_NEIGHBOURS = {1: 2, 2: 6, 3: 12}
_CELL = {1: 1.0, 2: math.sqrt(3.0) / 2.0, 3: math.sqrt(0.5)}
# How much faster cages relax in flocks that meet, for the accuracy of a step; a step stays stable at twice as much.
_PRESSED = 1.4


@dataclass(frozen=True)
class PairScales:
    """Scales of what one species does to another.

    Parameters
    ----------
    closest
        r_0 (length); the least distance looked at where nothing holds particles apart.
    rate
        Fastest relaxation (1/time).
    neglected_force, neglected_torque
        Upper estimates of the shares beyond the cut-off, 0 to 1; 0 where there is no such law.
    """

    closest: float
    rate: float
    neglected_force: float
    neglected_torque: float


def pair_scales(model: Model, pair: tuple[int, int], densities: ArrayLike) -> PairScales:
    """Scales of one ordered pair of species.

    Parameters
    ----------
    model
        The model.
    pair
        (observer, source), one of the model's interactions.
    densities
        Mean number densities (1/length^d), shape (species,).

    Raises
    ------
    InputError
        A motility law gives a negative or not finite speed at these densities.
    """
    rho = np.asarray(densities, dtype=np.float64)
    law, one = model.interactions[pair], model.species[pair[0]]
    lattice = (float(np.sum(rho)) * _CELL[model.dimension]) ** (-1.0 / model.dimension)
    speed = float(model.speed(rho)[pair[0]])

    def excess(r: ArrayLike) -> Array:
        """Speed of the repulsion beyond that with which particles meet it."""
        return law.force(r) / one.translational_drag - speed - _STRONG_COLLISION * one.translational_diffusion / np.asarray(r)

    closest = min(_last_positive(excess, _distances(law)), lattice)
    reached = np.append(_distances(law)[_distances(law) > closest], closest)
    caged = np.array(min(lattice, law.cutoff))
    rates = [
        2.0 * np.max(np.abs(law.force_slope(reached))) / one.translational_drag,
        _PRESSED * _NEIGHBOURS[model.dimension] * np.abs(law.force_slope(caged)) / one.translational_drag,
        np.max(np.abs(law.torque(reached))) / one.rotational_drag,
    ]
    return PairScales(
        closest,
        float(np.max(rates)),
        _neglected(law.force, law.cutoff, closest, model.dimension) if law.has_force else 0.0,
        _neglected(law.torque, law.cutoff, closest, model.dimension) if law.has_torque else 0.0,
    )


def strongest_resolved(law: InteractionLaw, drag: float, time_step: float) -> float:
    """Strongest velocity by forces (length/time) that a time step resolves; infinite where it resolves the whole law.

    It is |F|/xi_t where dt 2 |F'|/xi_t first reaches one, seen from weak forces.

    Parameters
    ----------
    law
        The law.
    drag
        xi_t of the observer (force time/length).
    time_step
        dt (time).
    """
    r = _distances(law)
    too_steep = ~(2.0 * time_step * np.abs(law.force_slope(r)) < drag)
    return float(np.min(np.abs(law.force(r[too_steep])))) / drag if np.any(too_steep) else math.inf


def _distances(law: InteractionLaw) -> Array:
    return law.cutoff * np.geomspace(_NEAREST, 1.0, 1 + round(_PER_DECADE * math.log10(1.0 / _NEAREST)))


def _last_positive(function: Callable[[ArrayLike], Array], r: Array) -> float:
    """Greatest distance at which a function is not negative, refined between two of ``r``; the least of them if none."""
    found = np.flatnonzero(function(r) >= 0.0)
    if found.size == 0 or found[-1] == r.size - 1:
        return float(r[0 if found.size == 0 else -1])
    below, above = r[found[-1]], r[found[-1] + 1]
    return float(brentq(lambda one: float(function(one)), below, above))


def _neglected(law: Callable[[ArrayLike], Array], cutoff: float, closest: float, dimension: int) -> float:
    """Share of the integral of |law| r^(d-1) from the closest approach on that lies beyond the cut-off."""
    beyond = _integral(law, cutoff, _FARTHEST * cutoff, dimension)
    whole = beyond + (_integral(law, closest, cutoff, dimension) if closest < cutoff else 0.0)
    return beyond / whole if whole > 0.0 else 0.0


def _integral(law: Callable[[ArrayLike], Array], start: float, stop: float, dimension: int) -> float:
    r = np.geomspace(start, stop, 2 + round(_PER_DECADE * math.log10(stop / start)))
    values = np.abs(law(r)) * r**dimension
    return float(np.trapezoid(values, np.log(r))) if np.all(np.isfinite(values)) else math.inf
