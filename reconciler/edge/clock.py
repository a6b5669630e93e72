"""The machine's own time and randomness, the only place that may ask for them."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from datetime import UTC, datetime

from reconciler.core.errors import StopRequested


class SystemClock:
    """The clock of this machine. `stop` ends its waits."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the place

    def monotonic(self) -> float:
        """Return seconds since some point that never moves."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises StopRequested at once where a stop is asked for."""
        if self._stop.wait(seconds):
            raise StopRequested("a stop was asked for")


def generate_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())  # noqa: TID251 - this is the place


def get_host_name() -> str:
    """Return the name of this machine, as other processes on it see it too."""
    return socket.gethostname()


def describe_process() -> str:
    """Return who this is among the processes of this machine."""
    return f"process {os.getpid()}"
