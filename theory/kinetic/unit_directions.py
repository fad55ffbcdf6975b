r"""Which motions the kinetic theory is derived for: those of particles of one speed that have a unit direction.

Angular harmonics, averages over directions, and encounters of two particles of equal speed all take |u| = 1. The
self-propulsion of an Ornstein-Uhlenbeck particle is a Gaussian vector instead, whose length changes as its direction does.
"""

from collections.abc import Iterable

from theory.errors import InputError
from theory.model import Model


def check_unit_directions(model: Model, pairs: Iterable[tuple[int, int]]) -> None:
    """Check that both species of some (observer, source) pairs have unit directions.

    Raises
    ------
    InputError
        One is of Ornstein-Uhlenbeck particles.
    """
    for index in sorted({species for pair in pairs for species in pair}):
        one = model.species[index]
        if one.motion.aoup:
            raise InputError(
                f"kinetic theory is that of particles with a unit direction; {one.name} is an Ornstein-Uhlenbeck particle "
                f"({one.motion}), whose speed changes as its direction does; use tumbles or rotational diffusion in its place"
            )
