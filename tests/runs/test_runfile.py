"""Run files: what a good one says, and what is said of a bad one.

Each file in ``bad/`` starts with the problems expected of it, ``# expect LINE: ...``: all, and nothing else.
"""

import ast
import json
import pickle
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import runs.runfile
from runs.reading.settings import KernelName
from runs.runfile import Problem, RunFileError, RunSpecification, keys, load, parse
from theory.kernels import KERNEL_NAMES

BAD_FILES = sorted((Path(__file__).parent / "bad").glob("*.toml"))

SHORT = """\
[model]
dimension = 2
[[model.species]]
name = "A"
motion = { tumble_rate = 1.0 }
speed = 1
[composition]
A = 75
[domain]
size = 60
[run]
duration = 500
"""

FULL = """\
[model]
dimension = 2
[model.parameters]
v0 = 2.0
[[model.species]]
name = "A"
motion = { tumble_rate = 1.0 }
speed = "v0*exp(-0.8*tanh((A - 50)/10) + 0.4*tanh((total - 100)/20))"
[[model.species]]
name = "B"
motion = { tumble_rate = 3.0, rotational_diffusion = 1.0 }
speed = "v0"
translational_diffusion = 0.5
chemotaxis = { food = { speed_bias = 0.25 } }
translational_drag = 9.0
rotational_drag = 3.0
[model.sensing]
kernel = "linear"
range = 1.5
count_self = false
[[model.sensing.pairs]]
observer = "A"
source = "B"
kernel = "gaussian"
range = 0.75
[[model.chemicals]]
name = "food"
production = { A = -0.5, B = 2.0 }
diffusivity = 3.0
decay_rate = 0.125
[[model.interactions]]
observer = "A"
source = "B"
cutoff = 5.0
force = "v0/r**2"
torque = 1
[[model.interactions]]
observer = "A"
source = "A"
cutoff = 6.0
janus = { head_dipole = 112.0, tail_dipole = -53.0, dipole_offset = 0.19, screening_length = 40.0 }
[[model.mean_field]]
observer = "A"
source = "B"
torque_harmonics = [216.0, -3.0]
speed_reduction = 12.0
turning = 0.5
repulsion = 0.25
[composition]
B = 25.0
A = 75.0
[domain]
size = [60.0, 30.0]
[fields]
grid = [256, 128]
order = 2
precision = "float32"
noise = 0.5
time_step = 0.02
stepper = "exponential_euler"
noise_length = 1.25
maximum_clipped_share = 0.1
[fields.observables]
structure_factors = false
pattern_velocity = false
kymograph = false
phase_densities = true
currents = true
entropy_production = true
entropy_length = 0.5
average_after = 1.0
[particles]
sensing = "exact"
time_step = 0.005
integrator = "euler"
mesh_spacing = 0.25
minimum_distance = 0.0005
save_positions = false
[particles.observables]
polar_order = false
mean_squared_displacement = true
radial_distribution = true
pair_distribution = true
direction_correlation = true
bond_order = true
structure_factors = true
density_histogram = true
cluster_distance = 0.75
reach = 3.0
distance_bins = 20
pair_bins = [10, 12, 14]
largest_wavenumber = 4.0
density_width = 1.5
highest_density = 300.0
density_bins = 25
[run]
duration = 500.0
output_interval = 5.0
seed = 7
checkpoint_interval = 60.0
[initial]
state = "phases"
noise = 0.02
geometry = "patches"
patch_size = 10.0
[[initial.phases]]
share = 0.25
densities = { A = 105.0, B = 25.0 }
[[initial.phases]]
share = 0.75
densities = { A = 65.0, B = 25.0 }
[[initial.waves]]
species = "A"
wave = [1, -2]
amplitude = 0.5
"""

# every key of a run file and its default: required (None), or as TOML, or in words
KEYS = {
    "model": None,
    "model.dimension": None,
    "model.parameters": "none",
    "model.parameters.<parameter>": "none",
    "model.species": None,
    "model.species[].name": None,
    "model.species[].motion": None,
    "model.species[].motion.tumble_rate": "0.0",
    "model.species[].motion.rotational_diffusion": "0.0",
    "model.species[].motion.aoup": "false",
    "model.species[].motion.persistence_time": "none",
    "model.species[].speed": None,
    "model.species[].translational_diffusion": "0.0",
    "model.species[].chemotaxis": "none",
    "model.species[].chemotaxis.<chemical>": "none",
    "model.species[].chemotaxis.<chemical>.speed_bias": "0.0",
    "model.species[].chemotaxis.<chemical>.reorientation_bias": "0.0",
    "model.species[].chemotaxis.<chemical>.turning": "0.0",
    "model.species[].translational_drag": "1.0",
    "model.species[].rotational_drag": "1.0",
    "model.sensing": "none",
    "model.sensing.kernel": '"bump"',
    "model.sensing.range": "1.0",
    "model.sensing.count_self": "true",
    "model.sensing.pairs": "[]",
    "model.sensing.pairs[].observer": None,
    "model.sensing.pairs[].source": None,
    "model.sensing.pairs[].kernel": None,
    "model.sensing.pairs[].range": None,
    "model.chemicals": "[]",
    "model.chemicals[].name": None,
    "model.chemicals[].production": "none",
    "model.chemicals[].production.<species>": "none",
    "model.chemicals[].diffusivity": None,
    "model.chemicals[].decay_rate": None,
    "model.chemicals[].adiabatic": "true",
    "model.interactions": "[]",
    "model.interactions[].observer": None,
    "model.interactions[].source": None,
    "model.interactions[].cutoff": "8.0",
    "model.interactions[].force": "none",
    "model.interactions[].torque": "none",
    "model.interactions[].janus": "none",
    "model.interactions[].janus.head_dipole": None,
    "model.interactions[].janus.tail_dipole": None,
    "model.interactions[].janus.dipole_offset": None,
    "model.interactions[].janus.screening_length": None,
    "model.interactions[].janus.permittivity": "1.0",
    "model.mean_field": "[]",
    "model.mean_field[].observer": None,
    "model.mean_field[].source": None,
    "model.mean_field[].torque_harmonics": "[]",
    "model.mean_field[].speed_reduction": "0.0",
    "model.mean_field[].turning": "0.0",
    "model.mean_field[].repulsion": "0.0",
    "composition": None,
    "composition.<species>": None,
    "domain": None,
    "domain.size": None,
    "fields": "none",
    "fields.grid": None,
    "fields.order": "0",
    "fields.precision": '"float64"',
    "fields.noise": "1.0",
    "fields.time_step": "follows the error; with noise chosen by the solver",
    "fields.tolerance": "0.001",
    "fields.stepper": '"sbdf2"; with noise "exponential_adams", or "etdrk2" if order > 0',
    "fields.noise_length": "the sensing range",
    "fields.maximum_clipped_share": "0.05",
    "fields.observables": "none",
    "fields.observables.sample_interval": "run.output_interval",
    "fields.observables.structure_factors": "true",
    "fields.observables.pattern_velocity": "true",
    "fields.observables.kymograph": "true",
    "fields.observables.phase_densities": "false",
    "fields.observables.currents": "false",
    "fields.observables.entropy_production": "false",
    "fields.observables.entropy_length": "0.0",
    "fields.observables.average_after": "0.0",
    "particles": "none",
    "particles.sensing": '"mesh"',
    "particles.time_step": "chosen by the engine",
    "particles.integrator": '"midpoint"',
    "particles.mesh_spacing": "chosen by the engine",
    "particles.minimum_distance": "0.0",
    "particles.save_positions": "true",
    "particles.observables": "none",
    "particles.observables.sample_interval": "run.output_interval",
    "particles.observables.polar_order": "true",
    "particles.observables.mean_squared_displacement": "false",
    "particles.observables.radial_distribution": "false",
    "particles.observables.pair_distribution": "false",
    "particles.observables.direction_correlation": "false",
    "particles.observables.bond_order": "false",
    "particles.observables.structure_factors": "false",
    "particles.observables.density_histogram": "false",
    "particles.observables.cluster_distance": "none",
    "particles.observables.reach": "that of forces and sensing, at least 8 mean distances of particles",
    "particles.observables.distance_bins": "100",
    "particles.observables.pair_bins": "[50, 36, 36]",
    "particles.observables.largest_wavenumber": "32 waves along the longest edge",
    "particles.observables.density_width": "the longest sensing range, or 2 mean distances of particles",
    "particles.observables.highest_density": "4 times the highest mean density of a species",
    "particles.observables.density_bins": "100",
    "run": None,
    "run.duration": None,
    "run.output_interval": "duration/100",
    "run.seed": "1",
    "run.checkpoint_interval": "30.0",
    "initial": "none",
    "initial.state": '"homogeneous"',
    "initial.noise": '0.01 with "homogeneous" and "phases", else 0.0',
    "initial.polarity": "none",
    "initial.polarity.<species>": "none",
    "initial.geometry": '"slab"',
    "initial.patch_size": "a quarter of the shortest edge of the box",
    "initial.radius": "from the shares",
    "initial.phases": "[]",
    "initial.phases[].share": "required, but with radius",
    "initial.phases[].densities": None,
    "initial.phases[].densities.<species>": None,
    "initial.phases[].polarity": "none",
    "initial.phases[].polarity.<species>": "none",
    "initial.waves": "[]",
    "initial.waves[].species": None,
    "initial.waves[].wave": None,
    "initial.waves[].amplitude": None,
    "initial.waves[].phase": "0.0",
    "initial.path": "none",
    "initial.time": "its last frame",
    "initial.scale": "its fields, if it has them",
}

WRONG_VALUES = {
    "a number": ("true", '"1"', "nan", "inf", "[1.0]", "{}", "1979-05-27"),
    "an integer": ("true", '"1"', "1.0", "nan", "[1]", "{}"),
    "text": ("true", "[]", "{}", "1979-05-27"),
    "true or false": ("1", "0", '"true"', "[]"),
    "a table": ("1", '"a"', "[]", "true"),
    "a list of tables": ("1", '"a"', "{ a = 1 }", "[1]"),
    "a list of numbers": ("1.0", '"1"', "[true]", '["1"]', "[nan]", "{}"),
    "a list of integers": ("256", "[256.0, 128]", "[true, 128]", '["256", 128]', "[]", "{}"),
    "a number or a list of numbers": (
        "true",
        '"1"',
        "[]",
        "[true, 1.0]",
        '["1", 1.0]',
        "{}",
        "nan",
        "[inf, 1.0]",
    ),
}


def problems_of(text: str, *overrides: str) -> tuple[Problem, ...]:
    with pytest.raises(RunFileError) as caught:
        parse(text, source="run.toml", overrides=overrides)
    return caught.value.problems


def test_every_key_reaches_the_specification() -> None:
    read = parse(FULL, source="run.toml")
    assert (read.model.dimension, read.model.names) == (2, ("A", "B"))
    assert read.model.parameters == {"v0": 2.0}
    # 1/tau = alpha for A, alpha + Dr for B
    np.testing.assert_array_equal(read.model.persistence_times, [1.0, 0.25])
    np.testing.assert_array_equal(read.model.translational_diffusivities, [0.0, 0.5])
    # at A = 50, B = 50 both tanh vanish
    np.testing.assert_allclose(read.model.speed([50.0, 50.0]), [2.0, 2.0], rtol=1e-15)
    assert not read.model.sensing.count_self
    found = {(k.name, k.range, s) for k, s in zip(read.model.channels.kernels, read.model.channels.sources, strict=True)}
    assert found == {("linear", 1.5, 0), ("linear", 1.5, 1), ("gaussian", 0.75, 1)}
    (food,) = read.model.chemicals
    assert (food.name, food.production, food.diffusivity, food.decay_rate) == ("food", {"A": -0.5, "B": 2.0}, 3.0, 0.125)
    assert food.adiabatic
    np.testing.assert_array_equal(read.model.speed_biases, [[0.0], [0.25]])
    np.testing.assert_array_equal(read.model.drags, [[1.0, 1.0], [9.0, 3.0]])
    law = read.model.interactions[0, 1]
    assert (float(law.force(2.0)), float(law.torque(2.0)), law.cutoff) == (0.5, 1.0, 5.0)
    # [S2] Table 1: 3 (dh + dt)^2/(4 pi) = 9 x 92.34 at r = 1 but for the screening
    assert float(read.model.interactions[0, 0].force(1.0)) == pytest.approx(9 * 92.34 * np.exp(-1 / 40), rel=1e-4)
    coefficients = read.model.mean_field[0, 1]
    assert (coefficients.torque_harmonics, coefficients.speed_reduction) == ((216.0, -3.0), 12.0)
    assert (coefficients.turning, coefficients.repulsion) == (0.5, 0.25)
    assert list(read.composition.items()) == [("A", 75.0), ("B", 25.0)]
    assert read.size == (60.0, 30.0)
    assert read.fields is not None
    assert read.particles is not None
    assert read.fields.model_dump() == {
        "grid": (256, 128),
        "order": 2,
        "precision": "float32",
        "noise": 0.5,
        "time_step": 0.02,
        "tolerance": None,
        "stepper": "exponential_euler",
        "noise_length": 1.25,
        "maximum_clipped_share": 0.1,
        "observables": {
            "sample_interval": None,
            "structure_factors": False,
            "pattern_velocity": False,
            "kymograph": False,
            "phase_densities": True,
            "currents": True,
            "entropy_production": True,
            "entropy_length": 0.5,
            "average_after": 1.0,
        },
    }
    assert read.particles.model_dump() == {
        "sensing": "exact",
        "time_step": 0.005,
        "integrator": "euler",
        "mesh_spacing": 0.25,
        "minimum_distance": 0.0005,
        "save_positions": False,
        "observables": {
            "sample_interval": None,
            "polar_order": False,
            "mean_squared_displacement": True,
            "radial_distribution": True,
            "pair_distribution": True,
            "direction_correlation": True,
            "bond_order": True,
            "structure_factors": True,
            "density_histogram": True,
            "cluster_distance": 0.75,
            "reach": 3.0,
            "distance_bins": 20,
            "pair_bins": (10, 12, 14),
            "largest_wavenumber": 4.0,
            "density_width": 1.5,
            "highest_density": 300.0,
            "density_bins": 25,
        },
    }
    assert read.run.model_dump() == {
        "duration": 500.0,
        "output_interval": 5.0,
        "seed": 7,
        "checkpoint_interval": 60.0,
    }
    assert (read.initial.state, read.initial.noise, read.initial.geometry) == ("phases", 0.02, "patches")
    assert [(phase.share, dict(phase.densities)) for phase in read.initial.phases] == [
        (0.25, {"A": 105.0, "B": 25.0}),
        (0.75, {"A": 65.0, "B": 25.0}),
    ]
    assert (read.patch_size, read.scales, read.advice()) == (10.0, ("fields", "particles"), ())
    assert (read.text, read.overrides, read.source) == (FULL, (), "run.toml")


def test_defaults() -> None:
    read = parse(SHORT)
    assert read.size == (60.0, 60.0)
    assert (read.fields, read.particles) == (None, None)
    assert read.run.output_interval == 5.0
    assert read.patch_size == 15.0
    np.testing.assert_array_equal(read.model.speed([75.0]), [1.0])
    stated = {key.path: key.default for key in keys()}
    with_scales = parse(SHORT, overrides=["fields.grid=[64, 64]", "particles={}"])
    for section in ("fields", "particles", "run", "initial"):
        for name, value in getattr(with_scales, section).model_dump().items():
            default = stated[f"{section}.{name}"]
            if value not in (None, {}) and default != "required" and name not in ("output_interval", "observables"):
                expected = json.loads(default)
                assert value == (tuple(expected) if isinstance(expected, list) else expected)


def test_nothing_can_be_changed() -> None:
    read = parse(SHORT)
    with pytest.raises(AttributeError):
        read.size = (1.0, 1.0)  # type: ignore[misc]
    with pytest.raises(TypeError):
        read.composition["A"] = 1.0  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        read.run.duration = 1.0


@pytest.mark.parametrize("path", BAD_FILES, ids=[path.stem for path in BAD_FILES])
def test_bad_file(path: Path) -> None:
    expected = re.findall("^# expect (.*)$", path.read_text(), re.MULTILINE)
    with pytest.raises(RunFileError) as caught:
        load(path)
    assert [line.removeprefix(f"{path}:").strip() for line in str(caught.value).splitlines()] == expected
    assert len(caught.value.problems) == len(expected) > 0
    unpickled = pickle.loads(pickle.dumps(caught.value))
    assert str(unpickled) == str(caught.value)


def test_there_are_bad_files() -> None:
    assert len(BAD_FILES) >= 30


def test_parts_of_a_problem() -> None:
    (problem,) = problems_of(FULL.replace("exp(", "exq("))
    assert problem == Problem(
        path="model.species[0].speed",
        message="unknown function 'exq'; did you mean 'exp'?",
        line=8,
        value="v0*exq(-0.8*tanh((A - 50)/10) + 0.4*tanh((total - 100)/20))",
        allowed="known: exp, log, sqrt, tanh, sinh, cosh, sin, cos, atan",
        location="run.toml:8",
    )


def test_keys_are_those_of_the_documentation() -> None:
    assert {key.path: None if key.default == "required" else key.default for key in keys()} == KEYS
    assert all(key.description and key.allowed for key in keys())


def test_kernel_names_are_those_of_the_theory() -> None:
    assert get_args(KernelName) == KERNEL_NAMES


@pytest.mark.parametrize("key", keys(), ids=lambda key: key.path)
def test_wrong_types_are_refused_at_their_key(key: Any) -> None:
    # of the interactions the second one, which is that of Janus colloids, and of the species the one with chemotaxis
    path = key.path.replace(".species[].chemotaxis", ".species[1].chemotaxis").replace(
        "interactions[].janus", "interactions[1].janus"
    )
    path = path.replace("[]", "[0]").replace("<species>", "A").replace("<parameter>", "v0").replace("<chemical>", "food")
    for value in WRONG_VALUES[key.type]:
        problems = problems_of(FULL, f"{path}={value}")
        assert any(one.path.startswith(path) and one.location == f"--set {path}={value}" for one in problems), value


@pytest.mark.parametrize(
    ("override", "refused"),
    [
        ("run.seed=0", None),
        ("run.seed=-1", "run.seed"),
        ("run.seed=9223372036854775807", None),
        ("run.seed=9223372036854775808", "run.seed"),
        ("run.duration=5", None),
        ("run.duration=4.99", "run.output_interval"),
        ("run.checkpoint_interval=0", None),
        ("run.output_interval=500", None),
        ("run.output_interval=500.1", "run.output_interval"),
        ("run.output_interval=0.02", None),
        ("run.output_interval=0.0199", "fields.time_step"),
        ("fields.grid=[8, 65536]", None),
        ("fields.grid=[6, 128]", "fields.grid[0]"),
        ("fields.grid=[128, 65538]", "fields.grid[1]"),
        ("fields.grid=[65536, 32768]", None),
        ("fields.grid=[65536, 32770]", "fields.grid"),
        ("fields.noise=0", None),
        ("fields.noise=-0.1", "fields.noise"),
        ("fields.noise_length=0", "fields.noise_length"),
        ("fields.maximum_clipped_share=1", None),
        ("fields.observables.sample_interval=5", None),
        ("fields.observables.sample_interval=0.02", None),
        ("fields.observables.sample_interval=0.3", "fields.observables.sample_interval"),
        ("fields.observables.sample_interval=10", "fields.observables.sample_interval"),
        ("fields.observables.sample_interval=0.01", "fields.observables.sample_interval"),
        ("fields.observables.average_after=499.9", None),
        ("fields.observables.average_after=500", "fields.observables.average_after"),
        ("fields.observables.entropy_length=-1", "fields.observables.entropy_length"),
        ("initial.noise=0.5", None),
        ("initial.waves[0].wave=[85, 42]", None),
        ("initial.waves[0].wave=[86, 0]", "initial.waves[0].wave"),
        ("initial.waves[0].wave=[0, -43]", "initial.waves[0].wave"),
        ("initial.waves[0].wave=[0, 0]", "initial.waves[0].wave"),
        ("initial.waves[0].wave=[1]", "initial.waves[0].wave"),
        ("initial.waves[0].amplitude=-1", None),
        ("initial.waves[0].amplitude=1.01", "initial.waves[0].amplitude"),
        ("initial.waves[0].species=C", "initial.waves[0].species"),
        ("initial.time=-1", "initial.time"),
        ("initial.noise=0.51", "initial.noise"),
        ("initial.patch_size=30", None),
        ("initial.patch_size=30.1", "initial.patch_size"),
        ("initial.phases[0].share=0.2500005", None),
        ("initial.phases[0].share=0.250002", "initial.phases"),
        # 1800 x (A + 25) particles against 2^31 = 2147483648
        ("composition.A=1193021", None),
        ("composition.A=1193022", "composition"),
        ("composition={A=0, B=1}", None),
        ("model.species.A.motion={rotational_diffusion=1}", None),
        ("model.species.B.motion={persistence_time=1}", "model.species[1].motion"),
        ("model.sensing.pairs[0].kernel=local", "model.sensing.pairs[0].kernel"),
    ],
)
def test_edges_of_ranges(override: str, refused: str | None) -> None:
    if refused is None:
        assert parse(FULL, overrides=[override]).overrides == (override,)
        return
    (problem,) = problems_of(FULL, override)
    assert problem.path == refused
    # of two keys that do not fit, the one that is named may stand in the file
    crossing = ("run.duration=4.99", "run.output_interval=0.0199")
    assert (problem.location == f"--set {override}") == (override not in crossing)
    assert (problem.line is None) == (override not in crossing)


def test_scales_that_are_asked_for() -> None:
    assert parse(FULL).require_scale() == ("fields", "particles")
    assert parse(FULL).require_scale("particles") == ("particles",)
    with pytest.raises(RunFileError, match=r"run.toml: the run file has no section \[fields\] or \[particles\]"):
        parse(SHORT, source="run.toml").require_scale()
    only_particles: RunSpecification = parse(SHORT, overrides=["particles={}"])
    with pytest.raises(RunFileError, match=r"no section \[fields\].*it states \[particles\]"):
        only_particles.require_scale("fields")


def test_advice() -> None:
    # 254 = 2 x 127; the next even products of 2, 3, 5, 7 are 256 and, after 26, 28
    advice = parse(FULL, overrides=["fields.grid=[254, 26]", "initial.phases[0].densities.A=205"]).advice()
    assert advice[0].endswith("254 has a prime factor above 7; 256 is faster to transform")
    assert advice[1].endswith("26 has a prime factor above 7; 28 is faster to transform")
    # 0.25 x 205 + 0.75 x 65 = 100
    assert advice[2] == "initial.phases: they hold A = 100 on average, the composition says 75"
    # noise on lengths that hold few particles: 20 x 0.1^2 of B
    few = ["fields={grid=[8, 8], noise_length=0.1}", "composition.A=20"]
    sparse = parse(SHORT, overrides=few).advice()
    assert sparse == (
        "fields.noise_length: noise acts down to lengths of 0.1, where there are 0.2 particles of A; set fields.noise_length = "
        "0.8 or more, or fields.noise = 0",
    )
    for override in ("fields.noise=0.0", "fields.noise_length=0.8", "fields.noise=0.01"):
        assert parse(SHORT, overrides=[*few, override]).advice() == ()
    # a mistyped name adds a parameter
    assert parse(FULL, overrides=["model.parameters.v00=3.0"]).advice() == (
        "model.parameters.v00: no law uses it; did you mean 'v0'?",
    )


def test_slow_packages_are_imported_only_when_needed() -> None:
    folder = Path(runs.runfile.__file__).parent
    slow = {"sympy", "numba", "theory.model", "theory.motility", "theory.expressions", "theory.codegen"}
    for name in (
        "runfile",
        "reading.settings",
        "reading.keys",
        "reading.validation",
        "reading.overrides",
        "reading.toml_lines",
        "reading.model",
        "reading.cross_checks",
    ):
        for node in ast.parse((folder / f"{name.replace('.', '/')}.py").read_text()).body:
            imported = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            imported += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not slow & set(imported), name
