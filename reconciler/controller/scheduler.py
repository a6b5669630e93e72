"""Port to a scheduler, which runs each job at its time in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.core.ports import Clock


class Scheduler(Protocol):
    """Scheduler of jobs. Each name has at most one waiting job."""

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Schedule a job to run once, at `when` or soon after. It replaces a waiting job of the same name."""

    def cancel(self, name: str) -> None:
        """Cancel the waiting job of a name, if there is one."""

    def is_queued(self, name: str) -> bool:
        """Tell whether the job of a name is due and waits for a free thread."""

    def wake(self) -> None:
        """Recompute the waiting times after the clock was changed."""


class MonotonicClock(Clock, Protocol):
    """Wall clock, combined with a monotonic clock."""

    def monotonic(self) -> float:
        """Return the seconds since a fixed point in time."""


@dataclass(frozen=True, slots=True)
class SchedulerContext:
    """Scheduler, clock, and a function that returns a random number from 0 to 1."""

    scheduler: Scheduler
    clock: MonotonicClock
    draw_jitter: Callable[[], float]
