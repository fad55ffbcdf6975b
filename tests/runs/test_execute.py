"""Running and resuming: when frames are written, what a checkpoint keeps, and what an interrupted run becomes.

What does not depend on the physics is tried on `Ticking`, an engine of one number; bit-exact continuation on the real ones.
"""

import dataclasses
import functools
import importlib.metadata
import io
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runs.execute
from runs.engines import fields_time_step
from runs.execute import Outcome, resume, run
from runs.initial_source import Source
from runs.progress import Progress
from runs.runfile import RunSpecification, Scale, parse
from runs.store import Store, StoreError, open_series, read_checkpoint
from runs.store.locking import RunLock, RunLocked
from tests.runs.small_runs import BOTH, IDEAL, MIXTURE, assert_same_runs, state_of
from theory import InputError, NumericalFailure
from theory.fourier import PLANNER
from theory.frames import Frame, State, Variable

Hook = Callable[["Ticking"], None]


class Ticking:
    """An engine whose state is one number that depends on every step before.

    Asks for interruption before each step, as the particles do, or after, as the fields do. A hook is called before each step.
    """

    time_step = 0.1

    def __init__(self, *, asks_first: bool = False, hook: Hook | None = None) -> None:
        self.step, self.value, self._calls = 0, 0.5, 0
        self._asks_first, self._hook = asks_first, hook

    @property
    def time(self) -> float:
        return self.step * self.time_step

    def advance(self, until: float, *, interrupt: Callable[[], bool]) -> bool:
        self._calls += 1
        assert self._calls < 1000, "the run does not advance"
        last = round(until / self.time_step)
        while self.step < last:
            if self._asks_first and interrupt():
                break
            if self._hook is not None:
                self._hook(self)
            self.value = 3.9 * self.value * (1.0 - self.value)
            self.step += 1
            if not self._asks_first and interrupt():
                break
        return self.step >= last

    def frame(self) -> Frame:
        return Frame(self.time, self.step, {"value": Variable(np.array(self.value), (), "1", "value")}, {})

    def state(self) -> State:
        return State({"value": np.array([self.value])}, {"step": self.step})

    def restore(self, state: State) -> None:
        self.value, self.step = float(state.arrays["value"][0]), int(str(state.numbers["step"]))

    def warnings(self) -> list[str]:
        return ["ticks loudly"] if self.step > 3 else []


Build = Callable[..., None]


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Build:
    """Replace both engines by ticking ones; hooks by scale."""

    def install(**hooks: Hook | None) -> None:
        def build(specification: RunSpecification, scale: Scale, threads: int = 1, source: Source | None = None) -> Ticking:
            return Ticking(asks_first=scale == "particles", hook=hooks.get(scale))

        monkeypatch.setattr(runs.execute, "build_engine", build)

    install()
    return install


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Name of the store, step of the state and number of frames at each commit."""
    seen: list[tuple[str, int, int]] = []
    original = Store.commit

    def commit(store: Store, state: State, **options: Any) -> None:
        original(store, state, **options)
        seen.append((store.directory.name, int(str(state.numbers["step"])), store.frames_stored))

    monkeypatch.setattr(Store, "commit", commit)
    return seen


def specification(*overrides: str, text: str = IDEAL) -> RunSpecification:
    return parse(text, overrides=overrides)


def times_of(directory: Path) -> list[float]:
    return [round(float(time), 9) for time in open_series(directory).times]


def statuses(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(one.scale, one.status) for one in outcomes]


def at_step(step: int, action: Callable[[], Any]) -> Hook:
    def hook(engine: Ticking) -> None:
        if engine.step == step:
            action()

    return hook


def fail() -> None:
    raise NumericalFailure("densities are negative; refine the grid")


# --- frames --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration", "interval", "frames", "last_step"),
    [(2.0, 0.4, 6, 20), (2.0, 2.0, 2, 20), (2.0, 0.3, 7, 20), (1.95, 0.4, 5, 20), (0.7, 0.1, 8, 7), (2.0, 0.7, 3, 20)],
)
def test_frames_are_at_multiples_of_the_output_interval(
    duration: float, interval: float, frames: int, last_step: int, tmp_path: Path, ticking: Build
) -> None:
    """From the initial state on; the run itself goes to the end, to the nearest step, where its last state is kept."""
    outcomes = run(specification(f"run.duration={duration}", f"run.output_interval={interval}"), tmp_path, quiet=True)
    assert statuses(outcomes) == [("fields", "done"), ("particles", "done")]
    for scale, outcome in zip(BOTH, outcomes, strict=True):
        series = open_series(tmp_path / scale)
        np.testing.assert_array_equal(series.steps, [round(k * interval / 0.1) for k in range(frames)])
        np.testing.assert_allclose(series.times, 0.1 * series.steps)
        assert outcome.step == last_step == read_checkpoint(tmp_path / scale).state.numbers["step"]  # type: ignore[union-attr]
        assert outcome.time == pytest.approx(0.1 * last_step)
        assert outcome.directory == tmp_path / scale
        assert outcome.warnings == ("ticks loudly",)
        assert outcome.message == ""
        assert outcome.seconds >= 0.0


def test_frames_hold_the_state_of_their_step(tmp_path: Path, ticking: Build) -> None:
    run(specification(), tmp_path, quiet=True)
    value, expected = 0.5, []
    for step in range(21):
        if step % 4 == 0:
            expected.append(value)
        value = 3.9 * value * (1.0 - value)
    np.testing.assert_array_equal(open_series(tmp_path / "fields").load("value"), expected)


@pytest.mark.parametrize("scales", [["fields"], ["particles"]])
def test_a_single_scale(scales: list[Scale], tmp_path: Path, ticking: Build) -> None:
    assert statuses(run(specification(), tmp_path, scales=scales, quiet=True)) == [(scales[0], "done")]
    assert {path.name for path in tmp_path.iterdir()} == {scales[0], "run.toml", "run.lock"}
    # what was not asked for is not begun by resuming either
    assert statuses(resume(tmp_path, quiet=True)) == [(scales[0], "done")]


def test_a_scale_that_the_file_does_not_state_is_refused_before_anything_is_made(tmp_path: Path, ticking: Build) -> None:
    fields_only = specification(text=IDEAL.replace("[particles]\ntime_step = 0.1\n", ""))
    with pytest.raises(InputError, match=r"no section \[particles\]"):
        run(fields_only, tmp_path / "run", scales=["particles"])
    assert not (tmp_path / "run").exists()
    assert statuses(run(fields_only, tmp_path / "run", quiet=True)) == [("fields", "done")]


def test_a_model_that_cannot_be_run_leaves_no_directory_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise InputError("cannot be run")

    monkeypatch.setattr(runs.execute, "build_engine", refuse)
    with pytest.raises(InputError, match="cannot be run"):
        run(specification(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- checkpoints ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", BOTH)
def test_without_an_interval_each_frame_has_its_checkpoint(
    scale: Scale, tmp_path: Path, ticking: Build, commits: list[tuple[str, int, int]]
) -> None:
    run(specification("run.checkpoint_interval=0"), tmp_path, scales=[scale], quiet=True)
    # the initial state, each frame with the state of its step, and the end
    expected = [(scale, 0, 0), *((scale, 4 * frame, frame + 1) for frame in range(6)), (scale, 20, 6)]
    assert commits == expected


@pytest.mark.parametrize("scale", BOTH)
def test_the_shortest_interval_has_a_checkpoint_with_each_step(
    scale: Scale, tmp_path: Path, ticking: Build, commits: list[tuple[str, int, int]]
) -> None:
    run(specification("run.checkpoint_interval=1e-12"), tmp_path, scales=[scale], quiet=True)
    assert {step for _, step, _ in commits} == set(range(21))
    assert [frames for _, step, frames in commits if step == 10][-1] == 3
    # no more than one per step and one per frame: the run does not wait for the clock
    assert len(commits) <= 21 + 6 + 2


def test_a_long_interval_has_checkpoints_at_the_ends_only(
    tmp_path: Path, ticking: Build, commits: list[tuple[str, int, int]]
) -> None:
    run(specification(), tmp_path, scales=["fields"], quiet=True)
    assert commits == [("fields", 0, 0), ("fields", 20, 6)]
    # all frames of a commit are one segment
    assert len(list((tmp_path / "fields").glob("segment-*"))) == 1


def test_a_full_buffer_is_written_early(
    tmp_path: Path, ticking: Build, commits: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs.execute, "_BUFFER_BYTES", 12)
    run(specification(), tmp_path, scales=["fields"], quiet=True)
    # a frame of one number has eight bytes
    assert [frames for _, _, frames in commits] == [0, 2, 4, 6, 6]


# --- failures ------------------------------------------------------------------------------------------------------


def test_a_numerical_failure_keeps_what_was_reached_and_the_other_scale_runs(tmp_path: Path, ticking: Build) -> None:
    ticking(fields=at_step(9, fail))
    outcomes = run(specification(), tmp_path, quiet=True)
    assert statuses(outcomes) == [("fields", "failed"), ("particles", "done")]
    assert outcomes[0].message == "densities are negative; refine the grid"
    assert outcomes[0].step == 9
    assert times_of(tmp_path / "fields") == [0.0, 0.4, 0.8]
    # the last good state is that of the last frame
    assert read_checkpoint(tmp_path / "fields").state.numbers["step"] == 8  # type: ignore[union-attr]
    # it fails again, and without the cause it goes on
    assert statuses(resume(tmp_path, quiet=True)) == [("fields", "failed"), ("particles", "done")]
    assert times_of(tmp_path / "fields") == [0.0, 0.4, 0.8]
    ticking()
    assert statuses(resume(tmp_path, quiet=True)) == [("fields", "done"), ("particles", "done")]
    run(specification(), tmp_path / "other", quiet=True)
    assert_same_runs(tmp_path, tmp_path / "other", "fields")


def test_a_failure_in_the_first_step_leaves_the_initial_state(tmp_path: Path, ticking: Build) -> None:
    ticking(fields=at_step(0, fail))
    assert statuses(run(specification(), tmp_path, scales=["fields"], quiet=True)) == [("fields", "failed")]
    assert times_of(tmp_path / "fields") == [0.0]


def test_an_error_of_the_program_is_raised_but_frames_are_kept(tmp_path: Path, ticking: Build) -> None:
    def break_down() -> None:
        raise RuntimeError("a defect")

    ticking(fields=at_step(9, break_down))
    with pytest.raises(RuntimeError, match="a defect"):
        run(specification(), tmp_path, quiet=True)
    assert times_of(tmp_path / "fields") == [0.0, 0.4, 0.8]
    ticking()
    # the lock was given back, and both scales come to their ends
    assert statuses(resume(tmp_path, quiet=True)) == [("fields", "done"), ("particles", "done")]


# --- signals -------------------------------------------------------------------------------------------------------

SIGNALS = [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT]


@pytest.fixture
def handlers_are_given_back() -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.usefixtures("handlers_are_given_back")
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("scale", BOTH)
def test_a_signal_ends_a_run_on_a_completed_step(scale: str, number: signal.Signals, tmp_path: Path, ticking: Build) -> None:
    ticking(**{scale: at_step(9, lambda: signal.raise_signal(number))})
    outcomes = run(specification(), tmp_path, quiet=True)
    finished = [] if scale == "fields" else [("fields", "done")]
    assert statuses(outcomes) == [*finished, (scale, "interrupted")]
    assert outcomes[-1].step == 10
    assert read_checkpoint(tmp_path / scale).state.numbers["step"] == 10  # type: ignore[union-attr]
    assert times_of(tmp_path / scale) == [0.0, 0.4, 0.8]
    ticking()
    assert statuses(resume(tmp_path, quiet=True)) == [("fields", "done"), ("particles", "done")]
    run(specification(), tmp_path / "other", quiet=True)
    for one in BOTH:
        assert_same_runs(tmp_path, tmp_path / "other", one)


@pytest.mark.usefixtures("handlers_are_given_back")
def test_a_second_interrupt_ends_at_once_and_a_second_request_does_not(tmp_path: Path, ticking: Build) -> None:
    def twice(number: signal.Signals) -> Hook:
        def hook(engine: Ticking) -> None:
            if engine.step == 9:
                signal.raise_signal(number)
                signal.raise_signal(number)

        return hook

    ticking(fields=twice(signal.SIGTERM))
    assert statuses(run(specification(), tmp_path / "a", quiet=True)) == [("fields", "interrupted")]
    ticking(fields=twice(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run(specification(), tmp_path / "b", quiet=True)
    # what was reached by the last frame is kept
    assert read_checkpoint(tmp_path / "b/fields").state.numbers["step"] == 8  # type: ignore[union-attr]
    assert times_of(tmp_path / "b/fields") == [0.0, 0.4, 0.8]
    ticking()
    assert statuses(resume(tmp_path / "b", quiet=True)) == [("fields", "done"), ("particles", "done")]


def test_a_signal_in_the_last_step_comes_too_late(tmp_path: Path, ticking: Build) -> None:
    ticking(particles=at_step(19, lambda: signal.raise_signal(signal.SIGTERM)))
    # a frame falls on this step, after which the run notices
    outcomes = run(specification(), tmp_path, quiet=True)
    assert outcomes[-1].step == 20
    assert statuses(resume(tmp_path, quiet=True)) == [("fields", "done"), ("particles", "done")]


def test_outside_the_main_thread_signals_are_left_alone(tmp_path: Path, ticking: Build) -> None:
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.extend(run(specification(), tmp_path, quiet=True)))
    thread.start()
    thread.join()
    assert statuses(outcomes) == [("fields", "done"), ("particles", "done")]


# --- killed at any moment ------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process: nothing reaches the disk after it."""


@pytest.fixture(scope="module")
def _quick_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


def kill_before(operation: int, action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do what takes names on the disk, until an operation of this number is about to happen; whether it was reached."""
    done = 0

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def operate(*arguments: Any, **options: Any) -> Any:
            nonlocal done
            done += 1
            if done > operation:
                raise Killed
            return original(*arguments, **options)

        return operate

    with monkeypatch.context() as patch:
        for name in ("fsync", "replace", "link", "mkdir"):
            patch.setattr(os, name, counted(getattr(os, name)))
        try:
            action()
        except Killed:
            return True
    return False


@pytest.mark.usefixtures("_quick_disk")
def test_killed_before_any_operation_on_the_disk_the_run_can_be_finished(
    tmp_path: Path, ticking: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the directories are made; before the first checkpoint the run is simply started again."""
    monkeypatch.setattr(runs.execute, "provenance", lambda **facts: {**facts, "overrides": list(facts["overrides"])})
    short = specification("run.duration=0.4", "run.checkpoint_interval=0")
    run(short, tmp_path / "reference", quiet=True)
    started_again = operation = 0
    directory = tmp_path / "0"
    while kill_before(operation, functools.partial(run, short, directory, quiet=True), monkeypatch):
        # the directory of a scale may be there without a checkpoint
        if any((directory / scale / "checkpoint").exists() for scale in BOTH):
            outcomes = resume(directory, quiet=True)
        else:
            with pytest.raises(StoreError, match="holds no run; start one with 'twoscale run FILE"):
                resume(directory, quiet=True)
            started_again += 1
            outcomes = run(short, directory, quiet=True)
        assert statuses(outcomes) == [("fields", "done"), ("particles", "done")]
        for scale in BOTH:
            assert_same_runs(directory, tmp_path / "reference", scale)
        # each one until both scales have begun, some of the later ones, which are those of the store
        operation += 1 if operation < 40 else 4
        directory = tmp_path / str(operation)
    assert 5 <= started_again < 20
    assert operation > 60


# --- resuming ------------------------------------------------------------------------------------------------------


def test_resuming_what_is_not_there(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StoreError, match="holds no run; start one with 'twoscale run FILE --output "):
            resume(directory)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_holds_a_run_is_refused(tmp_path: Path, ticking: Build) -> None:
    run(specification(), tmp_path, scales=["fields"], quiet=True)
    before = state_of(tmp_path, "fields")["value"]
    for scales in (["fields"], ["particles"], None):
        with pytest.raises(StoreError, match="holds a run already; continue it with 'twoscale resume"):
            run(specification("run.duration=4"), tmp_path, scales=scales, quiet=True)  # type: ignore[arg-type]
    np.testing.assert_array_equal(state_of(tmp_path, "fields")["value"], before)


def test_a_locked_directory_is_refused(tmp_path: Path, ticking: Build) -> None:
    with RunLock(tmp_path):
        with pytest.raises(RunLocked, match=f"process {os.getpid()} on host"):
            run(specification(), tmp_path, quiet=True)
        assert not (tmp_path / "fields").exists()
    run(specification(), tmp_path, quiet=True)
    with RunLock(tmp_path), pytest.raises(RunLocked):
        resume(tmp_path, quiet=True)


def test_a_finished_run_stays_as_it_is(tmp_path: Path, ticking: Build) -> None:
    run(specification(), tmp_path, quiet=True)
    run(specification(), tmp_path / "other", quiet=True)
    for duration in (None, 0.8):
        assert statuses(resume(tmp_path, duration=duration, quiet=True)) == [("fields", "done"), ("particles", "done")]
        for scale in BOTH:
            assert_same_runs(tmp_path, tmp_path / "other", scale)


@pytest.mark.parametrize("first", [1.95, 2.0])
def test_a_longer_duration_equals_one_from_the_start(first: float, tmp_path: Path, ticking: Build) -> None:
    run(specification(f"run.duration={first}"), tmp_path / "resumed", quiet=True)
    resume(tmp_path / "resumed", duration=3.3, quiet=True)
    run(specification("run.duration=3.3"), tmp_path / "straight", quiet=True)
    for scale in BOTH:
        assert_same_runs(tmp_path / "resumed", tmp_path / "straight", scale)


def test_a_damaged_checkpoint_is_told(tmp_path: Path, ticking: Build, caplog: pytest.LogCaptureFixture) -> None:
    run(specification("run.checkpoint_interval=0"), tmp_path, quiet=True)
    damaged = tmp_path / "fields/checkpoint"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with caplog.at_level(logging.WARNING, logger="twoscale"):
        assert statuses(resume(tmp_path, quiet=True)) == [("fields", "done"), ("particles", "done")]
    assert any("using the previous checkpoint" in text for text in caplog.messages)
    run(specification(), tmp_path / "other", quiet=True)
    assert_same_runs(tmp_path, tmp_path / "other", "fields")


# --- with the engines ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at both scales without interruption."""
    directory = tmp_path_factory.mktemp("straight") / "run"
    assert [one.status for one in run(specification(text=MIXTURE), directory, threads=1, quiet=True)] == ["done", "done"]
    return directory


def interrupting(monkeypatch: pytest.MonkeyPatch, frame: int) -> None:
    """Let a request to end arrive while this frame of the run is stored."""
    original = Store.append

    def append(store: Store, one: Frame) -> None:
        original(store, one)
        if round(one.time / 0.04) == frame:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Store, "append", append)


def test_engines_continue_bit_for_bit(straight: Path, tmp_path: Path) -> None:
    """Interrupted twice at each scale, resumed with other numbers of threads."""
    specified = specification(text=MIXTURE)
    for attempt, frame in enumerate((3, 7, 3, 7)):
        with pytest.MonkeyPatch.context() as patch:
            interrupting(patch, frame)
            threads = 1 + attempt % 2
            outcomes = (
                resume(tmp_path, threads=threads, quiet=True) if attempt else run(specified, tmp_path, threads=1, quiet=True)
            )
        assert outcomes[-1].status == "interrupted"
        assert outcomes[-1].step == 4 * frame
    assert statuses(resume(tmp_path, threads=1, quiet=True)) == [("fields", "done"), ("particles", "done")]
    for scale in BOTH:
        assert_same_runs(tmp_path, straight, scale)


def test_engines_run_longer_as_from_the_start(straight: Path, tmp_path: Path) -> None:
    run(specification("run.duration=0.26", text=MIXTURE), tmp_path, threads=1, quiet=True)
    assert len(times_of(tmp_path / "fields")) == 7
    resume(tmp_path, duration=0.4, threads=1, quiet=True)
    for scale in BOTH:
        assert_same_runs(tmp_path, straight, scale)


def test_results_do_not_depend_on_threads_but_on_the_seed(straight: Path, tmp_path: Path) -> None:
    run(specification(text=MIXTURE), tmp_path / "two", threads=2, quiet=True)
    for scale in BOTH:
        assert_same_runs(tmp_path / "two", straight, scale)
    run(specification("run.seed=6", text=MIXTURE), tmp_path / "seed", threads=1, quiet=True)
    assert not np.array_equal(state_of(tmp_path / "seed", "fields")["state"], state_of(straight, "fields")["state"])
    assert not np.array_equal(
        state_of(tmp_path / "seed", "particles")["positions"], state_of(straight, "particles")["positions"]
    )


def test_provenance(straight: Path) -> None:
    for scale in BOTH:
        facts = read_checkpoint(straight / scale).provenance
        assert facts == open_series(straight / scale).provenance
        versions = facts["versions"]
        assert isinstance(versions, dict)
        for name in ("numpy", "numba", "h5py", "twoscale"):
            assert versions[name] == importlib.metadata.version(name)
        assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
        assert str(versions["fftw"]).startswith("3.")
        assert facts["seed"] == 5
        assert facts["threads"] == 1
        assert facts["overrides"] == []
        assert facts["scales"] == list(BOTH)
        assert facts["host"] == socket.gethostname()
        assert facts["processors"] == os.cpu_count()
        assert facts["fft_planner"] == PLANNER
        assert str(facts["started"]).endswith("+00:00")
        assert isinstance(facts["command"], list)
    assert (straight / "run.toml").read_text() == MIXTURE


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not bind processes to processors")
def test_threads_are_as_many_as_the_processors_that_the_process_may_use(tmp_path: Path, ticking: Build) -> None:
    """As under a batch system, which gives a job some of the processors of a node."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        run(specification(), tmp_path, quiet=True)
    finally:
        os.sched_setaffinity(0, allowed)
    assert read_checkpoint(tmp_path / "fields").provenance["threads"] == 1


def test_overrides_are_applied_again_on_resuming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, numerics, seed and duration, in a file that says otherwise."""
    overrides = (
        "model.parameters.kb=0.2",
        "fields.grid=[16, 16]",
        "run.seed=9",
        "run.duration=0.32",
        "particles.sensing=exact",
    )
    specified = specification(*overrides, text=MIXTURE)
    with pytest.MonkeyPatch.context() as patch:
        interrupting(patch, 4)
        run(specified, tmp_path / "resumed", threads=1, quiet=True)
    assert (tmp_path / "resumed/run.toml").read_text() == MIXTURE
    assert read_checkpoint(tmp_path / "resumed/fields").provenance["overrides"] == list(overrides)
    assert [one.step for one in resume(tmp_path / "resumed", threads=1, quiet=True)] == [32, 32]
    run(specified, tmp_path / "straight", threads=1, quiet=True)
    for scale in BOTH:
        assert_same_runs(tmp_path / "resumed", tmp_path / "straight", scale)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        # relaxation at the box's scale would allow steps of 100
        (("domain.size=[200.0, 200.0]", "run.output_interval=0.4"), 0.4),
        (("domain.size=[200.0, 200.0]", "run.duration=1000", "run.output_interval=120"), 60.0),
        (("fields.time_step=0.03", "run.output_interval=0.4"), 0.03),
    ],
)
def test_default_time_step_of_fields_divides_the_output_interval(overrides: tuple[str, ...], expected: float) -> None:
    text = IDEAL.replace("grid = [16, 16]\ntime_step = 0.1", "grid = [16, 16]")
    assert fields_time_step(specification(*overrides, text=text)) == pytest.approx(expected, rel=1e-12)


def test_frames_of_fields_with_the_default_step_are_evenly_spaced(tmp_path: Path) -> None:
    text = IDEAL.replace("grid = [16, 16]\ntime_step = 0.1", "grid = [16, 16]")
    run(specification("run.output_interval=0.3", "run.duration=0.9", text=text), tmp_path, scales=["fields"], quiet=True)
    np.testing.assert_allclose(open_series(tmp_path / "fields").times, [0.0, 0.3, 0.6, 0.9], rtol=1e-12)


# --- telling what goes on ------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_quiet_says_nothing(tmp_path: Path, ticking: Build, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="twoscale"):
        run(specification(), tmp_path / "quiet", quiet=True)
        assert caplog.messages == []
        run(specification(), tmp_path / "loud")
    assert [text.split(",")[0] for text in caplog.messages] == [
        "fields: t = 2 of 2 (100 %)",
        "particles: t = 2 of 2 (100 %)",
    ]


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("fields", 1.0, 3.0) as progress:
        progress.update(1.5, 50)
        progress.update(3.0, 200)
    text = terminal.getvalue()
    assert "fields" in text
    assert "33%" in text
    assert "100%" in text
    assert "t = 3/3" in text
    assert "steps/s" in text


def test_progress_elsewhere_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("runs.progress._SECONDS_BETWEEN_LINES", -1.0)
    with caplog.at_level(logging.INFO, logger="twoscale"), Progress("particles", 0.0, 4.0) as progress:
        progress.update(0.0, 0)
        progress.update(1.0, 10)
    assert "time left unknown" in caplog.messages[0]
    assert "t = 1 of 4 (25 %)" in caplog.messages[1]
    assert caplog.messages[1].endswith(" s left")


def test_progress_of_a_run_that_is_over_already(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="twoscale"), Progress("fields", 4.0, 4.0) as progress:
        progress.update(4.0, 10)
    assert caplog.messages == ["fields: t = 4 of 4 (100 %), nothing left to run"]


def test_outcomes_cannot_be_changed() -> None:
    outcome = Outcome("fields", "done", "", (), Path("."), 1.0, 10, 0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        outcome.status = "failed"  # type: ignore[misc]
