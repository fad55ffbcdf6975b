"""Reading frames back, also while the run is still being written, and packing them into one file.

Segments never change once they are there, so every file is opened for reading only, without a lock, and
closed at once.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from runs.store.atomic import GuardedFile, StoreError, publish, storage_error, temporary_of
from runs.store.layout import Layout, VariableLayout
from runs.store.segments import (
    FORMAT,
    FORMAT_VERSION,
    LIBRARY_VERSIONS,
    Compression,
    RunRecord,
    StorageOptions,
    StoredFrame,
    read_layout,
    write_frames,
)
from theory.errors import InputError
from theory.frames import Array, Json, Variable

SEGMENT_NAME = re.compile(r"segment-(\d{8,})\.h5")
# Frames are copied into a packed file in batches of about this size.
PACKING_BYTES = 2**26


def segment_name(first_frame: int) -> str:
    """Return the file name of the segment that starts with this frame of the run."""
    return f"segment-{first_frame:08d}.h5"


def list_segments(directory: Path) -> list[tuple[int, Path]]:
    """Return first frame and path of each segment in a directory, in order; none if the directory is missing.

    Raises
    ------
    StoreError
        The directory cannot be read.
    """
    try:
        found = [(SEGMENT_NAME.fullmatch(path.name), path) for path in directory.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage_error(directory, "list this directory", error) from error
    return sorted((int(match[1]), path) for match, path in found if match)


@dataclass(frozen=True)
class Segment:
    """Where a segment is and which frames of the run it holds.

    Parameters
    ----------
    path
        File.
    first_frame
        Index of its first frame.
    times, steps
        Of its frames.
    """

    path: Path
    first_frame: int
    times: NDArray[np.float64]
    steps: NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """All frames of one scale of a run; made by `open_series`.

    Parameters
    ----------
    path
        Directory of the scale, or packed file.
    record
        What is said of the run: scale, run file, provenance.
    layout
        What all frames look like.
    segments
        Where the frames are.
    times, steps
        Time and number of steps of each frame, shape (time,).
    """

    path: Path
    record: RunRecord
    layout: Layout
    segments: tuple[Segment, ...]
    times: NDArray[np.float64]
    steps: NDArray[np.int64]

    def __repr__(self) -> str:
        lines = [f"Series of {self.frames} frames, time {self.times[0]:g} to {self.times[-1]:g}, in {self.path}"]
        for name, own in self.layout.variables.items():
            sizes = ", ".join(f"{axis}: {size}" for axis, size in zip(own.dimensions, own.shape, strict=True))
            lines.append(f"  {name} ({sizes}) {own.dtype} [{own.units}] {own.long_name}")
        return "\n".join(lines)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.times)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(self.layout.variables)

    @property
    def coordinates(self) -> Mapping[str, Variable]:
        """Coordinates by name."""
        return MappingProxyType(dict(self.layout.coordinates))

    @property
    def run_file_text(self) -> str:
        """The run file as given."""
        return self.record.run_file_text

    @property
    def provenance(self) -> Mapping[str, Json]:
        """What the first segment says of where the numbers come from."""
        return self.record.provenance

    def variable(self, name: str) -> VariableLayout:
        """Return dimensions, shape, type, units, long name and attributes of a variable.

        Raises
        ------
        InputError
            There is no such variable.
        """
        if name not in self.layout.variables:
            raise InputError(f"{self.path}: no variable {name!r}; there are {', '.join(self.names) or 'none'}")
        return self.layout.variables[name]

    def units(self, name: str) -> str:
        """Return the units of a variable."""
        return self.variable(name).units

    def attributes(self, name: str) -> Mapping[str, str | float | int]:
        """Return the attributes of a variable other than units and long name."""
        return self.variable(name).attributes

    def load(self, name: str, start: int = 0, stop: int | None = None) -> Array:
        """Read frames of one variable.

        Parameters
        ----------
        name
            Variable.
        start, stop
            Range of frames, as in a slice: negative numbers count from the end.

        Returns
        -------
        ndarray
            Shape (time, ...): frames first, then the dimensions of the variable.

        Raises
        ------
        InputError
            There is no such variable.
        StoreError
            A segment has gone, or its checksums are wrong.
        """
        own = self.variable(name)
        first, last, _ = slice(start, stop).indices(self.frames)
        values: Array = np.empty((max(0, last - first), *own.shape), dtype=own.dtype)
        for segment in self.segments:
            low = max(first, segment.first_frame)
            high = min(last, segment.first_frame + len(segment.times))
            if low < high:
                with open_frames(segment.path) as file:
                    offset = segment.first_frame
                    values[low - first : high - first] = file[name][low - offset : high - offset]
        return values


def open_series(path: Path | str) -> Series:
    """Open the frames of one scale of a run, or a packed file, for reading.

    Parameters
    ----------
    path
        Directory of one scale (``DIR/fields``) or a file made by `pack`. The run may still be writing: the
        series holds the frames that are there now.

    Raises
    ------
    StoreError
        No frames here yet, a segment is missing, damaged or of a newer version.
    """
    path = Path(path)
    paths = [path] if path.is_file() else [segment for _, segment in list_segments(path)]
    if not paths:
        raise StoreError(f"{path}: no frames here; give the directory of one scale of a run, such as DIR/fields")
    segments: list[Segment] = []
    expected = 0
    for segment_path in paths:
        with open_frames(segment_path) as file:
            segment = Segment(segment_path, int(file.attrs["first_frame"]), file["time"][()], file["step"][()])
            if not segments:
                record, layout = _read_record(file), read_layout(file)
        if segment.first_frame != expected:
            raise StoreError(f"{segment_path}: starts with frame {segment.first_frame}, frame {expected} is missing")
        expected += len(segment.times)
        segments.append(segment)
    times = np.concatenate([segment.times for segment in segments])
    steps = np.concatenate([segment.steps for segment in segments])
    return Series(path, record, layout, tuple(segments), times, steps)


def _read_record(file: Any) -> RunRecord:
    provenance = json.loads(file["run/provenance"].asstr()[()])
    options = StorageOptions(time_units=file["time"].attrs["units"])
    return RunRecord(file.attrs["scale"], file["run/file"].asstr()[()], provenance, options)


@contextlib.contextmanager
def open_frames(path: Path) -> Iterator[Any]:
    """Open a segment or a packed file for reading, without a lock, for the length of a with block.

    Raises
    ------
    StoreError
        The file cannot be read, here or within the block, or is not one of ours.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            if file.attrs.get("format") != FORMAT:
                raise StoreError(f"{path}: not a file of frames")
            if (version := int(file.attrs["format_version"])) > FORMAT_VERSION:
                raise StoreError(f"{path}: written in version {version}, this program knows {FORMAT_VERSION}: update it")
            yield file
    except StoreError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        # h5py and what decodes its texts answer to wrong bytes with errors of all these kinds
        raise StoreError(f"{path}: cannot be read: {error}; restore it from a copy") from error


def pack(directory: Path | str, target: Path | str, *, compression: Compression = "none") -> None:
    """Copy all frames of one scale of a run into one HDF5 file of the same form as a segment.

    Parameters
    ----------
    directory
        Directory of one scale; left as it is.
    target
        File to make; ParaView recognises the suffix ``.vtkhdf``.
    compression
        "gzip" or "none".

    Raises
    ------
    StoreError
        The target exists or cannot be written (disk full, ...), or a segment cannot be read; no incomplete
        file is left.
    """
    series, target = open_series(directory), Path(target)
    if target.exists():
        raise StoreError(f"{target}: exists already; remove it or choose another name")
    record = replace(series.record, options=replace(series.record.options, compression=compression))
    temporary = temporary_of(target)
    try:
        output = GuardedFile(temporary)
        with contextlib.ExitStack() as remains:
            remains.callback(temporary.unlink, missing_ok=True)
            _write_packed(output, series, record)
            publish(temporary, target)
    except StoreError:
        raise
    except OSError as error:
        raise storage_error(target, "write", error) from error


def _write_packed(output: GuardedFile, series: Series, record: RunRecord) -> None:
    try:
        with (
            contextlib.closing(output),
            h5py.File(output, "w", libver=LIBRARY_VERSIONS, track_order=True) as file,
        ):
            write_frames(file, series.layout, series.frames, 0, record, _batches(series, output))
            file.flush()
            output.sync()
    except (OSError, RuntimeError, ValueError):
        # HDF5 may stumble over what it reads back from an output that has failed: the reason is the output's error.
        if output.error is None:
            raise
    if output.error is not None:
        raise output.error


def _batches(series: Series, output: GuardedFile) -> Iterator[list[StoredFrame]]:
    """All frames in batches that fit in memory; ends early when the output has failed."""
    size = sum(own.stored_dtype.itemsize * int(np.prod(own.shape)) for own in series.layout.variables.values())
    count = max(1, PACKING_BYTES // max(1, size))
    for start in range(0, series.frames, count):
        if output.error is not None:
            return
        stop = min(start + count, series.frames)
        loaded = {
            name: series.load(name, start, stop).astype(own.stored_dtype, copy=False)
            for name, own in series.layout.variables.items()
        }
        yield [
            StoredFrame(
                float(series.times[index]),
                int(series.steps[index]),
                {name: values[index - start] for name, values in loaded.items()},
            )
            for index in range(start, stop)
        ]
