"""Find what a receiver does not know yet: problems that began, changed or ended, and events. Build its summary.

An association that waits, is held or could not be reconciled is neither a problem nor a recovery. A held write that
makes the exit code of a run 1 is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus
from reconciler.core.notifications.completions import (
    Completion,
    collect_marks,
    find_new_completions,
    list_completions,
)
from reconciler.core.notifications.conditions import (
    RESTART_MARK,
    build_mark,
    describe_cause,
    find_condition,
    find_export_condition,
    find_mark,
    is_milder_form,
    waits_after_failure,
)
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.state import Condition, NotificationState, OpenAlert, Subject, TargetAlerts
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import TargetReport

SOURCE = ""
"""The key of the source of the manifests, among the names of targets."""
OUTAGE_TOLERANCE = timedelta(minutes=10)
"""Time without access to the source, or without reports after a start, before receivers are notified of it."""
_MIN_FAILURES = 2
"""Failures in a row after which receivers are notified. The first failure is retried within a minute."""


@dataclass(frozen=True, slots=True)
class TargetSnapshot:
    """The findings about one target at a time.

    If `is_complete` is False, an association without a finding may still be in git. `completions` are the completed
    exports, or None if this look does not show them.
    """

    at: datetime
    findings: Mapping[Subject, Finding]
    is_complete: bool = True
    completions: tuple[Completion, ...] | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A change or an event to notify a receiver of: the finding, and the condition that it replaces, if any."""

    finding: Finding
    ended_condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The periodic summary: open problems, the number of waiting subjects, and targets without a recent success.

    `overdue_targets` are pairs of a target and its last success. `is_source_unread` means that the manifests were not
    read within the interval, although no revision was rejected. `source_read_at` is the time of the last read.
    """

    at: datetime
    open_notifications: tuple[Notification, ...]
    waiting_count: int
    overdue_targets: tuple[tuple[str, datetime | None], ...]
    association_count: int
    target_count: int
    is_source_unread: bool = False
    source_read_at: datetime | None = None

    @property
    def is_well(self) -> bool:
        """True if there are targets, and nothing is wrong or waits."""
        return bool(self.target_count) and not (
            self.open_notifications or self.overdue_targets or self.waiting_count or self.is_source_unread
        )


def snapshot_targets(status: ControllerStatus) -> dict[str, TargetSnapshot]:
    """Return the snapshots of the source and of the targets. A target without a report has none."""
    snapshots = {
        target.target: _snapshot_target(target, target.last_report.targets[0], target.last_report.run.finished_at)
        for target in status.targets
        if target.last_report
    }
    source = _snapshot_source(status)
    return {SOURCE: source, **snapshots} if source else snapshots


def find_changes(
    state: NotificationState, snapshots: Mapping[str, TargetSnapshot]
) -> tuple[tuple[Notification, ...], NotificationState]:
    """Return the notifications for a receiver, and its notification state after their delivery."""
    notifications: list[Notification] = []
    targets = dict(state.targets)
    for name, snapshot in snapshots.items():
        previous_alerts = targets.get(name, TargetAlerts(snapshot.at, {}))
        if snapshot.at < previous_alerts.at:
            continue  # another controller has sent the result of a later run
        open_alerts, completions = dict(previous_alerts.alerts), previous_alerts.completions
        notifications += _apply_snapshot(open_alerts, snapshot)
        if completions is not None:
            findings, completions = find_new_completions(completions, snapshot.completions or ())
            notifications += map(Notification, findings)
        alerts = replace(previous_alerts, alerts=open_alerts, completions=completions)
        if alerts != previous_alerts:
            targets[name] = replace(alerts, at=snapshot.at)
    return tuple(notifications), replace(state, targets=targets)


def record_earlier_completions(state: NotificationState, snapshots: Mapping[str, TargetSnapshot]) -> NotificationState:
    """Return the state with the completed exports of each target that is new to the receiver.

    A receiver is not notified of what was completed before the first report.
    """
    targets = dict(state.targets)
    for name, snapshot in snapshots.items():
        alerts = targets.get(name, TargetAlerts(snapshot.at, {}))
        if alerts.completions is None and snapshot.completions is not None and snapshot.at >= alerts.at:
            targets[name] = replace(alerts, at=snapshot.at, completions=collect_marks(snapshot.completions))
    return replace(state, targets=targets)


def drop_removed_targets(state: NotificationState, status: ControllerStatus) -> NotificationState:
    """Return the state without the alerts of targets that were removed from git. Completed exports stay known.

    If such a target returns, receivers are notified of its problems again.
    """
    if not status.targets:
        return state  # the manifests have not been read yet
    names = {SOURCE, *(target.target for target in status.targets)}
    removed = {
        name: replace(each, at=status.now, alerts={})
        for name, each in state.targets.items()
        if each.alerts and name not in names
    }
    return replace(state, targets={**state.targets, **removed})


def build_summary(
    state: NotificationState, status: ControllerStatus, snapshots: Mapping[str, TargetSnapshot], interval: timedelta
) -> Summary | None:
    """Return the summary if one is due, else None. If `interval` is 0, no summary is ever due.

    The first summary is due once all targets have a report, or after OUTAGE_TOLERANCE.
    """
    now = status.now
    if not interval or (state.last_summary and now - state.last_summary < interval):
        return None
    is_known = status.targets and all(target.last_report for target in status.targets)
    if not is_known and now - status.started_at < OUTAGE_TOLERANCE:
        return None
    findings = [each for snapshot in snapshots.values() for each in snapshot.findings.values()]
    return Summary(
        now,
        tuple(Notification(each) for each in findings if each.condition.is_wrong),
        sum(_is_waiting(subject, each) for look in snapshots.values() for subject, each in look.findings.items()),
        tuple(
            (target.target, target.last_success)
            for target in status.targets
            if not _is_recent(target.last_success, now - interval)
        ),
        len({(each.target, each.name) for each in findings if each.name}),
        len(status.targets),
        is_source_unread=status.rejected_revision is None and not _is_recent(status.source_checked_at, now - interval),
        source_read_at=status.source_checked_at,
    )


def _is_recent(time: datetime | None, since: datetime) -> bool:
    return time is not None and time >= since


def _is_waiting(subject: Subject, finding: Finding) -> bool:
    """Return whether a subject waits. A running export does not count as waiting."""
    return finding.condition is Condition.UNCLEAR and not subject.is_export


def _apply_snapshot(open_alerts: dict[Subject, OpenAlert], snapshot: TargetSnapshot) -> Iterator[Notification]:
    """Yield the notifications about one target, and update its open alerts."""
    if snapshot.is_complete:
        for subject in open_alerts.keys() - snapshot.findings.keys():
            del open_alerts[subject]  # its manifest was removed from git
    for subject, finding in snapshot.findings.items():
        previous_alert, alert = open_alerts.get(subject), OpenAlert(finding.condition, finding.mark)
        if previous_alert and is_milder_form(alert, previous_alert):
            continue
        if finding.condition.is_wrong and alert != previous_alert:
            open_alerts[subject] = alert
            yield Notification(finding, previous_alert.condition if previous_alert else None)
        elif finding.condition is Condition.WELL and previous_alert:
            del open_alerts[subject]
            yield Notification(finding, previous_alert.condition)
        elif finding.mark == RESTART_MARK and previous_alert:
            open_alerts[subject] = replace(previous_alert, mark=RESTART_MARK)


def _snapshot_source(status: ControllerStatus) -> TargetSnapshot | None:
    """Return the snapshot of the source, or None before the first read. A short outage is not a problem."""
    rejected = status.rejected_revision
    if rejected is None:
        return (
            TargetSnapshot(status.source_checked_at, {Subject(): Finding("", Condition.WELL)})
            if status.source_checked_at
            else None
        )
    is_read = status.source_checked_at is not None and status.source_checked_at >= rejected.since
    condition = Condition.REFUSED if is_read or status.now - rejected.since >= OUTAGE_TOLERANCE else Condition.UNCLEAR
    message = "; ".join(map(str, rejected.problems)) or rejected.reason
    mark = build_mark(str(is_read), *map(str, rejected.problems))
    return TargetSnapshot(rejected.since, {Subject(): Finding("", condition, message=message, mark=mark)})


def _snapshot_target(status: TargetStatus, report: TargetReport, at: datetime) -> TargetSnapshot:
    """Return the snapshot of a target. After a failed run it has no findings about associations.

    It has no findings about retired associations either, so that open alerts about them end without a notification.
    """
    place = " ".join(filter(None, (report.name, report.account, report.region)))
    if report.error is not None:
        condition = Condition.TARGET_FAILED if status.failures >= _MIN_FAILURES else Condition.UNCLEAR
        return TargetSnapshot(at, {Subject(): Finding(place, condition, message=report.error)}, is_complete=False)
    condition = Condition.UNLISTED if report.unlisted else Condition.WELL
    message = "; ".join(f"{report.format_integration(arn)}: {reason}" for arn, reason in report.unlisted)
    findings = {Subject(): Finding(place, condition, message=message)}
    completions = tuple(each for association in report.associations for each in list_completions(place, association))
    for each in report.associations:
        if each.decision is DecisionKind.RETIRED:
            continue
        finding = Finding(
            place,
            find_condition(each, is_listed=not report.unlisted),
            each.name,
            str(each.origin),
            each.arn or "",
            describe_cause(each),
        )
        finding = replace(finding, mark=find_mark(each, finding.condition))
        findings[Subject(each.name)] = finding
        condition, mark = find_export_condition(each)
        message = finding.message if waits_after_failure(each) else ""
        findings[Subject(each.name, is_export=True)] = replace(finding, condition=condition, message=message, mark=mark)
    return TargetSnapshot(at, findings, completions=completions)
