"""What theory expects of a run, as far as it says anything: values without errors, in the form of what is measured."""

from dataclasses import dataclass

import numpy as np

from runs.filters import Filters, band_edge
from runs.measurement import Measured
from runs.runfile import RunSpecification
from runs.statistics import Estimate
from theory.arrays import Array
from theory.coexistence import lever_rule, slab_profile
from theory.errors import InputError, NumericalFailure
from theory.fluctuations import equal_time_correlations
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState
from theory.linear_stability import classify
from theory.model import Model


@dataclass(frozen=True)
class Expectation:
    """What linear theory says.

    Parameters
    ----------
    values
        What is expected; empty where it says nothing.
    stable
        Whether it knows the homogeneous mixture for stable.
    """

    values: Measured
    stable: bool


def linear_expectation(specification: RunSpecification) -> Expectation:
    """What linear theory says, with no error; nothing where it says nothing."""
    model = specification.model
    order = specification.order
    try:
        state = HomogeneousState.of(model, dict(specification.composition))
        instability = classify(state, order)
    except InputError:
        return Expectation({}, False)
    values: Measured = {}
    stable = instability.kind == "stable"
    if stable:
        for name, speed in zip(model.names, state.speeds, strict=True):
            values["mean_speed", name] = _exact(speed)
        values.update(_linear_fluctuations(specification, model, state))
        for name in model.names:
            values["travelling_speed", name] = _exact(0.0)
    elif instability.wavenumber is not None:
        for name in model.names:
            values["dominant_wavenumber", name] = _exact(instability.wavenumber)
            values["travelling_speed", name] = _exact(instability.phase_speed or 0.0)
    return Expectation(values, stable)


def interface_densities(specification: RunSpecification, columns: dict[str, Measured]) -> Measured:
    """Coexisting densities of flat interfaces, solved from the phases that were measured (fields first)."""
    source = columns["fields"] or columns["particles"]
    model = specification.model
    composition = model.densities(dict(specification.composition))
    count = sum(key[0] == "phase_density" for key in source) // model.number_of_species
    if count < 2 or np.any(composition == 0.0):
        return {}
    measured = np.array(
        [[source["phase_density", f"{name}, phase {n + 1}"].value for name in model.names] for n in range(count)]
    )
    shares = _shares(measured, composition)
    if shares is None:
        return {}
    # three phases in the order 1 2 3 2: one of them between the other two, as where it wets their interface
    layout = [0, 1, 2, 1] if count == 3 else list(range(count))
    slabs = np.array([shares[n] / layout.count(n) for n in layout])
    # the box's own length, or slabs of at least eight ranges if they would be thinner
    length = max(*specification.size, 8.0 * specification.reach / float(slabs.min()))
    # bulk densities times shares leave out the interfaces: the start takes the composition's mean all the same
    start = measured[layout] * (composition / (slabs @ measured[layout]))
    try:
        found = slab_profile(model, slabs.tolist(), start, length)
    except (InputError, NumericalFailure):
        return {}
    # a solution that left the measured phases altogether describes other ones
    if np.any(np.abs(found.plateaus - measured[layout]) > 0.3 * measured[layout]):
        return {}
    return {
        ("phase_density", f"{name}, phase {n + 1}"): _exact(found.plateaus[layout.index(n), s])
        for n in range(count)
        for s, name in enumerate(model.names)
    }


def _shares(phases_found: Array, composition: Array) -> Array | None:
    """Shares of the phases by the lever rule; None where one would be negligible or negative."""
    shares = lever_rule(phases_found, composition)
    return shares if np.all(shares > 0.03) else None


def _exact(value: float) -> Estimate:
    return Estimate(float(value), 0.0, 1)


def _linear_fluctuations(specification: RunSpecification, model: Model, state: HomogeneousState) -> Measured:
    """Structure factors and variances of the linear theory, summed over the very modes of the box."""
    # a grid fine enough to hold the compared band with both scales' grids
    grid = Grid.holding(specification.size, band_edge(specification))
    filters = Filters.of(specification, grid)
    used = filters.band & (grid.wavenumber > 0.0)
    correlations = np.zeros((*grid.spectral_shape, len(model.names), len(model.names)))
    correlations[used] = equal_time_correlations(state, grid.wavenumber[used], specification.order)
    values: Measured = {}
    weights = grid.multiplicity[filters.low]
    for a, first in enumerate(model.names):
        variance = np.sum(grid.multiplicity * filters.sensing**2 * correlations[..., a, a]) / grid.volume
        values["density_variance", first] = _exact(variance)
        for b, second in enumerate(model.names[a:], start=a):
            values["structure_factor", f"{first}{second}"] = _exact(
                np.average(correlations[filters.low][:, a, b], weights=weights)
            )
    return values
