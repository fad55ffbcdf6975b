"""Uniform flocks against closed forms, and their perturbations against the kinetic equation on a grid of directions."""

import numpy as np
import pytest
from scipy import integrate, optimize, special

from tests.theory.test_hierarchy import COMPOSITION, mixture
from theory import InputError, MeanField, Model, Motion, NumericalFailure, Sensing, Species
from theory.arrays import Array, ComplexArray
from theory.flocks import Torques, UniformFlock
from theory.hierarchy import moment_matrix, transverse_matrix
from theory.homogeneous import HomogeneousState


def aligning(harmonics: tuple[float, ...] = (12.0, 3.0), speed: str = "1.0", **more: float) -> HomogeneousState:
    species = Species("A", Motion(0.2, 0.8), speed, 0.03, rotational_drag=1.3, translational_drag=1.7)
    model = Model(2, [species], sensing=Sensing("gaussian", 0.5), mean_field=[MeanField("A", "A", harmonics, **more)])
    return HomogeneousState.of(model, [2.0])


def test_polarity_at_order_one() -> None:
    """P = sqrt(a/b)."""
    state, (t1, t2), drag = aligning(), (12.0, 3.0), 1.3
    a = 2.0 * t1 / (2.0 * np.pi * drag) - 1.0
    b = t1 * (t1 - t2) / (2.0 * np.pi**2 * drag**2 * (4.0 * 0.8 + 0.2 - 2.0 * t2 / (np.pi * drag)))
    assert UniformFlock.of(state, 1).polarity[0] == pytest.approx(np.sqrt(a / b), rel=1e-10)


def test_flock_of_the_kinetic_equation() -> None:
    """T_1 alone and no tumbles: f ~ exp(kappa cos theta), kappa = T_1 P/(pi xi Dr), P/rho = I_1(kappa)/I_0(kappa)."""
    strength, drag, rate, rho = 9.0, 1.0, 0.7, 1.5
    species = Species("A", Motion(rotational_diffusion=rate), "1.0", rotational_drag=drag)
    state = HomogeneousState.of(Model(2, [species], mean_field=[MeanField("A", "A", (strength,))]), [rho])

    def excess(p: float) -> float:
        kappa = strength * p / (np.pi * drag * rate)
        return float(special.i1(kappa) / special.i0(kappa) - p / rho)

    expected = optimize.brentq(excess, 0.1, rho)
    assert UniformFlock.of(state, 16).polarity[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("order", [1, 4])
@pytest.mark.parametrize("adiabatic", [True, False])
def test_without_polarity_the_operator_is_that_of_the_isotropic_state(order: int, adiabatic: bool) -> None:
    state = HomogeneousState.of(mixture(2, torques=True, adiabatic=adiabatic), COMPOSITION)
    still = UniformFlock(state, order, Torques(state, order).complete(np.zeros((2, order))))
    for angle in (0.0, 0.7):
        found = still.growth(1.3, angle)
        pieces = [moment_matrix(state, 1.3, order), transverse_matrix(state, 1.3, order)]
        expected = np.concatenate([np.linalg.eigvals(one) for one in pieces])
        np.testing.assert_allclose(_sorted(found), _sorted(expected), rtol=1e-9, atol=1e-9)


def _sorted(values: Array) -> Array:
    return values[np.lexsort((values.imag, values.real.round(7)))]


def kinetic_growth(state: HomogeneousState, q: Array, nodes: int = 63) -> Array:
    """Eigenvalues about the flock of one species, by its distribution at nodes of the direction (mean 1 is the density 1)."""
    model, pair = state.model, state.model.mean_field[0, 0]
    one = model.species[0]
    theta = 2.0 * np.pi * np.arange(nodes) / nodes
    k = np.fft.fftfreq(nodes, 1.0 / nodes)
    slope = np.fft.ifft(1j * k[:, None] * np.fft.fft(np.eye(nodes), axis=0), axis=0).real
    mean = np.full(nodes, 1.0 / nodes)
    free = one.motion.rotational_diffusion * slope @ slope + one.motion.tumble_rate * (
        np.tile(mean, (nodes, 1)) - np.eye(nodes)
    )
    # the rate at which directions turn, of a distribution
    turn = np.zeros((nodes, nodes))
    for m, strength in enumerate(pair.torque_harmonics, start=1):
        turn += strength / (np.pi * one.rotational_drag) * np.sin(m * (theta[None, :] - theta[:, None])) * mean
    start = state.densities[0] * (1.0 + 0.5 * np.cos(theta))
    path = integrate.solve_ivp(
        lambda _, f: free @ f - slope @ ((turn @ f) * f), (0.0, 400.0), start, method="LSODA", rtol=1e-9, atol=1e-11
    )
    f = path.y[:, -1]
    along = q[0] * np.cos(theta) + q[1] * np.sin(theta)
    across = q[1] * np.cos(theta) - q[0] * np.sin(theta)
    wavenumber = float(np.hypot(*q))
    speed = float(state.speeds[0])
    change = (
        speed * float(state.couplings[0, 0]) * float(state.kernels(wavenumber)[0, 0])
        - pair.speed_reduction / one.translational_drag
    )
    out = free - 1j * speed * np.diag(along) - one.translational_diffusion * wavenumber**2 * np.eye(nodes)
    out = out - slope @ (np.diag(turn @ f) + f[:, None] * turn)
    response = -1j * along * f * change + pair.turning * slope @ (1j * across * f)
    response = response - wavenumber**2 * pair.repulsion / one.translational_drag * f
    values = np.linalg.eigvals(out + np.outer(response, mean))
    return values[np.argsort(-values.real)]


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2.0])
def test_perturbations_of_a_flock_are_those_of_the_kinetic_equation(angle: float) -> None:
    state = aligning((5.0, 2.0, 0.5), "exp(-0.2*A)", speed_reduction=0.1, turning=0.05, repulsion=0.02)
    flock = UniformFlock.of(state, 18)
    for wavenumber in (0.2, 1.1):
        expected = kinetic_growth(state, wavenumber * np.array([np.cos(angle), np.sin(angle)]))
        found = flock.growth(wavenumber, angle)
        np.testing.assert_allclose(in_order(found[:4]), in_order(expected[:4]), rtol=1e-6, atol=1e-7)


def in_order(rates: ComplexArray) -> ComplexArray:
    """Fastest first, and of those that grow alike the one of lower frequency: round-off decides nothing."""
    return rates[np.lexsort((rates.imag, -rates.real.round(6)))]


def test_bands_near_onset() -> None:
    """Waves along the flock grow just above the onset of order, faster than those across, and decay far above it."""

    def fastest(strength: float, angle: float) -> float:
        flock = UniformFlock.of(aligning((strength, 0.0), speed="0.6"), 8)
        return float(flock.growth(np.linspace(0.02, 2.0, 60), angle)[:, 0].real.max())

    onset = 1.3 * np.pi
    assert fastest(1.1 * onset, 0.0) > 1e-3
    assert fastest(1.1 * onset, np.pi / 2.0) < 0.5 * fastest(1.1 * onset, 0.0)
    assert fastest(2.5 * onset, 0.0) < 1e-9


def test_refusals() -> None:
    calm = aligning((1.0,))
    with pytest.raises(InputError, match="no flock: polar order decays at the rate"):
        UniformFlock.of(calm)
    with pytest.raises(InputError, match="order 0"):
        UniformFlock.of(aligning(), 0)
    with pytest.raises(NumericalFailure, match="does not saturate"):
        UniformFlock.of(aligning((5.0, 5.5)))


def test_harmonics_that_run_away_are_no_flock() -> None:
    """Tumbles damp all harmonics alike: cut off at order 2 they blow up, and the root nearby is the isotropic state."""
    species = Species("A", Motion(tumble_rate=1.0), "1")
    model = Model(2, [species], mean_field=[MeanField("A", "A", torque_harmonics=(0.2, 0.04))])
    state = HomogeneousState.of(model, [50.0])
    with pytest.raises(NumericalFailure, match="does not saturate at order 2"):
        UniformFlock.of(state, 2)
    assert 0.3 < UniformFlock.of(state, 3).polarity[0] / 50.0 < 0.4
