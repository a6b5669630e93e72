"""Ask the person at the terminal, in particular before writes that cannot be undone."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from reconciler.app.settings import Settings
from reconciler.app.stop_signal import stop_on_signals
from reconciler.cli import output
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_error
from reconciler.core.errors import Interrupted, NotConfirmed

if TYPE_CHECKING:
    from reconciler.core.report.report import Report

ANSWER = "yes"
"""The only answer that confirms a plan."""
_TIME_LIMIT = timedelta(minutes=10)
_POLL_SECONDS = 0.2
_INTERRUPTION = "the question was interrupted"


def is_attended(settings: Settings) -> bool:
    """Tell whether a person sits at the terminal, who can answer questions."""
    has_terminal = output.is_terminal(sys.stdin) and output.is_terminal(sys.stderr)
    return has_terminal and not (settings.is_ci or settings.is_own_hook)


def is_needed(settings: Settings, *, yes: bool, dry_run: bool, has_reviewed_plan: bool) -> bool:
    """Tell whether a run has to ask: a person sits at the terminal, and nothing else has confirmed the writes."""
    return is_attended(settings) and not (yes or dry_run or has_reviewed_plan)


def confirm(
    report: Report, is_stopped: Callable[[], bool], *, is_sandbox: bool, time_limit: timedelta = _TIME_LIMIT
) -> None:
    """Show the plan of a dry run, and ask whether to send its writes. Without writes, do nothing.

    Raises NotConfirmed for any answer but `yes`, and if there is none within `time_limit`.
    """
    from reconciler.cli.formats import REPORT_RENDERERS
    from reconciler.render.question import format_question, list_sent_writes

    writes = list_sent_writes(report)
    if not writes:
        return
    click.echo(REPORT_RENDERERS["text"](report, read_settings().can_show_colors), err=True)
    termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question is no answer to it
    click.echo(format_question(writes, is_sandbox=is_sandbox), nl=False, err=True)
    line = _read_line(is_stopped, time_limit)
    answer = line if line is None else line.strip()
    if not (line and line.endswith("\n")):
        _end_line()
    if answer != ANSWER or line == ANSWER:  # the end of input after `yes` is no answer either
        raise NotConfirmed(f"nothing was written, because {_describe_refusal(answer, is_stopped, time_limit)}")


def ask(text: str) -> str:
    """Ask a question, and return the next line of the terminal without blanks around it.

    Raises NotConfirmed at the end of input. After a signal, print one line, and raise Interrupted.
    """
    with stop_on_signals() as stop:
        click.echo(text, nl=False, err=True)
        line = _read_line(stop.event.is_set)
    if not line:
        _end_line()
    if stop.signal:
        raise build_interruption(f"nothing was written, because {_INTERRUPTION}", stop.signal)
    if not line:
        raise NotConfirmed("nothing was written, because the question has no answer")
    return line.strip()


def build_interruption(message: str, number: int) -> Interrupted:
    """Show why the command ended, if the terminal still exists, and return the error for a signal."""
    with suppress(OSError):
        print_error(message)
    return Interrupted(number)


def _end_line() -> None:
    """End the line of a question without an answer, if the terminal still exists. An answer ends the line itself."""
    with suppress(OSError):
        click.echo(err=True)


def _read_line(is_stopped: Callable[[], bool], time_limit: timedelta = timedelta.max) -> str | None:
    """Return the next line of the terminal. Empty at its end, and None after a signal or the time limit.

    A closed terminal counts as its end. The terminal is polled, because a blocking read would miss a signal that
    arrives just before it.
    """
    terminal = sys.stdin.fileno()
    end = time.monotonic() + time_limit.total_seconds()
    while not is_stopped() and time.monotonic() < end:
        if select.select([terminal], [], [], _POLL_SECONDS)[0]:
            try:
                return os.read(terminal, 4096).decode(errors="replace")
            except OSError:  # the error of Linux for a closed terminal
                return ""
    return None


def _describe_refusal(answer: str | None, is_stopped: Callable[[], bool], time_limit: timedelta) -> str:
    if answer is not None:
        return f"the answer was not {ANSWER}"
    if is_stopped():
        return _INTERRUPTION
    minutes = round(time_limit.total_seconds() / 60)
    return f"nobody answered within {minutes} minutes (with --yes, a run does not ask)"
