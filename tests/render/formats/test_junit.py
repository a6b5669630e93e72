"""Tests for the JUnit report: entries with exit code 1 fail, and remaining differences are skipped with a message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from support.builders import live, record
from support.reports import (
    association,
    build_drifted_association,
    build_full_report,
    build_problems,
    build_validation_result,
    create,
    report,
    update,
)

from reconciler.core.apply.outcome import Created, NotSent, Refused, Unknown, Updated
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.report import Report
from reconciler.render.formats.junit import render, render_findings


def parse_suites(text: str) -> list[TestSuite]:
    """Return the test suites as junitparser reads them."""
    return list(JUnitXml.fromstring(text.encode()))


def read_properties(suite: TestSuite) -> dict[str, str]:
    """Return the properties of a test suite."""
    return {each.name: each.value for each in suite.properties()}  # type: ignore[no-untyped-call]


def render_case(report: Report) -> TestCase:
    """Return the only test case of a report."""
    (suite,) = parse_suites(render(report))
    (case,) = suite
    return case


@pytest.mark.parametrize(
    ("decision", "changes", "result"),
    [
        ("create", {}, Skipped),
        ("create", {"outcome": Created("id")}, None),
        ("create", {"outcome": Refused("no")}, Failure),
        ("create", {"outcome": NotSent("busy")}, Failure),
        ("create", {"outcome": Unknown("time-out")}, Failure),
        ("update", {"write": update()}, Skipped),
        ("update", {"write": update(), "outcome": Updated()}, None),
        ("adopt", {}, None),
        ("in-sync", {}, None),
        ("retired", {}, None),
        ("changed", {}, Skipped),
        ("settling", {}, Skipped),
        ("lost", {}, Skipped),
        ("held", {"write": create()}, Skipped),
        ("blocked", {}, Failure),
    ],
)
def test_each_decision_has_a_test_result(decision: str, changes: dict[str, Any], result: type | None) -> None:
    """The result of a test case follows the exit code, and its message contains the reason."""
    run_report = report(association("export", decision, reason="because", **changes))
    case = render_case(run_report)
    assert [type(each) for each in case.result] == ([result] if result else [])
    assert all("because" in each.message for each in case.result)
    assert (result is Failure) == (run_report.exit_code == 1)
    assert (result is Skipped) == (run_report.get_detailed_exit_code() == 2)


def test_test_case_names_its_manifest_and_request() -> None:
    """A test case contains the place of its manifest, the whole request, the ClientToken and unverifiable members."""
    case = render_case(report(association()))
    assert (case.name, case.classname) == ("export", "prod")
    assert (case._elem.get("file"), case._elem.get("line")) == ("manifests/export.yaml", "3")  # noqa: SLF001 - it has no accessor
    assert f"CreateDataIntegrationAssociation, ClientToken {record().token}" in case.system_out
    assert '+ /DestinationURI                                          "s3://corp-exports/2026-10"' in case.system_out
    assert '"1790812800000" (2026-10-01T00:00:00Z)' in case.system_out
    assert "unverifiable, because AWS does not show it: /ObjectConfiguration" in case.system_out


def test_result_text_contains_the_differences() -> None:
    """The text of a skipped test case contains the differences as a diff."""
    (skipped,) = render_case(report(build_drifted_association())).result
    assert '- live     "1788220800000" (2026-09-01T00:00:00Z)\n+ git      "1790812800000"' in skipped.text


def test_document_counts_are_the_sums_of_the_suites() -> None:
    """The counts of the document and of each suite match their test cases."""
    document = JUnitXml.fromstring(render(build_full_report()).encode())
    document_counts = (document.tests, document.failures, document.errors)
    document.update_statistics()  # type: ignore[no-untyped-call]
    assert document_counts == (document.tests, document.failures, document.errors)
    for suite in document:
        suite_counts = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()  # type: ignore[no-untyped-call]
        assert suite_counts == (suite.tests, suite.failures, suite.errors, suite.skipped)


def test_properties_describe_the_run() -> None:
    """The properties of a suite contain the plan digest, run, revision, summary and coverage."""
    run_report = report(association(), live_count=4)
    (suite,) = parse_suites(render(run_report))
    properties = read_properties(suite)
    assert suite.timestamp == "2026-11-01T12:00:00"
    assert properties == {
        "planDigest": run_report.plan_digest,
        "run": "plain",
        "revision": "plain",
        "version": "plain",
        "dryRun": "true",
        "coverage": "4 of 4 live associations are managed",
        "summary": "Dry run: 1 to create. Nothing was written.",
        "account": "123456789012",
        "region": "us-east-1",
        "targetCoverage": "4 of 4 live associations are managed",
    }
    (suite,) = parse_suites(render(replace(run_report, run=replace(run_report.run, revision=None, dry_run=False))))
    properties = read_properties(suite)
    assert (properties.get("revision"), properties["dryRun"]) == (None, "false")


def test_failed_target_and_plan_mismatch_are_errors() -> None:
    """A failed target and a plan mismatch are separate test cases with an error."""
    run_report = replace(
        report(error="no credentials"), mismatch=PlanMismatch("sha256:abc", ("not reviewed: create s3://x",))
    )
    plan, target = parse_suites(render(run_report))
    ((error,),) = (each.result for each in plan)
    assert isinstance(error, Error)
    assert "not reviewed: create s3://x" in error.text
    assert "reviewed sha256:abc" in error.text
    ((error,),) = (each.result for each in target)
    assert isinstance(error, Error)
    assert error.message == "no credentials"


def test_rows_without_a_manifest_and_warnings_are_skipped_cases() -> None:
    """Unmanaged, orphaned and unlisted entries and warnings are skipped test cases with a message."""
    run_report = report(unmanaged=(live("z"),), orphaned=(record("old"),), unlisted=(("arn:a", "denied"),))
    target, warnings = parse_suites(render(replace(run_report, warnings=build_problems())))
    assert [each.classname for each in target] == ["prod.unmanaged", "prod.orphaned", "prod.unlisted"]
    assert all(isinstance(result, Skipped) for suite in (target, warnings) for each in suite for result in each.result)
    assert [result.message for each in warnings for result in each.result] == [
        "warning: plain:3:7: plain: plain",
        "warning: plain: plain",
    ]


def test_each_finding_is_a_test_case() -> None:
    """Each problem and warning is a test case, and valid manifests are one test case that passes."""
    (suite,) = parse_suites(render_findings(build_validation_result()))
    assert (suite.tests, suite.failures, suite.skipped) == (4, 2, 2)
    assert [type(result) for each in suite for result in each.result] == [Failure, Failure, Skipped, Skipped]
    (suite,) = parse_suites(render_findings(ValidationResult(2, 1)))
    assert (suite.tests, suite.failures) == (1, 0)
    assert [each.name for each in suite] == ["2 manifests, 1 target: valid."]
