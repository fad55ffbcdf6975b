"""Whether the fields of a model can be run at all about a composition."""

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.linearisation import Linearised
from theory.errors import InputError
from theory.fourier import Array

# a wavenumber this many times the grid's largest stands for all that are larger
_FAR_BEYOND = 30.0


def check_well_posed(layout: Layout, composition: Array, largest_wavenumber: float) -> None:
    """Refuse equations that have no smallest scale, and closures that fail or cannot saturate.

    Parameters
    ----------
    layout
        The model at an order.
    composition
        Mean densities, shape (species,) (1/length^d).
    largest_wavenumber
        Of the grid (1/length).

    Raises
    ------
    InputError
        Ever shorter waves grow, the slaved harmonics do not decay, or a flock would grow without bound.
    """
    densities = np.maximum(composition, 1e-12)
    _check_closure(layout, densities)
    if _is_local(layout):
        _check_short_waves(layout, densities, _FAR_BEYOND * largest_wavenumber)


def _is_local(layout: Layout) -> bool:
    """Whether anything couples to a density at a point."""
    channels, senses = layout.model.channels, layout.model.senses
    read = {int(channels.index[s, f]) for s in range(layout.species) for f in range(layout.species) if senses[s, f]}
    local = any(channels.kernels[c].is_local for c in read)
    return local or bool(layout.steering.species) or bool(np.any(layout.pairs.speed_losses))


def _check_short_waves(layout: Layout, densities: Array, q: float) -> None:
    growth = float(np.linalg.eigvals(Linearised(layout, densities[:, None]).matrix(np.array([q]))).real.max())
    if growth > 0.0:
        raise InputError(
            "with a local kernel, or couplings of model.mean_field, which are local, this composition is unstable to ever "
            "shorter waves and the equations are ill-posed; state a kernel with a range in model.sensing, or a "
            "translational_diffusion that holds the shortest waves down"
        )


def _check_closure(layout: Layout, densities: Array) -> None:
    if not layout.pairs.turn:
        return
    degree = layout.order + 1
    closure = np.diag(layout.rates[:, layout.basis.kept]) - densities[:, None] * layout.closure_couplings
    smallest = float(np.linalg.eigvals(closure).real.min())
    if smallest <= 0.0:
        raise InputError(
            f"model.mean_field: torque_harmonics[{layout.order}] (T_{degree}) makes harmonics of degree {degree} grow at the "
            f"rate {-smallest:.4g} at this composition, where fields.order = {layout.order} takes them to decay; lower it or "
            "the composition, or raise fields.order"
        )
    if layout.order == 1:
        for s, name in enumerate(layout.model.names):
            first, second = layout.pairs.torques[s, s, 1:3]
            growth = densities[s] * first - layout.rates[s, 1]
            if growth > 0.0 and second >= first:
                raise InputError(
                    f"model.mean_field: {name} flocks at this composition (its polarity grows at the rate {growth:.4g}), and "
                    "at fields.order 1 nothing stops it, since torque_harmonics has T_2 >= T_1; raise fields.order"
                )
