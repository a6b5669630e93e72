"""Creates and Updates: each is sent once to a receiver, also if the journal and the report differ in its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW, live
from support.recurring import build_job, build_refused_job

from reconciler.core.apply.outcome import Created, Outcome, Updated
from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.model import Origin
from reconciler.core.notifications.changes import find_changes, record_first_look
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.kinds import Kind
from reconciler.core.notifications.snapshots import snapshot_target
from reconciler.core.notifications.state import Condition, NotificationState, decode, encode
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.report import AssociationReport, TargetReport
from reconciler.core.windows.due import Window

CREATED, UPDATED = Condition.ASSOCIATION_CREATED, Condition.ASSOCIATION_UPDATED
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
WINDOW = Window(NOW - 2 * DAY, NOW - DAY)


def build_update(at: datetime) -> Job:
    """Return the job of an Update that AWS has accepted, and that is running."""
    return build_job(at, None)


def build_create(at: datetime) -> Job:
    """Return the job of a Create that AWS has carried out."""
    return Job(JobSource.CREATE, at, is_accepted=True)


def build_association(
    *jobs: Job, outcome: Outcome | None = None, decision: str = "in-sync", name: str = "export"
) -> AssociationReport:
    """Return the report of an association whose exports had these jobs."""
    exports = tuple(KnownExport(("i", "", "d"), WINDOW, each) for each in jobs)
    return AssociationReport(
        name,
        Origin("export.yaml", 1, 1),
        DecisionKind(decision),
        "",
        "i",
        "d",
        live().arn,
        outcome=outcome,
        exports=exports,
    )


class Receiver:
    """A receiver of one target. Its state is stored as JSON, and read again."""

    def __init__(self) -> None:
        self.state = NotificationState()

    def look(
        self, *associations: AssociationReport, at: datetime, since: datetime | None = None, error: str | None = None
    ) -> list[Finding]:
        """Return the writes that the receiver is notified of after a run that ended at a time."""
        snapshots = {"prod": snapshot_target(TargetReport("prod", None, None, error, associations), at)}
        notifications, state = find_changes(record_first_look(self.state, snapshots, since), snapshots)
        self.state = decode(encode({"one": state}))["one"]
        return [each.finding for each in notifications if each.kind is Kind.WRITES]

    def hear(
        self, *associations: AssociationReport, at: datetime, since: datetime | None = None, error: str | None = None
    ) -> list[Condition]:
        """Return the conditions of `look`."""
        return [each.condition for each in self.look(*associations, at=at, since=since, error=error)]


def test_first_look_is_silent_about_earlier_writes() -> None:
    """A receiver hears nothing of writes from before its first report, and of each one afterwards."""
    receiver = Receiver()
    assert receiver.hear(build_association(build_create(NOW - DAY)), at=NOW) == []
    updated = build_association(build_create(NOW - DAY), build_update(NOW + DAY))
    assert receiver.hear(updated, at=NOW + DAY) == [UPDATED]
    assert receiver.hear(updated, at=NOW + DAY) == []


def test_write_of_the_first_run_is_news() -> None:
    """What the first run itself created is sent, and so is what an earlier run since the start has created."""
    created = build_association(build_create(NOW), outcome=Created("a1"), decision="create")
    receiver = Receiver()
    assert receiver.hear(created, at=NOW + SECOND) == [CREATED]
    later = build_association(build_create(NOW), name="export")
    assert Receiver().hear(later, at=NOW + SECOND, since=NOW - SECOND) == [CREATED]
    assert Receiver().hear(later, at=NOW + DAY, since=NOW + SECOND) == []


def test_write_is_sent_once_although_the_journal_has_another_time() -> None:
    """The report gives a call the end of its run, and the journal an earlier time: both are one call."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    report = build_association(build_update(NOW), outcome=Updated(), decision="update")
    end = NOW + 10 * SECOND
    assert [receiver.hear(report, at=end) for _ in range(2)] == [[UPDATED], []]
    in_journal = build_association(build_update(NOW + 3 * SECOND))
    for day in range(1, 3):
        assert receiver.hear(in_journal, at=NOW + day * DAY) == []
    again = build_association(build_update(NOW + 3 * SECOND), build_update(NOW + 3 * DAY))
    assert receiver.hear(again, at=NOW + 3 * DAY) == [UPDATED]


def test_write_of_another_process_and_of_a_killed_one_is_news() -> None:
    """A call that no report shows as its own is found in the journal."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    receiver.hear(at=NOW, error="denied")
    both = build_association(build_create(NOW + SECOND), build_update(NOW + 2 * SECOND))
    assert receiver.hear(both, at=NOW + DAY) == [CREATED, UPDATED]


def test_call_that_had_no_effect_is_no_news() -> None:
    """A refused Update, one without an answer, and the job of another program are no writes."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    unanswered = Job(JobSource.UPDATE, NOW)
    for job in (build_refused_job(NOW), unanswered, Job(JobSource.OBSERVED, NOW, is_accepted=True)):
        assert receiver.hear(build_association(job), at=NOW + SECOND) == []
    shown = replace(unanswered, shown_at=NOW + DAY)
    assert receiver.hear(build_association(shown), at=NOW + DAY) == [UPDATED]


def test_write_of_a_schedule_is_sent_once() -> None:
    """The journal knows no job of a schedule, so only the run itself tells of its Create."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    created = build_association(outcome=Created("a1"), decision="create")
    (finding,) = receiver.look(created, at=NOW + SECOND)
    assert (finding.condition, finding.message, finding.arn) == (CREATED, "", live().arn)
    assert receiver.hear(created, at=NOW + SECOND) == receiver.hear(build_association(), at=NOW + DAY) == []


def test_message_names_the_window() -> None:
    """The message about a write names the manifest, the association and the window of its export."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    (finding,) = receiver.look(build_association(build_create(NOW)), at=NOW + SECOND)
    assert (finding.name, finding.manifest, finding.arn) == ("export", "export.yaml:1", live().arn)
    assert finding.message == "its export of 2026-10-30 12:00Z to 2026-10-31 12:00Z was started"


def test_write_of_a_retired_association_is_no_news() -> None:
    """Nothing about a retired association is sent. Once it is no longer retired, its writes are."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    assert receiver.hear(build_association(build_create(NOW), decision="retired"), at=NOW + SECOND) == []
    assert receiver.hear(build_association(build_create(NOW)), at=NOW + DAY) == [CREATED]


def test_two_associations_with_one_key_are_each_sent() -> None:
    """Two manifests with the same data integration and destination are written in one run, and each is news once."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    reports = [build_association(build_update(NOW), outcome=Updated(), name=name) for name in ("one", "two")]
    assert [each.name for each in receiver.look(*reports, at=NOW + SECOND)] == ["one", "two"]
    in_journal = [build_association(build_update(NOW + SECOND / each), name=str(each)) for each in (3, 2)]
    assert receiver.hear(*reports, at=NOW + SECOND) == receiver.hear(*in_journal, at=NOW + DAY) == []


def test_clock_that_was_ahead_hides_no_later_write() -> None:
    """After a run whose clock was a year ahead, later writes are still sent once."""
    receiver = Receiver()
    receiver.hear(at=NOW)
    ahead = NOW + 365 * DAY
    wrong = build_association(build_update(ahead), outcome=Updated(), decision="update")
    assert receiver.hear(wrong, at=ahead + SECOND) == [UPDATED]
    receiver.state = receiver.state.without_future_times(NOW)
    in_journal = build_association(build_update(ahead))
    assert receiver.hear(in_journal, at=NOW + DAY) == []
    both = build_association(build_update(ahead), build_update(NOW + 2 * DAY))
    for expected in ([UPDATED], []):
        assert receiver.hear(both, at=NOW + 3 * DAY) == expected


@given(st.lists(st.sampled_from(["own", "other", "none"]), max_size=15))
def test_each_write_is_sent_once_whoever_made_it(steps: Sequence[str]) -> None:
    """In any sequence of runs that write, of other processes and of quiet runs, each call is sent once."""
    receiver, jobs, count = Receiver(), list[Job](), 0
    receiver.hear(at=NOW)
    for number, step in enumerate(steps, 1):
        at = NOW + number * DAY
        jobs += [] if step == "none" else [build_update(at + SECOND)]
        report = build_association(*jobs[-10:], outcome=Updated() if step == "own" else None)
        for _ in range(2):
            count += len(receiver.hear(report, at=at + 2 * SECOND))
    assert count == len(jobs)
