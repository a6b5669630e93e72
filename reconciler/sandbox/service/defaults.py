"""The system clock and the random ids of the sandbox. Every other module receives both as parameters."""

import time
import uuid
from collections.abc import Callable

TimeSource = Callable[[], float]
"""A function that returns the time in seconds since the epoch."""

IdSource = Callable[[], str]
"""A function that returns a new UUID in lower case."""


def read_system_time() -> float:
    """Return the time of the system clock, in seconds since the epoch."""
    return time.time()  # noqa: TID251 - the default clock


def generate_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())  # noqa: TID251 - the default source of ids
