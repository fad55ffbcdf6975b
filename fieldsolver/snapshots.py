"""What a state of the fields looks like in a frame."""

from collections.abc import Iterator, Mapping

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from theory.arrays import Array, ComplexArray
from theory.frames import Variable

_AXES = "xyz"


def coordinates(modes: RetainedModes) -> Mapping[str, Variable]:
    """Cell centres along each axis."""
    grid = modes.grid
    names = _AXES[: grid.dimension]
    return {axis: Variable(grid.coordinates(axis), (axis,), "length", f"{axis} of the cell centres") for axis in names}


def densities(state: ComplexArray, layout: Layout, modes: RetainedModes) -> Array:
    """Densities of all species, shape (species, [z,] [y,] x) (1/length^d)."""
    return modes.field(_density_modes(state, layout))


def concentration_modes(state: ComplexArray, layout: Layout, modes: RetainedModes, chemical: int) -> ComplexArray:
    """Modes of a concentration, shape (column, row): a component of the state, or what the densities make of it."""
    one = layout.model.chemicals[chemical]
    if not one.adiabatic:
        return np.asarray(state[layout.chemical_component(chemical)])
    made = layout.model.production[chemical] @ _density_modes(state, layout).reshape(layout.species, -1)
    return np.asarray(made.reshape(modes.shape) * one.transform(modes.wavenumber))


def _density_modes(state: ComplexArray, layout: Layout) -> ComplexArray:
    return np.asarray(state[[layout.component(s, 0) for s in range(layout.species)]])


def polar_orders(state: ComplexArray, layout: Layout) -> Array:
    """Length of the mean direction of the particles, shape (species,): 0 without order, 1 if all go the same way."""
    means = state[: layout.harmonics, 0, 0].real.reshape(layout.species, -1)
    polarity = np.sqrt(np.sum(means[:, 1 : 1 + layout.dimension] ** 2, axis=1))
    return np.asarray(np.divide(polarity, means[:, 0], out=np.zeros(layout.species), where=means[:, 0] > 0.0))


def fields(state: ComplexArray, layout: Layout, modes: RetainedModes) -> Iterator[tuple[str, Variable]]:
    """Densities, polarities and concentrations of a state, by the names that they have in frames."""
    dimensions = tuple(_AXES[: layout.dimension][::-1])
    density = f"1/length^{layout.dimension}"
    for s, name in enumerate(layout.model.names):
        rho = modes.field(state[layout.component(s, 0)])
        yield f"density_{name}", Variable(rho, dimensions, density, f"number density of {name}")
        for j in range(layout.dimension) if layout.order > 0 else ():
            polarity = modes.field(state[layout.component(s, 1 + j)])
            long_name = f"{_AXES[j]} component of the polarity of {name}, density times mean direction"
            yield f"polarity_{_AXES[j]}_{name}", Variable(polarity, dimensions, density, long_name)
    for p, name in enumerate(layout.model.chemical_names):
        concentration = modes.field(concentration_modes(state, layout, modes, p))
        yield (
            f"concentration_{name}",
            Variable(concentration, dimensions, f"amount/length^{layout.dimension}", f"concentration of {name}"),
        )


def initial_state(
    density: Array, polarity: Array | None, concentration: Array | None, layout: Layout, modes: RetainedModes
) -> ComplexArray:
    """The modes of initial fields, shape (component, column, row).

    Parameters
    ----------
    density
        Shape (species, [z,] [y,] x).
    polarity
        Shape (species, direction, [z,] [y,] x); None: none. Higher harmonics start at zero.
    concentration
        Of the chemicals that have a dynamics of their own, shape (chemical, [z,] [y,] x); None: what is steady with the
        densities, zero for chemicals that do not decay.
    """
    state = np.zeros((layout.components, *modes.shape), dtype=np.complex128)
    for s in range(layout.species):
        state[layout.component(s, 0)] = modes.of(density[s])
        if polarity is not None:
            first = layout.component(s, 1)
            state[first : first + layout.dimension] = modes.of(polarity[s])
    for n, p in enumerate(layout.dynamic_chemicals):
        one = layout.model.chemicals[p]
        target = state[layout.chemical_component(p)]
        if concentration is not None:
            target[...] = modes.of(concentration[n])
        elif one.decay_rate > 0.0:
            made = np.tensordot(layout.model.production[p], _density_modes(state, layout), axes=1)
            target[...] = made * one.transform(modes.wavenumber)
    return state
