"""Windows that this program did not send are adopted only without a gap, and older revisions send nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from support.builders import SETTLE, recurring_manifest, window
from support.exports import (
    DAY,
    HOUR,
    Export,
    at,
    build_fixed_manifest,
    complete_early,
    expect,
    lose,
    span,
    start_export,
)

from reconciler.core.apply.outcome import Unknown
from reconciler.core.journal.jobs import JobSource
from reconciler.core.model import Json, Mode, OnLoss, Policy
from reconciler.core.plan.decision import (
    Adopt,
    Blocked,
    Changed,
    Drifted,
    Held,
    InSync,
    Lost,
    Settling,
    get_live,
)
from reconciler.core.plan.write import Create, Update
from reconciler.core.request.export_window import build_execution
from reconciler.core.windows.declaration import Missed, Period
from reconciler.core.windows.due import Window

HALF = Window(at(2), at(2, 15))


def lose_journal(shown: Window | None, status: str | None = "COMPLETED", missed: Missed = Missed.MERGE) -> Export:
    """Return an export whose association List shows, and that the journal does not know."""
    export = Export(recurring_manifest(window(missed=missed)), at(3, 1, 1))
    export.show(shown, status)
    return export


def set_live_execution(export: Export, execution: Json) -> None:
    """Let List show this ExecutionConfiguration."""
    assert export.live
    export.live = replace(export.live, spec={**export.live.spec, "ExecutionConfiguration": execution})


# The journal is lost, or the association was made by hand


def test_completed_window_on_boundaries_is_the_watermark() -> None:
    """With COMPLETED, the end of a window on boundaries becomes the watermark, assumed from List for good."""
    export = lose_journal(span(1, 2))
    expect(export.run(), Adopt)
    export.run()
    assert (export.watermark, export.recurrence.is_assumed, export.job.source) == (at(1), True, JobSource.OBSERVED)
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert (export.watermark, export.recurrence.is_assumed) == (at(2), True)
    assert export.sent == [span(2, 3)]
    export.finish()
    export.run()
    assert (export.watermark, export.recurrence.is_assumed) == (at(3), True)


@pytest.mark.parametrize("missed", Missed)
def test_failed_window_on_boundaries_is_not_exported(missed: Missed) -> None:
    """With FAILED, the start of the window is the watermark, and a failed job is decided like one of this program."""
    export = lose_journal(span(2, 3), "FAILED", missed)
    for _ in range(2):
        export.run()
    export.wait(SETTLE)
    expect(export.run(), Held if missed is Missed.MERGE else Blocked, (1, 0), "FAILED")
    assert export.watermark == at(2)
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    assert export.sent == [span(2, 3)]


@pytest.mark.parametrize("status", ["IN_PROGRESS", None])
def test_running_window_on_boundaries_is_pending(status: str | None) -> None:
    """While its job runs, an adopted window is pending, and no Update is sent."""
    export = lose_journal(span(1, 2), status)
    export.run()
    expect(export.run(), Held)
    export.wait(2 * SETTLE)
    expect(export.run(), Held)
    assert export.watermark == at(1)
    export.set_status("COMPLETED")
    expect(export.run(), Update)
    assert export.watermark == at(2)


def test_merged_window_on_boundaries_is_adopted() -> None:
    """A window of several periods lies on boundaries, too."""
    export = lose_journal(span(1, 3))
    export.run()
    expect(export.run(), InSync)
    export.wait(SETTLE)
    expect(export.run(), InSync)
    assert export.watermark == at(3)


@pytest.mark.parametrize("shown", [HALF, Window(at(1, 5), at(2)), None])
def test_window_not_on_boundaries_is_blocked_until_continue_from(shown: Window | None) -> None:
    """A window that does not begin and end with periods is blocked until a person says where to continue."""
    export = lose_journal(shown)
    export.run()
    expect(export.run(), Blocked, (1, 0), "set window.continueFrom")
    export.edit_window(continue_from=at(2, 20))
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [Window(at(2, 20), at(3))]
    assert export.recurrence.continued_from == at(2, 20)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "IN_PROGRESS"])
def test_window_that_has_not_ended_is_blocked_until_continue_from(status: str) -> None:
    """A window that ends in the future was exported in part. Only a person knows how far, also after its end."""
    export = lose_journal(span(1, 4), status)
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "has not ended, so not everything in it has been exported")
    export.edit_window(continue_from=at(2))
    export.set_status("COMPLETED")
    export.run()
    assert export.watermark == at(2)
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [span(2, 3)]


def test_window_of_others_that_has_not_ended_never_moves_the_watermark() -> None:
    """A window that had not ended when it was continued does not count as exported once its end has passed."""
    export = lose_journal(span(1, 4))
    export.edit_window(continue_from=at(3))
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    expect(export.run(), InSync)
    export.now = at(4, 1, 1)
    expect(export.run(), Update)
    assert export.sent == [span(3, 4)]


@pytest.mark.parametrize("is_aws_slow", [True, False])
def test_window_has_ended_only_by_both_clocks(*, is_aws_slow: bool) -> None:
    """A window that has ended by one clock alone is not adopted."""
    export = lose_journal(span(2, 3))
    export.now, export.aws_offset = (at(3, 1, 1), -DAY) if is_aws_slow else (at(2, 28), DAY + HOUR)
    export.run()
    expect(export.run(), Blocked, (1, 0), "has not ended")


def test_failed_job_without_a_window_is_blocked() -> None:
    """The failed job of an association without a window is reported, although skip cannot name its window."""
    export = lose_journal(None, "FAILED", Missed.EACH)
    export.edit_window(continue_from=at(2))
    for _ in range(2):
        export.run()
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "the export of an unknown window FAILED")
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    assert export.sent == [span(2, 3)]


def test_later_end_in_list_beats_continue_from() -> None:
    """An end in List that is later than continueFrom becomes the watermark once its job counts as completed."""
    export = lose_journal(HALF)
    export.edit_window(continue_from=at(2, 10))
    for _ in range(2):
        export.run()
    assert (export.watermark, export.recurrence.is_assumed) == (at(2, 10), False)
    export.wait(SETTLE)
    export.run()
    assert (export.watermark, export.recurrence.is_assumed) == (at(2, 15), True)


def test_window_in_list_that_begins_after_continue_from_is_not_exported_once_more() -> None:
    """A continueFrom that is older than the window in List sends its data again only with a raised generation."""
    export = lose_journal(HALF)
    export.edit_window(continue_from=at(1, 10))
    remedy = "from window.continueFrom (2026-01-10) on, data would be exported once more: set window.continueFrom to"
    expect(export.run(), Blocked, (1, 0), remedy)
    for _ in range(2):
        export.wait(HOUR)
        expect(export.run(), Blocked, (1, 0), "or raise policy.generation above 1 to export it again")
    export.edit_policy(generation=2)
    expect(export.run(), Held, (1, 0), "2026-01-10 to 2026-03-01 has been due since 2026-02-01")
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [Window(at(1, 10), at(3))]


def test_periods_before_continue_from_are_not_due() -> None:
    """Everything before continueFrom counts as exported, and the period that it lies in is due at its end."""
    export = lose_journal(HALF)
    export.edit_window(continue_from=at(3, 20))
    export.now = at(3, 25)
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    expect(export.run(), InSync)
    export.now = at(4, 1, 1)
    expect(export.run(), Update)
    assert export.sent == [Window(at(3, 20), at(4))]


def test_continue_from_has_no_effect_on_boundaries() -> None:
    """On an association that is not blocked, continueFrom has no effect."""
    export = lose_journal(span(1, 2))
    export.edit_window(continue_from=at(2, 20))
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    assert (export.watermark, export.recurrence.continued_from) == (at(2), None)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("1767225600000", "1769904000000"),
        ("1767225600", "1769904000"),
        ("2026-01-01T00:00:00Z", "2026-02-01T01:00:00+01:00"),
        ("2026-01-01T00:00:00", "2026-02-01"),
    ],
)
def test_window_in_list_is_read_as_instants(start: str, end: str) -> None:
    """A window in List has 10 or 13 digits, or is ISO 8601. Without a zone it is UTC."""
    export = lose_journal(span(1, 2))
    set_live_execution(
        export, {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": start, "EndTime": end}}
    )
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    assert export.watermark == at(2)


@pytest.mark.parametrize("end", ["tomorrow", "17699040000000", "17699", "9999-12-31T23:59:59-14:00"])
def test_other_text_in_list_makes_it_unobserved(end: str) -> None:
    """A window in List with any other text makes that List unobserved."""
    export = lose_journal(span(1, 2))
    set_live_execution(
        export, {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1767225600000", "EndTime": end}}
    )
    export.run()
    decision = export.run()
    expect(decision, Blocked, (1, 1))
    assert isinstance(decision, Blocked)
    assert decision.is_unobserved


# A fixed window becomes a recurring one


def test_fixed_window_becomes_a_recurring_one() -> None:
    """The completed job of a fixed window on boundaries is known, so its end is the watermark at once."""
    export = Export(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.manifest, export.now = recurring_manifest(), at(3, 1, 1)
    expect(export.run(), Update)
    assert (export.watermark, export.recurrence.is_assumed) == (at(2), False)
    assert export.sent == [span(1, 2), span(2, 3)]


def test_fixed_window_with_an_update_on_its_way_settles() -> None:
    """An Update of the fixed window that List does not show yet settles before the window is adopted."""
    export = Export(build_fixed_manifest(span(1, 2)), at(3, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.manifest = build_fixed_manifest(span(2, 3))
    expect(export.run(Unknown("no answer")), Update)
    export.manifest = recurring_manifest()
    expect(export.run(), Settling)
    export.show(span(2, 3), "IN_PROGRESS")
    expect(export.run(), InSync)
    assert export.watermark == at(2)


def test_fixed_window_with_an_unanswered_update_is_blocked_until_the_generation_is_raised() -> None:
    """An Update of the fixed window that List never shows may have run, so its window is not sent once more."""
    export = Export(build_fixed_manifest(span(1, 2)), at(3, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.manifest = build_fixed_manifest(span(2, 3))
    export.run(Unknown("no answer"))
    export.manifest = recurring_manifest()
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "raise policy.generation above 1 to continue from the window that List shows")
    export.edit_policy(generation=2)
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [span(1, 2), span(2, 3)]


# Beside a journal


@pytest.mark.parametrize("shown", [span(2, 3), span(1, 3), span(2, 4)])
def test_later_window_without_a_gap_is_adopted(shown: Window) -> None:
    """Beside a journal, a later window that starts at or before the watermark is adopted."""
    export = start_export()
    export.now = shown.end + HOUR
    export.show(shown)
    expect(export.run(), InSync)
    export.wait(SETTLE)
    expect(export.run(), InSync)
    assert (export.watermark, export.recurrence.past[-1].end) == (shown.end, at(2))


@pytest.mark.parametrize("shown", [span(3, 4), HALF, None])
def test_window_with_a_gap_settles_and_is_then_blocked(shown: Window | None) -> None:
    """A window after a gap, or not on boundaries, settles and is then blocked. Then continueFrom acts once.

    If the window begins after continueFrom, a raised generation is needed to export its data once more.
    """
    export = start_export()
    export.show(shown)
    export.edit_window(continue_from=at(2, 15))
    expect(export.run(), Settling, text="which the journal does not know")
    assert export.watermark == at(2)
    export.edit_window(continue_from=None)
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "set window.continueFrom")
    export.now = at(5, 1, 1)
    export.edit_window(continue_from=at(2, 15))
    if shown == span(3, 4):
        expect(export.run(), Blocked, (1, 0), "raise policy.generation above 1 to export it again")
        export.edit_policy(generation=2)
    expect(export.run(), Held, (1, 0))
    assert export.watermark == at(2, 15)
    export.show(Window(at(7), at(7, 2)))
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0))


def test_later_window_that_has_not_ended_settles_and_is_then_blocked() -> None:
    """Beside a journal, a window that ends in the future is not adopted, and continueFrom precedes its end."""
    export = start_export()
    export.show(span(2, 4))
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "set window.continueFrom")
    export.edit_window(continue_from=at(2, 15))
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [span(1, 2), Window(at(2, 15), at(3))]


def test_earlier_window_settles_and_is_then_blocked() -> None:
    """A window before the watermark that this program did not send settles, and is then blocked."""
    export = start_export()
    export.run()
    export.finish()
    export.run()
    export.journal = export.journal.with_records(
        replace(export.record, recurrence=replace(export.recurrence, past=(), watermark=at(3)))
    )
    export.show(Window(at(1), at(1, 15)))
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0))
    export.show(span(2, 3))
    expect(export.run(), InSync)
    assert export.recurrence.foreign_since is None


def test_restored_journal_adopts_the_windows_that_were_sent_since() -> None:
    """A journal from before the last send adopts its window, and exports nothing twice."""
    export = start_export()
    old_journal = export.journal
    export.run()
    export.finish()
    export.journal = old_journal
    expect(export.run(), InSync)
    export.wait(SETTLE)
    expect(export.run(), InSync)
    assert export.watermark == at(3)
    assert export.sent == [span(1, 2), span(2, 3)]


def test_restored_journal_does_not_export_once_more_from_an_old_continue_from() -> None:
    """A continueFrom before the windows that an older journal does not know sends none of their data again."""
    export = start_export()
    export.edit_window(continue_from=at(2, 15))
    old_journal = export.journal
    for now in (at(3, 1, 1), at(4, 1, 1)):
        export.now = now
        export.run()
        export.finish()
        export.run()
    export.journal = old_journal
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "from window.continueFrom (2026-02-15) on, data would be exported once more")
    export.edit_window(continue_from=at(4))
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    assert (export.watermark, export.sent) == (at(4), [span(1, 2), span(2, 3), span(3, 4)])


def test_generation_that_a_restored_journal_does_not_know_repeats_nothing() -> None:
    """A generation above that of an older journal may have had its effect, so continueFrom needs a later one."""
    export = start_export()
    old_journal = export.journal
    export.edit_policy(generation=2)
    export.edit_window(continue_from=at(1, 20))
    export.show(span(3, 4))
    export.now, export.journal = at(5, 1, 1), old_journal
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "raise policy.generation above 2 to export it again")
    export.edit_policy(generation=3)
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    assert export.sent[1:] == [Window(at(1, 20), at(5))]


def test_window_that_an_older_journal_does_not_know_is_not_exported_once_more() -> None:
    """If the journal knows only an earlier fixed window, continueFrom repeats nothing, whatever the generation is."""
    export = Export(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.show(Window(at(3, 5), at(3, 10)))
    export.manifest, export.now = recurring_manifest(), at(4, 1, 1)
    export.edit_policy(generation=2)
    export.edit_window(continue_from=at(2))
    decision = export.run()
    expect(decision, Blocked, (1, 0), "from window.continueFrom (2026-02-01) on, data would be exported once more")
    assert isinstance(decision, Blocked)
    assert decision.reason.endswith("set window.continueFrom to the time up to which everything has been exported")
    export.edit_window(continue_from=at(3, 10))
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    assert export.sent == [span(1, 2), Window(at(3, 10), at(4))]


@pytest.mark.parametrize("is_raised", [False, True])
def test_continue_from_before_the_watermark_repeats_only_with_a_raised_generation(*, is_raised: bool) -> None:
    """What this program has exported is not sent again because somebody else has started an earlier export."""
    export = start_export()
    export.edit_window(continue_from=at(1, 20))
    export.show(Window(at(1), at(1, 15)), "FAILED")
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "raise policy.generation above 1 to export it again")
    if is_raised:
        export.edit_policy(generation=2)
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    assert export.sent[1:] == ([Window(at(1, 20), at(3))] if is_raised else [])


def test_another_association_does_not_move_the_watermark() -> None:
    """If another association with the same key replaces the bound one, its window is judged like any other."""
    export = start_export()
    export.show(span(3, 4), id_="a2")
    expect(export.run(), Adopt)
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0))
    assert export.watermark == at(2)


def test_renamed_manifest_keeps_its_windows() -> None:
    """A renamed manifest takes over the record, and the run after it sends the due window."""
    export = start_export()
    watermark = export.watermark
    export.manifest = replace(export.manifest, name="renamed")
    expect(export.run(), Adopt)
    assert export.watermark == watermark
    expect(export.run(), Update)


# Older revisions


def build_quarters() -> dict[str, Any]:
    """Return members of a window with other boundaries."""
    return {"every": window("quarter").every}


def test_superseded_window_sends_nothing_until_the_generation_is_raised() -> None:
    """An older declaration sends nothing, and a raised generation returns to it for good."""
    export = start_export()
    monthly = export.manifest
    export.edit_window(delay=timedelta(minutes=30))
    export.run()
    export.finish()
    export.run()
    latest, export.manifest, export.now = export.manifest, monthly, at(4, 1, 1)
    expect(export.run(), Changed, text="this window is an older one, which a later revision replaced")
    assert len(export.sent) == 2
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    export.manifest = latest
    expect(export.run(), Changed)


def test_generation_that_returns_to_a_window_with_nothing_due_counts() -> None:
    """A raised generation returns to an older declaration also if nothing is due."""
    export = start_export()
    monthly = export.manifest
    export.edit_window(**build_quarters())
    export.now = at(4, 1, 1)
    expect(export.run(), Update)
    export.finish()
    export.run()
    export.manifest = monthly
    export.edit_policy(generation=2)
    for _ in range(2):
        expect(export.run(), InSync)
    export.now = at(5, 1, 1)
    expect(export.run(), Update)
    assert export.sent[-1] == span(4, 5)


@pytest.mark.parametrize(
    "changes", [{"missed": Missed.EACH}, {"last": date(2027, 1, 1)}, {"backfill": date(2026, 3, 1)}]
)
def test_other_members_of_a_window_do_not_supersede_it(changes: dict[str, Any]) -> None:
    """Only every, timeZone, first and delay belong to the declarations that the journal keeps."""
    export = start_export()
    older = export.manifest
    export.edit_window(**changes)
    export.run()
    export.finish()
    export.manifest, export.now = older, at(4, 1, 1)
    expect(export.run(), Update)


def test_lower_generation_sends_nothing() -> None:
    """A revision with a lower generation than before sends nothing."""
    export = start_export()
    older = export.manifest
    export.edit_policy(generation=2)
    export.run()
    export.manifest, export.now = older, at(4, 1, 1)
    expect(export.run(), Changed, text="is 1 and was 2 before")


def test_older_revision_does_not_continue() -> None:
    """An older revision neither adopts a window nor acts on continueFrom."""
    export = start_export()
    older = export.manifest
    export.edit_policy(generation=2)
    export.run()
    export.show(HALF)
    export.manifest = older
    export.edit_window(continue_from=at(2, 20))
    expect(export.run(), Changed)
    assert export.recurrence.continued_from is None


def test_changed_member_that_an_update_cannot_change_is_reported() -> None:
    """A changed member beside the window is reported, and no window is sent until it is restored."""
    export = start_export()
    spec: dict[str, Json] = {**export.manifest.spec, "ObjectConfiguration": {"A": {"b": ["c"]}}}
    export.manifest = replace(export.manifest, spec=spec)
    expect(export.run(), Changed, text="an update cannot change /ObjectConfiguration")
    assert len(export.sent) == 1


def test_past_windows_stay_known_after_a_loss() -> None:
    """The last window before a loss is among the past ones of the association that is created again."""
    export = start_export()
    export.run()
    export.finish()
    export.run()
    lose(export)
    export.edit_policy(generation=2)
    export.now = at(4, 1, 1)
    expect(export.run(), Create)
    assert [each.start for each in export.recurrence.past] == [at(1), at(2)]


@pytest.mark.parametrize("status", ["FAILED", "IN_PROGRESS"])
def test_continue_from_does_not_count_a_window_that_is_not_exported(status: str) -> None:
    """The end of a window in List whose job failed or runs does not beat window.continueFrom."""
    export = lose_journal(HALF, status)
    export.edit_window(continue_from=HALF.start)
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    assert (export.watermark, export.recurrence.is_assumed) == (HALF.start, False)
    assert export.sent == ([span(2, 3)] if status == "FAILED" else [])


def test_revoked_export_returns_to_the_watermark_before_it() -> None:
    """If a window that overlaps earlier ones was not exported after all, only what was open before is sent again."""
    export = start_export()
    export.show(Window(at(1), at(3)))
    export.run()
    export.wait(SETTLE)
    export.run()
    assert (export.watermark, export.job.previous_watermark) == (at(3), at(2))
    export.set_status("FAILED")
    export.run()
    assert export.watermark == at(2)


def test_older_revision_hides_no_window_that_list_shows_no_more() -> None:
    """A superseded window has exit code 1 a settle time after List shows an earlier window again."""
    export = start_export()
    export.run()
    export.edit_window(every=Period.QUARTER)
    export.edit_policy(generation=0)
    expect(export.run(), Changed, (0, 0))
    export.show(span(1, 2))
    expect(export.run(), Changed, (0, 0))
    export.wait(SETTLE)
    expect(export.run(), Changed, (1, 0), "; List no longer shows the last update, whose export had not ended")


def test_adopted_window_without_a_declaration_is_no_trouble() -> None:
    """If no run acted on a declaration, the journal does not know when a next window would be due."""
    export = lose_journal(span(1, 2))
    export.now = at(2, 10)
    for _ in range(3):
        export.run()
        export.wait(SETTLE)
    assert export.recurrence.rules == ()
    export.manifest = build_fixed_manifest(span(3, 4))
    export.now = at(12)
    expect(export.run(), Changed, (0, 0))


@pytest.mark.parametrize("shown", [span(1, 2), HALF, None])
def test_fixed_window_is_not_sent_after_an_older_revision_adopted_its_association(shown: Window | None) -> None:
    """After a loss of the journal, a revision with a window may adopt first. The fixed window waits for a person."""
    export = lose_journal(shown)
    is_on_boundaries = shown == span(1, 2)
    expect(export.run(), Adopt if is_on_boundaries else Blocked, (int(not is_on_boundaries), 0))
    export.manifest = build_fixed_manifest(span(3, 4))
    export.now = at(5)
    expect(export.run(), Adopt, text="a revision with recurring windows, perhaps an older one, adopted it before")
    expect(export.run(), Changed, text="raise policy.generation above 1")
    assert export.sent == []
    export.edit_policy(generation=2)
    expect(export.run(), Update)
    assert export.sent == [span(3, 4)]


def test_raised_generation_sends_a_fixed_window_after_an_older_revision_adopted_its_association() -> None:
    """A generation above that of the revision that adopted the association is the word of a person."""
    export = lose_journal(HALF)
    export.run()
    export.manifest = build_fixed_manifest(span(3, 4), Policy(mode=Mode.CREATE_AND_UPDATE, generation=2))
    export.now = at(5)
    expect(export.run(), Update)


@pytest.mark.parametrize("is_shown_late", [False, True])
def test_fixed_window_that_list_shows_ends_the_doubt_after_an_adoption(is_shown_late: bool) -> None:
    """If List shows the fixed window, the next change in git is sent as usual."""
    export = lose_journal(HALF if is_shown_late else span(1, 2))
    export.run()
    export.show(span(1, 2))
    export.manifest = build_fixed_manifest(span(1, 2))
    expect(export.run(), Adopt if is_shown_late else InSync)
    export.manifest, export.now = build_fixed_manifest(span(3, 4)), at(5)
    expect(export.run(), Update)


def test_revision_with_a_window_continues_after_a_fixed_window_waited() -> None:
    """A revision with a window finds the watermark in List also after a fixed window adopted the association."""
    export = lose_journal(span(1, 2))
    export.run()
    recurring, export.manifest = export.manifest, build_fixed_manifest(span(3, 4))
    export.run()
    export.manifest = recurring
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Update)
    assert export.sent == [span(2, 3)]


def test_replaced_association_adopted_by_an_older_revision_keeps_the_fixed_windows_that_were_sent() -> None:
    """A revision with a window may also adopt another association, in place of the one of a fixed window."""
    export = Export(build_fixed_manifest(span(1, 2)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.show(HALF, id_="a2")
    export.manifest, export.now = recurring_manifest(), at(5)
    expect(export.run(), Blocked, (1, 0))
    export.manifest = build_fixed_manifest(span(3, 4))
    expect(export.run(), Adopt)
    expect(export.run(), Changed)
    assert export.sent == [span(1, 2)]


@pytest.mark.parametrize("status", ["FAILED", "COMPLETED"])
def test_fixed_window_is_not_created_where_there_is_a_watermark(status: str) -> None:
    """A lost association with recurring windows is not created again with the fixed window of an older revision."""
    export = start_export()
    export.run()
    export.finish(status)
    export.run()
    export.live = None
    policy = Policy(mode=Mode.CREATE_AND_UPDATE, on_loss=OnLoss.RECREATE)
    export.manifest = build_fixed_manifest(span(1, 2), policy)
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Lost, (1, 0), "raise policy.generation")


# `first` after the watermark


def test_first_after_the_watermark_is_blocked_until_continue_from() -> None:
    """A `first` after the watermark would leave out data, so it is blocked, also in a dry run."""
    export = start_export()
    export.edit_window(first=date(2026, 3, 1))
    export.now = at(4, 1, 1)
    expect(export.run(), Blocked, (1, 1), "set window.continueFrom to 2026-03-01")
    export.edit_window(continue_from=at(3))
    expect(export.run(), Update)
    assert (export.sent[-1], export.recurrence.continued_from) == (span(3, 4), at(3))
    export.finish()
    export.run()
    export.edit_window(first=date(2026, 6, 1))
    expect(export.run(), Blocked, (1, 1))


def test_end_of_a_job_is_recorded_while_first_is_too_late() -> None:
    """While a `first` after the watermark blocks the association, the journal still learns how the last job ended."""
    export = Export(recurring_manifest(window()), at(2, 1, 1))
    export.run()
    export.edit_window(first=date(2026, 3, 1))
    export.finish()
    for _ in range(2):
        expect(export.run(), Blocked, (1, 1), "the next export begins at 2026-02-01")
    assert (export.watermark, export.job.result) == (at(2), "COMPLETED")


def test_continue_from_before_first_stays_blocked() -> None:
    """A continueFrom before `first` still leaves out data."""
    export = start_export()
    export.edit_window(first=date(2026, 3, 1), continue_from=at(2, 15))
    expect(export.run(), Blocked, (1, 1))


def test_first_before_the_watermark_only_anchors_the_boundaries() -> None:
    """Where there is a watermark, an earlier `first` with another day shortens the next window."""
    export = start_export()
    export.edit_window(first=date(2025, 12, 15))
    expect(export.run(), Update)
    assert export.sent[-1] == HALF


# What a plan never does


@pytest.mark.parametrize("shown", [span(1, 2), span(4, 5), HALF, None])
@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "IN_PROGRESS", None])
def test_no_create_beside_an_association(shown: Window | None, status: str | None) -> None:
    """Beside an association in List, no run creates another one, whatever the association shows."""
    export = lose_journal(shown, status)
    for _ in range(4):
        decision = export.run()
        assert not isinstance(decision, Create)
        assert get_live(decision) or isinstance(decision, Blocked)
        export.wait(DAY)


def test_association_that_differs_elsewhere_is_drifted() -> None:
    """Drift in another member than the window is reported, and no window hides it."""
    export = start_export()
    export.run()
    export.finish()
    export.run()
    assert export.live
    execution = {**build_execution(span(2, 3)), "X": "y"}  # type: ignore[dict-item]
    export.live = replace(export.live, spec={**export.live.spec, "ExecutionConfiguration": execution})
    expect(export.run(), Drifted)


def test_adopted_association_of_policy_adopt_follows_the_same_rules() -> None:
    """An association in policy.adopt is adopted with its window."""
    export = lose_journal(span(1, 2))
    assert export.live
    export.edit_policy(adopt=export.live.arn)
    expect(export.run(), Adopt)
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Update)


def test_journal_without_a_job_follows_the_window_that_list_shows() -> None:
    """A record with windows and without a job, as after a change of the association, follows the job in List."""
    export = start_export()
    export.show(span(1, 2), id_="a2")
    expect(export.run(), Adopt)
    expect(export.run(), Held)
    export.wait(SETTLE)
    expect(export.run(), Update)


def test_revoked_export_after_a_skip_stays_left_out() -> None:
    """A skipped window that List shows after all moves no watermark, and takes none back."""
    export = start_export()
    export.shows_updates = False
    export.run(Unknown("timeout"), is_carried_out=True)
    export.set_status("COMPLETED")
    export.wait(SETTLE)
    export.edit_window(skip=(date(2026, 2, 1),))
    export.run()
    assert export.watermark == at(3)
    export.show(span(2, 3))
    for status in ("COMPLETED", "IN_PROGRESS", "COMPLETED"):
        export.set_status(status)
        export.run()
        export.wait(SETTLE)
        assert export.watermark == at(3)
    assert export.sent == [span(1, 2), span(2, 3)]


def test_revoked_export_before_continue_from_is_left_out() -> None:
    """If window.continueFrom has continued after a window that was not exported after all, it counts as left out."""
    export = complete_early(start_export())
    export.edit_window(first=date(2026, 3, 2), continue_from=at(3, 2))
    export.now = at(3, 2, 1)
    export.run()
    assert export.watermark == at(3, 2)
    export.set_status("FAILED")
    export.run()
    assert [(each.start, each.end) for each in export.recurrence.omissions] == [(at(2), at(3)), (at(3), at(3, 2))]


def test_replaced_association_with_an_earlier_window_needs_a_person() -> None:
    """If another association with an earlier window replaces the lost one, the program does not wait for its job."""
    export = start_export()
    export.run()
    export.finish("FAILED")
    export.run()
    export.show(span(1, 2), id_="a2")
    expect(export.run(), Adopt)
    expect(export.run(), Settling)
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "set window.continueFrom")
    export.edit_window(continue_from=at(2))
    for _ in range(2):
        export.run()
        export.wait(SETTLE)
    assert export.sent[-1] == span(2, 3)


def test_association_with_another_window_is_not_the_result_of_a_create() -> None:
    """If the lost association returns while a Create has no answer, nobody claims that the Create succeeded."""
    export = start_export()
    export.run()
    export.finish()
    export.run()
    shown, export.live = export.live, None
    export.run()
    export.wait(SETTLE)
    export.run()
    export.edit_policy(generation=2)
    export.now = at(4, 1, 1)
    expect(export.run(Unknown("timeout")), Create)
    export.live = shown
    expect(export.run(), Adopt, text="List shows an association with another window")
    export.wait(SETTLE)
    export.run()
    export.wait(SETTLE)
    expect(export.run(), Blocked, (1, 0), "set window.continueFrom")
