r"""Following curves that equations define: pseudo-arclength continuation.

n equations F(y) = 0 in n + 1 unknowns define curves. From a point y with unit tangent t (the null vector of the Jacobian) the
next one is predicted at y + h t and corrected by Newton's method on F = 0 together with t . (y' - y) = h, which passes folds
as it does any other place. Steps adapt to how far the tangent turns. (H. B. Keller, in *Applications of Bifurcation Theory*,
1977.)

All curves in the unit square on which a function changes its sign are found by its signs on a grid, and followed both ways.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from theory.arrays import Array

Function = Callable[[Array], tuple[Array, Array]]

_CORRECTIONS = 10
_CONVERGED = 1e-12
_SMALLEST_STEP = 1e-5
# cosine of the largest turn of the tangent in a step
_LARGEST_TURN = 0.97
_MOST_POINTS = 4000
# in the unit square: points along an axis of the grid that finds curves, denser near zero by this power; steps along curves and
# for differences, and the distance within which a curve is known already
_GRID, _STRETCH = 161, 1.5
_UNIT_STEP, _DIFFERENCE, _KNOWN = 0.02, 1e-5, 0.02


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


def zero_curves(value: Callable[[Array], Array]) -> list[Array]:
    """The curves on which a function of two unknowns between 0 and 1 changes its sign, each as points in order (point, 2).

    Parameters
    ----------
    value
        Takes unknowns (2, ...) to values ``unknowns.shape[1:]``; not a number where it is not defined.
    """

    def function(y: Array) -> tuple[Array, Array]:
        around = np.stack([np.clip(y + sign * _DIFFERENCE * axis, 0.0, 1.0) for axis in np.eye(2) for sign in (1, -1)])
        values = value(np.vstack([y, around]).T)
        return values[:1], ((values[1::2] - values[2::2]) / np.sum(around[::2] - around[1::2], axis=1))[None]

    edges = {"edge": lambda y: float(min(y.min(), 1.0 - y.max()))}
    curves: list[Array] = []
    for seed in _seeds(value):
        if any(np.min(np.max(np.abs(curve - seed), axis=1)) < _KNOWN for curve in curves):
            continue
        tangent = tangent_at(function, seed)
        start = corrected(function, seed, tangent)
        if start is None:
            continue
        forth = follow(function, start, tangent, _UNIT_STEP, edges)
        back: Iterable[Array] = (
            [] if forth.ending == "closed" else follow(function, start, -tangent, _UNIT_STEP, edges).points[:0:-1]
        )
        curves.append(np.array([*back, *forth.points]))
    return curves


def _seeds(value: Callable[[Array], Array]) -> Array:
    """Places between neighbours of a grid at which the value changes its sign, shape (seed, 2)."""
    axis = np.linspace(0.0, 1.0, _GRID) ** _STRETCH
    unit = np.stack(np.meshgrid(axis, axis, indexing="ij"))
    values = value(unit)
    seeds = []
    for m in range(2):
        low, high = np.moveaxis(values, m, 0)[:-1], np.moveaxis(values, m, 0)[1:]
        first, second = np.moveaxis(unit, m + 1, 1)[:, :-1], np.moveaxis(unit, m + 1, 1)[:, 1:]
        cross = low * high < 0.0
        share = low[cross] / (low[cross] - high[cross])
        seeds.append((first[:, cross] + share * (second - first)[:, cross]).T)
    return np.concatenate(seeds)
