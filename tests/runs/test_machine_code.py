"""A run whose loops are compiled first gives the same bits as one that finds them in the cache.

numba optimises the loops of threads once more when it stores them: what it may do to a floating-point operation must not change
its result.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.small_runs import MIXTURE, assert_same_runs, written
from tests.runs.test_kinetic import JANUS


def run(file: str, directory: Path, caches: Path) -> None:
    """The command in a process of its own, which knows what is in these caches and nothing else."""
    places = {"NUMBA_CACHE_DIR": str(caches / "numba"), "TWOSCALE_CACHE": str(caches / "laws")}
    arguments = ["run", file, "--output", str(directory), "--threads", "1", "--quiet", "--set", "run.duration=0.2"]
    subprocess.run([sys.executable, "-m", "runs.cli", *arguments], env={**os.environ, **places}, check=True)


@pytest.mark.parametrize(
    ("text", "scales"), [(MIXTURE, ("fields", "particles")), (JANUS, ("particles",))], ids=["mixture", "janus"]
)
def test_the_first_run_is_like_every_later_one(text: str, scales: tuple[str, ...], tmp_path: Path) -> None:
    file, caches = written(tmp_path, text), tmp_path / "caches"
    for name in ("first", "later"):
        run(file, tmp_path / name, caches)
    assert list((caches / "numba").rglob("*.nbc"))
    for scale in scales:
        assert_same_runs(tmp_path / "first", tmp_path / "later", scale)
