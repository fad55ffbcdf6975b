"""The model: what interacts, stated once.

A :class:`Model` is frozen and validated. The particle engine moves particles by it, the field solver moves fields by it, and
the theory says what must come out.
"""

import keyword
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.errors import InputError
from theory.expressions import FUNCTION_NAMES
from theory.kernels import Kernel
from theory.motility import TOTAL, MotilityLaw

if TYPE_CHECKING:
    from theory.codegen import CompiledLaws

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """How a particle's direction forgets itself.

    Parameters
    ----------
    tumble_rate
        alpha (1/time): complete random reorientations (run-and-tumble particles).
    rotational_diffusion
        Dr (1/time): diffusion of the direction (active Brownian particles). Both rates may be non-zero.
    aoup
        The self-propulsion is an Ornstein-Uhlenbeck vector with <|u|^2> = 1 and the persistence time of the rates.
    persistence_time
        Only with ``aoup``: the correlation time (time), in place of the rates.

    Raises
    ------
    InputError
        A rate is negative or not finite, all are zero, or ``persistence_time`` is given without ``aoup``.
    """

    tumble_rate: float = 0.0
    rotational_diffusion: float = 0.0
    aoup: bool = False
    persistence_time: float | None = None

    def __post_init__(self) -> None:
        for name in ("tumble_rate", "rotational_diffusion"):
            rate = getattr(self, name)
            if not (np.isfinite(rate) and rate >= 0.0):
                raise InputError(f"{name} is {rate}; it must be finite and not negative")
        if self.persistence_time is None:
            if self.tumble_rate == 0.0 and self.rotational_diffusion == 0.0:
                raise InputError("a motion needs a tumble_rate or a rotational_diffusion above zero")
            return
        if not self.aoup:
            raise InputError("persistence_time belongs to aoup = true; otherwise give tumble_rate or rotational_diffusion")
        if self.tumble_rate != 0.0 or self.rotational_diffusion != 0.0:
            raise InputError("give either persistence_time or the rates, not both")
        if not (np.isfinite(self.persistence_time) and self.persistence_time > 0.0):
            raise InputError(f"persistence_time is {self.persistence_time}; it must be positive and finite")

    def time(self, dimension: int) -> float:
        """Persistence time tau, 1/tau = alpha + (d - 1) Dr ([S1], below Eq. 1).

        Raises
        ------
        InputError
            Only rotational diffusion in one dimension, where a direction cannot diffuse.
        """
        if self.persistence_time is not None:
            return self.persistence_time
        rate = self.tumble_rate + (dimension - 1) * self.rotational_diffusion
        if rate == 0.0:
            raise InputError("in one dimension a direction cannot diffuse; give a tumble_rate")
        return 1.0 / rate

    def __str__(self) -> str:
        if self.persistence_time is not None:
            return f"Ornstein-Uhlenbeck, persistence time {self.persistence_time:g}"
        rates = []
        if self.tumble_rate:
            rates.append(f"tumble rate {self.tumble_rate:g}")
        if self.rotational_diffusion:
            rates.append(f"rotational diffusion {self.rotational_diffusion:g}")
        return ("Ornstein-Uhlenbeck, " if self.aoup else "") + ", ".join(rates)


@dataclass(frozen=True)
class Species:
    """One species.

    Parameters
    ----------
    name
        An identifier, used in the motility laws.
    motion
        How directions forget themselves.
    speed
        The motility law as text.
    translational_diffusion
        Dt (length^2/time), at least 0.
    """

    name: str
    motion: Motion
    speed: str
    translational_diffusion: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.translational_diffusion) and self.translational_diffusion >= 0.0):
            raise InputError(
                f"translational_diffusion of {self.name} is {self.translational_diffusion}; it must be finite and not negative"
            )


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
    """The distinct sensed fields: one per pair of (kernel, source species) in use.

    Parameters
    ----------
    kernels, sources
        Kernel and source species (index) of each channel.
    index
        Channel read by observer (row) for source (column), shape (species, species).
    """

    kernels: tuple[Kernel, ...]
    sources: tuple[int, ...]
    index: NDArray[np.int64]


class Model:
    """A mixture of active particles.

    Parameters
    ----------
    dimension
        Of space: 1, 2 or 3.
    species
        At least one; names are distinct identifiers that are not parameters, functions or ``total``.
    parameters
        Values used by the motility laws.
    sensing
        Sensing kernels.

    Raises
    ------
    InputError
        Anything out of range, a name used twice, or a law that is not an expression of the names.
    """

    def __init__(
        self,
        dimension: int,
        species: Sequence[Species],
        parameters: Mapping[str, float] | None = None,
        sensing: Sensing | None = None,
    ) -> None:
        if dimension not in (1, 2, 3):
            raise InputError(f"dimension is {dimension}; it must be 1, 2 or 3")
        if not species:
            raise InputError("a model needs at least one species")
        self._dimension = dimension
        self._species = tuple(species)
        self._parameters = MappingProxyType({name: float(value) for name, value in (parameters or {}).items()})
        self._sensing = sensing or Sensing()
        self._check_names()
        self._motility = MappingProxyType({one.name: _law(one, self.names, self._parameters) for one in self._species})
        _ = self.persistence_times, self.channels

    def _check_names(self) -> None:
        seen: set[str] = set()
        for kind, name in [
            *(("species", s.name) for s in self._species),
            *(("parameter", p) for p in self._parameters),
        ]:
            if not (name.isidentifier() and name.isascii()) or keyword.iskeyword(name):
                raise InputError(
                    f"the {kind} name '{name}' is not an identifier (letters, digits and _, no digit first, no keyword)"
                )
            if name == TOTAL or name in FUNCTION_NAMES:
                raise InputError(
                    f"the {kind} name '{name}' is reserved ({TOTAL} and the functions {', '.join(FUNCTION_NAMES)})"
                )
            if name in seen:
                raise InputError(f"the name '{name}' is used twice among species and parameters")
            seen.add(name)
        for name, value in self._parameters.items():
            if not np.isfinite(value):
                raise InputError(f"the parameter {name} is {value}; it must be finite")

    @property
    def dimension(self) -> int:
        """Dimension of space."""
        return self._dimension

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the species, in the order of all density arrays."""
        return tuple(one.name for one in self._species)

    @property
    def species(self) -> tuple[Species, ...]:
        """The species, in order."""
        return self._species

    @property
    def number_of_species(self) -> int:
        """Number of species N."""
        return len(self._species)

    @property
    def parameters(self) -> Mapping[str, float]:
        """Parameter values by name."""
        return self._parameters

    @property
    def sensing(self) -> Sensing:
        """How densities are sensed."""
        return self._sensing

    @property
    def motility(self) -> Mapping[str, MotilityLaw]:
        """The motility laws by species name."""
        return self._motility

    def index(self, name: str) -> int:
        """Position of a species in density arrays.

        Raises
        ------
        InputError
            There is no such species.
        """
        if name not in self.names:
            raise InputError(f"there is no species '{name}'; the species are {', '.join(self.names)}")
        return self.names.index(name)

    @cached_property
    def persistence_times(self) -> Array:
        """tau of each species (time), shape (species,)."""
        return np.array([one.motion.time(self._dimension) for one in self._species])

    @cached_property
    def translational_diffusivities(self) -> Array:
        """Dt of each species (length^2/time), shape (species,)."""
        return np.array([one.translational_diffusion for one in self._species])

    @cached_property
    def channels(self) -> Channels:
        """The distinct sensed fields and who reads which."""
        default = Kernel(self._sensing.kernel, self._sensing.range, self._dimension)
        table = {(o, s): default for o in self.names for s in self.names}
        given: set[tuple[str, str]] = set()
        for pair in self._sensing.pairs:
            key = (self.names[self.index(pair.observer)], self.names[self.index(pair.source)])
            if key in given:
                raise InputError(f"how {pair.observer} senses {pair.source} is stated twice")
            given.add(key)
            table[key] = Kernel(pair.kernel, pair.range, self._dimension)
        # channels in the order of the source species, so that with one kernel channel n is species n
        distinct = list(dict.fromkeys((table[o, s], j) for j, s in enumerate(self.names) for o in self.names))
        number = {channel: n for n, channel in enumerate(distinct)}
        index = np.array([[number[table[o, s], j] for j, s in enumerate(self.names)] for o in self.names], dtype=np.int64)
        index.flags.writeable = False
        return Channels(tuple(k for k, _ in distinct), tuple(j for _, j in distinct), index)

    @property
    def sensing_ranges(self) -> Array:
        """Ranges of the channels' kernels (length), shape (channel,); 0 for the local kernel."""
        return np.array([0.0 if kernel.is_local else kernel.range for kernel in self.channels.kernels])

    def densities(self, composition: Mapping[str, float] | ArrayLike) -> Array:
        """A composition as an array in the order of the species.

        Parameters
        ----------
        composition
            Mean number densities (1/length^d), by name or as an array (species,).

        Raises
        ------
        InputError
            A species is missing or unknown, or a density is negative or not finite.
        """
        if isinstance(composition, Mapping):
            for name in composition:
                self.index(name)
            missing = [name for name in self.names if name not in composition]
            if missing:
                raise InputError(f"the composition lacks {', '.join(missing)}")
            values = np.array([float(composition[name]) for name in self.names])
        else:
            values = np.asarray(composition, dtype=np.float64)
            if values.shape != (self.number_of_species,):
                raise InputError(f"the composition has shape {values.shape}, not ({self.number_of_species},)")
        if not np.all(np.isfinite(values) & (values >= 0.0)):
            raise InputError(f"the densities {values.tolist()} must be finite and not negative")
        return values

    def speed(self, densities: ArrayLike) -> Array:
        """Speeds of all species where the sensed densities equal the given ones.

        Parameters
        ----------
        densities
            Shape (species, ...) (1/length^d).

        Returns
        -------
        ndarray
            Shape (species, ...) (length/time).

        Raises
        ------
        InputError
            A speed is negative or not finite.
        """
        values = np.asarray(densities, dtype=np.float64)
        return np.stack([law.speed(values) for law in self._motility.values()])

    def log_derivatives(self, densities: ArrayLike) -> Array:
        """a_mn = d log v_m / d (sensed density of n), shape (species, species, ...)."""
        values = np.asarray(densities, dtype=np.float64)
        return np.stack(
            [
                np.stack([law.evaluate(law.log_derivative(name), values) for name in self.names])
                for law in self._motility.values()
            ]
        )

    def compiled(self) -> "CompiledLaws":
        """The motility laws as compiled loops over points, for both engines."""
        from theory.codegen import CompiledLaws  # numba is imported only where something is run

        return CompiledLaws(self)

    def __iter__(self) -> Iterator[Species]:
        return iter(self._species)

    def __repr__(self) -> str:
        return f"Model({self._dimension}D, {', '.join(self.names)}, {self._sensing.kernel} kernel)"

    def __str__(self) -> str:
        return describe(self)


def _law(one: Species, names: tuple[str, ...], parameters: Mapping[str, float]) -> MotilityLaw:
    try:
        return MotilityLaw(one.speed, names, parameters)
    except InputError as error:
        raise type(error)(f"speed of species {one.name}: {error}") from None


def describe(model: Model) -> str:
    """The model as a tree that can be checked against a paper."""
    sensing = model.sensing
    lines = [f"model in {model.dimension}D, {model.number_of_species} species"]
    for one in model.species:
        lines.append(f"├─ {one.name}")
        lines.append(f"│  ├─ motion: {one.motion} (persistence time {one.motion.time(model.dimension):g})")
        if one.translational_diffusion:
            lines.append(f"│  ├─ translational diffusion {one.translational_diffusion:g}")
        head = "│  └─ speed = "
        for n, text in enumerate(model.motility[one.name].pretty.splitlines()):
            lines.append((head if n == 0 else "│" + " " * (len(head) - 1)) + text)
    if model.parameters:
        lines.append("├─ parameters: " + ", ".join(f"{name} = {value:g}" for name, value in model.parameters.items()))
    lines.append(
        f"└─ sensing: {sensing.kernel} kernel, range {sensing.range:g}, "
        f"a particle {'senses' if sensing.count_self else 'does not sense'} itself"
    )
    lines.extend(f"   └─ {p.observer} senses {p.source}: {p.kernel} kernel, range {p.range:g}" for p in sensing.pairs)
    return "\n".join(lines)


__all__ = ["Channels", "Model", "MotilityLaw", "Motion", "PairSensing", "Sensing", "Species", "describe"]
