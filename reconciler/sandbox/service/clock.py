"""A clock for whoever tests against the sandbox: time passes when the test says so."""

import threading


class ManualClock:
    """Stands still until it is moved; threads may share it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        """Begin at this time, in seconds since the epoch."""
        self._now = now
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Give the time."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._now += seconds
