"""Parsed run file -> checked sections; what pydantic refuses is said in the words of a run file."""

from datetime import date, datetime, time
from typing import Any

from pydantic import ValidationError

from runs.reading.keys import allowed_at, choices_at, known_keys, tables_with, type_at
from runs.reading.problems import ProblemList, hint, nearest, value_at
from runs.reading.settings import REQUIRED_SECTIONS, TAGS, RunFileSections
from runs.reading.toml_lines import KeyPath

_WRONG_TYPE = ("_type", "int_from_float")
_RANGE = {
    "greater_than": "too small",
    "greater_than_equal": "too small",
    "less_than": "too large",
    "less_than_equal": "too large",
    "finite_number": "not finite",
    "multiple_of": "not an even number",
    "too_short": "too few elements",
    "too_long": "too many elements",
}


def read_sections(problems: ProblemList) -> RunFileSections:
    """Check each section by itself.

    Parameters
    ----------
    problems
        Holds the parsed data; every problem found is added.

    Returns
    -------
    RunFileSections
        The sections without problems; those with problems are None, or as if they had not been written.
    """
    try:
        sections, refused = RunFileSections.model_validate(problems.data), set()
    except ValidationError as error:
        # inputs are looked up by path: pydantic fails to print very long integers, and never needs to here
        errors = [
            (one["type"], tuple(part for part in one["loc"] if part not in TAGS), one["msg"])
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        _add_problems(problems, errors)
        refused = {path[0] for _, path, _ in errors if path}
        kept = {key: value for key, value in problems.data.items() if key not in refused}
        sections = RunFileSections.model_validate(kept)
    unknown = [key for key in problems.data if key not in known_keys(())]
    meant = {nearest(key, known_keys(())) for key in unknown}
    for name in REQUIRED_SECTIONS:
        if name not in problems.data and name not in meant:
            problems.add((name,), "missing section", f"needed: {', '.join(REQUIRED_SECTIONS)}")
    return sections


def _add_problems(problems: ProblemList, errors: list[tuple[str, KeyPath, str]]) -> None:
    meant = set()
    for kind, path, _ in errors:
        if kind == "extra_forbidden":
            meant.add((*path[:-1], nearest(str(path[-1]), known_keys(path[:-1]))))
    for kind, path, text in errors:
        if kind == "too_short" and any(one[: len(path)] == path for _, one, _ in errors if one != path):
            # pydantic counts only the elements that are right; the others have a problem each
            continue
        if kind == "extra_forbidden":
            add_unknown_key(problems, path)
        elif kind == "missing":
            # a mistyped key is one problem, not two
            if path not in meant:
                problems.add(path, "missing", f"allowed: {allowed_at(path)}")
        elif kind != "default_factory_not_called":
            _add_refused_value(problems, kind, path, text)


def add_unknown_key(problems: ProblemList, path: KeyPath) -> None:
    """Note an unknown key, with the nearest key of its table, or the table where it belongs."""
    name, known = str(path[-1]), known_keys(path[:-1])
    elsewhere = tables_with(name)
    advice = hint(name, known)
    if elsewhere and not advice:
        advice = "; it belongs in " + " or ".join(f"[{table}]" for table in elsewhere)
    problems.add(path, "unknown key" + advice, f"known: {', '.join(known)}")


def _add_refused_value(problems: ProblemList, kind: str, path: KeyPath, text: str) -> None:
    value = value_at(problems.data, path)
    allowed = allowed_at(path)
    if kind == "literal_error":
        choices = choices_at(path)
        message = "unknown choice" + (hint(value, choices) if isinstance(value, str) else "")
    elif kind in _RANGE:
        message = _RANGE[kind]
    elif kind.endswith(_WRONG_TYPE):
        message = _wrong_type(value, type_at(path))
    else:
        message = text
    problems.add(path, message, f"allowed: {allowed}" if allowed else "")


def _wrong_type(value: Any, needed: str) -> str:
    """The kind of value that is given where another is needed, and the remedy where one is plain."""
    number_needed = "number" in needed or "integer" in needed
    if isinstance(value, str) and number_needed:
        try:
            float(value)
        except ValueError:
            return f"text where {needed} is needed"
        return f"text where {needed} is needed; write it without quotes"
    if isinstance(value, float) and "integer" in needed:
        remedy = f"; write {value:.0f}" if value.is_integer() and abs(value) < 2.0**63 else ""
        return f"a number with a decimal point where {needed} is needed{remedy}"
    if isinstance(value, int) and not isinstance(value, bool) and number_needed and "list" not in needed:
        return "too large"
    if isinstance(value, int | float) and needed == "text" and not isinstance(value, bool):
        return "a number where text is needed; put it in quotes"
    remedy = "; write its header in double brackets" if isinstance(value, dict) and "tables" in needed else ""
    return f"{_kind(value)} where {needed} is needed{remedy}"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a table"
        case datetime() | date() | time():
            return "a date or time"
    return type(value).__name__
