"""Signals that end a run: at a completed step with a checkpoint, or at once."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger("twoscale")


class Interruption:
    """Counts the signals that ask for an end: the first lets the step finish, a second interrupt ends at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take in a signal; KeyboardInterrupt at the second interrupt."""
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True
        logger.warning(
            "%s: finishing the step and writing a checkpoint (a second interrupt ends at once)", signal.Signals(number).name
        )


@contextmanager
def listening() -> Iterator[Interruption]:
    """Signals in the main thread ask the interruption for an end; elsewhere it is never asked."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    before = {number: signal.signal(number, interruption) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
