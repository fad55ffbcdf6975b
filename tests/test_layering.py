"""Who may import whom, who may open files, and what the command loads before it is needed."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runs.cli

ROOT = Path(runs.cli.__file__).parents[1]
PACKAGES = ("theory", "fieldsolver", "particles", "runs")
MAY_IMPORT = {
    "theory": {"theory"},
    "fieldsolver": {"theory", "fieldsolver"},
    "particles": {"theory", "particles"},
    "runs": set(PACKAGES),
}
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
# modules of the standard library and of dependencies that open, move or remove files
FILE_MODULES = {"pathlib", "shutil", "tempfile", "io", "fcntl", "mmap", "zipfile", "gzip", "pickle", "h5py", "glob", "sqlite3"}
FILE_CALLS = {"open", "input"}
# attributes by which arrays are saved or read, and by which os touches files
FILE_ATTRIBUTES = {
    "open", "fdopen", "remove", "unlink", "rename", "replace", "mkdir", "makedirs", "listdir", "scandir",
    "save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt", "fromfile", "tofile", "memmap",
    "read_text", "write_text", "read_bytes", "write_bytes",
}  # fmt: skip
# the per-user cache of compiled motility laws is its own
OWNS_A_CACHE = {"theory/generated.py"}
HEAVY = ("numba", "sympy", "h5py", "pyfftw", "matplotlib", "scipy", "numpy", "pydantic", "tqdm")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Full names of all modules that a module of a package imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def file_accesses(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in FILE_CALLS:
            yield f"{function.id}() in line {node.lineno}"
        elif isinstance(function, ast.Attribute) and function.attr in FILE_ATTRIBUTES:
            owner = function.value
            # text.replace and the like are no files; what numpy and os do is
            if function.attr not in {"replace", "remove", "load", "open"} or (
                isinstance(owner, ast.Name) and owner.id in {"os", "np", "numpy", "path", "file"}
            ):
                yield f".{function.attr}() in line {node.lineno}"


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_all_packages_are_looked_at() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in MODULES}
    assert found == set(PACKAGES)
    assert len(MODULES) > 40


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    inside = {one.split(".")[0] for one in imports_of(parsed(path), parts[:-1])} & set(PACKAGES)
    assert inside <= MAY_IMPORT[parts[0]], name_of(path)


@pytest.mark.parametrize("path", [path for path in MODULES if path.relative_to(ROOT).parts[0] != "runs"], ids=name_of)
def test_engines_and_theory_open_no_files(path: Path) -> None:
    tree = parsed(path)
    touched = list(file_accesses(tree))
    touched += [one for one in imports_of(tree, path.relative_to(ROOT).parts[:-1]) if one.split(".")[0] in FILE_MODULES]
    assert bool(touched) == (name_of(path) in OWNS_A_CACHE), touched


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_text_is_evaluated(path: Path) -> None:
    calls = [
        f"{node.func.id}() in line {node.lineno}"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec", "__import__"}
    ]
    assert not calls
    # sympy's parsers run what they are given
    parsers = {"sympify", "parse_expr", "sympy.parsing"}
    assert not parsers & {one.split(".")[-1] for one in imports_of(parsed(path), ())}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import numpy as np\nnp.save('a', 1)", [".save() in line 2"]),
        ("def f():\n    return open('a')", ["open() in line 2"]),
        ("import os\nos.replace('a', 'b')", [".replace() in line 2"]),
        ("'a'.replace('a', 'b')", []),
    ],
)
def test_the_search_for_files_finds_them(text: str, expected: list[str]) -> None:
    assert list(file_accesses(ast.parse(text))) == expected


def test_the_search_for_imports_finds_them() -> None:
    text = "from . import a\nfrom .b import c\nfrom ..d import e\ndef f():\n    import runs.store\n"
    found = set(imports_of(ast.parse(text), ("theory", "inner")))
    assert {"theory.inner.a", "theory.inner.b.c", "theory.d.e", "runs.store"} <= found


def loaded_by(program: str) -> set[str]:
    """Heavy modules that are there after a program has run in a process of its own."""
    tail = f"\nimport sys\nprint('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-c", program + tail],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


HELP = """
from runs.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert end.code == {code}, end.code
"""


@pytest.mark.parametrize(
    ("program", "allowed"),
    [
        ("import runs.cli", set()),
        (HELP.format(arguments=["--help"], code=0), set()),
        (HELP.format(arguments=["run", "--help"], code=0), set()),
        (HELP.format(arguments=["run"], code=2), set()),
        ("import theory.model, runs.store", {"numpy", "h5py", "sympy", "scipy"}),
    ],
    ids=["import", "help", "help of a command", "error of usage", "model and store"],
)
def test_heavy_modules_wait_until_they_are_needed(program: str, allowed: set[str]) -> None:
    assert loaded_by(program) <= allowed
