r"""Exceptional points: wavenumbers at which two modes coalesce, and real growth rates become a complex pair.

The squared distance between the fastest mode and its nearest partner,

    Delta(q) = (lambda_1 - lambda_2)^2,

is positive for two real modes, negative for a complex pair (-4 Im^2), and goes through zero, smoothly, where they coalesce. For
two species at order 0 it is q^4 times the discriminant of M,

    (M_11 - M_22)^2 + 4 M_12 M_21 < 0        the oscillatory condition, [S1] Eq. 12.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from theory.arrays import Array, ComplexArray
from theory.errors import InputError
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState
from theory.linear_stability import eigenvalues, intrinsic_lengths, searched_wavenumbers

# two modes coalesce at a root of Delta if that is a small share of the squared rates there, else one mode overtakes another
_COALESCED = 1e-6


@dataclass(frozen=True)
class ExceptionalPoint:
    """Where the two fastest modes coalesce.

    Parameters
    ----------
    wavenumber
        (1/length).
    growth_rate
        Of both (1/time).
    """

    wavenumber: float
    growth_rate: float


@dataclass(frozen=True)
class OscillatoryCondition:
    """[S1] Eq. 12 for two species: long waves oscillate if the product is below the threshold.

    Parameters
    ----------
    product
        (d v_B/d rho_A) (d v_A/d rho_B) (length^(2 + 2d)/time^2): what M_AB M_BA comes from, or for other couplings would.
    threshold
        -v_A v_B (M_AA - M_BB)^2/(4 D_A D_B rho_A rho_B).
    """

    product: float
    threshold: float

    @property
    def met(self) -> bool:
        """Whether modes are complex."""
        return self.product < self.threshold


def oscillatory_condition(state: HomogeneousState) -> OscillatoryCondition:
    """The condition at long waves.

    Raises
    ------
    InputError
        There are not two species.
    """
    if state.model.number_of_species != 2:
        raise InputError(f"the oscillatory condition is one of two species, not {state.model.number_of_species}")
    matrix = state.matrix(0.0)
    scale = float(np.prod(state.speeds) / np.prod(state.diffusivities * state.densities))
    difference = float(matrix[0, 0] - matrix[1, 1])
    # a sum, as minus zero would be printed as such
    return OscillatoryCondition(float(scale * matrix[0, 1] * matrix[1, 0]), 0.0 - 0.25 * scale * difference**2)


def squared_gap(values: ComplexArray) -> Array:
    """Delta of eigenvalues (..., mode): of the one with the largest real part and its nearest real, or conjugate, partner."""
    first = np.argmax(values.real, axis=-1)
    top = np.take_along_axis(values, first[..., None], axis=-1)
    distance = np.abs(values - top) ** 2
    others = (values.imag == 0.0) & (np.arange(values.shape[-1]) != first[..., None])
    nearest = np.min(np.where(others, distance, np.inf), axis=-1)
    return np.where(top[..., 0].imag != 0.0, -4.0 * top[..., 0].imag ** 2, nearest)


def exceptional_points(state: HomogeneousState, order: int = 0) -> list[ExceptionalPoint]:
    """Wavenumbers above 0 at which the two fastest modes coalesce, rising.

    Parameters
    ----------
    state
        The mixture.
    order
        Highest angular harmonic of the hierarchy; 0 is hydrodynamics.
    """
    lengths = intrinsic_lengths(state, order)
    if not lengths or state.model.number_of_species * (order + 1) + len(state.model.chemicals) < 2:
        return []

    def gap(q: Array) -> Array:
        return squared_gap(_modes(state, q, order))

    q = searched_wavenumbers(lengths, order)[1:]
    signs = np.sign(gap(q))
    found = []
    for n in np.nonzero(signs[1:] * signs[:-1] < 0.0)[0]:
        root = float(optimize.brentq(lambda x: float(gap(np.array(x))), q[n], q[n + 1], xtol=1e-12 * q[n], rtol=1e-14))
        values = _modes(state, np.array(root), order)
        if abs(float(squared_gap(values))) < _COALESCED * float(np.abs(values).max()) ** 2:
            found.append(ExceptionalPoint(root, float(mode_rates(state, root, order)[0].real)))
    return found


def _modes(state: HomogeneousState, q: Array, order: int) -> ComplexArray:
    """Growth rates, at order 0 without the factor q^2, in which long waves would lose their digits."""
    if order == 0 and all(one.adiabatic for one in state.model.chemicals):
        return eigenvalues(-state.matrix(q))
    return mode_rates(state, q, order)
