"""What the stage of a step that keeps the storage sorted must offer to the engine."""

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from particles.neighbours import CellOrder
from particles.state import Particles


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
