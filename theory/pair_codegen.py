r"""Forces and torques between pairs of particles as compiled loops over lists of neighbours.

Continuous law ([S2] Eqs. 1-3), for a particle i of the observing species and all j of the source within the cut-off, with
e = (r_i - r_j)/r:

    velocity of i       \sum_j F(r) e / \xi_t,
    turning rate of i   u_i \times \sum_j \Gamma(r) e / \xi_r    (two dimensions),

which is -\sum_j (\Gamma/\xi_r) \sin \phi_j, as the neighbour is seen at \phi_j along -e.

Both sums run over the same neighbours: F(r)/r and Gamma(r)/r are printed with their common parts taken out. Where Gamma is a
multiple of F, as for Janus particles, the second sum is that multiple of the first. Powers of r are written with r^2, which
needs no root. Numbers in the laws are passed beside the parameters, so that laws that differ by numbers alone share a module.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import sympy

from theory.arrays import Array
from theory.codegen import LoopPrinter
from theory.expressions import symbol
from theory.generated import working_module
from theory.interactions import DISTANCE, InteractionLaw

Over = Callable[..., None]

# Observers per block, the unit given to a thread: with their neighbours they fit the first-level cache.
BLOCK = 128
# Versions the cached modules: to be raised when the template or the functions it calls change.
_TEMPLATE_VERSION = 2

_AXES = "xyz"
_Q = sympy.Symbol("q", positive=True)

_TEMPLATE = '''"""Force and torque on one species by another. Generated (template {version}); F/r: {force}; Gamma/r: {torque}"""

from math import atan, cos, cosh, inf, sin, sinh, sqrt

import numba

from theory._loops import add_product_in_any_order, exp, log, multiply_add, tanh
from theory.compiling import loop, parallel_loop


@loop
def block(
    first, last, cutoff, mobilities, parameters, entries, places, starts, lengths, neighbours, points, directions,
    velocities, turnings, largest
):
    squared_cutoff = cutoff * cutoff
{parameters}
{unpacked}
    fastest = 0.0
    sharpest = 0.0
    for k in range(numba.uint64(first), numba.uint64(last)):
        centre = numba.uint64(entries[k])
        start = numba.uint64(starts[k])
        stop = start + numba.uint64(lengths[k])
{zeroed}
        for n in range(start, stop):
            other = numba.uint64(neighbours[n])
{body}
        place = numba.uint64(places[k])
{results}
    largest[0] = sqrt(fastest)
    largest[1] = sharpest


@parallel_loop
def over(
    stride, cutoff, mobilities, parameters, entries, places, starts, lengths, neighbours, points, directions,
    velocities, turnings, largest
):
    blocks = largest.shape[0]
    for n in numba.prange(blocks):
        one = n * stride % blocks
        first = one * {block}
        last = min(first + {block}, entries.size)
        block(
            first, last, cutoff, mobilities, parameters, entries, places, starts, lengths, neighbours, points, directions,
            velocities, turnings, largest[one]
        )
'''


@dataclass(frozen=True)
class CompiledPair:
    """The laws of one ordered pair of species, ready to run.

    Parameters
    ----------
    over
        ``over(stride, cutoff, mobilities, parameters, entries, places, starts, lengths, neighbours, points, directions,
        velocities, turnings, largest)``. For observer k, ``entries[k]`` is its place among ``points`` (dimension, entry),
        ``places[k]`` its place among ``directions`` (dimension, particle), and its neighbours are ``lengths[k]`` entries of
        ``neighbours`` from ``starts[k]`` on. Added are ``velocities`` (dimension, particle) and ``turnings`` (particle,);
        ``mobilities`` are 1/xi_t and 1/xi_r. ``largest`` (block, 2) receives the largest speed and turning rate of each block
        of observers, infinite where one is not finite. Blocks are visited in steps of ``stride``, which shares no divisor
        with their number.
    parameters
        What the loop reads as ``parameters``.
    """

    over: Over
    parameters: Array


def _in_squares(tree: sympy.Expr) -> sympy.Expr:
    """Integer powers of r as powers of q = r^2, with one factor r left where they are odd."""
    r = symbol(DISTANCE)
    return tree.replace(
        lambda one: one.is_Pow and one.base == r and one.exp.is_Integer,
        lambda one: _Q ** (int(one.exp) // 2) * r ** (int(one.exp) % 2),
    )


def _without_numbers(tree: sympy.Expr, numbers: dict[sympy.Rational, sympy.Symbol]) -> sympy.Expr:
    """The tree with a symbol for every fraction outside of exponents; ``numbers`` collects them."""
    if tree.is_Rational and not tree.is_Integer:
        return numbers.setdefault(tree, sympy.Symbol(f"c{len(numbers)}", real=True))
    if not tree.args:
        return tree
    if tree.is_Pow:
        return sympy.Pow(_without_numbers(tree.base, numbers), tree.exp)
    return tree.func(*(_without_numbers(one, numbers) for one in tree.args))


@dataclass(frozen=True)
class _Printable:
    """F/r, Gamma/r and, where Gamma is a multiple of F, that multiple instead of Gamma/r."""

    force: sympy.Expr
    torque: sympy.Expr
    ratio: sympy.Expr
    numbers: tuple[sympy.Rational, ...]


def _printable(law: InteractionLaw) -> _Printable:
    r = symbol(DISTANCE)
    force, torque = law.force_expression, law.torque_expression
    ratio = torque / force if law.has_force and law.has_torque else sympy.Integer(0)
    if ratio.has(r):
        ratio = sympy.Integer(0)
    numbers: dict[sympy.Rational, sympy.Symbol] = {}
    names = {symbol(name): sympy.Symbol(f"p{n}", real=True) for n, name in enumerate(law.parameters)}
    parts = [force / r, sympy.Integer(0) if ratio != 0 else torque / r, ratio]
    force, torque, ratio = (_without_numbers(_in_squares(part), numbers).xreplace(names) for part in parts)
    return _Printable(force, torque, ratio, tuple(numbers))


def _results(parts: _Printable, dimension: int) -> list[str]:
    """What is done with the sums of one observer."""
    axes = _AXES[:dimension]
    lines = []
    if parts.force != 0:
        lines += [f"f{axis} *= mobilities[0]" for axis in axes]
        lines += [f"velocities[{n}, place] += f{axis}" for n, axis in enumerate(axes)]
        lines.append("size = " + " + ".join(f"f{axis}*f{axis}" for axis in axes))
        # NaN is not below infinity either: it counts as infinite
        lines.append("fastest = max(fastest, size if size < inf else inf)")
    if parts.torque != 0 or parts.ratio != 0:
        lines.append("turning = mobilities[1]*(directions[0, place]*gy - directions[1, place]*gx)")
        lines.append("turnings[place] += turning")
        lines.append("sharpest = max(sharpest, abs(turning) if abs(turning) < inf else inf)")
    return lines


def source_of(law: InteractionLaw, dimension: int) -> str:
    """The generated module's text."""
    parts = _printable(law)
    axes = _AXES[:dimension]
    steps, (force, torque) = sympy.cse([parts.force, parts.torque], symbols=sympy.numbered_symbols("t"))
    printer = LoopPrinter()
    body = [f"d{axis} = {axis}0 - {axis}[other]" for axis in axes]
    body.append(f"q = d{axes[0]}*d{axes[0]}")
    body += [f"q = multiply_add(d{axis}, d{axis}, q)" for axis in axes[1:]]
    body.append("r = sqrt(q)")
    body += [f"{name} = {printer.doprint(step)}" for name, step in steps]
    zeroed = [f"{axis}0 = {axis}[centre]" for axis in axes]
    for name, tree in (("f", force), ("g", torque)):
        if tree != 0:
            zeroed += [f"{name}{axis} = 0.0" for axis in axes]
            body.append(f"{name} = {printer.doprint(tree)} if q < squared_cutoff else 0.0")
            body += [f"{name}{axis} = add_product_in_any_order({name}{axis}, {name}, d{axis})" for axis in axes]
    multiple = printer.doprint(parts.ratio)
    results = [f"g{axis} = ({multiple})*f{axis}" for axis in axes] if parts.ratio != 0 else []
    results += _results(parts, dimension)
    values = [*(f"p{n}" for n in range(len(law.parameters))), *(f"c{n}" for n in range(len(parts.numbers)))]
    return _TEMPLATE.format(
        version=_TEMPLATE_VERSION,
        force=parts.force,
        torque=parts.torque if parts.ratio == 0 else f"({parts.ratio}) F/r",
        parameters=_lines(4, (f"{name} = parameters[{n}]" for n, name in enumerate(values))),
        unpacked=_lines(4, (f"{axis} = points[{n}]" for n, axis in enumerate(axes))),
        zeroed=_lines(8, zeroed),
        body=_lines(12, body),
        results=_lines(8, results),
        block=BLOCK,
    )


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "\n".join(" " * indent + line for line in lines)


def compile_pair(law: InteractionLaw, dimension: int) -> CompiledPair:
    """The compiled loop of one ordered pair of species."""
    # never empty: an empty array would be a case of its own for the compiler
    parameters = np.array([*law.parameters.values(), *(float(one) for one in _printable(law).numbers), 0.0])
    index = np.zeros(1, dtype=np.uint32)
    points, rows = np.zeros((dimension, 1)), np.zeros((dimension, 1))
    rest = (index, index, np.zeros(1, dtype=np.int64), index, index, points, rows, rows.copy(), np.zeros(1), np.zeros((1, 2)))

    def trial(module: ModuleType) -> None:
        module.over(1, law.cutoff, (1.0, 1.0), parameters, *rest)

    return CompiledPair(working_module(source_of(law, dimension), trial).over, parameters)
