"""Axes of maps and diagrams: a number of a run file, and the range over which it is varied."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.errors import InputError

Share = TypeVar("Share", float, NDArray[np.float64])


@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    key
        Of the run file, dotted, for example ``model.parameters.v0``.
    low, high
        The range.

    Raises
    ------
    InputError
        There is no key, or the range is empty or not finite.
    """

    key: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.key:
            raise InputError("an axis needs a key of the run file")
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise InputError(
                f"the range of {self.key} is {self.low:g}:{self.high:g}; its ends must be finite, the lower one first"
            )

    @classmethod
    def of(cls, text: str, what: str) -> "Axis":
        """From ``KEY=LOW:HIGH``; errors say what the text is.

        Raises
        ------
        InputError
            The text is not of this form, or the ends are not finite and rising.
        """
        key, _, ends = text.partition("=")
        low, _, high = ends.partition(":")
        try:
            first, last = float(low), float(high)
        except ValueError:
            raise InputError(f"{what} is '{text}'; write a key and rising ends, as model.parameters.k=0.2:1.5") from None
        return cls(key.strip(), first, last)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition(".")[2]

    def value(self, share: Share) -> Share:
        """The value at a share of the range, from 0 to 1."""
        return self.low + share * (self.high - self.low)
