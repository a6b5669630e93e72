"""Find what a receiver does not know yet: problems that began, changed or ended, and events. Build its summary.

An association that waits, is held or could not be reconciled is neither a problem nor a recovery. A held write that
makes the exit code of a run 1 is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.notifications.completions import collect_marks, find_new_completions
from reconciler.core.notifications.conditions import RESTART_MARK, is_milder_form
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.kinds import Kind, find_kind
from reconciler.core.notifications.snapshots import OUTAGE_TOLERANCE, SOURCE, TargetEvents, TargetSnapshot
from reconciler.core.notifications.state import Condition, NotificationState, OpenAlert, Subject, TargetAlerts
from reconciler.core.notifications.unmanaged import find_new_unmanaged, record_first_unmanaged
from reconciler.core.notifications.writes import find_new_writes, record_earlier_writes
from reconciler.core.shards import Shard


@dataclass(frozen=True, slots=True)
class Notification:
    """A change or an event to notify a receiver of: the finding, and the condition that it replaces, if any."""

    finding: Finding
    ended_condition: Condition | None = None

    @property
    def kind(self) -> Kind:
        """The kind, by which a receiver chooses. A recovery has the kind of a problem."""
        return find_kind(self.finding.condition)


@dataclass(frozen=True, slots=True)
class Summary:
    """The periodic summary: open problems, the number of waiting subjects, and targets without a recent success.

    `overdue_targets` are pairs of a target and its last success. `is_source_unread` means that the manifests were not
    read within the interval, although no revision was rejected. `source_read_at` is the time of the last read.
    `may_be_empty` is true for a shard, which may have no targets. Unmanaged associations are counted, and no problem.
    """

    at: datetime
    open_notifications: tuple[Notification, ...]
    waiting_count: int
    overdue_targets: tuple[tuple[str, datetime | None], ...]
    association_count: int
    target_count: int
    is_source_unread: bool = False
    source_read_at: datetime | None = None
    may_be_empty: bool = False
    unmanaged_count: int = 0

    @property
    def lacks_targets(self) -> bool:
        """True if there are no targets, although there should be some."""
        return not self.target_count and not self.may_be_empty

    @property
    def is_well(self) -> bool:
        """True if no target is missing, and nothing is wrong or waits."""
        return not self.lacks_targets and not (
            self.open_notifications or self.overdue_targets or self.waiting_count or self.is_source_unread
        )


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
        open_alerts = dict(previous_alerts.alerts)
        notifications += _apply_snapshot(open_alerts, snapshot)
        findings, alerts = _find_new_events(replace(previous_alerts, alerts=open_alerts), snapshot.events)
        notifications += map(Notification, findings)
        if alerts != previous_alerts:
            targets[name] = replace(alerts, at=snapshot.at)
    return tuple(notifications), replace(state, targets=targets)


def record_first_look(
    state: NotificationState, snapshots: Mapping[str, TargetSnapshot], since: datetime | None = None
) -> NotificationState:
    """Return the state with the earlier events of each target that is new to the receiver.

    A receiver is not notified of what was completed, written or unmanaged before the first report. The writes of the
    reported run and those after `since` are news nevertheless, because a quick second run may replace the first report.
    """
    targets = dict(state.targets)
    for name, snapshot in snapshots.items():
        alerts, events = targets.get(name, TargetAlerts(snapshot.at, {})), snapshot.events
        if events is None or snapshot.at < alerts.at:
            continue
        known = replace(
            alerts,
            completions=collect_marks(events.completions) if alerts.completions is None else alerts.completions,
            writes=record_earlier_writes(events.writes, since or snapshot.at)
            if alerts.writes is None
            else alerts.writes,
            unmanaged=alerts.unmanaged or record_first_unmanaged(events.unmanaged),
        )
        if known != alerts:
            targets[name] = replace(known, at=snapshot.at)
    return replace(state, targets=targets)


def _find_new_events(alerts: TargetAlerts, events: TargetEvents | None) -> tuple[list[Finding], TargetAlerts]:
    """Return the findings of the events that the receiver does not know, and its alerts with them."""
    if events is None or alerts.completions is None or alerts.writes is None or alerts.unmanaged is None:
        return [], alerts  # only a look that `record_first_look` has not seen
    new_unmanaged, unmanaged = find_new_unmanaged(alerts.unmanaged, events.unmanaged)
    new_writes, writes = find_new_writes(alerts.writes, events.writes)
    new_completions, completions = find_new_completions(alerts.completions, events.completions)
    findings = [*new_unmanaged, *new_writes, *new_completions]
    return findings, replace(alerts, completions=completions, writes=writes, unmanaged=unmanaged)


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
    state: NotificationState,
    status: ControllerStatus,
    snapshots: Mapping[str, TargetSnapshot],
    interval: timedelta,
    shard: Shard | None = None,
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
        may_be_empty=shard is not None,
        unmanaged_count=sum(len(each.events.unmanaged.findings) for each in snapshots.values() if each.events),
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
