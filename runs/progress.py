"""Progress of a run: a bar on a terminal, a line every few seconds elsewhere."""

import logging
import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

logger = logging.getLogger("twoscale")

_SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Progress of one scale of a run; a context manager.

    Parameters
    ----------
    label
        Name of the scale.
    start, stop
        Physical times between which the run goes (time).
    quiet
        Say nothing.
    """

    def __init__(self, label: str, start: float, stop: float, *, quiet: bool = False) -> None:
        self._label, self._start, self._stop = label, start, stop
        self._time, self._step = start, 0
        self._first_step: int | None = None
        self._clock = self._told = time.monotonic()
        self._quiet = quiet
        self._bar = None
        if not quiet and sys.stderr.isatty() and start < stop:
            form = "{desc} {percentage:3.0f}%|{bar}| t = {n:.4g}/{total:.4g} [{elapsed}<{remaining}{postfix}]"
            self._bar = tqdm(total=stop, initial=start, desc=f"{label:9}", bar_format=form, dynamic_ncols=True)

    def update(self, reached: float, step: int) -> None:
        """Tell the physical time and the number of steps reached."""
        if self._first_step is None:
            self._first_step = step
        gained, self._time, self._step = reached - self._time, reached, step
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._rate():.3g} steps/s", refresh=False)
            self._bar.update(gained)
        elif not self._quiet and time.monotonic() - self._told > _SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            logger.info("%s", self._line())

    def _rate(self) -> float:
        return (self._step - (self._first_step or 0)) / max(time.monotonic() - self._clock, 1e-9)

    def _line(self) -> str:
        if self._start >= self._stop:
            return f"{self._label}: t = {self._time:.4g} of {self._stop:.4g} (100 %), nothing left to run"
        done = (self._time - self._start) / max(self._stop - self._start, 1e-300)
        elapsed = time.monotonic() - self._clock
        left = f"{elapsed * (1.0 / done - 1.0):.0f} s left" if done > 0.0 else "time left unknown"
        reached = f"t = {self._time:.4g} of {self._stop:.4g} ({100 * done:.0f} %)"
        return f"{self._label}: {reached}, {self._rate():.3g} steps/s, {left}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
        elif not self._quiet:
            logger.info("%s", self._line())
