"""The command ``twoscale``: a thin layer over the functions of this package.

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

if TYPE_CHECKING:
    from runs.execute import Outcome
    from runs.runfile import RunSpecification

DONE, BAD_INPUT, NUMERICAL_FAILURE, INPUT_OUTPUT, INTERRUPTED, SECOND_INTERRUPT = 0, 2, 3, 4, 75, 130

logger = logging.getLogger("twoscale")

_DESCRIPTION = """\
Mixtures of active particles, stated once in a run file (TOML) and seen three ways: as particles, as fields, as theory.
"""
_EPILOG = """\
FILE is a run file, or the name of a gallery run: {gallery}.

exit codes: 0 done, 2 bad input, 3 numerical failure (the last good state is stored), 4 input or output failed,
75 interrupted with a checkpoint (continue with 'twoscale resume DIR'), 130 interrupted twice
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    # what other libraries have to say of their own progress is not told
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logger.setLevel(logging.WARNING if options.quiet else logging.INFO)
    try:
        code: int = options.command(options)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="twoscale",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(gallery=", ".join(gallery_names())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = _command(commands, "run", _run, "run a file at one or both scales", file=True)
    scale = run.add_mutually_exclusive_group()
    scale.add_argument("--fields", action="store_true", help="run the fields only")
    scale.add_argument("--particles", action="store_true", help="run the particles only")
    run.add_argument("--output", metavar="DIR", help="run directory (default: results/NAME of the file)")
    _threads(run)

    resume = _command(commands, "resume", _resume, "continue an interrupted run, or a finished one for longer")
    resume.add_argument("directory", metavar="DIR", type=Path, help="run directory")
    resume.add_argument("--duration", type=float, help="new duration (time); default: the run file's")
    _threads(resume)

    _command(commands, "check", _check, "validate a file; print the model, resolution, memory and cost", file=True)
    _command(commands, "keys", _keys, "list all keys of a run file with types, units and defaults")

    predict = _command(
        commands, "predict", _predict, "theory alone: stability, integrability, entropy production, coexistence", file=True
    )
    predict.add_argument("--wavenumbers", metavar="Q,Q,...", help="evaluate the dispersion relation at these (1/length)")
    _order(predict)
    predict.add_argument(
        "--cutoff",
        metavar="Q",
        type=float,
        help="largest wavenumber of the entropy production (default: all, if that converges)",
    )
    predict.add_argument("--figure", metavar="FILE", type=Path, help="draw the dispersion relation: png, pdf or svg")
    _json(predict)

    stability = _command(
        commands, "stability-map", _stability_map, "instability classes over two parameters or densities", file=True
    )
    for axis in ("x", "y"):
        words = "model.parameters.NAME=LOW:HIGH or composition.SPECIES=LOW:HIGH"
        stability.add_argument(axis, metavar="KEY=LOW:HIGH", help=f"{axis} axis: {words}")
    _order(stability)
    stability.add_argument(
        "--cells",
        type=int,
        metavar="N",
        help="cells per side that bracket the boundaries (default: 24); smaller regions are missed",
    )
    stability.add_argument("--figure", metavar="FILE", type=Path, help="draw the map: png, pdf or svg")
    _json(stability)

    _phase_diagram_options(
        _command(commands, "phase-diagram", _phase_diagram, "theory's phase diagram of a file's mixture", file=True)
    )

    compare = _command(commands, "compare", _compare, "theory, fields and particles side by side, with errors")
    compare.add_argument(
        "directories",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="run directories; several of the same model are replicas, or its scales",
    )
    compare.add_argument("--after", metavar="T", type=float, help="use frames from this time on (default: the second half)")
    _json(compare)

    entropy = _command(commands, "entropy", _entropy, "entropy production of a run: total, spectrum, across lengths, in space")
    _entropy_options(entropy)

    export = _command(commands, "export", _export, "write the particles for other programs: OVITO, HOOMD-blue, ...")
    export.add_argument("directory", metavar="DIR", type=Path, help="run directory")
    export.add_argument("--format", required=True, choices=("gsd", "xyz"), help="GSD, or extended XYZ (text)")
    export.add_argument("--output", metavar="FILE", type=Path, help="file to make (default: DIR/particles.gsd or .xyz)")

    kinetic = _command(
        commands, "kinetic", _kinetic, "mean-field coefficients and growth of polar order from the particles of a run"
    )
    kinetic.add_argument("directory", metavar="DIR", type=Path, help="run directory")
    kinetic.add_argument("--after", metavar="T", type=float, help="use frames from this time on (default: the second half)")
    kinetic.add_argument("--harmonics", metavar="M", type=int, default=4, help="number of torque harmonics (default: 4)")
    kinetic.add_argument(
        "--source",
        choices=("frames", "distribution"),
        help="sums over the particles in the frames, or integrals of the pair distribution that the run gathered "
        "(default: the distribution where it is there and fine enough)",
    )
    kinetic.add_argument(
        "--output", metavar="FILE", type=Path, help="write the coefficients there, as a part of a run file of the fields"
    )
    _json(kinetic)

    onset = _command(commands, "onset", _onset, "onset of flocking from runs of several speeds and densities, and from theory")
    onset.add_argument("directories", metavar="DIR", nargs="+", type=Path, help="run directories")
    onset.add_argument("--after", metavar="T", type=float, help="use frames from this time on (default: the second half)")
    onset.add_argument("--figure", metavar="FILE", type=Path, help="draw it: png, pdf or svg")
    onset.add_argument("--diameter", metavar="D", type=float, help="of a particle: the figure then shows area fractions")
    _json(onset)

    figure = _command(commands, "figure", _figure, "draw fields and particles side by side")
    figure.add_argument("directory", metavar="DIR", type=Path, help="run directory")
    figure.add_argument(
        "--kind", choices=("overview", "kymograph"), default="overview", help="what to draw (default: overview)"
    )
    figure.add_argument(
        "--output", metavar="FILE", type=Path, help="png, pdf or svg (default: DIR/figure.png or kymograph.png)"
    )

    movie = _command(commands, "movie", _movie, "film the densities of a run")
    movie.add_argument("directory", metavar="DIR", type=Path, help="run directory")
    movie.add_argument("--output", metavar="FILE", type=Path, help="gif, or mp4 where ffmpeg is there (default: DIR/movie.gif)")
    movie.add_argument("--rate", metavar="N", type=float, default=15.0, help="pictures per second (default: 15)")
    return parser


def _phase_diagram_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--figure", metavar="FILE", type=Path, help="draw the diagram: png, pdf or svg")
    parser.add_argument(
        "--free-energy", metavar="FILE", type=Path, help="draw the free energy and its tangent plane at the file's composition"
    )
    parser.add_argument(
        "--parameter",
        metavar="KEY=LOW:HIGH",
        help="of one species: over the values of a key, for example model.parameters.k=0.2:1.5",
    )
    parser.add_argument(
        "--runs",
        metavar="DIR",
        nargs="+",
        type=Path,
        default=[],
        help="run directories whose phase densities and compositions the figure shows",
    )
    _json(parser)


def _entropy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="run directory")
    parser.add_argument("--scale", choices=("fields", "particles"), help="only this scale (default: all that there are)")
    parser.add_argument(
        "--frame", choices=("lab", "comoving"), default="lab", help="in which local maps are averaged (default: lab)"
    )
    parser.add_argument("--velocity", metavar="VX,VY,...", help="of the moving frame (default: that of the pattern)")
    parser.add_argument(
        "--lengths", metavar="L,L,...", help="coarse-graining lengths (default: multiples of the sensing range from 3/4 up)"
    )
    parser.add_argument("--filter", choices=("gaussian", "sharp"), default="gaussian", help="of the coarse-graining")
    parser.add_argument("--after", metavar="T", type=float, help="use frames from this time on (default: the second half)")
    parser.add_argument("--figure", metavar="FILE", type=Path, help="draw rates, spectrum and maps: png, pdf or svg")
    _json(parser)


def _command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], description: str, *, file: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=description[0].upper() + description[1:] + "."
    )
    parser.set_defaults(command=function)
    parser.add_argument("--quiet", action="store_true", help="no progress, only results and warnings")
    if file:
        parser.add_argument("file", metavar="FILE", help="run file, or the name of a gallery run")
        parser.add_argument(
            "--set",
            metavar="KEY=VALUE",
            action="append",
            default=[],
            dest="overrides",
            help="replace a value of the file, for example model.parameters.v0=2 (may be repeated)",
        )
    return parser


def _threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads (default: one per processor); results do not depend on it"
    )


def _order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--order", type=int, metavar="K", help="highest angular harmonic (default: fields.order of the file)")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _version() -> str:
    from importlib.metadata import version

    return f"twoscale {version('twoscale')}"


def _gallery() -> Path:
    return Path(__file__).parent / "gallery"


def gallery_names() -> list[str]:
    """Names of the ready-made runs."""
    return sorted(path.stem for path in _gallery().glob("*.toml"))


def _load(options: argparse.Namespace) -> "RunSpecification":
    from runs.reading.problems import nearest
    from runs.runfile import load
    from theory.errors import InputError

    path = Path(options.file)
    if not path.exists() and options.file in gallery_names():
        path = _gallery() / f"{options.file}.toml"
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


if __name__ == "__main__":
    sys.exit(main())
