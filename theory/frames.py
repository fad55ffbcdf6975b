"""Value types that travel between the engines and the store.

A frame is what an engine shows of itself at one time: named arrays with dimensions and units. A state is everything that
a bit-exact continuation needs. Engines produce them, the store writes them, and neither knows the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Variable:
    """A named array's content.

    Parameters
    ----------
    data
        The values; a 0-d array is one entry of a time series.
    dimensions
        One name per axis of ``data``.
    units
        Units in the run's own length and time, for example ``"1/length^2"``.
    long_name
        What the values are, in words.
    attributes
        Further facts that analysis needs (for example the assignment scheme of a deposited density).
    """

    data: Array
    dimensions: tuple[str, ...]
    units: str
    long_name: str
    attributes: Mapping[str, str | float | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if np.ndim(self.data) != len(self.dimensions):
            raise ValueError(
                f"{self.long_name}: {np.ndim(self.data)} axes but {len(self.dimensions)} dimension names {self.dimensions}"
            )


def number(value: Any, units: str, long_name: str) -> Variable:
    """One entry of a time series."""
    return Variable(np.asarray(value, dtype=np.float64), (), units, long_name)


@dataclass(frozen=True)
class Frame:
    """What an engine shows at one time.

    Parameters
    ----------
    time, step
        Physical time and number of steps taken.
    variables
        The arrays, by name.
    coordinates
        One-dimensional variables whose name equals their dimension, the same in every frame of a run.
    """

    time: float
    step: int
    variables: Mapping[str, Variable]
    coordinates: Mapping[str, Variable]


@dataclass(frozen=True)
class State:
    """Everything that a bit-exact continuation needs.

    Parameters
    ----------
    arrays
        Numeric arrays, by name.
    numbers
        Values that JSON can hold: step counters, accumulated counts, settings to be checked on restore.
    """

    arrays: Mapping[str, Array]
    numbers: Mapping[str, Json]
