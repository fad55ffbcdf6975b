"""How loops are compiled, in one place.

Loops are compiled by numba without the zero-division branch of Python (which stops vectorisation). The compiler may not
change any floating-point operation: results depend neither on the number of threads nor on whether a loop was compiled in this
process or loaded from the cache. With leave to fuse products and sums they did: the loops of threads are optimised once more
for the cache than for the process that compiles them. Products and sums that are worth fusing are written as such
(:func:`theory._loops.multiply_add`). Compiled code is cached on disk where that is possible; where no cache can be written it
is compiled anew in each process.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

# Idle threads of a parallel loop sleep instead of spinning: on a machine that does other work too, spinning made a step of
# small loops up to twelve times slower. The GNU runtime may spin for some ten microseconds first, the time between the
# loops of one step: threads that sleep between them made a step of 2500 particles slower with two threads than with one.
# OpenMP reads both once, when it is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def _compile(function: Function, *, parallel: bool, inline: bool) -> Function:
    options: dict[str, Any] = {
        "error_model": "numpy",
        "nogil": True,
        "parallel": parallel,
        "forceinline": inline,
    }
    try:
        compiled = numba.njit(function, cache=True, **options)
    except RuntimeError as error:  # numba's only way to say that no cache directory can be written
        if "no locator available" not in str(error):
            raise
        compiled = numba.njit(function, **options)
    return compiled  # type: ignore[no-any-return]


def loop(function: Function) -> Function:
    """Compile a serial loop."""
    return _compile(function, parallel=False, inline=False)


def inlined(function: Function) -> Function:
    """Compile a small function that becomes part of each loop that calls it, so that the loop can be vectorised."""
    return _compile(function, parallel=False, inline=True)


def parallel_loop(function: Function) -> Function:
    """Compile a loop whose ``numba.prange`` runs on all of numba's threads."""
    return _compile(function, parallel=True, inline=False)


def set_threads(threads: int) -> None:
    """Set the number of threads of all parallel loops (1 to the number of cores that numba sees)."""
    numba.set_num_threads(max(1, min(threads, int(numba.config.NUMBA_NUM_THREADS))))
