"""The store keeps what it promises: round trips, kills, full disks, resuming, packing."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import runs.store.atomic
from runs.store import Series, Store, StoreError, open_series, pack, read_run_file, write_run_file
from theory.errors import InputError
from theory.frames import Array, Frame, State, Variable

ROOT = Path(runs.store.atomic.__file__).parents[2]


def values_of(index: int) -> Array:
    """The field in frame ``index``: a function of the index alone, so that any process can tell what it must be."""
    return np.random.Generator(np.random.Philox(key=index)).standard_normal((6, 5), dtype=np.float32)


def frame_of(index: int) -> Frame:
    axes = {name: Variable(0.5 + np.arange(size), (name,), "length", name) for name, size in (("y", 6), ("x", 5))}
    field = Variable(values_of(index), ("y", "x"), "1/length^2", "density", {"species": "A"})
    energy = Variable(np.array(0.1 * index), (), "1", "energy")
    return Frame(0.1 * index, 10 * index, {"density": field, "energy": energy}, axes)


def state_of(frames: int) -> State:
    return State({"values": values_of(frames).astype(np.float64)}, {"next": frames})


def new_store(directory: Path, **options: Any) -> Store:
    return Store.create(
        directory, scale="fields", provenance={"seed": 7}, run_file_text="[run]\n", blobs={"wisdom": b"\0w"}, **options
    )


def write_batches(store: Store, *sizes: int) -> None:
    for size in sizes:
        start = store.frames_stored
        for index in range(start, start + size):
            store.append(frame_of(index))
        store.commit(state_of(start + size))


def check_frames(series: Series, frames: int) -> None:
    expected = np.stack([values_of(index) for index in range(frames)])
    np.testing.assert_array_equal(series.load("density"), expected, strict=True)
    np.testing.assert_array_equal(series.times, 0.1 * np.arange(frames))
    np.testing.assert_array_equal(series.steps, 10 * np.arange(frames))


def check_resumed(directory: Path) -> int:
    """Resume and compare all that is there with what must be; return the number of frames."""
    store, checkpoint = Store.resume(directory)
    assert checkpoint.state is not None
    assert store.frames_stored == checkpoint.frames == checkpoint.state.numbers["next"]
    np.testing.assert_array_equal(checkpoint.state.arrays["values"], values_of(checkpoint.frames).astype(np.float64))
    check_frames(open_series(directory), checkpoint.frames)
    assert not list(directory.glob(".*"))
    return checkpoint.frames


# --- round trips ---------------------------------------------------------------------------------------------------

names = st.from_regex(r"[abcXYZ_019é][abcXYZ_019é.+@()-]{0,5}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
attribute_values = st.one_of(texts, st.integers(-(2**63), 2**63 - 1), st.floats())


@st.composite
def frame_lists(draw: st.DrawFn) -> list[Frame]:
    """Up to five frames of one layout; sizes may be zero, numbers may be nan or infinite."""
    sizes = {name: draw(st.integers(0, 4)) for name in ("y", "x", "particle", "q")}
    layouts: dict[str, tuple[tuple[str, ...], np.dtype[Any], dict[str, Any]]] = {}
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        dimensions = tuple(draw(st.lists(st.sampled_from(sorted(sizes)), max_size=3, unique=True)))
        dtype = np.dtype(draw(st.sampled_from(["f4", "f8", ">f8", "f2", "i4", "u8", "i1", "?"])))
        described = {
            "units": draw(texts),
            "long_name": draw(texts),
            "attributes": draw(st.dictionaries(names, attribute_values, max_size=2)),
        }
        layouts[name] = (dimensions, dtype, described)
    labels = np.array([f"label {entry}" for entry in range(sizes["q"])], dtype=np.str_)
    coordinates = {"q": Variable(labels, ("q",), "", "names"), "x": Variable(np.arange(sizes["x"]), ("x",), "1", "x")}
    frames = []
    for index in range(draw(st.integers(1, 5))):
        variables = {}
        for name, (dimensions, dtype, described) in layouts.items():
            shape = tuple(sizes[dimension] for dimension in dimensions)
            # Values that float32 holds: larger ones are refused, which another test checks.
            elements = st.floats(width=16 if dtype.itemsize == 2 else 32) if dtype.kind == "f" else None
            data = draw(arrays_of.arrays(dtype, shape, elements=elements))
            variables[name] = Variable(data, dimensions, **described)
        frames.append(Frame(index / 3, index, variables, coordinates))
    return frames


@settings(max_examples=30, deadline=None)
@given(frame_lists(), st.sampled_from(["float32", "float64"]), st.sampled_from(["none", "gzip"]), st.data())
def test_frames_come_back_bit_for_bit(frames: list[Frame], precision: Any, compression: Any, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(Path(folder) / "fields", precision=precision, compression=compression)
        for index, frame in enumerate(frames, 1):
            store.append(frame)
            if index == len(frames) or data.draw(st.booleans()):
                store.commit(state_of(index))
        series = open_series(store.directory)
        assert series.frames == store.frames_stored == len(frames)
        assert series.times.tolist() == [frame.time for frame in frames]
        assert series.names == tuple(frames[0].variables)
        for name, own in frames[0].variables.items():
            kept = own.data.dtype.newbyteorder("=")
            dtype = {"f": np.dtype(precision if own.data.ndim else "float64")}.get(kept.kind, kept)
            expected = np.stack([frame.variables[name].data for frame in frames]).astype(dtype)
            loaded = series.load(name)
            assert (loaded.dtype, loaded.shape) == (dtype, expected.shape)
            # Bytes tell apart what == does not: signs of zero and nan.
            assert loaded.tobytes() == expected.tobytes()
            assert (series.units(name), series.variable(name).long_name) == (own.units, own.long_name)
            assert series.variable(name).dimensions == own.dimensions
            # repr makes nan equal to itself, and 1 different from 1.0.
            assert repr(sorted(series.attributes(name).items())) == repr(sorted(own.attributes.items()))
        for name, coordinate in frames[0].coordinates.items():
            assert series.coordinates[name].data.tolist() == coordinate.data.tolist()


def test_ranges_are_those_of_slices(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    write_batches(store, 3, 1, 4)
    series = open_series(tmp_path)
    whole = np.stack([values_of(index) for index in range(8)])
    for start, stop in ((0, None), (2, 5), (3, 4), (-2, None), (5, 5), (6, 2), (0, 100), (-100, -6)):
        np.testing.assert_array_equal(series.load("density", start, stop), whole[start:stop], strict=True)
    with pytest.raises(InputError, match=r"no variable 'densty'; there are density, energy"):
        series.load("densty")
    assert repr(series).startswith("Series of 8 frames")
    assert "density (y: 6, x: 5) float32 [1/length^2] density" in repr(series)
    assert (series.run_file_text, series.provenance) == ("[run]\n", {"seed": 7})


def test_the_buffer_is_a_copy_in_the_stored_type(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    frame = frame_of(0)
    store.append(frame)
    assert store.buffered_bytes == 6 * 5 * 4 + 8
    frame.variables["density"].data[...] = 0
    store.commit(state_of(1))
    assert (store.buffered_bytes, store.frames_stored) == (0, 1)
    check_frames(open_series(tmp_path), 1)


# --- what is refused ---------------------------------------------------------------------------------------------


def changed(frame: Frame, name: str, variable: Variable) -> Frame:
    return Frame(frame.time, frame.step, {**frame.variables, name: variable}, frame.coordinates)


ONE = np.ones(5)
LARGE = replace(frame_of(1).variables["density"], data=np.full((6, 5), 1e39))
MOVED = {**frame_of(1).coordinates, "x": Variable(ONE, ("x",), "length", "x")}
REFUSED = {
    "does not follow": frame_of(0),
    "variable 'more' is in some frames only": changed(frame_of(1), "more", Variable(ONE, ("x",), "", "")),
    "variable 'energy' is": changed(frame_of(1), "energy", Variable(ONE, ("x",), "", "")),
    "coordinate 'x' has changed": replace(frame_of(1), coordinates=MOVED),
    "beyond the range of float32": changed(frame_of(1), "density", LARGE),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_frame_unlike_the_others_is_refused_and_leaves_the_store_as_it_was(tmp_path: Path, message: str) -> None:
    store = new_store(tmp_path)
    write_batches(store, 1)
    # The reference for "unlike" must survive a new process, too.
    resumed, _ = Store.resume(tmp_path)
    for one in (store, resumed):
        with pytest.raises(ValueError, match=message):
            one.append(REFUSED[message])
        assert one.buffered_bytes == 0
    write_batches(resumed, 2)
    check_frames(open_series(tmp_path), 3)


@pytest.mark.parametrize(
    ("name", "variable", "message"),
    [
        ("time", Variable(ONE, ("x",), "", ""), "cannot name"),
        ("a/b", Variable(ONE, ("x",), "", ""), "cannot name"),
        ("a", Variable(ONE, ("time",), "", ""), "cannot name"),
        ("x", Variable(ONE, ("x",), "", ""), "a variable and a dimension"),
        ("a", Variable(np.ones((5, 5)), ("x", "x"), "", ""), "a dimension twice"),
        ("a", Variable(np.ones(4), ("x",), "", ""), "'x' has size 4 in variable 'a' and 5 elsewhere"),
        ("a", Variable(ONE.astype(complex), ("x",), "", ""), "complex128"),
        ("a", Variable(ONE.astype(object), ("x",), "", ""), "object"),
        ("a", Variable(ONE, ("x",), "\0", ""), "null character"),
        ("a", Variable(ONE, ("x",), "", "\ud800"), "not valid Unicode"),
        ("a", Variable(ONE, ("x",), "", "", {"units": 1}), "cannot be called 'units'"),
        ("a", Variable(ONE, ("x",), "", "", {"n": 2**63}), "64-bit"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_once(tmp_path: Path, name: str, variable: Variable, message: str) -> None:
    store = new_store(tmp_path)
    with pytest.raises(ValueError, match=message):
        store.append(changed(frame_of(0), name, variable))
    assert store.buffered_bytes == 0


def test_a_directory_that_holds_a_run_is_not_written_over(tmp_path: Path) -> None:
    new_store(tmp_path / "fields")
    with pytest.raises(StoreError, match="holds a run already"):
        new_store(tmp_path / "fields")
    with pytest.raises(StoreError, match="no checkpoint here"):
        Store.resume(tmp_path / "particles")
    with pytest.raises(StoreError, match="no frames here"):
        open_series(tmp_path / "fields")


def test_the_run_file_is_written_once(tmp_path: Path) -> None:
    text = "[run]\r\nseed = 1 # ünïcode\n"
    for _ in range(2):
        write_run_file(tmp_path / "run", text)
        assert read_run_file(tmp_path / "run") == text
    with pytest.raises(StoreError, match="another run file"):
        write_run_file(tmp_path / "run", text + " ")
    with pytest.raises(StoreError, match=r"run\.toml: cannot read"):
        read_run_file(tmp_path)
    (tmp_path / "run" / "run.toml").write_bytes(b"seed = \xc9")
    with pytest.raises(StoreError, match=r"run\.toml: damaged, not UTF-8 text"):
        read_run_file(tmp_path / "run")


# --- resuming ----------------------------------------------------------------------------------------------------


def test_a_run_without_state_resumes_from_its_start(tmp_path: Path) -> None:
    new_store(tmp_path)
    store, checkpoint = Store.resume(tmp_path, provenance={"seed": 8})
    assert (checkpoint.state, checkpoint.frames, checkpoint.last_segment) == (None, 0, None)
    assert (checkpoint.blobs, checkpoint.run_file_text) == ({"wisdom": b"\0w"}, "[run]\n")
    write_batches(store, 2)
    assert open_series(tmp_path).provenance == {"seed": 8}


def test_segments_newer_than_the_checkpoint_and_temporaries_are_dropped(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    write_batches(store, 2, 3)
    for name in ("checkpoint", "checkpoint.previous"):
        shutil.copy(tmp_path / name, tmp_path / f"kept.{name}")
    write_batches(store, 4)
    for name in ("checkpoint", "checkpoint.previous"):
        os.replace(tmp_path / f"kept.{name}", tmp_path / name)
    (tmp_path / ".segment-00000009.h5.temporary").write_bytes(b"half")
    resumed, checkpoint = Store.resume(tmp_path)
    assert resumed.dropped == (".segment-00000009.h5.temporary", "segment-00000005.h5")
    assert (checkpoint.frames, checkpoint.last_segment) == (5, "segment-00000002.h5")
    write_batches(resumed, 4)
    assert check_resumed(tmp_path) == 9


def test_a_damaged_checkpoint_is_set_aside_and_never_kept_as_the_previous_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_batches(new_store(tmp_path), 2, 3)
    damaged = bytearray((tmp_path / "checkpoint").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "checkpoint").write_bytes(damaged)
    store, checkpoint = Store.resume(tmp_path)
    assert (checkpoint.frames, store.dropped) == (2, ("segment-00000002.h5",))
    assert "damaged" in checkpoint.warnings[0]
    assert checkpoint.warnings[0] in caplog.messages
    assert (tmp_path / "checkpoint.damaged").read_bytes() == damaged
    write_batches(store, 3)
    (tmp_path / "checkpoint").unlink()
    assert check_resumed(tmp_path) == 2


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    write_batches(new_store(tmp_path), 2, 3, 1)
    last = tmp_path / "segment-00000005.h5"
    os.replace(last, tmp_path / "kept")
    with pytest.raises(StoreError, match="5 frames where the checkpoint promises 6"):
        Store.resume(tmp_path)
    os.replace(tmp_path / "kept", last)
    (tmp_path / "segment-00000002.h5").unlink()
    with pytest.raises(StoreError, match=r"segment-00000005.h5: starts with frame 5, frame 2 is missing"):
        Store.resume(tmp_path)


def test_blobs_are_replaced_when_given(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for blobs, expected in ((None, {"wisdom": b"\0w"}), ({"b": b""}, {"b": b""}), (None, {"b": b""})):
        store.commit(state_of(0), blobs=blobs)
        assert Store.resume(tmp_path)[1].blobs == expected


# --- interruptions at every point ---------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process: nothing that catches Exception sees it."""


class Faults:
    """Let the system calls of a commit fail from the n-th on; a failing write still writes half of its bytes."""

    CALLS = ("open", "write", "fsync", "link", "replace")

    def __init__(self, patch: pytest.MonkeyPatch, first_failure: int, error: BaseException) -> None:
        self.first_failure, self.error = first_failure, error
        self.calls = 0
        self.succeeded: list[str] = []
        for name in self.CALLS:
            patch.setattr(runs.store.atomic.os, name, self.failing(getattr(os, name)))

    def failing(self, original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls < self.first_failure:
                self.succeeded.append(original.__name__)
                return original(*arguments, **options)
            if original.__name__ == "write":
                descriptor, content = arguments
                original(descriptor, content[: len(content) // 2])
            raise self.error

        return call


# A commit makes this many system calls at most, see the test of their order.
FAULT_POINTS = range(1, 20)


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_a_kill_at_any_system_call_leaves_a_consistent_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    store = new_store(tmp_path)
    write_batches(store, 2, 2)
    with monkeypatch.context() as patch:
        faults = Faults(patch, point, Killed())
        try:
            write_batches(store, 3)
        except Killed:
            assert faults.calls == point
    frames = check_resumed(tmp_path)
    # The commit counts from the moment at which the checkpoint has its name: the third of three renames.
    assert frames == (7 if faults.succeeded.count("replace") == 3 else 4)
    resumed, _ = Store.resume(tmp_path)
    write_batches(resumed, 7 - frames, 1)
    assert check_resumed(tmp_path) == 8


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("point", FAULT_POINTS)
def test_a_full_disk_at_any_system_call_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int, more: int
) -> None:
    store = new_store(tmp_path / "store")
    write_batches(store, 2)
    for index in range(2, 5):
        store.append(frame_of(index))
    with monkeypatch.context() as patch:
        faults = Faults(patch, point, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        failure = None
        try:
            store.commit(state_of(5))
        except StoreError as error:
            failure = error
    failed = faults.calls >= point
    assert failed == (failure is not None)
    if failed:
        assert str(failure).startswith(str(tmp_path / "store"))
        assert "No space left on device; free some space" in str(failure)
    assert not list((tmp_path / "store").glob(".*"))
    # What a kill at this moment would leave is consistent ...
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    assert check_resumed(tmp_path / "copy") in ((2, 5) if failed else (5,))
    # ... and the run can go on: nothing of the failed commit is lost or doubled.
    for index in range(5, 5 + more):
        store.append(frame_of(index))
    store.commit(state_of(5 + more))
    assert store.frames_stored == check_resumed(tmp_path / "store") == 5 + more
    assert Store.resume(tmp_path / "store")[1].last_segment == sorted((tmp_path / "store").glob("*.h5"))[-1].name


def test_each_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = new_store(tmp_path)
    write_batches(store, 2)
    with monkeypatch.context() as patch:
        faults = Faults(patch, 1000, Killed())
        write_batches(store, 3)
    segment = ["open", "write", "fsync", "replace", "open", "fsync"]
    checkpoint = ["open", *["write"] * 4, "fsync", "link", "replace", "replace", "open", "fsync"]
    assert faults.succeeded == segment + checkpoint
    assert faults.calls < FAULT_POINTS[-1]


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.EACCES, "permissions"), (errno.EROFS, "read-only"), (errno.EDQUOT, "quota")]
)
def test_the_remedy_fits_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str) -> None:
    store = new_store(tmp_path)
    store.append(frame_of(0))
    with monkeypatch.context() as patch:
        Faults(patch, 1, OSError(number, os.strerror(number)))
        with pytest.raises(StoreError, match=remedy):
            store.commit(state_of(1))
    with pytest.raises(StoreError, match="a file is where a directory should be"):
        new_store(tmp_path / "checkpoint" / "fields")
    with pytest.raises(StoreError, match=r"cannot create this directory: .* a file is where a directory should be"):
        write_run_file(tmp_path / "checkpoint" / "run", "")
    shutil.rmtree(tmp_path)
    with pytest.raises(StoreError, match=r"segment-00000000\.h5: cannot write: No such file .* path exists"):
        store.commit(state_of(1))
    assert store.buffered_bytes > 0


# Forks one writer for each line it is sent, tells its number, and tells how it ended: importing once makes this quick.
WRITERS = """
import os, sys, time
import numpy as np
from runs.store import Store
from theory.frames import Frame, State, Variable

def values_of(index):
    return np.random.Generator(np.random.Philox(key=index)).standard_normal((6, 5), dtype=np.float32)

def write_until_killed(directory):
    store, checkpoint = Store.resume(directory)
    index = checkpoint.frames
    # Should nobody be left to kill it, the writer ends all the same.
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        for _ in range(1 + index % 3):
            field = Variable(values_of(index), ("y", "x"), "1", "density")
            store.append(Frame(0.1 * index, 10 * index, {"density": field}, {}))
            index += 1
        store.commit(State({"values": values_of(index).astype(np.float64)}, {"next": index}))

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            write_until_killed(sys.argv[1])
        finally:
            os._exit(1)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_kill_9_at_random_moments_while_another_process_reads(tmp_path: Path) -> None:
    new_store(tmp_path)
    random = np.random.default_rng(20)
    frames = 0
    with subprocess.Popen(
        [sys.executable, "-c", WRITERS, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for _ in range(10):
            writers.stdin.write("\n")
            writers.stdin.flush()
            writer = int(writers.stdout.readline())
            try:
                # Wait until this writer has written something, so that the kill hits it at work.
                give_up = time.monotonic() + 30
                while not (tmp_path / f"segment-{frames:08d}.h5").exists():
                    assert time.monotonic() < give_up
                    time.sleep(0.001)
                strike = time.monotonic() + random.uniform(0, 0.02)
                while time.monotonic() < strike:
                    series = open_series(tmp_path)
                    check_frames(series, series.frames)
            finally:
                os.kill(writer, signal.SIGKILL)
            assert int(writers.stdout.readline()) == -signal.SIGKILL
            promised = check_resumed_or_start(tmp_path)
            assert promised >= frames
            frames = promised
    assert frames > 10


def check_resumed_or_start(directory: Path) -> int:
    """As check_resumed; the first writer may be killed before its first checkpoint."""
    if Store.resume(directory)[1].state is None:
        assert not list(directory.glob("*.h5"))
        return 0
    return check_resumed(directory)


# --- packing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_packed_file_holds_all_frames(tmp_path: Path, compression: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.store.series.PACKING_BYTES", 400)  # three frames at a time, across the ends of segments
    write_batches(new_store(tmp_path / "fields", time_units="persistence time"), 2, 5, 1)
    pack(tmp_path / "fields", tmp_path / "all.h5", compression=compression)
    packed, series = open_series(tmp_path / "all.h5"), open_series(tmp_path / "fields")
    check_frames(packed, 8)
    assert not packed.layout.difference(series.layout)
    assert packed.record == series.record
    assert packed.record.options.time_units == "persistence time"
    with pytest.raises(StoreError, match="exists already"):
        pack(tmp_path / "fields", tmp_path / "all.h5")


@pytest.mark.parametrize("point", [1, 2, 4, 8, 30])
def test_packing_on_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int) -> None:
    write_batches(new_store(tmp_path / "fields"), 4, 30)
    with monkeypatch.context() as patch:
        faults = Faults(patch, point, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        with pytest.raises(StoreError, match=r"all\.h5: cannot write: No space left on device; free some space"):
            pack(tmp_path / "fields", tmp_path / "all.h5")
    assert faults.calls >= point
    assert [path.name for path in tmp_path.iterdir()] == ["fields"]
    pack(tmp_path / "fields", tmp_path / "all.h5")
    check_frames(open_series(tmp_path / "all.h5"), 34)
