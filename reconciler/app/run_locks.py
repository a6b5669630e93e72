"""Let one run of this process at a time work in an account and Region, whatever its target is called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from reconciler.core.errors import LeaseHeld
from reconciler.core.ports import Timer

AccountRegion: TypeAlias = tuple[str, str]
"""Account and Region."""


class RunLocks:
    """The runs that are at work, by account and Region. A run waits `timeout` seconds for another one to end."""

    def __init__(self, timer: Timer, timeout: float) -> None:
        self._timer, self._timeout = timer, timeout
        self._lock = threading.Lock()
        self._holders: dict[AccountRegion, tuple[str, str]] = {}

    def acquire(self, account_region: AccountRegion, run: str, target: str) -> Callable[[], None]:
        """Wait until no other run has a place, take it, and return what gives it back.

        Raises LeaseHeld where another one keeps it, or where another target of the same run has it, and Stopped.
        """
        deadline = self._timer.monotonic() + self._timeout
        while holder := self._try_acquire(account_region, run, target):
            holder_run, holder_target = holder
            account, region = account_region
            if holder_run == run:
                both = f"targets {holder_target!r} and {target!r}"
                raise LeaseHeld(f"{both} are both account {account} in {region}: remove one of them")
            if self._timer.monotonic() >= deadline:
                raise LeaseHeld(
                    f"a run of target {holder_target!r} is still at work in account {account}, {region}: wait for it"
                )
            self._timer.sleep(0.1)
        return lambda: self._release(account_region)

    def _try_acquire(self, account_region: AccountRegion, run: str, target: str) -> tuple[str, str] | None:
        """Take a place that nobody has; return who has it otherwise."""
        with self._lock:
            holder = self._holders.get(account_region)
            if holder is None:
                self._holders[account_region] = (run, target)
            return holder

    def _release(self, account_region: AccountRegion) -> None:
        with self._lock:
            self._holders.pop(account_region, None)
