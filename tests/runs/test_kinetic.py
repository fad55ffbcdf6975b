"""Kinetic theory of stored runs: against the same averages taken by hand, and as a run file takes it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runs.cli import main
from runs.execute import run
from runs.frames_of_run import open_particles
from runs.kinetic import boltzmann_theory, kinetic
from runs.kinetic_text import as_text, as_toml
from runs.runfile import parse
from tests.runs.small_runs import IDEAL, janus_model
from theory import InputError, MeanField
from theory.kinetic.coefficients import mean_fields, sampled_coefficients
from theory.kinetic.polarity import PolarityEquation

# 100 particles of [S2] at an area fraction of 0.1 and 5 um/s, with a short cut-off
JANUS = f"""\
{janus_model(11.1)}cutoff = 5.0
[composition]
A = 0.127324
[domain]
size = 28.025
[particles]
time_step = 0.001
[run]
duration = 3.0
output_interval = 0.05
seed = 2
"""
SECOND = """\
[[model.species]]
name = "B"
motion = { tumble_rate = 2.0 }
speed = 3
"""
TWO = JANUS.replace("[[model.interactions]]", SECOND + "[[model.interactions]]").replace("A = 0.127324", "A = 0.08\nB = 0.05")


def stored(directory: Path, text: str, *overrides: str) -> Path:
    outcomes = run(parse(text, overrides=overrides), directory, scales=["particles"], threads=1, quiet=True)
    assert [one.status for one in outcomes] == ["done"]
    return directory


@pytest.fixture(scope="module")
def janus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("kinetic") / "run", JANUS)


@pytest.fixture(scope="module")
def found(janus: Path) -> dict[str, Any]:
    return kinetic(janus)


def test_coefficients_are_averages_over_the_second_half(janus: Path, found: dict[str, Any]) -> None:
    specification, frames = open_particles(janus)
    late = [n for n, time in enumerate(frames.times) if time >= 1.5]
    rows = [
        sampled_coefficients(specification.model.interactions, frames.positions(n), frames.orientations(n), frames.size)[0, 0]
        for n in late
    ]
    mean = np.mean(rows, axis=0)
    (pair,) = found["pairs"]
    values = [one["value"] for one in pair["torque_harmonics"]]
    np.testing.assert_allclose(values, mean[:4])
    assert pair["speed_reduction"]["value"] == pytest.approx(mean[4])
    assert pair["turning"]["value"] == pytest.approx(mean[5] / 3.0)
    assert pair["repulsion"]["value"] == pytest.approx(mean[6])
    assert found["source"] == {"kind": "frames", "frames": 31, "samples": 31}
    assert len(late) == 31
    directions = [frames.orientations(n).mean(axis=0) for n in late]
    assert found["polar_order"]["value"] == pytest.approx(np.mean(np.linalg.norm(directions, axis=1)))


def test_standard_errors_come_from_blocks(found: dict[str, Any]) -> None:
    """Here too few frames for T_1 would show as None; where there are errors they describe the scatter of T_1 about 200."""
    one = found["pairs"][0]["torque_harmonics"][0]
    assert one["standard_error"] is None or 0.0 < one["standard_error"] < 100.0
    assert one["samples"] >= 1
    assert one["value"] == pytest.approx(210.0, abs=80.0)


def test_predictions_are_those_of_the_polarity_equation(janus: Path, found: dict[str, Any]) -> None:
    model = open_particles(janus)[0].model
    (pair,) = found["pairs"]
    torques = tuple(one["value"] for one in pair["torque_harmonics"])
    seen = MeanField("A", "A", torques, *(pair[name]["value"] for name in ("speed_reduction", "turning", "repulsion")))
    equation = PolarityEquation.of(model, 0.127324, seen)
    assert found["growth_rate"]["value"] == pytest.approx(equation.growth_rate)
    assert found["saturation"]["value"] == pytest.approx(equation.saturation * 0.127324**2)
    assert found["predicted_polar_order"]["value"] == pytest.approx(equation.polar_order)


def test_boltzmann_needs_the_laws_alone(janus: Path, found: dict[str, Any]) -> None:
    theory = boltzmann_theory(open_particles(janus)[0].model, 0.127324)
    for name in ("flux", "printed"):
        one, numbers = getattr(theory, name), found["boltzmann"][name]
        assert numbers["growth_rate"] == pytest.approx(float(one.growth_rate(0.127324)))
        assert numbers["onset_density"] == pytest.approx(one.onset_density)
        assert numbers["predicted_polar_order"] == pytest.approx(float(one.polar_order(0.127324)))
    # a tenth more than without a cut-off
    assert found["boltzmann"]["flux"]["alignment"] == pytest.approx(0.503, abs=0.005)
    assert kinetic(janus, boltzmann=False)["boltzmann"] is None


def test_the_text_feeds_a_run_file(found: dict[str, Any]) -> None:
    """What is printed is understood, and is what was measured, to six digits."""
    specification = parse(JANUS.replace("[composition]", found["toml"] + "[composition]"))
    seen = specification.model.mean_field[0, 0]
    (pair,) = found["pairs"]
    np.testing.assert_allclose(seen.torque_harmonics, [one["value"] for one in pair["torque_harmonics"]], rtol=1e-5)
    for name in ("speed_reduction", "turning", "repulsion"):
        assert getattr(seen, name) == pytest.approx(pair[name]["value"], rel=1e-5)


def test_numbers_of_any_size_are_toml() -> None:
    seen = MeanField("A", "B", (1e-20, -3e12, 5.0, 123456.789), speed_reduction=0.0, turning=-1e300)
    (table,) = tomllib.loads(as_toml([seen]))["model"]["mean_field"]
    assert table["torque_harmonics"] == [1e-20, -3e12, 5.0, 123457.0]
    assert table["turning"] == -1e300
    assert table["source"] == "B"


def test_command(janus: Path, found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kinetic", str(janus), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found))
    assert main(["kinetic", str(janus), "--after", "2", "--harmonics", "3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("sums over the particles of 21 frames\npolar order ")
    assert "T_3, torque harmonic" in out
    assert "T_4" not in out
    assert "Boltzmann, as printed" in out
    assert "\n[[model.mean_field]]\n" in out
    assert main(["kinetic", str(janus), "--harmonics", "1"]) == 2
    assert "--harmonics is 1; it must be from 2" in capsys.readouterr().err
    assert main(["kinetic", str(janus), "--harmonics", "65"]) == 2
    assert "to 64" in capsys.readouterr().err
    assert main(["kinetic", str(janus), "--after", "9"]) == 2
    assert "0 frames from t = 9 on; it takes at least 1, and the last is at t = 3" in capsys.readouterr().err


def test_mixtures(tmp_path: Path) -> None:
    """Only the pairs that interact have coefficients; growth is that of the matrix, and saturation is not worked out."""
    text = TWO.replace('observer = "A"', 'observer = "B"')
    directory = stored(tmp_path / "run", text, "run.duration=0.5", "run.output_interval=0.25")
    found = kinetic(directory, harmonics=2)
    (pair,) = found["pairs"]
    assert (pair["observer"], pair["source"]) == ("B", "A")
    # B sees A, and A sees nobody: nothing grows, A forgets its direction at the rate 1 and B at 2
    assert found["growth_rate"]["value"] == pytest.approx(-1.0)
    assert found["saturation"] is None
    assert "worked out for one species" in found["reason"]
    assert found["boltzmann"]["flux"] is None
    assert "note: saturation is worked out for one species" in as_text(found)
    specification, frames = open_particles(directory)
    last = frames.series.frames - 1
    values = sampled_coefficients(
        specification.model.interactions,
        frames.positions(last),
        frames.orientations(last),
        frames.size,
        frames.species(last),
        number=2,
        harmonics=2,
    )
    assert kinetic(directory, after=0.5, harmonics=2)["pairs"][0]["repulsion"]["value"] == pytest.approx(values[1, 0, 4])
    assert mean_fields(specification.model, values)[0].repulsion == pytest.approx(values[1, 0, 4])


def test_flocks_are_not_isotropic(janus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.kinetic_source.polar_order", lambda orientations: 0.8)
    (warning,) = kinetic(janus, boltzmann=False)["warnings"]
    assert "the polar order is 0.8, where random directions have 0.1" in warning
    found = kinetic(janus, boltzmann=False)
    assert f"\nwarning: {warning}\n" in as_text(found)
    # whoever gives the coefficients to fields reads it too
    assert found["toml"].startswith(f"# warning: {warning}\n[[model.mean_field]]\n")
    assert len(tomllib.loads(found["toml"])["model"]["mean_field"]) == 1


def test_what_has_no_kinetic_theory(tmp_path: Path) -> None:
    directory = stored(tmp_path / "run", IDEAL, "run.duration=0.4")
    with pytest.raises(InputError, match=r"the model has 0 of them and dimension 2"):
        kinetic(directory)
    with pytest.raises(InputError, match="one species that interacts with itself"):
        boltzmann_theory(open_particles(directory)[0].model, 1.0)


def test_particles_without_a_unit_direction(tmp_path: Path) -> None:
    """Repelling Ornstein-Uhlenbeck particles run, but what is averaged over unit directions is not theirs."""
    force = JANUS.replace("motion = { rotational_diffusion = 1.0 }", "motion = { aoup = true, persistence_time = 0.5 }")
    force = "\n".join('force = "50/r"' if line.startswith("janus") else line for line in force.splitlines())
    directory = stored(tmp_path / "run", force, "run.duration=0.1")
    told = r"a unit direction; A is an Ornstein-Uhlenbeck particle \(Ornstein-Uhlenbeck, persistence time 0\.5\)"
    with pytest.raises(InputError, match=told):
        kinetic(directory)
    with pytest.raises(InputError, match=told):
        boltzmann_theory(open_particles(directory)[0].model, 0.1)


def test_boltzmann_forgets_by_tumbles_and_diffusion() -> None:
    model = parse(JANUS.replace("rotational_diffusion = 1.0", "rotational_diffusion = 0.5, tumble_rate = 0.75")).model
    assert boltzmann_theory(model, 0.1, angles=2, tolerance=1.0).flux.decay_rate == 1.25


def test_particles_that_stay_together_have_no_boltzmann_theory(tmp_path: Path) -> None:
    text = JANUS.replace("head_dipole = 112.0, tail_dipole = -53.0", "head_dipole = 53.0, tail_dipole = -112.0")
    directory = stored(tmp_path / "run", text, "run.duration=0.05")
    found = kinetic(directory)
    assert found["boltzmann"]["flux"] is None
    assert "encounters have not ended" in found["boltzmann"]["reason"]
    assert "note: " in as_text(found)
