"""Compiled loops that carry data between modes, columns and rows; serial, for one block each.

``half`` (array, row, column) holds fields that are transformed along x only. ``columns`` (array, column, row) and ``rows``
(array, row, column) are the work arrays of one thread. Linear combinations are told by tables, one line per term:

    (source, axis, filter)  and a coefficient,

the terms of target t being the lines ``starts[t]`` to ``starts[t + 1]``. An axis of 0 (x) or more stands for a derivative
along it, a factor i k; a filter of 0 or more for a factor that depends on the mode; -1 for neither.
"""

from typing import Any

from theory.compiling import inlined, loop


@loop
def load_rows(half: Any, arrays: int, first: int, count: int, columns: int, rows: Any) -> None:
    """Rows of all arrays, with zeros beyond the columns that are kept."""
    for a in range(arrays):
        for r in range(count):
            for c in range(columns):
                rows[a, r, c] = half[a, first + r, c]
            for c in range(columns, rows.shape[2]):
                rows[a, r, c] = 0.0


@loop
def store_rows(rows: Any, offset: int, arrays: int, first: int, count: int, columns: int, half: Any) -> None:
    """Arrays ``offset`` and on of the rows, to the first arrays of ``half``."""
    for a in range(arrays):
        for r in range(count):
            for c in range(columns):
                half[a, first + r, c] = rows[offset + a, r, c]


@loop
def load_columns(half: Any, arrays: int, first: int, count: int, columns: Any) -> None:
    """Columns of all arrays, transposed; zeros where the block has more of them than there are."""
    for a in range(arrays):
        for r in range(half.shape[1]):
            for c in range(count):
                columns[a, c, r] = half[a, r, first + c]
        columns[a, count:] = 0.0


@loop
def store_columns(columns: Any, offset: int, arrays: int, first: int, count: int, half: Any) -> None:
    """Arrays ``offset`` and on of the columns, to the first arrays of ``half``."""
    for a in range(arrays):
        for r in range(half.shape[1]):
            for c in range(count):
                half[a, r, first + c] = columns[offset + a, c, r]


@inlined
def _turned(k: Any, z: Any) -> Any:
    """I k z."""
    return complex(-k * z.imag, k * z.real)


@loop
def fill_columns(
    starts: Any, table: Any, coefficients: Any, filters: Any, kx: Any, across: Any, runs: Any, inside: Any,
    modes: Any, first: int, count: int, columns: Any,
) -> None:  # fmt: skip
    """Arrays of columns as combinations of modes, with zeros beyond the modes that are kept."""
    for a in range(starts.shape[0] - 1):
        columns[a, count:] = 0.0
        for c in range(count):
            for y in range(inside.shape[0]):
                if inside[y] == 0.0:
                    columns[a, c, y] = 0.0
            for e in range(starts[a], starts[a + 1]):
                source, axis, sieve = table[e]
                for n in range(runs.shape[0]):
                    row, place, length = runs[n]
                    out = columns[a, c, place : place + length]
                    z = modes[source, first + c, row : row + length]
                    factor = filters[sieve, first + c, row : row + length]
                    if axis <= 0:
                        k = kx[first + c] if axis == 0 else 1.0
                        _fill_along(coefficients[e] * k, factor, z, axis == 0, e > starts[a], out)
                    else:
                        _fill_across(coefficients[e], across[axis - 1, row : row + length], factor, z, e > starts[a], out)


@inlined
def _fill_along(k: Any, factor: Any, z: Any, turn: Any, add: Any, out: Any) -> None:
    if turn:
        for i in range(out.shape[0]):
            value = _turned(k * factor[i], z[i])
            out[i] = out[i] + value if add else value
    elif add:
        for i in range(out.shape[0]):
            out[i] += k * factor[i] * z[i]
    else:
        for i in range(out.shape[0]):
            out[i] = k * factor[i] * z[i]


@inlined
def _fill_across(coefficient: Any, k: Any, factor: Any, z: Any, add: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        value = _turned(coefficient * k[i] * factor[i], z[i])
        out[i] = out[i] + value if add else value


@loop
def differentiate_columns(
    starts: Any, table: Any, coefficients: Any, kx: Any, across: Any, inside: Any, offset: int, first: int, count: int,
    columns: Any,
) -> None:  # fmt: skip
    """Arrays ``offset`` and on as combinations of derivatives of the others; ``across`` (d - 1, row) of all rows, 0 outside."""
    rows = inside.shape[0]
    for a in range(starts.shape[0] - 1):
        columns[offset + a, count:] = 0.0
        for e in range(starts[a], starts[a + 1]):
            source, axis, _ = table[e]
            for c in range(count):
                out, z = columns[offset + a, c, :rows], columns[source, c, :rows]
                if axis == 0:
                    _fill_across(coefficients[e] * kx[first + c], inside, inside, z, e > starts[a], out)
                else:
                    _fill_across(coefficients[e], across[axis - 1], inside, z, e > starts[a], out)


@loop
def decay(rates: Any, diffusivities: Any, squared: Any, modes: Any, first: int, count: int, out: Any) -> None:
    """-(rate + diffusivity k^2) times the modes; rates and diffusivities (component,)."""
    for s in range(modes.shape[0]):
        for c in range(first, first + count):
            for r in range(modes.shape[2]):
                out[s, c, r] = -(rates[s] + diffusivities[s] * squared[c, r]) * modes[s, c, r]


@loop
def mix(starts: Any, table: Any, coefficients: Any, modes: Any, first: int, count: int, out: Any) -> None:
    """Add combinations of modes to modes."""
    for s in range(starts.shape[0] - 1):
        for e in range(starts[s], starts[s + 1]):
            source = table[e, 0]
            for c in range(first, first + count):
                for r in range(modes.shape[2]):
                    out[s, c, r] += coefficients[e] * modes[source, c, r]


@loop
def gather(
    starts: Any, table: Any, coefficients: Any, kx: Any, across: Any, runs: Any, columns: Any, first: int, count: int, out: Any,
) -> None:  # fmt: skip
    """Add combinations of columns to modes."""
    for s in range(starts.shape[0] - 1):
        for c in range(count):
            for n in range(runs.shape[0]):
                row, place, length = runs[n]
                target = out[s, first + c, row : row + length]
                for e in range(starts[s], starts[s + 1]):
                    source, axis, _ = table[e]
                    z = columns[source, c, place : place + length]
                    if axis < 0:
                        _add_scaled(coefficients[e], z, target)
                    elif axis == 0:
                        _add_turned(coefficients[e] * kx[first + c], z, target)
                    else:
                        _add_derivative(coefficients[e], across[axis - 1, row : row + length], z, target)


@inlined
def _add_scaled(coefficient: Any, z: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] += coefficient * z[i]


@inlined
def _add_turned(k: Any, z: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] += _turned(k, z[i])


@inlined
def _add_derivative(coefficient: Any, k: Any, z: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] += _turned(coefficient * k[i], z[i])


@loop
def scale_columns(index: Any, factors: Any, runs: Any, first: int, count: int, columns: Any) -> None:
    """Multiply the arrays ``index`` of the columns by factors (array, column, row) of the modes."""
    for a in range(index.shape[0]):
        for c in range(count):
            for n in range(runs.shape[0]):
                row, place, length = runs[n]
                for i in range(length):
                    columns[index[a], c, place + i] *= factors[a, first + c, row + i]


@loop
def weigh(weights: Any, first: int, count: int, out: Any) -> None:
    """Multiply modes by weights (component, column, row)."""
    for s in range(out.shape[0]):
        for c in range(first, first + count):
            for r in range(out.shape[2]):
                out[s, c, r] *= weights[s, c, r]
