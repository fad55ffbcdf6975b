"""What a model is, and what can be said of it without stepping it in time."""

from typing import TYPE_CHECKING, Any

from theory.errors import InputError, NumericalFailure

if TYPE_CHECKING:
    from theory.kernels import Kernel
    from theory.model import (
        Chemical,
        Chemotaxis,
        MeanField,
        Model,
        Motion,
        PairInteraction,
        PairSensing,
        Sensing,
        Species,
    )

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


def __getattr__(name: str) -> Any:
    # the model needs sympy, which takes a third of a second to import: only who asks for it pays
    if name == "Kernel":
        from theory import kernels

        return kernels.Kernel
    if name in __all__:
        from theory import model

        return getattr(model, name)
    raise AttributeError(f"module 'theory' has no attribute '{name}'")
