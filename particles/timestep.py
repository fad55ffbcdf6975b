"""Time steps of particles that the engine chooses by itself."""

import math

from numpy.typing import ArrayLike

from theory.errors import InputError
from theory.model import Model
from theory.pair_scales import pair_scales

# Without pair interactions.
LONGEST = 0.01
# Share of the fastest relaxation time of pairs. The midpoint scheme is stable up to 1, in crystals of Janus particles up to
# 0.4, and errs by less than 1 % at this share (docs/theory.md).
_SHARE_OF_RELAXATION = 0.25
_SHORTEST = 1e-9


def default_time_step(model: Model, densities: ArrayLike) -> float:
    """Time step that resolves collisions, rounded down to 1, 2 or 5 times a power of ten (time).

    Parameters
    ----------
    model
        The model.
    densities
        Mean number densities (1/length^d), shape (species,).

    Raises
    ------
    InputError
        Particles interact by a law that is singular where nothing keeps them apart: no time step resolves that.
    """
    rates = {pair: pair_scales(model, pair, densities).rate for pair in model.interactions}
    for (observer, source), rate in rates.items():
        if not _SHORTEST * rate < _SHARE_OF_RELAXATION:
            raise InputError(
                f"no time step resolves what {model.names[source]} does to {model.names[observer]}: its law is singular, and "
                "no repulsion keeps particles apart; state particles.time_step"
            )
    return _rounded_down(min([LONGEST, *(_SHARE_OF_RELAXATION / rate for rate in rates.values() if rate > 0.0)]))


def _rounded_down(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value) + 1e-12)
    return float(round(max(c for c in (1.0, 2.0, 5.0) if c * decade <= value * (1.0 + 1e-12)) * decade, 15))
