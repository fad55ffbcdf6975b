"""``twoscale phase-diagram``: JSON of the agreed form, text, figures of every kind, and refusals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runs.figures.style
import runs.parameter_diagram
from runs.cli import main
from runs.execute import run
from runs.figures.free_energy import _below
from runs.phase_diagram import diagram_of
from runs.phase_diagram_answer import measured_phases
from runs.runfile import parse
from tests.runs.small_runs import IDEAL, MIXTURE, written
from tests.runs.test_figures import pixels, share_of
from theory import InputError
from theory.axis import Axis
from theory.phase_diagram import phase_diagram

HEAD = """\
[model]
dimension = 2
[model.sensing]
kernel = "gaussian"
range = 0.5
"""
TAIL = """\
[domain]
size = [8.0, 8.0]
[run]
duration = 1.0
"""


def species(laws: dict[str, str]) -> str:
    motion = "motion = { tumble_rate = 1.0 }"
    return "".join(f'[[model.species]]\nname = "{name}"\n{motion}\nspeed = "{law}"\n' for name, law in laws.items())


def composition(densities: dict[str, float]) -> str:
    return "[composition]\n" + "".join(f"{name} = {value}\n" for name, value in densities.items())


COMMON = "0.5*tanh((total - 90)/40)"
TWO = HEAD + species({n: f"exp(-tanh(({n} - 40)/20) + {COMMON})" for n in "AB"}) + composition({"A": 75.0, "B": 75.0}) + TAIL
ONE = HEAD + "[model.parameters]\nk = 1.0\n" + species({"A": "exp(-k*tanh((A - 50)/20))"}) + composition({"A": 55.0}) + TAIL
THREE_LAWS = {n: f"exp(-{k}*tanh(({n} - {r})/20) + {COMMON})" for n, k, r in (("A", 1.0, 40), ("B", 1.1, 45), ("C", 0.9, 38))}
THREE = HEAD + species(THREE_LAWS) + composition(dict.fromkeys("ABC", 50.0)) + TAIL
OCHRE, GREEN, RED = (0.937, 0.812, 0.561), (0.749, 0.878, 0.706), (0.949, 0.71, 0.682)


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer pixels and values than for print."""
    monkeypatch.setitem(runs.figures.style.STYLE, "savefig.dpi", 80)
    monkeypatch.setattr(runs.parameter_diagram, "_VALUES", 9)


def refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is no JSON")


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["phase-diagram", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=refuse)
    return found


def close(image: Any, colour: tuple[float, float, float]) -> float:
    """Share of the pixels of a colour."""
    return float(np.mean(np.abs(image - np.array(colour)).max(axis=-1) < 0.03))


# --- two species ---------------------------------------------------------------------------------------------------------


def test_json_and_figures_of_two_species(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure, surface = tmp_path / "diagram.png", tmp_path / "surface.png"
    found = answered(capsys, written(tmp_path, TWO), "--figure", str(figure), "--free-energy", str(surface))
    assert {"binodals", "tie_lines", "triple_points", "critical_points", "spinodal"} <= set(found)
    assert all(set(point) == {"A", "B"} for curve in (*found["binodals"], *found["spinodal"]) for point in curve)
    assert all(len(line) == 2 for line in found["tie_lines"])
    triples = np.array([[list(point.values()) for point in triple] for triple in found["triple_points"]])
    assert triples.shape == (2, 3, 2)
    upper = triples[np.argmax(triples.sum(axis=(1, 2)))]
    np.testing.assert_allclose(upper, [[103.8933925, 16.900025], [87.0873357] * 2, [16.900025, 103.8933925]], atol=6e-8)
    assert found["critical_points"] == found["four_phase_points"] == []
    assert [one["fraction"] for one in found["coexistence"]["phases"]] == pytest.approx([0.22643, 0.54713, 0.22643], abs=6e-6)
    # the numbers are those of the theory
    lines = phase_diagram(parse(TWO).model, [75.0, 75.0]).tie_lines
    assert [[list(point.values()) for point in line] for line in found["tie_lines"]] == lines.tolist()
    image = pixels(figure)
    for colour, least in ((OCHRE, 0.03), (GREEN, 0.03), (RED, 0.05)):
        assert close(image, colour) > least
    # a surface in sand on a plane in blue
    image = pixels(surface)
    assert np.mean(image[..., 0] > image[..., 2] + 0.15) > 0.1
    assert np.mean(image[..., 2] > image[..., 0] + 0.15) > 0.05


def test_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phase-diagram", written(tmp_path, TWO)]) == 0
    text = capsys.readouterr().out
    for word in (
        "demixing",
        "(a species vanishes)",
        "(triple point)",
        "(edge of the window)",
        "three phases: A 103.89 B 16.9 | A 87.087 B 87.087 | A 16.9 B 103.89",
        "at the composition A 75 B 75:",
        "3 phases in the local approximation, common tangent:",
        "with the kernel, between flat interfaces",
    ):
        assert word in text


def test_a_critical_point_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = HEAD + species({"A": "exp(0.02*B)", "B": "exp(0.02*A)"}) + composition({"A": 60.0, "B": 60.0}) + TAIL
    file, figure = written(tmp_path, text), tmp_path / "diagram.pdf"
    assert main(["phase-diagram", file, "--figure", str(figure)]) == 0
    assert "critical point: A 50 B 50" in capsys.readouterr().out
    assert figure.read_bytes().startswith(b"%PDF-")
    (point,) = answered(capsys, file)["critical_points"]
    assert point == {"A": pytest.approx(50.0), "B": pytest.approx(50.0)}


def test_measured_phases_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Squares where the runs' phases lie: two slabs, which a short run leaves as they were."""
    slabs = "".join(
        f"[[initial.phases]]\nshare = 0.5\ndensities = {{ A = {a}, B = {b} }}\n" for a, b in ((90.0, 20.0), (20.0, 90.0))
    )
    text = TWO.replace(TAIL, "") + TAIL.replace("8.0, 8.0", "12.0, 6.0") + "[fields]\ngrid = [48, 24]\ntime_step = 0.01\n"
    text += '[initial]\nstate = "phases"\n' + slabs
    overrides = ["composition.A=55.0", "composition.B=55.0", "run.duration=0.1", "run.output_interval=0.02"]
    run(parse(text, overrides=overrides), tmp_path / "run", threads=1, quiet=True)
    measured, compositions = measured_phases([tmp_path / "run"], ["A", "B"])
    assert [one.tolist() for one in compositions] == [[55.0, 55.0]]
    np.testing.assert_allclose(measured["fields"][[0, -1]], [[90.0, 20.0], [20.0, 90.0]], rtol=0.15)
    figure = tmp_path / "marked.svg"
    assert main(["phase-diagram", written(tmp_path, TWO), "--figure", str(figure), "--runs", str(tmp_path / "run")]) == 0
    bare = tmp_path / "bare.svg"
    assert main(["phase-diagram", written(tmp_path, TWO), "--figure", str(bare)]) == 0
    assert figure.stat().st_size > bare.stat().st_size
    with pytest.raises(InputError, match="holds the species A, B"):
        measured_phases([tmp_path / "run"], ["A", "C"])
    capsys.readouterr()


# --- one and three species -----------------------------------------------------------------------------------------------


def test_one_species_over_a_parameter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "k.png"
    found = answered(capsys, written(tmp_path, ONE), "--parameter", "model.parameters.k=0.25:1.0", "--figure", str(figure))
    (critical,) = found["critical_points"]
    assert critical == {"k": pytest.approx(0.385328, abs=1e-6), "A": pytest.approx(53.7638, abs=1e-4)}
    assert found["tie_lines"][-1] == [{"k": 1.0, "A": pytest.approx(116.090543)}, {"k": 1.0, "A": pytest.approx(16.903988)}]
    exact = [{"k": 1.0, "A": pytest.approx(103.8284206)}, {"k": 1.0, "A": pytest.approx(15.0404342)}]
    assert found["nonlocal_tie_lines"][-1] == exact
    assert len(found["binodals"]) == 2
    assert share_of(pixels(figure), (0.84, 0.15, 0.16)) > 0.002
    assert main(["phase-diagram", written(tmp_path, ONE), "--parameter", "model.parameters.k=1.0:1.1"]) == 0
    text = capsys.readouterr().out
    assert "103.828" in text
    assert "critical" not in text


def test_the_common_tangent_of_one_species(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "tangent.png"
    found = answered(capsys, written(tmp_path, ONE), "--free-energy", str(figure))
    assert found["spinodal"] == [[{"A": pytest.approx(34.53654, abs=6e-6)}], [{"A": pytest.approx(75.69785, abs=6e-6)}]]
    assert figure.stat().st_size > 1000


def test_a_section_of_three_species(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "section.png"
    found = answered(capsys, written(tmp_path, THREE), "--figure", str(figure))
    assert len(found["four_phase_points"]) >= 3
    assert all(len(one) == 4 for one in found["four_phase_points"])
    assert all(len(one) == 3 for one in found["triple_points"])
    assert close(pixels(figure), (0.796, 0.714, 0.867)) > 0.03


def test_an_ideal_gas_has_one_phase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phase-diagram", written(tmp_path, IDEAL)]) == 0
    assert "one phase at all compositions" in capsys.readouterr().out


# --- what theory can still say -------------------------------------------------------------------------------------------


def test_without_a_free_energy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "classes.png"
    found = answered(capsys, written(tmp_path, MIXTURE), "--figure", str(figure))
    assert found["binodals"] == found["tie_lines"] == found["triple_points"] == found["critical_points"] == []
    assert len(found["spinodal"]) > 3
    assert "differ by" in found["reason"]
    image = pixels(figure)
    assert close(image, (0.890, 0.890, 0.890)) > 0.1
    assert close(image, (0.965, 0.788, 0.541)) > 0.01
    assert main(["phase-diagram", written(tmp_path, MIXTURE)]) == 0
    text = capsys.readouterr().out
    assert "homogeneous mixtures become unstable on" in text
    assert text.count("no effective free energy") == 1


def test_a_collapse_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(capsys, written(tmp_path, ONE.replace("exp(-k*tanh((A - 50)/20))", "exp(-k*A/40)")))
    assert found["binodals"] == []
    assert "no lower bound" in found["reason"]
    assert found["coexistence"]["phases"] is None


# --- refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        (ONE, ["--figure", "a.png"], "draw it over a parameter"),
        (ONE, ["--figure", "a.jpg"], "--figure is 'a.jpg'"),
        (ONE, ["--free-energy", "a.txt"], "--free-energy is 'a.txt'"),
        (ONE, ["--parameter", "model.parameters.k=1"], "write a key and rising ends"),
        (ONE, ["--parameter", "model.parameters.k=1:x"], "write a key and rising ends"),
        (ONE, ["--parameter", "model.parameters.k=2:1"], "the range of model.parameters.k is 2:1"),
        (ONE, ["--parameter", "model.parameters.k=0:inf"], "its ends must be finite"),
        (ONE, ["--parameter", "model.parameters.kk=0:1", "--set", "model.parameters.kk=1"], "no law uses; did you mean 'k'?"),
        (ONE, ["--parameter", "composition.A=1:2"], "coexisting densities do not depend"),
        (ONE, ["--parameter", "model.parameters.q=0:1"], "its parameters: k"),
        (ONE, ["--parameter", "model.parameters.k=0.9:1", "--free-energy", "a.png"], "leave out --parameter"),
        (ONE, ["--parameter", "domain.size=-1:1"], "domain.size"),
        (TWO, ["--parameter", "model.dimension=1:2"], "model.dimension"),
        (TWO, ["--runs", "somewhere"], "give --figure"),
        (MIXTURE, ["--free-energy", "a.png"], "there is no free energy to draw"),
        (THREE, ["--free-energy", "a.png"], "one or two species"),
        (TWO, ["--set", "composition.A=0.0"], "positive densities"),
    ],
)
def test_refusals(text: str, arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phase-diagram", written(tmp_path, text), *arguments]) == 2
    streams = capsys.readouterr()
    assert words in streams.err
    assert streams.out == ""


def test_a_figure_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused before anything is computed."""
    assert main(["phase-diagram", written(tmp_path, ONE), "--free-energy", str(tmp_path / "missing" / "a.png")]) == 4
    assert f"there is no directory {tmp_path / 'missing'}" in capsys.readouterr().err
    (tmp_path / "a.png").mkdir()
    assert main(["phase-diagram", written(tmp_path, ONE), "--free-energy", str(tmp_path / "a.png")]) == 4
    assert "a directory; choose another name" in capsys.readouterr().err


def test_parameter_ranges() -> None:
    assert Axis.of("model.parameters.k=0.2:1.5", "--parameter") == Axis("model.parameters.k", 0.2, 1.5)
    assert Axis.of("model.parameters.k=-1:1e2", "--parameter").name == "k"


def test_no_file_is_needed() -> None:
    found = diagram_of(parse(ONE))
    assert found.phases is not None
    assert found.as_json()["window"]["A"] > 116.0


def test_faces_are_cut_at_a_height() -> None:
    square = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 2.0], [1.0, 1.0, 2.0], [0.0, 1.0, 0.0]])
    np.testing.assert_allclose(_below(square, 1.0), [[0, 0, 0], [0.5, 0, 1], [0.5, 1, 1], [0, 1, 0]])
    np.testing.assert_array_equal(_below(square, 3.0), square)
