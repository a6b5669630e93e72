"""Handle signals that stop the process: the first lets the current call finish, and its repetition ends the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType


class StopSignal:
    """A request to stop, and the signal that made it."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal = 0
        # The main thread must not wait on an Event: the handler may interrupt the code that holds its lock.
        self._queue: SimpleQueue[int] = SimpleQueue()

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Record a signal as a request to stop. The same signal then ends the process at once if it arrives again."""
        self.signal = number
        self.event.set()
        signal.signal(number, signal.SIG_DFL)
        self._queue.put(number)

    def record(self, number: int, _: FrameType | None) -> None:
        """Record a signal that does not request a stop."""
        self._queue.put(number)

    def wait_for_signal(self, seconds: float) -> int | None:
        """Return the next signal, or None after some seconds without a signal. Only the main thread may call this."""
        try:
            return self._queue.get(timeout=seconds)
        except Empty:
            return None


@contextmanager
def stop_on_signals(*, should_stop_on_hangup: bool = True) -> Iterator[StopSignal]:
    """Treat SIGINT and SIGTERM as requests to stop while the block runs, so that the current call can finish.

    SIGHUP is such a request as well if `should_stop_on_hangup`; otherwise it is only recorded.
    """
    stop = StopSignal()
    handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if not should_stop_on_hangup:
        handlers[signal.SIGHUP] = stop.record
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        handlers[signal.SIGHUP] = stop
    previous_handlers = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
