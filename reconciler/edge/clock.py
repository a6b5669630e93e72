"""Read the machine's clock, host name and random numbers. No other module may do this."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

from reconciler.core.errors import STOPPED, StopRequested


class SystemClock:
    """The machine's clock, plus an offset for a sandbox. Setting the event `stop` interrupts a sleep."""

    def __init__(self, stop: threading.Event | None = None, offset: timedelta = timedelta()) -> None:
        self._stop, self._offset = stop or threading.Event(), offset

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC) + self._offset  # noqa: TID251 - only this module may read the clock

    def monotonic(self) -> float:
        """Return the seconds since a fixed point. Setting the system time does not change them."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep for a number of seconds. Raises StopRequested as soon as a shutdown is requested."""
        if self._stop.wait(seconds):
            raise StopRequested(STOPPED)


def generate_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())  # noqa: TID251 - only this module may create random ids


def get_host_name() -> str:
    """Return the host name of this machine. Each process of the machine gets the same name."""
    return socket.gethostname()


def describe_process() -> str:
    """Return a description of this process with its process id."""
    return f"process {os.getpid()}"
