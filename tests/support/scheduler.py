"""A timetable that a test turns by hand, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from support.fakes import FakeClock

from reconciler.controller.scheduler import SchedulerContext


class Hand:
    """Calls what is due, one after the other, when the test lets time pass."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.waiting: dict[str, tuple[datetime, Callable[[], None]]] = {}
        self.queued: set[str] = set()

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Call a job once, at a time or soon after."""
        self.waiting[name] = when, job

    def cancel(self, name: str) -> None:
        """Forget what waits under a name."""
        self.waiting.pop(name, None)

    def is_queued(self, name: str) -> bool:
        """Tell whether the test has it wait for a thread."""
        return name in self.queued

    def wake(self) -> None:
        """Do nothing: it sleeps only between turns."""

    def turn(self, span: timedelta = timedelta()) -> None:
        """Let time pass, and call all that comes due meanwhile; the clock may be set by what is called."""
        until = self.clock.monotonic() + span.total_seconds()

        def end() -> datetime:
            return self.clock.now() + timedelta(seconds=until - self.clock.monotonic())

        while due := sorted((when, name) for name, (when, _) in self.waiting.items() if when <= end()):
            when, name = due[0]
            self.clock.time = max(self.clock.now(), when)
            self.waiting.pop(name)[1]()
        self.clock.time = max(self.clock.now(), end())

    @property
    def timing(self) -> SchedulerContext:
        """Return what lanes are given: shares are always in the middle."""
        return SchedulerContext(self, self.clock, lambda: 0.5)
