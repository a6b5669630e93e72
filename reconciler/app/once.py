"""One run of all targets: check the configuration, read the manifests, run, and log the report."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from reconciler.app.assemble import RunListener, Runner, open_sandbox_if_requested
from reconciler.app.config import RunConfig
from reconciler.app.selection import select_configured_targets
from reconciler.app.sources import Source
from reconciler.app.stop_signal import StopSignal
from reconciler.core.errors import UsageError
from reconciler.core.model import Desired
from reconciler.core.ports import Progress
from reconciler.core.redaction.invalid_settings import list_credential_flaws, list_setting_flaws
from reconciler.core.report.report import Report, RunInfo, TargetReport
from reconciler.edge import logs
from reconciler.edge.clock import generate_id

_SAFE_SETTLE_TIME = timedelta(minutes=10)
"""Shortest settle time without a warning. A request is valid for 5 minutes after its signature, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal of the person who waits for a run: the display of progress, and the question before writes.

    `hide_progress` removes the display until the next progress. `confirm` gets the report of a dry run before the first
    write, and raises NotConfirmed to write nothing. None asks nothing.
    """

    progress: Progress
    hide_progress: Callable[[], None]
    confirm: Callable[[Report], None] | None = None


def run_once(
    desired: Desired,
    revision: str | None,
    config: RunConfig,
    stop: StopSignal,
    terminal: Terminal,
) -> Report:
    """Reconcile once and return the report. Raises UsageError, SetupError, CloudError and NotConfirmed."""
    with open_sandbox_if_requested(config):
        runner = Runner(config, stop.event, confirm=terminal.confirm)
        targets = select_configured_targets(desired, config)
        logs.log_empty_shard(targets)
        run, lock, logged_targets = generate_id(), threading.Lock(), set[str]()

        def log_target(info: RunInfo, target: TargetReport, *, is_rejected: bool = False) -> None:
            with lock:
                terminal.hide_progress()
                is_saved = not (info.dry_run or is_rejected)
                logs.log_target(info, target, is_alone=len(targets.targets) == 1, is_saved=is_saved)
                logged_targets.add(target.name)

        report = runner.run(targets, run, config.revision or revision, RunListener(terminal.progress, log_target))
    for target in report.targets:  # those that a rejected plan has not run
        if target.name not in logged_targets:
            log_target(report.run, target, is_rejected=True)
    logs.log_run(report)
    return report


def read_manifests(source: Source) -> tuple[Desired, str | None]:
    """Return the desired state and its commit, if any, and log warnings. Raises InvalidManifests and GitError."""
    desired, revision = source.read()
    logs.log_desired(desired, revision, source.places)
    return desired, revision


def prepare(config: RunConfig, *, is_brief: bool = False) -> None:
    """Check the configuration and the environment, and send logs to standard error. Raises UsageError."""
    config.check()
    _refuse_invalid_settings(
        config.settings.environment, should_check_aws=not config.is_simulated and config.profile is None
    )
    threading.excepthook, sys.unraisablehook = logs.log_thread_failure, logs.log_unraisable
    fields = {"shard": str(config.shard)} if config.shard else None
    logs.configure(sys.stderr, has_colors=config.settings.can_show_colors, is_brief=is_brief, fields=fields)
    if config.options.settle_time < _SAFE_SETTLE_TIME:
        risk = "a Create without an answer may be repeated before List shows its association: use 15m or more"
        seconds = config.options.settle_time.total_seconds()
        logs.get_logger().warning(logs.events.SETTLE_TIME_SHORT, seconds=seconds, risk=risk)


def warn_of_missing_state(config: RunConfig) -> None:
    """Log a warning for a dry run in CI without --state, because a run that creates would be refused there."""
    if config.dry_run and config.settings.is_ci and not config.state and not config.sandbox:
        risk = "in CI, a run that may create is refused without --state: use --state or RECONCILER_STATE"
        logs.get_logger().warning(logs.events.NO_STATE, risk=risk)


def _refuse_invalid_settings(environment: Mapping[str, str], *, should_check_aws: bool) -> None:
    """Raise UsageError for invalid variables. AWS credentials are checked only if `should_check_aws`."""
    if flaws := [*list_setting_flaws(environment), *(list_credential_flaws(environment) if should_check_aws else ())]:
        raise UsageError("; ".join(flaws))
