"""Run files of a second or less, and what several tests ask of run directories."""

from pathlib import Path

import numpy as np

from runs.store import open_series, read_checkpoint
from theory.frames import Array

# one species of constant speed: about which all is known
IDEAL = """\
[model]
dimension = 2
[[model.species]]
name = "A"
motion = { tumble_rate = 1.0 }
speed = 1.0
[composition]
A = 40.0
[domain]
size = [4.0, 4.0]
[fields]
grid = [16, 16]
time_step = 0.1
[particles]
time_step = 0.1
[run]
duration = 2.0
output_interval = 0.4
"""

# the laws of the gallery, so that no more of them are compiled than need be; both scales with noise
MIXTURE = """\
[model]
dimension = 2
[model.parameters]
v0 = 1.0
ka = 0.3
kb = -0.3
[[model.species]]
name = "A"
motion = { tumble_rate = 1.0 }
speed = "v0*exp(-tanh((A - 50)/15) + ka*tanh((B - 50)/15))"
[[model.species]]
name = "B"
motion = { tumble_rate = 1.0 }
speed = "v0*exp(-tanh((B - 50)/15) + kb*tanh((A - 50)/15))"
[composition]
A = 50.0
B = 45.0
[domain]
size = [4.0, 4.0]
[fields]
grid = [24, 24]
noise = 1.0
time_step = 0.01
[particles]
time_step = 0.01
[run]
duration = 0.4
output_interval = 0.04
seed = 5
"""

# the speed of A vanishes at a density that clusters reach after some time
VANISHING = MIXTURE.replace('speed = "v0*exp(-tanh((A - 50)/15) + ka*tanh((B - 50)/15))"', 'speed = "v0*(1 - A/70)"')


def janus_model(speed: float) -> str:
    """The particles of [S2] Table 1, at a speed; ends in the table of their interaction."""
    return f"""\
[model]
dimension = 2
[[model.species]]
name = "A"
motion = {{ rotational_diffusion = 1.0 }}
speed = {speed}
translational_diffusion = 0.11
translational_drag = 9.0
rotational_drag = 3.0
[[model.interactions]]
observer = "A"
source = "A"
janus = {{ head_dipole = 112.0, tail_dipole = -53.0, dipole_offset = 0.19, screening_length = 40.0 }}
"""


BOTH = ("fields", "particles")


def written(directory: Path, text: str, name: str = "run file.toml") -> str:
    """A run file of this text, as an argument of the command."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def state_of(directory: Path, scale: str) -> dict[str, Array]:
    """Arrays of the last checkpoint without the planner's memory, which grows with each plan that the process makes."""
    checkpoint = read_checkpoint(directory / scale)
    assert checkpoint.state is not None
    return {name: array for name, array in checkpoint.state.arrays.items() if "wisdom" not in name}


def assert_same_runs(one: Path, other: Path, scale: str) -> None:
    """Last state and all frames of two runs agree bit for bit."""
    a, b = state_of(one, scale), state_of(other, scale)
    assert a.keys() == b.keys()
    assert a
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], strict=True, err_msg=name)
    assert read_checkpoint(one / scale).state.numbers == read_checkpoint(other / scale).state.numbers  # type: ignore[union-attr]
    first, second = open_series(one / scale), open_series(other / scale)
    np.testing.assert_array_equal(first.times, second.times, strict=True)
    np.testing.assert_array_equal(first.steps, second.steps, strict=True)
    assert first.names == second.names
    for name in first.names:
        np.testing.assert_array_equal(first.load(name), second.load(name), strict=True, err_msg=name)
