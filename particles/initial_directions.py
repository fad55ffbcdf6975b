r"""Directions of particles at the start, independent of each other: without preference, or around a mean direction p.

With a preference, unit directions follow the law of von Mises and Fisher, f(u) ~ exp(\kappa u.p/|p|), which has the greatest
entropy at a given mean and is that of a mean-field flock; \kappa follows from

    I_{d/2}(\kappa) / I_{d/2-1}(\kappa) = |p|     (I_1/I_0 in two dimensions, coth \kappa - 1/\kappa in three);

in one dimension it is a choice of the two directions with the chances (1 +- |p|)/2. The components of an Ornstein-Uhlenbeck
vector are normal numbers of the variance 1/d around p.
"""

import numpy as np
from scipy.special import ive

from theory.arrays import Array, Integers
from theory.counter_random import Stream, normal_pairs, uniform_pairs
from theory.errors import InputError
from theory.model import Model

# Mean directions longer than one by less than this are rounded unit vectors.
_LENGTH_TOLERANCE = 1e-9
# From this concentration on the first guess is as accurate as the equation can be solved.
_NARROW = 1e5
# Below this one the law is uniform but for as much.
_WIDE = 1e-6
_NEWTON_STEPS = 6
# Random numbers of the first steps belong to directions without preference.
_FIRST_TRIAL = 2


def initial_directions(model: Model, seed: int, offsets: Integers, mean: Array | None = None) -> Array:
    """Directions of all particles.

    Parameters
    ----------
    model
        Says the dimension, and how each species moves.
    seed
        Key of the random numbers; the counter is the permanent number.
    offsets
        First particle of each species and their total number, shape (species + 1,).
    mean
        Mean direction of the law of each particle, shape (dimension, particle), at most of length 1; by default zero.

    Returns
    -------
    ndarray
        Shape (dimension, particle).
    """
    d, count = model.dimension, int(offsets[-1])
    directions = _isotropic(seed, d, count) if mean is None else _around(seed, mean)
    aoup = np.repeat([one.motion.aoup for one in model.species], np.diff(offsets))
    if np.any(aoup):
        directions[:, aoup] = _normal(seed, d, count)[:, aoup]
        if mean is not None:
            directions[:, aoup] += mean[:, aoup]
    return directions


def check_mean_directions(means: Array, number_of_species: int, dimension: int) -> None:
    """Refuse mean directions of cells that are none.

    Parameters
    ----------
    means
        Shape (species, direction, [z,] [y,] x).
    number_of_species, dimension
        Of the model.

    Raises
    ------
    InputError
        They have another shape, are not finite, or longer than one.
    """
    if means.ndim != dimension + 2 or means.shape[:2] != (number_of_species, dimension):
        axes = ", ".join(("nz", "ny", "nx")[-dimension:])
        raise InputError(f"the mean directions have shape {means.shape}, not ({number_of_species}, {dimension}, {axes})")
    lengths = np.linalg.norm(means, axis=1)
    if not np.all(lengths <= 1.0 + _LENGTH_TOLERANCE):
        raise InputError(f"mean directions must be finite and at most of length 1; the longest has {np.max(lengths):.6g}")


def _isotropic(seed: int, dimension: int, count: int) -> Array:
    first, second = uniform_pairs(seed, Stream.INITIAL_ORIENTATION, 0, count)
    if dimension == 1:
        return np.where(first < 0.5, 1.0, -1.0)[None]
    angles = 2.0 * np.pi * first
    if dimension == 2:
        return np.stack([np.cos(angles), np.sin(angles)])
    return _on_sphere(2.0 * second - 1.0, angles)


def _normal(seed: int, dimension: int, count: int) -> Array:
    """Vectors of normal numbers of the variance 1/d."""
    vectors = np.concatenate([normal_pairs(seed, Stream.INITIAL_ORIENTATION, step, count) for step in (0, 1)])
    return np.asarray(vectors[:dimension] / np.sqrt(dimension))


def _around(seed: int, mean: Array) -> Array:
    """Unit directions of the law of von Mises and Fisher."""
    dimension, count = mean.shape
    length = np.linalg.norm(mean, axis=0)
    axis = np.divide(mean, length, out=np.zeros_like(mean), where=length > 0.0)
    axis[0, length == 0.0] = 1.0
    first, second = uniform_pairs(seed, Stream.INITIAL_ORIENTATION, 0, count)
    if dimension == 1:
        return np.asarray(np.where(first < 0.5 * (1.0 + length), axis, -axis))
    kappa = concentration(length, dimension)
    if dimension == 2:
        angle = _von_mises(seed, kappa)
        along, across = np.cos(angle), np.sin(angle)
        return np.stack([axis[0] * along - axis[1] * across, axis[1] * along + axis[0] * across])
    return _turned(_on_sphere(_fisher(kappa, second), 2.0 * np.pi * first), axis)


def concentration(length: Array, dimension: int) -> Array:
    r"""\kappa of the law of von Mises and Fisher; infinite where the mean direction has the length 1.

    Parameters
    ----------
    length
        Lengths of mean directions, any shape, from 0 to 1.
    dimension
        d, 2 or 3.

    References
    ----------
    The first guess is that of A. Banerjee et al., J. Mach. Learn. Res. 6, 1345 (2005), equation 4.4.
    """
    p = np.minimum(length, 1.0)
    kappa = np.full(p.shape, np.inf)
    np.divide(p * (dimension - p**2), 1.0 - p**2, out=kappa, where=p < 1.0)
    solved = (kappa > 0.0) & (kappa < _NARROW)
    one, aim = kappa[solved], p[solved]
    for _ in range(_NEWTON_STEPS):
        ratio = ive(0.5 * dimension, one) / ive(0.5 * dimension - 1.0, one)
        one -= (ratio - aim) / (1.0 - ratio**2 - (dimension - 1) * ratio / one)
    kappa[solved] = one
    return kappa


def _von_mises(seed: int, kappa: Array) -> Array:
    """Angles by rejection from a wrapped Cauchy law: D. J. Best and N. I. Fisher, Appl. Statist. 28, 152 (1979)."""
    out, left, step = np.zeros(kappa.size), np.flatnonzero(np.isfinite(kappa)), _FIRST_TRIAL
    while left.size:
        k = np.maximum(kappa[left], _WIDE)
        first, second = (one[left] for one in uniform_pairs(seed, Stream.INITIAL_ORIENTATION, step, kappa.size))
        side = uniform_pairs(seed, Stream.INITIAL_ORIENTATION, step + 1, kappa.size)[0][left]
        tau = 1.0 + np.sqrt(1.0 + 4.0 * k**2)
        rho = (tau - np.sqrt(2.0 * tau)) / (2.0 * k)
        r = (1.0 + rho**2) / (2.0 * rho)
        wrapped = np.cos(np.pi * first)
        cosine = (1.0 + r * wrapped) / (r + wrapped)
        # the ratio of the two laws is at most one whatever r is
        c = k * (r - cosine)
        accepted = second <= c * np.exp(1.0 - c)
        out[left[accepted]] = np.copysign(np.arccos(np.clip(cosine, -1.0, 1.0)), side - 0.5)[accepted]
        left, step = left[~accepted], step + 2
    return out


def _fisher(kappa: Array, chance: Array) -> Array:
    """Cosines to the mean direction in three dimensions, by the inverse of their distribution function."""
    k = np.maximum(kappa, _WIDE)
    return np.asarray(np.where(np.isinf(k), 1.0, 1.0 + np.log(chance + (1.0 - chance) * np.exp(-2.0 * k)) / k))


def _on_sphere(z: Array, angles: Array) -> Array:
    across = np.sqrt(np.maximum(1.0 - z**2, 0.0))
    return np.stack([across * np.cos(angles), across * np.sin(angles), z])


def _turned(vectors: Array, axis: Array) -> Array:
    """Vectors turned by what turns z into an axis, all of shape (3, particle)."""
    # a reflection: it leaves angles around the axis as uniform as they are
    normal = axis.copy()
    normal[2] -= 1.0
    square = np.sum(normal**2, axis=0)
    factor = np.divide(2.0 * np.sum(normal * vectors, axis=0), square, out=np.zeros_like(square), where=square > 0.0)
    return np.asarray(vectors - factor * normal)
