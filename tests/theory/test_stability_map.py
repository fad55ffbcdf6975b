import numpy as np
import pytest
from scipy import optimize

from tests.theory.models import RUN, cross, duan, figure_one
from theory import InputError, Model, Sensing, Species
from theory.axis import Axis
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState
from theory.linear_stability import classify
from theory.stability_map import UNDEFINED, StabilityMap, stability_map

EVEN = {"A": 50.0, "B": 50.0}


def line(found: StabilityMap, *labels: str) -> np.ndarray:
    chosen = [one.points for one in found.lines if set(one.labels) == set(labels)]
    assert chosen, found.labels
    return np.concatenate(chosen)


def test_quadrants_of_figure_three() -> None:
    """[S1] figure 3b: exceptional lines on the axes; between them patterns that travel, or stand together or apart."""
    found = stability_map(
        cross(0.0, 0.0), EVEN, Axis("model.parameters.ka", -1, 1), Axis("model.parameters.kb", -0.9, 1.1), cells=6
    )
    assert found.labels == ("oscillatory long-wave", "static long-wave, apart", "static long-wave, together")
    for one in found.lines:
        assert one.exceptional
        away = np.hypot(*one.points.T) > 1e-4
        assert np.all(np.abs(one.points[away]).min(axis=1) < 2e-8)
    # every patch has the class of its middle
    for patch in found.patches:
        a, b = patch.corners.mean(axis=0)
        expected = "oscillatory long-wave" if a * b < 0.0 else f"static long-wave, {'apart' if a > 0.0 else 'together'}"
        assert patch.label == expected
    areas = [0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) for x, y in (one.corners.T for one in found.patches)]
    assert sum(areas) == pytest.approx(4.0, abs=1e-3)


def test_spinodal_of_one_species() -> None:
    """Long waves: 1 + rho dlog v/drho = 0, at every point of the boundary."""
    model = Model(2, [Species("A", RUN, "exp(k*tanh((A - 50)/20))")], {"k": -1.0})
    found = stability_map(model, {"A": 50.0}, Axis("composition.A", 10, 110), Axis("model.parameters.k", -2, -0.1), cells=7)
    density, k = line(found, "stable", "static long-wave").T
    slope = k / 20.0 / np.cosh((density - 50.0) / 20.0) ** 2
    # 1e-8 of an axis of 100 changes this by some 1e-8
    np.testing.assert_allclose(1.0 + density * slope, 0.0, atol=1e-7)
    assert density.min() < 40.0 < 70.0 < density.max()


def test_spinodal_of_two_species() -> None:
    """det M(0) = 0 around the unstable compositions of figure 1."""
    model = figure_one()
    found = stability_map(model, {"A": 50.0, "B": 50.0}, Axis("composition.A", 1, 120), Axis("composition.B", 1, 120), cells=7)
    for label in found.labels:
        if label != "stable" and any({label, "stable"} == set(one.labels) for one in found.lines):
            for point in line(found, "stable", label)[::3]:
                matrix = HomogeneousState.of(model, point).matrix(0.0)
                assert abs(np.linalg.det(matrix)) < 1e-6 * np.abs(matrix).max() ** 2


def test_onset_at_a_finite_wavelength() -> None:
    """Particles that speed up among others: the kernel's transform, where it is lowest, decides."""
    model = Model(2, [Species("A", RUN, "exp(k*A/100)")], {"k": 1.0}, Sensing("linear", 1.0))
    found = stability_map(model, {"A": 50.0}, Axis("composition.A", 20, 200), Axis("model.parameters.k", 1, 60), cells=5)
    density, k = line(found, "stable", "static finite-wavelength").T
    kernel = model.channels.kernels[0]
    q = optimize.minimize_scalar(
        lambda q: float(kernel.transform(q)), bounds=(3.0, 12.0), method="bounded", options={"xatol": 1e-10}
    ).x
    assert float(kernel.transform(q)) < 0.0
    np.testing.assert_allclose(1.0 + density * k / 100.0 * float(kernel.transform(q)), 0.0, atol=1e-6)


def test_jumps_and_exceptional_lines_of_unequal_species() -> None:
    """Where oscillation begins two modes grow equally fast at two wavenumbers; long waves coalesce on [S1] Eq. 12."""
    base = cross(0.0, 0.0)
    species = [base.species[0], Species("B", RUN, "0.6*exp(-1.2*tanh((B - 50)/15) + kb*tanh((A - 50)/15))")]
    model = Model(2, species, base.parameters)
    found = stability_map(model, EVEN, Axis("model.parameters.ka", 0.1, 1.1), Axis("model.parameters.kb", -0.5, -0.01), cells=3)
    (jump,) = [one for one in found.lines if {label.split()[0] for label in one.labels} == {"static", "oscillatory"}]
    assert not jump.exceptional
    rates = []
    for side in (-1e-7, 1e-7):
        a, b = jump.points[len(jump.points) // 2]
        rates.append(classify(HomogeneousState.of(model.with_parameters({"ka": a, "kb": b + side}), EVEN)))
    assert rates[0].growth_rate == pytest.approx(rates[1].growth_rate, rel=1e-5)
    assert abs((rates[0].wavenumber or 0.0) - (rates[1].wavenumber or 0.0)) > 0.1
    (line_of_long_waves,) = found.exceptional
    for a, b in line_of_long_waves.points[::2]:
        m = HomogeneousState.of(model.with_parameters({"ka": a, "kb": b}), EVEN).matrix(0.0)
        discriminant = (m[0, 0] - m[1, 1]) ** 2 + 4.0 * m[0, 1] * m[1, 0]
        assert abs(discriminant) < 1e-7 * np.abs(m).max() ** 2


def test_map_of_an_order() -> None:
    """The onset of order 1 is where a root finder puts it; order 0 is stable for all couplings."""
    model = duan(0.1, 0.4)
    composition = {"A": 80.0, "B": 80.0}
    axes = Axis("model.parameters.eta", 0.7, 1.0), Axis("composition.A", 76, 84)
    assert stability_map(model, composition, *axes, cells=2).labels == ("stable",)
    found = stability_map(model, composition, *axes, order=1, cells=2)
    (boundary,) = found.lines
    assert set(boundary.labels) == {"stable", "oscillatory finite-wavelength"}
    eta, density = boundary.points[1]

    def fastest(coupling: float) -> float:
        state = HomogeneousState.of(model.with_parameters({"eta": coupling}), [density, 80.0])
        return float(mode_rates(state, np.linspace(0.5, 2.0, 4000), 1)[:, 0].real.max())

    assert eta == pytest.approx(optimize.brentq(fastest, 0.6, 1.1, xtol=1e-9), abs=1e-6)


def test_where_there_is_no_theory() -> None:
    model = Model(2, [Species("A", RUN, "v*(60 - A)")], {"v": 0.02})
    found = stability_map(model, {"A": 30.0}, Axis("composition.A", 10, 80), Axis("model.parameters.v", 0.01, 0.03), cells=4)
    assert UNDEFINED in found.labels
    unstable = next(one for one in found.labels if one.startswith("static"))
    np.testing.assert_allclose(line(found, UNDEFINED, unstable)[:, 0], 60.0, atol=2e-6)


def test_refusals() -> None:
    model = cross(0.1, 0.1)
    ka = Axis("model.parameters.ka", 0, 1)
    with pytest.raises(InputError, match="cannot be an axis"):
        stability_map(model, EVEN, ka, Axis("domain.size", 0, 1))
    with pytest.raises(InputError, match="the lower one first"):
        Axis("composition.A", 1, 1)
    with pytest.raises(InputError, match=r"both axes of the map are model.parameters.ka"):
        stability_map(model, EVEN, ka, ka)
    with pytest.raises(InputError, match=r"composition.C does not exist: .*no such species \(known: A, B\)"):
        stability_map(model, EVEN, ka, Axis("composition.C", 0, 1))
    with pytest.raises(InputError, match="at least 2 cells"):
        stability_map(model, EVEN, ka, Axis("model.parameters.kb", 0, 1), cells=1)
