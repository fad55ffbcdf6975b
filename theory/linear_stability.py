r"""Linear response of a homogeneous mixture: dispersion relation, instability class, equal-time correlations.

Linearising the hydrodynamics [S1 Eqs. 3-5] about densities rho_m,

    d_t delta_q = -q^2 M(q) delta_q,    M_mn = (D_m + Dt_m) delta_mn + D_m rho_m a_mn Khat_mn(q),

with D_m = v_m^2 tau_m/d and a_mn = d log v_m / d rho_n. ([S1] Eq. 11 is the local case; the derivative printed there lacks
the index n.) With the noise of [S1] Eq. 3 the equal-time correlations C(q) of a stable mixture solve

    M C + C M^T = 2 G,    G = diag((D_m + Dt_m) rho_m).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from theory.errors import InputError
from theory.model import Model

Array = NDArray[np.float64]
InstabilityClass = Literal["stable", "static", "oscillatory"]

# growth below this share of the relaxation rates at the same wavenumber is taken for zero
_ROUND_OFF = 1e-12


@dataclass(frozen=True)
class HomogeneousState:
    """What the linear theory needs to know of a homogeneous mixture.

    Parameters
    ----------
    model
        The model.
    densities
        rho_m, shape (species,) (1/length^d), all positive.
    speeds
        v_m, shape (species,).
    diffusivities
        D_m = v_m^2 tau_m / d without the translational part, shape (species,).
    couplings
        a_mn = d log v_m / d rho_n, shape (species, species).
    """

    model: Model
    densities: Array
    speeds: Array
    diffusivities: Array
    couplings: Array

    @classmethod
    def of(cls, model: Model, composition: ArrayLike | dict[str, float]) -> "HomogeneousState":
        """The homogeneous state at a composition.

        Raises
        ------
        InputError
            A density or a speed is not positive, or a derivative is not finite there.
        """
        densities = model.densities(composition)
        if np.any(densities <= 0.0):
            raise InputError(f"linear theory needs positive densities, not {densities.tolist()}")
        speeds = model.speed(densities)
        if np.any(speeds <= 0.0):
            name = model.names[int(np.argmin(speeds))]
            raise InputError(f"the speed of {name} vanishes at {densities.tolist()}; log v has no derivative there")
        couplings = model.log_derivatives(densities)
        if not np.all(np.isfinite(couplings)):
            raise InputError(f"a derivative of log v is not finite at {densities.tolist()}")
        diffusivities = speeds**2 * model.persistence_times / model.dimension
        return cls(model, densities, speeds, diffusivities, couplings)

    @property
    def total_diffusivities(self) -> Array:
        """D_m + Dt_m, shape (species,)."""
        return np.asarray(self.diffusivities + self.model.translational_diffusivities)

    @property
    def noise_strengths(self) -> Array:
        """g_m = (D_m + Dt_m) rho_m, shape (species,)."""
        return np.asarray(self.total_diffusivities * self.densities)

    def kernels(self, wavenumbers: ArrayLike) -> Array:
        """Khat_mn(q), shape (..., species, species)."""
        channels = self.model.channels
        transforms = np.stack([kernel.transform(wavenumbers) for kernel in channels.kernels], axis=-1)
        return np.asarray(transforms[..., channels.index])

    def matrix(self, wavenumbers: ArrayLike) -> Array:
        """M(q), shape (..., species, species) (length^2/time)."""
        feedback = (self.diffusivities * self.densities)[:, None] * self.couplings
        return np.diag(self.total_diffusivities) + feedback * self.kernels(wavenumbers)

    def growth(self, wavenumbers: ArrayLike) -> NDArray[np.complex128]:
        """Eigenvalues of -q^2 M(q), shape (..., species), largest growth first, then largest frequency."""
        q = np.asarray(wavenumbers, dtype=np.float64)
        values: NDArray[np.complex128] = np.asarray(
            -(q[..., None] ** 2) * np.linalg.eigvals(self.matrix(q)), dtype=np.complex128
        )
        order = np.lexsort((-values.imag, -values.real), axis=-1)
        return np.take_along_axis(values, order, axis=-1)

    def equal_time_correlations(self, wavenumbers: ArrayLike) -> Array:
        """C(q) = <delta_q delta_q*>/volume of the linear theory, shape (..., species, species) (1/length^d).

        Raises
        ------
        InputError
            The mixture is unstable at one of the wavenumbers.
        """
        matrix = self.matrix(wavenumbers)
        if np.any(np.linalg.eigvals(matrix).real <= 0.0):
            raise InputError("the homogeneous mixture is unstable: it has no stationary linear correlations")
        n = self.model.number_of_species
        identity = np.eye(n)
        # vec(M C + C M^T) = (M x 1 + 1 x M) vec C in row-major order
        operator = np.einsum("...ij,kl->...ikjl", matrix, identity) + np.einsum("ij,...kl->...ikjl", identity, matrix)
        shape = matrix.shape[:-2]
        right = np.broadcast_to((2.0 * np.diag(self.noise_strengths)).reshape(n * n, 1), (*shape, n * n, 1))
        solution = np.linalg.solve(operator.reshape(*shape, n * n, n * n), right)
        return solution.reshape(*shape, n, n)

    @property
    def is_stable(self) -> bool:
        """Whether no wavenumber grows."""
        return classify(self).kind == "stable"


@dataclass(frozen=True)
class Instability:
    """The fastest-growing perturbation of a homogeneous mixture.

    Parameters
    ----------
    kind
        ``"stable"``, ``"static"`` (real growth rate) or ``"oscillatory"`` (complex: travelling patterns).
    growth_rate
        Largest growth rate (1/time); 0 for a stable mixture; None where it is unbounded (local kernel).
    wavenumber
        Where it is reached (1/length); 0 for a stable mixture; None where unbounded.
    frequency
        |Im| there (1/time); None where unbounded.
    """

    kind: InstabilityClass
    growth_rate: float | None
    wavenumber: float | None
    frequency: float | None

    @property
    def phase_speed(self) -> float | None:
        """Frequency over wavenumber of an oscillatory instability (length/time), at onset the speed of travelling bands."""
        if self.kind != "oscillatory" or not self.wavenumber or self.frequency is None:
            return None
        return self.frequency / self.wavenumber


def classify(state: HomogeneousState) -> Instability:
    """Instability class of a homogeneous mixture, over all wavenumbers.

    The class is that of the fastest-growing mode. A mixture with a local kernel that is unstable grows the faster the
    shorter the wave: its class is told, its growth rate is not a number.
    """
    if _is_local(state):
        rate = _diffusive_rates(state, np.array([0.0]))[0]
        if rate.real <= 0.0:
            return Instability("stable", 0.0, 0.0, 0.0)
        return Instability("oscillatory" if rate.imag != 0.0 else "static", None, None, None)
    # where a kernel has decayed only its own diffusion is left, which is stable: beyond that nothing grows
    ranges = state.model.sensing_ranges
    scale = 1.0 / ranges[ranges > 0.0]
    q = np.concatenate([np.linspace(0.0, 40.0, 4001)[1:] * one for one in np.unique(scale)])
    q = np.unique(np.concatenate([q, np.geomspace(1e-5, 1e-2, 60) * scale.min()]))
    rates = _diffusive_rates(state, q)
    if np.all(rates.real <= 0.0):
        return Instability("stable", 0.0, 0.0, 0.0)
    best = int(np.argmax(q**2 * rates.real))
    low, high = q[max(best - 1, 0)], q[min(best + 1, q.size - 1)]
    found = optimize.minimize_scalar(
        lambda x: -float(state.growth(np.array(x))[0].real),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-10},
    )
    top = state.growth(np.array(found.x))[0]
    return Instability("oscillatory" if top.imag != 0.0 else "static", float(top.real), float(found.x), abs(float(top.imag)))


def _diffusive_rates(state: HomogeneousState, q: Array) -> NDArray[np.complex128]:
    """Growth over q^2 of the fastest branch at each q, with round-off taken for zero; finite at q = 0."""
    values = -np.linalg.eigvals(state.matrix(q)).astype(np.complex128)
    fastest = np.take_along_axis(values, np.argmax(values.real, axis=-1)[:, None], axis=-1)[:, 0]
    negligible = np.abs(fastest.real) < _ROUND_OFF * np.abs(values).max(axis=-1)
    return np.where(negligible, 1j * fastest.imag, fastest)


def _is_local(state: HomogeneousState) -> bool:
    return all(kernel.is_local for kernel in state.model.channels.kernels)
