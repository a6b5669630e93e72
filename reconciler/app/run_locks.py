"""Allow one run of this process at a time in each account and Region, whatever the names of the targets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from reconciler.core.errors import LeaseHeld
from reconciler.core.ports import Timer

AccountRegion: TypeAlias = tuple[str, str]
"""An account and its Region."""


class RunLocks:
    """Locks for each account and Region. A run waits up to `timeout` seconds for another run to end."""

    def __init__(self, timer: Timer, timeout: float) -> None:
        self._timer, self._timeout = timer, timeout
        self._lock = threading.Lock()
        self._holders: dict[AccountRegion, tuple[str, str]] = {}

    def acquire(self, account_region: AccountRegion, run: str, target: str) -> Callable[[], None]:
        """Wait until no other run holds the lock, acquire it, and return the function that releases it.

        Raises LeaseHeld if another run holds the lock until the timeout, or if another target of the same run holds it.
        Raises StopRequested.
        """
        deadline = self._timer.monotonic() + self._timeout
        while holder := self._try_acquire(account_region, run, target):
            holder_run, holder_target = holder
            account, region = account_region
            if holder_run == run:
                both = f"targets {holder_target!r} and {target!r}"
                raise LeaseHeld(f"{both} have the same account {account} and Region {region}: remove one of them")
            if self._timer.monotonic() >= deadline:
                raise LeaseHeld(
                    f"a run of target {holder_target!r} is still active in account {account}, {region}: wait for it"
                )
            self._timer.sleep(0.1)
        return lambda: self._release(account_region)

    def _try_acquire(self, account_region: AccountRegion, run: str, target: str) -> tuple[str, str] | None:
        """Acquire the lock if it is free; otherwise return the run and target that hold it."""
        with self._lock:
            holder = self._holders.get(account_region)
            if holder is None:
                self._holders[account_region] = (run, target)
            return holder

    def _release(self, account_region: AccountRegion) -> None:
        with self._lock:
            self._holders.pop(account_region, None)
