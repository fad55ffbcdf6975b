"""Which equations of fields a model has: orders of the hierarchy of angular harmonics."""

from theory.errors import InputError
from theory.model import Model


def check_order(model: Model, order: int) -> None:
    """Check that a model has equations of an order, as fields that start from any state.

    Parameters
    ----------
    model
        The model.
    order
        Highest angular harmonic that has a dynamics of its own; 0 is hydrodynamics.

    Raises
    ------
    InputError
        It has none; the message says why, and what to change.
    """
    if order < 0:
        raise InputError(f"the order is {order}; it must not be negative")
    if model.dimension == 1 and order > 1:
        raise InputError(
            f"order {order} in one dimension, where a direction has no harmonics beyond the first and order 1 is exact; "
            "use 0 or 1"
        )
    for one in model.species:
        if order > 0 and one.motion.aoup:
            raise InputError(
                f"order {order}, but {one.name} is an Ornstein-Uhlenbeck particle, which has no angular harmonics; use order "
                "0, or tumbles or rotational diffusion in its place"
            )
    for (observer, source), law in model.mean_field.items():
        names = model.names[observer], model.names[source]
        if any(law.torque_harmonics):
            _check_torques(model, order, *names)
        if law.turning and (model.dimension == 1 or model.species[observer].motion.aoup):
            raise InputError(
                f"in model.mean_field {names[1]} makes {names[0]} turn, which has no direction that could turn (one "
                "dimension, or Ornstein-Uhlenbeck); remove turning"
            )


def _check_torques(model: Model, order: int, observer: str, source: str) -> None:
    if model.dimension != 2:
        raise InputError(
            f"in model.mean_field {source} turns {observer} with torque_harmonics, which are known in two dimensions only, "
            f"not in {model.dimension}; remove them"
        )
    if order == 0:
        raise InputError(
            f"in model.mean_field {source} turns {observer} with torque_harmonics, which act on the polarity; at order 0 "
            "there is none: use order 1 or more, or remove torque_harmonics"
        )
