"""Onset of flocking of Janus particles over speed and area fraction: every run, every theory, one figure, as [S2] figure 2.

    python benchmarks/onset.py [--output results/onset] [--figure FILE] [--particles 1024] [--duration 60] [--seeds 1] [--quick]

Runs that are there already are used as they are, or continued. Units are those of [S2] Table 1: lengths in diameters, times in
1/Dr, speeds here in micrometres per second (0.45 per diameter and 1/Dr).
"""

import argparse
import math
import sys
from pathlib import Path

# the folder of a script comes first on the path
sys.path.pop(0)

import runs
from runs.completion import complete
from runs.figures.onset import draw_onset
from runs.onset import as_text, onset
from runs.runfile import load

MICROMETRE_PER_SECOND = 1.0 / 0.45
# time step (1/Dr) and area fractions about the onset, by speed
PLAN = {
    2.0: (1e-3, (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)),
    5.0: (1e-3, (0.02, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3)),
    10.0: (1e-3, (0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2)),
    20.0: (5e-4, (0.005, 0.01, 0.02, 0.03, 0.04, 0.055, 0.07, 0.1)),
    60.0: (2e-4, (0.002, 0.004, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04)),
}
QUICK = {5.0: (1e-3, (0.05, 0.1, 0.15, 0.2, 0.25)), 20.0: (5e-4, (0.01, 0.02, 0.04, 0.07))}
OUTPUT_INTERVAL = 0.2


def simulate(directory: Path, speed: float, time_step: float, fraction: float, seed: int, options: argparse.Namespace) -> None:
    """One run, as far as it is not there yet."""
    density = 4.0 * fraction / math.pi
    overrides = [
        f"model.species[0].speed={speed * MICROMETRE_PER_SECOND!r}",
        f"composition.A={density!r}",
        f"domain.size={math.sqrt(options.particles / density)!r}",
        f"model.interactions[0].cutoff={options.cutoff!r}",
        f"run.duration={options.duration!r}",
        f"run.output_interval={OUTPUT_INTERVAL}",
        f"run.seed={seed}",
        f"particles.time_step={time_step!r}",
    ]
    specification = load(Path(runs.__file__).parent / "gallery" / "janus-isotropic.toml", overrides)
    if not complete(specification, directory, scales=["particles"], threads=options.threads):
        sys.exit(f"continue with the same command once it is clear why {directory} did not end")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("results/onset"))
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--particles", type=int, default=1024)
    parser.add_argument("--duration", type=float, default=60.0)
    parser.add_argument("--cutoff", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, default=1, help="runs at each speed and density (default 1)")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    plan = QUICK if options.quick else PLAN
    directories = []
    for seed in range(1, options.seeds + 1):
        for speed, (time_step, fractions) in plan.items():
            for fraction in fractions:
                directory = options.output / f"speed-{speed:g}-fraction-{fraction:g}-seed-{seed}"
                simulate(directory, speed, time_step, fraction, seed, options)
                directories.append(directory)
    found = onset(directories)
    print(as_text(found))
    target = options.figure or options.output / "onset.png"
    print(draw_onset(found, target, diameter=1.0, speed_unit=(0.45, "µm/s")))


if __name__ == "__main__":
    main()
