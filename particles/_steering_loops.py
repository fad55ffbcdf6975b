"""Compiled loops by which particles steer along gradients of chemicals; see :mod:`particles.motion`.

Gradients are (chemical, axis, particle); scratch arrays are of the particles of a block, (axis, particle of the block).
"""

import math
from typing import Any

import numpy as np

from theory._loops import exp, log
from theory.compiling import inlined, loop

# concentration below which a law on the sphere is as good as flat
_FLATTEST = 1e-5


@loop
def _add_scaled(factor: float, source: Any, target: Any) -> None:
    for i in range(source.size):
        target[i] += factor * source[i]


@loop
def combine(factors: Any, start: int, stop: int, gradients: Any, vectors: Any) -> None:
    """Sum of the gradients times the factors of their chemicals, for the particles ``start`` to ``stop``."""
    for axis in range(gradients.shape[1]):
        vectors[axis, : stop - start] = 0.0
        for p in range(gradients.shape[0]):
            if factors[p] != 0.0:
                _add_scaled(factors[p], gradients[p, axis, start:stop], vectors[axis, : stop - start])


@loop
def _add_product(a: Any, b: Any, sums: Any) -> None:
    for i in range(a.size):
        sums[i] += a[i] * b[i]


@loop
def project(start: int, stop: int, directions: Any, vectors: Any, along: Any) -> None:
    """Scalar products of directions and vectors."""
    along[: stop - start] = 0.0
    for axis in range(directions.shape[0]):
        _add_product(directions[axis, start:stop], vectors[axis, : stop - start], along)


@loop
def slow(speeds: Any, along: Any, slowed: Any) -> None:
    """Speeds less a bias."""
    for i in range(speeds.size):
        slowed[i] = speeds[i] - along[i]


@loop
def reorientation_factors(largest: float, along: Any, factors: Any) -> int:
    """Factors of the reorientation rates, 1 + ``along``, kept from 0 to ``largest``; returns how many had to be cut."""
    cut = 0
    for i in range(along.size):
        wanted = 1.0 + along[i]
        factors[i] = min(max(wanted, 0.0), largest)
        cut += 1 if factors[i] != wanted else 0
    return cut


@loop
def chances_of(probability: float, factors: Any, chances: Any) -> None:
    """Probabilities of a tumble."""
    for i in range(factors.size):
        chances[i] = probability * factors[i]


@inlined
def _kept(loss: float, probability: float, factor: float) -> float:
    """Mean cosine that diffusion leaves in a step, where tumbles come besides; both lose ``loss*factor`` of the direction."""
    return (1.0 - loss * factor) / (1.0 - probability * factor)


@loop
def widths_of(loss: float, probability: float, factors: Any, widths: Any) -> None:
    """Standard deviations of normal angles (radian) with the mean cosine of :func:`_kept`."""
    for i in range(factors.size):
        widths[i] = math.sqrt(max(-2.0 * log(_kept(loss, probability, factors[i])), 0.0))


@loop
def concentrations_of(loss: float, probability: float, factors: Any, concentrations: Any) -> None:
    """Concentrations kappa of von Mises-Fisher laws with the mean cosine of :func:`_kept`: coth(kappa) - 1/kappa."""
    for i in range(factors.size):
        mean = min(_kept(loss, probability, factors[i]), 1.0 - 1e-14)
        # within 5 % (Cohen, Rheol. Acta 30, 270 (1991)); each Newton step squares the error
        kappa = max(mean * (3.0 - mean * mean) / (1.0 - mean * mean), _FLATTEST)
        for _ in range(3):
            decay = exp(-2.0 * kappa)
            excess = (1.0 + decay) / (1.0 - decay) - 1.0 / kappa - mean
            slope = 1.0 / (kappa * kappa) - 4.0 * decay / ((1.0 - decay) * (1.0 - decay))
            kappa = max(kappa - excess / slope, _FLATTEST)
        concentrations[i] = kappa


@loop
def _turning(time: float, squares: Any, along: Any, stretches: Any, pushes: Any) -> None:
    for i in range(squares.size):
        size = max(math.sqrt(squares[i]), 1e-150)
        cosine, decay = along[i] / size, exp(-time * size)
        sech, tanh = 2.0 * decay / (1.0 + decay * decay), (1.0 - decay * decay) / (1.0 + decay * decay)
        scale = 1.0 / (1.0 - cosine * tanh)
        stretches[i] = sech * scale
        pushes[i] = ((1.0 - sech) * cosine - tanh) * scale / size


@loop
def _push(stretches: Any, pushes: Any, vectors: Any, directions: Any) -> None:
    for i in range(stretches.size):
        directions[i] = stretches[i] * directions[i] + pushes[i] * vectors[i]


@loop
def _restore_length(squares: Any, directions: Any) -> None:
    for i in range(squares.size):
        directions[i] *= 1.5 - 0.5 * squares[i]


@loop
def turn(time: float, start: int, stop: int, factors: Any, vectors: Any, scratch: Any, directions: Any) -> None:
    """Turn unit vectors away from constant vectors, du/dt = -(g - u u.g), for some time, exactly; not if all factors are zero.

    ``factors`` (chemical,) made the vectors; ``scratch`` (4, particle of the block) is overwritten.
    """
    if not np.any(factors != 0.0):
        return
    count = stop - start
    squares, along, stretches, pushes = scratch[0, :count], scratch[1, :count], scratch[2, :count], scratch[3, :count]
    project(start, stop, directions, vectors, along)
    squares[:] = 0.0
    for axis in range(directions.shape[0]):
        _add_product(vectors[axis, :count], vectors[axis, :count], squares)
    _turning(time, squares, along, stretches, pushes)
    squares[:] = 0.0
    for axis in range(directions.shape[0]):
        _push(stretches, pushes, vectors[axis, :count], directions[axis, start:stop])
        _add_product(directions[axis, start:stop], directions[axis, start:stop], squares)
    for axis in range(directions.shape[0]):
        _restore_length(squares, directions[axis, start:stop])
