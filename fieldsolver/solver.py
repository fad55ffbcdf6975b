"""The field solver: a model as stochastic partial differential equations on a periodic grid."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from fieldsolver.hydrodynamics import Extremes, Hydrodynamics, transform_of
from fieldsolver.noise import FieldNoise
from fieldsolver.steppers import STEPPERS, Stepper
from fieldsolver.timestep import default_time_step
from theory.compiling import set_threads
from theory.errors import InputError, NumericalFailure
from theory.fourier import Array, Grid, Transforms, wisdom
from theory.frames import Frame, State, Variable
from theory.linear_stability import HomogeneousState, classify
from theory.model import Model

# The exactly integrated diffusivity follows the largest one: it is raised as soon as that exceeds it, and lowered when it is
# this many times too large (a scheme that damps more than there is loses accuracy).
_RAISE = 1.1
_EXCESS = 2.0
_TAIL_LIMIT = 1e-3
# Cells from which loops and transforms are worth sharing among threads: below, waking a thread costs what it saves.
_WORTH_THREADS = 384 * 384


@dataclass
class Monitors:
    """What went on during a run that a reader of its results must know.

    Parameters
    ----------
    largest_clipped_share
        Largest share of cells, in one step, whose negative density the noise took for zero.
    largest_negative_share
        Largest share of cells with a negative density.
    lowest_density
        Lowest density seen (1/length^2).
    largest_spectral_tail
        Largest share of the densities' variance in the last third of the retained modes.
    mass_drift
        Largest relative change of a species' mass since the start.
    """

    largest_clipped_share: float = 0.0
    largest_negative_share: float = 0.0
    lowest_density: float = math.inf
    largest_spectral_tail: float = 0.0
    mass_drift: float = 0.0


class FieldSolver:
    """A mixture as fluctuating fields (order 0, two dimensions).

    Parameters
    ----------
    model
        A model in two dimensions.
    size
        Box edges (Lx, Ly) (length).
    density
        Initial densities, shape (species, ny, nx), ny and nx even (1/length^2).
    noise
        Strength of the noise: 1 is that of the particles, 0 deterministic.
    noise_length
        Coarse-graining length of the noise (length); default the largest sensing range.
    time_step
        dt (time); default: see :func:`fieldsolver.timestep.default_time_step`.
    stepper
        Name of a scheme: ``"etdrk2"`` or ``"etd1"``.
    seed
        Key of the random numbers.
    threads
        Threads of the loops and transforms; the results do not depend on it.
    maximum_clipped_share
        A noisy run stops when more than this share of cells has a negative density.

    Raises
    ------
    InputError
        A parameter is out of range, or the model cannot be run as fields.
    """

    def __init__(
        self,
        model: Model,
        size: tuple[float, ...],
        density: Array,
        *,
        noise: float = 0.0,
        noise_length: float | None = None,
        time_step: float | None = None,
        stepper: str = "etdrk2",
        seed: int = 1,
        threads: int = 1,
        maximum_clipped_share: float = 0.05,
    ) -> None:
        density = np.asarray(density, dtype=np.float64)
        _check(model, density, stepper)
        self.model, self.grid = model, Grid(tuple(map(float, size)), density.shape[1:])
        self._scheme = STEPPERS[stepper]
        self._threads = threads if self.grid.cells >= _WORTH_THREADS else 1
        self._noise_arguments = (noise, model.sensing_ranges.max() if noise_length is None else noise_length, seed)
        self._maximum_clipped_share = maximum_clipped_share
        self._plan(None)
        self._state = transform_of(density) * self._hydrodynamics.retained
        self._initial_mass = self._state[:, 0, 0].real.copy()
        self._step, self.monitors = 0, Monitors()
        composition = self._initial_mass / self.grid.cells
        self._time_step = default_time_step(model, composition, self.grid) if time_step is None else float(time_step)
        if not (math.isfinite(self._time_step) and self._time_step > 0.0):
            raise InputError(f"fields.time_step is {self._time_step}; it must be positive and finite")
        self._reference = np.zeros(model.number_of_species)
        self._follow(self._hydrodynamics.fields(self._state))

    def _plan(self, known_wisdom: bytes | None) -> None:
        """Plan all transforms; with the wisdom of an earlier run the plans are the same, bit for bit."""
        set_threads(self._threads)
        self._transforms = Transforms(self._threads, known_wisdom)
        self._hydrodynamics = Hydrodynamics(self.model, self.grid, self._transforms)
        self._noise = FieldNoise(self._hydrodynamics, *self._noise_arguments)
        self._wisdom = wisdom()
        spectral = (self.model.number_of_species, *self.grid.spectral_shape)
        self._tendency = np.zeros(spectral, dtype=np.complex128)
        self._increment = np.zeros(spectral, dtype=np.complex128)

    @property
    def time_step(self) -> float:
        """Time step dt (time)."""
        return self._time_step

    @property
    def time(self) -> float:
        """Physical time reached (time)."""
        return self._step * self.time_step

    @property
    def step(self) -> int:
        """Number of steps taken."""
        return self._step

    @property
    def noise_strength(self) -> float:
        """Strength of the noise; 0 means that the run is deterministic."""
        return self._noise.strength

    @property
    def noise_length(self) -> float:
        """Coarse-graining length of the noise (length)."""
        return self._noise.length

    @property
    def density(self) -> Array:
        """Densities now, shape (species, ny, nx) (1/length^2), a copy."""
        self._hydrodynamics.fields(self._state)
        return self._hydrodynamics.density.copy()

    def advance(self, until: float, *, interrupt: Callable[[], bool] | None = None) -> None:
        """Step until the time is reached (to the nearest step).

        Parameters
        ----------
        until
            Physical time (time).
        interrupt
            Asked after every step; when it answers True the method returns, on a completed step.

        Raises
        ------
        NumericalFailure
            The densities or speeds left the range in which they mean anything, or too many cells were clipped.
        """
        set_threads(self._threads)
        h = self._hydrodynamics
        last = round(until / self.time_step)
        while self._step < last:
            extremes = h.fields(self._state)
            self._follow(extremes)
            h.tendency_of_fields(self._state, self._tendency)
            clipped = self._noise.draw(self._step, self._increment)
            self._watch(extremes, clipped)
            self._stepper.step(self._state, self._tendency, h.evaluate, self._increment)
            self._step += 1
            if interrupt is not None and interrupt():
                return

    def _follow(self, extremes: Extremes) -> None:
        """Keep the exactly integrated diffusivity at or above the largest one anywhere, and not far above it."""
        largest = extremes.largest_diffusivity
        too_low, too_high = largest > self._reference, largest * _EXCESS < self._reference
        if not np.any(too_low | too_high):
            return
        first = not np.any(self._reference)
        self._reference = np.where(too_low | too_high, largest * (1.0 if first else _RAISE), self._reference)
        self._prepare()

    def _prepare(self) -> None:
        diffusivities = self._reference + self.model.translational_diffusivities
        rates = diffusivities[:, None, None] * self.grid.squared_wavenumber * self._hydrodynamics.retained
        self._stepper: Stepper = self._scheme(rates, self.time_step)
        self._noise.prepare(rates, self.time_step)

    def _watch(self, extremes: Extremes, clipped: float) -> None:
        m = self.monitors
        m.largest_clipped_share = max(m.largest_clipped_share, clipped)
        m.largest_negative_share = max(m.largest_negative_share, float(extremes.negative_share.max()))
        m.lowest_density = min(m.lowest_density, float(extremes.lowest_density.min()))
        if clipped > self._maximum_clipped_share:
            raise NumericalFailure(
                f"{100 * clipped:.1f} % of the cells have a negative density at t = {self.time:g}, more than "
                f"fields.maximum_clipped_share = {self._maximum_clipped_share:g}: the noise is too strong for the number of "
                f"particles per coarse-graining cell; raise fields.noise_length (now {self.noise_length:g}) or the densities, "
                "or lower fields.noise"
            )

    def spectral_tail(self) -> float:
        """Share of the densities' variance in the last third of the retained wavenumbers, the largest over the species."""
        h, grid = self._hydrodynamics, self.grid
        power = grid.multiplicity * h.retained * np.abs(self._state) ** 2
        power[:, 0, 0] = 0.0
        largest = [np.max(np.abs(k) * np.any(h.retained, axis=a)) for k, a in ((h.kx, 0), (h.ky, 1))]
        tail = (np.abs(h.kx)[None, :] > 2.0 / 3.0 * largest[0]) | (np.abs(h.ky)[:, None] > 2.0 / 3.0 * largest[1])
        total = power.sum(axis=(1, 2))
        return float(np.max(np.divide((power * tail).sum(axis=(1, 2)), total, out=np.zeros_like(total), where=total > 0.0)))

    def frame(self) -> Frame:
        """Densities and time series at this time.

        Returns
        -------
        Frame
            ``density_<species>`` (y, x), ``mean_speed_<species>``, ``mass_<species>``, ``spectral_tail``,
            ``negative_share``, ``clipped_share`` (largest so far).
        """
        extremes = self._hydrodynamics.fields(self._state)
        m = self.monitors
        tail = self.spectral_tail()
        mass = self._state[:, 0, 0].real
        m.largest_spectral_tail = max(m.largest_spectral_tail, tail)
        drift = np.abs(mass - self._initial_mass) / np.where(self._initial_mass > 0.0, self._initial_mass, 1.0)
        m.mass_drift = max(m.mass_drift, float(drift.max()))
        m.lowest_density = min(m.lowest_density, float(extremes.lowest_density.min()))
        variables: dict[str, Variable] = {}
        for s, name in enumerate(self.model.names):
            variables[f"density_{name}"] = Variable(
                self._hydrodynamics.density[s].copy(), ("y", "x"), "1/length^2", f"number density of {name}"
            )
            variables[f"mean_speed_{name}"] = _number(extremes.mean_speed[s], "length/time", f"mean speed of {name}")
            variables[f"mass_{name}"] = _number(mass[s] * self.grid.cell_volume, "1", f"mean number of particles of {name}")
        variables["spectral_tail"] = _number(tail, "1", "share of variance in the last third of the modes")
        variables["negative_share"] = _number(extremes.negative_share.max(), "1", "share of cells with negative density")
        variables["clipped_share"] = _number(m.largest_clipped_share, "1", "largest share of cells clipped by the noise so far")
        coordinates = {
            axis: Variable(self.grid.coordinates(axis), (axis,), "length", f"{axis} of the cell centres") for axis in "xy"
        }
        return Frame(self.time, self._step, variables, coordinates)

    def warnings(self) -> list[str]:
        """Sentences on what a reader of the results must know; empty when all is well."""
        m, found = self.monitors, []
        if m.largest_spectral_tail > _TAIL_LIMIT and self.noise_strength == 0.0:
            found.append(
                f"under-resolved: up to {m.largest_spectral_tail:.1e} of the variance lies in the last third of the modes "
                f"(limit {_TAIL_LIMIT:g}); refine fields.grid"
            )
        if m.largest_clipped_share > 0.0:
            found.append(f"up to {100 * m.largest_clipped_share:.2g} % of the cells were clipped to zero density by the noise")
        elif m.lowest_density < 0.0:
            found.append(f"densities went down to {m.lowest_density:.3g}: refine fields.grid or shorten fields.time_step")
        return found

    def state(self) -> State:
        """Everything that a bit-exact continuation needs."""
        arrays: dict[str, Any] = {
            "state": self._state.copy(),
            "reference_diffusivity": self._reference.copy(),
            "initial_mass": self._initial_mass.copy(),
            "fftw_wisdom": np.frombuffer(self._wisdom, dtype=np.uint8),
        }
        # an infinity is no JSON: no density seen yet is told by leaving the number out
        monitors = {name: value for name, value in asdict(self.monitors).items() if math.isfinite(value)}
        return State(arrays, {"step": self._step, "time_step": self.time_step, "monitors": monitors})

    def restore(self, state: State) -> None:
        """Continue from a state of the same model, grid and scheme.

        Raises
        ------
        InputError
            The state belongs to another grid or time step.
        """
        spectral = np.asarray(state.arrays["state"])
        if spectral.shape != self._state.shape or state.numbers["time_step"] != self.time_step:
            raise InputError("the stored state belongs to another grid, another number of species or another time step")
        self._transforms.close()
        self._plan(np.asarray(state.arrays["fftw_wisdom"]).tobytes())
        self._state = np.array(spectral)
        self._reference = np.array(state.arrays["reference_diffusivity"])
        self._initial_mass = np.array(state.arrays["initial_mass"])
        self._step = int(str(state.numbers["step"]))
        stored = state.numbers["monitors"]
        assert isinstance(stored, dict)
        self.monitors = Monitors(**{f.name: float(str(stored[f.name])) for f in fields(Monitors) if f.name in stored})
        self._prepare()

    def __repr__(self) -> str:
        ny, nx = self.grid.shape
        noise = f"noise {self._noise.strength:g} above {self._noise.length:g}" if self._noise.strength else "deterministic"
        return (
            f"FieldSolver(order 0)\n├─ {self.model!r}\n├─ grid {nx} x {ny}, box {self.grid.size[0]:g} x {self.grid.size[1]:g}\n"
            f"├─ {self._scheme.name}, time step {self.time_step:g}\n└─ {noise}; t = {self.time:g}"
        )


def _number(value: Any, units: str, long_name: str) -> Variable:
    return Variable(np.asarray(value, dtype=np.float64), (), units, long_name)


def _check(model: Model, density: Array, stepper: str) -> None:
    if model.dimension != 2:
        raise InputError(f"the field solver runs two dimensions, not {model.dimension}")
    if density.ndim != 3 or density.shape[0] != model.number_of_species:
        raise InputError(f"the density has shape {density.shape}, not ({model.number_of_species}, ny, nx)")
    if not np.all(np.isfinite(density)) or np.any(density < 0.0):
        raise InputError("initial densities must be finite and not negative")
    if any(kernel.is_local for kernel in model.channels.kernels):
        state = HomogeneousState.of(model, np.maximum(density.mean(axis=(1, 2)), 1e-12))
        if classify(state).kind != "stable":
            raise InputError(
                "with a local kernel this composition is unstable and its growth rate rises as q^2 without bound: the "
                "equations are ill-posed; state a kernel with a range in model.sensing"
            )
    if stepper not in STEPPERS:
        raise InputError(f"the stepper '{stepper}' is unknown; known: {', '.join(sorted(STEPPERS))}")
