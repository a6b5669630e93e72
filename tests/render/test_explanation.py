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
from reconciler.core.journal.records import Bound, CreatePending, LastDecision, Record, UpdatePending
from reconciler.core.model import Execution, Live, Manifest, Origin, Policy, Target
from reconciler.core.plan.decision import Plan
from reconciler.core.plan.difference import Difference
from reconciler.core.report.explanation import Explanation, Row, explain
from reconciler.render.explanation import render_json, render_text


def told(wanted: Manifest, *lives: Live, known: Record | None = None) -> Explanation:
    """Return the explanation of one manifest."""
    seen = observation(*lives)
    preview = Preview(Plan(), journal(*([known] if known else [])), seen, rules(), NOW)
    return explain(wanted.name, preview.replan(Target("prod", REGION, ACCOUNT), [wanted], seen))


def everywhere(evil: str, *, bound: bool) -> Explanation:
    """Return an explanation in which every text from outside is `evil`."""
    spec: Any = {
        **live().spec,
        "DestinationURI": evil,
        "ClientId": evil,
        "ClientAssociationMetadata": {evil: evil},
        "ObjectConfiguration": {evil: {evil: [evil]}},
    }
    shown = Live(evil, spec, Execution(evil, evil))
    state = Bound(evil, NOW, evil, NOW, UpdatePending(NOW, evil)) if bound else CreatePending(2, NOW, NOW)
    known = Record(f"was {evil}", spec, evil, 1, 1, state, (spec["ObjectConfiguration"],))
    wanted = replace(manifest(policy=Policy(suspend=True, ignore=(evil,), adopt=evil)), spec=spec, name=evil)
    wanted = replace(wanted, origin=Origin(evil, 3, 1))
    plain = told(manifest(), live(), known=record())
    return replace(
        plain,
        manifest=wanted,
        integration=replace(INTEGRATION, name=evil, arn=evil),
        request={**spec, "DestinationURI": f"{evil}, changed"},
        token=evil,
        record=known,
        last_decision=LastDecision(evil, NOW, Execution(evil, evil)),
        live=shown,
        matches=(shown, replace(shown, arn=f"{evil}/other")),
        unlisted=None if bound else evil,
        association=replace(
            plain.association,
            name=evil,
            reason=evil,
            origin=wanted.origin,
            differences=(
                Difference(f"/{evil}", evil, evil, evil),
                Difference("/ObjectConfiguration", evil, evil, None),
            ),
            unverifiable=(evil,),
        ),
        row=Row(evil, evil, evil, evil, evil),
    )


@pytest.mark.parametrize("bound", [True, False])
@given(evil=st.text(min_size=1) | st.sampled_from(["a\nb", "\x1b[31m", "\u202e", "::error::x", "##[error]x", "\ud800"]))
def test_texts_cannot_inject_escapes_or_lines(evil: str, *, bound: bool) -> None:
    """Texts from outside cannot add lines, invisible characters or workflow commands to an explanation."""
    shown, plain = (render_text(everywhere(each, bound=bound), each, each) for each in (evil, "plain"))
    assert len(shown.splitlines()) == len(plain.splitlines())
    assert all(line.isprintable() for line in shown.splitlines())
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    document = render_json(everywhere(evil, bound=bound), evil, evil, evil)
    assert "##[" not in shown + document
    assert document.isascii()
    tree = json.loads(document)
    assert (tree["rule"]["condition"], tree["live"]["lastExecution"]["message"]) == (evil, evil)


def test_rule_is_shown_with_its_condition() -> None:
    """The explanation shows the condition that decides between in-sync and changed, as text and as JSON."""
    known = record()
    same, other = told(manifest(), live(), known=known), told(manifest(ClientId="c"), live(), known=known)
    lines = render_text(same, "prod", "place").splitlines()
    assert "  rule     record: bound to a1; live: the bound association" in lines
    assert "           if desired = applied = live, as far as AWS shows" in lines
    assert "           decision: in-sync" in lines
    assert "if desired ≠ applied, and an update cannot change every member: /ClientId; mode create\n" in render_text(
        other, "prod", "place"
    )
    assert "           if" not in render_text(told(manifest()), "prod", "place")
    found = [json.loads(render_json(each, "prod", ACCOUNT, REGION))["rule"] for each in (same, other, told(manifest()))]
    assert [each["condition"] for each in found] == [same.row.condition, other.row.condition, None]


def test_manifest_with_policy_adopt_is_shown_without_a_token() -> None:
    """A manifest with policy.adopt has no ClientToken in the text and the JSON of its explanation."""
    adopting = told(manifest(policy=Policy(adopt=live().arn)), live())
    shown = render_text(adopting, "prod", "place")
    assert "no Create is sent, because the manifest has policy.adopt" in shown
    assert "ClientToken of a Create" not in shown
    assert json.loads(render_json(adopting, "prod", ACCOUNT, REGION))["clientToken"] is None
    assert "ClientToken of a Create: " in render_text(told(manifest()), "prod", "place")
