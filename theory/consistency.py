"""Whether the parts of a model fit each other: names, what steers by what, and what can be turned."""

import keyword
from collections.abc import Mapping, Sequence

import numpy as np

from theory.chemistry import Chemical, Chemotaxis
from theory.errors import InputError
from theory.expressions import FUNCTION_NAMES
from theory.interactions import DISTANCE, InteractionLaw
from theory.motility import TOTAL
from theory.species import Species

# names with a meaning of their own in laws
RESERVED_NAMES = (TOTAL, DISTANCE, *FUNCTION_NAMES)


def check_names(species: Sequence[Species], chemicals: Sequence[Chemical], parameters: Mapping[str, float]) -> None:
    """Check that names are distinct identifiers without a meaning of their own, and parameters finite.

    Raises
    ------
    InputError
        They are not.
    """
    seen: set[str] = set()
    for kind, name in [
        *(("species", s.name) for s in species),
        *(("chemical", c.name) for c in chemicals),
        *(("parameter", p) for p in parameters),
    ]:
        if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name):
            raise InputError(
                f"the {kind} name '{name}' is not an identifier (letters, digits and _, no digit first, no keyword)"
            )
        if name in RESERVED_NAMES:
            raise InputError(f"the {kind} name '{name}' is reserved ({', '.join(RESERVED_NAMES)})")
        if name in seen:
            raise InputError(f"the name '{name}' is used twice among species, chemicals and parameters")
        seen.add(name)
    for name, value in parameters.items():
        if not np.isfinite(value):
            raise InputError(f"the parameter {name} is {value}; it must be finite")


def check_chemistry(species: Sequence[Species], chemicals: Sequence[Chemical], dimension: int) -> None:
    """Check that species steer by chemicals that there are, that have gradients, and in ways open to their particles.

    Raises
    ------
    InputError
        They do not.
    """
    known = {one.name: one for one in chemicals}
    for one in species:
        for response in one.chemotaxis:
            if response.chemical not in known:
                raise InputError(
                    f"{one.name} steers by '{response.chemical}', which is no chemical "
                    f"(known: {', '.join(known) or 'there are none'})"
                )
            _check_response(one, response, known[response.chemical], dimension)


def _check_response(one: Species, response: Chemotaxis, chemical: Chemical, dimension: int) -> None:
    if chemical.diffusivity == 0.0:
        raise InputError(
            f"{one.name} steers by {chemical.name}, whose diffusivity is 0: its gradient would be that of single "
            "particles; give the chemical a diffusivity"
        )
    if one.motion.aoup and (response.reorientation_bias != 0.0 or response.turning != 0.0):
        raise InputError(
            f"{one.name} is an Ornstein-Uhlenbeck particle: it has neither a reorientation rate to bias nor a unit "
            f"direction to turn by {chemical.name}; use speed_bias"
        )
    if dimension == 1 and response.turning != 0.0:
        raise InputError(f"{one.name} cannot turn by {chemical.name} in one dimension; use the other biases")


def check_torques(species: Sequence[Species], interactions: Mapping[tuple[int, int], InteractionLaw], dimension: int) -> None:
    """Check that torques turn unit directions in two dimensions.

    Raises
    ------
    InputError
        They do not.
    """
    for (observer, _), law in interactions.items():
        one = species[observer]
        if law.has_torque and (dimension != 2 or one.motion.aoup):
            raise InputError(
                f"torques turn unit directions in two dimensions; {one.name} has none "
                f"(dimension {dimension}{', Ornstein-Uhlenbeck' if one.motion.aoup else ''})"
            )
