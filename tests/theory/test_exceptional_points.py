import numpy as np
import pytest
from scipy import optimize

from tests.theory.models import RUN, cross, duan, one_species
from theory import InputError, Model, PairSensing, Sensing, Species
from theory.exceptional_points import exceptional_points, oscillatory_condition, squared_gap
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState


def unequal(ka: float, kb: float) -> HomogeneousState:
    """Kernels of two ranges: whether modes are complex depends on the wavenumber."""
    base = cross(ka, kb)
    species = [base.species[0], Species("B", RUN, "0.8*exp(-1.1*tanh((B - 50)/15) + kb*tanh((A - 50)/15))")]
    sensing = Sensing("gaussian", 0.5, (PairSensing("A", "B", "gaussian", 0.3), PairSensing("B", "B", "gaussian", 0.8)))
    return HomogeneousState.of(Model(2, species, base.parameters, sensing), [50.0, 50.0])


def test_roots_of_the_discriminant() -> None:
    state = unequal(0.4, -0.1)

    def discriminant(q: float) -> float:
        m = state.matrix(q)
        return float((m[0, 0] - m[1, 1]) ** 2 + 4.0 * m[0, 1] * m[1, 0])

    q = np.linspace(0.01, 30.0, 30001)
    values = np.array([discriminant(one) for one in q])
    brackets = np.nonzero(values[1:] * values[:-1] < 0.0)[0]
    expected = [optimize.brentq(discriminant, q[n], q[n + 1], xtol=1e-13) for n in brackets]
    found = exceptional_points(state)
    assert expected
    assert [one.wavenumber for one in found] == pytest.approx(expected, rel=1e-9)
    for one in found:
        middle = -0.5 * one.wavenumber**2 * np.trace(state.matrix(one.wavenumber))
        assert one.growth_rate == pytest.approx(middle, rel=1e-6)


def test_points_of_a_hierarchy() -> None:
    """Free particles at order 1: q v = 1/(2 tau) sqrt(2) less what slaving adds; found between real and complex modes."""
    state = HomogeneousState.of(Model(1, [Species("A", RUN, "1.0")]), [1.0])
    (found,) = exceptional_points(state, 1)
    # in one dimension the telegraph equation: s^2 + s/tau + v^2 q^2 = 0
    assert found.wavenumber == pytest.approx(0.5, rel=1e-9)
    assert found.growth_rate == pytest.approx(-0.5, rel=1e-6)


def test_overtaking_is_no_coalescence() -> None:
    """A real mode and a pair that cross in their real parts only are not counted."""
    state = HomogeneousState.of(duan(1.0, 0.4), [80.0, 80.0])
    for one in exceptional_points(state, 2):
        values = mode_rates(state, one.wavenumber, 2)
        assert abs(squared_gap(values)) < 1e-5 * np.abs(values).max() ** 2


def test_squared_gap() -> None:
    assert squared_gap(np.array([1.0, 0.25, -3.0 + 1j, -3.0 - 1j])) == pytest.approx(0.5625)
    assert squared_gap(np.array([1.0 + 2j, 1.0 - 2j, 0.9])) == pytest.approx(-16.0)


def test_condition_of_the_paper() -> None:
    """[S1] Eq. 12 with its own derivatives, of speeds rather than logarithms."""
    model = cross(0.3, -0.4)
    state = HomogeneousState.of(model, [45.0, 60.0])
    found = oscillatory_condition(state)
    v, d, rho = state.speeds, state.diffusivities, state.densities
    steps = np.eye(2) * 1e-4
    slopes = [(model.speed(rho + step) - model.speed(rho - step)) / 2e-4 for step in steps]
    assert found.product == pytest.approx(slopes[0][1] * slopes[1][0], rel=1e-6)
    m = state.matrix(0.0)
    threshold = -v[0] * v[1] * (m[0, 0] - m[1, 1]) ** 2 / (4.0 * d[0] * d[1] * rho[0] * rho[1])
    assert found.threshold == pytest.approx(threshold, rel=1e-12)
    assert found.met == bool(np.any(np.linalg.eigvals(m).imag != 0.0))
    with pytest.raises(InputError, match="two species"):
        oscillatory_condition(HomogeneousState.of(one_species(), [1.0]))


def test_nothing_coalesces_alone_or_without_a_length() -> None:
    assert exceptional_points(HomogeneousState.of(one_species("exp(-0.01*A)"), [50.0])) == []
    local = Model(2, cross(0.3, -0.3).species, cross(0.3, -0.3).parameters, Sensing("local"))
    assert exceptional_points(HomogeneousState.of(local, [50.0, 50.0])) == []
