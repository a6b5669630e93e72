"""When a target is run again: at its interval while it goes well, and further and further apart while it fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_FIRST_DELAY = timedelta(seconds=30)
_MAX_DELAY = timedelta(hours=1)
_JITTER_RATIO = 0.1


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often a target is run: at its interval, and twice within `quiet` at most because somebody asks."""

    interval: timedelta
    min_event_interval: timedelta = timedelta(seconds=30)

    def compute_delay(self, failures: int, jitter: float) -> timedelta:
        """Return how long from the beginning of one run to the next, after so many failures in a row.

        The first pause after a failure is half a minute; each is twice the one before, up to an hour, or to the
        interval where that is longer. `share`, from 0 to 1, is chosen at random: it puts the pause a tenth of it
        around its mean, so that many controllers do not call in step.
        """
        delay = self.interval
        if failures:
            max_delay = max(_MAX_DELAY, self.interval)
            delay = min(min(_FIRST_DELAY, self.interval) * 2 ** min(failures - 1, 20), max_delay)
        return delay * (1 + _JITTER_RATIO * (2 * jitter - 1))
