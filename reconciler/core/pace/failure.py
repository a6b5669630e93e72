"""The kinds of failed calls, as far as they matter for the pace of an account and Region."""

from __future__ import annotations

from dataclasses import dataclass

MAX_RETRY_AFTER = 300.0
"""Maximum pause that AWS can ask for, in seconds. A longer one is cut, because the observation would be too old."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure after which the same call may succeed.

    `retry_after` is the time until the next call that AWS asked for, in seconds, and None if it asked for none.
    """

    is_throttled: bool
    retry_after: float | None = None

    @property
    def pause(self) -> float:
        """The seconds for which no call is sent."""
        return min(max(self.retry_after or 0.0, 0.0), MAX_RETRY_AFTER)
