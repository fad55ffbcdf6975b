"""What a model is, and what can be said of it without stepping it in time."""

from theory.errors import InputError, NumericalFailure
from theory.kernels import Kernel
from theory.model import Model, Motion, PairSensing, Sensing, Species

__all__ = ["InputError", "Kernel", "Model", "Motion", "NumericalFailure", "PairSensing", "Sensing", "Species"]
