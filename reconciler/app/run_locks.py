"""Let one run of this process at a time work in an account and Region, whatever its target is called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from reconciler.core.errors import LeaseHeld
from reconciler.core.ports import Timer

Place: TypeAlias = tuple[str, str]
"""Account and Region."""


class RunLocks:
    """The runs that are at work, by account and Region. A run waits `timeout` seconds for another one to end."""

    def __init__(self, timer: Timer, timeout: float) -> None:
        self._timer, self._timeout = timer, timeout
        self._lock = threading.Lock()
        self._runs: dict[Place, tuple[str, str]] = {}

    def take(self, place: Place, run: str, target: str) -> Callable[[], None]:
        """Wait until no other run has a place, take it, and return what gives it back.

        Raises LeaseHeld where another one keeps it, or where another target of the same run has it, and Stopped.
        """
        deadline = self._timer.monotonic() + self._timeout
        while other := self._try(place, run, target):
            of, name = other
            account, region = place
            if of == run:
                raise LeaseHeld(
                    f"targets {name!r} and {target!r} are both account {account} in {region}: remove one of them"
                )
            if self._timer.monotonic() >= deadline:
                raise LeaseHeld(
                    f"a run of target {name!r} is still at work in account {account}, {region}: wait for it"
                )
            self._timer.sleep(0.1)
        return lambda: self._give_back(place)

    def _try(self, place: Place, run: str, target: str) -> tuple[str, str] | None:
        """Take a place that nobody has; return who has it otherwise."""
        with self._lock:
            other = self._runs.get(place)
            if other is None:
                self._runs[place] = (run, target)
            return other

    def _give_back(self, place: Place) -> None:
        with self._lock:
            self._runs.pop(place, None)
