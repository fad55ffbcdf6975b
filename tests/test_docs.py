"""The documentation says what is so: keys, commands, links, and blocks of TOML and Python."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from runs.gallery import gallery_file, gallery_names
from runs.options import parser
from runs.reading.keys import KeyHelp, keys
from runs.runfile import load, parse

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]
TUTORIAL = ROOT / "docs" / "tutorial.md"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def blocks(document: Path, language: str) -> list[str]:
    return [text for found, text in _FENCE.findall(document.read_text(encoding="utf-8")) if found == language]


def anchors(document: Path) -> set[str]:
    """Headings as GitHub writes them in links."""
    headings = _HEADING.findall(_FENCE.sub("", document.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(document: Path) -> list[list[str]]:
    """Arguments of every command ``twoscale`` that is shown on a line of its own."""
    joined = document.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^ {4}(?:\$ )?twoscale (.*)$", joined, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


SHOWN = [pytest.param(one, id=f"{document.stem}: {' '.join(one)}") for document in DOCUMENTS for one in commands(document)]


def test_there_is_something_to_check() -> None:
    assert len(DOCUMENTS) >= 6
    assert len(SHOWN) >= 20
    assert {document.name for document in DOCUMENTS if blocks(document, "toml")} == {"README.md", "run-file.md", "tutorial.md"}
    assert {document.name for document in DOCUMENTS if blocks(document, "python")} == {"README.md", "tutorial.md"}


@pytest.mark.parametrize("key", keys(), ids=lambda key: key.path)
def test_every_key_has_its_row(key: KeyHelp) -> None:
    text = (ROOT / "docs" / "run-file.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(f"| `{key.path}` |")]
    assert len(rows) == 1
    _, _, allowed, _, default, meaning, _ = re.split(r"(?<!\\)\|", rows[0])
    assert allowed.strip() == key.allowed
    assert default.strip() == key.default
    assert meaning.strip()


def test_no_key_is_made_up() -> None:
    text = (ROOT / "docs" / "run-file.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]*)` \|", text, re.MULTILINE)) == {key.path for key in keys()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in _LINK.findall(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        path = document.parent / target if target else document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_code_that_is_named_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:theory|fieldsolver|particles|runs|tests|benchmarks)/[\w/]+\.\w+)`", text):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("name", gallery_names())
def test_gallery_shows_every_run(name: str) -> None:
    document = ROOT / "docs" / "gallery.md"
    assert name in anchors(document)
    assert ["run", name] in commands(document)
    assert f"](images/{name}.png)" in document.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_toml_blocks_are_run_files(document: Path) -> None:
    for text in blocks(document, "toml"):
        if "[model]" in text:
            assert parse(text, source=document.name).scales
        else:
            assert tomllib.loads(text)


@pytest.mark.parametrize("arguments", SHOWN)
def test_commands_are_understood(arguments: list[str], tmp_path: Path) -> None:
    options = parser().parse_args(arguments)
    if not hasattr(options, "file"):
        return
    gallery = gallery_file(options.file)
    if gallery.exists():
        load(gallery, options.overrides)
    elif options.file in ("chase.toml", "janus.toml", "janus-fields.toml"):
        # the last one is the one before it and what is measured in its run
        parse(blocks(TUTORIAL, "toml")[options.file != "chase.toml"], overrides=options.overrides)
    else:
        # names of files that stand for the reader's own
        assert options.file in ("mixture.toml", "bad.toml")


def _python(directory: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_of_the_readme_runs(tmp_path: Path) -> None:
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks(ROOT / "README.md", "python")), encoding="utf-8")
    assert "kind='static'" in _python(tmp_path, script.name)


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both run files of the tutorial, shortened, run as it says."""
    directory = tmp_path_factory.mktemp("tutorial")
    for name, text in zip(("chase.toml", "janus.toml"), blocks(TUTORIAL, "toml"), strict=True):
        (directory / name).write_text(text, encoding="utf-8")
    short = ("--set", "run.duration=2", "--set", "run.output_interval=1", "--threads", "1", "--quiet")
    assert "frames: results/chase" in _python(directory, "-m", "runs.cli", "run", "chase.toml", *short)
    assert "frames: results/janus" in _python(directory, "-m", "runs.cli", "run", "janus.toml", "--particles", *short)
    return directory


def test_coefficients_of_the_tutorial_go_to_fields(tutorial: Path) -> None:
    """From the particles to a run file of the fields, and both compared."""
    output = ("--output", "coefficients.toml")
    shown = _python(tutorial, "-m", "runs.cli", "kinetic", "results/janus", *output, "--quiet")
    assert "integrals of the pair distribution of 20 samples in 2 frames" in shown
    parts = [(tutorial / name).read_text(encoding="utf-8") for name in ("janus.toml", "coefficients.toml")]
    (tutorial / "janus-fields.toml").write_text("".join(parts), encoding="utf-8")
    short = ("--set", "run.duration=2", "--set", "run.output_interval=1", "--threads", "1", "--quiet")
    _python(tutorial, "-m", "runs.cli", "run", "janus-fields.toml", "--fields", *short)
    shown = _python(tutorial, "-m", "runs.cli", "compare", "results/janus", "results/janus-fields")
    (row,) = [line.split() for line in shown.splitlines() if line.startswith("structure_factor ")]
    assert "theory: linear" in shown
    # theory, fields and particles, the last two without errors
    assert row[1] == "AA"
    assert row.count("(?)") == 2
    assert 0.02 < float(row[2]) < 0.05


def test_python_of_the_tutorial_runs(tutorial: Path) -> None:
    """As one script, after its runs; what round-off and the length of the runs do not touch is printed as it is shown."""
    script = tutorial / "tutorial.py"
    script.write_text("\n".join(blocks(TUTORIAL, "python")), encoding="utf-8")
    printed = _python(tutorial, script.name)
    text = TUTORIAL.read_text(encoding="utf-8")
    for line in (
        "[103.82842057  15.04043422]",
        "├─ sbdf2, tolerance 0.001",
        "├─ particles: A 3520",
        "{'pair_place': 36, 'pair_direction': 36}",
    ):
        assert line in printed
        assert line in text
