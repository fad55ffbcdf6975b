r"""Following curves that equations define: pseudo-arclength continuation.

n equations F(y) = 0 in n + 1 unknowns define curves. From a point y with unit tangent t (the null vector of the Jacobian) the
next one is predicted at y + h t and corrected by Newton's method on F = 0 together with t . (y' - y) = h, which passes folds
as it does any other place. Steps adapt to how far the tangent turns. (H. B. Keller, in *Applications of Bifurcation Theory*,
1977.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Array = NDArray[np.float64]
Function = Callable[[Array], tuple[Array, Array]]

_CORRECTIONS = 10
_CONVERGED = 1e-12
_SMALLEST_STEP = 1e-5
# cosine of the largest turn of the tangent in a step
_LARGEST_TURN = 0.97
_MOST_POINTS = 4000


@dataclass(frozen=True)
class Curve:
    """Points of a curve in order.

    Parameters
    ----------
    points
        Shape (point, unknown).
    ending
        Name of the event that ended it, ``"closed"`` where it came back to its start, or ``"lost"`` where no further point was
        found.
    """

    points: Array
    ending: str


def corrected(function: Function, predicted: Array, tangent: Array) -> Array | None:
    """The point of the curve in the plane normal to a tangent through a predicted one; None where there is none near."""
    y = predicted.copy()
    with np.errstate(all="ignore"):
        for _ in range(_CORRECTIONS):
            residual, jacobian = function(y)
            system = np.vstack([jacobian, tangent])
            right = np.append(residual, tangent @ (y - predicted))
            if not (np.all(np.isfinite(system)) and np.all(np.isfinite(right))):
                return None
            try:
                step = np.linalg.solve(system, right)
            except np.linalg.LinAlgError:
                return None
            y = y - step
            if np.max(np.abs(step)) < _CONVERGED:
                return np.asarray(y)
    # round-off may keep the steps above the threshold: the residual decides
    return np.asarray(y) if np.max(np.abs(step)) < 1e3 * _CONVERGED else None


def tangent_at(function: Function, point: Array) -> Array:
    """A unit tangent of the curve at a point, shape (unknown,); its sign is arbitrary."""
    _, jacobian = function(point)
    return np.asarray(np.linalg.svd(jacobian)[2][-1])


def follow(
    function: Function, start: Array, tangent: Array, step: float, events: Mapping[str, Callable[[Array], float]]
) -> Curve:
    """Follow a curve from a point on it until an event ends it.

    Parameters
    ----------
    function
        Takes unknowns (n + 1,) to residuals (n,) and their derivatives (n, n + 1); unknowns and residuals of order one.
    start
        A point of the curve.
    tangent
        Its unit tangent there, in the direction to follow.
    step
        Largest distance of points.
    events
        Functions of the unknowns that are positive on the way and negative beyond the end, by name. The last point is the place
        where the first of them is zero.
    """
    points, h = [start], step
    while len(points) < _MOST_POINTS:
        here = points[-1]
        new = corrected(function, here + h * tangent, tangent)
        turned = None if new is None else tangent_at(function, new)
        if turned is not None and turned @ tangent < 0.0:
            turned = -turned
        if new is None or turned is None or turned @ tangent < _LARGEST_TURN:
            h *= 0.5
            if h < _SMALLEST_STEP:
                return Curve(np.array(points), "lost")
            continue
        ended = [(name, event) for name, event in events.items() if event(new) < 0.0]
        if ended:
            last, name = _located(function, here, tangent, h, ended)
            return Curve(np.array([*points, last]), name)
        if len(points) > 2 and np.linalg.norm(new - start) < 0.75 * h:
            return Curve(np.array([*points, new, start]), "closed")
        points.append(new)
        tangent = turned
        h = min(1.5 * h, step)
    return Curve(np.array(points), "lost")


def _located(
    function: Function, here: Array, tangent: Array, h: float, ended: list[tuple[str, Callable[[Array], float]]]
) -> tuple[Array, str]:
    """The first place within a step at which an event is zero, and its name."""

    def point(distance: float) -> Array:
        found = corrected(function, here + distance * tangent, tangent)
        # between two points of the curve the corrector has what it needs; where it fails the nearer end stands in
        return here if found is None else found

    places = []
    for name, event in ended:
        if event(here) <= 0.0:
            places.append((0.0, name))
        else:
            places.append((float(brentq(lambda d, e=event: e(point(d)), 0.0, h, xtol=1e-13)), name))
    distance, name = min(places)
    return point(distance), name
