"""Things done again and again: one at a time, soon when asked for, and further apart while they fail."""

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
"""Seconds by which it may be called early: clocks are put right all the time."""
_LATE_TOLERANCE = 10.0
"""Seconds after which what is due and has not begun is planned anew: whoever was to call it may have lost it."""


class PeriodicTask:
    """One thing that is done again and again. Whatever asks for it, and however often, it is done once, or once more.

    `act` says whether it went well; it is given what it calls whenever it has got on. While it is under way `running`
    is since when, and `moved` when it last got on; otherwise `due` is when it begins. How long something takes does not
    go by the clock: that may be set meanwhile.
    """

    def __init__(self, name: str, action: TaskAction, backoff: Backoff, scheduling: SchedulerContext) -> None:
        self._name, self._action, self._backoff, self._scheduling = name, action, backoff, scheduling
        self._lock = threading.Lock()
        self._is_requested = self._is_closed = False
        self._requested_starts: deque[float] = deque(maxlen=2)  # when it was asked for
        self._last_progress: float | None = None
        self._next_run: float | None = None
        self.running_since: datetime | None = None
        self.failures = 0

    @property
    def last_progress(self) -> datetime | None:
        """When it last got on, as the clock goes now; None while nothing is under way."""
        return self._to_clock_time(self._last_progress)

    @property
    def next_run(self) -> datetime | None:
        """When it begins, as the clock goes now; None while it is under way."""
        return self._to_clock_time(self._next_run)

    def request(self) -> None:
        """Do it soon, or once more when what is under way is done."""
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
        """Plan it anew where it should have begun long ago."""
        with self._lock:
            now = self._scheduling.clock.monotonic()
            if self._is_lost(now):
                self._schedule(now)

    @property
    def is_waiting(self) -> bool:
        """Whether it should have begun long ago, and waits for others to end."""
        return self._is_late(self._scheduling.clock.monotonic()) and self._scheduling.scheduler.is_queued(self._name)

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._is_closed, self._next_run = True, None
            self._scheduling.scheduler.cancel(self._name)

    def reopen(self) -> None:
        """Go on after it was closed: what was under way then may still be."""
        with self._lock:
            self._is_closed = False
        self.request()

    def _run(self) -> None:
        with self._lock:
            if self._is_closed or self.running_since:
                return
            started_at = self._scheduling.clock.monotonic()
            if (
                self._next_run is not None and self._next_run > started_at + _EARLY_TOLERANCE
            ):  # the clock was set forward
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
        """Tell whether it should have begun long ago, and nobody is about to call it."""
        return self._is_late(now) and not self._scheduling.scheduler.is_queued(self._name)

    def _compute_earliest_start(self, now: float) -> float:
        """Return when it may begin because somebody asks."""
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

    def _to_clock_time(self, monotonic_time: float | None) -> datetime | None:
        clock = self._scheduling.clock
        return None if monotonic_time is None else clock.now() + timedelta(seconds=monotonic_time - clock.monotonic())
