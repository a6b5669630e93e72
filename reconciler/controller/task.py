"""Things done again and again: one at a time, soon when asked for, and further apart while they fail."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.controller.scheduler import Timing
from reconciler.core.controller.backoff import Backoff

Act: TypeAlias = Callable[[Callable[[], None]], bool]

_EARLY = 1.0
"""Seconds by which it may be called early: clocks are put right all the time."""
_LATE = 10.0
"""Seconds after which what is due and has not begun is planned anew: whoever was to call it may have lost it."""


class Lane:
    """One thing that is done again and again. Whatever asks for it, and however often, it is done once, or once more.

    `act` says whether it went well; it is given what it calls whenever it has got on. While it is under way `running`
    is since when, and `moved` when it last got on; otherwise `due` is when it begins. How long something takes does not
    go by the clock: that may be set meanwhile.
    """

    def __init__(self, name: str, act: Act, rhythm: Backoff, timing: Timing) -> None:
        self._name, self._act, self._rhythm, self._timing = name, act, rhythm, timing
        self._lock = threading.Lock()
        self._asked = self._closed = False
        self._begun: deque[float] = deque(maxlen=2)  # when it was asked for
        self._moved: float | None = None
        self._due: float | None = None
        self.running: datetime | None = None
        self.failures = 0

    @property
    def moved(self) -> datetime | None:
        """When it last got on, as the clock goes now; None while nothing is under way."""
        return self._by_the_clock(self._moved)

    @property
    def due(self) -> datetime | None:
        """When it begins, as the clock goes now; None while it is under way."""
        return self._by_the_clock(self._due)

    def ask(self) -> None:
        """Do it soon, or once more when what is under way is done."""
        with self._lock:
            now = self._timing.clock.monotonic()
            soonest = self._soonest(now)
            if self.running:
                self._asked = True
            elif not self._closed and (self._due is None or self._due > soonest or self._is_lost(now)):
                self._asked = True
                self._plan(soonest)

    def see(self) -> None:
        """Plan it anew where it should have begun long ago."""
        with self._lock:
            now = self._timing.clock.monotonic()
            if self._is_lost(now):
                self._plan(now)

    @property
    def waits(self) -> bool:
        """Whether it should have begun long ago, and waits for others to end."""
        return self._is_late(self._timing.clock.monotonic()) and self._timing.timetable.is_queued(self._name)

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._closed, self._due = True, None
            self._timing.timetable.drop(self._name)

    def reopen(self) -> None:
        """Go on after it was closed: what was under way then may still be."""
        with self._lock:
            self._closed = False
        self.ask()

    def _turn(self) -> None:
        with self._lock:
            if self._closed or self.running:
                return
            started = self._timing.clock.monotonic()
            if self._due is not None and self._due > started + _EARLY:  # the clock was set forward
                self._plan(self._due)
                return
            self.running, self._moved = self._timing.clock.now(), started
            if self._asked:
                self._begun.append(started)
            self._asked, self._due = False, None
        well = False
        try:
            well = self._act(self._got_on)
        finally:
            with self._lock:
                self.running = self._moved = None
                self.failures = 0 if well else self.failures + 1
                if not self._closed:
                    now = self._timing.clock.monotonic()
                    pause = self._rhythm.compute_delay(self.failures, self._timing.share()).total_seconds()
                    due = max(now, (started if well else now) + pause)
                    self._plan(min(due, self._soonest(now)) if self._asked else due)

    def _is_late(self, now: float) -> bool:
        due = self._due
        return due is not None and now > due + _LATE

    def _is_lost(self, now: float) -> bool:
        """Tell whether it should have begun long ago, and nobody is about to call it."""
        return self._is_late(now) and not self._timing.timetable.is_queued(self._name)

    def _soonest(self, now: float) -> float:
        """Return when it may begin because somebody asks."""
        quiet = self._rhythm.min_event_interval.total_seconds()
        return max(now, self._begun[0] + quiet) if len(self._begun) == self._begun.maxlen else now

    def _got_on(self) -> None:
        self._moved = self._timing.clock.monotonic()

    def _plan(self, due: float) -> None:
        self._due = due
        clock = self._timing.clock
        when = clock.now() + timedelta(seconds=max(0.0, due - clock.monotonic()))
        self._timing.timetable.at(self._name, when, self._turn)

    def _by_the_clock(self, moment: float | None) -> datetime | None:
        clock = self._timing.clock
        return None if moment is None else clock.now() + timedelta(seconds=moment - clock.monotonic())
