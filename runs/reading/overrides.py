"""Values set on the command line: ``model.parameters.v0=2``, ``model.species.A.speed=v0*exp(-A)``."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from runs.reading.problems import ProblemList, hint, show_path
from runs.reading.toml_lines import MAXIMUM_DEPTH, KeyPath, LimitError, find_lines

_PART = re.compile(r"""([A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')((?:\[[0-9]{1,9}\])*)(\.|$)""")
_TOML_ONLY = ('"', "'", "[", "{")


class _OverrideError(ValueError):
    """An override cannot be applied; the message says why."""


def apply_overrides(data: dict[str, Any], overrides: Sequence[str], problems: ProblemList) -> dict[KeyPath, str]:
    """Set values in parsed run file data.

    Parameters
    ----------
    data
        The parsed file; changed in place. Tables that are not there are made.
    overrides
        Each ``key=value``. The key is dotted; an element of a list is named by its number, ``species[0]``, or
        a species by its name. The value is TOML; what is not TOML and starts with no quote or bracket is
        taken as text.
    problems
        Gets a problem for each override that cannot be applied.

    Returns
    -------
    dict
        The key paths that were set or made, each with the text of its override.
    """
    origins: dict[KeyPath, str] = {}
    for override in overrides:
        try:
            key, value = _split(override)
            _set(data, _parse_key(key), value, override, origins)
        except _OverrideError as error:
            problems.add_override(override, str(error))
    return origins


def _split(override: str) -> tuple[str, Any]:
    key, equals, text = override.partition("=")
    if not equals:
        raise _OverrideError("no '='; write key=value, such as model.parameters.v0=2")
    if not override.isascii():
        try:
            override.encode()
        except UnicodeEncodeError:
            raise _OverrideError("not valid text (UTF-8)") from None
    return key.strip(), _parse_value(text.strip())


def _parse_value(text: str) -> Any:
    if not text:
        raise _OverrideError("no value after '='")
    try:
        find_lines(f"value = {text}")
        parsed = tomllib.loads(f"value = {text}")
    except LimitError as error:
        raise _OverrideError(str(error)) from None
    except ValueError as error:
        if text.startswith(_TOML_ONLY):
            raise _OverrideError(f"the value is not TOML: {error}") from None
        return text
    if parsed.keys() != {"value"}:
        raise _OverrideError("one override sets one value; give --set once for each")
    return parsed["value"]


def _parse_key(text: str) -> list[str | int]:
    parts: list[str | int] = []
    position, ended = 0, False
    while not ended:
        match = _PART.match(text, position)
        if match is None:
            raise _OverrideError("not a key; write it as model.parameters.v0 or model.species[0].speed")
        name, indices, end = match.groups()
        parts.append(_unquoted(name) if name[0] in "\"'" else name)
        parts.extend(int(index) for index in re.findall("[0-9]+", indices))
        if len(parts) >= MAXIMUM_DEPTH:
            raise _OverrideError(f"the key nests deeper than {MAXIMUM_DEPTH} levels")
        position, ended = match.end(), end == ""
    return parts


def _unquoted(name: str) -> str:
    try:
        return str(tomllib.loads(f"key = {name}")["key"])
    except tomllib.TOMLDecodeError:
        raise _OverrideError(f"{name} is not a quoted TOML key") from None


def _set(data: dict[str, Any], parts: list[str | int], value: Any, override: str, origins: dict[KeyPath, str]) -> None:
    place: Any = data
    path: KeyPath = ()
    for depth, part in enumerate(parts):
        part = _resolve(place, path, part)
        path = (*path, part)
        if depth == len(parts) - 1:
            place[part] = value
            # what an earlier override set inside is gone
            for inner in [one for one in origins if one[: len(path)] == path]:
                del origins[inner]
            origins[path] = override
        elif isinstance(part, str) and part not in place:
            if isinstance(parts[depth + 1], int):
                raise _OverrideError(f"there is no list {show_path(path)} in the file")
            place[part] = {}
            origins[path] = override
        place = place[part]


def _resolve(place: Any, path: KeyPath, part: str | int) -> str | int:
    """The key or index that a part of the path means in the data at this place."""
    where = show_path(path) or "the file"
    if isinstance(place, dict):
        if isinstance(part, str):
            return part
        raise _OverrideError(f"{where} is a table, not a list; name a key")
    if not isinstance(place, list):
        raise _OverrideError(f"{where} is a single value; nothing can be set inside it")
    if isinstance(part, int):
        if part < len(place):
            return part
        raise _OverrideError(f"{where} has {len(place)} elements, counted from 0")
    names = [one.get("name") if isinstance(one, dict) else None for one in place]
    if part in names:
        return names.index(part)
    known = [name for name in names if isinstance(name, str)]
    if not known:
        raise _OverrideError(f"{where} is a list; name an element by its number, as in {where}[0]")
    raise _OverrideError(f"{where} has no element named '{part}'{hint(part, known)} (known: {', '.join(known)})")
