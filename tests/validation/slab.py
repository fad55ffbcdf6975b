"""Exact one-dimensional slab profiles, by a route that shares nothing with the engines.

In the steady state of [S1] Eq. 3 without translational diffusion, flat interfaces obey rho_mu v_mu(K * rho) = C_mu. The
profile is found by damped iteration at fixed mean densities, with the laws written out by hand and the bump kernel by its own
quadrature.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, special

Array = NDArray[np.float64]


def bump_transform(q: Array) -> Array:
    """Transform of exp(-1/(1 - r^2))/Z in two dimensions, by adaptive quadrature on a table and cubic interpolation."""
    table = np.linspace(0.0, float(q.max()) + 0.1, 600)

    def radial(k: float) -> float:
        value, _ = integrate.quad(lambda r: r * np.exp(-1.0 / (1.0 - r * r)) * special.j0(k * r), 0.0, 1.0, limit=400)
        return float(value)

    values = np.array([radial(k) for k in table])
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(table, values / values[0])(q))


def profile(log_speeds: Callable[[Array], Array], start: Array, length: float, tolerance: float = 1e-11) -> tuple[Array, Array]:
    """Densities (species, x) with the means of ``start``, and the constants C.

    Parameters
    ----------
    log_speeds
        log v (species, x) of the sensed densities (species, x).
    start
        Initial guess (species, x).
    length
        Of the periodic box.
    tolerance
        Largest relative residual of rho v = C.
    """
    cells = start.shape[1]
    kernel = bump_transform(2.0 * np.pi * np.fft.rfftfreq(cells, length / cells))
    means = start.mean(axis=1)
    rho = start.copy()
    for _ in range(200_000):
        sensed = np.fft.irfft(kernel * np.fft.rfft(rho), cells)
        slowness = np.exp(-log_speeds(sensed))
        constants = means / slowness.mean(axis=1)
        target = constants[:, None] * slowness
        residual = np.max(np.abs(target / rho - 1.0))
        rho = rho * (target / rho) ** 0.2
        rho *= (means / rho.mean(axis=1))[:, None]
        if residual < tolerance:
            return rho, constants
    raise ArithmeticError(f"the slab iteration stopped at a residual of {residual:.1e}")


def plateaus(rho: Array, places: list[float]) -> list[Array]:
    """Densities at fractions of the box."""
    return [rho[:, int(place * rho.shape[1])] for place in places]
