"""Initial densities that come from elsewhere: from a file of arrays, or from a frame of another run.

What was read is kept in the run's own directory, so that the run can be continued when the file has gone.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from runs.frames_of_run import DensityFrames, open_run
from runs.store.atomic import StoreError, storage_error, write_atomically
from theory.arrays import Array
from theory.errors import InputError

if TYPE_CHECKING:
    from runs.runfile import RunSpecification

FROM_ELSEWHERE = ("file", "run")
_KEPT = "initial.npz"
# relative difference of a mean to the composition up to which densities are scaled instead of refused
_SAME_MEAN = 0.01
_SAME_LENGTH = 1e-9


@dataclass(frozen=True)
class Source:
    """Fields on the grid on which they are stored.

    Parameters
    ----------
    density
        Shape (species, [nz,] [ny,] nx) (1/length^d).
    polarity
        Shape (species, direction, [nz,] [ny,] nx) (1/length^d); None where there is none.
    """

    density: Array
    polarity: Array | None = None

    def arrays(self, names: tuple[str, ...]) -> dict[str, Array]:
        """As they are stored: ``A``, ``polarity_x_A``, ..."""
        found = dict(zip(names, self.density, strict=True))
        for name, vector in zip(names, () if self.polarity is None else self.polarity, strict=False):
            found |= {f"polarity_{axis}_{name}": one for axis, one in zip("xyz", vector, strict=False)}
        return found

    @classmethod
    def of(cls, arrays: Mapping[str, Array], names: tuple[str, ...]) -> "Source":
        """The inverse of :meth:`arrays`; polarities that are missing are zero if there are any."""
        density = np.stack([np.asarray(arrays[name], dtype=np.float64) for name in names])
        axes = "xyz"[: density.ndim - 1]
        keys = [[f"polarity_{axis}_{name}" for axis in axes] for name in names]
        if not any(key in arrays for row in keys for key in row):
            return cls(density)
        zero = np.zeros(density.shape[1:])
        return cls(density, np.array([[arrays.get(key, zero) for key in row] for row in keys], dtype=np.float64))


def read_source(specification: "RunSpecification") -> Source:
    """The fields that ``initial.path`` names.

    Parameters
    ----------
    specification
        A run whose initial state is "file" or "run". A relative path starts at the directory of its run file.

    Raises
    ------
    InputError
        They cannot be read, or do not fit the species, the box or the composition; the message says what does.
    """
    initial = specification.initial
    assert initial.path is not None
    path = Path(specification.source).parent / initial.path
    source = _of_file(specification, path) if initial.state == "file" else _of_run(specification, path)
    _check_means(specification, source.density)
    return source


def _of_file(specification: "RunSpecification", path: Path) -> Source:
    names, dimension = specification.model.names, specification.model.dimension
    polarities = [f"polarity_{axis}_{name}" for name in names for axis in "xyz"[:dimension]]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            missing = [name for name in names if name not in arrays]
            found = {name: np.asarray(arrays[name]) for name in (*names, *polarities) if name in arrays}
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
        if not np.all(np.isfinite(one)) or (name in names and np.any(one < 0.0)):
            raise _refusal(specification, f"the array {name} holds numbers that are not finite, or negative densities")
        if min(one.shape) < 2 or one.shape != found[names[0]].shape:
            raise _refusal(specification, f"the arrays have the shapes {[array.shape for array in found.values()]}, not one")
    return Source.of(found, names)


def _of_run(specification: "RunSpecification", path: Path) -> Source:
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
    if scale == "particles":
        order = [frames.names.index(name) for name in names]
        return Source(_coarse(specification, frames, frame)[order])
    stored = [name for name in frames.series.names if name.startswith("polarity_")]
    arrays = dict(zip(frames.names, frames.density(frame), strict=True))
    arrays |= {name: frames.series.load(name, frame, frame + 1)[0] for name in stored}
    return Source.of(arrays, names)


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


def keep_source(directory: Path, names: tuple[str, ...], source: Source) -> None:
    """Write fields that were read from elsewhere into the directory of the run.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **source.arrays(names))  # type: ignore[arg-type]
    write_atomically(directory / _KEPT, [buffer.getvalue()])


def kept_source(directory: Path, names: tuple[str, ...]) -> Source:
    """The fields that :func:`keep_source` wrote.

    Raises
    ------
    StoreError
        The file is missing or damaged.
    """
    path = directory / _KEPT
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Source.of(arrays, names)
    except OSError as error:
        raise storage_error(path, "read", error) from error
    except (ValueError, KeyError, EOFError) as error:
        raise StoreError(f"{path}: damaged: {error}; restore it from a copy, or start the run again") from None
