"""Read the machine's time and randomness. No other module may do this."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from datetime import UTC, datetime

from reconciler.core.errors import StopRequested


class SystemClock:
    """The machine's clock. Setting `stop` ends its waits."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the place

    def monotonic(self) -> float:
        """Return monotonic seconds since a fixed point."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises StopRequested as soon as a stop is requested."""
        if self._stop.wait(seconds):
            raise StopRequested("a stop was asked for")


def generate_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())  # noqa: TID251 - this is the place


def get_host_name() -> str:
    """Return this machine's name, the same for each of its processes."""
    return socket.gethostname()


def describe_process() -> str:
    """Return an id of this process on this machine."""
    return f"process {os.getpid()}"
