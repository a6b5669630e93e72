"""Pace of a simulated process, with the real bucket and the clock of the process."""

from __future__ import annotations

from support.aws_sessions import InlinePace

from reconciler.core.pace.bucket import Bucket
from reconciler.core.ports import Timer


class SimulatedPace(InlinePace):
    """A pace of two calls a second, and five at once."""

    def __init__(self, timer: Timer) -> None:
        bucket = Bucket(2, 5, timer.monotonic())

        def wait() -> None:
            while (delay := bucket.free_at - timer.monotonic()) > 0:
                timer.sleep(delay)
            bucket.take(timer.monotonic())

        super().__init__(wait)
