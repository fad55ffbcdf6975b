"""Real Fourier transforms on periodic grids, shared by both engines.

Every transform runs on one thread; independent transforms run side by side on a few worker threads. The result is therefore
the same, bit for bit, for any number of threads, and no thread spins while it waits. Plans made by measuring differ
bitwise between plannings: the wisdom of a plan is part of an engine's state.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyfftw
from numpy.typing import NDArray

from theory.arrays import Array, ComplexArray
from theory.errors import InputError

PLANNER = "FFTW_MEASURE"
# between the two precisions; FFTW writes wisdom as printable text
_SEPARATOR = b"\x1e"
# below this many grid points handing a transform to another thread costs more than it saves
_SMALL = 256 * 256


@dataclass(frozen=True)
class Grid:
    """A periodic rectangular grid.

    Parameters
    ----------
    size
        Edge lengths (x, y, ...) (length).
    shape
        Numbers of cells in array order, that is (..., y, x).

    Raises
    ------
    InputError
        A size is not positive, or a number of cells is odd or below 8.
    """

    size: tuple[float, ...]
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.size) != len(self.shape):
            raise InputError(f"the grid has {len(self.shape)} axes and the box {len(self.size)}")
        if any(not (np.isfinite(edge) and edge > 0.0) for edge in self.size):
            raise InputError(f"the box edges {self.size} must be positive and finite")
        if any(cells < 8 or cells % 2 for cells in self.shape):
            raise InputError(f"the numbers of grid cells {self.shape[::-1]} must be even and at least 8")

    @classmethod
    def holding(cls, size: Sequence[float], wavenumber: float) -> "Grid":
        """A grid that holds all modes of a box (x, y, ...) up to a wavenumber (1/length), and little more."""
        return cls(tuple(size), tuple(2 * max(4, int(np.ceil(edge * wavenumber / np.pi / 2.0)) + 2) for edge in size[::-1]))

    @property
    def dimension(self) -> int:
        """Dimension of space."""
        return len(self.size)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Cell edges (x, y, ...) (length)."""
        return tuple(edge / cells for edge, cells in zip(self.size, self.shape[::-1], strict=True))

    @property
    def cell_volume(self) -> float:
        """Volume of a cell (length^d)."""
        return float(np.prod(self.spacing))

    @property
    def volume(self) -> float:
        """Volume of the box (length^d)."""
        return float(np.prod(self.size))

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(np.prod(self.shape))

    @property
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape of a real transform: the last axis (x) keeps non-negative wavenumbers only."""
        return (*self.shape[:-1], self.shape[-1] // 2 + 1)

    def coordinates(self, axis: str) -> Array:
        """Cell centres along "x", "y" or "z" (length)."""
        n = "xyz".index(axis)
        cells = self.shape[::-1][n]
        return np.asarray((np.arange(cells) + 0.5) * self.size[n] / cells)

    @cached_property
    def wavenumbers(self) -> tuple[Array, ...]:
        """(kx, ky, ...) (1/length), each one-dimensional, kx with the non-negative half only."""
        full: list[Array] = [
            np.asarray(2.0 * np.pi * np.fft.fftfreq(n, d)) for n, d in zip(self.shape[::-1], self.spacing, strict=True)
        ]
        return (np.asarray(2.0 * np.pi * np.fft.rfftfreq(self.shape[-1], self.spacing[0])), *full[1:])

    @cached_property
    def wavevector(self) -> tuple[Array, ...]:
        """(kx, ky, ...) (1/length), each broadcasting over the modes."""
        return tuple(np.meshgrid(*self.wavenumbers[::-1], indexing="ij", sparse=True)[::-1])

    @cached_property
    def derivative(self) -> tuple[Array, ...]:
        """The wave vector, zero where a real field has no derivative: at the Nyquist wavenumber of each axis."""
        inside = (np.abs(k) < np.pi / spacing * (1.0 - 1e-12) for k, spacing in zip(self.wavevector, self.spacing, strict=True))
        return tuple(np.where(one, k, 0.0) for one, k in zip(inside, self.wavevector, strict=True))

    @cached_property
    def squared_wavenumber(self) -> Array:
        """|k|^2, shape ``spectral_shape``."""
        return np.asarray(sum(k**2 for k in self.wavevector[::-1]), dtype=np.float64)

    @cached_property
    def wavenumber(self) -> Array:
        """|k|, shape ``spectral_shape``."""
        return np.asarray(np.sqrt(self.squared_wavenumber))

    @cached_property
    def multiplicity(self) -> Array:
        """How many modes of the full spectrum each stored mode stands for: 2 where its conjugate is not stored."""
        last = np.full(self.spectral_shape[-1], 2.0)
        last[0] = last[-1] = 1.0
        return np.broadcast_to(last, self.spectral_shape).copy()

    def retained(self, share: float = 2.0 / 3.0) -> NDArray[np.bool_]:
        """Modes below ``share`` of the Nyquist wavenumber along every axis: 2/3 removes the aliases of a product."""
        mask = np.ones(self.spectral_shape, dtype=np.bool_)
        for k, spacing in zip(self.wavevector, self.spacing, strict=True):
            # strictly below: the Nyquist mode itself has no derivative
            mask &= np.abs(k) < share * np.pi / spacing * (1.0 - 1e-12)
        return mask


def aligned(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """An aligned array of zeros."""
    return np.asarray(pyfftw.zeros_aligned(shape, dtype=dtype))


def complex_array(*shape: int) -> ComplexArray:
    """An aligned complex array of zeros in double precision."""
    return aligned(shape, "complex128")


def plan_along(source: Any, target: Any, axes: tuple[int, ...], *, inverse: bool) -> Any:
    """A plan, for one thread, of the transform along some axes from one array to another, or within one if they are the same.

    An inverse to real numbers destroys its input. Planning overwrites both arrays.
    """
    direction = "FFTW_BACKWARD" if inverse else "FFTW_FORWARD"
    flags = (PLANNER, "FFTW_DESTROY_INPUT") if inverse and np.isrealobj(target) else (PLANNER,)
    return pyfftw.FFTW(source, target, axes=axes, direction=direction, flags=flags, threads=1)


def _plan(source: Any, target: Any) -> Any:
    return plan_along(source, target, tuple(range(source.ndim)), inverse=not np.isrealobj(source))


class Transforms:
    """Planned transforms between fixed arrays.

    Parameters
    ----------
    threads
        Worker threads.
    wisdom
        FFTW's memory of an earlier planning: with it the same plans are made again, bit for bit.

    Notes
    -----
    Transforms are not normalised: forward then inverse multiplies by the number of cells. The inverse destroys its input.
    Planning overwrites the arrays.
    """

    def __init__(self, threads: int = 1, wisdom: bytes | None = None) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fourier") if threads > 1 else None
        if wisdom is not None:
            remember(wisdom)

    def plan(self, sources: Any, targets: Any) -> list[Any]:
        """Plans for the transforms of ``sources[n]`` to ``targets[n]``; real to complex is forward, complex to real inverse."""
        return [_plan(source, target) for source, target in zip(sources, targets, strict=True)]

    def run(self, plans: Sequence[Any]) -> None:
        """Execute independent plans, side by side on the worker threads."""
        if self._pool is None or len(plans) == 1 or plans[0].input_array.size < _SMALL:
            for plan in plans:
                plan.execute()
        else:
            for done in [self._pool.submit(plan.execute) for plan in plans]:
                done.result()

    def close(self) -> None:
        """Stop the worker threads."""
        if self._pool is not None:
            self._pool.shutdown()


def wisdom() -> bytes:
    """What FFTW has learnt in this process, about transforms in double and in single precision."""
    double, single, _ = pyfftw.export_wisdom()
    return bytes(double) + _SEPARATOR + bytes(single)


def learn(known: bytes) -> bool:
    """Give FFTW the wisdom of an earlier planning; False if it cannot read it."""
    double, separator, single = known.partition(_SEPARATOR)
    if not separator:
        return False
    read = pyfftw.import_wisdom((double, single, b""))
    return bool(read[0] and read[1])


def forget() -> None:
    """Drop what FFTW has learnt in this process; plans that were made stay as they are."""
    pyfftw.forget_wisdom()


def remember(known: bytes) -> None:
    """Plan from now on as in an earlier run: forget what was learnt since, and learn what that run knew.

    Raises
    ------
    InputError
        This FFTW cannot read it.
    """
    forget()
    if not learn(known):
        raise InputError("the stored FFTW wisdom cannot be read by this FFTW; its results cannot be repeated bit for bit")
