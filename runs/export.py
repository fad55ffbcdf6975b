"""Particles for other programs: GSD, which OVITO, HOOMD-blue and freud open, and extended XYZ, which is text.

Both hold every frame of a run. The box begins at the origin in extended XYZ and is centred there in GSD, as these formats have
it; a box of fewer than three dimensions is one length thick along the others. Orientations are unit quaternions in GSD, which
turn the x axis into the direction of the particle, and vectors named ``direction`` in extended XYZ.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from runs.frames_of_run import ParticleFrames, open_particles
from runs.store.atomic import StoreError, publish, storage_error, temporary_of
from theory.arrays import Array
from theory.errors import InputError

Format = Literal["gsd", "xyz"]

FORMATS: tuple[Format, ...] = ("gsd", "xyz")


def export(directory: Path | str, format_: Format, output: Path | str | None = None) -> Path:
    """Write all frames of a run's particles into one file.

    Parameters
    ----------
    directory
        Run directory.
    format_
        "gsd" or "xyz".
    output
        File to make; by default ``particles.gsd`` or ``particles.xyz`` in the run directory.

    Returns
    -------
    Path
        The file; complete, or not there at all.

    Raises
    ------
    InputError
        The format is none of these, its package is missing, or the frames hold no positions.
    StoreError
        There are no frames, or the file exists or cannot be written.
    """
    if format_ not in FORMATS:
        raise InputError(f"the format is '{format_}'; it must be one of {', '.join(FORMATS)}")
    target = Path(directory) / f"particles.{format_}" if output is None else Path(output)
    gsd = _gsd() if format_ == "gsd" else None
    _, frames = open_particles(directory)
    if target.exists():
        raise StoreError(f"{target}: exists already; remove it or choose another --output")
    with _complete(target) as temporary:
        if gsd is not None:
            _write_gsd(gsd, temporary, frames)
        else:
            _write_xyz(temporary, frames)
    return target


def _gsd() -> Any:
    try:
        import gsd.hoomd
    except ImportError as error:
        raise InputError(
            "writing GSD needs the package gsd; install it with: pip install 'twoscale[gsd]', or use --format xyz"
        ) from error
    return gsd.hoomd


@contextlib.contextmanager
def _complete(target: Path) -> Iterator[Path]:
    """A temporary file to write, which becomes the target when all is written and on the disk."""
    temporary = temporary_of(target)
    with contextlib.ExitStack() as remains:
        remains.callback(temporary.unlink, missing_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            publish(temporary, target)
        except StoreError:
            raise
        except OSError as error:
            raise storage_error(target, "write", error) from error


def _spatial(vectors: Array) -> Array:
    """Vectors (particle, dimension) with zeros along what they lack, shape (particle, 3)."""
    return np.pad(vectors, ((0, 0), (0, 3 - vectors.shape[1])))


def _box(frames: ParticleFrames) -> Array:
    return np.concatenate([frames.size, np.ones(3 - frames.size.size)])


def quaternions(directions: Array) -> Array:
    """Unit quaternions (particle, 4) of the shortest turns of the x axis into directions (particle, dimension).

    A vector without length turns nothing; that of the opposite direction turns by half a turn about z.
    """
    vectors = _spatial(directions)
    lengths = np.linalg.norm(vectors, axis=1)
    x, y, z = (vectors / np.where(lengths > 0.0, lengths, 1.0)[:, None]).T
    # the product of the x axis with the direction, and one more than their scalar product: twice the angle of the turn
    turns = np.stack([1.0 + x, np.zeros(x.size), -z, y], axis=1)
    norms = np.linalg.norm(turns, axis=1)
    turns[norms == 0.0] = (0.0, 0.0, 0.0, 1.0)
    return np.asarray(turns / np.where(norms > 0.0, norms, 1.0)[:, None])


def _write_gsd(gsd: Any, path: Path, frames: ParticleFrames) -> None:
    box = _box(frames)
    with gsd.open(name=str(path), mode="w") as file:
        for n, (time, step) in enumerate(zip(frames.series.times, frames.series.steps, strict=True)):
            positions = frames.positions(n)
            frame = gsd.Frame()
            frame.configuration.step = int(step)
            frame.configuration.dimensions = max(2, frames.size.size)
            frame.configuration.box = [*box, 0.0, 0.0, 0.0]
            frame.particles.N = positions.shape[0]
            frame.particles.types = list(frames.names)
            frame.particles.typeid = frames.species(n)
            frame.particles.position = _spatial(positions - 0.5 * frames.size)
            frame.particles.orientation = quaternions(frames.orientations(n))
            frame.log["time"] = np.array([time])
            file.append(frame)
        file.flush()


def _write_xyz(path: Path, frames: ParticleFrames) -> None:
    box, names = _box(frames), np.array(frames.names)
    periodic = " ".join("T" if axis < frames.size.size else "F" for axis in range(3))
    lattice = " ".join(f"{edge:.17g}" for edge in np.diag(box).ravel())
    row = "%s %.9g %.9g %.9g %.9g %.9g %.9g\n"
    with path.open("w", encoding="utf-8") as file:
        for n, time in enumerate(frames.series.times):
            columns = np.concatenate([_spatial(frames.positions(n)), _spatial(frames.orientations(n))], axis=1)
            kinds = names[frames.species(n)]
            file.write(
                f'{kinds.size}\nLattice="{lattice}" pbc="{periodic}" Properties=species:S:1:pos:R:3:direction:R:3 '
                f"Time={time:.17g}\n"
            )
            file.writelines(row % (kind, *values) for kind, values in zip(kinds.tolist(), columns.tolist(), strict=True))
