"""A window that was sent or shown before its end never counts as exported up to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from support.builders import SETTLE, recurring_manifest, window
from support.exports import DAY, HOUR, Export, at, build_fixed_manifest, expect, span

from reconciler.core.apply.outcome import Unknown
from reconciler.core.journal.jobs import JobSource, Refusal
from reconciler.core.journal.records import Bound
from reconciler.core.model import Json, Mode, Policy
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Held, InSync, Lost, Settling, get_live
from reconciler.core.plan.write import Update
from reconciler.core.request.export_window import build_execution
from reconciler.core.windows.declaration import Missed
from reconciler.core.windows.due import Window
from reconciler.edge.manifests.zones import read_zone

AT_ONCE = Policy(mode=Mode.CREATE_AND_UPDATE, delay=None)
MERGE = recurring_manifest(window(missed=Missed.MERGE))
EARLY = "was sent, or shown by List, before its end, so not everything in it has been exported"
FUTURE = "window.continueFrom is in the future"


def send_early(*, is_seen: bool = True) -> Export:
    """Return an export that sent January at once on January 10. If `is_seen`, runs saw the end of its job."""
    export = Export(build_fixed_manifest(span(1, 2), AT_ONCE), at(1, 10))
    export.run()
    if is_seen:
        export.finish()
        export.run()
    export.set_status("COMPLETED")
    export.manifest = MERGE
    return export


def show(shown: Window | None, now: datetime, status: str | None = "COMPLETED") -> Export:
    """Return an export whose association List shows at a time, and that the journal does not know."""
    export = Export(MERGE, now)
    export.show(shown, status)
    return export


def start_export() -> Export:
    """Return an export whose January has completed. It is February 10."""
    export = Export(MERGE, at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.now = at(2, 10)
    return export


def get_early_window(export: Export) -> Window | None:
    """Return the early window in the journal."""
    assert isinstance(export.record.state, Bound)
    return export.record.state.early_window


# Sent by this program before its end


@pytest.mark.parametrize("is_seen", [True, False])
@pytest.mark.parametrize("first_look", [at(1, 11), at(2, 1, 1), at(2, 10), at(5)])
def test_fixed_window_that_was_sent_at_once_is_blocked_for_ever(first_look: datetime, *, is_seen: bool) -> None:
    """A window that was sent on January 10 is not exported up to February, whenever the manifest becomes recurring."""
    export = send_early(is_seen=is_seen)
    export.now = first_look
    for _ in range(4):
        expect(export.run(), Blocked, (1, 0), "so not everything in it has been exported: set window.continueFrom")
        export.wait(30 * DAY)
    expect(export.run(), Blocked, (1, 0), EARLY)
    assert len(export.sent) == 1


def test_fixed_window_in_berlin_is_blocked_when_it_becomes_recurring() -> None:
    """The same holds for the months of another time zone."""
    january = Window(datetime(2025, 12, 31, 23, tzinfo=UTC), at(1, 31, 23))
    export = Export(build_fixed_manifest(january, AT_ONCE), at(1, 10))
    export.run()
    export.finish()
    export.run()
    berlin = "Europe/Berlin"
    declaration = replace(window(), zone_name=berlin, zone=read_zone(berlin), first=date(2026, 1, 1))
    export.manifest, export.now = recurring_manifest(declaration), at(2, 10)
    expect(export.run(), Blocked, (1, 0), EARLY)


@pytest.mark.parametrize("is_seen", [True, False])
def test_continue_from_precedes_the_end_of_a_window_that_was_sent_early(*, is_seen: bool) -> None:
    """The word of a person counts, although the window in List ends later: its end was not exported."""
    export = send_early(is_seen=is_seen)
    export.now = at(2, 10)
    export.edit_window(continue_from=at(1, 10))
    expect(export.run(), Update if is_seen else Held, (0, 0) if is_seen else (1, 0))
    assert export.watermark == at(1, 10)
    export.wait(SETTLE)
    export.run()
    assert export.sent == [span(1, 2), Window(at(1, 10), at(2))]
    (past,) = export.recurrence.past
    assert (past.start, past.end, past.job.source) == (at(1), at(2), JobSource.CREATE)


@pytest.mark.parametrize(
    "changes", [{"result": None, "refusal": Refusal("no")}, {"result": None, "is_repetition": True}]
)
def test_continue_from_replaces_a_call_without_a_known_job(changes: dict[str, Any]) -> None:
    """After continueFrom, a refused or repeated call for an early window is neither sent again nor waited for."""
    export = send_early()
    export.now = at(2, 10)
    export.edit_window(continue_from=at(2))
    assert isinstance(export.record.state, Bound)
    job = replace(export.job, source=JobSource.UPDATE, ended_at=None, **changes)
    state = replace(export.record.state, job=job)
    export.journal = export.journal.with_records(replace(export.record, state=state))
    expect(export.run(), InSync)
    assert export.job.source is JobSource.OBSERVED


def test_running_job_of_an_early_window_hides_no_due_window() -> None:
    """While the job of an early window may run, the window from the watermark waits, and is overdue after a day."""
    export = send_early(is_seen=False)
    export.set_status("IN_PROGRESS")
    export.now = at(2, 10)
    export.edit_window(continue_from=at(1, 10))
    decision = export.run()
    expect(decision, Held, (1, 0))
    assert isinstance(decision, Held)
    assert decision.write
    assert decision.write.request["ExecutionConfiguration"] == build_execution(Window(at(1, 10), at(2)))


def test_fixed_window_that_was_sent_again_after_its_end_is_adopted() -> None:
    """A later call for the same window exports the whole of it."""
    export = send_early()
    export.now = at(2, 10)
    export.manifest = build_fixed_manifest(span(1, 2), replace(AT_ONCE, generation=2))
    assert export.live
    export.show(Window(at(1), at(1, 5)))
    export.run()
    assert get_early_window(export) == span(1, 2)
    export.show(span(1, 2))
    assert isinstance(export.record.state, Bound)
    job = replace(export.job, sent_at=at(2, 9), shown_at=None, running_at=at(2, 9), ended_at=at(2, 9, 1))
    repeated = replace(export.record, state=replace(export.record.state, job=job))
    export.journal = export.journal.with_records(repeated)
    export.manifest = replace(MERGE, policy=replace(MERGE.policy, generation=2))
    expect(export.run(), InSync)
    assert (export.watermark, get_early_window(export)) == (at(2), None)


def test_unanswered_update_of_a_fixed_window_is_judged_by_its_time() -> None:
    """A window whose Update had no answer, and that List shows later, was sent before its end."""
    export = Export(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.manifest, export.now = build_fixed_manifest(span(2, 3), AT_ONCE), at(2, 10)
    export.run(Unknown("no answer"))
    export.show(span(2, 3))
    export.manifest, export.now = MERGE, at(3, 10)
    expect(export.run(), Blocked, (1, 0), EARLY)


# Sent by others, without a journal


@pytest.mark.parametrize("status", ["COMPLETED", "IN_PROGRESS", None])
def test_first_look_before_the_end_blocks_for_ever(status: str | None) -> None:
    """Without a journal, a window that List shows before its end is blocked at once, and also after its end."""
    export = show(span(2, 3), at(2, 10), status)
    expect(export.decide(), Blocked, (1, 0), "has not ended")
    expect(export.run(), Blocked, (1, 0), "has not ended, so not everything in it has been exported")
    assert get_early_window(export) == span(2, 3)
    export.set_status("COMPLETED")
    for now in (at(2, 11), at(3, 1, 1), at(3, 20)):
        export.now = now
        expect(export.run(), Blocked, (1, 0), "so not everything in it has been exported")
    export.edit_window(continue_from=at(2, 10))
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [Window(at(2, 10), at(3))]


def test_look_of_a_fixed_manifest_is_remembered() -> None:
    """A look at an early window counts also if the manifest has a fixed window at that time."""
    export = show(span(2, 3), at(2, 10), "IN_PROGRESS")
    export.manifest = build_fixed_manifest(span(2, 3))
    expect(export.run(), Adopt)
    export.set_status("COMPLETED")
    export.now = at(3, 10)
    export.run()
    export.manifest = MERGE
    expect(export.run(), Blocked, (1, 0), EARLY)


def test_early_window_is_remembered_while_a_fixed_window_takes_over() -> None:
    """A fixed window that adopts the association again does not forget the early window."""
    export = show(span(2, 3), at(2, 10))
    export.run()
    export.manifest, export.now = build_fixed_manifest(span(3, 4)), at(3, 10)
    expect(export.run(), Adopt)
    assert get_early_window(export) == span(2, 3)
    export.manifest = MERGE
    expect(export.run(), Blocked, (1, 0), EARLY)


def test_window_that_changes_in_list_before_its_end_is_remembered() -> None:
    """A window that replaces another one in List is remembered as well, if it has not ended."""
    export = show(Window(at(1), at(1, 15)), at(2, 10))
    expect(export.run(), Blocked, (1, 0), "does not begin and end with periods")
    export.show(span(1, 3))
    export.run()
    export.now = at(3, 10)
    expect(export.run(), Blocked, (1, 0), EARLY)


def test_first_look_after_the_end_adopts_as_before() -> None:
    """A window that is first seen after its end is adopted, and its watermark is assumed from List."""
    export = show(span(1, 2), at(2, 1))
    expect(export.run(), Adopt)
    export.run()
    assert (export.watermark, export.recurrence.is_assumed, get_early_window(export)) == (at(1), True, None)
    export.wait(SETTLE)
    export.run()
    assert (export.watermark, export.recurrence.is_assumed) == (at(2), True)


def test_slow_clock_of_a_machine_does_not_block_for_ever() -> None:
    """If only the machine says that a window has not ended, it is blocked until the machine agrees."""
    export = show(span(2, 3), at(2, 28))
    export.aws_offset = DAY + HOUR
    expect(export.run(), Blocked, (1, 0), "has not ended")
    export.now, export.aws_offset = at(3, 1, 2), timedelta(0)
    export.run()
    export.wait(SETTLE)
    expect(export.run(), InSync)
    assert export.watermark == at(3)


def test_replaced_association_forgets_the_early_window() -> None:
    """Another association is judged by its own windows."""
    export = show(span(2, 3), at(2, 10))
    export.run()
    export.show(span(2, 3), id_="a2")
    export.now = at(3, 10)
    expect(export.run(), Adopt)
    assert get_early_window(export) is None


# Sent by others, beside a journal


@pytest.mark.parametrize("is_older_revision", [True, False])
def test_foreign_window_seen_before_its_end_is_blocked_for_ever(*, is_older_revision: bool) -> None:
    """Beside a journal, a later window that List showed before its end is never adopted by itself."""
    export = start_export()
    export.show(span(2, 3))
    latest = export.manifest
    if is_older_revision:
        export.manifest = replace(latest, policy=replace(latest.policy, generation=0))
    expect(export.run(), Changed if is_older_revision else Settling)
    export.manifest = latest
    for now in (at(2, 11), at(3, 1, 1), at(3, 20)):
        export.now = now
        decision = export.run()
    if is_older_revision:
        export.wait(SETTLE)
        decision = export.run()
    expect(
        decision,
        Blocked,
        (1, 0),
        "which was sent, or shown by List, before its end; the exports of this program end at",
    )
    export.edit_window(continue_from=at(2, 10))
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [span(1, 2), Window(at(2, 10), at(3))]


def test_window_of_this_program_after_an_early_one_of_others_counts() -> None:
    """If this program sends the same window after its end, its job moves the watermark."""
    export = start_export()
    export.show(span(2, 3))
    export.edit_window(continue_from=at(2))
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    export.now = at(3, 1, 1)
    expect(export.run(), Update)
    export.finish()
    export.run()
    assert (export.watermark, export.sent[-1]) == (at(3), span(2, 3))


# Windows that are none


@pytest.mark.parametrize("shown", [Window(at(2), at(1)), Window(at(2), at(2))])
def test_reversed_window_is_blocked_until_continue_from(shown: Window) -> None:
    """A window that does not end after its start holds no data, so only a person knows where to continue."""
    export = show(shown, at(3, 1, 1))
    for _ in range(2):
        expect(export.run(), Blocked, (1, 0), "List shows a window that does not end after its start")
    export.edit_window(continue_from=at(1, 20))
    export.run()
    assert export.watermark == at(1, 20)
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [Window(at(1, 20), at(3))]


def test_foreign_reversed_window_settles_and_is_then_blocked() -> None:
    """Beside a journal, a reversed window moves no watermark."""
    export = start_export()
    export.show(Window(at(2, 5), at(2)))
    expect(export.run(), Settling, text="a window that does not end after its start")
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0))
    assert export.watermark == at(2)


@pytest.mark.parametrize("year", ["1990", "1970"])
def test_window_since_long_ago_can_be_written_and_read(year: str) -> None:
    """A window by hand may begin long ago. The journal keeps it after the next window."""
    export = show(span(1, 2), at(2, 10))
    times: Json = {"StartTime": f"{year}-01-01T00:00:00Z", "EndTime": "2026-03-01T00:00:00Z"}
    assert export.live
    execution: Json = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": times}
    export.live = replace(export.live, spec={**export.live.spec, "ExecutionConfiguration": execution})
    export.edit_window(continue_from=at(2))
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    export.now = at(3, 1, 1)
    expect(export.run(), Update)
    assert export.recurrence.past[-1].start.year == int(year)


# The first look


@pytest.mark.parametrize("text", ["yesterday", "2500-01-01T00:00:00Z", "0001-01-01"])
def test_first_look_at_a_window_that_is_no_time_is_unobserved(text: str) -> None:
    """The first run, and a dry run before it, block like every later run."""
    export = show(span(1, 2), at(3, 1, 1))
    assert export.live
    times: Json = {"StartTime": text, "EndTime": "2026-02-01T00:00:00Z"}
    execution: Json = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": times}
    export.live = replace(export.live, spec={**export.live.spec, "ExecutionConfiguration": execution})
    for decision in (export.decide(), export.run(), export.run()):
        expect(decision, Blocked, (1, 1), "whose start or end is not a time")
        assert isinstance(decision, Blocked)
        assert decision.is_unobserved
        assert get_live(decision) == export.live
    assert not export.journal.records


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (Window(at(2), at(2, 15)), "which does not begin and end with periods of this manifest"),
        (None, "List shows a configuration without a window, so it is unknown what has been exported"),
    ],
)
def test_first_look_at_a_window_that_is_not_on_boundaries_is_blocked(shown: Window | None, reason: str) -> None:
    """The first run, and a dry run before it, give the same reason as every later run."""
    export = show(shown, at(3, 1, 1))
    reasons = set()
    for decision in (export.decide(), export.run(), export.run()):
        expect(decision, Blocked, (1, 0), f"{reason}: set window.continueFrom")
        assert isinstance(decision, Blocked)
        assert get_live(decision) == export.live
        reasons.add(decision.reason)
    assert len(reasons) == 1
    assert export.record.recurrence is None


def test_first_look_with_continue_from_adopts() -> None:
    """If a person has already said where to continue, the first run adopts."""
    export = show(Window(at(2), at(2, 15)), at(3, 1, 1))
    export.edit_window(continue_from=at(2, 20))
    expect(export.run(), Adopt)


# continueFrom in the future


@pytest.mark.parametrize("is_aws_slow", [True, False])
def test_future_continue_from_is_blocked_at_the_first_look(*, is_aws_slow: bool) -> None:
    """A continueFrom that has not passed by both clocks moves no watermark, and a dry run has exit code 1."""
    export = show(None, at(3, 1, 1))
    export.edit_window(continue_from=at(3, 1) if is_aws_slow else datetime(2027, 3, 1, tzinfo=UTC))
    export.aws_offset = -DAY if is_aws_slow else timedelta(0)
    for decision in (export.decide(), export.run(), export.run()):
        expect(decision, Blocked, (1, 1), FUTURE)
    assert export.record.recurrence is None
    export.edit_window(continue_from=at(2))
    export.run()
    assert export.watermark == at(2)


def test_future_continue_from_is_blocked_beside_a_journal() -> None:
    """A foreign window stays blocked, and a corrected date has its effect."""
    export = start_export()
    export.show(Window(at(2, 2), at(2, 5)))
    export.run()
    export.wait(SETTLE)
    export.edit_window(continue_from=datetime(2027, 2, 1, tzinfo=UTC))
    expect(export.run(), Blocked, (1, 1), FUTURE)
    assert export.watermark == at(2)
    export.edit_window(continue_from=at(2, 5))
    export.run()
    assert export.watermark == at(2, 5)


@pytest.mark.parametrize("is_lost", [False, True])
def test_future_continue_from_does_not_pass_over_the_time_before_first(*, is_lost: bool) -> None:
    """If window.first is later than the watermark, a continueFrom in the future leaves nothing out."""
    export = start_export()
    export.edit_window(first=date(2026, 6, 1), continue_from=at(6))
    if is_lost:
        export.live = None
        export.run()
        export.wait(SETTLE)
        expect(export.run(), Lost, (1, 0))
        export.edit_policy(generation=2)
    expect(export.run(), Blocked, (1, 1), FUTURE)
    assert export.watermark == at(2)


def test_retired_manifest_remembers_a_window_shown_before_its_end() -> None:
    """A window that somebody sends early while the manifest is retired does not count as exported afterwards."""
    export = start_export()
    export.edit_policy(retired="the team is moving")
    export.show(span(2, 3))
    export.run()
    assert get_early_window(export) == span(2, 3)
    export.now = at(3, 1, 1)
    export.edit_policy(retired=None)
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "was sent, or shown by List, before its end")
    assert export.watermark == at(2)
