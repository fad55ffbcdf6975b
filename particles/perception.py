"""What particles read of their surroundings, and the speeds that their laws make of it."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from particles._motion_loops import count_refused
from particles.exact_sensing import ExactSensing
from particles.neighbours import CellOrder
from particles.sensing import MeshSensing, check_chemicals, mesh_for
from particles.state import Particles
from theory.arrays import Array, Integers
from theory.codegen import CompiledLaws
from theory.errors import InputError, NumericalFailure
from theory.model import Model

Method = Literal["mesh", "exact"]


class Perception:
    """The first stages of a step: sensed densities and concentrations, speeds by the motility laws, gradients.

    What no law reads and nobody steers by is not computed.

    Parameters
    ----------
    model
        Laws, kernels, chemicals.
    size
        Edges of the box, shape (dimension,) (length).
    offsets
        Where each species begins in storage, shape (species + 1,).
    method
        How densities are sensed, ``"mesh"`` or ``"exact"``.
    spacing
        Largest spacing of the mesh (length), or None for the default of :func:`particles.sensing.mesh_for`.
    time_step
        dt (time).
    threads
        Threads for the transforms.
    middle
        Whether steps take fields from their middle; else from their start.

    Attributes
    ----------
    speeds
        Speeds by the laws, at the places of the last step (length/time), shape (particle,).
    gradients
        Of the concentrations there, shape (chemical, dimension, particle); of no rows if nothing steers.

    Raises
    ------
    InputError
        Densities cannot be sensed like this; the message says why.
    """

    def __init__(
        self,
        model: Model,
        size: Array,
        offsets: Integers,
        method: Method,
        spacing: float | None,
        time_step: float,
        threads: int,
        *,
        middle: bool,
    ) -> None:
        if method not in ("mesh", "exact"):
            raise InputError(f'sensing is \'{method}\'; it must be "mesh" or "exact"')
        if method == "exact" and spacing is not None and not model.chemicals:
            raise InputError('mesh_spacing belongs to sensing = "mesh" and to chemicals; exact sensing has no mesh')
        self._model, self._size, self._offsets = model, size, offsets
        self._method, self._spacing = method, spacing
        self._how: dict[str, Any] = {"time_step": time_step, "threads": threads, "middle": middle}
        check_chemicals(model)
        number, count = model.number_of_species, int(offsets[-1])
        biases = np.array((model.speed_biases, model.reorientation_biases, model.turnings))
        steers = bool(np.any(biases != 0.0))
        self._reads = np.any(model.senses, axis=1)
        densities, concentrations = bool(np.any(model.senses[:, :number])), bool(np.any(model.senses[:, number:]))
        by_mesh = densities and method == "mesh"
        self.exact = ExactSensing(model, size, offsets) if densities and not by_mesh else None
        self.mesh = self._new_mesh(densities=by_mesh) if by_mesh or model.chemicals else None
        evolves = any(not chemical.adiabatic for chemical in model.chemicals)
        self._uses_mesh = by_mesh or steers or concentrations or evolves
        self.gradients = np.zeros((len(model.chemicals) if steers else 0, size.size, count))
        self._sensed = self._nothing_sensed()
        self._laws = CompiledLaws(model)
        self.speeds = np.empty(count)
        self._evaluate(np.full_like(self._reads, True), self._sensed, self.speeds)
        self._observer: ExactSensing | MeshSensing | None = self.exact or (self.mesh if by_mesh else None)

    def _nothing_sensed(self) -> list[Array]:
        rows = self._model.senses.shape[1]
        return [np.zeros((rows, count)) for count in np.diff(self._offsets)]

    def _new_mesh(self, *, densities: bool) -> MeshSensing:
        grid = mesh_for(self._model, self._size, self._spacing, densities=densities)
        return MeshSensing(self._model, grid, densities=densities, **self._how)

    def _evaluate(self, which: NDArray[np.bool_], sensed: list[Array], speeds: Array) -> None:
        """Speeds of some species by their laws."""
        for n in map(int, np.flatnonzero(which)):
            out = speeds[self._offsets[n] : self._offsets[n + 1]]
            self._laws.of(n)(sensed[n], np.arange(sensed[n].shape[0]), self._laws.parameters, out)

    def begin(self, particles: Particles) -> None:
        """Start the concentrations of time-dependent chemicals."""
        if self.mesh is not None and self.mesh.chemistry is not None and self.mesh.chemistry.evolves:
            self.mesh.mesh.deposit(particles, particles.positions)
            self.mesh.chemistry.begin(self.mesh.mesh.spectra)

    def act(self, particles: Particles, order: CellOrder) -> bool:
        """Bring :attr:`speeds` and :attr:`gradients` to the particles' places; whether all speeds can be used."""
        wanted, places = self._model.senses, particles.places
        if self._uses_mesh and self.mesh is not None:
            self.mesh.mesh.deposit(particles, places, order)
            self.mesh.read(places, order.strips, wanted, self._sensed, self.gradients, now=False)
        if self.exact is not None:
            self.exact.read(places, wanted, self._sensed)
        self._evaluate(self._reads, self._sensed, self.speeds)
        return count_refused(self.speeds) == 0

    def finish(self) -> None:
        """Bring the concentrations to the end of the step."""
        if self.mesh is not None and self.mesh.chemistry is not None and self.mesh.chemistry.evolves:
            self.mesh.chemistry.advance(self.mesh.mesh.spectra)

    def sensed_densities(self, particles: Particles, strips: Integers) -> Array:
        """What all particles sense of all species at their positions (1/length^d), shape (source species, particle)."""
        if self._observer is None:
            exact = self._method == "exact"
            self._observer = ExactSensing(self._model, self._size, self._offsets) if exact else self._new_mesh(densities=True)
        number, sensed = self._model.number_of_species, self._nothing_sensed()
        wanted = np.zeros_like(self._model.senses)
        wanted[:, :number] = True
        self._read_now(self._observer, particles, strips, wanted, sensed)
        return np.concatenate([one[:number] for one in sensed], axis=1)

    def speeds_now(self, particles: Particles, strips: Integers) -> Array:
        """Speeds by the laws at the particles' positions (length/time), shape (particle,).

        Raises
        ------
        NumericalFailure
            A speed is negative or not finite.
        """
        sensed, speeds = self._nothing_sensed(), self.speeds.copy()
        for machine in (self.exact, self.mesh if self._uses_mesh else None):
            if machine is not None:
                self._read_now(machine, particles, strips, self._model.senses, sensed)
        self._evaluate(self._reads, sensed, speeds)
        if count_refused(speeds):
            raise self._failure(particles, sensed, speeds)
        return speeds

    def look_at_chemicals(self, particles: Particles) -> None:
        """Bring what :attr:`particles.chemistry.Chemistry.seen` holds to the present."""
        if self.mesh is not None and self.mesh.chemistry is not None:
            self.mesh.mesh.deposit(particles, particles.positions)
            self.mesh.chemistry.look(self.mesh.mesh.spectra, now=True)

    def _read_now(
        self,
        machine: ExactSensing | MeshSensing,
        particles: Particles,
        strips: Integers,
        wanted: NDArray[np.bool_],
        sensed: list[Array],
    ) -> None:
        if isinstance(machine, ExactSensing):
            machine.read(particles.positions, wanted, sensed)
        else:
            # positions may have left their strips by more than places may
            machine.mesh.deposit(particles, particles.positions)
            machine.read(particles.positions, strips, wanted, sensed, self.gradients[:0], now=True)

    def failure(self, particles: Particles) -> NumericalFailure:
        """What is wrong with the speeds of the step."""
        return self._failure(particles, self._sensed, self.speeds)

    def _failure(self, particles: Particles, sensed: list[Array], speeds: Array) -> NumericalFailure:
        refused = ~(np.isfinite(speeds) & (speeds >= 0.0))
        # the same particle whatever the order of storage
        candidates = np.flatnonzero(refused)
        first = int(candidates[np.argmin(particles.identities[candidates])])
        number = int(particles.species[first])
        species = self._model.species[number]
        names = (*self._model.names, *self._model.chemical_names)
        values = sensed[number][:, first - int(self._offsets[number])]
        reads = self._model.senses[number]
        read = [f"{name} = {value:g}" for name, value, one in zip(names, values, reads, strict=True) if one]
        at = f" where it reads {', '.join(read)}" if read else ""
        return NumericalFailure(
            f"species {species.name}: the law '{species.speed}' gives the speed {speeds[first]:g}{at} "
            f"({np.count_nonzero(refused)} particles); speeds must be finite and not negative: change the law or its parameters"
        )

    def __str__(self) -> str:
        told = [f"densities {self.exact}"] if self.exact is not None else []
        if self.mesh is not None:
            what = ["densities"] if self.mesh.senses_densities else []
            what += ["chemicals"] if self.mesh.chemistry is not None else []
            told.append(f"{' and '.join(what)} by way of a {self.mesh}")
        return "; ".join(told) or "nothing"

    def state(self) -> dict[str, NDArray[Any]]:
        """What a bit-exact continuation needs, as arrays."""
        return {} if self.mesh is None else self.mesh.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Return to a state."""
        if self.mesh is not None:
            self.mesh.restore(state)
