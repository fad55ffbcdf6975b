"""Time of each observable of a particle configuration, at the size of [S2]'s largest simulations.

    python benchmarks/observables.py [--number 40000] [--samples 3] [--threads 1]

Particles are independent, at an area fraction of a quarter. Where freud is installed its times stand beside ours.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# the folder of a script comes first on the path
sys.path.pop(0)

from theory.compiling import set_threads
from theory.fourier import Grid
from theory.interactions import InteractionLaw, PairInteraction
from theory.kinetic.coefficients import sampled_coefficients
from theory.observables.clusters import clusters
from theory.observables.hexatic import bond_correlation, local_bond_order
from theory.observables.orientation import pair_correlation
from theory.observables.pair_distribution import radial_distribution
from theory.observables.relative_distribution import RelativeAccumulator
from theory.observables.structure import particle_modes

AREA_FRACTION = 0.25


def seconds(work: Callable[[], Any], samples: int) -> float:
    """Least processor time of some calls after a first one, which compiles; it does not count what else the machine does."""
    work()
    spent = []
    for _ in range(samples):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def freud_work(positions: np.ndarray, angles: np.ndarray, edge: float, threads: int) -> dict[str, Callable[[], Any]]:
    """The same observables by freud; none where it is not installed."""
    try:
        import freud
    except ImportError:
        return {}
    freud.parallel.set_num_threads(threads)
    box, points = freud.box.Box.square(edge), np.pad(positions - 0.5 * edge, ((0, 0), (0, 1))).astype(np.float32)
    relative = {reach: freud.pmft.PMFTR12(reach, (100, 60, 60)) for reach in (5.0, 8.0)}
    radial = freud.density.RDF(100, 8.0)

    def bond_order() -> None:
        freud.order.Hexatic(6).compute((box, points), freud.locality.Voronoi().compute((box, points)).nlist)

    return {
        "g(r, phi, theta) to 5": lambda: relative[5.0].compute((box, points), angles, reset=False),
        "g(r, phi, theta) to 8": lambda: relative[8.0].compute((box, points), angles, reset=False),
        "g(r) to 8": lambda: radial.compute((box, points), reset=False),
        "psi_6, Voronoi neighbours": bond_order,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=40_000)
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    set_threads(options.threads)
    edge = math.sqrt(options.number * math.pi / 4.0 / AREA_FRACTION)
    size, generator = np.array([edge, edge]), np.random.default_rng(1)
    positions, angles = generator.random((options.number, 2)) * edge, 2.0 * np.pi * generator.random(options.number)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    accumulators = {reach: RelativeAccumulator(reach) for reach in (5.0, 8.0)}
    law = InteractionLaw(PairInteraction("A", "A", 8.0, "exp(-r/40)/r**4", "exp(-r/40)/r**4"))
    order = local_bond_order(positions, size)
    work: dict[str, Callable[[], Any]] = {
        "g(r, phi, theta) to 5": lambda: accumulators[5.0].accumulate(positions, directions, size),
        "g(r, phi, theta) to 8": lambda: accumulators[8.0].accumulate(positions, directions, size),
        "g(r) to 8": lambda: radial_distribution(positions, size, 8.0, 100),
        "psi_6, Voronoi neighbours": lambda: local_bond_order(positions, size),
        "g_6(r) to half of the box": lambda: bond_correlation(order, positions, size, 0.5 * edge, 200),
        "<u.u>(r) to 20": lambda: pair_correlation(directions, positions, size, 20.0, 100),
        "4096 Fourier modes": lambda: particle_modes(positions, Grid((edge, edge), (64, 64))),
        "clusters at 1.2": lambda: clusters(positions, size, 1.2),
        "coefficients, cut-off 8": lambda: sampled_coefficients({(0, 0): law}, positions, directions, size),
    }
    other = freud_work(positions, angles, edge, options.threads)
    print(f"{options.number} particles, {options.threads} threads: processor time (s)")
    print(f"{'observable':28} {'here':>8} {'freud':>8}")
    for name, call in work.items():
        beside = f"{seconds(other[name], options.samples):8.3f}" if name in other else ""
        print(f"{name:28} {seconds(call, options.samples):8.3f} {beside}", flush=True)


if __name__ == "__main__":
    main()
