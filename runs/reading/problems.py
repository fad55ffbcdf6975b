"""Problems of a run file: what is wrong, where it stands, what is allowed.

All problems are collected in a `ProblemList` and raised together as one `RunFileError`, so that a file is
mended in one go.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.reading.toml_lines import KeyPath
from theory.errors import InputError

SHOWN_CHARACTERS = 60
SHOWN_ELEMENTS = 6
SHOWN_PROBLEMS = 100
# a name longer than this is not a mistyped key, and comparing it would cost time
LONGEST_COMPARED = 64


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a run file.

    Parameters
    ----------
    path
        Key path, such as ``model.species[1].speed``; empty where the file as a whole is meant.
    message
        What is wrong and, where there is one, the remedy.
    line
        Line in the file, counted from 1; None where no line can be named.
    value
        The value that is refused; None where there is none.
    allowed
        What is allowed instead, or which keys are known.
    location
        ``run.toml:12``, the file alone, or ``--set key=value`` for a value given on the command line.
    """

    path: str
    message: str
    line: int | None = None
    value: Any = None
    allowed: str = ""
    location: str = ""

    def __str__(self) -> str:
        subject = self.path
        if self.path and self.value is not None:
            subject += f" = {show_value(self.value)}"
        text = ": ".join(part for part in (self.location, subject, self.message) if part)
        return _printable(f"{text} ({self.allowed})" if self.allowed else text)


class RunFileError(InputError):
    """A run file cannot be used.

    Parameters
    ----------
    problems
        At least one; also an attribute. The text of the error lists them, one per line.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            lines.append(f"and {len(self.problems) - SHOWN_PROBLEMS} more problems")
        return "\n".join(lines)


@dataclass
class ProblemList:
    """The problems found so far in one file, and what is needed to say where they stand.

    Parameters
    ----------
    source
        Name of the file.
    data
        The parsed file, overrides applied.
    lines
        Line of each key in the file.
    overrides
        Key paths that were set on the command line, each with the text of its override.
    """

    source: str
    data: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    overrides: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: KeyPath, message: str, allowed: str = "") -> None:
        """Note a problem of the value at a key path; where the key is absent, that it is."""
        location, line = self._location(path)
        value = value_at(self.data, path) if path else None
        self.problems.append(Problem(show_path(path), message, line, value, allowed, location))

    def add_override(self, override: str, message: str, allowed: str = "") -> None:
        """Note a problem of an override that could not be applied."""
        self.problems.append(Problem("", message, None, None, allowed, f"--set {override}"))

    def _location(self, path: KeyPath) -> tuple[str, int | None]:
        """The place of the innermost key on the path that was given by anyone."""
        outwards = [path[:length] for length in range(len(path), 0, -1)]
        # what an override has set replaces everything that the file has inside it, and what is wrong with
        # a table as a whole was, until then, right
        inwards = [inner for inner in reversed(self.overrides) if inner[: len(path)] == path]
        for place in (*outwards, *inwards):
            if place in self.overrides:
                return f"--set {self.overrides[place]}", None
        for outer in outwards:
            if outer in self.lines:
                return f"{self.source}:{self.lines[outer]}", self.lines[outer]
        return self.source, None

    def touches(self, *path: str | int) -> bool:
        """Whether a problem was noted at this path or inside it."""
        shown = show_path(path)
        return any(problem.path == shown or problem.path.startswith((f"{shown}.", f"{shown}[")) for problem in self.problems)

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises
        ------
        RunFileError
            There are problems; those with a line come in the order of the file, those of overrides last.
        """
        if self.problems:
            raise RunFileError(sorted(self.problems, key=lambda one: (one.location.startswith("--set "), one.line or 0)))


def value_at(data: Any, path: KeyPath) -> Any:
    """The value at a key path, None where the path leads nowhere."""
    for part in path:
        if isinstance(data, dict):
            there = part in data
        else:
            there = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if not there:
            return None
        data = data[part]
    return data


def show_path(path: KeyPath) -> str:
    """A key path as people write it: ``model.species[1].speed``, with quotes where TOML needs them."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        bare = part.isascii() and part != "" and part.replace("_", "").replace("-", "").isalnum()
        bare = bare or (part != "" and set(part) <= set("_-"))
        text += ("." if text else "") + (part if bare else _quoted(part))
    return text


def show_value(value: Any) -> str:
    """A value as TOML writes it, shortened; long lists and tables by their size."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            # text of a very long integer would cost time quadratic in its length
            return str(value) if value.bit_length() <= 64 else f"an integer of {value.bit_length()} bits"
        case str():
            return _quoted(value)
        case list():
            flat = not any(isinstance(element, list | dict) for element in value)
            if flat and len(value) <= SHOWN_ELEMENTS:
                return f"[{', '.join(show_value(element) for element in value)}]"
            return f"a list of {len(value)}"
        case dict():
            return f"a table of {len(value)} keys" if len(value) != 1 else "a table of 1 key"
    return str(value)


def _quoted(text: str) -> str:
    escaped = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _printable(text: str) -> str:
    """The text with everything that a terminal would act upon, or could not show, written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def hint(name: str, known: Iterable[str]) -> str:
    """``; did you mean '...'?`` with the nearest known name, or nothing."""
    near = nearest(name, known)
    return f"; did you mean '{near}'?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that the given one resembles most, if any does."""
    if len(name) > LONGEST_COMPARED:
        return None
    by_lower_case = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    return by_lower_case[near[0]] if near else None
