"""Tracers in the frozen field of other particles: a case whose steady state is known whatever the step.

Particles of B sense those of A, which do not move. In the steady state of dr/dt = v(r) u, whatever the law of the directions,
the density of B is proportional to 1/v, so that the mean speed of its particles is the harmonic mean of v over the box. With
translational diffusion, in one dimension, it follows from

    (v m)' = Dt rho'',    (v rho)' = Dt m'' - alpha m,    m the difference of the densities to the right and to the left.
"""

import numpy as np
from numpy.typing import NDArray

from particles import ParticleEngine
from particles.motion import Integrator
from theory import Model, Motion, Sensing, Species

Array = NDArray[np.float64]

EDGE = 10.0


def engine_with_tracers(
    time_step: float, integrator: Integrator, seed: int, tracers: int, diffusion: float = 0.0
) -> ParticleEngine:
    """A thousand particles of A in a wave over the box, and tracers that tumble once in a unit of time."""
    model = Model(
        1,
        [
            Species("A", Motion(tumble_rate=1.0), "0"),
            Species("B", Motion(tumble_rate=1.0), "exp(0.8*tanh((A - 100)/50))", diffusion),
        ],
        {},
        Sensing("bump", 1.0),
    )
    profile = np.ones((2, 64))
    profile[0] += 0.9 * np.cos(2.0 * np.pi * (np.arange(64) + 0.5) / 64)
    return ParticleEngine(
        model,
        [EDGE],
        [100.0, tracers / EDGE],
        time_step=time_step,
        integrator=integrator,
        seed=seed,
        density=profile,
        save_positions=False,
    )


def speeds_on_grid(engine: ParticleEngine, points: int) -> Array:
    """v at evenly spaced places, by the kernel itself, shape (point,)."""
    sources = engine.positions[0, engine.species == 0]
    place = (np.arange(points) + 0.5) / points * EDGE
    gap = np.abs(place[:, None] - sources)
    sensed = engine.model.channels.kernels[0](np.minimum(gap, EDGE - gap)).sum(axis=1)
    return np.asarray(np.exp(0.8 * np.tanh((sensed - 100.0) / 50.0)))


def steady_mean_speed(engine: ParticleEngine) -> float:
    """Exact mean speed of the tracers in the steady state."""
    diffusion = engine.model.species[1].translational_diffusion
    if diffusion == 0.0:
        return float(1.0 / np.mean(1.0 / speeds_on_grid(engine, 4000)))
    points = 512
    v = speeds_on_grid(engine, points)
    k = 2.0 * np.pi * np.fft.fftfreq(points, EDGE / points)
    k[points // 2] = 0.0
    unit = np.fft.fft(np.eye(points), axis=0)
    first = np.fft.ifft(1j * k[:, None] * unit, axis=0).real
    second = np.fft.ifft(-(k**2)[:, None] * unit, axis=0).real
    matrix = np.block([[-diffusion * second, first * v], [first * v, np.eye(points) - diffusion * second]])
    # one equation of the first row follows from the others: the total takes its place
    matrix[0], right = 0.0, np.zeros(2 * points)
    matrix[0, :points] = right[0] = 1.0
    return float(v @ np.linalg.solve(matrix, right)[:points])


def mean_speed(engine: ParticleEngine, start: float, frames: int, interval: float) -> float:
    """Mean speed of the tracers, over frames after the steady state is reached."""
    found = []
    for n in range(frames):
        engine.advance(start + n * interval)
        found.append(float(engine.frame().variables["mean_speed_B"].data))
    return float(np.mean(found))
