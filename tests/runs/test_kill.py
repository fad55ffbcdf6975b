"""kill -9 at random moments, then resuming: the same bits as a run that nobody disturbed.

The processes are forked from a server that has imported the packages but run nothing, which saves the seconds of starting an
interpreter. What a process runs is the command itself.
"""

import multiprocessing
import multiprocessing.process
import os
import signal
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import pytest

from runs.cli import main
from runs.runfile import Scale
from runs.store import open_series
from tests.runs.small_runs import MIXTURE, assert_same_runs, written

KILLS = int(os.environ.get("TWOSCALE_KILLS", "5"))
FRAMES = 25
# a frame every few steps, and a checkpoint with each
LONG = MIXTURE.replace("duration = 0.4", "duration = 2.5\ncheckpoint_interval = 0").replace(
    "output_interval = 0.04", "output_interval = 0.1"
)
PATIENCE = 120.0


@pytest.fixture(scope="session")
def server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    # the last is what sympy imports with its first sum
    context.set_forkserver_preload(
        ["runs.cli", "runs.execute", "fieldsolver", "particles", "theory.codegen", "sympy.tensor.tensor"]
    )
    return context


def frames_in(directory: Path, scale: Scale) -> int:
    """Number of frames in segments; with a checkpoint per frame each segment holds one."""
    return len(list((directory / scale).glob("segment-*.h5")))


def start(server: ForkServerContext, arguments: list[str]) -> multiprocessing.process.BaseProcess:
    process = server.Process(target=main, args=(arguments,))
    process.start()
    return process


def wait_for_frames(process: multiprocessing.process.BaseProcess, directory: Path, scale: Scale, frames: int) -> None:
    end = time.monotonic() + PATIENCE
    while process.is_alive() and frames_in(directory, scale) < frames:
        assert time.monotonic() < end, f"{frames} frames are not there after {PATIENCE} s"
        time.sleep(0.001)


def kill_and_resume(server: ForkServerContext, directory: Path, scale: Scale, kills: int, seed: int) -> None:
    """Kill a run and its continuations again and again, then let it end, and compare with an undisturbed run.

    Parameters
    ----------
    server
        Where processes come from.
    directory
        Empty directory for all files.
    scale
        Engine.
    kills
        How often the process is killed: each time after a random number of new frames and a random delay.
    seed
        Of the random moments.
    """
    file, killed = written(directory, LONG), directory / "killed"
    assert main(["run", file, f"--{scale}", "--output", str(directory / "whole"), "--threads", "1", "--quiet"]) == 0
    generator = np.random.default_rng(seed)
    # a kill in every part of the run but the last, where it may have ended
    targets = np.sort(generator.integers(1, FRAMES - 8, kills))
    arguments = ["run", file, f"--{scale}", "--output", str(killed), "--threads", "1", "--quiet"]
    for target, delay in zip(targets, generator.uniform(0.0, 0.02, kills), strict=True):
        process = start(server, arguments)
        wait_for_frames(process, killed, scale, int(target))
        time.sleep(float(delay))
        process.kill()
        process.join(PATIENCE)
        assert process.exitcode == -signal.SIGKILL
        process.close()
        assert frames_in(killed, scale) >= target
        arguments = ["resume", str(killed), "--threads", "1", "--quiet"]
    assert main(arguments) == 0
    series = open_series(killed / scale)
    np.testing.assert_allclose(series.times, 0.1 * np.arange(FRAMES + 1), rtol=1e-12)
    assert_same_runs(killed, directory / "whole", scale)


@pytest.mark.parametrize(("scale", "seed"), [("fields", 1), ("particles", 2)])
def test_a_killed_run_resumes_to_the_same_bits(server: ForkServerContext, scale: Scale, seed: int, tmp_path: Path) -> None:
    kill_and_resume(server, tmp_path, scale, KILLS, seed)


def test_killed_before_the_first_frame(server: ForkServerContext, tmp_path: Path) -> None:
    """While libraries load, engines are built and directories are made: the run is resumed, or started again."""
    file, directory = written(tmp_path, MIXTURE), tmp_path / "run"
    run = ["run", file, "--output", str(directory), "--threads", "1", "--quiet"]
    for delay in np.random.default_rng(3).uniform(0.05, 0.8, 2):
        process = start(server, run)
        time.sleep(float(delay))
        process.kill()
        process.join(PATIENCE)
        process.close()
    if main(["resume", str(directory), "--threads", "1", "--quiet"]) != 0:
        assert main(run) == 0
    assert main([*run[:3], str(tmp_path / "whole"), *run[4:]]) == 0
    for scale in ("fields", "particles"):
        assert_same_runs(directory, tmp_path / "whole", scale)


def test_two_processes_do_not_write_to_the_same_run(
    server: ForkServerContext, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second is refused, whatever it asks for, and the first goes on."""
    file, directory = written(tmp_path, LONG), tmp_path / "run"
    process = start(server, ["run", file, "--fields", "--output", str(directory), "--threads", "1", "--quiet"])
    try:
        wait_for_frames(process, directory, "fields", 2)
        assert main(["resume", str(directory), "--quiet"]) == 4
        assert f"process {process.pid} on host" in capsys.readouterr().err
        assert main(["run", file, "--output", str(directory), "--quiet"]) == 4
        assert "twoscale resume" in capsys.readouterr().err
        assert process.is_alive()
    finally:
        process.kill()
        process.join(PATIENCE)
    process.close()
    assert main(["resume", str(directory), "--threads", "1", "--quiet"]) == 0
    assert frames_in(directory, "fields") == FRAMES + 1
