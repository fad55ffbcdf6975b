r"""Sensing kernels K(r) and their Fourier transforms in one, two and three dimensions.

Continuous definition, [S1] Eq. 10:  sensed density = K * density,  with  \int K d^d r = 1  and

    Khat(q) = \int K(r) exp(-i q.r) d^d r,   Khat(0) = 1.

Kernels of finite support have no closed transform in general; theirs is a Gauss-Legendre quadrature of the radial
integral with enough nodes for the largest wavenumber asked, at round-off accuracy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from theory.arrays import Array
from theory.errors import InputError

KERNEL_NAMES = ("bump", "linear", "gaussian", "exponential", "local")

# area of the unit sphere in d dimensions
_SPHERE = {1: 2.0, 2: 2.0 * np.pi, 3: 4.0 * np.pi}
# share of the kernel's peak below which an infinitely wide kernel is cut
_NEGLIGIBLE = 1e-9
# number of wavenumbers up to which a set of transforms is remembered
_REMEMBERED_SIZE = 4096


def _bump(x: Array) -> Array:
    """exp(-1/(1 - x^2)) for x < 1: infinitely smooth, zero outside."""
    inside = x < 1.0
    out = np.zeros_like(x)
    out[inside] = np.exp(-1.0 / (1.0 - x[inside] ** 2))
    return out


def _linear(x: Array) -> Array:
    """1 - x for x < 1."""
    return np.clip(1.0 - x, 0.0, None)


_FINITE_SHAPES: dict[str, Callable[[Array], Array]] = {"bump": _bump, "linear": _linear}


@dataclass(frozen=True)
class Kernel:
    """One sensing kernel.

    Parameters
    ----------
    name
        ``"bump"``: exp(-r0^2/(r0^2 - r^2))/Z for r < r0. ``"linear"``: proportional to 1 - r/r0 for r < r0.
        ``"gaussian"``: r0 is the standard deviation along each axis. ``"exponential"``: the steady profile of a signal
        that diffuses and decays, Khat = 1/(1 + (q r0)^2). ``"local"``: the Dirac delta, for theory.
    range
        r0 (length, > 0; ignored by ``"local"``).
    dimension
        1, 2 or 3.

    Raises
    ------
    InputError
        Unknown name, range not positive, or dimension not 1, 2 or 3.
    """

    name: str
    range: float
    dimension: int

    def __post_init__(self) -> None:
        if self.name not in KERNEL_NAMES:
            raise InputError(f"kernel '{self.name}' is unknown; known kernels: {', '.join(KERNEL_NAMES)}")
        if self.dimension not in _SPHERE:
            raise InputError(f"dimension {self.dimension} is not 1, 2 or 3")
        if not (np.isfinite(self.range) and self.range > 0.0):
            raise InputError(f"the range of kernel '{self.name}' is {self.range}; it must be positive and finite")

    @property
    def is_local(self) -> bool:
        """Whether the kernel is the Dirac delta."""
        return self.name == "local"

    @property
    def singular(self) -> bool:
        """Whether K is infinite at r = 0."""
        return self.is_local or (self.name == "exponential" and self.dimension > 1)

    @property
    def support(self) -> float:
        """Radius (length) beyond which K is zero or below 1e-9 of its scale."""
        if self.name == "gaussian":
            return self.range * float(np.sqrt(-2.0 * np.log(_NEGLIGIBLE)))
        if self.name == "exponential":
            return -self.range * float(np.log(_NEGLIGIBLE))
        return 0.0 if self.is_local else self.range

    @cached_property
    def _normalisation(self) -> float:
        """Integral of the unit-range shape over space."""
        x, weight = _quadrature(_nodes_for(0.0))
        return float(_SPHERE[self.dimension] * np.sum(weight * x ** (self.dimension - 1) * _FINITE_SHAPES[self.name](x)))

    def __call__(self, distance: ArrayLike) -> Array:
        """K at the given distances.

        Parameters
        ----------
        distance
            r >= 0 (length), any shape.

        Returns
        -------
        ndarray
            K(r) (1/length^dimension), infinite where it is singular.
        """
        x = np.atleast_1d(np.asarray(distance, dtype=np.float64)) / self.range
        d = self.dimension
        if self.name in _FINITE_SHAPES:
            value = _FINITE_SHAPES[self.name](x) / self._normalisation
        elif self.name == "gaussian":
            value = np.exp(-0.5 * x**2) / (2.0 * np.pi) ** (d / 2)
        elif self.name == "exponential":
            value = self._screened(x)
        else:
            value = np.where(x == 0.0, np.inf, 0.0)
        return (value / self.range**d).reshape(np.shape(distance))

    def _screened(self, x: Array) -> Array:
        """Green function of 1 - laplacian."""
        if self.dimension == 1:
            return np.asarray(0.5 * np.exp(-x))
        at_origin = x == 0.0
        safe = np.where(at_origin, 1.0, x)
        value = special.k0(safe) / (2.0 * np.pi) if self.dimension == 2 else np.exp(-safe) / (4.0 * np.pi * safe)
        return np.where(at_origin, np.inf, value)

    def transform(self, wavenumber: ArrayLike) -> Array:
        """Khat at the given wavenumbers.

        Parameters
        ----------
        wavenumber
            |q| >= 0 (1/length), any shape.

        Returns
        -------
        ndarray
            Khat(q), real, 1 at q = 0.
        """
        k = np.abs(np.asarray(wavenumber, dtype=np.float64)) * self.range
        if self.name == "gaussian":
            return np.asarray(np.exp(-0.5 * np.minimum(k, 37.0) ** 2))
        if self.name == "exponential":
            return 1.0 / (1.0 + k**2)
        if self.is_local:
            return np.ones_like(k)
        unique, inverse = np.unique(k, return_inverse=True)
        if unique.size <= _REMEMBERED_SIZE:
            return (_remembered(self.name, self.dimension, unique.tobytes()) / self._normalisation)[inverse].reshape(k.shape)
        return (_radial_transform(self.name, self.dimension, unique) / self._normalisation)[inverse].reshape(k.shape)


@lru_cache(maxsize=64)
def _remembered(name: str, dimension: int, wavenumbers: bytes) -> Array:
    """Radial Fourier integral at a set of wavenumbers: searches and maps ask for the same set again and again."""
    return _radial_transform(name, dimension, np.frombuffer(wavenumbers))


def _radial_transform(name: str, dimension: int, k: Array) -> Array:
    """Radial Fourier integral of a finite shape at sorted unit-range wavenumbers, not normalised."""
    out = np.empty_like(k)
    # blocks of neighbouring wavenumbers share their nodes, and bound the memory
    for start in range(0, k.size, 4096):
        block = k[start : start + 4096]
        x, weight = _quadrature(_nodes_for(block[-1]))
        measure = weight * x ** (dimension - 1) * _FINITE_SHAPES[name](x)
        phase = np.outer(block, x)
        out[start : start + 4096] = _radial_wave(phase, dimension) @ measure
    return out * _SPHERE[dimension]


def _radial_wave(phase: Array, dimension: int) -> Array:
    """Average of exp(-i q.r) over directions: cos, J0 or sin(x)/x."""
    if dimension == 1:
        return np.asarray(np.cos(phase))
    return np.asarray(special.j0(phase)) if dimension == 2 else np.asarray(np.sinc(phase / np.pi))


def _nodes_for(largest_wavenumber: float) -> int:
    """Number of nodes: 160 resolve the shapes themselves, then half a node per radian of the wave."""
    return 32 * int(np.ceil((160.0 + 0.6 * largest_wavenumber) / 32.0))


@lru_cache(maxsize=256)
def _quadrature(nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on (0, 1), not to be written to."""
    x, weight = special.roots_legendre(nodes)
    return 0.5 * (x + 1.0), 0.5 * weight
