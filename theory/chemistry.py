r"""Chemicals that particles make, and by which they steer ([S1] Eqs. 15-18).

A chemical obeys

    d_t c = Dc lap c - gamma c + \sum_\mu beta_\mu rho_\mu,

by default in the adiabatic limit, d_t c = 0, where  chat = \sum_\mu beta_\mu rhohat_\mu / (gamma + Dc q^2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.errors import InputError


@dataclass(frozen=True)
class Chemical:
    """One chemical.

    Parameters
    ----------
    name
        An identifier; motility laws may use the concentration by this name.
    production
        beta of each species that makes (or, negative, takes up) the chemical, by name (amount/time per particle).
    diffusivity
        Dc (length^2/time), at least 0; above 0 where a species steers by the chemical's gradient.
    decay_rate
        gamma (1/time), above 0 in the adiabatic limit.
    adiabatic
        Whether the concentration follows the densities at once; otherwise it is a field with a dynamics of its own.

    Raises
    ------
    InputError
        A number is out of its range.
    """

    name: str
    production: Mapping[str, float]
    diffusivity: float
    decay_rate: float
    adiabatic: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "production", MappingProxyType({s: float(b) for s, b in self.production.items()}))
        for species, rate in self.production.items():
            if not np.isfinite(rate):
                raise InputError(f"the production of {self.name} by {species} is {rate}; it must be finite")
        for name in ("diffusivity", "decay_rate"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0.0):
                raise InputError(f"{name} of the chemical {self.name} is {value}; it must be finite and not negative")
        if self.adiabatic and self.decay_rate == 0.0:
            raise InputError(
                f"decay_rate of the chemical {self.name} is 0; in the adiabatic limit it must be positive, for without decay "
                "the concentration never becomes steady; give a decay_rate or adiabatic = false"
            )

    def transform(self, wavenumber: ArrayLike) -> Array:
        """1/(gamma + Dc q^2) (time), the steady response to a source, at |q| (1/length) of any shape; q may be infinite."""
        q = np.asarray(wavenumber, dtype=np.float64)
        spread = self.diffusivity * q**2 if self.diffusivity > 0.0 else np.zeros_like(q)
        return np.asarray(1.0 / (self.decay_rate + spread))

    def __str__(self) -> str:
        made = ", ".join(f"{rate:g} by {species}" for species, rate in self.production.items()) or "by none"
        limit = "adiabatic" if self.adiabatic else "time-dependent"
        return f"{self.name}: made {made}; diffusivity {self.diffusivity:g}, decay rate {self.decay_rate:g}, {limit}"


@dataclass(frozen=True)
class Chemotaxis:
    """How one species steers by the gradient of one chemical, of concentration c.

    A particle with direction u has the speed v - speed_bias u.grad c, the reorientation rate
    1/tau + reorientation_bias u.grad c ([S1] Eq. 15: v1 and 1/tau1), and, in two dimensions and above, turns as
    du/dt = -turning (grad c - u u.grad c). Positive numbers make the chemical a repellent.

    Parameters
    ----------
    chemical
        Name of the chemical.
    speed_bias
        v1 (length^2/time per concentration).
    reorientation_bias
        1/tau1 (length/time per concentration): of the tumble rate and of the rotational diffusivity, in proportion to
        the reorientation rate of each.
    turning
        chi (length/time per concentration).

    Raises
    ------
    InputError
        A number is not finite.
    """

    chemical: str
    speed_bias: float = 0.0
    reorientation_bias: float = 0.0
    turning: float = 0.0

    def __post_init__(self) -> None:
        for name in ("speed_bias", "reorientation_bias", "turning"):
            if not np.isfinite(getattr(self, name)):
                raise InputError(f"{name} by {self.chemical} is {getattr(self, name)}; it must be finite")

    def __str__(self) -> str:
        named = (("speed bias", self.speed_bias), ("reorientation bias", self.reorientation_bias), ("turning", self.turning))
        return ", ".join(f"{name} {value:g}" for name, value in named if value) or "none"
