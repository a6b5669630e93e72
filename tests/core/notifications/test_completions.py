"""Completed exports: each is sent once to a receiver, in any order of reports, and none from before the first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW
from support.recurring import build_job

from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus
from reconciler.core.model import Origin
from reconciler.core.notifications.changes import find_changes, record_first_look
from reconciler.core.notifications.kinds import Kind
from reconciler.core.notifications.snapshots import snapshot_targets
from reconciler.core.notifications.state import NotificationState, TargetAlerts, decode, encode
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MAX_COUNT = 10
"""The number of exports in a report."""


def build_status(
    *numbers: int, decision: str = "in-sync", minutes: int = 0, error: str | None = None
) -> ControllerStatus:
    """Return the status after a run whose report has the exports of these days as completed."""
    at = NOW + minutes * MINUTE
    exports = tuple(KnownExport(("i", "", "d"), None, build_job(NOW + number * DAY)) for number in numbers)
    association = AssociationReport(
        "export", Origin("export.yaml", 1, 1), DecisionKind(decision), "", "i", "d", exports=exports
    )
    target = TargetReport("prod", None, None, error, (association,))
    report = Report(RunInfo("r", at, at, dry_run=False, revision=None, version="1"), (target,))
    return ControllerStatus(at, NOW, None, None, None, (TargetStatus("prod", None, None, None, 0, report, at),), ())


def notify(state: NotificationState, status: ControllerStatus) -> tuple[list[str], NotificationState]:
    """Return the messages about completions for a receiver, and its state after a restart."""
    snapshots = snapshot_targets(status)
    notifications, state = find_changes(record_first_look(state, snapshots), snapshots)
    messages = [each.finding.message for each in notifications if each.kind is Kind.COMPLETIONS]
    return messages, decode(encode({"one": state}))["one"]


def test_first_report_is_silent() -> None:
    """What was completed before the first report of a target is no news, and what comes afterwards is."""
    messages, state = notify(NotificationState(), build_status(1, 2))
    assert messages == []
    messages, state = notify(state, build_status(1, 2, 3))
    assert messages == ["the export ended by 2026-11-04 13:00Z"]
    assert notify(state, build_status(1, 2, 3)) == ([], state)


def test_failed_target_does_not_begin_the_knowledge_of_a_receiver() -> None:
    """The first report with associations counts as the first one. A failed run forgets nothing."""
    messages, state = notify(NotificationState(), build_status(error="denied"))
    assert messages == []
    assert state == NotificationState()
    messages, state = notify(state, build_status(1))
    assert messages == []
    _, state = notify(state, build_status(error="denied"))
    assert notify(state, build_status(1))[0] == []


def test_state_of_an_earlier_version_begins_silently() -> None:
    """A stored state without completed exports is read, and what was completed until then is no news."""
    state = NotificationState({"prod": TargetAlerts(NOW, {})})
    document = encode({"one": state})
    del document["receivers"]["one"]["targets"]["prod"]["completed"]
    assert decode(document) == {"one": state}
    messages, state = notify(state, build_status(1))
    assert messages == []
    assert len(notify(state, build_status(1, 2))[0]) == 1


def test_older_report_does_not_begin_the_knowledge_of_a_receiver() -> None:
    """A report from before the last change of the state changes nothing."""
    state = NotificationState({"prod": TargetAlerts(NOW + MINUTE, {})})
    assert notify(state, build_status(1)) == ([], state)


def test_end_that_another_run_sees_again_is_no_news() -> None:
    """A dry run does not record the end of a job, and sees it again each time. Receivers are notified of it once."""
    _, state = notify(NotificationState(), build_status())
    sent_messages = list[str]()
    for minutes in range(3):
        status = build_status(minutes=minutes)
        (target,) = status.targets
        assert target.last_report
        job = build_job(NOW, ended_at=NOW + minutes * MINUTE)
        (association,) = target.last_report.associations
        association = replace(association, exports=(KnownExport(("i", "", "d"), None, job),))
        (target_report,) = target.last_report.targets
        report = replace(target.last_report, targets=(replace(target_report, associations=(association,)),))
        messages, state = notify(state, replace(status, targets=(replace(target, last_report=report),)))
        sent_messages += messages
    assert sent_messages == ["the export ended by 2026-11-01 12:00Z"]


def test_completion_of_a_retired_association_is_no_news() -> None:
    """Nothing about a retired association is sent."""
    _, state = notify(NotificationState(), build_status())
    assert notify(state, build_status(1, decision="retired")) == ([], state)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, MAX_COUNT)), max_size=12))
def test_each_export_is_notified_once_although_reports_are_out_of_date(steps: Sequence[tuple[int, int]]) -> None:
    """In any sequence of reports, some of which are older than others, each completed export is sent once."""
    count, sent_messages = 0, list[str]()
    _, state = notify(NotificationState(), build_status())
    for minutes, (new_count, lag) in enumerate(steps, 1):
        count += new_count
        for seen_count in (count, max(count - lag, 0)):
            numbers = range(max(seen_count - MAX_COUNT, 0), seen_count)
            messages, state = notify(state, build_status(*numbers, minutes=minutes))
            sent_messages += messages
    assert len(sent_messages) == len(set(sent_messages)) == count
