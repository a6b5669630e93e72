"""Receivers are notified once of each problem, and once of each recovery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW, live
from support.recurring import AUGUST, HOUR, SEPTEMBER, build_job, build_recurring_record, build_windows

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.controller.controller_status import ControllerStatus, RejectedRevision, Revision, TargetStatus
from reconciler.core.errors import Problem
from reconciler.core.model import Execution, Origin
from reconciler.core.notifications.changes import (
    Summary,
    build_summary,
    drop_removed_targets,
    find_changes,
)
from reconciler.core.notifications.snapshots import OUTAGE_TOLERANCE, SOURCE, snapshot_targets
from reconciler.core.notifications.state import (
    Condition,
    NotificationState,
    OpenAlert,
    Subject,
    TargetAlerts,
    decode,
    encode,
)
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.difference import Difference
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport
from reconciler.core.shards import Shard
from reconciler.core.windows.due import Window

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
START = "/ExecutionConfiguration/OnDemandConfiguration/StartTime"
DRIFT = (Difference(START, "1", "1", "2"),)
CHANGE = (Difference(START, "2", "1", "1"),)

MALFORMED_EVENTS: tuple[dict[str, Any], ...] = (
    {"written": {"x": ["a1", "Today export"]}},
    {"written": ["x"]},
    {"unmanaged": {"ids": []}},
    {"unmanaged": ["a1"]},
)


def build_association(decision: str, name: str = "export", **changes: Any) -> AssociationReport:
    """Return the report of an association. A drifted one has a difference."""
    if decision == "drifted":
        changes = {"differences": DRIFT} | changes
    members: dict[str, Any] = {"reason": "because", "integration": "i", "destination": "s3://d", "arn": live().arn}
    return AssociationReport(name, Origin(f"{name}.yaml", 1, 1), DecisionKind(decision), **members | changes)


def build_target_status(
    *associations: AssociationReport, at: datetime = NOW, failures: int = 0, **target: Any
) -> TargetStatus:
    """Return the status of a target whose last run ended at a time."""
    report = Report(
        RunInfo("r", at, at, dry_run=False, revision="1", version="1"),
        (TargetReport("prod", "123456789012", "us-east-1", associations=associations, **target),),
    )
    return TargetStatus("prod", None, None, None, failures, report, None if report.has_failed else at)


def build_status(
    *targets: TargetStatus,
    now: datetime = NOW,
    rejection: RejectedRevision | None = None,
    checked_at: datetime | None = NOW,
) -> ControllerStatus:
    """Return the status of a controller."""
    return ControllerStatus(now, NOW, checked_at, Revision("1", NOW, 1), rejection, targets, ())


def notify(
    state: NotificationState, status: ControllerStatus
) -> tuple[list[tuple[str, Condition, Condition | None]], NotificationState]:
    """Return the (name, condition, ended condition) of each notification, and the new notification state."""
    notifications, new_state = find_changes(state, snapshot_targets(status))
    return [(each.finding.name, each.finding.condition, each.ended_condition) for each in notifications], new_state


def notify_in_turn(*statuses: ControllerStatus) -> list[list[tuple[str, Condition, Condition | None]]]:
    """Return the notifications after each of several statuses."""
    state, notifications = NotificationState(), []
    for status in statuses:
        of_status, state = notify(state, status)
        notifications.append(of_status)
    return notifications


PROBLEMS = [
    (build_association("drifted"), Condition.DRIFTED),
    (build_association("changed", differences=DRIFT), Condition.DRIFTED),
    (build_association("lost"), Condition.LOST),
    (build_association("blocked"), Condition.BLOCKED),
    (build_association("held", exit_code=1), Condition.HELD),
    (build_association("changed", exit_code=1, differences=DRIFT), Condition.HELD),
    (build_association("create", outcome=Refused("no")), Condition.FAILED),
    (build_association("create", outcome=NotSent("busy")), Condition.FAILED),
    (build_association("update", outcome=Unknown("reset")), Condition.UNANSWERED),
]
UNCLEAR = [
    build_association("settling"),
    build_association("settling", differences=DRIFT),
    build_association("held"),
    build_association("changed", differences=CHANGE),
    build_association("create"),
    build_association("update", outcome=Skipped("stopped")),
]
RECOVERIES = [
    build_association("in-sync"),
    build_association("adopt"),
    build_association("create", outcome=Created("a1")),
    build_association("update", outcome=Updated(), differences=DRIFT),
]


@pytest.mark.parametrize(("association", "condition"), PROBLEMS, ids=lambda each: getattr(each, "decision", each))
def test_problem_and_recovery_are_each_notified_once(association: AssociationReport, condition: Condition) -> None:
    """Further runs with the same result do not repeat a notification."""
    problem, recovery = (
        build_status(build_target_status(association)),
        build_status(build_target_status(build_association("in-sync"))),
    )
    problem_notification, recovery_notification = ("export", condition, None), ("export", Condition.WELL, condition)
    assert notify_in_turn(recovery, problem, problem, recovery, recovery, problem) == [
        [],
        [problem_notification],
        [],
        [recovery_notification],
        [],
        [problem_notification],
    ]


def test_retired_association_ends_its_alerts_without_a_notification() -> None:
    """Nothing is notified about a retired association. If it is drifted without policy.retired, that is notified."""
    failed = Execution("FAILED", None)
    drifted = build_status(build_target_status(build_association("drifted", last_execution=failed)))
    retired = build_status(build_target_status(build_association("retired", last_execution=failed)))
    notifications = [
        ("export", Condition.DRIFTED, None),
        ("export", Condition.EXPORT_FAILED, None),
    ]
    assert notify_in_turn(retired, drifted, retired, retired, drifted) == [[], notifications, [], [], notifications]
    summary = build_summary(NotificationState(), retired, snapshot_targets(retired), DAY)
    assert summary
    assert summary.is_well


@pytest.mark.parametrize("association", UNCLEAR, ids=lambda each: each.decision)
def test_unclear_decision_is_neither_problem_nor_recovery(association: AssociationReport) -> None:
    """An association that is settling, held, pending or changed in git causes no notification."""
    problem, unclear = (
        build_status(build_target_status(build_association("drifted"))),
        build_status(build_target_status(association)),
    )
    assert notify_in_turn(unclear, problem, unclear, problem)[0::2] == [[], []]
    assert notify_in_turn(problem, unclear, problem)[1:] == [[], []]


@pytest.mark.parametrize("association", RECOVERIES, ids=lambda each: each.decision)
def test_completed_or_in_sync_association_has_recovered(association: AssociationReport) -> None:
    """A lost association recovers once it is created again, updated, adopted or in sync."""
    notifications = notify_in_turn(
        build_status(build_target_status(build_association("lost"))), build_status(build_target_status(association))
    )
    assert notifications[1] == [("export", Condition.WELL, Condition.LOST)]


def test_problem_of_another_kind_is_notified_without_recovery() -> None:
    """The notification of the new problem names the previous one, and no recovery is sent."""
    notifications = notify_in_turn(
        build_status(build_target_status(build_association("drifted"))),
        build_status(build_target_status(build_association("lost"))),
    )
    assert notifications[1] == [("export", Condition.LOST, Condition.DRIFTED)]


def test_different_drift_is_notified_again() -> None:
    """Receivers are notified again if other members drift, or if the drifted values change."""
    first = build_association("drifted")
    same = build_association("drifted", reason="said otherwise", differences=(*DRIFT, *CHANGE))
    other = build_association("drifted", differences=(Difference(START, "1", "1", "3"),))
    notifications = notify_in_turn(*(build_status(build_target_status(each)) for each in (first, same, other)))
    assert [len(each) for each in notifications] == [1, 0, 1]


def test_failed_export_is_notified_beside_the_decision() -> None:
    """An export and its association have separate problems, and a running export has not recovered."""

    def build_export_status(decision: str, status: str) -> ControllerStatus:
        return build_status(
            build_target_status(build_association(decision, last_execution=Execution(status, "of a customer")))
        )

    notifications = notify_in_turn(
        build_export_status("in-sync", "FAILED"),
        build_export_status("drifted", "FAILED"),
        build_export_status("drifted", "IN_PROGRESS"),
        build_export_status("drifted", "COMPLETED"),
    )
    assert notifications == [
        [("export", Condition.EXPORT_FAILED, None)],
        [("export", Condition.DRIFTED, None)],
        [],
        [("export", Condition.WELL, Condition.EXPORT_FAILED)],
    ]


def test_repeated_export_failure_is_notified_again() -> None:
    """Receivers are notified of a second failure only if a run saw the export in progress after the first one."""

    def build_export_status(status: str | None) -> ControllerStatus:
        return build_status(
            build_target_status(
                build_association("in-sync", last_execution=Execution(status, None) if status else None)
            )
        )

    first, again = (
        ("export", Condition.EXPORT_FAILED, None),
        ("export", Condition.EXPORT_FAILED, Condition.EXPORT_FAILED),
    )
    states = ("FAILED", None, "FAILED", "IN_PROGRESS", "IN_PROGRESS", "FAILED", "FAILED", "IN_PROGRESS", "COMPLETED")
    recovery = ("export", Condition.WELL, Condition.EXPORT_FAILED)
    assert notify_in_turn(*map(build_export_status, states)) == [[first], [], [], [], [], [again], [], [], [recovery]]
    assert notify_in_turn(*map(build_export_status, ("IN_PROGRESS", "FAILED"))) == [[], [first]]


def test_each_failed_window_is_notified_once() -> None:
    """A failed window is one notification, with its reason and without the message of the job.

    The status of an earlier job in List is no failure of the window that was sent after it. A second failed window is
    notified, and so is the completion that ends the trouble.
    """

    def build_window_status(
        decision: str, window: Window, result: str | None, *, exit_code: int = 0
    ) -> ControllerStatus:
        job = build_job(window.end + HOUR, result)
        reason = "the update waits, because the export FAILED: of a customer; it is exported again"
        return build_status(
            build_target_status(
                build_association(
                    decision,
                    reason=reason,
                    exit_code=exit_code,
                    last_execution=Execution("FAILED", "of a customer"),
                    windows=build_windows(build_recurring_record(window, job)),
                )
            )
        )

    failed = build_window_status("held", AUGUST, "FAILED", exit_code=1)
    overdue = build_window_status("held", SEPTEMBER, None, exit_code=1)
    failed_again = build_window_status("blocked", SEPTEMBER, "FAILED")
    completed = build_window_status("in-sync", SEPTEMBER, "COMPLETED")
    started = build_window_status("in-sync", SEPTEMBER, None)
    assert notify_in_turn(started, failed, failed, overdue, failed_again, completed) == [
        [],
        [("export", Condition.EXPORT_FAILED, None)],
        [],
        [("export", Condition.HELD, None)],
        [("export", Condition.BLOCKED, Condition.HELD), ("export", Condition.EXPORT_FAILED, Condition.EXPORT_FAILED)],
        [("export", Condition.WELL, Condition.BLOCKED), ("export", Condition.WELL, Condition.EXPORT_FAILED)],
    ]
    (notification,), _ = find_changes(NotificationState(), snapshot_targets(failed))
    assert notification.finding.message == "the update waits, because the export FAILED; it is exported again"


def test_finished_export_is_well() -> None:
    """An association whose last export was completed, and that List no longer shows, ends its problem."""
    lost, finished = (build_status(build_target_status(build_association(each))) for each in ("lost", "finished"))
    assert notify_in_turn(lost, finished)[1] == [("export", Condition.WELL, Condition.LOST)]


def test_failed_target_neither_alerts_nor_recovers_its_associations() -> None:
    """After a failed run of a target, its associations have neither recovered nor become blocked."""
    failed = build_target_status(
        build_association("blocked"), build_association("in-sync", "other"), failures=2, error="denied"
    )
    notifications = notify_in_turn(
        build_status(build_target_status(build_association("drifted"), build_association("lost", "other"))),
        build_status(failed),
        build_status(build_target_status(build_association("drifted"))),
    )
    assert notifications[1] == [("", Condition.TARGET_FAILED, None)]
    assert notifications[2] == [("", Condition.WELL, Condition.TARGET_FAILED)]


def test_first_failure_of_a_target_is_not_notified() -> None:
    """Receivers are notified of the second failure in a row, because the first is retried within a minute."""
    notifications = notify_in_turn(
        *(build_status(build_target_status(failures=count, error="reset")) for count in (0, 1, 2, 3))
    )
    assert [len(each) for each in notifications] == [0, 0, 1, 0]


def test_list_failure_is_one_notification_for_the_target() -> None:
    """The failed List causes one notification, and neither a block nor a recovery of each association."""
    unlisted = build_target_status(
        build_association("blocked"), build_association("drifted", "other"), unlisted=(("arn:i", "denied"),)
    )
    notifications = notify_in_turn(
        build_status(build_target_status(build_association("drifted"))),
        build_status(unlisted),
        build_status(build_target_status(build_association("drifted"), build_association("drifted", "other"))),
    )
    assert notifications[1] == [("", Condition.UNLISTED, None), ("other", Condition.DRIFTED, None)]
    assert notifications[2] == [("", Condition.WELL, Condition.UNLISTED)]


def test_removed_association_is_forgotten_without_notification() -> None:
    """Removing a manifest is not a recovery. If it returns with a problem, receivers are notified again."""
    problem = build_status(build_target_status(build_association("drifted")))
    assert [len(each) for each in notify_in_turn(problem, build_status(build_target_status()), problem)] == [1, 0, 1]


def test_removed_target_is_forgotten_once_git_was_read() -> None:
    """The alerts of a target are kept until the manifests have been read and no longer declare it."""
    _, state = notify(NotificationState(), build_status(build_target_status(build_association("drifted"))))
    assert drop_removed_targets(state, build_status()) == state
    assert drop_removed_targets(state, build_status(build_target_status())) == state
    without_alerts = drop_removed_targets(
        state, build_status(replace(build_target_status(), target="other"), now=NOW + MINUTE)
    )
    assert without_alerts.targets == {"prod": TargetAlerts(NOW + MINUTE, {})}
    assert (
        drop_removed_targets(without_alerts, build_status(replace(build_target_status(), target="other")))
        == without_alerts
    )


def test_report_older_than_the_last_notification_is_ignored() -> None:
    """A controller with an older report does not repeat a problem that another controller saw end."""
    early, late = (
        build_status(build_target_status(build_association("drifted"))),
        build_status(build_target_status(build_association("in-sync"), at=NOW + MINUTE)),
    )
    assert [len(each) for each in notify_in_turn(early, late, early)] == [1, 1, 0]


def test_rejected_revision_and_its_recovery_are_notified_at_once() -> None:
    """The notification lists each problem of the revision. Only other problems cause another notification."""
    problem = Problem("a.yaml", 1, 1, "/spec", "is missing")
    rejection = RejectedRevision("1 problem", NOW, (problem,))
    other_rejection = RejectedRevision("1 problem", NOW, (replace(problem, line=2),))
    statuses = [
        build_status(rejection=each, checked_at=NOW)
        for each in (rejection, replace(rejection, reason="again"), other_rejection)
    ]
    valid = build_status(checked_at=NOW + MINUTE)
    notifications = notify_in_turn(*statuses, valid)
    assert [[each[1:] for each in sent] for sent in notifications] == [
        [(Condition.REFUSED, None)],
        [],
        [(Condition.REFUSED, Condition.REFUSED)],
        [(Condition.WELL, Condition.REFUSED)],
    ]


@pytest.mark.parametrize(
    ("revision", "active"),
    [
        (Revision("1f0c5f7", NOW, 1), "commit 1f0c5f7, the last valid revision, stays active"),
        (Revision(None, NOW, 1), "the last valid revision stays active"),
        (None, "no revision is active"),
    ],
)
def test_rejection_says_which_revision_stays_active(revision: Revision | None, active: str) -> None:
    """The message names the active commit and the rejected one, and then the problems, or else the reason."""
    problem = Problem("a.yaml", 1, 1, "/spec", "is missing")
    rejection = RejectedRevision("1 problem in the manifests of commit 9c1b", NOW, (problem,))
    for each, reason in (
        (rejection, "1 problem in the manifests of commit 9c1b: a.yaml:1:1: /spec: is missing"),
        (RejectedRevision("commit 9c1b is not signed", NOW), "commit 9c1b is not signed"),
    ):
        status = replace(build_status(rejection=each), revision=revision)
        (notification,), _ = find_changes(NotificationState(), snapshot_targets(status))
        assert notification.finding.message == f"{active}; {reason}"


def test_unreachable_source_is_notified_only_when_it_persists() -> None:
    """Receivers are notified once a git host has been unreachable for ten minutes, and not before the first read."""
    outage = RejectedRevision("no answer", NOW + MINUTE)
    notifications = notify_in_turn(
        build_status(rejection=outage, now=NOW + MINUTE),
        build_status(rejection=outage, now=NOW + MINUTE + OUTAGE_TOLERANCE),
        build_status(checked_at=None),
        build_status(rejection=outage, checked_at=None),
    )
    assert [len(each) for each in notifications] == [0, 1, 0, 0]
    assert snapshot_targets(build_status(checked_at=None)) == {}


def test_notification_contains_no_values() -> None:
    """A notification has the names of drifted members and the reason of a failure, but no values and no job message."""
    status = build_target_status(
        build_association("drifted", "a", last_execution=Execution("FAILED", "of a customer")),
        build_association("create", "b", outcome=Refused("no")),
        build_association("blocked", "c"),
    )
    messages = {
        (each.finding.name, each.finding.message)
        for each in find_changes(NotificationState(), snapshot_targets(build_status(status)))[0]
    }
    assert messages == {("a", START), ("a", ""), ("b", "no"), ("c", "because")}


association_lists = st.lists(
    st.sampled_from([*(each for each, _ in PROBLEMS), *UNCLEAR, *RECOVERIES]).flatmap(
        lambda each: st.sampled_from(["export", "other"]).map(lambda name: replace(each, name=name))
    ),
    max_size=2,
    unique_by=lambda each: each.name,
)
target_statuses = st.one_of(
    association_lists.map(lambda each: build_target_status(*each)),
    association_lists.map(lambda each: build_target_status(*each, failures=2, error="denied")),
    association_lists.map(lambda each: build_target_status(*each, unlisted=(("arn:i", "denied"),))),
)


@given(st.lists(target_statuses, max_size=8))
def test_notifications_are_unique_and_only_notified_problems_recover(targets: Sequence[TargetStatus]) -> None:
    """In any sequence of runs, no notification is repeated, and each recovery ends a problem that was sent before."""
    state, open_ = NotificationState(), dict[tuple[str, bool], Condition]()
    for each in targets:
        snapshots = snapshot_targets(build_status(each))
        notifications, state = find_changes(state, snapshots)
        assert find_changes(state, snapshots) == ((), state)
        assert decode(encode({"one": state})) == {"one": state}
        subjects = {
            id(finding): subject for snapshot in snapshots.values() for subject, finding in snapshot.findings.items()
        }
        for notification in notifications:
            subject = subjects[id(notification.finding)]
            key = subject.association, subject.is_export
            assert open_.pop(key, None) == notification.ended_condition
            if notification.finding.condition.is_wrong:
                open_[key] = notification.finding.condition
            else:
                assert notification.ended_condition
        target_alerts = state.targets.get("prod")
        open_keys = {(key.association, key.is_export) for key in (target_alerts.alerts if target_alerts else {})}
        open_ = {key: condition for key, condition in open_.items() if key in open_keys}
        assert open_.keys() == open_keys


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), max_size=6))
def test_notification_states_merge_in_any_order(alerts: list[tuple[str, int]]) -> None:
    """The newest alerts of each target win, in whatever order states are merged."""
    states = [
        NotificationState(
            {name: TargetAlerts(NOW + number * MINUTE, {Subject("x"): OpenAlert(Condition.LOST, str(number))})}
        )
        for name, number in alerts
    ]
    forwards = backwards = NotificationState()
    for each in states:
        forwards = forwards.merge(each)
    for each in reversed(states):
        backwards = backwards.merge(each)
    assert forwards == backwards
    assert (
        NotificationState(last_summary=NOW).merge(NotificationState(last_summary=NOW + DAY)).last_summary == NOW + DAY
    )


def test_future_times_in_the_notification_state_are_ignored() -> None:
    """Times more than a minute ahead count as unknown, and the open alerts stay."""
    open_ = {Subject("x"): OpenAlert(Condition.LOST)}
    state = NotificationState({"a": TargetAlerts(NOW + DAY, open_), "b": TargetAlerts(NOW + MINUTE, open_)}, NOW + DAY)
    current = state.without_future_times(NOW)
    assert current.targets["a"].alerts == open_
    assert current.targets["a"].at < NOW - DAY
    assert current.targets["b"] == state.targets["b"]
    assert current.last_summary is None
    assert state.without_future_times(NOW + DAY) == state
    assert NotificationState().without_future_times(NOW) == NotificationState()
    assert current.merge(NotificationState({"a": TargetAlerts(NOW, {})}, NOW)).targets["a"] == TargetAlerts(NOW, {})


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"format": "reconciler/notices/v2", "receivers": {}},
        {"format": "reconciler/notices/v1"},
        {"format": "reconciler/notices/v1", "receivers": {"a": {"targets": {}}}},
        {"format": "reconciler/notices/v1", "receivers": {"a": {"targets": {}, "summarised": "2026-11-01"}}},
        {"format": "reconciler/notices/v1", "receivers": {"a": {"targets": {}, "summarised": "today"}}},
        {
            "format": "reconciler/notices/v1",
            "receivers": {
                "a": {"targets": {"prod": {"at": NOW.isoformat(), "open": [], "completed": ["x"]}}, "summarised": None}
            },
        },
        *(
            {
                "format": "reconciler/notices/v1",
                "receivers": {
                    "a": {"targets": {"prod": {"at": NOW.isoformat(), "open": []} | events}, "summarised": None}
                },
            }
            for events in MALFORMED_EVENTS
        ),
    ],
)
def test_malformed_notification_state_is_rejected(document: object) -> None:
    """Each document with an unknown format, a missing member or an invalid time is rejected."""
    with pytest.raises(ValueError, match=r"."):
        decode(document)


def build_summary_of(
    status: ControllerStatus, state: NotificationState | None = None, interval: timedelta = DAY
) -> Summary | None:
    """Return the summary of a controller status."""
    return build_summary(state or NotificationState(), status, snapshot_targets(status), interval)


def test_a_summary_is_due_once_a_day() -> None:
    """The first summary is due once each target has a report. An interval of 0 means that no summary is due."""
    status = build_status(build_target_status(build_association("in-sync")))
    assert build_summary_of(status)
    sent_state = NotificationState(last_summary=NOW - DAY + MINUTE)
    assert build_summary_of(status, sent_state) is None
    assert build_summary_of(replace(status, now=NOW + MINUTE), sent_state)
    assert build_summary_of(status, interval=timedelta()) is None


def test_summary_says_well_only_when_everything_is_right_and_recent() -> None:
    """The summary reports no problem only if everything was checked within a day, and nothing is wrong or waits."""
    running = Execution("IN_PROGRESS", None)
    status = build_status(
        build_target_status(build_association("in-sync", last_execution=running), build_association("in-sync", "other"))
    )
    summary = build_summary_of(status)
    assert summary
    assert (summary.is_well, summary.association_count, summary.target_count) == (True, 2, 1)
    for problem_status in (
        build_status(build_target_status(build_association("drifted"))),
        build_status(build_target_status(build_association("held"))),
        build_status(build_target_status(build_association("in-sync", last_execution=Execution("FAILED", None)))),
        build_status(build_target_status(build_association("in-sync"), unlisted=(("arn:i", "denied"),))),
        build_status(build_target_status(build_association("in-sync")), rejection=RejectedRevision("1 problem", NOW)),
        build_status(
            build_target_status(build_association("in-sync")), rejection=RejectedRevision("no answer", NOW + MINUTE)
        ),
        build_status(build_target_status(build_association("in-sync")), now=NOW + 2 * DAY),
        build_status(build_target_status(build_association("in-sync")), checked_at=NOW - DAY - MINUTE),
        build_status(build_target_status(build_association("in-sync")), checked_at=None),
        build_status(build_target_status(failures=1, error="denied")),
        build_status(now=NOW + DAY),
    ):
        summary = build_summary_of(problem_status)
        assert summary
        assert not summary.is_well


def test_summary_counts_unmanaged_associations() -> None:
    """The summary counts the unmanaged associations, which are no problem. A failed run knows none."""
    status = build_target_status(build_association("in-sync"), unmanaged=(live("a1"), live("a2")))
    summary = build_summary_of(build_status(status))
    assert summary
    assert (summary.is_well, summary.unmanaged_count) == (True, 2)
    failed_summary = build_summary_of(build_status(build_target_status(failures=1, error="denied")))
    assert failed_summary
    assert failed_summary.unmanaged_count == 0


def test_summary_names_targets_without_a_recent_run() -> None:
    """The summary lists each target whose last success is more than a day ago."""
    summary = build_summary_of(build_status(build_target_status(build_association("in-sync")), now=NOW + 2 * DAY))
    assert summary
    assert summary.overdue_targets == (("prod", NOW),)


def test_shard_may_have_no_targets() -> None:
    """No targets are a problem of a controller without shards, and none of a shard."""
    status = build_status(now=NOW + OUTAGE_TOLERANCE)
    summaries = [
        build_summary(NotificationState(), status, snapshot_targets(status), DAY, shard)
        for shard in (None, Shard(1, 3))
    ]
    assert [summary and (summary.lacks_targets, summary.is_well) for summary in summaries] == [
        (True, False),
        (False, True),
    ]


def test_summary_says_that_the_source_was_not_checked() -> None:
    """The summary says that the manifests were not read, unless it already lists a rejected revision."""
    summary = build_summary_of(
        build_status(build_target_status(build_association("in-sync")), checked_at=NOW - DAY - MINUTE)
    )
    assert summary
    assert (summary.is_source_unread, summary.source_read_at, summary.overdue_targets) == (True, NOW - DAY - MINUTE, ())
    rejection_summary = build_summary_of(
        build_status(
            build_target_status(build_association("in-sync")),
            checked_at=NOW - 2 * DAY,
            rejection=RejectedRevision("no answer", NOW - DAY),
        )
    )
    assert rejection_summary
    assert (
        rejection_summary.is_source_unread,
        [each.finding.condition for each in rejection_summary.open_notifications],
    ) == (
        False,
        [Condition.REFUSED],
    )


def test_first_summary_waits_for_the_first_reports() -> None:
    """Without reports, the first summary is sent ten minutes after the start."""
    without_report = TargetStatus("prod", NOW, NOW, None, 0, None, None)
    assert build_summary_of(build_status(without_report)) is None
    assert build_summary_of(build_status()) is None
    summary = build_summary_of(build_status(without_report, now=NOW + OUTAGE_TOLERANCE))
    assert summary
    assert summary.overdue_targets == (("prod", None),)


def test_every_outcome_is_classified() -> None:
    """Each outcome of a call is a success, a failure or unclear."""
    outcomes: tuple[Outcome, ...] = (
        Created("a"), Updated(), Refused("r"), NotSent("r"), Unknown("r"), Skipped("r"),
    )  # fmt: skip
    findings = [
        snapshot_targets(build_status(build_target_status(build_association("create", outcome=each))))["prod"].findings[
            Subject("export")
        ]
        for each in outcomes
    ]
    assert [each.condition for each in findings] == [
        Condition.WELL, Condition.WELL, Condition.FAILED, Condition.FAILED, Condition.UNANSWERED, Condition.UNCLEAR,
    ]  # fmt: skip
    assert SOURCE in snapshot_targets(build_status())
