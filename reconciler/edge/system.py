"""The machine's own time and randomness, the only place that may ask for them."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the place

    def monotonic(self) -> float:
        """Return seconds since some point that never moves."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def new_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())  # noqa: TID251 - this is the place
