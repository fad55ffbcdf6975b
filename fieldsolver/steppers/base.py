r"""What all steppers share: the linear part that is integrated exactly.

Each Fourier mode u obeys  du/dt = F(u) + noise.  A stepper treats a decay exactly,

    du/dt = -c u + N(u) + noise,    N(u) = F(u) + c u,    c >= 0,

and is handed F, the rates c, and the noise of the step, weighted so that a mode that only decays has the exact variance

    c_noise = dt sqrt[(1 - exp(-2 c dt))/(2 c dt)]  times a force that is white in time.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
Tendency = Callable[[ComplexArray, ComplexArray], None]


class Stepper(Protocol):
    """One scheme.

    Parameters
    ----------
    rates
        c, shape (species, ny, nkx) (1/time), not negative.
    time_step
        dt (time).
    """

    name: ClassVar[str]
    deterministic_order: ClassVar[int]
    weak_order: ClassVar[int]

    def __init__(self, rates: Array, time_step: float) -> None: ...

    def step(self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: ComplexArray) -> None:
        """Advance ``state`` in place by one time step.

        Parameters
        ----------
        state
            u, shape (species, ny, nkx).
        tendency
            F(u) at the start of the step, already evaluated (the noise needed the same fields).
        evaluate
            ``evaluate(u, out)`` writes F(u).
        noise
            The step's random increment, zeros for a deterministic step.
        """
        ...


def phi1(z: Array) -> Array:
    """(exp(z) - 1)/z, 1 at z = 0."""
    safe = np.where(z == 0.0, 1.0, z)
    return np.where(z == 0.0, 1.0, np.expm1(safe) / safe)


def phi2(z: Array) -> Array:
    """(exp(z) - 1 - z)/z^2, 1/2 at z = 0."""
    small = np.abs(z) < 0.05
    safe = np.where(small, 1.0, z)
    # the difference loses digits for small z; the series ends below round-off there
    series = sum(z**n / _FACTORIALS[n + 2] for n in range(8))
    return np.where(small, series, (np.expm1(safe) - safe) / safe**2)


_FACTORIALS = (1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880)


def noise_weight(rates: Array, time_step: float) -> Array:
    """Integral of a unit white force over a step of a decaying mode, per unit force of variance 1/dt."""
    return np.asarray(time_step * np.sqrt(phi1(-2.0 * rates * time_step)))
