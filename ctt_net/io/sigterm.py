"""SIGTERM, as schedulers send it: the program ends as after Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Terminated(KeyboardInterrupt):
    """SIGTERM was received."""


@contextmanager
def sigterm_interrupts() -> Iterator[list[int]]:
    """Inside, SIGTERM raises `Terminated`, in the main thread and unless somebody else has it.

    Gives a list that the signal is added to, since what it breaks off may raise something else.
    """
    received: list[int] = []

    def stop(number: int, _: Any) -> None:
        received.append(number)
        raise Terminated

    default = signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, None)  # None: set by a library
    if not default or threading.current_thread() is not threading.main_thread():
        yield received
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
