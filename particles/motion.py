r"""How particles move.

Continuous law ([S1] Eq. 1):  dr/dt = v u + F/\xi_t + \sqrt{2 D_t} \eta. Discrete laws, by the name of the integrator:

- ``"euler"`` (Euler-Maruyama):  r' = r + v(r) u dt + \sqrt{2 D_t dt} \xi;
- ``"midpoint"``: speeds and all that acts on particles are those at the predicted middle of the step,

      p  = r + w u dt/2 + \sqrt{D_t dt} \xi_1,       w = v_{-1} + (v_{-1} - v_{-2})/2,
      r' = r + v(p) u dt + \sqrt{D_t dt} (\xi_1 + \xi_2),

  with the speed w that is expected at the start of the step from those of the last two (the first step expects zero, the second
  the speed of the first). The deterministic flow is of second order, half of the noise acts before it and half after it. There
  is one evaluation of the speeds per step, as with Euler-Maruyama.

Then the direction u, whose laws do not depend on the place and are stepped exactly:

- active Brownian: in two dimensions the angle changes by \sqrt{2 D_r dt} \xi; in three the angle between u and u' has the von
  Mises-Fisher law of the exact mean cosine exp(-2 D_r dt) (its second harmonic errs by a term of third order in D_r dt);
- run and tumble: with probability 1 - exp(-\alpha dt) the direction is drawn anew, uniformly;
- both at once: one after the other. Over a step <u' . u> = exp(-dt/\tau), 1/\tau = \alpha + (d - 1) D_r;
- Ornstein-Uhlenbeck: u' = m u + \sqrt{(1 - m^2)/d} \xi with m = exp(-dt/\tau), so that <|u|^2> = 1 always.

Chemotaxis ([S1] Eq. 15; see :mod:`theory.chemistry`), with the gradients at the places where speeds are evaluated: the speed is
v - v1 u.grad c. A reorientation rate that is s = 1 + (\tau/\tau_1) u.grad c times the unbiased one multiplies the loss of
direction in a step, 1 - exp(-dt/\tau), and the probability of a tumble by s; diffusion does the rest. The noise of directions
is Ito's: s is that of the direction at the start of the step. Steady directions in a constant gradient are then exact for any
dt to first order in the gradient. A negative s is taken for zero and counted. Turning, du/dt = -\chi (grad c - u u.grad c), is
exact for a given gradient, one half of it before and one half after the random reorientations.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from particles import _motion_loops
from particles._steering_loops import concentrations_of
from particles.neighbours import CellOrder
from particles.state import Particles
from theory.arrays import Array
from theory.model import Model
from theory.species import Species

Integrator = Literal["midpoint", "euler"]


class Propagator:
    """Moves particles by one step.

    Parameters
    ----------
    model
        Says how each species moves.
    size
        Edges of the box, shape (dimension,) (length).
    time_step
        dt (time).
    seed
        Key of the random numbers.
    predicts
        Whether steps are of the midpoint scheme; else of Euler and Maruyama's.
    """

    def __init__(self, model: Model, size: Array, time_step: float, seed: int, *, predicts: bool) -> None:
        self._size = size
        self._time_step = time_step
        self._half = 0.5 * time_step if predicts else 0.0
        self._seed: Any = np.uint64(seed)
        times = model.persistence_times
        self._laws = np.array([self._law(model.dimension, *one) for one in zip(model.species, times, strict=True)])
        self._biases = np.stack([model.speed_biases, times[:, None] * model.reorientation_biases, model.turnings], axis=1)

    def _law(self, dimension: int, species: Species, time: float) -> Array:
        """What the compiled loops know of a species; see :mod:`particles._motion_loops`."""
        motion, dt = species.motion, self._time_step
        law = np.zeros(8)
        whole = np.sqrt(2.0 * species.translational_diffusion * dt)
        law[:2] = (np.sqrt(0.5) * whole, np.sqrt(0.5) * whole) if self._half > 0.0 else (0.0, whole)
        if motion.aoup:
            law[4:6] = np.exp(-dt / time), np.sqrt(-np.expm1(-2.0 * dt / time) / dimension)
            return law
        law[2] = -np.expm1(-motion.tumble_rate * dt)
        law[6] = -np.expm1(-dt / time)
        # the loss of a step stays below one
        law[7] = (1.0 - 1e-12) / law[6]
        if dimension == 2:
            law[3] = np.sqrt(2.0 * motion.rotational_diffusion * dt)
        elif dimension == 3 and motion.rotational_diffusion > 0.0:
            concentration = np.empty(1)
            concentrations_of(law[6], law[2], np.ones(1), concentration)
            law[3] = concentration[0]
        return law

    def _clock(self, step: int) -> tuple[Any, Any, float, float]:
        return self._seed, np.uint64(step), self._time_step, self._half

    def predict(self, step: int, order: CellOrder, particles: Particles) -> None:
        """Bring the particles' places and headings to the middle of the step.

        Parameters
        ----------
        step
            Number of steps taken before: counter of the random numbers.
        order
            How the storage is sorted.
        particles
            Their places and headings are overwritten.
        """
        if self._half > 0.0:
            _motion_loops.predict(order.strips, self._clock(step), self._size, self._laws, particles.moving)

    def move(
        self,
        step: int,
        order: CellOrder,
        particles: Particles,
        speeds: Array,
        drifts: Array,
        rates: Array,
        gradients: Array,
    ) -> NDArray[np.int64]:
        """Take a step.

        Parameters
        ----------
        step, order
            As in :meth:`predict`.
        particles
            Moved in place.
        speeds
            Speeds (length/time) at the places, shape (particle,).
        drifts, rates
            Velocities (length/time) and angular velocities (1/time) by pair interactions, shape (dimension, particle) and
            (particle,); of no rows without interactions.
        gradients
            Of the concentrations (concentration/length), shape (chemical, dimension, particle); of no rows if nothing steers.

        Returns
        -------
        ndarray
            Number of reorientation rates that had to be cut, shape (species,).
        """
        cuts = np.zeros((order.strips.shape[0], order.strips.shape[1] - 1), dtype=np.int64)
        _motion_loops.move(
            order.strips,
            self._clock(step),
            self._size,
            self._laws,
            self._biases,
            (speeds, drifts, rates, gradients),
            particles.moving,
            cuts,
        )
        return np.asarray(cuts.sum(axis=1))
