"""Sums of products as tables that compiled loops work through; what is summed :mod:`fieldsolver.equations` says."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Array, Integers

# factors of point-wise products that are not rows of the work array
ONE = -1


def kept(index: int) -> int:
    """The code of an array of the whole grid as a factor of a point-wise product."""
    return -2 - index


@dataclass(frozen=True)
class ModeTerm:
    """A term of a combination of modes: coefficient x (i k_axis) x filter x source.

    Parameters
    ----------
    target, source
        Numbers of arrays.
    coefficient
        Factor.
    axis
        0 for a derivative along x, 1 for y, 2 for z, -1 for none.
    filter
        Number of a factor that depends on the mode; -1 for the last, which is one.
    """

    target: int
    source: int
    coefficient: float
    axis: int = -1
    filter: int = -1


@dataclass(frozen=True)
class ModeTable:
    """Terms sorted by target, as :mod:`fieldsolver._pass_loops` reads them.

    Parameters
    ----------
    starts
        First line of each target, and the end of the last, shape (target + 1,).
    lines
        (source, axis, filter), shape (term, 3).
    coefficients
        Shape (term,).
    """

    starts: Integers
    lines: Integers
    coefficients: Array

    @classmethod
    def of(cls, targets: int, terms: Iterable[ModeTerm]) -> "ModeTable":
        """The table of all terms that are not zero."""
        found = sorted((term for term in terms if term.coefficient != 0.0), key=lambda term: term.target)
        starts = np.searchsorted([term.target for term in found], np.arange(targets + 1))
        lines = np.array([(term.source, term.axis, term.filter) for term in found], dtype=np.int64).reshape(-1, 3)
        return cls(starts.astype(np.int64), lines, np.array([term.coefficient for term in found], dtype=np.float64))

    @property
    def empty(self) -> bool:
        """Whether there is no term at all."""
        return self.coefficients.size == 0


@dataclass(frozen=True)
class PointTerm:
    """A point-wise product: row ``out`` (+)= coefficient x y; see :func:`fieldsolver._point_loops.combine`.

    Parameters
    ----------
    out
        A row of the work array.
    x, y
        Rows of the work array; :data:`ONE`; or arrays of the whole grid, by way of :func:`kept`.
    coefficient
        Factor.
    add
        Whether to add to what is there, rather than to replace it.
    """

    out: int
    x: int
    y: int
    coefficient: float
    add: bool = True


@dataclass(frozen=True)
class PointTable:
    """Products in the order in which they are worked out.

    Parameters
    ----------
    lines
        (out, x, y, add), shape (term, 4).
    coefficients
        Shape (term,), of the type of the fields.
    """

    lines: Integers
    coefficients: NDArray[np.floating]

    @classmethod
    def of(cls, terms: Iterable[PointTerm], precision: str) -> "PointTable":
        """The table of all terms but those that would add zero."""
        found = [term for term in terms if term.coefficient != 0.0 or not term.add]
        lines = np.array([(term.out, term.x, term.y, term.add) for term in found], dtype=np.int64).reshape(-1, 4)
        return cls(lines, np.array([term.coefficient for term in found], dtype=precision))
