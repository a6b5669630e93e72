"""End the process if it does not stop in time, because nothing else can end a hanging call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from reconciler.core.errors import EXIT_FAILED
from reconciler.edge import logs

_LOG_TIMEOUT = 1.0
"""Seconds that the last log line may take, because the log itself may hang."""


class ShutdownTimer:
    """A timer that ends the process with `exit_code`, `seconds` after `stop` is set, unless the timer is closed before.

    The timer waits in its own thread, because every other thread may hang. The log names the targets that still run.
    """

    def __init__(self, stop: threading.Event, seconds: float) -> None:
        self.exit_code = EXIT_FAILED
        self.list_active_targets: Callable[[], list[str]] = list
        self._stop, self._seconds, self._close_event = stop, seconds, threading.Event()
        threading.Thread(target=self._wait, name="shutdown timer", daemon=True).start()

    def close(self) -> None:
        """Cancel the timer."""
        self._close_event.set()

    def _wait(self) -> None:
        self._stop.wait()
        if self._close_event.wait(self._seconds):
            return
        end_process(
            self.exit_code,
            lambda: logs.get_logger().error(logs.events.SHUTDOWN_TIMED_OUT, targets=self.list_active_targets()),
        )


def end_process(exit_code: int, write_last_log: Callable[[], object], timeout: float = _LOG_TIMEOUT) -> None:
    """Write a last log line within `timeout` seconds, and end the process."""
    try:
        thread = threading.Thread(target=write_last_log, daemon=True)
        thread.start()
        thread.join(timeout)
    finally:  # even if the thread cannot be started
        os._exit(exit_code)


def exit_after(seconds: float, exit_code: int) -> None:
    """End the process after some seconds, if it has not ended before."""
    timer = threading.Timer(seconds, os._exit, args=(exit_code,))
    timer.daemon = True
    timer.start()
