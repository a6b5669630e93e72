"""One pass as a process: manifests in, signals heeded, logs and reports out, an exit code at the end."""

from __future__ import annotations

import sys
import threading

import click

from reconciler import settings
from reconciler.cli import formats, output, progress
from reconciler.cli.choices import Choices
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.source import Source
from reconciler.cli.wiring import Passes, selected, surroundings
from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests.findings import Findings
from reconciler.core.model import Desired
from reconciler.core.redaction.invalid_settings import credential_flaws, setting_flaws
from reconciler.core.report.report import Report
from reconciler.core.text import harmless
from reconciler.edge import logs
from reconciler.edge.clock import new_id

_SETTLE_TIME_SAFE = 600
"""Seconds: a request is valid for 5 minutes after it was signed, and clocks differ."""


def once(source: Source, outputs: tuple[str, ...], choices: Choices) -> tuple[Report, int]:
    """Reconcile once, and return the report and, where a signal ended it, the exit code for that."""
    wanted = output.parse(outputs, formats.REPORT)
    begin(choices, brief=output.on_terminal(sys.stdout) and output.on_terminal(sys.stderr))
    if choices.dry_run and settings.read().ci and not choices.state and not choices.sandbox:
        said = "a run that may create is refused in CI: give --state or RECONCILER_STATE"
        logs.logger().warning(logs.NO_STATE, risk=said)
    try:
        desired, revision = read(source)
    except InvalidManifests as invalid:
        elsewhere = tuple(each for each in wanted if each.file or each.format != "text")  # the text goes to stderr
        found = Findings.wrong(invalid)
        for said in output.unwritten(found, elsewhere, formats.FINDINGS):
            click.echo(harmless(said), err=True)
        raise
    with surroundings(choices), stop_on_signals() as stop, progress.shown() as tell:
        passes = Passes(choices, stop.asked)
        report = passes.run(selected(desired, choices), new_id(), choices.revision or revision, tell)
    logs.log_report(report)
    output.write(report, wanted, formats.REPORT)
    return report, 128 + stop.signal if stop.signal else 0


def read(source: Source) -> tuple[Desired, str | None]:
    """Return the desired state and, from git, the commit; log its warnings. Raises InvalidManifests and GitError."""
    desired, revision = source.read()
    logs.log_desired(desired, revision, source.places)
    return desired, revision


def refuse_flaws(*, aws: bool) -> None:
    """Refuse variables that cannot be right, by name; those of `aws` where they count. Raises click.UsageError."""
    given = settings.environment()
    if wrong := [*setting_flaws(given), *(credential_flaws(given) if aws else ())]:
        raise click.UsageError("; ".join(wrong))


def begin(choices: Choices, *, brief: bool = False) -> None:
    """Check the choices, send logs to standard error, and say what is unwise. Raises click.UsageError."""
    choices.check()
    refuse_flaws(aws=not choices.dummy and choices.profile is None)
    here = settings.read()
    threading.excepthook, sys.unraisablehook = logs.thread_failed, logs.unraisable
    logs.configure(sys.stderr, color=not here.no_color and not here.dumb_terminal, brief=brief)
    if choices.settle_time < _SETTLE_TIME_SAFE:
        said = "a Create whose answer was lost may be repeated before List can show it"
        logs.logger().warning(logs.SETTLE_TIME_SHORT, seconds=choices.settle_time, risk=said)
