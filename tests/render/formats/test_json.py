"""Tests for the JSON report: it fits its schema with every decision and outcome."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from support.builders import NOW, journal, live, manifest, observation, rules
from support.reports import build_full_report

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown
from reconciler.core.apply.result import Result
from reconciler.core.model import Execution, Live
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.build import build_target_report
from reconciler.core.report.report import Report, RunInfo
from reconciler.edge.manifests.schema import load_schema
from reconciler.render.formats.json import render

VALIDATOR = jsonschema.Draft202012Validator(load_schema("report.v1.json"))


def build_report(outcome: Outcome | None, *live_associations: Live) -> Report:
    """Return a report of one manifest with an outcome."""
    plan = compute_plan([manifest()], observation(*live_associations), journal(), rules())
    outcomes = {"export": outcome} if outcome else {}
    target = build_target_report("prod", "1", "r", Result(plan, outcomes, {}))
    return Report(RunInfo("id", NOW, NOW, dry_run=False, revision="abc", version="0"), (target,))


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (None, None),
        (Created("a1"), "created"),
        (Refused("no"), "failed"),
        (NotSent("busy"), "failed"),
        (Unknown("time-out"), "unknown"),
        (Skipped("stopped"), "skipped"),
    ],
)
def test_every_outcome_has_a_result_name(outcome: Outcome | None, result: str | None) -> None:
    """Each outcome has a name in the JSON report, and the document fits the schema."""
    document = json.loads(render(build_report(outcome)))
    VALIDATOR.validate(document)
    actual = document["targets"][0]["associations"][0]["outcome"]
    assert (actual and actual["result"]) == result


def test_live_associations_fit_the_schema() -> None:
    """A report with a differing adoption, an execution and an unmanaged association fits the schema."""
    live_association = Live(
        live().arn, live(ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"}).spec, Execution("FAILED", "x")
    )
    document = json.loads(render(build_report(None, live_association, live("b", ClientId="c"))))
    VALIDATOR.validate(document)
    assert document["summary"]["changed"] == 1
    assert document["targets"][0]["unmanaged"][0]["clientId"] == "c"


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("text", ["plain", "", "\x1b[31m\n##[error]x", "\ud800"])
def test_rich_report_fits_the_schema(text: str, dry_run: bool) -> None:
    """A report with every kind of entry fits the schema, with plain, empty and hostile texts."""
    run_report = build_full_report(text, dry_run=dry_run)
    for variant in (
        run_report,
        replace(run_report, mismatch=None),
        replace(run_report, mismatch=PlanMismatch("sha256:0", None)),
    ):
        VALIDATOR.validate(json.loads(render(variant)))


def test_json_report_is_ascii() -> None:
    """The JSON report contains only ASCII, which is safe to print and to log."""
    assert render(build_report(None)).isascii()
