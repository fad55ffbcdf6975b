"""Time per particle and step of the particle engine beside a Fourier transform of its mesh and a copy of its state.

    python benchmarks/particles.py [--quick] [--numbers 10000,100000] [--threads 1,2] [--samples 41] [--seconds 0.02]

The model is the cross-coupled mixture of [S1] figure 3 with 100 particles in a squared sensing range, half of each species, and
a self-inhibition so weak that it stays homogeneous. For what the columns mean see benchmarks/README.md.
"""

import argparse
import math
import sys
from typing import Literal

import numpy as np
from fields import alternately, cross_mixture, integers
from scipy import fft

# the folder of a script comes first on the path, where this file would stand in for the package of the same name
sys.path.pop(0)

from particles import ParticleEngine
from particles.mesh import grid_for

DENSITY = 100.0
MESH_SPACING = 0.125
TIME_STEP = 0.02


def measure(sensing: Literal["mesh", "exact"], number: int, threads: int, samples: int, seconds: float) -> str:
    """One row of the table."""
    model = cross_mixture(self_inhibition=0.1)
    species = model.number_of_species
    size = np.full(2, math.sqrt(number / DENSITY))
    engine = ParticleEngine(
        model,
        size,
        [DENSITY / species] * species,
        time_step=TIME_STEP,
        sensing=sensing,
        seed=1,
        mesh_spacing=MESH_SPACING if sensing == "mesh" else None,
        threads=threads,
        save_positions=False,
    )
    meshes = np.random.default_rng(1).random((species, *grid_for(size, MESH_SPACING).shape))
    state = [engine.positions, engine.orientations, engine.identities]
    copies = [np.empty_like(one) for one in state]

    def step() -> None:
        engine.advance((engine.step + 1) * TIME_STEP)

    def transform() -> None:
        fft.irfft2(fft.rfft2(meshes, workers=threads), s=meshes.shape[1:], workers=threads)

    def copy() -> None:
        for source, target in zip(state, copies, strict=True):
            np.copyto(target, source)

    found = alternately([step, transform, copy], samples, seconds) / engine.species.size * 1e9
    whole, transforms, copied = np.median(found, axis=0)
    ratios = np.median(found[:, :1] / found[:, 1:], axis=0)
    return (
        f"{sensing:>7} {engine.species.size:9d} {threads:8d} {whole:10.1f} {transforms:9.2f} {copied:9.2f} "
        f"{ratios[0]:9.1f} {ratios[1]:9.0f} {1e9 / (whole * engine.species.size):9.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--numbers", type=integers, default=[10_000, 100_000], help="particles (default 10000,100000)")
    parser.add_argument("--threads", type=integers, default=[1, 2], help="numbers of threads (default 1,2)")
    parser.add_argument("--samples", type=int, default=41, help="measurements of which the median is printed (default 41)")
    parser.add_argument("--seconds", type=float, default=0.02, help="least time of one measurement (default 0.02)")
    parser.add_argument("--quick", action="store_true", help="10000 particles, one thread, short measurements")
    options = parser.parse_args()
    if options.samples < 1 or not (math.isfinite(options.seconds) and options.seconds > 0.0):
        parser.error("--samples must be at least 1 and --seconds positive")
    if options.quick:
        options.numbers, options.threads, options.samples, options.seconds = [10_000], [1], 7, 0.01
    print(
        f"{'sensing':>7} {'particles':>9} {'threads':>8} {'step/ns':>10} {'fft/ns':>9} {'copy/ns':>9} "
        f"{'step/fft':>9} {'step/copy':>9} {'steps/s':>9}"
    )
    for number in options.numbers:
        for threads in options.threads:
            for sensing in ("mesh", "exact"):
                print(measure(sensing, number, threads, options.samples, options.seconds), flush=True)


if __name__ == "__main__":
    main()
