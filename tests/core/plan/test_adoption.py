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
from reconciler.core.plan.decision import Adopt, Changed, Decision, Drifted, InSync
from reconciler.core.plan.write import Update
from reconciler.core.report.build import build_target_report
from reconciler.core.report.report import Report, RunInfo

UPDATES = Policy(mode=Mode.CREATE_AND_UPDATE)
END = "/ExecutionConfiguration/OnDemandConfiguration/EndTime"
OTHER_DESTINATION = "s3://corp-exports/elsewhere"


def build_execution(end: str) -> dict[str, Any]:
    """Return an ExecutionConfiguration with another end time."""
    return {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": end}}


NEW, THIRD = build_execution("1793577600000"), build_execution("1793664000000")
SCHEDULED: dict[str, Any] = {
    "ExecutionMode": "SCHEDULED",
    "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"},
}


def plan_manifest(
    before: Journal, desired: Manifest, *live_associations: Live, mode: Mode = Mode.CREATE_AND_UPDATE
) -> tuple[Decision, Journal]:
    """Plan one manifest, and return its decision and the journal after the run."""
    plan = compute_plan([desired], observation(*live_associations), before, rules(mode))
    return plan.decisions[0], with_intents(before, plan, NOW)


def build_manifest(execution: Any = ON_DEMAND, generation: int = 1, **policy: Any) -> Manifest:
    """Return a manifest with an ExecutionConfiguration that allows updates."""
    return manifest(policy=replace(UPDATES, generation=generation, **policy), ExecutionConfiguration=execution)


def build_report(decision: Decision, before: Journal, desired: Manifest, *live_associations: Live) -> Report:
    """Return the report of a run with a decision."""
    plan = compute_plan([desired], observation(*live_associations), before, rules())
    assert plan.decisions[0].kind == decision.kind
    return Report(
        RunInfo("id", NOW, NOW, dry_run=False, revision=None, version="0"),
        (build_target_report("prod", "1", "r", Result(plan, {}, {})),),
    )


@pytest.mark.parametrize("execution", [NEW, SCHEDULED, None])
@pytest.mark.parametrize("mode", list(Mode))
def test_adoption_without_a_journal_is_neither_drift_nor_update(execution: Any, mode: Mode) -> None:
    """An adopted association that differs from git is reported as changed in each run, and nothing is sent."""
    desired, association = manifest(policy=UPDATES), live(ExecutionConfiguration=execution)
    first, after = plan_manifest(journal(), desired, association, mode=mode)
    assert isinstance(first, Adopt)
    report = build_report(first, journal(), desired, association)
    (row,) = report.associations
    assert {name for name, count in report.summary.items() if count} == {row.decision} == {"changed"}
    for _ in range(3):
        later, after = plan_manifest(after, desired, association, mode=mode)
        assert isinstance(later, Changed)
        assert not any(each.is_drifted for each in later.differences)
        for reason in (first.reason, later.reason):
            assert "does not show which of them changed" in reason
            assert "git changed the configuration" not in reason
            assert "no longer matches" not in reason


def test_adopted_association_is_updated_after_a_change_or_generation() -> None:
    """An adopted association is updated after a raised generation or a further change in git."""
    association = live(ExecutionConfiguration=NEW)
    _, after = plan_manifest(journal(), build_manifest(), association)
    update, _ = plan_manifest(after, build_manifest(generation=2), association)
    assert isinstance(update, Update)
    assert update.execution == ON_DEMAND
    assert "policy.generation was raised" in update.reason
    changed, updated_journal = plan_manifest(after, build_manifest(THIRD), association)
    assert isinstance(changed, Update)
    assert "git changed the configuration" in changed.reason
    reverted, _ = plan_manifest(updated_journal, build_manifest(), live(ExecutionConfiguration=THIRD))
    assert isinstance(reverted, Changed)
    same, _ = plan_manifest(after, build_manifest(NEW), association)
    assert isinstance(same, InSync)


def test_generation_present_at_adoption_does_not_count_as_raised() -> None:
    """A generation that is already in git at the adoption does not count as raised."""
    association = live(ExecutionConfiguration=NEW)
    _, after = plan_manifest(journal(), build_manifest(generation=5), association)
    later, _ = plan_manifest(after, build_manifest(generation=5), association)
    assert isinstance(later, Changed)
    assert "raise policy.generation above 5" in later.reason


def test_live_change_after_adoption_is_drift() -> None:
    """A change in AWS after the adoption is drift."""
    _, after = plan_manifest(journal(), build_manifest(), live())
    decision, _ = plan_manifest(after, build_manifest(), live(ExecutionConfiguration=NEW))
    assert isinstance(decision, Drifted)
    (row,) = build_report(decision, after, build_manifest(), live(ExecutionConfiguration=NEW)).associations
    assert "adopted" in row.reason


def test_ignored_member_is_not_a_difference_of_an_adoption() -> None:
    """An adoption leaves out the members of policy.ignore, and reports other differences."""
    desired = build_manifest(ignore=(END,))
    first, after = plan_manifest(journal(), desired, live(ExecutionConfiguration=NEW))
    assert (first.kind, after.records["export"].request) == ("adopt", request())
    execution = {**NEW, "OnDemandConfiguration": {**NEW["OnDemandConfiguration"], "StartTime": "1"}}
    first, after = plan_manifest(journal(), desired, live(ExecutionConfiguration=execution))
    assert isinstance(first, Adopt)
    assert [each.path for each in first.differences] == ["/ExecutionConfiguration/OnDemandConfiguration/StartTime"]
    later, _ = plan_manifest(after, desired, live(ExecutionConfiguration=execution))
    assert isinstance(later, Changed)


def test_adopting_another_destination_by_arn_is_not_drift() -> None:
    """Adopting an association with another destination by policy.adopt is no drift."""
    association = live(DestinationURI=OTHER_DESTINATION)
    desired = manifest(policy=Policy(adopt=association.arn))
    first, after = plan_manifest(journal(), desired, association)
    assert first.kind == "changed"
    later, _ = plan_manifest(after, desired, association)
    assert isinstance(later, Changed)
    assert "cannot change /DestinationURI" in later.reason
    other_decision, _ = plan_manifest(after, manifest("beside", DestinationURI=OTHER_DESTINATION), association)
    assert isinstance(other_decision, Adopt)  # renamed: the record has that destination


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        (
            {"ExecutionConfiguration": SCHEDULED},
            (
                "to send what git has, raise policy.generation above 1, and set policy.mode in the manifest to "
                "create-and-update; the update REPEATS the export"
            ),
        ),
        ({"ClientId": "another"}, "an update cannot change /ClientId to what git has"),
    ],
)
def test_reason_of_an_adoption_names_the_remedies(changes: dict[str, Any], remedy: str) -> None:
    """The reason of an adoption that differs from git names the way back, and an update only if one is possible."""
    association = live("a1", **changes)
    decision, _ = plan_manifest(journal(), manifest(policy=Policy(adopt=association.arn)), association)
    assert isinstance(decision, Adopt)
    assert decision.reason.endswith(f"to keep what AWS has, copy its values into git; {remedy}")


def test_replaced_association_is_neither_drift_nor_update() -> None:
    """A replaced association is changed, because nothing is known about its earlier configuration."""
    replaced = replace(record(id_="gone", ExecutionConfiguration=THIRD), previous_executions=(NEW,))
    association = live("a2", ExecutionConfiguration=SCHEDULED)
    first, after = plan_manifest(journal(replaced), build_manifest(THIRD), association)
    assert isinstance(first, Adopt)
    assert (first.record.token, first.record.previous_executions) == (None, (NEW, THIRD))
    for execution in (THIRD, NEW):
        later, _ = plan_manifest(after, build_manifest(execution), association)
        assert isinstance(later, Changed)
        assert "does not show which of them changed" in later.reason


def test_difference_from_a_create_with_a_lost_answer_is_drift() -> None:
    """After a Create without an answer, a difference in AWS is drift, because the sent request is known."""
    pending = replace(record(), state=CreatePending(1, NOW - SETTLE, NOW - SETTLE))
    association = live(ExecutionConfiguration=NEW)
    first, _ = plan_manifest(journal(pending), manifest(), association)
    assert first.kind == "drifted"
    (row,) = build_report(first, journal(pending), manifest(), association).associations
    assert "a Create was lost, and List shows an association with another window; AWS no longer matches" in row.reason


def test_renamed_manifest_is_reported_by_its_remaining_difference() -> None:
    """A renamed manifest has the same decision in this run and the next one."""
    for desired, expected in ((manifest("new"), "drifted"), (manifest("new", ExecutionConfiguration=THIRD), "changed")):
        first, after = plan_manifest(
            journal(record("old")), desired, live(ExecutionConfiguration=NEW), mode=Mode.CREATE
        )
        later, _ = plan_manifest(after, desired, live(ExecutionConfiguration=NEW), mode=Mode.CREATE)
        assert (first.kind, later.kind) == (expected, expected)
        assert isinstance(after.records["new"].state, Bound)
