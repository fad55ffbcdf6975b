import numpy as np
import pytest

from theory.continuation import corrected, follow, tangent_at

Array = np.ndarray


def circle(y: Array) -> tuple[Array, Array]:
    return np.array([y @ y - 1.0]), 2.0 * y[None]


def test_a_circle_closes() -> None:
    curve = follow(circle, np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.1, {})
    assert curve.ending == "closed"
    np.testing.assert_allclose(np.sum(curve.points**2, axis=1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(curve.points[-1], curve.points[0])
    angles = np.unwrap(np.arctan2(*curve.points.T[::-1]))
    assert np.ptp(angles) == pytest.approx(2.0 * np.pi)


def test_folds_are_passed() -> None:
    """x = y^3 - y runs back and forth in x; y rises all the way."""

    def function(u: Array) -> tuple[Array, Array]:
        return np.array([u[0] - u[1] ** 3 + u[1]]), np.array([[1.0, 1.0 - 3.0 * u[1] ** 2]])

    curve = follow(function, np.array([-6.0, -2.0]), np.array([1.0, 0.1]), 0.05, {"top": lambda u: 2.0 - u[1]})
    assert curve.ending == "top"
    assert np.all(np.diff(curve.points[:, 1]) > 0.0)
    assert np.sum(np.diff(np.sign(np.diff(curve.points[:, 0]))) != 0.0) == 2


def test_events_are_located_and_the_first_one_counts() -> None:
    events = {"late": lambda u: 0.5 - u[1], "early": lambda u: u[0] - 0.95}
    curve = follow(circle, np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.4, events)
    assert curve.ending == "early"
    np.testing.assert_allclose(curve.points[-1], [0.95, np.sqrt(1.0 - 0.95**2)], atol=1e-12)


def test_an_event_at_the_start_ends_there() -> None:
    curve = follow(circle, np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.1, {"side": lambda u: -u[1]})
    np.testing.assert_allclose(curve.points[-1], [1.0, 0.0])


def test_a_curve_that_stops_is_lost() -> None:
    """sqrt(1 - x) is not defined beyond x = 1."""

    def function(u: Array) -> tuple[Array, Array]:
        root = np.sqrt(1.0 - u[0])
        return np.array([u[1] - root]), np.array([[0.5 / root, 1.0]])

    curve = follow(function, np.array([0.9, np.sqrt(0.1)]), np.array([1.0, 0.0]), 0.05, {})
    assert curve.ending == "lost"
    assert curve.points[-1, 0] < 1.0


def test_corrector_and_tangent() -> None:
    tangent = tangent_at(circle, np.array([0.0, 1.0]))
    np.testing.assert_allclose(np.abs(tangent), [1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(corrected(circle, np.array([0.1, 1.0]), np.array([1.0, 0.0])), [0.1, np.sqrt(0.99)], rtol=1e-14)
    assert corrected(circle, np.array([1.5, 1.0]), np.array([1.0, 0.0])) is None
