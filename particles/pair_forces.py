r"""Forces and torques between pairs of particles, as a stage of a step ([S2] Eqs. 1-3).

Continuous law, of particle i with the heading u_i, summed over all j within the cut-off of what their species does to that
of i, with e = (r_i - r_j)/r:

    dr_i/dt = ... + \sum_j F(r) e / \xi_t,      d\theta_i/dt = ... - \sum_j (\Gamma(r)/\xi_r) \sin \phi_j,

\phi_j the direction of the neighbour seen from u_i. Discrete law: the sums themselves, over lists of neighbours
(:mod:`particles.verlet`) that lack no pair, by compiled laws (:mod:`theory.pair_codegen`). What is done with them is the
integrator's (:mod:`particles.motion`).

**Resolution.** A step resolves a collision while dt 2 |F'(r)|/\xi_t is well below one (:mod:`theory.pair_scales`). The
force at which it is one is the strongest that a step can stand; a particle that feels a stronger one would be thrown
through its neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from particles._order_loops import stride_for
from particles._verlet_loops import note_largest
from particles.neighbours import SlabOrder
from particles.state import Particles
from particles.verlet import Pair, VerletList
from theory.arrays import Array
from theory.errors import InputError, NumericalFailure
from theory.model import Model
from theory.pair_codegen import BLOCK, CompiledPair, compile_pair
from theory.pair_scales import PairScales, pair_scales, strongest_resolved

# Skin of the lists in units of the longest cut-off, measured to be fastest for the Janus particles of [S2].
_SKIN = 0.1
# Shares of force or torque beyond the cut-off from which on it is told.
_LARGEST_NEGLECTED_SHARE = 0.05
# Separation of initial states: longest displacement in units of the closest approach, time in units of the fastest relaxation,
# and how often.
_SEPARATION, _SEPARATION_TIME, _SEPARATIONS = 0.05, 0.2, 5000
# Turn in one step (radians) from which on it is told.
_LARGEST_TURN = 0.3


@dataclass(frozen=True)
class _Acting:
    """One ordered pair of species.

    Parameters
    ----------
    compiled
        Its loop.
    cutoff
        Distance (length) from which on there is nothing.
    mobilities
        1/xi_t and 1/xi_r of the observer.
    strongest, comfortable
        Strongest velocities by forces (length/time) that the time step and one twice as long resolve, infinite where all.
    largest
        Strongest velocity and fastest turning (1/time) of each block of observers in the last step, shape (block, 2).
    stride
        By which the blocks are visited.
    """

    compiled: CompiledPair
    cutoff: float
    mobilities: tuple[float, float]
    strongest: float
    comfortable: float
    largest: Array
    stride: int


class VerletForces:
    """Pair forces and torques by lists of neighbours. It keeps the storage sorted.

    Parameters
    ----------
    model
        With at least one interaction.
    size
        Edges of the box, shape (dimension,) (length).
    offsets
        Where each species begins in storage, shape (species + 1,).
    densities
        Mean number densities (1/length^d), shape (species,): by them the cut-offs are judged.
    time_step
        dt (time): by it the resolution of collisions is judged.
    order
        Keeps the storage sorted.

    Attributes
    ----------
    order
        How the storage is sorted. The lists do not depend on it.
    lists
        The lists of neighbours.
    """

    def __init__(
        self, model: Model, size: Array, offsets: NDArray[np.int64], densities: Array, time_step: float, order: SlabOrder
    ) -> None:
        cutoffs = {pair: law.cutoff for pair, law in model.interactions.items()}
        longest = max(cutoffs.values())
        self._model = model
        self._size = size
        self._time_step = time_step
        self._offsets = offsets
        self.lists = VerletList(size, offsets, cutoffs, _SKIN * longest)
        self.order = order
        self._acting = {pair: self._new_acting(pair) for pair in cutoffs}
        self._worst = {pair: np.zeros(2) for pair in cutoffs}
        self._scales = {pair: pair_scales(model, pair, densities) for pair in cutoffs}

    def _new_acting(self, pair: Pair) -> _Acting:
        law, one = self._model.interactions[pair], self._model.species[pair[0]]
        blocks = -(-int(self._offsets[pair[0] + 1] - self._offsets[pair[0]]) // BLOCK)
        return _Acting(
            compile_pair(law, self._model.dimension),
            law.cutoff,
            (1.0 / one.translational_drag, 1.0 / one.rotational_drag),
            strongest_resolved(law, one.translational_drag, self._time_step),
            strongest_resolved(law, one.translational_drag, 2.0 * self._time_step),
            np.zeros((blocks, 2)),
            stride_for(blocks) if blocks else 1,
        )

    def prepare(self, particles: Particles) -> None:
        """Bring storage and lists up to date with the particles' places."""
        self.order.prepare(particles)
        self.lists.update(particles)

    def act(self, particles: Particles, drifts: Array, rates: Array) -> None:
        """What pairs do to the particles, at their places and with their headings.

        Called after :meth:`prepare`. Sums have one order, whatever the number of threads.

        Parameters
        ----------
        particles
            ``particles.places`` and ``particles.headings`` are where they are taken to be; see
            :class:`particles.state.Particles`.
        drifts
            Velocities by forces, F/xi_t (length/time), shape (dimension, particle), in the order of storage; overwritten.
        rates
            Angular velocities by torques, Gamma/xi_r (1/time), shape (particle,); overwritten, with zeros where there are
            none.

        Raises
        ------
        NumericalFailure
            A force is not finite, or stronger than the time step resolves.
        """
        self._add_up(particles, drifts, rates)
        for pair, one in self._acting.items():
            # written so that NaN fails, too
            if not note_largest(one.largest, self._worst[pair]) < one.strongest:
                raise self._failure(pair)

    def _add_up(self, particles: Particles, drifts: Array, rates: Array) -> None:
        drifts[:] = 0.0
        rates[:] = 0.0
        images = self.lists.images
        for pair, one in self._acting.items():
            if one.largest.size == 0:
                continue
            rows = self.lists.rows[pair]
            own = slice(int(self._offsets[pair[0]]), int(self._offsets[pair[0] + 1]))
            one.compiled.over(
                one.stride,
                one.cutoff,
                one.mobilities,
                one.compiled.parameters,
                images.centres[own],
                images.observers[own],
                rows.starts,
                rows.lengths,
                rows.neighbours,
                images.points,
                particles.headings,
                drifts,
                rates,
                one.largest,
            )

    def separate(self, particles: Particles) -> None:
        """Push particles apart that are too close for the time step, as those of a random initial state are.

        They follow the forces, without self-propulsion and noise, by no more than a small part of their closest approach at a
        time.

        Parameters
        ----------
        particles
            Their positions and places are overwritten.

        Raises
        ------
        InputError
            Collisions stay too strong for the time step.
        """
        acting = list(self._acting.values())
        # a law that is resolved at all distances needs nobody to be moved
        enough = [one.strongest if one.strongest == np.inf else max(one.comfortable, 0.5 * one.strongest) for one in acting]
        if all(one == np.inf for one in enough):
            return
        drifts, rates = np.empty_like(particles.positions), np.empty(particles.number)
        longest = _SEPARATION * min(scales.closest for scales in self._scales.values())
        time = _SEPARATION_TIME / max(scales.rate for scales in self._scales.values())
        for _ in range(_SEPARATIONS):
            self.prepare(particles)
            self._add_up(particles, drifts, rates)
            if all(note_largest(one.largest, np.zeros(2)) < most for one, most in zip(acting, enough, strict=True)):
                return
            length = np.sqrt(np.sum(drifts**2, axis=0)) * time
            moved = particles.positions + drifts * (time * np.minimum(1.0, longest / np.maximum(length, longest)))
            moved -= np.floor(moved / self._size[:, None]) * self._size[:, None]
            # a coordinate just below zero is rounded to the edge itself
            particles.positions[:] = np.minimum(moved, np.nextafter(self._size, 0.0)[:, None])
            particles.places[:] = particles.positions
        raise InputError(
            f"particles stay too close to each other for the time step {self._time_step:g}, though pushed apart by their "
            f"forces {_SEPARATIONS} times; shorten particles.time_step or lower the densities"
        )

    def _failure(self, pair: Pair) -> NumericalFailure:
        observer, source = (self._model.names[one] for one in pair)
        one = self._acting[pair]
        return NumericalFailure(
            f"particles of {source} push one of {observer} at {one.largest[:, 0].max():.4g} (force over drag); the time step "
            f"{self._time_step:g} resolves no more than {one.strongest:.4g}, and particles would be thrown through each other: "
            "shorten particles.time_step"
        )

    def warnings(self) -> list[str]:
        """Sentences on what a reader of the results must know."""
        found = cutoff_warnings(self._model, self._scales)
        for pair, worst in self._worst.items():
            fastest, sharpest = worst.tolist()
            told, most = _told(self._model, pair), self._acting[pair].comfortable
            if fastest > most:
                found.append(
                    f"{told}: a collision pushed with {fastest:.3g} (force over drag), but the time step resolves no more than "
                    f"{most:.3g} well; shorten particles.time_step"
                )
            if self._time_step * sharpest > _LARGEST_TURN:
                turn = self._time_step * sharpest
                found.append(f"{told}: a particle was turned by {turn:.2g} rad in one step; shorten particles.time_step")
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """Where the lists were made, by permanent number, how the storage is sorted, and what was seen of collisions."""
        worst = np.stack([self._worst[pair] for pair in self._acting])
        reference = self.lists.reference
        made = {} if reference is None else {"pair_reference": reference.copy()}
        return self.order.state() | made | {"pair_extremes": worst}

    def restore(self, state: Mapping[str, NDArray[Any]], particles: Particles) -> None:
        """Return to a state; the particles are restored already."""
        self.order.restore(state, particles)
        if "pair_reference" in state:
            self.lists.build(np.array(state["pair_reference"], dtype=np.float64))
        for pair, worst in zip(self._acting, state["pair_extremes"], strict=True):
            self._worst[pair][:] = worst

    def __str__(self) -> str:
        names = self._model.names
        told = [f"{names[s]} on {names[o]} within {one.cutoff:g}" for (o, s), one in self._acting.items()]
        return f"{'; '.join(told)}; skin {_SKIN * max(one.cutoff for one in self._acting.values()):g}"


def _told(model: Model, pair: Pair) -> str:
    return f"what {model.names[pair[1]]} does to {model.names[pair[0]]}"


def cutoff_warnings(model: Model, scales: Mapping[Pair, PairScales]) -> list[str]:
    """One sentence for each ordered pair of species whose cut-off leaves out more than a little.

    Parameters
    ----------
    model
        The model.
    scales
        Of its interactions.
    """
    return [
        f"{_told(model, pair)}: beyond the cut-off {model.interactions[pair].cutoff:g} lie up to "
        f"{100.0 * one.neglected_force:.2g} % of the force and {100.0 * one.neglected_torque:.2g} % of the torque; raise the "
        "cutoff, or show that results do not change"
        for pair, one in scales.items()
        if max(one.neglected_force, one.neglected_torque) > _LARGEST_NEGLECTED_SHARE
    ]
