"""What a model is, and what can be said of it without stepping it in time."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from theory.errors import InputError, NumericalFailure

if TYPE_CHECKING:
    from theory.chemistry import Chemical, Chemotaxis
    from theory.interactions import MeanField, PairInteraction
    from theory.kernels import Kernel
    from theory.model import Model
    from theory.motion import Motion
    from theory.sensing import PairSensing, Sensing
    from theory.species import Species

__all__ = [
    "Chemical",
    "Chemotaxis",
    "InputError",
    "Kernel",
    "MeanField",
    "Model",
    "Motion",
    "NumericalFailure",
    "PairInteraction",
    "PairSensing",
    "Sensing",
    "Species",
]


# the model needs sympy, which takes a third of a second to import: only who asks for it pays
_HOMES = {
    "Chemical": "chemistry",
    "Chemotaxis": "chemistry",
    "Kernel": "kernels",
    "MeanField": "interactions",
    "Model": "model",
    "Motion": "motion",
    "PairInteraction": "interactions",
    "PairSensing": "sensing",
    "Sensing": "sensing",
    "Species": "species",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'theory' has no attribute '{name}'")
    return getattr(import_module(f"theory.{_HOMES[name]}"), name)
