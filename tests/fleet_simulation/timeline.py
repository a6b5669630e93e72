"""Virtual time: events that happen in the order of their times."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Timeline:
    """A queue of events. `now` is the time of the current event, in seconds since the start."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def add(self, time: float, event: Callable[[], object]) -> None:
        """Add an event at a time, which is not before now."""
        self._count += 1
        heappush(self._events, (max(time, self.now), self._count, event))

    def run_until(self, end: float) -> None:
        """Let the events up to a time happen."""
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heappop(self._events)
            event()
        self.now = end
