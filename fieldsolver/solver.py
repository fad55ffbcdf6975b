"""The field solver: a model as stochastic partial differential equations on a periodic grid."""

import math
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import Any, Literal

import numpy as np

from fieldsolver import snapshots
from fieldsolver._point_loops import LONGER
from fieldsolver.control import StepControl
from fieldsolver.dynamics import FieldDynamics
from fieldsolver.layout import Layout, linear_part, reference_diffusivities
from fieldsolver.marching import March
from fieldsolver.monitors import OVERPOLARISED_LIMIT, Monitors, angular_tail, inspect, sampled_densities, spectral_tail
from fieldsolver.noise import FieldNoise, random_fields
from fieldsolver.observables import Observables
from fieldsolver.observation import Observation
from fieldsolver.righthandside import Extremes, RightHandSide
from fieldsolver.steppers import STEPPERS, default_stepper
from fieldsolver.timestep import default_time_step, stable_time_step
from fieldsolver.wellposed import check_well_posed
from theory.arrays import Array, ComplexArray
from theory.compiling import set_threads
from theory.errors import InputError
from theory.fourier import Grid, remember, wisdom
from theory.frames import Frame, State, Variable, number
from theory.model import Model
from theory.recording import Recorder

DEFAULT_TOLERANCE = 1e-3
# A step this many times shorter than one that is stable in any case tells that something else is wrong.
_SHORTEST_STEP = 1e-6
# Cells from which loops and transforms are worth sharing among threads: below, waking a thread costs what it saves.
_WORTH_THREADS = 384 * 384

Precision = Literal["float64", "float32"]


class FieldSolver:
    """A mixture as fluctuating fields: hydrodynamics (order 0), or angular harmonics up to a degree (order 1 and above).

    Parameters
    ----------
    model
        The model, in one, two or three dimensions.
    size
        Box edges (Lx, Ly, ...) (length).
    density
        Initial densities, shape (species, [nz,] [ny,] nx), all even (1/length^d).
    order
        Highest degree of the angular harmonics that has a dynamics of its own.
    polarity
        Initial polarities, density times mean direction, shape (species, direction, [nz,] [ny,] nx); none by default. Order 1
        and above.
    concentration
        Initial concentrations of the chemicals that are not adiabatic, shape (chemical, ...); steady by default.
    precision
        Of fields and transforms; modes and time steps are in double precision in any case.
    noise
        Strength of the noise: 1 is that of the particles, 0 deterministic.
    noise_length
        Coarse-graining length of the noise (length); default the largest sensing range.
    time_step
        Fixed dt (time). By default a deterministic run follows its error, and a noisy one takes
        :func:`fieldsolver.timestep.default_time_step`.
    tolerance
        Largest error of a step, relative to the variation of the fields; for deterministic runs without a fixed step.
    stepper
        Name of a scheme, see :mod:`fieldsolver.steppers`; by default that of
        :func:`fieldsolver.steppers.default_stepper`.
    seed
        Key of the random numbers.
    threads
        Threads of the loops and transforms; the results do not depend on it.
    maximum_clipped_share
        A noisy run stops when more than this share of cells has a negative density.
    observables
        What is measured on the way and shown in frames; by default nothing but the fields and monitors.

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
        order: int = 0,
        polarity: Array | None = None,
        concentration: Array | None = None,
        precision: Precision = "float64",
        noise: float = 0.0,
        noise_length: float | None = None,
        time_step: float | None = None,
        tolerance: float | None = None,
        stepper: str | None = None,
        seed: int = 1,
        threads: int = 1,
        maximum_clipped_share: float = 0.05,
        observables: Observables | None = None,
    ) -> None:
        density = np.asarray(density, dtype=np.float64)
        name = stepper or default_stepper(noise, order)
        _check_arguments(model, density, name, noise, precision)
        self.model, self.grid = model, Grid(tuple(map(float, size)), density.shape[1:])
        self._layout = Layout(model, order, keep_density=noise > 0.0)
        _check_initial(self._layout, density, polarity, concentration)
        self._scheme, self._precision = STEPPERS[name], precision
        self._threads = threads if self.grid.cells >= _WORTH_THREADS else 1
        self._noise_arguments = (noise, model.sensing_ranges.max() if noise_length is None else noise_length, seed)
        self._maximum_clipped_share = maximum_clipped_share
        self._plan()
        modes = self._righthandside.modes
        state = snapshots.initial_state(density, polarity, concentration, self._layout, modes)
        self._initial_mass = self._mass_of(state)
        check_well_posed(self._layout, self._initial_mass / self.grid.volume)
        # a law that gives no speed is an error at once, not at the first step
        seen = self._righthandside.survey(state)
        inspect(self._righthandside, seen, math.inf)
        self._pace = self._new_pace(noise, time_step, tolerance, seen)
        self._march_from(state, Monitors())
        observers = [] if observables is None else observables.observers(self._layout, modes)
        self._recorder = Recorder(observers, observables)

    def _new_pace(self, noise: float, time_step: float | None, tolerance: float | None, seen: Extremes) -> float | StepControl:
        """A fixed time step, or the control of steps that follow the error."""
        if time_step is not None and not (math.isfinite(time_step) and time_step > 0.0):
            raise InputError(f"fields.time_step is {time_step}; it must be positive and finite")
        if tolerance is not None and (noise > 0.0 or time_step is not None):
            what = "a noisy run has a fixed time step" if noise > 0.0 else "fields.time_step is fixed"
            raise InputError(f"fields.tolerance is {tolerance}, but {what}; leave one of the two out")
        if time_step is not None:
            return float(time_step)
        if noise > 0.0:
            return default_time_step(self.model, self._initial_mass / self.grid.volume, self.grid, self._layout.order)
        # the first step is one that is stable without any splitting; the controller soon lengthens it
        rates, diffusivities = linear_part(self._layout)
        diffusivities = diffusivities + reference_diffusivities(self._layout, seen.fastest_speed, seen.highest_density)
        largest = float(self._righthandside.modes.squared_wavenumber.max())
        transport = float(seen.fastest_speed.max()) * math.sqrt(largest) if self._layout.order > 0 else 0.0
        rate = float(np.max(rates + diffusivities * largest)) + transport
        first = 1.0 / rate if rate > 0.0 else float(self.model.persistence_times.min())
        wanted = DEFAULT_TOLERANCE if tolerance is None else tolerance
        return StepControl(wanted, self._scheme.error_order, first, _SHORTEST_STEP * first)

    def _plan(self) -> None:
        """Plan all transforms; with the wisdom of an earlier run the plans are the same, bit for bit."""
        set_threads(self._threads)
        strength, length, seed = self._noise_arguments
        if not (math.isfinite(strength) and strength >= 0.0):
            raise InputError(f"fields.noise is {strength}; it must be finite and not negative")
        randoms = random_fields(self._layout) if strength > 0.0 else []
        self._righthandside = RightHandSide(
            self._layout, self.grid, threads=self._threads, precision=self._precision, random_rows=len(randoms)
        )
        self._noise = FieldNoise(self._righthandside, randoms, strength, length, seed)
        self._wisdom = wisdom()

    def _march_from(self, state: ComplexArray, monitors: Monitors) -> None:
        fixed = self._pace if isinstance(self._pace, float) else 0.0
        self._dynamics = FieldDynamics(self._righthandside, self._noise, fixed, monitors, self._maximum_clipped_share)
        self._march = March(self._dynamics, self._scheme(state.shape, state.dtype), state, self._pace)

    def _mass_of(self, state: ComplexArray) -> Array:
        """Number of particles of each species, shape (species,)."""
        components = [self._layout.component(s, 0) for s in range(self._layout.species)]
        return np.asarray(state[components, 0, 0].real * self.grid.cell_volume)

    @property
    def order(self) -> int:
        """Highest degree of the angular harmonics that has a dynamics of its own."""
        return self._layout.order

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
        """Densities now, shape (species, [nz,] [ny,] nx) (1/length^d), a copy."""
        return snapshots.densities(self._march.state, self._layout, self._righthandside.modes)

    @property
    def polarity(self) -> Array:
        """Polarities now, shape (species, direction, [nz,] [ny,] nx) (1/length^d), a copy; none at order 0.

        Raises
        ------
        InputError
            The order is 0.
        """
        if self._layout.order == 0:
            raise InputError("fields.order is 0: the polarity follows the densities and has no field of its own")
        components = [
            [self._layout.component(s, 1 + j) for j in range(self._layout.dimension)] for s in range(self._layout.species)
        ]
        return self._righthandside.modes.field(self._march.state[components])

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
            The fields or speeds left the range in which they mean anything, too many cells were clipped, or no step is short
            enough for the tolerance.
        """
        set_threads(self._threads)
        stopped = False

        def after_step() -> bool:
            nonlocal stopped
            self._recorder.step(self._observation)
            stopped = interrupt is not None and interrupt()
            return stopped

        self._recorder.step(self._observation)
        try:
            for time in self._recorder.due(until):
                if not self._march.advance(time, after_step):
                    return False
                self._recorder.sample(self._observation())
                if stopped:
                    break
            return self._march.advance(until, after_step) if not stopped else self._march.reached(until)
        finally:
            if isinstance(self._pace, StepControl):
                self.monitors.rejected_steps = self._pace.rejected

    def _observation(self) -> Observation:
        return Observation(self.time, self._march.state, self._layout, self._righthandside.modes)

    def spectral_tail(self) -> float:
        """Share of the densities' variance in the last third of the retained wavenumbers, the largest over the species."""
        components = [self._layout.component(s, 0) for s in range(self._layout.species)]
        return spectral_tail(self._march.state[components], self._righthandside.modes)

    def frame(self) -> Frame:
        """Fields and time series at this time.

        Returns
        -------
        Frame
            ``density_<species>``, ``concentration_<chemical>``, from order 1 on ``polarity_<axis>_<species>``, all ([z,] [y,]
            x); ``mean_speed_<species>``, ``mass_<species>``, ``polar_order_<species>``; ``spectral_tail``, ``negative_share``,
            ``clipped_share`` (largest so far), from order 1 on ``overpolarised_share``, from order 2 on ``angular_tail``; with
            a fixed step ``stable_time_step``, otherwise ``time_step`` and ``rejected_steps``; and what the observers show.
        """
        state, layout, modes = self._march.state, self._layout, self._righthandside.modes
        extremes = self._righthandside.survey(state)
        variables = dict(snapshots.fields(state, layout, modes))
        self._bring_up_to_date(extremes, variables)
        mass, orders = self._mass_of(state), snapshots.polar_orders(state, layout)
        for s, name in enumerate(self.model.names):
            variables[f"mean_speed_{name}"] = number(extremes.mean_speed[s], "length/time", f"mean speed of {name}")
            variables[f"mass_{name}"] = number(mass[s], "1", f"mean number of particles of {name}")
            if layout.order > 0:
                variables[f"polar_order_{name}"] = number(orders[s], "1", f"length of the mean direction of {name}")
        variables |= self._watched(extremes)
        observed, coordinates = self._recorder.frame(self._observation())
        return Frame(self.time, self._march.step, variables | observed, {**snapshots.coordinates(modes), **coordinates})

    def _bring_up_to_date(self, extremes: Extremes, variables: dict[str, Variable]) -> None:
        m, state = self.monitors, self._march.state
        m.see(extremes)
        m.largest_spectral_tail = max(m.largest_spectral_tail, self.spectral_tail())
        m.largest_angular_tail = max(m.largest_angular_tail, angular_tail(state, self._layout, self._righthandside.modes))
        drift = np.abs(self._mass_of(state) - self._initial_mass) / np.where(self._initial_mass > 0.0, self._initial_mass, 1.0)
        m.mass_drift = max(m.mass_drift, float(drift.max()))
        if isinstance(self._pace, float):
            density = np.stack([variables[f"density_{name}"].data for name in self.model.names])
            seen = sampled_densities(self._righthandside, density)
            m.stable_time_step = min(m.stable_time_step, stable_time_step(self._layout, seen, self.grid))

    def _watched(self, extremes: Extremes) -> dict[str, Variable]:
        m = self.monitors
        out = {
            "spectral_tail": number(self.spectral_tail(), "1", "share of variance in the last third of the modes"),
            "negative_share": number(extremes.negative_share.max(), "1", "share of cells with negative density"),
            "clipped_share": number(m.largest_clipped_share, "1", "largest share of cells clipped by the noise so far"),
        }
        if self._layout.order > 0:
            share = extremes.overpolarised_share.max()
            out["overpolarised_share"] = number(share, "1", "share of cells with a polarity longer than the density")
        if self._layout.order > 1:
            tail = angular_tail(self._march.state, self._layout, self._righthandside.modes)
            out["angular_tail"] = number(tail, "1", "highest harmonics over the density")
        if isinstance(self._pace, StepControl):
            out["time_step"] = number(self.time_step, "time", "time step that is wished for next")
            out["rejected_steps"] = number(m.rejected_steps, "1", "steps taken again with a shorter time step")
        else:
            out["stable_time_step"] = number(m.stable_time_step, "time", "longest step that is stable, about, least so far")
        return out

    def warnings(self) -> list[str]:
        """Sentences on what a reader of the results must know; empty when all is well."""
        fixed = self._pace if isinstance(self._pace, float) else 0.0
        return self.monitors.warnings(noisy=self.noise_strength > 0.0, time_step=fixed)

    def state(self) -> State:
        """Everything that a bit-exact continuation needs."""
        arrays, numbers = self._march.memory()
        arrays |= {
            "reference_diffusivity": self._dynamics.reference.copy(),
            "initial_mass": self._initial_mass.copy(),
            "fftw_wisdom": np.frombuffer(self._wisdom, dtype=np.uint8),
        }
        arrays |= self._recorder.memory()
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
            raise InputError("the stored state belongs to another grid, another order or another number of species")
        self._righthandside.passes.close()
        remember(np.asarray(state.arrays["fftw_wisdom"]).tobytes())
        self._plan()
        stored = state.numbers["monitors"]
        assert isinstance(stored, dict)
        monitors = Monitors(**{f.name: float(str(stored[f.name])) for f in fields_of(Monitors) if f.name in stored})
        self._march_from(np.array(spectral), monitors)
        self._initial_mass = np.array(state.arrays["initial_mass"])
        self._dynamics.reference = np.array(state.arrays["reference_diffusivity"])
        self._march.restore(state.arrays, state.numbers, self._dynamics.rates())
        self._recorder.restore(state.arrays)

    def _pace_in_words(self) -> str:
        if isinstance(self._pace, StepControl):
            return f"tolerance {self._pace.tolerance:g}"
        return f"time step {self._pace:g}"

    def __repr__(self) -> str:
        cells = " x ".join(map(str, self.grid.shape[::-1]))
        box = " x ".join(f"{edge:g}" for edge in self.grid.size)
        noise = f"noise {self._noise.strength:g} above {self._noise.length:g}" if self._noise.strength else "deterministic"
        return (
            f"FieldSolver(order {self._layout.order})\n├─ {self.model!r}\n├─ grid {cells}, box {box}, {self._precision}\n"
            f"├─ {self._scheme.name}, {self._pace_in_words()}\n└─ {noise}; t = {self.time:g}"
        )


def _check_arguments(model: Model, density: Array, stepper: str, noise: float, precision: str) -> None:
    if density.ndim != 1 + model.dimension or density.shape[0] != model.number_of_species:
        axes = ", ".join(["nz", "ny", "nx"][-model.dimension :])
        raise InputError(f"the density has shape {density.shape}, not ({model.number_of_species}, {axes})")
    if not np.all(np.isfinite(density)) or np.any(density < 0.0):
        raise InputError("initial densities must be finite and not negative")
    if precision not in ("float64", "float32"):
        raise InputError(f"fields.precision is '{precision}'; known: float64, float32")
    if stepper not in STEPPERS:
        raise InputError(f"the stepper '{stepper}' is unknown; known: {', '.join(sorted(STEPPERS))}")
    if noise > 0.0 and STEPPERS[stepper].weak_order == 0:
        noisy = " or ".join(f"'{name}'" for name in sorted(STEPPERS) if STEPPERS[name].weak_order > 0)
        raise InputError(f"the stepper '{stepper}' is for deterministic runs, and fields.noise is {noise:g}; use {noisy}")


def _check_initial(layout: Layout, density: Array, polarity: Array | None, concentration: Array | None) -> None:
    """Shapes of the initial fields beside the densities, and lengths of polarities."""
    cells = density.shape[1:]
    expected: dict[str, tuple[Any, tuple[int, ...]]] = {
        "polarity": (polarity, (layout.species, layout.dimension, *cells)),
        "concentration": (concentration, (len(layout.dynamic_chemicals), *cells)),
    }
    if polarity is not None and layout.order == 0:
        raise InputError("an initial polarity was given, but fields.order is 0; raise fields.order to 1 or more")
    for name, (array, shape) in expected.items():
        if array is not None and (np.shape(array) != shape or not np.all(np.isfinite(array))):
            raise InputError(
                f"the initial {name} has shape {np.shape(array)} or is not finite; it must be finite with shape {shape}"
            )
    if polarity is not None:
        longer = np.sum(np.square(polarity), axis=1) > LONGER * np.square(density)
        share = float(longer.mean(axis=tuple(range(1, density.ndim))).max())
        if share > OVERPOLARISED_LIMIT:
            raise InputError(
                f"the initial polarity is longer than the density in {100.0 * share:.3g} % of the cells, which no "
                f"distribution of directions has (limit {100.0 * OVERPOLARISED_LIMIT:g} %); shorten initial.polarity, or "
                "lower initial.noise, by which it is perturbed"
            )
