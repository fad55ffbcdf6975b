"""Figures: written in each format, drawn in the colours of the species, from whatever a run holds."""

import re
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import runs.figures.overview
import runs.figures.style
from runs.execute import run
from runs.figures.densities import coloured
from runs.figures.overview import draw
from runs.runfile import parse
from runs.store import StoreError
from tests.runs.small_runs import BOTH, IDEAL, MIXTURE
from theory import InputError

PHASES = """
[initial]
state = "phases"
[[initial.phases]]
share = 0.5
densities = { A = 90.0, B = 5.0 }
[[initial.phases]]
share = 0.5
densities = { A = 10.0, B = 85.0 }
"""
SHORT = ("run.duration=0.08", "run.output_interval=0.02")
RED, BLUE, GREEN = (0.84, 0.15, 0.16), (0.12, 0.31, 0.85), (0.17, 0.63, 0.17)


def stored(directory: Path, text: str, *overrides: str, scales: Any = None) -> Path:
    run(parse(text, overrides=overrides), directory, scales=scales, threads=1, quiet=True)
    return directory


@pytest.fixture(autouse=True)
def _coarse_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the pixels of a figure for print, in a third of the time."""
    monkeypatch.setitem(runs.figures.style.STYLE, "savefig.dpi", 60)


@pytest.fixture(scope="module")
def slabs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two species, side by side, at both scales."""
    return stored(tmp_path_factory.mktemp("slabs") / "run", MIXTURE + PHASES, *SHORT, "domain.size=[6.0, 6.0]")


def pixels(path: Path) -> NDArray[np.float64]:
    from matplotlib.image import imread

    return np.asarray(imread(path), dtype=np.float64)[..., :3]


def share_of(image: NDArray[np.float64], colour: tuple[float, float, float]) -> float:
    """Share of the pixels that are about as saturated as a colour, and of its hue."""
    return float(np.mean(np.abs(image - np.array(colour)).max(axis=-1) < 0.3))


# --- files ---------------------------------------------------------------------------------------------------------


def test_png_by_default_shows_both_species(slabs: Path) -> None:
    target = draw(str(slabs))
    assert target == slabs / "figure.png"
    image = pixels(target)
    assert image.shape[0] > 200
    assert image.shape[1] > 300
    # two rows of four square snapshots, half red and half blue, beside white
    assert share_of(image, RED) > 0.03
    assert share_of(image, BLUE) > 0.03
    assert share_of(image, GREEN) < 0.01
    assert np.mean(image.min(axis=-1) > 0.99) > 0.2


def test_pdf_leaves_the_settings_of_the_reader_alone(slabs: Path, tmp_path: Path) -> None:
    import matplotlib
    from matplotlib import pyplot

    pyplot.switch_backend("svg")
    try:
        before, figures = dict(matplotlib.rcParams), pyplot.get_fignums()
        assert draw(slabs, str(tmp_path / "figure.PDF")).read_bytes().startswith(b"%PDF-")
        assert matplotlib.get_backend() == "svg"
        assert dict(matplotlib.rcParams) == before
        assert pyplot.get_fignums() == figures
    finally:
        pyplot.switch_backend("agg")


def words_of(target: Path) -> str:
    """All words of an svg without the spaces."""
    tree = xml.etree.ElementTree.fromstring(target.read_text(encoding="utf-8"))
    assert tree.tag.endswith("svg")
    lines = ["".join(one.itertext()) for one in tree.iter() if one.tag.endswith("}text")]
    return "\n".join("".join(line.split()) for line in lines)


def test_svg_names_scales_times_and_species(slabs: Path, tmp_path: Path) -> None:
    import matplotlib

    # fonts are left to the reader, so that words are words
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        target = draw(slabs, tmp_path / "figure.svg")
    words = words_of(target)
    # times by quarters: early patterns and the end
    for scale in BOTH:
        for time in ("0", "0.02", "0.04", "0.08"):
            assert f"{scale},t={time}\n" in words + "\n"
    for word in ("A,fields", "B,particles", "meanspeed", "structurefactor", "wavenumber", "time"):
        assert word in words
    # eight snapshots are images, the rest is lines and letters
    assert target.read_text(encoding="utf-8").count("<image") == 8


@pytest.mark.parametrize("name", ["figure.jpg", "figure", "figure.png.txt", ".png"])
def test_other_endings_are_refused_before_anything_is_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"its ending must be one of \.png, \.pdf, \.svg"):
        draw(tmp_path / "no run here", tmp_path / name)


def test_a_directory_that_is_not_there(slabs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs.figures.overview, "_compose", lambda *arguments: None)
    with pytest.raises(StoreError, match=r"there is no directory .*missing; make it"):
        draw(slabs, tmp_path / "missing/figure.png")
    with pytest.raises(StoreError, match="holds no frames"):
        draw(tmp_path, tmp_path / "figure.png")
    assert not list(tmp_path.iterdir())


# --- what is drawn -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", BOTH)
def test_one_scale_and_one_species(scale: str, tmp_path: Path) -> None:
    image = pixels(draw(stored(tmp_path / "run", IDEAL, scales=[scale])))
    # one row of snapshots above the curves
    assert image.shape[0] < 0.8 * image.shape[1]
    assert share_of(image, RED) > 0.02
    assert share_of(image, BLUE) < 0.01


def test_three_species_in_a_wide_box(tmp_path: Path) -> None:
    """Red, blue and green slabs, in two columns; the third species has a colour of its own."""
    head, tail = IDEAL[: IDEAL.index("[composition]")], IDEAL[IDEAL.index("[domain]") :]
    species = "".join(f'[[model.species]]\nname = "{name}"\nmotion = {{ tumble_rate = 1.0 }}\nspeed = 1.0\n' for name in "BC")
    phases = "".join(
        f"[[initial.phases]]\nshare = {share}\ndensities = {{ {', '.join(f'{n} = {120.0 * (n == name)}' for n in 'ABC')} }}\n"
        for name, share in (("A", 0.34), ("B", 0.33), ("C", 0.33))
    )
    text = head + species + "[composition]\nA = 40.0\nB = 40.0\nC = 40.0\n" + tail + '[initial]\nstate = "phases"\n' + phases
    overrides = ("domain.size=[12.0, 4.0]", "fields.grid=[48, 16]", "fields.noise=0.1", "run.duration=0.4")
    image = pixels(draw(stored(tmp_path / "run", text, *overrides, scales=["fields"])))
    for colour in (RED, BLUE, GREEN):
        assert share_of(image, colour) > 0.02


def test_a_single_frame_and_no_fluctuations(tmp_path: Path) -> None:
    """Nothing to put on a logarithmic axis, and no warning about it."""
    overrides = ("fields.noise=0", "initial.noise=0", "run.duration=0.4", "run.output_interval=0.4")
    directory = stored(tmp_path / "run", IDEAL, *overrides, scales=["fields"])
    assert draw(directory).stat().st_size > 1000


def test_each_frame_is_shown_once(tmp_path: Path) -> None:
    """Frames at 0, 0.2 and 0.4 are the nearest to four times; the last panel stays empty."""
    overrides = ("run.duration=0.4", "run.output_interval=0.2")
    directory = stored(tmp_path / "run", IDEAL, *overrides, scales=["fields"])
    text = draw(directory, tmp_path / "figure.svg").read_text(encoding="utf-8")
    titles = re.findall(r"<!-- (fields, t = [^ ]*) -->", text)
    assert titles == ["fields, t = 0", "fields, t = 0.2", "fields, t = 0.4"]


def test_a_species_without_particles(tmp_path: Path) -> None:
    directory = stored(tmp_path / "run", MIXTURE, "composition.B=0.0", *SHORT)
    assert share_of(pixels(draw(directory)), BLUE) < 0.01


# --- colours -------------------------------------------------------------------------------------------------------


def test_colours_mix_as_light_is_taken_away() -> None:
    """White where nothing is, the species' colours where one is full, and darker than either where both are."""
    density = np.array([[[0.0, 1.0, 0.0, 1.0, 5.0]], [[0.0, 0.0, 1.0, 1.0, 0.0]]])
    image = coloured(density, 1.0)
    assert image.shape == (1, 5, 3)
    np.testing.assert_allclose(image[0, 0], 1.0)
    np.testing.assert_allclose(image[0, 1], RED, atol=0.01)
    np.testing.assert_allclose(image[0, 2], BLUE, atol=0.01)
    np.testing.assert_allclose(image[0, 3], image[0, 1] * image[0, 2])
    # more than full is full, less than nothing is nothing
    np.testing.assert_allclose(image[0, 4], image[0, 1])
    np.testing.assert_allclose(coloured(-density, 1.0), 1.0)
    # half way to the full colour at half the density
    np.testing.assert_allclose(coloured(0.5 * density[:1], 1.0)[0, 1], 0.5 * (1.0 + image[0, 1]))
