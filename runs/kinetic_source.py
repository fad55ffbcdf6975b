"""Where the kinetic theory of a run takes its averages from.

From the particles in the frames, of which sums over neighbours are exact, or from the pair distributions that were gathered on
the way at all samples (``[particles.observables] pair_distribution``): far more pairs, but in bins. Each frame gives a row of
coefficients in either case, so that blocks of frames give standard errors.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from runs.frames_of_run import ParticleFrames
from theory.arrays import Array
from theory.errors import InputError
from theory.kinetic.coefficients import MOMENTS, binning_errors, integrated_coefficients, sampled_coefficients
from theory.model import Model
from theory.observables.orientation import polar_order
from theory.observables.relative_distribution import RelativeDistribution

SourceName = Literal["frames", "distribution"]

# errors of binning, relative to a coefficient, above which frames are preferred and a reader is told, and that are refused
_FINE, _COARSEST = 0.02, 0.1
_SAMPLES = "pair_distribution_samples"
_HOW = "set particles.observables.pair_distribution = true before the run"
_FINER = "make particles.observables.reach as short as the cut-off, and raise the first of pair_bins"


@dataclass(frozen=True)
class Sampled:
    """What the frames of a run say.

    Parameters
    ----------
    coefficients
        Of each frame, shape (frame, species, species, harmonics + 3); see :mod:`theory.kinetic.coefficients`.
    samples
        Configurations behind the coefficients of each frame, shape (frame,).
    polar_orders
        Mean over the samples of each frame, shape (frame,).
    particles
        Number of particles.
    source
        Where this comes from, as JSON values.
    ordered_pairs
        Ordered pairs that were counted, shape (species, species); None where sums are direct.
    binning_errors
        Of the coefficients, shape (species, species, harmonics + 3); None where sums are direct.
    """

    coefficients: Array
    samples: Array
    polar_orders: Array
    particles: int
    source: dict[str, Any]
    ordered_pairs: Array | None = None
    binning_errors: Array | None = None

    def mean(self, chosen: NDArray[np.intp] | slice = slice(None)) -> Array:
        """Coefficients over the samples of some frames, by default of all, shape (species, species, harmonics + 3)."""
        return np.asarray(np.average(self.coefficients[chosen], axis=0, weights=self.samples[chosen]))

    def unknown_share(self) -> float:
        """Largest relative error of binning: of torque harmonics relative to the largest, and of what noise does not hide."""
        if self.binning_errors is None:
            return 0.0
        size = np.abs(self.mean())
        size[..., :-MOMENTS] = size[..., :-MOMENTS].max(axis=-1, keepdims=True)
        noise = self.coefficients.std(axis=0) / np.sqrt(self.samples.size)
        known = (size > 0.0) & (self.binning_errors > noise)
        return float(np.max(self.binning_errors[known] / size[known], initial=0.0))

    def warnings(self) -> list[str]:
        """What bins leave unknown."""
        worst = self.unknown_share()
        if worst <= _FINE:
            return []
        return [f"the bins of r of the pair distribution leave {_told(worst)} of a coefficient unknown; {_FINER}"]


def sample(
    model: Model, frames: ParticleFrames, chosen: NDArray[np.int64], harmonics: int, source: SourceName | None
) -> Sampled:
    """Coefficients of the chosen frames.

    Parameters
    ----------
    model, frames, chosen
        The model of a run, its frames, and which of them are used.
    harmonics
        Number of torque harmonics.
    source
        ``"frames"``, ``"distribution"``, or by default the distribution where there is one that is fine enough.

    Raises
    ------
    InputError
        The frames do not hold what is asked for, the box is too small, or the distribution is too coarse.
    """
    if source not in (None, *get_args(SourceName)):
        raise InputError(f"--source is '{source}'; it must be {' or '.join(get_args(SourceName))}")
    names = frames.series.names
    particles, gathered = "position" in names, _SAMPLES in names
    if not particles and (source == "frames" or not gathered):
        raise InputError(
            f"{frames.series.path}: its frames hold no positions; run with particles.save_positions = true, or {_HOW}"
        )
    if not gathered and source == "distribution":
        raise InputError(f"{frames.series.path}: its frames hold no pair distribution with its number of samples; {_HOW}")
    if source == "frames" or not gathered:
        return _from_frames(model, frames, chosen, harmonics)
    if source == "distribution" or not particles:
        return _from_distribution(model, frames, chosen, harmonics, _COARSEST)
    try:
        return _from_distribution(model, frames, chosen, harmonics, _FINE)
    except InputError as error:
        return _from_frames(model, frames, chosen, harmonics, reason=str(error))


def _from_frames(
    model: Model, frames: ParticleFrames, chosen: NDArray[np.int64], harmonics: int, reason: str | None = None
) -> Sampled:
    values, orders = [], []
    for frame in chosen.tolist():
        positions, orientations = frames.positions(frame), frames.orientations(frame)
        values.append(
            sampled_coefficients(
                model.interactions,
                positions,
                orientations,
                frames.size,
                frames.species(frame),
                number=model.number_of_species,
                harmonics=harmonics,
            )
        )
        orders.append(polar_order(orientations))
    source = {"kind": "frames", "frames": chosen.size, "samples": chosen.size}
    if reason is not None:
        source["reason"] = reason
    return Sampled(np.array(values), np.ones(chosen.size), np.array(orders), positions.shape[0], source)


def _from_distribution(
    model: Model, frames: ParticleFrames, chosen: NDArray[np.int64], harmonics: int, coarsest: float
) -> Sampled:
    laws, series = model.interactions, frames.series
    edges, samples = _edges(series.coordinates["pair_distance"].data), series.load(_SAMPLES)[chosen]
    rows, total, pairs = [], 0.0, 0.0
    try:
        for frame, count in zip(chosen.tolist(), samples, strict=True):
            one = _distribution(model, frames, frame, edges)
            rows.append(integrated_coefficients(laws, one, harmonics=harmonics))
            total, pairs = total + count * one.values, pairs + one.counts.sum(axis=(2, 3, 4))
    except InputError as error:
        raise InputError(f"{series.path}: {error}: particles.observables.reach and pair_bins say how") from None
    whole = RelativeDistribution.of_values(edges, np.asarray(total / samples.sum()), pairs)
    source = {
        "kind": "distribution",
        "frames": chosen.size,
        "samples": int(samples.sum()),
        "reach": float(edges[-1]),
        "bins": list(whole.values.shape[2:]),
    }
    found = Sampled(
        np.array(rows),
        samples,
        _sampled_orders(frames)[chosen],
        sum(int(series.load(f"particle_number_{name}", -1)[0]) for name in model.names),
        source,
        np.asarray(pairs),
        binning_errors(laws, whole, harmonics=harmonics),
    )
    if (worst := found.unknown_share()) > coarsest:
        raise InputError(
            f"{series.path}: the pair distribution is too coarse: its bins of r, {edges[1]:.3g} wide, leave {_told(worst)} of "
            f"a coefficient unknown, and at most {coarsest:.0%} is taken; {_FINER}"
        )
    return found


def _edges(middles: Array) -> Array:
    """Edges of bins of equal widths that begin at 0."""
    return np.linspace(0.0, float(middles[-1] + middles[0]), middles.size + 1)


def _distribution(model: Model, frames: ParticleFrames, frame: int, edges: Array) -> RelativeDistribution:
    """g of one frame, of all ordered pairs of species."""

    def table(prefix: str) -> Array:
        rows = [[frames.loaded(f"{prefix}{a}{b}", frame) for b in model.names] for a in model.names]
        return np.array(rows, dtype=np.float64)

    return RelativeDistribution.of_values(edges, table("pair_distribution_"), table("pair_distribution_pairs_"))


def _sampled_orders(frames: ParticleFrames) -> Array:
    """Polar order of each frame: mean over its samples where they were kept, or at its time, shape (frame,)."""
    if "sampled_polar_order" not in frames.series.names:
        return np.asarray(frames.series.load("polar_order"), dtype=np.float64)
    # the frame of the start has one sample
    return np.asarray(np.nanmean(frames.series.load("sampled_polar_order").astype(np.float64), axis=1))


def _told(share: float) -> str:
    return f"{share:.1%}" if share < 1.0 else "all"
