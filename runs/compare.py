"""Theory, fields and particles side by side.

Each row carries a value per source, standard errors from independent blocks or replicas, z-scores, and the regime in which, or
the bias with which, its numbers hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runs.frames_of_run import DensityFrames, open_run
from runs.runfile import RunSpecification
from runs.statistics import Estimate, combine, jackknife, number_of_blocks, with_error, z_score
from theory.coexistence import lever_rule, slab_profile
from theory.errors import InputError, NumericalFailure
from theory.fourier import Array, Grid
from theory.linear_stability import HomogeneousState, classify
from theory.model import Model
from theory.observables import (
    Phase,
    Shells,
    band_variance,
    dominant_wavenumber,
    filtered,
    phases,
    structure_factors,
    travelling_speed,
)

Key = tuple[str, str]
Measured = dict[Key, Estimate]

# "low q": modes up to this many times the smallest wavenumber of the box
_LOW_Q = 2.5
# factor of the edge of a band of modes: well beyond round-off, well below the distance of modes
_BEYOND = 1.0 + 1e-9
# densities are smoothed by a Gaussian of this standard deviation, in sensing ranges, before phases are looked for
_SMOOTHING = 0.5
_UNITS = {
    "mean_speed": "length/time",
    "density_variance": "1/length^4",
    "structure_factor": "1/length^2",
    "dominant_wavenumber": "1/length",
    "travelling_speed": "length/time",
    "phase_density": "1/length^2",
}
_SOURCES = ("theory", "fields", "particles")


def compare(directories: Sequence[Path | str], *, after: float | None = None) -> list[dict[str, Any]]:
    """Compare the scales of one run, or of replicas of one model.

    Parameters
    ----------
    directories
        Run directories. Several must state the same model, composition and box; with three or more the standard errors come
        from their spread.
    after
        Use frames from this physical time on (time); by default the second half of each run.

    Returns
    -------
    list of dict
        Per row: ``observable``, ``species``, ``units``, ``theory``, ``fields``, ``particles`` (each None or a dict of
        ``value``, ``standard_error``, ``samples``), ``z_scores``, ``regime``.

    Raises
    ------
    InputError
        The directories state different models or share a seed, or no frame is late enough.
    StoreError
        A directory holds no run.
    """
    opened = [open_run(directory) for directory in directories]
    _check_replicas([specification for specification, _ in opened])
    measured: dict[str, list[Measured]] = {scale: [] for scale in ("fields", "particles")}
    for specification, scales in opened:
        for scale, frames in scales.items():
            measured[scale].append(_measure(specification, frames, after))
    specification = opened[0][0]
    columns: dict[str, Measured] = {scale: _combined(found) for scale, found in measured.items()}
    theory = _theory(specification)
    columns["theory"] = {**theory.values, **_coexistence(specification, columns)}
    keys = list(dict.fromkeys(key for source in ("fields", "particles", "theory") for key in columns[source]))
    order = list(_UNITS)
    keys.sort(key=lambda key: order.index(key[0]))
    regimes = _regimes(specification, theory)
    return [_row(key, columns, regimes[key[0]]) for key in keys]


def _check_replicas(specifications: Sequence[RunSpecification]) -> None:
    first = specifications[0]
    for other in specifications[1:]:
        same = str(first.model) == str(other.model) and first.composition == other.composition and first.size == other.size
        if not (same and _noise(first) == _noise(other)):
            raise InputError(
                f"{first.source} and {other.source} state different models, compositions, boxes or noises; "
                "only replicas are combined"
            )
    seeds = [one.run.seed for one in specifications]
    if len(set(seeds)) < len(seeds):
        raise InputError(f"the runs have the seeds {', '.join(map(str, seeds))}; replicas are independent by different seeds")


def _noise(specification: RunSpecification) -> tuple[float, float | None] | None:
    settings = specification.fields
    return None if settings is None else (settings.noise, settings.noise_length)


def _combined(replicas: list[Measured]) -> Measured:
    if not replicas:
        return {}
    shared = [key for key in replicas[0] if all(key in other for other in replicas)]
    return {key: combine([one[key] for one in replicas]) for key in shared}


def _row(key: Key, columns: dict[str, Measured], regime: str) -> dict[str, Any]:
    found = {source: columns[source].get(key) for source in _SOURCES}
    row: dict[str, Any] = {"observable": key[0], "species": key[1], "units": _UNITS[key[0]]}
    for source, one in found.items():
        row[source] = None if one is None else vars(one)
    pairs = [("theory", "fields"), ("theory", "particles"), ("fields", "particles")]
    row["z_scores"] = {f"{a}-{b}": z_score(found[a], found[b]) for a, b in pairs}
    row["regime"] = regime
    return row


@dataclass(frozen=True)
class _Filters:
    """What both scales are looked at through, so that they are looked at alike."""

    sensing: Array
    coarse: Array
    stride: int
    shells: Shells
    low: NDArray[np.bool_]
    band: NDArray[np.bool_]

    @classmethod
    def of(cls, specification: RunSpecification, grid: Grid) -> "_Filters":
        reach = _reach(specification)
        cutoff = _band_edge(specification)
        # edges are a little beyond the modes on them, so that grids of all sizes hold the same modes
        band = grid.wavenumber <= cutoff
        kernel = specification.model.channels.kernels[0]
        shells = Shells.of(grid, cutoff)
        # in a small box the band ends first
        low = band & (grid.wavenumber <= _LOW_Q * 2.0 * np.pi / max(grid.size) * _BEYOND)
        low.flat[0] = False
        coarse = np.exp(-0.5 * np.minimum((grid.wavenumber * _SMOOTHING * reach) ** 2, 1400.0))
        stride = max(1, int(0.5 * reach / max(grid.spacing)))
        return cls(kernel.transform(grid.wavenumber) * band, coarse, stride, shells, low, band)


def _reach(specification: RunSpecification) -> float:
    """Length at which densities are coarse-grained for phase densities: the largest sensing range."""
    return float(specification.model.sensing_ranges.max()) or max(specification.size) / 50.0


def _band_edge(specification: RunSpecification) -> float:
    """Largest wavenumber that is compared: that of the fields' noise, where their grid retains it."""
    settings = specification.fields
    length = settings.noise_length if settings is not None and settings.noise_length is not None else _reach(specification)
    edge = float(np.pi / length) * _BEYOND
    if settings is None:
        return edge
    spacing = max(one / cells for one, cells in zip(specification.size, settings.grid, strict=True))
    return min(edge, 2.0 / 3.0 * float(np.pi / spacing) / _BEYOND)


def _measure(specification: RunSpecification, frames: DensityFrames, after: float | None) -> Measured:
    times = frames.times
    start = 0.5 * times[-1] if after is None else after
    chosen = np.nonzero(times >= start * (1.0 - 1e-12))[0]
    if chosen.size < 2:
        raise InputError(f"{frames.series.path}: fewer than two frames from t = {start:g} on; the last is at t = {times[-1]:g}")
    filters = _Filters.of(specification, frames.grid)
    modes = np.stack([frames.modes(int(frame)) for frame in chosen])
    model = specification.model
    out: Measured = {}

    speeds = np.stack([frames.number(f"mean_speed_{name}")[chosen] for name in model.names], axis=1)
    out.update(_averages("mean_speed", model.names, speeds))

    variances = np.stack([band_variance(one, frames.grid, filters.sensing) for one in modes])
    out.update(_averages("density_variance", model.names, variances))

    low, pairs = _low_structure_factors(modes, frames.grid, filters)
    out.update(_averages("structure_factor", [f"{model.names[a]}{model.names[b]}" for a, b in pairs], low))

    blocks = number_of_blocks(*variances.T)
    spectra = np.stack([structure_factors(one, frames.grid, filters.shells) for one in modes])
    diagonal = np.stack([spectra[:, s, s] for s in range(len(model.names))], axis=1)
    out.update(_jackknifed("dominant_wavenumber", model.names, _dominant(filters.shells, diagonal), chosen.size, blocks))

    interval = float(np.median(np.diff(times[chosen])))
    out.update(_travel(model.names, modes, frames.grid, interval, blocks))
    out.update(_phase_densities(model.names, modes, frames.grid, filters, blocks))
    return out


def _averages(observable: str, labels: Sequence[str], series: Array) -> Measured:
    """Time averages of series (time, label), each with blocks from its own correlation time."""
    out: Measured = {}
    for label, values in zip(labels, series.T, strict=True):
        if not np.all(np.isfinite(values)):
            continue  # the mean over a species without particles
        found = jackknife(lambda frames, v=values: np.array([v[frames].mean()]), values.size, number_of_blocks(values))  # type: ignore[misc]
        out[observable, label] = found[0]
    return out


def _jackknifed(
    observable: str, labels: Sequence[str], estimator: Callable[[NDArray[np.intp]], Array], frames: int, blocks: int
) -> Measured:
    found = jackknife(estimator, frames, blocks)
    return {(observable, label): one for label, one in zip(labels, found, strict=True)}


def _low_structure_factors(modes: Any, grid: Grid, filters: _Filters) -> tuple[Array, list[tuple[int, int]]]:
    """S_ab averaged over the modes of low q, shape (time, pair)."""
    species = modes.shape[1]
    pairs = [(a, b) for a in range(species) for b in range(a, species)]
    weights = grid.multiplicity[filters.low]
    values = [
        np.average((modes[:, a] * modes[:, b].conj()).real[:, filters.low], axis=1, weights=weights) / grid.volume
        for a, b in pairs
    ]
    return np.stack(values, axis=1), pairs


def _dominant(shells: Shells, spectra: Array) -> Callable[[NDArray[np.intp]], Array]:
    """Dominant wavenumber of each species from spectra (time, species, shell)."""

    def estimator(frames: NDArray[np.intp]) -> Array:
        return np.array([dominant_wavenumber(shells, one) for one in spectra[frames].mean(axis=0)])

    return estimator


def _travel(names: Sequence[str], modes: Any, grid: Grid, interval: float, blocks: int) -> Measured:
    """Travelling speeds; frames of a block stay together, as speeds need neighbours in time."""
    largest = [travelling_speed(modes[:, s], grid, interval).largest_turn for s in range(len(names))]

    def estimator(frames: NDArray[np.intp]) -> Array:
        pieces = np.split(frames, np.nonzero(np.diff(frames) > 1)[0] + 1)
        pieces = [piece for piece in pieces if piece.size > 1]
        weights = [piece.size - 1 for piece in pieces]
        speeds = [[travelling_speed(modes[piece, s], grid, interval).speed for s in range(len(names))] for piece in pieces]
        return np.average(np.array(speeds), axis=0, weights=weights)

    found = _jackknifed("travelling_speed", names, estimator, modes.shape[0], blocks)
    # phases that turn by more than this between frames may have gone round: no number rather than a wrong one
    return {key: one for (key, one), turn in zip(found.items(), largest, strict=True) if turn < 2.0}


def _phase_densities(names: Sequence[str], modes: Any, grid: Grid, filters: _Filters, blocks: int) -> Measured:
    thinned = (slice(None), *(slice(None, None, filters.stride),) * grid.dimension)
    densities = np.stack([filtered(one, grid, filters.coarse)[thinned] for one in modes])
    pooled = phases(densities.swapaxes(0, 1))

    def estimator(frames: NDArray[np.intp]) -> Array:
        found = phases(densities[frames].swapaxes(0, 1))
        return np.concatenate([_nearest(phase, found).densities for phase in pooled])

    labels = [f"{name}, phase {n + 1}" for n in range(len(pooled)) for name in names]
    return _jackknifed("phase_density", labels, estimator, modes.shape[0], blocks)


def _nearest(phase: Phase, others: list[Phase]) -> Phase:
    return min(others, key=lambda other: float(np.sum((other.densities - phase.densities) ** 2)))


@dataclass(frozen=True)
class _Theory:
    values: Measured
    stable: bool
    oscillatory: bool


def _theory(specification: RunSpecification) -> _Theory:
    """What linear theory says, with no error; nothing where it says nothing."""
    model = specification.model
    order = specification.order
    try:
        state = HomogeneousState.of(model, dict(specification.composition))
        instability = classify(state, order)
    except InputError:
        return _Theory({}, False, False)
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
    return _Theory(values, stable, instability.kind == "oscillatory")


def _coexistence(specification: RunSpecification, columns: dict[str, Measured]) -> Measured:
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
    length = max(*specification.size, 8.0 * _reach(specification) / float(slabs.min()))
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
    edge = _band_edge(specification)
    cells = tuple(2 * max(4, int(np.ceil(size * edge / np.pi / 2.0)) + 2) for size in specification.size[::-1])
    grid = Grid(tuple(specification.size), cells)
    filters = _Filters.of(specification, grid)
    used = filters.band & (grid.wavenumber > 0.0)
    correlations = np.zeros((*grid.spectral_shape, len(model.names), len(model.names)))
    correlations[used] = state.equal_time_correlations(grid.wavenumber[used], specification.order)
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


def _regimes(specification: RunSpecification, theory: _Theory) -> dict[str, str]:
    """What each row's numbers rest on."""
    model = specification.model
    reach, edge = _reach(specification), _band_edge(specification)
    settings = specification.fields
    strength = 1.0 if settings is None else settings.noise
    low = min(edge, _LOW_Q * 2.0 * np.pi / max(specification.size))
    try:
        run_length = float(np.max(model.speed(model.densities(dict(specification.composition))) * model.persistence_times))
    except InputError:
        run_length = float("nan")
    diffusive = f"hydrodynamics needs q v tau << 1 (here {low * run_length:.2g} at q = {low:.2g})"
    if specification.order > 0:
        diffusive = f"fields and theory of order {specification.order}"
    fields = "" if strength == 1.0 else f"the fields' noise has {strength:g} times the variance of the particles'; "
    fields = fields if strength > 0.0 else "fields are deterministic: no fluctuations; "
    onset = "theory: fastest-growing mode at onset; patterns coarsen or saturate later"
    return {
        "mean_speed": "theory: homogeneous mean field" if theory.stable else "no theory for an unstable homogeneous state",
        "density_variance": f"{fields}modes q <= {edge:.3g} seen through the sensing kernel; theory: linear",
        "structure_factor": f"{fields}modes q <= {low:.3g}; {diffusive}; theory: linear",
        "dominant_wavenumber": "peak of S(q), resolved to the spacing of the box's modes" if theory.stable else onset,
        "travelling_speed": f"from phases of the strongest modes (never negative: noise adds); {onset}"
        if not theory.stable
        else "from phases of the strongest modes (never negative: noise adds)",
        "phase_density": f"histogram modes, densities smoothed over {_SMOOTHING * reach:g}; theory: flat steady interfaces",
    }


def as_table(rows: list[dict[str, Any]]) -> str:
    """The rows for reading, with the regimes below."""
    lines = [f"{'observable':21} {'species':12} {'theory':>11} {'fields':>22} {'particles':>22} {'z f-p':>7} {'z t-p':>7}"]
    notes: dict[str, str] = {}
    for row in rows:
        z = row["z_scores"]
        theory = "" if row["theory"] is None else f"{row['theory']['value']:.5g}"
        lines.append(
            f"{row['observable']:21} {row['species']:12} {theory:>11} {with_error(row['fields']):>22} "
            f"{with_error(row['particles']):>22} {_signed(z['fields-particles']):>7} {_signed(z['theory-particles']):>7}"
        )
        notes[row["observable"]] = row["regime"]
    lines.append("")
    lines += [f"{observable}: {regime}" for observable, regime in notes.items()]
    lines.append("standard errors from independent blocks or replicas; (?) where the frames do not allow one")
    return "\n".join(lines)


def _signed(z: float | None) -> str:
    return "" if z is None else f"{z:+.1f}"
