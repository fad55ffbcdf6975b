"""The command: what it prints, what it returns, and what it says when something is wrong."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runs.cli
import runs.figures.style
from runs.cli import main
from runs.gallery import gallery_names
from runs.reading.keys import keys
from runs.store import Store, open_series, read_checkpoint
from tests.runs.small_runs import BOTH, IDEAL, MIXTURE, VANISHING, assert_same_runs, state_of, written
from theory.frames import Frame

ROOT = Path(runs.cli.__file__).parents[1]
BAD = Path(__file__).parent / "bad"
QUICK = ("--threads", "1", "--quiet")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return written(tmp_path, IDEAL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at both scales, done; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    assert main(["run", written(folder, IDEAL), "--output", str(folder / "run"), *QUICK]) == 0
    return folder / "run"


def usage_error(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


# --- usage ---------------------------------------------------------------------------------------------------------


def test_help_names_commands_gallery_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert usage_error("--help") == 0
    text = capsys.readouterr().out
    for word in ("run", "resume", "check", "keys", "predict", "compare", "figure", *gallery_names()):
        assert word in text
    for code in (
        "0 done",
        "2 bad input",
        "3 numerical failure",
        "4 input or output",
        "75 interrupted",
        "130 interrupted twice",
    ):
        assert code in text.replace("\n", " ")


@pytest.mark.parametrize("command", ["run", "resume", "check", "keys", "predict", "compare", "figure"])
def test_help_of_each_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert usage_error(command, "--help") == 0
    assert f"usage: twoscale {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("run",),
        ("run", "demixing", "--fields", "--particles"),
        ("run", "demixing", "--threads", "many"),
        ("resume", "somewhere", "--duration", "long"),
        ("compare",),
        ("check", "demixing", "--json"),
    ],
)
def test_errors_of_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert usage_error(*arguments) == 2
    assert "usage: twoscale" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert usage_error("--version") == 0
    assert capsys.readouterr().out.startswith("twoscale 0.")


def test_the_installed_command_is_this_one() -> None:
    """A process of its own, from the run file to the exit code."""
    command = Path(sys.executable).with_name("twoscale")
    done = subprocess.run([command, "check", str(BAD / "not_toml.toml")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"twoscale: {BAD / 'not_toml.toml'}:")


# --- files and values that are refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "check", "predict"])
@pytest.mark.parametrize("bad", ["everything", "not_toml", "speed_negative", "unknown_key", "missing_sections", "shares"])
def test_bad_files(command: str, bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, nothing on the standard output, each problem with its line, and no directory."""
    path = BAD / f"{bad}.toml"
    output = ["--output", str(tmp_path / "run")] if command == "run" else []
    assert main([command, str(path), *output]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("twoscale: ")
    for line in [line for line in path.read_text().splitlines() if line.startswith("# expect ")]:
        place = line.removeprefix("# expect ").partition(":")[0]
        assert f"{path}:{place}" in streams.err if place.isdigit() else str(path) in streams.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["missing.toml", "", "demixin", "/", "demixing.toml"])
def test_files_that_are_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", name]) == 2
    assert "twoscale: " in capsys.readouterr().err


def test_a_mistyped_gallery_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "demixin"]) == 2
    assert "demixin: no such file; did you mean the gallery run 'demixing'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("run.duration", "no '='"),
        ("run.duration=", "no value"),
        ("run.duration=-1", "run.duration"),
        ("run.duratoin=1", "duration"),
        ("model.species.Z.speed=1", "no element named 'Z'"),
        ("model.species.A.speed=B", "B"),
        ("=1", "not a key"),
        ("fields.grid=[8", "not TOML"),
    ],
)
def test_bad_overrides(override: str, words: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", file, "--set", override]) == 2
    text = capsys.readouterr().err
    assert f"--set {override}" in text
    assert words in text


@pytest.mark.parametrize("threads", ["0", "-1", "1025"])
@pytest.mark.parametrize("command", ["run", "resume"])
def test_bad_threads(command: str, threads: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, file, "--threads", threads]) == 2
    assert f"--threads is {threads}; it must be 1 to 1024" in capsys.readouterr().err


@pytest.mark.parametrize("duration", ["0", "-1", "nan", "inf"])
def test_bad_durations(duration: str, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resume", str(finished), f"--duration={duration}"]) == 2
    assert "it must be positive and finite" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["figure", "figure.txt", "figure.jpeg", "png"])
def test_bad_endings_of_figures(name: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure", str(finished), "--output", str(tmp_path / name)]) == 2
    assert "its ending must be one of .png, .pdf, .svg" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("after", ["1e9", "nan", "inf"])
def test_no_frame_late_enough(after: str, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(finished), "--after", after]) == 2
    assert "it takes at least 2" in capsys.readouterr().err


def test_a_scale_that_is_not_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, IDEAL.replace("[fields]\ngrid = [16, 16]\ntime_step = 0.1\n", ""))
    assert main(["run", file, "--fields", "--output", str(tmp_path / "run")]) == 2
    assert "no section [fields]" in capsys.readouterr().err
    theory = IDEAL[: IDEAL.index("[fields]")] + IDEAL[IDEAL.index("[run]") :]
    assert main(["run", written(tmp_path, theory), "--output", str(tmp_path / "run")]) == 2
    assert "nothing to run" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


# --- directories that cannot be used -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["resume", "compare", "figure"])
@pytest.mark.parametrize("name", ["missing", "."])
def test_directories_without_a_run(command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(tmp_path / name)]) == 4
    assert "twoscale run FILE --output" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


READERS = ["compare", "entropy", "kinetic", "onset", "figure", "movie", "export"]


def reading(command: str, directory: Path) -> list[str]:
    return [command, str(directory), *(("--format", "xyz") if command == "export" else ())]


@pytest.mark.parametrize("command", READERS)
def test_a_file_in_place_of_a_directory(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.toml").touch()
    assert main(reading(command, tmp_path / "run.toml")) == 4
    assert "a file, not a run directory" in capsys.readouterr().err


@pytest.mark.parametrize("command", [*READERS, "resume", "run"])
def test_the_directory_of_one_scale(command: str, file: str, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run that it belongs to is named; nothing is written there."""
    before = sorted((finished / "fields").iterdir())
    arguments = ["run", file, "--output", str(finished / "fields")]
    assert main(arguments if command == "run" else reading(command, finished / "fields")) == 4
    assert f"{finished}" in capsys.readouterr().err.replace(str(finished / "fields"), "")
    assert sorted((finished / "fields").iterdir()) == before


@pytest.mark.parametrize("command", READERS)
def test_a_run_that_ended_before_its_first_frame(
    command: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(finished, tmp_path / "run")
    for segment in copy.glob("*/segment-*.h5"):
        segment.unlink()
    assert main(reading(command, copy)) == 4
    assert f"continue it with 'twoscale resume {copy}'" in capsys.readouterr().err


def test_advice_is_not_to_run_into_a_directory_that_holds_a_run(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("particles"))
    assert main(["kinetic", str(copy)]) == 4
    assert "twoscale run FILE --particles --output OTHER" in capsys.readouterr().err


def test_an_empty_output(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", file, "--output", ""]) == 2
    assert "--output is empty" in capsys.readouterr().err


def test_other_libraries_do_not_tell_their_progress() -> None:
    """In a process of its own, where nothing else has set up the logging."""
    program = "import logging; from runs.cli import main; main(['keys']); logging.getLogger('matplotlib').info('found fonts')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["predict", "check"])
def test_a_mistyped_parameter_is_told(
    command: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "circulation", "--set", "model.parameters.kaa=2"]) == 0
    told = "model.parameters.kaa: no law uses it; did you mean 'ka'?"
    assert told in (capsys.readouterr().out if command == "check" else caplog.text)


def test_an_output_that_cannot_be_written(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where a directory should be, which refuses even the superuser."""
    assert main(["run", file, "--fields", "--output", str(Path(file) / "run"), *QUICK]) == 4
    assert "a file is where a directory should be" in capsys.readouterr().err


def test_a_second_run_into_the_same_directory(file: str, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state_of(finished, "fields")
    assert main(["run", file, "--output", str(finished), *QUICK]) == 4
    assert f"holds a run already; continue it with 'twoscale resume {finished}'" in capsys.readouterr().err
    for name, array in state_of(finished, "fields").items():
        np.testing.assert_array_equal(array, before[name])


def test_another_run_file_in_the_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    written(tmp_path / "run", MIXTURE, "run.toml")
    assert main(["run", written(tmp_path, IDEAL), "--output", str(tmp_path / "run"), *QUICK]) == 4
    assert "another run file is here already" in capsys.readouterr().err


def test_a_reader_that_has_gone() -> None:
    """The output is a closed pipe: no traceback, from the command or from the interpreter's end."""
    reading, writing = os.pipe()
    os.close(reading)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "runs.cli", "keys"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, env=environment, timeout=60)
    os.close(writing)
    assert done.returncode == 4
    assert done.stderr == b""


def test_errors_of_the_program_are_not_hidden(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only errors that name a remedy become a message; a defect shows its traceback."""
    for error in (ValueError("a defect"), ZeroDivisionError("a defect")):

        def fail(*arguments: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("runs.check.describe_run", fail)
        with pytest.raises(type(error), match="a defect"):
            main(["check", file])


# --- check, keys, gallery ------------------------------------------------------------------------------------------


def test_check_prints_model_resolution_memory_and_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", written(tmp_path, MIXTURE), "--set", "particles.sensing=exact"]) == 0
    text = capsys.readouterr().out
    for words in (
        "model in 2D, 2 species",
        "├─ A",
        "tumble rate 1 (persistence time 1)",
        "parameters: v0 = 1, ka = 0.3, kb = -0.3",
        "└─ sensing: bump kernel, range 1",
        "composition A 50, B 45; box 4 x 4",
        "duration 0.4, a frame every 0.04, seed 5",
        "fields: grid 24 x 24, spacing 0.1667, 6 cells per sensing range; noise 1; exponential_adams, time step 0.01",
        "particles: 1520 particles, exact sensing, time step 0.01",
        "KiB of memory; 40 steps, about",
        "on one core",
    ):
        assert words in text


def test_check_tells_the_time_step_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = IDEAL.replace("grid = [16, 16]\ntime_step = 0.1", "grid = [22, 16]")
    file = written(tmp_path, text.replace("[particles]\ntime_step = 0.1\n", ""))
    assert main(["check", file, "--set", "run.output_interval=0.06"]) == 0
    text = capsys.readouterr().out
    step = float(text.partition("time step ")[2].split()[0])
    assert 0.06 / step == pytest.approx(round(0.06 / step))
    assert "noise 1; exponential_adams" in text
    assert main(["check", file, "--set", "fields.noise=0"]) == 0
    text = capsys.readouterr().out
    assert "deterministic; sbdf2, steps with an error below 0.001\n" in text
    assert "note: fields.grid: 22 has a prime factor above 7; 24 is faster to transform" in text


def test_check_of_a_model_without_scales(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", written(tmp_path, IDEAL[: IDEAL.index("[fields]")] + "[run]\nduration = 1.0\n")]) == 0
    text = capsys.readouterr().out
    assert "composition A 40" in text
    assert "fields" not in text


MEMORY = {
    1.0: "1 bytes",
    2048.0: "2 KiB",
    3.0 * 2**20: "3 MiB",
    5.0 * 2**30: "5 GiB",
    7.0 * 2**40: "7 TiB",
    1e18: "9.09e+05 TiB",
}


@pytest.mark.parametrize(("size", "text"), MEMORY.items())
def test_memory_in_words(size: float, text: str) -> None:
    from runs.check import _memory

    assert _memory(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.5, "0.5 s"), (119.0, "1.2e+02 s"), (600.0, "10 min"), (36000.0, "10 h")])
def test_durations_in_words(seconds: float, text: str) -> None:
    from runs.check import _duration

    assert _duration(seconds) == text


def test_keys_lists_every_key_with_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys"]) == 0
    text = capsys.readouterr().out
    for key in keys():
        assert f"{key.path}: {key.type}" in text
        assert key.description in text
    assert "run.seed: an integer (default 1)" in text


def test_gallery_names_are_taken_for_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(gallery_names()) >= 6
    assert main(["check", "run-and-chase"]) == 0
    by_name = capsys.readouterr().out
    assert main(["check", str(ROOT / "runs/gallery/run-and-chase.toml")]) == 0
    assert capsys.readouterr().out == by_name


def test_a_file_comes_before_a_gallery_run_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, IDEAL, "demixing")
    monkeypatch.chdir(tmp_path)
    assert main(["check", "demixing"]) == 0
    assert "1 species" in capsys.readouterr().out


# --- runs ----------------------------------------------------------------------------------------------------------


def test_a_run_tells_its_end_and_where_frames_are(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default into results/NAME; the figures of the run are in the lines, one per scale."""
    monkeypatch.chdir(tmp_path)
    assert main(["run", file, *QUICK, "--set", "run.duration=0.4"]) == 0
    streams = capsys.readouterr()
    lines = streams.out.splitlines()
    assert [line.partition(", after")[0] for line in lines[:2]] == [
        "fields: done at t = 0.4, step 4",
        "particles: done at t = 0.4, step 4",
    ]
    assert lines[2] == "frames: results/run file"
    for scale in BOTH:
        assert open_series(tmp_path / "results/run file" / scale).frames == 2


@pytest.mark.parametrize("scale", BOTH)
def test_one_scale(scale: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", file, f"--{scale}", "--output", str(tmp_path / "run"), *QUICK]) == 0
    assert [path.name for path in sorted((tmp_path / "run").iterdir()) if path.is_dir()] == [scale]
    assert capsys.readouterr().out.startswith(f"{scale}: done at t = 2, step 20")


def test_a_gallery_run_by_its_name(tmp_path: Path) -> None:
    small = ("domain.size=[3.0, 3.0]", "fields.grid=[24, 24]", "run.duration=0.1", "run.output_interval=0.1")
    sets = [part for one in small for part in ("--set", one)]
    assert main(["run", "run-and-chase", *sets, "--output", str(tmp_path / "run"), *QUICK]) == 0
    assert "[S1] figure 3" in (tmp_path / "run/run.toml").read_text()


def test_resuming_for_longer_equals_running_so_long(file: str, finished: Path, tmp_path: Path) -> None:
    resumed = tmp_path / "resumed"
    shutil.copytree(finished, resumed)
    assert main(["resume", str(resumed), "--duration", "2.8", *QUICK]) == 0
    assert main(["run", file, "--set", "run.duration=2.8", "--output", str(tmp_path / "straight"), *QUICK]) == 0
    for scale in BOTH:
        assert_same_runs(resumed, tmp_path / "straight", scale)


def test_advice_and_warnings_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = written(tmp_path, IDEAL)
    sets = ("model.species.A.speed=1 + 1e-6*A", "particles.mesh_spacing=0.5", "fields.grid=[22, 16]", "run.duration=0.4")
    with caplog.at_level(logging.WARNING, logger="twoscale"):
        assert (
            main(["run", file, *[part for one in sets for part in ("--set", one)], "--output", str(tmp_path / "run"), *QUICK])
            == 0
        )
    assert any("24 is faster to transform" in text for text in caplog.messages)
    assert any(text.startswith("particles: the sensing mesh has 2 cells per sensing range") for text in caplog.messages)


# --- numerical failures --------------------------------------------------------------------------------------------


def test_a_law_that_turns_negative(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Particles cluster until the law gives a negative speed: exit code 3, frames until then, and the last good state."""
    file = written(tmp_path, VANISHING)
    sets = ["--set", "run.duration=20", "--set", "run.output_interval=0.5", "--set", "particles.time_step=0.05"]
    assert main(["run", file, "--particles", *sets, "--output", str(tmp_path / "run"), *QUICK]) == 3
    streams = capsys.readouterr()
    assert "particles: failed at t =" in streams.out
    assert "species A: the law 'v0*(1 - A/70)' gives the speed -" in streams.err
    assert "change the law or its parameters" in streams.err
    series = open_series(tmp_path / "run/particles")
    assert 2 <= series.frames < 41
    assert np.all(np.isfinite(series.load("density_A")))
    assert np.all(series.load("mean_speed_A") > 0.0)
    state = read_checkpoint(tmp_path / "run/particles").state
    assert state is not None
    assert state.numbers["step"] == series.steps[-1]
    # trying again fails again, at the same place
    assert main(["resume", str(tmp_path / "run"), *QUICK]) == 3
    again = open_series(tmp_path / "run/particles")
    np.testing.assert_array_equal(again.times, series.times)


def test_too_much_noise_in_a_dilute_system(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = ["--set", "composition.A=0.5", "--set", "fields.noise_length=0.5", "--set", "run.duration=10"]
    assert main(["run", file, *sets, "--output", str(tmp_path / "run"), *QUICK]) == 3
    streams = capsys.readouterr()
    assert "% of the cells have a negative density at t =" in streams.err
    assert "raise fields.noise_length" in streams.err
    # the particles do not mind
    assert "particles: done at t = 10" in streams.out
    assert open_series(tmp_path / "run/fields").frames >= 1
    assert open_series(tmp_path / "run/particles").frames == 26


# --- interruptions -------------------------------------------------------------------------------------------------


def signalling(monkeypatch: pytest.MonkeyPatch, number: signal.Signals, scale: str, frame: int, times: int = 1) -> None:
    """Let a signal arrive while a frame is stored."""
    original = Store.append

    def append(store: Store, one: Frame) -> None:
        original(store, one)
        if store.directory.name == scale and round(one.time / 0.4) == frame:
            for _ in range(times):
                signal.raise_signal(number)

    monkeypatch.setattr(Store, "append", append)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
@pytest.mark.parametrize("scale", BOTH)
def test_a_signal_leaves_a_checkpoint_from_which_the_run_is_finished(
    scale: str, number: signal.Signals, file: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        signalling(patch, number, scale, 2)
        assert main(["run", file, "--output", str(directory), *QUICK]) == 75
    text = capsys.readouterr().out
    assert f"{scale}: interrupted at t = 0.8, step 8" in text
    assert f"continue with: twoscale resume {directory}\n" in text
    assert main(["resume", str(directory), *QUICK]) == 0
    for one in BOTH:
        assert_same_runs(directory, finished, one)


def test_the_advice_after_an_interruption_keeps_the_duration(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    signalling(monkeypatch, signal.SIGTERM, "particles", 7)
    assert main(["resume", str(tmp_path / "run"), "--duration", "4", *QUICK]) == 75
    text = capsys.readouterr().out
    assert "fields: done at t = 4" in text
    assert "particles: interrupted at t = 2.8" in text
    assert f"continue with: twoscale resume {tmp_path / 'run'} --duration 4\n" in text


def test_a_second_interrupt(
    file: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        signalling(patch, signal.SIGINT, "fields", 2, times=2)
        assert main(["run", file, "--output", str(directory), *QUICK]) == 130
    assert "twoscale resume DIR" in capsys.readouterr().err
    assert any(text.startswith("SIGINT: finishing the step and writing a checkpoint") for text in caplog.messages)
    assert main(["resume", str(directory), *QUICK]) == 0
    for one in BOTH:
        assert_same_runs(directory, finished, one)


def test_an_interrupt_where_nothing_runs(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("runs.check.describe_run", interrupt)
    assert main(["check", file]) == 130
    assert capsys.readouterr().err.startswith("twoscale: interrupted;")


@pytest.fixture
def long_run(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A run in a process of its own that would take minutes, stepping already."""
    file, directory = written(tmp_path, IDEAL), tmp_path / "run"
    sets = ["--set", "run.duration=1e6", "--set", "run.output_interval=1e6", "--set", "run.checkpoint_interval=0.05"]
    command = [sys.executable, "-m", "runs.cli", "run", file, *sets, "--output", str(directory), *QUICK]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 60.0
        # the first frame is written with the first checkpoint after a step
        while not list((directory / "fields").glob("segment-*")) and time.monotonic() < end and process.poll() is None:
            time.sleep(0.01)
        try:
            yield process, directory
        finally:
            process.kill()


def test_a_process_that_is_asked_to_end(long_run: tuple[subprocess.Popen[str], Path]) -> None:
    """As a batch system does before the time is up."""
    process, directory = long_run
    process.send_signal(signal.SIGUSR1)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert "fields: interrupted at t =" in out
    assert "SIGUSR1: finishing the step and writing a checkpoint" in err
    state = read_checkpoint(directory / "fields").state
    assert state is not None
    assert int(str(state.numbers["step"])) > 0


# --- JSON ----------------------------------------------------------------------------------------------------------


def test_json_is_json_and_nothing_else(file: str, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, kind in ((["predict", file], dict), (["compare", str(finished)], list)):
        assert main([*arguments, "--json"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out), kind)
        assert main(arguments) == 0
        with pytest.raises(json.JSONDecodeError):
            json.loads(capsys.readouterr().out)


def test_figure_tells_its_file(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # coarse pixels take less time
    monkeypatch.setitem(runs.figures.style.STYLE, "savefig.dpi", 40)
    assert main(["figure", str(finished), "--output", str(tmp_path / "figure.png")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'figure.png'}\n"
    assert (tmp_path / "figure.png").stat().st_size > 1000
