"""A model as stochastic partial differential equations."""

from fieldsolver.solver import FieldSolver, Monitors

__all__ = ["FieldSolver", "Monitors"]
