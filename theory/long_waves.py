r"""Relaxation of long waves in homogeneous mixtures, with or without a free energy.

At wavenumbers far below the inverse sensing ranges d_t delta_q = -q^2 M delta_q with (:mod:`theory.chemical_potential`)

    M_mn = (D_m + Dt_m) (delta_mn + rho_m b_mn),

[S1] Eq. 11 with translational diffusion and chemotaxis. Where the eigenvalue of M with the smallest real part has a negative
one, the mixture is unstable: statically if it is real, to travelling waves if it is complex ([S1] Eqs. 12, 13). With a free
energy the boundary is its spinodal.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root

from theory.arrays import Array, ComplexArray
from theory.chemical_potential import ChemicalPotentials
from theory.continuation import zero_curves
from theory.errors import InputError

STABLE, STATIC, OSCILLATORY = 0, 1, 2


def long_wave_matrix(potentials: ChemicalPotentials, densities: Array) -> Array:
    """M at densities (species, ...), shape (..., species, species) (length^2/time); not finite where speeds are not."""
    model = potentials.model
    speeds = potentials.speeds(densities)
    ones = (-1, *(1,) * (densities.ndim - 1))
    times, diffusion = model.persistence_times.reshape(ones), model.translational_diffusivities.reshape(ones)
    with np.errstate(all="ignore"):
        total = np.where(speeds > 0.0, speeds**2 * times / model.dimension + diffusion, np.nan)
        matrix = total[:, None] * densities[:, None] * potentials.feedback(densities)
    for m in range(densities.shape[0]):
        matrix[m, m, ...] += total[m]
    return np.moveaxis(matrix, (0, 1), (-2, -1))


def long_wave_relaxation(potentials: ChemicalPotentials, densities: Array) -> tuple[ComplexArray, ComplexArray]:
    """Eigenvalues (species,) of M at densities (species,), and its eigenvectors as columns (species, species).

    Raises
    ------
    InputError
        A speed is not positive there.
    """
    matrix = long_wave_matrix(potentials, densities)
    if not np.all(np.isfinite(matrix)):
        raise InputError(f"a speed vanishes at the densities {densities.tolist()}: long waves do not relax there")
    values, vectors = np.linalg.eig(matrix)
    return values.astype(np.complex128), vectors.astype(np.complex128)


def slowest_relaxation(potentials: ChemicalPotentials, densities: Array) -> ComplexArray:
    """The eigenvalue of M with the smallest real part at densities (species, ...); not a number where speeds end."""
    matrices = long_wave_matrix(potentials, densities)
    finite = np.all(np.isfinite(matrices), axis=(-2, -1))
    out = np.full(densities.shape[1:], np.nan + 0j)
    values = np.linalg.eigvals(matrices[finite]).astype(np.complex128)
    out[finite] = np.take_along_axis(values, np.argmin(values.real, axis=-1)[..., None], axis=-1)[..., 0]
    return out


def instability_classes(potentials: ChemicalPotentials, densities: Array) -> NDArray[np.int64]:
    """STABLE, STATIC or OSCILLATORY at densities (species, ...); stable too where speeds end."""
    slowest = slowest_relaxation(potentials, densities)
    with np.errstate(invalid="ignore"):
        unstable = slowest.real < 0.0
    return np.where(unstable, np.where(slowest.imag != 0.0, OSCILLATORY, STATIC), STABLE)


def stability_boundaries(potentials: ChemicalPotentials, upper: Array) -> list[Array]:
    """Where two species become unstable, in a window from zero to ``upper`` (species,): curves (point, species) (1/length^d).

    Static instabilities set in where det M = 0 and tr M > 0, oscillatory ones where tr M = 0 and det M > 0 ([S1] Eq. 13).
    """

    def trace(unit: Array) -> Array:
        matrices = long_wave_matrix(potentials, unit * upper.reshape(-1, *(1,) * (unit.ndim - 1)))
        return np.asarray(np.trace(matrices, axis1=-2, axis2=-1) / np.abs(matrices).max(axis=(-2, -1)))

    def determinant(unit: Array) -> Array:
        matrices = long_wave_matrix(potentials, unit * upper.reshape(-1, *(1,) * (unit.ndim - 1)))
        return np.asarray(np.linalg.det(matrices) / np.abs(matrices).max(axis=(-2, -1)) ** 2)

    def both(y: Array) -> list[float]:
        return [float(trace(y)), float(determinant(y))]

    return [
        piece * upper
        for value, other in ((determinant, trace), (trace, determinant))
        for curve in zero_curves(value)
        for piece in _where_positive(curve, other(curve.T), both)
    ]


def _where_positive(curve: Array, heights: Array, both: Callable[[Array], list[float]]) -> list[Array]:
    """The pieces of a curve (point, 2) along which heights (point,) are positive, up to where ``both`` are zero."""
    changes = np.nonzero(heights[:-1] * heights[1:] < 0.0)[0]
    shares = heights[changes] / (heights[changes] - heights[changes + 1])
    between = curve[changes] + shares[:, None] * (curve[changes + 1] - curve[changes])
    places = np.array([root(both, one).x for one in between]).reshape(-1, 2)
    cuts = changes + 1 + np.arange(changes.size)
    longer = np.insert(curve, changes + 1, places, axis=0)
    pieces = [longer[first : last + 1] for first, last in pairwise([0, *cuts, longer.shape[0] - 1])]
    # signs alternate from piece to piece
    return [piece for piece in pieces[0 if heights[0] > 0.0 else 1 :: 2] if piece.shape[0] > 1]
