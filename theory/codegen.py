"""Motility laws as compiled loops over points, shared by both engines.

The checked sympy tree is printed as the body of a loop, with the parameters passed as an array (a changed parameter
recompiles nothing). Pair forces are printed by :mod:`theory.pair_codegen` in the same way; the printed modules are imported by
:mod:`theory.generated`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy.printing.pycode import PythonCodePrinter

from theory.arrays import Array
from theory.expressions import symbol
from theory.generated import load, working_module
from theory.model import Model
from theory.motility import MotilityLaw

Over = Callable[..., None]

# Points per block: the rows of a block stay in the first-level cache, and a block is the unit given to a thread.
_BLOCK = 1024
# Versions the cached modules: to be raised when the template or the functions it calls change.
_TEMPLATE_VERSION = 4

_TEMPLATE = '''"""Speed of one species at many points. Generated (template {version}); law: {law}"""

from math import atan, cos, cosh, sin, sinh, sqrt

import numba

from theory._loops import exp, log, tanh
from theory.compiling import loop, parallel_loop


@loop
def block({rows}, parameters, out):
{parameters}
    for i in range(out.shape[0]):
{body}


@parallel_loop
def over(points, channels, parameters, out):
    count = out.shape[0]
    for n in numba.prange((count + {block} - 1) // {block}):
        start = n * {block}
        stop = min(start + {block}, count)
        block({slices}, parameters, out[start:stop])
'''


class LoopPrinter(PythonCodePrinter):  # type: ignore[misc]
    """Prints a tree with the vectorisable functions, and small integer powers as products."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False, "precision": 17})
        self.known_functions: dict[str, str] = {
            "exp": "exp",
            "log": "log",
            "tanh": "tanh",
            **{name: name for name in ("sinh", "cosh", "sin", "cos", "atan")},
        }

    def _print_Rational(self, expr: sympy.Rational) -> str:  # noqa: N802 (sympy's names)
        return repr(float(expr))

    def _print_Integer(self, expr: sympy.Integer) -> str:  # noqa: N802
        return repr(float(expr))

    def _print_Exp1(self, expr: sympy.Expr) -> str:  # noqa: N802
        return repr(float(np.e))

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:  # noqa: N802
        base, power = expr.as_base_exp()
        if power == -1:
            return f"(1.0/({self._print(base)}))"
        if power == sympy.Rational(1, 2):
            return f"sqrt({self._print(base)})"
        if power.is_Integer and 2 <= abs(int(power)) <= 4:
            product = "*".join([f"({self._print(base)})"] * abs(int(power)))
            return f"({product})" if power > 0 else f"(1.0/({product}))"
        if power.is_Integer:
            # an integer exponent keeps numba's repeated multiplication, which negative bases need
            return f"(({self._print(base)})**{int(power)})"
        return f"(({self._print(base)})**({self._print(power)}))"


def source_of(law: MotilityLaw) -> str:
    """The generated module's text.

    The names of species, chemicals and parameters are replaced by positions, so that laws that differ by names alone share
    a module.
    """
    fields = {symbol(name): sympy.Symbol(f"s{n}", real=True) for n, name in enumerate(law.fields)}
    parameters = {symbol(name): sympy.Symbol(f"p{n}", real=True) for n, name in enumerate(law.parameters)}
    tree = law.expression.xreplace({**fields, **parameters})
    steps, (result,) = sympy.cse([tree], symbols=sympy.numbered_symbols("t"))
    printer = LoopPrinter()
    indent = " " * 8
    body = [f"{indent}s{n} = row{n}[i]" for n, s in enumerate(fields.values()) if tree.has(s)]
    body += [f"{indent}{name} = {printer.doprint(step)}" for name, step in steps]
    body.append(f"{indent}out[i] = {printer.doprint(result)}")
    return _TEMPLATE.format(
        version=_TEMPLATE_VERSION,
        law=tree,
        rows=", ".join(f"row{n}" for n in range(len(fields))),
        parameters="\n".join(f"    p{n} = parameters[{n}]" for n, p in enumerate(parameters.values()) if tree.has(p)),
        body="\n".join(body),
        block=_BLOCK,
        slices=", ".join(f"points[channels[{n}], start:stop]" for n in range(len(fields))),
    )


def compile_law(law: MotilityLaw) -> Over:
    """The law as ``over(points, channels, parameters, out)``.

    ``points`` (channel + chemical, n) float64, C-contiguous, are the sensed fields; ``channels`` (species + chemical,) int64
    says which of them holds what; ``parameters`` (parameter,) float64; ``out`` (n,) float64 receives the speeds (not checked).
    """
    arguments = (np.ones((len(law.fields), 1)), np.arange(len(law.fields)), _values(law), np.empty(1))
    module = working_module(source_of(law), lambda module: module.over(*arguments))
    over: Over = module.over
    return over


def compile_block(law: MotilityLaw) -> Over:
    """The law as ``block(row, ..., parameters, out)``, a serial loop over the points of rows, one row per species and chemical.

    Rows and ``out`` are one-dimensional and of one type, float64 or float32; work is done in double precision.
    """
    compile_law(law)  # which also replaces damaged machine code
    block: Over = load(source_of(law)).block
    return block


def _values(law: MotilityLaw) -> Array:
    # never empty: an empty array would be a case of its own for the compiler
    return np.array([*law.parameters.values(), 0.0])


class CompiledLaws:
    """All motility laws of a model as compiled loops.

    Parameters
    ----------
    model
        The model.
    """

    def __init__(self, model: Model) -> None:
        self._laws = list(model.motility.values())
        self._overs = [compile_law(law) for law in self._laws]
        self._channels = model.channels.index
        self.parameters = _values(self._laws[0])

    def of(self, species: int) -> Over:
        """The loop of one species: ``over(points, channels, parameters, out)``."""
        return self._overs[species]

    def block_of(self, species: int) -> Over:
        """The serial loop of one species: ``block(row, ..., parameters, out)``; may be called from several threads at once."""
        return compile_block(self._laws[species])

    def over(self, points: Array, out: Any) -> None:
        """Speeds of all species at the same points.

        Parameters
        ----------
        points
            Sensed fields, then concentrations, shape (channel + chemical, n), C-contiguous.
        out
            Speeds, shape (species, n), overwritten. They are not checked.
        """
        for n, over in enumerate(self._overs):
            over(points, self._channels[n], self.parameters, out[n])
