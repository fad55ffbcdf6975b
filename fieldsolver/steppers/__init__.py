"""Time steppers, one scheme per file."""

from fieldsolver.steppers.base import Stepper, Tendency, noise_weight
from fieldsolver.steppers.etd1 import Etd1
from fieldsolver.steppers.etdrk2 import Etdrk2

STEPPERS: dict[str, type[Stepper]] = {scheme.name: scheme for scheme in (Etd1, Etdrk2)}

__all__ = ["STEPPERS", "Etd1", "Etdrk2", "Stepper", "Tendency", "noise_weight"]
