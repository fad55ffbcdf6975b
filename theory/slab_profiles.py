r"""Steady profiles with flat interfaces, with the sensing kernel.

The deterministic hydrodynamics [S1 Eq. 3] carries no flux in a steady state with flat interfaces, and then log rho_m + w_m is
the same everywhere, w_m the excess chemical potential (:mod:`theory.chemical_potential`) of what is sensed at each place:

    rho_m(x) exp(w_m(x)) = C_m,        without translational diffusion and chemotaxis  rho_m v_m(K * rho) = C_m.

No free energy is needed: the equation holds for non-reciprocal mixtures too, if they have a steady state at all. It is solved
on a periodic line at fixed mean densities, first by a damped iteration of rho_m <- C_m exp(-w_m), C_m from the means, then by
Newton's method, whose linear systems (the identity and a smooth kernel) GMRES solves in a few dozen products. One more
unknown, a drift, takes the freedom to shift the profile along the line out of the system; it comes out as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from theory.arrays import Array
from theory.chemical_potential import ChemicalPotentials
from theory.errors import InputError, NumericalFailure
from theory.model import Model

_CELLS_PER_RANGE = 16
_DAMPINGS = (0.3, 0.1, 0.03)
_ITERATIONS = 20_000
# an iteration whose residual has not fallen by a tenth in this many rounds is going nowhere
_PATIENCE = 400
# residual from which on Newton's method takes over, and what it does
_CLOSE = 0.05
_NEWTON_STEPS = 12
_KRYLOV = 120


@dataclass(frozen=True)
class SlabProfile:
    """A steady profile with flat interfaces.

    Parameters
    ----------
    position
        Shape (x,) (length).
    density
        Shape (species, x) (1/length^d).
    constants
        C_mu = rho_mu exp(w_mu), rho_mu v_mu without translational diffusion and chemotaxis; shape (species,).
    residual
        Largest relative departure of rho exp(w) from C.
    plateaus
        Densities at the centres of the slabs that the solution started from, shape (slab, species).
    """

    position: Array
    density: Array
    constants: Array
    residual: float
    plateaus: Array


def slab_profile(
    model: Model, shares: Sequence[float], densities: Array, length: float, tolerance: float = 1e-10
) -> SlabProfile:
    """Solve rho exp(w) = C for slabs of phases side by side in a periodic box.

    Parameters
    ----------
    model
        A model in which all that is sensed has a range.
    shares
        Shares of the box that the slabs fill at the start; they add up to 1.
    densities
        Densities of the slabs at the start, shape (slab, species) (1/length^d). Their mean is kept.
    length
        Of the box (length); plateaus need slabs of several ranges.
    tolerance
        Largest relative residual.

    Raises
    ------
    InputError
        Something is sensed without a range, the model has pair interactions, or a species steers by a chemical with a speed
        that depends on what it senses.
    NumericalFailure
        The iteration does not converge, as in mixtures without a steady state.
    """
    line = Line(model, length)
    edges = np.cumsum(shares)
    slabs = np.minimum(np.searchsorted(edges, line.position / length), len(edges) - 1)
    density, residual = line.relaxed(np.asarray(densities, dtype=np.float64)[slabs].T, tolerance)
    centres = [int(line.cells * (edge - 0.5 * share)) for edge, share in zip(edges, shares, strict=True)]
    return SlabProfile(line.position, density, line.constants(density), residual, density[:, centres].T)


def sensing_lengths(model: Model) -> list[float]:
    """Ranges of the kernels and decay lengths of the chemicals that the speeds and the steering of a model depend on.

    Raises
    ------
    InputError
        Something is sensed without a range: interfaces then have no width.
    """
    channels, species = model.channels, model.number_of_species
    used = {int(channels.index[m, n]) for m, n in np.argwhere(model.senses[:, :species])}
    for channel in used:
        if channels.kernels[channel].is_local:
            raise InputError("slab profiles need kernels of a range; a local kernel leaves interfaces without a width")
    lengths = [channels.kernels[channel].range for channel in sorted(used)]
    steers = (model.speed_biases != 0.0) | (model.reorientation_biases != 0.0) | (model.turnings != 0.0)
    for p, chemical in enumerate(model.chemicals):
        if not np.any(model.senses[:, species + p] | steers[:, p]):
            continue
        if chemical.decay_rate == 0.0 or chemical.diffusivity == 0.0:
            raise InputError(
                f"slab profiles need chemicals that diffuse and decay; {chemical.name} has the diffusivity "
                f"{chemical.diffusivity:g} and the decay rate {chemical.decay_rate:g}"
            )
        lengths.append(float(np.sqrt(chemical.diffusivity / chemical.decay_rate)))
    return lengths


class Line:
    """The steady-state equation on a periodic line.

    Parameters
    ----------
    model
        The model.
    length
        Of the box (length).

    Raises
    ------
    InputError
        As for :func:`slab_profile`.
    """

    def __init__(self, model: Model, length: float) -> None:
        smallest = min(sensing_lengths(model), default=length)
        self.length = length
        self.cells_per_range = _CELLS_PER_RANGE
        self._model = model
        self._potentials = ChemicalPotentials(model)
        self.cells = 2 * int(np.ceil(0.5 * _CELLS_PER_RANGE * length / smallest))
        self.position = (np.arange(self.cells) + 0.5) * length / self.cells
        self._wavenumbers = 2.0 * np.pi * np.fft.rfftfreq(self.cells, length / self.cells)
        self._kernels = np.stack([kernel.transform(self._wavenumbers) for kernel in model.channels.kernels])
        self._responses = [chemical.transform(self._wavenumbers) for chemical in model.chemicals]

    def _fields(self, density: Array) -> Array:
        """What is sensed, shape (channel + chemical, x)."""
        modes = np.fft.rfft(density)
        sensed = self._kernels * modes[list(self._model.channels.sources)]
        made = [response * (rates @ modes) for rates, response in zip(self._model.production, self._responses, strict=True)]
        return np.asarray(np.fft.irfft(np.concatenate([sensed, *(one[None] for one in made)]), self.cells))

    def _read(self, density: Array) -> list[Array]:
        """What each species reads, (species + chemical, x); round-off may leave a sensed density just below zero."""
        fields = self._fields(density)
        channels = len(self._model.channels.sources)
        fields[:channels] = np.maximum(fields[:channels], 0.0)
        return [fields[index] for index in self._model.channels.index]

    def _excess(self, density: Array) -> Array:
        return np.stack([self._potentials.of_fields(m, fields) for m, fields in enumerate(self._read(density))])

    def constants(self, density: Array) -> Array:
        """C_m that the means ask for, shape (species,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(density.mean(axis=1) / np.exp(-self._excess(density)).mean(axis=1))

    def bulk_constants(self, densities: Array) -> Array:
        """C_m = rho_m exp(w_m) of a homogeneous mixture of densities (species,), shape (species,)."""
        fields = self._model.homogeneous_fields(densities)[:, None]
        excess = [self._potentials.of_fields(m, fields)[0] for m in range(densities.size)]
        return np.asarray(densities * np.exp(excess))

    def relaxed(self, start: Array, tolerance: float) -> tuple[Array, float]:
        """The profile (species, x) that a start leads to, with its means, and its largest relative residual.

        Raises
        ------
        NumericalFailure
            The iteration does not converge.
        """
        for damping in _DAMPINGS:
            found = self._iterated(start, damping, tolerance)
            if found is not None:
                return found
        raise NumericalFailure("no steady slab profile was found: the mixture may have none, or the slabs are too thin")

    def _iterated(self, start: Array, damping: float, tolerance: float) -> tuple[Array, float] | None:
        means, rho = start.mean(axis=1), start.copy()
        best, tried = np.inf, np.inf
        for n in range(_ITERATIONS):
            with np.errstate(over="ignore", invalid="ignore"):
                slowness = np.exp(-self._excess(rho))
                ratio = (means / slowness.mean(axis=1))[:, None] * slowness / rho
            residual = float(np.max(np.abs(ratio - 1.0)))
            if not np.isfinite(residual):
                return None
            if residual < tolerance:
                return rho, residual
            # again from ten times closer where Newton's method went astray
            if residual < min(_CLOSE, 0.1 * tried):
                found, tried = self._by_newton(rho, tolerance), residual
                if found is not None:
                    return found
            if n % _PATIENCE == _PATIENCE - 1:
                if residual > 0.9 * best:
                    return None
                best = residual
            rho = rho * np.clip(ratio, 0.1, 10.0) ** damping
            rho *= (means / rho.mean(axis=1))[:, None]
        return None

    def _by_newton(self, start: Array, tolerance: float) -> tuple[Array, float] | None:
        """The solution next to a start; None where the iteration leaves its surroundings."""
        species, means, rho = start.shape[0], start.mean(axis=1), start
        constants = self.constants(start)
        for _ in range(_NEWTON_STEPS):
            defect = np.log(rho) + self._excess(rho) - np.log(constants)[:, None]
            shortage = rho.mean(axis=1) / means - 1.0
            residual = float(np.max(np.abs(np.expm1(-defect))))
            if residual < tolerance and np.max(np.abs(shortage)) < 1e-13:
                return rho, residual
            right = np.concatenate([defect.ravel(), shortage, [0.0]])
            step, failed = gmres(self._operator(rho, means), -right, rtol=1e-8, atol=0.0, restart=_KRYLOV, maxiter=2)
            change = step[: rho.size].reshape(rho.shape)
            if failed or not np.all(np.isfinite(step)) or np.max(np.abs(change)) > 1.0:
                return None
            rho = rho * np.exp(change)
            constants = constants * np.exp(step[rho.size : rho.size + species])
        return None

    def _operator(self, rho: Array, means: Array) -> LinearOperator:
        """Derivatives of the defect and of the means by log rho, log C and a drift along the line."""
        species = rho.shape[0]
        gradients = [self._potentials.gradient_of_fields(m, fields) for m, fields in enumerate(self._read(rho))]
        shift = np.fft.irfft(1j * self._wavenumbers * np.fft.rfft(np.log(rho)), self.cells)
        size = float(np.sqrt(np.mean(shift**2)))
        # a profile without any structure has nothing to shift
        shift = shift / size if size > 1e-6 else np.zeros_like(rho)

        def product(x: Array) -> Array:
            change = x[: rho.size].reshape(rho.shape)
            fields = self._fields(rho * change)
            out = change - x[rho.size : -1, None] + x[-1] * shift
            for m, gradient in enumerate(gradients):
                out[m] += np.sum(gradient * fields[self._model.channels.index[m]], axis=0)
            held = np.mean(shift * change) if size > 1e-6 else x[-1]
            return np.concatenate([out.ravel(), np.mean(rho * change, axis=1) / means, [held]])

        count = rho.size + species + 1
        return LinearOperator((count, count), matvec=product, dtype=np.float64)
