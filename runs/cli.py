"""The command ``twoscale``: a thin layer over the functions of this package; its arguments are in :mod:`runs.options`.

Heavy libraries are imported inside the commands that need them, so that help and errors of usage appear at once.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs.gallery import gallery_file, gallery_names
from runs.options import parser

if TYPE_CHECKING:
    from runs.execute import Outcome
    from runs.runfile import RunSpecification

DONE, BAD_INPUT, NUMERICAL_FAILURE, INPUT_OUTPUT, INTERRUPTED, SECOND_INTERRUPT = 0, 2, 3, 4, 75, 130

logger = logging.getLogger("twoscale")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parser().parse_args(arguments)
    # what other libraries have to say of their own progress is not told
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logger.setLevel(logging.WARNING if options.quiet else logging.INFO)
    try:
        code = _COMMANDS[options.command](options)
        # a reader that has gone is noticed here, not by the interpreter's last flush
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("twoscale: interrupted; a run continues from its last checkpoint with 'twoscale resume DIR'", file=sys.stderr)
        return SECOND_INTERRUPT
    except BrokenPipeError:
        # what is left in the buffer goes nowhere, so that the interpreter's last flush is silent
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INPUT_OUTPUT
    except OSError as error:
        print(f"twoscale: {error}", file=sys.stderr)
        return INPUT_OUTPUT
    except ValueError as error:
        if not _is_input_error(error):
            raise
        print(f"twoscale: {error}", file=sys.stderr)
        return BAD_INPUT
    except ArithmeticError as error:
        if not _is_input_error(error):
            raise
        print(f"twoscale: {error}", file=sys.stderr)
        return NUMERICAL_FAILURE
    return code


def _is_input_error(error: Exception) -> bool:
    from theory.errors import InputError, NumericalFailure

    return isinstance(error, InputError | NumericalFailure)


def _load(options: argparse.Namespace) -> "RunSpecification":
    from runs.reading.problems import nearest
    from runs.runfile import load
    from theory.errors import InputError

    path = Path(options.file)
    if not path.exists() and options.file in gallery_names():
        path = gallery_file(options.file)
    elif not path.exists() and (near := nearest(options.file, gallery_names())):
        raise InputError(f"{options.file}: no such file; did you mean the gallery run '{near}'?")
    return load(path, options.overrides)


def _load_for_theory(options: argparse.Namespace) -> "RunSpecification":
    """The run file, with what is probably not meant in its model told."""
    specification = _load(options)
    for advice in specification.model_advice():
        logger.warning("%s", advice)
    return specification


def _run(options: argparse.Namespace) -> int:
    from runs.execute import run
    from theory.errors import InputError

    _check_threads(options.threads)
    specification = _load(options)
    scales = [scale for scale in ("fields", "particles") if getattr(options, scale)]
    if options.output == "":
        raise InputError("--output is empty; name a directory, or leave it out for results/NAME of the file")
    output = Path(options.output or Path("results") / Path(options.file).stem)
    for advice in specification.advice():
        logger.warning("%s", advice)
    outcomes = run(specification, output, scales=scales or None, threads=options.threads, quiet=options.quiet)  # type: ignore[arg-type]
    return _tell(outcomes, output)


def _resume(options: argparse.Namespace) -> int:
    import math

    from runs.execute import resume
    from theory.errors import InputError

    _check_threads(options.threads)
    if options.duration is not None and not (math.isfinite(options.duration) and options.duration > 0.0):
        raise InputError(f"--duration is {options.duration}; it must be positive and finite")
    outcomes = resume(options.directory, duration=options.duration, threads=options.threads, quiet=options.quiet)
    return _tell(outcomes, options.directory, "" if options.duration is None else f" --duration {options.duration:g}")


def _check_threads(threads: int | None) -> None:
    from theory.errors import InputError

    if threads is not None and not 1 <= threads <= 1024:
        raise InputError(f"--threads is {threads}; it must be 1 to 1024")


def _tell(outcomes: "Sequence[Outcome]", directory: Path, options: str = "") -> int:
    code = DONE
    for outcome in outcomes:
        for warning in outcome.warnings:
            logger.warning("%s: %s", outcome.scale, warning)
        print(f"{outcome.scale}: {outcome.status} at t = {outcome.time:g}, step {outcome.step}, after {outcome.seconds:.1f} s")
        if outcome.status == "failed":
            print(f"twoscale: {outcome.scale}: {outcome.message}", file=sys.stderr)
            code = NUMERICAL_FAILURE
        elif outcome.status == "interrupted":
            print(f"continue with: twoscale resume {directory}{options}")
            # a failure asks for more than to continue
            code = code or INTERRUPTED
    print(f"frames: {directory}")
    return code


def _check(options: argparse.Namespace) -> int:
    from runs.check import describe_run

    print(describe_run(_load(options)))
    return DONE


def _keys(options: argparse.Namespace) -> int:
    from runs.check import describe_keys

    print(describe_keys())
    return DONE


def _predict(options: argparse.Namespace) -> int:
    from runs.predict import answer

    wavenumbers = _numbers("--wavenumbers", options.wavenumbers)
    found, text = answer(
        _load_for_theory(options), wavenumbers, order=options.order, cutoff=options.cutoff, figure=options.figure
    )
    _print(options, found, text)
    return DONE


def _stability_map(options: argparse.Namespace) -> int:
    from runs.stability_map import answer

    settings = {"order": options.order, "cells": options.cells}
    found, text = answer(_load_for_theory(options), options.x, options.y, figure=options.figure, **settings)
    _print(options, found, text)
    return DONE


def _phase_diagram(options: argparse.Namespace) -> int:
    from runs.phase_diagram_answer import answer

    figures = {"figure": options.figure, "free_energy": options.free_energy}
    found, text = answer(_load_for_theory(options), parameter=options.parameter, runs=options.runs, **figures)
    _print(options, found, text)
    return DONE


def _print(options: argparse.Namespace, found: Any, text: str) -> None:
    """An answer, as JSON where it is asked for."""
    print(json.dumps(found, allow_nan=False) if options.json else text)


def _numbers(option: str, text: str | None) -> list[float] | None:
    from theory.errors import InputError

    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{option} is '{text}'; write numbers with commas between them, as 0.1,0.5,1.0") from None


def _compare(options: argparse.Namespace) -> int:
    from runs.compare import as_table, compare

    rows = compare(options.directories, after=options.after)
    _print(options, rows, as_table(rows))
    return DONE


def _entropy(options: argparse.Namespace) -> int:
    from runs.entropy_answer import answer

    found, text = answer(
        options.directory,
        figure=options.figure,
        scale=options.scale,
        frame=options.frame,
        kind=options.filter,
        after=options.after,
        lengths=_numbers("--lengths", options.lengths),
        velocity=_numbers("--velocity", options.velocity),
    )
    _print(options, found, text)
    return DONE


def _export(options: argparse.Namespace) -> int:
    from runs.export import export

    print(export(options.directory, options.format, options.output))
    return DONE


def _kinetic(options: argparse.Namespace) -> int:
    from runs.kinetic import kinetic
    from runs.kinetic_text import as_text

    found = kinetic(options.directory, after=options.after, harmonics=options.harmonics, source=options.source)
    if options.output is not None:
        options.output.write_text(found["toml"], encoding="utf-8")
        logger.info("%s", options.output)
    _print(options, found, as_text(found))
    return DONE


def _onset(options: argparse.Namespace) -> int:
    from runs.onset import answer

    found, text = answer(options.directories, after=options.after, figure=options.figure, diameter=options.diameter)
    _print(options, found, text)
    return DONE


def _figure(options: argparse.Namespace) -> int:
    from runs.figures.kymograph import draw_kymograph
    from runs.figures.overview import draw

    print((draw_kymograph if options.kind == "kymograph" else draw)(options.directory, options.output))
    return DONE


def _movie(options: argparse.Namespace) -> int:
    from runs.figures.movie import film

    print(film(options.directory, options.output, rate=options.rate))
    return DONE


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "resume": _resume,
    "check": _check,
    "keys": _keys,
    "predict": _predict,
    "stability-map": _stability_map,
    "phase-diagram": _phase_diagram,
    "compare": _compare,
    "entropy": _entropy,
    "export": _export,
    "kinetic": _kinetic,
    "onset": _onset,
    "figure": _figure,
    "movie": _movie,
}

if __name__ == "__main__":
    sys.exit(main())
