"""What is worked out when a frame is made; see :mod:`theory.recording` for how observers are called."""

from collections.abc import Mapping

import numpy as np

from fieldsolver.layout import Layout
from fieldsolver.modes import RetainedModes
from fieldsolver.observation import Observation
from theory.arrays import Array
from theory.currents import Currents
from theory.errors import InputError
from theory.frames import Variable
from theory.observables import Smoothing, phases
from theory.recording import Observer

_AXES = "xyz"
# phases that a frame has room for
_MOST_PHASES = 4


class PhaseDensities(Observer[Observation]):
    """Coexisting densities: the modes of the joint histogram of the coarse-grained densities."""

    name = "phase_densities"

    def __init__(self, layout: Layout, modes: RetainedModes) -> None:
        self._names, self._modes = layout.model.names, modes
        self._smoothing = Smoothing.of(modes.wavenumber, max(modes.grid.spacing), layout.model.reach(modes.grid.size))

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``phase_density_<A>`` (phase), ``phase_share`` (phase); not a number beyond the phases that there are."""
        smooth = self._modes.field(seen.density_modes * self._smoothing.factors)
        samples = self._smoothing.independent(self._modes.grid.volume, self._modes.grid.dimension)
        found = phases(self._smoothing.thinned(smooth), samples=samples)[:_MOST_PHASES]
        padded = np.full((len(self._names) + 1, _MOST_PHASES), np.nan)
        for n, one in enumerate(found):
            padded[:-1, n], padded[-1, n] = one.densities, one.share
        density = f"1/length^{self._modes.grid.dimension}"
        out = {
            f"phase_density_{name}": Variable(row, ("phase",), density, f"density of {name} in each phase")
            for name, row in zip(self._names, padded, strict=False)
        }
        return out | {"phase_share": Variable(padded[-1], ("phase",), "1", "share of the box of each phase")}


class DeterministicCurrents(Observer[Observation]):
    """Currents of particles without the noise: J of order 0, or v P - Dt grad rho from order 1 on."""

    name = "currents"

    def __init__(self, layout: Layout, modes: RetainedModes) -> None:
        self._layout, self._modes = layout, modes
        self._currents = Currents(layout.model, modes.grid)
        steered = layout.steering.biases_speed or layout.pushes
        if layout.order > 0 and steered:
            raise InputError(
                "fields.observables.currents cannot be had at fields.order above 0 where chemicals change the speed "
                "(speed_bias) or densities push (repulsion); set it to false"
            )

    def variables(self, seen: Observation) -> Mapping[str, Variable]:
        """``current_<axis>_<A>``, shape of the fields."""
        flux = self._currents.flux(seen.density) if self._layout.order == 0 else self._carried(seen)
        dimensions, found = tuple(_AXES[: self._layout.dimension][::-1]), {}
        units = f"1/(length^{self._layout.dimension - 1} time)"
        for name, one in zip(self._layout.model.names, flux, strict=True):
            for axis, component in zip(_AXES, one, strict=False):
                words = f"{axis} component of the current of {name}, without noise"
                found[f"current_{axis}_{name}"] = Variable(component, dimensions, units, words)
        return found

    def _carried(self, seen: Observation) -> Array:
        layout = self._layout
        places = [[layout.component(s, 1 + j) for j in range(layout.dimension)] for s in range(layout.species)]
        polarity = self._modes.field(seen.state[places])
        speeds = self._currents.speeds(seen.density)
        spread = layout.model.translational_diffusivities.reshape(-1, *(1,) * (1 + layout.dimension))
        return np.asarray(speeds[:, None] * polarity - spread * self._currents.gradient(seen.density))
