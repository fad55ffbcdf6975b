"""Kymographs and movies: what they show is what the frames hold, in one, two and three dimensions."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.animation import FFMpegWriter
from PIL import Image

import runs.figures.style
from runs.cli import main
from runs.execute import run
from runs.figures.kymograph import draw_kymograph, kymograph
from runs.figures.movie import film
from runs.frames_of_run import open_run
from runs.runfile import parse
from runs.store import StoreError
from tests.runs.small_runs import MIXTURE
from theory import InputError

WAVE = """
[initial]
state = "waves"
[[initial.waves]]
species = "A"
wave = [1, 0]
amplitude = 0.8
"""
SHORT = ("run.duration=0.08", "run.output_interval=0.04", "domain.size=[6.0, 3.0]", "fields.grid=[32, 16]")


@pytest.fixture(autouse=True)
def _coarse_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.figures.style.STYLE, "savefig.dpi", 60)
    monkeypatch.setattr("runs.figures.movie._DOTS_PER_INCH", 40)


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("waves") / "run"
    overrides = [*SHORT, "fields.observables.sample_interval=0.01"]
    run(parse(MIXTURE + WAVE, overrides=overrides), directory, threads=1, quiet=True)
    return directory


def test_kymograph_holds_every_sample(waves: Path) -> None:
    """Nine of the fields, of which each fourth is a frame; of the particles the frames alone."""
    _, scales = open_run(waves)
    times, rows = kymograph(scales["fields"])
    np.testing.assert_allclose(times, 0.01 * np.arange(9), atol=1e-12)
    assert rows.shape == (2, 9, 32)
    for n, frame in enumerate((0, 4, 8)):
        np.testing.assert_allclose(rows[:, frame], scales["fields"].density(n).mean(axis=1), rtol=1e-5)
    times, rows = kymograph(scales["particles"])
    np.testing.assert_allclose(times, [0.0, 0.04, 0.08])
    np.testing.assert_allclose(rows[:, 1], scales["particles"].density(1).mean(axis=1), rtol=1e-12)


def test_kymograph_shows_the_wave(waves: Path, tmp_path: Path) -> None:
    """Dark where A is dense, at the ends of the box, and light in its middle."""
    target = draw_kymograph(waves, tmp_path / "wave.png")
    with Image.open(target) as picture:
        image = np.asarray(picture.convert("RGB"), dtype=float)
    assert image.shape[1] > 1.2 * image.shape[0]
    red = (image[..., 0] - image[..., 2] > 60.0).sum()
    blue = (image[..., 2] - image[..., 0] > 60.0).sum()
    assert red > 200
    assert blue > 200


def test_movie_has_a_picture_for_each_frame(waves: Path, tmp_path: Path) -> None:
    target = film(waves, tmp_path / "movie.gif", rate=20.0)
    with Image.open(target) as movie:
        assert movie.n_frames == 3  # type: ignore[attr-defined]
        assert movie.info["duration"] == 50
        movie.seek(2)
        image = np.asarray(movie.convert("RGB"), dtype=float)
    # fields and particles side by side, each with its wave of A
    for half in np.split(image[:, : image.shape[1] // 2 * 2], 2, axis=1):
        assert (half[..., 0] - half[..., 2] > 60.0).sum() > 50


def test_commands_draw_and_film(waves: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure", str(waves), "--kind", "kymograph"]) == 0
    assert main(["movie", str(waves), "--rate", "5"]) == 0
    assert capsys.readouterr().out.split() == [str(waves / "kymograph.png"), str(waves / "movie.gif")]


@pytest.mark.parametrize("dimension", [1, 3])
def test_runs_of_other_dimensions_are_drawn(dimension: int, tmp_path: Path) -> None:
    size, cells = [6.0, 3.0, 3.0][:dimension], [32, 16, 16][:dimension]
    text = MIXTURE[: MIXTURE.index("[particles]")] + MIXTURE[MIXTURE.index("[run]") :] + WAVE
    overrides = [f"model.dimension={dimension}", f"domain.size={size}", f"fields.grid={cells}", "run.duration=0.04"]
    overrides.append(f"initial.waves[0].wave={[1, 0, 0][:dimension]}")
    run(parse(text, overrides=overrides), tmp_path / "run", threads=1, quiet=True)
    for arguments in (["figure"], ["figure", "--kind", "kymograph"], ["movie"]):
        assert main([arguments[0], str(tmp_path / "run"), *arguments[1:]]) == 0
    for name in ("figure.png", "kymograph.png", "movie.gif"):
        assert (tmp_path / "run" / name).stat().st_size > 1000


def test_refusals(waves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"its ending must be one of \.gif, \.mp4"):
        film(waves, tmp_path / "movie.avi")
    for rate in (0.0, 0.001, 101.0, float("nan")):
        with pytest.raises(InputError, match=f"--rate is {rate:g}; it must be from 0.01 to 100"):
            film(waves, rate=rate)
    with pytest.raises(InputError, match=r"its ending must be one of \.png"):
        draw_kymograph(waves, tmp_path / "wave.gif")
    with pytest.raises(StoreError, match="write the movie"):
        film(waves, tmp_path / "nowhere" / "movie.gif")
    with pytest.raises(StoreError, match="holds no frames"):
        film(tmp_path / "nothing")
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(InputError, match=r"ffmpeg is not installed; install it, or write a \.gif"):
        film(waves, tmp_path / "movie.mp4")
