"""A model as stochastic partial differential equations."""

from fieldsolver.monitors import Monitors
from fieldsolver.solver import FieldSolver

__all__ = ["FieldSolver", "Monitors"]
