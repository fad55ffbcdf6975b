"""Initial densities that come from elsewhere: from a file of arrays, or from a frame of another run.

What was read is kept in the run's own directory, so that the run can be continued when the file has gone.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from runs.atomic import StoreError, storage_error, write_atomically
from runs.frames_of_run import DensityFrames, open_run
from theory.errors import InputError
from theory.fourier import Array

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

FROM_ELSEWHERE = ("file", "run")
_KEPT = "initial.npz"
# relative difference of a mean to the composition up to which densities are scaled instead of refused
_SAME_MEAN = 0.01
_SAME_LENGTH = 1e-9


def read_source(specification: "RunSpecification") -> Array:
    """The densities that ``initial.path`` names.

    Parameters
    ----------
    specification
        A run whose initial state is "file" or "run". A relative path starts at the directory of its run file.

    Returns
    -------
    ndarray
        Shape (species, [nz,] [ny,] nx) on the grid on which they are stored (1/length^d).

    Raises
    ------
    InputError
        They cannot be read, or do not fit the species, the box or the composition; the message says what does.
    """
    initial = specification.initial
    assert initial.path is not None
    path = Path(specification.source).parent / initial.path
    density = _of_file(specification, path) if initial.state == "file" else _of_run(specification, path)
    _check_means(specification, density)
    return density


def _of_file(specification: "RunSpecification", path: Path) -> Array:
    names, dimension = specification.model.names, specification.model.dimension
    try:
        with np.load(path, allow_pickle=False) as arrays:
            missing = [name for name in names if name not in arrays]
            found = {name: np.asarray(arrays[name]) for name in names if name in arrays}
    except FileNotFoundError:
        raise _refusal(specification, "no such file; the path is relative to the run file") from None
    except (OSError, ValueError, EOFError, AttributeError, TypeError) as error:
        # numpy's words for what is no archive of arrays, or holds objects
        raise _refusal(specification, f"not a file of numeric arrays (.npz): {error}") from None
    if missing:
        raise _refusal(specification, f"holds no array {', '.join(missing)}; it needs one named after each species")
    for name, one in found.items():
        if one.ndim != dimension or one.dtype.kind not in "fiu":
            raise _refusal(
                specification,
                f"the array {name} has {one.ndim} axes of type {one.dtype}; needed: {dimension} axes of real numbers, x last",
            )
        if not np.all(np.isfinite(one)) or np.any(one < 0.0):
            raise _refusal(specification, f"the array {name} holds densities that are negative or not finite")
        if min(one.shape) < 2 or one.shape != found[names[0]].shape:
            raise _refusal(specification, f"the arrays have the shapes {[array.shape for array in found.values()]}, not one")
    return np.stack([found[name] for name in names]).astype(np.float64)


def _of_run(specification: "RunSpecification", path: Path) -> Array:
    try:
        other, scales = open_run(path)
    except StoreError as error:
        raise _refusal(specification, str(error)) from None
    names, size = specification.model.names, specification.size
    if set(other.model.names) != set(names):
        raise _refusal(specification, f"that run has the species {', '.join(other.model.names)}, this one {', '.join(names)}")
    if len(other.size) != len(size) or any(abs(a - b) > _SAME_LENGTH * b for a, b in zip(other.size, size, strict=False)):
        raise _refusal(specification, f"that run has the box {list(other.size)}, this one {list(size)}; they must be equal")
    scale = specification.initial.scale or ("fields" if "fields" in scales else "particles")
    if scale not in scales:
        raise _refusal(specification, f"that run has no frames of its {scale}; it has {' and '.join(scales)}", "scale")
    frames = scales[scale]
    frame = _frame(specification, frames)
    order = [frames.names.index(name) for name in names]
    density = frames.density(frame) if scale == "fields" else _coarse(specification, frames, frame)
    return np.asarray(density[order])


def _frame(specification: "RunSpecification", frames: DensityFrames) -> int:
    wanted, times = specification.initial.time, frames.times
    if wanted is None:
        return len(times) - 1
    if not times[0] <= wanted <= times[-1]:
        told = f"that run has frames from t = {times[0]:g} to {times[-1]:g}"
        raise _refusal(specification, told, "time")
    return frames.nearest(wanted)


def _coarse(specification: "RunSpecification", frames: DensityFrames, frame: int) -> Array:
    """Densities of particles without the window of their deposit, up to the end of the band in which fields fluctuate."""
    grid, settings = frames.grid, specification.fields
    length = None if settings is None else settings.noise_length
    length = length or float(specification.model.sensing_ranges.max())
    band = grid.wavenumber <= np.pi / length * (1.0 + 1e-9) if length > 0.0 else 1.0
    modes = frames.modes(frame) * band / grid.cell_volume
    axes = tuple(range(1, 1 + grid.dimension))
    return np.maximum(np.fft.irfftn(modes, s=grid.shape, axes=axes), 0.0)


def _check_means(specification: "RunSpecification", density: Array) -> None:
    """Refuse densities of another composition: theory and run would speak of different mixtures."""
    means = density.mean(axis=tuple(range(1, density.ndim)))
    for mean, (name, wanted) in zip(means, specification.composition.items(), strict=True):
        if abs(mean - wanted) > _SAME_MEAN * wanted:
            raise _refusal(
                specification,
                f"these densities hold {name} = {mean:.6g} on average, composition.{name} is {wanted:g}; "
                f"set composition.{name} = {mean:.6g}, or scale the densities",
            )


def _refusal(specification: "RunSpecification", message: str, key: str = "path") -> InputError:
    value = getattr(specification.initial, key)
    shown = f"'{value}'" if isinstance(value, str) else f"{value:g}" if value is not None else "not stated"
    return InputError(f"{specification.source}: initial.{key} = {shown}: {message}")


def keep_source(directory: Path, names: tuple[str, ...], source: Array) -> None:
    """Write densities that were read from elsewhere into the directory of the run.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **dict(zip(names, source, strict=True)))
    write_atomically(directory / _KEPT, [buffer.getvalue()])


def kept_source(directory: Path, names: tuple[str, ...]) -> Array:
    """The densities that :func:`keep_source` wrote.

    Raises
    ------
    StoreError
        The file is missing or damaged.
    """
    path = directory / _KEPT
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return np.stack([arrays[name] for name in names])
    except OSError as error:
        raise storage_error(path, "read", error) from error
    except (ValueError, KeyError, EOFError) as error:
        raise StoreError(f"{path}: damaged: {error}; restore it from a copy, or start the run again") from None
