"""Signals that stop the process: the first lets the call under way finish, a second ends the process at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType


class StopSignal:
    """Whether a signal requested a stop, and which one."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal = 0
        # Not an Event that the main thread waits for: its lock may be held by what the handler interrupts.
        self._queue: SimpleQueue[int] = SimpleQueue()

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Note the signal; a second one ends the process at once, as it would without this."""
        self.signal = number
        self.event.set()
        signal.signal(number, signal.SIG_DFL)
        self._queue.put(number)

    def record(self, number: int, _: FrameType | None) -> None:
        """Note a signal that stops nothing."""
        self._queue.put(number)

    def wait_for_signal(self, seconds: float) -> int | None:
        """Return the next signal; None if there is none for so many seconds. For the main thread."""
        try:
            return self._queue.get(timeout=seconds)
        except Empty:
            return None


@contextmanager
def stop_on_signals(*, should_stop_on_hangup: bool = True) -> Iterator[StopSignal]:
    """Let the call under way finish before SIGINT, SIGTERM, and SIGHUP if `should_stop_on_hangup`, end the process."""
    stop = StopSignal()
    handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if not should_stop_on_hangup:
        handlers[signal.SIGHUP] = stop.record
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        handlers[signal.SIGHUP] = stop
    previous_handlers = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
