"""Coexisting phases of a model: at a composition, in the local approximation and with the sensing kernel."""


import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.composition_space import Collapse, scan, window
from theory.errors import InputError, NumericalFailure
from theory.free_energy import FreeEnergy, NotIntegrable
from theory.model import Model
from theory.phase_equilibrium import TangentPlane
from theory.phase_search import Coexistence, PhaseSearch
from theory.slab_profiles import SlabProfile, slab_profile

Array = NDArray[np.float64]

_LARGEST_WINDOW = 1e3
# how much the sum of the shares, which is exact, outweighs a composition that may have been measured
_WEIGHT_OF_THE_SUM = 1e3


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
    while np.all(upper < _LARGEST_WINDOW * densities.max() + 10.0 * upper.min()):
        found = PhaseSearch(free_energy, upper, scanned).at(densities)
        beyond = found.densities.max(axis=0) > upper
        if not np.any(beyond):
            return found
        upper = np.where(beyond, 1.5 * found.densities.max(axis=0), upper)
    raise NumericalFailure(f"phases at the composition {densities.tolist()} lie at densities above {upper.tolist()}")


def lever_rule(phases: ArrayLike, composition: ArrayLike) -> Array:
    """Shares of phases that make up a composition, by least squares of its relative errors; they add up to 1.

    Parameters
    ----------
    phases
        Densities, shape (phase, species).
    composition
        Mean densities, shape (species,), all positive.

    Returns
    -------
    ndarray
        Shape (phase,); negative where the composition lies beyond the phases.
    """
    densities, means = np.asarray(phases, dtype=np.float64), np.asarray(composition, dtype=np.float64)
    matrix = np.vstack([densities.T / means[:, None], np.full(densities.shape[0], _WEIGHT_OF_THE_SUM)])
    shares, *_ = np.linalg.lstsq(matrix, np.append(np.ones(means.size), _WEIGHT_OF_THE_SUM), rcond=None)
    return np.asarray(shares / shares.sum())


__all__ = [
    "Coexistence",
    "Collapse",
    "NotIntegrable",
    "SlabProfile",
    "coexistence",
    "lever_rule",
    "slab_profile",
]
