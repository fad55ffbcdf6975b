"""Runs of particles in one, two and three dimensions, with chemicals."""

from pathlib import Path

import numpy as np
import pytest
import xarray
from scipy.spatial import cKDTree

from runs.cli import main
from runs.execute import resume, run
from runs.runfile import parse
from runs.store import open_series
from tests.runs.small_runs import IDEAL, assert_same_runs, written

FOLLOWERS = """\
[model]
dimension = {dimension}
[[model.species]]
name = "A"
motion = {{ tumble_rate = 2.0 }}
speed = "exp(-0.3*tanh((A - 20)/10)) + 0.01*food"
chemotaxis = {{ food = {{ reorientation_bias = -0.05 }}, waste = {{ speed_bias = 0.02 }} }}
[[model.species]]
name = "B"
motion = {{ aoup = true, persistence_time = 0.5 }}
speed = 0.5
[[model.chemicals]]
name = "food"
production = {{ B = 1.0 }}
diffusivity = 1.0
decay_rate = 1.0
[[model.chemicals]]
name = "waste"
production = {{ A = 1.0 }}
diffusivity = 1.0
decay_rate = 0.5
adiabatic = false
[composition]
A = 20.0
B = 10.0
[domain]
size = {size}
[particles]
time_step = 0.05
sensing = "{sensing}"
[run]
duration = 1.0
output_interval = 0.25
[initial]
state = "phases"
[[initial.phases]]
share = 0.5
densities = {{ A = 30.0, B = 5.0 }}
[[initial.phases]]
share = 0.5
densities = {{ A = 10.0, B = 15.0 }}
"""


@pytest.mark.parametrize("sensing", ["mesh", "exact"])
@pytest.mark.parametrize(("dimension", "size"), [(1, [20.0]), (2, [6.0, 4.0]), (3, [3.5, 2.5, 2.25])])
def test_runs_in_all_dimensions(dimension: int, size: list[float], sensing: str, tmp_path: Path) -> None:
    """They start from their phases, frames have as many axes, and continued runs are the same bit for bit."""
    file = written(tmp_path, FOLLOWERS.format(dimension=dimension, size=size, sensing=sensing))
    assert main(["run", file, "--quiet", "--threads", "1", "--output", str(tmp_path / "straight")]) == 0
    assert main(["run", file, "--quiet", "--set", "run.duration=0.5", "--output", str(tmp_path / "parts")]) == 0
    assert main(["resume", str(tmp_path / "parts"), "--quiet", "--threads", "2", "--duration", "1.0"]) == 0
    assert_same_runs(tmp_path / "straight", tmp_path / "parts", "particles")
    series = open_series(tmp_path / "straight" / "particles")
    assert len(series.times) == 5
    for name in ("density_A", "density_B", "concentration_food", "concentration_waste"):
        assert series.variable(name).dimensions == ("z", "y", "x")[-dimension:]
    halves = np.split(series.load("density_A")[0], 2, axis=-1)
    assert np.mean(halves[0]) > 2.0 * np.mean(halves[1])
    # a chemical without diffusion of its mean: beta rho/gamma at once
    made = np.mean(series.load("density_B")[4])
    assert np.mean(series.load("concentration_food")[4]) == pytest.approx(made, rel=1e-5)


def test_the_integrator_is_the_stated_one(tmp_path: Path) -> None:
    file = written(tmp_path, FOLLOWERS.format(dimension=1, size=[20.0], sensing="mesh"))
    for name in ("midpoint", "euler"):
        override = f"particles.integrator={name}"
        assert main(["run", file, "--quiet", "--set", override, "--output", str(tmp_path / name)]) == 0
    positions = [open_series(tmp_path / name / "particles").load("position")[4] for name in ("midpoint", "euler")]
    assert not np.array_equal(*positions)


MEASURED = """\
[model]
dimension = 2
species = [
    { name = "A", motion = { tumble_rate = 1.0 }, speed = "exp(-0.3*tanh((total - 8)/4))" },
    { name = "B", motion = { rotational_diffusion = 1.0 }, speed = 0.5 },
]
[composition]
A = 4.0
B = 3.0
[domain]
size = [7.0, 6.0]
[particles]
sensing = "exact"
save_positions = false
[particles.observables]
sample_interval = 0.05
mean_squared_displacement = true
radial_distribution = true
pair_distribution = true
direction_correlation = true
bond_order = true
structure_factors = true
density_histogram = true
cluster_distance = 0.3
reach = 2.0
distance_bins = 10
pair_bins = [5, 6, 4]
density_bins = 12
[run]
duration = 0.4
output_interval = 0.2
"""


def test_observables_are_stored_with_coordinates_and_units(tmp_path: Path) -> None:
    run(parse(MEASURED), tmp_path / "run", threads=1, quiet=True)
    (path,) = sorted((tmp_path / "run" / "particles").glob("segment-*.h5"))
    with xarray.open_dataset(path, engine="h5netcdf") as stored:
        sizes = {"time": 3, "sample": 4, "distance": 10, "local_density": 12}
        assert sizes | {"pair_distance": 5, "pair_place": 6, "pair_direction": 4} == {
            name: stored.sizes[name] for name in (*sizes, "pair_distance", "pair_place", "pair_direction")
        }
        expected = {
            "sampled_polar_order": (("sample",), "1"),
            "mean_squared_displacement_A": (("sample",), "length^2"),
            "radial_distribution_AB": (("distance",), "1"),
            "pair_distribution_BA": (("pair_distance", "pair_place", "pair_direction"), "1"),
            "direction_correlation": (("distance",), "1"),
            "bond_order": ((), "1"),
            "local_bond_order": ((), "1"),
            "bond_correlation": (("distance",), "1"),
            "structure_factor_AB": (("wavenumber",), "1/length^2"),
            "density_histogram_B": (("local_density",), "length^2"),
            "cluster_weighted_size": ((), "1"),
        }
        for name, (axes, units) in expected.items():
            assert (stored[name].dims, stored[name].attrs["units"]) == (("time", *axes), units)
            assert np.all(np.isfinite(stored[name].values[1:]))
        for name, units in (("distance", "length"), ("pair_place", "radian"), ("wavenumber", "1/length"), ("sample", "time")):
            assert stored[name].dims == (name,)
            assert stored[name].attrs["units"] == units


def test_a_run_with_observables_that_is_continued_is_the_same_as_a_whole_one(tmp_path: Path) -> None:
    """It ends between two frames, after two of four samples, and goes on from there."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(parse(MEASURED), whole, threads=1, quiet=True)
    run(parse(MEASURED, overrides=["run.duration=0.31"]), parts, threads=2, quiet=True)
    resume(parts, duration=0.4, threads=1, quiet=True)
    assert_same_runs(whole, parts, "particles")


# 160 particles, 0.34 apart in the densest lattice
SPARSE = IDEAL.replace("A = 40.0", "A = 10.0")


@pytest.mark.parametrize("distance", [0.15, 0.3], ids=["inserted", "on a lattice"])
def test_particles_start_at_a_distance(distance: float, tmp_path: Path) -> None:
    overrides = (f"particles.minimum_distance={distance}", "run.duration=0.4")
    (outcome,) = run(parse(SPARSE, overrides=overrides), tmp_path / "run", scales=["particles"], quiet=True)
    assert outcome.status == "done"
    positions = open_series(tmp_path / "run" / "particles").load("position", 0, 1)[0].astype(np.float64)
    near = cKDTree(positions % 4.0, boxsize=4.0).query(positions % 4.0, k=2)[0][:, 1]
    assert near.min() > distance - 1e-5
    if distance == 0.15:
        # without it some would be nearer
        assert parse(SPARSE).particles.minimum_distance == 0.0  # type: ignore[union-attr]
        run(parse(SPARSE, overrides=overrides[1:]), tmp_path / "free", scales=["particles"], quiet=True)
        free = open_series(tmp_path / "free" / "particles").load("position", 0, 1)[0].astype(np.float64)
        assert cKDTree(free % 4.0, boxsize=4.0).query(free % 4.0, k=2)[0][:, 1].min() < 0.1


@pytest.mark.parametrize(
    ("distance", "told"),
    [
        (0.335, "a lattice leaves 0.3"),
        (
            1e-7,
            "minimum_distance is 1e-07: to look for particles so near to each other takes 3.2e+15 cells; set it to 0, or to",
        ),
    ],
)
def test_distances_that_cannot_be_kept(distance: float, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input, with the key to be changed."""
    path = written(tmp_path, SPARSE)
    arguments = ["--particles", "--set", f"particles.minimum_distance={distance}", "--output", str(tmp_path / "run")]
    assert main(["run", path, *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "minimum_distance" in error
