"""Who senses whom, through which kernel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputError
from theory.kernels import Kernel


@dataclass(frozen=True)
class PairSensing:
    """How one species senses another, where it differs from the model's default."""

    observer: str
    source: str
    kernel: str
    range: float


@dataclass(frozen=True)
class Sensing:
    """How densities are sensed.

    Parameters
    ----------
    kernel, range
        The default for all pairs of species; see :class:`theory.kernels.Kernel`. Range in length.
    pairs
        Exceptions, at most one per ordered pair (observer, source).
    count_self
        Whether a particle senses itself (the published codes do).
    """

    kernel: str = "bump"
    range: float = 1.0
    pairs: tuple[PairSensing, ...] = ()
    count_self: bool = True


@dataclass(frozen=True)
class Channels:
    """The distinct sensed fields: one per pair of (kernel, source species) in use, then the chemicals.

    Motility laws read them from arrays of shape (channel + chemical, ...).

    Parameters
    ----------
    kernels, sources
        Kernel and source species (index) of each channel.
    index
        Row of those arrays that holds what an observer (row) reads for a source (column: the species, then the
        chemicals), shape (species, species + chemical).
    """

    kernels: tuple[Kernel, ...]
    sources: tuple[int, ...]
    index: NDArray[np.int64]

    @classmethod
    def of(cls, sensing: Sensing, names: Sequence[str], dimension: int, chemicals: int) -> "Channels":
        """The channels of species, followed by a number of chemicals.

        Raises
        ------
        InputError
            A pair is stated twice, or a kernel is out of its range.
        """
        default = Kernel(sensing.kernel, sensing.range, dimension)
        table = {(o, s): default for o in names for s in names}
        given: set[tuple[str, str]] = set()
        for pair in sensing.pairs:
            key = (pair.observer, pair.source)
            if key in given:
                raise InputError(f"how {pair.observer} senses {pair.source} is stated twice")
            given.add(key)
            table[key] = Kernel(pair.kernel, pair.range, dimension)
        # channels in the order of the source species, so that with one kernel channel n is species n
        distinct = list(dict.fromkeys((table[o, s], j) for j, s in enumerate(names) for o in names))
        number = {channel: n for n, channel in enumerate(distinct)}
        after = range(len(distinct), len(distinct) + chemicals)
        rows = [[*(number[table[o, s], j] for j, s in enumerate(names)), *after] for o in names]
        index = np.array(rows, dtype=np.int64)
        index.flags.writeable = False
        return cls(tuple(k for k, _ in distinct), tuple(j for _, j in distinct), index)
