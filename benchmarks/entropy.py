"""Entropy production across scales: linear theory, fields and particles side by side, and a travelling band, in one figure.

    python benchmarks/entropy.py [--output results/entropy] [--figure FILE] [--threads N] [--quick]

Three stable mixtures, one of them integrable ([S1] Eq. 2: couplings d log v/d rho that are constant and symmetric), and the
travelling band of the gallery. Runs that are there already are used as they are, or continued.
"""

import argparse
import sys
from pathlib import Path

# the folder of a script comes first on the path
sys.path.pop(0)

import runs
from runs.completion import complete
from runs.entropy import RunEntropy, entropy
from runs.entropy_answer import as_json, as_text
from runs.figures.entropy import draw_side_by_side
from runs.runfile import load

GALLERY = Path(runs.__file__).parent / "gallery"
# constant couplings, which the kernel leaves integrable
LINEAR = tuple(
    f"model.species.{own}.speed=2*exp((k{own.lower()}*({other} - 100) - 0.1*({own} - 100))/50)" for own, other in ("AB", "BA")
)
# by what is written above them: couplings of A to B and of B to A, and whether they are constant
MIXTURES = {
    "integrable": (0.2, 0.2, LINEAR),
    "non-reciprocal, opposite": (-0.3, 0.3, ()),
    "non-reciprocal, one-sided": (-0.3, 0.0, ()),
}
# what is left out at the start: densities relax in some units of time
TRANSIENT = 20.0
BAND_LENGTHS = (0.3, 0.5, 0.75, 1.0, 1.5)


def measured(name: str, directory: Path, overrides: list[str], options: argparse.Namespace, **how: object) -> RunEntropy:
    """Entropy production of a run of the gallery, run as far as it is not there yet."""
    if not complete(load(GALLERY / f"{name}.toml", overrides), directory, threads=options.threads):
        sys.exit(f"continue with the same command once it is clear why {directory} did not end")
    found = entropy(directory, **how)  # type: ignore[arg-type]
    print(f"{directory}\n{as_text(as_json(found))}\n", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("results/entropy"))
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true", help="shorter runs: larger errors")
    options = parser.parse_args()
    mixtures = {}
    for title, (ka, kb, laws) in MIXTURES.items():
        duration = TRANSIENT + (60.0 if options.quick else 300.0)
        overrides = [*laws, f"model.parameters.ka={ka}", f"model.parameters.kb={kb}", f"run.duration={duration}"]
        directory = options.output / title.rsplit(maxsplit=1)[-1]
        found = measured("circulation", directory, overrides, options, after=TRANSIENT)
        mixtures[f"{title}\n$\\kappa_A = {ka:g}$, $\\kappa_B = {kb:g}$"] = found
    overrides = ["run.duration=40"] if options.quick else []
    band = measured("travelling-band", options.output / "band", overrides, options, frame="comoving", lengths=BAND_LENGTHS)
    print(draw_side_by_side(mixtures, band, options.figure or options.output / "entropy.png"))


if __name__ == "__main__":
    main()
