r"""The equations of the harmonics linearised about homogeneous, isotropic mixtures, for waves along x.

With delta v_m = v_m \sum_f a_mf delta(field f) - zeta_0/xi_t delta rho, the fields f being sensed densities and
concentrations, the equations of :mod:`fieldsolver.equations` become  d_t delta = F'(q) delta  for the components of the state.
Waves along other directions are these, turned.

From F' follows how fast the explicit part of a time step changes: the spectral radius of F' + c, c the decay that steppers
treat exactly or implicitly.
"""

import numpy as np
from numpy.typing import NDArray

from fieldsolver.layout import Layout
from fieldsolver.righthandside import linear_part
from theory.errors import InputError

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


class Linearised:
    """Linear equations about many homogeneous mixtures at once.

    Parameters
    ----------
    layout
        The model at an order.
    densities
        Shape (species, state) (1/length^d), positive.

    Raises
    ------
    InputError
        A speed is not positive, or a law has no derivative, at one of the densities.
    """

    def __init__(self, layout: Layout, densities: Array) -> None:
        self._layout, self._densities = layout, np.asarray(densities, dtype=np.float64)
        model = layout.model
        losses = layout.pairs.speed_losses
        law_speeds = model.speed(self._densities)
        self.speeds = law_speeds - losses @ self._densities
        derivatives = model.log_derivatives(self._densities) * law_speeds[:, None]
        if not (np.all(np.isfinite(derivatives)) and np.all(self.speeds > 0.0)):
            raise InputError("a motility law has no positive speed with finite derivatives at one of the densities")
        # d v_m / d(field f), shape (species, species + chemical, state)
        self._derivatives = derivatives

    def matrix(self, q: Array) -> ComplexArray:
        """F'(q) (1/time).

        Parameters
        ----------
        q
            Wavenumbers, shape (wave,) (1/length).

        Returns
        -------
        ndarray
            Shape (state, wave, component, component).
        """
        lay, basis = self._layout, self._layout.basis
        states, along = self._densities.shape[1], basis.products[0]
        out = np.zeros((states, q.size, lay.components, lay.components), dtype=np.complex128)
        rates, diffusivities = linear_part(lay)
        diagonal = np.arange(lay.components)
        out[:, :, diagonal, diagonal] = -(rates + diffusivities * q[:, None] ** 2)
        for p in lay.dynamic_chemicals:
            for s, made in enumerate(lay.model.production[p]):
                out[:, :, lay.chemical_component(p), lay.component(s, 0)] += made
        slaved = self._slaved(q)
        for s in range(lay.species):
            kept = [self._product(s, b, q) for b in range(basis.kept)]
            closed = [self._closed_product(s, f, q, slaved[s][f - basis.kept]) for f in basis.slaved]
            for a in range(basis.kept):
                row = out[:, :, lay.component(s, a)]
                for b, product in enumerate([*kept, *closed]):
                    row -= 1j * q[:, None] * along[a, b] * product
                row += self._source(s, a, q)
            out[:, :, lay.component(s, 0)] += self._push(s, q)
        return out

    def explicit_rate(self, q: Array) -> Array:
        """Spectral radius of F'(q) + c, the largest over the wavenumbers, shape (state,) (1/time)."""
        matrix = self.matrix(q)
        rates, diffusivities = linear_part(self._layout)
        reference = reference_diffusivities(self._layout, self.speeds, self._densities)
        diagonal = np.arange(self._layout.components)
        c = rates + (diffusivities + reference.T[:, None]) * q[:, None] ** 2
        matrix[:, :, diagonal, diagonal] += c
        return np.asarray(np.abs(np.linalg.eigvals(matrix)).max(axis=(1, 2)))

    def _row(self, q: Array) -> ComplexArray:
        """A row of zeros, shape (state, wave, component)."""
        return np.zeros((self._densities.shape[1], q.size, self._layout.components), dtype=np.complex128)

    def _field(self, field: int, observer: int, q: Array) -> ComplexArray:
        """What an observer senses of a species, or a concentration, as a row of the state."""
        lay, model, row = self._layout, self._layout.model, self._row(q)
        if field < lay.species:
            kernel = model.channels.kernels[model.channels.index[observer, field]]
            row[:, :, lay.component(field, 0)] = kernel.transform(q)
            return row
        return self._concentration(field - lay.species, q)

    def _concentration(self, chemical: int, q: Array) -> ComplexArray:
        lay, one, row = self._layout, self._layout.model.chemicals[chemical], self._row(q)
        if one.adiabatic:
            for s, made in enumerate(lay.model.production[chemical]):
                row[:, :, lay.component(s, 0)] = made * one.transform(q)
        else:
            row[:, :, lay.chemical_component(chemical)] = 1.0
        return row

    def _gradient(self, g: int, q: Array) -> ComplexArray:
        """i q c_g."""
        steering = self._layout.steering
        if g < len(steering.chemicals):
            return 1j * q[:, None] * self._concentration(steering.chemicals[g], q)
        row = self._row(q)
        row[:, :, self._layout.component(steering.species[g - len(steering.chemicals)], 0)] = 1j * q
        return row

    def _speed(self, s: int, q: Array) -> ComplexArray:
        row = self._row(q)
        for f in range(self._derivatives.shape[1]):
            if self._layout.model.senses[s, f]:
                row += self._derivatives[s, f][:, None, None] * self._field(f, s, q)
        for n, loss in enumerate(self._layout.pairs.speed_losses[s]):
            row[:, :, self._layout.component(n, 0)] -= loss
        return row

    def _product(self, s: int, b: int, q: Array) -> ComplexArray:
        """delta p_b of a kept degree."""
        lay, row = self._layout, self._row(q)
        row[:, :, lay.component(s, b)] += self.speeds[s][:, None]
        if b == 0:
            row += self._densities[s][:, None, None] * self._speed(s, q)
        return row + self._bias(s, b, q)

    def _closed_product(self, s: int, f: int, q: Array, slaved: ComplexArray) -> ComplexArray:
        return np.asarray(self.speeds[s][:, None, None] * slaved + self._bias(s, f, q))

    def _bias(self, s: int, b: int, q: Array) -> ComplexArray:
        """-v1 i q c_g M^x_b0 rho."""
        weight = self._layout.basis.products[0, b, 0] * self._densities[s][:, None, None]
        found = [bias * self._gradient(g, q) for g, bias in enumerate(self._layout.steering.speed_biases[s])]
        return np.asarray(-weight * sum(found, self._row(q)))

    def _source(self, s: int, a: int, q: Array) -> ComplexArray:
        """R_a: turning, biased reorientation, and the torque  k t_k rho delta phi_a."""
        lay, basis, row = self._layout, self._layout.basis, self._row(q)
        rho = self._densities[s][:, None, None]
        for g in range(lay.steering.gradients):
            weight = lay.steering.turnings[s, g] * basis.turns[0, a, 0]
            weight += lay.rates[s, a] * lay.steering.reorientation_biases[s, g] * basis.products[0, a, 0]
            row -= weight * rho * self._gradient(g, q)
        degree = int(basis.degrees[a])
        if a < basis.kept and lay.pairs.turn:
            for n in range(lay.species):
                row[:, :, lay.component(n, a)] += degree * lay.pairs.torques[s, n, degree] * rho[:, :, 0]
        return row

    def _push(self, s: int, q: Array) -> ComplexArray:
        """Kappa rho div grad c_g."""
        found = [kappa * self._gradient(g, q) for g, kappa in enumerate(self._layout.steering.repulsions[s])]
        return np.asarray(self._densities[s][:, None, None] * 1j * q[:, None] * sum(found, self._row(q)))

    def _slaved(self, q: Array) -> list[list[ComplexArray]]:
        """Slaved harmonics of every species as rows of the state."""
        lay, basis = self._layout, self._layout.basis
        sides = np.array([[self._strain(s, f, q) for f in basis.slaved] for s in range(lay.species)])
        if not len(basis.slaved):
            return [[] for _ in range(lay.species)]
        closure = np.zeros((self._densities.shape[1], lay.species, lay.species))
        closure -= self._densities.T[:, :, None] * lay.closure_couplings
        index = np.arange(lay.species)
        closure[:, index, index] += lay.rates[:, basis.kept]
        solved = np.einsum("zmn,nfzqc->mfzqc", np.linalg.inv(closure), sides)
        return [list(one) for one in solved]

    def _strain(self, s: int, f: int, q: Array) -> ComplexArray:
        along = self._layout.basis.products[0]
        row = self._source(s, f, q)
        for b in self._layout.basis.highest:
            row = row - 1j * q[:, None] * along[f, b] * self._product(s, b, q)
        return row


def reference_diffusivities(layout: Layout, speeds: Array, densities: Array) -> Array:
    """Diffusivities that differ from place to place, which steppers treat by way of a reference.

    What the closure gives back to degree K, (largest eigenvalue of M M) v^2/lambda; and for densities what repulsion does.

    Parameters
    ----------
    layout
        The model at an order.
    speeds, densities
        Shape (species, ...) (length/time, 1/length^d).

    Returns
    -------
    ndarray
        Shape (component, ...) (length^2/time).
    """
    basis, out = layout.basis, np.zeros((layout.components, *np.shape(speeds)[1:]))
    for s in range(layout.species):
        if basis.slaved:
            rate = layout.rates[s, basis.kept]
            # torques slow the decay down; where they nearly stop it the closure is about to fail anyway
            slowed = np.maximum(rate - densities[s] * np.maximum(layout.closure_couplings[s], 0.0).sum(), 0.1 * rate)
            for b in basis.highest:
                out[layout.component(s, b)] = basis.closure_diffusivity * speeds[s] ** 2 / slowed
        if s in layout.steering.species:
            g = len(layout.steering.chemicals) + layout.steering.species.index(s)
            out[layout.component(s, 0)] += max(layout.steering.repulsions[s, g], 0.0) * np.maximum(densities[s], 0.0)
    return out
