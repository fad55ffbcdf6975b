"""Where numbers come from: versions, host, settings; and FFTW's memory of its plans on this machine."""

import datetime
import importlib.metadata
import logging
import os
import platform
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from runs.store.atomic import write_atomically
from theory.frames import Json

logger = logging.getLogger("twoscale")

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


def _wisdom_file() -> Path:
    from theory.generated import cache_directory

    return cache_directory() / f"fftw-{platform.machine()}.wisdom"


def recall_wisdom() -> None:
    """Give FFTW what it learnt on this machine, so that runs with the same grid use the same plans, bit for bit."""
    from theory import fourier

    try:
        known = _wisdom_file().read_bytes()
    except OSError:
        logger.debug("no stored FFTW wisdom")
        return
    if not fourier.learn(known):
        logger.warning("the stored FFTW wisdom %s is damaged or of another version; planning anew", _wisdom_file())


def keep_wisdom() -> None:
    """Store what FFTW has learnt, for later runs on this machine."""
    from theory import fourier

    file, known = _wisdom_file(), fourier.wisdom()
    try:
        if not file.is_file() or file.read_bytes() != known:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(file, [known])
    except OSError as error:
        logger.info("FFTW's plans are not kept for later runs: %s", error)
