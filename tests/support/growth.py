"""Count the calls of an action, to compare how its work grows with its input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class CountedText(str):
    """A text whose comparisons and lookups are calls that `count_calls` counts."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Compare the text."""
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        """Return the hash of the text."""
        return str.__hash__(self)


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
