r"""Newton's method for coexisting phases: equal chemical potentials and pressures [S1 Eq. 9, common tangent planes].

Phases k = 1 .. K of densities rho_mk and fractions x_k at a composition rho_m obey

    u_m(k) = u_m(1),    p(k) = p(1),    \sum_k x_k rho_mk = rho_m,    \sum_k x_k = 1,

K (N + 1) equations for as many unknowns; N + 1 phases are fixed by the first two sets alone. The unknowns are log rho_mk, so
that densities stay positive, with

    d u_m/d log rho_n = delta_mn + b_mn rho_n,    d p/d log rho_n = \sum_m rho_m d u_m/d log rho_n.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from theory.arrays import Array
from theory.errors import NumericalFailure
from theory.free_energy import FreeEnergy

_ITERATIONS = 60
_CONVERGED = 1e-13
# residuals that round-off of the integrals may leave
_ACCEPTED = 1e-10
# logarithms of densities move by at most this much in an iteration
_LARGEST_STEP = 0.7
_HALVINGS = 8


@dataclass(frozen=True)
class TangentPlane:
    """A plane u . rho - p that touches f.

    Parameters
    ----------
    potentials
        Its slopes u_m, shape (species,).
    pressure
        p (1/length^d).
    """

    potentials: Array
    pressure: float

    @classmethod
    def at(cls, free_energy: FreeEnergy, densities: Array) -> "TangentPlane":
        """The plane that touches f at densities (species,)."""
        point = densities[:, None]
        return cls(free_energy.chemical_potentials(point)[:, 0], float(free_energy.pressure(point)[0]))

    def heights(self, densities: Array, values: Array) -> Array:
        """Heights of f above the plane at densities (species, point) where it has the given values (point,)."""
        return np.asarray(values - self.potentials @ densities + self.pressure)


def newton(function: Callable[[Array], tuple[Array, Array]], start: Array, largest_step: float = _LARGEST_STEP) -> Array | None:
    """A root of a square system near a start, or None where the iteration does not converge or the function cannot be had.

    Parameters
    ----------
    function
        Takes unknowns (n,) to residuals (n,) of order one and their derivatives (n, n).
    start
        Shape (n,).
    largest_step
        Of any unknown in one iteration.
    """
    try:
        return _iterated(function, start, largest_step)
    except NumericalFailure:
        # densities so high that their integrals do not converge: the iteration has run away
        return None


def _iterated(function: Callable[[Array], tuple[Array, Array]], start: Array, largest_step: float) -> Array | None:
    x, smallest = start.copy(), np.inf
    with np.errstate(all="ignore"):
        residual, jacobian = function(x)
        for _ in range(_ITERATIONS):
            size = float(np.max(np.abs(residual)))
            if not np.isfinite(size):
                return None
            # converged, or as far as round-off lets it
            if size < _CONVERGED or (size < _ACCEPTED and size >= smallest):
                return x
            smallest = min(size, smallest)
            try:
                step = -np.linalg.solve(jacobian, residual)
            except np.linalg.LinAlgError:
                return None
            step *= min(1.0, largest_step / float(np.max(np.abs(step))))
            for _ in range(_HALVINGS):
                new, new_jacobian = function(x + step)
                if np.max(np.abs(new)) < size or size < _ACCEPTED:
                    break
                step *= 0.5
            x, residual, jacobian = x + step, new, new_jacobian
    return None


def _equalities(free_energy: FreeEnergy, logarithms: Array) -> tuple[Array, Array]:
    """Differences of u and p from those of the first phase, and derivatives; unknowns (phase, species), flat."""
    count, species = logarithms.shape
    densities = np.exp(logarithms).T
    excess = free_energy.excess_potentials(densities)
    potentials = np.log(densities) + excess
    pressures = np.sum(densities * (1.0 + excess), axis=0) - free_energy.excess(densities)
    # d u_m/d log rho_n of each phase, shape (phase, species, species)
    slopes = np.moveaxis(free_energy.feedback(densities) * densities[None], -1, 0) + np.eye(species)
    pressure_slopes = np.einsum("mk,kmn->kn", densities, slopes)
    scale = float(densities.sum(axis=0).max())
    residual = np.empty((count - 1, species + 1))
    jacobian = np.zeros((count - 1, species + 1, count, species))
    residual[:, :species] = (potentials[:, 1:] - potentials[:, :1]).T
    residual[:, species] = (pressures[1:] - pressures[0]) / scale
    for k in range(1, count):
        jacobian[k - 1, :species, k] = slopes[k]
        jacobian[k - 1, :species, 0] = -slopes[0]
        jacobian[k - 1, species, k] = pressure_slopes[k] / scale
        jacobian[k - 1, species, 0] = -pressure_slopes[0] / scale
    rows = (count - 1) * (species + 1)
    return residual.reshape(rows), jacobian.reshape(rows, count * species)


def invariant_phases(free_energy: FreeEnergy, densities: Array) -> Array | None:
    """N + 1 phases that coexist, near the given ones (phase, species); None where the iteration does not converge."""
    shape = densities.shape
    found = newton(lambda x: _equalities(free_energy, x.reshape(shape)), np.log(densities).ravel())
    return None if found is None else np.exp(found).reshape(shape)


def phases_at(free_energy: FreeEnergy, composition: Array, densities: Array, fractions: Array) -> tuple[Array, Array] | None:
    """Coexisting phases at a composition, from a start near them.

    Parameters
    ----------
    free_energy
        The free energy.
    composition
        Shape (species,) (1/length^d).
    densities, fractions
        Where to start, shapes (phase, species) and (phase,).

    Returns
    -------
    tuple of ndarray or None
        Densities and fractions, which may be negative: the composition is then beyond the phases. None where the iteration
        does not converge.
    """
    count, species = densities.shape
    rows = (count - 1) * (species + 1)

    def function(x: Array) -> tuple[Array, Array]:
        logarithms, x_fractions = x[: count * species].reshape(count, species), x[count * species :]
        rho = np.exp(logarithms)
        residual = np.empty(count * (species + 1))
        jacobian = np.zeros((residual.size, residual.size))
        residual[:rows], jacobian[:rows, : count * species] = _equalities(free_energy, logarithms)
        residual[rows:-1] = x_fractions @ rho / composition - 1.0
        residual[-1] = x_fractions.sum() - 1.0
        shares = x_fractions[:, None] * rho / composition
        for m in range(species):
            jacobian[rows + m, m : count * species : species] = shares[:, m]
            jacobian[rows + m, count * species :] = rho[:, m] / composition[m]
        jacobian[-1, count * species :] = 1.0
        return residual, jacobian

    found = newton(function, np.concatenate([np.log(densities).ravel(), fractions]))
    if found is None:
        return None
    return np.exp(found[: count * species]).reshape(count, species), found[count * species :]


def touching_point(free_energy: FreeEnergy, plane: TangentPlane, start: Array) -> Array | None:
    """Densities (species,) near a start at which f is parallel to a plane; None where Newton's method finds none."""

    def function(x: Array) -> tuple[Array, Array]:
        rho = np.exp(x)[:, None]
        residual = x + free_energy.excess_potentials(rho)[:, 0] - plane.potentials
        return residual, free_energy.feedback(rho)[..., 0] * rho[:, 0] + np.eye(x.size)

    found = newton(function, np.log(start))
    return None if found is None else np.exp(found)


def descended(free_energy: FreeEnergy, plane: TangentPlane, start: Array, highest: Array) -> Array:
    """The bottom of f over a plane downhill of a start (species,), up to the highest densities (species,).

    The unknowns are 2 sqrt(rho), in which an ideal gas is round.
    """

    def height(x: Array) -> tuple[float, Array]:
        rho = 0.25 * x[:, None] ** 2
        with np.errstate(all="ignore"):
            value = float(plane.heights(rho, free_energy.density(rho))[0])
            slope = 0.5 * x * (free_energy.chemical_potentials(rho)[:, 0] - plane.potentials)
        return (value, slope) if np.isfinite(value) else (np.inf, np.zeros_like(x))

    x = 2.0 * np.sqrt(start)
    bounds = [(1e-6 * float(x.max()), 2.0 * np.sqrt(end)) for end in highest]
    found = minimize(height, x, jac=True, method="L-BFGS-B", bounds=bounds)
    bottom = 0.25 * found.x**2
    refined = touching_point(free_energy, plane, bottom)
    return bottom if refined is None or np.max(np.abs(refined - bottom)) > 0.1 * bottom.max() else refined
