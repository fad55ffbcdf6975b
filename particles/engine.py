"""The particle engine: a model, as particles in a periodic box."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from particles import advice, frames, setup
from particles.initial import initial_particles
from particles.motion import Integrator, Propagator
from particles.observables import Observables
from particles.observation import Observation
from particles.pair_forces import VerletForces
from particles.perception import Perception
from particles.stages import Storage
from theory.arrays import Array
from theory.compiling import set_threads
from theory.errors import InputError
from theory.frames import Frame, Json, State
from theory.model import Model
from theory.recording import Recorder


class ParticleEngine:
    """Active particles in a periodic box of one, two or three dimensions.

    A step is a pipeline of stages, each in a class of its own: the places of all particles in the middle of the step are
    predicted (:class:`particles.motion.Propagator`) and the storage is sorted by them
    (:class:`particles.neighbours.SlabOrder`); there the particles sense, their laws give speeds, and they feel the gradients of
    chemicals (:class:`particles.perception.Perception`) and each other (:class:`particles.pair_forces.VerletForces`); then they
    move.

    Parameters
    ----------
    model
        Species, motility laws, sensing, chemicals.
    size
        Edges of the box (x, y, ...), shape (dimension,) (length).
    composition
        Mean number densities (1/length^d), by species name or as an array (species,).
    time_step
        dt (time).
    sensing
        ``"mesh"``: by way of a mesh; see :class:`particles.sensing.MeshSensing` for its error. ``"exact"``: by
        summation over all pairs.
    integrator
        ``"midpoint"`` or ``"euler"``; see :mod:`particles.motion`.
    seed
        Key of all random numbers, 0 to 2^64 - 1.
    mesh_spacing
        Largest spacing of the mesh (length); by default an eighth of the smallest sensing range and length of a chemical.
    output_grid
        Numbers of cells (x, y, ...) of the densities in frames, even and at least 8; by default cells are at most a quarter of
        the smallest sensing range, or, where nothing is sensed, two mean distances of particles.
    threads
        Number of threads. Results do not depend on it.
    save_positions
        Whether frames hold the particles themselves.
    density
        Profile from which the initial positions are drawn, shape (species, [z,] [y,] x), constant within each cell of a grid
        over the box; by default uniform. The numbers of particles are those of the composition.
    polarity
        Mean directions at the start, shape (species, direction, [z,] [y,] x), at most of length 1, constant within each cell of
        a grid over the box; by default none is preferred. See :mod:`particles.initial_directions`.
    minimum_distance
        Least distance between any two particles at the start (length); see :mod:`particles.separation`.
    observables
        What is measured on the way and shown in frames; by default nothing but what frames show anyway.

    Raises
    ------
    InputError
        An argument is out of its range; the message says which, and the range.

    Notes
    -----
    Particles start independent of each other but for the least distance, without polarity with directions of the stationary
    law of free particles; those that interact are then pushed apart by their forces until the time step resolves them.
    Time-dependent chemicals start from the steady concentrations of these particles.
    """

    def __init__(
        self,
        model: Model,
        size: ArrayLike,
        composition: Mapping[str, float] | ArrayLike,
        *,
        time_step: float,
        sensing: Literal["mesh", "exact"] = "mesh",
        integrator: Integrator = "midpoint",
        seed: int,
        mesh_spacing: float | None = None,
        output_grid: Sequence[int] | None = None,
        threads: int = 1,
        save_positions: bool = True,
        density: Array | None = None,
        polarity: Array | None = None,
        minimum_distance: float = 0.0,
        observables: Observables | None = None,
    ) -> None:
        edges = setup.checked_size(model, size)
        setup.check_arguments(time_step, integrator, seed, threads, minimum_distance)
        self._model, self._size, self._seed = model, edges, int(seed)
        self._time_step, self._threads, self._step = float(time_step), int(threads), 0
        self._integrator, self._sensing_name = integrator, sensing
        self._save_positions = save_positions
        self._use_threads()
        densities, predicts = model.densities(composition), setup.needs_middle(model, integrator)
        how = {"predicts": predicts, "interacts": bool(model.interactions)}
        self._particles = initial_particles(model, edges, densities, self._seed, density, minimum_distance, polarity, **how)
        self._propagator = Propagator(model, edges, self._time_step, self._seed, predicts=predicts)
        self._perception = Perception(
            model, edges, self._particles.offsets, sensing, mesh_spacing, self._time_step, self._threads, middle=predicts
        )
        order = setup.new_order(model, edges, self._particles, self._perception)
        self._pairs = None
        if model.interactions:
            self._pairs = VerletForces(model, edges, self._particles.offsets, densities, self._time_step, order)
        self._storage: Storage = self._pairs or order
        self._drifts, self._turn_rates = np.zeros_like(self._particles.drifts), np.zeros_like(self._particles.turn_rates)
        self._output_grid = setup.new_output_grid(model, edges, self._particles.number, output_grid)
        self._cuts = np.zeros(model.number_of_species, dtype=np.int64)
        self._speeds_now: Array | None = None
        self._storage.order.sort(self._particles)
        if self._pairs is not None:
            self._pairs.separate(self._particles)
        self._perception.begin(self._particles)
        self._observables = observables
        observers = [] if observables is None else observables.observers(model, edges, self._particles.numbers)
        self._recorder = Recorder(observers, observables)

    @property
    def model(self) -> Model:
        """The model."""
        return self._model

    @property
    def size(self) -> Array:
        """Edges of the box (x, y, ...), shape (dimension,) (length)."""
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
        """Positions (length), shape (dimension, particle), in the order of :attr:`identities`. A copy."""
        return self._particles.positions.copy()

    @property
    def orientations(self) -> Array:
        """Self-propulsion directions u, shape (dimension, particle), in the order of :attr:`identities`. A copy."""
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
            Densities (1/length^d), shape (source species, particle), in the order of :attr:`identities`.
        """
        self._use_threads()
        return self._perception.sensed_densities(self._particles, self._storage.order.strips)

    def speeds(self) -> Array:
        """Speed of each particle by its law, now (length/time), shape (particle,), in the order of :attr:`identities`.

        Raises
        ------
        NumericalFailure
            A motility law gives a speed that is negative or not finite.
        """
        self._use_threads()
        if self._speeds_now is None:
            self._speeds_now = self._perception.speeds_now(self._particles, self._storage.order.strips)
        return self._speeds_now.copy()

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
            A motility law gives a speed that is negative or not finite, or particles push each other harder than the time step
            resolves; the last completed step is kept.
        """
        self._use_threads()
        for time in self._recorder.due(until):
            if not self._step_until(time, interrupt):
                return False
            self._recorder.sample(self._observation())
        return self._step_until(until, interrupt)

    def _step_until(self, until: float, interrupt: Callable[[], bool] | None) -> bool:
        last = round(until / self._time_step)
        while self._step < last and not (interrupt is not None and interrupt()):
            self._take_step()
        return self._step >= last

    def _observation(self) -> Observation:
        return Observation(self.time, self._particles)

    def _take_step(self) -> None:
        particles, order = self._particles, self._storage.order
        self._propagator.predict(self._step, order, particles)
        self._storage.prepare(particles)
        if not self._perception.act(particles, order):
            raise self._perception.failure(particles)
        if self._pairs is not None:
            self._pairs.act(particles, self._drifts, self._turn_rates)
        velocities = (self._perception.speeds, self._drifts, self._turn_rates, self._perception.gradients)
        self._cuts += self._propagator.move(self._step, order, particles, *velocities)
        self._perception.finish()
        self._step += 1
        self._speeds_now = None

    def _use_threads(self) -> None:
        # other engines of the process may have set another number
        set_threads(self._threads)

    def frame(self) -> Frame:
        """Fields on the output grid, time series, and the particles where they are saved.

        Returns
        -------
        Frame
            The variables of :func:`particles.frames.species_variables`; with chemicals those of
            :func:`particles.frames.concentration_variables` and :func:`particles.frames.steering_variables`; where positions
            are saved, those of :func:`particles.frames.particle_variables`; and what the observers show.

        Raises
        ------
        NumericalFailure
            A motility law gives a speed that is negative or not finite.
        """
        model, particles, grid = self._model, self._particles, self._output_grid
        variables = frames.species_variables(model.names, particles, self.speeds(), grid)
        mesh = self._perception.mesh
        if mesh is not None and mesh.chemistry is not None:
            self._perception.look_at_chemicals(particles)
            variables |= frames.concentration_variables(model.chemical_names, mesh.chemistry.seen, mesh.mesh.grid, grid)
            variables |= frames.steering_variables(model.names, self._cut_shares())
        if self._save_positions:
            variables |= frames.particle_variables(particles)
        observed, coordinates = self._recorder.frame(self._observation())
        return Frame(self.time, self._step, variables | observed, frames.coordinates(grid) | coordinates)

    def _cut_shares(self) -> Array:
        """Share of all reorientations so far, by species, whose rate was cut."""
        return np.asarray(self._cuts / np.maximum(self._particles.numbers * self._step, 1))

    def _settings(self) -> dict[str, Json]:
        """What must agree for a state to be continued."""
        settings: dict[str, Json] = {
            "size": self._size.tolist(),
            "species": list(self._model.names),
            "particle_numbers": self._particles.numbers.tolist(),
            "time_step": self._time_step,
            "seed": self._seed,
            "sensing": self._sensing_name,
            "integrator": self._integrator,
            "observables": None if self._observables is None else self._observables.described(),
        }
        if self._perception.mesh is not None:
            mesh = self._perception.mesh.mesh
            settings |= {"mesh": list(mesh.grid.shape[::-1]), "planner": mesh.planner}
        return settings

    def warnings(self) -> list[str]:
        """Sentences on what a reader of the results must know; empty when all is well."""
        found = advice.step_warnings(self._model, self._integrator, self._time_step)
        if self._step > 0:
            found += advice.length_warnings(self._model, self._perception.speeds, self._particles, self._time_step)
            found += advice.cut_warnings(self._model.names, self._cut_shares())
        if self._perception.mesh is not None:
            found += advice.mesh_warnings(self._model, self._perception.mesh)
        found += [] if self._pairs is None else self._pairs.warnings()
        return found + self._recorder.warnings()

    def state(self) -> State:
        """Everything that a bit-exact continuation needs: the particles in their order of storage, and how it was sorted."""
        arrays = self._particles.state() | self._storage.state() | self._perception.state() | self._recorder.memory()
        return State(arrays, {**self._settings(), "step": self._step, "cuts": [int(cut) for cut in self._cuts]})

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
        self._particles.restore(state.arrays)
        self._storage.restore(state.arrays, self._particles)
        self._perception.restore(state.arrays)
        self._recorder.restore(state.arrays)
        self._cuts[:] = np.array(state.numbers["cuts"], dtype=np.int64)
        self._step = step
        self._speeds_now = None

    def __repr__(self) -> str:
        numbers = zip(self._model.names, self._particles.numbers, strict=True)
        return "\n".join(
            [
                "ParticleEngine",
                f"├─ box: {' x '.join(f'{edge:g}' for edge in self._size)}, periodic",
                "├─ particles: " + ", ".join(f"{name} {number}" for name, number in numbers),
                *(f"├─ {one.name}: v = {one.speed}; {one.motion}" for one in self._model.species),
                f"├─ reads: {self._perception}",
                *([] if self._pairs is None else [f"├─ pairs: {self._pairs}"]),
                f"├─ output grid: {' x '.join(str(cells) for cells in self._output_grid.shape[::-1])}",
                f"├─ {self._integrator}, time step: {self._time_step:g}; seed {self._seed}; threads {self._threads}",
                f"└─ time: {self.time:g} (step {self._step})",
            ]
        )
