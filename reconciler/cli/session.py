"""One pass as a process: manifests in, signals heeded, logs and reports out, an exit code at the end."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reconciler import settings
from reconciler.cli import options, output, progress
from reconciler.cli.choices import Choices
from reconciler.cli.wiring import Passes, surroundings
from reconciler.core.model import Desired
from reconciler.core.report import Report
from reconciler.edge import logs, manifests
from reconciler.render import json, text

_SETTLE_TIME_SAFE = 600
"""Seconds: a request is valid for 5 minutes after it was signed, and clocks differ."""


def once(files: tuple[str, ...], outputs: tuple[str, ...], choices: Choices, *, detailed: bool) -> int:
    """Reconcile once and return the exit code."""
    formats: dict[str, output.Format[Report]] = {
        "text": lambda report, terminal: text.render(report, terminal=terminal),
        "json": lambda report, _: json.render(report),
    }
    wanted = output.parse(outputs, formats)
    begin(choices, brief=output.on_terminal(sys.stdout) and output.on_terminal(sys.stderr))
    desired = read(files)
    with surroundings(choices), stop_on_signals() as stop, progress.shown() as tell:
        report = Passes(choices, stop.asked).run(desired, tell)
    logs.log_report(report)
    output.write(report, wanted, formats)
    if stop.signal:
        return 128 + stop.signal
    return report.detailed_exit_code if detailed else report.exit_code


def read(files: tuple[str, ...]) -> Desired:
    """Return the desired state, and say so where it is empty. Raises InvalidManifests."""
    desired = manifests.load(files, options.standard_input())
    if not any(desired.manifests.values()):
        logs.logger().warning(logs.NO_MANIFESTS, files=list(files))
    return desired


def begin(choices: Choices, *, brief: bool = False) -> None:
    """Check the choices, send logs to standard error, and say what is unwise. Raises click.UsageError."""
    choices.check()
    here = settings.read()
    logs.configure(sys.stderr, color=not here.no_color and not here.dumb_terminal, brief=brief)
    if choices.settle_time < _SETTLE_TIME_SAFE:
        said = "a Create whose answer was lost may be repeated before List can show it"
        logs.logger().warning(logs.SETTLE_TIME_SHORT, seconds=choices.settle_time, risk=said)


class Stop:
    """Whether a signal asked for a stop, and which."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.signal = 0

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Note the signal; a second one ends the process at once, as it would without this."""
        self.signal = number
        self.asked.set()
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Let a Create under way finish and be journalled before SIGINT or SIGTERM end the run."""
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
