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
from numpy.typing import NDArray

# the folder of a script comes first on the path, where particles.py would stand in for the package of the same name
sys.path.pop(0)

from particles import ParticleEngine
from theory import Model, Motion, PairInteraction, Species
from theory.compiling import set_threads

Array = NDArray[np.float64]

AREA_FRACTION, SPEED, TIME_STEP = 0.25, 66.0, 1e-4
WARM_UP = 500
SOURCE = Path(__file__).with_name("janus_pairs.c")


def janus(cutoff: float) -> Model:
    """[S2] Table 1."""
    species = Species("A", Motion(rotational_diffusion=1.0), str(SPEED), 0.11, translational_drag=9.0, rotational_drag=3.0)
    pair = PairInteraction.janus(
        "A", "A", head_dipole=112.0, tail_dipole=-53.0, dipole_offset=0.19, screening_length=40.0, cutoff=cutoff
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


class CKernel:
    """The pair sums in C, compiled by gcc for this processor."""

    def __init__(self, folder: str) -> None:
        library = Path(folder) / "janus_pairs.so"
        flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, str(SOURCE), "-o", str(library), "-lm"], check=True)
        self._function = ctypes.CDLL(str(library)).janus_pairs
