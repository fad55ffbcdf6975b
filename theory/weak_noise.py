r"""Entropy production of deterministic patterns: the limit of weak noise.

With noise of vanishing strength a trajectory follows the deterministic equations, and what it produces per volume and time, in
units of the inverse strength of the noise, is a function of the fields alone.

- Order 0: the current J carries densities against the mobility M ([S1] Eq. 6),

      sigma(r) = \sum_mu |J_mu|^2/M_mu.

- Orders above, with directions odd under time reversal: carrying densities by polarities is reversible, that directions forget
  themselves is not. With the harmonics phi_l of degree l, their mean square w_l and their rates r_l,

      sigma(r) = \sum_mu [ \sum_{l > 0} r_l |phi_l|^2/w_l + Dt |grad rho|^2 + Dt \sum_{l > 0} |grad phi_l|^2/w_l ]/rho.

  Where the polarity follows the densities, P = J/v, its term is |J|^2/(D rho), that of order 0. (For directions even under time
  reversal the rate would be infinite.)
"""

from collections.abc import Mapping

import numpy as np

from theory.arrays import Array
from theory.currents import Currents
from theory.errors import InputError
from theory.hierarchy import mean_square


def density_map(currents: Currents, density: Array) -> Array:
    """sigma(r) of densities at order 0.

    Parameters
    ----------
    currents
        Those of the model.
    density
        Shape (species, [z,] [y,] x), positive (1/length^d).

    Returns
    -------
    ndarray
        Shape of the grid (1/(time length^d)).

    Raises
    ------
    InputError
        A density is not positive, or a law gives no speed.
    """
    _check(density)
    mobility = currents.mobility(density, currents.speeds(density))
    return np.asarray(np.sum(currents.flux(density) ** 2 / mobility[:, None], axis=(0, 1)))


def harmonic_map(currents: Currents, density: Array, harmonics: Mapping[int, Array]) -> Array:
    """sigma(r) of densities and angular harmonics, directions odd under time reversal.

    Parameters
    ----------
    currents
        Those of the model, which has no pair torques.
    density
        Shape (species, [z,] [y,] x), positive (1/length^d).
    harmonics
        By degree l from 1 on: phi_l, shape (species, function, [z,] [y,] x) (1/length^d). Degree 1 is the polarity; in two
        dimensions degree l has the functions cos(l theta) and sin(l theta).

    Returns
    -------
    ndarray
        Shape of the grid (1/(time length^d)).

    Raises
    ------
    InputError
        A density is not positive.
    """
    _check(density)
    model, d = currents.model, currents.grid.dimension
    diffusion = model.translational_diffusivities.reshape(-1, *(1,) * d)
    produced = diffusion * np.sum(currents.gradient(density) ** 2, axis=1)
    for degree, phi in harmonics.items():
        rates = np.array([one.motion.decay_rate(d, degree) for one in model.species]).reshape(-1, *(1,) * d)
        spread = np.sum(currents.gradient(phi) ** 2, axis=(1, 2))
        produced = produced + (rates * np.sum(phi**2, axis=1) + diffusion * spread) / mean_square(d, degree)
    return np.asarray(np.sum(produced / density, axis=0))


class PatternMean:
    """Mean of :func:`density_map` over the frames of a pattern, also where the pattern stands still.

    Parameters
    ----------
    currents
        Those of the model.
    """

    def __init__(self, currents: Currents) -> None:
        self._currents, self._sum, self._count = currents, np.zeros(currents.grid.shape), 0

    def add(self, density: Array, displacement: Array | None) -> None:
        """Take in the densities in the middle of a step."""
        one = density_map(self._currents, density)
        self._sum += one if displacement is None else self._currents.shifted(one, -displacement)
        self._count += 1

    @property
    def mean(self) -> Array:
        """Mean so far, shape of the grid (1/(time length^d))."""
        return self._sum / self._count


def _check(density: Array) -> None:
    if not np.min(density) > 0.0:
        raise InputError(
            f"a density falls to {np.min(density):g}; the entropy production of a pattern needs positive densities"
        )
