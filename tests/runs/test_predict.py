"""Theory by the command: what the JSON holds, that it is JSON, and that its numbers are those of the theory."""

import functools
import json
import math
from typing import Any

import numpy as np
import pytest

from runs.cli import main
from runs.predict import as_text, predict
from runs.runfile import parse
from tests.runs.small_runs import IDEAL, MIXTURE, written
from theory import InputError
from theory.entropy_production import linear_density
from theory.free_energy import integrability
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState
from theory.linear_stability import classify

STABLE = ("model.species.A.speed=v0*exp(ka*tanh((B - 50)/15))", "model.species.B.speed=v0*exp(kb*tanh((A - 50)/15))")
LOCAL = ("model.sensing.kernel=local",)
VANISHING = ("model.species.A.speed=v0*(75 - A)", "composition.A=50.0")
# a kernel whose transform is a formula, which saves a second per prediction
THEORY_ONLY = (
    MIXTURE[: MIXTURE.index("[composition]")]
    + '[model.sensing]\nkernel = "gaussian"\nrange = 0.5\n'
    + MIXTURE[MIXTURE.index("[composition]") : MIXTURE.index("[fields]")]
    + MIXTURE[MIXTURE.index("[run]") :]
)
CASES: dict[str, tuple[str, ...]] = {
    "oscillatory": (),
    "static": ("model.parameters.ka=0.0", "model.parameters.kb=0.0"),
    "stable": STABLE,
    "default kernel": ("model.sensing.kernel=bump", "model.sensing.range=1.0"),
    "local and stable": (*LOCAL, *STABLE, "model.parameters.ka=0.1"),
    "local and unstable": LOCAL,
    "a speed that vanishes": VANISHING,
    "exponential": ("model.sensing.kernel=exponential", *STABLE),
    "three dimensions": ("model.dimension=3", "domain.size=[4.0, 4.0, 4.0]", *STABLE),
    "pairs": ('model.sensing.pairs=[{ observer = "A", source = "B", kernel = "local", range = 1.0 }]', *STABLE),
}


def refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is no JSON")


def predicted(capsys: pytest.CaptureFixture[str], file: str, *arguments: str) -> dict[str, Any]:
    assert main(["predict", file, "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=refuse)
    return found


@functools.cache
def prediction(case: str) -> dict[str, Any]:
    return predict(parse(THEORY_ONLY, overrides=list(CASES[case])))


def sets(overrides: tuple[str, ...]) -> list[str]:
    return [part for one in overrides for part in ("--set", one)]


@pytest.fixture
def file(tmp_path: Any) -> str:
    return written(tmp_path, THEORY_ONLY)


@pytest.mark.parametrize("case", ["oscillatory", "local and unstable", "a speed that vanishes"])
def test_the_command_prints_the_prediction_as_json(case: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert predicted(capsys, file, *sets(CASES[case])) == prediction(case)


@pytest.mark.parametrize("case", CASES)
def test_json_holds_what_it_promises(case: str) -> None:
    found = json.loads(json.dumps(prediction(case), allow_nan=False))
    assert list(found) == [
        "homogeneous",
        "dispersion",
        "instability",
        "exceptional_points",
        "entropy_production",
        "oscillatory_condition",
        "hierarchy",
        "integrability",
        "coexistence",
    ]
    assert {name: list(one) for name, one in found["homogeneous"].items()} == {
        "densities": ["A", "B"],
        "speeds": ["A", "B"],
        "diffusivities": ["A", "B"],
    }
    dispersion = found["dispersion"]
    growth, frequencies = np.array(dispersion["growth_rates"]), np.array(dispersion["frequencies"])
    assert growth.shape == frequencies.shape == (2, len(dispersion["wavenumbers"]))
    assert len(dispersion["wavenumbers"]) == 200
    # branch by branch, largest growth first
    assert np.all(growth[0] >= growth[1])
    assert {"class", "extent", "together", "growth_rate", "wavenumber", "frequency"} <= set(found["instability"])
    assert set(found["oscillatory_condition"]) == {"product", "threshold", "met"}
    assert found["hierarchy"] is None
    assert found["instability"]["class"] in ("stable", "static", "oscillatory")
    assert {"local", "nonlocal", "violation"} <= set(found["integrability"])
    assert isinstance(found["integrability"]["local"], bool)
    assert isinstance(found["integrability"]["nonlocal"], bool)
    assert "linear_density" in found["entropy_production"]
    # what has no value says why
    for part in ("instability", "integrability", "entropy_production", "coexistence"):
        own = found[part]
        missing = [name for name, value in own.items() if value is None and name not in ("phase_speed", "together")]
        assert bool(missing) == ("reason" in own), part


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_those_of_the_theory(case: str) -> None:
    one = parse(THEORY_ONLY, overrides=list(CASES[case]))
    composition = dict(one.composition)
    found = prediction(case)
    state = HomogeneousState.of(one.model, composition)
    assert found["homogeneous"]["densities"] == composition
    assert list(found["homogeneous"]["speeds"].values()) == state.speeds.tolist()
    assert list(found["homogeneous"]["diffusivities"].values()) == (state.speeds**2 / one.model.dimension).tolist()
    # the dispersion relation straight from the matrix
    for n, q in list(enumerate(found["dispersion"]["wavenumbers"]))[::25]:
        rates = np.linalg.eigvals(-(q**2) * state.matrix(q)).astype(complex)
        rates = rates[np.lexsort((-rates.imag, -rates.real))]
        np.testing.assert_allclose([branch[n] for branch in found["dispersion"]["growth_rates"]], rates.real, rtol=1e-11)
        np.testing.assert_allclose([branch[n] for branch in found["dispersion"]["frequencies"]], rates.imag, atol=1e-11)
    instability = classify(state)
    assert found["instability"]["class"] == instability.kind
    assert found["instability"]["growth_rate"] == instability.growth_rate
    assert found["instability"]["wavenumber"] == instability.wavenumber
    assert found["instability"]["frequency"] == instability.frequency
    if case != "a speed that vanishes":
        free = integrability(one.model, composition)
        assert (found["integrability"]["local"], found["integrability"]["nonlocal"]) == (free.local, free.nonlocal_)
        assert found["integrability"]["violation"] == free.violation
    if instability.kind == "stable" and case not in ("local and stable", "pairs", "exponential"):
        assert found["entropy_production"]["linear_density"] == linear_density(state)
    else:
        assert found["entropy_production"]["linear_density"] is None


def test_an_ideal_gas(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """D = v^2 tau/2, growth -D q^2, nothing else."""
    found = predicted(capsys, written(tmp_path, IDEAL), "--wavenumbers", "0,0.5,3")
    assert found["homogeneous"] == {"densities": {"A": 40.0}, "speeds": {"A": 1.0}, "diffusivities": {"A": 0.5}}
    np.testing.assert_allclose(found["dispersion"]["growth_rates"], [[0.0, -0.125, -4.5]], rtol=1e-14)
    assert found["dispersion"]["frequencies"] == [[0.0, 0.0, 0.0]]
    assert found["instability"]["class"] == "stable"
    assert found["integrability"] == {"local": True, "nonlocal": True, "violation": 0.0, "nonlocal_violation": 0.0}
    assert found["entropy_production"] == {"linear_density": 0.0}
    alone = {"densities": {"A": 40.0}, "fraction": 1.0}
    assert found["coexistence"] == {
        "method": "local",
        "phases": [alone],
        "chemical_potentials": {"A": math.log(40.0)},
        "pressure": 40.0,
        "nonlocal": {"method": "homogeneous", "phases": [alone]},
    }


def test_wavenumbers_are_taken_exactly(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = predicted(capsys, file, "--wavenumbers", "0.1,0.5,1.0")
    assert found["dispersion"]["wavenumbers"] == [0.1, 0.5, 1.0]
    assert [len(branch) for branch in found["dispersion"]["growth_rates"]] == [3, 3]
    # in the order given, and as often
    assert predicted(capsys, file, "--wavenumbers", " 2,1e-3, 2")["dispersion"]["wavenumbers"] == [2.0, 1e-3, 2.0]


def test_default_wavenumbers_reach_from_the_box_to_beyond_the_kernel() -> None:
    wavenumbers = prediction("oscillatory")["dispersion"]["wavenumbers"]
    assert wavenumbers[0] == pytest.approx(2.0 * math.pi / 4.0)
    assert wavenumbers[-1] >= 12.0 / 0.5
    large = predict(parse(THEORY_ONLY, overrides=["domain.size=[100.0, 4.0]", "model.sensing.range=2.0"]))["dispersion"]
    assert large["wavenumbers"][0] == pytest.approx(2.0 * math.pi / 100.0)
    assert large["wavenumbers"][-1] == pytest.approx(6.0)


def test_a_cutoff_where_the_entropy_production_does_not_converge(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exponential kernel in two dimensions, for which the integral grows as a logarithm."""
    arguments = sets(CASES["exponential"])
    state = HomogeneousState.of(parse(THEORY_ONLY, overrides=list(CASES["exponential"])).model, {"A": 50.0, "B": 45.0})
    assert "give a cutoff" in predicted(capsys, file, *arguments)["entropy_production"]["reason"]
    rates = [
        predicted(capsys, file, *arguments, "--cutoff", str(q))["entropy_production"]["linear_density"] for q in (1e2, 1e3, 1e4)
    ]
    assert rates[0] == linear_density(state, 1e2)
    assert rates[2] - rates[1] == pytest.approx(rates[1] - rates[0], rel=0.01)
    for text in ("0", "-1", "nan"):
        assert main(["predict", file, f"--cutoff={text}"]) == 2
        assert "--cutoff is" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "1,,2", "a", "1;2", "nan", "1,inf", "-1", "0.5,-0.5", "1e200", "10001"])
def test_refused_wavenumbers(text: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", file, f"--wavenumbers={text}"]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "wavenumbers" in streams.err


@pytest.mark.parametrize("overrides", [("composition.B=0.0",), ("model.species.B.speed=0*B",)])
def test_no_linear_theory_at_zero_density_or_speed(
    overrides: tuple[str, ...], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", file, "--json", *sets(overrides)]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "positive densities" in streams.err or "vanishes" in streams.err
    with pytest.raises(InputError):
        predict(parse(THEORY_ONLY, overrides=list(overrides)))


PHASES = ("model.species.A.speed=exp(-tanh((A - 50)/20))", "model.species.B.speed=1.0", "composition.B=10.0")


def test_coexisting_phases() -> None:
    """A separates, B does not care: PHYSICS reference numbers locally, and with the kernel those of the exact formula."""
    found = predict(parse(THEORY_ONLY, overrides=list(PHASES)))["coexistence"]
    local, beside = found["phases"], found["nonlocal"]
    assert found["method"] == "local"
    assert beside["method"] == "slab"
    assert [one["densities"]["A"] for one in local] == pytest.approx([116.090543, 16.903988], abs=6e-7)
    assert [one["densities"]["A"] for one in beside["phases"]] == pytest.approx([103.8284206, 15.0404342], abs=1e-6)
    for phases in (local, beside["phases"]):
        assert [one["densities"]["B"] for one in phases] == pytest.approx([10.0, 10.0], rel=1e-9)
        assert sum(one["fraction"] for one in phases) == pytest.approx(1.0)
        assert sum(one["fraction"] * one["densities"]["A"] for one in phases) == pytest.approx(50.0)


def test_a_mixture_without_a_free_energy_says_what_is_left() -> None:
    static = ("model.parameters.ka=-0.3",)
    found = predict(parse(THEORY_ONLY, overrides=list(static)))["coexistence"]
    assert found["phases"] is None
    assert found["chemical_potentials"] is None
    assert "no effective free energy" in found["reason"]
    assert found["nonlocal"]["method"] == "slab"
    assert len(found["nonlocal"]["phases"]) == 2


def test_pair_interactions_have_no_free_energy_that_is_known() -> None:
    pair = '\n[[model.interactions]]\nobserver = "A"\nsource = "A"\ncutoff = 2.0\nforce = "exp(-r)"\n'
    found = predict(parse(THEORY_ONLY.replace("[composition]", pair + "[composition]"), overrides=list(STABLE)))
    assert found["integrability"]["local"] is None
    assert "push or turn" in found["integrability"]["reason"]
    assert found["coexistence"]["phases"] is None
    assert "not known (particles push" in as_text(found)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (
            "oscillatory",
            [
                "oscillatory instability, long-wave, growth rate",
                "long waves oscillate",
                "phase speed",
                "effective free energy: none",
                "unstable",
                "no coexisting phases: the mixture has no effective free energy",
                "patterns travel",
            ],
        ),
        (
            "static",
            [
                "static instability, long-wave, species apart, growth rate",
                "exists in the local approximation",
                "3 phases in the local",
                "fraction",
            ],
        ),
        ("stable", ["linearly stable", "per unit volume and time"]),
        (
            "local and unstable",
            ["oscillatory instability, long-wave; growth rises towards short waves", "state a kernel with a range"],
        ),
        ("local and stable", ["linearly stable", "give a cutoff"]),
        ("a speed that vanishes", ["static instability"]),
    ],
)
def test_text(case: str, words: list[str]) -> None:
    text = as_text(prediction(case))
    for word in [*words, "density", "speed", "diffusivity"]:
        assert word in text
    assert "nan" not in text
    assert "None" not in text


def test_the_command_prints_text_by_default(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", file]) == 0
    assert capsys.readouterr().out.strip() == as_text(prediction("oscillatory"))


ALIGNING = """
[[model.mean_field]]
observer = "A"
source = "A"
torque_harmonics = [0.2, 0.04]
"""
FIELDS = "[fields]\ngrid = [32, 32]\norder = 3\n"


def test_the_order_of_the_fields_stands_beside_hydrodynamics(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, THEORY_ONLY + FIELDS)
    found = predicted(capsys, file)
    section = found["hierarchy"]
    state = HomogeneousState.of(parse(THEORY_ONLY).model, {"A": 50.0, "B": 45.0})
    assert section["order"] == 3
    instability = classify(state, 3)
    assert section["instability"]["class"] == instability.kind
    assert section["instability"]["growth_rate"] == instability.growth_rate
    assert instability.growth_rate != found["instability"]["growth_rate"]
    growth = np.array(section["dispersion"]["growth_rates"])
    assert growth.shape == (4, 200)
    expected = mode_rates(state, section["dispersion"]["wavenumbers"], 3)[:, :4].real.T
    np.testing.assert_allclose(growth, expected, rtol=1e-12)
    assert section["flock"] is None
    # another order by the option; order 0 stays what it is
    other = predicted(capsys, file, "--order", "1")
    assert other["hierarchy"]["order"] == 1
    assert other["dispersion"] == found["dispersion"]
    assert predicted(capsys, file, "--order", "0")["hierarchy"] is None
    assert "homogeneous state (order 3): oscillatory" in as_text(found)


def test_particles_that_align_have_a_flock_and_no_hydrodynamics(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, THEORY_ONLY.replace("[composition]", ALIGNING + "[composition]") + FIELDS)
    found = predicted(capsys, file, *sets(STABLE))
    assert found["instability"]["class"] is None
    assert "harmonic 1 grow" in found["instability"]["reason"]
    section = found["hierarchy"]
    assert section["instability"]["extent"] == "uniform"
    assert 0.0 < section["flock"]["polar_order"]["A"] < 1.0
    assert section["flock"]["polar_order"]["B"] == pytest.approx(0.0, abs=1e-6)
    assert set(section["flock"]["along"]) == {"growth_rate", "wavenumber", "frequency"}
    assert "uniform flock: polar order A 0." in as_text(found)


def test_pair_interactions_without_a_mean_field_are_not_known_to_theory() -> None:
    pair = '\n[[model.interactions]]\nobserver = "A"\nsource = "A"\ncutoff = 2.0\nforce = "exp(-r)"\n'
    found = predict(parse(THEORY_ONLY.replace("[composition]", pair + "[composition]"), overrides=list(STABLE)))
    for part in ("dispersion", "instability", "entropy_production"):
        assert "state them in model.mean_field" in found[part]["reason"]
    assert found["homogeneous"] == predict(parse(THEORY_ONLY, overrides=list(STABLE)))["homogeneous"]
    assert "A pushes or turns A" in as_text(found)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_figure_of_the_dispersion_relation(ending: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, THEORY_ONLY + FIELDS)
    target = tmp_path / f"dispersion.{ending}"
    assert main(["predict", file, "--figure", str(target)]) == 0
    assert f"figure: {target}" in capsys.readouterr().out
    assert target.stat().st_size > 5000
    if ending == "svg":
        assert "order 3" in target.read_text(encoding="utf-8") or "<g id=" in target.read_text(encoding="utf-8")


def test_refused_orders_and_figures(file: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", file, "--order", "-1"]) == 2
    assert "--order is -1; it must be from 0 to 64" in capsys.readouterr().err
    assert main(["predict", file, "--order", "65"]) == 2
    assert "it must be from 0 to 64" in capsys.readouterr().err
    assert main(["predict", file, "--figure", str(tmp_path / "a.txt")]) == 2
    assert "its ending must be one of" in capsys.readouterr().err
    pair = '\n[[model.interactions]]\nobserver = "A"\nsource = "A"\ncutoff = 2.0\nforce = "exp(-r)"\n'
    alone = written(tmp_path, THEORY_ONLY.replace("[composition]", pair + "[composition]"), "alone.toml")
    assert main(["predict", alone, "--figure", str(tmp_path / "a.png")]) == 2
    assert "no dispersion relation to draw" in capsys.readouterr().err
