import numpy as np
import pytest

from theory.arrays import Array
from theory.contours import Boundary, Tracer


def area(corners: Array) -> float:
    x, y = corners.T
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def between(found: list[Boundary], *labels: str) -> list[Boundary]:
    return [one for one in found if one.labels == labels]


def test_circle_is_found_to_the_tolerance() -> None:
    tracer = Tracer(lambda x, y: "in" if (x - 0.52) ** 2 + (y - 0.47) ** 2 < 0.09 else "out", 1e-8, 10)
    (line,) = tracer.trace()
    radius = np.hypot(*(line.points - [0.52, 0.47]).T)
    np.testing.assert_allclose(radius, 0.3, atol=2e-8)
    # one closed line, whose chords depart by no more than was asked for
    np.testing.assert_allclose(line.points[0], line.points[-1], atol=1e-7)
    chords = np.hypot(*np.diff(line.points, axis=0).T)
    assert np.all(0.3 - np.sqrt(0.09 - chords**2 / 4.0) < 6e-4)
    turned = np.unwrap(np.arctan2(*(line.points - [0.52, 0.47]).T))
    assert abs(turned[-1] - turned[0]) == pytest.approx(2.0 * np.pi)
    inside = sum(area(one.corners) for one in tracer.patches if one.label == "in")
    assert inside == pytest.approx(np.pi * 0.09, rel=3e-3)
    assert sum(area(one.corners) for one in tracer.patches) == pytest.approx(1.0, abs=1e-5)


def test_three_regions_meet_in_a_point() -> None:
    """The left half, and the right half in two: the lines end where they meet."""

    def label(x: float, y: float) -> str:
        return "left" if x < 0.4 + 0.1 * y else "top" if y > 0.3 + 0.2 * x**2 else "bottom"

    found = Tracer(label, 1e-8, 8).trace()
    assert sorted(one.labels for one in found) == [("bottom", "left"), ("bottom", "top"), ("left", "top")]
    y = np.roots([0.2 * 0.01, 0.2 * 0.08 - 1.0, 0.3 + 0.2 * 0.16]).min()
    junction = np.array([0.4 + 0.1 * y, y])
    for one in found:
        distance = np.hypot(*(one.points - junction).T)
        assert distance.min() < 1e-5
        assert np.argmin(distance) in (0, len(distance) - 1)
    for one in between(found, "bottom", "top"):
        np.testing.assert_allclose(one.points[:, 1], 0.3 + 0.2 * one.points[:, 0] ** 2, atol=1e-5)


def test_four_regions_meet_in_a_point() -> None:
    """As in [S1] figure 3: two of them have the same label."""

    def label(x: float, y: float) -> str:
        a, b = x - 0.5, y - 0.5
        return "mixed" if a * b < 0.0 else "plus" if a > 0.0 else "minus"

    found = Tracer(label, 1e-8, 7).trace()
    for one in found:
        off = np.abs(one.points - 0.5)
        # but for the place where they meet
        assert np.all((np.minimum(*off.T) < 2e-8) | (np.hypot(*off.T) < 1e-5))
    lengths = {
        pair: sum(np.hypot(*np.diff(one.points, axis=0).T).sum() for one in between(found, *pair))
        for pair in (("minus", "mixed"), ("mixed", "plus"))
    }
    assert lengths == pytest.approx({("minus", "mixed"): 1.0, ("mixed", "plus"): 1.0}, abs=1e-4)


def test_a_single_region_has_no_boundary() -> None:
    tracer = Tracer(lambda x, y: "all", cells=3)
    assert tracer.trace() == []
    assert len(tracer.patches) == 9
