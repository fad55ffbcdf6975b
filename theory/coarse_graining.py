r"""Coarse-graining of densities: rho_q -> g(q) rho_q, which leaves structures longer than a length ell.

sharp:     g = 1 for |q| <= pi/ell, else 0      (what a grid of spacing ell would hold)
gaussian:  g = exp(-q^2 ell^2/2)                (ell is the standard deviation of the window; densities stay positive)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Array
from theory.errors import InputError

FILTER_NAMES = ("gaussian", "sharp")
# the band's edge is a little beyond the modes on it, so that grids of all sizes hold the same modes
_BEYOND = 1.0 + 1e-9


@dataclass(frozen=True)
class Filter:
    """One coarse-graining.

    Parameters
    ----------
    name
        ``"gaussian"`` or ``"sharp"``.
    length
        ell (length); 0 leaves densities as they are.

    Raises
    ------
    InputError
        Unknown name, or a length that is negative or not finite.
    """

    name: str = "gaussian"
    length: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in FILTER_NAMES:
            raise InputError(f"the filter '{self.name}' is unknown; known filters: {', '.join(FILTER_NAMES)}")
        if not (np.isfinite(self.length) and self.length >= 0.0):
            raise InputError(f"the coarse-graining length is {self.length}; it must be finite and not negative")

    def transfer(self, wavenumbers: ArrayLike) -> Array:
        """g(q) at |q| (1/length) of any shape."""
        q = np.asarray(wavenumbers, dtype=np.float64)
        if self.length == 0.0:
            return np.ones_like(q)
        if self.name == "sharp":
            return np.asarray((q <= np.pi / self.length * _BEYOND).astype(np.float64))
        return np.asarray(np.exp(-0.5 * np.minimum(q * self.length, 37.0) ** 2))
