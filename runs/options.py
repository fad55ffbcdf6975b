"""The arguments of the command ``twoscale``."""

import argparse
from pathlib import Path
from typing import Any

from runs.gallery import gallery_names

_DESCRIPTION = """\
Mixtures of active particles, stated once in a run file (TOML) and seen three ways: as particles, as fields, as theory.
"""
_EPILOG = """\
FILE is a run file, or the name of a gallery run: {gallery}.

exit codes: 0 done, 2 bad input, 3 numerical failure (the last good state is stored), 4 input or output failed,
75 interrupted with a checkpoint (continue with 'twoscale resume DIR'), 130 interrupted twice
"""


def parser() -> argparse.ArgumentParser:
    """What reads the arguments of all commands; ``command`` of its result is the name of the chosen one."""
    whole = argparse.ArgumentParser(
        prog="twoscale",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(gallery=", ".join(gallery_names())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=_version())
    commands = whole.add_subparsers(dest="command", title="commands", metavar="COMMAND", required=True)
    for add in (_running, _theorising, _analysing, _drawing):
        add(commands)
    return whole


def _running(commands: Any) -> None:
    """Commands that run a file, and say what is in it."""
    run = _command(commands, "run", "run a file at one or both scales", file=True)
    scale = run.add_mutually_exclusive_group()
    scale.add_argument("--fields", action="store_true", help="run the fields only")
    scale.add_argument("--particles", action="store_true", help="run the particles only")
    run.add_argument("--output", metavar="DIR", help="run directory (default: results/NAME of the file)")
    _threads(run)

    resume = _command(commands, "resume", "continue an interrupted run, or a finished one for longer")
    _directory(resume)
    resume.add_argument("--duration", type=float, help="new duration (time); default: the run file's")
    _threads(resume)

    _command(commands, "check", "validate a file; print the model, resolution, memory and cost", file=True)
    _command(commands, "keys", "list all keys of a run file with types, units and defaults")


def _theorising(commands: Any) -> None:
    """Commands of theory alone."""
    predict = _command(
        commands, "predict", "theory alone: stability, integrability, entropy production, coexistence", file=True
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

    stability = _command(commands, "stability-map", "instability classes over two parameters or densities", file=True)
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

    _phase_diagram_options(_command(commands, "phase-diagram", "theory's phase diagram of a file's mixture", file=True))


def _analysing(commands: Any) -> None:
    """Commands that measure runs, and compare them."""
    compare = _command(commands, "compare", "theory, fields and particles side by side, with errors")
    compare.add_argument(
        "directories",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="run directories; several of the same model are replicas, or its scales",
    )
    _after(compare)
    _json(compare)

    entropy = _command(commands, "entropy", "entropy production of a run: total, spectrum, across lengths, in space")
    _entropy_options(entropy)

    export = _command(commands, "export", "write the particles for other programs: OVITO, HOOMD-blue, ...")
    _directory(export)
    export.add_argument("--format", required=True, choices=("gsd", "xyz"), help="GSD, or extended XYZ (text)")
    export.add_argument("--output", metavar="FILE", type=Path, help="file to make (default: DIR/particles.gsd or .xyz)")

    kinetic = _command(commands, "kinetic", "mean-field coefficients and growth of polar order from the particles of a run")
    _directory(kinetic)
    _after(kinetic)
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

    onset = _command(commands, "onset", "onset of flocking from runs of several speeds and densities, and from theory")
    onset.add_argument(
        "directories", metavar="DIR", nargs="+", type=Path, help="run directories; several seeds of the same are replicas"
    )
    _after(onset)
    onset.add_argument("--figure", metavar="FILE", type=Path, help="draw it: png, pdf or svg")
    onset.add_argument("--diameter", metavar="D", type=float, help="of a particle: the figure then shows area fractions")
    _json(onset)


def _drawing(commands: Any) -> None:
    """Commands that draw runs."""
    figure = _command(commands, "figure", "draw fields and particles side by side")
    _directory(figure)
    figure.add_argument(
        "--kind", choices=("overview", "kymograph"), default="overview", help="what to draw (default: overview)"
    )
    figure.add_argument(
        "--output", metavar="FILE", type=Path, help="png, pdf or svg (default: DIR/figure.png or kymograph.png)"
    )

    movie = _command(commands, "movie", "film the densities of a run")
    _directory(movie)
    movie.add_argument("--output", metavar="FILE", type=Path, help="gif, or mp4 where ffmpeg is there (default: DIR/movie.gif)")
    movie.add_argument("--rate", metavar="N", type=float, default=15.0, help="pictures per second (default: 15)")


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
    _directory(parser)
    parser.add_argument("--scale", choices=("fields", "particles"), help="only this scale (default: all that there are)")
    parser.add_argument(
        "--frame", choices=("lab", "comoving"), default="lab", help="in which local maps are averaged (default: lab)"
    )
    parser.add_argument("--velocity", metavar="VX,VY,...", help="of the moving frame (default: that of the pattern)")
    parser.add_argument(
        "--lengths", metavar="L,L,...", help="coarse-graining lengths (default: multiples of the sensing range from 3/4 up)"
    )
    parser.add_argument("--filter", choices=("gaussian", "sharp"), default="gaussian", help="of the coarse-graining")
    _after(parser)
    parser.add_argument("--figure", metavar="FILE", type=Path, help="draw rates, spectrum and maps: png, pdf or svg")
    _json(parser)


def _command(commands: Any, name: str, description: str, *, file: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=description[0].upper() + description[1:] + "."
    )
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
        "--threads",
        type=int,
        metavar="N",
        help="threads (default: one per processor that the process may use); results do not depend on it",
    )


def _order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--order", type=int, metavar="K", help="highest angular harmonic (default: fields.order of the file)")


def _directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="run directory")


def _after(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--after", metavar="T", type=float, help="use frames from this time on (default: the second half)")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _version() -> str:
    from importlib.metadata import version

    return f"twoscale {version('twoscale')}"
