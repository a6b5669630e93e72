"""Explanations: they name the row of the decision table and the condition that selects it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.builders import (
    ACCOUNT,
    INTEGRATION,
    NOW,
    ON_DEMAND,
    REGION,
    SETTLE,
    journal,
    live,
    manifest,
    observation,
    record,
    rules,
)

from reconciler.core.apply.preview import Preview
from reconciler.core.journal.records import Bound, CreatePending, Record, UpdatePending
from reconciler.core.model import Live, Manifest, Mode, Observation, OnLoss, Policy, Target
from reconciler.core.plan.decision import Plan
from reconciler.core.report.explanation import Explanation, explain

TARGET = Target("prod", REGION, ACCOUNT)
LATER = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1796083200000"}}
END = "/ExecutionConfiguration/OnDemandConfiguration/EndTime"
MINE = Policy(adopt=live("a1").arn)


def told(
    wanted: Manifest,
    *lives: Live,
    known: Record | None = None,
    mode: Mode = Mode.CREATE,
    seen: Observation | None = None,
    beside: tuple[Manifest, ...] = (),
) -> Explanation:
    """Explain one manifest."""
    seen, remembered = seen or observation(*lives), journal(*([known] if known else []))
    preview = Preview(Plan(), remembered, seen, rules(mode), NOW).replan(TARGET, [wanted, *beside], seen)
    return explain(wanted.name, preview)


def intended(attempts: int = 1, ago: timedelta = timedelta(hours=1), **changes: Any) -> Record:
    """Return the record of a Create whose answer was lost."""
    return replace(record(**changes), state=CreatePending(attempts, NOW - ago, NOW - ago))


def gone(policy_acted_on: int = 1) -> Record:
    """Return the record of an association that two runs did not see."""
    known = record()
    assert isinstance(known.state, Bound)
    return replace(known, generation=policy_acted_on, state=replace(known.state, missing_since=NOW - SETTLE))


def sent(refused: str | None = None) -> Record:
    """Return the record of an Update that List does not show."""
    known = record(ExecutionConfiguration=LATER)
    assert isinstance(known.state, Bound)
    return replace(
        known, previous_executions=(ON_DEMAND,), state=replace(known.state, update=UpdatePending(NOW, refused))
    )


ROWS: list[tuple[Explanation, tuple[str, str, str | None, str]]] = [
    (told(manifest()), ("none", "none", None, "create")),
    (told(manifest(), live()), ("none", "one with the same natural key", "AWS matches git", "adopt")),
    (
        told(manifest(), live(ExecutionConfiguration=LATER)),
        (
            "none",
            "one with the same natural key",
            f"desired ≠ applied, and an update can change every member: {END}",
            "changed",
        ),
    ),
    (
        told(manifest(), live("a1"), live("a2")),
        ("none", "2 with the same natural key", "2 live associations match this manifest", "blocked"),
    ),
    (
        told(manifest(policy=MINE), live("a1"), live("a2")),
        (
            "none",
            "the association in policy.adopt",
            f"policy.adopt names {live().arn}; AWS matches git",
            "adopt",
        ),
    ),
    (
        told(manifest(policy=MINE), live("a2")),
        (
            "none",
            "not the association in policy.adopt",
            "List does not show the association in policy.adopt, or another manifest has it",
            "blocked",
        ),
    ),
    (
        told(manifest(), live(), known=record()),
        ("bound to a1", "the bound association", "desired = applied = live, as far as AWS shows", "in-sync"),
    ),
    (
        told(manifest(), live(ExecutionConfiguration=LATER), known=record()),
        ("bound to a1", "the bound association", f"desired = applied; applied ≠ live: {END}", "drifted"),
    ),
    (
        told(manifest(ExecutionConfiguration=LATER), live(), known=record()),
        (
            "bound to a1",
            "the bound association",
            f"desired ≠ applied, and an update can change every member: {END}; mode create",
            "changed",
        ),
    ),
    (
        told(
            manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE), ExecutionConfiguration=LATER),
            live(),
            known=record(),
            mode=Mode.CREATE_AND_UPDATE,
        ),
        (
            "bound to a1",
            "the bound association",
            f"desired ≠ applied, and an update can change every member: {END}; mode create-and-update",
            "update",
        ),
    ),
    (
        told(manifest(ClientId="c"), live(), known=record()),
        (
            "bound to a1",
            "the bound association",
            "desired ≠ applied, and an update cannot change every member: /ClientId; mode create",
            "changed",
        ),
    ),
    (
        told(manifest(ExecutionConfiguration=LATER), live(), known=sent()),
        (
            "bound to a1, an update was sent, and List does not show it yet",
            "the bound association",
            "the wait ends at 2026-11-01 12:15:00Z, and the time is 2026-11-01 12:00:00Z",
            "settling",
        ),
    ),
    (
        told(manifest(ExecutionConfiguration=LATER), live(), known=sent("no")),
        (
            "bound to a1, AWS refused an update",
            "the bound association",
            f"desired ≠ applied, and an update can change every member: {END}; mode create",
            "changed",
        ),
    ),
    (
        told(manifest("autumn"), live(), known=record("october")),
        ("bound to a1", "the bound association", "renamed from october; AWS matches git", "adopt"),
    ),
    (
        told(manifest(), known=gone()),
        (
            "bound to a1, List left it out",
            "none",
            "List left it out in two runs, a settle time apart; policy.onLoss report, policy.generation 1",
            "lost",
        ),
    ),
    (
        told(manifest(policy=Policy(generation=2)), known=gone()),
        (
            "bound to a1, List left it out",
            "none",
            "List left it out in two runs, a settle time apart; policy.generation was raised from 1 to 2",
            "create",
        ),
    ),
    (
        told(manifest(policy=Policy(on_loss=OnLoss.RECREATE)), known=gone()),
        (
            "bound to a1, List left it out",
            "none",
            "List left it out in two runs, a settle time apart; policy.onLoss recreate",
            "create",
        ),
    ),
    (
        told(manifest(), known=intended(ago=timedelta(minutes=1))),
        (
            "a Create was sent and its answer is unknown (attempt 1)",
            "none",
            "the wait ends at 2026-11-01 12:14:00Z, and the time is 2026-11-01 12:00:00Z",
            "settling",
        ),
    ),
    (
        told(manifest(), known=intended()),
        (
            "a Create was sent and its answer is unknown (attempt 1)",
            "none",
            "the wait after attempt 1 is over",
            "create",
        ),
    ),
    (
        told(manifest(), known=intended(5, timedelta(days=9))),
        ("a Create was sent and its answer is unknown (attempt 5)", "none", "given up", "blocked"),
    ),
    (
        told(manifest(policy=Policy(generation=2)), known=intended(5, timedelta(days=9))),
        (
            "a Create was sent and its answer is unknown (attempt 5)",
            "none",
            "given up; policy.generation was raised from 1 to 2",
            "create",
        ),
    ),
    (
        told(manifest(), seen=observation(unobserved="denied")),
        (
            "none",
            "its data integration could not be listed",
            f"the associations of {INTEGRATION.name} could not be listed",
            "blocked",
        ),
    ),
    (
        told(manifest(DataIntegrationIdentifier="nothing")),
        ("none", "none", "data integration 'nothing' does not exist in this account and Region", "blocked"),
    ),
]


@pytest.mark.parametrize(("explained", "row"), ROWS, ids=[f"{row[3]}-{n}" for n, (_, row) in enumerate(ROWS)])
def test_explanation_names_the_decision_table_row(
    explained: Explanation, row: tuple[str, str, str | None, str]
) -> None:
    """An explanation without a guardrail names the record, live association, condition and decision of its row."""
    found = explained.row
    assert (found.record, found.live, found.condition, found.decision, found.guardrail) == (*row, None)
    assert explained.association.decision == row[3]


def test_decision_table_conditions_are_unique() -> None:
    """Record, live association and condition together lead to exactly one decision."""
    sides: dict[tuple[str, str, str | None], set[str]] = {}
    for _, (known, shown, condition, decided) in ROWS:
        sides.setdefault((known, shown, condition), set()).add(decided)
    assert all(len(decided) == 1 for decided in sides.values())


def test_guardrail_is_named_beside_the_row_it_stopped() -> None:
    """If a guardrail stops a Create, the explanation shows the row of the Create and the guardrail separately."""
    explained = told(manifest(policy=Policy(suspend=True)), known=intended())
    assert explained.row.condition == "the wait after attempt 1 is over"
    assert (explained.row.decision, explained.association.decision) == ("create", "held")
    assert "policy.suspend" in (explained.row.guardrail or "")


def test_manifest_with_policy_adopt_has_no_token() -> None:
    """A manifest with policy.adopt has no token, because it sends no Create."""
    assert told(manifest()).token
    assert told(manifest(), live(), known=record()).token
    for lives in ((), (live("a1"),)):
        for known in (None, record(), gone()):
            assert told(manifest(policy=MINE), *lives, known=known).token is None


def test_record_of_another_association_is_not_used() -> None:
    """A renamed manifest is explained with the record of its own association."""
    others = (record("z", "a9", ClientId="z"), replace(intended(ClientId="y"), name="y"), record("october", "a1"))
    seen = observation(live())
    preview = Preview(Plan(), journal(*others), seen, rules(), NOW).replan(TARGET, [manifest("autumn")], seen)
    found = explain("autumn", preview).record
    assert found
    assert found.name == "october"
