"""Running a run file: engines advance, frames go to the store, checkpoints keep what was reached."""

import logging
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runs.engines import Engine, build_engine
from runs.frames_of_run import SCALES, begun, stored_specification
from runs.initial_source import FROM_ELSEWHERE, Source, keep_source, kept_source, read_source
from runs.interruption import Interruption, listening
from runs.progress import Progress
from runs.provenance import provenance
from runs.runfile import RunSpecification, Scale
from runs.store import RunLock, Store, StoreError, write_run_file
from theory.errors import NumericalFailure
from theory.frames import Json

if TYPE_CHECKING:
    from runs.reading.settings import RunSettings

logger = logging.getLogger("twoscale")

Status = Literal["done", "interrupted", "failed"]

# frames waiting in memory are written before they take more than this
_BUFFER_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Outcome:
    """How one scale of a run ended.

    Parameters
    ----------
    scale
        "fields" or "particles".
    status
        "done", "interrupted" (with a checkpoint) or "failed" (the last good state is stored).
    message
        Why, if it failed.
    warnings
        What a reader of the results must know.
    directory
        Where the frames are.
    time, step
        Physical time and number of steps reached.
    seconds
        Wall-clock time since the run was started or resumed (seconds).
    """

    scale: Scale
    status: Status
    message: str
    warnings: tuple[str, ...]
    directory: Path
    time: float
    step: int
    seconds: float


def run(
    specification: RunSpecification,
    output: Path | str,
    *,
    scales: Sequence[Scale] | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> list[Outcome]:
    """Run what a run file states, at one or both scales, into a new directory.

    Parameters
    ----------
    specification
        The run.
    output
        Run directory; made if missing, refused if it holds a run.
    scales
        Which to run; by default all that the file states.
    threads
        Threads of the engines; by default one per processor that this process may use. Results do not depend on it.
    quiet
        Show no progress.

    Returns
    -------
    list of Outcome
        One per scale that was begun.

    Raises
    ------
    InputError
        The file states no such scale, or the model cannot be run at it.
    StoreError
        The directory holds a run, is locked, or cannot be written.
    """
    wanted = list(scales) if scales else list(specification.require_scale())
    for scale in wanted:
        specification.require_scale(scale)
    directory, count = Path(output), threads or _processors()
    if _begun(directory):
        raise StoreError(
            f"{directory}: holds a run already; continue it with 'twoscale resume {directory}', or choose another --output"
        )
    if begun(directory.parent, directory.name):
        raise StoreError(f"{directory}: holds one scale of the run {directory.parent}; choose another --output")
    # engines first: a model that cannot be run leaves no directory behind
    source = read_source(specification) if specification.initial.state in FROM_ELSEWHERE else None
    engines = {scale: build_engine(specification, scale, count, source) for scale in wanted}
    with RunLock(directory):
        write_run_file(directory, specification.text)
        if source is not None:
            keep_source(directory, specification.model.names, source)
        facts = provenance(seed=specification.run.seed, threads=count, overrides=specification.overrides)
        facts["scales"] = list(wanted)
        stores = {
            scale: _begin(directory / scale, scale, engine, facts, specification.text) for scale, engine in engines.items()
        }
        return _simulate_all(engines, stores, specification.run, quiet)


def _processors() -> int:
    """Number of processors that this process may use: a batch system often gives it fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begun(directory: Path) -> list[Scale]:
    """The scales of which a directory holds a checkpoint."""
    return [scale for scale in SCALES if begun(directory, scale)]


def _begin(directory: Path, scale: Scale, engine: Engine, facts: Mapping[str, Json], text: str) -> Store:
    """A store that holds the initial state and no frames."""
    store = Store.create(directory, scale=scale, provenance=facts, run_file_text=text, blobs={}, time_units="time")
    # with the state comes the wisdom of the plans: a run killed at once resumes to the same bits
    store.commit(engine.state())
    return store


def resume(
    output: Path | str, *, duration: float | None = None, threads: int | None = None, quiet: bool = False
) -> list[Outcome]:
    """Continue an interrupted run to its end, or a finished one to a longer duration.

    Parameters
    ----------
    output
        Run directory.
    duration
        New physical duration (time); by default the run file's.
    threads, quiet
        As in :func:`run`.

    Raises
    ------
    StoreError
        There is no run, it is locked, or its files are damaged.
    """
    directory, count = Path(output), threads or _processors()
    if not _begun(directory):
        if begun(directory.parent, directory.name):
            raise StoreError(f"{directory}: holds one scale of a run; give the directory of the run, {directory.parent}")
        raise StoreError(f"{directory}: holds no run; start one with 'twoscale run FILE --output {directory}'")
    with RunLock(directory):
        stores, engines = {}, {}
        for scale in _begun(directory):
            store, checkpoint = Store.resume(directory / scale)
            for warning in (*checkpoint.warnings, *(f"dropped {name}, newer than the checkpoint" for name in store.dropped)):
                logger.warning("%s: %s", scale, warning)
            facts = checkpoint.provenance
            specification = stored_specification(directory, facts)
            engine = build_engine(specification, scale, count, _kept(directory, specification))
            if checkpoint.state is not None:
                engine.restore(checkpoint.state)
            stores[scale], engines[scale] = store, engine
        for scale in _not_begun(facts, stores):
            engines[scale] = build_engine(specification, scale, count, _kept(directory, specification))
            stores[scale] = _begin(directory / scale, scale, engines[scale], facts, specification.text)
        settings = specification.run
        if duration is not None:
            settings = settings.model_copy(update={"duration": duration})
        return _simulate_all(engines, stores, settings, quiet)


def _kept(directory: Path, specification: RunSpecification) -> Source | None:
    if specification.initial.state not in FROM_ELSEWHERE:
        return None
    return kept_source(directory, specification.model.names)


def _not_begun(facts: Mapping[str, Json], begun: Mapping[Scale, Store]) -> list[Scale]:
    """Scales of a run that was killed before they had their first checkpoint."""
    wanted = facts.get("scales", [])
    return [scale for scale in SCALES if isinstance(wanted, list) and scale in wanted and scale not in begun]


def _simulate_all(
    engines: dict[Scale, Engine], stores: dict[Scale, Store], settings: "RunSettings", quiet: bool
) -> list[Outcome]:
    outcomes = []
    with listening() as interruption:
        for scale, engine in engines.items():
            outcome = _simulate(scale, engine, stores[scale], settings, interruption, quiet)
            outcomes.append(outcome)
            # the scales do not need each other: a failure of one does not keep the other from running
            if outcome.status == "interrupted":
                break
    return outcomes


def _simulate(
    scale: Scale, engine: Engine, store: Store, settings: "RunSettings", interruption: Interruption, quiet: bool
) -> Outcome:
    """Advance one engine to the end, storing frames at the output times and checkpoints in between."""
    started = time.monotonic()
    outputs = math.floor(settings.duration / settings.output_interval * (1.0 + 1e-12))
    next_output = store.frames_stored
    good = engine.state()
    status: Status = "done"
    message = ""
    due, committed = started + settings.checkpoint_interval, engine.step
    with Progress(scale, engine.time, settings.duration, quiet=quiet) as progress:

        def pause() -> bool:
            progress.update(engine.time, engine.step)
            # at least one step between two checkpoints, however short their interval
            late = settings.checkpoint_interval > 0.0 and engine.step > committed and time.monotonic() > due
            return interruption.asked or late

        try:
            while True:
                target = next_output * settings.output_interval if next_output <= outputs else settings.duration
                reached = engine.advance(target, interrupt=pause)
                progress.update(engine.time, engine.step)
                if reached and next_output <= outputs:
                    store.append(engine.frame())
                    next_output += 1
                elif reached:
                    break
                good = engine.state()
                if interruption.asked:
                    status = "interrupted"
                    break
                if time.monotonic() >= due or store.buffered_bytes > _BUFFER_BYTES:
                    store.commit(good)
                    committed = engine.step
                    due = time.monotonic() + settings.checkpoint_interval
            good = engine.state()
        except NumericalFailure as failure:
            status, message = "failed", str(failure)
        finally:
            # also for a second interrupt and for errors of any kind: what was reached is kept
            store.commit(good)
    return Outcome(
        scale, status, message, tuple(engine.warnings()), store.directory, engine.time, engine.step, time.monotonic() - started
    )
