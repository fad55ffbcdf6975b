"""Text of a motility law -> checked sympy tree.

The text is parsed by Python's own :mod:`ast` and walked against a short list of allowed nodes, which builds sympy objects
directly. The text is never evaluated: no ``eval``, no ``sympify``. Limits on length, size, nesting, exponents and constants
keep a hostile or mistaken text from costing time or memory.
"""

import ast
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy

from theory.errors import InputError

MAXIMUM_LENGTH = 2000
MAXIMUM_NODES = 400
MAXIMUM_DEPTH = 40
MAXIMUM_EXPONENT = 64
LARGEST_CONSTANT = 1e100

_FUNCTIONS: Mapping[str, tuple[Callable[..., sympy.Expr], Callable[[float], float]]] = {
    "exp": (sympy.exp, math.exp),
    "log": (sympy.log, math.log),
    "sqrt": (sympy.sqrt, math.sqrt),
    "tanh": (sympy.tanh, math.tanh),
    "sinh": (sympy.sinh, math.sinh),
    "cosh": (sympy.cosh, math.cosh),
    "sin": (sympy.sin, math.sin),
    "cos": (sympy.cos, math.cos),
    "atan": (sympy.atan, math.atan),
}
FUNCTION_NAMES = tuple(_FUNCTIONS)


class ExpressionError(InputError):
    """The text is not an allowed expression; the message quotes the offending part and says what is allowed."""


@dataclass(frozen=True)
class _Part:
    """A sub-expression and, where it contains no name, its value."""

    tree: sympy.Expr
    value: float | None


def symbol(name: str) -> sympy.Symbol:
    """The symbol that stands for a name in every tree (real; the same object for the same name)."""
    return sympy.Symbol(name, real=True)


def parse(text: str, names: Mapping[str, sympy.Expr] | Iterable[str]) -> sympy.Expr:
    """Turn text into a checked sympy tree.

    Parameters
    ----------
    text
        For example ``"v0*exp(-0.8*tanh((A - 50)/10))"``. Allowed: the given names, real constants, ``+ - * / **``,
        parentheses and the functions in ``FUNCTION_NAMES``.
    names
        The names that may occur, or a mapping from each name to the tree that it stands for.

    Returns
    -------
    sympy.Expr
        Decimal constants are held exactly, as fractions.

    Raises
    ------
    ExpressionError
        The text has a syntax error, an unknown name, a forbidden construct, exceeds a limit, or is singular or
        complex for whatever values its names take (``1/0``, ``log(-1)``).
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression must be text, not {type(text).__name__}")
    if len(text) > MAXIMUM_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; at most {MAXIMUM_LENGTH} are allowed")
    try:
        root = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        where = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        reason = error.msg if isinstance(error, SyntaxError) else "too deeply nested or not text"
        raise ExpressionError(f"'{_shorten(text)}' is not an expression: {reason}{where}") from None
    _check_size(root)
    table = dict(names) if isinstance(names, Mapping) else {name: symbol(name) for name in names}
    tree = _Builder(text.strip(), table).build(root).tree
    if tree.has(sympy.I, sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise ExpressionError(f"'{_shorten(text)}' is singular or complex whatever values its names take")
    if any(abs(number) > LARGEST_CONSTANT for number in tree.atoms(sympy.Number)):
        raise ExpressionError(f"'{_shorten(text)}' contains a number larger than {LARGEST_CONSTANT:g}")
    return tree


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _check_size(root: ast.AST) -> None:
    nodes = 0
    level = [root]
    for _ in range(MAXIMUM_DEPTH):
        nodes += len(level)
        if nodes > MAXIMUM_NODES:
            raise ExpressionError(f"the expression has more than {MAXIMUM_NODES} terms and operations")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ExpressionError(f"the expression is nested deeper than {MAXIMUM_DEPTH} levels")


class _Builder:
    """The walk over the syntax tree: one method per allowed node, everything else is refused."""

    def __init__(self, text: str, table: Mapping[str, sympy.Expr]) -> None:
        self._text = text
        self._table = table

    def build(self, node: ast.expr) -> _Part:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
                return self._unary(node)
            case ast.BinOp():
                return self._binary(node)
            case ast.Call():
                return self._call(node)
        raise ExpressionError(
            f"'{self._source(node)}' is not allowed in an expression; allowed are names, real numbers, + - * / **, "
            f"parentheses and the functions {', '.join(FUNCTION_NAMES)}"
        )

    def _source(self, node: ast.expr) -> str:
        return _shorten(ast.get_source_segment(self._text, node) or self._text)

    def _constant(self, node: ast.Constant) -> _Part:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError(f"'{self._source(node)}' is not a real number")
        if abs(value) > LARGEST_CONSTANT or (value != 0 and abs(value) < 1 / LARGEST_CONSTANT):
            raise ExpressionError(
                f"the constant {self._source(node)} is out of range: 0 or {1 / LARGEST_CONSTANT:g} to {LARGEST_CONSTANT:g}"
            )
        return _Part(sympy.Rational(repr(value)), float(value))

    def _name(self, node: ast.Name) -> _Part:
        if node.id in self._table:
            return _Part(self._table[node.id], None)
        if node.id in _FUNCTIONS:
            raise ExpressionError(f"the function {node.id} needs an argument in parentheses")
        known = [*self._table, *FUNCTION_NAMES]
        near = difflib.get_close_matches(node.id, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ExpressionError(f"unknown name '{_shorten(node.id)}'{hint} (known: {', '.join(sorted(self._table))})")

    def _unary(self, node: ast.UnaryOp) -> _Part:
        part = self.build(node.operand)
        if isinstance(node.op, ast.UAdd):
            return part
        return _Part(-part.tree, None if part.value is None else -part.value)

    def _binary(self, node: ast.BinOp) -> _Part:
        left, right = self.build(node.left), self.build(node.right)
        numbers = None if left.value is None or right.value is None else (left.value, right.value)
        value = None
        match node.op:
            case ast.Add():
                tree = left.tree + right.tree
                value = numbers and numbers[0] + numbers[1]
            case ast.Sub():
                tree = left.tree - right.tree
                value = numbers and numbers[0] - numbers[1]
            case ast.Mult():
                tree = left.tree * right.tree
                value = numbers and numbers[0] * numbers[1]
            case ast.Div():
                if right.tree.is_zero:
                    raise ExpressionError(f"'{self._source(node)}' divides by zero")
                tree = left.tree / right.tree
                value = numbers and numbers[0] / numbers[1]
            case ast.Pow():
                return self._power(node, left, right)
            case ast.BitXor():
                raise ExpressionError(f"'{self._source(node)}': a power is written **, not ^")
            case _:
                raise ExpressionError(f"'{self._source(node)}' uses an operator that is not allowed; allowed are + - * / **")
        return _Part(tree, None if value is None else self._checked(node, value))

    def _power(self, node: ast.BinOp, base: _Part, exponent: _Part) -> _Part:
        if exponent.value is not None and abs(exponent.value) > MAXIMUM_EXPONENT:
            raise ExpressionError(
                f"the exponent in '{self._source(node)}' is {exponent.value:g}; allowed are -{MAXIMUM_EXPONENT} to "
                f"{MAXIMUM_EXPONENT}"
            )
        if base.value is None or exponent.value is None:
            return _Part(base.tree**exponent.tree, None)
        # the value is checked before sympy, which computes with exact fractions of any size, sees the power
        if base.value == 0.0 and exponent.value <= 0.0:
            raise ExpressionError(f"'{self._source(node)}' is singular")
        if base.value < 0.0 and exponent.value != int(exponent.value):
            raise ExpressionError(f"'{self._source(node)}' is complex")
        try:
            value = self._checked(node, base.value**exponent.value)
        except OverflowError:
            raise ExpressionError(f"'{self._source(node)}' overflows") from None
        return _Part(base.tree**exponent.tree, value)

    def _call(self, node: ast.Call) -> _Part:
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS:
            name = self._source(node.func)
            near = difflib.get_close_matches(name, FUNCTION_NAMES, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ExpressionError(f"unknown function '{name}'{hint} (known: {', '.join(FUNCTION_NAMES)})")
        if len(node.args) != 1 or node.keywords:
            raise ExpressionError(f"'{self._source(node)}': {node.func.id} takes exactly one argument")
        argument = self.build(node.args[0])
        build, evaluate = _FUNCTIONS[node.func.id]
        value = None
        if argument.value is not None:
            try:
                value = self._checked(node, evaluate(argument.value))
            except OverflowError:
                raise ExpressionError(f"'{self._source(node)}' overflows") from None
            except ValueError:
                raise ExpressionError(f"'{self._source(node)}' is singular or complex") from None
        return _Part(build(argument.tree), value)

    def _checked(self, node: ast.expr, value: float) -> float:
        if not math.isfinite(value) or abs(value) > LARGEST_CONSTANT:
            raise ExpressionError(f"'{self._source(node)}' is larger than {LARGEST_CONSTANT:g}")
        return value
