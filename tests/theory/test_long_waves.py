import numpy as np
import pytest

from tests.theory.models import RUN, cross, figure_one, steered
from theory import InputError, Model, Species
from theory.chemical_potential import ChemicalPotentials
from theory.free_energy import FreeEnergy
from theory.homogeneous import HomogeneousState
from theory.linear_stability import classify
from theory.long_waves import (
    OSCILLATORY,
    STABLE,
    STATIC,
    instability_classes,
    long_wave_matrix,
    long_wave_relaxation,
    stability_boundaries,
)
from theory.spinodals import spinodal_curves

UPPER = np.array([100.0, 100.0])


@pytest.mark.parametrize(
    "model",
    [
        figure_one(),
        cross(0.5, -0.4),
        Model(3, [Species(s.name, RUN, s.speed, 0.2) for s in cross(1, 1)], {"ks": 1.0, "ka": 0.5, "kb": 0.1}),
    ],
)
def test_matrix_is_that_of_the_dispersion_relation(model: Model) -> None:
    """Without chemicals M(q) of the linear theory at q = 0, by another route."""
    for densities in ([50.0, 30.0], [12.0, 80.0]):
        expected = HomogeneousState.of(model, densities).matrix(np.array(0.0))
        np.testing.assert_allclose(long_wave_matrix(ChemicalPotentials(model), np.array(densities)), expected, rtol=1e-12)


def test_drift_of_steering_particles() -> None:
    """M_mn = D delta_mn + rho_m (v1/d) beta_n/gamma: V = -(v1/d) grad c."""
    matrix = long_wave_matrix(ChemicalPotentials(steered((0.3, 0.1), (1.0, 2.0))), np.array([10.0, 20.0]))
    np.testing.assert_allclose(matrix, [[0.5 + 10 * 0.15 * 1.0, 10 * 0.15 * 2.0], [20 * 0.05 * 1.0, 0.5 + 20 * 0.05 * 2.0]])


@pytest.mark.parametrize("couplings", [(0.3, -0.3), (0.9, -0.9), (0.3, 0.1)])
def test_boundaries_are_where_classes_change(couplings: tuple[float, float]) -> None:
    potentials = ChemicalPotentials(cross(*couplings))
    curves = stability_boundaries(potentials, UPPER)
    points = np.concatenate(curves)
    matrices = long_wave_matrix(potentials, points.T)
    size = np.abs(matrices).max(axis=(1, 2))
    determinant, trace = np.linalg.det(matrices) / size**2, np.trace(matrices, axis1=1, axis2=2) / size
    # where the two kinds meet both vanish, and the end of a curve is interpolated
    assert np.max(np.minimum(np.abs(determinant), np.abs(trace))) < 1e-3
    assert np.min(determinant) > -1e-3
    assert np.min(trace) > -1e-3
    # every change of class from stable along lines of a fine grid has a curve next to it
    axis = np.linspace(0.5, 99.5, 100)
    classes = instability_classes(potentials, np.stack(np.meshgrid(axis, axis, indexing="ij")))
    rows, columns = np.nonzero((classes[:-1] == STABLE) != (classes[1:] == STABLE))
    for x, y in zip(0.5 * (axis[rows] + axis[rows + 1]), axis[columns], strict=True):
        assert np.min(np.max(np.abs(points - [x, y]), axis=1)) < 2.5


def test_classes_agree_with_the_linear_theory() -> None:
    potentials = ChemicalPotentials(cross(0.6, -0.6))
    names = {STABLE: "stable", STATIC: "static", OSCILLATORY: "oscillatory"}
    for densities in ([50.0, 50.0], [50.0, 95.0], [5.0, 5.0]):
        state = HomogeneousState.of(potentials.model, densities)
        assert names[int(instability_classes(potentials, np.array(densities)[:, None])[0])] == classify(state).kind


def test_with_a_free_energy_the_boundary_is_the_spinodal() -> None:
    spinodals = np.concatenate(spinodal_curves(FreeEnergy(figure_one(), [50, 50]), UPPER))
    boundaries = np.concatenate(stability_boundaries(ChemicalPotentials(figure_one()), UPPER))
    for point in boundaries:
        assert np.min(np.max(np.abs(spinodals - point), axis=1)) < 1.1


def test_speeds_that_end() -> None:
    model = Model(2, [Species("A", RUN, "1 - A/60"), Species("B", RUN, "1")])
    potentials = ChemicalPotentials(model)
    assert instability_classes(potentials, np.array([[50.0, 70.0], [10.0, 10.0]])).tolist() == [STATIC, STABLE]
    with pytest.raises(InputError, match="a speed vanishes"):
        long_wave_relaxation(potentials, np.array([70.0, 10.0]))
