"""Stability maps by the command: JSON, text and figure of one small map."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runs.cli import main
from tests.runs.small_runs import MIXTURE, written

AXES = ("model.parameters.ka=-1:1.1", "model.parameters.kb=-1.2:1")
SMALL = (
    "--set",
    "model.sensing.kernel=gaussian",
    "--set",
    "model.sensing.range=0.5",
    "--set",
    "composition.B=50.0",
    "--cells",
    "4",
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    text = MIXTURE[: MIXTURE.index("[fields]")] + MIXTURE[MIXTURE.index("[run]") :]
    return written(
        tmp_path_factory.mktemp("map"), text.replace("[composition]", '[model.sensing]\nkernel = "bump"\n[composition]')
    )


def test_map_as_json(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stability-map", file, *AXES, *SMALL, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert list(found) == ["x", "y", "order", "classes", "boundaries", "exceptional_lines"]
    assert found["x"] == {"key": "model.parameters.ka", "low": -1.0, "high": 1.1}
    assert found["order"] == 0
    assert found["classes"] == ["oscillatory long-wave", "static long-wave, apart", "static long-wave, together"]
    for one in found["boundaries"]:
        assert one["exceptional"]
        points = np.array(one["points"])
        away = np.hypot(*points.T) > 1e-4
        assert np.all(np.abs(points[away]).min(axis=1) < 3e-8)
    assert found["exceptional_lines"]


def test_map_as_text_and_figure(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "map.png"
    assert main(["stability-map", file, *AXES, *SMALL, "--figure", str(target)]) == 0
    text = capsys.readouterr().out
    assert "hydrodynamics, model.parameters.ka from -1 to 1.1, model.parameters.kb from -1.2 to 1" in text
    # shares of the quadrants
    assert f"static long-wave, apart: {100 * 1.1 / 4.62:.3g} % of the map" in text
    assert "modes coalesce" in text
    assert f"figure: {target}" in text
    assert target.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model.parameters.ka", AXES[1]), "the x axis of the map is 'model.parameters.ka'"),
        ((AXES[0], "model.parameters.ka=a:b"), "the y axis of the map is"),
        (("model.parameters.ka=1:0", AXES[1]), "the range of model.parameters.ka is 1:0"),
        (("model.parameters.ka=0:nan", AXES[1]), "its ends must be finite"),
        (("composition.A=0:9", AXES[1]), "linear theory needs positive densities"),
        (("composition.C=1:9", AXES[1]), "no such species (known: A, B)"),
        (("model.parameters.kaa=1:2", AXES[1], "--set", "model.parameters.kaa=1"), "no law uses it; did you mean 'ka'?"),
        (("domain.size=1:2", AXES[1]), "cannot be an axis"),
        (("model.parameters.kc=1:2", AXES[1]), "known: v0, ka, kb"),
        ((*AXES, "--order", "-2"), "--order is -2; it must be from 0 to 64"),
        ((*AXES, "--cells", "1"), "--cells is 1; it must be from 2 to 400"),
        ((*AXES, "--cells", "401"), "it must be from 2 to 400"),
        ((*AXES, "--figure", "map.txt"), "its ending must be one of"),
    ],
)
def test_refusals(arguments: tuple[str, ...], words: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stability-map", file, *arguments]) == 2
    assert words in capsys.readouterr().err
