r"""The polarity equation of particles that repel and turn away from each other ([S2] Eqs. 4, 5, 9 and supplement).

P is the density of directions, |P| = \rho for a perfect flock; v = v_0 - \zeta_0 \rho/\xi_t the speed in the crowd, and

    \Gamma_2 = 4 D_r + \alpha - \rho T_2/(\pi \xi_r)

the rate at which the second harmonic forgets itself. Slaving that harmonic, and leaving out products of \nabla\rho and P,

    dP/dt = a P - b |P|^2 P - w \nabla\rho + \nu \nabla^2 P - \lambda_1 (P.\nabla) P - \lambda_2 [P (\nabla.P) - \nabla|P|^2/2],

    a = \rho T_1/(2\pi \xi_r) - D_r - \alpha,        b = T_1 (T_1 - T_2)/(2 \pi^2 \xi_r^2 \Gamma_2),
    w = [d(v \rho)/d\rho + \chi \rho]/2,             \nu = D_t + v^2/(4 \Gamma_2),
    \lambda_{1,2} = A \pm B,    A = v T_1/(\pi \xi_r \Gamma_2),    B = v (T_2 - T_1)/(4 \pi \xi_r \Gamma_2).

A uniform flock has the polar order |P|/\rho = sqrt(a/b)/\rho. ([S2] gives a; b and the gradient terms follow from the same
hierarchy.) For mixtures the growth rates are the eigenvalues of a matrix: the polarity of one species turns that of another.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.errors import InputError
from theory.interactions import MeanField
from theory.kinetic.unit_directions import check_unit_directions
from theory.model import Model


@dataclass(frozen=True)
class PolarityEquation:
    r"""Coefficients at one density of one species; see the module.

    Parameters
    ----------
    density
        \rho (1/length^2).
    speed
        v in the crowd (length/time).
    growth_rate
        a (1/time).
    saturation
        b (length^4/time).
    pressure
        w (length/time).
    viscosity
        \nu (length^2/time).
    advection, compression
        \lambda_1 and \lambda_2 (length^3/time).
    """

    density: float
    speed: float
    growth_rate: float
    saturation: float
    pressure: float
    viscosity: float
    advection: float
    compression: float

    @classmethod
    def of(cls, model: Model, density: float, seen: MeanField) -> "PolarityEquation":
        r"""The equation of a model of one species.

        Parameters
        ----------
        model
            Of two dimensions and one species.
        density
            \rho (1/length^2), positive.
        seen
            Coefficients of the species' interaction with itself.

        Raises
        ------
        InputError
            The model is another, its particles have no unit direction, or the second harmonic grows by itself, so that it
            cannot be slaved.
        """
        if model.number_of_species != 1 or model.dimension != 2:
            raise InputError(f"the polarity equation is that of one species in two dimensions, not of {model!r}")
        check_unit_directions(model, [(0, 0)])
        motion, (xi_t, xi_r) = model.species[0].motion, model.drags[0]
        first, second = ((*seen.torque_harmonics, 0.0, 0.0))[:2]
        decay = motion.decay_rate(2, 1)
        second_decay = motion.decay_rate(2, 2) - density * second / (np.pi * xi_r)
        if not second_decay > 0.0:
            raise InputError(
                f"the second harmonic of directions grows by itself at the density {density:g}: 4 Dr + alpha must exceed "
                f"rho T_2/(pi xi_r) = {density * second / (np.pi * xi_r):g}; keep it by a higher order of the fields"
            )
        free = float(model.speed([density])[0])
        law = model.motility[model.names[0]]
        slope = float(law.evaluate(law.derivative(model.names[0]), model.homogeneous_fields([density])))
        speed = free - seen.speed_reduction * density / xi_t
        crowded = speed + density * (slope - seen.speed_reduction / xi_t)
        a, b = (factor * speed / (np.pi * xi_r * second_decay) for factor in (first, 0.25 * (second - first)))
        return cls(
            density=density,
            speed=speed,
            growth_rate=density * first / (2.0 * np.pi * xi_r) - decay,
            saturation=first * (first - second) / (2.0 * np.pi**2 * xi_r**2 * second_decay),
            pressure=0.5 * (crowded + seen.turning * density),
            viscosity=model.species[0].translational_diffusion + speed**2 / (4.0 * second_decay),
            advection=a + b,
            compression=a - b,
        )

    @property
    def saturation_rate(self) -> float:
        r"""b \rho^2 (1/time): that of the polar order |P|/\rho."""
        return self.saturation * self.density**2

    @property
    def polar_order(self) -> float:
        """|P|/rho of the uniform flock, 0 where the isotropic state is stable; beyond 1 the expansion fails.

        Raises
        ------
        InputError
            Polar order grows and nothing saturates it.
        """
        if self.growth_rate <= 0.0:
            return 0.0
        if not self.saturation > 0.0:
            raise InputError(
                f"polar order grows (a = {self.growth_rate:g}) and does not saturate (b = {self.saturation:g}): "
                "T_2 < T_1 is needed; keep more harmonics"
            )
        return float(np.sqrt(self.growth_rate / self.saturation) / self.density)


def growth_matrix(model: Model, densities: ArrayLike, seen: list[MeanField]) -> Array:
    r"""Growth of uniform polarities, dP_m/dt = sum_n A_mn P_n (1/time), shape (species, species).

    A_mn = \rho_m T_1^{mn}/(2\pi \xi_{r,m}) - \delta_mn/\tau_m, 1/\tau = D_r + \alpha; the isotropic state is unstable where
    an eigenvalue of A has a positive real part. Particles that no torque turns may be of any motion.

    Parameters
    ----------
    model
        Of two dimensions.
    densities
        Shape (species,) (1/length^2).
    seen
        Coefficients of the pairs that interact.

    Raises
    ------
    InputError
        Torques turn particles without a unit direction, or are exerted by them.
    """
    rho = model.densities(densities)
    check_unit_directions(
        model, [(model.index(one.observer), model.index(one.source)) for one in seen if any(one.torque_harmonics)]
    )
    matrix = -np.diag([one.motion.decay_rate(2, 1) for one in model.species])
    for one in seen:
        observer, source = model.index(one.observer), model.index(one.source)
        first = one.torque_harmonics[0] if one.torque_harmonics else 0.0
        matrix[observer, source] += rho[observer] * first / (2.0 * np.pi * model.drags[observer, 1])
    return matrix
