"""Brownian dynamics of Janus particles by all pairs and Euler-Maruyama: small, plain, and sharing nothing with the engine."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from theory import Model, Motion, Species
from theory.interactions import InteractionLaw, PairInteraction

Array = NDArray[np.float64]

# [S2] Table 1 in units of the diameter and of 1/Dr; speeds there are in micrometres per second
DIPOLES = {"head_dipole": 112.0, "tail_dipole": -53.0, "dipole_offset": 0.19, "screening_length": 40.0}
XI_T, XI_R, DT, DR = 9.0, 3.0, 0.11, 1.0
MICROMETRE_PER_SECOND = 1.0 / 0.45


def janus(cutoff: float = 8.0) -> PairInteraction:
    return PairInteraction.janus("A", "A", cutoff=cutoff, **DIPOLES)


def janus_model(speed: float, cutoff: float = 8.0) -> Model:
    """Of a speed in micrometres per second."""
    species = Species(
        "A",
        Motion(rotational_diffusion=DR),
        repr(speed * MICROMETRE_PER_SECOND),
        DT,
        translational_drag=XI_T,
        rotational_drag=XI_R,
    )
    return Model(2, [species], interactions=[janus(cutoff)])


def box_edge(number: int, area_fraction: float) -> float:
    return math.sqrt(number * math.pi / 4.0 / area_fraction)


@numba.njit(error_model="numpy", fastmath={"nsz", "arcp", "contract", "afn"}, nogil=True)
def _steps(count, edge, cutoff, speed, dt, amplitudes, normals, x, y, angle):  # type: ignore[no-untyped-def]
    n = x.size
    force, torque, screening = amplitudes
    fx, fy, turn = np.empty(n), np.empty(n), np.empty(n)
    for step in range(count):
        fx[:] = 0.0
        fy[:] = 0.0
        turn[:] = 0.0
        for i in range(n):
            for j in range(i + 1, n):
                dx, dy = x[j] - x[i], y[j] - y[i]
                dx -= edge * np.rint(dx / edge)
                dy -= edge * np.rint(dy / edge)
                square = dx * dx + dy * dy
                if square < cutoff * cutoff:
                    r = math.sqrt(square)
                    shape = math.exp(-r / screening) / (square * square * r)
                    fx[i] -= force * shape * dx
                    fy[i] -= force * shape * dy
                    fx[j] += force * shape * dx
                    fy[j] += force * shape * dy
                    turn[i] -= torque * shape * (math.cos(angle[i]) * dy - math.sin(angle[i]) * dx)
                    turn[j] += torque * shape * (math.cos(angle[j]) * dy - math.sin(angle[j]) * dx)
        for i in range(n):
            x[i] += dt * (speed * math.cos(angle[i]) + fx[i]) + normals[step, 0, i]
            y[i] += dt * (speed * math.sin(angle[i]) + fy[i]) + normals[step, 1, i]
            angle[i] += dt * turn[i] + normals[step, 2, i]


class Brownian:
    """Janus particles of one species that start at random, apart from each other."""

    def __init__(
        self, number: int, area_fraction: float, speed: float, seed: int, cutoff: float = 8.0, dt: float = 1e-3
    ) -> None:
        self.edge = box_edge(number, area_fraction)
        self.cutoff, self.dt = cutoff, dt
        self.speed = speed * MICROMETRE_PER_SECOND
        unit = 3.0 / (4.0 * math.pi)
        self.amplitudes = (unit * 59.0**2 / XI_T, unit * 0.19 * (112.0**2 - 53.0**2) / XI_R, 40.0)
        self.generator = np.random.default_rng(seed)
        side = math.ceil(math.sqrt(number))
        sites = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)[:number] * self.edge / side
        self.x, self.y = np.ascontiguousarray(sites.T)
        self.angle = 2.0 * math.pi * self.generator.random(number)

    def advance(self, time: float) -> None:
        steps = round(time / self.dt)
        scale = np.sqrt(2.0 * np.array([DT, DT, DR]) * self.dt)[:, None]
        for start in range(0, steps, 1000):
            count = min(1000, steps - start)
            normals = self.generator.standard_normal((count, 3, self.x.size)) * scale
            _steps(count, self.edge, self.cutoff, self.speed, self.dt, self.amplitudes, normals, self.x, self.y, self.angle)

    @property
    def positions(self) -> Array:
        return np.stack([self.x, self.y], axis=1)

    @property
    def orientations(self) -> Array:
        return np.stack([np.cos(self.angle), np.sin(self.angle)], axis=1)

    @property
    def size(self) -> Array:
        return np.full(2, self.edge)


def law(cutoff: float = 8.0) -> InteractionLaw:
    return InteractionLaw(janus(cutoff))
