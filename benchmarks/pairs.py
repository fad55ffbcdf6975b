"""Time per particle and step of Janus particles beside a C kernel over the same lists, and LAMMPS.

    python benchmarks/pairs.py [--quick] [--numbers 2500,40000] [--cutoffs 5,8] [--threads 1,2] [--samples 21] [--lammps PATH]

The particles of [S2] Table 1 at the area fraction 0.25 and 30 um/s. For what the columns mean see benchmarks/README.md.
"""

import argparse
import ctypes
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fields import alternately, integers

# the folder of a script comes first on the path, where particles.py would stand in for the package of the same name
sys.path.pop(0)

from particles import ParticleEngine
from particles.verlet import VerletList
from theory import Model, Motion, PairInteraction, Species
from theory.compiling import set_threads

AREA_FRACTION, SPEED, SCREENING, TIME_STEP = 0.25, 66.0, 40.0, 1e-4
WARM_UP = 500
SOURCE = Path(__file__).with_name("janus_pairs.c")


def janus(cutoff: float) -> Model:
    """[S2] Table 1."""
    species = Species("A", Motion(rotational_diffusion=1.0), str(SPEED), 0.11, translational_drag=9.0, rotational_drag=3.0)
    pair = PairInteraction.janus(
        "A", "A", head_dipole=112.0, tail_dipole=-53.0, dipole_offset=0.19, screening_length=SCREENING, cutoff=cutoff
    )
    return Model(2, [species], interactions=[pair])


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    number: int
    cutoff: float
    threads: int

    @property
    def edge(self) -> float:
        """Edge of the box."""
        return math.sqrt(self.number * math.pi / 4.0 / AREA_FRACTION)

    def engine(self) -> ParticleEngine:
        """Particles that have forgotten where they began."""
        engine = ParticleEngine(
            janus(self.cutoff),
            (self.edge, self.edge),
            {"A": self.number / self.edge**2},
            time_step=TIME_STEP,
            seed=1,
            threads=self.threads,
            save_positions=False,
        )
        engine.advance(WARM_UP * TIME_STEP)
        return engine


def pairs_within(lists: VerletList, cutoff: float) -> int:
    """Listed pairs closer than the cut-off, each counted from both ends."""
    images, rows = lists.images, lists.rows[0, 0]
    ends = np.cumsum(rows.lengths, dtype=np.int64)
    within = np.arange(ends[-1]) - np.repeat(ends - rows.lengths, rows.lengths)
    others = rows.neighbours[np.repeat(rows.starts, rows.lengths) + within]
    apart = images.points[:, np.repeat(images.centres, rows.lengths)] - images.points[:, others]
    return int(np.count_nonzero(np.sum(apart**2, axis=0) < cutoff**2))


class PairSums:
    """The sums over pairs of an engine and nothing else, and the same in C over the same lists."""

    def __init__(self, engine: ParticleEngine, case: Case, library: Path) -> None:
        forces, self._particles = engine._pairs, engine._particles
        forces.prepare(self._particles)
        self._forces = forces
        number = self._particles.number
        self._drifts, self._rates = np.empty((2, number)), np.empty(number)
        self.pairs = pairs_within(forces.lists, case.cutoff)
        self._function = ctypes.CDLL(str(library)).janus_pairs
        self._arguments = self._c_arguments(case)

    def _c_arguments(self, case: Case) -> list[object]:
        lists, model = self._forces.lists, janus(case.cutoff)
        images, rows = lists.images, lists.rows[0, 0]
        law, one = model.interactions[0, 0], model.species[0]
        force = float(law.force(1.0)) * math.exp(1.0 / SCREENING)
        numbers = [force, float(law.torque(1.0) / law.force(1.0)), SCREENING]
        numbers += [1.0 / one.translational_drag, 1.0 / one.rotational_drag]
        self.velocities, self.turnings = np.empty_like(self._drifts), np.empty_like(self._rates)
        arrays = [images.centres, images.observers, rows.starts, rows.lengths, rows.neighbours, *images.points]
        arrays += [*self._particles.headings, *self.velocities, self.turnings]
        return [
            ctypes.c_int(case.threads),
            ctypes.c_long(self._particles.number),
            ctypes.c_double(case.cutoff),
            *(ctypes.c_double(one) for one in numbers),
            *(array.ctypes.data_as(ctypes.c_void_p) for array in arrays),
        ]

    def ours(self) -> None:
        self._forces.act(self._particles, self._drifts, self._rates)

    def in_c(self) -> None:
        self._function(*self._arguments)

    def check(self) -> None:
        """Both give the same sums."""
        self.ours()
        self.in_c()
        np.testing.assert_allclose(self._drifts, self.velocities, rtol=0.0, atol=1e-10 * np.max(np.abs(self._drifts)))
        np.testing.assert_allclose(self._rates, self.turnings, rtol=0.0, atol=1e-10 * np.max(np.abs(self._rates)))


def compiled_library(folder: Path) -> Path:
    """The C kernel, compiled by gcc for this processor."""
    library = folder / "janus_pairs.so"
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, str(SOURCE), "-o", str(library), "-lm"], check=True)
    return library


LAMMPS_INPUT = """
units lj
dimension 2
boundary p p p
atom_style atomic
read_data particles
pair_style table linear 4000
pair_coeff 1 1 law JANUS
neighbor {skin} bin
neigh_modify every 1 delay 0 check yes
fix move all brownian {temperature} 12345 gamma_t {drag}
fix flat all enforce2d
timestep {time_step}
thermo {steps}
run {steps}
run {steps}
"""


def lammps(case: Case, engine: ParticleEngine, command: str, folder: Path) -> float:
    """Seconds per step of LAMMPS: Brownian particles with the same force from a table, without torque."""
    model = engine.model
    law, one = model.interactions[0, 0], model.species[0]
    r = np.linspace(0.4, case.cutoff, 4000)
    rows = "\n".join(f"{n + 1} {a:.12g} 0 {b:.12g}" for n, (a, b) in enumerate(zip(r, law.force(r), strict=True)))
    (folder / "law").write_text(f"JANUS\nN {r.size} R {r[0]} {r[-1]}\n\n{rows}\n")
    atoms = "\n".join(f"{n + 1} 1 {x:.12g} {y:.12g} 0" for n, (x, y) in enumerate(engine.positions.T))
    box = f"0 {case.edge} xlo xhi\n0 {case.edge} ylo yhi\n-0.5 0.5 zlo zhi\n"
    (folder / "particles").write_text(
        f"Janus\n\n{case.number} atoms\n1 atom types\n{box}\nMasses\n\n1 1\n\nAtoms # atomic\n\n{atoms}\n"
    )
    steps = max(200, 8_000_000 // case.number)
    (folder / "input").write_text(
        LAMMPS_INPUT.format(
            skin=0.1 * case.cutoff,
            temperature=one.translational_diffusion * one.translational_drag,
            drag=one.translational_drag,
            time_step=TIME_STEP,
            steps=steps,
        )
    )
    launcher = [str(Path(command).with_name("mpiexec")), "-n", str(case.threads)] if case.threads > 1 else []
    environment = os.environ | {"LD_LIBRARY_PATH": str(Path(command).parents[1] / "lib"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, command, "-in", "input"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return min(float(time) for time in re.findall(r"Loop time of ([0-9.e+-]+)", done.stdout)) / steps


def measure(case: Case, samples: int, seconds: float, command: str | None) -> str:
    """One row of the table."""
    engine = case.engine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sums = PairSums(engine, case, compiled_library(folder))
        sums.check()

        def step() -> None:
            engine.advance((engine.step + 1) * TIME_STEP)

        set_threads(case.threads)
        # the sums are over the lists of one instant: they are measured before the particles move on
        found = alternately([sums.ours, sums.in_c], samples, seconds)
        whole = alternately([step], samples, seconds)
        peer = lammps(case, engine, command, folder) if command else math.nan
    ours, in_c = np.min(found, axis=0) / case.number * 1e9
    per_step = float(np.min(whole)) / case.number * 1e9
    ratio = float(np.median(found[:, 0] / found[:, 1]))
    return (
        f"{case.number:9d} {case.cutoff:7g} {case.threads:7d} {per_step:8.1f} {ours:9.1f} "
        f"{ours * case.number / sums.pairs:9.2f} {in_c:8.1f} {ratio:7.2f} {peer / case.number * 1e9:9.1f}"
    )


def numbers(text: str) -> list[float]:
    """Positive numbers with commas between them, as an argument of the command line."""
    values = [float(part) for part in text.split(",")]
    if not all(value > 0.0 for value in values):
        raise argparse.ArgumentTypeError(f"'{text}': the numbers must be positive")
    return values


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--numbers", type=integers, default=[2500, 40_000], help="particles (default 2500,40000)")
    parser.add_argument("--cutoffs", type=numbers, default=[5.0, 8.0], help="cut-offs (default 5,8)")
    parser.add_argument("--threads", type=integers, default=[1, 2], help="numbers of threads (default 1,2)")
    parser.add_argument("--samples", type=int, default=21, help="measurements of which the least is printed (default 21)")
    parser.add_argument("--seconds", type=float, default=0.05, help="least time of one measurement (default 0.05)")
    parser.add_argument("--lammps", default=shutil.which("lmp"), help="the program lmp, of the package lammps[mpi]")
    parser.add_argument("--quick", action="store_true", help="2500 particles, one thread, short measurements, no LAMMPS")
    options = parser.parse_args()
    if options.samples < 1 or not (math.isfinite(options.seconds) and options.seconds > 0.0):
        parser.error("--samples must be at least 1 and --seconds positive")
    if options.quick:
        options.numbers, options.threads, options.samples, options.lammps = [2500], [1], 5, None
    print(
        f"{'particles':>9} {'cut-off':>7} {'threads':>7} {'step/ns':>8} {'pairs/ns':>9} {'ns/pair':>9} {'C/ns':>8} "
        f"{'pairs/C':>7} {'LAMMPS/ns':>9}"
    )
    for number in options.numbers:
        for cutoff in options.cutoffs:
            for threads in options.threads:
                print(measure(Case(number, cutoff, threads), options.samples, options.seconds, options.lammps), flush=True)


if __name__ == "__main__":
    main()
