"""Initial densities: exact means, shares of phases, geometry, and the same bits for the same seed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from particles import ParticleEngine
from runs.cli import main
from runs.engines import build_engine
from runs.execute import resume, run
from runs.initial import initial_density, initial_polarity
from runs.runfile import RunSpecification, load, parse
from runs.store import open_series
from runs.store.atomic import StoreError
from tests.runs.small_runs import MIXTURE, assert_same_runs, janus_model, written
from theory import InputError
from theory.arrays import Array
from theory.fourier import Grid
from theory.resampling import resampled

PHASES = """
[initial]
state = "phases"
geometry = "slab"
[[initial.phases]]
share = 0.25
densities = { A = 110.0, B = 15.0 }
[[initial.phases]]
share = 0.75
densities = { A = 30.0, B = 55.0 }
"""
WIDE = ("domain.size=[16.0, 8.0]", "fields.grid=[64, 32]")
GRID = Grid((16.0, 8.0), (32, 64))


def specification(*overrides: str, text: str = MIXTURE + PHASES) -> RunSpecification:
    return parse(text, overrides=[*WIDE, *overrides])


def share_of_first_phase(density: Array) -> float:
    """Share of cells with more A than half way between the phases."""
    return float(np.mean(density[0] > 70.0))


@pytest.mark.parametrize(
    "overrides",
    [
        ("initial.state=homogeneous", "initial.phases=[]"),
        ("initial.state=homogeneous", "initial.phases=[]", "initial.noise=0"),
        ("initial.geometry=slab",),
        ("initial.geometry=patches", "initial.patch_size=3.0"),
        ("initial.geometry=patches", "initial.noise=0.5"),
        ("initial.geometry=droplet",),
        ("initial.geometry=slab", "composition.B=0.0"),
    ],
    ids=["homogeneous", "no noise", "slab", "patches", "much noise", "droplet", "without B"],
)
def test_means_are_the_composition_and_nothing_is_negative(overrides: tuple[str, ...]) -> None:
    one = specification(*overrides)
    density = initial_density(one, GRID)
    assert density.shape == (2, 32, 64)
    assert density.min() >= 0.0
    np.testing.assert_allclose(density.mean(axis=(1, 2)), list(one.composition.values()), rtol=1e-14, atol=0.0)


@settings(max_examples=15)
@given(st.floats(0.05, 0.95), st.sampled_from(["slab", "patches"]), st.integers(0, 2**63 - 1), st.floats(0.0, 0.5))
def test_means_are_exact_whatever_the_phases(share: float, geometry: str, seed: int, noise: float) -> None:
    text = MIXTURE + PHASES.replace("share = 0.25", f"share = {share!r}").replace("share = 0.75", f"share = {1.0 - share!r}")
    one = specification(f"initial.geometry={geometry}", f"run.seed={seed}", f"initial.noise={noise!r}", text=text)
    density = initial_density(one, GRID)
    assert density.min() >= 0.0
    np.testing.assert_allclose(density.mean(axis=(1, 2)), [50.0, 45.0], rtol=1e-13)


def test_homogeneous_noise_has_the_amplitude_asked_for() -> None:
    """The noise has unit variance over the cells by construction, in each species, and is independent between them."""
    one = specification("initial.state=homogeneous", "initial.phases=[]", "initial.noise=0.02")
    density = initial_density(one, GRID)
    np.testing.assert_allclose(density.std(axis=(1, 2)), [50.0 * 0.02, 45.0 * 0.02], rtol=1e-9)
    # smoothed over half a range, the box holds about 16 x 8/(4 pi 0.25) = 40 independent places: 4 standard errors
    assert abs(np.corrcoef(density[0].ravel(), density[1].ravel())[0, 1]) < 4.0 / np.sqrt(40.0)
    smooth = np.abs(np.fft.rfft2(density[0])) ** 2
    smooth[0, 0] = 0.0
    assert smooth[GRID.wavenumber > 3.0 * np.pi].sum() < 1e-3 * smooth.sum()


def test_slabs_lie_side_by_side_along_x() -> None:
    density = initial_density(specification("initial.noise=0"), GRID)
    # flat along y, and two interfaces in the periodic box
    np.testing.assert_allclose(density, np.broadcast_to(density[:, :1], density.shape), rtol=1e-13)
    dense = density[0, 0] > 70.0
    assert np.count_nonzero(dense != np.roll(dense, 1)) == 2
    assert dense[:15].all()
    assert not dense[17:63].any()
    # in the middles of the slabs the phases themselves: their means are the composition already
    # but for the ripples of a step of finitely many modes
    np.testing.assert_allclose(density[:, 0, 8], [110.0, 15.0], rtol=1e-3)
    np.testing.assert_allclose(density[:, 0, 40], [30.0, 55.0], rtol=1e-3)


def test_three_slabs_keep_their_order_and_shares() -> None:
    levels = ((100.0, 20.0), (40.0, 40.0), (10.0, 75.0))
    phases = "".join(
        f"[[initial.phases]]\nshare = {share}\ndensities = {{ A = {a}, B = {b} }}\n"
        for share, (a, b) in zip((0.25, 0.5, 0.25), levels, strict=True)
    )
    density = initial_density(specification("initial.noise=0", text=MIXTURE + '[initial]\nstate = "phases"\n' + phases), GRID)
    factor = np.array([50.0 / 47.5, 45.0 / 43.75])
    for column, level in zip((8, 32, 56), levels, strict=True):
        np.testing.assert_allclose(density[:, 0, column], factor * level, rtol=1e-3)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_patches_fill_their_shares(share: float) -> None:
    """To a cell, but for the smoothing of their edges over a quarter of a range."""
    text = MIXTURE + PHASES.replace("share = 0.25", f"share = {share}").replace("share = 0.75", f"share = {1.0 - share}")
    means = np.array([share * 110.0 + (1.0 - share) * 30.0, share * 15.0 + (1.0 - share) * 55.0])
    overrides = ("initial.geometry=patches", "initial.noise=0", f"composition.A={means[0]}", f"composition.B={means[1]}")
    density = initial_density(specification(*overrides, text=text), GRID)
    assert share_of_first_phase(density) == pytest.approx(share, abs=0.02)
    # phases complement each other: where A is dense B is dilute
    assert np.corrcoef(density[0].ravel(), density[1].ravel())[0, 1] == pytest.approx(-1.0, abs=1e-9)
    # patches, not slabs: edges along both directions
    dense = density[0] > 70.0
    assert np.any(dense != np.roll(dense, 1, axis=0))
    assert np.any(dense != np.roll(dense, 1, axis=1))


def test_smaller_patches_have_more_edges() -> None:
    def edges(size: float) -> int:
        overrides = ("initial.geometry=patches", f"initial.patch_size={size}", "initial.noise=0")
        dense = initial_density(specification(*overrides), GRID)[0] > 70.0
        return int(np.count_nonzero(dense != np.roll(dense, 1, axis=0)) + np.count_nonzero(dense != np.roll(dense, 1, axis=1)))

    assert edges(1.5) > 1.5 * edges(4.0) > 0


@pytest.mark.parametrize("geometry", ["slab", "patches"])
def test_the_seed_decides_all(geometry: str) -> None:
    one = specification(f"initial.geometry={geometry}")
    np.testing.assert_array_equal(initial_density(one, GRID), initial_density(specification(*one.overrides), GRID))
    other = specification(f"initial.geometry={geometry}", "run.seed=6")
    assert not np.array_equal(initial_density(one, GRID), initial_density(other, GRID))


def test_a_species_that_no_phase_holds_is_refused() -> None:
    with pytest.raises(InputError, match=r"initial\.phases: no phase holds any B, of which the composition has 45"):
        initial_density(specification("initial.phases[0].densities.B=0.0", "initial.phases[1].densities.B=0.0"), GRID)


def test_both_scales_start_from_the_same_profile() -> None:
    """Fields: to round-off, but for the modes that the solver does not keep. Particles: numbers in halves of the box.

    The number of N particles in a part with the share p of the density has the standard error sqrt(N p (1 - p)).
    """
    one = specification("initial.noise=0", "fields.noise=0")
    fields = build_engine(one, "fields").frame()
    expected = initial_density(one, GRID)
    for s, name in enumerate("AB"):
        np.testing.assert_allclose(fields.variables[f"density_{name}"].data, expected[s], rtol=0.02)
        np.testing.assert_allclose(fields.variables[f"density_{name}"].data.mean(), expected[s].mean(), rtol=1e-13)
    particles = build_engine(one, "particles").frame()
    positions, species = particles.variables["position"].data, particles.variables["species"].data
    for s, name in enumerate("AB"):
        x = positions[species == s, 0]
        assert x.size == round(one.composition[name] * 128.0)
        inside = expected[s, :, :16].sum() / expected[s].sum()
        error = np.sqrt(x.size * inside * (1.0 - inside))
        # the particles' own, coarser profile grid has its interfaces within a cell of a quarter of a range
        assert abs(np.count_nonzero(x < 4.0) - inside * x.size) < 4.0 * error + 0.02 * x.size
        assert abs(np.count_nonzero(positions[species == s, 1] < 4.0) - x.size / 2) < 4.0 * np.sqrt(x.size / 4)


@pytest.mark.parametrize(
    "overrides",
    [
        ("initial.state=homogeneous", "initial.phases=[]", "initial.noise=0.1"),
        ("initial.geometry=slab", "initial.noise=0.1"),
        ("initial.geometry=patches", "initial.patch_size=3.0"),
        ("initial.geometry=droplet",),
    ],
    ids=["homogeneous", "slab", "patches", "droplet"],
)
def test_every_grid_starts_from_the_same_state(overrides: tuple[str, ...]) -> None:
    """Random fields and patches too; what is left is the choice of cells at the edges of phases, before they are smoothed."""
    one = specification(*overrides)
    coarse, fine = initial_density(one, GRID), initial_density(one, Grid((16.0, 8.0), (128, 256)))
    difference = np.abs(resampled(fine, (32, 64)) - coarse)
    scale = coarse.std(axis=(1, 2))
    assert np.all(difference.mean(axis=(1, 2)) < (1e-9 if "homogeneous" in overrides[0] else 0.1) * scale)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_droplet_has_its_share_in_the_middle(share: float) -> None:
    """Area share of a disc, so that its radius is sqrt(share 128/pi); its interface within a cell of half a range."""
    text = MIXTURE + PHASES.replace("share = 0.25", f"share = {share}").replace("share = 0.75", f"share = {1.0 - share}")
    density = initial_density(specification("initial.geometry=droplet", "initial.noise=0", text=text), GRID)
    y, x = np.meshgrid(GRID.coordinates("y") - 4.0, GRID.coordinates("x") - 8.0, indexing="ij")
    distance, radius = np.hypot(x, y), np.sqrt(share * 128.0 / np.pi)
    ratio = density[0] / density[0].max()
    assert np.all(ratio[distance < radius - 0.6] > 0.9)
    assert np.all(ratio[distance > radius + 0.6] < 0.4)


def test_droplet_of_a_radius_is_that_of_its_share() -> None:
    text = MIXTURE + PHASES.replace("share = 0.25\n", "").replace("share = 0.75\n", "")
    one = specification("initial.geometry=droplet", "initial.radius=2.5", "initial.noise=0", text=text)
    assert one.phase_shares == pytest.approx((np.pi * 6.25 / 128.0, 1.0 - np.pi * 6.25 / 128.0))
    share = one.phase_shares[0]
    other = specification(
        "initial.geometry=droplet", "initial.noise=0",
        text=MIXTURE + PHASES.replace("share = 0.25", f"share = {share!r}").replace("share = 0.75", f"share = {1.0 - share!r}"),
    )  # fmt: skip
    # up to a cell or two on the rim
    assert np.mean(np.abs(initial_density(one, GRID) - initial_density(other, GRID)) > 1.0) < 0.01


@pytest.mark.parametrize(("dimension", "cells"), [(1, (64,)), (2, (16, 64)), (3, (8, 16, 32))])
def test_waves_in_every_dimension(dimension: int, cells: tuple[int, ...]) -> None:
    """Against the formula, with a phase and a wave along the diagonal."""
    size = [16.0, 8.0, 4.0][:dimension]
    text = f"""
[model]
dimension = {dimension}
[[model.species]]
name = "A"
motion = {{ tumble_rate = 1.0 }}
speed = 1.0
[[model.species]]
name = "B"
motion = {{ tumble_rate = 1.0 }}
speed = 1.0
[composition]
A = 5.0
B = 2.0
[domain]
size = {size}
[run]
duration = 1.0
[initial]
state = "waves"
[[initial.waves]]
species = "A"
wave = {[2, -1, 3][:dimension]}
amplitude = 0.3
phase = 0.7
[[initial.waves]]
species = "A"
wave = {[1, 0, 0][:dimension]}
amplitude = -0.2
"""
    grid = Grid(tuple(size), cells)
    density = initial_density(parse(text), grid)
    places = np.meshgrid(*(grid.coordinates(axis) for axis in "xyz"[:dimension][::-1]), indexing="ij")[::-1]
    angle = sum(2.0 * np.pi * n * r / edge for n, r, edge in zip([2, -1, 3], places, size, strict=False))
    expected = 5.0 * (1.0 + 0.3 * np.cos(angle + 0.7) - 0.2 * np.cos(2.0 * np.pi * places[0] / 16.0))
    np.testing.assert_allclose(density[0], expected, rtol=1e-12)
    np.testing.assert_allclose(density[1], 2.0, rtol=1e-12)


@pytest.mark.parametrize("dimension", [1, 3])
def test_phases_in_other_dimensions(dimension: int) -> None:
    text = MIXTURE.replace("dimension = 2", f"dimension = {dimension}").replace("[4.0, 4.0]", str([12.0, 6.0, 6.0][:dimension]))
    text = text[: text.index("[fields]")] + text[text.index("[run]") :]
    grid = Grid((12.0, 6.0, 6.0)[:dimension], (24, 24, 48)[-dimension:])
    for geometry in ("slab", "patches", "droplet"):
        density = initial_density(parse(text + PHASES, overrides=[f"initial.geometry={geometry}"]), grid)
        axes = tuple(range(1, dimension + 1))
        assert density.shape == (2, *grid.shape)
        np.testing.assert_allclose(density.mean(axis=axes), [50.0, 45.0], rtol=1e-13)
        assert np.mean(density[0] > 70.0) == pytest.approx(0.25, abs=0.05)


def _with_file(directory: Path, arrays: dict[str, Array], *overrides: str) -> RunSpecification:
    np.savez(directory / "start.npz", **arrays)  # type: ignore[arg-type]
    text = MIXTURE + '[initial]\nstate = "file"\npath = "start.npz"\n'
    return load(written(directory, text), [*WIDE, "fields.noise=0", *overrides])


def _bumps(shape: tuple[int, ...]) -> dict[str, Array]:
    rows, columns = (np.cos(2.0 * np.pi * (np.arange(n) + 0.5) / n) for n in shape)
    return {"A": 50.0 + 20.0 * np.outer(rows, columns), "B": 45.0 - 10.0 * columns + 0.0 * rows[:, None], "other": np.zeros(3)}


def test_densities_from_a_file_on_another_grid(tmp_path: Path) -> None:
    """Also for particles, which are drawn from them."""
    one = _with_file(tmp_path, _bumps((10, 14)))
    expected = np.stack([_bumps((32, 64))[name] for name in "AB"])
    np.testing.assert_allclose(initial_density(one, GRID), expected, rtol=1e-12)
    np.testing.assert_allclose(build_engine(one, "fields").frame().variables["density_B"].data, expected[1], rtol=1e-12)
    particles = build_engine(one, "particles").frame()
    x = particles.variables["position"].data[particles.variables["species"].data == 1, 0]
    # <cos> of positions that are distributed as 1 - (10/45) cos is -5/45, of n particles with an error below 1/sqrt(2 n)
    assert abs(np.cos(2.0 * np.pi * x / 16.0).mean() + 5.0 / 45.0) < 4.0 / np.sqrt(2.0 * x.size)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"A": np.full((8, 8), 50.0)}, "holds no array B; it needs one named after each species"),
        ({"A": np.full((8, 8), 50.0), "B": np.full(8, 45.0)}, "the array B has 1 axes of type float64; needed: 2 axes"),
        ({"A": np.full((8, 8), 50.0), "B": np.full((8, 9), 45.0)}, r"shapes \[\(8, 8\), \(8, 9\)\], not one"),
        (
            {"A": np.full((8, 8), -50.0), "B": np.full((8, 8), 45.0)},
            "the array A holds numbers that are not finite, or negative densities",
        ),
        ({"A": np.full((8, 8), np.inf), "B": np.full((8, 8), 45.0)}, "not finite, or negative densities"),
        (
            {"A": np.full((8, 8), 50.0), "B": np.full((8, 8), 40.0)},
            r"hold B = 40 on average, composition.B is 45; set composition",
        ),
        ({"A": np.full((8, 8), 50.0 + 1j), "B": np.full((8, 8), 45.0)}, "of type complex128"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, Array], words: str) -> None:
    one = _with_file(tmp_path, arrays)
    with pytest.raises(InputError, match=words) as caught:
        initial_density(one, GRID)
    assert "run file.toml: initial.path = 'start.npz': " in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = _with_file(tmp_path, _bumps((8, 8)), "initial.path=nowhere.npz")
    with pytest.raises(InputError, match="no such file; the path is relative to the run file"):
        initial_density(one, GRID)
    (tmp_path / "text.npz").write_text("A, B\n1, 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="not a file of numeric arrays"):
        initial_density(_with_file(tmp_path, _bumps((8, 8)), "initial.path=text.npz"), GRID)
    np.savez(tmp_path / "objects.npz", A=np.array([None]), B=np.ones((8, 8)))
    with pytest.raises(InputError, match="not a file of numeric arrays"):
        initial_density(_with_file(tmp_path, _bumps((8, 8)), "initial.path=objects.npz"), GRID)
    np.save(tmp_path / "one.npy", np.ones((8, 8)))
    with pytest.raises(InputError, match="not a file of numeric arrays"):
        initial_density(_with_file(tmp_path, _bumps((8, 8)), "initial.path=one.npy"), GRID)
    # a check finds what a run would
    assert main(["check", str(tmp_path / "run file.toml"), "--set", "initial.path=nowhere.npz"]) == 2
    assert "nowhere.npz': no such file" in capsys.readouterr().err


def _first_run(directory: Path) -> Path:
    out = directory / "first"
    run(load(written(directory, MIXTURE + PHASES, "first.toml"), [*WIDE, "run.duration=0.08"]), out, quiet=True)
    return out


def _second(directory: Path, *overrides: str) -> RunSpecification:
    text = MIXTURE + '[initial]\nstate = "run"\npath = "first"\n'
    return load(written(directory, text, "second.toml"), [*WIDE, *overrides])


def test_a_run_starts_from_a_frame_of_another(tmp_path: Path) -> None:
    series = open_series(_first_run(tmp_path) / "fields")
    # stored in single precision
    for frame, overrides in ((-1, ()), (1, ("initial.time=0.05",)), (0, ("initial.time=0",))):
        density = initial_density(_second(tmp_path, *overrides), GRID)
        for s, name in enumerate("AB"):
            np.testing.assert_allclose(density[s], series.load(f"density_{name}")[frame], rtol=1e-5)
    finer = initial_density(_second(tmp_path), Grid((16.0, 8.0), (64, 128)))
    np.testing.assert_allclose(resampled(finer, (32, 64)), initial_density(_second(tmp_path), GRID), rtol=1e-5)


def test_polarities_are_those_that_are_stated_and_a_perturbation() -> None:
    text = MIXTURE[: MIXTURE.index("[particles]")] + MIXTURE[MIXTURE.index("[run]") :]
    polar = ("fields.order=1", "initial.polarity={A=[0.6, -0.2]}")
    still = parse(text, overrides=[*WIDE, *polar, "initial.noise=0"])
    density = initial_density(still, GRID)
    found = initial_polarity(still, density, GRID, None)
    assert found is not None
    np.testing.assert_allclose(found[0], np.array([0.6, -0.2])[:, None, None] * density[0], rtol=1e-14)
    np.testing.assert_array_equal(found[1], 0.0)
    noisy = initial_polarity(parse(text, overrides=[*WIDE, *polar, "initial.noise=0.02"]), density, GRID, None)
    assert noisy is not None
    # each component of its own, of the amplitude that is stated
    change = (noisy - found) / np.array([50.0, 45.0])[:, None, None, None]
    np.testing.assert_allclose(change.std(axis=(2, 3)), 0.02, rtol=1e-9)
    assert np.abs(np.corrcoef(change.reshape(4, -1)) - np.eye(4)).max() < 4.0 / np.sqrt(40.0)
    frame = build_engine(still, "fields").frame()
    assert frame.variables["polar_order_A"].data == pytest.approx(np.hypot(0.6, 0.2))
    plain = parse(text, overrides=[*WIDE, "fields.order=1", "initial.noise=0"])
    assert initial_polarity(plain, density, GRID, None) is None


def test_a_run_starts_from_the_polarities_of_another(tmp_path: Path) -> None:
    text = MIXTURE[: MIXTURE.index("[particles]")] + MIXTURE[MIXTURE.index("[run]") :]
    order = ("fields.order=1", "fields.noise=0", "run.duration=0.08")
    out = tmp_path / "first"
    run(load(written(tmp_path, text, "first.toml"), [*WIDE, *order, "initial.polarity={A=[0.3, 0.1]}"]), out, quiet=True)
    second = load(written(tmp_path, text + '[initial]\nstate = "run"\npath = "first"\n', "second.toml"), [*WIDE, *order])
    frame, stored = build_engine(second, "fields").frame(), open_series(out / "fields")
    for name in ("polarity_x_A", "polarity_y_A", "polarity_x_B", "density_B"):
        np.testing.assert_allclose(frame.variables[name].data, stored.load(name)[-1], rtol=1e-5, atol=1e-5)
    assert frame.variables["polar_order_A"].data > 0.1
    # a run without directions leaves them out
    assert (
        "polarity_x_A"
        not in build_engine(load(tmp_path / "second.toml", [*WIDE, "fields.order=0"]), "fields").frame().variables
    )


def test_a_run_starts_from_the_particles_of_another(tmp_path: Path) -> None:
    """The modes of the particles themselves, up to the end of the noise's band, and nothing beyond."""
    series = open_series(_first_run(tmp_path) / "particles")
    density = initial_density(_second(tmp_path, "initial.scale=particles", "fields.noise_length=2.0"), GRID)
    positions, species = series.load("position", -1)[0], series.load("species", -1)[0]
    for s in range(2):
        x, y = positions[species == s].T.astype(float)
        found = np.fft.rfft2(density[s]) * GRID.cell_volume
        for row, column in ((0, 1), (2, 3), (1, 0), (3, 1)):
            kx, ky = 2.0 * np.pi * column / 16.0, 2.0 * np.pi * row / 8.0
            # values are at the centres of cells
            phase = np.exp(-0.5j * (kx + ky) * 0.25)
            exact = np.sum(np.exp(-1j * (kx * x + ky * y)))
            inside = np.hypot(kx, ky) <= np.pi / 2.0
            assert abs(found[row, column] * phase - exact * inside) < 2e-3 * x.size
            if inside:
                assert abs(exact) > 2e-3 * x.size


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("initial.path=nowhere",), "initial.path = 'nowhere': nowhere: holds no frames|holds no frames"),
        (("initial.time=0.2",), r"initial.time = 0.2: that run has frames from t = 0 to 0.08"),
        (("domain.size=[8.0, 8.0]",), r"that run has the box \[16.0, 8.0\], this one \[8.0, 8.0\]; they must be equal"),
        (("composition.A=60",), r"hold A = 50 on average, composition.A is 60; set composition.A = 50"),
        (
            ("model.species.A.name=C", "model.species[0].speed=1", "model.species[1].speed=1", "composition={C=50, B=45}"),
            "that run has the species A, B, this one C, B",
        ),
    ],
)
def test_runs_that_do_not_fit_are_refused(tmp_path: Path, overrides: tuple[str, ...], words: str) -> None:
    _first_run(tmp_path)
    with pytest.raises(InputError, match=words):
        initial_density(_second(tmp_path, *overrides), GRID)


def test_a_scale_that_the_other_run_does_not_have_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "first"
    run(load(written(tmp_path, MIXTURE, "first.toml"), [*WIDE, "run.duration=0.04"]), out, scales=["fields"], quiet=True)
    with pytest.raises(
        InputError, match=r"initial.scale = 'particles': that run has no frames of its particles; it has fields"
    ):
        initial_density(_second(tmp_path, "initial.scale=particles"), GRID)


def test_a_run_from_elsewhere_is_continued_without_it(tmp_path: Path) -> None:
    """The densities are kept beside the frames: the file may go, and the bits stay the same."""
    one = _with_file(tmp_path, _bumps((10, 14)))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(one, whole, quiet=True)
    short = _with_file(tmp_path, _bumps((10, 14)), "run.duration=0.2")
    run(short, broken, quiet=True)
    (tmp_path / "start.npz").unlink()
    resume(broken, duration=0.4, quiet=True)
    for scale in ("fields", "particles"):
        assert_same_runs(whole, broken, scale)
    (broken / "initial.npz").write_bytes(b"no archive")
    with pytest.raises(StoreError, match=r"initial\.npz: damaged"):
        resume(broken, duration=0.6, quiet=True)
    (broken / "initial.npz").unlink()
    with pytest.raises(StoreError, match=r"initial\.npz: cannot read"):
        resume(broken, duration=0.6, quiet=True)


def test_particles_start_with_the_mean_directions_of_the_fields(tmp_path: Path) -> None:
    """Stated ones, of a uniform state and of phases, and those that are read; the perturbation acts on fields alone."""
    stated = ("fields.order=1", "initial.polarity={A=[0.6, -0.3], B=[0.0, 1.0]}")
    for text in (MIXTURE, MIXTURE + PHASES):
        frame = build_engine(parse(text, overrides=[*WIDE, *stated]), "particles").frame()
        assert frame.variables["polar_order_A"].data == pytest.approx(np.hypot(0.6, 0.3), abs=4.0 / np.sqrt(12800.0))
        assert frame.variables["polar_order_B"].data == pytest.approx(1.0, abs=1e-12)
    density = np.full((8, 16), 50.0)
    polarity = np.where(np.arange(16) < 8, 50.0, 0.0) * np.ones((8, 1))
    np.savez(tmp_path / "polar.npz", A=density, B=0.9 * density, polarity_x_A=polarity)
    read = load(written(tmp_path, MIXTURE + '[initial]\nstate = "file"\npath = "polar.npz"\n'), [*WIDE, "fields.order=1"])
    assert build_engine(read, "particles").frame().variables["polar_order_A"].data == pytest.approx(0.5, abs=0.03)


def test_phases_have_mean_directions_of_their_own() -> None:
    """A polar band in a gas that moves the other way: in the middle of each its own direction, at both scales."""
    own = ("fields.order=1", "initial.noise=0", "initial.polarity={A=[-0.2, 0.0]}", "initial.phases[0].polarity={A=[0.6, 0.8]}")
    band = parse(MIXTURE + PHASES, overrides=[*WIDE, *own])
    density = initial_density(band, GRID)
    found = initial_polarity(band, density, GRID, None)
    assert found is not None
    means = found / density[:, None]
    np.testing.assert_allclose(means[0, :, :, 8], np.array([0.6, 0.8])[:, None] * np.ones(32), atol=1e-5)
    np.testing.assert_allclose(means[0, :, :, 40], np.array([-0.2, 0.0])[:, None] * np.ones(32), atol=1e-5)
    np.testing.assert_array_equal(means[1], 0.0)
    assert np.linalg.norm(means, axis=1).max() <= 1.0 + 1e-12
    engine = build_engine(band, "particles")
    assert isinstance(engine, ParticleEngine)
    inside = (engine.species == 0) & (engine.positions[0] > 0.5) & (engine.positions[0] < 3.5)
    np.testing.assert_allclose(engine.orientations[:, inside].mean(axis=1), [0.6, 0.8], atol=2e-3)


def test_particles_that_sense_nothing_start_in_phases() -> None:
    """Cells of two mean distances, and four particles in five in a fifth of the box."""
    phases = "[{share=0.2, densities={A=1.2}, polarity={A=[1.0, 0.0]}}, {share=0.8, densities={A=0.075}}]"
    text = f"{janus_model(66.0)}[composition]\nA = 0.3\n[domain]\nsize = [200.0, 20.0]\n[particles]\n[run]\nduration = 0.01\n"
    engine = build_engine(parse(text, overrides=['initial.state="phases"', f"initial.phases={phases}"]), "particles")
    assert isinstance(engine, ParticleEngine)
    first = engine.positions[0] < 40.0
    assert np.mean(first) == pytest.approx(0.8, abs=0.03 + 4.0 * np.sqrt(0.16 / 1200.0))
    assert engine.orientations[0, engine.positions[0] < 30.0].mean() == pytest.approx(1.0, abs=0.02)
    assert abs(engine.orientations[0, engine.positions[0] > 60.0].mean()) < 0.2
