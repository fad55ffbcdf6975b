"""Janus particles of [S2]: runs, and order parameters of their states."""

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from particles import ParticleEngine
from particles.timestep import default_time_step
from runs.engines import build_engine
from runs.runfile import load
from theory import Model, Motion, PairInteraction, Species

Array = NDArray[np.float64]

GALLERY = Path(load.__code__.co_filename).parent / "gallery"


def janus(micrometres_per_second: float, cutoff: float) -> Model:
    """[S2] Table 1."""
    speed = str(micrometres_per_second / 0.45)
    species = Species("A", Motion(rotational_diffusion=1.0), speed, 0.11, translational_drag=9.0, rotational_drag=3.0)
    pair = PairInteraction.janus(
        "A", "A", head_dipole=112.0, tail_dipole=-53.0, dipole_offset=0.19, screening_length=40.0, cutoff=cutoff
    )
    return Model(2, [species], interactions=[pair])


def crowd(area_fraction: float, micrometres_per_second: float, number: int, cutoff: float, seed: int) -> ParticleEngine:
    """A square box of Janus particles."""
    model, density = janus(micrometres_per_second, cutoff), 4.0 * area_fraction / math.pi
    edge = math.sqrt(number / density)
    return ParticleEngine(model, (edge, edge), [density], time_step=default_time_step(model, [density]), seed=seed, threads=2)


def of_gallery(name: str) -> tuple[ParticleEngine, float]:
    """A run of the gallery at its start, and its duration."""
    specification = load(GALLERY / f"{name}.toml")
    engine = build_engine(specification, "particles", 2)
    assert isinstance(engine, ParticleEngine)
    return engine, specification.run.duration


def polar_order(engine: ParticleEngine) -> float:
    """P, the length of the mean direction."""
    return float(np.hypot(*engine.orientations.mean(axis=1)))


@dataclass(frozen=True)
class Neighbourhood:
    """Bonds of the Delaunay triangulation of particles in a periodic box.

    Parameters
    ----------
    positions
        Shape (2, particle).
    edge
        Of the box.
    """

    positions: Array
    edge: float

    def bonds(self) -> tuple[NDArray[np.int64], Array]:
        """The particles at which bonds begin, and the bonds as vectors, shape (2, bond); each bond from both of its ends."""
        number = self.positions.shape[1]
        margin = 8.0 * self.edge / math.sqrt(number)
        points = [self.positions]
        for shift in product((-1.0, 0.0, 1.0), repeat=2):
            image = self.positions + np.array(shift)[:, None] * self.edge
            near = np.all((image > -margin) & (image < self.edge + margin), axis=0)
            if any(shift):
                points.append(image[:, near])
        everywhere = np.concatenate(points, axis=1)
        starts, others = Delaunay(everywhere.T).vertex_neighbor_vertices
        first = np.repeat(np.arange(everywhere.shape[1]), np.diff(starts))
        own = first < number
        return first[own], everywhere[:, others[own]] - everywhere[:, first[own]]

    def hexatic(self) -> NDArray[np.complex128]:
        """psi_6 of each particle ([S2] Methods), shape (particle,)."""
        first, bonds = self.bonds()
        angles = np.arctan2(bonds[1], bonds[0])
        number = self.positions.shape[1]
        count = np.bincount(first, minlength=number)
        real, imaginary = (np.bincount(first, f(6.0 * angles), number) for f in (np.cos, np.sin))
        return np.asarray((real + 1j * imaginary) / count)


def bragg_peak(positions: Array, edge: float) -> float:
    """Highest |sum exp(iqr)|^2/N^2 among the waves of the box near the first reciprocal vectors of a triangular lattice."""
    number = positions.shape[1]
    spacing = math.sqrt(2.0 / math.sqrt(3.0) * edge**2 / number)
    first = 4.0 * math.pi / (math.sqrt(3.0) * spacing)
    cells = 2 * round(1.5 * first * edge / (2.0 * math.pi))
    density = np.histogram2d(*positions, bins=cells, range=[[0.0, edge]] * 2)[0]
    q = 2.0 * np.pi * np.fft.fftfreq(cells, edge / cells)
    size = np.hypot(q[:, None], q[None, :])
    # the window of a cell, by which the modes of the histogram are lowered
    window = np.sinc(q[:, None] * edge / cells / (2.0 * np.pi)) * np.sinc(q[None, :] * edge / cells / (2.0 * np.pi))
    strength = np.abs(np.fft.fft2(density) / window) ** 2 / number**2
    return float(np.max(strength[(size > 0.8 * first) & (size < 1.2 * first)]))


def long_wave(positions: Array, edge: float, waves: int = 4) -> tuple[float, tuple[int, int]]:
    """Strongest S(q) among the longest waves of the box, and its numbers of waves; 1 for independent particles."""
    phases = 2.0 * np.pi * positions / edge
    found = {
        (n, m): float(abs(np.mean(np.exp(1j * (n * phases[0] + m * phases[1])))) ** 2 * positions.shape[1])
        for n, m in product(range(waves + 1), range(-waves, waves + 1))
        if (n, m) > (0, 0)
    }
    best = max(found, key=found.__getitem__)
    return found[best], best


def domain_length(positions: Array, edge: float, longest: float) -> float:
    """2 pi/<q>, with the mean over S(q) - 1 up to 2 pi/``longest``."""
    cells = 2 * round(edge / longest) * 2
    density = np.histogram2d(*positions, bins=cells, range=[[0.0, edge]] * 2)[0]
    q = 2.0 * np.pi * np.fft.fftfreq(cells, edge / cells)
    size = np.hypot(q[:, None], q[None, :])
    excess = np.abs(np.fft.fft2(density)) ** 2 / positions.shape[1] - 1.0
    chosen = (size > 0.0) & (size < 2.0 * math.pi / longest)
    return float(2.0 * math.pi * np.sum(excess[chosen]) / np.sum(excess[chosen] * size[chosen]))
