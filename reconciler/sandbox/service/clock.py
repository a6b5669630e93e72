"""A manual clock for tests against the sandbox: only the test advances time."""

import threading


class ManualClock:
    """A thread-safe clock that only `advance` changes."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        """Start at `now`, in seconds since the epoch."""
        self._now = now
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the time in seconds since the epoch."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        """Advance the time."""
        with self._lock:
            self._now += seconds
