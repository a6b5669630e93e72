"""Tests for the explanation as text and JSON: values from AWS, git and the journal cannot add lines or escapes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import ACCOUNT, INTEGRATION, NOW, REGION, journal, live, manifest, observation, record, rules

from reconciler.core.apply.preview import Preview
from reconciler.core.errors import Problem
from reconciler.core.journal.jobs import Job, JobSource, Refusal
from reconciler.core.journal.records import Bound, CreatePending, LastDecision, Record
from reconciler.core.model import Execution, Live, Manifest, Origin, Policy, Target
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.plan import Plan
from reconciler.core.report.decision_row import Row
from reconciler.core.report.explanation import Explanation, explain
from reconciler.core.report.target_explanation import FailedExplanation, LocatedExplanation
from reconciler.render import explanation as explanations


def build_explanation(manifest: Manifest, *live_associations: Live, record: Record | None = None) -> Explanation:
    """Return the explanation of one manifest."""
    listing = observation(*live_associations)
    preview = Preview(Plan(), journal(*([record] if record else [])), listing, rules(), NOW)
    return explain(manifest.name, preview.replan(Target("prod", REGION, ACCOUNT), [manifest], listing))


def render_text(explanation: Explanation, target: str, region: str) -> str:
    """Return the explanation in one target as text."""
    return explanations.render_text([LocatedExplanation(explanation, target, ACCOUNT, region)])


def encode(explanation: Explanation, target: str = "prod", account: str = ACCOUNT, region: str = REGION) -> str:
    """Return the explanation in one target as JSON."""
    return explanations.render_json([LocatedExplanation(explanation, target, account, region)])


def build_hostile_explanation(text: str, *, is_bound: bool) -> Explanation:
    """Return an explanation in which every text from outside is `text`."""
    spec: Any = {
        **live().spec,
        "DestinationURI": text,
        "ClientId": text,
        "ClientAssociationMetadata": {text: text},
        "ObjectConfiguration": {text: {text: [text]}},
    }
    live_association = Live(text, spec, Execution(text, text))
    state = (
        Bound(text, NOW, text, NOW, Job(JobSource.UPDATE, NOW, refusal=Refusal(text)))
        if is_bound
        else CreatePending(2, NOW, NOW)
    )
    hostile_record = Record(f"was {text}", spec, text, 1, 1, state, (spec["ObjectConfiguration"],))
    hostile_manifest = replace(manifest(policy=Policy(suspend=True, ignore=(text,), adopt=text)), spec=spec, name=text)
    hostile_manifest = replace(hostile_manifest, origin=Origin(text, 3, 1))
    explanation = build_explanation(manifest(), live(), record=record())
    return replace(
        explanation,
        manifest=hostile_manifest,
        integration=replace(INTEGRATION, name=text, arn=text),
        request={**spec, "DestinationURI": f"{text}, changed"},
        token=text,
        record=hostile_record,
        last_decision=LastDecision(text, NOW, Execution(text, text)),
        live=live_association,
        matches=(live_association, replace(live_association, arn=f"{text}x")),
        unlisted=None if is_bound else text,
        association=replace(
            explanation.association,
            name=text,
            reason=text,
            origin=hostile_manifest.origin,
            differences=(
                Difference(f"/{text}", text, text, text),
                Difference("/ObjectConfiguration", text, text, None),
            ),
            unverifiable=(text,),
        ),
        row=Row(text, text, text, text, text),
        warnings=(Problem(text, 1, 1, f"/{text}", text),),
    )


@pytest.mark.parametrize("is_bound", [True, False])
@given(text=st.text(min_size=1) | st.sampled_from(["a\nb", "\x1b[31m", "\u202e", "::error::x", "##[error]x", "\ud800"]))
def test_texts_cannot_inject_escapes_or_lines(text: str, *, is_bound: bool) -> None:
    """Texts from outside cannot add lines, invisible characters or workflow commands to an explanation."""
    output, plain_output = (
        render_text(build_hostile_explanation(each, is_bound=is_bound), each, each) for each in (text, "plain")
    )
    assert len(output.splitlines()) == len(plain_output.splitlines())
    assert all(line.isprintable() for line in output.splitlines())
    assert not any(line.lstrip().startswith("::") for line in output.splitlines())
    document = encode(build_hostile_explanation(text, is_bound=is_bound), text, text, text)
    assert "##[" not in output + document
    assert document.isascii()
    (data,) = json.loads(document)["targets"]
    assert (data["rule"]["condition"], data["live"]["lastExecution"]["message"]) == (text, text)


def test_rule_is_shown_with_its_condition() -> None:
    """The explanation shows the condition that decides between in-sync and changed, as text and as JSON."""
    bound_record = record()
    in_sync, changed = (
        build_explanation(manifest(), live(), record=bound_record),
        build_explanation(manifest(ClientId="c"), live(), record=bound_record),
    )
    lines = render_text(in_sync, "prod", "place").splitlines()
    assert "  rule     if    the record in the journal: bound to a1, its export ended as COMPLETED" in lines
    assert "           and   the association in AWS: the bound association" in lines
    assert "           and   git, the applied request and AWS are equal in every member that AWS shows" in lines
    assert "           then  in-sync" in lines
    assert (
        "and   git differs from the applied request in /ClientId, and an update cannot change it; "
        "the mode in effect is create\n" in render_text(changed, "prod", "place")
    )
    assert render_text(build_explanation(manifest()), "prod", "place").count("           and   ") == 1
    rule_rows = [
        json.loads(encode(each))["targets"][0]["rule"] for each in (in_sync, changed, build_explanation(manifest()))
    ]
    assert [each["condition"] for each in rule_rows] == [in_sync.row.condition, changed.row.condition, None]


def test_manifest_with_policy_adopt_is_shown_without_a_token() -> None:
    """A manifest with policy.adopt has no ClientToken in the text and the JSON of its explanation."""
    explanation = build_explanation(manifest(policy=Policy(adopt=live().arn)), live())
    output = render_text(explanation, "prod", "place")
    assert "no Create is sent, because the manifest has policy.adopt" in output
    assert "ClientToken that a Create would have" not in output
    assert json.loads(encode(explanation))["targets"][0]["clientToken"] is None
    assert "ClientToken that a Create would have: " in render_text(build_explanation(manifest()), "prod", "place")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"refusal": Refusal("no bucket")}, "refused: no bucket"),
        ({"is_accepted": True}, "accepted"),
        ({}, "without an answer"),
    ],
)
def test_skipped_window_keeps_its_answer(changes: dict[str, Any], answer: str) -> None:
    """A call whose window window.skip passed over is shown with its answer, and not as an export that failed."""
    stored_record = record(ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    assert isinstance(stored_record.state, Bound)
    job = Job(JobSource.UPDATE, NOW, ended_at=NOW, **changes)
    executions = (live().spec["ExecutionConfiguration"],)
    state = replace(stored_record.state, job=job)
    stored_record = replace(stored_record, state=state, previous_executions=executions)
    shown = render_text(build_explanation(manifest(), live(), record=stored_record), "prod", REGION)
    skip = "window.skip left out its window at 2026-11-01 12:00:00Z"
    assert f"Update sent at 2026-11-01 12:00:00Z, {answer}; {skip}" in shown
    assert "FAILED" not in shown


def test_warnings_are_shown() -> None:
    """The explanation shows the warnings that need an answer of AWS, as text and as JSON."""
    explanation = replace(
        build_explanation(manifest(), live(), record=record()),
        warnings=(Problem("a.yaml", 1, 1, "/spec/DataIntegrationIdentifier", "it has nine associations"),),
    )
    line = "  warning  /spec/DataIntegrationIdentifier: it has nine associations"
    assert line in render_text(explanation, "prod", "place").splitlines()
    (warning,) = json.loads(encode(explanation))["targets"][0]["warnings"]
    assert (warning["file"], warning["message"]) == ("a.yaml", "it has nine associations")


def test_several_targets_are_headings() -> None:
    """With several targets, the explanation of each stands under its target, and a failed target has its reason."""
    explanation = build_explanation(manifest(), live(), record=record())
    subjects = (
        LocatedExplanation(explanation, "prod", ACCOUNT, REGION),
        FailedExplanation("staging", None, "eu-west-2", "no credentials\nfound"),
        LocatedExplanation(explanation, "lab", ACCOUNT, "eu-west-1"),
    )
    text = explanations.render_text(subjects)
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings == [f"prod  {ACCOUNT} {REGION}", "staging  eu-west-2", f"lab  {ACCOUNT} eu-west-1"]
    assert text.count(f"\n  export  {manifest().origin}\n\n  decision   in-sync\n") == 2
    assert not any(line.endswith(" ") for line in text.splitlines())
    first, failed, last = json.loads(explanations.render_json(subjects))["targets"]
    assert failed == {"name": "staging", "account": None, "region": "eu-west-2", "error": "no credentials\nfound"}
    assert (first["error"], first["decision"]["decision"], last["name"]) == (None, "in-sync", "lab")
