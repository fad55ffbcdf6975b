"""Runs that are completed: begun, continued, left alone."""

from pathlib import Path

import numpy as np
import pytest

from runs.completion import complete
from runs.runfile import parse
from runs.store.series import open_series
from tests.runs.small_runs import IDEAL


def test_only_what_is_missing_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "run"
    short, full = (parse(IDEAL, overrides=[f"run.duration={duration}"]) for duration in (1.2, 2.0))
    assert complete(short, directory, scales=["fields"], threads=1)
    assert "fields: done at t = 1.2" in capsys.readouterr().out
    assert not (directory / "particles").exists()
    before = open_series(directory / "fields").load("density_A")
    # frames that are there stay, and the rest is added
    assert complete(full, directory, scales=["fields"], threads=1)
    assert "fields: done at t = 2" in capsys.readouterr().out
    after = open_series(directory / "fields")
    np.testing.assert_allclose(after.times, 0.4 * np.arange(6))
    np.testing.assert_array_equal(after.load("density_A")[: before.shape[0]], before)
    for one in (short, full):
        assert complete(one, directory, scales=["fields"], threads=1)
    assert capsys.readouterr().out == ""


def test_what_failed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    growing = parse(IDEAL, overrides=["model.species.A.speed=1 - A/400", "fields.noise=200.0", "initial.noise=0.5"])
    assert not complete(growing, tmp_path / "run", scales=["fields"], threads=1)
    assert "fields: failed at t = " in capsys.readouterr().out
