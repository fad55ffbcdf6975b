"""What a stage of a step must offer to the engine."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from particles.neighbours import CellOrder
from particles.state import Particles

Array = NDArray[np.float64]


class Storage(Protocol):
    """Keeps the storage of particles sorted. There is one in an engine; all stages work with its strips."""

    @property
    def order(self) -> CellOrder:
        """How the storage is sorted.

        After :meth:`prepare` no place is outside of the slabs of its strip by more than the order's margin.
        """

    def prepare(self, particles: Particles) -> None:
        """Sort the storage, by the particles' places, if they have moved so far that it must be.

        Called in every step, once the places are known and before anything is evaluated there. What is done may depend on
        nothing but the particles and on what :meth:`state` holds.
        """

    def state(self) -> dict[str, NDArray[Any]]:
        """What a bit-exact continuation needs besides the particles in their order of storage, as arrays."""

    def restore(self, state: Mapping[str, NDArray[Any]], particles: Particles) -> None:
        """Return to a state; the particles are restored already."""


class PairForces(Storage, Protocol):
    """Forces and torques between pairs of particles. It keeps the storage sorted as its lists of neighbours need it."""

    def act(self, particles: Particles, drifts: Array, rates: Array) -> None:
        """What pairs do to the particles, at their places and with their headings.

        Called after :meth:`prepare`. Sums have one order, whatever the number of threads.

        Parameters
        ----------
        particles
            ``particles.places`` and ``particles.headings`` are where they are taken to be; see
            :class:`particles.state.Particles`.
        drifts
            Velocities by forces, F/xi_t (length/time), shape (dimension, particle), in the order of storage; overwritten.
        rates
            Angular velocities by torques, Gamma/xi_r (1/time), shape (particle,); overwritten, with zeros where there are
            none.
        """

    def warnings(self) -> list[str]:
        """Sentences on what a reader of the results must know."""
