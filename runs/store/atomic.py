"""Files that are either there complete or not there at all.

A file is written under a temporary name beside its final one, forced to the disk (``fsync``), renamed
(``os.replace``, atomic on POSIX file systems) and the directory, which holds the new name, is forced to the
disk too. A process killed at any instant leaves the old file or the new one, and at worst a temporary that
the next owner of the directory drops.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

TEMPORARY_SUFFIX = ".temporary"

REMEDIES = {
    errno.ENOSPC: "free some space on this disk, or move the run to a larger one",
    errno.EDQUOT: "the disk quota is used up: delete files or ask for more",
    errno.EACCES: "check the permissions of the file and of its directory",
    errno.EPERM: "check the permissions of the file and of its directory",
    errno.EROFS: "the file system is read-only: choose another directory",
    errno.ENOENT: "check that the path exists and that no other program removed it",
    errno.ENOTDIR: "a file is where a directory should be: choose another path",
    errno.EEXIST: "a file is where a directory should be: choose another path",
    errno.EIO: "the disk reports a fault: copy the run to another one",
}
UNKNOWN_REMEDY = "check the disk and the path"


class StoreError(OSError):
    """A file of a run cannot be written or read; the message names the path and the remedy."""


def storage_error(path: Path, action: str, error: OSError) -> StoreError:
    """Return the StoreError that says which path, what was tried, what the system answered and what to do."""
    reason = error.strerror or str(error)
    remedy = REMEDIES.get(error.errno or 0, UNKNOWN_REMEDY)
    return StoreError(f"{path}: cannot {action}: {reason}; {remedy}")


def temporary_of(path: Path) -> Path:
    """Return the temporary name beside ``path``: one per file, since a directory has one writer."""
    return path.with_name(f".{path.name}{TEMPORARY_SUFFIX}")


def is_temporary(path: Path) -> bool:
    """Whether ``path`` is a name given by `temporary_of`."""
    return path.name.startswith(".") and path.name.endswith(TEMPORARY_SUFFIX)


def sync_directory(directory: Path) -> None:
    """Force the names in ``directory`` to the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path) -> None:
    """Create ``directory`` and its missing parents durably; an existing one is left as it is.

    Raises
    ------
    StoreError
        The directory cannot be created, or a file has its name.
    """
    try:
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        directory.mkdir(parents=True, exist_ok=True)
        for path in missing:
            sync_directory(path.parent)
    except OSError as error:
        raise storage_error(directory, "create this directory", error) from error


def write_atomically(path: Path, parts: Sequence[Buffer], *, keep_previous_as: Path | None = None) -> None:
    """Write the bytes of ``parts``, one after the other, to ``path``: all of them or nothing.

    Parameters
    ----------
    path
        The file; replaced if it exists.
    parts
        Bytes-like objects.
    keep_previous_as
        Name under which the file that was at ``path`` is kept; ``path`` itself is there all the time.

    Raises
    ------
    StoreError
        The disk is full, the path is not writable, ...; what was at ``path`` is still there, no temporary is.
    """
    temporary = temporary_of(path)
    try:
        _write_and_sync(temporary, parts)
        if keep_previous_as is not None and path.exists():
            _keep(path, keep_previous_as)
        publish(temporary, path)
    except OSError as error:
        # The temporary may hold the very space that is lacking. If it cannot be removed, the first error tells more.
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise storage_error(path, "write", error) from error


def publish(temporary: Path, path: Path) -> None:
    """Rename a complete, synced temporary to its final name, durably."""
    os.replace(temporary, path)
    sync_directory(path.parent)


def _keep(path: Path, kept: Path) -> None:
    """Give the file at ``path`` a second name, in place of the file that had it."""
    link = temporary_of(kept)
    try:
        link.unlink(missing_ok=True)
        try:
            os.link(path, link)
        except OSError:
            # No hard links on this file system (exFAT, some network shares): a kill before the next rename leaves the
            # file under its second name alone, where readers look for it.
            os.replace(path, kept)
        else:
            os.replace(link, kept)
    finally:
        # A rename onto another name of the same file leaves both names.
        link.unlink(missing_ok=True)


def _write_and_sync(path: Path, parts: Sequence[Buffer]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        for part in parts:
            _write_all(descriptor, memoryview(part).cast("B"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, remaining: memoryview) -> None:
    while remaining:
        # The kernel may take less than it is given (2 GiB at most).
        remaining = remaining[os.write(descriptor, remaining) :]


class GuardedFile(io.RawIOBase):
    """A file for HDF5 to write to that never lets HDF5 see an error.

    HDF5 cannot close a file whose last writes fail, and the interpreter crashes at exit. This file remembers
    the first error, pretends from then on that all went well, and lets the caller raise the error once HDF5
    has let go.

    Parameters
    ----------
    path
        File to write; truncated if it exists.

    Attributes
    ----------
    error
        The first error of the system, or None.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.error: OSError | None = None
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o666)

    def readable(self) -> bool:
        """HDF5 reads back what it wrote."""
        return True

    def writable(self) -> bool:
        """HDF5 writes to this file."""
        return True

    def seekable(self) -> bool:
        """HDF5 writes in any order."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to ``offset``; see `io.RawIOBase.seek`."""
        return os.lseek(self._descriptor, offset, whence)

    def truncate(self, size: int | None = None, /) -> int:
        """Set the length of the file in bytes."""
        length = self.tell() if size is None else size
        self._attempt(lambda: os.ftruncate(self._descriptor, length))
        return length

    def readinto(self, target: Buffer, /) -> int:
        """Fill ``target`` from the current position."""
        return os.readv(self._descriptor, [memoryview(target).cast("B")])

    def write(self, source: Buffer, /) -> int:
        """Write all of ``source``, or remember why not."""
        whole = memoryview(source).cast("B")
        self._attempt(lambda: _write_all(self._descriptor, whole))
        return len(whole)

    def sync(self) -> None:
        """Force the file to the disk."""
        self._attempt(lambda: os.fsync(self._descriptor))

    def close(self) -> None:
        """Close the descriptor once."""
        if not self.closed:
            self._attempt(lambda: os.close(self._descriptor))
        super().close()

    def _attempt(self, action: Callable[[], None]) -> None:
        if self.error is None:
            try:
                action()
            except OSError as error:
                self.error = error
