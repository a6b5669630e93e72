"""Snapshots of the controller for receivers: the conditions and events that the last runs show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.controller.controller_status import ControllerStatus, Revision
from reconciler.core.notifications.completions import Completion, list_completions
from reconciler.core.notifications.conditions import (
    build_mark,
    describe_cause,
    find_condition,
    find_export_condition,
    find_mark,
    waits_after_failure,
)
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.state import Condition, Subject
from reconciler.core.notifications.unmanaged import UnmanagedLook, look_at_unmanaged
from reconciler.core.notifications.writes import CarriedOutWrite, list_writes
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import TargetReport

SOURCE = ""
"""The key of the source of the manifests, among the names of targets."""
OUTAGE_TOLERANCE = timedelta(minutes=10)
"""Time without access to the source, or without reports after a start, before receivers are notified of it."""
_MIN_FAILURES = 2
"""Failures in a row after which receivers are notified. The first failure is retried within a minute."""


@dataclass(frozen=True, slots=True)
class TargetEvents:
    """The events that one look at a target shows: completed exports, writes, and unmanaged associations."""

    completions: tuple[Completion, ...]
    writes: tuple[CarriedOutWrite, ...]
    unmanaged: UnmanagedLook


@dataclass(frozen=True, slots=True)
class TargetSnapshot:
    """The findings about one target at a time.

    If `is_complete` is False, an association without a finding may still be in git. `events` are None if this look does
    not show them.
    """

    at: datetime
    findings: Mapping[Subject, Finding]
    is_complete: bool = True
    events: TargetEvents | None = None


def snapshot_targets(status: ControllerStatus) -> dict[str, TargetSnapshot]:
    """Return the snapshots of the source and of the targets. A target without a report has none."""
    snapshots = {
        target.target: snapshot_target(
            target.last_report.targets[0], target.last_report.run.finished_at, target.failures
        )
        for target in status.targets
        if target.last_report
    }
    source = _snapshot_source(status)
    return {SOURCE: source, **snapshots} if source else snapshots


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
    reason = f"{rejected.reason}: {'; '.join(map(str, rejected.problems))}" if rejected.problems else rejected.reason
    message = f"{_describe_active_revision(status.revision)}; {reason}"
    mark = build_mark(str(is_read), *map(str, rejected.problems))
    return TargetSnapshot(rejected.since, {Subject(): Finding("", condition, message=message, mark=mark)})


def _describe_active_revision(revision: Revision | None) -> str:
    """Say what is reconciled while the latest revision is rejected or unknown."""
    if revision is None:
        return "no revision is active"
    active = f"commit {revision.id}, the last valid revision," if revision.id else "the last valid revision"
    return f"{active} stays active"


def snapshot_target(report: TargetReport, at: datetime, failures: int = 0) -> TargetSnapshot:
    """Return the snapshot of a target whose run ended at `at`. `failures` counts the failed runs in a row.

    After a failed run it has no findings about associations. It has no findings about retired associations either, so
    that open alerts about them end without a notification.
    """
    place = " ".join(filter(None, (report.name, report.account, report.region)))
    if report.error is not None:
        condition = Condition.TARGET_FAILED if failures >= _MIN_FAILURES else Condition.UNCLEAR
        return TargetSnapshot(at, {Subject(): Finding(place, condition, message=report.error)}, is_complete=False)
    condition = Condition.UNLISTED if report.unlisted else Condition.WELL
    message = "; ".join(f"{report.format_integration(arn)}: {reason}" for arn, reason in report.unlisted)
    findings = {Subject(): Finding(place, condition, message=message)}
    events = TargetEvents(
        tuple(each for association in report.associations for each in list_completions(place, association)),
        tuple(each for association in report.associations for each in list_writes(place, association, at)),
        look_at_unmanaged(place, report),
    )
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
    return TargetSnapshot(at, findings, events=events)
