"""Coexisting phases as values, their order, and what a pair of them stands for."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array

Kind = Literal["separation", "demixing", "condensation"]

# ratio of the smaller to the larger difference of densities above which both species take part
_BOTH = 0.4


@dataclass(frozen=True)
class Coexistence:
    """Phases that coexist at a composition.

    Parameters
    ----------
    densities
        Shape (phase, species) (1/length^d), by falling density of the first species that tells the phases apart.
    fractions
        Shares of the volume, shape (phase,); they add up to 1.
    chemical_potentials
        u_m = log rho_m + w_m, common to all phases, shape (species,).
    pressure
        p, common to all phases (1/length^d).
    metastable
        Densities of the further phase that comes next, whose f lies lowest above the tangent plane, shape (species,); None
        where f has no other bottom above the plane.
    """

    densities: Array
    fractions: Array
    chemical_potentials: Array
    pressure: float
    metastable: Array | None = None

    @property
    def number_of_phases(self) -> int:
        """1 for a homogeneous mixture."""
        return int(self.fractions.size)


def in_order(densities: Array) -> NDArray[np.intp]:
    """Order of phases (phase, species): falling density of the first species whose densities differ appreciably."""
    spread = np.ptp(densities, axis=0)
    telling = int(np.argmax(spread > 0.2 * spread.max()))
    return np.argsort(-densities[:, telling], kind="stable")


def kind_of(tie_line: Array) -> Kind:
    """What two coexisting phases (2, species) are.

    ``"separation"`` where the density of one species differs far more than those of the others; else ``"demixing"`` where
    densities differ in opposite directions, ``"condensation"`` where both species are dense in the same phase.
    """
    difference = tie_line[1] - tie_line[0]
    order = np.argsort(-np.abs(difference))
    if difference.size == 1 or abs(difference[order[1]]) < _BOTH * abs(difference[order[0]]):
        return "separation"
    return "demixing" if difference[order[0]] * difference[order[1]] < 0.0 else "condensation"
