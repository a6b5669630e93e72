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

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.controller.status import ControllerStatus, RejectedRevision, Revision, TargetStatus
from reconciler.core.errors import Problem
from reconciler.core.model import Execution, Origin
from reconciler.core.notifications.changes import (
    OUTAGE_TOLERANCE,
    SOURCE,
    Summary,
    build_summary,
    drop_removed_targets,
    find_changes,
    snapshot_targets,
)
from reconciler.core.notifications.state import (
    Condition,
    NotificationState,
    OpenAlert,
    Subject,
    TargetAlerts,
    decode,
    encode,
)
from reconciler.core.plan.decision import DecisionKind
from reconciler.core.plan.difference import Difference
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
START = "/ExecutionConfiguration/OnDemandConfiguration/StartTime"
DRIFT = (Difference(START, "1", "1", "2"),)
CHANGE = (Difference(START, "2", "1", "1"),)


def one(decision: str, name: str = "export", **changes: Any) -> AssociationReport:
    """Return the report of an association. A drifted one has a difference."""
    if decision == "drifted":
        changes = {"differences": DRIFT} | changes
    given_: dict[str, Any] = {"reason": "because", "integration": "i", "destination": "s3://d", "arn": live().arn}
    return AssociationReport(name, Origin(f"{name}.yaml", 1, 1), DecisionKind(decision), **given_ | changes)


def target_status(
    *associations: AssociationReport, at: datetime = NOW, failures: int = 0, **target: Any
) -> TargetStatus:
    """Return the status of a target whose last run ended at a time."""
    report = Report(
        RunInfo("r", at, at, dry_run=False, revision="1", version="1"),
        (TargetReport("prod", "123456789012", "us-east-1", associations=associations, **target),),
    )
    return TargetStatus("prod", None, None, None, failures, report, None if report.has_failed else at)


def board(
    *targets: TargetStatus, now: datetime = NOW, refusal: RejectedRevision | None = None, looked: datetime | None = NOW
) -> ControllerStatus:
    """Return the status of a controller."""
    return ControllerStatus(now, NOW, looked, Revision("1", NOW, 1), refusal, targets, ())


def tell(
    ledger: NotificationState, here: ControllerStatus
) -> tuple[list[tuple[str, Condition, Condition | None]], NotificationState]:
    """Return the (name, condition, ended condition) of each notification, and the new notification state."""
    notices, after = find_changes(ledger, snapshot_targets(here))
    return [(each.finding.name, each.finding.condition, each.ended_condition) for each in notices], after


def after(*boards: ControllerStatus) -> list[list[tuple[str, Condition, Condition | None]]]:
    """Return the notifications after each of several statuses."""
    ledger, told = NotificationState(), []
    for here in boards:
        said, ledger = tell(ledger, here)
        told.append(said)
    return told


WRONG = [
    (one("drifted"), Condition.DRIFTED),
    (one("changed", differences=DRIFT), Condition.DRIFTED),
    (one("lost"), Condition.LOST),
    (one("blocked"), Condition.BLOCKED),
    (one("create", outcome=Refused("no")), Condition.FAILED),
    (one("create", outcome=NotSent("busy")), Condition.FAILED),
    (one("update", outcome=Unknown("reset")), Condition.FAILED),
]
UNCLEAR = [
    one("settling"),
    one("settling", differences=DRIFT),
    one("held"),
    one("changed", differences=CHANGE),
    one("create"),
    one("update", outcome=Skipped("stopped")),
]
WELL = [
    one("in-sync"),
    one("adopt"),
    one("create", outcome=Created("a1")),
    one("update", outcome=Updated(), differences=DRIFT),
]


@pytest.mark.parametrize(("association", "condition"), WRONG, ids=lambda each: getattr(each, "decision", each))
def test_problem_and_recovery_are_each_notified_once(association: AssociationReport, condition: Condition) -> None:
    """Further runs with the same result do not repeat a notification."""
    bad, good = board(target_status(association)), board(target_status(one("in-sync")))
    begun, ended = ("export", condition, None), ("export", Condition.WELL, condition)
    assert after(good, bad, bad, good, good, bad) == [[], [begun], [], [ended], [], [begun]]


@pytest.mark.parametrize("association", UNCLEAR, ids=lambda each: each.decision)
def test_unclear_decision_is_neither_problem_nor_recovery(association: AssociationReport) -> None:
    """An association that is settling, held, pending or changed in git causes no notification."""
    bad, unclear = board(target_status(one("drifted"))), board(target_status(association))
    assert after(unclear, bad, unclear, bad)[0::2] == [[], []]
    assert after(bad, unclear, bad)[1:] == [[], []]


@pytest.mark.parametrize("association", WELL, ids=lambda each: each.decision)
def test_completed_or_in_sync_association_has_recovered(association: AssociationReport) -> None:
    """A lost association recovers once it is created again, updated, adopted or in sync."""
    told = after(board(target_status(one("lost"))), board(target_status(association)))
    assert told[1] == [("export", Condition.WELL, Condition.LOST)]


def test_problem_of_another_kind_is_notified_without_recovery() -> None:
    """The notification of the new problem names the previous one, and no recovery is sent."""
    told = after(board(target_status(one("drifted"))), board(target_status(one("lost"))))
    assert told[1] == [("export", Condition.LOST, Condition.DRIFTED)]


def test_different_drift_is_notified_again() -> None:
    """Receivers are notified again if other members drift, or if the drifted values change."""
    first = one("drifted")
    same = one("drifted", reason="said otherwise", differences=(*DRIFT, *CHANGE))
    other = one("drifted", differences=(Difference(START, "1", "1", "3"),))
    told = after(*(board(target_status(each)) for each in (first, same, other)))
    assert [len(each) for each in told] == [1, 0, 1]


def test_failed_export_is_notified_beside_the_decision() -> None:
    """An export and its association have separate problems, and a running export has not recovered."""

    def seen(decision: str, status: str) -> ControllerStatus:
        return board(target_status(one(decision, last_execution=Execution(status, "of a customer"))))

    told = after(
        seen("in-sync", "FAILED"),
        seen("drifted", "FAILED"),
        seen("drifted", "IN_PROGRESS"),
        seen("drifted", "COMPLETED"),
    )
    assert told == [
        [("export", Condition.EXPORT_FAILED, None)],
        [("export", Condition.DRIFTED, None)],
        [],
        [("export", Condition.WELL, Condition.EXPORT_FAILED)],
    ]


def test_repeated_export_failure_is_notified_again() -> None:
    """Receivers are notified of a second failure only if a run saw the export in progress after the first one."""

    def seen(status: str | None) -> ControllerStatus:
        return board(target_status(one("in-sync", last_execution=Execution(status, None) if status else None)))

    first, again = (
        ("export", Condition.EXPORT_FAILED, None),
        ("export", Condition.EXPORT_FAILED, Condition.EXPORT_FAILED),
    )
    states = ("FAILED", None, "FAILED", "IN_PROGRESS", "IN_PROGRESS", "FAILED", "FAILED", "IN_PROGRESS", "COMPLETED")
    ended = ("export", Condition.WELL, Condition.EXPORT_FAILED)
    assert after(*map(seen, states)) == [[first], [], [], [], [], [again], [], [], [ended]]
    assert after(*map(seen, ("IN_PROGRESS", "FAILED"))) == [[], [first]]


def test_failed_target_neither_alerts_nor_recovers_its_associations() -> None:
    """After a failed run of a target, its associations have neither recovered nor become blocked."""
    failed = target_status(one("blocked"), one("in-sync", "other"), failures=2, error="denied")
    told = after(
        board(target_status(one("drifted"), one("lost", "other"))), board(failed), board(target_status(one("drifted")))
    )
    assert told[1] == [("", Condition.TARGET_FAILED, None)]
    assert told[2] == [("", Condition.WELL, Condition.TARGET_FAILED)]


def test_first_failure_of_a_target_is_not_notified() -> None:
    """Receivers are notified of the second failure in a row, because the first is retried within a minute."""
    told = after(*(board(target_status(failures=count, error="reset")) for count in (0, 1, 2, 3)))
    assert [len(each) for each in told] == [0, 0, 1, 0]


def test_list_failure_is_one_notification_for_the_target() -> None:
    """The failed List causes one notification, and neither a block nor a recovery of each association."""
    unlisted = target_status(one("blocked"), one("drifted", "other"), unlisted=(("arn:i", "denied"),))
    told = after(
        board(target_status(one("drifted"))),
        board(unlisted),
        board(target_status(one("drifted"), one("drifted", "other"))),
    )
    assert told[1] == [("", Condition.UNLISTED, None), ("other", Condition.DRIFTED, None)]
    assert told[2] == [("", Condition.WELL, Condition.UNLISTED)]


def test_removed_association_is_forgotten_without_notification() -> None:
    """Removing a manifest is not a recovery. If it returns with a problem, receivers are notified again."""
    bad = board(target_status(one("drifted")))
    assert [len(each) for each in after(bad, board(target_status()), bad)] == [1, 0, 1]


def test_removed_target_is_forgotten_once_git_was_read() -> None:
    """The alerts of a target are kept until the manifests have been read and no longer declare it."""
    _, ledger = tell(NotificationState(), board(target_status(one("drifted"))))
    assert drop_removed_targets(ledger, board()) == ledger
    assert drop_removed_targets(ledger, board(target_status())) == ledger
    gone = drop_removed_targets(ledger, board(replace(target_status(), target="other"), now=NOW + MINUTE))
    assert gone.targets == {"prod": TargetAlerts(NOW + MINUTE, {})}
    assert drop_removed_targets(gone, board(replace(target_status(), target="other"))) == gone


def test_report_older_than_the_last_notification_is_ignored() -> None:
    """A controller with an older report does not repeat a problem that another controller saw end."""
    early, late = board(target_status(one("drifted"))), board(target_status(one("in-sync"), at=NOW + MINUTE))
    assert [len(each) for each in after(early, late, early)] == [1, 1, 0]


def test_rejected_revision_and_its_recovery_are_notified_at_once() -> None:
    """The notification lists each problem of the revision. Only other problems cause another notification."""
    problem = Problem("a.yaml", 1, 1, "/spec", "is missing")
    refused = RejectedRevision("1 problem", NOW, (problem,))
    other = RejectedRevision("1 problem", NOW, (replace(problem, line=2),))
    boards = [board(refusal=each, looked=NOW) for each in (refused, replace(refused, reason="again"), other)]
    fixed = board(looked=NOW + MINUTE)
    told = after(*boards, fixed)
    assert [[each[1:] for each in said] for said in told] == [
        [(Condition.REFUSED, None)],
        [],
        [(Condition.REFUSED, Condition.REFUSED)],
        [(Condition.WELL, Condition.REFUSED)],
    ]
    assert (
        "a.yaml:1:1: /spec: is missing"
        in find_changes(NotificationState(), snapshot_targets(boards[0]))[0][0].finding.message
    )


def test_unreachable_source_is_notified_only_when_it_persists() -> None:
    """Receivers are notified once a git host has been unreachable for ten minutes, and not before the first read."""
    gone = RejectedRevision("no answer", NOW + MINUTE)
    told = after(
        board(refusal=gone, now=NOW + MINUTE),
        board(refusal=gone, now=NOW + MINUTE + OUTAGE_TOLERANCE),
        board(looked=None),
        board(refusal=gone, looked=None),
    )
    assert [len(each) for each in told] == [0, 1, 0, 0]
    assert snapshot_targets(board(looked=None)) == {}


def test_notification_contains_no_values() -> None:
    """A notification has the names of drifted members and the reason of a failure, but no values and no job message."""
    here = target_status(
        one("drifted", "a", last_execution=Execution("FAILED", "of a customer")),
        one("create", "b", outcome=Refused("no")),
        one("blocked", "c"),
    )
    said = {
        (each.finding.name, each.finding.message)
        for each in find_changes(NotificationState(), snapshot_targets(board(here)))[0]
    }
    assert said == {("a", START), ("a", ""), ("b", "no"), ("c", "because")}


anything = st.lists(
    st.sampled_from([*(each for each, _ in WRONG), *UNCLEAR, *WELL]).flatmap(
        lambda each: st.sampled_from(["export", "other"]).map(lambda name: replace(each, name=name))
    ),
    max_size=2,
    unique_by=lambda each: each.name,
)
states = st.one_of(
    anything.map(lambda each: target_status(*each)),
    anything.map(lambda each: target_status(*each, failures=2, error="denied")),
    anything.map(lambda each: target_status(*each, unlisted=(("arn:i", "denied"),))),
)


@given(st.lists(states, max_size=8))
def test_notifications_are_unique_and_only_notified_problems_recover(targets: Sequence[TargetStatus]) -> None:
    """In any sequence of runs, no notification is repeated, and each recovery ends a problem that was sent before."""
    ledger, open_ = NotificationState(), dict[tuple[str, bool], Condition]()
    for each in targets:
        found = snapshot_targets(board(each))
        notices, ledger = find_changes(ledger, found)
        assert find_changes(ledger, found) == ((), ledger)
        assert decode(encode({"one": ledger})) == {"one": ledger}
        subjects = {id(finding): subject for look in found.values() for subject, finding in look.findings.items()}
        for notice in notices:
            subject = subjects[id(notice.finding)]
            key = subject.association, subject.is_export
            assert open_.pop(key, None) == notice.ended_condition
            if notice.finding.condition.is_wrong:
                open_[key] = notice.finding.condition
            else:
                assert notice.ended_condition
        remembered = ledger.targets.get("prod")
        kept = {(key.association, key.is_export) for key in (remembered.alerts if remembered else {})}
        open_ = {key: condition for key, condition in open_.items() if key in kept}
        assert open_.keys() == kept


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), max_size=6))
def test_notification_states_merge_in_any_order(told: list[tuple[str, int]]) -> None:
    """The newest alerts of each target win, in whatever order states are merged."""
    ledgers = [
        NotificationState(
            {name: TargetAlerts(NOW + number * MINUTE, {Subject("x"): OpenAlert(Condition.LOST, str(number))})}
        )
        for name, number in told
    ]
    forwards = backwards = NotificationState()
    for each in ledgers:
        forwards = forwards.merge(each)
    for each in reversed(ledgers):
        backwards = backwards.merge(each)
    assert forwards == backwards
    assert (
        NotificationState(last_summary=NOW).merge(NotificationState(last_summary=NOW + DAY)).last_summary == NOW + DAY
    )


def test_future_times_in_the_notification_state_are_ignored() -> None:
    """Times more than a minute ahead count as unknown, and the open alerts stay."""
    open_ = {Subject("x"): OpenAlert(Condition.LOST)}
    ahead = NotificationState({"a": TargetAlerts(NOW + DAY, open_), "b": TargetAlerts(NOW + MINUTE, open_)}, NOW + DAY)
    believed = ahead.without_future_times(NOW)
    assert believed.targets["a"].alerts == open_
    assert believed.targets["a"].at < NOW - DAY
    assert believed.targets["b"] == ahead.targets["b"]
    assert believed.last_summary is None
    assert ahead.without_future_times(NOW + DAY) == ahead
    assert NotificationState().without_future_times(NOW) == NotificationState()
    assert believed.merge(NotificationState({"a": TargetAlerts(NOW, {})}, NOW)).targets["a"] == TargetAlerts(NOW, {})


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
    ],
)
def test_malformed_notification_state_is_rejected(document: object) -> None:
    """Each document with an unknown format, a missing member or an invalid time is rejected."""
    with pytest.raises(ValueError, match=r"."):
        decode(document)


def all_of(here: ControllerStatus, ledger: NotificationState | None = None, every: timedelta = DAY) -> Summary | None:
    """Return the summary of a controller status."""
    return build_summary(ledger or NotificationState(), here, snapshot_targets(here), every)


def test_a_summary_is_due_once_a_day() -> None:
    """The first summary is due once each target has a report. An interval of 0 means that no summary is due."""
    here = board(target_status(one("in-sync")))
    assert all_of(here)
    told = NotificationState(last_summary=NOW - DAY + MINUTE)
    assert all_of(here, told) is None
    assert all_of(replace(here, now=NOW + MINUTE), told)
    assert all_of(here, every=timedelta()) is None


def test_summary_says_well_only_when_everything_is_right_and_recent() -> None:
    """The summary reports no problem only if everything was checked within a day, and nothing is wrong or waits."""
    ran = Execution("IN_PROGRESS", None)
    good = board(target_status(one("in-sync", last_execution=ran), one("in-sync", "other")))
    said = all_of(good)
    assert said
    assert (said.is_well, said.association_count, said.target_count) == (True, 2, 1)
    for here in (
        board(target_status(one("drifted"))),
        board(target_status(one("held"))),
        board(target_status(one("in-sync", last_execution=Execution("FAILED", None)))),
        board(target_status(one("in-sync"), unlisted=(("arn:i", "denied"),))),
        board(target_status(one("in-sync")), refusal=RejectedRevision("1 problem", NOW)),
        board(target_status(one("in-sync")), refusal=RejectedRevision("no answer", NOW + MINUTE)),
        board(target_status(one("in-sync")), now=NOW + 2 * DAY),
        board(target_status(one("in-sync")), looked=NOW - DAY - MINUTE),
        board(target_status(one("in-sync")), looked=None),
        board(target_status(failures=1, error="denied")),
        board(now=NOW + DAY),
    ):
        said = all_of(here)
        assert said
        assert not said.is_well


def test_summary_names_targets_without_a_recent_run() -> None:
    """The summary lists each target whose last success is more than a day ago."""
    said = all_of(board(target_status(one("in-sync")), now=NOW + 2 * DAY))
    assert said
    assert said.overdue_targets == (("prod", NOW),)


def test_summary_says_that_the_source_was_not_checked() -> None:
    """The summary says that the manifests were not read, unless it already lists a rejected revision."""
    said = all_of(board(target_status(one("in-sync")), looked=NOW - DAY - MINUTE))
    assert said
    assert (said.is_source_unread, said.source_read_at, said.overdue_targets) == (True, NOW - DAY - MINUTE, ())
    refused = all_of(
        board(target_status(one("in-sync")), looked=NOW - 2 * DAY, refusal=RejectedRevision("no answer", NOW - DAY))
    )
    assert refused
    assert (refused.is_source_unread, [each.finding.condition for each in refused.open_notifications]) == (
        False,
        [Condition.REFUSED],
    )


def test_first_summary_waits_for_the_first_reports() -> None:
    """Without reports, the first summary is sent ten minutes after the start."""
    fresh = TargetStatus("prod", NOW, NOW, None, 0, None, None)
    assert all_of(board(fresh)) is None
    assert all_of(board()) is None
    late = all_of(board(fresh, now=NOW + OUTAGE_TOLERANCE))
    assert late
    assert late.overdue_targets == (("prod", None),)


def test_every_outcome_is_classified() -> None:
    """Each outcome of a call is a success, a failure or unclear."""
    outcomes: tuple[Outcome, ...] = (
        Created("a"), Updated(), Refused("r"), NotSent("r"), Unknown("r"), Skipped("r"),
    )  # fmt: skip
    found = [
        snapshot_targets(board(target_status(one("create", outcome=each))))["prod"].findings[Subject("export")]
        for each in outcomes
    ]
    assert [each.condition for each in found] == [
        Condition.WELL, Condition.WELL, Condition.FAILED, Condition.FAILED, Condition.FAILED, Condition.UNCLEAR,
    ]  # fmt: skip
    assert SOURCE in snapshot_targets(board())
