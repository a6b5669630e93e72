"""The controller as a process: build it, serve it, and run it until a signal stops it."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom

from reconciler import __version__
from reconciler.app.assemble import RunListener, Runner, open_sandbox_if_requested
from reconciler.app.collection import GarbageCollection
from reconciler.app.config import RunConfig
from reconciler.app.create_bounds import RevisionBounds
from reconciler.app.events import EventRecorder
from reconciler.app.http import Address, WebhookSecret, serve_http
from reconciler.app.notifications import notify_while_running
from reconciler.app.once import prepare
from reconciler.app.polled_sources import FolderSource, GitSource
from reconciler.app.run_history import keep_history
from reconciler.app.shutdown import ShutdownTimer
from reconciler.app.sources import Source
from reconciler.app.stop_signal import StopSignal, stop_on_signals
from reconciler.controller.clock_jumps import ClockJumpDetector
from reconciler.controller.controller import POLL_TASK, Controller
from reconciler.controller.dependencies import Dependencies, Intervals, RunTarget
from reconciler.controller.revisions import RevisionTracker
from reconciler.controller.scheduler import SchedulerContext
from reconciler.core.controller.controller_status import ActiveRun
from reconciler.core.errors import STOPPED, StopRequested, UsageError
from reconciler.core.model import Desired
from reconciler.core.report.report import Report
from reconciler.edge import git, logs
from reconciler.edge.clock import SystemClock, generate_id
from reconciler.edge.metrics import Metrics
from reconciler.edge.scheduler import ThreadScheduler

_CHECK_INTERVAL = 1.0
"""Seconds between two checks for clock jumps and for runs without progress."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """The address of the page, probes, metrics and webhooks, and the template of links to manifests."""

    address: Address
    manifest_url: str | None


def run_controller(
    source: Source, config: RunConfig, intervals: Intervals, shutdown_timeout: timedelta, http: HttpOptions | None
) -> None:
    """Reconcile periodically until a signal stops the process. Raises UsageError and SetupError."""
    if "-" in source.files:
        raise UsageError("-f -: standard input can only be read once: give the controller a file or a folder")
    prepare(config)
    git.sweep()
    clock, scheduler, metrics, secret = (
        config.create_clock(),
        ThreadScheduler(POLL_TASK, clock_offset=config.clock_offset),
        Metrics(__version__, config.shard),
        WebhookSecret(config.settings),
    )
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals(should_stop_on_hangup=False))
        shutdown = stack.enter_context(closing(ShutdownTimer(stop.event, shutdown_timeout.total_seconds())))
        stack.callback(_log_stop, shutdown)  # called after everything that may hang
        stack.enter_context(open_sandbox_if_requested(config))
        notification_thread = stack.enter_context(
            notify_while_running(config, source.places, intervals.summary_interval, metrics)
        )
        bounds, collection = RevisionBounds(config.options.max_creates_total), GarbageCollection(clock.monotonic)
        runner = Runner(config, stop.event, metrics)
        metrics.show_paces(runner.get_rates)
        dependencies = Dependencies(
            build_run_target(runner, stop, bounds, collection),
            EventRecorder(metrics, notification_thread.notify, source.places),
            SchedulerContext(scheduler, clock, SystemRandom().random),
            generate_id,
        )
        controller = Controller(
            RevisionTracker(_create_revision_source(source, config, stop), clock), dependencies, intervals
        )
        bounds.request_runs = controller.run_targets
        shutdown.list_active_targets = lambda: [
            each.target for each in controller.get_status().targets if each.running_since
        ]
        metrics.show_status(controller.get_status)
        notification_thread.start(controller.get_status)
        _log_start(source, config, intervals)
        scheduler.start()  # before HTTP is served: a probe must not find a scheduler that does not run
        if http:
            from reconciler.edge.manifests.schema import load_schema
            from reconciler.web.app import Views, build_application
            from reconciler.web.page.links import derive_templates
            from reconciler.web.webhooks import Webhooks

            manifest_url, commit_url = derive_templates(source.url or "")
            views = Views(
                controller.get_status,
                metrics.render,
                intervals.stuck_after,
                lambda: scheduler.is_running,
                stop.event.is_set,
                http.manifest_url or manifest_url,
                commit_url,
                {name: load_schema(f"{name}.v1.json") for name in ("controller", "report")},
                config.shard,
            )
            ref = None if source.url is None else source.ref
            webhooks = Webhooks(secret, ref, controller.poll, controller.run_all, metrics.count_webhook)
            stack.enter_context(serve_http(build_application(views, webhooks), http.address))
        stack.enter_context(keep_history(config, source.places, controller))
        gc.freeze()  # objects from the start-up stay, so the collections after runs can skip them
        controller.start()
        _check_until_stop(controller, stop, clock, collection)
        controller.close()
        scheduler.shut_down()
        shutdown.exit_code = 0


def _create_revision_source(source: Source, config: RunConfig, stop: StopSignal) -> FolderSource | GitSource:
    if source.url is None:
        return FolderSource(source, config.targets, config.new_state, config.selector, config.shard)
    return GitSource(source, config.targets, stop.event, config.new_state, config.selector, config.shard)


def _log_start(source: Source, config: RunConfig, intervals: Intervals) -> None:
    logs.get_logger().info(
        logs.events.CONTROLLER_STARTED,
        source=list(source.places),
        interval=intervals.run_interval.total_seconds(),
        pollInterval=intervals.poll_interval.total_seconds(),
        dryRun=config.dry_run,
    )


def _log_stop(shutdown: ShutdownTimer) -> None:
    if shutdown.exit_code == 0:
        logs.get_logger().info(logs.events.CONTROLLER_STOPPED)


def build_run_target(
    runner: Runner, stop: StopSignal, bounds: RevisionBounds, collection: GarbageCollection
) -> RunTarget:
    """Return a function that runs one target, has the memory of the run freed, and returns the report.

    The last of the targets that are looked at after a push resumes those whose creates waited. The function raises
    StopRequested if a stop ended the run before it had a result.
    """

    def run_target(run: ActiveRun, desired: Desired, on_progress: Callable[[], None]) -> Report:
        try:
            bound = bounds.get_bound(desired)
            target_desired, listener = desired.select_target(run.target), RunListener(lambda *_: on_progress())
            report = runner.run(target_desired, run.run, run.revision, listener, bound)
        finally:
            bounds.resume_waiting(desired)
            collection.record_run()  # boto3's clients form reference cycles
        if stop.event.is_set() and all(each.error and not each.has_attempted_writes for each in report.targets):
            raise StopRequested(STOPPED)
        return report

    return run_target


def _check_until_stop(
    controller: Controller, stop: StopSignal, clock: SystemClock, collection: GarbageCollection
) -> None:
    """Handle SIGHUP, stuck runs, clock jumps and the garbage of the last runs until a stop is requested."""
    clock_jumps = ClockJumpDetector(clock)
    while not stop.event.is_set():
        signal_number = stop.wait_for_signal(_CHECK_INTERVAL)
        controller.check_progress()
        collection.collect_if_due()
        if signal_number == signal.SIGHUP:
            logs.get_logger().info(logs.events.RUN_REQUESTED, by="SIGHUP")
            controller.run_all()
        if jump := clock_jumps.detect_jump():
            logs.get_logger().warning(logs.events.CLOCK_JUMPED, seconds=round(jump, 1))
            controller.handle_clock_jump()
