"""Whatever a run file or an override holds, the only error is `RunFileError`, and its text can be printed."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from runs.runfile import RunFileError, parse

GOOD = """\
[model]
dimension = 2
[model.parameters]
v0 = 1.0
[[model.species]]
name = "A"
motion = { tumble_rate = 1.0 }
speed = "v0*exp(-0.8*tanh((A - 50)/10))"
[[model.species]]
name = "B"
motion = { aoup = true, persistence_time = 1.0 }
speed = "v0"
[[model.sensing.pairs]]
observer = "A"
source = "B"
kernel = "linear"
range = 2.0
[composition]
A = 75.0
B = 25.0
[domain]
size = [60.0, 60.0]
[fields]
grid = [64, 64]
[particles]
time_step = 0.01
[run]
duration = 500.0
[initial]
state = "phases"
[[initial.phases]]
share = 0.5
densities = { A = 75.0, B = 25.0 }
[[initial.phases]]
share = 0.5
densities = { A = 75.0, B = 25.0 }
"""
LINES = GOOD.splitlines()
KEYS = [line.partition(" = ")[0] for line in LINES if " = " in line]
VALUES = (
    *(
        "1",
        "-1",
        "0",
        "true",
        '"1"',
        '"A"',
        '""',
        "[]",
        "{}",
        "[1, 2]",
        "[[1]]",
        "{ A = 1 }",
        "nan",
        "inf",
        "1e400",
    ),
    *(
        "1e308",
        "1e-320",
        "9" * 400,
        "9" * 5000,
        "0x" + "f" * 5000,
        "1979-05-27",
        '"lambda"',
        '"total"',
        '"é"',
    ),
    *(
        '"A/0"',
        '"A**A**A"',
        '"1e100*1e100*A"',
        '"A*1e100*1e100*1e100*1e100"',
        '"log(-A)"',
        '"[" + "]"',
        '"\\u0000"',
    ),
    *(
        '"sqrt(A - 80)"',
        '"' + "(" * 60 + '"',
        '"A if B else v0"',
        '"v0.real"',
        '"2**-64*A"',
        '"local"',
        '"phases"',
    ),
    *(
        "'''\n[run]\n'''",
        "[" * 50,
        "{ a = { b = 1 } }",
        "3",
        "[60.0, 60.0, 60.0]",
        "1e300",
        "5e-324",
        "[64, 65]",
    ),
)
PATHS = (
    *(
        "model.species.A.speed",
        "model.species[1]",
        "model.parameters",
        "model.parameters.A",
        "composition.A",
        "run",
    ),
    *(
        "fields.noise",
        "particles",
        "domain.size",
        "domain.size[0]",
        "initial.phases[0].densities",
        "x",
        "model",
        '"',
    ),
)


def check(text: str, *overrides: str) -> None:
    """Read the text; an error must be of the one kind, and made of characters that any terminal shows."""
    try:
        parse(text, source="run.toml", overrides=overrides)
    except RunFileError as error:
        shown = str(error)
    else:
        return
    shown.encode()
    assert all(line.isprintable() and line for line in shown.split("\n"))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(st.characters(), max_size=60) | st.text(string.printable, max_size=60))
def test_arbitrary_text(text: str) -> None:
    check(text)
    check(GOOD, text)
    check(GOOD, "model.species.A.speed=" + text, "run." + text)
    check(GOOD + text)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.sampled_from(VALUES)), min_size=1, max_size=4))
def test_arbitrary_values(changes: list[tuple[int, str]]) -> None:
    lines = list(LINES)
    for number, value in changes:
        key, equals, _ = lines[number].partition(" = ")
        lines[number] = key + equals + value if equals else value
    check("\n".join(lines))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.integers(0),
            st.integers(0, 12),
            st.sampled_from([*VALUES, *KEYS, *string.punctuation, "\n", ""]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_arbitrary_damage(damages: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for place, removed, inserted in damages:
        position = place % (len(text) + 1)
        text = text[:position] + inserted + text[position + removed :]
    check(text)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(VALUES)), min_size=1, max_size=3))
def test_arbitrary_overrides(overrides: list[tuple[str, str]]) -> None:
    check(GOOD, *(f"{path}={value}" for path, value in overrides))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.permutations(range(len(LINES))), st.integers(1, len(LINES)))
def test_arbitrary_order_of_lines(order: list[int], count: int) -> None:
    check("\n".join(LINES[number] for number in order[:count]))
