"""Entropy production of stored runs: what the command tells, against the estimator on the same frames, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

import runs.figures.style
from runs.cli import main
from runs.entropy import RunEntropy, entropy
from runs.execute import run
from runs.figures.entropy import draw_side_by_side
from runs.frames_of_run import open_run
from runs.gallery import gallery_file
from runs.runfile import load, parse
from tests.runs.small_runs import IDEAL
from theory import InputError
from theory.coarse_graining import Filter
from theory.entropy_production import expected_rates
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState
from theory.observables import deposit_window
from theory.path_entropy import PathEntropy
from theory.weak_noise import density_map

SMALL = (
    "domain.size=[6.0, 6.0]",
    "fields.grid=[24, 24]",
    "run.duration=12.0",
    "run.output_interval=0.2",
    "particles.time_step=0.02",
)


@pytest.fixture(scope="module")
def stirred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery's stable non-reciprocal mixture, small and short, at both scales."""
    directory = tmp_path_factory.mktemp("stirred") / "run"
    run(load(gallery_file("circulation"), SMALL), directory, threads=1, quiet=True)
    return directory


@pytest.fixture(scope="module")
def found(stirred: Path) -> RunEntropy:
    return entropy(stirred, lengths=[0.75, 1.0], after=2.0)


@pytest.mark.parametrize("scale", ["fields", "particles"])
def test_rates_are_those_of_the_estimator_on_the_frames(scale: Any, stirred: Path, found: RunEntropy) -> None:
    specification, frames = open_run(stirred)
    one = frames[scale]
    grid = one.grid
    window = deposit_window(grid) if scale == "particles" else None
    path = PathEntropy(specification.model, grid, [Filter("gaussian", 0.75), Filter("gaussian", 1.0)], window=window)
    numbers = np.flatnonzero(one.times >= 2.0 - 1e-9)
    for first, second in zip(numbers[:-1].tolist(), numbers[1:].tolist(), strict=True):
        path.accumulate(float(one.times[first]), one.density(first), float(one.times[second]), one.density(second))
    told = next(each for each in found.scales if each.scale == scale)
    np.testing.assert_allclose(told.estimate.rates, path.result().rates, rtol=1e-12)
    assert told.estimate.time == pytest.approx(10.0)
    assert told.estimate.density is not None
    assert told.estimate.density.sum() * grid.cell_volume == pytest.approx(told.estimate.rates[0], rel=1e-9)
    # shells up to where the filter leaves nothing hold nearly all of it
    assert told.estimate.spectrum is not None
    assert told.estimate.spectrum.sum() == pytest.approx(told.estimate.rates[0], rel=1e-2, abs=1e-2)


def test_theory_beside_them(found: RunEntropy) -> None:
    """Sums over the modes of the box, written out; the interval takes some per cent, more of the short lengths."""
    specification = found.specification
    state = HomogeneousState.of(specification.model, dict(specification.composition))
    grid = Grid((6.0, 6.0), (40, 40))
    q = grid.wavenumber
    for n, length in enumerate((0.75, 1.0)):
        weight = grid.multiplicity * np.exp(-((q * length) ** 2))
        continuous = float(np.sum(weight * expected_rates(state, q, 0.0)))
        assert found.continuous is not None
        assert found.continuous[n] == pytest.approx(continuous, rel=1e-6)
        band = weight * (q <= 2.0 * np.pi * (1.0 + 1e-9))
        interval = float(np.sum(band * expected_rates(state, q, 0.2)))
        fields = found.scales[0]
        assert fields.expected is not None
        assert fields.expected[n] == pytest.approx(interval, rel=1e-6)
        assert fields.bias[n] == pytest.approx(1.0 - interval / continuous, abs=1e-3)
    assert fields.bias[0] > fields.bias[1] > 0.01
    # particles, which run straight for a while, forget less in the same time
    assert found.scales[1].expected is not None
    assert found.scales[1].expected[1] == pytest.approx(found.scales[0].expected[1], rel=0.05)  # type: ignore[index]
    assert found.scales[0].expected_spectrum is not None
    assert found.scales[0].expected_spectrum.sum() == pytest.approx(found.scales[0].expected[0], rel=1e-3)  # type: ignore[index]


def test_command(stirred: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.figures.style.STYLE, "savefig.dpi", 60)
    target = tmp_path / "entropy.png"
    arguments = ["entropy", str(stirred), "--lengths", "0.75,1.0", "--after", "2", "--figure", str(target)]
    assert main([*arguments, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert target.stat().st_size > 10_000
    assert list(told) == ["volume", "theory", "scales"]
    assert told["volume"] == 36.0
    assert told["theory"]["linear_density"] == pytest.approx(0.614, abs=1e-3)
    for scale in ("fields", "particles"):
        one = told["scales"][scale]
        row = one["across_scales"][0]
        assert row["filter"] == "gaussian"
        assert row["rate_per_volume"] == pytest.approx(row["rate"] / 36.0)
        assert sum(row["by_species"].values()) == pytest.approx(row["rate"])
        assert one["map"]["frame"] == "lab"
        assert one["weak_noise_rate"] is None
        assert len(one["spectrum"]["rates"]) == len(one["spectrum"]["wavenumbers"]) == len(one["spectrum"]["expected"])
    assert main([*arguments, "--scale", "fields", "--filter", "sharp", "--frame", "comoving", "--velocity", "0.1,0"]) == 0
    text = capsys.readouterr().out
    assert "linear theory, all scales of length: 0.614 per unit volume and time" in text
    assert "sharp     0.75" in text
    assert "local map, comoving frame" in text


def test_runs_side_by_side(found: RunEntropy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many mixtures as are given, and their rates on one axis through zero."""
    monkeypatch.setitem(runs.figures.style.STYLE, "savefig.dpi", 60)
    sizes = []
    for number in (2, 3):
        target = tmp_path / f"{number}.png"
        assert draw_side_by_side({f"mixture {n}": found for n in range(number)}, found, target) == target
        sizes.append(imread(target).shape)
    assert sizes[0][1] / sizes[1][1] == pytest.approx(2.0 / 3.0, abs=0.03)


def test_frames_too_far_apart_give_no_number(
    stirred: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import runs.entropy_answer

    monkeypatch.setattr(runs.entropy_answer, "_LARGEST_BIAS", 0.05)
    assert main(["entropy", str(stirred), "--lengths", "0.5,2.0", "--scale", "fields", "--json"]) == 0
    short, long = json.loads(capsys.readouterr().out)["scales"]["fields"]["across_scales"]
    assert short["rate"] is None
    assert "frames are too far apart" in short["reason"]
    assert "run.output_interval" in short["reason"]
    assert long["rate"] is not None
    assert "reason" not in long
    assert main(["entropy", str(stirred), "--lengths", "0.5,2.0", "--scale", "fields"]) == 0
    assert "no number" in capsys.readouterr().out


def test_a_deterministic_band(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rates in units of the inverse noise: from the path, less what the filter hides, and from the currents of every frame."""
    small = ("fields.grid=[48, 16]", "run.duration=6.0", "run.output_interval=0.1")
    run(load(gallery_file("travelling-band"), small), tmp_path / "run", scales=["fields"], threads=1, quiet=True)
    (one,) = entropy(tmp_path / "run", lengths=[0.05], frame="comoving").scales
    assert one.weak_noise is not None
    assert one.expected is None
    # nearly nothing is sharper than the filter; the pattern still grows, which the path sees as well as the currents
    assert one.estimate.rates[0] == pytest.approx(float(one.weak_noise.mean()) * 12.0, rel=0.01)
    assert one.bias[0] < 0.01
    assert main(["entropy", str(tmp_path / "run"), "--lengths", "0.3"]) == 0
    assert "deterministic; rates are in units of the inverse strength of the noise" in capsys.readouterr().out
    specification, frames = open_run(tmp_path / "run")
    density = frames["fields"].density(-1)
    assert density_map(PathEntropy(specification.model, frames["fields"].grid).currents, density).min() > 0.0


def test_noise_of_another_strength_counts_in_its_units(tmp_path: Path) -> None:
    """The linear theory does not depend on the strength; nor do rates, beyond fluctuations."""
    overrides = [*SMALL, "fields.noise=0.1"]
    run(load(gallery_file("circulation"), overrides), tmp_path / "run", scales=["fields"], threads=1, quiet=True)
    weak = entropy(tmp_path / "run", lengths=[0.75], after=2.0).scales[0]
    assert weak.expected is not None
    assert weak.estimate.standard_errors is not None
    assert abs(weak.estimate.rates[0] - weak.expected[0]) < 4.0 * weak.estimate.standard_errors[0]
    assert weak.estimate.rates[0] > 0.3 * weak.expected[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--lengths", "a"), "--lengths is 'a'"),
        (("--lengths", "0"), "--lengths has 0; coarse-graining lengths must be positive"),
        (("--lengths", "1,nan"), "--lengths has nan"),
        (("--lengths", "1,1000"), "up to the box's edge"),
        (("--after", "100"), "it takes at least 2"),
        (("--after", "nan"), "--after is nan; it must be a finite time"),
        (("--velocity", "1,0"), "give --frame comoving too"),
        (("--velocity", "1", "--frame", "comoving"), "--velocity is 1, of 1 components; the run has 2 dimensions"),
        (("--velocity", "inf,0", "--frame", "comoving"), "its components must be finite"),
        (("--figure", "a.txt"), "its ending must be one of"),
    ],
)
def test_refusals(arguments: tuple[str, ...], words: str, stirred: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["entropy", str(stirred), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_empty_cells_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overrides = ["composition.A=0.5", "particles.time_step=0.1", "run.output_interval=0.2"]
    run(parse(IDEAL, overrides=overrides), tmp_path / "run", scales=["particles"], threads=1, quiet=True)
    assert main(["entropy", str(tmp_path / "run"), "--lengths", "0.05"]) == 3
    assert "choose a larger length" in capsys.readouterr().err
    with pytest.raises(InputError, match="no frames of fields"):
        entropy(tmp_path / "run", scale="fields")
