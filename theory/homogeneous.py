r"""The homogeneous isotropic mixture, and what linear theory needs to know of it.

A species moves with the speed v_mu = v_mu^law(K * rho, c) - \sum_nu (zeta_0/xi_t)_{mu nu} rho_nu. Perturbations of densities
and concentrations act on its polarity P (harmonic 1) by

    F_{mu nu}(q) = rho_mu [ (dv_mu^law/d rho_nu) Khat_{mu nu}(q) - (zeta_0/xi_t)_{mu nu} + (d - 1) chi_{mu nu} ]     densities
    F_{mu p}     = rho_mu [ dv_mu^law/d c_p + (1/tau1)_{mu p} + (d - 1) chi_{mu p} ]                                chemicals

d_t P = -grad(v rho + F .)/d - R_1 P: faster where there are more, turned down a gradient, reoriented more often up a gradient.
The relaxation of harmonic l is that of free particles less what pair torques make of it,

    R_l = diag(r_l) - l rho_mu T_l^{mu nu}/(2 pi xi_r).

With P slaved and chemicals in the adiabatic limit this is the hydrodynamics of [S1] Eqs. 3-5, 11, 15 and 16,

    d_t delta_q = -q^2 M(q) delta_q,
    M = Dt + (1/d) v R_1^{-1} (v + F_rho + F_c chat) + rho v1 chat/d + rho kappa_F/xi_t,
    chat_{p nu} = beta_{p nu}/(gamma_p + Dc_p q^2),

which for quorum sensing alone is M_mn = (D_m + Dt_m) delta_mn + D_m rho_m a_mn Khat_mn(q) with D = v^2 tau/d and
a_mn = d log v_m/d rho_n. ([S1] Eq. 11 is the local case; the derivative printed there lacks the index n.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.errors import InputError
from theory.interactions import MeanField
from theory.model import Model


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
        v_m, with what pair forces take away, shape (species,).
    diffusivities
        D_m = v_m^2 tau_m / d of a particle, without the translational part, shape (species,).
    couplings
        a_mn = (1/v_m) d v_m^law / d (sensed density, then concentration) n, shape (species, species + chemical).
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
            A density or a speed is not positive, a derivative is not finite there, a chemical has no steady concentration,
            pair interactions have no mean field, or a coefficient of it has no meaning in this dimension.
        """
        densities = model.densities(composition)
        if np.any(densities <= 0.0):
            raise InputError(f"linear theory needs positive densities, not {densities.tolist()}")
        _check_mean_field(model)
        if reason := without_mean_field(model):
            raise InputError(reason)
        stated = model.speed(densities)
        if np.any(stated <= 0.0):
            name = model.names[int(np.argmin(stated))]
            raise InputError(f"the speed of {name} vanishes at {densities.tolist()}; log v has no derivative there")
        speeds = stated - mean_field_table(model, "speed_reduction") / model.drags[:, :1] @ densities
        if np.any(speeds <= 0.0):
            worst = int(np.argmin(speeds))
            raise InputError(
                f"pair forces stop {model.names[worst]} at {densities.tolist()}: the speed {stated[worst]:g} of its law less "
                f"speed_reduction rho/translational_drag is {speeds[worst]:g}; it must be positive"
            )
        couplings = model.log_derivatives(densities) * (stated / speeds)[:, None]
        if not np.all(np.isfinite(couplings)):
            raise InputError(f"a derivative of log v is not finite at {densities.tolist()}")
        return cls(model, densities, speeds, model.diffusivities(speeds), couplings)

    @property
    def total_diffusivities(self) -> Array:
        """D_m + Dt_m, shape (species,)."""
        return np.asarray(self.diffusivities + self.model.translational_diffusivities)

    @property
    def repulsion(self) -> Array:
        """rho_m kappa_F/xi_t by which pair forces push m down the gradient of n, shape (species, species) (length^2/time)."""
        pushed = self.densities / self.model.drags[:, 0]
        return np.asarray(pushed[:, None] * mean_field_table(self.model, "repulsion"))

    def relaxation(self, level: int) -> Array:
        """R_l of the angular harmonic l, shape (species, species) (1/time)."""
        model = self.model
        rates = np.diag([one.motion.decay_rate(model.dimension, level) for one in model.species])
        turned = level * self.densities / (2.0 * np.pi * model.drags[:, 1])
        return np.asarray(rates - turned[:, None] * torque_harmonic(model, level))

    def check_slaved(self, level: int) -> None:
        """Check that an angular harmonic relaxes, so that it can follow the ones below.

        Raises
        ------
        InputError
            Pair torques make it grow.
        """
        slowest = float(np.min(np.linalg.eigvals(self.relaxation(level)).real))
        if slowest <= 0.0:
            raise InputError(
                f"pair torques make the angular harmonic {level} grow at the rate {-slowest:.6g}, so that it cannot follow the "
                f"lower ones: order {level - 1} does not exist at this composition; use order {level} or more"
            )

    def kernels(self, wavenumbers: ArrayLike) -> Array:
        """Khat_mn(q) for densities, shape (..., species, species); q may be infinite."""
        q, channels = np.asarray(wavenumbers, dtype=np.float64), self.model.channels
        finite = np.where(np.isinf(q), 0.0, q)
        values = [np.where(np.isinf(q), float(one.is_local), one.transform(finite)) for one in channels.kernels]
        transforms = np.stack(values, axis=-1)
        return np.asarray(transforms[..., channels.index[:, : self.model.number_of_species]])

    def responses(self, wavenumbers: ArrayLike) -> Array:
        """F_mn(q), shape (..., species, species + chemical)."""
        model, n = self.model, self.model.number_of_species
        sensed, local = self._sensed_and_local
        densities = sensed[:, :n] * self.kernels(wavenumbers) + local
        if not model.chemicals:
            return densities
        turned = model.reorientation_biases + (model.dimension - 1) * model.turnings
        chemicals = sensed[:, n:] + self.densities[:, None] * turned
        every = np.broadcast_to(chemicals, (*densities.shape[:-1], chemicals.shape[1]))
        return np.concatenate([densities, every], axis=-1)

    @cached_property
    def _sensed_and_local(self) -> tuple[Array, Array]:
        """rho v a, and what responds to densities at the place, shapes (species, species + chemical), (species, species)."""
        model = self.model
        lost = mean_field_table(model, "speed_reduction") / model.drags[:, :1]
        turned = (model.dimension - 1) * mean_field_table(model, "turning")
        sensed = (self.densities * self.speeds)[:, None] * self.couplings
        return np.asarray(sensed), np.asarray(self.densities[:, None] * (turned - lost))

    def concentrations(self, wavenumbers: ArrayLike) -> Array:
        """beta/(gamma + Dc q^2): steady concentrations made by densities, shape (..., chemical, species); q may be infinite."""
        q, model = np.asarray(wavenumbers, dtype=np.float64), self.model
        made = np.zeros((*q.shape, len(model.chemicals), model.number_of_species))
        for p, chemical in enumerate(model.chemicals):
            made[..., p, :] = chemical.transform(q)[..., None] * model.production[p]
        return made

    def matrix(self, wavenumbers: ArrayLike) -> Array:
        """M(q) of the hydrodynamics, chemicals in the adiabatic limit, shape (..., species, species) (length^2/time).

        Raises
        ------
        InputError
            Pair torques make the polarity grow, so that there is no hydrodynamics.
        """
        model, n = self.model, self.model.number_of_species
        responses = self.responses(wavenumbers)
        polarising = np.diag(self.speeds) + responses[..., :n]
        if not model.chemicals:
            return np.asarray(self._spreading + self._carrying @ polarising)
        made = self.concentrations(wavenumbers)
        biased = (self.densities[:, None] * model.speed_biases / model.dimension) @ made
        return np.asarray(self._spreading + self._carrying @ (polarising + responses[..., n:] @ made) + biased)

    @cached_property
    def _spreading(self) -> Array:
        """Dt + rho kappa_F/xi_t, shape (species, species)."""
        return np.asarray(np.diag(self.model.translational_diffusivities) + self.repulsion)

    @cached_property
    def _carrying(self) -> Array:
        """v R_1^{-1}/d, shape (species, species)."""
        self.check_slaved(1)
        return np.asarray(self.speeds[:, None] * np.linalg.inv(self.relaxation(1)) / self.model.dimension)

    @property
    def noise_matrix(self) -> Array:
        """G: the noise of the hydrodynamics, q^2 G per mode, shape (species, species) (1/(time length^(d - 2))).

        diag((D + Dt) rho) without pair torques, which let noise of one species' directions move another's.
        """
        model = self.model
        turned = (self._carrying * (self.densities / model.persistence_times)) @ self._carrying.T * model.dimension
        return np.asarray(np.diag(model.translational_diffusivities * self.densities) + turned)


def has_torques(model: Model) -> bool:
    """Whether fields see pair torques that align or turn directions."""
    return any(any(one.torque_harmonics) for one in model.mean_field.values())


def without_mean_field(model: Model) -> str:
    """Why fields and linear theory do not know what particles do to each other; empty if they do, or if there is nothing."""
    for observer, source in model.interactions:
        if (observer, source) not in model.mean_field:
            names = model.names
            return (
                f"{names[source]} pushes or turns {names[observer]} (model.interactions), of which fields and linear theory "
                "know by coefficients only: state them in model.mean_field ('twoscale kinetic' measures them in a run of the "
                "particles)"
            )
    return ""


def _check_mean_field(model: Model) -> None:
    if model.dimension == 2:
        return
    if has_torques(model):
        raise InputError(f"torque_harmonics are those of directions in two dimensions; the model has {model.dimension}")
    if model.dimension == 1 and any(one.turning for one in model.mean_field.values()):
        raise InputError("nothing turns in one dimension; leave out turning in mean_field")


def mean_field_table(model: Model, coefficient: str) -> Array:
    """A mean-field coefficient of all ordered pairs, shape (observer, source)."""
    return _table(model, lambda one: float(getattr(one, coefficient)))


def torque_harmonic(model: Model, level: int) -> Array:
    """T_l of all ordered pairs, shape (observer, source); harmonics that are not stated are zero."""
    return _table(model, lambda one: (0.0, *one.torque_harmonics, *(0.0,) * level)[level])


def _table(model: Model, value: Callable[[MeanField], float]) -> Array:
    out = np.zeros((model.number_of_species, model.number_of_species))
    for pair, one in model.mean_field.items():
        out[pair] = value(one)
    return out
