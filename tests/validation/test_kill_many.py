"""Twenty kills per engine; see ``tests/runs/test_kill.py``."""

from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from runs.runfile import Scale
from tests.runs.test_kill import kill_and_resume, server

__all__ = ["server"]


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("scale", ["fields", "particles"])
def test_ten_kills_twice(server: ForkServerContext, scale: Scale, seed: int, tmp_path: Path) -> None:
    kill_and_resume(server, tmp_path, scale, 10, seed)
