"""Run files: TOML -> `RunSpecification`, or all problems of the file at once.

    text -> data (tomllib) -> overrides -> sections (types, ranges) -> model, checks across sections -> result

The text of a motility law is parsed against a list of allowed constructs and never evaluated; see
`theory.expressions`.
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from runs.reading.cross_checks import box_size, check_together
from runs.reading.keys import KeyHelp, keys
from runs.reading.model import check_model
from runs.reading.overrides import apply_overrides
from runs.reading.problems import Problem, ProblemList, RunFileError, hint, show_path
from runs.reading.settings import FieldSettings, InitialSettings, ParticleSettings, PhaseSection, RunSettings
from runs.reading.toml_lines import KeyPath, LimitError, find_lines
from runs.reading.validation import read_sections

if TYPE_CHECKING:
    from theory.model import Model

LARGEST_FILE = 1_000_000
# mean number of particles of a species on the length of the noise, for noise of full strength
_FEWEST_IN_CELL = 10.0

Scale = Literal["fields", "particles"]

_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_LONG_INTEGER = re.compile(r"[0-9](?:_?[0-9]){4299}")
# the reasons of tomllib that do not say what to do
_TOML_REASONS = {
    "Invalid value": 'not a TOML value; text needs quotes: key = "text"',
    "Invalid statement": "neither a table, as [run], nor key = value",
    "Cannot overwrite a value": "this key or table is stated twice; keep one of the two",
    "Duplicate inline table key": "this key is stated twice; keep one of the two",
    "Cannot mutate": "adds to a table or list that is complete already; state it in one place",
    "Cannot redefine": "adds to a table that is stated elsewhere; state it in one place",
    "Cannot declare": "this table is stated twice; keep one of the two",
    "Illegal character '\\n'": "text that does not end on its line; close it with a quote",
    "Unterminated string": "text that does not end; close it with quotes",
    "Unclosed array": "a list that does not end; close it with ]",
    "Unclosed inline table": "a table that does not end; close it with } on the same line",
}


@dataclass(frozen=True)
class RunSpecification:
    """A run file, read and checked.

    Parameters
    ----------
    model
        What interacts.
    composition
        Mean number density of each species (1/length^dimension), in the order of the model.
    size
        Edges of the periodic box (length), one for each dimension.
    fields, particles
        How each scale is run; None where the file does not state it.
    run
        Duration, output, seed, checkpoints.
    initial
        The initial state.
    text
        The run file as given.
    overrides
        The overrides as given, ``key=value`` each, applied in this order.
    source
        Name of the file.
    """

    model: "Model"
    composition: Mapping[str, float]
    size: tuple[float, ...]
    fields: FieldSettings | None
    particles: ParticleSettings | None
    run: RunSettings
    initial: InitialSettings
    text: str = field(repr=False)
    overrides: tuple[str, ...]
    source: str

    @property
    def reach(self) -> float:
        """The longest sensing range, or what stands for it where nothing is sensed from afar (length)."""
        return self.model.reach(self.size)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The scales that the file states, in the order in which they are run."""
        stated: list[Scale] = []
        if self.fields is not None:
            stated.append("fields")
        if self.particles is not None:
            stated.append("particles")
        return tuple(stated)

    @property
    def patch_size(self) -> float:
        """Edge of a patch of the initial state (length): as stated, or a quarter of the shortest edge."""
        return self.initial.patch_size if self.initial.patch_size is not None else min(self.size) / 4.0

    @property
    def phase_shares(self) -> tuple[float, ...]:
        """Shares of the box that the phases of the initial state fill: as stated, or from the radius of the droplet."""
        initial = self.initial
        if initial.geometry == "droplet" and initial.radius is not None:
            ball = {1: 2.0, 2: math.pi, 3: 4.0 * math.pi / 3.0}[len(self.size)] * initial.radius ** len(self.size)
            inside = ball / math.prod(self.size)
            return (inside, 1.0 - inside)
        return tuple(phase.share or 0.0 for phase in initial.phases)

    @property
    def order(self) -> int:
        """Order of the theory beside a run: that of its fields, 0 without them."""
        return 0 if self.fields is None else self.fields.order

    def require_scale(self, scale: Scale | None = None) -> tuple[Scale, ...]:
        """The scales to run: the one asked for, or all that the file states.

        Raises
        ------
        RunFileError
            The file does not state it, or states none.
        """
        if scale is None and self.scales:
            return self.scales
        if scale is not None and scale in self.scales:
            return (scale,)
        wanted = "[fields] or [particles]" if scale is None else f"[{scale}]"
        example = "[particles] alone is enough" if scale == "particles" else "[fields] needs a grid, as grid = [256, 256]"
        has = f"; it states [{self.scales[0]}]" if self.scales else ""
        message = f"the run file has no section {wanted}, so there is nothing to run{has}; add it: {example}"
        raise RunFileError([Problem("", message, location=self.source)])

    def advice(self) -> tuple[str, ...]:
        """What is allowed but probably not meant, one sentence each."""
        return (*_grid_advice(self), *_noise_advice(self), *_phase_advice(self), *self.model_advice())

    def model_advice(self) -> tuple[str, ...]:
        """The advice that concerns theory too."""
        return tuple(_parameter_advice(self))


def load(path: Path | str, overrides: Sequence[str] = ()) -> RunSpecification:
    """Read a run file.

    Parameters
    ----------
    path
        The file: TOML in UTF-8, at most 1 MB.
    overrides
        Values that replace those of the file, each ``key=value``; see `runs.reading.overrides.apply_overrides`.

    Returns
    -------
    RunSpecification
        Complete and checked.

    Raises
    ------
    RunFileError
        The file cannot be read, or it has problems: all of them, with their lines.
    """
    source = str(path)
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise RunFileError([Problem("", _reading_problem(error), location=source)]) from None
    if len(content) > LARGEST_FILE:
        raise RunFileError([Problem("", f"larger than {LARGEST_FILE} bytes; not a run file", location=source)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        form = "UTF-16; save it as UTF-8" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "not UTF-8 text"
        raise RunFileError([Problem("", form, line, location=f"{source}:{line}")]) from None
    return parse(text, source=source, overrides=overrides)


def parse(text: str, *, source: str = "run file", overrides: Sequence[str] = ()) -> RunSpecification:
    """Read the text of a run file; like `load`.

    Parameters
    ----------
    text
        TOML.
    source
        Name by which problems call the file.
    overrides
        As for `load`.

    Raises
    ------
    RunFileError
        The text has problems: all of them, with their lines.
    """
    data, lines = _read_toml(text, source)
    problems = ProblemList(source, data, lines)
    problems.overrides = apply_overrides(data, overrides, problems)
    sections = read_sections(problems)
    check = check_model(sections.model, problems)
    check_together(sections, check, problems)
    problems.raise_if_any()
    composition, domain, run = sections.composition, sections.domain, sections.run
    if check.model is None or composition is None or domain is None or run is None:
        raise AssertionError("a required section was dropped without a problem")
    return RunSpecification(
        model=check.model,
        composition=MappingProxyType({name: composition[name] for name in check.model.names}),
        size=box_size(domain, check.model.dimension),
        fields=sections.fields,
        particles=sections.particles,
        run=run,
        initial=sections.initial,
        text=text,
        overrides=tuple(overrides),
        source=source,
    )


def _reading_problem(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case IsADirectoryError():
            return "a directory, not a run file"
        case OSError():
            return f"cannot be read: {error.strerror or error}"
    return "not a file name"


def _read_toml(text: str, source: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """The data of a TOML text, and the line of each of its keys."""
    lines: dict[KeyPath, int] = {}
    try:
        text.encode()
        lines = find_lines(text)
        return tomllib.loads(text), lines
    except UnicodeEncodeError:
        problem = Problem("", "not UTF-8 text", location=source)
    except LimitError as error:
        problem = Problem("", str(error), error.line, location=f"{source}:{error.line}")
    except ValueError as error:
        problem = _toml_problem(str(error), text, lines, source)
    raise RunFileError([problem])


def _toml_problem(reason: str, text: str, lines: Mapping[KeyPath, int], source: str) -> Problem:
    """What tomllib says, with the line and the key where it says it."""
    place = _TOML_PLACE.fullmatch(reason)
    if place is None:
        # the one reason without a place is that of Python's limit on the digits of an integer
        long_integer = _LONG_INTEGER.search(text)
        line = text.count("\n", 0, long_integer.start() if long_integer else len(text)) + 1
        return Problem("", "not TOML: an integer of more than 4300 digits", line, location=f"{source}:{line}")
    reason, line_text, column = place.groups()
    line = int(line_text) if line_text else text.count("\n") + 1
    where = f" at column {column}" if column else " at the end of the file"
    path = next((path for path, its_line in reversed(list(lines.items())) if its_line == line), ())
    if reason.startswith("Unclosed") and lines:
        # noticed at the next key; what is open is where the scanner gave up as well
        path = next(reversed(list(lines)))
        while isinstance(path[-1], int):
            path = path[:-1]
        line, where = lines[path], ""
    reason = next((ours for theirs, ours in _TOML_REASONS.items() if reason.startswith(theirs)), reason)
    message = f"not TOML{where}: {reason}"
    return Problem(show_path(path), message, line, location=f"{source}:{line}")


def _grid_advice(specification: RunSpecification) -> list[str]:
    if specification.fields is None:
        return []
    return [
        f"fields.grid: {cells} has a prime factor above 7; {_smooth(cells)} is faster to transform"
        for cells in dict.fromkeys(specification.fields.grid)
        if _smooth(cells) != cells
    ]


def _noise_advice(specification: RunSpecification) -> list[str]:
    """Noise on lengths that hold few particles is not small: densities become negative, and polarities too long."""
    settings, model = specification.fields, specification.model
    if settings is None or settings.noise == 0.0:
        return []
    length = settings.noise_length or max(model.sensing_ranges.tolist())
    name, density = min(((n, one) for n, one in specification.composition.items() if one > 0.0), key=lambda pair: pair[1])
    held = density * length**model.dimension
    if held >= _FEWEST_IN_CELL * settings.noise:
        return []
    enough = (_FEWEST_IN_CELL * settings.noise / density) ** (1.0 / model.dimension)
    return [
        f"fields.noise_length: noise acts down to lengths of {length:g}, where there are {held:.2g} particles of {name}; set "
        f"fields.noise_length = {math.ceil(10.0 * enough) / 10.0:g} or more, or fields.noise = 0"
    ]


def _smooth(cells: int) -> int:
    """The smallest even number of cells, not below the given one, whose prime factors are 2, 3, 5 and 7."""
    while True:
        rest = cells
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return cells
        cells += 2


def _phase_advice(specification: RunSpecification) -> list[str]:
    """Phases that do not hold the composition: theory and runs would then speak of different mixtures."""
    if specification.initial.state != "phases":
        return []
    advice = []
    for name, density in specification.composition.items():
        phases = zip(specification.phase_shares, specification.initial.phases, strict=True)
        mean = sum(share * phase.densities[name] for share, phase in phases)
        if abs(mean - density) > 0.01 * density:
            advice.append(f"initial.phases: they hold {name} = {mean:g} on average, the composition says {density:g}")
    return advice


def _parameter_advice(specification: RunSpecification) -> list[str]:
    """Parameters that no law uses, as a mistyped name leaves them."""
    model = specification.model
    used = model.parameters_used
    return [f"model.parameters.{name}: no law uses it{hint(name, used)}" for name in model.parameters if name not in used]


__all__ = [
    "FieldSettings",
    "InitialSettings",
    "KeyHelp",
    "ParticleSettings",
    "PhaseSection",
    "Problem",
    "RunFileError",
    "RunSettings",
    "RunSpecification",
    "Scale",
    "keys",
    "load",
    "parse",
]
