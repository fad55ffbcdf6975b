"""Motility laws: the self-propulsion speed of a species as a function of the sensed densities ([S1] Eqs. 1, 10, 14)."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy

from theory.arrays import Array
from theory.errors import InputError
from theory.expressions import ExpressionError, parse, symbol

TOTAL = "total"
# fractions of larger ones are printed as decimals
_LARGEST_DENOMINATOR = 10_000


@dataclass(frozen=True)
class MotilityLaw:
    """One species' speed as an expression in the sensed densities, their sum ``total``, concentrations and parameters.

    Parameters
    ----------
    text
        The expression, for example ``"v0*exp(ks*tanh((A - r0)/w))"``.
    species
        Names of all species, in the order of density arrays.
    parameters
        Values by name.
    chemicals
        Names of all chemicals, in the order of concentration arrays.

    Raises
    ------
    ExpressionError
        The text is not an allowed expression of these names.
    """

    text: str
    species: tuple[str, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)
    chemicals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _ = self.expression

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what the law may read at a point: the species, then the chemicals."""
        return (*self.species, *self.chemicals)

    @cached_property
    def expression(self) -> sympy.Expr:
        """The checked tree, with ``total`` written out as the sum of the species."""
        table: dict[str, sympy.Expr] = {name: symbol(name) for name in (*self.fields, *self.parameters)}
        table[TOTAL] = sympy.Add(*(symbol(name) for name in self.species))
        return parse(self.text, table)

    @property
    def parameters_used(self) -> tuple[str, ...]:
        """Names of the parameters on which the speed depends."""
        return tuple(name for name in self.parameters if self.expression.has(symbol(name)))

    @cached_property
    def logarithm(self) -> sympy.Expr:
        """log v as a tree, expanded where the speed is a product of powers and exponentials."""
        return sympy.expand_log(sympy.log(sympy.powsimp(self.expression)), force=True)

    def derivative(self, name: str) -> sympy.Expr:
        """d v / d name, exactly, for a species, a chemical or a parameter."""
        self._check(name)
        return sympy.diff(self.expression, symbol(name))

    def log_derivative(self, name: str) -> sympy.Expr:
        """d log v / d name, exactly: the coefficients a_mn of the theory."""
        if name not in self._log_derivatives:
            self._check(name)
            self._log_derivatives[name] = sympy.diff(self.logarithm, symbol(name))
        return self._log_derivatives[name]

    @cached_property
    def _log_derivatives(self) -> dict[str, sympy.Expr]:
        return {}

    def with_parameters(self, values: Mapping[str, float]) -> "MotilityLaw":
        """The same law with other values of its parameters; trees, derivatives and evaluators are shared, not made again.

        Parameters
        ----------
        values
            New values of some of the parameters, by name.

        Raises
        ------
        InputError
            There is no such parameter.
        """
        for name in values:
            if name not in self.parameters:
                raise InputError(f"there is no parameter '{name}'; known: {', '.join(self.parameters) or 'none'}")
        _ = self._evaluators, self._log_derivatives, self.logarithm
        other = copy.copy(self)
        object.__setattr__(other, "parameters", MappingProxyType({**self.parameters, **values}))
        return other

    def _check(self, name: str) -> None:
        if name not in self.fields and name not in self.parameters:
            raise InputError(f"'{name}' is no species, chemical or parameter of the law '{self.text}'")

    @property
    def latex(self) -> str:
        """The law in LaTeX."""
        return str(sympy.latex(self.expression))

    @property
    def pretty(self) -> str:
        """The law typeset in plain text, over several lines where it needs them."""
        return str(sympy.pretty(_decimal(self.expression), use_unicode=True, num_columns=110, full_prec=False))

    @cached_property
    def _evaluators(self) -> dict[sympy.Expr, Callable[..., Any]]:
        return {}

    def evaluate(self, tree: sympy.Expr, densities: Array) -> Array:
        """Values of a tree in this law's names.

        Parameters
        ----------
        tree
            For example ``law.expression`` or ``law.log_derivative("A")``.
        densities
            Sensed densities, then concentrations, shape (species + chemical, ...).

        Returns
        -------
        ndarray
            Shape ``densities.shape[1:]``; not finite where the tree is singular.
        """
        if tree.is_number:
            return np.full(densities.shape[1:], float(tree))
        if tree not in self._evaluators:
            names = [symbol(name) for name in (*self.fields, *self.parameters)]
            self._evaluators[tree] = sympy.lambdify(names, tree, modules="numpy", cse=True)
        with np.errstate(all="ignore"):
            value = self._evaluators[tree](*densities, *self.parameters.values())
        return np.broadcast_to(np.asarray(value, dtype=np.float64), densities.shape[1:]).copy()

    def speed(self, densities: Array) -> Array:
        """Speeds (length/time) at sensed densities and concentrations of shape (species + chemical, ...).

        Raises
        ------
        InputError
            A speed is negative or not finite; the message names the law and the densities.
        """
        value = self.evaluate(self.expression, densities)
        wrong = ~(np.isfinite(value) & (value >= 0.0))
        if np.any(wrong):
            where = tuple(index[0] for index in np.nonzero(np.atleast_1d(wrong)))
            at = ", ".join(
                f"{name} = {float(np.atleast_1d(rho)[where]):g}" for name, rho in zip(self.fields, densities, strict=True)
            )
            raise InputError(
                f"the law '{self.text}' gives the speed {float(np.atleast_1d(value)[where]):g} at {at}; "
                "speeds must be finite and not negative"
            )
        return value


def _decimal(tree: sympy.Expr) -> sympy.Expr:
    """The tree as people write it: (A - 50)/10 inside functions, and decimals of six digits for exact fractions."""
    tree = tree.replace(sympy.tanh, lambda argument: sympy.tanh(sympy.together(argument), evaluate=False))
    fractions = {
        number: sympy.Float(f"{float(number):.6g}")
        for number in tree.atoms(sympy.Rational)
        if number.q > _LARGEST_DENOMINATOR or (number.p != 1 and 10**12 % number.q == 0 and number.q != 1)
    }
    return tree.xreplace(fractions)


__all__ = ["TOTAL", "ExpressionError", "MotilityLaw"]
