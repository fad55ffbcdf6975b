"""Species: how their particles move, by which law fast, how they steer and what they rub against."""

from dataclasses import dataclass

import numpy as np

from theory.chemistry import Chemotaxis
from theory.errors import InputError
from theory.motion import Motion


@dataclass(frozen=True)
class Species:
    """One species.

    Parameters
    ----------
    name
        An identifier, used in the motility laws.
    motion
        How directions forget themselves.
    speed
        The motility law as text.
    translational_diffusion
        Dt (length^2/time), at least 0.
    chemotaxis
        How the species steers by chemicals, at most once per chemical.
    translational_drag, rotational_drag
        xi_t (force time/length) and xi_r (torque time), positive: by which pair forces and torques are divided.

    Raises
    ------
    InputError
        A number is out of its range, or a chemical is named twice.
    """

    name: str
    motion: Motion
    speed: str
    translational_diffusion: float = 0.0
    chemotaxis: tuple[Chemotaxis, ...] = ()
    translational_drag: float = 1.0
    rotational_drag: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.translational_diffusion) and self.translational_diffusion >= 0.0):
            raise InputError(
                f"translational_diffusion of {self.name} is {self.translational_diffusion}; it must be finite and not negative"
            )
        for name in ("translational_drag", "rotational_drag"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0.0):
                raise InputError(f"{name} of {self.name} is {value}; it must be positive and finite")
        chemicals = [one.chemical for one in self.chemotaxis]
        if len(set(chemicals)) < len(chemicals):
            raise InputError(f"how {self.name} steers by a chemical is stated twice among {', '.join(chemicals)}")
