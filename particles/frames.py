"""What the particle engine shows of itself."""

import numpy as np

from particles.mesh import ASSIGNMENT, deposited_density
from particles.state import Particles
from theory.arrays import Array, ComplexArray
from theory.fourier import Grid
from theory.frames import Variable


def axes_of(grid: Grid) -> tuple[str, ...]:
    """Names of the axes of arrays on a grid."""
    return ("z", "y", "x")[-grid.dimension :]


def coordinates(grid: Grid) -> dict[str, Variable]:
    """Cell centres of a grid, along ``x``, ``y``, ``z``."""
    names = reversed(axes_of(grid))
    return {axis: Variable(grid.coordinates(axis), (axis,), "length", f"{axis} of cell centres") for axis in names}


def _mean(values: Array) -> float:
    """Mean; NaN of nothing."""
    return float(np.mean(values)) if values.size else float("nan")


def species_variables(names: tuple[str, ...], particles: Particles, speeds: Array, grid: Grid) -> dict[str, Variable]:
    """Density, mean speed, polar order and number of particles of each species.

    Parameters
    ----------
    names
        Of the species.
    particles
        The particles.
    speeds
        Speed of each by its law (length/time), shape (particle,). Means over a species without particles are NaN.
    grid
        Where densities are shown.

    Returns
    -------
    dict
        ``density_<species>`` ([z,] [y,] x), ``mean_speed_<species>``, ``polar_order_<species>`` and
        ``particle_number_<species>``; ``polar_order`` of all particles.
    """
    variables: dict[str, Variable] = {}
    densities = deposited_density(particles, grid)
    per_volume = f"1/length^{grid.dimension}"
    for n, name in enumerate(names):
        one = particles.slice_of(n)
        variables[f"density_{name}"] = Variable(
            densities[n], axes_of(grid), per_volume, f"number density of {name}", {"assignment": ASSIGNMENT}
        )
        variables[f"mean_speed_{name}"] = Variable(
            np.array(_mean(speeds[one])), (), "length/time", f"self-propulsion speed averaged over the particles of {name}"
        )
        variables[f"polar_order_{name}"] = _polar_order(particles.orientations[:, one], f"of {name}")
        variables[f"particle_number_{name}"] = Variable(
            np.array(one.stop - one.start, dtype=np.int64), (), "1", f"number of particles of {name}"
        )
    variables["polar_order"] = _polar_order(particles.orientations, "of all particles")
    return variables


def _polar_order(orientations: Array, whose: str) -> Variable:
    mean = np.array([_mean(row) for row in orientations])
    return Variable(np.array(float(np.sqrt(np.sum(mean**2)))), (), "1", f"length of the mean direction {whose}")


def concentration_variables(names: tuple[str, ...], modes: ComplexArray, mesh: Grid, grid: Grid) -> dict[str, Variable]:
    """Concentrations of the chemicals on a grid, from their modes on the mesh, by trigonometric interpolation.

    Parameters
    ----------
    names
        Of the chemicals.
    modes
        Transforms on the mesh, not normalised, shape (chemical, mode).
    mesh, grid
        The mesh, and where concentrations are shown.

    Returns
    -------
    dict
        ``concentration_<chemical>`` ([z,] [y,] x).
    """
    variables = {}
    for name, one in zip(names, modes, strict=True):
        field = _resampled(one.reshape(mesh.spectral_shape), mesh, grid)
        long_name = f"concentration of {name}"
        variables[f"concentration_{name}"] = Variable(field, axes_of(grid), f"amount/length^{grid.dimension}", long_name)
    return variables


def steering_variables(names: tuple[str, ...], cut: Array) -> dict[str, Variable]:
    """Share of the reorientations of each species so far whose biased rate was negative or too large for the time step.

    Parameters
    ----------
    names
        Of the species.
    cut
        The shares, shape (species,).

    Returns
    -------
    dict
        ``cut_share_<species>``.
    """
    told = "share of reorientation rates so far that were cut, of"
    return {
        f"cut_share_{name}": Variable(np.array(share), (), "1", f"{told} {name}")
        for name, share in zip(names, cut, strict=True)
    }


def _resampled(modes: ComplexArray, mesh: Grid, grid: Grid) -> Array:
    """A field at the cell centres of another grid over the same box; waves that it cannot hold are left out."""
    out = np.zeros(grid.spectral_shape, dtype=np.complex128)
    source, target = [], []
    for axis, (old, new) in enumerate(zip(mesh.shape, grid.shape, strict=True)):
        # strictly below the Nyquist wavenumber of both
        most = min(old, new) // 2 - 1
        waves = np.arange(most + 1) if axis == mesh.dimension - 1 else np.arange(-most, most + 1)
        source.append(waves % old)
        target.append(waves % new)
    kept = modes[np.ix_(*source)]
    for axis, (waves, old, new) in enumerate(zip(source, mesh.shape, grid.shape, strict=True)):
        signed = np.where(waves > old // 2, waves - old, waves)
        # cell centres of the two grids lie apart by half the difference of their spacings
        shift = np.exp(1j * np.pi * signed * (1.0 / new - 1.0 / old))
        kept = kept * shift.reshape(-1, *(1,) * (mesh.dimension - 1 - axis))
    out[np.ix_(*target)] = kept
    axes = tuple(range(grid.dimension))
    return np.asarray(np.fft.irfftn(out, s=grid.shape, axes=axes) * (grid.cells / mesh.cells))


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
