"""Limit the rate of requests in an account and Region."""

from dataclasses import dataclass

from reconciler.sandbox.service.context import ServiceContext
from reconciler.sandbox.service.errors import ThrottlingError


@dataclass(slots=True)
class TokenBucket:
    """A token bucket. It fills at `throttle_rate` up to `throttle_burst`, and every request takes one token."""

    tokens: float | None = None
    updated_at: float = 0.0

    def take(self, context: ServiceContext) -> None:
        """Take one token. Raises ThrottlingError if the bucket is empty."""
        rate, burst = context.behaviour.throttle_rate, context.behaviour.throttle_burst
        if rate is None:
            self.tokens = None
            return
        now = context.clock()
        available = burst if self.tokens is None else min(burst, self.tokens + (now - self.updated_at) * rate)
        self.updated_at = now
        self.tokens = available
        if available < 1:
            raise ThrottlingError("Rate exceeded")
        self.tokens = available - 1
