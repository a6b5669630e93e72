"""Things done again and again: one at a time, soon when asked for, and further apart while they fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.controller.timetable import Timing
from reconciler.core.rhythm import Rhythm

Act: TypeAlias = Callable[[Callable[[], None]], bool]


class Lane:
    """One thing that is done again and again. Whatever asks for it, and however often, it is done once, or once more.

    `act` says whether it went well; it is given what it calls whenever it has got on. While it is under way `running`
    is since when, and `moved` when it last got on; otherwise `due` is when it begins. How long something has taken does
    not go by the clock: that may be set meanwhile.
    """

    def __init__(self, name: str, act: Act, rhythm: Rhythm, timing: Timing) -> None:
        self._name, self._act, self._rhythm, self._timing = name, act, rhythm, timing
        self._lock = threading.Lock()
        self._asked = self._closed = False
        self._moved: float | None = None
        self.running: datetime | None = None
        self.due: datetime | None = None
        self.failures = 0

    @property
    def moved(self) -> datetime | None:
        """When it last got on, as the clock goes now; None while nothing is under way."""
        moved, clock = self._moved, self._timing.clock
        return None if moved is None else clock.now() - timedelta(seconds=clock.monotonic() - moved)

    def ask(self) -> None:
        """Do it at once, or once more when what is under way is done."""
        with self._lock:
            if self._closed:
                return
            now = self._timing.clock.now()
            if self.running:
                self._asked = True
            elif self.due is None or self.due > now:
                self._plan(now)

    def close(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._closed, self.due = True, None
            self._timing.timetable.drop(self._name)

    def _turn(self) -> None:
        with self._lock:
            if self._closed or self.running:
                return
            self.running = self._timing.clock.now()
            started = self._moved = self._timing.clock.monotonic()
            self._asked, self.due = False, None
        well = False
        try:
            well = self._act(self._got_on)
        finally:
            with self._lock:
                self.running = self._moved = None
                self.failures = 0 if well else self.failures + 1
                if not self._closed:
                    clock = self._timing.clock
                    taken = timedelta(seconds=clock.monotonic() - started)
                    pause = self._rhythm.pause(self.failures, self._timing.share()) - taken
                    self._plan(clock.now() + (timedelta() if self._asked else max(timedelta(), pause)))

    def _got_on(self) -> None:
        self._moved = self._timing.clock.monotonic()

    def _plan(self, when: datetime) -> None:
        self.due = when
        self._timing.timetable.at(self._name, when, self._turn)
