r"""Fields on another grid, by way of their Fourier modes.

A field is known at the centres (i + 1/2) a of the cells of a periodic grid. Between them it is taken to be

    f(r) = \sum_k f_k exp(i k.r),    |n_k| < N/2 along every axis of N cells,

the only field of so few waves that has these values, but for the waves of exactly N/2, which have no phase and are left out. It
is evaluated at the centres of the other grid's cells; waves that this cannot hold are left out too.
"""

import numpy as np

from theory.arrays import Array, ComplexArray


def resampled(field: Array, shape: tuple[int, ...]) -> Array:
    """A field at the cell centres of another grid over the same box.

    Parameters
    ----------
    field
        Shape (..., [nz,] [ny,] nx): as many axes of space as ``shape`` has.
    shape
        Numbers of cells of the other grid, in array order.

    Returns
    -------
    ndarray
        Shape (..., *shape).
    """
    leading, old = field.shape[: -len(shape)], field.shape[-len(shape) :]
    if old == shape:
        return np.array(field, dtype=np.float64)
    axes = tuple(range(-len(shape), 0))
    modes = np.fft.fftn(field, axes=axes) / np.prod(old)
    for axis, (before, after) in enumerate(zip(old, shape, strict=True), start=len(leading)):
        modes = _changed(modes, axis, before, after)
    return np.asarray(np.fft.ifftn(modes, axes=axes).real * np.prod(shape))


def _changed(modes: ComplexArray, axis: int, before: int, after: int) -> ComplexArray:
    """Modes along one axis for another number of cells, with the phase by which the cells' centres move."""
    largest = (min(before, after) - 1) // 2
    kept = np.arange(-largest, largest + 1)
    # centres lie at half a cell: the first one of each grid is somewhere else
    phase = np.exp(1j * np.pi * kept * (1.0 / after - 1.0 / before))
    shape = list(modes.shape)
    shape[axis] = after
    out = np.zeros(shape, dtype=np.complex128)
    along = [slice(None)] * modes.ndim
    source, target = list(along), list(along)
    source[axis], target[axis] = kept % before, kept % after  # type: ignore[call-overload]
    out[tuple(target)] = modes[tuple(source)] * phase.reshape(-1, *(1,) * (modes.ndim - axis - 1))
    return out
