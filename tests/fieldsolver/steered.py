"""Mixtures with every coupling that fields know, and smooth random fields for them."""

import numpy as np
from numpy.typing import NDArray

from theory import Model, Motion, PairSensing, Sensing, Species
from theory.chemistry import Chemical, Chemotaxis
from theory.fourier import Grid
from theory.interactions import MeanField

Array = NDArray[np.float64]

TORQUES = {
    ("A", "A"): (0.3, -0.2, 0.05, 0.01),
    ("A", "B"): (-0.2, 0.1, 0.02),
    ("B", "A"): (0.1, 0.05),
    ("B", "B"): (0.25, -0.15, 0.02),
}


def mixture(
    dimension: int,
    *,
    steering: bool = True,
    biased: bool = True,
    pairs: bool = True,
    torques: bool = True,
    adiabatic: bool = True,
) -> Model:
    """Two species, two chemicals: quorum sensing with a kernel of its own for one pair, chemotaxis, mean field of pairs."""
    chemicals = [
        Chemical("c", {"A": 0.3, "B": -0.1}, 0.5, 1.3, adiabatic),
        Chemical("e", {"B": 0.2}, 0.2, 0.7),
    ]
    turn = 1.0 if dimension > 1 else 0.0
    bias = 1.0 if biased else 0.0
    taxis_a = (Chemotaxis("c", 0.05 * bias, 0.04, 0.03 * turn), Chemotaxis("e", -0.02 * bias, 0.01, -0.02 * turn))
    taxis_b = (Chemotaxis("e", 0.03 * bias, 0.0, 0.05 * turn),)
    spin = 1.0 if dimension > 1 else 0.0
    species = [
        Species("A", Motion(0.4, 0.7 * spin), "1.2 + 0.01*A - 0.004*B + 0.02*c", 0.05, taxis_a if steering else (), 2.0, 3.0),
        Species("B", Motion(0.3, 1.1 * spin), "0.8 + 0.003*A*A/50", 0.1, taxis_b if steering else (), 1.5, 2.5),
    ]
    harmonics = TORQUES if torques and dimension == 2 else {}
    field = [
        MeanField(*pair, harmonics.get(pair, ()), 0.001 * (1 + n), 0.002 * (1 - 2 * n) * turn, 0.003 * (1 + n))
        for n, pair in enumerate(TORQUES)
    ]
    sensing = Sensing("gaussian", 0.7, (PairSensing("A", "B", "gaussian", 0.4),))
    return Model(dimension, species, {}, sensing, chemicals=chemicals, mean_field=field if pairs else ())


def smooth(rng: np.random.Generator, grid: Grid, mean: float, amplitude: float) -> Array:
    """A random field of the longest waves."""
    angles = [2.0 * np.pi * grid.coordinates(axis) / edge for axis, edge in zip("xyz", grid.size, strict=False)]
    axes = np.meshgrid(*angles[::-1], indexing="ij", sparse=True)[::-1]
    out = np.full(grid.shape, mean)
    for _ in range(3):
        a = rng.normal(size=6)
        wave = a[0] * np.cos(axes[0] + a[1])
        for n, angle in enumerate(axes[1:], 2):
            wave = wave + a[n] * np.sin(angle + a[5 - n]) * np.cos(axes[0] + a[4])
        out = out + amplitude * wave
    return out
