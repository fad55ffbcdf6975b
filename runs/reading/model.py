"""The section [model] of a run file -> `theory.model.Model`.

`theory.model` refuses a model at its first problem. Here each name, motion, law and pair is tried by itself,
so that all problems are found and each is said with its line; the constructor has the last word.
"""

import keyword
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from runs.reading.problems import ProblemList, hint
from runs.reading.settings import InteractionSection, ModelSection, MotionSection, SpeciesSection, constant_as_text
from runs.reading.toml_lines import KeyPath
from theory.errors import InputError

if TYPE_CHECKING:
    from theory.interactions import PairInteraction
    from theory.model import Model
    from theory.motility import MotilityLaw
    from theory.species import Species

# what sympy and numpy raise, besides InputError, for laws with numbers too large or trees too deep for them
_LAW_FAILURES = (ArithmeticError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError)


@dataclass
class ModelCheck:
    """What could be read of a model.

    Parameters
    ----------
    names, chemicals
        Names of the species and of the chemicals, empty unless all are usable.
    laws
        Motility laws without problems, by index of the species.
    model
        None if there is any problem.
    """

    names: tuple[str, ...] = ()
    chemicals: tuple[str, ...] = ()
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
    names, chemicals = _check_names(raw, problems)
    check = ModelCheck(names, chemicals)
    _check_motions(raw, problems)
    if names:
        _check_pairs(raw, names, problems)
        _check_chemistry(raw, names, chemicals, problems)
        if not misplaced:
            check.laws = _check_laws(raw, names, chemicals, problems)
            _check_interactions(raw, problems)
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


def _check_names(raw: Mapping[str, Any], problems: ProblemList) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of all species and of all chemicals, or none if one is missing or cannot be used."""
    from theory.consistency import RESERVED_NAMES

    groups = {kind: {number: one.get("name") for number, one in _tables(raw, kind)} for kind in ("species", "chemicals")}
    found: list[tuple[KeyPath, Any]] = [
        (("model", kind, number, "name"), name) for kind, named in groups.items() for number, name in named.items()
    ]
    parameters = raw.get("parameters")
    if isinstance(parameters, dict):
        found.extend((("model", "parameters", name), name) for name in parameters)
    seen: set[str] = set()
    usable = True
    for path, name in found:
        if not isinstance(name, str):
            usable = False
            continue
        message = _name_problem(name, RESERVED_NAMES, seen)
        seen.add(name)
        if message:
            problems.add(path, message, "allowed: letters, digits and _, no digit first")
            usable = False
    complete = all(
        len(named) == len(raw.get(kind, ())) for kind, named in groups.items() if isinstance(raw.get(kind, ()), list)
    )
    if not (usable and complete and isinstance(raw.get("species"), list)):
        return (), ()
    species, chemicals = (tuple(str(name) for name in named.values()) for named in groups.values())
    return species, chemicals


def _name_problem(name: str, reserved: tuple[str, ...], seen: set[str]) -> str:
    if not (name.isidentifier() and name.isascii()):
        return "not a name that a motility law can use"
    if name in reserved or keyword.iskeyword(name):
        return f"'{name}' has a meaning of its own in motility laws; choose another name"
    if name in seen:
        return f"the name '{name}' is used twice among species, chemicals and parameters"
    return ""


def _check_motions(raw: Mapping[str, Any], problems: ProblemList) -> None:
    from theory.motion import Motion

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


# lists of ordered pairs of species inside [model], and how a repetition is said
_PAIR_LISTS = {
    ("sensing", "pairs"): "how {observer} senses {source}",
    ("interactions",): "how {source} acts on {observer}",
    ("mean_field",): "how {source} appears to {observer}",
}


def _check_pairs(raw: Mapping[str, Any], names: tuple[str, ...], problems: ProblemList) -> None:
    """Every ordered pair is one of known species, and is stated once in its list."""
    for keys, told in _PAIR_LISTS.items():
        seen: set[tuple[str, str]] = set()
        for number, one in _tables(raw, *keys):
            path: KeyPath = ("model", *keys, number)
            pair = (one.get("observer"), one.get("source"))
            for role, name in zip(("observer", "source"), pair, strict=True):
                if isinstance(name, str) and name not in names:
                    problems.add((*path, role), "unknown species" + hint(name, names), f"known: {', '.join(names)}")
            if isinstance(pair[0], str) and isinstance(pair[1], str):
                if pair in seen:
                    problems.add(path, f"{told.format(observer=pair[0], source=pair[1])} is stated twice; keep one of the two")
                seen.add((pair[0], pair[1]))


def _check_chemistry(raw: Mapping[str, Any], names: tuple[str, ...], chemicals: tuple[str, ...], problems: ProblemList) -> None:
    """Species that make chemicals, and chemicals by which species steer, are known."""
    for list_name, key, kind, known in (
        ("chemicals", "production", "species", names),
        ("species", "chemotaxis", "chemical", chemicals),
    ):
        for number, one in _tables(raw, list_name):
            stated = one.get(key)
            for name in stated if isinstance(stated, dict) else ():
                if name not in known:
                    told = ", ".join(known) or "there is none; add it as [[model.chemicals]]"
                    problems.add(
                        ("model", list_name, number, key, name), f"unknown {kind}" + hint(name, known), f"known: {told}"
                    )
    for number, one in _tables(raw, "chemicals"):
        path: KeyPath = ("model", "chemicals", number, "decay_rate")
        if one.get("decay_rate") == 0 and one.get("adiabatic", True) is True and not problems.touches(*path):
            problems.add(
                path,
                "without decay the concentration never becomes steady; give a rate, or adiabatic = false",
                "allowed: a number > 0",
            )


def _check_interactions(raw: Mapping[str, Any], problems: ProblemList) -> None:
    """Force and torque can be read, or are those of Janus colloids."""
    from theory.expressions import FUNCTION_NAMES, parse
    from theory.interactions import DISTANCE

    parameters = _parameter_values(raw)
    for number, one in _tables(raw, "interactions"):
        path: KeyPath = ("model", "interactions", number)
        stated = [key for key in ("force", "torque") if key in one]
        if "janus" in one and stated:
            problems.add((*path, stated[0]), "stated beside janus, which gives force and torque; keep one of the two")
        elif "janus" not in one and not stated:
            problems.add(path, "neither force nor torque; state one of them, or janus")
        for key in stated:
            text = constant_as_text(one[key])
            if not isinstance(text, str):
                continue
            with _law_problems((*path, key), (DISTANCE, *parameters, *FUNCTION_NAMES), problems):
                parse(text, (DISTANCE, *parameters))


def _check_laws(
    raw: Mapping[str, Any], names: tuple[str, ...], chemicals: tuple[str, ...], problems: ProblemList
) -> dict[int, "MotilityLaw"]:
    from theory.expressions import FUNCTION_NAMES
    from theory.motility import TOTAL, MotilityLaw

    parameters = _parameter_values(raw)
    everything = (*names, TOTAL, *chemicals, *parameters, *FUNCTION_NAMES)
    laws = {}
    for number, one in _tables(raw, "species"):
        text = constant_as_text(one.get("speed"))
        if not isinstance(text, str):
            continue
        with _law_problems(("model", "species", number, "speed"), everything, problems):
            laws[number] = MotilityLaw(text, names, parameters, chemicals)
    return laws


def _parameter_values(raw: Mapping[str, Any]) -> dict[str, float]:
    """Parameters by name; a value that is refused by itself does not change which names a law may use."""
    parameters = raw.get("parameters", {})
    return {name: _number(value) for name, value in parameters.items()} if isinstance(parameters, dict) else {}


@contextmanager
def _law_problems(path: KeyPath, everything: tuple[str, ...], problems: ProblemList) -> Iterator[None]:
    """Note what is wrong with a law that is read inside this context."""
    try:
        yield
    except InputError as error:
        message, _, known = str(error).partition(" (known: ")
        known = known.removesuffix(")") or ", ".join(everything)
        problems.add(path, message, f"known: {known}")
    except _LAW_FAILURES as error:
        problems.add(path, f"cannot be worked with: {_first_line(error)}")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return 1.0
    return 1.0


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def check_speed(law: "MotilityLaw", species: int, fields: Any, place: str, problems: ProblemList) -> None:
    """Check that a law gives a speed at densities that the file names.

    Parameters
    ----------
    law
        The motility law.
    species
        Index of its species.
    fields
        Densities of all species, then concentrations of all chemicals, shape (species + chemical,).
    place
        Key path at which these densities stand.
    problems
        Gets a problem if the speed is negative or not finite.
    """
    path: KeyPath = ("model", "species", species, "speed")
    try:
        law.speed(np.asarray(fields, dtype=np.float64))
    except InputError as error:
        message = str(error).removeprefix(f"the law '{law.text}' ")
        problems.add(path, f"with densities from {place} the law {message}")
    except _LAW_FAILURES as error:
        problems.add(path, f"with densities from {place} the law cannot be evaluated: {_first_line(error)}")


def _build(section: ModelSection, problems: ProblemList) -> "Model | None":
    from theory.chemistry import Chemical
    from theory.interactions import MeanField
    from theory.model import Model
    from theory.sensing import PairSensing, Sensing

    sensing = section.sensing
    pairs = tuple(PairSensing(**pair.model_dump()) for pair in sensing.pairs)
    try:
        return Model(
            section.dimension,
            [_species(one) for one in section.species],
            section.parameters,
            Sensing(sensing.kernel, sensing.range, pairs, sensing.count_self),
            chemicals=[Chemical(**one.model_dump()) for one in section.chemicals],
            interactions=[_interaction(one) for one in section.interactions],
            mean_field=[MeanField(**one.model_dump()) for one in section.mean_field],
        )
    except InputError as error:
        problems.add(("model",), str(error))
        return None


def _species(section: SpeciesSection) -> "Species":
    from theory.chemistry import Chemotaxis
    from theory.motion import Motion
    from theory.species import Species

    return Species(
        section.name,
        Motion(**section.motion.model_dump()),
        section.speed,
        section.translational_diffusion,
        tuple(Chemotaxis(name, **response.model_dump()) for name, response in section.chemotaxis.items()),
        section.translational_drag,
        section.rotational_drag,
    )


def _interaction(section: InteractionSection) -> "PairInteraction":
    from theory.interactions import PairInteraction

    if section.janus is not None:
        return PairInteraction.janus(section.observer, section.source, cutoff=section.cutoff, **section.janus.model_dump())
    return PairInteraction(section.observer, section.source, section.cutoff, section.force or "0", section.torque or "0")
