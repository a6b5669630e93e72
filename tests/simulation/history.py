"""History of one simulation: lines for people, and counts of the events that it reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
"""Start of a simulation without recurring windows, in true time."""


@dataclass(slots=True)
class History:
    """Lines of one simulation, oldest first. Each line has a time of the true clock, a source and a text.

    `event_counts` counts the events that tests require.
    """

    clock: Callable[[], float]
    start: float
    lines: list[tuple[float, str, str]] = field(default_factory=list)
    event_counts: Counter[str] = field(default_factory=Counter)

    def add_line(self, source: str, text: str) -> None:
        """Add a line."""
        self.lines.append((self.clock(), source, text))

    def count_event(self, event: str) -> None:
        """Count an event that the simulation is meant to reach."""
        self.event_counts[event] += 1

    def __str__(self) -> str:
        """Return the lines as text."""
        return "\n".join(f"{format_time(at - self.start)}  {source:<14} {text}" for at, source, text in self.lines)


def format_time(seconds: float) -> str:
    """Return a time since the start as days, hours, minutes and seconds."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}d {hours:02}:{minutes:02}:{milliseconds / 1000:06.3f}"
