"""What each key of a run file means: lists for the command, the documentation and the text of problems.

Everything is read off the classes of `runs.reading.settings` by way of their JSON schema; nothing is stated twice.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from runs.reading.settings import REQUIRED_SECTIONS, RunFileSections
from runs.reading.toml_lines import KeyPath

Schema = Mapping[str, Any]

# what stands for a name chosen by the user
_CHOSEN_NAMES = {"parameters": "<parameter>", "chemotaxis": "<chemical>"}
# tables in which every chosen name must stand
_COMPLETE = ("composition", "densities")
_TYPES = {
    "number": ("a number", "numbers"),
    "integer": ("an integer", "integers"),
    "string": ("text", "texts"),
    "boolean": ("true or false", "true or false"),
    "object": ("a table", "tables"),
}


@dataclass(frozen=True)
class KeyHelp:
    """One key of a run file.

    Parameters
    ----------
    path
        ``fields.grid``; ``[]`` stands for every element of a list, ``<species>`` for a chosen name.
    type
        Such as ``a number`` or ``a list of integers``.
    default
        As TOML, or in words; ``required`` where the key must be given.
    allowed
        The type with its range or choices.
    description
        Meaning, with the unit in parentheses.
    """

    path: str
    type: str
    default: str
    allowed: str
    description: str


def keys() -> list[KeyHelp]:
    """Every key that a run file may hold, in the order of the documentation."""
    top = _root()["properties"]
    return [one for name, schema in top.items() for one in _walk(name, schema, name in REQUIRED_SECTIONS)]


def allowed_at(path: KeyPath) -> str:
    """The type and range of the value at a key path, empty for a path that no run file has."""
    schema = _schema_at(path)
    return "" if schema is None else _allowed(schema)


def type_at(path: KeyPath) -> str:
    """The type of the value at a key path, empty for a path that no run file has."""
    schema = _schema_at(path)
    return "" if schema is None else _type(schema)


def known_keys(path: KeyPath) -> tuple[str, ...]:
    """The keys that the table at a path may hold."""
    schema = _schema_at(path)
    return () if schema is None else tuple(_table(schema).get("properties", ()))


def choices_at(path: KeyPath) -> tuple[str, ...]:
    """The texts between which the value at a path must choose, if it must."""
    schema = _schema_at(path)
    return () if schema is None else tuple(_variants(schema)[0].get("enum", ()))


def tables_with(name: str) -> list[str]:
    """The tables that have a key of this name, for keys that were written into the wrong one."""
    return list(_tables_by_key().get(name, ()))


@cache
def _tables_by_key() -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    for one in keys():
        table, _, last = one.path.rpartition(".")
        if table:
            tables.setdefault(last, []).append(table)
    return tables


@cache
def _root() -> Schema:
    return RunFileSections.model_json_schema()


def _variants(schema: Schema) -> list[Schema]:
    """The schemas of which a value must fit one, references followed, without the null of optional values."""
    if "$ref" in schema:
        return [_root()["$defs"][schema["$ref"].rpartition("/")[2]]]
    several = schema.get("anyOf") or schema.get("oneOf")
    if several is None:
        return [schema]
    return [resolved for one in several if one.get("type") != "null" for resolved in _variants(one)]


def _table(schema: Schema) -> Schema:
    return next((one for one in _variants(schema) if one.get("type") == "object"), {})


def _list(schema: Schema) -> Schema:
    return next((one for one in _variants(schema) if one.get("type") == "array"), {})


def _schema_at(path: KeyPath) -> Schema | None:
    schema: Any = _root()
    for part in path:
        if isinstance(part, int):
            schema = _list(schema).get("items")
        else:
            table = _table(schema)
            named, others = table.get("properties", {}).get(part), table.get("additionalProperties")
            schema = named or others or None
        if schema is None:
            return None
    return dict(schema)


def _walk(path: str, schema: Schema, required: bool) -> Iterator[KeyHelp]:
    """The key at a path and all keys inside it."""
    default = "required" if required else _default(schema)
    yield KeyHelp(path, _type(schema), default, _allowed(schema), schema.get("description", ""))
    inner, inner_path = schema, path
    if items := _list(schema).get("items"):
        inner, inner_path = items, path + "[]"
    table = _table(inner)
    for name, one in table.get("properties", {}).items():
        yield from _walk(f"{inner_path}.{name}", one, name in table.get("required", ()))
    if isinstance(others := table.get("additionalProperties"), Mapping):
        last = path.rpartition(".")[2]
        shown = {**others, "description": schema.get("description", "")}
        yield from _walk(f"{inner_path}.{_CHOSEN_NAMES.get(last, '<species>')}", shown, last in _COMPLETE)


def _default(schema: Schema) -> str:
    if "default_text" in schema:
        return str(schema["default_text"])
    value = schema.get("default")
    if value is None or isinstance(value, dict):
        return "none"
    return json.dumps(value)


def _type(schema: Schema, *, plural: bool = False) -> str:
    names = []
    for one in _variants(schema):
        if one["type"] == "array":
            names.append("a list of " + _type(one["items"], plural=True))
        else:
            names.append(_TYPES[one["type"]][plural])
    return " or ".join(names)


def _allowed(schema: Schema, *, plural: bool = False) -> str:
    return " or ".join(_allowed_one(one, plural) for one in _variants(schema))


def _allowed_one(schema: Schema, plural: bool) -> str:
    if "enum" in schema:
        return " or ".join(json.dumps(choice) for choice in schema["enum"])
    if schema["type"] == "array":
        return _length(schema) + _allowed(schema["items"], plural=True)
    noun = _type(schema, plural=plural)
    if schema.get("multipleOf") == 2:
        noun = noun.replace("an integer", "an even integer").replace("integers", "even integers")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{noun} from {low:.17g} to {high}" if isinstance(high, int) else f"{noun} from {low:g} to {high:g}"
    if low is not None:
        return f"{noun} >= {low:g}"
    if "exclusiveMinimum" in schema:
        return f"{noun} > {schema['exclusiveMinimum']:g}"
    return noun


def _length(schema: Schema) -> str:
    low, high = schema.get("minItems"), schema.get("maxItems")
    if low is None or high is None:
        return "a list of "
    return f"a list of {low} to {high} " if low < high else f"a list of {low} "
