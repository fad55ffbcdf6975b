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
from theory.flocks import UniformFlock
from theory.fluctuations import equal_time_correlations
from theory.fourier import Grid
from theory.homogeneous import HomogeneousState, has_torques
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
    reason
        Why it says nothing of steady states; empty where it does.
    polar_order
        What it says of the polar order, or why it says nothing, in words.
    """

    values: Measured
    stable: bool
    reason: str
    polar_order: str


@dataclass(frozen=True)
class Coexisting:
    """What theory says of coexisting phases.

    Parameters
    ----------
    values
        Their densities; empty where it says nothing.
    reason
        Why it says nothing; empty where it does.
    """

    values: Measured
    reason: str = ""


def linear_expectation(specification: RunSpecification) -> Expectation:
    """What linear theory says, with no error; nothing where it says nothing."""
    model = specification.model
    order = specification.order
    try:
        state = HomogeneousState.of(model, dict(specification.composition))
        instability = classify(state, order)
    except InputError as error:
        return Expectation({}, False, str(error), f"no theory: {error}")
    values, polar_order = _flock(state, order)
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
    return Expectation(values, stable, "" if stable else "the homogeneous state is unstable", polar_order)


def _flock(state: HomogeneousState, order: int) -> tuple[Measured, str]:
    """Polar orders of the uniform flock, and what to say of them."""
    if not has_torques(state.model):
        return {}, "no theory: nothing aligns directions"
    try:
        polarity = UniformFlock.of(state, order).polarity
    except (InputError, NumericalFailure) as error:
        return {}, f"no theory: {error}"
    names = state.model.names
    orders = {("polar_order", name): _exact(p / rho) for name, p, rho in zip(names, polarity, state.densities, strict=True)}
    return orders, f"theory: uniform flock of order {order}; bands and other patterns have another"


def interface_densities(specification: RunSpecification, columns: dict[str, Measured]) -> Coexisting:
    """Coexisting densities of flat interfaces, solved from the phases that were measured (fields first)."""
    source = columns["fields"] or columns["particles"]
    model = specification.model
    composition = model.densities(dict(specification.composition))
    count = sum(key[0] == "phase_density" for key in source) // model.number_of_species
    if count < 2:
        return Coexisting({}, "a single phase was found")
    if np.any(composition == 0.0):
        return Coexisting({}, "a species is absent")
    measured = np.array(
        [[source["phase_density", f"{name}, phase {n + 1}"].value for name in model.names] for n in range(count)]
    )
    shares = _shares(measured, composition)
    if shares is None:
        return Coexisting({}, "the composition is no mean of the measured phases with a share above 3 % of each")
    # three phases in the order 1 2 3 2: one of them between the other two, as where it wets their interface
    layout = [0, 1, 2, 1] if count == 3 else list(range(count))
    slabs = np.array([shares[n] / layout.count(n) for n in layout])
    # the box's own length, or slabs of at least eight ranges if they would be thinner
    length = max(*specification.size, 8.0 * specification.reach / float(slabs.min()))
    # bulk densities times shares leave out the interfaces: the start takes the composition's mean all the same
    start = measured[layout] * (composition / (slabs @ measured[layout]))
    try:
        found = slab_profile(model, slabs.tolist(), start, length)
    except (InputError, NumericalFailure) as error:
        return Coexisting({}, str(error))
    # a solution that left the measured phases altogether describes other ones
    if np.any(np.abs(found.plateaus - measured[layout]) > 0.3 * measured[layout]):
        return Coexisting({}, "the steady profile that theory finds is not that of the measured phases")
    values = {
        ("phase_density", f"{name}, phase {n + 1}"): _exact(found.plateaus[layout.index(n), s])
        for n in range(count)
        for s, name in enumerate(model.names)
    }
    return Coexisting(values)


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
