"""The line finder against texts whose lines are known because they were written down while the text was."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.reading.toml_lines import MAXIMUM_DEPTH, MAXIMUM_KEYS, KeyPath, LimitError, find_lines

SCALARS = (
    "1",
    "-2.5e3",
    "true",
    "inf",
    "1979-05-27 07:32:00",
    "1979-05-27",
    '"text"',
    '"[x] = \\"1\\" # {"',
    "'C:\\[a]'",
    '""',
    '"""one line"""',
    '"""\nfirst = 1\n[second]\n"two" ""\n"""',
    '"""ends in quotes"""""',
    "'''\n# no = 'comment'\n'''",
    "''''a' = 1'''",
    '"""\\\n   \\""" \\\\"""',
)
BETWEEN = ("", " ", "\t", "\n", " # not a = key ]\n", "\n\n")


class Writer:
    """A TOML text that grows, and the line at which each of its keys was written."""

    def __init__(self) -> None:
        self.text = ""
        self.lines: dict[KeyPath, int] = {}

    def write(self, text: str) -> None:
        self.text += text

    def note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)


def styled_key(draw: st.DrawFn, name: str) -> tuple[str, str]:
    """A key as it is written, and as it is read."""
    return draw(
        st.sampled_from(
            [
                (name, name),
                (f'"{name}"', name),
                (f"'{name}'", name),
                (f'"{name}.\\u00e9 \\"="', f'{name}.é "='),
                (f"'{name}]#\\n'", f"{name}]#\\n"),
            ]
        )
    )


def write_value(draw: st.DrawFn, writer: Writer, path: KeyPath, depth: int) -> None:
    kind = draw(st.sampled_from(("scalar", "scalar", "array", "table") if depth < 3 else ("scalar",)))
    if kind == "scalar":
        writer.write(draw(st.sampled_from(SCALARS)))
    elif kind == "array":
        writer.write("[")
        count = draw(st.integers(0, 3))
        for number in range(count):
            writer.write(draw(st.sampled_from(BETWEEN)))
            writer.note((*path, number))
            write_value(draw, writer, (*path, number), depth + 1)
            writer.write(draw(st.sampled_from(BETWEEN)))
            writer.write("," if number < count - 1 or draw(st.booleans()) else "")
        writer.write(draw(st.sampled_from(BETWEEN)) + "]")
    else:
        writer.write("{ ")
        write_pairs(draw, writer, path, depth + 1, separator=", ")
        writer.write(" }")


def write_pairs(draw: st.DrawFn, writer: Writer, table: KeyPath, depth: int, separator: str = "\n") -> None:
    for number in range(draw(st.integers(0, 3))):
        writer.write(separator if number and separator != "\n" else "")
        path = table
        parts = draw(st.integers(1, 3))
        for part in range(parts):
            written, read = styled_key(draw, f"k{number}" if part == 0 else f"p{part}")
            path = (*path, read)
            writer.note(path)
            writer.write(written + draw(st.sampled_from(("", " "))) + ("." if part < parts - 1 else ""))
        writer.write("=" + draw(st.sampled_from(("", " ", "\t"))))
        write_value(draw, writer, path, depth)
        writer.write(draw(st.sampled_from(("\n", " # comment\n", "\n\n"))) if separator == "\n" else "")


def write_header(writer: Writer, parts: list[tuple[str, str]], path: KeyPath, brackets: tuple[str, str]) -> KeyPath:
    for _, read in parts:
        path = (*path, read)
        writer.note(path)
    writer.write(brackets[0] + " . ".join(written for written, _ in parts) + brackets[1] + " # header\n")
    return path


@st.composite
def documents(draw: st.DrawFn) -> Writer:
    """TOML documents with tables, sub-tables and arrays of tables."""
    writer = Writer()
    write_pairs(draw, writer, (), 0)
    for number in range(draw(st.integers(0, 4))):
        name = styled_key(draw, f"t{number}")
        if draw(st.booleans()):
            deeper = [styled_key(draw, f"s{n}") for n in range(draw(st.integers(0, 2)))]
            path = write_header(writer, [name, *deeper], (), ("[", "]"))
            write_pairs(draw, writer, path, 1)
            continue
        for element in range(draw(st.integers(1, 3))):
            path = (name[1],)
            writer.note(path)
            writer.note((*path, element))
            writer.write(f"[[ {name[0]} ]]\n")
            write_pairs(draw, writer, (*path, element), 1)
            if draw(st.booleans()):
                sub = styled_key(draw, "sub")
                writer.note((*path, element, sub[1]))
                writer.write(f"[{name[0]}.{sub[0]}]\n")
                write_pairs(draw, writer, (*path, element, sub[1]), 2)
    return writer


def paths(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key path inside parsed TOML."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for part, value in inner:
        yield (*path, part)
        yield from paths(value, (*path, part))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(documents())
def test_every_key_has_the_line_on_which_it_was_written(writer: Writer) -> None:
    assert set(paths(tomllib.loads(writer.text))) == set(writer.lines)
    assert find_lines(writer.text) == writer.lines
    assert find_lines(writer.text.replace("\n", "\r\n")) == writer.lines


@settings(max_examples=80, deadline=None, derandomize=True)
@given(documents(), st.lists(st.tuples(st.integers(0), st.sampled_from("[]{}=.,\"'#\n a1\\")), max_size=3))
def test_damaged_texts(writer: Writer, damages: list[tuple[int, str]]) -> None:
    text = writer.text
    for position, character in damages:
        position %= len(text) + 1
        text = text[:position] + character + text[position + 1 :]
    found = find_lines(text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(found) == set(paths(data))


def test_explicit_header_wins_over_implied_table() -> None:
    assert find_lines("[a.b]\nx = 1\n[a]\ny = 2\n") == {
        ("a",): 3,
        ("a", "b"): 1,
        ("a", "b", "x"): 2,
        ("a", "y"): 4,
    }


def test_tables_inside_the_last_element_of_arrays_of_tables() -> None:
    text = "[[a]]\n[[a]]\n[[a.b]]\n[[a.b]]\n[a.b.c]\nx = 1\n[[a]]\n"
    assert find_lines(text) == {
        ("a",): 1,
        ("a", 0): 1,
        ("a", 1): 2,
        ("a", 1, "b"): 3,
        ("a", 1, "b", 0): 3,
        ("a", 1, "b", 1): 4,
        ("a", 1, "b", 1, "c"): 5,
        ("a", 1, "b", 1, "c", "x"): 6,
        ("a", 2): 7,
    }


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 10**5, "a." * 10**5 + "b = 1", "[" + "a." * 10**5 + "b]", "a = " + "{a=" * 10**5],
    ids=["lists", "dotted", "header", "tables"],
)
def test_depth_is_limited(text: str) -> None:
    with pytest.raises(LimitError, match=f"deeper than {MAXIMUM_DEPTH} levels") as caught:
        find_lines("\n" + text)
    assert caught.value.line == 2


def test_greatest_depth_is_accepted() -> None:
    text = "a = " + "[" * (MAXIMUM_DEPTH - 1) + "1" + "]" * (MAXIMUM_DEPTH - 1)
    assert len(find_lines(text)) == MAXIMUM_DEPTH
    with pytest.raises(LimitError):
        find_lines("a = [" + text[4:] + "]")


def test_number_of_keys_is_limited() -> None:
    assert len(find_lines("k = [" + "1," * (MAXIMUM_KEYS - 1) + "]")) == MAXIMUM_KEYS
    with pytest.raises(LimitError, match="more than 10000 keys"):
        find_lines("k = [" + "1," * (MAXIMUM_KEYS + 1) + "]")
