"""Log what a controller does, count it, and wake the notifications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from reconciler import redaction
from reconciler.core.controller.controller_status import ActiveRun, RejectedRevision, Revision, TargetStatus
from reconciler.core.errors import Problem
from reconciler.core.model import Desired
from reconciler.core.notifications.changes import find_changes, record_first_look
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.snapshots import snapshot_target
from reconciler.core.notifications.state import Condition, NotificationState
from reconciler.core.report.report import Report, RunInfo, TargetReport
from reconciler.edge import logs
from reconciler.edge.metrics import Metrics
from reconciler.edge.scheduler import MAX_CONCURRENT_JOBS

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class EventRecorder:
    """A recorder that logs and counts the events of a controller, and wakes the notifications by `notify`.

    `places` are the locations of the manifests.
    """

    def __init__(self, metrics: Metrics, notify: Callable[[], None], places: Sequence[str]) -> None:
        self._places = places
        self._log, self._metrics, self._notify = logs.get_logger(), metrics, notify
        self._live_warnings: dict[str, tuple[Problem, ...]] = {}
        self._log_states: dict[str, NotificationState] = {}

    def on_revision_activated(self, revision: Revision, desired: Desired) -> None:
        """Log that a revision became active, and its warnings."""
        self._log.info(logs.events.REVISION_ACTIVATED, revision=revision.id, manifests=revision.manifest_count)
        logs.log_desired(desired, revision.id, self._places)
        logs.log_empty_shard(desired)

    def on_revision_rejected(self, rejected_revision: RejectedRevision, active_revision: Revision | None) -> None:
        """Log why the latest revision was rejected, and which revision stays active."""
        for problem in rejected_revision.problems:
            self._log.error(logs.events.MANIFEST_INVALID, problem=str(problem))
        self._log.error(
            logs.events.REVISION_REJECTED,
            error=rejected_revision.reason,
            previousRevisionActive=active_revision is not None,
            activeRevision=active_revision.id if active_revision else None,
        )
        self._notify()

    def on_run_finished(self, report: Report) -> None:
        """Count and log a finished run."""
        self._metrics.count_run(report)
        logs.log_report(report)
        for target in report.targets:
            self._log_new_warnings(report.run, target)
            self._log_changes(report.run, target)
        self._notify()

    def _log_new_warnings(self, run: RunInfo, target: TargetReport) -> None:
        """Log the warnings that the last run of the target did not have. A failed run may not know them."""
        if target.error and not target.warnings:
            return
        known_warnings = set(self._live_warnings.get(target.name, ()))
        logs.log_live_warnings(run, target, [each for each in target.warnings if each not in known_warnings])
        self._live_warnings[target.name] = target.warnings

    def _log_changes(self, run: RunInfo, target: TargetReport) -> None:
        """Log what the last runs of the target did not show, as a receiver of notifications that has just been added.

        Calls and completed exports are in the log of the report.
        """
        snapshots = {target.name: snapshot_target(target, run.finished_at)}
        state = record_first_look(self._log_states.get(target.name, NotificationState()), snapshots)
        notifications, self._log_states[target.name] = find_changes(state, snapshots)
        target_log = self._log.bind(
            run=run.id, revision=run.revision, target=target.name, account=target.account, region=target.region
        )
        for each in notifications:
            _log_finding(target_log, each.finding)

    def on_unexpected_error(self, task_name: str, run: ActiveRun | None, error: Exception) -> None:
        """Log an unexpected error with its task, and with its run if it belongs to one."""
        message = f"{type(error).__name__}: {redaction.describe_error(error)}"
        self._bind_run(run).error(logs.events.UNEXPECTED_ERROR, what=task_name, error=message, exc_info=error)

    def on_run_stuck(self, target_status: TargetStatus) -> None:
        """Log that a run makes no progress, or does not start."""
        target_log = self._bind_run(target_status.active_run).bind(target=target_status.target)
        target_log.error(
            logs.events.RUN_STUCK, since=str(target_status.running_since), stalledSince=str(target_status.stalled_since)
        )

    def on_runs_waiting(self, target_names: Sequence[str]) -> None:
        """Log that targets are due, and wait for the runs of other targets to end."""
        self._log.warning(
            logs.events.RUNS_WAITING,
            targets=len(target_names),
            first=target_names[0],
            maxConcurrent=MAX_CONCURRENT_JOBS,
        )

    def _bind_run(self, run: ActiveRun | None) -> FilteringBoundLogger:
        return self._log.bind(**asdict(run)) if run else self._log


def _log_finding(log: FilteringBoundLogger, finding: Finding) -> None:
    """Log a failed export, an overdue window or a new unmanaged association. Ignore any other finding."""
    match finding.condition:
        case Condition.EXPORT_FAILED:
            log.error(logs.events.EXPORT_FAILED, **_get_fields(finding))
        case Condition.WINDOW_OVERDUE:
            log.warning(logs.events.WINDOW_OVERDUE, **_get_fields(finding))
        case Condition.UNMANAGED:
            log.warning(logs.events.UNMANAGED_APPEARED, name=finding.name, arn=finding.arn, reason=finding.message)
        case _:
            pass


def _get_fields(finding: Finding) -> dict[str, str | None]:
    return {
        "association": finding.name,
        "manifest": finding.manifest,
        "arn": finding.arn or None,
        "reason": finding.message or None,
    }
