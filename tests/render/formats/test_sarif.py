"""Tests for the SARIF report: results at the lines of manifests, in a file that GitHub accepts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from support.builders import live, record
from support.reports import association, build_full_report, build_problems, build_validation_result, create, report

from reconciler.core.apply.outcome import Created, Refused
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.model import Origin
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.report import Report
from reconciler.render.formats.sarif import render, render_findings

LEVELS = {"error", "warning", "note"}
RUN = {"tool", "automationDetails", "columnKind", "invocations", "properties", "results"}
RESULT = {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "properties"}


def check_run(text: str) -> dict[str, Any]:
    """Assert that a document meets the requirements of SARIF 2.1.0 and GitHub, and return its run."""
    document = json.loads(text)
    assert set(document) == {"$schema", "version", "runs"}
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert set(run) <= RUN
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    assert all(rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"])
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    for result in run["results"]:
        assert set(result) <= RESULT
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        (location,) = result["locations"]
        _check_location(location["physicalLocation"])
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in result["partialFingerprints"].values())
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    for notification in invocation.get("toolExecutionNotifications", []):
        assert rules[notification["associatedRule"]["index"]] == notification["associatedRule"]["id"]
        assert notification["level"] in LEVELS
        assert notification["message"]["text"]
    sarif_run: dict[str, Any] = run
    return sarif_run


def _check_location(location: dict[str, Any]) -> None:
    uri = location["artifactLocation"]["uri"]
    assert re.fullmatch(r"([A-Za-z0-9._~/-]|%[0-9A-F]{2})*", uri.removeprefix("file://"))
    assert ("uriBaseId" in location["artifactLocation"]) == (not urlsplit(uri).scheme)
    region = location.get("region", {"startLine": 1})
    assert all(isinstance(number, int) and number > 0 for number in region.values())
    assert set(region) <= {"startLine", "startColumn"}


def render_result(report: Report) -> dict[str, Any]:
    """Return the only result of a report."""
    (result,) = check_run(render(report))["results"]
    sarif_result: dict[str, Any] = result
    return sarif_result


def test_a_write_is_a_note_at_its_manifest() -> None:
    """A planned write is a note at its manifest, with the whole request in the message."""
    run_report = report(association())
    result = render_result(run_report)
    assert (result["ruleId"], result["level"]) == ("create", "note")
    location = result["locations"][0]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "manifests/export.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 1},
    }
    assert location["logicalLocations"] == [{"name": "export", "fullyQualifiedName": "prod/export"}]
    lines = result["message"]["text"].splitlines()
    assert lines[0] == "export, to create: profiles-export → s3://corp-exports/2026-10"
    assert f"CreateDataIntegrationAssociation, ClientToken {record().token}" in lines
    assert '+ /DestinationURI                                          "s3://corp-exports/2026-10"' in lines
    assert result["properties"]["clientToken"] == record().token


@pytest.mark.parametrize(
    ("decision", "changes", "rule", "level"),
    [
        ("create", {"outcome": Created("id")}, "created", "note"),
        ("create", {"outcome": Refused("no")}, "failed", "error"),
        ("held", {"write": create()}, "held", "note"),
        ("blocked", {}, "blocked", "error"),
        ("lost", {}, "lost", "warning"),
        ("changed", {}, "changed", "warning"),
        ("adopt", {}, "adopt", "note"),
    ],
)
def test_each_decision_has_a_rule(decision: str, changes: dict[str, Any], rule: str, level: str) -> None:
    """Each decision and outcome has a rule with a stable id and a level."""
    result = render_result(report(association("export", decision, **changes)))
    assert (result["ruleId"], result["level"]) == (rule, level)
    assert result["properties"]["decision"] == decision


def test_in_sync_association_is_not_a_result() -> None:
    """An association in sync has no result, because a reviewer has nothing to check."""
    for decision in ("in-sync", "retired"):
        assert check_run(render(report(association("export", decision))))["results"] == []


def test_fingerprint_is_stable_when_a_manifest_moves() -> None:
    """A fingerprint does not depend on the place of a manifest, and differs by name and rule."""
    moved_association = association(origin=Origin("elsewhere.yaml", 99, 5))
    associations = (association(), moved_association, association("other"), association("export", "lost"))
    fingerprints = [str(render_result(report(each))["partialFingerprints"]) for each in associations]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 3
    first, second = (
        render_findings(ValidationResult(problems=(replace(build_problems()[0], line=line),))) for line in (3, 99)
    )
    assert [check_run(text)["results"][0]["partialFingerprints"] for text in (first, second)].count(
        check_run(first)["results"][0]["partialFingerprints"]
    ) == 2


def test_row_without_a_file_is_a_notification() -> None:
    """An entry without a file is a notification, because GitHub refuses a file with a result without a location."""
    run_report = report(
        error="no credentials", unmanaged=(live("z"),), orphaned=(record("old"),), unlisted=(("arn:a", "denied"),)
    )
    run = check_run(render(replace(run_report, mismatch=PlanMismatch("sha256:abc", None))))
    assert run["results"] == []
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == 1
    notes = [(each["associatedRule"]["id"], each["level"]) for each in invocation["toolExecutionNotifications"]]
    assert notes == [
        ("plan-mismatch", "error"),
        ("target-failed", "error"),
        ("unlisted", "warning"),
        ("unmanaged", "note"),
        ("orphaned", "note"),
    ]
    first = invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert "reviewed sha256:abc" in first
    assert "now there is no plan" in first


def test_run_has_digest_revision_and_coverage() -> None:
    """The properties of a run contain the plan digest, revision, summary and coverage."""
    run_report = report(association(), live_count=4)
    run = check_run(render(run_report))
    assert run["tool"]["driver"]["version"] == "plain"
    assert run["properties"] == {
        "planDigest": run_report.plan_digest,
        "run": "plain",
        "revision": "plain",
        "dryRun": True,
        "summary": "Dry run: 1 to create. Nothing was written.",
        "coverage": {"managed": 4, "live": 4},
    }


@pytest.mark.parametrize(
    ("file", "uri", "has_base"),
    [
        ("a b#c?.yaml", "a%20b%23c%3F.yaml", True),
        ("c:/x.yaml", "c%3A/x.yaml", True),
        ("ä.yaml", "%C3%A4.yaml", True),
        ("\udcff.yaml", "%FF.yaml", True),
        ("\ud800.yaml", "%ED%A0%80.yaml", True),
        ("/etc/x.yaml", "file:///etc/x.yaml", False),
    ],
)
def test_a_file_is_a_uri(file: str, uri: str, has_base: bool) -> None:
    """A file is a percent-encoded URI, relative to the checkout unless the path is absolute."""
    result = render_result(report(association(origin=Origin(file, 1, 1))))
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == uri
    assert ("uriBaseId" in artifact) == has_base
    assert unquote(uri, errors="surrogateescape").endswith(".yaml")


def test_rich_report_is_well_formed() -> None:
    """A report with every kind of entry is well-formed, for a run and for a dry run."""
    assert len(check_run(render(build_full_report()))["results"]) == 26
    assert len(check_run(render(build_full_report(dry_run=True)))["results"]) == 26


def test_findings_are_results() -> None:
    """Problems are errors and warnings are warnings, at their lines if the lines are known."""
    results = check_run(render_findings(build_validation_result()))["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("invalid-manifest", "error"), ("invalid-manifest", "error"),
        ("manifest-warning", "warning"), ("manifest-warning", "warning"),
    ]  # fmt: skip
    assert ["region" in each["locations"][0]["physicalLocation"] for each in results] == [True, False, True, False]
    assert check_run(render_findings(ValidationResult(1)))["results"] == []


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> jsonschema.Draft4Validator:
    """Return the schema of the standard from an npm package of Microsoft, which edits the standard."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("the schema of SARIF comes from npm, which is not installed")
    folder = tmp_path_factory.mktemp("sarif")
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), "@microsoft/jest-sarif@1.0.0-beta.0"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as package:
        member = package.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json")
        assert member is not None
        return jsonschema.Draft4Validator({**json.load(member), "$schema": "http://json-schema.org/draft-07/schema#"})


@pytest.mark.parametrize(
    "text",
    [
        render(build_full_report()),
        render(report()),
        render(replace(build_full_report(), mismatch=PlanMismatch("sha256:0", ("another",)))),
        render_findings(build_validation_result()),
        render_findings(ValidationResult(manifest_count=1)),
    ],
)
def test_sarif_report_fits_the_standard_schema(text: str, schema: jsonschema.Draft4Validator) -> None:
    """A report fits the schema of the standard, and the schema refuses a result without a message."""
    document = json.loads(text)
    assert list(schema.iter_errors(document)) == []
    document["runs"][0]["results"] = [{"ruleId": "without a message"}]
    assert not schema.is_valid(document)
