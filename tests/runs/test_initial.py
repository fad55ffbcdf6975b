"""Initial densities: exact means, shares of phases, geometry, and the same bits for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.execute import build_engine
from runs.initial import initial_density
from runs.runfile import RunSpecification, parse
from tests.runs.small_runs import MIXTURE
from theory import InputError
from theory.fourier import Array, Grid

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
        ("initial.geometry=slab", "composition.B=0.0"),
    ],
    ids=["homogeneous", "no noise", "slab", "patches", "much noise", "without B"],
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
