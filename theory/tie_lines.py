r"""Two-phase regions of two species, followed tie line by tie line.

The tie lines of a region are a curve in the four densities of both phases, along which, with \Delta_m the difference of w_m,

    rho_m(1) e^{\Delta_m/2} = rho_m(2) e^{-\Delta_m/2},    p(1) = p(2),

equal fugacities in a form that is regular where a species vanishes. The curve ends where the phases merge (a critical point),
where f touches the plane at a third place (a triple point), where a species vanishes, or at the edge of the window.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array
from theory.continuation import Curve, follow, tangent_at
from theory.free_energy import FreeEnergy
from theory.phase_equilibrium import TangentPlane, invariant_phases
from theory.phase_search import PhaseSearch
from theory.phases import Kind, in_order, kind_of
from theory.spinodals import critical_point

Ending = Literal["critical point", "triple point", "axis", "window", "lost"]

_STEP = 0.0125
# differences of densities, in units of the window, at which phases count as about to merge
_MERGING = 0.008
# densities in units of the window that are round-off of zero
_VANISHED = 1e-10


@dataclass(frozen=True)
class TwoPhaseRegion:
    """Tie lines between the same two phases, in order.

    Parameters
    ----------
    tie_lines
        Densities of both phases, shape (line, 2, species) (1/length^d).
    endings
        What the first and the last tie line end at; a tie line of no length stands for a critical point.
    triple_points
        The triple points among the ends, each of shape (3, species).
    """

    tie_lines: Array
    endings: tuple[Ending, Ending]
    triple_points: tuple[Array, ...] = ()

    @property
    def binodals(self) -> list[Array]:
        """Curves of the phases, each (point, species); both are one curve where they meet in a critical point."""
        first, second = self.tie_lines[:, 0], self.tie_lines[:, 1]
        starts, ends = (ending == "critical point" for ending in self.endings)
        if starts and ends:
            return [np.concatenate([first, second[-2::-1]])]
        if starts:
            return [np.concatenate([second[:0:-1], first])]
        return [np.concatenate([first, second[-2::-1]])] if ends else [first, second]

    @property
    def kinds(self) -> list[Kind]:
        """What each tie line stands for; see :func:`theory.phases.kind_of`."""
        last = self.tie_lines.shape[0] - 1
        # a critical point is of the kind of the tie line next to it
        return [kind_of(self.tie_lines[min(max(n, 1), last - 1) if last > 1 else n]) for n in range(last + 1)]

    def holds(self, compositions: Array) -> NDArray[np.bool_]:
        """Which compositions (point, species) lie between neighbouring tie lines, shape (point,)."""
        out = np.zeros(compositions.shape[0], dtype=np.bool_)
        for first, second in zip(self.tie_lines[:-1], self.tie_lines[1:], strict=True):
            for triangle in (np.array([first[0], first[1], second[0]]), np.array([second[0], second[1], first[1]])):
                out |= _inside(triangle, compositions)
        return out


def _inside(triangle: Array, points: Array) -> NDArray[np.bool_]:
    sides = (triangle[1:] - triangle[0]).T
    if abs(np.linalg.det(sides)) < 1e-300:
        return np.zeros(points.shape[0], dtype=np.bool_)
    x, y = np.linalg.solve(sides, (points - triangle[0]).T)
    return np.asarray((x >= 0.0) & (y >= 0.0) & (x + y <= 1.0))


class TieLines:
    """Follows the tie lines of a search over two species.

    Parameters
    ----------
    search
        The search.
    """

    def __init__(self, search: PhaseSearch) -> None:
        self._search = search
        self._free_energy: FreeEnergy = search.free_energy
        self._upper = search.upper

    def region(self, phases: Array) -> TwoPhaseRegion:
        """The region that holds a tie line (2, species), whose plane is global."""
        start = (phases / self._upper).ravel()
        tangent = tangent_at(self._equations, start)
        ends = [self._ended(follow(self._equations, start, sign * tangent, _STEP, self._events())) for sign in (-1.0, 1.0)]
        (back, first, _), (forth, last, _) = ends
        triples = tuple(triple for _, _, triple in ends if triple is not None)
        return TwoPhaseRegion(np.concatenate([back[:0:-1], forth]), (first, last), triples)

    def _equations(self, y: Array) -> tuple[Array, Array]:
        rho = y.reshape(2, 2).T * self._upper[:, None]
        w, b = self._free_energy.excess_potentials(rho), self._free_energy.feedback(rho)
        pressure = np.sum(rho * (1.0 + w), axis=0) - self._free_energy.excess(rho)
        # dp/drho_n = \sum_m rho_m (delta_mn/rho_m + b_mn)
        slopes = 1.0 + np.einsum("mk,mnk->nk", rho, b)
        scale = float(self._upper.max())
        grow = np.exp(0.5 * (w[:, :1] - w[:, 1:]) * np.array([1.0, -1.0]))
        sign = np.array([1.0, -1.0])
        residual = np.append((rho * grow) @ sign, pressure @ sign) / scale
        jacobian = np.zeros((3, 2, 2))
        for k in range(2):
            # the other phase's factor changes with this one's w as well
            both = 0.5 * (rho * grow).sum(axis=1)
            jacobian[:2, k] = sign[k] * (np.diag(grow[:, k]) + both[:, None] * b[..., k])
            jacobian[2, k] = sign[k] * slopes[:, k]
        return residual, (jacobian * self._upper).reshape(3, 4) / scale

    def _events(self) -> dict[str, Callable[[Array], float]]:
        def third(y: Array) -> float:
            phases = y.reshape(2, 2) * self._upper
            if np.any(phases <= 0.0):
                return 1.0
            height, _ = self._search.lowest_other(TangentPlane.at(self._free_energy, phases[0]), phases)
            return height

        return {
            "axis": lambda y: float(y.min()),
            "window": lambda y: float(1.0 - y.max()),
            "merging": lambda y: float(np.max(np.abs(y[:2] - y[2:])) - _MERGING),
            "third": third,
        }

    def _ended(self, curve: Curve) -> tuple[Array, Ending, Array | None]:
        """Tie lines (line, 2, species) up to where they end, what that is, and the triple point if it is one."""
        lines = curve.points.reshape(-1, 2, 2) * self._upper
        last = lines[-1]
        if curve.ending == "merging":
            found = critical_point(self._free_energy, last.mean(axis=0), last[1] - last[0])
            if found is not None:
                return np.concatenate([lines, np.array([[found, found]])]), "critical point", None
        if curve.ending == "third":
            _, other = self._search.lowest_other(TangentPlane.at(self._free_energy, last[0]), last)
            phases = None if other is None else invariant_phases(self._free_energy, np.vstack([last, other]))
            if phases is not None:
                return np.concatenate([lines[:-1], phases[None, :2]]), "triple point", phases[in_order(phases)]
        if curve.ending == "axis":
            return np.where(lines < _VANISHED * self._upper, 0.0, lines), "axis", None
        return lines, "window" if curve.ending == "window" else "lost", None
