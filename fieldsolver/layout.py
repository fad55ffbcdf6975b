"""Where the fields of a model's equations lie: components of the state, rows of the work arrays, arrays of the whole grid."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fieldsolver.couplings import PairCoefficients, Steering
from fieldsolver.harmonics import AngularBasis
from fieldsolver.tables import kept
from theory.arrays import Array
from theory.model import Model
from theory.orders import check_order


class Layout:
    """The fields of a model at an order.

    The state holds the harmonics of all species, species by species, then the chemicals that have a dynamics of their own. The
    rows of the first fields are the harmonics in the same order, the sensed densities, the concentrations, the gradients.
    Arrays of the whole grid are the speeds, then those of the first fields that are needed again.

    Parameters
    ----------
    model
        The model.
    order
        Highest degree K of the harmonics that has a dynamics of its own.
    keep_density
        Whether densities are wanted as arrays of the whole grid (for noise).

    Raises
    ------
    InputError
        The model has no equations at this order.
    """

    def __init__(self, model: Model, order: int, *, keep_density: bool) -> None:
        check_order(model, order)
        self.model, self.order = model, order
        self.basis = AngularBasis(model.dimension, order)
        self.steering = Steering.of(model)
        self.pairs = PairCoefficients.of(model, order)
        self.species, self.dimension = model.number_of_species, model.dimension
        # lambda_a, shape (species, function)
        self.rates: Array = np.array([self.basis.decay_rates(one.motion) for one in model.species])
        self._find_channels()
        self._find_kept(keep_density)

    @cached_property
    def harmonics(self) -> int:
        """Number of harmonics that have a dynamics of their own."""
        return self.species * self.basis.kept

    @cached_property
    def dynamic_chemicals(self) -> list[int]:
        """Chemicals that have a dynamics of their own."""
        return [p for p, one in enumerate(self.model.chemicals) if not one.adiabatic]

    @cached_property
    def components(self) -> int:
        """Number of components of the state."""
        return self.harmonics + len(self.dynamic_chemicals)

    def component(self, species: int, function: int) -> int:
        """Component of the state, and row of the first fields, of a harmonic."""
        return species * self.basis.kept + function

    def chemical_component(self, chemical: int) -> int:
        """Component of the state of a chemical that has a dynamics of its own."""
        return self.harmonics + self.dynamic_chemicals.index(chemical)

    def _find_channels(self) -> None:
        """What motility laws read: sensed densities, but for those with the local kernel, and concentrations."""
        channels, senses = self.model.channels, self.model.senses
        read = {int(channels.index[s, f]) for s in range(self.species) for f in range(self.species) if senses[s, f]}
        self.channels = sorted(c for c in read if not channels.kernels[c].is_local)
        self.concentrations = [p for p in range(len(self.model.chemicals)) if np.any(senses[:, self.species + p])]
        self.first_channel = self.harmonics
        self.first_concentration = self.first_channel + len(self.channels)
        self.first_gradient = self.first_concentration + len(self.concentrations)
        self.fields = self.first_gradient + self.dimension * self.steering.gradients

    def law_rows(self, species: int) -> list[int]:
        """Rows that a motility law reads, one for each species and chemical; any row where it does not read it."""
        return [self._row_read(species, field) for field in range(self.model.senses.shape[1])]

    def _row_read(self, species: int, field: int) -> int:
        if not self.model.senses[species, field]:
            return 0
        if field >= self.species:
            return self.first_concentration + self.concentrations.index(field - self.species)
        channel = int(self.model.channels.index[species, field])
        if self.model.channels.kernels[channel].is_local:
            return self.component(field, 0)
        return self.first_channel + self.channels.index(channel)

    def gradient_row(self, gradient: int, axis: int) -> int:
        """Row of a component of a gradient."""
        return self.first_gradient + gradient * self.dimension + axis

    def _find_kept(self, keep_density: bool) -> None:
        if self.steering.gradients > 0 or self.pairs.turn:
            rows = [*range(self.harmonics), *range(self.first_gradient, self.fields)]
        else:
            rows = [self.component(s, 0) for s in range(self.species)] if keep_density else []
        self.kept_rows: NDArray[np.int64] = np.array(rows, dtype=np.int64)
        self._kept_array = {row: self.species + n for n, row in enumerate(rows)}

    @cached_property
    def kept_arrays(self) -> int:
        """Number of arrays of the whole grid."""
        return self.species + self.kept_rows.size

    def kept_array(self, row: int) -> int:
        """Number of the array of the whole grid that holds a row of the first fields."""
        return self._kept_array[row]

    def speed(self, species: int) -> int:
        """The speed of a species as a factor of a product."""
        return kept(species)

    def kept_field(self, species: int, function: int) -> int:
        """A harmonic, from the arrays of the whole grid, as a factor of a product."""
        return kept(self._kept_array[self.component(species, function)])

    def kept_gradient(self, gradient: int, axis: int) -> int:
        """A component of a gradient, from the arrays of the whole grid, as a factor of a product."""
        return kept(self._kept_array[self.gradient_row(gradient, axis)])

    @cached_property
    def biased(self) -> bool:
        """Whether p of a degree holds harmonics of other degrees (order 1 and above)."""
        return self.steering.biases_speed and self.order > 0

    @cached_property
    def first_product(self) -> int:
        """Row of the first p of the second pass: in place of the harmonics, unless p of others need these."""
        return self.fields if self.biased else 0

    @cached_property
    def slaved(self) -> int:
        """Number of slaved harmonics of all species; they are the first rows of the fourth pass."""
        return self.species * len(self.basis.slaved)

    @cached_property
    def closure_couplings(self) -> Array:
        """(K + 1) T_{K+1}/(2 pi xi_r), by which slaved harmonics enter each other's equations, shape (observer, source)."""
        return np.asarray((self.order + 1) * self.pairs.torques[:, :, self.order + 1])

    def slaved_row(self, species: int, function: int) -> int:
        """Row of a slaved harmonic."""
        return species * len(self.basis.slaved) + function - self.basis.kept

    @cached_property
    def corrected(self) -> bool:
        """Whether p of degree K is worked out again once the slaved harmonics in it are known."""
        return self.biased and self.slaved > 0

    @cached_property
    def has_sources(self) -> bool:
        """Whether harmonics of degree 1 to K change by more than decay and transport."""
        return self.order > 0 and (self.steering.turns or self.pairs.turn)

    @cached_property
    def first_source(self) -> int:
        """Row of the first R of the fourth pass."""
        return self.slaved

    def source_row(self, species: int, function: int) -> int:
        """Row of R of a harmonic of degree 1 to K."""
        return self.first_source + species * (self.basis.kept - 1) + function - 1

    @cached_property
    def first_correction(self) -> int:
        """Row of the first p of degree K of the fourth pass, with slaved harmonics in it."""
        return self.first_source + (self.species * (self.basis.kept - 1) if self.has_sources else 0)

    def correction_row(self, species: int, function: int) -> int:
        """Row of p of a harmonic of degree K."""
        return self.first_correction + species * len(self.basis.highest) + function - self.basis.highest.start

    @cached_property
    def first_push(self) -> int:
        """Row of the first component of kappa phi grad c."""
        return self.first_correction + (self.species * len(self.basis.highest) if self.corrected else 0)

    @cached_property
    def pushes(self) -> bool:
        """Whether kappa phi grad c has rows of its own; at order 0 it becomes part of the flux."""
        return self.steering.repels and self.order > 0

    def push_row(self, species: int, function: int, axis: int) -> int:
        """Row of a component of kappa phi grad c."""
        return self.first_push + self.component(species, function) * self.dimension + axis

    @cached_property
    def outputs(self) -> int:
        """Number of rows that the fourth pass hands on."""
        return self.first_push + (self.harmonics * self.dimension if self.pushes else 0)


def linear_part(layout: Layout) -> tuple[Array, Array]:
    """Rates and diffusivities with which components decay everywhere, shapes (component,) (1/time, length^2/time)."""
    model = layout.model
    chemicals = [model.chemicals[p] for p in layout.dynamic_chemicals]
    rates = [*layout.rates[:, : layout.basis.kept].ravel(), *(one.decay_rate for one in chemicals)]
    translational = np.repeat(model.translational_diffusivities, layout.basis.kept)
    return np.array(rates), np.array([*translational, *(one.diffusivity for one in chemicals)])


def reference_diffusivities(layout: Layout, speeds: Array, densities: Array) -> Array:
    """Diffusivities that differ from place to place, which steppers treat by way of a reference.

    What the closure gives back to degree K, (largest eigenvalue of M M) v^2/lambda; and for densities what repulsion does.

    Parameters
    ----------
    layout
        The model at an order.
    speeds, densities
        Shape (species,) (length/time, 1/length^d).

    Returns
    -------
    ndarray
        Shape (component,) (length^2/time).
    """
    basis, out = layout.basis, np.zeros(layout.components)
    for s in range(layout.species):
        if basis.slaved:
            rate = layout.rates[s, basis.kept]
            # torques slow the decay down; where they nearly stop it the closure is about to fail anyway
            slowed = max(rate - densities[s] * np.maximum(layout.closure_couplings[s], 0.0).sum(), 0.1 * rate)
            for b in basis.highest:
                out[layout.component(s, b)] = basis.closure_diffusivity * speeds[s] ** 2 / slowed
        if s in layout.steering.species:
            g = len(layout.steering.chemicals) + layout.steering.species.index(s)
            out[layout.component(s, 0)] += max(layout.steering.repulsions[s, g], 0.0) * max(densities[s], 0.0)
    return out
