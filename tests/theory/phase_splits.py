r"""Phase splits by direct minimisation: a second route to coexistence that knows no tangent planes.

A mixture of composition rho (species,) is split into K parts with shares x_k of the volume that hold shares y_mk of species m,

    F = \sum_k x_k f(rho_1 y_1k/x_k, ..., rho_N y_Nk/x_k),    x and y_m softmax of free variables,

and F is minimised by L-BFGS from many random starts. f is that of [S1] Eq. 10 with tanh sigmoids, written out by hand.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sigmoids:
    """log v_m = -k_m tanh((rho_m - r_m)/w_m) + g tanh((total - R)/W)."""

    own: Array
    common: tuple[float, float, float]

    def density(self, rho: Array) -> Array:
        """f at densities (species, ...)."""
        k, r, w = self.own.T.reshape(3, -1, *(1,) * (rho.ndim - 1))
        g, middle, width = self.common
        ideal = np.sum(rho * np.log(rho) - rho, axis=0)
        return np.asarray(
            ideal - np.sum(k * w * _log_cosh((rho - r) / w), axis=0) + g * width * _log_cosh((rho.sum(axis=0) - middle) / width)
        )

    def potentials(self, rho: Array) -> Array:
        """u_m at densities (species, ...)."""
        k, r, w = self.own.T.reshape(3, -1, *(1,) * (rho.ndim - 1))
        g, middle, width = self.common
        return np.asarray(np.log(rho) - k * np.tanh((rho - r) / w) + g * np.tanh((rho.sum(axis=0) - middle) / width))


FIGURE_ONE = Sigmoids(np.array([[1.0, 40.0, 20.0]] * 2), (0.5, 90.0, 40.0))
THREE_SPECIES = Sigmoids(np.array([[1.0, 40.0, 20.0], [1.1, 45.0, 22.0], [0.9, 38.0, 18.0]]), (0.5, 90.0, 40.0))


def _log_cosh(x: Array) -> Array:
    return np.asarray(np.logaddexp(x, -x) - np.log(2.0))


def _softmax(x: Array) -> Array:
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def lowest_split(mixture: Sigmoids, composition: Array, parts: int, starts: int, seed: int) -> float:
    """The lowest F over splits into a number of parts that was met from random starts."""
    species = composition.size

    def energy(x: Array) -> tuple[float, Array]:
        shares = _softmax(x.reshape(species + 1, parts))
        volumes, amounts = shares[0], composition[:, None] * shares[1:]
        rho = amounts / volumes
        f, u = mixture.density(rho), mixture.potentials(rho)
        by_volume = f - np.sum(rho * u, axis=0)
        slopes = np.vstack([by_volume, composition[:, None] * u])
        # through the softmax
        gradient = shares * (slopes - np.sum(shares * slopes, axis=1, keepdims=True))
        return float(volumes @ f), gradient.ravel()

    random = np.random.default_rng(seed)
    lowest = float(mixture.density(composition))
    for _ in range(starts):
        x = random.normal(0.0, 1.5, (species + 1) * parts)
        # an empty part would divide by zero: shares stay above exp(-30)
        found = minimize(energy, x, jac=True, method="L-BFGS-B", bounds=[(-15.0, 15.0)] * x.size, options={"maxiter": 400})
        lowest = min(lowest, float(found.fun))
    return lowest
