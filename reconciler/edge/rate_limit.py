"""Limit the rate of calls: AppIntegrations publishes no limit, and the account and Region share it.

This is own code because the maintained libraries either read the clock themselves, which a simulation cannot
replace, or need more memory to import than the rest of the program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.core.ports import Timer


class RateLimiter:
    """A token bucket: `burst` calls at once, then `rate` calls per second. Safe to share between threads.

    `on_wait` receives the seconds that a call is about to wait.
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
        """Wait until the next call may go out."""
        with self._lock:
            now = self._timer.monotonic()
            due = max(self._next, now)
            self._next = due + self._interval
        if (wait := due - self._tolerance - now) > 0:
            self._on_wait(wait)
            self._timer.sleep(wait)
