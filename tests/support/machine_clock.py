"""Set the clock of a machine: a file holds the seconds by which it is ahead, for each process that reads the file.

A test advances the clock while the processes run, instead of waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.auth

from reconciler.edge.clock import SystemClock

_VARIABLE = "MACHINE_CLOCK"


class MachineClock:
    """The clock of one machine, `ahead` seconds ahead of the true time."""

    def __init__(self, path: Path, ahead: float = 0) -> None:
        self._path, self._seconds = path, ahead
        self.advance(0)

    @property
    def environment(self) -> dict[str, str]:
        """The variable that gives a forked process of the program this clock."""
        return {_VARIABLE: str(self._path)}

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds
        new = self._path.with_suffix(".new")
        new.write_text(str(self._seconds))
        new.rename(self._path)  # a process that reads the file sees the old or the new text

    def read(self) -> float:
        """Return the time in seconds since the epoch."""
        return SystemClock().now().timestamp() + self._seconds


def install_clock(environment: Mapping[str, str]) -> None:
    """Give this process the clock of its environment, if there is one. Its requests are signed with the same time."""
    if path := environment.get(_VARIABLE):
        clock: Any = SystemClock
        read_time, file = SystemClock.now, Path(path)

        def read_shifted_time(self: SystemClock) -> datetime:
            return read_time(self) + timedelta(seconds=float(file.read_text()))

        clock.now = read_shifted_time
        signing: Any = botocore.auth
        read_signing_time = signing.get_current_datetime

        def read_shifted_signing_time(*arguments: Any, **options: Any) -> datetime:
            signing_time: datetime = read_signing_time(*arguments, **options)
            return signing_time + timedelta(seconds=float(file.read_text()))

        signing.get_current_datetime = read_shifted_signing_time
