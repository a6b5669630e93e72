"""The port to a scheduler: calls things at their time, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.core.ports import Clock


class Scheduler(Protocol):
    """Calls things at their time."""

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Call a job once, at a time or soon after; it takes the place of one that still waits under its name."""

    def cancel(self, name: str) -> None:
        """Forget what waits under a name, if anything does."""

    def is_queued(self, name: str) -> bool:
        """Tell whether the time of a name has come, and its job waits for a free thread."""

    def wake(self) -> None:
        """Look at the clock again: it was set."""


class MonotonicClock(Clock, Protocol):
    """A clock that people set, and seconds that only grow."""

    def monotonic(self) -> float:
        """Return seconds since some point that never moves."""


@dataclass(frozen=True, slots=True)
class SchedulerContext:
    """What calls things, what time it is, and a number from 0 to 1 at random."""

    scheduler: Scheduler
    clock: MonotonicClock
    draw_jitter: Callable[[], float]
