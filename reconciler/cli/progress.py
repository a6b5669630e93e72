"""Show progress bars on standard error, for a person who waits at a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_MIN_STEPS = 10
"""Number of steps below which a bar would only flicker."""


class Bars:
    """Progress bars for stages of ten steps or more. Without a terminal, nothing is shown."""

    def __init__(self, bars: Progress | None) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def update(self, stage: str, done: int, total: int) -> None:
        """Show how much of a stage is done. Never raises, because a Create may just have been sent."""
        if self._bars is None or total < _MIN_STEPS:
            return
        with self._lock, suppress(Exception):  # a closed terminal must not fail the run
            self._bars.start()
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=total)
            self._bars.update(self._tasks[stage], completed=done, total=total)

    def stop(self) -> None:
        """Remove the bars from the terminal until the next update."""
        if self._bars is not None:
            with suppress(Exception):
                self._bars.stop()


@contextmanager
def show_bars() -> Iterator[Bars]:
    """Yield progress bars, which disappear at the end of the block."""
    bars = Bars(_create_bars() if output.is_terminal(sys.stderr) else None)
    try:
        yield bars
    finally:
        bars.stop()


def _create_bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
