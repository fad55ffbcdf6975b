"""Models and states that several tests of the particle engine use."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from particles import ParticleEngine
from theory import Model, Motion, Sensing, Species
from theory.frames import State

Array = NDArray[np.float64]

BROWNIAN = Motion(rotational_diffusion=1.0)
TUMBLING = Motion(tumble_rate=1.0)


def free(motion: Motion = BROWNIAN, translational_diffusion: float = 0.0, dimension: int = 2) -> Model:
    """One species of constant speed 1."""
    return Model(dimension, [Species("A", motion, "1.0", translational_diffusion)])


def mixture(
    sensing: Sensing | None = None, motion: Motion = TUMBLING, translational_diffusion: float = 0.0, dimension: int = 2
) -> Model:
    """Two species that sense each other."""
    laws = {"A": "exp(-0.6*tanh((A - 30)/15) + 0.3*tanh((B - 20)/15))", "B": "0.5*exp(-0.2*tanh((total - 50)/20))"}
    return Model(dimension, [Species(n, motion, v, translational_diffusion) for n, v in laws.items()], {}, sensing)


def ordered(engine: ParticleEngine, values: Array) -> Array:
    """Values (..., particle) of an engine in the order of permanent numbers."""
    out = np.empty_like(values)
    out[..., engine.identities] = values
    return out


def placed(engine: ParticleEngine, positions: Array) -> None:
    """Put the particles of an engine at positions (dimension, particle), in the order of permanent numbers."""
    state = engine.state()
    number = positions.shape[1]
    arrays: Mapping[str, NDArray[np.generic]] = {
        **state.arrays,
        "positions": positions,
        "identities": np.arange(number),
    }
    engine.restore(State(arrays, state.numbers))


def same_bits(a: ParticleEngine, b: ParticleEngine) -> bool:
    """Whether two engines hold the same particles in the same order, bit for bit."""
    pairs = ((a.positions, b.positions), (a.orientations, b.orientations), (a.identities, b.identities))
    return all(np.array_equal(x, y) for x, y in pairs)
