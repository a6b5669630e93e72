"""Compute the delay before the next run: the interval after a success, a growing delay after failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_FIRST_DELAY = timedelta(seconds=30)
_MAX_DELAY = timedelta(hours=1)
_JITTER_RATIO = 0.1


@dataclass(frozen=True, slots=True)
class Backoff:
    """Back-off of a target: its run interval, and the period within which events start at most two runs."""

    interval: timedelta
    min_event_interval: timedelta = timedelta(seconds=30)

    def compute_delay(self, failures: int, jitter: float) -> timedelta:
        """Return the delay to the next run after this number of consecutive failures.

        Without failures the delay is the interval, measured from the start of a run. After the first failure it is
        30 seconds, or the interval if that is shorter. Each further failure doubles it, up to an hour, or up to the
        interval if that is longer. `jitter` is a random number from 0 to 1, which changes the delay by up to 10% in
        either direction. It keeps several controllers from calling AWS at the same time.
        """
        delay = self.interval
        if failures:
            max_delay = max(_MAX_DELAY, self.interval)
            delay = min(min(_FIRST_DELAY, self.interval) * 2 ** min(failures - 1, 20), max_delay)
        return delay * (1 + _JITTER_RATIO * (2 * jitter - 1))
