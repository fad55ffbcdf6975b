"""Time steppers, one scheme per file."""

from fieldsolver.steppers.base import Noise, Stepper, Tendency
from fieldsolver.steppers.etdrk2 import Etdrk2
from fieldsolver.steppers.etdrk4 import Etdrk4
from fieldsolver.steppers.exponential_adams import ExponentialAdams
from fieldsolver.steppers.exponential_euler import ExponentialEuler
from fieldsolver.steppers.phi import phi_functions
from fieldsolver.steppers.sbdf2 import Sbdf2

_SCHEMES: tuple[type[Stepper], ...] = (Sbdf2, ExponentialAdams, Etdrk2, Etdrk4, ExponentialEuler)
STEPPERS: dict[str, type[Stepper]] = {scheme.name: scheme for scheme in _SCHEMES}


def default_stepper(noise: float, order: int) -> str:
    """Name of the scheme for runs with or without noise, of fields of an order.

    From order 1 on what is explicit is transport, whose oscillating modes a scheme without memory fluctuates better.
    """
    if noise == 0.0:
        return "sbdf2"
    return "exponential_adams" if order == 0 else "etdrk2"


__all__ = [
    "STEPPERS",
    "Etdrk2",
    "Etdrk4",
    "ExponentialAdams",
    "ExponentialEuler",
    "Noise",
    "Sbdf2",
    "Stepper",
    "Tendency",
    "default_stepper",
    "phi_functions",
]
