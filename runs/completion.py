"""Runs as far as they are not there yet: for scripts that need many and may be started again."""

from collections.abc import Sequence
from pathlib import Path

from runs.execute import resume, run
from runs.runfile import RunSpecification, Scale
from runs.store.series import list_segments, open_series

# frames lie at multiples of the interval up to round-off
_ROUND_OFF = 1e-9


def complete(
    specification: RunSpecification, directory: Path, *, scales: Sequence[Scale] | None = None, threads: int | None = None
) -> bool:
    """Run a specification, or what its directory lacks of its scales and of its duration; print how that ended.

    Parameters
    ----------
    specification
        The run. What a directory holds already is taken for it.
    directory
        Run directory.
    scales
        Which to run; by default all that are stated.
    threads
        Threads of the engines; by default as :func:`runs.execute.run`.

    Returns
    -------
    bool
        Whether nothing is missing any more: neither interrupted nor failed.

    Raises
    ------
    InputError
        The file states no such scale, or the model cannot be run at it.
    StoreError
        The directory is locked, damaged, or cannot be written.
    """
    wanted = list(scales) if scales else list(specification.scales)
    duration = specification.run.duration
    if all(_reached(directory / scale) >= duration * (1.0 - _ROUND_OFF) for scale in wanted):
        return True
    if any((directory / scale).is_dir() for scale in wanted):
        outcomes = resume(directory, duration=duration, threads=threads, quiet=True)
    else:
        outcomes = run(specification, directory, scales=wanted, threads=threads, quiet=True)
    for one in outcomes:
        told = f"{directory}, {one.scale}: {one.status} at t = {one.time:g} after {one.seconds:.0f} s"
        print(". ".join([told, *filter(None, [one.message]), *one.warnings]), flush=True)
    return all(one.status == "done" for one in outcomes)


def _reached(directory: Path) -> float:
    """Time of the last frame of a scale; 0 where there is none."""
    return float(open_series(directory).times[-1]) if list_segments(directory) else 0.0
