import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InputError
from theory.expressions import MAXIMUM_EXPONENT, ExpressionError, parse, symbol

NAMES = ("A", "B", "v0")


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("v0*exp(-0.8*tanh((A - 50)/10))", (60.0, 0.0, 2.0), 2.0 * math.exp(-0.8 * math.tanh(1.0))),
        ("v0/(1 + (A/20)**4)", (20.0, 0.0, 3.0), 1.5),
        ("-A + +B - 2e-3", (1.0, 5.0, 0.0), 3.998),
        ("sqrt(A)*log(B)*cosh(v0)", (4.0, math.e, 0.0), 2.0),
        ("A**-2 + atan(B)", (2.0, 1.0, 0.0), 0.25 + math.pi / 4),
    ],
)
def test_values(text: str, values: tuple[float, ...], expected: float) -> None:
    tree = parse(text, NAMES)
    number = float(tree.subs(dict(zip(map(symbol, NAMES), values, strict=True))))
    assert number == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an expression"),
        ("A +", "not an expression"),
        ("A^2", r"written \*\*"),
        ("vv0*A", "did you mean 'v0'"),
        ("exq(A)", "did you mean 'exp'"),
        ("__import__('os').system('true')", "unknown function"),
        ("A.real", "not allowed"),
        ("[A for A in (1, 2)]", "not allowed"),
        ("lambda: 1", "not allowed"),
        ("A if B else v0", "not allowed"),
        ("A < B", "not allowed"),
        ("A // B", "operator that is not allowed"),
        ("A @ B", "operator that is not allowed"),
        ("'A'", "not a real number"),
        ("True", "not a real number"),
        ("1j*A", "not a real number"),
        ("exp", "needs an argument"),
        ("exp(A, B)", "exactly one argument"),
        ("exp(x=A)", "exactly one argument"),
        ("A/0", "divides by zero"),
        ("A/(B - B)", "divides by zero"),
        ("log(0)", "singular or complex"),
        ("log(-1)*A", "singular or complex"),
        ("sqrt(-2)", "singular or complex"),
        ("(-8)**0.5", "complex"),
        ("0**-1", "singular"),
        ("1e400*A", "out of range"),
        ("1e-200*A", "out of range"),
        (f"A**{MAXIMUM_EXPONENT + 1}", "exponent"),
        ("A*1e100*1e100*1e100*1e100", "larger than"),
        ("9**64**64", "larger than"),
        ("A**(2*40)", "exponent"),
        ("((9**64)**64)**64", "larger than|overflows"),
        ("exp(exp(exp(exp(5))))", "larger than|overflows"),
        ("(" * 60 + "A" + ")" * 60 + "*" * 3000, "characters"),
        ("+".join(["A"] * 500), "more than|nested"),
        ("-" * 60 + "A", "nested deeper"),
        ("A\x00", "not an expression"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(text, NAMES)


def test_error_is_an_input_error() -> None:
    assert issubclass(ExpressionError, InputError)


def test_decimals_are_exact() -> None:
    assert parse("0.1 + 0.2 - 0.3", ()) == 0


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text, NAMES)
    except ExpressionError:
        return


_leaf = st.sampled_from(["A", "B", "v0", "1", "0.5", "3"])
_tree = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"tanh({t})"),
        inner.map(lambda t: f"(-{t})"),
        inner.map(lambda t: f"({t})**2"),
    ),
    max_leaves=12,
)


@given(_tree)
def test_trees_agree_with_numpy(text: str) -> None:
    """The second route: Python's own arithmetic on the same text (which this test wrote itself)."""
    values = {"A": 0.7, "B": -0.4, "v0": 1.3, "tanh": np.tanh}
    expected = eval(text, {"__builtins__": {}}, values)  # the text comes from the strategy above
    tree = parse(text, NAMES)
    assert float(tree.subs({symbol(k): values[k] for k in NAMES})) == pytest.approx(float(expected), rel=1e-10, abs=1e-10)


def test_names_may_stand_for_trees() -> None:
    tree = parse("total**2", {"total": symbol("A") + symbol("B")})
    assert sympy.expand(tree - (symbol("A") + symbol("B")) ** 2) == 0
