"""Lay out the calendar strip of an association: a cell for each window, the oldest first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

from reconciler.core.report.windows import SentWindow, WindowReport, WindowState
from reconciler.core.windows.due import Window
from reconciler.render import windows

MAX_SENT = 9
"""The maximum number of past windows in a strip. `reconcile windows` lists every window."""

_MAX_DONE = 2
"""The number of done windows at the beginning of a strip that a narrow screen shows."""

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
    WindowState.LEFT_OUT: "omitted",
    WindowState.DUE: "warning",
    WindowState.OVERDUE: "error",
    WindowState.TO_COME: "later",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One window: its state with a symbol and a severity, its first and last instant, and what is known about it.

    `note` says that a failed window is exported again. A narrow screen does not show a cell that `is_old`.
    """

    state: str
    symbol: str
    level: str
    start: str
    end: str
    description: str
    note: str = ""
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """The cell that stands for the old cells on a narrow screen: their number, their first and their last instant."""

    count: int
    symbol: str
    level: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The strip of one association. `more` is the number of earlier windows that it omits.

    `fold` stands for the done windows at the beginning, if there are several. `more_due` says that more windows are
    due than the strip shows.
    """

    watermark: str
    next_step: str
    cells: tuple[Cell, ...]
    more: int
    fold: Fold | None = None
    more_due: str | None = None

    @property
    def summary(self) -> str:
        """The number of windows in each state, as a sentence."""
        counts = Counter(cell.state for cell in self.cells)
        return f"Windows: {', '.join(f'{count} {state}' for state, count in counts.items())}"


def build_calendar(report: WindowReport, now: datetime) -> Calendar:
    """Return the strip at a time, which may be later than the report."""
    cells = tuple(_yield_cells(report, now))
    done_count = len(tuple(takewhile(lambda cell: cell.state == WindowState.DONE, cells)))
    old_count = done_count - _MAX_DONE if done_count - _MAX_DONE > 1 else 0
    old, others = tuple(replace(cell, is_old=True) for cell in cells[:old_count]), cells[old_count:]
    fold = Fold(old_count, old[0].symbol, old[0].level, old[0].start, old[-1].end) if old else None
    return Calendar(
        windows.describe_watermark(report),
        windows.describe_next_step(report),
        (*old, *others),
        max(0, len(report.history) - MAX_SENT),
        fold,
        windows.describe_more_due(report.more_due_count),
    )


def _yield_cells(report: WindowReport, now: datetime) -> Iterator[Cell]:
    for item in report.history[-MAX_SENT:]:
        if isinstance(item, SentWindow):
            cell = _build_cell(item.state, item.window, windows.describe_sent(item, report), report)
            yield replace(cell, note=windows.describe_repetition(item, report))
        else:
            window = Window(item.start, item.end)
            yield _build_cell(WindowState.LEFT_OUT, window, windows.describe_omission(item), report)
    for planned in report.planned:
        description = windows.describe_due_time(planned, report, now)
        yield _build_cell(report.get_state(planned, now), planned.window, description, report)


def _build_cell(state: WindowState, window: Window, description: str, report: WindowReport) -> Cell:
    start, end = windows.format_ends(window, report)
    return Cell(state, _SYMBOLS[state], _LEVELS[state], start, end, description)
