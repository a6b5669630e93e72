"""Lay out the calendar strip of an association: a cell for each window, the oldest first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.report.windows import SentWindow, WindowReport, WindowState
from reconciler.core.windows.due import Window
from reconciler.render import windows

MAX_SENT = 9
"""The maximum number of past windows in a strip. `reconcile windows` lists every window."""

_SYMBOLS = {
    WindowState.DONE: "✓",
    WindowState.RUNNING: "▸",
    WindowState.FAILED: "✗",
    WindowState.REFUSED: "✗",
    WindowState.UNKNOWN: "?",
    WindowState.LEFT_OUT: "⊘",
    WindowState.DUE: "●",
    WindowState.OVERDUE: "!",
    WindowState.TO_COME: "○",
}
"""The symbol of each state. The strip never distinguishes states by colour alone."""
_LEVELS = {
    WindowState.DONE: "none",
    WindowState.RUNNING: "note",
    WindowState.FAILED: "error",
    WindowState.REFUSED: "error",
    WindowState.UNKNOWN: "warning",
    WindowState.LEFT_OUT: "note",
    WindowState.DUE: "warning",
    WindowState.OVERDUE: "error",
    WindowState.TO_COME: "later",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One window: its state with a symbol and a severity, its first and last instant, and what is known about it."""

    state: str
    symbol: str
    level: str
    start: str
    end: str
    description: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The strip of one association. `more` is the number of earlier windows that it omits."""

    watermark: str
    next_step: str
    cells: tuple[Cell, ...]
    more: int


def build_calendar(report: WindowReport, now: datetime) -> Calendar:
    """Return the strip at a time, which may be later than the report."""
    return Calendar(
        windows.describe_watermark(report),
        windows.describe_next_step(report),
        tuple(_yield_cells(report, now)),
        max(0, len(report.history) - MAX_SENT),
    )


def _yield_cells(report: WindowReport, now: datetime) -> Iterator[Cell]:
    for item in report.history[-MAX_SENT:]:
        if isinstance(item, SentWindow):
            yield _build_cell(item.state, item.window, windows.describe_sent(item, report), report)
        else:
            window = Window(item.start, item.end)
            yield _build_cell(WindowState.LEFT_OUT, window, windows.describe_omission(item), report)
    for planned in report.planned:
        description = windows.describe_due_time(planned, report, now)
        yield _build_cell(report.get_state(planned, now), planned.window, description, report)


def _build_cell(state: WindowState, window: Window, description: str, report: WindowReport) -> Cell:
    start, end = windows.format_ends(window, report)
    return Cell(state, _SYMBOLS[state], _LEVELS[state], start, end, description)
