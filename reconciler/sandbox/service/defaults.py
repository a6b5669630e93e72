"""The one place where the sandbox takes real time and real randomness; everything else is given them."""

import time
import uuid
from collections.abc import Callable

TimeSource = Callable[[], float]
"""Answers the time in seconds since the epoch."""

IdSource = Callable[[], str]
"""Answers a fresh UUID in lower case."""


def read_system_time() -> float:
    """Read the system's clock."""
    return time.time()  # noqa: TID251  # the default clock, for whoever injects none


def generate_id() -> str:
    """Make a random UUID."""
    return str(uuid.uuid4())  # noqa: TID251  # the default source of ids, for whoever injects none
