import importlib
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.theory.models import cross
from theory import Model, Motion, Species, codegen

RUN = Motion(tumble_rate=1.0)
TEXTS = [
    "exp(-tanh((A - 50)/15) + k*tanh((B - 50)/15))",
    "k/(1 + (A/20)**4) + 0.1",
    "sqrt(A + 1)*log(B + 2)**2 + sin(A)**2 + atan(B)*cosh(0.01*A) + sinh(0.01*B) + cos(B)**2",
    "(A + B)**1.5/(1 + total)**-2 + A**-1 + B**7*1e-9",
    "2.5",
]


@pytest.mark.parametrize("text", TEXTS)
def test_compiled_loop_agrees_with_the_tree(text: str) -> None:
    model = Model(2, [Species("A", RUN, text), Species("B", RUN, "1.0")], {"k": 0.7})
    points = np.random.default_rng(3).uniform(1.0, 120.0, (2, 5000))
    out = np.empty((2, 5000))
    codegen.CompiledLaws(model).over(points, out)
    np.testing.assert_allclose(out, model.speed(points), rtol=3e-14)


def test_changing_a_parameter_recompiles_nothing() -> None:
    first, second = cross(0.7, -0.7), cross(0.1, 0.2)
    assert codegen.source_of(first.motility["A"]) == codegen.source_of(second.motility["A"])
    laws = [codegen.CompiledLaws(m) for m in (first, second)]
    assert laws[0].of(0) is laws[1].of(0)
    points, out = np.full((2, 4), 60.0), np.empty((2, 4))
    for model, law in zip((first, second), laws, strict=True):
        law.over(points, out)
        np.testing.assert_allclose(out, model.speed(points), rtol=1e-14)


def test_channels_choose_the_rows() -> None:
    model = Model(2, [Species("A", RUN, "A + 10*B"), Species("B", RUN, "1.0")])
    over = codegen.CompiledLaws(model).of(0)
    points, out = np.array([[1.0], [2.0], [3.0]]), np.empty(1)
    over(points, np.array([2, 0]), codegen.CompiledLaws(model).parameters, out)
    assert out[0] == pytest.approx(13.0)


def _in_new_process(cache: Path, **environment: str) -> str:
    code = (
        "import numpy as np, logging; logging.basicConfig(level=logging.INFO)\n"
        "from theory import Model, Motion, Species, codegen\n"
        "m = Model(2, [Species('A', Motion(1.0), '3.0*A + 1')])\n"
        "out = np.empty((1, 1)); codegen.CompiledLaws(m).over(np.array([[2.0]]), out); print(out[0, 0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TWOSCALE_CACHE": str(cache), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_cache_is_written_used_and_survives_damage(tmp_path: Path) -> None:
    assert _in_new_process(tmp_path) == "7.0"
    index = list(tmp_path.rglob("*.nbi"))
    assert index, "numba kept no machine code"
    for file in index:
        file.write_bytes(b"damaged")
    assert _in_new_process(tmp_path) == "7.0"
    for file in tmp_path.glob("*.py"):
        file.write_text("raise SystemExit('foreign text')")
    assert _in_new_process(tmp_path) == "7.0"


def test_without_a_writable_cache_the_law_lives_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "a file, not a directory"
    blocked.write_text("")
    blocked.chmod(stat.S_IRUSR)
    monkeypatch.setenv("TWOSCALE_CACHE", str(blocked))
    model = Model(2, [Species("A", RUN, "4.0*A + 0.25")])
    out = np.empty((1, 1))
    codegen.CompiledLaws(model).over(np.array([[2.0]]), out)
    assert out[0, 0] == 8.25


def test_template_imports_nothing_but_our_loops() -> None:
    source = codegen.source_of(cross(0.1, 0.2).motility["A"])
    imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    assert imports == [
        "from math import atan, cos, cosh, sin, sinh, sqrt",
        "import numba",
        "from theory._loops import exp, log, tanh",
        "from theory.compiling import loop, parallel_loop",
    ]
    assert importlib.util.find_spec("theory._loops") is not None
    assert logging.getLogger("twoscale").name == "twoscale"
