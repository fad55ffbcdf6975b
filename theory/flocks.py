r"""Uniform flocks, the homogeneous states of pair torques that align, and their linear stability, in two dimensions.

The harmonics Psi_k = \int f exp(i k theta) d theta of a uniform mixture obey

    d_t Psi_k^mu = -r_k Psi_k^mu + (k/(2 pi xi_r)) \sum_nu \sum_m T_m^{mu nu} Psi_m^nu Psi_{k-m}^mu,    T_-m = -T_m,

k = 0 .. K, with Psi_{K+1} slaved (d_t = 0, Psi_{K+2} = 0). Where the isotropic state is unstable, a > 0, they grow to a flock;
for one species at order 1 to the polarity P = sqrt(a/b) with  a = rho T_1/(2 pi xi_r) - r_1,  R_2 = r_2 - rho T_2/(pi xi_r) and
b = T_1 (T_1 - T_2)/(2 pi^2 xi_r^2 R_2),  if T_2 < T_1 and R_2 > 0 ([S2], where b follows from the closure of Psi_2).

Perturbations at the wave vector q, Q = q_x + i q_y, with delta v of the densities and concentrations c that species mu senses:

    d_t dPsi_k = -i/2 [ Q (v dPsi_{k-1} + dv Psi_{k-1} - v1 X_{k-1}) + Q* (v dPsi_{k+1} + dv Psi_{k+1} - v1 X_{k+1}) ]
        - (r_k + Dt q^2) dPsi_k + torques, linearised - q^2 (kappa_F/xi_t) Psi_k d rho_nu
        - i (k chi/2) [ Q c Psi_{k-1} - Q* c Psi_{k+1} ] - r_k (tau0/tau1) X_k,
    X_k = (i/2) (Q Psi_{k-1} + Q* Psi_{k+1}) c,

chi turning down the gradients of chemicals and, in the mean field, of densities. What slaved harmonics follow leaves out their
diffusion and terms of second order in gradients.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, optimize

from theory.arrays import Array, ComplexArray
from theory.errors import InputError, NumericalFailure
from theory.hierarchy import eliminated
from theory.homogeneous import HomogeneousState, mean_field_table, torque_harmonic
from theory.linear_stability import intrinsic_lengths

# amplitude, as a share of the densities, from which a flock grows
_SEED = 1e-3
# times, in units of the inverse growth rate, within which it must settle
_PATIENCE = 500.0
# steps of the integration, and the amplitude as a multiple of the densities, beyond which truncated harmonics run away
_STEPS, _RUNAWAY = 5000, 10.0
_STEADY = 1e-10
# wavenumbers that are searched, up to this many inverse lengths; growth that is round-off, as a share of the rates
_REACH, _WAVES, _ROUND_OFF = 8.0, 160, 1e-10


class Torques:
    """The uniform dynamics of the harmonics.

    Parameters
    ----------
    state
        The isotropic mixture.
    order
        K >= 1.
    """

    def __init__(self, state: HomogeneousState, order: int) -> None:
        self.state, self.order = state, order
        model = state.model
        top = order + 1
        self.rates = np.array([[one.motion.decay_rate(2, abs(k)) for k in range(-top, top + 1)] for one in model.species])
        scale = 1.0 / (2.0 * np.pi * model.drags[:, 1, None])
        # T_m/(2 pi xi_r), m from -(K + 1) to K + 1, shape (harmonic, observer, source)
        self.strengths = np.stack([np.sign(m) * scale * torque_harmonic(model, abs(m)) for m in range(-top, top + 1)])

    def complete(self, kept: Array) -> Array:
        """All harmonics -(K + 1) .. K + 1 of a flock along x, shape (species, harmonic), from Psi_1 .. Psi_K (species, K)."""
        top, n = self.order + 1, self.state.model.number_of_species
        psi = np.zeros((n, 2 * top + 1))
        psi[:, top] = self.state.densities
        psi[:, top + 1 : 2 * top] = kept
        turning = np.einsum("mon,nm->om", self.strengths[top + 1 : 2 * top], kept)
        source = top * np.sum(turning * kept[:, ::-1], axis=1)
        psi[:, 2 * top] = np.linalg.solve(self.state.relaxation(top), source)
        psi[:, :top] = psi[:, :top:-1]
        return psi

    def tendency(self, psi: Array) -> Array:
        """d_t Psi_k of all harmonics of a flock, shape (species, harmonic)."""
        top = self.order + 1
        turning = np.einsum("mon,nm->om", self.strengths, psi)
        sums = [np.convolve(one, own)[top : 3 * top + 1] for one, own in zip(turning, psi, strict=True)]
        return np.asarray(-self.rates * psi + np.arange(-top, top + 1) * np.stack(sums))

    def jacobian(self, psi: Array) -> Array:
        """Derivative of the tendency, shape (harmonic, species, harmonic, species)."""
        top, n = self.order + 1, psi.shape[0]
        size = 2 * top + 1
        out = np.zeros((size, n, size, n))
        for k in range(-top, top + 1):
            out[top + k, :, top + k] -= np.diag(self.rates[:, top + k])
            for m in range(max(-top, k - top), min(top, k + top) + 1):
                strength, other = self.strengths[top + m], top + k - m
                out[top + k, :, top + m] += k * psi[:, other, None] * strength
                out[top + k, :, other] += k * np.diag(strength @ psi[:, top + m])
        return out


@dataclass(frozen=True)
class UniformFlock:
    """A homogeneous mixture whose particles move along x on average.

    Parameters
    ----------
    state
        The isotropic mixture of the same densities.
    order
        K, at least 1.
    harmonics
        Psi_k for k = -(K + 1) .. K + 1, shape (species, harmonic) (1/length^2).
    """

    state: HomogeneousState
    order: int
    harmonics: Array

    @classmethod
    def of(cls, state: HomogeneousState, order: int = 1) -> "UniformFlock":
        """The flock that grows from the isotropic state.

        Raises
        ------
        InputError
            The dimension is not 2, the order below 1, the isotropic state does not align, or the slaved harmonic grows.
        NumericalFailure
            What grows does not saturate.
        """
        if state.model.dimension != 2 or order < 1:
            raise InputError(f"flocks need two dimensions and order 1 or more, not {state.model.dimension} and order {order}")
        values, vectors = np.linalg.eig(-state.relaxation(1))
        top = int(np.argmax(values.real))
        if values[top].real <= 0.0:
            raise InputError(f"there is no flock: polar order decays at the rate {-values[top].real:g}")
        state.check_slaved(order + 1)
        torques, n = Torques(state, order), state.model.number_of_species
        start = np.zeros((n, order))
        start[:, 0] = _SEED * state.densities * vectors[:, top].real
        return cls(state, order, torques.complete(_settled(torques, start, float(values[top].real))))

    @property
    def polarity(self) -> Array:
        """P of each species, shape (species,) (1/length^2); P/rho is the polar order."""
        return np.asarray(self.harmonics[:, self.order + 2])

    @cached_property
    def _torques(self) -> Torques:
        return Torques(self.state, self.order)

    def matrix(self, wavevectors: ArrayLike) -> ComplexArray:
        """The linear operator of perturbations.

        Parameters
        ----------
        wavevectors
            (q_x, q_y), x along the flock (1/length), shape (..., 2).

        Returns
        -------
        ndarray
            Shape (..., n, n) (1/time): dPsi_k of all species for k = -K .. K, then chemicals with a dynamics of their own.
        """
        q, model = np.asarray(wavevectors, dtype=np.float64), self.state.model
        n, top = model.number_of_species, self.order + 1
        rows = (2 * top + 1) * n
        out = np.zeros((*q.shape[:-1], rows + len(model.chemicals), rows + len(model.chemicals)), dtype=np.complex128)
        out[..., :rows, :rows] += self._torques.jacobian(self.harmonics).reshape(rows, rows)
        squared = np.sum(q**2, axis=-1)[..., None, None]
        changes = self._speed_changes(np.sqrt(squared[..., 0, 0]))
        for k in range(-top, top + 1):
            row = slice((top + k) * n, (top + k + 1) * n)
            self._carry(k, q, changes, out[..., row, :])
            if abs(k) < top:
                out[..., row, row] -= squared * np.diag(model.translational_diffusivities)
                pushed = self.harmonics[:, top + k, None] * mean_field_table(model, "repulsion") / model.drags[:, :1]
                out[..., row, top * n : (top + 1) * n] -= squared * pushed
        self._make_chemicals(squared, rows, out)
        slaved = np.repeat(np.abs(np.arange(-top, top + 1)) == top, n)
        return eliminated(out, np.concatenate([slaved, [one.adiabatic for one in model.chemicals]]).astype(np.bool_))

    def _speed_changes(self, wavenumbers: Array) -> Array:
        """dv of densities and concentrations, shape (..., species, species + chemical)."""
        state, model = self.state, self.state.model
        sensed = state.speeds[:, None] * state.couplings
        n = model.number_of_species
        densities = sensed[:, :n] * state.kernels(wavenumbers) - mean_field_table(model, "speed_reduction") / model.drags[:, :1]
        chemicals = np.broadcast_to(sensed[:, n:], (*densities.shape[:-1], len(model.chemicals)))
        return np.concatenate([densities, chemicals], axis=-1)

    def _carry(self, k: int, q: Array, changes: Array, out: ComplexArray) -> None:
        """Motion and steering in the equation of dPsi_k, written into its rows (..., species, variable)."""
        model, top = self.state.model, self.order + 1
        n = model.number_of_species
        along = (q[..., 0] + 1j * q[..., 1])[..., None, None]
        # densities stand in the middle of the harmonics, chemicals after them
        sources = np.concatenate([np.arange(top * n, (top + 1) * n), np.arange((2 * top + 1) * n, out.shape[-1])])
        for step, factor in ((-1, along), (1, along.conj())):
            if abs(k + step) > top:
                continue
            neighbour = slice((top + k + step) * n, (top + k + step + 1) * n)
            out[..., neighbour] -= 0.5j * factor * np.diag(self.state.speeds)
            base = self.harmonics[:, top + k + step, None]
            out[..., sources] -= 0.5j * factor * base * changes
            out[..., sources] -= 0.5j * factor * self._bias(k + step, along, abs(k) == top)
            out[..., sources] += 0.5j * step * k * factor * base * self._turnings
        out[..., sources] -= self._reorientation(k, along)

    def _bias(self, k: int, along: ComplexArray, slaved: bool) -> ComplexArray:
        """-v1 X_k of densities (none) and chemicals; in the equation of a slaved harmonic without slaved ones in it."""
        out: ComplexArray = -self._gradient(k, along, slaved) * self._chemotactic(self.state.model.speed_biases)
        return out

    def _reorientation(self, k: int, along: ComplexArray) -> ComplexArray:
        """r_k (tau0/tau1) X_k of densities (none) and chemicals."""
        model = self.state.model
        share = self._torques.rates[:, self.order + 1 + k] * model.persistence_times
        out: ComplexArray = self._gradient(k, along, False) * self._chemotactic(share[:, None] * model.reorientation_biases)
        return out

    def _gradient(self, k: int, along: ComplexArray, slaved: bool) -> ComplexArray:
        """(i/2) (Q Psi_{k-1} + Q* Psi_{k+1}), shape (..., species, 1)."""
        top, out = self.order + 1, np.zeros((*along.shape[:-2], self.harmonics.shape[0], 1), dtype=np.complex128)
        for step, factor in ((-1, along), (1, along.conj())):
            if abs(k + step) <= top - slaved:
                out = out + 0.5j * factor * self.harmonics[:, top + k + step, None]
        return out

    def _chemotactic(self, coefficients: Array) -> Array:
        """Coefficients of chemicals behind zeros for densities, shape (species, species + chemical)."""
        n = self.state.model.number_of_species
        return np.concatenate([np.zeros((n, n)), coefficients], axis=1)

    @property
    def _turnings(self) -> Array:
        model = self.state.model
        return np.concatenate([mean_field_table(model, "turning"), model.turnings], axis=1)

    def _make_chemicals(self, squared: Array, rows: int, out: ComplexArray) -> None:
        model, n, top = self.state.model, self.state.model.number_of_species, self.order + 1
        for p, one in enumerate(model.chemicals):
            out[..., rows + p, top * n : (top + 1) * n] = model.production[p]
            out[..., rows + p, rows + p] = -one.decay_rate - one.diffusivity * squared[..., 0, 0]

    def growth(self, wavenumbers: ArrayLike, angle: float) -> ComplexArray:
        """Growth rates and frequencies of all modes.

        Parameters
        ----------
        wavenumbers
            |q| (1/length), shape (...).
        angle
            Of the wave vector to the flock (radian): 0 along, pi/2 across.

        Returns
        -------
        ndarray
            Shape (..., mode), largest growth first (1/time); a positive imaginary part moves against the wave vector.
        """
        q = np.asarray(wavenumbers, dtype=np.float64)[..., None] * np.array([np.cos(angle), np.sin(angle)])
        values = np.linalg.eigvals(self.matrix(q)).astype(np.complex128)
        return np.take_along_axis(values, np.argsort(-values.real, axis=-1), axis=-1)

    def fastest(self, angle: float) -> tuple[complex, float]:
        """Growth rate (real part) with frequency, and wavenumber, of the fastest wave at an angle; zeros if none grows."""
        lengths = intrinsic_lengths(self.state, self.order)
        q = np.linspace(0.0, _REACH / lengths[0], _WAVES)[1:]
        rates = self.growth(q, angle)[:, 0]
        top = int(np.argmax(rates.real))
        if rates[top].real <= _ROUND_OFF * np.abs(self._torques.rates).max():
            return 0j, 0.0
        low, high = q[max(top - 1, 0)], q[min(top + 1, q.size - 1)]
        best = optimize.minimize_scalar(lambda k: -float(self.growth(k, angle)[0].real), bounds=(low, high), method="bounded")
        return complex(self.growth(best.x, angle)[0]), float(best.x)


def _settled(torques: Torques, start: Array, rate: float) -> Array:
    """Psi_1 .. Psi_K of the steady state that grows from a seed, shape (species, K)."""
    top, shape = torques.order + 1, start.shape

    def change(values: Array) -> Array:
        psi = torques.complete(values.reshape(shape))
        return torques.tendency(psi)[:, top + 1 : 2 * top].ravel()

    scale = float(torques.state.densities.max())
    with np.errstate(all="ignore"):
        path = integrate.LSODA(lambda _, y: change(y), 0.0, start.ravel(), _PATIENCE / rate, rtol=1e-8, atol=1e-10 * scale)
        for _ in range(_STEPS):
            path.step()
            # a comparison that NaN fails as well
            if path.status != "running" or not np.abs(path.y).max() < _RUNAWAY * scale:
                break
        found = optimize.root(change, path.y, tol=1e-13) if np.all(np.isfinite(path.y)) else None
    # the isotropic state is steady too, and where the path ran away the root may be that
    isotropic = found is None or np.abs(found.x).max() < _SEED * scale
    if found is None or isotropic or np.abs(change(found.x)).max() > _STEADY * rate * scale:
        raise NumericalFailure(
            f"polar order grows at the rate {rate:g} and does not saturate at order {torques.order}: at order 1 it needs "
            "T_2 < T_1 in torque_harmonics; or keep more harmonics"
        )
    return np.asarray(found.x).reshape(shape)
