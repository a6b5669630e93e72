"""When a target is run again: at its interval while it goes well, and further and further apart while it fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_FIRST = timedelta(seconds=30)
_LONGEST = timedelta(hours=1)
_SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a target is run: at its interval, and twice within `quiet` at most because somebody asks."""

    interval: timedelta
    quiet: timedelta = timedelta(seconds=30)

    def pause(self, failures: int, share: float) -> timedelta:
        """Return how long from the beginning of one run to the next, after so many failures in a row.

        The first pause after a failure is half a minute; each is twice the one before, up to an hour, or to the
        interval where that is longer. `share`, from 0 to 1, is chosen at random: it puts the pause a tenth of it
        around its mean, so that many controllers do not call in step.
        """
        pause = self.interval
        if failures:
            longest = max(_LONGEST, self.interval)
            pause = min(min(_FIRST, self.interval) * 2 ** min(failures - 1, 20), longest)
        return pause * (1 + _SPREAD * (2 * share - 1))
