"""What the particle engine shows of itself."""

import numpy as np
from numpy.typing import NDArray

from particles.mesh import ASSIGNMENT, deposited_density
from particles.state import Particles
from theory.fourier import Grid
from theory.frames import Variable

Array = NDArray[np.float64]


def coordinates(grid: Grid) -> dict[str, Variable]:
    """Cell centres of a grid, ``x`` and ``y``."""
    return {axis: Variable(grid.coordinates(axis), (axis,), "length", f"{axis} of cell centres") for axis in ("x", "y")}


def species_variables(names: tuple[str, ...], particles: Particles, speeds: Array, grid: Grid) -> dict[str, Variable]:
    """Density, mean speed and number of particles of each species.

    Parameters
    ----------
    names
        Of the species.
    particles
        The particles.
    speeds
        Speed of each (length/time), shape (particle,). The mean over a species without particles is NaN.
    grid
        Where densities are shown.

    Returns
    -------
    dict
        ``density_<species>`` (y, x), ``mean_speed_<species>`` and ``particle_number_<species>``.
    """
    variables: dict[str, Variable] = {}
    densities = deposited_density(particles, grid)
    for n, name in enumerate(names):
        own = speeds[particles.slice_of(n)]
        mean = float(np.mean(own)) if own.size else float("nan")
        variables[f"density_{name}"] = Variable(
            densities[n], ("y", "x"), "1/length^2", f"number density of {name}", {"assignment": ASSIGNMENT}
        )
        variables[f"mean_speed_{name}"] = Variable(
            np.array(mean), (), "length/time", f"self-propulsion speed averaged over the particles of {name}"
        )
        variables[f"particle_number_{name}"] = Variable(
            np.array(own.size, dtype=np.int64), (), "1", f"number of particles of {name}"
        )
    return variables


def particle_variables(particles: Particles) -> dict[str, Variable]:
    """The particles in the order of their permanent numbers, so that each keeps its row for the whole run.

    Returns
    -------
    dict
        ``position`` and ``orientation`` (particle, dimension), ``species`` (particle,).
    """
    axes = ("particle", "dimension")
    position = particles.by_identity(particles.positions).T.astype(np.float32, order="C")
    orientation = particles.by_identity(particles.orientations).T.astype(np.float32, order="C")
    return {
        "position": Variable(position, axes, "length", "positions"),
        "orientation": Variable(orientation, axes, "1", "self-propulsion directions"),
        "species": Variable(particles.species, ("particle",), "1", "species, by number in the model"),
    }
