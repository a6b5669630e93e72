"""When a process ends at the latest: nothing else ends a call that hangs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from reconciler.cli import EXIT_FAILED
from reconciler.edge import logs


class Deadline:
    """Ends the process with `code` where it takes too long, from when that is begun until it is closed."""

    def __init__(self) -> None:
        self.code = EXIT_FAILED
        self._timer: threading.Timer | None = None

    def begin(self, seconds: float, under_way: Callable[[], list[str]]) -> None:
        """Give the process so long; what is `under_way` at the end is told."""
        self._timer = threading.Timer(seconds, self._end, args=(under_way,))
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """Let the process go on."""
        if self._timer:
            self._timer.cancel()

    def _end(self, under_way: Callable[[], list[str]]) -> None:
        try:
            logs.logger().error(logs.STOP_CUT_OFF, targets=under_way())
        finally:  # whatever is wrong with telling
            os._exit(self.code)
