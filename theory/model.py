"""The model: what interacts, stated once.

A :class:`Model` is frozen and validated. The particle engine moves particles by it, the field solver moves fields by it, and
the theory says what must come out.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Array
from theory.chemistry import Chemical
from theory.consistency import check_chemistry, check_names, check_torques
from theory.errors import InputError
from theory.expressions import symbol
from theory.interactions import InteractionLaw, MeanField, PairInteraction
from theory.motility import MotilityLaw
from theory.sensing import Channels, Sensing
from theory.species import Species

_Pair = TypeVar("_Pair", PairInteraction, MeanField)


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
    chemicals
        What particles make and steer by; names as those of the species.
    interactions
        Pair forces and torques, at most one per ordered pair (observer, source).
    mean_field
        Coefficients with which fields see pair interactions, likewise.

    Raises
    ------
    InputError
        Anything out of range, a name used twice or unknown, or a law that is not an expression of the names.
    """

    def __init__(
        self,
        dimension: int,
        species: Sequence[Species],
        parameters: Mapping[str, float] | None = None,
        sensing: Sensing | None = None,
        *,
        chemicals: Sequence[Chemical] = (),
        interactions: Sequence[PairInteraction] = (),
        mean_field: Sequence[MeanField] = (),
    ) -> None:
        if dimension not in (1, 2, 3):
            raise InputError(f"dimension is {dimension}; it must be 1, 2 or 3")
        if not species:
            raise InputError("a model needs at least one species")
        self._dimension = dimension
        self._species = tuple(species)
        self._parameters = MappingProxyType({name: float(value) for name, value in (parameters or {}).items()})
        self._sensing = sensing or Sensing()
        self._chemicals = tuple(chemicals)
        check_names(self._species, self._chemicals, self._parameters)
        self._motility = MappingProxyType({one.name: self._law(one) for one in self._species})
        self._interactions = MappingProxyType(
            {pair: InteractionLaw(one, self._parameters) for pair, one in self._by_pair("act on", interactions).items()}
        )
        self._mean_field = MappingProxyType(self._by_pair("appear to", mean_field))
        named = [name for one in self._chemicals for name in one.production]
        named += [name for pair in self._sensing.pairs for name in (pair.observer, pair.source)]
        for name in named:
            self.index(name)
        check_chemistry(self._species, self._chemicals, dimension)
        check_torques(self._species, self._interactions, dimension)
        _ = self.persistence_times, self.channels

    def _law(self, one: Species) -> MotilityLaw:
        try:
            return MotilityLaw(one.speed, self.names, self._parameters, self.chemical_names)
        except InputError as error:
            raise type(error)(f"speed of species {one.name}: {error}") from None

    def _by_pair(self, verb: str, stated: Sequence[_Pair]) -> dict[tuple[int, int], _Pair]:
        """What is stated of ordered pairs, by (observer, source) index."""
        table: dict[tuple[int, int], _Pair] = {}
        for one in stated:
            pair = (self.index(one.observer), self.index(one.source))
            if pair in table:
                raise InputError(f"how particles of {one.source} {verb} those of {one.observer} is stated twice")
            table[pair] = one
        return table

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
    def chemicals(self) -> tuple[Chemical, ...]:
        """The chemicals, in the order of all concentration arrays."""
        return self._chemicals

    @property
    def chemical_names(self) -> tuple[str, ...]:
        """Names of the chemicals."""
        return tuple(one.name for one in self._chemicals)

    @property
    def interactions(self) -> Mapping[tuple[int, int], InteractionLaw]:
        """Pair forces and torques, by (observer, source) index."""
        return self._interactions

    @property
    def mean_field(self) -> Mapping[tuple[int, int], MeanField]:
        """Coefficients with which fields see pair interactions, by (observer, source) index."""
        return self._mean_field

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
        return Channels.of(self._sensing, self.names, self._dimension, len(self._chemicals))

    @property
    def parameters_used(self) -> tuple[str, ...]:
        """Names of the parameters that a law uses, in the order of all parameters."""
        used = {name for law in self._motility.values() for name in law.parameters_used}
        used |= {name for law in self.interactions.values() for name in law.parameters_used}
        return tuple(name for name in self.parameters if name in used)

    @cached_property
    def senses(self) -> NDArray[np.bool_]:
        """Whether the speed of an observer (row) depends on a source (column), shape (species, species + chemical)."""
        fields = [symbol(name) for name in (*self.names, *self.chemical_names)]
        return np.array([[law.expression.has(one) for one in fields] for law in self._motility.values()], dtype=np.bool_)

    @cached_property
    def production(self) -> Array:
        """beta of each chemical by each species, shape (chemical, species) (amount/time per particle)."""
        rates = [[one.production.get(name, 0.0) for name in self.names] for one in self._chemicals]
        return np.array(rates, dtype=np.float64).reshape(len(self._chemicals), self.number_of_species)

    @cached_property
    def speed_biases(self) -> Array:
        """v1 of each species by each chemical, shape (species, chemical) ([S1] Eq. 15)."""
        return self._chemotactic("speed_bias")

    @cached_property
    def reorientation_biases(self) -> Array:
        """1/tau1 of each species by each chemical, shape (species, chemical) ([S1] Eq. 15)."""
        return self._chemotactic("reorientation_bias")

    @cached_property
    def turnings(self) -> Array:
        """chi of each species by each chemical, shape (species, chemical)."""
        return self._chemotactic("turning")

    def _chemotactic(self, name: str) -> Array:
        out = np.zeros((self.number_of_species, len(self._chemicals)))
        for s, one in enumerate(self._species):
            for response in one.chemotaxis:
                out[s, self.chemical_names.index(response.chemical)] = getattr(response, name)
        return out

    @cached_property
    def drags(self) -> Array:
        """xi_t and xi_r of each species, shape (species, 2)."""
        return np.array([[one.translational_drag, one.rotational_drag] for one in self._species])

    @property
    def sensing_ranges(self) -> Array:
        """Ranges of the channels' kernels (length), shape (channel,); 0 for the local kernel."""
        return np.array([0.0 if kernel.is_local else kernel.range for kernel in self.channels.kernels])

    def reach(self, size: Sequence[float]) -> float:
        """The longest sensing range; where nothing is sensed from afar, a fiftieth of a box (x, y, ...) (length)."""
        return float(self.sensing_ranges.max()) or max(size) / 50.0

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

    def concentrations(self, densities: ArrayLike) -> Array:
        """Steady concentrations of the chemicals in homogeneous mixtures, beta rho/gamma.

        Parameters
        ----------
        densities
            Shape (species, ...) (1/length^d).

        Returns
        -------
        ndarray
            Shape (chemical, ...).

        Raises
        ------
        InputError
            A chemical does not decay, so that it has no steady concentration.
        """
        for chemical in self._chemicals:
            if chemical.decay_rate == 0.0:
                raise InputError(f"the chemical {chemical.name} does not decay: it has no steady concentration")
        decay = np.array([one.decay_rate for one in self._chemicals])
        made = np.tensordot(self.production, np.asarray(densities, dtype=np.float64), axes=1)
        return np.asarray(made / decay.reshape(-1, *(1,) * (made.ndim - 1)))

    def homogeneous_fields(self, densities: ArrayLike) -> Array:
        """What laws read in homogeneous mixtures: densities, then concentrations, shape (species + chemical, ...)."""
        values = np.asarray(densities, dtype=np.float64)
        return np.concatenate([values, self.concentrations(values)]) if self._chemicals else values

    def diffusivities(self, speeds: Array) -> Array:
        """D_m = v_m^2 tau_m/d of particles that run at some speeds, shape (species,) (length^2/time)."""
        return np.asarray(speeds**2 * self.persistence_times / self.dimension)

    def speed(self, densities: ArrayLike) -> Array:
        """Speeds of all species in homogeneous mixtures.

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
        fields = self.homogeneous_fields(densities)
        return np.stack([law.speed(fields) for law in self._motility.values()])

    def log_derivatives(self, densities: ArrayLike) -> Array:
        """a_mn = d log v_m / d (sensed density of n, or concentration), shape (species, species + chemical, ...)."""
        fields = self.homogeneous_fields(densities)
        names = (*self.names, *self.chemical_names)
        return np.stack(
            [np.stack([law.evaluate(law.log_derivative(name), fields) for name in names]) for law in self._motility.values()]
        )

    def with_parameters(self, values: Mapping[str, float]) -> "Model":
        """The same model with other values of some parameters; laws are neither read nor differentiated again.

        Raises
        ------
        InputError
            There is no such parameter, or a value is not finite.
        """
        for name, value in values.items():
            if name not in self._parameters:
                known = ", ".join(self._parameters) or "none"
                raise InputError(f"there is no parameter '{name}'; known: {known}")
            if not np.isfinite(value):
                raise InputError(f"the parameter {name} is {value}; it must be finite")
        other = copy.copy(self)
        other._parameters = MappingProxyType({**self._parameters, **{name: float(value) for name, value in values.items()}})
        other._motility = MappingProxyType({name: law.with_parameters(values) for name, law in self._motility.items()})
        other._interactions = MappingProxyType(
            {pair: InteractionLaw(law.interaction, other._parameters) for pair, law in self._interactions.items()}
        )
        return other

    def __iter__(self) -> Iterator[Species]:
        return iter(self._species)

    def __repr__(self) -> str:
        return f"Model({self._dimension}D, {', '.join(self.names)}, {self._sensing.kernel} kernel)"

    def __str__(self) -> str:
        from theory.description import describe

        return describe(self)
