"""Stability maps: the instability class of a mixture over two parameters or densities, with its boundaries by root finding.

Boundaries are lines on which the class changes, known to 1e-8 of the axes (:mod:`theory.contours`):

- onsets, where the fastest mode stops to decay;
- between static and oscillatory: an exceptional line where the two fastest modes coalesce, or else a jump, on which two modes
  at different wavenumbers grow equally fast: near an exceptional point growth rates fall as a square root towards the complex
  side, so that the fastest of unequal species seldom is the one that coalesces;
- between the other attributes of a class (see :class:`theory.linear_stability.Instability`).

Beside them stand the exceptional lines of long waves, on which two eigenvalues of M(0) coalesce: the oscillatory condition,
[S1] Eq. 12, with equality.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from theory.arrays import Array
from theory.axis import Axis
from theory.contours import Boundary, Field, Patch, Tracer
from theory.errors import InputError
from theory.exceptional_points import squared_gap
from theory.hierarchy import mode_rates
from theory.homogeneous import HomogeneousState
from theory.linear_stability import Instability, classify, eigenvalues, slow_mode
from theory.model import Model

# the label of mixtures without a linear theory, as where a speed vanishes
UNDEFINED = "undefined"
_PARAMETERS, _COMPOSITION = "model.parameters.", "composition."
# two modes coalesce on a line if, this far beside it, their squared distance is below this share of the squared rates
_BESIDE, _COALESCED = 1e-6, 1e-3


@dataclass(frozen=True)
class MapLine:
    """A boundary in the units of the axes.

    Parameters
    ----------
    labels
        Classes on both sides.
    points
        Shape (point, 2).
    exceptional
        Whether the two fastest modes coalesce on it.
    """

    labels: tuple[str, str]
    points: Array
    exceptional: bool


@dataclass(frozen=True)
class StabilityMap:
    """Classes over two axes.

    Parameters
    ----------
    x, y
        The axes.
    order
        Highest angular harmonic; 0 is hydrodynamics.
    lines
        Boundaries of the classes.
    exceptional
        Where the modes of long waves coalesce; labels ``"complex"`` and ``"real"``, or ``"undefined"`` at the edge.
    patches
        Pieces of the regions, as (label, corners (corner, 2)) in the units of the axes; they fill the map.
    """

    x: Axis
    y: Axis
    order: int
    lines: tuple[MapLine, ...]
    exceptional: tuple[MapLine, ...]
    patches: tuple[Patch, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that occur."""
        return tuple(sorted({one.label for one in self.patches}))


class Family:
    """The homogeneous mixtures of a map: one model with two of its numbers varied.

    Parameters
    ----------
    model, composition
        The model and its densities by name, for all that the axes do not vary.
    x, y
        The axes.

    Raises
    ------
    InputError
        Both axes are the same, or one is no parameter ``model.parameters.NAME`` or density ``composition.SPECIES``.
    """

    def __init__(self, model: Model, composition: Mapping[str, float], x: Axis, y: Axis) -> None:
        if x.key == y.key:
            raise InputError(f"both axes of the map are {x.key}; choose two")
        for axis in (x, y):
            if not axis.key.startswith((_PARAMETERS, _COMPOSITION)):
                raise InputError(f"'{axis.key}' cannot be an axis of a map; use {_PARAMETERS}NAME or {_COMPOSITION}SPECIES")
            known = model.parameters if axis.key.startswith(_PARAMETERS) else dict.fromkeys(model.names)
            if axis.name not in known:
                raise InputError(
                    f"the map's axis {axis.key} does not exist: the model has no such "
                    f"{'parameter' if axis.key.startswith(_PARAMETERS) else 'species'} (known: {', '.join(known) or 'none'})"
                )
        self._model, self._composition, self.axes = model, dict(composition), (x, y)

    def state(self, *shares: float) -> HomogeneousState | None:
        """The mixture at shares of the two ranges; None where there is no linear theory."""
        values = {axis.key: axis.value(share) for axis, share in zip(self.axes, shares, strict=True)}
        parameters = {key.removeprefix(_PARAMETERS): one for key, one in values.items() if key.startswith(_PARAMETERS)}
        densities = {key.removeprefix(_COMPOSITION): one for key, one in values.items() if key.startswith(_COMPOSITION)}
        try:
            return HomogeneousState.of(self._model.with_parameters(parameters), self._composition | densities)
        except InputError:
            return None


def stability_map(
    model: Model,
    composition: Mapping[str, float],
    x: Axis,
    y: Axis,
    *,
    order: int = 0,
    cells: int = 24,
    tolerance: float = 1e-8,
) -> StabilityMap:
    """The classes of a mixture over two axes.

    Parameters
    ----------
    model, composition
        The model and its densities by name, for all that the axes do not vary.
    x, y
        The axes.
    order
        Highest angular harmonic of the hierarchy; 0 is hydrodynamics.
    cells
        Cells of the grid that brackets the boundaries, along each side: regions smaller than a cell may be missed.
    tolerance
        How well boundaries are known, as a share of the axes.

    Returns
    -------
    StabilityMap
        Where a mixture has no linear theory, the label is ``"undefined"``.

    Raises
    ------
    InputError
        The axes are no parameters or densities, or a number is out of range.
    """
    if cells < 2 or not 1e-12 <= tolerance < 1e-2:
        raise InputError(f"a map needs at least 2 cells (not {cells}) and a tolerance from 1e-12 to 1e-2 (not {tolerance:g})")
    family = Family(model, composition, x, y)

    sampler = _Sampler(family, order)
    tracer = Tracer(sampler.label, tolerance, cells, sampler.margin)
    lines = [_line(one, sampler) for one in tracer.trace()]
    long_waves = Tracer(sampler.long_wave_label, tolerance, cells, sampler.long_wave_margin).trace()
    exceptional = [
        MapLine(one.labels, _in_units(one.points, family), True) for one in long_waves if UNDEFINED not in one.labels
    ]
    patches = tuple(Patch(one.label, _in_units(one.corners, family)) for one in tracer.patches)
    return StabilityMap(x, y, order, tuple(lines), tuple(exceptional), patches)


class _Sampler:
    """Classes, and functions that change their sign with them, at places of a map; what is known is not worked out again."""

    def __init__(self, family: Family, order: int) -> None:
        self.family, self.order = family, order
        self._known: dict[tuple[float, float], tuple[HomogeneousState, Instability] | None] = {}

    def at(self, x: float, y: float) -> tuple[HomogeneousState, Instability] | None:
        """The mixture and its class; None where there is no linear theory."""
        if (x, y) not in self._known:
            state = self.family.state(x, y)
            try:
                self._known[x, y] = None if state is None else (state, classify(state, self.order))
            except InputError:
                self._known[x, y] = None
        return self._known[x, y]

    def label(self, x: float, y: float) -> str:
        found = self.at(x, y)
        return UNDEFINED if found is None else found[1].label

    def margin(self, first: str, second: str) -> Field | None:
        """The function that changes its sign between two classes."""
        if UNDEFINED in (first, second):
            return None
        if "stable" in (first, second):
            return self._onset
        if first.split()[0] != second.split()[0]:
            return self.gap
        return self._slow if first.split(",")[0] != second.split(",")[0] else None

    def _onset(self, x: float, y: float) -> float:
        found = self.at(x, y)
        return np.nan if found is None else found[1].margin

    def _slow(self, x: float, y: float) -> float:
        found = self.at(x, y)
        return np.nan if found is None else slow_mode(found[0], 0.0).real

    def long_wave_label(self, x: float, y: float) -> str:
        """Whether long waves oscillate, growing or not."""
        gap = self._long_wave_gap(x, y)
        return UNDEFINED if np.isnan(gap) else "complex" if gap < 0.0 else "real"

    def long_wave_margin(self, first: str, second: str) -> Field | None:
        """The function that changes its sign between real and complex."""
        return None if UNDEFINED in (first, second) else self._long_wave_gap

    def _long_wave_gap(self, x: float, y: float) -> float:
        state = self.family.state(x, y)
        try:
            return np.nan if state is None else float(squared_gap(eigenvalues(-state.matrix(0.0))))
        except InputError:
            return np.nan

    def gap(self, x: float, y: float) -> float:
        """Delta of the fastest mode over the squared rates there; NaN where there is none."""
        found = self.at(x, y)
        if found is None:
            return np.nan
        state, instability = found
        if not instability.wavenumber:
            values = eigenvalues(-state.matrix(0.0))
        else:
            values = mode_rates(state, instability.wavenumber, self.order)
        return float(squared_gap(values)) / float(np.abs(values).max()) ** 2


def _in_units(points: Array, family: Family) -> Array:
    """Points of the unit square in the units of the axes."""
    x, y = family.axes
    return np.stack([x.value(points[:, 0]), y.value(points[:, 1])], axis=1)


def _line(boundary: Boundary, sampler: _Sampler) -> MapLine:
    kinds = {one.split()[0] for one in boundary.labels}
    exceptional = kinds == {"static", "oscillatory"} and _coalesce(boundary.points, sampler)
    return MapLine(boundary.labels, _in_units(boundary.points, sampler.family), exceptional)


def _coalesce(points: Array, sampler: _Sampler) -> bool:
    """Whether the two fastest modes are nearly one on both sides of a line, in the middle of a chord of it."""
    last = max(len(points) // 2, 1)
    along = points[last] - points[last - 1]
    place = points[last] if last + 1 < len(points) else 0.5 * (points[last] + points[last - 1])
    across = np.array([-along[1], along[0]]) * _BESIDE / np.hypot(*along)
    gaps = [sampler.gap(*(place + sign * across).tolist()) for sign in (1.0, -1.0)]
    return max(abs(one) for one in gaps) < _COALESCED
