import numpy as np
import pytest

from fieldsolver.harmonics import AngularBasis, _sampled
from theory import Motion
from theory.hierarchy import ladder, mean_square

CASES = [(1, 0), (1, 1), (2, 0), (2, 1), (2, 5), (3, 0), (3, 1), (3, 4)]


def _along(basis: AngularBasis, degree: int) -> int:
    """The function of a degree that is even and depends on the angle to one axis only."""
    first = int(np.argmax(basis.degrees == degree))
    return first + 2 if basis.dimension == 3 and degree == 1 else first


@pytest.mark.parametrize(("dimension", "order"), CASES)
def test_products_agree_with_the_ladder_of_the_theory(dimension: int, order: int) -> None:
    """Along one axis the harmonics are cos(l theta) or Legendre's polynomials, up to a scale."""
    basis = AngularBasis(dimension, order)
    along = basis.products[{1: 0, 2: 0, 3: 2}[dimension]]
    for degree in range(int(basis.degrees.max())):
        up, down = ladder(dimension, degree)
        a, b = _along(basis, degree), _along(basis, degree + 1)
        # the scale of each function drops out of the product of a step up and the step back down
        back = ladder(dimension, degree + 1)[1]
        assert along[a, b] * along[b, a] == pytest.approx(up * back, rel=1e-12)
        assert basis.norms[a] == pytest.approx(mean_square(dimension, degree), rel=1e-12)
        if degree > 0:
            assert along[a, _along(basis, degree - 1)] == pytest.approx(down, rel=1e-12)


@pytest.mark.parametrize(("dimension", "order"), CASES)
def test_products_are_symmetric_but_for_the_norms(dimension: int, order: int) -> None:
    """<u_j Y_a Y_b> is symmetric, and the sum over directions of M M acts as u.u = 1 below the highest degree."""
    basis = AngularBasis(dimension, order)
    weighted = basis.products * basis.norms
    np.testing.assert_allclose(weighted, weighted.swapaxes(1, 2), atol=1e-14)
    inner = basis.degrees < basis.degrees.max()
    if dimension > 1:
        square = np.einsum("jab,jbc->ac", basis.products, basis.products)[inner][:, inner]
        np.testing.assert_allclose(square, np.eye(int(inner.sum())), atol=1e-12)


@pytest.mark.parametrize("dimension", [2, 3])
def test_turns_are_derivatives_along_turned_directions(dimension: int) -> None:
    """dY/dt of directions that follow du/dt = e_j - u u_j, by central differences, against N."""
    basis = AngularBasis(dimension, 3)
    _, u, values = _sampled(dimension, basis.degrees)
    inner = basis.degrees < basis.degrees.max()
    step = 1e-5
    for j in range(dimension):
        velocity = -u * u[j]
        velocity[j] += 1.0
        moved = [_functions(basis, u + sign * step * velocity) for sign in (1.0, -1.0)]
        change = (moved[0] - moved[1]) / (2.0 * step)
        np.testing.assert_allclose(change[inner], (basis.turns[j] @ values)[inner], atol=1e-8)


def _functions(basis: AngularBasis, u: np.ndarray) -> np.ndarray:
    """Harmonics of directions that are not those of the quadrature, by their own formulas."""
    u = u / np.linalg.norm(u, axis=0)
    if basis.dimension == 2:
        angle = np.arctan2(u[1], u[0])
        waves = [np.ones_like(angle)]
        for degree in range(1, int(basis.degrees.max()) + 1):
            waves += [np.cos(degree * angle), np.sin(degree * angle)]
        return np.stack(waves)
    from fieldsolver.harmonics import _spherical

    angle = np.arctan2(u[1], u[0])
    return np.concatenate([_spherical(degree, u[2], angle, u) for degree in range(int(basis.degrees.max()) + 1)])


@pytest.mark.parametrize("direction", [(1.0, 0.0, 0.0), (0.6, 0.0, 0.8), (0.48, 0.64, 0.6)])
def test_closure_diffusivity_bounds_every_direction(direction: tuple[float, float, float]) -> None:
    for order in (0, 1, 2):
        basis = AngularBasis(3, order)
        along = np.einsum("j,jab->ab", direction, basis.products)
        a, s = list(basis.highest), list(basis.slaved)
        eigenvalues = np.linalg.eigvals(along[np.ix_(a, s)] @ along[np.ix_(s, a)]).real
        assert eigenvalues.max() == pytest.approx(basis.closure_diffusivity, rel=1e-10)


def test_numbers_of_functions_and_rates() -> None:
    assert [AngularBasis(d, 1).kept for d in (1, 2, 3)] == [2, 3, 4]
    assert [len(AngularBasis(d, 1).slaved) for d in (1, 2, 3)] == [0, 2, 5]
    assert AngularBasis(1, 1).closure_diffusivity == 0.0
    motion = Motion(tumble_rate=0.25, rotational_diffusion=0.5)
    np.testing.assert_allclose(AngularBasis(2, 1).decay_rates(motion), [0.0, 0.75, 0.75, 2.25, 2.25])
    np.testing.assert_allclose(AngularBasis(3, 1).decay_rates(motion), [0.0, *[1.25] * 3, *[3.25] * 5])
    ornstein = Motion(aoup=True, persistence_time=0.5)
    np.testing.assert_allclose(AngularBasis(3, 0).decay_rates(ornstein), [0.0, 2.0, 2.0, 2.0])
