"""Adoptions that differ from git: they are reported as changed, and nothing is sent by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.builders import NOW, ON_DEMAND, SETTLE, journal, live, manifest, observation, record, request, rules

from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import with_intents
from reconciler.core.journal.records import Bound, CreatePending, Journal
from reconciler.core.model import Live, Manifest, Mode, Policy
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Changed, Decision, Drifted, InSync, Update
from reconciler.core.report.build import build_target_report
from reconciler.core.report.report import Report, RunInfo

UPDATES = Policy(mode=Mode.CREATE_AND_UPDATE)
END = "/ExecutionConfiguration/OnDemandConfiguration/EndTime"
ELSEWHERE = "s3://corp-exports/elsewhere"


def window(end: str) -> dict[str, Any]:
    """Return an ExecutionConfiguration with another end time."""
    return {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": end}}


NEW, THIRD = window("1793577600000"), window("1793664000000")
SCHEDULED: dict[str, Any] = {
    "ExecutionMode": "SCHEDULED",
    "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"},
}


def run(
    known: Journal, wanted: Manifest, *lives: Live, mode: Mode = Mode.CREATE_AND_UPDATE
) -> tuple[Decision, Journal]:
    """Plan one manifest, and return its decision and the journal after the run."""
    decided = compute_plan([wanted], observation(*lives), known, rules(mode))
    return decided.decisions[0], with_intents(known, decided, NOW)


def wants(execution: Any = ON_DEMAND, generation: int = 1, **policy: Any) -> Manifest:
    """Return a manifest with an ExecutionConfiguration that allows updates."""
    return manifest(policy=replace(UPDATES, generation=generation, **policy), ExecutionConfiguration=execution)


def said(decision: Decision, known: Journal, wanted: Manifest, *lives: Live) -> Report:
    """Return the report of a run with a decision."""
    decided = compute_plan([wanted], observation(*lives), known, rules())
    assert decided.decisions[0].kind == decision.kind
    return Report(
        RunInfo("id", NOW, NOW, dry_run=False, revision=None, version="0"),
        (build_target_report("prod", "1", "r", Result(decided, {}, {})),),
    )


@pytest.mark.parametrize("shown", [NEW, SCHEDULED, None])
@pytest.mark.parametrize("mode", list(Mode))
def test_adoption_without_a_journal_is_neither_drift_nor_update(shown: Any, mode: Mode) -> None:
    """An adoption that differs from git is changed, in this run and later ones, and nothing is sent."""
    wanted, there = manifest(policy=UPDATES), live(ExecutionConfiguration=shown)
    first, kept = run(journal(), wanted, there, mode=mode)
    assert isinstance(first, Adopt)
    report = said(first, journal(), wanted, there)
    (row,) = report.associations
    assert {name for name, count in report.summary.items() if count} == {row.decision} == {"changed"}
    for _ in range(3):
        later, kept = run(kept, wanted, there, mode=mode)
        assert isinstance(later, Changed)
        assert not any(each.is_drifted for each in later.differences)
        for reason in (first.reason, later.reason):
            assert "does not know which of them changed" in reason
            assert "git changed the configuration" not in reason
            assert "no longer matches" not in reason


def test_adopted_association_is_updated_after_a_change_or_generation() -> None:
    """An adopted association is updated after a raised generation or a further change in git."""
    there = live(ExecutionConfiguration=NEW)
    _, kept = run(journal(), wants(), there)
    raised, _ = run(kept, wants(generation=2), there)
    assert isinstance(raised, Update)
    assert raised.execution == ON_DEMAND
    assert "policy.generation was raised" in raised.reason
    changed, after = run(kept, wants(THIRD), there)
    assert isinstance(changed, Update)
    assert "git changed the configuration" in changed.reason
    back, _ = run(after, wants(), live(ExecutionConfiguration=THIRD))
    assert isinstance(back, Changed)
    same, _ = run(kept, wants(NEW), there)
    assert isinstance(same, InSync)


def test_generation_present_at_adoption_does_not_count_as_raised() -> None:
    """A generation that is already in git at the adoption does not count as raised."""
    there = live(ExecutionConfiguration=NEW)
    _, kept = run(journal(), wants(generation=5), there)
    later, _ = run(kept, wants(generation=5), there)
    assert isinstance(later, Changed)
    assert "raise policy.generation above 5" in later.reason


def test_live_change_after_adoption_is_drift() -> None:
    """A change in AWS after the adoption is drift."""
    _, kept = run(journal(), wants(), live())
    decision, _ = run(kept, wants(), live(ExecutionConfiguration=NEW))
    assert isinstance(decision, Drifted)
    (row,) = said(decision, kept, wants(), live(ExecutionConfiguration=NEW)).associations
    assert "adopted" in row.reason


def test_ignored_member_is_not_a_difference_of_an_adoption() -> None:
    """An adoption leaves out the members of policy.ignore, and reports other differences."""
    wanted = wants(ignore=(END,))
    first, kept = run(journal(), wanted, live(ExecutionConfiguration=NEW))
    assert (first.kind, kept.records["export"].request) == ("adopt", request())
    both = {**NEW, "OnDemandConfiguration": {**NEW["OnDemandConfiguration"], "StartTime": "1"}}
    first, kept = run(journal(), wanted, live(ExecutionConfiguration=both))
    assert isinstance(first, Adopt)
    assert [each.path for each in first.differences] == ["/ExecutionConfiguration/OnDemandConfiguration/StartTime"]
    later, _ = run(kept, wanted, live(ExecutionConfiguration=both))
    assert isinstance(later, Changed)


def test_adopting_another_destination_by_arn_is_not_drift() -> None:
    """Adopting an association with another destination by policy.adopt is no drift."""
    there = live(DestinationURI=ELSEWHERE)
    wanted = manifest(policy=Policy(adopt=there.arn))
    first, kept = run(journal(), wanted, there)
    assert first.kind == "changed"
    later, _ = run(kept, wanted, there)
    assert isinstance(later, Changed)
    assert "cannot change /DestinationURI" in later.reason
    beside, _ = run(kept, manifest("beside", DestinationURI=ELSEWHERE), there)
    assert isinstance(beside, Adopt)  # renamed: the record has that destination


def test_replaced_association_is_neither_drift_nor_update() -> None:
    """A replaced association is changed, because nothing is known about its earlier configuration."""
    known = replace(record(id_="gone", ExecutionConfiguration=THIRD), previous_executions=(NEW,))
    there = live("a2", ExecutionConfiguration=SCHEDULED)
    first, kept = run(journal(known), wants(THIRD), there)
    assert isinstance(first, Adopt)
    assert (first.record.token, first.record.previous_executions) == (None, (NEW, THIRD))
    for execution in (THIRD, NEW):
        later, _ = run(kept, wants(execution), there)
        assert isinstance(later, Changed)
        assert "does not know which of them changed" in later.reason


def test_difference_from_a_create_with_a_lost_answer_is_drift() -> None:
    """After a Create without an answer, a difference in AWS is drift, because the sent request is known."""
    waiting = replace(record(), state=CreatePending(1, NOW - SETTLE, NOW - SETTLE))
    there = live(ExecutionConfiguration=NEW)
    first, _ = run(journal(waiting), manifest(), there)
    assert first.kind == "drifted"
    (row,) = said(first, journal(waiting), manifest(), there).associations
    assert "has succeeded; AWS no longer matches the last applied" in row.reason


def test_renamed_manifest_is_reported_by_its_remaining_difference() -> None:
    """A renamed manifest has the same decision in this run and the next one."""
    for wanted, word in ((manifest("new"), "drifted"), (manifest("new", ExecutionConfiguration=THIRD), "changed")):
        first, kept = run(journal(record("old")), wanted, live(ExecutionConfiguration=NEW), mode=Mode.CREATE)
        later, _ = run(kept, wanted, live(ExecutionConfiguration=NEW), mode=Mode.CREATE)
        assert (first.kind, later.kind) == (word, word)
        assert isinstance(kept.records["new"].state, Bound)
