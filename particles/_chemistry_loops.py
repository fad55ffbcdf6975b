"""Compiled loops over the Fourier modes of chemicals. Complex numbers lie in memory as real and imaginary part in turn."""

from typing import Any

import numba

from theory.compiling import loop, parallel_loop

_BLOCK = 2048


@loop
def _relax(decay: Any, gain: Any, production: Any, spectra: Any, old: Any, start: int, new: Any) -> None:
    for m in range(decay.size):
        for part in range(2):
            k = 2 * m + part
            made = 0.0
            for species in range(production.size):
                made += production[species] * spectra[species, 2 * start + k]
            new[k] = decay[m] * old[k] + gain[m] * made


@parallel_loop
def relax(decay: Any, gain: Any, production: Any, spectra: Any, old: Any, new: Any) -> None:
    """Concentrations some time later: decay*old + gain*(what all species make).

    ``decay`` and ``gain`` (chemical, mode); ``production`` (chemical, species); ``spectra`` (species, 2 mode); ``old`` and
    ``new`` (chemical, 2 mode), which may be the same.
    """
    chemicals, modes = decay.shape
    blocks = (modes + _BLOCK - 1) // _BLOCK
    for n in numba.prange(chemicals * blocks):
        p, start = n // blocks, n % blocks * _BLOCK
        stop = min(start + _BLOCK, modes)
        pair = slice(2 * start, 2 * stop)
        _relax(decay[p, start:stop], gain[p, start:stop], production[p], spectra, old[p, pair], start, new[p, pair])


@loop
def _scale(factor: Any, source: Any, target: Any) -> None:
    for m in range(factor.size):
        target[2 * m] = factor[m] * source[2 * m]
        target[2 * m + 1] = factor[m] * source[2 * m + 1]


@parallel_loop
def scale(factor: Any, source: Any, target: Any) -> None:
    """Modes times a real factor: ``factor`` (mode,), ``source`` and ``target`` (2 mode,)."""
    for n in numba.prange((factor.size + _BLOCK - 1) // _BLOCK):
        start, stop = n * _BLOCK, min((n + 1) * _BLOCK, factor.size)
        _scale(factor[start:stop], source[2 * start : 2 * stop], target[2 * start : 2 * stop])


@loop
def _turn(factor: Any, source: Any, target: Any) -> None:
    for m in range(factor.size):
        target[2 * m] = -factor[m] * source[2 * m + 1]
        target[2 * m + 1] = factor[m] * source[2 * m]


@parallel_loop
def differentiate(factor: Any, source: Any, target: Any) -> None:
    """Modes times i and a real factor, as a wavenumber: ``factor`` (mode,), ``source`` and ``target`` (2 mode,)."""
    for n in numba.prange((factor.size + _BLOCK - 1) // _BLOCK):
        start, stop = n * _BLOCK, min((n + 1) * _BLOCK, factor.size)
        _turn(factor[start:stop], source[2 * start : 2 * stop], target[2 * start : 2 * stop])
