"""Show progress bars on standard error, for a person who waits at a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reconciler.cli import output
from reconciler.core.ports import Progress

_MIN_STEPS = 10
"""Number of steps below which a bar would only flicker."""


@contextmanager
def show_bars() -> Iterator[Progress]:
    """Yield a function that draws progress on a terminal for ten steps or more, and otherwise does nothing."""
    if not output.is_terminal(sys.stderr):
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}
    lock = threading.Lock()

    def update_bar(stage: str, done: int, total: int) -> None:
        if total < _MIN_STEPS:
            return
        with lock, suppress(Exception):  # a closed terminal must not fail the run
            bars.start()
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

    try:
        yield update_bar
    finally:
        with suppress(Exception):
            bars.stop()
