r"""Checkpoints: everything a bit-exact continuation needs, in one file that proves its own integrity.

    twoscale checkpoint <version> <bytes of JSON> <bytes of arrays>\n
    JSON: scale, frames stored, last segment, run file, provenance, options, the state's numbers, names of its arrays
    arrays: numpy's npz, written and read without pickle
    SHA-256 of all of the above, in hexadecimal, and \n

The checkpoint before the newest is kept, and reading falls back on it, loudly, when the newest is damaged.
"""

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from runs.store.atomic import StoreError, write_atomically
from runs.store.segments import RunRecord, StorageOptions
from theory.frames import Array, Json, State

NEWEST = "checkpoint"
PREVIOUS = "checkpoint.previous"
MAGIC = b"twoscale checkpoint "
VERSION = 1
DIGEST_BYTES = hashlib.sha256().digest_size * 2 + 1

logger = logging.getLogger("twoscale")


class DamagedCheckpointError(StoreError):
    """A checkpoint file is not what was written."""


@dataclass(frozen=True)
class Checkpoint:
    """A point from which a run can be continued.

    Parameters
    ----------
    record
        What is said of the run in all its files.
    state
        State of the engine; None as long as the run has not committed any.
    frames
        Number of frames that the segments of the store hold for certain.
    last_segment
        Name of the segment with the last of them, None if there is none.
    blobs
        Bytes saved with the run, for example the planner's wisdom.
    warnings
        What went wrong while reading; empty if nothing did.
    path
        File that this was read from, None if it was made in memory.
    """

    record: RunRecord
    state: State | None
    frames: int
    last_segment: str | None
    blobs: Mapping[str, bytes]
    warnings: tuple[str, ...] = ()
    path: Path | None = field(default=None, compare=False)

    @property
    def provenance(self) -> Mapping[str, Json]:
        """Versions, seed, host: where the numbers come from."""
        return self.record.provenance

    @property
    def run_file_text(self) -> str:
        """The run file as given."""
        return self.record.run_file_text


def read_checkpoint(directory: Path | str) -> Checkpoint:
    """Read the newest intact checkpoint of a store.

    Parameters
    ----------
    directory
        Directory of one scale of a run.

    Returns
    -------
    Checkpoint
        With ``warnings`` if the newest one cannot be used; they are logged too.

    Raises
    ------
    StoreError
        There is no checkpoint, or none is intact, or it was written by a newer version of this program.
    """
    problems: list[str] = []
    for name in (NEWEST, PREVIOUS):
        path = Path(directory) / name
        try:
            checkpoint = decode_checkpoint(path.read_bytes(), path)
        except DamagedCheckpointError as error:
            problems.append(str(error))
        except StoreError:
            raise
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror})")
        else:
            warnings = tuple(f"{problem}; using the previous checkpoint, {path}" for problem in problems)
            for warning in warnings:
                logger.warning(warning)
            return replace(checkpoint, warnings=warnings)
    if not any((Path(directory) / name).exists() for name in (NEWEST, PREVIOUS)):
        raise StoreError(f"{directory}: no checkpoint here; give a directory that a run has written to")
    raise StoreError(f"no intact checkpoint: {'; '.join(problems)}; restore one from a copy, or start the run again")


def write_checkpoint(directory: Path, parts: Sequence[bytes | memoryview]) -> None:
    """Write an encoded checkpoint, keeping the one before.

    Raises
    ------
    StoreError
        It cannot be written; the one before is still there.
    """
    write_atomically(directory / NEWEST, parts, keep_previous_as=directory / PREVIOUS)


def encode_checkpoint(checkpoint: Checkpoint) -> list[bytes | memoryview]:
    """Return the bytes of a checkpoint file, in pieces.

    Raises
    ------
    TypeError
        The state holds something that would not come back the same: an array of Python objects, a value that
        JSON does not know.
    """
    state = checkpoint.state
    arrays = dict(state.arrays) if state is not None else {}
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise TypeError(f"state array {name!r} holds Python objects, which are not stored")
    numbers = state.numbers if state is not None else {}
    check_json(numbers, "state numbers")
    metadata = {
        "scale": checkpoint.record.scale,
        "options": asdict(checkpoint.record.options),
        "frames": checkpoint.frames,
        "last_segment": checkpoint.last_segment,
        "has_state": state is not None,
        "numbers": dict(numbers),
        "arrays": list(arrays),
        "blobs": list(checkpoint.blobs),
        "provenance": dict(checkpoint.record.provenance),
        "run_file": checkpoint.record.run_file_text,
    }
    text = json.dumps(metadata, indent=1).encode()
    # Members are numbered, so that no name of an array can break a path in the archive.
    members = {f"array_{index}": np.asarray(array) for index, array in enumerate(arrays.values())}
    for index, blob in enumerate(checkpoint.blobs.values()):
        members[f"blob_{index}"] = np.frombuffer(blob, np.uint8)
    archive = _write_arrays(members)
    header = MAGIC + f"{VERSION} {len(text)} {archive.getbuffer().nbytes}\n".encode()
    parts: list[bytes | memoryview] = [header, text, archive.getbuffer()]
    return [*parts, _digest(parts)]


def decode_checkpoint(content: bytes, path: Path) -> Checkpoint:
    """Return the checkpoint that the bytes of a file hold.

    Parameters
    ----------
    content
        Whole file.
    path
        Where it comes from, for messages.

    Raises
    ------
    DamagedCheckpointError
        The bytes are not those of a checkpoint file as it was written.
    StoreError
        The file is intact but was written by a newer version, or holds pickled objects.
    """
    body, digest = memoryview(content)[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if not content.startswith(MAGIC) or _digest([body]) != digest:
        raise DamagedCheckpointError(f"{path}: damaged ({len(content)} bytes, checksum wrong)")
    header, _, _ = content.partition(b"\n")
    version, *sizes = (int(number) for number in header[len(MAGIC) :].split())
    if version != VERSION:
        raise StoreError(f"{path}: written in version {version} of the format, this program knows {VERSION}: update it")
    text_bytes, archive_bytes = sizes
    start = len(header) + 1
    metadata = json.loads(content[start : start + text_bytes])
    archive = body[start + text_bytes : start + text_bytes + archive_bytes]
    return _assemble(metadata, _read_arrays(archive, path), path)


def check_json(value: Any, where: str) -> None:
    """Check that JSON gives ``value`` back as it is: tuples would come back as lists, keys as text.

    Raises
    ------
    TypeError
        Naming the offending place.
    """
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: key {key!r} is not text")
            check_json(entry, f"{where}, {key}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            check_json(entry, f"{where}, entry {index}")
    elif value is not None and not isinstance(value, bool | int | float | str):
        raise TypeError(f"{where}: {value!r} ({type(value).__name__}) cannot be kept in JSON")


def _digest(parts: Sequence[bytes | memoryview]) -> bytes:
    checksum = hashlib.sha256()
    for part in parts:
        checksum.update(part)
    return checksum.hexdigest().encode() + b"\n"


def _write_arrays(members: Mapping[str, Array]) -> io.BytesIO:
    """Return the arrays as numpy's npz."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as container:
        for name, array in members.items():
            with container.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return archive


def _read_arrays(archive: memoryview, path: Path) -> dict[str, Array]:
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as members:
            return {name: members[name] for name in members.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path}: arrays refused: {error}; this file was not written by this program") from error


def _assemble(metadata: Mapping[str, Any], members: Mapping[str, Array], path: Path) -> Checkpoint:
    record = RunRecord(metadata["scale"], metadata["run_file"], metadata["provenance"], StorageOptions(**metadata["options"]))
    arrays = {name: members[f"array_{index}"] for index, name in enumerate(metadata["arrays"])}
    return Checkpoint(
        record=record,
        state=State(arrays, metadata["numbers"]) if metadata["has_state"] else None,
        frames=metadata["frames"],
        last_segment=metadata["last_segment"],
        blobs={name: members[f"blob_{index}"].tobytes() for index, name in enumerate(metadata["blobs"])},
        path=path,
    )
