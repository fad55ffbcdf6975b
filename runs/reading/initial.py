"""Checks of ``[initial]``: each state has keys of its own, and what they say must fit the box and the species."""

import math
from collections.abc import Mapping
from typing import Any

from runs.reading.problems import ProblemList, hint
from runs.reading.settings import InitialSettings, RunFileSections
from runs.reading.toml_lines import KeyPath

SHARE_TOLERANCE = 1e-6
# keys that belong to some states only
_OWNERS = {
    "phases": ("phases",),
    "geometry": ("phases",),
    "waves": ("waves",),
    "path": ("file", "run"),
    "time": ("run",),
    "scale": ("run",),
}
# keys that belong to a geometry of phases
_GEOMETRIES = {"patch_size": "patches", "radius": "droplet"}


def check_initial(data: Mapping[str, Any], initial: InitialSettings, problems: ProblemList) -> None:
    """Add what is missing for the state, what belongs to another, and shares that do not add up.

    Parameters
    ----------
    data
        The section as it is written.
    initial
        The section as it was read.
    problems
        Every problem found is added.
    """
    _check_owners(data, initial, problems)
    if initial.state == "phases" and not initial.phases:
        problems.add(("initial", "state"), "no [[initial.phases]] in the file; add one for each phase")
    if initial.state == "waves" and not initial.waves:
        problems.add(("initial", "state"), "no [[initial.waves]] in the file; add one for each wave")
    if initial.state in _OWNERS["path"] and initial.path is None:
        meant = "the file (.npz)" if initial.state == "file" else "the directory of the other run"
        problems.add(("initial", "path"), f"missing; state {meant}, relative to this file")
    if initial.phases and initial.state == "phases":
        _check_shares(initial, problems)


def _check_owners(data: Mapping[str, Any], initial: InitialSettings, problems: ProblemList) -> None:
    for key, states in _OWNERS.items():
        # a key beside another state that is stated is left in the file on purpose, to be switched on by --set
        if data.get(key) and initial.state not in states and "state" not in data:
            needed = " or ".join(f'state = "{state}"' for state in states)
            verb = "are" if key in ("phases", "waves") else "is"
            problems.add(("initial", key), f"{key} {verb} used with {needed} only; state it in [initial]")
    for key, geometry in _GEOMETRIES.items():
        if getattr(initial, key) is not None and initial.geometry != geometry and "geometry" not in data:
            problems.add(("initial", key), f'used with geometry = "{geometry}" only; state it in [initial]')


def _check_shares(initial: InitialSettings, problems: ProblemList) -> None:
    shares = [phase.share for phase in initial.phases]
    if initial.geometry == "droplet" and initial.radius is not None:
        if len(shares) != 2:
            problems.add(("initial", "phases"), "a radius needs two phases: the droplet, then what surrounds it")
        for number, share in enumerate(shares):
            if share is not None:
                path: KeyPath = ("initial", "phases", number, "share")
                problems.add(path, "stated beside initial.radius, which says the size of the droplet; keep one of the two")
        return
    for number, share in enumerate(shares):
        if share is None:
            problems.add(("initial", "phases", number, "share"), "missing", "allowed: a number from 0 to 1")
    if None not in shares:
        total = math.fsum(share for share in shares if share is not None)
        if abs(total - 1.0) > SHARE_TOLERANCE:
            problems.add(("initial", "phases"), f"the shares add up to {total:.9g}", f"allowed: 1 within {SHARE_TOLERANCE:g}")


def check_lengths(size: tuple[float, ...], initial: InitialSettings, problems: ProblemList) -> None:
    """Patches and droplets fit into the box."""
    shortest = min(size)
    if initial.patch_size is not None and initial.patch_size > shortest:
        problems.add(
            ("initial", "patch_size"),
            "longer than the shortest edge of the box",
            f"allowed: a number > 0 and <= {shortest:g}",
        )
    if initial.radius is not None and initial.radius > 0.5 * shortest:
        problems.add(
            ("initial", "radius"),
            "longer than half of the shortest edge of the box: the droplet would meet itself",
            f"allowed: a number > 0 and <= {0.5 * shortest:g}",
        )


def check_polarity(sections: RunFileSections, names: tuple[str, ...], dimension: int, problems: ProblemList) -> None:
    """Mean directions are of known species, no longer than 1, and not of fields without directions."""
    initial = sections.initial
    stated: dict[KeyPath, Mapping[str, tuple[float, ...]]] = {("initial", "polarity"): initial.polarity}
    stated |= {("initial", "phases", n, "polarity"): phase.polarity for n, phase in enumerate(initial.phases)}
    for path, directions in stated.items():
        for name, direction in directions.items():
            if name not in names:
                problems.add((*path, name), "unknown species" + hint(name, names), f"known: {', '.join(names)}")
            elif len(direction) != dimension:
                message = f"model.dimension is {dimension}, but the list has {len(direction)}"
                problems.add((*path, name), message, "allowed: one number for each dimension")
            elif not math.hypot(*direction) <= 1.0 + 1e-12:
                problems.add((*path, name), f"of the length {math.hypot(*direction):.6g}", "allowed: a length from 0 to 1")
        if directions and sections.fields is not None and sections.fields.order == 0:
            advice = "set fields.order to 1 or more, or remove [fields]"
            problems.add(path, f"fields of order 0 have no directions of their own; {advice}")


def check_waves(sections: RunFileSections, names: tuple[str, ...], dimension: int, problems: ProblemList) -> None:
    """Waves are of known species, resolved by the grid, and leave densities positive."""
    totals = dict.fromkeys(names, 0.0)
    for number, one in enumerate(sections.initial.waves):
        path: KeyPath = ("initial", "waves", number)
        if one.species not in names:
            problems.add((*path, "species"), "unknown species" + hint(one.species, names), f"known: {', '.join(names)}")
            continue
        totals[one.species] += abs(one.amplitude)
        if len(one.wave) != dimension:
            message = f"model.dimension is {dimension}, but the list has {len(one.wave)}"
            problems.add((*path, "wave"), message, "allowed: one number for each dimension")
        elif not any(one.wave):
            problems.add((*path, "wave"), "all zero, which is no wave; the mean densities are those of the composition")
        else:
            _check_resolution(sections, (*path, "wave"), one.wave, problems)
    for name, total in totals.items():
        if total > 1.0 + 1e-12:
            problems.add(
                ("initial", "waves"),
                f"the amplitudes of {name} add up to {total:.6g}, so that its density could be negative",
                "allowed: at most 1 for each species",
            )


def _check_resolution(sections: RunFileSections, path: KeyPath, wave: tuple[int, ...], problems: ProblemList) -> None:
    fields = sections.fields
    if fields is None or len(fields.grid) != len(wave):
        return
    if any(3 * abs(periods) >= cells for periods, cells in zip(wave, fields.grid, strict=True)):
        message = f"not resolved by fields.grid = {list(fields.grid)}, which keeps fewer periods than a third of its cells"
        problems.add(path, message)
