"""The section [model] of a run file -> `theory.model.Model`.

`theory.model` refuses a model at its first problem. Here each name, motion, law and pair is tried by itself,
so that all problems are found and each is said with its line; the constructor has the last word.
"""

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from runs.problems import ProblemList, hint
from runs.settings import ModelSection, MotionSection, constant_as_text
from runs.toml_lines import KeyPath
from theory.errors import InputError

if TYPE_CHECKING:
    from theory.model import Model
    from theory.motility import MotilityLaw

# what sympy and numpy raise, besides InputError, for laws with numbers too large or trees too deep for them
_LAW_FAILURES = (ArithmeticError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError)


@dataclass
class ModelCheck:
    """What could be read of a model.

    Parameters
    ----------
    names
        Names of the species, empty unless all are usable.
    laws
        Motility laws without problems, by index of the species.
    model
        None if there is any problem.
    """

    names: tuple[str, ...] = ()
    laws: dict[int, "MotilityLaw"] = field(default_factory=dict)
    model: "Model | None" = None


def check_model(section: ModelSection | None, problems: ProblemList) -> ModelCheck:
    """Check what is inside [model] and build the model.

    Parameters
    ----------
    section
        The section if its types and ranges are right.
    problems
        Holds the parsed data; every problem found is added.

    Returns
    -------
    ModelCheck
        As much as could be read.
    """
    raw = problems.data.get("model")
    if not isinstance(raw, dict):
        return ModelCheck()
    # without the right table of parameters every law would be said to use unknown names
    misplaced = any(key not in ModelSection.model_fields for key in raw)
    names = _check_names(raw, problems)
    check = ModelCheck(names)
    _check_motions(raw, problems)
    if names:
        _check_pairs(raw, names, problems)
        if not misplaced:
            check.laws = _check_laws(raw, names, problems)
    if section is not None and not problems.touches("model"):
        check.model = _build(section, problems)
    return check


def _tables(raw: Mapping[str, Any], *keys: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tables in a list inside [model], with their numbers; nothing for what is not such a list."""
    value: Any = raw
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    for number, one in enumerate(value if isinstance(value, list) else []):
        if isinstance(one, dict):
            yield number, one


def _check_names(raw: Mapping[str, Any], problems: ProblemList) -> tuple[str, ...]:
    """Names of all species, or none if one is missing or cannot be used."""
    from theory.expressions import FUNCTION_NAMES
    from theory.motility import TOTAL

    species = {number: one.get("name") for number, one in _tables(raw, "species")}
    parameters = raw.get("parameters")
    found: list[tuple[KeyPath, Any]] = [(("model", "species", n, "name"), name) for n, name in species.items()]
    if isinstance(parameters, dict):
        found.extend((("model", "parameters", name), name) for name in parameters)
    seen: set[str] = set()
    usable = True
    for path, name in found:
        if not isinstance(name, str):
            usable = False
            continue
        message = _name_problem(name, (TOTAL, *FUNCTION_NAMES), seen)
        seen.add(name)
        if message:
            problems.add(path, message, "allowed: letters, digits and _, no digit first")
            usable = False
    complete = isinstance(raw.get("species"), list) and len(species) == len(raw["species"])
    return tuple(str(name) for name in species.values()) if usable and complete else ()


def _name_problem(name: str, reserved: tuple[str, ...], seen: set[str]) -> str:
    if not (name.isidentifier() and name.isascii()):
        return "not a name that a motility law can use"
    if name in reserved or keyword.iskeyword(name):
        return f"'{name}' has a meaning of its own in motility laws; choose another name"
    if name in seen:
        return f"the name '{name}' is used twice among species and parameters"
    return ""


def _check_motions(raw: Mapping[str, Any], problems: ProblemList) -> None:
    from theory.model import Motion

    dimension = None if problems.touches("model", "dimension") else raw.get("dimension")
    for number, one in _tables(raw, "species"):
        path: KeyPath = ("model", "species", number, "motion")
        try:
            motion = Motion(**MotionSection.model_validate(one.get("motion")).model_dump())
            if isinstance(dimension, int):
                time = motion.time(dimension)
                if not np.isfinite(time):
                    problems.add(path, "the rates are so small that the persistence time is infinite")
        except ValidationError:
            continue  # types and ranges are reported with the section
        except InputError as error:
            known = ", ".join(MotionSection.model_fields)
            problems.add(path, str(error), f"known: {known}")


def _check_pairs(raw: Mapping[str, Any], names: tuple[str, ...], problems: ProblemList) -> None:
    seen: set[tuple[str, str]] = set()
    for number, one in _tables(raw, "sensing", "pairs"):
        path: KeyPath = ("model", "sensing", "pairs", number)
        pair = (one.get("observer"), one.get("source"))
        for role, name in zip(("observer", "source"), pair, strict=True):
            if isinstance(name, str) and name not in names:
                problems.add((*path, role), "unknown species" + hint(name, names), f"known: {', '.join(names)}")
        if isinstance(pair[0], str) and isinstance(pair[1], str):
            if pair in seen:
                problems.add(path, f"how {pair[0]} senses {pair[1]} is stated twice; keep one of the two")
            seen.add((pair[0], pair[1]))


def _check_laws(raw: Mapping[str, Any], names: tuple[str, ...], problems: ProblemList) -> dict[int, "MotilityLaw"]:
    from theory.expressions import FUNCTION_NAMES
    from theory.motility import TOTAL, MotilityLaw

    parameters = raw.get("parameters", {})
    parameters = parameters if isinstance(parameters, dict) else {}
    # a value that is refused by itself does not change which names a law may use
    values = {name: _number(value) for name, value in parameters.items()}
    laws = {}
    for number, one in _tables(raw, "species"):
        text = constant_as_text(one.get("speed"))
        if not isinstance(text, str):
            continue
        try:
            laws[number] = MotilityLaw(text, names, values)
        except InputError as error:
            message, _, known = str(error).partition(" (known: ")
            everything = ", ".join((*names, TOTAL, *parameters, *FUNCTION_NAMES))
            known = known.removesuffix(")") or everything
            problems.add(("model", "species", number, "speed"), message, f"known: {known}")
        except _LAW_FAILURES as error:
            problems.add(("model", "species", number, "speed"), f"cannot be worked with: {_first_line(error)}")
    return laws


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return 1.0
    return 1.0


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def check_speed(law: "MotilityLaw", species: int, densities: Any, place: str, problems: ProblemList) -> None:
    """Check that a law gives a speed at densities that the file names.

    Parameters
    ----------
    law
        The motility law.
    species
        Index of its species.
    densities
        Densities of all species, shape (species,).
    place
        Key path at which these densities stand.
    problems
        Gets a problem if the speed is negative or not finite.
    """
    path: KeyPath = ("model", "species", species, "speed")
    try:
        law.speed(np.asarray(densities, dtype=np.float64))
    except InputError as error:
        message = str(error).removeprefix(f"the law '{law.text}' ")
        problems.add(path, f"with densities from {place} the law {message}")
    except _LAW_FAILURES as error:
        problems.add(path, f"with densities from {place} the law cannot be evaluated: {_first_line(error)}")


def _build(section: ModelSection, problems: ProblemList) -> "Model | None":
    from theory.model import Model, Motion, PairSensing, Sensing, Species

    species = [
        Species(one.name, Motion(**one.motion.model_dump()), one.speed, one.translational_diffusion) for one in section.species
    ]
    sensing = section.sensing
    pairs = tuple(PairSensing(**pair.model_dump()) for pair in sensing.pairs)
    try:
        return Model(
            section.dimension,
            species,
            section.parameters,
            Sensing(sensing.kernel, sensing.range, pairs, sensing.count_self),
        )
    except InputError as error:
        problems.add(("model",), str(error))
        return None
