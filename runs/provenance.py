"""Where numbers come from: versions, host, settings."""

import datetime
import importlib.metadata
import os
import platform
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from theory.frames import Json

_PACKAGES = ("twoscale", "numpy", "scipy", "numba", "llvmlite", "pyFFTW", "h5py", "sympy", "pydantic")


def provenance(*, seed: int, threads: int, overrides: Sequence[str]) -> dict[str, Json]:
    """Facts that are stored with a run: versions, seed, host, FFT planner, overrides of the run file."""
    import pyfftw

    from theory.fourier import PLANNER

    versions: dict[str, Json] = {name: importlib.metadata.version(name) for name in _PACKAGES}
    versions["python"] = platform.python_version()
    versions["fftw"] = str(pyfftw.fftw_version)
    return {
        "versions": versions,
        "seed": seed,
        "threads": threads,
        "overrides": list(overrides),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "fft_planner": PLANNER,
    }
