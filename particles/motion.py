r"""How particles move.

Continuous law ([S1] Eq. 1):  dr/dt = v u + \sqrt{2 D_t} \eta.  Discrete law (Euler-Maruyama, of weak order one):

    r' = r + v(r) u dt + \sqrt{2 D_t dt} \xi,

then the direction u, whose laws do not depend on the place and are stepped exactly:

- active Brownian: the angle changes by \sqrt{2 D_r dt} \xi;
- run and tumble: with probability 1 - exp(-\alpha dt) the direction is drawn anew, uniformly;
- both at once: one after the other. Over a step <u' . u> = exp(-(\alpha + D_r) dt);
- Ornstein-Uhlenbeck: u' = m u + \sqrt{(1 - m^2)/2} \xi with m = exp(-dt/\tau), so that <|u|^2> = 1 always.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from particles import _motion_loops
from particles.neighbours import CellOrder
from particles.state import Particles
from theory.model import Model

Array = NDArray[np.float64]


class Propagator:
    """Moves particles by one step.

    Parameters
    ----------
    model
        Says how each species moves.
    time_step
        dt (time).
    seed
        Key of the random numbers.
    """

    def __init__(self, model: Model, time_step: float, seed: int) -> None:
        self._time_step = time_step
        self._seed: Any = np.uint64(seed)
        self._coefficients = np.zeros((model.number_of_species, 5))
        for n, species in enumerate(model.species):
            motion = species.motion
            self._coefficients[n, 0] = np.sqrt(2.0 * species.translational_diffusion * time_step)
            if motion.aoup:
                memory = np.exp(-time_step / model.persistence_times[n])
                self._coefficients[n, 3:] = memory, np.sqrt(-0.5 * np.expm1(-2.0 * time_step / model.persistence_times[n]))
            else:
                self._coefficients[n, 1] = np.sqrt(2.0 * motion.rotational_diffusion * time_step)
                self._coefficients[n, 2] = -np.expm1(-motion.tumble_rate * time_step)

    def move(self, step: int, order: CellOrder, speeds: Array, particles: Particles) -> None:
        """Take a step.

        Parameters
        ----------
        step
            Number of steps taken before: counter of the random numbers.
        order
            How the storage is sorted.
        speeds
            Speeds (length/time), shape (particle,).
        particles
            Moved in place.
        """
        counter: Any = np.uint64(step)
        _motion_loops.move(
            order.strips,
            self._seed,
            counter,
            self._time_step,
            order.size,
            self._coefficients,
            speeds,
            particles.identities,
            particles.positions,
            particles.orientations,
        )
