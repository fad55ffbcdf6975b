"""FFTW's memory of its plans on this machine: equal runs use equal plans, and their results are the same, bit for bit.

Which of several plans is fastest is measured, and comes out differently each time. So what the file knows is never replaced
by what another process measured at the same time: a process that finds the file changed since it read it plans again.
"""

import fcntl
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runs.store.atomic import write_atomically
from theory.fourier import forget, learn, wisdom
from theory.generated import cache_directory

logger = logging.getLogger("twoscale")


def recall_wisdom() -> bytes:
    """Give FFTW what it learnt on this machine, and nothing else; returns what the file holds, empty if there is none."""
    forget()
    known = _stored()
    if known and not learn(known):
        logger.warning("the stored FFTW wisdom %s is damaged or of another version; planning anew", _file())
    return known


def keep_wisdom(known: bytes) -> bool:
    """Store what FFTW has learnt, for later runs on this machine.

    Parameters
    ----------
    known
        What the file held before planning, as :func:`recall_wisdom` told.

    Returns
    -------
    bool
        False if another process has stored plans since, which may be others for the same transforms: nothing is stored then.
    """
    learnt = wisdom()
    try:
        _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _exclusive():
            stored = _stored()
            if stored != known:
                return False
            # what is the same is exported in another order each time
            if set(stored.splitlines()) != set(learnt.splitlines()):
                write_atomically(_file(), [learnt])
    except OSError as error:
        logger.info("FFTW's plans are not kept for later runs: %s", error)
    return True


def _file() -> Path:
    return cache_directory() / f"fftw-{platform.machine()}.wisdom"


def _stored() -> bytes:
    try:
        return _file().read_bytes()
    except OSError:
        logger.debug("no stored FFTW wisdom")
        return b""


@contextmanager
def _exclusive() -> Iterator[None]:
    """The right to change the file, held by one process at a time."""
    descriptor = os.open(_file().with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
