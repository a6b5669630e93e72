"""Limit the rate of calls. AppIntegrations has an unpublished limit that all callers in an account and Region share.

No library is used, because a simulation must replace the clock. The maintained libraries either read the clock
themselves or need more memory to import than the rest of the program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.core.ports import Timer


class RateLimiter:
    """A token bucket that allows `burst` calls at once, then `rate` calls per second. Threads may share it.

    Before a call waits, `on_wait` is called with the seconds of the wait.
    """

    def __init__(
        self, rate: float, burst: int, timer: Timer, on_wait: Callable[[float], None] = lambda _: None
    ) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) * self._interval
        self._timer, self._on_wait = timer, on_wait
        self._next = timer.monotonic()
        self._lock = threading.Lock()

    def __call__(self) -> None:
        """Wait until the next call is allowed. Raises StopRequested if a shutdown is requested during the wait."""
        with self._lock:
            now = self._timer.monotonic()
            due = max(self._next, now)
            self._next = due + self._interval
        if (wait := due - self._tolerance - now) > 0:
            self._on_wait(wait)
            self._timer.sleep(wait)
