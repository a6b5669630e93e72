"""One token bucket for all requests of an account and Region."""

from dataclasses import dataclass

from reconciler.sandbox.service.context import Context
from reconciler.sandbox.service.errors import ThrottlingError


@dataclass(slots=True)
class Bucket:
    """Fills at the behaviour's rate up to its burst; every request takes one."""

    tokens: float | None = None
    at: float = 0.0

    def take(self, context: Context) -> None:
        """Let one request through, or refuse it."""
        rate, burst = context.behaviour.throttle_rate, context.behaviour.throttle_burst
        if rate is None:
            self.tokens = None
            return
        now = context.clock()
        filled = burst if self.tokens is None else min(burst, self.tokens + (now - self.at) * rate)
        self.at = now
        self.tokens = filled
        if filled < 1:
            raise ThrottlingError("Rate exceeded")
        self.tokens = filled - 1
