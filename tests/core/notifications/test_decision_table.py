"""Each row of the decision table about the last call and the last job: receivers are notified or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from support.builders import ACCOUNT, REGION, SETTLE, live, observation, recurring_manifest, rules, window
from support.exports import DAY, REST, Export, at, build_fixed_manifest, rest, span

from reconciler.core.apply.outcome import Created, NotSent, Outcome, RefusalKind, Refused, Unknown, Updated
from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import with_intents
from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus
from reconciler.core.journal.codec import decode as decode_journal
from reconciler.core.journal.codec import encode as encode_journal
from reconciler.core.model import Execution, Mode, Policy
from reconciler.core.notifications.changes import (
    Notification,
    find_changes,
    record_first_look,
)
from reconciler.core.notifications.kinds import Kind
from reconciler.core.notifications.snapshots import snapshot_targets
from reconciler.core.notifications.state import Condition, NotificationState, decode, encode
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Decision
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Create
from reconciler.core.report.build import build_target_report
from reconciler.core.report.report import Report, RunInfo
from reconciler.core.windows.declaration import Missed
from reconciler.core.windows.due import Window

SECOND = timedelta(seconds=1)
OTHER_WINDOW = Window(at(1), at(1, 15))
COMPLETED, UNCONFIRMED = Condition.EXPORT_COMPLETED, Condition.EXPORT_UNCONFIRMED
ACCESS, QUOTA, DENY = (Refused("no", kind) for kind in (RefusalKind.ACCESS, RefusalKind.QUOTA, RefusalKind.DENY))
REQUEST = Refused("a job is running")


class ReportedExport(Export):
    """An export that a controller runs. `take` returns what a receiver was notified of since the last call."""

    notifications: tuple[Notification, ...] = ()
    state = NotificationState()
    is_unlisted = False
    last_plan = Plan()

    def run(self, outcome: Outcome | None = None, *, is_carried_out: bool = False) -> Decision:
        """Run once, and notify the receiver of the report. Its state is stored as JSON, and read again."""
        decision = super().run(outcome, is_carried_out=is_carried_out)
        outcomes = {
            each.manifest.name: outcome or (Created("a1") if isinstance(each, Create) else Updated())
            for each in self.last_plan.writes
        }
        target = build_target_report("prod", ACCOUNT, REGION, Result(self.last_plan, outcomes, {}))
        report = Report(RunInfo("r", self.now, self.now, dry_run=False, revision="1", version="1"), (target,))
        status = TargetStatus("prod", None, None, None, 0, report, self.now)
        snapshots = snapshot_targets(ControllerStatus(self.now, self.now, self.now, None, None, (status,), ()))
        new_notifications, state = find_changes(record_first_look(self.state, snapshots), snapshots)
        self.notifications += new_notifications
        self.state = decode(encode({"one": state}))["one"]
        return decision

    def store_intents(self) -> None:
        """Write the intents of a run that is killed before its calls."""
        self.journal = decode_journal(encode_journal(with_intents(self.journal, self._plan(), self.now)))

    def _plan(self) -> Plan:
        if self.is_unlisted:
            listing = observation(unobserved="denied")
            self.last_plan = compute_plan([self.manifest], listing, self.journal, rules(now=self.now))
        else:
            self.last_plan = super()._plan()
        return self.last_plan

    def take(self, *kinds: Kind) -> list[Condition]:
        """Return the conditions of the notifications since the last call, by default without those of writes."""
        notifications, self.notifications = self.notifications, ()
        kinds = kinds or tuple(set(Kind) - {Kind.WRITES})
        return [each.finding.condition for each in notifications if each.kind in kinds]


def start_export(missed: Missed = Missed.MERGE) -> ReportedExport:
    """Return an export whose January has completed. February is due."""
    export = ReportedExport(recurring_manifest(window(missed=missed)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    assert export.take() == [COMPLETED]
    export.now = at(3, 1, 1)
    return export


def send_update(
    missed: Missed = Missed.MERGE, outcome: Outcome | None = None, *, is_shown: bool = True
) -> ReportedExport:
    """Return an export that has sent February."""
    export = start_export(missed)
    export.shows_updates = is_shown
    export.run(outcome)
    return export


def finish(export: ReportedExport, status: str) -> ReportedExport:
    """Let the job end."""
    export.finish(status)
    return export


def change(export: ReportedExport, wait: timedelta = timedelta(), **members: object) -> ReportedExport:
    """Set members of an export, and let time pass."""
    for name, value in members.items():
        setattr(export, name, value)
    export.wait(wait)
    return export


def rest_export(export: ReportedExport, number: int) -> ReportedExport:
    """Suspend the manifest or its target, or let it only observe."""
    rest(export, REST[number])
    return export


def observe_unshown_job() -> ReportedExport:
    """Return an export whose answered Update List does not show, and whose job was seen from IN_PROGRESS to its end."""
    return change(finish(send_update(is_shown=False), "COMPLETED"), SETTLE)


def show_foreign_window() -> ReportedExport:
    """Return an export for which List shows a window that the program did not send."""
    export = send_update()
    export.show(span(4, 6))
    return export


def start_fixed_export(*, is_changed: bool) -> ReportedExport:
    """Return an export of a fixed window whose job has ended. If `is_changed`, git has a change that is not sent."""
    export = ReportedExport(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
    export.run()
    export.finish()
    if is_changed:
        export.run()
        assert export.take() == [COMPLETED]
        export.manifest = build_fixed_manifest(OTHER_WINDOW, Policy(mode=Mode.CREATE))
    return export


def adopt_completed_export() -> ReportedExport:
    """Return an export that another program started, and that was completed before the adoption."""
    export = ReportedExport(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
    export.show(span(1, 2))
    export.run()
    return export


@dataclass(frozen=True)
class Row:
    """A row: what precedes the run, its decision, its notifications, and the answer of AWS to its call, if any."""

    name: str
    prepare: Callable[[], ReportedExport]
    decision: str
    expected: list[Condition]
    outcome: Outcome | None = None


def build_rest_rows(number: int) -> tuple[Row, Row]:
    """Return the rows of a due window and of a failed one that are held by a policy."""
    return (
        Row(f"due, held by rest {number}", lambda: rest_export(start_export(), number), "held", []),
        Row(f"failed, held by rest {number}", lambda: rest_export(finish(send_update(), "FAILED"), number), "held", []),
    )


def finish_update(status: str, missed: Missed = Missed.MERGE, now: datetime | None = None) -> ReportedExport:
    """Return an export whose February has ended, at a later time if `now` is given."""
    export = finish(send_update(missed), status)
    return change(export, now=now or export.now)


def complete_while_clock_of_aws_is_late() -> ReportedExport:
    """Return an export whose February has ended, while March is due by the clock of this machine alone."""
    return change(finish_update("COMPLETED"), now=at(4, 1, 1), aws_offset=-DAY)


ROWS = [
    *(row for number in range(len(REST)) for row in build_rest_rows(number)),
    Row("--mode forbids", lambda: change(start_export(), mode=Mode.CREATE), "held", [Condition.HELD]),
    Row("List unobserved", lambda: change(start_export(), is_unlisted=True), "blocked", [Condition.UNLISTED]),
    Row("missing", lambda: change(send_update(), live=None, wait=DAY), "settling", []),
    Row("not sent", start_export, "update", [Condition.FAILED], NotSent("throttled")),
    Row("refused for credentials", start_export, "update", [Condition.FAILED], ACCESS),
    Row("refused for the quota of running jobs", start_export, "update", [], QUOTA),
    Row("refused as a request", start_export, "update", [Condition.FAILED], REQUEST),
    Row("running, another due", lambda: change(send_update(), now=at(4, 1, 1)), "held", []),
    Row("running, another overdue", lambda: change(send_update(), now=at(4, 2, 1)), "held", [Condition.WINDOW_OVERDUE]),
    Row("running, none due", lambda: change(send_update(), wait=DAY), "in-sync", []),
    Row("failed, merge", lambda: finish_update("FAILED"), "held", [Condition.EXPORT_FAILED]),
    Row(
        "failed otherwise",
        lambda: finish_update("FAILED", Missed.EACH),
        "blocked",
        [Condition.EXPORT_FAILED],
    ),
    Row("completed", lambda: finish_update("COMPLETED"), "in-sync", [COMPLETED]),
    Row("completed, next due", lambda: finish_update("COMPLETED", now=at(4, 1, 1)), "update", [COMPLETED]),
    Row("completed, next held for the clock of AWS", complete_while_clock_of_aws_is_late, "held", [COMPLETED]),
    Row("answered, not shown", lambda: send_update(is_shown=False), "settling", []),
    Row("answered, not shown, job observed", observe_unshown_job, "in-sync", [UNCONFIRMED]),
    Row("fixed window completed", lambda: start_fixed_export(is_changed=False), "in-sync", [COMPLETED]),
    Row("fixed window, change not allowed", lambda: start_fixed_export(is_changed=True), "changed", []),
    Row("window of another program", show_foreign_window, "settling", []),
    Row("completed before the adoption", adopt_completed_export, "in-sync", []),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda each: each.name)
def test_row_is_notified_once_or_not_at_all(row: Row) -> None:
    """The first run in a row notifies receivers as the row says. The next runs and a restart repeat nothing."""
    export = row.prepare()
    export.take()
    assert export.run(row.outcome).kind == row.decision
    assert export.take() == row.expected
    export.run(row.outcome)
    export.wait(SECOND)
    export.run(row.outcome)
    assert export.take() == []


def run(export: ReportedExport, outcome: Outcome | None = None, wait: timedelta = timedelta()) -> list[Condition]:
    """Let time pass, run once, and return the notifications."""
    export.wait(wait)
    export.run(outcome)
    return export.take()


def test_missing_association_is_notified_once_it_is_lost() -> None:
    """An association that List leaves out is no news while it settles, and one notification once it is lost."""
    export = change(send_update(), live=None)
    assert run(export, wait=DAY) == []
    assert run(export, wait=SETTLE) == [Condition.LOST]
    assert run(export, wait=DAY) == []


def test_refused_request_is_notified_once_until_it_is_blocked() -> None:
    """A refusal, the wait and the second refusal are one notification, and the block is another one."""
    export = start_export()
    assert run(export, REQUEST) == [Condition.FAILED]
    assert run(export) == []
    assert run(export, REQUEST, SETTLE) == []
    assert run(export) == [Condition.BLOCKED]
    assert run(export, wait=DAY) == []
    export.now = at(4, 1, 1)
    assert run(export, REQUEST) == [Condition.FAILED]
    assert run(export, wait=SETTLE) == [Condition.WELL]


def test_refused_request_of_an_overdue_window_is_notified_once() -> None:
    """The wait after a refusal is no news, although the window is overdue meanwhile."""
    export = change(start_export(), wait=DAY)
    assert run(export, REQUEST) == [Condition.FAILED]
    assert run(export) == []
    assert run(export, REQUEST, SETTLE) == []
    assert run(export) == [Condition.BLOCKED]


def test_denied_update_is_notified_once_however_often_it_is_tried() -> None:
    """A denied Update is tried again and again, and a receiver hears of it once, and then of its recovery."""
    export = start_export()
    assert run(export, DENY) == [Condition.FAILED]
    assert run(export, DENY) == [Condition.BLOCKED]
    for _ in range(20):
        assert run(export, DENY, SETTLE) == []
    assert export.job.refusal_count > 3
    assert run(export, wait=DAY) == [Condition.WELL]


def test_second_refusal_of_a_fixed_window_is_no_news() -> None:
    """A changed fixed window that AWS refuses twice is a failure, and then a block."""
    export = start_fixed_export(is_changed=False)
    export.run()
    export.take()
    export.manifest = build_fixed_manifest(OTHER_WINDOW)
    assert run(export, REQUEST) == [Condition.FAILED]
    assert run(export) == []
    assert run(export, REQUEST, SETTLE) == []
    assert run(export) == [Condition.BLOCKED]


def test_answered_update_that_list_never_shows_is_notified_after_the_settle_time() -> None:
    """Nothing is sent while the Update settles, and its block is one notification."""
    export = send_update(is_shown=False)
    export.set_status("COMPLETED")
    assert run(export, wait=SETTLE - SECOND) == []
    assert run(export, wait=SECOND) == [Condition.BLOCKED]
    assert run(export, wait=DAY) == []


@pytest.mark.parametrize("is_killed", [False, True])
def test_update_without_an_answer_is_notified_as_unanswered_and_as_blocked(*, is_killed: bool) -> None:
    """The call without an answer is news, unless the run was killed. The wait is none, and the block is again."""
    export = start_export()
    if is_killed:
        export.store_intents()
    else:
        assert run(export, Unknown("timeout")) == [Condition.UNANSWERED]
    assert run(export, wait=SETTLE - SECOND) == []
    assert run(export, wait=SECOND) == [Condition.BLOCKED]
    assert run(export, wait=DAY) == []


def test_failures_that_are_sent_again_at_once_are_notified() -> None:
    """If the next window is due once a run sees a failure, the failure is news although the run sends the window."""
    export = send_update()
    for month in (4, 5, 6):
        export.finish("FAILED")
        export.now = at(month, 1, 1)
        assert run(export) == [Condition.EXPORT_FAILED]
        assert export.sent[-1] == span(2, month)
        assert run(export) == []
    export.finish()
    assert sorted(run(export)) == sorted([Condition.WELL, COMPLETED])


def test_blocked_update_is_notified_with_its_reason() -> None:
    """A message about a blocked Update says what to do, although List shows another window than the applied one."""
    export = send_update(is_shown=False)
    export.set_status("COMPLETED")
    export.wait(SETTLE)
    export.run()
    *_, blocked = export.notifications
    assert blocked.finding.condition is Condition.BLOCKED
    assert "List never showed it: look in AWS for its export" in blocked.finding.message


@pytest.mark.parametrize("stop", ["", "."])
def test_failed_export_is_notified_without_the_message_of_its_job(stop: str) -> None:
    """A message about a failed export leaves out what AWS says of the job, which may name customers."""
    export = send_update()
    export.finish("FAILED")
    export.set_status("FAILED", f"the record of Jane Doe{stop}")
    export.run()
    *_, failed = export.notifications
    assert failed.finding.condition is Condition.EXPORT_FAILED
    assert "Jane Doe" not in failed.finding.message
    assert "FAILED; its window is exported again with the next one" in failed.finding.message


def test_window_of_another_program_is_notified_after_the_settle_time() -> None:
    """A window that cannot be adopted is one notification once it is blocked."""
    export = show_foreign_window()
    assert run(export) == []
    assert run(export, wait=SETTLE) == [Condition.BLOCKED]
    assert run(export, wait=DAY) == []


def test_create_and_each_update_are_notified_once() -> None:
    """A receiver hears of the Create of the first run and of each sent window, and a later run repeats nothing."""
    export = ReportedExport(recurring_manifest(window()), at(2, 1, 1))
    export.run()
    assert export.take(Kind.WRITES) == [Condition.ASSOCIATION_CREATED]
    finish(export, "COMPLETED")
    export.run()
    assert export.take(Kind.WRITES) == []
    export.now = at(3, 1, 1)
    export.run()
    (update,) = export.notifications
    assert update.finding.message == "its export of 2026-02-01 to 2026-03-01 was started"
    assert export.take(Kind.WRITES) == [Condition.ASSOCIATION_UPDATED]
    export.run()
    assert export.take(Kind.WRITES) == []


def test_create_without_an_answer_is_notified_once_list_shows_it() -> None:
    """A Create whose answer was lost is unanswered, and a create once List shows its association."""
    export = ReportedExport(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
    export.run(Unknown("timeout"), is_carried_out=True)
    assert export.take(Kind.PROBLEMS, Kind.WRITES) == [Condition.UNANSWERED]
    export.wait(SETTLE)
    export.run()
    assert export.take(Kind.PROBLEMS, Kind.WRITES) == [Condition.WELL, Condition.ASSOCIATION_CREATED]
    export.run()
    assert export.take(Kind.PROBLEMS, Kind.WRITES) == []


def test_window_that_becomes_overdue_is_notified_once() -> None:
    """A window that --mode forbids is held at first, and overdue after a day. Then it is no news."""
    export = change(start_export(), mode=Mode.CREATE)
    assert run(export) == [Condition.HELD]
    assert run(export, wait=DAY) == [Condition.WINDOW_OVERDUE]
    assert run(export, wait=DAY) == []
    export.mode = Mode.CREATE_AND_UPDATE
    assert run(export) == [Condition.WELL]


@pytest.mark.parametrize("missed", [Missed.EACH, None])
def test_failed_export_is_one_message_with_the_way_out(missed: Missed | None) -> None:
    """With `missed: each` and for a fixed window, the message about the failed export says how to send it again.

    The message of AWS, which may be about a customer, is no part of it.
    """
    if missed:
        export = finish_update("FAILED", missed)
    else:
        export = ReportedExport(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
        export.run()
        finish(export, "FAILED")
    export.take()
    assert export.live
    export.live = replace(export.live, last_execution=Execution("FAILED", "Jane Doe is no customer."))
    export.run()
    (notification,) = export.notifications
    assert notification.finding.condition is Condition.EXPORT_FAILED
    assert "FAILED; correct the cause" in notification.finding.message
    assert "raise policy.generation above 1" in notification.finding.message


def test_export_completed_while_suspended_is_notified_later() -> None:
    """While a due window is held by policy.suspend, nothing is sent. Afterwards, each completed export is."""
    export = change(finish(send_update(), "COMPLETED"), now=at(4, 1, 1))
    export.edit_policy(suspend=True)
    assert run(export) == []
    export.edit_policy(suspend=False)
    assert run(export) == [COMPLETED]


def test_completed_fixed_export_is_notified_although_its_change_is_sent_at_once() -> None:
    """If a run sees the end of a fixed window and sends a changed one, the end is notified nevertheless."""
    export = start_fixed_export(is_changed=False)
    export.manifest = build_fixed_manifest(OTHER_WINDOW)
    assert run(export) == [COMPLETED]
    assert len(export.sent) == 2
    export.finish()
    assert run(export) == [COMPLETED]


def test_finished_association_repeats_no_completion() -> None:
    """An association that leaves List after its export was completed is no news."""
    export = start_fixed_export(is_changed=False)
    assert run(export) == [COMPLETED]
    export.live = None
    assert run(export, wait=DAY) == run(export, wait=DAY) == []


def test_renamed_manifest_repeats_no_completion() -> None:
    """The new name of a manifest is no reason to notify receivers of earlier exports again."""
    export = finish(send_update(), "COMPLETED")
    assert run(export) == [COMPLETED]
    export.manifest = replace(export.manifest, name="renamed")
    assert run(export) == run(export) == []


def test_message_names_the_window_and_the_time() -> None:
    """A completion names the window in the time zone of its manifest, and when a run saw its end."""
    export = finish(send_update(), "COMPLETED")
    export.run()
    finding = export.notifications[-1].finding
    assert (finding.name, finding.target, finding.manifest) == ("export", f"prod {ACCOUNT} {REGION}", "")
    assert finding.message == "the export of 2026-02-01 to 2026-03-01 ended by 2026-03-01 01:00Z"
    export = start_fixed_export(is_changed=False)
    export.run()
    assert export.notifications[-1].finding.message == (
        "the export of 2026-01-01 00:00Z to 2026-02-01 00:00Z ended by 2026-02-01 01:00Z"
    )
    export = observe_unshown_job()
    export.run()
    finding = export.notifications[-1].finding
    assert finding.manifest == "export.yaml:1"
    assert finding.arn == live().arn
    assert "ended by 2026-03-01 01:15Z; AWS accepted the update of" in finding.message
