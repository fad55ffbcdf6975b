"""Kinetic theory from the pair distribution that a run gathered: against the particles in its frames; where it is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runs.cli import main
from runs.frames_of_run import ParticleFrames, open_particles
from runs.kinetic import kinetic
from runs.kinetic_source import Sampled, SourceName, sample
from runs.kinetic_text import as_text
from runs.store.series import Series
from tests.runs.test_kinetic import JANUS, TWO, stored
from theory import InputError
from theory.kinetic.coefficients import integrated_coefficients
from theory.model import Model
from theory.observables.relative_distribution import RelativeAccumulator

GATHERING = "[particles.observables]\npair_distribution = true\nreach = 5.0\npair_bins = [100, 36, 36]\n"
GATHERED = JANUS.replace("[run]", GATHERING + "[run]")
SHORT = ("run.duration=0.2", "run.output_interval=0.1")


@pytest.fixture(scope="module")
def same_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose samples are its frames."""
    return stored(tmp_path_factory.mktemp("gathered") / "run", GATHERED)


def opened(directory: Path) -> tuple[Model, ParticleFrames]:
    specification, frames = open_particles(directory, positions=False)
    return specification.model, frames


def taken(directory: Path, source: SourceName | None) -> Sampled:
    model, frames = opened(directory)
    return sample(model, frames, frames.since(None), 4, source)


def test_both_routes_agree_on_the_same_samples(same_samples: Path) -> None:
    """Within the error of the bins: the mean difference by the width of those of r, its scatter by places within bins."""
    integrals, sums = taken(same_samples, "distribution"), taken(same_samples, "frames")
    difference = (integrals.coefficients - sums.coefficients)[:, 0, 0]
    mean, scatter = difference.mean(axis=0), difference.std(axis=0) / np.sqrt(len(difference))
    assert integrals.binning_errors is not None
    bins = integrals.binning_errors[0, 0]
    assert np.all(np.abs(mean) < 1.5 * bins + 4.0 * scatter)
    # both are a small part of what is measured, T_1 = 210 above all
    assert np.all(bins[:4] < 1.0)
    assert np.all(scatter[:4] < 4.0)
    assert np.all((bins + scatter)[4:] < 0.005 * sums.mean()[0, 0, 4:])
    np.testing.assert_allclose(integrals.polar_orders, sums.polar_orders, rtol=1e-6)
    assert integrals.particles == sums.particles == 100


def test_the_stored_distribution_is_that_of_the_stored_particles(same_samples: Path) -> None:
    """Counted again from the frames, whose positions are rounded: but for pairs at the edge of a bin the same."""
    model, frames = opened(same_samples)
    accumulator = RelativeAccumulator(5.0, (100, 36, 36))
    for n in frames.since(None).tolist():
        accumulator.accumulate(frames.positions(n), frames.orientations(n), frames.size)
    again, integrals = accumulator.result(), taken(same_samples, "distribution")
    assert integrals.ordered_pairs is not None
    assert abs(integrals.ordered_pairs[0, 0] - again.counts.sum()) <= 4
    expected = integrated_coefficients(model.interactions, again)[0, 0]
    np.testing.assert_allclose(integrals.mean()[0, 0], expected, rtol=1e-3, atol=0.1)


def test_distribution_is_the_source_where_there_is_one(same_samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = kinetic(same_samples)
    assert found["source"] == {"kind": "distribution", "frames": 31, "samples": 31, "reach": 5.0, "bins": [100, 36, 36]}
    (pair,) = found["pairs"]
    assert pair["ordered_pairs"] > 20000
    assert [len(one) for one in (pair["torque_harmonics"], pair["binning_errors"]["torque_harmonics"])] == [4, 4]
    by_frames = kinetic(same_samples, source="frames")
    assert by_frames["source"]["kind"] == "frames"
    assert "binning_errors" not in by_frames["pairs"][0]
    # the turning, in which the drag is, and a prediction
    for one, other in ((found["pairs"][0], by_frames["pairs"][0]), (found, by_frames)):
        name = "turning" if "turning" in one else "growth_rate"
        assert one[name]["value"] == pytest.approx(other[name]["value"], rel=0.02)
    text = as_text(found)
    told = "integrals of the pair distribution of 31 samples in 31 frames, 100 x 36 x 36 bins up to r = 5\npolar order "
    assert text.startswith(told)
    assert f"A from A, {pair['ordered_pairs']} ordered pairs" in text
    assert "binning\n" in text
    assert main(["kinetic", str(same_samples), "--source", "frames", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(by_frames))


def test_more_samples_than_frames_and_no_positions(tmp_path: Path) -> None:
    """The same trajectory, its frames without particles: a frame for every five samples, and the start with its own."""
    quiet = ("particles.save_positions=false", "particles.observables.sample_interval=0.02")
    sparse = stored(tmp_path / "sparse", GATHERED, *SHORT, *quiet)
    dense = stored(tmp_path / "dense", GATHERED, "run.duration=0.2", "run.output_interval=0.02")
    found = kinetic(sparse, after=0.0, boltzmann=False)
    assert found["source"] | {"reach": 5.0} == {
        "kind": "distribution",
        "frames": 3,
        "samples": 11,
        "reach": 5.0,
        "bins": [100, 36, 36],
    }
    # every sample weighs the same, so that it does not matter in which frames they are
    expected = kinetic(dense, after=0.0, boltzmann=False)
    for name in ("turning", "repulsion", "speed_reduction"):
        assert found["pairs"][0][name]["value"] == pytest.approx(expected["pairs"][0][name]["value"], rel=1e-6)
    assert found["pairs"][0]["ordered_pairs"] == expected["pairs"][0]["ordered_pairs"]
    assert found["polar_order"]["value"] == pytest.approx(expected["polar_order"]["value"], rel=1e-6)
    with pytest.raises(InputError, match=r"no positions; run with particles\.save_positions = true, or set"):
        kinetic(sparse, source="frames")


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("particles.observables.reach=4.0", r"ends at r = 4, the interaction at 5; measure it up to there"),
        ("particles.observables.pair_bins=[100, 36, 12]", "12 bins of theta; it takes 16 or more for the harmonic 4"),
        (
            "particles.observables.pair_bins=[5, 36, 36]",
            r"too coarse: its bins of r, 1 wide, leave all of a coefficient .*reach as short",
        ),
    ],
    ids=["reach", "angle", "distance"],
)
def test_distributions_that_are_too_coarse(tmp_path: Path, override: str, reason: str) -> None:
    """By default the frames are taken in their place, and it is said why; where nothing else is there or wanted, refused."""
    directory = stored(tmp_path / "run", GATHERED, *SHORT, override)
    found = kinetic(directory, boltzmann=False)
    assert found["source"]["kind"] == "frames"
    assert found["pairs"] == kinetic(directory, boltzmann=False, source="frames")["pairs"]
    with pytest.raises(InputError, match=reason) as error:
        kinetic(directory, boltzmann=False, source="distribution")
    assert "particles.observables.reach" in str(error.value)
    assert "note: not from the pair distribution: " in as_text(found)
    assert found["source"]["reason"].split(" unknown")[0] == str(error.value).split(" unknown")[0]


def test_bins_that_are_a_little_coarse_are_told(tmp_path: Path) -> None:
    """Taken if they are asked for, with a warning of how much they leave unknown."""
    directory = stored(tmp_path / "run", GATHERED, *SHORT, "particles.observables.pair_bins=[12, 36, 36]")
    assert kinetic(directory, boltzmann=False)["source"]["kind"] == "frames"
    found = kinetic(directory, boltzmann=False, source="distribution")
    (warning,) = [text for text in found["warnings"] if "bins of r" in text]
    assert "leave" in warning
    exact, (pair,) = kinetic(directory, boltzmann=False, source="frames")["pairs"][0], found["pairs"]
    for name in ("turning", "repulsion"):
        difference = abs(pair[name]["value"] - exact[name]["value"])
        assert 0.3 < difference / pair["binning_errors"][name] < 3.0


def test_what_frames_do_not_hold(tmp_path: Path) -> None:
    directory = stored(tmp_path / "run", JANUS, *SHORT)
    with pytest.raises(InputError, match=r"no pair distribution with its number of samples; set .*pair_distribution = true"):
        kinetic(directory, source="distribution")
    with pytest.raises(InputError, match="--source is 'both'; it must be frames or distribution"):
        kinetic(directory, source="both")  # type: ignore[arg-type]
    bare = stored(tmp_path / "bare", JANUS, *SHORT, "particles.save_positions=false")
    with pytest.raises(InputError, match=r"particles\.save_positions = true, or set particles\.observables\.pair_distribution"):
        kinetic(bare)


def test_pairs_of_two_species(tmp_path: Path) -> None:
    """Each in its place, by both routes, with the drag of its observer."""
    text = TWO.replace('observer = "A"', 'observer = "B"').replace("[run]", GATHERING + "[run]")
    directory = stored(tmp_path / "run", text, "run.duration=0.5", "run.output_interval=0.01")
    found: dict[str, dict[str, Any]] = {}
    for source in ("distribution", "frames"):
        answer = kinetic(directory, harmonics=2, source=source)  # type: ignore[arg-type]
        (found[source],) = answer["pairs"]
        assert (found[source]["observer"], found[source]["source"]) == ("B", "A")
    for name in ("turning", "repulsion"):
        assert found["distribution"][name]["value"] == pytest.approx(found["frames"][name]["value"], rel=0.02)


def test_samples_of_a_flock_are_not_isotropic(same_samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The polar order is that of all samples, whether or not there are particles in the frames."""
    loaded = Series.load

    def polarised(self: Series, name: str, start: int = 0, stop: int | None = None) -> Any:
        values = loaded(self, name, start, stop)
        return np.full_like(values, 0.7) if name == "sampled_polar_order" else values

    monkeypatch.setattr(Series, "load", polarised)
    (warning,) = kinetic(same_samples, boltzmann=False)["warnings"]
    assert warning.startswith("the polar order is 0.7, where random directions have 0.1: the coefficients")


def test_coefficients_are_written(same_samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "coefficients.toml"
    assert main(["kinetic", str(same_samples), "--output", str(target)]) == 0
    assert capsys.readouterr().out.rstrip("\n").endswith(target.read_text(encoding="utf-8").rstrip("\n"))
    assert main(["kinetic", str(same_samples), "--output", str(tmp_path / "no" / "where.toml")]) == 4
    assert "where.toml" in capsys.readouterr().err
