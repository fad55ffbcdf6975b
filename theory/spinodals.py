r"""Spinodals and critical points of a free energy.

Homogeneous mixtures are locally unstable where the stability matrix S_mn = delta_mn + sqrt(rho_m rho_n) b_mn has a negative
eigenvalue. The smallest one, lambda with the eigenvector e, vanishes on the spinodal. With v_m = sqrt(rho_m) e_m the
direction in which f is flat there, a critical (plait) point obeys

    lambda = 0,    \sum_mnl v_m v_n v_l d^3 f/drho_m drho_n drho_l = 0 :

two coexisting phases become one.
"""

import numpy as np
from scipy.optimize import brentq, least_squares

from theory.arrays import Array
from theory.continuation import zero_curves
from theory.free_energy import FreeEnergy

_GRID = 4001
_RAYS, _ALONG, _BISECTIONS = 200, 201, 45
_STRETCH = 1.5
_CRITICAL = 1e-9


def smallest_eigenvalue(free_energy: FreeEnergy, densities: Array) -> Array:
    """lambda at densities (species, ...), shape ``densities.shape[1:]``; not a number where a speed is not positive."""
    matrices = free_energy.stability(densities)
    finite = np.all(np.isfinite(matrices), axis=(-2, -1))
    out = np.full(densities.shape[1:], np.nan)
    out[finite] = np.linalg.eigvalsh(matrices[finite])[..., 0]
    return out


def spinodal_densities(free_energy: FreeEnergy, upper: float) -> Array:
    """Spinodal densities of a single species between zero and an upper end, ascending, shape (spinodal,)."""
    axis = upper * np.linspace(0.0, 1.0, _GRID) ** _STRETCH

    def value(density: float) -> float:
        return float(smallest_eigenvalue(free_energy, np.array([[density]]))[0])

    values = smallest_eigenvalue(free_energy, axis[None])
    crossings = np.nonzero(values[:-1] * values[1:] < 0.0)[0]
    return np.array([brentq(value, axis[i], axis[i + 1], xtol=1e-13 * upper, rtol=1e-15) for i in crossings])


def spinodal_curves(free_energy: FreeEnergy, upper: Array) -> list[Array]:
    """The spinodals of two species in a window, each as points in order, shape (point, species) (1/length^d)."""

    def value(unit: Array) -> Array:
        return smallest_eigenvalue(free_energy, unit * upper.reshape(-1, *(1,) * (unit.ndim - 1)))

    return [curve * upper for curve in zero_curves(value)]


def spinodal_points(free_energy: FreeEnergy, upper: Array) -> list[Array]:
    """Points on the spinodal surface of three species along rays from the empty mixture, (point, species), if there are any."""
    from scipy.stats import qmc

    unit = qmc.Halton(d=upper.size, scramble=False).random(_RAYS + 1)[1:]
    ends = (unit / unit.max(axis=1, keepdims=True) * upper).T
    low, high = np.linspace(0.0, 1.0, _ALONG)[:-1], np.linspace(0.0, 1.0, _ALONG)[1:]
    values = smallest_eigenvalue(free_energy, ends[:, :, None] * np.linspace(0.0, 1.0, _ALONG))
    ray, place = np.nonzero(values[:, :-1] * values[:, 1:] < 0.0)
    rays, sign, low, high = ends[:, ray], np.sign(values[ray, place]), low[place], high[place]
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        before = smallest_eigenvalue(free_energy, rays * middle) * sign > 0.0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return [(rays * low).T] if ray.size else []


def criticality(free_energy: FreeEnergy, densities: Array, direction: Array) -> Array:
    """lambda and the third derivative of f along v, both of order one, at densities (species,); zero at critical points.

    Parameters
    ----------
    free_energy
        The free energy.
    densities
        All positive (1/length^d).
    direction
        Sets the sign of v, shape (species,).
    """
    point = densities[:, None]
    values, vectors = np.linalg.eigh(free_energy.stability(point)[0])
    v = np.sqrt(densities) * vectors[:, 0]
    v *= np.sign(v @ direction) or 1.0
    third = np.einsum("mnl,m,n,l->", free_energy.third_derivatives(point)[..., 0], v, v, v)
    return np.array([values[0], third * np.sqrt(densities.sum())])


def critical_point(free_energy: FreeEnergy, start: Array, direction: Array) -> Array | None:
    """The critical point nearest to a start (species,); None where the search does not converge.

    Parameters
    ----------
    free_energy
        The free energy.
    start
        Densities between two phases that are about to merge (1/length^d).
    direction
        The difference of their densities, shape (species,).
    """

    def function(x: Array) -> Array:
        return criticality(free_energy, np.exp(x), direction)

    with np.errstate(all="ignore"):
        found = least_squares(function, np.log(start), xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=100)
    return np.exp(found.x) if np.max(np.abs(found.fun)) < _CRITICAL else None
