"""Nothing promises an export that may not go out: the windows to come say what prevents them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from support.builders import NOW, live, manifest
from support.recurring import SEPTEMBER, UPDATING, build_recurring_manifest, build_recurring_record, build_windows

from reconciler.core.journal.records import LastDecision, Record
from reconciler.core.model import Manifest
from reconciler.core.plan.decision import Blocked, Changed, Decision, Held, InSync, Lost
from reconciler.core.plan.recurring.recurrence import with_rule
from reconciler.core.plan.write import Update
from reconciler.core.report.window_obstacle import add_recorded_obstacle, find_obstacle, find_recorded_obstacle
from reconciler.core.windows.declaration import Period

RECORD, LIVE = build_recurring_record(SEPTEMBER), live()
MANIFEST = build_recurring_manifest()
SUPERSEDED = (
    "no export is sent, because this window is an older one, which a later revision replaced: to return to it, raise "
    "policy.generation above 2"
)
LATE_FIRST = (
    "no export is sent: window.first is 2026-12-30, and the next export begins at 2026-10-01: set window.first to the "
    "date on which exports continue, or an earlier one; to leave out the time in between, set window.continueFrom to "
    "2026-12-30"
)
NOTICE = (
    "each export is sent without another review; if AWS has the association already, a run decides first how far its "
    "data was exported"
)
UPDATE = Update(MANIFEST, LIVE, RECORD, RECORD, (), "the window is due")


@pytest.mark.parametrize(
    ("decision", "obstacle"),
    [
        (Blocked(MANIFEST, "x"), "the association is blocked: its exports may be sent later than this, or not at all"),
        (Changed(MANIFEST, LIVE, RECORD, (), "x"), "no export is sent while the association is changed"),
        (Lost(MANIFEST, RECORD, "x"), "no export is sent while the association is lost"),
        (Held(MANIFEST, UPDATE, "x"), "this run sends no export of it"),
        (Held(MANIFEST, UPDATE, "x", is_temporary=True), None),
        (InSync(MANIFEST, LIVE, RECORD), None),
        (UPDATE, None),
    ],
)
def test_run_names_what_prevents_exports(decision: Decision, obstacle: str | None) -> None:
    """A decision that waits for a person prevents exports, and one that resumes by itself does not."""
    assert find_obstacle(decision) == obstacle


def build_changed_manifest(**changes: Any) -> Manifest:
    """Return the manifest with another generation or another window."""
    return build_recurring_manifest(policy=replace(UPDATING, generation=changes.pop("generation", 1)), **changes)


def build_record() -> Record:
    """Return a record on whose windows of a month windows of a week followed, in generation 2."""
    assert RECORD.recurrence
    recurrence = RECORD.recurrence
    for period in (Period.MONTH, Period.WEEK):
        window = build_recurring_manifest(every=period).window
        assert window
        recurrence = with_rule(recurrence, window)
    return replace(RECORD, generation=2, recurrence=recurrence)


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        (
            {"generation": 2},
            SUPERSEDED,
        ),
        ({"generation": 1}, "no export is sent, because policy.generation is 1 and was 2 before"),
        ({"generation": 3}, None),
        ({"generation": 2, "every": Period.WEEK}, None),
        (
            {"generation": 2, "every": Period.WEEK, "first": SEPTEMBER.end.date().replace(month=12)},
            LATE_FIRST,
        ),
    ],
    ids=str,
)
def test_journal_names_what_prevents_exports(changes: dict[str, Any], obstacle: str | None) -> None:
    """An earlier window, a lower generation and a late `first` send nothing, as `reconcile windows` says."""
    assert find_recorded_obstacle(build_changed_manifest(**changes), build_record(), None) == obstacle


@pytest.mark.parametrize(
    ("decision", "obstacle"),
    [
        ("blocked", "the association is blocked: its exports may be sent later than this, or not at all"),
        ("lost", "no export is sent while the association is lost"),
        ("held", "the last run held the association: reconcile explain shows what its exports wait for"),
        ("in-sync", None),
        (None, None),
    ],
)
def test_last_decision_prevents_exports(decision: str | None, obstacle: str | None) -> None:
    """Without another reason, the last decision in the journal tells whether exports go out."""
    last_decision = LastDecision(decision, NOW) if decision else None
    assert find_recorded_obstacle(MANIFEST, RECORD, last_decision) == obstacle
    assert find_recorded_obstacle(MANIFEST, None, last_decision or LastDecision("in-sync", NOW)) == obstacle
    assert find_recorded_obstacle(manifest(), RECORD, last_decision) == obstacle


def test_association_without_a_record_may_exist_in_aws() -> None:
    """Before the first run, or after the loss of a journal, a notice says what a run decides first. It is no obstacle.

    A journal with a decision has no such notice.
    """
    september: dict[str, Any] = {"first": date(2026, 9, 1)}
    report = add_recorded_obstacle(build_windows(**september), build_recurring_manifest(**september), None, None)
    assert (report.obstacle, report.notice) == (None, NOTICE)
    blocked = add_recorded_obstacle(build_windows(), MANIFEST, None, None)
    assert blocked.obstacle is None
    assert "blocked, unless AWS has the association already: 2 periods since 2026-08-01" in (blocked.notice or "")
    held = add_recorded_obstacle(build_windows(), MANIFEST, RECORD, LastDecision("held", NOW, None))
    assert (held.obstacle is None, held.notice) == (False, None)
