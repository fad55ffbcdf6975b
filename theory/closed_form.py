"""Closed forms by sympy, which may take for ever: every search has a limit of time."""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

import sympy

Result = TypeVar("Result")

_SECONDS = 4.0


class _TimeIsUp(BaseException):
    """Not an Exception, so that no handler inside sympy takes it for a failure of its own."""


def within(seconds: float, function: Callable[..., Result], *arguments: Any) -> Result | None:
    """The result of a function of pure Python, or None if it takes longer than a number of seconds.

    The clock is looked at whenever the function calls another one: no thread or process is left behind.
    """
    end = time.monotonic() + seconds

    def look_at_the_clock(frame: FrameType, event: str, argument: Any) -> None:
        if time.monotonic() > end:
            raise _TimeIsUp

    before = sys.getprofile()
    sys.setprofile(look_at_the_clock)
    try:
        return function(*arguments)
    except _TimeIsUp:
        return None
    finally:
        sys.setprofile(before)


def vanishes(tree: sympy.Expr, seconds: float = _SECONDS) -> bool:
    """Whether symbols show within the time limit that a tree is zero; False where they do not decide."""
    if tree == 0:
        return True
    return within(seconds, sympy.simplify, tree) == 0


def potential(trees: tuple[sympy.Expr, ...], names: tuple[sympy.Symbol, ...], seconds: float = _SECONDS) -> sympy.Expr | None:
    """U with dU/d name_m = tree_m for every m, as a tree, checked by differentiation; None where none is found in time.

    Parameters
    ----------
    trees
        The derivatives.
    names
        The symbols that U depends on, one for each tree.
    seconds
        Limit of time.
    """
    return within(seconds, _integrated, trees, names)


def _integrated(trees: tuple[sympy.Expr, ...], names: tuple[sympy.Symbol, ...]) -> sympy.Expr | None:
    found = sympy.S.Zero
    for m, (tree, name) in enumerate(zip(trees, names, strict=True)):
        rest = sympy.expand(tree - sympy.diff(found, name))
        # what is left after the other names have been integrated does not depend on them: else sympy must see it
        rest = sympy.expand(sympy.simplify(rest)) if rest.has(*names[:m]) else rest
        found += sympy.Add(*(_antiderivative(term, name) for term in sympy.Add.make_args(rest)))
    if found.has(sympy.Integral):
        return None
    for tree, name in zip(trees, names, strict=True):
        wrong = sympy.expand(sympy.diff(found, name) - tree)
        if wrong != 0 and sympy.simplify(wrong) != 0:
            return None
    return found.replace(_LogCosh, lambda argument: sympy.log(sympy.cosh(argument)))


class _LogCosh(sympy.Function):  # type: ignore[misc]
    """log cosh with the derivative tanh, where sympy's is a quotient that only simplification turns back."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.tanh(self.args[0])


def _antiderivative(term: sympy.Expr, name: sympy.Symbol) -> sympy.Expr:
    """Of one term; tanh of something linear, the usual sigmoid, gets log cosh: sympy's own form loses digits."""
    sigmoids = [one for one in term.atoms(sympy.tanh) if one.has(name)]
    if len(sigmoids) == 1:
        argument = sigmoids[0].args[0]
        slope, factor = sympy.diff(argument, name), term / sigmoids[0]
        if not slope.has(name) and not factor.has(name):
            return factor / slope * _LogCosh(argument)
    return sympy.integrate(term, name)
