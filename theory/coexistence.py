"""Coexisting phases of a model: at a composition, in the local approximation and with the sensing kernel."""

import numpy as np
from numpy.typing import ArrayLike

from theory.composition_space import Collapse, scan, window
from theory.errors import InputError
from theory.exact_binodal import exact_binodal
from theory.free_energy import FreeEnergy, NotIntegrable
from theory.lever_rule import lever_rule
from theory.model import Model
from theory.nonlocal_coexistence import NonlocalCoexistence, coexistence_without_free_energy, nonlocal_coexistence
from theory.phase_equilibrium import TangentPlane
from theory.phase_search import search_wide_enough
from theory.phases import Coexistence
from theory.slab_profiles import SlabProfile, slab_profile


def coexistence(model: Model, composition: ArrayLike | dict[str, float]) -> Coexistence:
    """The phases of a mixture in the local approximation: the global tangent plane of its free energy [S1 Eq. 9].

    Parameters
    ----------
    model
        The model.
    composition
        Mean densities (1/length^d), all positive.

    Returns
    -------
    Coexistence
        One phase where the homogeneous mixture is globally stable.

    Raises
    ------
    NotIntegrable
        The mixture has no free energy.
    Collapse
        The free energy has no lower bound.
    InputError
        A density is zero, or the model has pair interactions.
    NumericalFailure
        Newton's method does not converge.
    """
    densities = model.densities(composition)
    if np.any(densities == 0.0):
        raise InputError(f"coexistence needs positive densities, not {densities.tolist()}; leave the absent species out")
    free_energy = FreeEnergy(model, densities)
    scanned = scan(free_energy, densities)
    upper = window(scanned, densities)
    if not np.any(scanned.unstable):
        plane = TangentPlane.at(free_energy, densities)
        return Coexistence(densities[None], np.ones(1), plane.potentials, plane.pressure)
    _, found = search_wide_enough(free_energy, scanned, upper, lambda _: densities[None])
    return found[0]


__all__ = [
    "Coexistence",
    "Collapse",
    "NonlocalCoexistence",
    "NotIntegrable",
    "SlabProfile",
    "coexistence",
    "coexistence_without_free_energy",
    "exact_binodal",
    "lever_rule",
    "nonlocal_coexistence",
    "slab_profile",
]
