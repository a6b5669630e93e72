"""The controller as a process: until a signal asks for a stop, and all that happens told in the log."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from random import SystemRandom

import click

from reconciler import __version__
from reconciler.cli.address import Address
from reconciler.cli.choices import Choices
from reconciler.cli.deadline import Deadline
from reconciler.cli.followed import Folder, Repository
from reconciler.cli.listening import Secret, listening
from reconciler.cli.notifying import notifying
from reconciler.cli.session import begin
from reconciler.cli.signals import Stop, stop_on_signals
from reconciler.cli.source import Source
from reconciler.cli.told import Told
from reconciler.cli.wiring import Passes, surroundings
from reconciler.controller.clock_jumps import Jumps
from reconciler.controller.controller import LOOK, Act, Controller, Means, Times
from reconciler.controller.revisions import Following
from reconciler.controller.scheduler import Timing
from reconciler.core.controller.status import UnderWay
from reconciler.core.errors import Stopped
from reconciler.core.model import Desired
from reconciler.core.report.report import Report
from reconciler.edge import git, logs
from reconciler.edge.clock import SystemClock, new_id
from reconciler.edge.metrics import Metrics
from reconciler.edge.scheduler import Timetable

_GLANCE = 1.0
"""Seconds from one look at the clock to the next."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Where the controller is shown, and the template of links to manifests, if any."""

    address: Address
    manifest_url: str | None


def keep_on(source: Source, choices: Choices, times: Times, grace: float, shown: Shown | None) -> int:
    """Reconcile again and again until a signal asks for a stop; return 0 then."""
    if "-" in source.files:
        raise click.UsageError("-f -: standard input can be read once; give the controller a file or a folder")
    begin(choices)
    git.sweep()
    clock, timetable, metrics, secret = SystemClock(), Timetable(LOOK), Metrics(__version__), Secret()
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals(hangup_ends=False))
        deadline = stack.enter_context(closing(Deadline(stop.asked, grace)))
        stack.callback(_stopped, deadline)  # last of all that may hang
        stack.enter_context(surroundings(choices))
        named, new = choices.targets, choices.new_state
        followed = Folder(source, named, new) if source.url is None else Repository(source, named, stop.asked, new)
        passes = Passes(choices, stop.asked, metrics)
        tidings = stack.enter_context(notifying(choices, source.places, times.heartbeat, metrics))
        means = Means(
            act_of(passes, stop),
            Told(metrics, tidings.poke, source.places),
            Timing(timetable, clock, SystemRandom().random),
            new_id,
        )
        controller = Controller(Following(followed, clock), means, times)
        deadline.under_way = lambda: [lane.target for lane in controller.board().lanes if lane.running]
        metrics.show(controller.board)
        tidings.begin(controller.board)
        _started(source, choices, times)
        if shown:
            from reconciler.web.app import Views, application
            from reconciler.web.webhooks import Hooks

            views = Views(
                controller.board, metrics.text, times.patience, lambda: timetable.running, stop.asked.is_set,
                shown.manifest_url,
            )  # fmt: skip
            watched = None if source.url is None else source.ref
            hooks = Hooks(secret, watched, controller.look, controller.run_all, metrics.hooked)
            stack.enter_context(listening(application(views, hooks), shown.address))
        gc.freeze()  # what is there stays: it need not be looked through after each run
        timetable.start()
        controller.start()
        _until_stopped(controller, stop, clock)
        controller.close()
        timetable.shut_down()
        deadline.code = 0
    return 0


def _started(source: Source, choices: Choices, times: Times) -> None:
    logs.logger().info(
        logs.CONTROLLER_STARTED,
        source=list(source.places),
        interval=times.interval.total_seconds(),
        poll=times.looking.total_seconds(),
        dryRun=choices.dry_run,
    )


def _stopped(deadline: Deadline) -> None:
    if deadline.code == 0:
        logs.logger().info(logs.CONTROLLER_STOPPED)


def act_of(passes: Passes, stop: Stop) -> Act:
    """Return what runs one target, and leaves nothing behind but its report."""

    def act(run: UnderWay, desired: Desired, got_on: Callable[[], None]) -> Report:
        only = replace(desired, targets=tuple(each for each in desired.targets if each.name == run.target))
        try:
            report = passes.run(only, run.run, run.revision, lambda *_: got_on())
        finally:
            gc.collect()  # boto3's clients are in cycles: Python would let those of a hundred runs pile up
        if stop.asked.is_set() and all(each.error and not each.tried for each in report.targets):
            raise Stopped("a stop was asked for")
        return report

    return act


def _until_stopped(controller: Controller, stop: Stop, clock: SystemClock) -> None:
    """Return when a stop is asked for. Where the clock is set, all is planned anew: the timetable goes by it."""
    jumps = Jumps(clock)
    while not stop.asked.is_set():
        heard = stop.heard(_GLANCE)
        controller.watch()
        if heard == signal.SIGHUP:
            logs.logger().info(logs.RUN_ASKED, by="SIGHUP")
            controller.run_all()
        if jump := jumps.since():
            logs.logger().warning(logs.CLOCK_JUMPED, seconds=round(jump, 1))
            controller.clock_set()
