"""Time steppers, one scheme per file."""

from fieldsolver.steppers.base import Noise, Stepper, Tendency
from fieldsolver.steppers.etdrk2 import Etdrk2
from fieldsolver.steppers.etdrk4 import Etdrk4
from fieldsolver.steppers.exponential_euler import ExponentialEuler
from fieldsolver.steppers.phi import noise_weight, phi_functions
from fieldsolver.steppers.sbdf2 import Sbdf2

STEPPERS: dict[str, type[Stepper]] = {scheme.name: scheme for scheme in (Sbdf2, Etdrk2, Etdrk4, ExponentialEuler)}


def default_stepper(noise: float) -> str:
    """Name of the scheme for runs with or without noise."""
    return "sbdf2" if noise == 0.0 else "etdrk2"


__all__ = [
    "STEPPERS",
    "Etdrk2",
    "Etdrk4",
    "ExponentialEuler",
    "Noise",
    "Sbdf2",
    "Stepper",
    "Tendency",
    "default_stepper",
    "noise_weight",
    "phi_functions",
]
