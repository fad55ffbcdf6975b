"""Kinetic theory of [S2]'s Janus particles: the reference numbers, from encounters and from the particle engine."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from particles import ParticleEngine
from runs.statistics import number_of_blocks
from tests.theory.brownian import DR, MICROMETRE_PER_SECOND, XI_R, XI_T, box_edge, janus_model
from tests.theory.test_scattering import TORQUE, scattering
from theory.kinetic.boltzmann import BoltzmannTheory
from theory.kinetic.coefficients import integrated_coefficients, mean_fields, sampled_coefficients
from theory.kinetic.polarity import PolarityEquation
from theory.observables.orientation import polar_order
from theory.observables.relative_distribution import RelativeAccumulator, RelativeDistribution

Array = NDArray[np.float64]

# speed (um/s): alignment I and onset phi0_c as the reference prints them, and I converged here for encounters that begin at 40
TABLE = {
    1.0: (0.5146, 0.687, 0.51440),
    2.0: (0.5025, 0.352, 0.50259),
    5.0: (0.4568, 0.155, 0.45689),
    10.0: (0.4092, 0.0864, 0.40927),
    20.0: (0.3569, 0.0495, 0.35691),
    60.0: (0.2742, 0.0215, 0.27422),
}
# strength of the repulsion C at 5 um/s
REPULSION = {0.0: (-0.454, -0.4526), 0.25: (-0.048, -0.04687), 0.5: (0.168, 0.16816), 1.2547: (0.457, 0.45689)}


# --- encounters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", TABLE)
def test_alignment_and_onset(speed: float) -> None:
    """The reference's quadrature errs by up to 4 in its fourth digit; the onsets agree to all of their digits."""
    printed, onset, converged = TABLE[speed]
    found = BoltzmannTheory.of(scattering(speed, cutoff=40.0), DR, angles=64, tolerance=1e-6).flux
    print(f"\n{speed:g} um/s: I = {found.alignment:.5f}, phi0_c = {math.pi / 4.0 * found.onset_density:.5f}")
    assert found.alignment == pytest.approx(converged, abs=2e-5)
    assert found.alignment == pytest.approx(printed, abs=3e-4)
    digits = 3 if onset > 0.1 else 4
    assert round(math.pi / 4.0 * found.onset_density, digits) == onset


@pytest.mark.parametrize("strength", REPULSION)
def test_repulsion_is_needed(strength: float) -> None:
    printed, converged = REPULSION[strength]
    # C = 2 C_F xi_r/(C_G xi_t)
    found = BoltzmannTheory.of(
        scattering(force=0.5 * strength * TORQUE / XI_R * XI_T, cutoff=40.0), DR, angles=96, tolerance=1e-6
    )
    print(f"\nC = {strength:g}: I = {found.flux.alignment:.5f}")
    assert found.flux.alignment == pytest.approx(converged, abs=1.5e-4)
    assert found.flux.alignment == pytest.approx(printed, abs=2e-3)


def test_prefactors() -> None:
    """Far from where particles turn, the printed average is exactly 2 pi smaller."""
    ratios = []
    for cutoff in (40.0, 160.0):
        found = BoltzmannTheory.of(scattering(cutoff=cutoff), DR, angles=48, tolerance=1e-6)
        ratios.append(found.flux.alignment / found.printed.alignment / (2.0 * math.pi))
    print(f"\nflux over printed, in turns: {ratios}")
    assert ratios[0] == pytest.approx(1.0, abs=3e-4)
    assert ratios[1] == pytest.approx(1.0, abs=3e-5)


def test_polarity_saturates_beyond_the_onset() -> None:
    """b > 0, so that the transition is continuous ([S2], Methods)."""
    for speed in (1.0, 5.0, 60.0):
        assert BoltzmannTheory.of(scattering(speed, cutoff=40.0), DR).flux.saturation > 0.0


# --- particles -----------------------------------------------------------------------------------------------------


class Measured:
    """Coefficients of the isotropic state at an area fraction, 5 um/s."""

    def __init__(self, area_fraction: float, duration: float = 40.0, particles: int = 1024) -> None:
        self.model = janus_model(5.0)
        edge = box_edge(particles, area_fraction)
        self.density = particles / edge**2
        engine = ParticleEngine(self.model, [edge, edge], [self.density], time_step=5e-4, seed=3, threads=2)
        accumulator = RelativeAccumulator(8.0, (160, 60, 60))
        rows, orders = [], []
        for n in range(int(duration / 0.25)):
            engine.advance(5.0 + 0.25 * n)
            positions, directions = engine.positions.T, engine.orientations.T
            rows.append(sampled_coefficients(self.model.interactions, positions, directions, engine.size)[0, 0])
            orders.append(polar_order(directions))
            accumulator.accumulate(positions, directions, engine.size)
        self.rows, self.orders, self.distribution = np.array(rows), np.array(orders), accumulator.result()

    @property
    def mean(self) -> Array:
        return np.asarray(self.rows.mean(axis=0))

    @property
    def errors(self) -> Array:
        """Standard errors of the coefficients, from blocks."""
        blocks = number_of_blocks(*self.rows.T)
        assert blocks > 1
        parts = [part.mean(axis=0) for part in np.array_split(self.rows, blocks)]
        return np.asarray(np.std(parts, axis=0, ddof=1) / np.sqrt(blocks))


@pytest.fixture(scope="module")
def at_a_tenth() -> Measured:
    return Measured(0.1)


def test_first_torque_harmonic(at_a_tenth: Measured) -> None:
    """T_1 = +216, so that a = +0.46 although the simulation is isotropic: the closure over-predicts flocking."""
    mean, errors = at_a_tenth.mean, at_a_tenth.errors
    (seen,) = mean_fields(at_a_tenth.model, mean[None, None])
    growth = PolarityEquation.of(at_a_tenth.model, at_a_tenth.density, seen).growth_rate
    order = float(np.mean(at_a_tenth.orders))
    print(
        f"\nT_1 = {mean[0]:.1f} +- {errors[0]:.1f}, T_2 = {mean[1]:.1f} +- {errors[1]:.1f}, a = {growth:.3f}, P = {order:.3f}"
    )
    assert errors[0] < 6.0
    assert abs(mean[0] - 216.0) < 3.0 * errors[0] + 2.0
    assert growth == pytest.approx(0.46, abs=3.0 * errors[0] * at_a_tenth.density / (2.0 * np.pi * XI_R) + 0.02)
    assert order < 0.15


@pytest.mark.parametrize(("area_fraction", "printed", "expected"), [(0.02, 11.9, 11.52), (0.05, 11.4, 11.4), (0.1, 10.1, 10.1)])
def test_loss_of_speed(area_fraction: float, printed: float, expected: float, at_a_tenth: Measured) -> None:
    """zeta_0/xi_t, which falls with density as neighbours come to stand behind particles too.

    At phi0 = 0.02 longer runs of 2500 particles show 3 % less than the reference, a single run in a dilute gas with few
    encounters: 11.52(5), with a quarter of the time step 11.43(10), with cut-offs of 5 and 20 in place of 8 11.66(9) and
    11.30(8). Nothing that was varied leads to 11.9. The two others agree to their digits.
    """
    one = at_a_tenth if area_fraction == 0.1 else Measured(area_fraction)
    value, error = one.mean[4] / XI_T, one.errors[4] / XI_T
    print(f"\nphi0 = {area_fraction}: zeta_0/xi_t = {value:.2f} +- {error:.2f}; {expected} expected, {printed} printed")
    assert error < 0.15
    assert abs(value - expected) < 3.0 * math.hypot(error, 0.05)
    assert abs(value - printed) < 3.0 * error + 0.035 * printed


# area fraction, speed (um/s): P as the reference prints it, of a single run
POLAR_ORDERS = {
    (0.05, 5.0): 0.058,
    (0.1, 5.0): 0.056,
    (0.15, 5.0): 0.32,
    (0.2, 5.0): 0.82,
    (0.25, 5.0): 0.90,
    (0.05, 10.0): 0.054,
    (0.1, 10.0): 0.32,
    (0.2, 10.0): 0.92,
}


@pytest.mark.parametrize(("area_fraction", "speed"), POLAR_ORDERS)
def test_simulated_polar_order(area_fraction: float, speed: float) -> None:
    """N = 1024, r_c = 5, the second half of 40 units of time, four seeds: the reference is one more of them."""
    printed = POLAR_ORDERS[area_fraction, speed]
    model, edge = janus_model(speed, cutoff=5.0), box_edge(1024, area_fraction)
    found = []
    for seed in range(1, 5):
        engine = ParticleEngine(model, [edge, edge], [1024 / edge**2], time_step=1e-3, seed=seed, threads=2)
        orders = []
        for n in range(81):
            engine.advance(20.0 + 0.25 * n)
            orders.append(polar_order(engine.orientations.T))
        found.append(float(np.mean(orders)))
    print(f"\nphi0 = {area_fraction}, {speed:g} um/s: P = {np.round(found, 3).tolist()}, {printed} printed")
    # near the transition flocks form late, and runs differ; 4.5 deviations of one from four hold 98 % by Student's law
    spread = max(float(np.std(found, ddof=1)), 0.015)
    assert abs(np.mean(found) - printed) < 4.5 * spread * math.sqrt(1.0 + 1.0 / 4.0)
    if printed < 0.1 or printed > 0.8:
        assert (np.mean(found) > 0.5) == (printed > 0.5)


def test_both_routes_on_the_engine(at_a_tenth: Measured) -> None:
    integrated = integrated_coefficients(at_a_tenth.model.interactions, at_a_tenth.distribution)[0, 0]
    print(f"\ndirect {at_a_tenth.mean.round(2)}\nfrom g {integrated.round(2)}")
    np.testing.assert_allclose(integrated, at_a_tenth.mean, rtol=0.01, atol=0.02 * at_a_tenth.mean[0])


def test_symmetries_of_the_pair_distribution(at_a_tenth: Measured) -> None:
    """[S2] Figs. S10-S12, in the bins of its figure 4: mirror images are alike; opposite places and directions are not."""
    found = coarse(at_a_tenth)
    near = (found.distances > 1.5) & (found.distances < 3.5)
    error = np.sqrt(np.mean(found.standard_errors[0, 0, near] ** 2))

    def spread(difference: Array) -> float:
        return float(np.sqrt(np.mean(difference[0, 0, near] ** 2)))

    mirror, place, direction = (
        spread(one)
        for one in (found.mirror_difference(), found.opposite_place_difference(), found.opposite_direction_difference())
    )
    print(f"\nmirror {mirror:.3f} (error {error * math.sqrt(2.0):.3f}), place {place:.3f}, direction {direction:.3f}")
    assert mirror < 1.5 * error * math.sqrt(2.0)
    assert place > 5.0 * mirror
    assert direction > 5.0 * mirror


def coarse(measured: Measured) -> RelativeDistribution:
    """The measured counts in wider bins of r and phi, and the four quadrants of theta."""
    fine = measured.distribution
    shape = (1, 1, 40, 4, 20, 3, 4, 15)
    counts = fine.counts.reshape(shape).sum(axis=(3, 5, 7))
    weights = np.diff(fine.edges**2)[:, None, None] * np.ones(fine.values.shape[2:])
    total = weights.reshape(shape).sum(axis=(3, 5, 7))
    values = (fine.values * weights).reshape(shape).sum(axis=(3, 5, 7)) / total
    errors = values / np.sqrt(np.maximum(counts, 1.0))
    return RelativeDistribution(fine.edges[::4], values, errors, counts)


def test_flocks_are_predicted_where_they_are(at_a_tenth: Measured) -> None:
    """At 60 um/s and phi0 = 0.1 theory and particles flock; at 0.005 neither does."""
    speed = 60.0
    theory = BoltzmannTheory.of(scattering(speed, cutoff=8.0), DR).flux
    for area_fraction, flocks in ((0.1, True), (0.005, False)):
        model, edge = janus_model(speed), box_edge(1024, area_fraction)
        density = 1024 / edge**2
        engine = ParticleEngine(model, [edge, edge], [density], time_step=2e-4, seed=4, threads=2)
        engine.advance(8.0)
        order = polar_order(engine.orientations.T)
        print(f"\nphi0 = {area_fraction}: P = {order:.3f}, Boltzmann {float(theory.polar_order(density)):.3f}")
        assert (order > 0.5) == flocks
        assert (float(theory.growth_rate(density)) > 0.0) == flocks
        assert model.speed([density])[0] == pytest.approx(speed * MICROMETRE_PER_SECOND)
