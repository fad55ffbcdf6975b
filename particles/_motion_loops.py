"""Compiled loops of one time step. For strips see :mod:`particles._order_loops`.

All random numbers are functions of (seed, stream; identity, step): neither the order of storage nor threads matter.
"""

import math
from typing import Any

import numba
import numpy as np

from particles._order_loops import stride_for, task
from theory._loops import normal_pair, random_bits, sine_cosine_of_turns, uniform
from theory.compiling import loop, parallel_loop
from theory.counter_random import Stream

_TRANSLATION = np.uint64(Stream.TRANSLATION)
_ROTATION = np.uint64(Stream.ROTATION)
_TUMBLE = np.uint64(Stream.TUMBLE)
_ORIENTATION = np.uint64(Stream.ORIENTATION)
_TURNS_PER_RADIAN = 0.5 / math.pi
_BLOCK = 4096


@loop
def _propel(time_step: float, speeds: Any, u: Any, v: Any, x: Any, y: Any) -> None:
    for i in range(speeds.size):
        x[i] += time_step * speeds[i] * u[i]
        y[i] += time_step * speeds[i] * v[i]


@loop
def _diffuse(seed: int, step: int, amplitude: float, identities: Any, x: Any, y: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _TRANSLATION, identities[i], step)
        a, b = normal_pair(first, second)
        x[i] += amplitude * a
        y[i] += amplitude * b


@loop
def _wrap(edge: float, x: Any) -> None:
    for i in range(x.size):
        inside = x[i] - edge * np.floor(x[i] / edge)
        # a coordinate just below zero is rounded to the edge itself
        x[i] = inside if inside < edge else 0.0


@loop
def _rotate(seed: int, step: int, width: float, identities: Any, u: Any, v: Any) -> None:
    turns = width * _TURNS_PER_RADIAN
    for i in range(identities.size):
        first, second = random_bits(seed, _ROTATION, identities[i], step)
        angle, _ = normal_pair(first, second)
        s, c = sine_cosine_of_turns(turns * angle)
        a, b = c * u[i] - s * v[i], s * u[i] + c * v[i]
        # one Newton step of 1/sqrt: rounding does not accumulate in the norm
        norm = 1.5 - 0.5 * (a * a + b * b)
        u[i] = a * norm
        v[i] = b * norm


@loop
def _tumble(seed: int, step: int, probability: float, identities: Any, u: Any, v: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _TUMBLE, identities[i], step)
        s, c = sine_cosine_of_turns(uniform(second))
        tumbles = uniform(first) < probability
        u[i] = c if tumbles else u[i]
        v[i] = s if tumbles else v[i]


@loop
def _relax(seed: int, step: int, memory: float, kick: float, identities: Any, u: Any, v: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _ORIENTATION, identities[i], step)
        a, b = normal_pair(first, second)
        u[i] = memory * u[i] + kick * a
        v[i] = memory * v[i] + kick * b


@parallel_loop
def move(
    strips: Any,
    seed: int,
    step: int,
    time_step: float,
    size: Any,
    coefficients: Any,
    speeds: Any,
    identities: Any,
    positions: Any,
    orientations: Any,
) -> None:
    """One step of all particles: positions with the directions at its start, then directions.

    ``coefficients`` (species, 5): standard deviations of the displacement along each axis and of the angle, probability of a
    tumble, memory and kick of an Ornstein-Uhlenbeck vector. A coefficient of zero (a memory of one) leaves its loop out.
    """
    number_of_strips = strips.shape[1] - 1
    stride = stride_for(number_of_strips)
    for n in numba.prange(strips.shape[0] * number_of_strips):
        species, strip = task(n, strips.shape[0], number_of_strips, stride)
        start, stop = strips[species, strip], strips[species, strip + 1]
        displacement, angle, probability, memory, kick = coefficients[species]
        x, y = positions[0, start:stop], positions[1, start:stop]
        u, v = orientations[0, start:stop], orientations[1, start:stop]
        ids = identities[start:stop]
        _propel(time_step, speeds[start:stop], u, v, x, y)
        if displacement > 0.0:
            _diffuse(seed, step, displacement, ids, x, y)
        _wrap(size[0], x)
        _wrap(size[1], y)
        if angle > 0.0:
            _rotate(seed, step, angle, ids, u, v)
        if probability > 0.0:
            _tumble(seed, step, probability, ids, u, v)
        if kick > 0.0:
            _relax(seed, step, memory, kick, ids, u, v)


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
    for n in numba.prange((speeds.size + _BLOCK - 1) // _BLOCK):
        refused += _count_refused(speeds[n * _BLOCK : min((n + 1) * _BLOCK, speeds.size)])
    return refused
