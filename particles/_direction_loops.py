"""Compiled loops that turn the directions of particles, in one, two and three dimensions. Rows of arrays are axes."""

import math
from typing import Any

import numpy as np

from particles._noise_loops import add_normals
from theory._loops import exp, log, normal_pair, random_bits, sine_cosine_of_turns, uniform
from theory.compiling import inlined, loop
from theory.counter_random import Stream

_ROTATION = np.uint64(Stream.ROTATION)
_TUMBLE = np.uint64(Stream.TUMBLE)
_ORIENTATION = np.uint64(Stream.ORIENTATION)
_TURNS_PER_RADIAN = 0.5 / math.pi


@inlined
def _length_restored(u: float, v: float, w: float) -> tuple[float, float, float]:
    """One Newton step of 1/sqrt: rounding does not accumulate in the norm."""
    norm = 1.5 - 0.5 * (u * u + v * v + w * w)
    return u * norm, v * norm, w * norm


@loop
def _turn_by_normals(seed: int, step: int, widths: Any, identities: Any, u: Any, v: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _ROTATION, identities[i], step)
        angle, _ = normal_pair(first, second)
        s, c = sine_cosine_of_turns(widths[i] * _TURNS_PER_RADIAN * angle)
        u[i], v[i], _ = _length_restored(c * u[i] - s * v[i], s * u[i] + c * v[i], 0.0)


@loop
def _turn_on_sphere(seed: int, step: int, concentrations: Any, identities: Any, u: Any, v: Any, w: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _ROTATION, identities[i], step)
        kappa = concentrations[i]
        # 1 - cos of the angle is exponential, cut at 2 (von Mises-Fisher)
        drop = min(-log(1.0 - uniform(first) * (1.0 - exp(-2.0 * kappa))) / kappa, 2.0)
        s, c = sine_cosine_of_turns(uniform(second))
        sine = math.sqrt(drop * (2.0 - drop))
        along, across, cosine = sine * c, sine * s, 1.0 - drop
        # two directions at right angles to u (Duff et al., J. Comput. Graph. Tech. 6, 1 (2017)), and to each other
        sign = 1.0 if w[i] >= 0.0 else -1.0
        a = -1.0 / (sign + w[i])
        b = u[i] * v[i] * a
        x = cosine * u[i] + along * (1.0 + sign * u[i] * u[i] * a) + across * b
        y = cosine * v[i] + along * sign * b + across * (sign + v[i] * v[i] * a)
        z = cosine * w[i] - along * sign * u[i] - across * v[i]
        u[i], v[i], w[i] = _length_restored(x, y, z)


@loop
def diffuse(seed: int, step: int, spreads: Any, identities: Any, start: int, stop: int, directions: Any) -> None:
    """Rotational diffusion of the particles ``start`` to ``stop``.

    ``spreads`` (particle of the block,) are standard deviations of the angle (radian) in two dimensions, concentrations of von
    Mises-Fisher laws in three; in one nothing turns.
    """
    ids = identities[start:stop]
    if directions.shape[0] == 2:
        _turn_by_normals(seed, step, spreads, ids, directions[0, start:stop], directions[1, start:stop])
    elif directions.shape[0] == 3:
        u, v, w = directions[0, start:stop], directions[1, start:stop], directions[2, start:stop]
        _turn_on_sphere(seed, step, spreads, ids, u, v, w)


@loop
def turn_by(time: float, rates: Any, u: Any, v: Any) -> None:
    """Turn directions in the plane at angular velocities ``rates`` (1/time) for some time."""
    turns = time * _TURNS_PER_RADIAN
    for i in range(rates.size):
        s, c = sine_cosine_of_turns(turns * rates[i])
        u[i], v[i], _ = _length_restored(c * u[i] - s * v[i], s * u[i] + c * v[i], 0.0)


@loop
def _reverse(seed: int, step: int, chances: Any, identities: Any, u: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _TUMBLE, identities[i], step)
        drawn = 1.0 if uniform(second) < 0.5 else -1.0
        u[i] = drawn if uniform(first) < chances[i] else u[i]


@loop
def _tumble_in_plane(seed: int, step: int, chances: Any, identities: Any, u: Any, v: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _TUMBLE, identities[i], step)
        s, c = sine_cosine_of_turns(uniform(second))
        tumbles = uniform(first) < chances[i]
        u[i] = c if tumbles else u[i]
        v[i] = s if tumbles else v[i]


@loop
def _tumble_on_sphere(seed: int, step: int, chances: Any, identities: Any, u: Any, v: Any, w: Any) -> None:
    for i in range(identities.size):
        first, second = random_bits(seed, _TUMBLE, identities[i], step)
        third, _ = random_bits(seed, _ORIENTATION, identities[i], step)
        s, c = sine_cosine_of_turns(uniform(second))
        z = 2.0 * uniform(third) - 1.0
        sine = math.sqrt(1.0 - z * z)
        tumbles = uniform(first) < chances[i]
        u[i] = sine * c if tumbles else u[i]
        v[i] = sine * s if tumbles else v[i]
        w[i] = z if tumbles else w[i]


@loop
def tumble(seed: int, step: int, chances: Any, identities: Any, start: int, stop: int, directions: Any) -> None:
    """Draw directions anew, uniformly, with the probabilities ``chances`` (particle of the block,)."""
    ids = identities[start:stop]
    if directions.shape[0] == 1:
        _reverse(seed, step, chances, ids, directions[0, start:stop])
    elif directions.shape[0] == 2:
        _tumble_in_plane(seed, step, chances, ids, directions[0, start:stop], directions[1, start:stop])
    else:
        u, v, w = directions[0, start:stop], directions[1, start:stop], directions[2, start:stop]
        _tumble_on_sphere(seed, step, chances, ids, u, v, w)


@loop
def _fade(memory: float, values: Any) -> None:
    for i in range(values.size):
        values[i] *= memory


@loop
def relax(seed: int, step: int, memory: float, kick: float, identities: Any, start: int, stop: int, directions: Any) -> None:
    """Step Ornstein-Uhlenbeck vectors."""
    for axis in range(directions.shape[0]):
        _fade(memory, directions[axis, start:stop])
    add_normals(seed, _ORIENTATION, step, 0, kick, identities, start, stop, directions)
