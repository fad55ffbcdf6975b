"""A model as stochastic partial differential equations."""

from fieldsolver.monitors import Monitors
from fieldsolver.observables import Observables
from fieldsolver.solver import FieldSolver

__all__ = ["FieldSolver", "Monitors", "Observables"]
