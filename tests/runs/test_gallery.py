"""Every run of the gallery, at reduced size, against stored norms.

The norms are in ``gallery_norms.json``. After a change that is meant to change results, or a new file in the gallery, write
them anew with ``python -m tests.runs.test_gallery`` and look at what differs.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from particles import ParticleEngine
from runs.cli import main
from runs.engines import build_engine
from runs.gallery import gallery_file, gallery_names
from runs.runfile import RunSpecification, Scale, load
from theory.fourier import Grid
from theory.observables.structure import particle_modes

NORMS = Path(__file__).parent / "gallery_norms.json"
SCALES: tuple[Scale, ...] = ("fields", "particles")
# round-off of other compilers and processors, which thirty steps of a growing pattern do not raise above this
TOLERANCE = {"fields": 1e-8, "particles": 1e-6}
STEPS = 30
# of runs without fields
PARTICLES = 400
# waves of which the density of particles is made up
MODES = (16, 16)

Norms = dict[str, dict[str, float]]


def reduced(name: str) -> RunSpecification:
    """A gallery run in a box of a few ranges, for some steps."""
    full = load(gallery_file(name))
    if full.fields is None:
        edge = np.sqrt(PARTICLES / sum(full.composition.values()))
        return load(gallery_file(name), [f"domain.size={edge}", "run.duration=0.6", "run.output_interval=0.2"])
    spacing = full.size[0] / full.fields.grid[0]
    # slabs need some length, patterns that grow some waves
    cells = (48, 16) if full.initial.state == "phases" else (32, 32)
    size = [spacing * one for one in cells]
    overrides = [f"domain.size={size}", f"fields.grid={list(cells)}", "run.duration=0.6", "run.output_interval=0.2"]
    # steps that follow the error could change their number by round-off, and with it the norms
    overrides.append("fields.time_step=0.02")
    return load(gallery_file(name), overrides)


def norms_of(name: str, scale: Scale) -> Norms:
    """Mean and L2 norm of each species' density, and its mean speed, after some steps."""
    specification = reduced(name)
    engine = build_engine(specification, scale)
    engine.advance(STEPS * engine.time_step)
    assert engine.step == STEPS
    variables = engine.frame().variables
    densities = [variables[f"density_{species}"].data for species in specification.model.names]
    if isinstance(engine, ParticleEngine):
        # counts in cells would jump where round-off takes a particle over an edge
        grid = Grid(tuple(engine.size), MODES)
        modes = particle_modes(engine.positions.T, grid, engine.species, len(densities)) / grid.cell_volume
        densities = list(np.fft.irfftn(modes, s=MODES, axes=(1, 2)))
    found: Norms = {}
    for species, density in zip(specification.model.names, densities, strict=True):
        found[species] = {
            "mean": float(density.mean()),
            "norm": float(np.sqrt(np.mean(density**2))),
            "mean_speed": float(variables[f"mean_speed_{species}"].data),
        }
    return found


def write_norms() -> None:
    """Store the norms of all runs of the gallery as they are now."""
    every = {name: {scale: norms_of(name, scale) for scale in reduced(name).scales} for name in gallery_names()}
    NORMS.write_text(json.dumps(every, indent=1) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", gallery_names())
def test_files_of_the_gallery_are_sound(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Stated at every scale at which it is known, nothing to advise, and found by their names."""
    specification = load(gallery_file(name))
    model = specification.model
    # laws of pairs have no fields, their averages no particles
    known: tuple[Scale, ...] = ("particles",) if model.interactions else ("fields",) if model.mean_field else SCALES
    assert specification.scales == known
    assert specification.advice() == ()
    assert main(["check", name]) == 0
    text = capsys.readouterr().out
    assert f"model in 2D, {model.number_of_species} species" in text
    assert ("fields: grid" in text) == ("fields" in known)
    assert ("particles:" in text) == ("particles" in known)
    assert "note:" not in text


@pytest.mark.parametrize(("name", "scale"), [(name, scale) for name in gallery_names() for scale in reduced(name).scales])
def test_runs_give_the_stored_norms(name: str, scale: Scale) -> None:
    stored: dict[str, dict[Scale, Norms]] = json.loads(NORMS.read_text(encoding="utf-8"))
    found = norms_of(name, scale)
    assert found.keys() == stored[name][scale].keys()
    for species, numbers in found.items():
        assert numbers == pytest.approx(stored[name][scale][species], rel=TOLERANCE[scale], abs=0.0)


def test_norms_are_of_runs_in_which_something_happens() -> None:
    """A norm that does not differ from that of the uniform state would hold whatever the dynamics."""
    stored = json.loads(NORMS.read_text(encoding="utf-8"))
    assert sorted(stored) == gallery_names()
    for name, scales in stored.items():
        composition = reduced(name).composition
        for scale, species in scales.items():
            for one, numbers in species.items():
                # particles are counted: half a particle in the box at most is rounded
                assert numbers["mean"] == pytest.approx(composition[one], rel=1e-10 if scale == "fields" else 1e-2)
                assert numbers["norm"] > numbers["mean"] * (1.0 + 1e-7)


if __name__ == "__main__":
    write_norms()
