"""Count the calls of an action, to compare how its work grows with its input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def count_calls(action: Callable[[], object]) -> int:
    """Return the number of calls of Python and C functions that an action makes in this thread.

    The action runs once before, because a first run also imports modules and fills caches.
    """
    action()
    count = 0

    def count_call(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        if event in {"call", "c_call"}:
            count += 1

    previous = sys.getprofile()
    sys.setprofile(count_call)
    try:
        action()
    finally:
        sys.setprofile(previous)
    return count
