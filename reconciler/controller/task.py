"""Repeat a task: at its interval, soon after a request, and with a growing delay while it fails."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.controller.scheduler import SchedulerContext
from reconciler.core.controller.backoff import Backoff

TaskAction: TypeAlias = Callable[[Callable[[], None]], bool]

_EARLY_TOLERANCE = 1.0
"""Seconds by which a task may start early, because clocks are corrected all the time."""
_LATE_TOLERANCE = 10.0
"""Seconds after which a due task that has not started is scheduled again. The scheduler may have lost it."""


class PeriodicTask:
    """Task that repeats and never overlaps with itself. Requests during a run are merged into one more run.

    `action` returns whether it succeeded, and calls its argument after each step. During a run, `running_since` and
    `last_progress` are set; otherwise `next_run` is. Durations are measured with the monotonic clock, because the wall
    clock may be changed meanwhile.
    """

    def __init__(self, name: str, action: TaskAction, backoff: Backoff, scheduling: SchedulerContext) -> None:
        self._name, self._action, self._backoff, self._scheduling = name, action, backoff, scheduling
        self._lock = threading.Lock()
        self._is_requested = self._is_closed = False
        self._requested_starts: deque[float] = deque(maxlen=2)  # starts caused by a request, in monotonic seconds
        self._last_progress: float | None = None
        self._next_run: float | None = None
        self.running_since: datetime | None = None
        self.failures = 0

    @property
    def last_progress(self) -> datetime | None:
        """The time of the last progress, by the current wall clock. None unless the task is running."""
        return self._convert_to_clock_time(self._last_progress)

    @property
    def next_run(self) -> datetime | None:
        """The time when the next run is due, by the current wall clock. None while the task is running."""
        return self._convert_to_clock_time(self._next_run)

    def request(self) -> None:
        """Run the task soon, or once more after the current run."""
        with self._lock:
            now = self._scheduling.clock.monotonic()
            earliest_start = self._compute_earliest_start(now)
            if self.running_since:
                self._is_requested = True
            elif not self._is_closed and (
                self._next_run is None or self._next_run > earliest_start or self._is_lost(now)
            ):
                self._is_requested = True
                self._schedule(earliest_start)

    def reschedule_if_lost(self) -> None:
        """Schedule the task again if it is overdue and the scheduler has lost it."""
        with self._lock:
            now = self._scheduling.clock.monotonic()
            if self._is_lost(now):
                self._schedule(now)

    @property
    def is_waiting(self) -> bool:
        """True if the task is overdue, because it waits for a free thread."""
        return self._is_late(self._scheduling.clock.monotonic()) and self._scheduling.scheduler.is_queued(self._name)

    def close(self) -> None:
        """Start no more runs."""
        with self._lock:
            self._is_closed, self._next_run = True, None
            self._scheduling.scheduler.cancel(self._name)

    def reopen(self) -> None:
        """Resume a closed task. A run from before the close may still be active."""
        with self._lock:
            self._is_closed = False
        self.request()

    def _run(self) -> None:
        with self._lock:
            if self._is_closed or self.running_since:
                return
            started_at = self._scheduling.clock.monotonic()
            # The clock was set forward.
            if self._next_run is not None and self._next_run > started_at + _EARLY_TOLERANCE:
                self._schedule(self._next_run)
                return
            self.running_since, self._last_progress = self._scheduling.clock.now(), started_at
            if self._is_requested:
                self._requested_starts.append(started_at)
            self._is_requested, self._next_run = False, None
        is_success = False
        try:
            is_success = self._action(self._record_progress)
        finally:
            with self._lock:
                self.running_since = self._last_progress = None
                self.failures = 0 if is_success else self.failures + 1
                if not self._is_closed:
                    now = self._scheduling.clock.monotonic()
                    delay = self._backoff.compute_delay(self.failures, self._scheduling.draw_jitter()).total_seconds()
                    next_run = max(now, (started_at if is_success else now) + delay)
                    self._schedule(min(next_run, self._compute_earliest_start(now)) if self._is_requested else next_run)

    def _is_late(self, now: float) -> bool:
        next_run = self._next_run
        return next_run is not None and now > next_run + _LATE_TOLERANCE

    def _is_lost(self, now: float) -> bool:
        """Tell whether the task is overdue and not queued."""
        return self._is_late(now) and not self._scheduling.scheduler.is_queued(self._name)

    def _compute_earliest_start(self, now: float) -> float:
        """Return the earliest start of a requested run, in monotonic seconds."""
        min_event_interval = self._backoff.min_event_interval.total_seconds()
        return (
            max(now, self._requested_starts[0] + min_event_interval)
            if len(self._requested_starts) == self._requested_starts.maxlen
            else now
        )

    def _record_progress(self) -> None:
        self._last_progress = self._scheduling.clock.monotonic()

    def _schedule(self, next_run: float) -> None:
        self._next_run = next_run
        clock = self._scheduling.clock
        when = clock.now() + timedelta(seconds=max(0.0, next_run - clock.monotonic()))
        self._scheduling.scheduler.schedule(self._name, when, self._run)

    def _convert_to_clock_time(self, monotonic_time: float | None) -> datetime | None:
        clock = self._scheduling.clock
        return None if monotonic_time is None else clock.now() + timedelta(seconds=monotonic_time - clock.monotonic())
