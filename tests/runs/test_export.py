"""Particles for other programs: what is written is read back, by the format's own package or from its text."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from runs.cli import main
from runs.execute import run
from runs.export import export, quaternions
from runs.frames_of_run import ParticleFrames, open_particles
from runs.runfile import parse
from runs.store import StoreError
from tests.runs.small_runs import IDEAL, MIXTURE
from theory import InputError

Array = NDArray[np.float64]

OVERRIDES = ("domain.size=[3.0, 4.0]", "run.duration=0.08", "run.output_interval=0.04")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "run"
    run(parse(MIXTURE, overrides=OVERRIDES), directory, scales=["particles"], threads=1, quiet=True)
    return directory


@pytest.fixture
def frames(stored: Path) -> ParticleFrames:
    return open_particles(stored)[1]


def read_xyz(path: Path) -> list[dict[str, Any]]:
    """Frames of an extended XYZ file, by the definition of the format."""
    lines, frames = iter(path.read_text(encoding="utf-8").splitlines()), []
    for count in lines:
        facts = {key: quoted or plain for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', next(lines))}
        assert facts["Properties"] == "species:S:1:pos:R:3:direction:R:3"
        rows = [next(lines).split() for _ in range(int(count))]
        values = np.array([row[1:] for row in rows], dtype=float)
        frames.append(facts | {"species": [row[0] for row in rows], "pos": values[:, :3], "direction": values[:, 3:]})
    return frames


def turned(axis: Array, quaternion: Array) -> Array:
    """A vector turned by unit quaternions: v + 2 w (q x v) + 2 q x (q x v)."""
    w, q = quaternion[:, :1], quaternion[:, 1:]
    across = np.cross(q, axis)
    return np.asarray(axis + 2.0 * w * across + 2.0 * np.cross(q, across))


def test_extended_xyz_holds_every_frame(stored: Path, frames: ParticleFrames, tmp_path: Path) -> None:
    target = export(stored, "xyz", tmp_path / "particles.xyz")
    found = read_xyz(target)
    assert len(found) == frames.series.frames == 3
    for n, frame in enumerate(found):
        assert frame["Lattice"].split() == ["3", "0", "0", "0", "4", "0", "0", "0", "1"]
        assert frame["pbc"] == "T T F"
        assert float(frame["Time"]) == frames.times[n]
        # nine digits hold every number of single precision
        np.testing.assert_array_equal(frame["pos"][:, :2].astype(np.float32), frames.positions(n).astype(np.float32))
        np.testing.assert_array_equal(frame["direction"][:, :2].astype(np.float32), frames.orientations(n).astype(np.float32))
        assert np.all(frame["pos"][:, 2] == 0.0)
        assert frame["species"] == [frames.names[s] for s in frames.species(n)]
    assert set(found[0]["species"]) == {"A", "B"}


def test_gsd_holds_every_frame(stored: Path, frames: ParticleFrames, tmp_path: Path) -> None:
    hoomd = pytest.importorskip("gsd.hoomd", reason="GSD is an optional extra")
    target = export(stored, "gsd", tmp_path / "particles.gsd")
    with hoomd.open(str(target)) as found:
        assert len(found) == 3
        for n, frame in enumerate(found):
            frame.validate()
            assert frame.configuration.step == frames.series.steps[n]
            assert frame.configuration.dimensions == 2
            assert frame.log["time"][0] == frames.times[n]
            np.testing.assert_array_equal(frame.configuration.box, [3.0, 4.0, 1.0, 0.0, 0.0, 0.0])
            np.testing.assert_allclose(frame.particles.position[:, :2] + [1.5, 2.0], frames.positions(n), atol=1e-6)
            assert np.all(np.abs(frame.particles.position) <= [1.5, 2.0, 0.0])
            assert frame.particles.types == ["A", "B"]
            np.testing.assert_array_equal(frame.particles.typeid, frames.species(n))
            directions = turned(np.array([1.0, 0.0, 0.0]), frame.particles.orientation.astype(float))
            np.testing.assert_allclose(directions[:, :2], frames.orientations(n), atol=1e-6)


@pytest.mark.parametrize(("dimension", "box", "periodic"), [(1, "9 1 1", "T F F"), (3, "2 3 2.5", "T T T")])
def test_other_dimensions(dimension: int, box: str, periodic: str, tmp_path: Path) -> None:
    """Along missing dimensions particles lie at zero, in a box one length thick."""
    text = IDEAL.replace("[fields]\ngrid = [16, 16]\ntime_step = 0.1\n", "").replace(
        "dimension = 2", f"dimension = {dimension}"
    )
    size = [float(edge) for edge in box.split()[:dimension]]
    directory = tmp_path / "run"
    overrides = (f"domain.size={size}", "composition.A=2", "run.duration=0.2", "run.output_interval=0.1")
    run(parse(text, overrides=overrides), directory, scales=["particles"], threads=1, quiet=True)
    last = read_xyz(export(directory, "xyz"))[-1]
    assert last["Lattice"].split()[::4] == box.split()
    assert last["pbc"] == periodic
    frames = open_particles(directory)[1]
    np.testing.assert_array_equal(last["pos"][:, :dimension].astype(np.float32), frames.positions(2).astype(np.float32))
    assert np.all(last["pos"][:, dimension:] == 0.0)
    np.testing.assert_allclose(np.linalg.norm(last["direction"], axis=1), 1.0, atol=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 3))
def test_quaternions_turn_the_x_axis(seed: int, dimension: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(20, dimension))
    vectors[0], vectors[1, 0], vectors[1, 1:] = np.eye(dimension)[0], -2.0, 0.0
    found = quaternions(vectors)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0)
    spatial = np.pad(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ((0, 0), (0, 3 - dimension)))
    np.testing.assert_allclose(turned(np.array([1.0, 0.0, 0.0]), found), spatial, atol=1e-12)
    if dimension == 2:
        # in the plane turns are about z
        assert np.all(found[:, 1:3] == 0.0)


def test_a_vector_without_length_turns_nothing() -> None:
    np.testing.assert_array_equal(quaternions(np.zeros((1, 2))), [[1.0, 0.0, 0.0, 0.0]])


def test_command(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "positions.xyz"
    assert main(["export", str(stored), "--format", "xyz", "--output", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    assert len(read_xyz(target)) == 3
    assert main(["export", str(stored), "--format", "xyz", "--output", str(target)]) == 4
    assert f"{target}: exists already; remove it or choose another --output" in capsys.readouterr().err
    assert main(["export", str(stored), "--format", "xyz"]) == 0
    assert (stored / "particles.xyz").exists()
    (stored / "particles.xyz").unlink()


def test_without_the_package(stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "gsd", None)
    monkeypatch.setitem(sys.modules, "gsd.hoomd", None)
    assert main(["export", str(stored), "--format", "gsd"]) == 2
    error = capsys.readouterr().err
    assert "writing GSD needs the package gsd; install it with: pip install 'twoscale[gsd]'" in error
    assert "Traceback" not in error
    assert not list(stored.glob("*.gsd"))


def test_what_cannot_be_exported(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the format is 'pdb'; it must be one of gsd, xyz"):
        export(stored, "pdb")  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="holds no frames of particles"):
        export(tmp_path, "xyz")
    with pytest.raises(StoreError, match="cannot write"):
        export(stored, "xyz", tmp_path / "missing" / "particles.xyz")
    bare = tmp_path / "bare"
    run(
        parse(MIXTURE, overrides=(*OVERRIDES, "particles.save_positions=false")),
        bare,
        scales=["particles"],
        threads=1,
        quiet=True,
    )
    with pytest.raises(
        InputError, match=r"its frames hold no positions; run with particles\.save_positions = true into another"
    ):
        export(bare, "xyz")


def test_a_failure_leaves_nothing_behind(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("runs.export._spatial", full)
    with pytest.raises(StoreError, match="No space left on device; free some space"):
        export(stored, "xyz", tmp_path / "particles.xyz")
    assert list(tmp_path.iterdir()) == []


def test_late_frames_are_chosen(frames: ParticleFrames) -> None:
    np.testing.assert_array_equal(frames.since(None), [1, 2])
    np.testing.assert_array_equal(frames.since(0.0), [0, 1, 2])
    with pytest.raises(InputError, match=r"0 frames from t = 3 on; it takes at least 1, and the last is at t = 0\.08"):
        frames.since(3.0)
