"""The field solver: a model as stochastic partial differential equations on a periodic grid."""

import math
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from fieldsolver.control import StepControl
from fieldsolver.dynamics import FieldDynamics, Monitors
from fieldsolver.hydrodynamics import Hydrodynamics, transform_of
from fieldsolver.marching import March
from fieldsolver.noise import FieldNoise
from fieldsolver.steppers import STEPPERS, default_stepper
from fieldsolver.timestep import default_time_step
from theory.compiling import set_threads
from theory.errors import InputError
from theory.fourier import Array, ComplexArray, Grid, Transforms, wisdom
from theory.frames import Frame, State, Variable
from theory.linear_stability import HomogeneousState, classify
from theory.model import Model

_TAIL_LIMIT = 1e-3
DEFAULT_TOLERANCE = 1e-3
# A step this many times shorter than one that is stable in any case tells that something else is wrong.
_SHORTEST_STEP = 1e-6
# Cells from which loops and transforms are worth sharing among threads: below, waking a thread costs what it saves.
_WORTH_THREADS = 384 * 384


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
        Fixed dt (time). By default a deterministic run follows its error, and a noisy one takes
        :func:`fieldsolver.timestep.default_time_step`.
    tolerance
        Largest error of a step, relative to the variation of the densities; for deterministic runs without a fixed step.
    stepper
        Name of a scheme, see :mod:`fieldsolver.steppers`; by default ``"sbdf2"``, with noise ``"etdrk2"``.
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
        tolerance: float | None = None,
        stepper: str | None = None,
        seed: int = 1,
        threads: int = 1,
        maximum_clipped_share: float = 0.05,
    ) -> None:
        density = np.asarray(density, dtype=np.float64)
        name = stepper or default_stepper(noise)
        _check(model, density, name, noise)
        self.model, self.grid = model, Grid(tuple(map(float, size)), density.shape[1:])
        self._scheme = STEPPERS[name]
        self._threads = threads if self.grid.cells >= _WORTH_THREADS else 1
        self._noise_arguments = (noise, model.sensing_ranges.max() if noise_length is None else noise_length, seed)
        self._maximum_clipped_share = maximum_clipped_share
        self._plan(None)
        state = transform_of(density) * self._hydrodynamics.retained
        self._initial_mass = state[:, 0, 0].real.copy()
        # a law that gives no speed is an error at once, not at the first step
        fastest = float(self._hydrodynamics.fields(state).largest_diffusivity.max())
        self._pace = self._new_pace(noise, time_step, tolerance, fastest)
        self._march_from(state, Monitors())

    def _new_pace(self, noise: float, time_step: float | None, tolerance: float | None, fastest: float) -> float | StepControl:
        """A fixed time step, or the control of steps that follow the error; ``fastest`` is the largest diffusivity."""
        if time_step is not None and not (math.isfinite(time_step) and time_step > 0.0):
            raise InputError(f"fields.time_step is {time_step}; it must be positive and finite")
        if tolerance is not None and (noise > 0.0 or time_step is not None):
            what = "a noisy run has a fixed time step" if noise > 0.0 else "fields.time_step is fixed"
            raise InputError(f"fields.tolerance is {tolerance}, but {what}; leave one of the two out")
        if time_step is not None:
            return float(time_step)
        if noise > 0.0:
            return default_time_step(self.model, self._initial_mass / self.grid.cells, self.grid)
        # the first step is one that is stable without any splitting; the controller soon lengthens it
        diffusivity = fastest + float(self.model.translational_diffusivities.max())
        rate = diffusivity * float(np.max(self.grid.squared_wavenumber * self._hydrodynamics.retained))
        first = 1.0 / rate if rate > 0.0 else float(self.model.persistence_times.min())
        wanted = DEFAULT_TOLERANCE if tolerance is None else tolerance
        return StepControl(wanted, self._scheme.error_order, first, _SHORTEST_STEP * first)

    def _plan(self, known_wisdom: bytes | None) -> None:
        """Plan all transforms; with the wisdom of an earlier run the plans are the same, bit for bit."""
        set_threads(self._threads)
        self._transforms = Transforms(self._threads, known_wisdom)
        self._hydrodynamics = Hydrodynamics(self.model, self.grid, self._transforms)
        self._noise = FieldNoise(self._hydrodynamics, *self._noise_arguments)
        self._wisdom = wisdom()

    def _march_from(self, state: ComplexArray, monitors: Monitors) -> None:
        fixed = self._pace if isinstance(self._pace, float) else 0.0
        self._dynamics = FieldDynamics(self._hydrodynamics, self._noise, fixed, monitors, self._maximum_clipped_share)
        self._march = March(self._dynamics, self._scheme(state.shape, state.dtype), state, self._pace)

    @property
    def monitors(self) -> Monitors:
        """What went on so far."""
        return self._dynamics.monitors

    @property
    def time_step(self) -> float:
        """Fixed time step, or the next one that is wished for (time)."""
        return self._march.time_step

    @property
    def time(self) -> float:
        """Physical time reached (time)."""
        return self._march.time

    @property
    def step(self) -> int:
        """Number of steps taken."""
        return self._march.step

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
        self._hydrodynamics.fields(self._march.state)
        return self._hydrodynamics.density.copy()

    def advance(self, until: float, *, interrupt: Callable[[], bool] | None = None) -> bool:
        """Step until the time is reached: exactly, or to the nearest of fixed steps.

        Parameters
        ----------
        until
            Physical time (time).
        interrupt
            Asked after every step; when it answers True the method returns, on a completed step.

        Returns
        -------
        bool
            Whether the time was reached.

        Raises
        ------
        NumericalFailure
            The densities or speeds left the range in which they mean anything, too many cells were clipped, or no step is
            short enough for the tolerance.
        """
        set_threads(self._threads)
        try:
            return self._march.advance(until, interrupt)
        finally:
            if isinstance(self._pace, StepControl):
                self.monitors.rejected_steps = self._pace.rejected

    def spectral_tail(self) -> float:
        """Share of the densities' variance in the last third of the retained wavenumbers, the largest over the species."""
        h, grid = self._hydrodynamics, self.grid
        power = grid.multiplicity * h.retained * np.abs(self._march.state) ** 2
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
            ``negative_share``, ``clipped_share`` (largest so far); with steps that follow the error ``time_step`` and
            ``rejected_steps``.
        """
        extremes = self._hydrodynamics.fields(self._march.state)
        m = self.monitors
        tail = self.spectral_tail()
        mass = self._march.state[:, 0, 0].real
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
        if isinstance(self._pace, StepControl):
            variables["time_step"] = _number(self.time_step, "time", "time step that is wished for next")
            variables["rejected_steps"] = _number(m.rejected_steps, "1", "steps taken again with a shorter time step")
        coordinates = {
            axis: Variable(self.grid.coordinates(axis), (axis,), "length", f"{axis} of the cell centres") for axis in "xy"
        }
        return Frame(self.time, self._march.step, variables, coordinates)

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
        arrays, numbers = self._march.memory()
        arrays |= {
            "reference_diffusivity": self._dynamics.reference.copy(),
            "initial_mass": self._initial_mass.copy(),
            "fftw_wisdom": np.frombuffer(self._wisdom, dtype=np.uint8),
        }
        # an infinity is no JSON: no density seen yet is told by leaving the number out
        monitors = {name: value for name, value in asdict(self.monitors).items() if math.isfinite(value)}
        return State(arrays, {**numbers, "monitors": monitors})

    def restore(self, state: State) -> None:
        """Continue from a state of the same model, grid and scheme.

        Raises
        ------
        InputError
            The state belongs to another grid, scheme or time step.
        """
        spectral = np.asarray(state.arrays["state"])
        if spectral.shape != self._march.state.shape:
            raise InputError("the stored state belongs to another grid or another number of species")
        self._transforms.close()
        self._plan(np.asarray(state.arrays["fftw_wisdom"]).tobytes())
        stored = state.numbers["monitors"]
        assert isinstance(stored, dict)
        monitors = Monitors(**{f.name: float(str(stored[f.name])) for f in fields(Monitors) if f.name in stored})
        self._march_from(np.array(spectral), monitors)
        self._initial_mass = np.array(state.arrays["initial_mass"])
        self._dynamics.reference = np.array(state.arrays["reference_diffusivity"])
        self._march.restore(state.arrays, state.numbers, self._dynamics.rates())

    def _pace_in_words(self) -> str:
        if isinstance(self._pace, StepControl):
            return f"tolerance {self._pace.tolerance:g}"
        return f"time step {self._pace:g}"

    def __repr__(self) -> str:
        ny, nx = self.grid.shape
        noise = f"noise {self._noise.strength:g} above {self._noise.length:g}" if self._noise.strength else "deterministic"
        return (
            f"FieldSolver(order 0)\n├─ {self.model!r}\n├─ grid {nx} x {ny}, box {self.grid.size[0]:g} x {self.grid.size[1]:g}\n"
            f"├─ {self._scheme.name}, {self._pace_in_words()}\n└─ {noise}; t = {self.time:g}"
        )


def _number(value: Any, units: str, long_name: str) -> Variable:
    return Variable(np.asarray(value, dtype=np.float64), (), units, long_name)


def _check(model: Model, density: Array, stepper: str, noise: float) -> None:
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
    if noise > 0.0 and STEPPERS[stepper].weak_order == 0:
        noisy = " or ".join(f"'{name}'" for name in sorted(STEPPERS) if STEPPERS[name].weak_order > 0)
        raise InputError(f"the stepper '{stepper}' is for deterministic runs, and fields.noise is {noise:g}; use {noisy}")
