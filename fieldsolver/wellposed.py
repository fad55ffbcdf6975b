"""Whether the fields of a model can be run at all about a composition."""

import numpy as np

from fieldsolver.layout import Layout
from theory.arrays import Array
from theory.errors import InputError
from theory.homogeneous import HomogeneousState
from theory.linear_stability import classify

# what happens to ever shorter waves is decided by the lowest degrees
_HIGHEST_ORDER = 2


def check_well_posed(layout: Layout, composition: Array) -> None:
    """Refuse equations that have no smallest scale, and closures that fail or cannot saturate.

    Parameters
    ----------
    layout
        The model at an order.
    composition
        Mean densities, shape (species,) (1/length^d).

    Raises
    ------
    InputError
        Ever shorter waves grow, the slaved harmonics do not decay, or a flock would grow without bound.
    """
    if not (_is_local(layout) or layout.pairs.turn):
        return
    state = HomogeneousState.of(layout.model, np.maximum(composition, 1e-12))
    if layout.pairs.turn:
        state.check_slaved(layout.order + 1)
        if layout.order == 1:
            _check_saturation(layout, state)
    if not _is_local(layout):
        return
    found = classify(state, min(layout.order, _HIGHEST_ORDER))
    if found.kind != "stable" and found.growth_rate is None:
        raise InputError(
            "with a local kernel, or couplings of model.mean_field, which are local, this composition is unstable to ever "
            "shorter waves and the equations are ill-posed; state a kernel with a range in model.sensing, or a "
            "translational_diffusion that holds the shortest waves down"
        )


def _is_local(layout: Layout) -> bool:
    """Whether anything couples to a density at a point."""
    channels, senses = layout.model.channels, layout.model.senses
    read = {int(channels.index[s, f]) for s in range(layout.species) for f in range(layout.species) if senses[s, f]}
    local = any(channels.kernels[c].is_local for c in read)
    return local or bool(layout.steering.species) or bool(np.any(layout.pairs.speed_losses))


def _check_saturation(layout: Layout, state: HomogeneousState) -> None:
    """At order 1 the polarity of a species by itself stops growing if and only if T_2 < T_1 ([S2], and docs/theory.md)."""
    for s, name in enumerate(layout.model.names):
        first, second = layout.pairs.torques[s, s, 1:3]
        growth = state.densities[s] * first - layout.rates[s, 1]
        if growth > 0.0 and second >= first:
            raise InputError(
                f"model.mean_field: {name} flocks at this composition (its polarity grows at the rate {growth:.4g}), and at "
                "fields.order 1 nothing stops it, since torque_harmonics has T_2 >= T_1; use fields.order 2 or more"
            )
