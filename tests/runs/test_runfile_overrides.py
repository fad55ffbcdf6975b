"""Values set on the command line, and files that cannot be read at all."""

from pathlib import Path

import pytest

from runs.runfile import LARGEST_FILE, RunFileError, load, parse

FILE = """\
[model]
dimension = 2
[model.parameters]
v0 = 2.0
[[model.species]]
name = "A"
motion = { tumble_rate = 1.0 }
speed = "v0*exp(-A/50)"
[[model.species]]
name = "B"
motion = { tumble_rate = 1.0 }
speed = "v0"
[composition]
A = 75.0
B = 25.0
[domain]
size = [60.0, 30.0]
[run]
duration = 500.0
"""


def refusal(*overrides: str, text: str = FILE) -> str:
    with pytest.raises(RunFileError) as caught:
        parse(text, source="run.toml", overrides=overrides)
    return str(caught.value)


def test_values_are_replaced() -> None:
    read = parse(
        FILE,
        overrides=[
            "model.parameters.v0 = 3",
            "model.species[0].speed=v0*exp(-A/10)",
            "model.species.B.motion.tumble_rate=4",
            "domain.size[1]=20",
            'composition."A"=50',
            "particles.sensing=exact",
            "fields={ grid = [64, 64] }",
            "run.seed=0x10",
        ],
    )
    assert read.model.parameters["v0"] == 3.0
    assert read.model.species[0].speed == "v0*exp(-A/10)"
    assert read.model.species[1].motion.tumble_rate == 4.0
    assert (read.size, read.composition["A"], read.run.seed) == ((60.0, 20.0), 50.0, 16)
    assert read.particles is not None
    assert read.particles.sensing == "exact"
    assert read.fields is not None
    assert read.fields.grid == (64, 64)
    assert read.text == FILE
    assert len(read.overrides) == 8


def test_later_overrides_win_and_see_earlier_ones() -> None:
    read = parse(
        FILE,
        overrides=[
            "run.duration=-1",
            "run.duration=2",
            "model.species.B.name=C",
            "model.species.C.speed='2*v0'",
            "composition={ A = 1, C = 2 }",
            "composition.C=3",
        ],
    )
    assert read.run.duration == 2.0
    assert read.model.names == ("A", "C")
    assert read.model.species[1].speed == "2*v0"
    assert dict(read.composition) == {"A": 1.0, "C": 3.0}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("run.duration", "no '='; write key=value, such as model.parameters.v0=2"),
        ("run.duration=", "no value after '='"),
        ("=1", "not a key; write it as model.parameters.v0 or model.species[0].speed"),
        ("run..seed=1", "not a key; write it as model.parameters.v0 or model.species[0].speed"),
        ("run.seed[=1", "not a key; write it as model.parameters.v0 or model.species[0].speed"),
        (r'"\q"=1', r'"\q" is not a quoted TOML key'),
        ("run.seed=[1", "the value is not TOML: Unclosed array (at end of document)"),
        ("run.seed=1\nrun.duration=2", "one override sets one value; give --set once for each"),
        ("run.seed=" + "[" * 40, "keys nest deeper than 32 levels"),
        (".".join("a" * 40) + "=1", "the key nests deeper than 32 levels"),
        ("run.seed.x=1", "run.seed is a single value; nothing can be set inside it"),
        ("run[0]=1", "run is a table, not a list; name a key"),
        ("[0]=1", "not a key; write it as model.parameters.v0 or model.species[0].speed"),
        ("initial.phases[0].share=1", "there is no list initial.phases in the file"),
        ("model.species[2].speed=v0", "model.species has 2 elements, counted from 0"),
        (
            "model.species.a.speed=v0",
            "model.species has no element named 'a'; did you mean 'A'? (known: A, B)",
        ),
        ("domain.size.x=1", "domain.size is a list; name an element by its number, as in domain.size[0]"),
        ("run.seed=\udcff", "not valid text (UTF-8)"),
    ],
)
def test_overrides_that_cannot_be_applied(override: str, expected: str) -> None:
    # in the file itself the seed is stated, so that there is something to miss inside it
    text = FILE + "seed = 1\n"
    shown = override.replace("\n", "\\n").replace("\udcff", "\\udcff")
    assert refusal(override, text=text) == f"--set {shown}: {expected}"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "model.parameters.v0=fast",
            'model.parameters.v0 = "fast": text where a number is needed (allowed: a number)',
        ),
        (
            "model.species.B.speed=v00",
            "model.species[1].speed = \"v00\": unknown name 'v00'; did you mean 'v0'? (known: A, B, total, v0)",
        ),
        (
            "fields.noise=0",
            "fields.grid: missing (allowed: a list of 1 to 3 even integers from 8 to 65536)",
        ),
        (
            "run.durration=1",
            "run.durration = 1: unknown key; did you mean 'duration'? "
            "(known: duration, output_interval, seed, checkpoint_interval)",
        ),
        (
            "composition={ A = 1 }",
            "composition.B: missing density of this species (allowed: a number >= 0; 0 for none)",
        ),
    ],
)
def test_problems_of_overrides_name_the_override(override: str, expected: str) -> None:
    assert refusal(override) == f"--set {override}: {expected}"


def test_value_of_a_replaced_table_is_blamed_on_the_replacement() -> None:
    table = "composition={ A = -1, B = 1 }"
    assert refusal("composition.A=1", table) == f"--set {table}: composition.A = -1: too small (allowed: a number >= 0)"


def test_problems_of_overrides_come_after_those_of_the_file() -> None:
    lines = refusal("run.seed=-1", text=FILE.replace("75.0", "-75.0")).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["run.toml:14", "--set run.seed=-1"]


def reading_problem(path: Path | str) -> str:
    with pytest.raises(RunFileError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert problem.location.startswith(str(path))
    return problem.location.removeprefix(str(path)) + ": " + problem.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    assert reading_problem(file) == ": no such file"
    assert reading_problem(tmp_path) == ": a directory, not a run file"
    assert reading_problem("a\0b") == ": not a file name"
    file.write_text(FILE)
    assert reading_problem(file / "run.toml") == ": cannot be read: Not a directory"
    assert reading_problem(tmp_path / ("x" * 5000)) == ": cannot be read: File name too long"


def test_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert reading_problem(tmp_path / "run.toml") == ": cannot be read: Permission denied"


def test_files_that_are_not_text(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_bytes(b"[model]\ndimension = \xff\n")
    assert reading_problem(file) == ":2: not UTF-8 text"
    file.write_bytes(FILE.encode("utf-16"))
    assert reading_problem(file) == ":1: UTF-16; save it as UTF-8"
    file.write_bytes(bytes(range(256)))
    assert reading_problem(file) == ":2: not UTF-8 text"
    file.write_bytes(b"a = '\0'")
    assert "not TOML at column 6" in reading_problem(file)
    file.write_bytes(FILE.encode() + b"#" * (LARGEST_FILE - len(FILE) + 1))
    assert reading_problem(file) == ": larger than 1000000 bytes; not a run file"
    with pytest.raises(RunFileError, match="not UTF-8 text"):
        parse("a = '\udcff'")


def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    assert load(file).composition == {"A": 75.0, "B": 25.0}
    file.write_bytes(FILE.encode() + b"#" * (LARGEST_FILE - len(FILE)))
    assert load(str(file)).source == str(file)
    file.write_bytes(FILE.replace("v0*exp", "v0*exq").replace("\n", "\r\n").encode())
    with pytest.raises(RunFileError, match=r"run\.toml:8: model"):
        load(file)
