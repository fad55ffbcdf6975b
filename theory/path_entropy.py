r"""Entropy production of trajectories of density fields, of either scale ([S1] Eq. 6, path by path).

A trajectory and its reverse have likelihoods whose ratio, for the hydrodynamics of [S1] Eq. 5, is exp of

    -\sum_mu \int dt \int d^d r  u_mu o d_t rho_mu,        u: chemical potential, o: mid-point (Stratonovich) product.

Over steps from t to t' the estimate of the rate is

    sigma = -(1/T) \sum_steps \sum_mu \int 1/2 (u_mu(t) + u_mu(t')) (rho_mu(t') - rho_mu(t)).

The mean of u over both ends matters: with u at the start the noise makes an error of the order of the rates of relaxation.
What is left is a bias of about -(rate of relaxation) (t' - t); :func:`theory.entropy_production.expected_rate` tells it. Where
a free energy exists the estimate is a difference of its values at the ends, and vanishes.

Coarse-graining. Densities are filtered first, rho -> g * rho, and u is that of the filtered densities: this is what somebody
would find who sees nothing else. It vanishes at every length where a (local) free energy exists. For linear fields every mode
counts g(q)^2 times: a sharp filter leaves the sum over the longer waves, a smooth one weighs them.

Local map. sigma(r) = -\sum_mu J_mu o grad u_mu, whose integral is the rate. The current J is that of the caller (which includes
the noise), else the longitudinal one that the continuity equation leaves, J_q = i q (d_t rho)_q/q^2. The two maps differ by
terms that integrate to zero. In the frame that moves along with a pattern the map at r belongs to the place r + V t.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array, ComplexArray
from theory.blocking import BlockedMean
from theory.coarse_graining import Filter
from theory.currents import Currents
from theory.entropy_estimate import EntropyEstimate
from theory.errors import InputError, NumericalFailure
from theory.fourier import Grid
from theory.model import Model

# a logarithm needs positive densities: below this share of the mean density they are counted, and taken for it
_FLOOR = 1e-3


class PathEntropy:
    """Accumulates the entropy production of a trajectory of densities.

    Parameters
    ----------
    model
        The model, whose order-0 hydrodynamics is the measure of what is irreversible.
    grid
        The grid of the densities.
    filters
        Coarse-grainings at which rates are estimated; the local map is that of the first.
    window
        What densities were seen through already, for example a deposit of particles; shape of the spectrum. It is divided
        out of sharp filters, whose densities are then those of the particles, and left in smooth ones, which stay positive.
    local
        Whether to accumulate the local map.
    shells
        Number of the shell to which each mode belongs, shape of the spectrum, negative for none: the rate is accumulated shell
        by shell, too, with the first filter.
    velocity
        Of the frame of the map (x, y, ...) (length/time); default: the laboratory.
    largest_clipped_share
        Share of cells too empty for a logarithm beyond which accumulating fails.

    Raises
    ------
    InputError
        See :class:`theory.currents.Currents`; or there is no filter.
    """

    def __init__(
        self,
        model: Model,
        grid: Grid,
        filters: Sequence[Filter] = (Filter(),),
        *,
        window: Array | None = None,
        local: bool = False,
        shells: NDArray[np.int64] | None = None,
        velocity: Sequence[float] | None = None,
        largest_clipped_share: float = 0.01,
    ) -> None:
        if not filters:
            raise InputError("an estimate of the entropy production needs at least one filter")
        self.currents, self.filters = Currents(model, grid), tuple(filters)
        self._transfers = [_transfer(one, grid, window) for one in filters]
        self._largest_clipped_share = largest_clipped_share
        # the total first, then the species
        self._rates = BlockedMean((len(filters), 1 + model.number_of_species))
        self._density = np.zeros(grid.shape) if local else None
        self._shells = shells
        self._spectrum = None if shells is None else BlockedMean((int(shells.max()) + 1,))
        self._velocity = None if velocity is None else np.asarray(velocity, dtype=np.float64)
        self._clipped = np.zeros(len(filters))
        self._intervals = np.array([np.inf, 0.0])
        # the end of one step is the start of the next
        self._last: tuple[float, list[tuple[Array, Array]]] | None = None

    def accumulate(
        self,
        start: float,
        before: Array,
        end: float,
        after: Array,
        flux: Array | None = None,
        displacement: Array | None = None,
    ) -> None:
        """Take in one step.

        Parameters
        ----------
        start, end
            Times of its ends (time).
        before, after
            Densities there, shape (species, [z,] [y,] x) (1/length^d).
        flux
            Mean current of particles over the step, noise included, shape (species, component, [z,] [y,] x), for the local map;
            default: the longitudinal one.
        displacement
            Of the frame of the map in the middle of the step (x, y, ...) (length); default: the velocity times the time.

        Raises
        ------
        InputError
            The step does not end after its start, or arrays have a wrong shape.
        NumericalFailure
            Too many cells are too empty for a logarithm.
        """
        self._check(start, before, end, after)
        first = self._last[1] if self._last is not None and self._last[0] == start else self._seen(before)
        second = self._seen(after)
        self._last = (end, second)
        volume = self.currents.grid.cell_volume
        axes = tuple(range(1, before.ndim))
        produced = np.empty((len(self.filters), 1 + before.shape[0]))
        for n, ((rho, u), (rho_later, u_later)) in enumerate(zip(first, second, strict=True)):
            mean = 0.5 * (u + u_later)
            # u is defined up to a constant, which would multiply the round-off of a conserved number of particles
            mean -= mean.mean(axis=axes, keepdims=True)
            produced[n, 1:] = -volume * np.sum(mean * (rho_later - rho), axis=axes)
            if n == 0 and self._density is not None:
                local = (end - start) * self._local(mean, (rho_later - rho) / (end - start), flux)
                self._density += self._in_frame(local, 0.5 * (start + end), displacement)
            if n == 0 and self._spectrum is not None:
                self._spectrum.add(self._by_shell(mean, rho_later - rho), end - start)
        produced[:, 0] = produced[:, 1:].sum(axis=1)
        self._rates.add(produced, end - start)
        self._intervals = np.array([min(self._intervals[0], end - start), max(self._intervals[1], end - start)])

    def _check(self, start: float, before: Array, end: float, after: Array) -> None:
        shape = (self.currents.model.number_of_species, *self.currents.grid.shape)
        if not end > start:
            raise InputError(f"a step from t = {start:g} to t = {end:g} does not go forward")
        if before.shape != shape or after.shape != shape:
            raise InputError(f"the densities have the shapes {before.shape} and {after.shape}, not {shape}")

    def _seen(self, density: Array) -> list[tuple[Array, Array]]:
        """Filtered densities and their chemical potentials, filter by filter."""
        modes = self.currents.modes(density)
        return [self._potential(n, self._filtered(modes, n, density)) for n in range(len(self.filters))]

    def _filtered(self, modes: ComplexArray, n: int, density: Array) -> Array:
        transfer = self._transfers[n]
        return density if transfer is None else self.currents.fields(modes * transfer)

    def _potential(self, n: int, density: Array) -> tuple[Array, Array]:
        axes = tuple(range(1, density.ndim))
        floor = _FLOOR * density.mean(axis=axes, keepdims=True)
        empty = density < floor
        if np.any(empty):
            share = float(empty.mean(axis=axes).max())
            self._clipped[n] = max(self._clipped[n], share)
            if share > self._largest_clipped_share:
                raise NumericalFailure(
                    f"{100 * share:.2g} % of the cells are empty or nearly so at the coarse-graining length "
                    f"{self.filters[n].length:g}: the logarithm of such densities means nothing; choose a larger length"
                )
            density = np.maximum(density, floor)
        return density, self.currents.potential(density)

    def _local(self, potential: Array, change: Array, flux: Array | None) -> Array:
        """-J o grad u."""
        currents = self.currents
        current = currents.longitudinal(change) if flux is None else self._filtered(currents.modes(flux), 0, flux)
        return np.asarray(-np.sum(current * currents.gradient(potential), axis=(0, 1)))

    def _in_frame(self, local: Array, time: float, displacement: Array | None) -> Array:
        if displacement is None:
            displacement = None if self._velocity is None else time * self._velocity
        return local if displacement is None else self.currents.shifted(local, -displacement)

    def _by_shell(self, potential: Array, change: Array) -> Array:
        """Minus the integral of u times the change, by the shells of its modes (Parseval)."""
        currents, shells = self.currents, self._shells
        assert shells is not None
        product = np.sum((currents.modes(potential).conj() * currents.modes(change)).real, axis=0) * currents.grid.multiplicity
        inside = shells >= 0
        scale = -currents.grid.cell_volume / currents.grid.cells
        return np.asarray(scale * np.bincount(shells[inside], product[inside], int(shells.max()) + 1))

    def result(self) -> EntropyEstimate:
        """The estimates so far.

        Raises
        ------
        InputError
            There was no step.
        """
        time = self._rates.time
        if time == 0.0:
            raise InputError("no step of a trajectory was accumulated: there is nothing to estimate")
        mean, errors = self._rates.mean, self._rates.standard_error
        return EntropyEstimate(
            self.filters,
            mean[:, 0],
            None if errors is None else errors[:, 0],
            mean[:, 1:],
            None if self._density is None else self._density / time,
            time,
            (float(self._intervals[0]), float(self._intervals[1])),
            self._clipped.copy(),
            None if self._spectrum is None else self._spectrum.mean,
            None if self._spectrum is None else self._spectrum.standard_error,
        )

    def arrays(self) -> dict[str, Any]:
        """Everything that a continuation needs, for checkpoints."""
        out = {f"rates_{name}": array for name, array in self._rates.arrays().items()}
        out |= {"clipped": self._clipped.copy(), "intervals": self._intervals.copy()}
        if self._spectrum is not None:
            out |= {f"spectrum_{name}": array for name, array in self._spectrum.arrays().items()}
        return out if self._density is None else out | {"density": self._density.copy()}

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Continue from :meth:`arrays` of an accumulator with the same arguments."""
        self._rates.restore(_with_prefix(arrays, "rates_"))
        if self._spectrum is not None:
            self._spectrum.restore(_with_prefix(arrays, "spectrum_"))
        self._clipped, self._intervals = np.array(arrays["clipped"]), np.array(arrays["intervals"])
        if self._density is not None:
            self._density = np.array(arrays["density"])
        self._last = None


def _with_prefix(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): one for name, one in arrays.items() if name.startswith(prefix)}


def _transfer(one: Filter, grid: Grid, window: Array | None) -> Array | None:
    """Factor of each mode; None where nothing changes."""
    if one.length == 0.0:
        return None
    transfer = one.transfer(grid.wavenumber)
    return transfer / window if one.name == "sharp" and window is not None else transfer
