r"""Observables of density fields, shared by both scales: pure functions of arrays.

Conventions: densities (species, ny, nx) on a :class:`theory.fourier.Grid`;  rho_q = \int rho exp(-i q.r) d^d r;
structure factors  S_ab(q) = Re <rho_a,q rho_b,q^*>/volume  (1/length^d), so that S_aa = rho_a for independent particles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array, ComplexArray
from theory.errors import InputError
from theory.fourier import Grid


def modes(density: Array, grid: Grid, window: Array | None = None) -> ComplexArray:
    """rho_q of densities.

    Parameters
    ----------
    density
        Shape (species, ny, nx) (1/length^2).
    grid
        Their grid.
    window
        Transform of the scheme that deposited particles on the grid (see :func:`deposit_window`), to be divided out.

    Returns
    -------
    ndarray
        Shape (species, ny, nkx).
    """
    transformed = np.fft.rfftn(density, axes=tuple(range(-grid.dimension, 0))) * grid.cell_volume
    return np.asarray(transformed if window is None else transformed / window)


def deposit_window(grid: Grid, order: int = 3) -> Array:
    """Transform of a spline assignment: (sin x/x)^order per axis, x = k a/2; order 3 is the triangular-shaped cloud."""
    window = np.ones(grid.spectral_shape)
    for k, spacing in zip(grid.wavevector[::-1], grid.spacing[::-1], strict=True):
        window = window * np.sinc(k * spacing / (2.0 * np.pi)) ** order
    return window


@dataclass(frozen=True)
class Shells:
    """Modes gathered by |q|.

    Parameters
    ----------
    wavenumbers
        Mean |q| of each shell (1/length), shape (shell,).
    counts
        Number of independent real degrees of freedom in each shell, shape (shell,).
    index
        Shell of each stored mode, shape of the spectrum; -1: the mean and modes beyond the last shell.
    weights
        Multiplicity of each stored mode, shape of the spectrum.
    """

    wavenumbers: Array
    counts: Array
    index: NDArray[np.int64]
    weights: Array

    @classmethod
    def of(cls, grid: Grid, largest: float, width: float | None = None) -> "Shells":
        """Shells of a width (default the smallest wavenumber of the box's longest edge) up to a largest wavenumber."""
        step = 2.0 * np.pi / max(grid.size) if width is None else width
        return cls.of_modes(grid.wavenumber, grid.multiplicity, largest, step)

    @classmethod
    def of_modes(cls, q: Array, weights: Array, largest: float, width: float) -> "Shells":
        """Shells of a width up to a largest wavenumber, of modes with the wavenumbers q and multiplicities of any shape.

        Raises
        ------
        InputError
            No mode is below the largest wavenumber.
        """
        index = np.floor(q / width + 0.5).astype(np.int64) - 1
        index[(q > largest) | (q == 0.0)] = -1
        shells = int(index.max()) + 1
        if shells < 1:
            raise InputError(f"no mode of the box lies below the wavenumber {largest:g}")
        inside = index >= 0
        counts: Array = np.bincount(index[inside], weights[inside], shells).astype(np.float64)
        mean = np.bincount(index[inside], (weights * q)[inside], shells) / np.maximum(counts, 1.0)
        return cls(mean, counts, index, weights)

    def average(self, values: Array) -> Array:
        """Mean over each shell of values (..., spectrum); shape (..., shell)."""
        inside = self.index >= 0
        leading = values.shape[: values.ndim - self.index.ndim]
        flat = (values * self.weights)[..., inside]
        out = np.empty((*leading, self.counts.size))
        for position in np.ndindex(*leading):
            out[position] = np.bincount(self.index[inside], flat[position], self.counts.size)
        return out / np.maximum(self.counts, 1.0)


def structure_factors(density_modes: ComplexArray, grid: Grid, shells: Shells) -> Array:
    """S_ab(q) of one configuration, averaged over shells.

    Returns
    -------
    ndarray
        Shape (species, species, shell) (1/length^d).
    """
    products = (density_modes[:, None] * density_modes[None].conj()).real / grid.volume
    return shells.average(products)


def band_variance(density_modes: ComplexArray, grid: Grid, multiplier: Array) -> Array:
    r"""Variance of a filtered density: sum over q != 0 of |multiplier rho_q|^2/volume^2.

    Parameters
    ----------
    density_modes
        Shape (species, [nz,] [ny,] nkx).
    multiplier
        Filter of each mode, shape ([nz,] [ny,] nkx): Khat gives the variance of the sensed density.

    Returns
    -------
    ndarray
        Shape (species,) (1/length^2d).
    """
    power = (grid.multiplicity * multiplier**2 * np.abs(density_modes) ** 2).reshape(density_modes.shape[0], -1)
    power[:, 0] = 0.0
    return np.asarray(power.sum(axis=1) / grid.volume**2)


def filtered(density_modes: ComplexArray, grid: Grid, multiplier: Array) -> Array:
    """The density in real space after multiplying its modes, shape (species, [nz,] [ny,] nx)."""
    axes = tuple(range(-grid.dimension, 0))
    return np.asarray(np.fft.irfftn(density_modes * multiplier, s=grid.shape, axes=axes) / grid.cell_volume)


def dominant_wavenumber(shells: Shells, spectrum: Array) -> float:
    """Wavenumber of the largest shell average, refined by a parabola through it and its neighbours.

    Parameters
    ----------
    shells
        The shells.
    spectrum
        Shape (shell,), for example the structure factor of one species.
    """
    top = int(np.argmax(np.where(shells.counts > 0, spectrum, -np.inf)))
    if top in (0, spectrum.size - 1):
        return float(shells.wavenumbers[top])
    left, middle, right = spectrum[top - 1 : top + 2]
    curvature = left - 2.0 * middle + right
    shift = 0.0 if curvature == 0.0 else 0.5 * (left - right) / curvature
    step = 0.5 * (shells.wavenumbers[top + 1] - shells.wavenumbers[top - 1])
    return float(shells.wavenumbers[top] + shift * step)


def domain_size(wavenumbers: Array, power: Array, largest: float) -> float:
    """2 pi over the mean wavenumber of a power spectrum: the size of a domain and its surroundings together.

    Parameters
    ----------
    wavenumbers
        |q| of each mode (1/length), any shape.
    power
        Power of each mode times its multiplicity, same shape.
    largest
        Wavenumber up to which the mean is taken (1/length): fluctuations beyond it belong to no domain.

    Returns
    -------
    float
        Length; infinite where there is no power.
    """
    inside = (wavenumbers > 0.0) & (wavenumbers <= largest)
    total, moment = float(power[inside].sum()), float(np.sum(power[inside] * wavenumbers[inside]))
    return 2.0 * np.pi * total / moment if moment > 0.0 else np.inf


@dataclass(frozen=True)
class Travel:
    """Motion of a pattern.

    Parameters
    ----------
    speed
        Power-weighted mean of |frequency|/q over the strongest modes (length/time).
    largest_turn
        Largest phase advance between frames among them (radian); above 2 the frames are too far apart.
    """

    speed: float
    largest_turn: float


def travelling_speed(density_modes: ComplexArray, grid: Grid, interval: float, window: int = 4) -> Travel:
    r"""Speed of a pattern from the phases of its strongest modes.

    z_q = sum over a few frames of rho_q(t + interval) rho_q^*(t) has the phase -q.c interval for a pattern of velocity c; the
    speed is the mean of |arg z_q|/(q interval), weighted with |z_q|, over all windows and the modes with at least a tenth of
    the largest weight. Waves in opposite directions both count if they differ in wave vector or in time. Where they share a
    wave vector, in two regions of the box, their contributions to that mode cancel: the speed is then a lower bound.

    Parameters
    ----------
    density_modes
        rho_q of one species at equally spaced times, shape (time, [nz,] [ny,] nkx).
    grid
        The grid.
    interval
        Time between frames (time).
    window
        Number of frame pairs over which a direction is taken to last.
    """
    products = density_modes[1:] * density_modes[:-1].conj()
    starts = np.arange(0, products.shape[0], window)
    correlation = np.add.reduceat(products, starts, axis=0).reshape(starts.size, -1)
    correlation[:, 0] = 0.0
    weight = np.abs(correlation)
    strong = weight > 0.1 * weight.max(axis=1, keepdims=True)
    if not np.any(strong):
        # no pattern at all
        return Travel(0.0, 0.0)
    turn = np.abs(np.angle(correlation[strong]))
    speeds = turn / (np.broadcast_to(grid.wavenumber.ravel(), weight.shape)[strong] * interval)
    return Travel(float(np.average(speeds, weights=weight[strong])), float(turn.max()))
