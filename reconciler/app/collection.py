"""Free the garbage of many runs together."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

_MIN_INTERVAL = 5.0
"""Seconds between two collections. Each looks through all objects, which become more with each target."""


class GarbageCollection:
    """Collection of the garbage that runs leave, at most once in five seconds.

    `monotonic` returns the elapsed time in seconds. The last runs before an idle time are collected only if
    `collect_if_due` is called now and then.
    """

    def __init__(self, monotonic: Callable[[], float], collect: Callable[[], object] = gc.collect) -> None:
        self._monotonic, self._collect = monotonic, collect
        self._lock = threading.Lock()
        self._next_collection = monotonic()
        self._has_garbage = False

    def record_run(self) -> None:
        """Record that a run has ended, and collect its garbage now or later."""
        self._has_garbage = True
        self.collect_if_due()

    def collect_if_due(self) -> None:
        """Collect the garbage of earlier runs, unless a collection has just begun."""
        with self._lock:
            now = self._monotonic()
            if not self._has_garbage or now < self._next_collection:
                return
            self._has_garbage, self._next_collection = False, now + _MIN_INTERVAL
        self._collect()
