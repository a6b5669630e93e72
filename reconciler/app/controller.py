"""The controller as a process: build it, serve it, and run it until a signal stops it."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from random import SystemRandom

from reconciler import __version__
from reconciler.app.assemble import Runner, sandbox_if_requested
from reconciler.app.config import RunConfig
from reconciler.app.events import LogAndMetrics
from reconciler.app.http import Address, WebhookSecret, serve_http
from reconciler.app.notifications import notify_while_running
from reconciler.app.once import prepare
from reconciler.app.shutdown import ShutdownTimer
from reconciler.app.sources import FolderSource, GitSource, Source
from reconciler.app.stop_signal import StopSignal, stop_on_signals
from reconciler.controller.clock_jumps import Jumps
from reconciler.controller.controller import LOOK, Act, Controller, Means, Times
from reconciler.controller.revisions import Following
from reconciler.controller.scheduler import Timing
from reconciler.core.controller.status import ActiveRun
from reconciler.core.errors import StopRequested, UsageError
from reconciler.core.model import Desired
from reconciler.core.report.report import Report
from reconciler.edge import git, logs
from reconciler.edge.clock import SystemClock, generate_id
from reconciler.edge.metrics import Metrics
from reconciler.edge.scheduler import ThreadScheduler

_WATCH_INTERVAL = 1.0
"""Seconds between two looks at the clock and at runs that make no progress."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Where the page, probes, metrics and webhooks are served, and the template of links to manifests."""

    address: Address
    manifest_url: str | None


def run_controller(
    source: Source, config: RunConfig, times: Times, shutdown_timeout: timedelta, http: HttpOptions | None
) -> None:
    """Reconcile again and again until a signal stops the process. Raises UsageError and SetupError."""
    if "-" in source.files:
        raise UsageError("-f -: standard input can be read once; give the controller a file or a folder")
    prepare(config)
    git.sweep()
    clock, timetable, metrics, secret = SystemClock(), ThreadScheduler(LOOK), Metrics(__version__), WebhookSecret()
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals(hangup_ends=False))
        shutdown = stack.enter_context(closing(ShutdownTimer(stop.requested, shutdown_timeout.total_seconds())))
        stack.callback(_log_stopped, shutdown)  # last of everything that may hang
        stack.enter_context(sandbox_if_requested(config))
        tidings = stack.enter_context(notify_while_running(config, source.places, times.heartbeat, metrics))
        means = Means(
            run_target(Runner(config, stop.requested, metrics), stop),
            LogAndMetrics(metrics, tidings.poke, source.places),
            Timing(timetable, clock, SystemRandom().random),
            generate_id,
        )
        controller = Controller(Following(_watched(source, config, stop), clock), means, times)
        shutdown.active_targets = lambda: [lane.target for lane in controller.board().targets if lane.running_since]
        metrics.show_status(controller.board)
        tidings.begin(controller.board)
        _log_started(source, config, times)
        if http:
            from reconciler.web.app import Views, application
            from reconciler.web.webhooks import Hooks

            views = Views(
                controller.board, metrics.render, times.patience, lambda: timetable.is_running, stop.requested.is_set,
                http.manifest_url,
            )  # fmt: skip
            ref = None if source.url is None else source.ref
            hooks = Hooks(secret, ref, controller.look, controller.run_all, metrics.count_webhook)
            stack.enter_context(serve_http(application(views, hooks), http.address))
        gc.freeze()  # what exists now stays: it need not be searched after each run
        timetable.start()
        controller.start()
        _watch_until_stopped(controller, stop, clock)
        controller.close()
        timetable.shut_down()
        shutdown.exit_code = 0


def _watched(source: Source, config: RunConfig, stop: StopSignal) -> FolderSource | GitSource:
    if source.url is None:
        return FolderSource(source, config.targets, config.new_state)
    return GitSource(source, config.targets, stop.requested, config.new_state)


def _log_started(source: Source, config: RunConfig, times: Times) -> None:
    logs.get_logger().info(
        logs.CONTROLLER_STARTED,
        source=list(source.places),
        interval=times.interval.total_seconds(),
        poll=times.looking.total_seconds(),
        dryRun=config.dry_run,
    )


def _log_stopped(shutdown: ShutdownTimer) -> None:
    if shutdown.exit_code == 0:
        logs.get_logger().info(logs.CONTROLLER_STOPPED)


def run_target(runner: Runner, stop: StopSignal) -> Act:
    """Return the function that runs one target and leaves nothing behind but its report."""

    def act(run: ActiveRun, desired: Desired, got_on: Callable[[], None]) -> Report:
        only = replace(desired, targets=tuple(each for each in desired.targets if each.name == run.target))
        try:
            report = runner.run(only, run.run, run.revision, lambda *_: got_on())
        finally:
            gc.collect()  # boto3's clients are in cycles: Python would let those of a hundred runs pile up
        if stop.requested.is_set() and all(each.error and not each.has_attempted_writes for each in report.targets):
            raise StopRequested("a stop was asked for")
        return report

    return act


def _watch_until_stopped(controller: Controller, stop: StopSignal, clock: SystemClock) -> None:
    """Return when a stop is requested. If the clock is set, plan everything again: the timetable goes by it."""
    jumps = Jumps(clock)
    while not stop.requested.is_set():
        received = stop.next(_WATCH_INTERVAL)
        controller.watch()
        if received == signal.SIGHUP:
            logs.get_logger().info(logs.RUN_REQUESTED, by="SIGHUP")
            controller.run_all()
        if jump := jumps.since():
            logs.get_logger().warning(logs.CLOCK_JUMPED, seconds=round(jump, 1))
            controller.clock_set()
