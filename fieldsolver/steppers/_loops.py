"""Compiled loops of the steppers; all arrays (species, ny, nkx), states complex, weights real."""

from typing import Any

import numba

from theory.compiling import parallel_loop


@parallel_loop
def add_weighted(weights: Any, state: Any, tendency: Any, increment: Any, out: Any) -> None:
    """State + weight tendency + increment."""
    species, rows, columns = state.shape
    for row in numba.prange(rows):
        for s in range(species):
            for i in range(columns):
                out[s, row, i] = state[s, row, i] + weights[s, row, i] * tendency[s, row, i] + increment[s, row, i]


@parallel_loop
def correct(weights: Any, rates: Any, predicted: Any, tendency: Any, predicted_tendency: Any, state: Any) -> None:
    """Predicted + weight [N(predicted) - N(state)] with N = tendency + rate state, written into ``state``."""
    species, rows, columns = state.shape
    for row in numba.prange(rows):
        for s in range(species):
            for i in range(columns):
                change = predicted_tendency[s, row, i] - tendency[s, row, i]
                change += rates[s, row, i] * (predicted[s, row, i] - state[s, row, i])
                state[s, row, i] = predicted[s, row, i] + weights[s, row, i] * change
