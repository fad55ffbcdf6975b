"""The particle engine: a model, as particles in a periodic box."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from particles import frames
from particles._motion_loops import count_refused
from particles.mesh import grid_for
from particles.motion import Propagator
from particles.sensing import ExactSensing, MeshSensing, Sensing
from particles.state import initial_particles
from theory.compiling import set_threads
from theory.errors import InputError, NumericalFailure
from theory.fourier import Grid
from theory.frames import Frame, Json, State
from theory.model import Model

Array = NDArray[np.float64]

# Cells of the output grid per sensing range, unless it is given.
_OUTPUT_CELLS_PER_RANGE = 4.0
_LARGEST_SEED = 2**64 - 1
# Spacing of the mesh, in units of the smallest sensing range, up to which its errors stay below 0.3 %.
_COARSE_MESH = 0.25
# Relative bias of the motility feedback by the time step from which on it is told.
_LARGEST_STEP_BIAS = 0.02


class ParticleEngine:
    """Quorum-sensing particles in a periodic box of two dimensions.

    Parameters
    ----------
    model
        Species, motility laws, sensing. Of dimension 2.
    size
        Edges of the box (x, y), shape (2,) (length).
    composition
        Mean number densities (1/length^2), by species name or as an array (species,).
    time_step
        dt (time).
    sensing
        ``"mesh"``: by way of a mesh; see :class:`particles.sensing.MeshSensing` for its error. ``"exact"``: by
        summation over all pairs.
    seed
        Key of all random numbers, 0 to 2^64 - 1.
    mesh_spacing
        Largest spacing of the mesh (length); an eighth of the smallest sensing range by default. Only with ``"mesh"``.
    output_grid
        Numbers of cells (x, y) of the densities in frames, even and at least 8; by default cells are at most a quarter of
        the smallest sensing range.
    threads
        Number of threads. Results do not depend on it.
    save_positions
        Whether frames hold the particles themselves.
    density
        Profile from which the initial positions are drawn, shape (species, ny, nx), constant within each cell of a grid over
        the box; by default uniform. The numbers of particles are those of the composition.

    Raises
    ------
    InputError
        An argument is out of its range; the message says which, and the range.

    Notes
    -----
    Particles start independent of each other, with directions of the stationary law.
    """

    def __init__(
        self,
        model: Model,
        size: ArrayLike,
        composition: Mapping[str, float] | ArrayLike,
        *,
        time_step: float,
        sensing: Literal["mesh", "exact"] = "mesh",
        seed: int,
        mesh_spacing: float | None = None,
        output_grid: Sequence[int] | None = None,
        threads: int = 1,
        save_positions: bool = True,
        density: Array | None = None,
    ) -> None:
        edges = _checked_size(model, size)
        _check_numbers(time_step, seed, threads)
        self._model = model
        self._size = edges
        self._time_step = float(time_step)
        self._seed = int(seed)
        self._threads = int(threads)
        self._save_positions = save_positions
        self._step = 0
        self._particles = initial_particles(model, edges, model.densities(composition), self._seed, density)
        self._propagator = Propagator(model, self._time_step, self._seed)
        self._sensing_name = sensing
        self._sensing = self._new_sensing(sensing, mesh_spacing)
        self._output_grid = self._new_output_grid(output_grid)
        numbers = self._particles.numbers
        self._sensed = [np.empty((model.number_of_species, n)) for n in numbers]
        self._speeds = np.empty(self._particles.number)
        self._laws = model.compiled()
        self._rows = np.arange(model.number_of_species)
        self._use_threads()
        self._sensing.order.sort(self._particles)
        self._sensed_now = False

    def _new_sensing(self, sensing: str, mesh_spacing: float | None) -> Sensing:
        offsets = self._particles.offsets
        if sensing == "mesh":
            return MeshSensing(self._model, self._size, offsets, mesh_spacing, self._threads)
        if sensing != "exact":
            raise InputError(f'sensing is \'{sensing}\'; it must be "mesh" or "exact"')
        if mesh_spacing is not None:
            raise InputError('mesh_spacing belongs to sensing = "mesh"; exact sensing has no mesh')
        return ExactSensing(self._model, self._size, offsets)

    def _new_output_grid(self, output_grid: Sequence[int] | None) -> Grid:
        if output_grid is None:
            return grid_for(self._size, float(np.min(self._model.sensing_ranges)) / _OUTPUT_CELLS_PER_RANGE)
        if len(output_grid) != self._size.size:
            raise InputError(f"output_grid has {len(output_grid)} numbers; the box has {self._size.size} edges")
        return Grid(tuple(self._size.tolist()), tuple(int(cells) for cells in reversed(output_grid)))

    @property
    def model(self) -> Model:
        """The model."""
        return self._model

    @property
    def size(self) -> Array:
        """Edges of the box (x, y), shape (2,) (length)."""
        return self._size.copy()

    @property
    def time(self) -> float:
        """Physical time."""
        return self._step * self._time_step

    @property
    def step(self) -> int:
        """Number of steps taken."""
        return self._step

    @property
    def time_step(self) -> float:
        """dt (time)."""
        return self._time_step

    @property
    def positions(self) -> Array:
        """Positions (length), shape (2, particle), in the order of :attr:`identities`. A copy."""
        return self._particles.positions.copy()

    @property
    def orientations(self) -> Array:
        """Self-propulsion directions u, shape (2, particle), in the order of :attr:`identities`. A copy."""
        return self._particles.orientations.copy()

    @property
    def identities(self) -> NDArray[np.int64]:
        """The particles' permanent numbers, shape (particle,). A copy; their order changes as the engine sorts its storage."""
        return self._particles.identities.copy()

    @property
    def species(self) -> NDArray[np.int16]:
        """Species (index) of each particle, shape (particle,); the same in storage and by permanent number."""
        return self._particles.species

    def sensed_densities(self) -> Array:
        """What each particle senses now.

        Returns
        -------
        ndarray
            Densities (1/length^2), shape (source species, particle), in the order of :attr:`identities`.
        """
        self._sense()
        return np.concatenate(self._sensed, axis=1)

    def speeds(self) -> Array:
        """Speed of each particle now (length/time), shape (particle,), in the order of :attr:`identities`.

        Raises
        ------
        NumericalFailure
            A motility law gives a speed that is negative or not finite.
        """
        self._sense()
        return self._speeds.copy()

    def advance(self, until: float, *, interrupt: Callable[[], bool] | None = None) -> bool:
        """Step on to a time.

        Parameters
        ----------
        until
            Time to reach; ``round(until/time_step)`` steps will have been taken in all.
        interrupt
            Asked before every step; where it says true, the method returns at once.

        Returns
        -------
        bool
            Whether the time was reached.

        Raises
        ------
        NumericalFailure
            A motility law gives a speed that is negative or not finite; the last completed step is kept.
        """
        last = round(until / self._time_step)
        while self._step < last and not (interrupt is not None and interrupt()):
            self._sense()
            self._propagator.move(self._step, self._sensing.order, self._speeds, self._particles)
            self._sensing.prepare(self._particles)
            self._step += 1
            self._sensed_now = False
        return self._step >= last

    def _use_threads(self) -> None:
        # other engines of the process may have set another number
        set_threads(self._threads)

    def _sense(self) -> None:
        """Bring sensed densities and speeds up to date."""
        self._use_threads()
        if self._sensed_now:
            return
        self._sensing.sense(self._particles, self._sensed)
        for n, sensed in enumerate(self._sensed):
            out = self._speeds[self._particles.slice_of(n)]
            self._laws.of(n)(sensed, self._rows, self._laws.parameters, out)
        if count_refused(self._speeds):
            raise self._failure()
        self._sensed_now = True

    def _failure(self) -> NumericalFailure:
        refused = ~(np.isfinite(self._speeds) & (self._speeds >= 0.0))
        # the same particle whatever the order of storage
        candidates = np.flatnonzero(refused)
        first = int(candidates[np.argmin(self._particles.identities[candidates])])
        number = int(self._particles.species[first])
        one = self._model.species[number]
        sensed = self._sensed[number][:, first - int(self._particles.offsets[number])]
        at = ", ".join(f"{name} = {value:g}" for name, value in zip(self._model.names, sensed, strict=True))
        return NumericalFailure(
            f"species {one.name}: the law '{one.speed}' gives the speed {self._speeds[first]:g} at the sensed densities "
            f"{at} (time {self.time:g}, {np.count_nonzero(refused)} particles); speeds must be finite and not negative: "
            "change the law or its parameters"
        )

    def frame(self) -> Frame:
        """Densities on the output grid, mean speeds, and the particles where they are saved.

        Returns
        -------
        Frame
            The variables of :func:`particles.frames.species_variables` and, where positions are saved, of
            :func:`particles.frames.particle_variables`.

        Raises
        ------
        NumericalFailure
            A motility law gives a speed that is negative or not finite.
        """
        self._sense()
        variables = frames.species_variables(self._model.names, self._particles, self._speeds, self._output_grid)
        if self._save_positions:
            variables |= frames.particle_variables(self._particles)
        return Frame(self.time, self._step, variables, frames.coordinates(self._output_grid))

    def _settings(self) -> dict[str, Json]:
        """What must agree for a state to be continued."""
        settings: dict[str, Json] = {
            "size": self._size.tolist(),
            "species": list(self._model.names),
            "particle_numbers": self._particles.numbers.tolist(),
            "time_step": self._time_step,
            "seed": self._seed,
            "sensing": self._sensing_name,
        }
        if isinstance(self._sensing, MeshSensing):
            settings |= {"mesh": list(self._sensing.grid.shape[::-1]), "planner": self._sensing.planner}
        return settings

    def warnings(self) -> list[str]:
        """Sentences on what a reader of the results must know; empty when all is well."""
        found = []
        # speeds are taken at the start of a step (Ito): exact for a first-order scheme, see docs/theory.md
        excess = float(np.max(np.tanh(0.5 * self._time_step / self._model.persistence_times)))
        if excess > _LARGEST_STEP_BIAS:
            found.append(
                f"the time step strengthens the motility feedback by {100.0 * excess:.2g} % (tanh of half the step over the "
                "persistence time); shorten particles.time_step"
            )
        if isinstance(self._sensing, MeshSensing):
            share = max(self._sensing.grid.spacing) / float(np.min(self._model.sensing_ranges))
            if share > _COARSE_MESH * (1.0 + 1e-12):
                found.append(
                    f"the sensing mesh has {1.0 / share:.2g} cells per sensing range: sensed densities err by more than 0.3 %; "
                    "lower particles.mesh_spacing"
                )
        return found

    def state(self) -> State:
        """Everything that a bit-exact continuation needs: the particles in their order of storage, and how it was sorted."""
        arrays = {"positions": self.positions, "orientations": self.orientations, "identities": self.identities}
        return State(arrays | self._sensing.state(), self._settings() | {"step": self._step})

    def restore(self, state: State) -> None:
        """Continue from a state of an engine with the same arguments (the number of threads may differ).

        Raises
        ------
        InputError
            The state is of another run; the message says what differs.
        """
        for name, value in self._settings().items():
            if state.numbers.get(name) != value:
                raise InputError(
                    f"the state has {name} = {state.numbers.get(name)}, this engine {value}; it cannot be continued"
                )
        step = state.numbers.get("step")
        if not isinstance(step, int):
            raise InputError(f"the state has step = {step}; it cannot be continued")
        self._use_threads()
        particles = self._particles
        particles.positions[:] = state.arrays["positions"]
        particles.orientations[:] = state.arrays["orientations"]
        particles.identities[:] = state.arrays["identities"]
        self._sensing.restore(state.arrays, particles)
        self._step = step
        self._sensed_now = False

    def __repr__(self) -> str:
        numbers = zip(self._model.names, self._particles.numbers, strict=True)
        return "\n".join(
            [
                "ParticleEngine",
                f"├─ box: {self._size[0]:g} x {self._size[1]:g}, periodic",
                "├─ particles: " + ", ".join(f"{name} {number}" for name, number in numbers),
                *(f"├─ {one.name}: v = {one.speed}; {one.motion}" for one in self._model.species),
                f"├─ sensing: {self._sensing}",
                f"├─ output grid: {self._output_grid.shape[1]} x {self._output_grid.shape[0]}",
                f"├─ time step: {self._time_step:g}; seed {self._seed}; threads {self._threads}",
                f"└─ time: {self.time:g} (step {self._step})",
            ]
        )


def _checked_size(model: Model, size: ArrayLike) -> Array:
    if model.dimension != 2:
        raise InputError(f"the model has dimension {model.dimension}; the particle engine simulates dimension 2")
    edges = np.array(size, dtype=np.float64)
    if edges.shape != (2,) or not np.all(np.isfinite(edges) & (edges > 0.0)):
        raise InputError(f"size is {size!r}; it must be two positive, finite edges (x, y)")
    return edges


def _check_numbers(time_step: float, seed: int, threads: int) -> None:
    if not (np.isfinite(time_step) and time_step > 0.0):
        raise InputError(f"time_step is {time_step}; it must be positive and finite")
    if not 0 <= seed <= _LARGEST_SEED:
        raise InputError(f"seed is {seed}; it must be from 0 to {_LARGEST_SEED}")
    if threads < 1:
        raise InputError(f"threads is {threads}; it must be at least 1")
