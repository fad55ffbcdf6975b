"""The store of one scale of a run: frames in segments, and a checkpoint that says how many of them count.

`Store.append` only buffers. `Store.commit` writes the buffered frames as one segment and then a checkpoint,
each complete or not at all; what the checkpoint promises is therefore always there, whenever the process is
killed. A segment that no checkpoint promises is dropped on `Store.resume`, and its frames are computed again,
bit for bit.

A run directory holds ``run.toml`` (the run file as given), ``run.lock`` (`RunLock`: one writer) and one
directory per scale, each a Store. Whoever creates or resumes a Store holds the lock of the run directory.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from runs.store.atomic import StoreError, is_temporary, make_directory, storage_error, sync_directory, write_atomically
from runs.store.checkpoint import (
    NEWEST,
    PREVIOUS,
    Checkpoint,
    check_json,
    encode_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from runs.store.layout import Layout
from runs.store.segments import Compression, Precision, RunRecord, StorageOptions, StoredFrame, build_segment
from runs.store.series import list_segments, open_series, segment_name
from theory.frames import Frame, Json, State

RUN_FILE = "run.toml"
SET_ASIDE = "checkpoint.damaged"

logger = logging.getLogger("twoscale")


class Store:
    """Frames and checkpoints of one scale of a run, being written; made by `create` or `resume`.

    Parameters
    ----------
    directory
        Directory of this scale.
    checkpoint
        What is stored so far.
    dropped
        Names of the files that resuming removed.

    Attributes
    ----------
    directory, dropped
        As given.
    """

    def __init__(self, directory: Path, checkpoint: Checkpoint, dropped: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.dropped = dropped
        self._checkpoint = checkpoint
        self._layout: Layout | None = None
        self._last_time = -float("inf")
        self._last_step = -1
        # Frames in segments on the disk; more than the checkpoint promises if a checkpoint could not be written.
        self._frames_written = checkpoint.frames
        self._last_segment = checkpoint.last_segment
        self._buffer: list[StoredFrame] = []

    @classmethod
    def create(
        cls,
        directory: Path | str,
        *,
        scale: str,
        provenance: Mapping[str, Json],
        run_file_text: str,
        blobs: Mapping[str, bytes],
        precision: Precision = "float32",
        compression: Compression = "none",
        time_units: str = "1",
    ) -> "Store":
        """Start a new store, with a checkpoint of no frames and no state.

        Parameters
        ----------
        directory
            Directory of this scale; created if missing.
        scale
            "fields" or "particles".
        provenance
            Versions, seed, host: JSON values.
        run_file_text
            The run file as given.
        blobs
            Bytes to save with every checkpoint.
        precision, compression, time_units
            See `runs.store.segments.StorageOptions`.

        Raises
        ------
        StoreError
            The directory holds a store already, or cannot be written.
        TypeError, ValueError
            The provenance is not JSON, or a text contains a null character.
        """
        directory = Path(directory)
        if any((directory / name).exists() for name in (NEWEST, PREVIOUS)) or list_segments(directory):
            raise StoreError(f"{directory}: holds a run already; resume it, or choose another directory")
        check_json(provenance, "provenance")
        if "\0" in run_file_text or "\0" in time_units:
            raise ValueError("the run file contains a null character, which ends a text in HDF5")
        make_directory(directory)
        record = RunRecord(scale, run_file_text, dict(provenance), StorageOptions(precision, compression, time_units))
        checkpoint = Checkpoint(record, state=None, frames=0, last_segment=None, blobs=dict(blobs))
        write_checkpoint(directory, encode_checkpoint(checkpoint))
        return cls(directory, checkpoint)

    @classmethod
    def resume(cls, directory: Path | str, *, provenance: Mapping[str, Json] | None = None) -> tuple["Store", Checkpoint]:
        """Take up a store where its newest intact checkpoint left it.

        Segments newer than the checkpoint and temporaries of an interrupted commit are removed (`dropped`
        names them, and they are logged); a damaged checkpoint is set aside, so that it never takes the place
        of an intact one.

        Parameters
        ----------
        directory
            Directory of this scale.
        provenance
            What to say in the files from now on; by default what was said before.

        Returns
        -------
        store : Store
        checkpoint : Checkpoint
            Where to continue: ``state`` is None if the run was interrupted before it had committed any.

        Raises
        ------
        StoreError
            No intact checkpoint, or a segment that the checkpoint promises is missing or unreadable.
        """
        directory = Path(directory)
        checkpoint = read_checkpoint(directory)
        try:
            dropped = _clean(directory, checkpoint)
        except OSError as error:
            raise storage_error(directory, "remove the remains of an interrupted commit", error) from error
        series = open_series(directory) if checkpoint.frames else None
        if series is not None and series.frames != checkpoint.frames:
            raise StoreError(
                f"{directory}: {series.frames} frames where the checkpoint promises {checkpoint.frames}; "
                "restore the missing segments from a copy, or start the run again"
            )
        if provenance is not None:
            check_json(provenance, "provenance")
            checkpoint = replace(checkpoint, record=replace(checkpoint.record, provenance=dict(provenance)))
        store = cls(directory, replace(checkpoint, state=None), dropped)
        if series is not None:
            store._layout = series.layout
            store._last_time, store._last_step = float(series.times[-1]), int(series.steps[-1])
        return store, checkpoint

    @property
    def frames_stored(self) -> int:
        """Number of frames that the last checkpoint promises."""
        return self._checkpoint.frames

    @property
    def buffered_bytes(self) -> int:
        """Memory that the frames waiting for a commit take; a commit takes about three times as much for a moment."""
        return sum(frame.bytes for frame in self._buffer)

    def append(self, frame: Frame) -> None:
        """Copy a frame into the buffer, in the types that it is stored with. Nothing is written.

        Raises
        ------
        ValueError
            The frame is not later than the one before, does not look like the others of this run, or cannot
            be stored; see `runs.store.layout.Layout.of`. The buffer is as it was.
        """
        if not (frame.time > self._last_time and frame.step > self._last_step):
            raise ValueError(
                f"{self.directory}: frame at time {frame.time}, step {frame.step} does not follow the last one, "
                f"at time {self._last_time}, step {self._last_step}"
            )
        layout = Layout.of(frame, self._checkpoint.record.options.precision)
        if self._layout is not None and (difference := layout.difference(self._layout)):
            raise ValueError(f"{self.directory}: all frames of a run look alike, but {difference}")
        self._buffer.append(StoredFrame.of(frame, layout))
        self._layout = layout
        self._last_time, self._last_step = frame.time, frame.step

    def commit(self, state: State, *, blobs: Mapping[str, bytes] | None = None) -> None:
        """Write the buffered frames as one segment, then a checkpoint with ``state``.

        Parameters
        ----------
        state
            State of the engine after the last frame appended, or later.
        blobs
            Bytes to save with this checkpoint and the following ones; by default the same as before.

        Raises
        ------
        StoreError
            Disk full, no permission, ...: frames that are not yet on the disk stay buffered, and a later
            commit can succeed.
        TypeError
            The state cannot be stored (see `runs.store.checkpoint.encode_checkpoint`); nothing is written.
        """
        frames = self._frames_written + len(self._buffer)
        checkpoint = replace(
            self._checkpoint,
            state=state,
            frames=frames,
            last_segment=segment_name(self._frames_written) if self._buffer else self._last_segment,
            blobs=self._checkpoint.blobs if blobs is None else dict(blobs),
            warnings=(),
            path=None,
        )
        encoded = encode_checkpoint(checkpoint)
        if self._buffer and self._layout is not None:
            image = build_segment(self._layout, self._buffer, self._frames_written, checkpoint.record)
            write_atomically(self.directory / segment_name(self._frames_written), [image])
            # From here the frames are on the disk, whatever becomes of the checkpoint: never write them twice.
            self._frames_written, self._last_segment = frames, checkpoint.last_segment
            self._buffer.clear()
        write_checkpoint(self.directory, encoded)
        # The engine has its state; keeping the copy here would hold that memory until the next commit.
        self._checkpoint = replace(checkpoint, state=None)


def _clean(directory: Path, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Remove what an interrupted commit left; return the names."""
    leftovers = [path for path in sorted(directory.iterdir()) if is_temporary(path)]
    leftovers += [path for first, path in list_segments(directory) if first >= checkpoint.frames]
    for path in leftovers:
        path.unlink()
        logger.warning("%s: removed, it is newer than the checkpoint or incomplete", path)
    newest = directory / NEWEST
    if checkpoint.path != newest and newest.exists():
        os.replace(newest, directory / SET_ASIDE)
        logger.warning("%s: damaged, set aside as %s", newest, SET_ASIDE)
    sync_directory(directory)
    return tuple(path.name for path in leftovers)


def write_run_file(directory: Path | str, text: str) -> None:
    """Write the run file of a run directory, once.

    Parameters
    ----------
    directory
        Run directory; created if missing.
    text
        The run file as given.

    Raises
    ------
    StoreError
        The directory holds another run file, or cannot be written.
    """
    path = Path(directory) / RUN_FILE
    make_directory(path.parent)
    if not path.exists():
        write_atomically(path, [text.encode("utf-8")])
    elif read_run_file(directory) != text:
        raise StoreError(f"{path}: another run file is here already; choose another directory")


def read_run_file(directory: Path | str) -> str:
    """Return the text of the run file of a run directory, line ends as they are.

    Raises
    ------
    StoreError
        There is none, or it cannot be read.
    """
    path = Path(directory) / RUN_FILE
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise storage_error(path, "read", error) from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: damaged, not UTF-8 text; restore it from a copy") from error
