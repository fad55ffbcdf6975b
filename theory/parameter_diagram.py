"""Phase diagrams of one species in the plane of its density and a parameter.

At every value of the parameter the phases are found anew, so that nothing is carried along that might end; critical points,
where an unstable range opens or closes, are the zeros of the smallest f'' over all densities as a function of the parameter.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from theory.arrays import Array
from theory.composition_space import Collapse, scan
from theory.errors import InputError, NumericalFailure
from theory.exact_binodal import exact_binodal, has_exact_binodal
from theory.free_energy import FreeEnergy
from theory.model import Model
from theory.phase_diagram import phase_diagram
from theory.spinodals import smallest_eigenvalue

# further values next to a critical one, in units of the largest distance of the values
_BESIDE = (-0.4, -0.12, -0.02, 0.02, 0.12, 0.4)


@dataclass(frozen=True)
class ParameterDiagram:
    """Coexisting densities of one species as a function of a parameter.

    Parameters
    ----------
    values
        Values of the parameter, ascending, shape (value,).
    tie_lines
        Parameter and both densities of every coexistence, dense phase first, shape (line, 3).
    exact
        The same with the sensing kernel, shape (line, 3); empty where the formula does not apply.
    spinodals
        Parameter and density of every spinodal, shape (point, 2).
    critical_points
        Parameter and density, shape (point, 2).
    collapsed
        Values at which the free energy has no lower bound, shape (value,).
    """

    values: Array
    tie_lines: Array
    exact: Array
    spinodals: Array
    critical_points: Array
    collapsed: Array


def parameter_diagram(model_at: Callable[[float], Model], values: Array, density: float) -> ParameterDiagram:
    """The diagram over values of a parameter.

    Parameters
    ----------
    model_at
        Takes a value to the model, of one species.
    values
        Ascending, shape (value,).
    density
        A density (1/length^d) that sets the range of densities that is looked at.

    Raises
    ------
    InputError
        There is more than one species.
    NumericalFailure
        Newton's method does not converge.
    """
    names = model_at(float(values[0])).names
    if len(names) != 1:
        raise InputError(f"a parameter's phase diagram is drawn for one species, not for {', '.join(names)}")
    critical = _critical_points(model_at, values, density)
    # coexistence curves are round next to critical points
    beside = [one + share * np.diff(values).max() for one in critical[:, 0] for share in _BESIDE]
    values = np.unique([*values, *(one for one in beside if values[0] < one < values[-1])])
    lines, exact, spinodals, collapsed = [], [], [], []
    for value in values:
        model = model_at(float(value))
        try:
            found = phase_diagram(model, [density])
        except Collapse:
            collapsed.append(value)
            continue
        spinodals += [(value, curve[0, 0]) for curve in found.spinodals]
        for phases in found.tie_lines[..., 0]:
            lines.append((value, *phases))
            exact += [(value, *one) for one in _exact(model, density, phases)]
    return ParameterDiagram(
        values,
        np.array(lines).reshape(-1, 3),
        np.array(exact).reshape(-1, 3),
        np.array(spinodals).reshape(-1, 2),
        critical,
        np.array(collapsed),
    )


def _exact(model: Model, density: float, phases: Array) -> list[tuple[float, float]]:
    """The exact densities next to those of a common tangent, dense phase first; none where the formula does not apply."""
    if not has_exact_binodal(model):
        return []
    try:
        gas, liquid = exact_binodal(FreeEnergy(model, [density]), float(phases.min()), float(phases.max()))
    except NumericalFailure:
        return []
    return [(liquid, gas)]


def _critical_points(model_at: Callable[[float], Model], values: Array, density: float) -> Array:
    def lowest(value: float) -> tuple[float, float]:
        """The smallest rho f'' over all densities, and where it is reached."""
        free_energy = FreeEnergy(model_at(value), [density])
        points = np.sort(scan(free_energy, np.array([density])).densities[0])

        def curvature(logarithm: float) -> float:
            return float(smallest_eigenvalue(free_energy, np.exp(np.array([[logarithm]])))[0])

        best = int(np.nanargmin(smallest_eigenvalue(free_energy, points[None])))
        low, high = np.log(points[max(best - 1, 0)]), np.log(points[min(best + 1, points.size - 1)])
        found = minimize_scalar(curvature, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
        return float(found.fun), float(np.exp(found.x))

    heights = np.array([lowest(float(value))[0] for value in values])
    out = []
    for i in np.nonzero(heights[:-1] * heights[1:] < 0.0)[0]:
        value = float(brentq(lambda x: lowest(float(x))[0], values[i], values[i + 1], xtol=1e-12))
        out.append((value, lowest(value)[1]))
    return np.array(out).reshape(-1, 2)
