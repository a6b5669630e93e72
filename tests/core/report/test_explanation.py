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
from support.recurring import (
    AUGUST,
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    build_recurring_manifest,
    build_recurring_record,
)

from reconciler.core.apply.preview import Preview
from reconciler.core.journal.jobs import Job, JobSource, Refusal
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, Manifest, Mode, Observation, OnLoss, Origin, Policy, Target
from reconciler.core.plan.plan import Plan
from reconciler.core.report.explanation import Explanation, explain
from reconciler.core.request.export_window import build_execution, read_window
from reconciler.core.windows.due import Window

TARGET = Target("prod", REGION, ACCOUNT)
LATER = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1793505600000"}}
END = "/ExecutionConfiguration/OnDemandConfiguration/EndTime"
ADOPT_POLICY = Policy(adopt=live("a1").arn)


def explain_manifest(
    desired: Manifest,
    *live_associations: Live,
    stored_record: Record | None = None,
    mode: Mode = Mode.CREATE,
    live_state: Observation | None = None,
    other_manifests: tuple[Manifest, ...] = (),
) -> Explanation:
    """Explain one manifest."""
    live_state, stored_journal = (
        live_state or observation(*live_associations),
        journal(*([stored_record] if stored_record else [])),
    )
    preview = Preview(Plan(), stored_journal, live_state, rules(mode), NOW).replan(
        TARGET, [desired, *other_manifests], live_state
    )
    return explain(desired.name, preview)


def build_pending_record(attempts: int = 1, age: timedelta = timedelta(hours=1), **changes: Any) -> Record:
    """Return the record of a Create whose answer was lost."""
    return replace(record(**changes), state=CreatePending(attempts, NOW - age, NOW - age))


def build_missing_record(generation: int = 1) -> Record:
    """Return the record of an association that two runs did not see."""
    bound = record()
    assert isinstance(bound.state, Bound)
    state = replace(bound.state, missing_since=NOW - SETTLE, job=Job(JobSource.CREATE, NOW - SETTLE))
    return replace(bound, generation=generation, state=state)


def build_updated_record(refusal: str | None = None) -> Record:
    """Return the record of an Update that List does not show."""
    bound = record(ExecutionConfiguration=LATER)
    assert isinstance(bound.state, Bound)
    return replace(
        bound,
        previous_executions=(ON_DEMAND,),
        state=replace(bound.state, job=Job(JobSource.UPDATE, NOW, refusal=Refusal(refusal) if refusal else None)),
    )


def with_job(stored_record: Record, **changes: Any) -> Record:
    """Return a record whose job differs in some members, or is unknown."""
    assert isinstance(stored_record.state, Bound)
    assert stored_record.state.job
    job = replace(stored_record.state.job, **changes) if changes else None
    return replace(stored_record, state=replace(stored_record.state, job=job))


UNSHOWN_WARNING = (
    "AWS accepted the update of 2026-11-01 12:00:00Z, and a job ended since, but List still shows the previous "
    "configuration: check the association in the AWS console"
)
ROWS: list[tuple[Explanation, tuple[str, str, str | None, str]]] = [
    (explain_manifest(manifest()), ("none", "none", None, "create")),
    (explain_manifest(manifest(), live()), ("none", "one with the same natural key", "AWS matches git", "adopt")),
    (
        explain_manifest(manifest(), live(ExecutionConfiguration=LATER)),
        (
            "none",
            "one with the same natural key",
            f"git differs from the applied request in {END}, and an update can change it",
            "changed",
        ),
    ),
    (
        explain_manifest(manifest(), live("a1"), live("a2")),
        ("none", "2 with the same natural key", "2 live associations match this manifest", "blocked"),
    ),
    (
        explain_manifest(manifest(policy=Policy(retired="replaced")), live(), stored_record=record()),
        ("bound to a1, its export ended as COMPLETED", "the bound association", "policy.retired is set", "retired"),
    ),
    (
        explain_manifest(manifest(policy=ADOPT_POLICY), live("a1"), live("a2")),
        (
            "none",
            "the association in policy.adopt",
            f"policy.adopt names {live().arn}; AWS matches git",
            "adopt",
        ),
    ),
    (
        explain_manifest(manifest(policy=ADOPT_POLICY), live("a2")),
        (
            "none",
            "not the association in policy.adopt",
            f"List does not show {live().arn}, which policy.adopt names",
            "blocked",
        ),
    ),
    (
        explain_manifest(manifest(), live(), stored_record=record()),
        (
            "bound to a1, its export ended as COMPLETED",
            "the bound association",
            "git, the applied request and AWS are equal in every member that AWS shows",
            "in-sync",
        ),
    ),
    (
        explain_manifest(manifest(), live(status="FAILED"), stored_record=with_job(record())),
        (
            "bound to a1",
            "the bound association",
            "git, the applied request and AWS are equal in every member that AWS shows",
            "in-sync",
        ),
    ),
    (
        explain_manifest(manifest(), stored_record=with_job(build_missing_record(), result="COMPLETED")),
        (
            "bound to a1, List left it out, its export ended as COMPLETED",
            "none",
            "its last export was completed, and List left it out in two runs, a settle time apart",
            "finished",
        ),
    ),
    (
        explain_manifest(
            manifest(ExecutionConfiguration=LATER),
            live(),
            stored_record=with_job(build_updated_record(), is_accepted=True, result="COMPLETED"),
        ),
        (
            "bound to a1, its export ended as COMPLETED",
            "the bound association",
            UNSHOWN_WARNING,
            "in-sync",
        ),
    ),
    (
        explain_manifest(manifest(), live(ExecutionConfiguration=LATER), stored_record=record()),
        (
            "bound to a1, its export ended as COMPLETED",
            "the bound association",
            f"git equals the applied request; AWS differs from the applied request: {END}",
            "drifted",
        ),
    ),
    (
        explain_manifest(manifest(ExecutionConfiguration=LATER), live(), stored_record=record()),
        (
            "bound to a1, its export ended as COMPLETED",
            "the bound association",
            (
                f"git differs from the applied request in {END}, and an update can change it; "
                "the mode in effect is create"
            ),
            "changed",
        ),
    ),
    (
        explain_manifest(
            manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE), ExecutionConfiguration=LATER),
            live(),
            stored_record=record(),
            mode=Mode.CREATE_AND_UPDATE,
        ),
        (
            "bound to a1, its export ended as COMPLETED",
            "the bound association",
            (
                f"git differs from the applied request in {END}, and an update can change it; "
                "the mode in effect is create-and-update"
            ),
            "update",
        ),
    ),
    (
        explain_manifest(manifest(ClientId="c"), live(), stored_record=record()),
        (
            "bound to a1, its export ended as COMPLETED",
            "the bound association",
            (
                "git differs from the applied request in /ClientId, and an update cannot change it; "
                "the mode in effect is create"
            ),
            "changed",
        ),
    ),
    (
        explain_manifest(manifest(ExecutionConfiguration=LATER), live(), stored_record=build_updated_record()),
        (
            "bound to a1, an update was sent, and List does not show it yet",
            "the bound association",
            "it is 2026-11-01 12:00:00Z, and the wait ends at 2026-11-01 12:15:00Z",
            "settling",
        ),
    ),
    (
        explain_manifest(manifest(ExecutionConfiguration=LATER), live(), stored_record=build_updated_record("no")),
        (
            "bound to a1, AWS refused an update",
            "the bound association",
            "AWS refused the update of 2026-11-01 12:00:00Z",
            "blocked",
        ),
    ),
    (
        explain_manifest(
            manifest(ExecutionConfiguration=LATER),
            live(),
            stored_record=with_job(build_updated_record("no"), ended_at=NOW),
        ),
        (
            "bound to a1, window.skip left out the window of its last call",
            "the bound association",
            "window.skip left out the window of the update of 2026-11-01 12:00:00Z, which AWS refused",
            "in-sync",
        ),
    ),
    (
        explain_manifest(manifest("autumn"), live(), stored_record=record("october")),
        (
            "bound to a1, its export ended as COMPLETED",
            "the bound association",
            "renamed from october; AWS matches git",
            "adopt",
        ),
    ),
    (
        explain_manifest(manifest(), stored_record=build_missing_record()),
        (
            "bound to a1, List left it out, the journal does not have the end of its export yet",
            "none",
            "List left it out in two runs, a settle time apart; policy.onLoss report, policy.generation 1",
            "lost",
        ),
    ),
    (
        explain_manifest(manifest(policy=Policy(generation=2)), stored_record=build_missing_record()),
        (
            "bound to a1, List left it out, the journal does not have the end of its export yet",
            "none",
            "List left it out in two runs, a settle time apart; policy.generation was raised from 1 to 2",
            "create",
        ),
    ),
    (
        explain_manifest(manifest(policy=Policy(on_loss=OnLoss.RECREATE)), stored_record=build_missing_record()),
        (
            "bound to a1, List left it out, the journal does not have the end of its export yet",
            "none",
            "List left it out in two runs, a settle time apart; policy.onLoss recreate",
            "create",
        ),
    ),
    (
        explain_manifest(manifest(), stored_record=build_pending_record(age=timedelta(minutes=1))),
        (
            "a Create was sent and its answer is unknown (attempt 1)",
            "none",
            "it is 2026-11-01 12:00:00Z, and the wait ends at 2026-11-01 12:14:00Z",
            "settling",
        ),
    ),
    (
        explain_manifest(manifest(), stored_record=build_pending_record()),
        (
            "a Create was sent and its answer is unknown (attempt 1)",
            "none",
            "the wait after attempt 1 is over",
            "create",
        ),
    ),
    (
        explain_manifest(manifest(), stored_record=build_pending_record(5, timedelta(days=9))),
        ("a Create was sent and its answer is unknown (attempt 5)", "none", "given up", "blocked"),
    ),
    (
        explain_manifest(
            manifest(policy=Policy(generation=2)), stored_record=build_pending_record(5, timedelta(days=9))
        ),
        (
            "a Create was sent and its answer is unknown (attempt 5)",
            "none",
            "given up; policy.generation was raised from 1 to 2",
            "create",
        ),
    ),
    (
        explain_manifest(manifest(), live_state=observation(unobserved="denied")),
        (
            "none",
            "its data integration could not be listed",
            f"the associations of {INTEGRATION.name} could not be listed",
            "blocked",
        ),
    ),
    (
        explain_manifest(manifest(DataIntegrationIdentifier="nothing")),
        ("none", "none", "data integration 'nothing' does not exist in this account and Region", "blocked"),
    ),
]


@pytest.mark.parametrize(("explanation", "expected"), ROWS, ids=[f"{row[3]}-{n}" for n, (_, row) in enumerate(ROWS)])
def test_explanation_names_the_decision_table_row(
    explanation: Explanation, expected: tuple[str, str, str | None, str]
) -> None:
    """An explanation without a guardrail names the record, live association, condition and decision of its row."""
    actual = explanation.row
    assert (actual.record, actual.live, actual.condition, actual.decision, actual.guardrail) == (*expected, None)
    assert explanation.association.decision == expected[3]


def test_decision_table_conditions_are_unique() -> None:
    """Record, live association and condition together lead to exactly one decision."""
    decisions: dict[tuple[str, str, str | None], set[str]] = {}
    for _, (stored, listed, condition, decision) in ROWS:
        decisions.setdefault((stored, listed, condition), set()).add(decision)
    assert all(len(each) == 1 for each in decisions.values())


def test_guardrail_is_named_beside_the_row_it_stopped() -> None:
    """If a guardrail stops a Create, the explanation shows the row of the Create and the guardrail separately."""
    explanation = explain_manifest(manifest(policy=Policy(suspend=True)), stored_record=build_pending_record())
    assert explanation.row.condition == "the wait after attempt 1 is over"
    assert (explanation.row.decision, explanation.association.decision) == ("create", "held")
    assert "policy.suspend" in (explanation.row.guardrail or "")


def test_manifest_with_policy_adopt_has_no_token() -> None:
    """A manifest with policy.adopt has no token, because it sends no Create."""
    assert explain_manifest(manifest()).token
    assert explain_manifest(manifest(), live(), stored_record=record()).token
    for live_associations in ((), (live("a1"),)):
        for stored_record in (None, record(), build_missing_record()):
            assert (
                explain_manifest(manifest(policy=ADOPT_POLICY), *live_associations, stored_record=stored_record).token
                is None
            )


def test_record_of_another_association_is_not_used() -> None:
    """A renamed manifest is explained with the record of its own association."""
    records = (
        record("z", "a9", ClientId="z"),
        replace(build_pending_record(ClientId="y"), name="y"),
        record("october", "a1"),
    )
    live_state = observation(live())
    preview = Preview(Plan(), journal(*records), live_state, rules(), NOW).replan(
        TARGET, [manifest("autumn")], live_state
    )
    explained_record = explain("autumn", preview).record
    assert explained_record
    assert explained_record.name == "october"


def test_explanation_has_the_live_warnings_about_its_manifest() -> None:
    """An explanation has the warnings that need an answer of AWS, if they are about its manifest."""
    listing = replace(observation(), integrations=(replace(INTEGRATION, source="s3://corp-knowledge/articles"),))
    other = replace(manifest("other", ClientId="other"), origin=Origin("other.yaml", 1, 1))
    (warning,) = explain_manifest(manifest(), live_state=listing, other_manifests=(other,)).warnings
    assert warning.file != "other.yaml"
    assert "has such a source" in warning.message
    assert explain_manifest(manifest()).warnings == ()


@pytest.mark.parametrize(
    ("stored_record", "shown", "status", "window"),
    [
        (None, None, None, AUGUST),
        (build_recurring_record(SEPTEMBER), SEPTEMBER, "COMPLETED", OCTOBER),
        (build_recurring_record(OCTOBER), OCTOBER, "COMPLETED", NOVEMBER),
        (build_recurring_record(SEPTEMBER), SEPTEMBER, "IN_PROGRESS", OCTOBER),
        (replace(build_recurring_record(AUGUST), state=CreatePending(1, NOW, NOW)), None, None, AUGUST),
    ],
    ids=["first", "due", "to come", "held", "without an answer"],
)
def test_request_has_the_window_of_the_next_call(
    stored_record: Record | None, shown: Window | None, status: str | None, window: Window
) -> None:
    """The request has the window that the next call exports, and not one that was exported before."""
    desired = build_recurring_manifest(backfill=NOVEMBER.end.date())
    lives = [live(status=status, ExecutionConfiguration=build_execution(shown))] if shown else []
    listing = replace(observation(*lives), aws_time=NOW)
    explanation = explain_manifest(
        desired, stored_record=stored_record, mode=Mode.CREATE_AND_UPDATE, live_state=listing
    )
    assert explanation.request
    assert read_window(explanation.request) == window


def test_request_has_no_window_before_a_run_has_adopted_the_association() -> None:
    """Until a run knows from which window the association continues, no window and no ClientToken are named."""
    shown = live(ExecutionConfiguration=build_execution(SEPTEMBER))
    explanation = explain_manifest(build_recurring_manifest(), shown)
    assert explanation.request
    assert "ExecutionConfiguration" not in explanation.request
    assert explanation.token is None


def test_request_without_a_next_window_is_the_last_one() -> None:
    """After the last window, the request is the one that was applied."""
    desired = build_recurring_manifest(last=SEPTEMBER.start.date())
    shown = live(ExecutionConfiguration=build_execution(SEPTEMBER))
    explanation = explain_manifest(desired, shown, stored_record=build_recurring_record(SEPTEMBER))
    assert explanation.request
    assert read_window(explanation.request) == SEPTEMBER
