"""One writer per run directory.

The lock is ``flock`` on the file ``run.lock``: the kernel drops it when the process ends, however it ends, so
a lock never outlives its holder and no stale lock has to be recognised. The text in the file only says who
holds it.
"""

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from runs.store.atomic import StoreError, make_directory, storage_error

LOCK_FILE = "run.lock"


class RunLocked(StoreError):
    """Another process writes to this run directory."""


class RunLock:
    """The right to write to a run directory, held by one process at a time; a context manager.

    Parameters
    ----------
    directory
        Run directory; created on `acquire` if missing.

    Examples
    --------
    >>> with RunLock(directory):  # doctest: +SKIP
    ...     ...
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock without waiting.

        Raises
        ------
        RunLocked
            Another process, or another RunLock of this one, holds it; the message names directory, host and
            process.
        StoreError
            The lock file cannot be written, or the file system has no locks.
        """
        if self.held:
            raise RuntimeError(f"{self.directory}: this lock is already held by this very object")
        make_directory(self.directory)
        path = self.directory / LOCK_FILE
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise storage_error(path, "open the lock file", error) from error
        try:
            _take(descriptor, path, self.directory)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._descriptor is None:
            return
        # The file stays: were it deleted, a third process could lock a new file while a second holds the old one.
        descriptor, self._descriptor = self._descriptor, None
        os.ftruncate(descriptor, 0)
        # Closing alone would leave the lock to a child that was started in between and has the descriptor still open.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _take(descriptor: int, path: Path, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunLocked(
            f"{directory}: {_holder(descriptor)} is writing to this run directory; "
            "wait for it to end, stop it, or choose another directory"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{path}: cannot lock: {error.strerror}; this file system may have no locks "
            "(Lustre needs the mount option flock): choose a directory on another one"
        ) from error
    holder = {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
    except OSError as error:
        raise storage_error(path, "write the lock file", error) from error


def _holder(descriptor: int) -> str:
    """Who holds the lock, in words; the holder may not have written its name yet."""
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {holder['process']} on host {holder['host']} (since {holder['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process, which has not written its name yet,"
