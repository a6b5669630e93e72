"""Limit how many threads do something at the same time, and let a stop end the wait of the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.core.errors import STOPPED, StopRequested

_STOP_CHECK = 0.2
"""Seconds between two looks for a stop."""


class Slots:
    """Slots for a limited number of threads."""

    def __init__(self, count: int, is_stopped: Callable[[], bool]) -> None:
        self._semaphore = threading.BoundedSemaphore(count)
        self._is_stopped = is_stopped

    @contextmanager
    def occupy(self) -> Iterator[None]:
        """Wait for a free slot, and occupy it during the block. Raises StopRequested instead after a stop."""
        while not self._semaphore.acquire(timeout=_STOP_CHECK):
            self._check_stop()
        try:
            self._check_stop()
            yield
        finally:
            self._semaphore.release()

    def _check_stop(self) -> None:
        if self._is_stopped():
            raise StopRequested(STOPPED)
