r"""Boundaries between regions of a plane in which a function takes different labels, by root finding.

A coarse grid brackets them. On an edge of a cell whose ends have different labels the place where the label changes is found
to the tolerance: a root of a function that changes its sign there guesses it (Brent's method), the labels on both sides confirm
it, and bisection on the labels finishes the work, or does it where there is no such function. Between the two places of a cell
the boundary is followed: where it departs from the chord, the point on it across the middle of the chord is found along the
normal, until chords are as good as the boundary. Where three regions meet in a cell the junction is enclosed by ever smaller
cells in which they do, and boundaries go to it from the edges. A cell with an ambiguous pattern is divided in four, again and
again. What the grid does not see, regions smaller than a cell, is missed.

Coordinates are those of the unit square.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, spatial

from theory.arrays import Array

Point = tuple[float, float]
Field = Callable[[float, float], float]
Label = Callable[[float, float], str]
Pair = tuple[str, str]
Cell = tuple[float, float, float, float]

# interior lines of the grid are shifted by this share of a cell: symmetric problems have boundaries on round numbers, where
# labels are a matter of round-off
_SHIFT = 0.0618
# departure of a boundary from a chord from which on the chord is divided, and how often it may be
_SAG, _MOST_DIVISIONS = 5e-4, 6
# size to which cells with several boundaries are divided, that of cells that are divided no more, and uncertainty of a junction
_FINE, _SMALLEST = 0.008, 1e-5
# share of a way within which the label must change about the root of a margin, else the margin is of no use there
_TRUSTED = 0.1


@dataclass(frozen=True)
class Boundary:
    """One line between two regions.

    Parameters
    ----------
    labels
        Of the regions, in alphabetical order.
    points
        Shape (point, 2), in order along the line; the first is the last again of a closed line.
    """

    labels: Pair
    points: Array


@dataclass(frozen=True)
class Patch:
    """A piece of a region.

    Parameters
    ----------
    label
        Of the region.
    corners
        Shape (corner, 2).
    """

    label: str
    corners: Array


@dataclass(frozen=True)
class _Crossing:
    """A place where the label changes along a way, and the labels before and after it."""

    point: Point
    before: str
    after: str

    @property
    def pair(self) -> Pair:
        return (self.before, self.after) if self.before < self.after else (self.after, self.before)


@dataclass(frozen=True)
class _Side:
    """Corners of a cell, or points on boundaries, that lead to a crossing."""

    corners: list[Point]
    crossing: _Crossing


@dataclass
class Tracer:
    """The search for all boundaries of a labelled square.

    Parameters
    ----------
    label
        The label at (x, y).
    tolerance
        How well places on boundaries are known; places where three regions meet are known to 1e-5.
    cells
        Number of cells of the coarse grid along each side.
    margin
        For two labels, a function that is likely to change its sign where they meet; None if there is none.
    """

    label: Label
    tolerance: float = 1e-8
    cells: int = 24
    margin: Callable[[str, str], Field | None] = lambda first, second: None
    patches: list[Patch] = field(default_factory=list, init=False)
    _known: dict[Point, str] = field(default_factory=dict, init=False)
    _crossings: dict[tuple[Point, Point], list[_Crossing]] = field(default_factory=dict, init=False)
    _pieces: dict[Pair, list[list[Point]]] = field(default_factory=dict, init=False)

    def trace(self) -> list[Boundary]:
        """Find the boundaries; fills ``patches`` as well."""
        lines = (np.arange(self.cells + 1) + _SHIFT) / self.cells
        lines[0], lines[-1] = 0.0, 1.0
        for x0, x1 in zip(lines[:-1].tolist(), lines[1:].tolist(), strict=True):
            for y0, y1 in zip(lines[:-1].tolist(), lines[1:].tolist(), strict=True):
                self._cell((x0, y0, x1, y1))
        close = 10.0 * self.tolerance
        whole = [(pair, np.array(line)) for pair, pieces in sorted(self._pieces.items()) for line in _joined(pieces, close)]
        # at junctions lines end in bits as short as the tolerance
        return [Boundary(pair, line) for pair, line in whole if np.ptp(line, axis=0).max() > 2.0 * close]

    def _at(self, point: Point) -> str:
        if point not in self._known:
            self._known[point] = self.label(*point)
        return self._known[point]

    def _cell(self, cell: Cell) -> None:
        """Find the boundaries and patches of a cell."""
        ring = self._ring(cell)
        if not ring:
            corners = _corners(cell)
            self.patches.append(Patch(self._at(corners[0]), np.array(corners)))
            return
        pairs = [one.crossing.pair for one in ring]
        # a boundary that crosses the ring more than twice could be joined in more than one way
        clear = max(pairs.count(one) for one in pairs) <= 2
        left, size = _unmatched(pairs), max(cell[2] - cell[0], cell[3] - cell[1])
        # what is small and close to a junction is seen by smaller cells only
        clear = clear and (len(ring) == 2 or size <= _FINE)
        meeting = left or len(ring)
        if clear and _is_knot(ring, meeting):
            place, uncertainty = self._junction(cell, meeting)
            if uncertainty <= _SMALLEST:
                self._meet(self._without_ears(ring) if left else ring, place)
                return
        if clear and left == 0:
            self._without_ears(ring)
        elif size <= _SMALLEST:
            self._meet(self._without_ears(ring), _centre(cell))
        else:
            for part in self._quarters(cell):
                self._cell(part)

    def _ring(self, cell: Cell) -> list[_Side]:
        """The perimeter of a cell as sides between crossings; empty if it has a single label."""
        corners = _corners(cell)
        ring: list[_Side] = []
        ahead: list[Point] = []
        for n, corner in enumerate(corners):
            ahead.append(corner)
            for crossing in self._way(corner, corners[(n + 1) % 4]):
                ring.append(_Side(ahead, crossing))
                ahead = []
        if ring:
            ring[0] = _Side([*ahead, *ring[0].corners], ring[0].crossing)
        return ring

    def _quarters(self, cell: Cell) -> list[Cell]:
        """The quarters of a cell; what is known of its sides is handed on to theirs."""
        x0, y0, x1, y1 = cell
        x, y = _centre(cell)
        sides = (
            ((x0, y0), (x, y0), (x1, y0)),
            ((x0, y1), (x, y1), (x1, y1)),
            ((x0, y0), (x0, y), (x0, y1)),
            ((x1, y0), (x1, y), (x1, y1)),
        )
        for low, middle, high in sides:
            found = self._way(low, high)
            before = [one for one in found if one.point < middle]
            if (before[-1].after if before else self._at(low)) == self._at(middle):
                self._crossings[low, middle], self._crossings[middle, high] = before, found[len(before) :]
        return [(x0, y0, x, y), (x, y0, x1, y), (x0, y, x, y1), (x, y, x1, y1)]

    def _without_ears(self, ring: list[_Side]) -> list[_Side]:
        """Cut off the patches of a cell, each along the boundary between two neighbouring crossings; what is left is a knot."""
        while (n := _ear(ring)) is not None:
            # the first side lies between the last crossing and its own: it is cut off
            ring = [*ring[n:], *ring[:n]]
            begin, end = ring[-1].crossing, ring[0].crossing
            path = self._path(begin.point, end.point, begin.pair)
            self.patches.append(Patch(end.before, np.array([*ring[0].corners, *path[::-1]])))
            merged = [*ring[-1].corners, *path]
            ring = ring[1:-1]
            if not ring:
                self.patches.append(Patch(end.after, np.array(merged)))
                return []
            ring[0] = _Side([*merged, *ring[0].corners], ring[0].crossing)
        return ring

    def _meet(self, ring: list[_Side], place: Point) -> None:
        """All boundaries of a cell lead to one place."""
        paths = [self._path(one.crossing.point, place, one.crossing.pair) for one in ring]
        for n, one in enumerate(ring):
            self.patches.append(Patch(one.crossing.before, np.array([*paths[n - 1][::-1], *one.corners, *paths[n]])))

    def _path(self, begin: Point, end: Point, pair: Pair) -> list[Point]:
        """The boundary between two of its points, kept as a piece of a line."""
        path = [begin, *self._between(begin, end, pair, _MOST_DIVISIONS), end]
        self._pieces.setdefault(pair, []).append(path)
        return path

    def _junction(self, cell: Cell, boundaries: int) -> tuple[Point, float]:
        """Centre and size of the smallest cell, inside a cell, in which as many boundaries meet."""
        while True:
            size = max(cell[2] - cell[0], cell[3] - cell[1])
            parts = self._quarters(cell) if size > _SMALLEST else []
            inside = [one for one in parts if _is_knot(self._ring(one), boundaries)]
            if not inside:
                return _centre(cell), size
            cell = inside[0]

    def _way(self, first: Point, second: Point) -> list[_Crossing]:
        """Where the label changes on the way from one point to another."""
        low, high = min(first, second), max(first, second)
        if (low, high) not in self._crossings:
            self._crossings[low, high] = self._search(low, high)
        found = self._crossings[low, high]
        return found if first == low else [_Crossing(one.point, one.after, one.before) for one in found[::-1]]

    def _search(self, low: Point, high: Point) -> list[_Crossing]:
        start, way, last = np.array(low), np.subtract(high, low), self._at(high)
        fine = self.tolerance / float(np.abs(way).max())
        own, a, found = self._at(low), 0.0, []
        while own != last:
            # the first change from one label may be to a third one
            a, b = self._bracket(start, way, (a, own, last), fine)
            other = self._on(start, way, b)
            while b - a > fine:
                middle = 0.5 * (a + b)
                seen = self._on(start, way, middle)
                if seen == own:
                    a = middle
                else:
                    b, other = middle, seen
            place = start + 0.5 * (a + b) * way
            found.append(_Crossing((float(place[0]), float(place[1])), own, other))
            own, a = other, b
        return found

    def _on(self, start: Array, way: Array, share: float) -> str:
        place = start + share * way
        return self._at((float(place[0]), float(place[1])))

    def _bracket(self, start: Array, way: Array, begin: tuple[float, str, str], fine: float) -> tuple[float, float]:
        """Shares of the way between which the label changes: about a root of the margin, else all that is left of the way."""
        low, own, other = begin
        margin = self.margin(own, other)
        if margin is None:
            return low, 1.0

        def along(share: float) -> float:
            place = start + share * way
            return margin(float(place[0]), float(place[1]))

        if not along(low) * along(1.0) < 0.0:
            return low, 1.0
        root = float(optimize.brentq(along, low, 1.0, xtol=0.1 * fine, rtol=1e-14))
        width = 0.4 * fine
        while width < _TRUSTED:
            a, b = max(root - width, low), min(root + width, 1.0)
            if self._on(start, way, a) == own and self._on(start, way, b) == other:
                return a, b
            width *= 16.0
        return low, 1.0

    def _between(self, begin: Point, end: Point, pair: Pair, divisions: int) -> list[Point]:
        """Points on the boundary between two of its points, as many as its curvature asks for."""
        chord = np.subtract(end, begin)
        length = float(np.hypot(*chord))
        if divisions == 0 or length < 4.0 * _SAG:
            return []
        normal = np.array([-chord[1], chord[0]]) / length
        middle = 0.5 * np.add(begin, end)
        for reach in (_SAG, 0.02 * length, 0.1 * length, 0.5 * length):
            first, second = (tuple((middle + sign * reach * normal).tolist()) for sign in (1.0, -1.0))
            if {self._at(first), self._at(second)} == set(pair):
                break
        else:
            # a third region, or a turn too sharp: the chord stays
            return []
        found = self._way(first, second) if reach > _SAG else []
        if len(found) != 1:
            return []
        before = self._between(begin, found[0].point, pair, divisions - 1)
        return [*before, found[0].point, *self._between(found[0].point, end, pair, divisions - 1)]


def _ear(ring: list[_Side]) -> int | None:
    """Number of a side that lies between two crossings of the same boundary; None if there is none."""
    pairs = [one.crossing.pair for one in ring]
    return next((n for n in range(len(ring)) if len(ring) > 1 and pairs[n - 1] == pairs[n]), None)


def _is_knot(ring: list[_Side], boundaries: int) -> bool:
    """Whether so many boundaries seem to meet inside a cell: of as many regions, or of four, two opposite ones being alike."""
    pairs = [one.crossing.pair for one in ring]
    left = _unmatched(pairs)
    return left == boundaries if left else boundaries == len(pairs) == 4 and len({*pairs}) == 2


def _unmatched(pairs: list[Pair]) -> int:
    """How many crossings of a ring are left when neighbours of the same boundary have been joined."""
    while len(pairs) > 1:
        same = next((n for n in range(len(pairs)) if pairs[n - 1] == pairs[n]), None)
        if same is None:
            break
        pairs = [*pairs[same:], *pairs[:same]][1:-1]
    return len(pairs)


def _centre(cell: Cell) -> Point:
    return 0.5 * (cell[0] + cell[2]), 0.5 * (cell[1] + cell[3])


def _corners(cell: Cell) -> list[Point]:
    x0, y0, x1, y1 = cell
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _joined(pieces: list[list[Point]], distance: float) -> list[list[Point]]:
    """Pieces joined at ends that are closer than a distance, into lines that are as long as can be."""
    ends = np.array([end for piece in pieces for end in (piece[0], piece[-1])])
    groups = np.arange(len(ends))
    for a, b in sorted(spatial.cKDTree(ends).query_pairs(distance)):
        groups[groups == groups[b]] = groups[a]
    touching: dict[int, list[int]] = {}
    for end, group in enumerate(groups.tolist()):
        touching.setdefault(group, []).append(end)
    free = set(range(len(pieces)))
    # lines start at loose ends and at junctions; what is left are closed lines
    starts = [end for together in touching.values() if len(together) != 2 for end in together] + list(range(len(ends)))
    return [_followed(start, pieces, groups, touching, free) for start in starts if start // 2 in free]


def _followed(
    start: int, pieces: list[list[Point]], groups: NDArray[np.intp], touching: dict[int, list[int]], free: set[int]
) -> list[Point]:
    """The line that begins at an end (2n of piece n, 2n + 1 its other one), up to a junction or to where it began."""
    line: list[Point] = []
    end = start
    while True:
        free.remove(end // 2)
        piece = pieces[end // 2] if end % 2 == 0 else pieces[end // 2][::-1]
        line += piece[1:] if line else piece
        met = touching[int(groups[end ^ 1])]
        others = [other for other in met if other // 2 in free]
        if len(met) != 2 or not others:
            return line
        end = others[0]
