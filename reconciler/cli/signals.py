"""Signals: the first that ends a process lets the call under way finish, a second ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType


class Stop:
    """Whether a signal asked for a stop, and which."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.signal = 0
        # Not an Event that the main thread waits for: its lock may be held by what the handler interrupts.
        self._heard: SimpleQueue[int] = SimpleQueue()

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Note the signal; a second one ends the process at once, as it would without this."""
        self.signal = number
        self.asked.set()
        signal.signal(number, signal.SIG_DFL)
        self._heard.put(number)

    def hear(self, number: int, _: FrameType | None) -> None:
        """Note a signal that ends nothing."""
        self._heard.put(number)

    def heard(self, seconds: float) -> int | None:
        """Return the next signal, or None where there was none for so long. For the main thread."""
        try:
            return self._heard.get(timeout=seconds)
        except Empty:
            return None


@contextmanager
def stop_on_signals(*, hangup_ends: bool = True) -> Iterator[Stop]:
    """Let what is under way finish before SIGINT, SIGTERM or SIGHUP end the process; SIGHUP may mean something else."""
    stop = Stop()
    handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if not hangup_ends:
        handlers[signal.SIGHUP] = stop.hear
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        handlers[signal.SIGHUP] = stop
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
