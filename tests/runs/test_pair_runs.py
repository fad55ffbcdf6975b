"""Runs of particles that push and turn each other."""

import logging
from pathlib import Path

import numpy as np
import pytest

from runs.cli import main
from runs.engines import build_engine, particles_time_step
from runs.runfile import parse
from runs.store import open_series
from tests.runs.small_runs import assert_same_runs, janus_model, written

JANUS = f"""\
{janus_model(66.0)}[composition]
A = 0.3
[domain]
size = 24.0
[particles]
[run]
duration = 0.06
output_interval = 0.01
"""


def test_continued_runs_are_the_same_bit_for_bit(tmp_path: Path) -> None:
    file = written(tmp_path, JANUS)
    assert main(["run", file, "--quiet", "--threads", "1", "--output", str(tmp_path / "straight")]) == 0
    assert main(["run", file, "--quiet", "--set", "run.duration=0.03", "--output", str(tmp_path / "parts")]) == 0
    assert main(["resume", str(tmp_path / "parts"), "--quiet", "--threads", "2", "--duration", "0.06"]) == 0
    assert_same_runs(tmp_path / "straight", tmp_path / "parts", "particles")
    series = open_series(tmp_path / "straight" / "particles")
    assert len(series.times) == 7
    # steps of 2e-4: collisions at 66 relax with the rate 508
    assert series.steps[-1] == 300


@pytest.mark.parametrize(
    ("override", "time_step"),
    [
        ("run.seed=1", 2e-4),
        ("model.species.A.speed=11.0", 2e-3),
        ("model.species.A.speed=133.0", 2e-4),
        ("composition.A=1.146", 5e-5),
        ("particles.time_step=5e-4", 5e-4),
        # outputs fall on steps
        ("run.output_interval=0.0005", 0.0005 / 3.0),
        ('model.interactions[0]={observer="A", source="A", cutoff=2.0, force="1 - r/2"}', 0.01),
    ],
)
def test_default_time_steps_resolve_collisions(override: str, time_step: float) -> None:
    assert particles_time_step(parse(JANUS, overrides=[override])) == pytest.approx(time_step, rel=1e-12)


def test_torques_alone_need_a_stated_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, JANUS)
    alone = ["--set", 'model.interactions[0]={observer="A", source="A", torque="500/r**4"}']
    assert main(["check", file, *alone]) == 2
    assert "no time step resolves what A does to A" in capsys.readouterr().err
    stated = parse(JANUS, overrides=[alone[1], "particles.time_step=1e-4"])
    engine = build_engine(stated, "particles")
    engine.advance(0.002)
    assert engine.step == 20


def test_check_tells_what_the_cutoff_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, JANUS)
    assert main(["check", file]) == 0
    text = capsys.readouterr().out
    assert "closest approach 1.08; beyond the cut-off at most 1.3 % of the force and 1.3 % of the torque" in text
    assert "note:" not in text
    assert main(["check", file, "--set", "model.interactions[0].cutoff=3"]) == 0
    assert "note: what A does to A: beyond the cut-off 3 lie up to 12 % of the force" in capsys.readouterr().out


def test_runs_tell_what_the_cutoff_leaves_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = written(tmp_path, JANUS)
    sets = ["--set", "model.interactions[0].cutoff=3", "--set", "run.duration=0.01"]
    with caplog.at_level(logging.WARNING, logger="twoscale"):
        assert main(["run", file, *sets, "--quiet", "--output", str(tmp_path / "run")]) == 0
    assert any("raise the cutoff" in text for text in caplog.messages)


def test_steps_too_long_end_with_the_last_good_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, JANUS)
    sets = ["--set", "particles.time_step=2e-3", "--set", "run.duration=2"]
    assert main(["run", file, *sets, "--quiet", "--output", str(tmp_path / "run")]) == 3
    assert "shorten particles.time_step" in capsys.readouterr().err
    series = open_series(tmp_path / "run" / "particles")
    assert np.all(np.isfinite(series.load("position")))
