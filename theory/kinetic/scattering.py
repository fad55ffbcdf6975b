r"""Encounters of two identical particles that repel and turn away from each other ([S2] Eqs. 8).

In the frame in which particle 2 lies above particle 1 at the distance r, with \theta_1 and \theta_2 the directions of the
particles from the horizontal and v the speed of both,

    dr/dt        = 2 F(r)/\xi_t - v (sin \theta_1 - sin \theta_2),
    d\theta_1/dt = -(\Gamma(r)/\xi_r) cos \theta_1 - (v/r) (cos \theta_1 - cos \theta_2),
    d\theta_2/dt = +(\Gamma(r)/\xi_r) cos \theta_2 - (v/r) (cos \theta_1 - cos \theta_2),
    d\Phi/dt     = (v/r) (cos \theta_1 - cos \theta_2),

\Phi the angle by which the frame itself has turned: the directions in the laboratory are \theta_1 + \Phi and \theta_2 + \Phi,
and momentum is compared there. (The 2 is relative motion: with time in units of \xi_r/C_G this is [S2] Eqs. 8 with C = 2 C_F
\xi_r/(C_G \xi_t).) Forces and torques end at the cut-off of the law, where encounters begin and end.

Scheme: the embedded pair of orders 5 and 4 by Dormand and Prince (J. Comput. Appl. Math. 6, 19 (1980), as in
:class:`scipy.integrate.RK45`), compiled, with steps of its own for each encounter: one slow encounter would otherwise set
the step of all. In this frame even a free flight is not a straight line, so that no step jumps over the interaction.
"""

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import RK45
from scipy.interpolate import CubicSpline

from theory.arrays import Array
from theory.errors import InputError, NumericalFailure
from theory.interactions import InteractionLaw
from theory.kinetic import _scattering_loops

# the table of a law begins at this share of the cut-off; its relative error for 1/r^4 is below 1e-9
_NEAREST = 1e-5
_TABLE = 4096
_MOST_STEPS = 3000
_MATRIX = np.zeros((7, 6))
_MATRIX[:6, :5] = RK45.A
_MATRIX[6] = RK45.B
_SCHEME = (_MATRIX, np.array(RK45.E))


class BinaryScattering:
    """Encounters of two particles of one species.

    Parameters
    ----------
    law
        Force and torque of the species on itself.
    speed
        v (length/time), positive.
    translational_drag, rotational_drag
        xi_t (force time/length) and xi_r (torque time).
    tolerance
        Largest error of a step: of an angle, and of the distance relative to it.

    Raises
    ------
    InputError
        The speed or the tolerance is not positive, or the law is not finite at a distance below the cut-off.
    """

    def __init__(
        self,
        law: InteractionLaw,
        speed: float,
        *,
        translational_drag: float = 1.0,
        rotational_drag: float = 1.0,
        tolerance: float = 1e-8,
    ) -> None:
        for name, value in (("speed", speed), ("tolerance", tolerance)):
            if not (np.isfinite(value) and value > 0.0):
                raise InputError(f"the {name} of scattering particles is {value}; it must be positive and finite")
        self._law = law
        self._speed = float(speed)
        self._drags = (translational_drag, rotational_drag)
        self._tolerance = tolerance
        _ = self._table

    @property
    def speed(self) -> float:
        """Speed of both particles (length/time)."""
        return self._speed

    @property
    def reach(self) -> float:
        """Distance at which encounters begin and end: the cut-off of the law (length)."""
        return self._law.cutoff

    @cached_property
    def _table(self) -> tuple[float, float, Array, Array]:
        """2 F/xi_t and Gamma/xi_r as cubics in log r; see the compiled loops."""
        entries = np.arange(_TABLE + 1.0)
        start, scale = float(np.log(self.reach * _NEAREST)), -_TABLE / float(np.log(_NEAREST))
        r = np.minimum(np.exp(start + entries / scale), self.reach)
        laws = {
            "force": 2.0 * self._law.force(r) / self._drags[0],
            "torque": self._law.torque(r) / self._drags[1],
        }
        for name, values in laws.items():
            if not np.all(np.isfinite(values)):
                raise InputError(
                    f"the {name} of {self._law.interaction.source} on {self._law.interaction.observer} is not finite at "
                    f"r = {r[~np.isfinite(values)][-1]:g}; scattering needs it at all distances below the cut-off"
                )
        push, turn = (np.ascontiguousarray(CubicSpline(entries, values).c[::-1]) for values in laws.values())
        return start, scale, push, turn

    def outgoing(self, first: ArrayLike, second: ArrayLike) -> Array:
        """Directions in the laboratory after the encounters.

        Parameters
        ----------
        first, second
            theta_1 and theta_2 of particles that are about to meet, of any shape.

        Returns
        -------
        ndarray
            Shape (2, ...), not reduced to one turn.

        Raises
        ------
        NumericalFailure
            Particles do not leave each other.
        """
        directions = (np.asarray(one, dtype=np.float64) for one in (first, second))
        incoming = np.stack(np.broadcast_arrays(*directions))
        flat = np.ascontiguousarray(incoming.reshape(2, -1))
        out, steps = np.empty_like(flat), np.empty(flat.shape[1], dtype=np.int64)
        _scattering_loops.scatter(self._speed, self.reach, self._table, _SCHEME, self._tolerance, _MOST_STEPS, flat, out, steps)
        stuck = int(np.count_nonzero(steps < 0))
        if stuck:
            raise NumericalFailure(
                f"{stuck} of {steps.size} encounters have not ended after {_MOST_STEPS} steps: the particles stay together "
                "(by an attraction, by a torque that turns them towards each other, or because they meet exactly head-on); "
                "binary scattering is for particles that leave each other"
            )
        return out.reshape(incoming.shape)

    def momentum_gain(self, half_angle: ArrayLike, difference: ArrayLike) -> Array:
        r"""Forward momentum that the encounters add, p . \delta p with p = n_1 + n_2.

        Parameters
        ----------
        half_angle
            Half-angle arg(n_1 + n_2) from the horizontal, of any shape.
        difference
            \theta_2 - \theta_1 in (-pi, pi).

        Raises
        ------
        NumericalFailure
            Particles do not leave each other.
        """
        middle, half = np.asarray(half_angle, dtype=np.float64), 0.5 * np.asarray(difference, dtype=np.float64)
        before = np.stack(np.broadcast_arrays(middle - half, middle + half))
        p = np.exp(1j * before).sum(axis=0)
        after = np.exp(1j * self.outgoing(*before)).sum(axis=0)
        return np.asarray((p.conj() * (after - p)).real)
