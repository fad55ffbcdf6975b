"""Time per particle and step of the particle engine: quorum sensing, then pair forces.

    python benchmarks/particles.py [--quick] [--parts sensing,pairs] [--numbers 100000,1000000] [--threads 1,2] [--samples 15]

Quorum sensing: one species, 100 particles in a squared sensing range. For pair forces see benchmarks/pairs.py, whose table is
printed with its own defaults. For what the columns mean see benchmarks/README.md.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from typing import Literal

import numpy as np
import pairs
from fields import integers

# the folder of a script comes first on the path, where this file would stand in for the package of the same name
if sys.path[0].endswith("benchmarks"):
    sys.path.pop(0)

from particles import ParticleEngine
from theory import Model, Motion, Species
from theory.compiling import set_threads

DENSITY, TIME_STEP = 100.0, 0.02
PARTS = ("sensing", "pairs")


def quorum_sensing_model() -> Model:
    """One species whose self-inhibition is so weak that it stays homogeneous."""
    return Model(2, [Species("A", Motion(tumble_rate=1.0), "exp(-0.1*tanh((A - 100)/20))")])


def least_time(call: Callable[[], object], samples: int, threads: int) -> float:
    """Seconds of the fastest of some calls: with one thread of the processor, which other work hardly touches."""
    clock = time.process_time if threads == 1 else time.perf_counter
    found = []
    for _ in range(samples):
        start = clock()
        call()
        found.append(clock() - start)
    return min(found)


def measure_sensing(sensing: Literal["mesh", "exact"], number: int, threads: int, samples: int) -> str:
    """One row of the table."""
    size = np.full(2, math.sqrt(number / DENSITY))
    engine = ParticleEngine(
        quorum_sensing_model(),
        size,
        [DENSITY],
        time_step=TIME_STEP,
        sensing=sensing,
        seed=1,
        threads=threads,
        save_positions=False,
    )
    engine.advance(3 * TIME_STEP)
    particles, order = engine._particles, engine._storage.order

    def step() -> None:
        engine.advance((engine.step + 1) * TIME_STEP)

    def several_steps() -> None:
        engine.advance((engine.step + 40) * TIME_STEP)

    set_threads(threads)
    sensed = least_time(lambda: engine._perception.act(particles, order), samples, threads)
    fastest = least_time(step, samples, threads)
    # with their share of sorting
    mean = least_time(several_steps, max(1, samples // 5), threads) / 40 if sensing == "mesh" else fastest
    set_threads(threads)
    sort = least_time(lambda: order.sort(particles), samples, threads)
    scale = 1e9 / particles.number
    return (
        f"{sensing:>7} {particles.number:9d} {threads:7d} {sensed * scale:9.1f} {sort * scale:8.1f} {fastest * scale:10.1f} "
        f"{mean * scale:8.1f} {1.0 / mean:9.1f}"
    )


def print_sensing(numbers: list[int], threads: list[int], samples: int) -> None:
    """The table of quorum sensing."""
    print("quorum sensing, nanoseconds per particle")
    print(
        f"{'sensing':>7} {'particles':>9} {'threads':>7} {'sense/ns':>9} {'sort/ns':>8} {'unsorted/ns':>10} {'step/ns':>8} "
        f"{'steps/s':>9}"
    )
    for number in numbers:
        for count in threads:
            for sensing in ("mesh", "exact"):
                print(measure_sensing(sensing, number, count, samples), flush=True)


def parts(text: str) -> list[str]:
    """Names of tables with commas between them, as an argument of the command line."""
    names = text.split(",")
    if not set(names) <= set(PARTS):
        raise argparse.ArgumentTypeError(f"'{text}': the tables are {', '.join(PARTS)}")
    return names


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--parts", type=parts, default=list(PARTS), help="tables (default sensing,pairs)")
    parser.add_argument("--numbers", type=integers, default=[100_000, 1_000_000], help="particles (default 100000,1000000)")
    parser.add_argument("--threads", type=integers, default=[1, 2], help="numbers of threads (default 1,2)")
    parser.add_argument("--samples", type=int, default=15, help="measurements of which the least is printed (default 15)")
    parser.add_argument("--quick", action="store_true", help="few particles, one thread, short measurements")
    options = parser.parse_args()
    if options.samples < 1:
        parser.error("--samples must be at least 1")
    if options.quick:
        options.numbers, options.threads, options.samples = [10_000], [1], 3
    if "sensing" in options.parts:
        print_sensing(options.numbers, options.threads, options.samples)
    if "pairs" in options.parts:
        print("\npair forces")
        pairs.main(["--quick"] if options.quick else [])


if __name__ == "__main__":
    main()
