r"""The equations of the angular harmonics of a mixture, at any order, as sums of products.

With the harmonics Y_a, their products M and turns N and their rates lambda_a (:mod:`fieldsolver.harmonics`), the fields phi_a
of one species obey

    d_t phi_a = - d_j \sum_b M^j_ab p_b - lambda_a phi_a + Dt lap phi_a + R_a + d_j (kappa_g phi_a d_j c_g),
    p_b       = v phi_b - v1_g (d_l c_g) \sum_c M^l_bc phi_c,
    R_a       = - [ chi_g \sum_b N^j_ab phi_b + lambda_a (tau0/tau1)_g \sum_b M^j_ab phi_b ] d_j c_g + torques,

summed over what particles steer by (g: chemicals, and densities for the mean field of pair interactions, there with kappa =
kappa_F/xi_t). p_b is the average of Y_b (v - v1 u.grad c). In two dimensions the torques are, for Psi_k = phi_cos + i phi_sin,

    d_t Psi_k = ... + (k/(2 pi xi_r)) \sum_m T_m Psi^nu_m Psi_{k-m},    T_-m = -T_m.

The **order** K is the highest degree that has a dynamics of its own. Degree K + 1 is slaved to it: d_t = 0, degree K + 2 is
zero, and what is of second order in gradients (diffusion, and v1 d_j (d_l c phi_s)) is left out,

    lambda_s phi_s - (torque of degree K + 1) = - d_j \sum_{b of degree K} M^j_sb p_b + R_s.

Order 0 is hydrodynamics: u is slaved, phi_u = -(tau/d) [grad(v rho) + ...], and  d_t rho = div[(tau/d) v grad(v rho) + ...]
([S1] Eqs. 3-5). In one dimension order 1 is exact, and nothing is slaved.

The sums are laid out for five passes (:mod:`fieldsolver.righthandside`): modes to fields, fields to products p, modes of p to
the strain d_j M p of degree K + 1, strain to the slaved harmonics and what they enter, modes of these to the tendency.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.tables import ONE, ModeTable, ModeTerm, PointTable, PointTerm
from fieldsolver.torques import torque_terms
from theory.arrays import Array

Place = Callable[[int, int], int]


class Equations:
    """The five passes of a model's equations.

    Parameters
    ----------
    layout
        Where fields lie.
    modes
        The modes of the fields.
    precision
        Type of the fields, "float64" or "float32".
    """

    def __init__(self, layout: Layout, modes: RetainedModes, precision: str) -> None:
        self.layout, self.modes, self._precision = layout, modes, precision
        self._products, self._turns = layout.basis.products, layout.basis.turns

    def _points(self, terms: Iterable[PointTerm]) -> PointTable:
        return PointTable.of(terms, self._precision)

    # --- first pass: modes to fields --------------------------------------------------------------------------------------

    def filters(self) -> Array:
        """Factors that depend on the mode: kernels of the channels, responses of chemicals, 1; shape (filter, column, row)."""
        q, model = self.modes.wavenumber, self.layout.model
        kernels = [model.channels.kernels[c].transform(q) for c in self.layout.channels]
        responses = [one.transform(q) if one.adiabatic else np.ones_like(q) for one in model.chemicals]
        return np.ascontiguousarray(np.stack([*kernels, *responses, np.ones_like(q)]))

    def to_fields(self) -> ModeTable:
        """Fields of the first pass as combinations of the state."""
        return ModeTable.of(self.layout.fields, self._field_terms())

    def _field_terms(self) -> Iterator[ModeTerm]:
        lay, scale = self.layout, 1.0 / self.modes.grid.cells
        for component in range(lay.harmonics):
            yield ModeTerm(component, component, scale)
        for n, channel in enumerate(lay.channels):
            source = lay.component(lay.model.channels.sources[channel], 0)
            yield ModeTerm(lay.first_channel + n, source, scale, filter=n)
        for n, p in enumerate(lay.concentrations):
            yield from self._concentration_terms(lay.first_concentration + n, p, -1)
        for axis in range(lay.dimension):
            for g, p in enumerate(lay.steering.chemicals):
                yield from self._concentration_terms(lay.gradient_row(g, axis), p, axis)
            for g, s in enumerate(lay.steering.species, len(lay.steering.chemicals)):
                yield ModeTerm(lay.gradient_row(g, axis), lay.component(s, 0), scale, axis)

    def _concentration_terms(self, target: int, chemical: int, axis: int) -> Iterator[ModeTerm]:
        lay, scale = self.layout, 1.0 / self.modes.grid.cells
        if not lay.model.chemicals[chemical].adiabatic:
            yield ModeTerm(target, lay.chemical_component(chemical), scale, axis)
            return
        for s, rate in enumerate(lay.model.production[chemical]):
            yield ModeTerm(target, lay.component(s, 0), scale * rate, axis, filter=len(lay.channels) + chemical)

    # --- second pass: fields to p of the degrees kept -----------------------------------------------------------------------

    def to_products(self) -> PointTable:
        """p of degree 0 to K, without slaved harmonics in it."""
        return self._points(self._product_terms())

    def _product_terms(self) -> Iterator[PointTerm]:
        lay = self.layout
        for s in range(lay.species):
            for b in range(lay.basis.kept):
                out = lay.first_product + lay.component(s, b)
                yield PointTerm(out, lay.speed(s), lay.component(s, b), 1.0, add=False)
                if lay.biased:
                    fields = {c: lay.component(s, c) for c in range(lay.basis.kept)}
                    yield from self._bias_terms(out, s, b, lay.gradient_row, fields)

    def _bias_terms(
        self, out: int, species: int, function: int, gradient: Place, fields: dict[int, int]
    ) -> Iterator[PointTerm]:
        """-v1 d_l c M^l_bc phi_c over the functions c whose places are given."""
        for g, bias in enumerate(self.layout.steering.speed_biases[species]):
            for axis in range(self.layout.dimension):
                for c, place in fields.items():
                    yield PointTerm(out, gradient(g, axis), place, -bias * self._products[axis, function, c])

    # --- third pass: modes of p to the strain, and to the tendency ----------------------------------------------------------

    def to_strain(self) -> ModeTable:
        """d_j M^j_sb p_b of the slaved harmonics."""
        lay, scale = self.layout, 1.0 / self.modes.grid.cells
        terms = (
            ModeTerm(lay.slaved_row(s, f), lay.component(s, b), scale * self._products[axis, f, b], axis)
            for s in range(lay.species)
            for f in lay.basis.slaved
            for b in lay.basis.highest
            for axis in range(lay.dimension)
        )
        return ModeTable.of(lay.slaved, terms)

    def to_first_tendency(self) -> ModeTable:
        """-d_j M^j_ab p_b of the p that are final."""
        lay = self.layout
        final = lay.basis.highest.start if lay.corrected else lay.basis.kept
        terms = (
            ModeTerm(lay.component(s, a), lay.component(s, b), -self._products[axis, a, b], axis)
            for s in range(lay.species)
            for a in range(lay.basis.kept)
            for b in range(final)
            for axis in range(lay.dimension)
        )
        return ModeTable.of(lay.components, terms)

    # --- fourth pass: strain to the slaved harmonics, and to what they enter ------------------------------------------------

    @property
    def slaved_at_once(self) -> bool:
        """Whether a slaved harmonic is the strain times a number, so that p follows from the strain in one product."""
        return self.layout.slaved > 0 and self.layout.steering.gradients == 0 and not self.layout.pairs.turn

    def to_slaved(self) -> PointTable:
        """-strain + R in place of the strain; over lambda too, where slaved harmonics do not enter each other's equations."""
        return self._points(self._slaved_terms())

    def _slaved_terms(self) -> Iterator[PointTerm]:
        lay = self.layout
        if self.slaved_at_once:
            return
        for s in range(lay.species):
            for f in lay.basis.slaved:
                row = lay.slaved_row(s, f)
                yield PointTerm(row, row, ONE, -1.0, add=False)
                yield from self._turning_terms(row, s, f, self._kept_fields(s))
        yield from torque_terms(lay, slaved=True)
        if not np.any(lay.closure_couplings):
            for s in range(lay.species):
                for f in lay.basis.slaved:
                    row = lay.slaved_row(s, f)
                    yield PointTerm(row, row, ONE, 1.0 / lay.rates[s, f], add=False)

    def _turning_terms(self, out: int, species: int, function: int, fields: dict[int, int]) -> Iterator[PointTerm]:
        """-[chi N^j + lambda (tau0/tau1) M^j] phi d_j c over the functions whose places are given."""
        lay = self.layout
        rate = lay.rates[species, function]
        for g in range(lay.steering.gradients):
            turning, reorientation = lay.steering.turnings[species, g], lay.steering.reorientation_biases[species, g]
            for axis in range(lay.dimension):
                for b, place in fields.items():
                    coefficient = turning * self._turns[axis, function, b]
                    coefficient += rate * reorientation * self._products[axis, function, b]
                    yield PointTerm(out, lay.kept_gradient(g, axis), place, -coefficient)

    def to_outputs(self) -> PointTable:
        """R and p from the slaved harmonics, these then becoming their p."""
        return self._points(self._output_terms())

    def _output_terms(self) -> Iterator[PointTerm]:
        lay = self.layout
        if self.slaved_at_once:
            for s in range(lay.species):
                for f in lay.basis.slaved:
                    row = lay.slaved_row(s, f)
                    yield PointTerm(row, lay.speed(s), row, -1.0 / lay.rates[s, f], add=False)
            return
        yield from self._source_terms()
        for s in range(lay.species):
            yield from self._correction_terms(s)
            yield from self._push_terms(s)
            for f in lay.basis.slaved:
                row = lay.slaved_row(s, f)
                yield PointTerm(row, lay.speed(s), row, 1.0, add=False)
                yield from self._bias_terms(row, s, f, lay.kept_gradient, self._kept_fields(s))
        if lay.order == 0:
            yield from self._drift_terms()

    def _kept_fields(self, species: int) -> dict[int, int]:
        """Places of the harmonics of degree 0 to K of a species."""
        return {b: self.layout.kept_field(species, b) for b in range(self.layout.basis.kept)}

    def _all_fields(self, species: int) -> dict[int, int]:
        """Places of all harmonics of a species, slaved ones included."""
        return self._kept_fields(species) | {f: self.layout.slaved_row(species, f) for f in self.layout.basis.slaved}

    def _source_terms(self) -> Iterator[PointTerm]:
        lay = self.layout
        if not lay.has_sources:
            return
        for s in range(lay.species):
            fields = self._all_fields(s)
            for a in range(1, lay.basis.kept):
                yield PointTerm(lay.source_row(s, a), lay.speed(s), ONE, 0.0, add=False)
                yield from self._turning_terms(lay.source_row(s, a), s, a, fields)
        yield from torque_terms(lay, slaved=False)

    def _correction_terms(self, species: int) -> Iterator[PointTerm]:
        lay = self.layout
        if not lay.corrected:
            return
        for b in lay.basis.highest:
            row = lay.correction_row(species, b)
            yield PointTerm(row, lay.speed(species), lay.kept_field(species, b), 1.0, add=False)
            yield from self._bias_terms(row, species, b, lay.kept_gradient, self._all_fields(species))

    def _push_terms(self, species: int) -> Iterator[PointTerm]:
        """Kappa phi grad c."""
        lay = self.layout
        if not lay.pushes:
            return
        for b in range(lay.basis.kept):
            for axis in range(lay.dimension):
                row = lay.push_row(species, b, axis)
                yield PointTerm(row, lay.speed(species), ONE, 0.0, add=False)
                for g, kappa in enumerate(lay.steering.repulsions[species]):
                    yield PointTerm(row, lay.kept_gradient(g, axis), lay.kept_field(species, b), kappa)

    def _drift_terms(self) -> Iterator[PointTerm]:
        """At order 0 the slaved harmonics are u, and their p the flux, to which -kappa rho grad c belongs."""
        lay = self.layout
        for s in range(lay.species):
            for axis, f in enumerate(lay.basis.slaved):
                for g, kappa in enumerate(lay.steering.repulsions[s]):
                    yield PointTerm(lay.slaved_row(s, f), lay.kept_gradient(g, axis), lay.kept_field(s, 0), -kappa)

    # --- fifth pass: to the tendency ----------------------------------------------------------------------------------------

    def to_last_tendency(self) -> ModeTable:
        """What the outputs of the fourth pass add to the tendency."""
        return ModeTable.of(self.layout.components, self._last_terms())

    def _last_terms(self) -> Iterator[ModeTerm]:
        lay = self.layout
        for s in range(lay.species):
            for a in range(lay.basis.kept):
                target = lay.component(s, a)
                if a > 0 and lay.has_sources:
                    yield ModeTerm(target, lay.source_row(s, a), 1.0)
                for axis in range(lay.dimension):
                    for f in lay.basis.slaved:
                        yield ModeTerm(target, lay.slaved_row(s, f), -self._products[axis, a, f], axis)
                    for b in lay.basis.highest if lay.corrected else ():
                        yield ModeTerm(target, lay.correction_row(s, b), -self._products[axis, a, b], axis)
                    if lay.pushes:
                        yield ModeTerm(target, lay.push_row(s, a, axis), 1.0, axis)

    def production(self) -> ModeTable:
        """What particles make of chemicals that have a dynamics of their own."""
        lay = self.layout
        terms = (
            ModeTerm(lay.chemical_component(p), lay.component(s, 0), rate)
            for p in lay.dynamic_chemicals
            for s, rate in enumerate(lay.model.production[p])
        )
        return ModeTable.of(lay.components, terms)
