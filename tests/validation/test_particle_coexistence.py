"""Coexisting densities of one species in a slab box: the exact non-local mean field, and not the common tangent."""

import numpy as np
import pytest
from numpy.typing import NDArray

from particles import ParticleEngine
from theory import Model, Motion, Sensing, Species

Array = NDArray[np.float64]

# of v = exp(-tanh((rho - 50)/20)), exactly for any symmetric kernel, and by the common tangent of the local free energy
EXACT = np.array([15.0404342, 103.8284206])
TANGENT = np.array([16.903988, 116.090543])
# Fluctuations of the sensed density shift the densities by about the inverse number of particles in a sensing range: this is
# 3 lengths here, with some 400 and 3000 particles. Long persistence lets slabs relax quickly; the steady state does not depend
# on it, nor on a particle's own contribution to what it senses, which is left out.
SIZE, RANGE, PERSISTENCE = (60.0, 15.0), 3.0, 6.0
INTERVAL, FRAMES, RELAXATION, BLOCKS = 10.0, 320, 60, 13


def centred(density: Array) -> Array:
    """A profile along x moved so that the dense slab lies in the middle."""
    modes = np.fft.rfft(density)
    shift = np.arange(modes.size) * (np.pi - np.angle(modes[1]))
    return np.fft.irfft(modes * np.exp(1j * shift), density.size)


def plateaus(profile: Array) -> Array:
    """Densities in the middle tenth of the box and at its ends."""
    cells, width = profile.size, profile.size // 20
    ends = np.concatenate([profile[:width], profile[-width:]])
    return np.array([np.mean(ends), np.mean(profile[cells // 2 - width : cells // 2 + width])])


@pytest.mark.parametrize(("start", "dense_share"), [(TANGENT, 0.5), (np.array([13.0, 95.0]), 0.53)])
def test_coexisting_densities(start: Array, dense_share: float) -> None:
    """From both sides: from the densities of the common tangent, and from lower ones."""
    motion, law = Motion(tumble_rate=1.0 / PERSISTENCE), "exp(-tanh((A - 50)/20))"
    model = Model(2, [Species("A", motion, law)], {}, Sensing("bump", RANGE, count_self=False))
    profile = np.full((1, 1, 200), start[0])
    profile[:, :, : round(200 * dense_share)] = start[1]
    how = {"density": profile, "time_step": 0.2, "seed": 1, "save_positions": False, "output_grid": (240, 8)}
    engine = ParticleEngine(model, SIZE, [float(np.mean(profile))], **how)  # type: ignore[arg-type]
    found = []
    for frame in range(1, FRAMES + 1):
        engine.advance(frame * INTERVAL)
        density = np.mean(engine.frame().variables["density_A"].data, axis=0)
        if frame > RELAXATION:
            found.append(plateaus(centred(density)))
    blocks = np.array(found).reshape(BLOCKS, -1, 2).mean(axis=1)
    mean, error = blocks.mean(axis=0), blocks.std(axis=0, ddof=1) / np.sqrt(BLOCKS)
    print(f"\n{mean.round(3).tolist()} ± {error.round(3).tolist()}, exact {EXACT.round(3).tolist()}")
    assert np.all(error < 0.004 * EXACT)
    assert np.all(np.abs(mean / EXACT - 1.0) < 0.02)
    # some ten standard errors from the common tangent
    assert np.all(np.abs(mean - TANGENT) > 10.0 * error)
    assert engine.warnings() == []
