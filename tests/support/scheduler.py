"""Scheduler in virtual time, which a test advances."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from support.fakes import FakeClock

from reconciler.controller.scheduler import SchedulerContext


class FakeScheduler:
    """Scheduler that calls due jobs one after the other when the test advances the time."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.jobs: dict[str, tuple[datetime, Callable[[], None]]] = {}
        self.queued_jobs: set[str] = set()

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Schedule a job to be called once."""
        self.jobs[name] = when, job

    def cancel(self, name: str) -> None:
        """Cancel the job with a name."""
        self.jobs.pop(name, None)

    def is_queued(self, name: str) -> bool:
        """Tell whether a job waits for a thread, as set by the test."""
        return name in self.queued_jobs

    def wake(self) -> None:
        """Do nothing. The scheduler sleeps only between turns."""

    def advance(self, duration: timedelta = timedelta()) -> None:
        """Advance the time, and call each job that becomes due. A job may set the clock."""
        end_seconds = self.clock.monotonic() + duration.total_seconds()

        def compute_end() -> datetime:
            return self.clock.now() + timedelta(seconds=end_seconds - self.clock.monotonic())

        while due := sorted((when, name) for name, (when, _) in self.jobs.items() if when <= compute_end()):
            when, name = due[0]
            self.clock.time = max(self.clock.now(), when)
            self.jobs.pop(name)[1]()
        self.clock.time = max(self.clock.now(), compute_end())

    @property
    def context(self) -> SchedulerContext:
        """The context of the tasks. Random shares are always 0.5."""
        return SchedulerContext(self, self.clock, lambda: 0.5)
