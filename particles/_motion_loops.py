"""Compiled loops of one time step. For strips see :mod:`particles._order_loops`, for what is stepped :mod:`particles.motion`.

Arrays of all particles are (axis, particle). Loops run over the particles ``start`` to ``stop`` of a block, whose values stay
in the cache from one loop to the next.

*clock* is (seed, step, dt, dt/2 or, where steps do not predict, 0). *particles* are (identities, positions, orientations,
places, headings; speeds of the last step, speeds expected at the start of the next; drifts and turn rates of the last step);
*velocities* are those of this one, (speeds, drifts, turn rates, gradients (chemical, axis, particle)). Drifts and turn rates
have no rows where particles do not interact, gradients none where they do not steer. A species' *law* is

    (noise before, noise after, probability of a tumble, spread of diffusing directions, memory, kick, loss, largest factor):

standard deviations of the displacement along each axis in the two halves of the step; see :mod:`particles._direction_loops` for
spreads; memory and kick of an Ornstein-Uhlenbeck vector; loss of mean direction in a step, 1 - exp(-dt/tau), and the largest
factor by which it can be multiplied. A value of zero leaves its loop out.
"""

from typing import Any

import numba
import numpy as np

from particles import _steering_loops as steering
from particles._direction_loops import diffuse, relax, tumble, turn_by
from particles._noise_loops import add_normals
from particles._order_loops import stride_for, task
from theory.compiling import loop, parallel_loop
from theory.counter_random import Stream

_TRANSLATION = np.uint64(Stream.TRANSLATION)
_BLOCK = 512


@loop
def _predict_place(half: float, speeds: Any, directions: Any, positions: Any, places: Any) -> None:
    for i in range(speeds.size):
        places[i] = positions[i] + half * speeds[i] * directions[i]


@loop
def _displace(
    time: float, speeds: Any, headings: Any, half: float, expected: Any, directions: Any, places: Any, positions: Any
) -> None:
    """Take back by what the place was predicted, and step from there."""
    for i in range(speeds.size):
        positions[i] = places[i] + (time * speeds[i] * headings[i] - half * expected[i] * directions[i])


@loop
def _displace_in_place(time: float, speeds: Any, headings: Any, positions: Any) -> None:
    for i in range(speeds.size):
        positions[i] += time * speeds[i] * headings[i]


@loop
def _drift(time: float, velocities: Any, coordinates: Any) -> None:
    for i in range(velocities.size):
        coordinates[i] += time * velocities[i]


@loop
def _extrapolate(weight: float, speeds: Any, last: Any, expected: Any) -> None:
    for i in range(speeds.size):
        expected[i] = speeds[i] + weight * (speeds[i] - last[i])
        last[i] = speeds[i]


@loop
def _copy(source: Any, target: Any) -> None:
    for i in range(source.size):
        target[i] = source[i]


@loop
def _wrap(edge: float, coordinates: Any) -> None:
    for i in range(coordinates.size):
        inside = coordinates[i] - edge * np.floor(coordinates[i] / edge)
        # a coordinate just below zero is rounded to the edge itself
        coordinates[i] = inside if inside < edge else 0.0


@loop
def _predict(start: int, stop: int, clock: Any, size: Any, noise: float, particles: Any) -> None:
    seed, step, _, half = clock
    identities, positions, orientations, places, headings, _, expected, drifts, rates = particles
    for axis in range(positions.shape[0]):
        place = places[axis, start:stop]
        _predict_place(half, expected[start:stop], orientations[axis, start:stop], positions[axis, start:stop], place)
        if drifts.shape[0] > 0:
            _drift(half, drifts[axis, start:stop], place)
            _copy(orientations[axis, start:stop], headings[axis, start:stop])
    if noise > 0.0:
        add_normals(seed, _TRANSLATION, step, 0, noise, identities, start, stop, places)
    for axis in range(positions.shape[0]):
        _wrap(size[axis], places[axis, start:stop])
    if rates.size > 0 and positions.shape[0] == 2:
        turn_by(half, rates[start:stop], headings[0, start:stop], headings[1, start:stop])


@parallel_loop
def predict(strips: Any, clock: Any, size: Any, laws: Any, particles: Any) -> None:
    """Places and headings in the middle of the step, by the velocities of the last ones and the first half of the noise."""
    number_of_strips = strips.shape[1] - 1
    stride = stride_for(number_of_strips)
    for n in numba.prange(strips.shape[0] * number_of_strips):
        species, strip = task(n, strips.shape[0], number_of_strips, stride)
        for start in range(strips[species, strip], strips[species, strip + 1], _BLOCK):
            stop = min(start + _BLOCK, strips[species, strip + 1])
            _predict(start, stop, clock, size, laws[species, 0], particles)


@loop
def _displace_block(
    start: int, stop: int, clock: Any, size: Any, noise: float, speeds: Any, drifts: Any, particles: Any
) -> None:
    """Positions at the end of the step, and the velocities that the next one remembers."""
    seed, step, time, half = clock
    identities, positions, orientations, places, headings, last, expected, old_drifts, _ = particles
    expected = expected[start:stop]
    for axis in range(positions.shape[0]):
        x, u = positions[axis, start:stop], orientations[axis, start:stop]
        if half > 0.0:
            _displace(time, speeds, headings[axis, start:stop], half, expected, u, places[axis, start:stop], x)
        else:
            _displace_in_place(time, speeds, u, x)
        if drifts.shape[0] > 0:
            _drift(time, drifts[axis, start:stop], x)
            _drift(-half, old_drifts[axis, start:stop], x)
            _copy(drifts[axis, start:stop], old_drifts[axis, start:stop])
    _extrapolate(0.5 if step > 0 else 0.0, speeds, last[start:stop], expected)
    if noise > 0.0:
        add_normals(seed, _TRANSLATION, step, 2, noise, identities, start, stop, positions)
    for axis in range(positions.shape[0]):
        _wrap(size[axis], positions[axis, start:stop])


@loop
def _turn_block(start: int, stop: int, clock: Any, law: Any, spreads: Any, chances: Any, rates: Any, particles: Any) -> None:
    """Directions at the end of the step."""
    seed, step, time, _ = clock
    identities, orientations, old_rates = particles[0], particles[2], particles[8]
    if rates.size > 0:
        if orientations.shape[0] == 2:
            turn_by(time, rates[start:stop], orientations[0, start:stop], orientations[1, start:stop])
        _copy(rates[start:stop], old_rates[start:stop])
    if law[3] > 0.0:
        diffuse(seed, step, spreads, identities, start, stop, orientations)
    if law[2] > 0.0:
        tumble(seed, step, chances, identities, start, stop, orientations)
    if law[5] > 0.0:
        relax(seed, step, law[4], law[5], identities, start, stop, orientations)


@loop
def _steer(start: int, stop: int, law: Any, biases: Any, speeds: Any, gradients: Any, directions: Any, scratch: Any) -> int:
    """Biased speeds, spreads and chances of a block; returns how many reorientation rates had to be cut."""
    biased, spreads, chances, vectors, rows = scratch
    along, factors = rows[0, : stop - start], rows[1, : stop - start]
    steering.combine(biases[0], start, stop, gradients, vectors)
    steering.project(start, stop, directions, vectors, along)
    steering.slow(speeds, along, biased)
    if not np.any(biases[1] != 0.0):
        return 0
    steering.combine(biases[1], start, stop, gradients, vectors)
    steering.project(start, stop, directions, vectors, along)
    cut = steering.reorientation_factors(law[7], along, factors)
    steering.chances_of(law[2], factors, chances)
    if law[3] > 0.0 and directions.shape[0] == 2:
        steering.widths_of(law[6], law[2], factors, spreads)
    elif law[3] > 0.0 and directions.shape[0] == 3:
        steering.concentrations_of(law[6], law[2], factors, spreads)
    return cut


@loop
def _move(first: int, last: int, clock: Any, size: Any, law: Any, biases: Any, velocities: Any, particles: Any) -> int:
    """Move all particles of a strip; returns how many reorientation rates had to be cut."""
    speeds, drifts, rates, gradients = velocities
    orientations, cut = particles[2], 0
    biased, spreads, chances = np.empty(_BLOCK), np.full(_BLOCK, law[3]), np.full(_BLOCK, law[2])
    vectors, rows = np.empty((orientations.shape[0], _BLOCK)), np.empty((4, _BLOCK))
    for start in range(first, last, _BLOCK):
        stop = min(start + _BLOCK, last)
        own = speeds[start:stop]
        if gradients.shape[0] > 0:
            cut += _steer(start, stop, law, biases, own, gradients, orientations, (biased, spreads, chances, vectors, rows))
            own = biased[: stop - start]
        _displace_block(start, stop, clock, size, law[1], own, drifts, particles)
        if gradients.shape[0] > 0:
            # half of the turning before the random reorientations and half after them: of second order
            steering.combine(biases[2], start, stop, gradients, vectors)
            steering.turn(0.5 * clock[2], start, stop, biases[2], vectors, rows, orientations)
        _turn_block(start, stop, clock, law, spreads, chances, rates, particles)
        if gradients.shape[0] > 0:
            steering.turn(0.5 * clock[2], start, stop, biases[2], vectors, rows, orientations)
    return cut


@parallel_loop
def move(strips: Any, clock: Any, size: Any, laws: Any, biases: Any, velocities: Any, particles: Any, cuts: Any) -> None:
    """One step of all particles: positions with the directions at its start, then directions.

    ``laws`` (species, 8); ``biases`` (species, 3, chemical) by which gradients change speeds, reorientation rates (times the
    persistence time) and directions; ``cuts`` (species, strip) receives the numbers of reorientation rates that were cut.
    """
    number_of_strips = strips.shape[1] - 1
    stride = stride_for(number_of_strips)
    for n in numba.prange(strips.shape[0] * number_of_strips):
        species, strip = task(n, strips.shape[0], number_of_strips, stride)
        first, last = strips[species, strip], strips[species, strip + 1]
        cuts[species, strip] = _move(first, last, clock, size, laws[species], biases[species], velocities, particles)


@loop
def _count_refused(speeds: Any) -> int:
    refused = 0
    for i in range(speeds.size):
        refused += 0 if speeds[i] >= 0.0 and speeds[i] < np.inf else 1
    return refused


@parallel_loop
def count_refused(speeds: Any) -> int:
    """Number of speeds that are negative or not finite."""
    refused = 0
    for n in numba.prange((speeds.size + 8 * _BLOCK - 1) // (8 * _BLOCK)):
        refused += _count_refused(speeds[8 * n * _BLOCK : min(8 * (n + 1) * _BLOCK, speeds.size)])
    return refused
