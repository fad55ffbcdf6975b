"""Compiled loops of the steppers.

All arrays are (component, mode): states and tendencies complex, weights real. Loops run over blocks of modes; sums are kept
block by block, so that they are the same for any number of threads.
"""

from typing import Any

import numba

from fieldsolver.steppers._phi_loops import phi
from theory.compiling import parallel_loop

BLOCK = 4096


def number_of_blocks(modes: int) -> int:
    """Blocks over which sums are kept."""
    return -(-modes // BLOCK)


@parallel_loop
def add_weighted(weights: Any, state: Any, tendency: Any, out: Any) -> None:
    """State + weight tendency."""
    components, modes = state.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                out[s, i] = state[s, i] + weights[s, i] * tendency[s, i]


@parallel_loop
def add(increment: Any, state: Any) -> None:
    """State + increment, in place."""
    components, modes = state.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                state[s, i] += increment[s, i]


@parallel_loop
def correct(weights: Any, rates: Any, state: Any, tendency: Any, stage: Any, stage_tendency: Any, out: Any) -> None:
    """Stage + weight [N(stage) - N(state)], N(u) = F(u) + rate u."""
    components, modes = state.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                change = stage_tendency[s, i] - tendency[s, i] + rates[s, i] * (stage[s, i] - state[s, i])
                out[s, i] = stage[s, i] + weights[s, i] * change


@parallel_loop
def squared_difference(one: Any, other: Any, sums: Any) -> None:
    """Sums of |one - other|^2 into (component, block)."""
    components, modes = one.shape
    for block in numba.prange(sums.shape[1]):
        for s in range(components):
            total = 0.0
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                z = one[s, i] - other[s, i]
                total += z.real * z.real + z.imag * z.imag
            sums[s, block] = total


@parallel_loop
def squared_waves(state: Any, sums: Any) -> None:
    """Sums of |state|^2 without the first mode, which is the mean, into (component, block)."""
    components, modes = state.shape
    for block in numba.prange(sums.shape[1]):
        for s in range(components):
            total = 0.0
            for i in range(max(block * BLOCK, 1), min((block + 1) * BLOCK, modes)):
                z = state[s, i]
                total += z.real * z.real + z.imag * z.imag
            sums[s, block] = total


@parallel_loop
def second_order_weights(time_step: float, rates: Any, first: Any, second: Any) -> None:
    """Dt phi_1(-c dt) and dt phi_2(-c dt)."""
    components, modes = rates.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                one, two, _ = phi(-time_step * rates[s, i])
                first[s, i] = time_step * one
                second[s, i] = time_step * two


@parallel_loop
def fourth_order_weights(time_step: float, rates: Any, half: Any, half_second: Any, whole: Any, inner: Any, last: Any) -> None:
    """Weights of the stages of :mod:`fieldsolver.steppers.etdrk4`, in this order."""
    components, modes = rates.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                z = -time_step * rates[s, i]
                half_one, half_two, _ = phi(0.5 * z)
                one, two, three = phi(z)
                half[s, i] = 0.5 * time_step * half_one
                half_second[s, i] = time_step * half_two
                whole[s, i] = time_step * one
                inner[s, i] = time_step * (2.0 * two - 4.0 * three)
                last[s, i] = time_step * (4.0 * three - two)


@parallel_loop
def third_stage(
    whole: Any, inner: Any, last: Any, rates: Any, state: Any, tendency: Any, stage_tendency: Any, stage: Any, changes: Any
) -> None:
    """From stage b of ETDRK4 to the next, in place: u + dt phi_1 F + 2 dt phi_2 d(b); ``changes`` becomes d(a) + d(b)."""
    components, modes = state.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                change = stage_tendency[s, i] - tendency[s, i] + rates[s, i] * (stage[s, i] - state[s, i])
                changes[s, i] += change
                weight = 2.0 * (inner[s, i] + last[s, i])
                stage[s, i] = state[s, i] + whole[s, i] * tendency[s, i] + weight * change


@parallel_loop
def second_stage(weights: Any, rates: Any, state: Any, tendency: Any, stage_tendency: Any, stage: Any, changes: Any) -> None:
    """From stage a of ETDRK4 to stage b, in place: a + dt phi_2 d(a); the change d(a) = N(a) - N(u) into ``changes``."""
    components, modes = state.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                change = stage_tendency[s, i] - tendency[s, i] + rates[s, i] * (stage[s, i] - state[s, i])
                changes[s, i] = change
                stage[s, i] += weights[s, i] * change


@parallel_loop
def last_stage(
    whole: Any, inner: Any, last: Any, rates: Any, state: Any, tendency: Any, changes: Any, stage: Any, stage_tendency: Any,
    out: Any,
) -> None:  # fmt: skip
    """The step of ETDRK4 from its three changes of N."""
    components, modes = state.shape
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                change = stage_tendency[s, i] - tendency[s, i] + rates[s, i] * (stage[s, i] - state[s, i])
                step = whole[s, i] * tendency[s, i] + inner[s, i] * changes[s, i] + last[s, i] * change
                out[s, i] = state[s, i] + step


@parallel_loop
def squared_change(weights: Any, rates: Any, one: Any, one_tendency: Any, other: Any, other_tendency: Any, sums: Any) -> None:
    """Sums of |weight [N(one) - N(other)]|^2 into (component, block)."""
    components, modes = one.shape
    for block in numba.prange(sums.shape[1]):
        for s in range(components):
            total = 0.0
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                z = one_tendency[s, i] - other_tendency[s, i] + rates[s, i] * (one[s, i] - other[s, i])
                z = weights[s, i] * z
                total += z.real * z.real + z.imag * z.imag
            sums[s, block] = total


@parallel_loop
def two_step(
    time_step: float, ratio: float, rates: Any, state: Any, tendency: Any, earlier: Any, earlier_tendency: Any, out: Any
) -> None:
    """Backward differences of second order with extrapolated N; see :mod:`fieldsolver.steppers.sbdf2`."""
    components, modes = state.shape
    newest = (1.0 + 2.0 * ratio) / (1.0 + ratio)
    oldest = ratio * ratio / (1.0 + ratio)
    for block in numba.prange((modes + BLOCK - 1) // BLOCK):
        for s in range(components):
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                c, u = rates[s, i], state[s, i]
                # as a change of u, so that a mean which nothing changes stays what it is to the last bit
                before = u - earlier[s, i]
                drift = (1.0 + ratio) * tendency[s, i] - ratio * earlier_tendency[s, i] + ratio * c * before
                out[s, i] = u + (oldest * before + time_step * drift) / (newest + time_step * c)


@parallel_loop
def two_step_error(
    time_step: float, ratio: float, rates: Any, state: Any, tendency: Any, earlier: Any, earlier_tendency: Any, out: Any,
    out_tendency: Any, sums: Any,
) -> None:  # fmt: skip
    """Sums of the squared local error of :func:`two_step` into (component, block)."""
    components, modes = state.shape
    newest = (1.0 + 2.0 * ratio) / (1.0 + ratio)
    for block in numba.prange(sums.shape[1]):
        for s in range(components):
            total = 0.0
            for i in range(block * BLOCK, min((block + 1) * BLOCK, modes)):
                c, f = rates[s, i], tendency[s, i]
                before, step = state[s, i] - earlier[s, i], out[s, i] - state[s, i]
                wrong = out_tendency[s, i] - (1.0 + ratio) * f + ratio * earlier_tendency[s, i] + c * (step - ratio * before)
                predicted = (1.0 + ratio) * time_step * f - ratio * ratio * before
                z = (time_step * wrong - (step - predicted)) / (1.0 + newest + time_step * c)
                total += z.real * z.real + z.imag * z.imag
            sums[s, block] = total
