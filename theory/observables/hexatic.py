r"""Bond-orientational order in the plane ([S2], Methods and Fig. S8).

    \psi_{k,i} = (1/n_i) \sum_j e^{i k \theta_ij} over the n_i Voronoi neighbours j,      \psi_k = |\sum_i \psi_{k,i}|/N,
    g_k(r) = <\psi_{k,i} \psi_{k,j}^*> over the pairs at distance r, divided by <|\psi_{k,i}|^2>,

\theta_ij the direction from i to j. g_6 decays exponentially in a liquid, as a power law in a hexatic phase, and not at all in
a crystal.
"""

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array, ComplexArray
from theory.observables.orientation import PairCorrelation, pair_correlation
from theory.observables.voronoi import voronoi_neighbours


def local_bond_order(positions: ArrayLike, size: ArrayLike, fold: int = 6, *, by_edge: bool = False) -> ComplexArray:
    r"""\psi_k of every particle, shape (particle,).

    Parameters
    ----------
    positions
        Shape (particle, 2) (length).
    size
        Edges of the box, shape (2,) (length).
    fold
        k: 6 for hexatic, 4 for square order.
    by_edge
        Weight neighbours by the length of the shared Voronoi edge, which makes the order continuous in the positions
        (W. Mickel et al., J. Chem. Phys. 138, 044501 (2013)); [S2] weights all alike.

    Raises
    ------
    InputError
        The positions are not in two dimensions, or so few or so arranged that they have no Voronoi neighbours.
    """
    neighbours = voronoi_neighbours(positions, size)
    angles = np.arctan2(neighbours.separations[:, 1], neighbours.separations[:, 0])
    return neighbours.mean(np.exp(1j * fold * angles), by_edge=by_edge).astype(np.complex128)


def global_bond_order(local: ComplexArray) -> float:
    r"""|mean of \psi_k| over all particles: 1 for a perfect crystal of one orientation."""
    return float(np.abs(np.mean(local)))


def bond_angle(local: ComplexArray) -> Array:
    r"""Angle between each particle's \psi_k and the mean, in [0, \pi] (the colour of [S2] Fig. 3), shape (particle,)."""
    return np.asarray(np.abs(np.angle(local * np.conj(np.mean(local)))))


def bond_correlation(local: ComplexArray, positions: ArrayLike, size: ArrayLike, reach: float, bins: int) -> PairCorrelation:
    r"""g_k(r): the attribute ``normalised`` of what is returned; :func:`theory.observables.decay.better_decay` fits it.

    Parameters
    ----------
    local
        \psi_k of every particle, shape (particle,).
    positions, size, reach, bins
        As in :func:`theory.observables.orientation.pair_correlation`.

    Raises
    ------
    InputError
        An argument is out of its range.
    """
    return pair_correlation(np.stack([local.real, local.imag], axis=1), positions, size, reach, bins)
