r"""The noise of the fields, at any order, band-limited.

Particles that are independent but for what the equations say have fluctuations that balance the dissipation of each harmonic:
with c_a = <Y_a^2>,

    d_t phi_a = ... + sqrt(2 c_a lambda_a rho) xi_a                       degrees 1 to K: tumbles and rotational diffusion,
    phi_s     = ... + sqrt(2 c_s lambda_s rho)/lambda_s xi_s              the slaved degree K + 1, and with it p_s = v phi_s,
    d_t phi_a = ... + div[ sqrt(2 Dt c_a rho) Lambda_a ]                  translational diffusion,

Gaussian and white, with the fields at the start of the step (Ito). For constant v every harmonic then has the equal-time
spectrum c_a rho that independent particles give it. At order 0 the second and third line are the flux
sqrt(2 (D + Dt) rho) Lambda,  D = v^2 tau/d,  of [S1] Eq. 3; at order 1 the first is sqrt(2 rho/(d tau)) per component of the
polarity. Where torques enter the closure, 1/lambda_s is the inverse of the closure's matrix. It is the noise of directions that
are free: correlations between harmonics, of the order of the polarity, are left out; the translational part of degrees above 0
is taken as  sqrt(2 Dt c_a) |q|  times the transform of sqrt(rho) xi.

In a step dt the random numbers of a cell of volume a^d have these variances over (a^d dt). They are drawn in real space, where
the noise is multiplicative, and steppers weigh them mode by mode (:mod:`fieldsolver.steppers`). Modes beyond pi over the
coarse-graining length, which a grid of that spacing would not hold, receive none: there a cell holds few particles and a
fluctuating density has no meaning.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldsolver import _pass_loops, _point_loops
from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.passes import Worker
from fieldsolver.righthandside import RightHandSide
from fieldsolver.tables import ModeTable, ModeTerm, PointTable, PointTerm
from theory.arrays import Array, ComplexArray
from theory.counter_random import Stream
from theory.errors import InputError


@dataclass(frozen=True)
class RandomField:
    """One random field of variance (active v^2 + passive) rho, and what it adds to.

    Parameters
    ----------
    species
        Whose speed and density.
    active, passive
        Variance per density: per squared speed, and of itself.
    targets
        (component of the state, coefficient, axis of a derivative or -1).
    spectrum
        (rate, diffusivity): the field is multiplied by sqrt(rate + diffusivity q^2) mode by mode; None: it is not.
    drives
        The slaved harmonic whose equation the field drives, before it is multiplied by v; None: it is what is added.
    """

    species: int
    active: float
    passive: float
    targets: tuple[tuple[int, float, int], ...]
    spectrum: tuple[float, float] | None = None
    drives: int | None = None


def random_fields(layout: Layout) -> list[RandomField]:
    """The random fields of a model's equations."""
    return [field for s in range(layout.species) for field in _of_species(layout, s)]


def _of_species(layout: Layout, s: int) -> Iterator[RandomField]:
    basis, translational = layout.basis, float(layout.model.translational_diffusivities[s])
    rates, norms, axes = layout.rates[s], basis.norms, range(layout.dimension)
    for f in basis.slaved:
        entered = [(layout.component(s, a), float(basis.products[j, a, f]), j) for a in basis.highest for j in axes]
        targets = tuple(one for one in entered if one[1] != 0.0)
        if np.any(layout.closure_couplings):
            yield RandomField(s, 0.0, 2.0 * norms[f] * rates[f], targets, drives=f)
        else:
            passive = 2.0 * translational if layout.order == 0 else 0.0
            yield RandomField(s, 2.0 * norms[f] / rates[f], passive, targets)
    if layout.order == 0:
        return
    if translational > 0.0:
        yield from (RandomField(s, 0.0, 2.0 * translational, ((layout.component(s, 0), 1.0, j),)) for j in axes)
    for a in range(1, basis.kept):
        strength = (2.0 * norms[a] * rates[a], 2.0 * norms[a] * translational)
        yield RandomField(s, 0.0, 1.0, ((layout.component(s, a), 1.0, -1),), strength)


class FieldNoise:
    """Random increments of the modes.

    Parameters
    ----------
    righthandside
        Whose fields set the amplitude, and whose passes transform; it must keep densities and be planned for as many random
        fields.
    fields
        The random fields.
    strength
        Factor of the noise's variance: 1 is the noise of the particles, 0 none.
    length
        Coarse-graining length (length).
    seed
        Key of the random numbers.
    """

    def __init__(
        self, righthandside: RightHandSide, fields: list[RandomField], strength: float, length: float, seed: int
    ) -> None:
        self.strength, self.length, self._seed = strength, length, seed
        self._righthandside, self._modes = righthandside, righthandside.modes
        self.band = _band(self._modes, length) if strength > 0.0 else np.zeros(self._modes.shape, dtype=np.bool_)
        # kept densities exist for a noisy run only
        self._fields = fields if strength > 0.0 else []
        self._columns = int(np.count_nonzero(np.any(self.band, axis=1)))
        self._tabulate(righthandside.layout)
        self._weights: Array = np.zeros((0, 0, 0))
        self._step = 0
        self._time_step = 0.0
        self._out: ComplexArray = np.zeros((0, 0, 0), dtype=np.complex128)

    def _tabulate(self, layout: Layout) -> None:
        terms = [ModeTerm(target, n, c, axis) for n, one in enumerate(self._fields) for target, c, axis in one.targets]
        self._table = ModeTable.of(layout.components, terms)
        self._species = np.array([one.species for one in self._fields], dtype=np.int64)
        self._densities = np.array([layout.kept_array(layout.component(s, 0)) for s in self._species], dtype=np.int64)
        self._active, self._passive = (np.array([getattr(one, n) for one in self._fields]) for n in ("active", "passive"))
        driven = [[n for n, one in enumerate(self._fields) if one.species == s and one.drives] for s in range(layout.species)]
        self._driven = np.array(driven, dtype=np.int64)
        terms_of_flux = [PointTerm(n, layout.speed(s), n, 1.0, add=False) for s, rows in enumerate(driven) for n in rows]
        self._to_flux = PointTable.of(terms_of_flux, str(self._righthandside.kept.dtype))
        shaped = [(n, one.spectrum) for n, one in enumerate(self._fields) if one.spectrum is not None]
        self._shaped = np.array([n for n, _ in shaped], dtype=np.int64)
        squares = self._modes.squared_wavenumber
        self._spectra = np.array([np.sqrt(rate + diffusivity * squares) for _, (rate, diffusivity) in shaped])

    def prepare(self, time_step: float) -> None:
        """Set the time step (time)."""
        self._time_step = time_step
        shape = (self._righthandside.layout.components, *self._modes.shape)
        self._weights = np.ascontiguousarray(np.broadcast_to(time_step * self.band, shape))

    def draw(self, step: int, out: ComplexArray) -> None:
        """The increment G dW of one step, from the fields that the right-hand side holds; steppers give modes their weights.

        Parameters
        ----------
        step
            Number of the step, which counts the random numbers.
        out
            Shape (component, column, row), overwritten.
        """
        self._step, self._out = step, out
        passes = self._righthandside.passes
        passes.over_rows(self._draw_rows)
        passes.over_columns(self._weigh_columns)

    def _draw_rows(self, worker: Worker, first: int, count: int, block: int) -> None:
        width, cells = self._modes.grid.shape[-1], self._modes.grid.cells
        scale = self.strength / (self._modes.grid.cell_volume * self._time_step)
        _point_loops.draw(
            np.uint64(self._seed), np.uint64(Stream.FIELD_NOISE), np.uint64(self._step), cells, self._densities, self._species,
            scale * self._active, scale * self._passive, first * width, count * width, self._righthandside.kept, worker.points,
        )  # fmt: skip
        if self._driven.size:
            self._righthandside.close(self._driven, worker, first * width, count * width)
            _point_loops.combine(
                self._to_flux.lines, self._to_flux.coefficients, first * width, count * width, self._righthandside.kept,
                worker.points,
            )  # fmt: skip
        self._righthandside.passes.store_rows(worker, 0, len(self._fields), first, count)

    def _weigh_columns(self, worker: Worker, first: int, count: int, block: int) -> None:
        self._out[:, first : first + count] = 0.0
        if first >= self._columns:
            return
        r, table = self._righthandside, self._table
        r.passes.load_columns(worker, len(self._fields), first, count)
        if self._shaped.size:
            _pass_loops.scale_columns(self._shaped, self._spectra, self._modes.runs, first, count, worker.columns)
        _pass_loops.gather(
            table.starts, table.lines, table.coefficients, self._modes.wavenumber_x, r.across, self._modes.runs, worker.columns,
            first, count, self._out,
        )  # fmt: skip
        _pass_loops.weigh(self._weights, first, count, self._out)


def _band(modes: RetainedModes, length: float) -> NDArray[np.bool_]:
    """Modes that receive noise, shape (column, row).

    Raises
    ------
    InputError
        The length is not positive.
    """
    if not (math.isfinite(length) and length > 0.0):
        raise InputError(f"fields.noise_length is {length}; it must be positive (there is no sensing range to take for it)")
    return np.asarray(modes.wavenumber <= np.pi / length * (1.0 + 1e-12))
