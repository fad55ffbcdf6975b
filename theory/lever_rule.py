r"""The lever rule: shares of phases from mass balance, \sum_k x_k rho_mk = rho_m, \sum_k x_k = 1."""

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array

# how much the sum of the shares, which is exact, outweighs a composition that may have been measured
_WEIGHT_OF_THE_SUM = 1e3


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
