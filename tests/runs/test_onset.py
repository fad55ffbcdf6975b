"""Onset of flocking: crossings of planted curves, runs of a second, and the figure."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runs.figures.style
from runs.cli import main
from runs.figures.onset import draw_onset
from runs.frames_of_run import open_particles
from runs.onset import Crossing, as_text, boltzmann_lines, crossing, onset, sign_change, steepest_ascent
from runs.runfile import parse
from tests.runs.small_runs import IDEAL
from tests.runs.test_figures import pixels, share_of
from tests.runs.test_kinetic import JANUS, TWO, stored
from theory import InputError

SHORT = ("run.duration=0.4", "run.output_interval=0.1")


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three runs, out of order, of two speeds."""
    root = tmp_path_factory.mktemp("onset")
    cases = [(11.1, 0.12), (11.1, 0.03), (20.0, 0.05)]
    return [
        stored(root / str(n), JANUS, *SHORT, f"model.species[0].speed={v}", f"composition.A={rho}")
        for n, (v, rho) in enumerate(cases)
    ]


@pytest.fixture(scope="module")
def found(directories: list[Path]) -> dict[str, Any]:
    return onset(directories, after=0.2)


# --- crossings -----------------------------------------------------------------------------------------------------


def test_steepest_ascent() -> None:
    density = np.array([0.1, 0.2, 0.4, 0.5])
    # rises by 0.4 within 0.2, and by 0.3 within 0.1: the latter is steeper
    assert steepest_ascent(density, np.array([0.05, 0.1, 0.5, 0.8])) == Crossing(pytest.approx(0.45), pytest.approx(0.05))
    assert steepest_ascent(density, np.array([0.9, 0.8, 0.7, 0.7])) is None
    assert steepest_ascent(density[:1], np.array([0.3])) is None


def test_sign_change() -> None:
    density = np.array([0.1, 0.2, 0.4, 0.5])
    found = sign_change(density, np.array([-1.0, -0.5, 1.5, -1.0]))
    assert found == Crossing(pytest.approx(0.25), pytest.approx(0.1))
    assert sign_change(density, np.array([0.1, 0.2, 0.3, 0.4])) is None
    assert sign_change(density, np.array([-4.0, -3.0, -2.0, -1.0])) is None
    assert sign_change(density, np.array([-4.0, 0.0, 2.0, 3.0])) == Crossing(pytest.approx(0.2), pytest.approx(0.05))


def test_the_spread_of_replicas_adds_to_the_uncertainty() -> None:
    density = np.array([0.1, 0.2, 0.3, 0.4])
    # the sign changes at 0.15, 0.25 and 0.35 in single series, and at 0.25 in their means
    series = np.array([[-1.0, 1.0, 1.0, 1.0], [-1.0, -1.0, 1.0, 1.0], [-1.0, -1.0, -1.0, 1.0]])
    found = crossing(sign_change, density, series.T.tolist())
    assert found is not None
    assert found.density == pytest.approx(0.25)
    assert found.uncertainty == pytest.approx(np.hypot(0.05, 0.1 / np.sqrt(3.0)))
    # two do not tell how much they differ, and a series that encloses nothing does not either
    assert crossing(sign_change, density, series[:2].T.tolist()) == sign_change(density, series[:2].mean(axis=0))
    calm = np.vstack([series, [[-1.0, -1.0, -1.0, -1.0]]])
    assert crossing(sign_change, density, calm.T.tolist()) == sign_change(density, calm.mean(axis=0))


# --- from runs -----------------------------------------------------------------------------------------------------


def test_points_are_those_of_the_runs(found: dict[str, Any]) -> None:
    assert [(one["speed"], one["density"]) for one in found["points"]] == [(11.1, 0.03), (11.1, 0.12), (20.0, 0.05)]
    assert all(0.0 < one["polar_order"]["value"] < 1.0 for one in found["points"])
    # far below the onset directions forget themselves, far above they align
    assert found["points"][0]["growth_rate"]["value"] < 0.0


def test_replicas_are_averaged(directories: list[Path], found: dict[str, Any], tmp_path: Path) -> None:
    places = ("model.species[0].speed=20.0", "composition.A=0.05")
    others = [stored(tmp_path / str(seed), JANUS, *SHORT, *places, f"run.seed={seed}") for seed in (8, 9)]
    single = [onset([one], after=0.2)["points"][0]["polar_order"]["value"] for one in (directories[2], *others)]
    points = onset([*others, *directories], after=0.2)["points"]
    assert [one["runs"] for one in points] == [1, 1, 3]
    assert points[:2] == found["points"][:2]
    assert points[2]["polar_order"]["value"] == pytest.approx(np.mean(single))
    assert points[2]["polar_order"]["standard_error"] == pytest.approx(np.std(single, ddof=1) / np.sqrt(3.0))


def test_boltzmann_at_the_speeds_and_between(found: dict[str, Any]) -> None:
    slow, fast = found["onsets"]
    model = parse(JANUS).model
    line = boltzmann_lines(model, np.array([11.1, 20.0]))
    assert [slow["flux"], fast["flux"]] == line["flux"]
    assert fast["flux"] < slow["flux"]
    # the printed average is about a turn smaller, so that the onset is at a higher density
    assert slow["printed"] / slow["flux"] == pytest.approx(2.0 * np.pi, rel=0.05)
    speeds = found["boltzmann"]["speeds"]
    assert speeds[0] == pytest.approx(11.1 / 1.5)
    assert speeds[-1] == pytest.approx(30.0)
    assert np.interp(11.1, speeds, found["boltzmann"]["flux"]) == pytest.approx(slow["flux"], rel=0.05)
    # one run alone encloses nothing
    assert fast["simulation"] is None
    assert fast["pair_correlations"] is None


def test_without_alignment_there_is_no_onset() -> None:
    text = JANUS.replace(
        "janus = { head_dipole = 112.0, tail_dipole = -53.0, dipole_offset = 0.19, screening_length = 40.0 }",
        'torque = "400*exp(-r/40)/r**4"',
    )
    assert boltzmann_lines(parse(text).model, np.array([11.1])) == {"speeds": [11.1], "flux": [None], "printed": [None]}


def test_text(found: dict[str, Any]) -> None:
    lines = as_text(found).splitlines()
    assert lines[0].split() == ["speed", "density", "polar", "order", "growth", "rate", "a"]
    assert lines[1].split()[:2] == ["11.1", "0.03"]
    assert lines[-1].split()[:5] == ["20", "not", "enclosed", "not", "enclosed"]


def test_command(directories: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "onset.pdf"
    arguments = ["onset", *map(str, directories), "--after", "0.2"]
    assert main([*arguments, "--figure", str(target), "--diameter", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:2] == ["speed", "density"]
    assert target.read_bytes().startswith(b"%PDF")
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["points"][0]["density"] == 0.03


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--figure", "onset.doc"), "its ending must be one of"),
        (("--diameter", "1"), "give --figure too"),
        (("--figure", "onset.png", "--diameter", "nan"), "--diameter is nan; it must be positive and finite"),
    ],
)
def test_options_are_refused_before_anything_is_read(
    options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["onset", "no run here", *options]) == 2
    assert words in capsys.readouterr().err


def test_each_run_is_opened_once(directories: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def counted(directory: Path, **how: bool) -> Any:
        opened.append(directory)
        return open_particles(directory, **how)

    monkeypatch.setattr("runs.onset.open_particles", counted)
    monkeypatch.setattr("runs.kinetic.open_particles", counted)
    onset(directories[:2], after=0.2)
    assert opened == directories[:2]


def test_models_that_differ(directories: list[Path], tmp_path: Path) -> None:
    other = stored(tmp_path / "other", JANUS, *SHORT, "model.interactions[0].cutoff=4.0")
    with pytest.raises(InputError, match="differ in more than the speed and the density"):
        onset([directories[0], other])
    two = stored(tmp_path / "two", TWO, *SHORT)
    with pytest.raises(InputError, match="worked out for one species, not 2"):
        onset([two])
    with pytest.raises(InputError, match="have the same speed, density and seed; replicas are independent by different seeds"):
        onset([directories[0], directories[0]])
    with pytest.raises(InputError, match="is found between runs; give their directories"):
        onset([])
    ideal = stored(tmp_path / "ideal", IDEAL, *SHORT)
    with pytest.raises(InputError, match="kinetic theory is that of pair interactions"):
        onset([ideal])


# --- the figure ----------------------------------------------------------------------------------------------------

RED, BLUE, GREEN = (0.84, 0.15, 0.16), (0.12, 0.31, 0.85), (0.17, 0.63, 0.17)


def planted() -> dict[str, Any]:
    """Runs at two speeds that enclose the onsets."""

    def estimate(value: float, error: float | None = 0.02) -> dict[str, Any]:
        return {"value": value, "standard_error": error, "samples": 8}

    points = [
        {"speed": v, "density": rho / v, "polar_order": estimate(min(1.0, rho / 4.0)), "growth_rate": estimate(rho - 2.0, None)}
        for v in (5.0, 10.0)
        for rho in (1.0, 1.5, 2.0, 3.0, 4.0)
    ]
    onsets = [
        {
            "speed": v,
            "simulation": {"density": 2.5 / v, "uncertainty": 0.2 / v},
            "pair_correlations": {"density": 2.0 / v, "uncertainty": 0.2 / v} if v == 5.0 else None,
            "flux": 2.3 / v,
            "printed": None,
        }
        for v in (5.0, 10.0)
    ]
    line = [4.0, 8.0, 12.0]
    return {
        "points": points,
        "onsets": onsets,
        "boltzmann": {"speeds": line, "flux": [2.3 / v for v in line], "printed": [None, 3.6 / 8.0, 3.6 / 12.0]},
    }


def test_figure_shows_all_routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.figures.style.STYLE, "savefig.dpi", 80)
    target = draw_onset(planted(), tmp_path / "onset.png", diameter=1.0, speed_unit=(0.45, "µm/s"))
    image = pixels(target)
    for colour in (RED, BLUE, GREEN):
        assert share_of(image, colour) > 2e-4
    assert np.mean(image.min(axis=-1) > 0.99) > 0.5


def test_figure_without_crossings(tmp_path: Path) -> None:
    bare = planted()
    for one in bare["onsets"]:
        one["simulation"] = one["pair_correlations"] = None
    assert draw_onset(bare, tmp_path / "onset.svg").stat().st_size > 1000


def test_scales_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the diameter is -1; it must be positive"):
        draw_onset(planted(), tmp_path / "onset.png", diameter=-1)
    with pytest.raises(InputError, match="the speed unit is 0"):
        draw_onset(planted(), tmp_path / "onset.png", speed_unit=(0, "m"))
