"""Checkpoints come back bit for bit, prove their integrity and hold no pickles."""

import errno
import hashlib
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from runs.store.atomic import StoreError
from runs.store.checkpoint import (
    Checkpoint,
    DamagedCheckpointError,
    decode_checkpoint,
    encode_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from runs.store.segments import RunRecord, StorageOptions
from theory.frames import State

RECORD = RunRecord("particles", "[run]\nseed = 1\n", {"seed": 1, "versions": {"numpy": "x"}}, StorageOptions())


def checkpoint_of(state: State | None, frames: int = 3, **others: Any) -> Checkpoint:
    return Checkpoint(RECORD, state, frames, "segment-00000000.h5", others.pop("blobs", {"wisdom": b"\0\xff"}), **others)


def written(checkpoint: Checkpoint) -> bytes:
    return b"".join(encode_checkpoint(checkpoint))


SMALL = written(checkpoint_of(State({"a": np.arange(5.0)}, {"n": 1})))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
dtypes = st.one_of(
    arrays_of.boolean_dtypes(),
    arrays_of.integer_dtypes(),
    arrays_of.unsigned_integer_dtypes(),
    arrays_of.floating_dtypes(),
    arrays_of.complex_number_dtypes(),
    arrays_of.unicode_string_dtypes(max_len=3),
)
any_arrays = dtypes.flatmap(lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, min_side=0, max_side=3)))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.text(max_size=6), any_arrays, max_size=3),
    st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    st.dictionaries(st.text(max_size=6), st.binary(max_size=20), max_size=2),
)
def test_states_come_back_bit_for_bit(arrays: Any, numbers: Any, blobs: Any) -> None:
    original = checkpoint_of(State(arrays, numbers), blobs=blobs)
    read = decode_checkpoint(written(original), Path("checkpoint"))
    assert read.state is not None
    assert list(read.state.arrays) == list(arrays)
    for name, array in arrays.items():
        back = read.state.arrays[name]
        assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    # repr makes nan equal to itself, and tells 1, 1.0 and True apart.
    assert repr(read.state.numbers) == repr(numbers)
    assert read.blobs == blobs
    assert replace(read, state=None) == replace(original, state=None)


def test_the_order_in_memory_comes_back_too() -> None:
    # Sums over an array depend on its order in memory, and so do the last bits of a continued run.
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    read = decode_checkpoint(written(checkpoint_of(State({"a": array}, {}))), Path("checkpoint"))
    assert read.state is not None
    assert read.state.arrays["a"].strides == array.strides


def test_no_state_is_told_from_an_empty_state() -> None:
    for state in (None, State({}, {})):
        read = decode_checkpoint(written(checkpoint_of(state)), Path("checkpoint"))
        assert read.state == state


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 8 * len(SMALL) - 1))
def test_one_flipped_bit_is_detected(position: int) -> None:
    content = bytearray(SMALL)
    content[position // 8] ^= 1 << position % 8
    with pytest.raises(DamagedCheckpointError, match="damaged"):
        decode_checkpoint(bytes(content), Path("checkpoint"))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(SMALL) - 1))
def test_a_truncated_file_is_detected(length: int) -> None:
    with pytest.raises(DamagedCheckpointError, match=f"damaged .{length} bytes"):
        decode_checkpoint(SMALL[:length], Path("checkpoint"))


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "remove"])
def test_the_previous_checkpoint_takes_the_place_of_a_damaged_one(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    for frames in (3, 5):
        write_checkpoint(tmp_path, encode_checkpoint(checkpoint_of(State({}, {"frames": frames}), frames)))
    newest = tmp_path / "checkpoint"
    assert read_checkpoint(tmp_path).frames == 5
    assert not caplog.messages
    content = newest.read_bytes()
    if damage == "remove":
        newest.unlink()
    else:
        flipped = content[:100] + bytes([content[100] ^ 4]) + content[101:]
        newest.write_bytes({"truncate": content[:-1], "flip": flipped, "empty": b""}[damage])
    read = read_checkpoint(tmp_path)
    assert (read.frames, read.state) == (3, State({}, {"frames": 3}))
    assert list(read.warnings) == caplog.messages
    assert len(read.warnings) == 1
    assert str(newest) in read.warnings[0]
    (tmp_path / "checkpoint.previous").write_bytes(content[:-1])
    with pytest.raises(StoreError, match=r"no intact checkpoint: .*checkpoint[ :].*checkpoint\.previous: damaged"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("links", [True, False])
def test_the_newest_checkpoint_is_there_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, links: bool
) -> None:
    seen = []

    def replace_and_look(source: Path, target: Path) -> None:
        replace_file(source, target)
        seen.append(read_checkpoint(tmp_path).frames)

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    replace_file = os.replace
    monkeypatch.setattr("runs.store.atomic.os.replace", replace_and_look)
    if not links:
        monkeypatch.setattr("runs.store.atomic.os.link", refuse)
    for frames in (1, 2, 3):
        write_checkpoint(tmp_path, encode_checkpoint(checkpoint_of(None, frames)))
    assert seen == [1, 1, 2, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "checkpoint.previous"]
    # Without hard links there is a moment with the previous checkpoint alone: said, and no harm done.
    assert len(caplog.messages) == (0 if links else 2)
    (tmp_path / "checkpoint").unlink()
    assert read_checkpoint(tmp_path).frames == 2


def test_no_checkpoint_at_all(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no checkpoint here"):
        read_checkpoint(tmp_path)


def sealed(header: bytes, text: bytes, archive: bytes) -> bytes:
    body = header + text + archive
    return body + hashlib.sha256(body).hexdigest().encode() + b"\n"


def test_a_newer_format_is_an_error_and_not_damage(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, [SMALL])
    write_checkpoint(tmp_path, [sealed(b"twoscale checkpoint 2 and more\n".replace(b" and more", b" 5 5 5"), b"", b"")])
    with pytest.raises(StoreError, match="version 2 of the format, this program knows 1: update"):
        read_checkpoint(tmp_path)


class Canary:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_pickle_in_a_valid_checkpoint_is_refused_unread(tmp_path: Path) -> None:
    archive = io.BytesIO()
    np.savez(archive, array_0=np.array([Canary(tmp_path / "unpickled")], dtype=object))
    header, rest = SMALL.split(b"\n", 1)
    text = rest[: int(header.split()[3])]
    assert json.loads(text)["arrays"] == ["a"]
    content = archive.getvalue()
    write_checkpoint(tmp_path, [sealed(f"twoscale checkpoint 1 {len(text)} {len(content)}\n".encode(), text, content)])
    with pytest.raises(StoreError, match="arrays refused: Object arrays cannot be loaded"):
        read_checkpoint(tmp_path)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    ("arrays", "numbers", "message"),
    [
        ({"a": np.array([None])}, {}, "state array 'a' holds Python objects"),
        ({"a": np.zeros(1, dtype=[("x", object)])}, {}, "state array 'a' holds Python objects"),
        ({}, {"a": {"b": [0, (1, 2)]}}, r"state numbers, a, b, entry 1: \(1, 2\) \(tuple\)"),
        ({}, {"a": {1: 2}}, "state numbers, a: key 1 is not text"),
        ({}, {"a": np.int64(1)}, "int64"),
    ],
)
def test_a_state_that_would_come_back_different_is_refused(arrays: Any, numbers: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        encode_checkpoint(checkpoint_of(State(arrays, numbers)))
