r"""The fluctuating hydrodynamics of a mixture (order 0), [S1] Eqs. 3-5.

    d_t rho = div[ (tau/d) v grad(v rho) + Dt grad rho + sqrt(2 (D + Dt) rho) Lambda ],    D = v^2 tau/d,  Ito,

with v = v(K * rho). The first flux is D grad rho + rho D grad log v written with fewer transforms: per species one for the
density, one for its sensed field, one for v rho, d for its gradient and d for the flux.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldsolver import _loops
from theory.errors import NumericalFailure
from theory.fourier import Array, ComplexArray, Grid, Transforms, complex_array, real_array
from theory.model import Model


@dataclass(frozen=True)
class Extremes:
    """What one evaluation saw, per species.

    Parameters
    ----------
    lowest_density
        Shape (species,).
    largest_diffusivity
        max v^2 tau/d, shape (species,).
    mean_speed
        Average of v over the particles, that is weighted with the density, shape (species,).
    negative_share
        Share of cells with a negative density, shape (species,).
    """

    lowest_density: Array
    largest_diffusivity: Array
    mean_speed: Array
    negative_share: Array


class Hydrodynamics:
    """The deterministic tendency, with all the arrays that it works in.

    Parameters
    ----------
    model
        A model in two dimensions.
    grid
        The grid.
    transforms
        Where plans are made and run.

    Attributes
    ----------
    density, speed
        Real fields of the last evaluation, shape (species, ny, nx).
    flux
        Work array of vectors, shape (species, 2, ny, nx), and its transform ``flux_hat``; free between evaluations.
    """

    def __init__(self, model: Model, grid: Grid, transforms: Transforms) -> None:
        self.model, self.grid, self.transforms = model, grid, transforms
        channels = model.channels
        species, d = model.number_of_species, grid.dimension
        self.kx, self.ky = grid.wavenumbers
        self.retained = grid.retained().astype(np.float64)
        self._kernels = np.stack([kernel.transform(grid.wavenumber) for kernel in channels.kernels])
        self._sources = np.array(channels.sources, dtype=np.int64)
        self._laws = model.compiled()
        self.persistence = np.asarray(model.persistence_times / d)
        self.density = real_array(species, *grid.shape)
        self.sensed = real_array(len(channels.sources), *grid.shape)
        self.speed = np.zeros((species, *grid.shape))
        self.flux = real_array(species, d, *grid.shape)
        self._density_hat = complex_array(species, *grid.spectral_shape)
        self._sensed_hat = complex_array(len(channels.sources), *grid.spectral_shape)
        self.flux_hat = complex_array(species, d, *grid.spectral_shape)
        blocks = -(-grid.cells // _loops.BLOCK)
        self._report = np.zeros((species, blocks, 6))
        self._plan()

    def _plan(self) -> None:
        species, d = self.flux.shape[:2]
        vectors = [(s, c) for s in range(species) for c in range(d)]
        plan = self.transforms.plan
        self._to_real = plan([*self._density_hat, *self._sensed_hat], [*self.density, *self.sensed])
        # v rho borrows the first component of the flux, its transform the density's spectral work array
        self._weighted = self.flux[:, 0]
        self._weighted_hat = self._density_hat
        self._to_weighted = plan(self._weighted, self._weighted_hat)
        self._to_gradient = plan([self.flux_hat[v] for v in vectors], [self.flux[v] for v in vectors])
        self._to_flux = plan([self.flux[v] for v in vectors], [self.flux_hat[v] for v in vectors])

    def flatten(self, field: Array) -> Array:
        """The field with one axis for all cells."""
        cells = self.grid.cells
        return field.reshape(*field.shape[: field.ndim - self.grid.dimension], cells)

    def fields(self, state: ComplexArray) -> Extremes:
        """Densities, sensed densities and speeds of a state, in real space.

        Parameters
        ----------
        state
            Transforms of the densities, shape (species, ny, nkx).

        Returns
        -------
        Extremes

        Raises
        ------
        NumericalFailure
            A density is not finite, or a motility law gives a negative or not finite speed.
        """
        _loops.spread(1.0 / self.grid.cells, self._kernels, self._sources, state, self._density_hat, self._sensed_hat)
        self.transforms.run(self._to_real)
        self._laws.over(self.flatten(self.sensed), self.flatten(self.speed))
        weighted = self._weighted_flat()
        _loops.weigh(self.flatten(self.speed), self.flatten(self.density), weighted, self._report)
        return self._extremes()

    def _weighted_flat(self) -> Array:
        # the first components are not contiguous over species: one view with a stride
        return self.flatten(self.flux)[:, 0]

    def _extremes(self) -> Extremes:
        lowest, slowest = self._report[:, :, 0].min(axis=1), self._report[:, :, 1].min(axis=1)
        fastest, total = self._report[:, :, 2].max(axis=1), self._report[:, :, 3].sum(axis=1)
        for s, name in enumerate(self.model.names):
            if not np.isfinite(total[s]) or not np.isfinite(fastest[s]) or slowest[s] < 0.0:
                self._explain(s, name)
        mass = self._report[:, :, 4].sum(axis=1)
        mean_speed = np.divide(total, mass, out=np.zeros_like(total), where=mass != 0.0)
        negative = self._report[:, :, 5].sum(axis=1) / self.grid.cells
        return Extremes(lowest, self.persistence * fastest**2, mean_speed, negative)

    def _explain(self, species: int, name: str) -> None:
        if not np.all(np.isfinite(self.density)):
            raise NumericalFailure(
                "a density is no longer finite: the time step is too long or the grid too coarse; halve fields.time_step, "
                "or refine fields.grid"
            )
        speed = self.speed[species]
        where = np.unravel_index(int(np.argmax(~np.isfinite(speed) | (speed < 0.0))), speed.shape)
        index = self.model.channels.index[species]
        seen = ", ".join(f"{one} = {self.sensed[index[n]][where]:g}" for n, one in enumerate(self.model.names))
        raise NumericalFailure(
            f"the motility law of {name}, '{self.model.motility[name].text}', gives the speed {speed[where]:g} at the sensed "
            f"densities {seen}; speeds must be finite and not negative"
        )

    def tendency_of_fields(self, state: ComplexArray, out: ComplexArray) -> None:
        """d state/dt, from fields that :meth:`fields` has just computed for the same state."""
        self.transforms.run(self._to_weighted)
        _loops.gradient(1.0 / self.grid.cells, self.kx, self.ky, self._weighted_hat, self.flux_hat)
        self.transforms.run(self._to_gradient)
        _loops.multiply(self.persistence, self.flatten(self.speed), self.flatten(self.flux))
        self.transforms.run(self._to_flux)
        diffusivities = self.model.translational_diffusivities
        _loops.divergence(self.kx, self.ky, self.retained, diffusivities, self.flux_hat, state, out)

    def evaluate(self, state: ComplexArray, out: ComplexArray) -> None:
        """d state/dt, shape (species, ny, nkx), written into ``out``."""
        self.fields(state)
        self.tendency_of_fields(state, out)

    def transform_flux(self) -> None:
        """Transform the work array ``flux`` into ``flux_hat``."""
        self.transforms.run(self._to_flux)


def transform_of(field: NDArray[np.float64]) -> ComplexArray:
    """Unnormalised transform of real fields over their last two axes, for initial states."""
    return np.fft.rfft2(field)
