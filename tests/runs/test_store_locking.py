"""One writer per run directory, and no lock that outlives its holder."""

import errno
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import runs.store.locking
from runs.store import StoreError
from runs.store.locking import RunLock, RunLocked

ROOT = Path(runs.store.locking.__file__).parents[2]

HOLDER = """
import sys, time
from runs.store.locking import RunLock
with RunLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], env=environment, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(RunLocked) as refusal:
                RunLock(directory).acquire()
            for part in (str(directory), str(holder.pid), socket.gethostname(), "choose another directory"):
                assert part in str(refusal.value)
        finally:
            holder.kill()
    with RunLock(directory) as lock:
        assert lock.held


def test_a_lock_excludes_others_of_the_same_process_and_is_given_back(tmp_path: Path) -> None:
    with RunLock(tmp_path) as lock:
        with pytest.raises(RunLocked, match=f"process {os.getpid()} on host"):
            RunLock(tmp_path).acquire()
        with pytest.raises(RuntimeError, match="already held by this very object"):
            lock.acquire()
        assert lock.held
    assert not lock.held
    lock.release()
    with RunLock(tmp_path), RunLock(tmp_path / "other"):
        pass


def test_a_holder_that_has_not_written_its_name_yet(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        (tmp_path / "run.lock").write_bytes(b"")
        with pytest.raises(RunLocked, match="another process, which has not written its name yet, is writing"):
            RunLock(tmp_path).acquire()


def test_a_child_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    with RunLock(tmp_path) as lock:
        assert lock._descriptor is not None
        assert not os.get_inheritable(lock._descriptor)
        # Give it the descriptor nevertheless, as a fork would.
        sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
        child = subprocess.Popen(sleeper, pass_fds=[lock._descriptor])
    try:
        with RunLock(tmp_path):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(runs.store.locking.fcntl, "flock", refuse)
        with pytest.raises(StoreError, match=r"run\.lock: cannot lock: .*choose a directory on another one"):
            RunLock(tmp_path).acquire()
    assert len(os.listdir("/proc/self/fd")) == before
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/run: cannot create this directory"):
        RunLock(tmp_path / "file" / "run").acquire()


def test_taking_the_lock_does_not_wait(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        start = time.monotonic()
        with pytest.raises(RunLocked):
            RunLock(tmp_path).acquire()
        assert time.monotonic() - start < 5
