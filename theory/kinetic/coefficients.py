r"""What pair forces and torques do on average, from the correlations of the isotropic state ([S2] Eqs. 4-6 and supplement).

With the pair distribution g(r, \phi, \theta) of :mod:`theory.observables.relative_distribution` (\phi: direction of the
neighbour seen from the particle, \theta: its direction relative to the particle's), for every ordered pair of species

    T_m     = -\int r dr \Gamma(r) \int d\phi sin \phi \int d\theta sin(m \theta) g,            m = 1, 2, ...
    \zeta_0  = (1/2\pi) \int r dr F(r) \int d\phi cos \phi \int d\theta g,
    \tau_1   = (1/2\pi) \int r^2 dr \Gamma(r) \int d\phi sin^2 \phi \int d\theta g,        \chi = \tau_1/\xi_r,
    \kappa_F = (1/4\pi) \int r^2 dr F(r) \int d\phi \int d\theta g.

[S2] Eq. 6 lacks the minus sign of T_1: with its Eq. 2 (\Gamma > 0 turns away) the rate of the direction is -(\Gamma/\xi_r) sin
\phi. The same numbers directly, without g, are sums over the neighbours j of each particle, averaged over the particles: as the
mean number of neighbours is (\rho/2\pi) g r dr d\phi d\theta,

    T_m = -(2\pi/\rho) <\sum_j \Gamma sin \phi_j sin m\theta_j>,        \zeta_0  = (1/\rho)  <\sum_j F cos \phi_j>,
    \tau_1 = (1/\rho) <\sum_j r_j \Gamma sin^2 \phi_j>,                 \kappa_F = (1/2\rho) <\sum_j r_j F>,

\rho = (N_n - \delta_{mn})/V. Sums are exact. The integrals take g for constant between the edges of a bin of r, which leaves an
error that falls as the square of their width h: (I(2h) - I(h))/3 estimates it. A harmonic m of an angle is summed over the
middles of bins of the width \Delta, which weaken it by sin(x)/x, x = m \Delta/2; that is divided out, and the sum is exact but
for what varies from bin to bin.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array
from theory.errors import InputError
from theory.interactions import InteractionLaw, MeanField
from theory.model import Model
from theory.observables.clusters import close_pairs
from theory.observables.periodic import checked_box, checked_species, nearest_images, wrapped
from theory.observables.relative_distribution import RelativeDistribution, turns_of

Laws = Mapping[tuple[int, int], InteractionLaw]

# after the harmonics: zeta_0, tau_1, kappa_F
MOMENTS = 3
# bins of an angle that a period of a harmonic needs: what has a period in few bins looks like another harmonic
_BINS_PER_PERIOD = 4
_RADIAL_NODES, _RADIAL_WEIGHTS = np.polynomial.legendre.leggauss(8)


def sampled_coefficients(
    laws: Laws,
    positions: ArrayLike,
    orientations: ArrayLike,
    size: ArrayLike,
    species: ArrayLike | None = None,
    *,
    number: int = 1,
    harmonics: int = 4,
) -> Array:
    """Coefficients of one configuration, directly.

    Parameters
    ----------
    laws
        Pair forces and torques by (observer, source) index, as ``model.interactions``.
    positions, orientations
        Shape (particle, 2); directions as vectors of any length but zero.
    size
        Edges of the box, shape (2,) (length); half of the shortest must hold the longest cut-off.
    species
        Index of each particle's, shape (particle,).
    number
        Number of species.
    harmonics
        Number of T_m.

    Returns
    -------
    ndarray
        T_1, T_2, ..., zeta_0, tau_1, kappa_F of every ordered pair, shape (species, species, harmonics + 3): of zeros without a
        law, of NaN without particles.

    Raises
    ------
    InputError
        The configuration is out of its range, or the box too small for the cut-off.
    """
    points, box = wrapped(positions, size), checked_box(size, 2)
    direction = np.exp(2j * np.pi * turns_of(orientations, points.shape[0]))
    index = checked_species(species, points.shape[0], number)
    numbers = np.bincount(index, minlength=number)
    out = np.zeros((number, number, harmonics + MOMENTS))
    if not laws:
        return out
    pairs = close_pairs(points, box, max(law.cutoff for law in laws.values()))
    # every pair from either end
    first, second = np.concatenate([pairs, pairs[:, ::-1]]).T
    apart = nearest_images(points[second] - points[first], box)
    for (observer, source), law in laws.items():
        own = (index[first] == observer) & (index[second] == source)
        expected = float(numbers[observer]) * float(numbers[source] - (observer == source)) / float(np.prod(box))
        vectors = apart[own, 0] + 1j * apart[own, 1]
        seen, turn = vectors * direction[first[own]].conj(), direction[second[own]] * direction[first[own]].conj()
        out[observer, source] = _sums(law, seen, turn, harmonics) / (expected if expected > 0.0 else np.nan)
    return out


def _sums(law: InteractionLaw, seen: NDArray[np.complex128], turn: NDArray[np.complex128], harmonics: int) -> Array:
    r"""Sums over neighbours at the places ``seen`` (r e^{i \phi}) with the directions ``turn`` (e^{i \theta})."""
    near = np.abs(seen) < law.cutoff
    seen, turn = seen[near], turn[near]
    r = np.abs(seen)
    force, torque = law.force(r), law.torque(r)
    sine, cosine = seen.imag / r, seen.real / r
    turned = torque * sine
    powers, sums = np.ones_like(turn), []
    for _ in range(harmonics):
        powers = powers * turn
        sums.append(-2.0 * np.pi * float(turned @ powers.imag))
    return np.array([*sums, float(force @ cosine), float((r * turned) @ sine), 0.5 * float(r @ force)])


def integrated_coefficients(laws: Laws, distribution: RelativeDistribution, *, harmonics: int = 4) -> Array:
    """Coefficients from a measured pair distribution.

    Parameters
    ----------
    laws
        Pair forces and torques by (observer, source) index, as ``model.interactions``.
    distribution
        g of all ordered pairs of species.
    harmonics
        Number of T_m.

    Returns
    -------
    ndarray
        As of :func:`sampled_coefficients`.

    Raises
    ------
    InputError
        The distribution does not reach as far as an interaction, or has too few bins of an angle.
    """
    _check_reach(laws, distribution)
    _check_angles(distribution, harmonics)
    number = distribution.values.shape[0]
    out = np.zeros((number, number, harmonics + MOMENTS))
    (sine, sine_squared, cosine), sines = _angular_weights(distribution, harmonics)
    for (observer, source), law in laws.items():
        g = distribution.values[observer, source]
        torque, torque_r, force, force_r = _radial_integrals(law, distribution, observer, source)
        by_place = g.mean(axis=2) * 2.0 * np.pi
        out[observer, source, :harmonics] = -np.einsum("r,a,mb,rab->m", torque, sine, sines, g)
        out[observer, source, harmonics:] = [
            force @ by_place @ cosine / (2.0 * np.pi),
            torque_r @ by_place @ sine_squared / (2.0 * np.pi),
            0.5 * float(force_r @ by_place.mean(axis=1)),
        ]
    return out


def binning_errors(laws: Laws, distribution: RelativeDistribution, *, harmonics: int = 4) -> Array:
    """About how wrong :func:`integrated_coefficients` is by the width of the bins of r, of the same shape and not negative."""
    fine, coarse = (integrated_coefficients(laws, one, harmonics=harmonics) for one in (distribution, distribution.coarser()))
    return np.asarray(np.abs(coarse - fine) / 3.0)


def _check_reach(laws: Laws, distribution: RelativeDistribution) -> None:
    longest, reach = max((law.cutoff for law in laws.values()), default=0.0), float(distribution.edges[-1])
    if longest > reach * (1.0 + 1e-12):
        raise InputError(f"the pair distribution ends at r = {reach:g}, the interaction at {longest:g}; measure it up to there")


def _check_angles(distribution: RelativeDistribution, harmonics: int) -> None:
    """Check that there are four bins for a period of every harmonic that is integrated."""
    for name, bins, highest in zip(("phi", "theta"), distribution.values.shape[3:], (2, harmonics), strict=True):
        if bins < _BINS_PER_PERIOD * highest:
            raise InputError(
                f"the pair distribution has {bins} bins of {name}; it takes {_BINS_PER_PERIOD * highest} or more for the "
                f"harmonic {highest}"
            )


def _angular_weights(distribution: RelativeDistribution, harmonics: int) -> tuple[Array, Array]:
    """Weights of the bins: sin, sin^2 and cos of phi, shape (3, phi bin), and sin(m theta), shape (harmonic, theta bin)."""
    (place, wide), (direction, narrow) = (
        (0.5 * (edges[1:] + edges[:-1]), float(edges[1] - edges[0]))
        for edges in (distribution.place_edges, distribution.direction_edges)
    )

    def width(m: ArrayLike, step: float) -> Array:
        return np.asarray(step / np.sinc(np.asarray(m) * step / (2.0 * np.pi)))

    orders = np.arange(1.0, harmonics + 1.0)[:, None]
    sine_squared = 0.5 * (wide - width(2.0, wide) * np.cos(2.0 * place))
    places = np.stack([width(1.0, wide) * np.sin(place), sine_squared, width(1.0, wide) * np.cos(place)])
    return places, width(orders, narrow) * np.sin(orders * direction)


def _radial_integrals(law: InteractionLaw, distribution: RelativeDistribution, observer: int, source: int) -> Array:
    r"""Integrals of r \Gamma, r^2 \Gamma, r F, r^2 F over each bin that holds a pair, up to the cut-off, shape (4, bin)."""
    edges = np.minimum(distribution.edges, law.cutoff)
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    held = (distribution.counts[observer, source].sum(axis=(1, 2)) > 0) & (half > 0.0)
    out = np.zeros((4, half.size))
    r = middle[held, None] + half[held, None] * _RADIAL_NODES
    weights = half[held, None] * _RADIAL_WEIGHTS
    torque, force = law.torque(r), law.force(r)
    out[:, held] = [np.sum(weights * one, axis=1) for one in (r * torque, r**2 * torque, r * force, r**2 * force)]
    return out


def mean_fields(model: Model, coefficients: Array) -> list[MeanField]:
    """Coefficients (species, species, harmonics + 3) as a model takes them, for every pair of species that interacts.

    Raises
    ------
    InputError
        A coefficient is not finite.
    """
    found = []
    for observer, source in model.interactions:
        *torques, reduction, turning, repulsion = coefficients[observer, source].tolist()
        names = model.names[observer], model.names[source]
        found.append(MeanField(*names, tuple(torques), reduction, turning / model.drags[observer, 1], repulsion))
    return found
