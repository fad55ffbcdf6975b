r"""The exact coexisting densities of one species with its sensing kernel, in mean field.

In a steady state with flat interfaces rho = C e^{-w(y)}, w a function of one sensed field y = K * rho
(:mod:`theory.slab_profiles`). Multiply by dy/dx and integrate from plateau to plateau: as K is symmetric,
\int rho (dy/dx) dx = (rho_l^2 - rho_g^2)/2 whatever its shape, and

    rho_g e^{w(rho_g)} = rho_l e^{w(rho_l)} = C,    \int_{rho_g}^{rho_l} (y - C e^{-w(y)}) dy = 0.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import roots_legendre

from theory.errors import NumericalFailure
from theory.free_energy import FreeEnergy
from theory.model import Model
from theory.spinodals import spinodal_densities

_PANELS = 200


class SeveralRanges(NumericalFailure):
    """Between two densities there is not exactly one unstable range."""


def has_exact_binodal(model: Model) -> bool:
    """Whether a model has one species, whose w depends on one field with a range: its own sensed density or one chemical."""
    if model.number_of_species != 1:
        return False
    steers = (model.speed_biases != 0.0) | (model.reorientation_biases != 0.0) | (model.turnings != 0.0)
    reads = model.senses[0].copy()
    reads[1:] |= steers[0]
    local = bool(reads[0]) and model.channels.kernels[model.channels.index[0, 0]].is_local
    return int(reads.sum()) == 1 and not local


def exact_binodal(free_energy: FreeEnergy, low: float, high: float) -> tuple[float, float]:
    """Coexisting densities of one species with any symmetric kernel.

    Parameters
    ----------
    free_energy
        Of one species.
    low, high
        Densities on both sides of one unstable range, as those of the common tangent (1/length^d).

    Raises
    ------
    SeveralRanges
        There is not exactly one unstable range between them.
    """
    spinodals = spinodal_densities(free_energy, 1.5 * high)
    inside = spinodals[(spinodals > low) & (spinodals < high)]
    if inside.size != 2:
        raise SeveralRanges(
            f"between the densities {low:g} and {high:g} there are {inside.size // 2} unstable ranges; the exact construction "
            "is for one"
        )
    first, last = float(inside[0]), float(inside[1])

    def level(density: float) -> float:
        return float(np.log(density) + free_energy.excess_potentials(np.array([[density]]))[0, 0])

    def ends(constant: float) -> tuple[float, float]:
        below, above = 0.5 * first, 2.0 * last
        while level(below) > constant:
            below *= 0.5
        while level(above) < constant:
            above *= 1.5
        gas = brentq(lambda x: level(x) - constant, below, first, xtol=1e-14 * first, rtol=1e-15)
        return float(gas), float(brentq(lambda x: level(x) - constant, last, above, xtol=1e-14 * last, rtol=1e-15))

    def area(constant: float) -> float:
        gas, liquid = ends(constant)
        x, weight = roots_legendre(16)
        y = gas + (liquid - gas) * ((np.arange(_PANELS)[:, None] + 0.5 * (x + 1.0)) / _PANELS).ravel()
        integrand = y - np.exp(constant - free_energy.excess_potentials(y[None])[0])
        return float(integrand @ np.tile(weight, _PANELS)) * 0.5 * (liquid - gas) / _PANELS

    lowest, highest = level(last), level(first)
    margin = 1e-9 * (highest - lowest)
    return ends(float(brentq(area, lowest + margin, highest - margin, xtol=1e-15, rtol=1e-15)))
