"""End the process if it does not stop in time: nothing else ends a call that hangs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from reconciler.core.errors import EXIT_FAILED
from reconciler.edge import logs

_LOG_TIMEOUT = 1.0
"""Seconds that the last log line may take: the log may be what hangs."""


class ShutdownTimer:
    """Ends the process with `exit_code` if it still runs `seconds` after `stop` was set, unless it is closed before.

    It waits in a thread of its own, since every other thread may hang. The log names the targets that still run.
    """

    def __init__(self, stop: threading.Event, seconds: float) -> None:
        self.exit_code = EXIT_FAILED
        self.list_active_targets: Callable[[], list[str]] = list
        self._stop, self._seconds, self._close_event = stop, seconds, threading.Event()
        threading.Thread(target=self._wait, name="shutdown timer", daemon=True).start()

    def close(self) -> None:
        """Let the process go on."""
        self._close_event.set()

    def _wait(self) -> None:
        self._stop.wait()
        if self._close_event.wait(self._seconds):
            return
        end_process(
            self.exit_code, lambda: logs.get_logger().error(logs.SHUTDOWN_TIMED_OUT, targets=self.list_active_targets())
        )


def end_process(exit_code: int, write_last_log: Callable[[], object], timeout: float = _LOG_TIMEOUT) -> None:
    """End the process at once, after at most `timeout` seconds for its last words."""
    try:
        thread = threading.Thread(target=write_last_log, daemon=True)
        thread.start()
        thread.join(timeout)
    finally:  # whatever is wrong with the thread
        os._exit(exit_code)


def exit_after(seconds: float, exit_code: int) -> None:
    """End the process after some seconds if it does not end by itself before."""
    timer = threading.Timer(seconds, os._exit, args=(exit_code,))
    timer.daemon = True
    timer.start()
