"""Limit the calls of one account and Region with a token bucket that slows down while AWS throttles.

AppIntegrations has an unpublished limit that all callers in an account and Region share.
"""

from __future__ import annotations

_MIN_PART = 1 / 16
"""The lowest rate, as a part of the rate that the Target permits."""
_RECOVERY = 1 / 20
"""The part of the permitted rate by which each success raises a lowered rate."""
_MARGIN, _MAX_MARGIN = 1 / 5, 0.1
"""Reserve for calls that reach AWS at a different speed: a part of the interval, and its maximum in seconds."""


class Bucket:
    """A token bucket: up to `burst` calls at once, then `rate` calls per second. Times are monotonic seconds.

    After a throttled call, the rate is halved and no burst is allowed. Each success raises the rate again, never above
    the given one. The bucket is not safe for threads.
    """

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate, self._burst = rate, burst
        self.rate = rate
        self._next = self._paused_until = self._slowed_at = now - 1 / rate

    def configure(self, rate: float, burst: int) -> None:
        """Change the limit, because git changed the Target. A lower rate applies at once."""
        if (rate, burst) != (self._rate, self._burst):
            is_slow = self.is_slow
            self._rate, self._burst = rate, burst
            self.rate = min(self.rate, rate) if is_slow else rate

    @property
    def is_slow(self) -> bool:
        """True if the rate is below the given one, because AWS throttled calls."""
        return self.rate < self._rate

    @property
    def free_at(self) -> float:
        """The earliest time of the next call."""
        interval = 1 / self.rate
        margin = min(interval * _MARGIN, _MAX_MARGIN)
        tolerance = 0.0 if self.is_slow else max(0.0, (self._burst - 1) * interval - margin)
        return max(self._paused_until, self._next - tolerance)

    def take(self, now: float) -> None:
        """Use the token of a call that is sent now."""
        self._next = max(self._next, now) + 1 / self.rate

    def pause(self, until: float) -> None:
        """Allow no call before a time."""
        self._paused_until = max(self._paused_until, until)

    def is_paused(self, now: float) -> bool:
        """Tell whether a pause forbids calls."""
        return now < self._paused_until

    def slow_down(self, sent_at: float, now: float) -> None:
        """Halve the rate after a throttled call.

        A call that was sent before the rate was last halved does not halve it again.
        """
        if sent_at > self._slowed_at:
            self.rate = max(self.rate / 2, self._rate * _MIN_PART)
            self._slowed_at = now
        self._next = max(self._next, now + 1 / self.rate)

    def speed_up(self) -> None:
        """Raise the rate after a successful call, up to the given one."""
        self.rate = min(self.rate + self._rate * _RECOVERY, self._rate)
