r"""What all steppers share: the problem that they are handed, and the part of it that they take out of the explicit part.

Each Fourier mode u of each component obeys  du/dt = F(u) + noise.  A stepper splits off a decay,

    du/dt = -c u + N(u) + noise,    N(u) = F(u) + c u,    c >= 0,

which it treats exactly or implicitly. Two rates make it up. ``exact`` is what decays at the same rate everywhere (translational
diffusion, reorientation of harmonics, decay of chemicals). ``reference`` stands for diffusion whose coefficient varies from
place to place: D* q^2 with D* about the largest one. F contains both; what c gets wrong stays in N, and is therefore right.

How much of ``reference`` a scheme takes is a matter of stability and accuracy, and each scheme says it. A place whose own
diffusivity is well below D* sees c - D q^2 come back by way of N, with the error of the explicit part: a scheme without noise
takes the least that is stable,

    c = exact + max(0, share reference - margin/dt),

and a scheme with noise takes all, because the variance of a mode is exact only where c is its rate.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fieldsolver.steppers import _loops
from theory.errors import InputError

Array = NDArray[Any]
ComplexArray = NDArray[Any]
Tendency = Callable[[ComplexArray, ComplexArray], None]
Noise = Callable[[ComplexArray | None, ComplexArray], None]


class Stepper(Protocol):
    """One scheme.

    Parameters
    ----------
    shape
        Of the state: (component, [kz,] [ky,] kx).
    dtype
        Of the state: complex64 or complex128.

    Attributes
    ----------
    name
        As in run files.
    deterministic_order
        Order of the error at a fixed time without noise.
    weak_order
        Order of the error of expectations, with multiplicative Ito noise; 0: the scheme takes no noise.
    additive_weak_order
        The same where the amplitude of the noise does not depend on the state.
    error_order
        Power of dt with which the estimate of :meth:`error` falls.
    evaluations
        Of F per step, the one at its start included.
    """

    name: ClassVar[str]
    deterministic_order: ClassVar[int]
    weak_order: ClassVar[int]
    additive_weak_order: ClassVar[int]
    error_order: ClassVar[int]
    evaluations: ClassVar[int]

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None: ...

    def prepare(self, exact: Array, reference: Array, time_step: float) -> None:
        """Set the rates and the time step of the steps to come.

        Parameters
        ----------
        exact, reference
            Decay rates, shape of the state, real, not negative (1/time).
        time_step
            dt (time).
        """
        ...

    def step(
        self, state: ComplexArray, tendency: ComplexArray, evaluate: Tendency, noise: Noise | None, out: ComplexArray
    ) -> None:
        """One step from ``state`` into ``out``, another array.

        Parameters
        ----------
        state
            u, shape (component, ...).
        tendency
            F(u), already evaluated.
        evaluate
            ``evaluate(u, out)`` writes F(u).
        noise
            ``noise(u, out)`` writes the random increment of this step, with the amplitude that the state u gives it (None: the
            state that was evaluated last) and the weight of :func:`fieldsolver.steppers.phi.noise_weight`; the same random
            numbers whenever it is asked. None: a deterministic step.
        out
            The state after the step.
        """
        ...

    def error(self, state: ComplexArray, tendency: ComplexArray, out: ComplexArray, out_tendency: ComplexArray) -> Array:
        """Estimated error of the step just taken, before it is accepted.

        Parameters
        ----------
        state, tendency, out
            As in :meth:`step`.
        out_tendency
            F(out).

        Returns
        -------
        ndarray
            Root of the sum of squares over the stored modes, shape (component,).
        """
        ...

    def accept(self, state: ComplexArray, tendency: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Take the step for done; a multistep scheme keeps the arrays as its history.

        Parameters
        ----------
        state, tendency
            As in :meth:`step`: what the step started from.

        Returns
        -------
        tuple of ndarray
            Two arrays of the same kind that may be overwritten.
        """
        ...

    def history(self) -> dict[str, Array]:
        """What a bit-exact continuation needs beside the state; copies, by name."""
        ...

    def restore(self, history: Mapping[str, Array]) -> None:
        """Take up the history of another stepper of the same kind."""
        ...


class OneStep:
    """What schemes without a history share: rates, and nothing to keep."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._rates = np.zeros(shape, dtype=real_type(dtype))
        self._sums = block_sums(shape)

    def accept(self, state: ComplexArray, tendency: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Nothing is kept; see :class:`Stepper`."""
        return state, tendency

    def history(self) -> dict[str, Array]:
        """None."""
        return {}

    def restore(self, history: Mapping[str, Array]) -> None:
        """Nothing to restore."""


def refuse_noise(name: str, noise: Noise | None) -> None:
    """Raise where noise is handed to a scheme that is not made for it."""
    if noise is not None:
        raise InputError(f"the stepper '{name}' is for deterministic runs; with noise use 'etdrk2' or 'exponential_euler'")


def real_type(dtype: DTypeLike) -> np.dtype[Any]:
    """Type of the real part of a complex type."""
    return np.empty(0, dtype=dtype).real.dtype


def flat(array: Array) -> Array:
    """The same memory with one axis for all modes, (component, mode)."""
    return array.reshape(array.shape[0], -1)


def block_sums(shape: tuple[int, ...]) -> Array:
    """Room for the partial sums of a loop, (component, block)."""
    return np.zeros((shape[0], _loops.number_of_blocks(int(np.prod(shape[1:])))))


def root_of_sums(sums: Array) -> Array:
    """Root of the sum over all blocks, (component,)."""
    return np.asarray(np.sqrt(sums.sum(axis=1)))


def least_rates(exact: Array, reference: Array, time_step: float, share: float, margin: float) -> Array:
    """The least decay that keeps a scheme stable: exact + max(0, share reference - margin/dt)."""
    return np.asarray(exact + np.maximum(share * reference - margin / time_step, 0.0))
