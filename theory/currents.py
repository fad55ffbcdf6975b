r"""Currents, mobilities and chemical potentials of a mixture's hydrodynamics, of given densities on a grid.

[S1] Eqs. 3-5, 15 and 16 with translational diffusion and the mean field of pair forces, in one to three dimensions:

    J_mu = -(tau/d) v grad(v rho) - Dt grad rho - (rho/d) [v1 + v tau (1/tau1 + (d - 1) chi)] grad c
           - \sum_nu [(v tau/d) (d - 1) chi_{mu nu} + kappa_F/xi_t] rho grad rho_nu            deterministic part,
    M_mu = (D + Dt) rho,    D = v^2 tau/d,                                                     noise sqrt(2 M) Lambda.

The force J/M on a species is minus a gradient for quorum sensing alone, and for chemotaxis at constant speeds. The chemical
potential

    u_mu = log rho_mu + w_mu,    lap w_mu = -div(J_mu/M_mu + grad log rho_mu)

is that of the force's longitudinal part; for quorum sensing alone w = log v. It is defined up to a constant.
"""

from functools import cached_property

import numpy as np

from theory.arrays import Array, ComplexArray
from theory.errors import InputError, NumericalFailure
from theory.fourier import Grid
from theory.homogeneous import has_torques, mean_field_table, without_mean_field
from theory.model import Model


class Currents:
    """What densities do at order 0.

    Parameters
    ----------
    model
        The model.
    grid
        The grid of the densities.

    Raises
    ------
    InputError
        The grid's dimension is not the model's, a chemical has a dynamics of its own, pair interactions have no mean field, or
        pair torques act, which order 0 does not describe.
    """

    def __init__(self, model: Model, grid: Grid) -> None:
        if model.dimension != grid.dimension:
            raise InputError(f"the grid has {grid.dimension} dimensions and the model {model.dimension}")
        for chemical in model.chemicals:
            if not chemical.adiabatic:
                raise InputError(
                    f"the chemical {chemical.name} has a dynamics of its own: densities alone do not tell the currents; "
                    "write adiabatic = true"
                )
        if reason := without_mean_field(model):
            raise InputError(reason)
        if has_torques(model):
            raise InputError("pair torques (torque_harmonics) act on polarities, of which densities tell nothing")
        self.model, self.grid = model, grid
        self._axes = tuple(range(-grid.dimension, 0))
        self._persistence = model.persistence_times.reshape(-1, *(1,) * grid.dimension) / grid.dimension
        self._diffusion = model.translational_diffusivities.reshape(self._persistence.shape)

    def modes(self, fields: Array) -> ComplexArray:
        """Unnormalised transform over space."""
        return np.asarray(np.fft.rfftn(fields, axes=self._axes))

    def fields(self, modes: ComplexArray) -> Array:
        """Inverse of :meth:`modes`."""
        return np.asarray(np.fft.irfftn(modes, s=self.grid.shape, axes=self._axes))

    def gradient(self, fields: Array) -> Array:
        """Spectral gradient of fields (...), shape (..., component) before the axes of space."""
        modes = self.modes(fields)
        return np.stack([self.fields(1j * k * modes) for k in self.grid.derivative], axis=-self.grid.dimension - 1)

    def divergence(self, vectors: Array) -> ComplexArray:
        """Modes of the divergence of vectors (..., component) before the axes of space."""
        parts = np.moveaxis(self.modes(vectors), -self.grid.dimension - 1, 0)
        return np.asarray(sum(1j * k * part for k, part in zip(self.grid.derivative, parts, strict=True)))

    def longitudinal(self, change: Array) -> Array:
        """The current without a curl that changes densities at the rate (species, ...), shape (species, component, ...)."""
        potential = self.modes(change) * self._inverse_laplacian
        return np.stack([self.fields(-1j * k * potential) for k in self.grid.derivative], axis=1)

    def shifted(self, field: Array, displacement: Array) -> Array:
        """A field (...) that has been moved by a vector (x, y, ...) (length)."""
        phase = sum(k * one for k, one in zip(self.grid.derivative, displacement, strict=True))
        return self.fields(self.modes(field) * np.exp(-1j * phase))

    @cached_property
    def _inverse_laplacian(self) -> Array:
        squared = np.broadcast_to(sum(k**2 for k in self.grid.derivative), self.grid.spectral_shape)
        return np.asarray(-np.divide(1.0, squared, out=np.zeros(self.grid.spectral_shape), where=squared > 0.0))

    def concentrations(self, density: Array) -> Array:
        """Concentrations made by densities (species, ...), shape (chemical, ...)."""
        chemicals = self.model.chemicals
        if not chemicals:
            return np.zeros((0, *self.grid.shape))
        responses = np.stack([one.transform(self.grid.wavenumber) for one in chemicals])
        return self.fields(responses * np.tensordot(self.model.production, self.modes(density), axes=1))

    def speeds(self, density: Array) -> Array:
        """v of all species, with what pair forces take away, shape (species, ...).

        Raises
        ------
        InputError
            A law gives a negative or not finite speed.
        """
        model, channels = self.model, self.model.channels
        modes = self.modes(density)
        sensed = np.stack([self.fields(self._transforms[n] * modes[s]) for n, s in enumerate(channels.sources)])
        read = np.concatenate([sensed, self.concentrations(density)])
        stated = np.stack([law.speed(read[channels.index[s]]) for s, law in enumerate(model.motility.values())])
        lost = mean_field_table(model, "speed_reduction") / model.drags[:, :1]
        return np.asarray(stated - np.tensordot(lost, density, axes=1))

    @cached_property
    def _transforms(self) -> Array:
        return np.stack([kernel.transform(self.grid.wavenumber) for kernel in self.model.channels.kernels])

    def mobility(self, density: Array, speeds: Array) -> Array:
        """M = (v^2 tau/d + Dt) rho, shape (species, ...)."""
        return np.asarray((speeds**2 * self._persistence + self._diffusion) * density)

    def flux(self, density: Array) -> Array:
        """J, its deterministic part, shape (species, component, ...)."""
        speeds = self.speeds(density)
        carried = (self._persistence * speeds)[:, None] * self.gradient(speeds * density)
        spread = self._diffusion[:, None] * self.gradient(density)
        return np.asarray(-carried - spread - density[:, None] * self._steering(density, speeds))

    def _steering(self, density: Array, speeds: Array) -> Array:
        """Drift velocities up the gradients of what repels, shape (species, component, ...); with a minus sign in J."""
        model, d = self.model, self.grid.dimension
        shape = (model.number_of_species, -1, *(1,) * d)
        turned = (speeds * self._persistence)[:, None]
        chemicals = turned * (model.reorientation_biases + (d - 1) * model.turnings).reshape(shape)
        chemicals = chemicals + (model.speed_biases / d).reshape(shape)
        repulsion = mean_field_table(model, "repulsion") / model.drags[:, :1]
        species = turned * ((d - 1) * mean_field_table(model, "turning")).reshape(shape) + repulsion.reshape(shape)
        gradients = self.gradient(np.concatenate([self.concentrations(density), density]))
        return np.asarray(np.einsum("mp...,pc...->mc...", np.concatenate([chemicals, species], axis=1), gradients))

    @cached_property
    def _conservative(self) -> bool:
        """Whether the force is -grad(log rho + log v)."""
        model = self.model
        biases = (model.speed_biases, model.reorientation_biases, model.turnings, model.translational_diffusivities)
        pairs = (mean_field_table(model, "turning"), mean_field_table(model, "repulsion"))
        return not any(np.any(one) for one in (*biases, *pairs))

    def potential(self, density: Array) -> Array:
        """u of positive densities (species, ...), same shape, up to a constant per species.

        Raises
        ------
        NumericalFailure
            A speed is not positive somewhere, and has no logarithm.
        """
        speeds = self.speeds(density)
        for name, one in zip(self.model.names, speeds, strict=True):
            if not np.min(one) > 0.0:
                raise NumericalFailure(
                    f"the speed of {name} falls to {np.min(one):g} in some cells; the chemical potential needs positive "
                    "speeds: coarse-grain the densities, or change the law"
                )
        if self._conservative:
            return np.asarray(np.log(density) + np.log(speeds))
        variable = self._persistence * speeds**2
        excess = variable[:, None] * self.gradient(np.log(speeds)) + self._steering(density, speeds)
        excess = excess / (variable + self._diffusion)[:, None]
        return np.asarray(np.log(density) + self.fields(self._inverse_laplacian * self.divergence(excess)))


__all__ = ["Currents"]
