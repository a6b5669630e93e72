"""The controller as a process: passes until a signal asks for a stop, and every one of them told in the log."""

from __future__ import annotations

import click

from reconciler.cli.choices import Choices
from reconciler.cli.session import begin, read, stop_on_signals
from reconciler.cli.source import Source
from reconciler.cli.wiring import Passes, surroundings
from reconciler.controller import Controller
from reconciler.core.errors import InvalidManifests
from reconciler.edge import logs, timer
from reconciler.edge.system import SystemClock


def keep_on(files: tuple[str, ...], choices: Choices, interval: float, grace: float) -> int:
    """Reconcile again and again until a signal asks for a stop; return 0 then."""
    if "-" in files:
        raise click.UsageError("-f -: standard input can be read once; give the controller a file or a folder")
    begin(choices)
    source = Source(files, None, "", "")
    log = logs.logger()

    def refused(error: InvalidManifests, earlier_in_force: bool) -> None:  # noqa: FBT001 - a callback
        for problem in error.problems:
            log.error(logs.MANIFEST_INVALID, problem=str(problem))
        log.error(logs.REVISION_REFUSED, error=str(error), earlierRevisionInForce=earlier_in_force)

    with surroundings(choices), stop_on_signals() as stop:
        passes = Passes(choices, stop.asked)
        controller = Controller(
            load=lambda: read(source)[0],
            reconcile=lambda desired: passes.run(desired, lambda *_: None),
            reported=logs.log_report,
            refused=refused,
        )

        def turn() -> None:
            try:
                controller.turn()
            except click.UsageError as error:
                log.error(logs.PASS_FAILED, error=error.message)  # noqa: TRY400 - what a person mistyped has no traceback
            except Exception as error:
                log.exception(logs.PASS_FAILED, error=f"{type(error).__name__}: {error}")

        log.info(logs.CONTROLLER_STARTED, interval=interval, files=list(files))
        timer.repeat(turn, interval, SystemClock().now(), stop.asked, grace)
    log.info(logs.CONTROLLER_STOPPED)
    return 0
