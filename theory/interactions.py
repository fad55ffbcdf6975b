r"""Forces and torques between pairs of particles, and the coefficients with which fields see them ([S2] Eqs. 1-6).

On particle i from a neighbour j at distance r, seen from i in the direction \phi relative to its own direction u_i:

    a force F(r) along r_i - r_j (positive: repulsion),  dr_i/dt = ... + F/\xi_t,
    a torque that turns i away from j (positive),        d\theta_i/dt = ... - (\Gamma(r)/\xi_r) sin \phi_j.

Each ordered pair of species has laws of its own: what A does to B need not be what B does to A.

Averaged over the pair correlations of the isotropic state the interaction leaves a few coefficients per ordered pair
([S2] Eq. 6 and its supplement; see :mod:`theory.kinetic`), which is all that fields know of it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.errors import InputError
from theory.expressions import parse, symbol

DISTANCE = "r"


@dataclass(frozen=True)
class PairInteraction:
    """How one species (the observer) is pushed and turned by another (the source), as text.

    Parameters
    ----------
    observer, source
        Names of the species that is acted on and of the one that acts; they may be the same.
    cutoff
        Distance (length) from which on the interaction is left out.
    force
        F(r) (force) as an expression of the distance ``r`` and the model's parameters; positive repels.
    torque
        Gamma(r) (torque), likewise; positive turns the observer away from the source.

    Raises
    ------
    InputError
        The cut-off is not positive and finite.
    """

    observer: str
    source: str
    cutoff: float
    force: str = "0"
    torque: str = "0"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.cutoff) and self.cutoff > 0.0):
            raise InputError(f"the cutoff of {self.source} acting on {self.observer} is {self.cutoff}; it must be positive")

    @classmethod
    def janus(
        cls,
        observer: str,
        source: str,
        *,
        head_dipole: float,
        tail_dipole: float,
        dipole_offset: float,
        screening_length: float,
        cutoff: float = 8.0,
        permittivity: float = 1.0,
    ) -> "PairInteraction":
        """Screened dipoles in the head and the tail of Janus colloids ([S2] Eqs. 1, 2 and Table 1).

        F = C_F exp(-r/lambda)/r^4 with C_F = 3 (dh + dt)^2/(4 pi eps), and Gamma the same with
        C_G = 3 l (dh^2 - dt^2)/(4 pi eps): heads stronger than tails turn particles away from each other.

        Parameters
        ----------
        observer, source
            Names of the species.
        head_dipole, tail_dipole
            dh and dt, strengths of the dipoles.
        dipole_offset
            l, distance of the dipoles from the centre (length).
        screening_length
            lambda (length).
        cutoff
            Distance (length) from which on the interaction is left out.
        permittivity
            eps.

        Raises
        ------
        InputError
            The screening length or the permittivity is not positive.
        """
        for name, value in (("screening_length", screening_length), ("permittivity", permittivity)):
            if not (np.isfinite(value) and value > 0.0):
                raise InputError(f"{name} of the Janus pair is {value}; it must be positive and finite")
        unit = 3.0 / (4.0 * math.pi * permittivity)
        force = unit * (head_dipole + tail_dipole) ** 2
        torque = unit * dipole_offset * (head_dipole**2 - tail_dipole**2)
        shape = f"exp(-{DISTANCE}/{screening_length!r})/{DISTANCE}**4"
        return cls(observer, source, cutoff, f"{force!r}*{shape}", f"{torque!r}*{shape}")


@dataclass(frozen=True)
class InteractionLaw:
    """The checked laws of one ordered pair of species.

    Parameters
    ----------
    interaction
        The laws as text.
    parameters
        Values by name.

    Raises
    ------
    ExpressionError
        A text is not an allowed expression of ``r`` and the parameters.
    """

    interaction: PairInteraction
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ = self.force_expression, self.torque_expression

    @property
    def cutoff(self) -> float:
        """Distance (length) from which on the interaction is left out."""
        return self.interaction.cutoff

    @cached_property
    def force_expression(self) -> sympy.Expr:
        """F(r) as a tree in ``r`` and the parameters."""
        return self._parsed("force", self.interaction.force)

    @cached_property
    def torque_expression(self) -> sympy.Expr:
        """Gamma(r) as a tree in ``r`` and the parameters."""
        return self._parsed("torque", self.interaction.torque)

    def _parsed(self, what: str, text: str) -> sympy.Expr:
        try:
            return parse(text, (DISTANCE, *self.parameters))
        except InputError as error:
            raise type(error)(f"{what} of {self.interaction.source} on {self.interaction.observer}: {error}") from None

    @property
    def parameters_used(self) -> tuple[str, ...]:
        """Names of the parameters on which force or torque depend."""
        trees = (self.force_expression, self.torque_expression)
        return tuple(name for name in self.parameters if any(tree.has(symbol(name)) for tree in trees))

    @property
    def has_force(self) -> bool:
        """Whether there is a force at all."""
        return bool(self.force_expression != 0)

    @property
    def has_torque(self) -> bool:
        """Whether there is a torque at all."""
        return bool(self.torque_expression != 0)

    def force(self, distance: ArrayLike) -> Array:
        """F at distances (length) of any shape, without the cut-off; not finite where the law is singular."""
        return self._evaluate(self.force_expression, distance)

    def force_slope(self, distance: ArrayLike) -> Array:
        """dF/dr at distances (length) of any shape, without the cut-off; not finite where the law is singular."""
        return self._evaluate(self._slope_expression, distance)

    @cached_property
    def _slope_expression(self) -> sympy.Expr:
        return sympy.diff(self.force_expression, symbol(DISTANCE))

    def torque(self, distance: ArrayLike) -> Array:
        """Gamma at distances (length) of any shape, without the cut-off; not finite where the law is singular."""
        return self._evaluate(self.torque_expression, distance)

    @cached_property
    def _evaluators(self) -> dict[sympy.Expr, Any]:
        return {}

    def _evaluate(self, tree: sympy.Expr, distance: ArrayLike) -> Array:
        r = np.asarray(distance, dtype=np.float64)
        if tree not in self._evaluators:
            names = [symbol(name) for name in (DISTANCE, *self.parameters)]
            self._evaluators[tree] = sympy.lambdify(names, tree, modules="numpy", cse=True)
        with np.errstate(all="ignore"):
            value = self._evaluators[tree](r, *self.parameters.values())
        return np.broadcast_to(np.asarray(value, dtype=np.float64), r.shape).copy()

    def __str__(self) -> str:
        told = [f"force {self.interaction.force}"] if self.has_force else []
        told += [f"torque {self.interaction.torque}"] if self.has_torque else []
        return f"{', '.join(told) or 'none'}; cut-off {self.cutoff:g}"


@dataclass(frozen=True)
class MeanField:
    r"""The pair interaction of one ordered pair of species as fields see it.

    With Psi_k the angular harmonics of the observer mu and those of the source nu (PHYSICS of the hierarchy:
    docs/theory.md):

        d_t Psi_k^mu = ... + (k/(2 pi xi_r)) \sum_m T_m Psi_m^nu Psi_{k-m}^mu
                           - (k chi/2) [ (D rho_nu) Psi_{k-1}^mu - (D* rho_nu) Psi_{k+1}^mu ]
                           + (kappa_F/xi_t) div(Psi_k^mu grad rho_nu),
        v_mu         = ... - zeta_0 rho_nu/xi_t.

    Parameters
    ----------
    observer, source
        Names of the species that is acted on and of the one that acts.
    torque_harmonics
        (T_1, T_2, ...) (torque length^2); harmonics beyond the last are zero.
    speed_reduction
        zeta_0 (force length^2).
    turning
        chi (length^4/time): turns particles down the source's density gradient.
    repulsion
        kappa_F (force length^4).

    Raises
    ------
    InputError
        A number is not finite.
    """

    observer: str
    source: str
    torque_harmonics: tuple[float, ...] = ()
    speed_reduction: float = 0.0
    turning: float = 0.0
    repulsion: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "torque_harmonics", tuple(float(one) for one in self.torque_harmonics))
        values = (*self.torque_harmonics, self.speed_reduction, self.turning, self.repulsion)
        if not all(np.isfinite(value) for value in values):
            raise InputError(f"a mean-field coefficient of {self.source} acting on {self.observer} is not finite: {values}")

    def __str__(self) -> str:
        torques = ", ".join(f"{value:g}" for value in self.torque_harmonics) or "0"
        return (
            f"torque harmonics {torques}; speed reduction {self.speed_reduction:g}, turning {self.turning:g}, "
            f"repulsion {self.repulsion:g}"
        )
