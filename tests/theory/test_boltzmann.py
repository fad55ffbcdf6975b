"""Boltzmann's theory: the numbers of [S2]'s model by an independent quadrature, both prefactors, and the polar order."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.theory.brownian import DR, MICROMETRE_PER_SECOND
from tests.theory.test_scattering import scattering
from theory import InputError
from theory.kinetic.boltzmann import Boltzmann, BoltzmannTheory

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def theory() -> BoltzmannTheory:
    """At 5 micrometres per second, as accurate as three digits need."""
    return BoltzmannTheory.of(scattering(cutoff=40.0), DR, angles=16, tolerance=1e-4)


def test_alignment_of_janus_particles(theory: BoltzmannTheory) -> None:
    """PHYSICS: I = .457 and phi0_c = pi/(4 v0 I) = .155 at 5 um/s."""
    assert theory.flux.alignment == pytest.approx(0.457, abs=5e-4)
    assert np.pi / 4.0 * theory.flux.onset_density == pytest.approx(0.155, abs=5e-4)


def test_no_alignment_without_repulsion() -> None:
    """PHYSICS: I = -.454 without repulsion, so that there is no onset."""
    found = BoltzmannTheory.of(scattering(force=0.0, cutoff=40.0), DR, angles=24, tolerance=1e-4)
    assert found.flux.alignment == pytest.approx(-0.454, abs=2.5e-3)
    assert found.flux.onset_density == np.inf
    assert found.flux.polar_order(0.3) == 0.0


def test_prefactors_differ_by_a_turn(theory: BoltzmannTheory) -> None:
    for name in ("alignment", "saturation"):
        assert getattr(theory.flux, name) / getattr(theory.printed, name) == pytest.approx(2.0 * np.pi, rel=2e-3)


def test_integrals_by_brute_force(theory: BoltzmannTheory) -> None:
    """The flux over impact parameters and the average over half-angles on plain grids of midpoints."""
    one, angles, places = scattering(cutoff=40.0), 60, 600
    theta = (np.arange(angles) + 0.5) * np.pi / angles
    weight = np.sin(0.5 * theta) / angles
    # impact parameters up to 8: beyond nothing is turned
    h = (np.arange(places) + 0.5) * 8.0 / places
    gains = one.momentum_gain(np.pi - np.arcsin(h / 40.0)[:, None], theta)
    flux = 2.0 * gains.sum(axis=0) * 8.0 / places
    assert weight @ flux == pytest.approx(theory.flux.alignment, rel=5e-3)
    assert (weight * (0.5 - np.cos(theta))) @ flux == pytest.approx(theory.flux.saturation, rel=5e-3)
    aside = (np.arange(places) + 0.5) * 0.2 / places
    printed = 40.0 / (2.0 * np.pi) * 2.0 * one.momentum_gain(np.pi - aside[:, None], theta).sum(axis=0) * 0.2 / places
    assert weight @ printed == pytest.approx(theory.printed.alignment, rel=5e-3)


def on_a_grid(steps: int, shift: float) -> float:
    """The printed integral with r_int = 40 as [S2] takes it: both angles in equal steps, the second shifted by a share."""
    one, step = scattering(cutoff=40.0), 2.0 * np.pi / steps
    nodes = -np.pi + step * np.arange(steps)
    first, second = np.meshgrid(nodes, nodes + shift * step, indexing="ij")
    half, difference = np.angle(np.exp(1j * first) + np.exp(1j * second)), np.angle(np.exp(1j * (second - first)))
    # opposite directions have no momentum to gain
    approaching = (np.sin(first) - np.sin(second) > 1e-9) & (np.abs(difference) < np.pi - 1e-9)
    gain = np.zeros_like(first)
    gain[approaching] = one.momentum_gain(half[approaching], difference[approaching])
    return 40.0 * float(np.mean(np.abs(np.sin(0.5 * difference)) * gain))


def test_grid_of_the_paper_is_too_coarse(theory: BoltzmannTheory) -> None:
    """Steps of 2 pi/100 are more than a diameter of impact parameter: the result hangs on where the grid lies."""
    shifts = (0.0, 0.5)
    coarse, fine = (np.array([on_a_grid(steps, shift) for shift in shifts]) for steps in (100, 400))
    assert np.ptp(coarse) > 0.15 * theory.printed.alignment
    np.testing.assert_allclose(fine, theory.printed.alignment, rtol=0.03)


def test_independent_of_where_encounters_begin() -> None:
    """The flux: to two per mille from cut-offs of 12 and of 20, at 20 um/s, where nothing happens so far out."""
    found = [BoltzmannTheory.of(scattering(20.0, cutoff=cutoff), DR, angles=12, tolerance=1e-4) for cutoff in (12.0, 20.0)]
    assert found[0].flux.alignment == pytest.approx(found[1].flux.alignment, rel=2e-3)


def test_growth_saturation_and_order(theory: BoltzmannTheory) -> None:
    one = theory.flux
    v, onset = 5.0 * MICROMETRE_PER_SECOND, one.onset_density
    densities = onset * np.array([0.5, 1.0, 1.2, 2.0])
    np.testing.assert_allclose(one.growth_rate(densities), densities * v * one.alignment - 1.0)
    assert one.growth_rate(onset) == pytest.approx(0.0, abs=1e-12)
    order = one.polar_order(densities[[0, 2, 3]])
    assert order[0] == 0.0
    # with a = rho v I - Dr and b = rho v J: P^2 = (I/J)(1 - onset/rho)
    np.testing.assert_allclose(order[1:], np.sqrt(one.alignment / one.saturation * (1.0 - 1.0 / np.array([1.2, 2.0]))))
    assert np.isnan(Boltzmann(1.0, 1.0, 2.0, -1.0).polar_order(3.0))


def test_what_has_no_theory() -> None:
    for decay in (0.0, -1.0, np.inf):
        with pytest.raises(InputError, match="the decay rate of polar order is"):
            BoltzmannTheory.of(scattering(), decay)
    with pytest.raises(InputError, match="angles is 0"):
        BoltzmannTheory.of(scattering(), 1.0, angles=0)
