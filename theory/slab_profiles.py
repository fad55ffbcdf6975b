r"""Coexisting phases with the sensing kernel, from exact one-dimensional slab profiles.

Without translational diffusion the steady state of the deterministic hydrodynamics [S1 Eq. 3] with flat interfaces carries no
flux, and then

    rho_mu(x) v_mu(K * rho(x)) = C_mu        for every species.

The equation is solved at fixed mean densities by damped iteration of rho_mu <- C_mu/v_mu, with C_mu set by the mean; plateaus
of the profile are the coexisting densities. No free energy is needed: the equation holds for non-reciprocal mixtures too, if
they have a steady state at all. For one species it reproduces the exact binodal

    rho_g v(rho_g) = rho_l v(rho_l) = C,    \int_{rho_g}^{rho_l} dy/v(y) = (rho_l^2 - rho_g^2)/(2 C).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputError, NumericalFailure
from theory.model import Model

Array = NDArray[np.float64]

_CELLS_PER_RANGE = 16
_DAMPINGS = (0.3, 0.1, 0.03)
_ITERATIONS = 20_000
# an iteration whose residual has not fallen by a tenth in this many rounds is going nowhere
_PATIENCE = 400


@dataclass(frozen=True)
class SlabProfile:
    """A steady profile with flat interfaces.

    Parameters
    ----------
    position
        Shape (x,) (length).
    density
        Shape (species, x) (1/length^d).
    constants
        C_mu = rho_mu v_mu, shape (species,).
    residual
        Largest relative departure of rho v from C.
    plateaus
        Densities at the centres of the slabs that the solution started from, shape (slab, species).
    """

    position: Array
    density: Array
    constants: Array
    residual: float
    plateaus: Array


def slab_profile(
    model: Model, shares: Sequence[float], densities: Array, length: float, tolerance: float = 1e-10
) -> SlabProfile:
    """Solve rho v(K * rho) = C for slabs of phases side by side in a periodic box.

    Parameters
    ----------
    model
        A model without translational diffusion and with kernels of a range.
    shares
        Shares of the box that the slabs fill at the start; they add up to 1.
    densities
        Densities of the slabs at the start, shape (slab, species) (1/length^d). Their mean is kept.
    length
        Of the box (length); plateaus need slabs of several ranges.
    tolerance
        Largest relative residual.

    Raises
    ------
    InputError
        The model has translational diffusion, or a local kernel.
    NumericalFailure
        The iteration does not converge, as in mixtures without a steady state.
    """
    if np.any(model.translational_diffusivities > 0.0):
        raise InputError("slab profiles need a model without translational diffusion")
    if any(kernel.is_local for kernel in model.channels.kernels):
        raise InputError("slab profiles need kernels of a range; a local kernel leaves interfaces without a width")
    smallest = float(model.sensing_ranges.min())
    cells = 2 * int(np.ceil(0.5 * _CELLS_PER_RANGE * length / smallest))
    position = (np.arange(cells) + 0.5) * length / cells
    edges = np.cumsum(shares)
    start = np.asarray(densities)[np.minimum(np.searchsorted(edges, position / length), len(edges) - 1)].T
    wavenumbers = 2.0 * np.pi * np.fft.rfftfreq(cells, length / cells)
    kernels = np.stack([kernel.transform(wavenumbers) for kernel in model.channels.kernels])
    for damping in _DAMPINGS:
        found = _iterate(model, start, kernels, damping, tolerance)
        if found is not None:
            density, constants, residual = found
            centres = [int(cells * (edge - 0.5 * share)) for edge, share in zip(edges, shares, strict=True)]
            return SlabProfile(position, density, constants, residual, density[:, centres].T)
    raise NumericalFailure("no steady slab profile was found: the mixture may have none, or the slabs are too thin")


def _iterate(model: Model, start: Array, kernels: Array, damping: float, tolerance: float) -> tuple[Array, Array, float] | None:
    means = start.mean(axis=1)
    rho = start.copy()
    best = np.inf
    for n in range(_ITERATIONS):
        slowness = _slowness(model, rho, kernels)
        constants = means / slowness.mean(axis=1)
        ratio = constants[:, None] * slowness / rho
        residual = float(np.max(np.abs(ratio - 1.0)))
        if not np.isfinite(residual):
            return None
        if residual < tolerance:
            return rho, constants, residual
        if n % _PATIENCE == _PATIENCE - 1:
            if residual > 0.9 * best:
                return None
            best = residual
        rho = rho * np.clip(ratio, 0.1, 10.0) ** damping
        rho *= (means / rho.mean(axis=1))[:, None]
    return None


def _slowness(model: Model, rho: Array, kernels: Array) -> Array:
    """1/v of each species along the profile, shape (species, x)."""
    channels = model.channels
    transforms = np.fft.rfft(rho)
    sensed = np.stack(
        [np.fft.irfft(kernel * transforms[s], rho.shape[1]) for kernel, s in zip(kernels, channels.sources, strict=True)]
    )
    # round-off may leave a sensed density just below zero
    sensed = np.maximum(sensed, 0.0)
    return np.stack([1.0 / law.speed(sensed[channels.index[m]]) for m, law in enumerate(model.motility.values())])
