"""When a process ends at the latest: nothing else ends a call that hangs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from reconciler.cli import EXIT_FAILED
from reconciler.edge import logs

_TELLING = 1.0
"""Seconds that telling of it may take: the log may be what hangs."""


class Deadline:
    """Ends the process with `code` where it goes on for `seconds` after `asked` was set, unless this was closed.

    It watches in a thread of its own, as the others may all hang. What is `under_way` then is told.
    """

    def __init__(self, asked: threading.Event, seconds: float) -> None:
        self.code = EXIT_FAILED
        self.under_way: Callable[[], list[str]] = list
        self._asked, self._seconds, self._closed = asked, seconds, threading.Event()
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def close(self) -> None:
        """Let the process go on."""
        self._closed.set()

    def _watch(self) -> None:
        self._asked.wait()
        if self._closed.wait(self._seconds):
            return
        try:
            telling = threading.Thread(target=self._tell, daemon=True)
            telling.start()
            telling.join(_TELLING)
        finally:  # whatever is wrong with telling
            os._exit(self.code)

    def _tell(self) -> None:
        logs.logger().error(logs.STOP_CUT_OFF, targets=self.under_way())
