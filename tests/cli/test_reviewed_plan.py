"""With --expect-plan, a run applies the reviewed plan or writes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.program import EXPORT, Program
from support.proxy import FaultProxy

from reconciler.render.formats import FORMATS
from reconciler.sandbox import SandboxServer


def review_plan(program: Program) -> tuple[str, str]:
    """Return the digest of a dry run, and the name of its report."""
    result = program.run("--dry-run", "-o", "json=plan.json")
    assert result.code == 0, result.err
    return json.loads((program.folder / "plan.json").read_text())["planDigest"], "plan.json"


def list_writes(server: SandboxServer) -> list[str]:
    """Return the operations of the executed writes."""
    return [each.operation for each in server.sandbox.executed_writes]


@pytest.mark.parametrize("form", ["digest", "file"])
def test_the_reviewed_plan_is_applied(program: Program, server: SandboxServer, form: str) -> None:
    """The reviewed plan is applied, by digest and by file, without additional calls."""
    program.add("october")
    digest, file = review_plan(program)
    with FaultProxy(server.url) as proxy:
        proxied_program = Program(program.folder, proxy.url)
        result = proxied_program.run("--expect-plan", digest if form == "digest" else file, "-o", "json")
    assert (result.code, result.report["mismatch"], len(list_writes(server))) == (0, None, 1)
    assert (proxy.counts["STS"], proxy.counts["ListDataIntegrations"]) == (1, 1)


def test_different_plan_is_rejected_and_its_differences_are_named(program: Program, server: SandboxServer) -> None:
    """If git changed after the review, nothing is written, and the report names the differences."""
    program.add("october", "november")
    digest, file = review_plan(program)
    program.add("october", **{"2026-11-01": "2026-11-02"})
    (program.folder / "manifests" / "november.yaml").unlink()
    files = {path for path in program.folder.rglob("*") if path.is_file()}
    digest_result = program.run("--expect-plan", digest)
    assert (digest_result.code, list_writes(server)) == (1, [])
    assert "The plan differs from the reviewed plan. Nothing was written." in digest_result.out
    assert f"reviewed {digest}" in digest_result.out
    assert "give --expect-plan the JSON report of the reviewed plan" in digest_result.out
    file_result = program.run("--expect-plan", file, "-o", "json")
    assert (file_result.code, list_writes(server)) == (1, [])
    first, second = file_result.report["mismatch"]["differences"]
    assert first.startswith("changed since the review: create the association arn:")
    assert "→ s3://corp-exports/october: " in first
    assert first.endswith("EndTime is 1793577600000 and was 1793491200000")
    assert second.startswith("reviewed, but no longer planned: create the association arn:")
    assert second.endswith("→ s3://corp-exports/november")
    (rejection,) = file_result.find_events("plan rejected")
    assert rejection["reviewed"] == digest != rejection["planDigest"]
    assert {path for path in program.folder.rglob("*") if path.is_file()} == files


def test_plan_differs_after_another_run_created_part_of_it(program: Program, server: SandboxServer) -> None:
    """A plan of two creates is rejected if another run has sent one of them."""
    program.add("october", "november")
    _, file = review_plan(program)
    (program.folder / "manifests" / "november.yaml").rename(program.folder / "aside.yaml")
    assert program.run().code == 0
    (program.folder / "aside.yaml").rename(program.folder / "manifests" / "november.yaml")
    result = program.run("--expect-plan", file, "-o", "json")
    assert (result.code, len(list_writes(server))) == (1, 1)
    (difference,) = result.report["mismatch"]["differences"]
    assert "no longer planned: create the association" in difference
    assert difference.endswith("→ s3://corp-exports/october")


def test_revision_file_position_and_name_do_not_change_the_plan(program: Program, server: SandboxServer) -> None:
    """The revision, the name and the position of a manifest are not part of the plan."""
    program.add("october")
    digest, _ = review_plan(program)
    path = program.folder / "manifests" / "october.yaml"
    path.write_text("# a comment more\n" + path.read_text().replace("name: october", "name: autumn"))
    result = program.run("--expect-plan", digest, "--revision", "another", "-o", "json")
    assert (result.code, result.report["planDigest"], len(list_writes(server))) == (0, digest, 1)


def test_dry_run_compares_the_plan_with_the_reviewed_one(program: Program, server: SandboxServer) -> None:
    """A dry run with --expect-plan exits with 1 if the plan differs, and writes nothing."""
    program.add("october")
    digest, _ = review_plan(program)
    assert program.run("--dry-run", "--expect-plan", digest).code == 0
    program.add("november")
    assert program.run("--dry-run", "--expect-plan", digest).code == 1
    assert list_writes(server) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the file cannot be read: No such file or directory"),
        ("{", "not a JSON report of this version"),
        ("[]", "not a JSON report of this version"),
        ('{"planDigest": "sha256:0", "targets": [{"associations": [{}]}]}', "not a JSON report of this version"),
        ('{"planDigest": "sha256:0", "mismatch": null, "targets": []}', "the digest in the report does not match"),
    ],
)
def test_file_that_is_not_a_plan_is_rejected(program: Program, content: str | None, message: str) -> None:
    """A file that is missing, invalid or edited is a usage error."""
    program.add("october")
    if content is not None:
        (program.folder / "plan.json").write_text(content)
    result = program.run("--expect-plan", "plan.json")
    assert (result.code, result.out) == (64, "")
    assert f"--expect-plan 'plan.json': {message}" in result.err


@pytest.mark.parametrize("digest", ["sha256:", "sha256:" + "g" * 64, "0" * 64, "sha256:" + "0" * 63])
def test_incomplete_digest_is_rejected(program: Program, digest: str) -> None:
    """An incomplete digest is a usage error, and is not taken for a file name."""
    program.add("october")
    result = program.run("--expect-plan", digest)
    assert (result.code, "not a plan digest" in result.err) == (64, True)


def test_edited_plan_file_is_rejected(program: Program, server: SandboxServer) -> None:
    """A report with edited writes is rejected, because the digest does not match."""
    program.add("october")
    review_plan(program)
    report: Any = json.loads((program.folder / "plan.json").read_text())
    report["targets"][0]["associations"][0]["write"]["request"]["DestinationURI"] = "s3://elsewhere"
    (program.folder / "plan.json").write_text(json.dumps(report))
    result = program.run("--expect-plan", "plan.json")
    assert (result.code, list_writes(server)) == (64, [])
    assert "the digest in the report does not match its writes" in result.err


def test_update_is_part_of_the_reviewed_plan(program: Program, server: SandboxServer) -> None:
    """The window of an update is part of the plan, because the update repeats the export."""
    text = EXPORT + "policy: {mode: create-and-update}\n"
    program.add("october", text=text)
    server.sandbox.set_behaviour(replace(server.sandbox.behaviour, job_seconds=0))
    program.run()
    program.run("--settle-time", "0s")  # the export has ended
    program.add("october", text=text, **{"2026-11-01": "2026-11-02"})
    program.run("--dry-run", "-o", "json=plan.json")
    program.add("october", text=text, **{"2026-11-01": "2026-11-03"})
    result = program.run("--expect-plan", "plan.json")
    assert (result.code, list_writes(server)) == (1, ["CreateDataIntegrationAssociation"])
    assert "changed since the review: update" in result.out
    program.add("october", text=text, **{"2026-11-01": "2026-11-02"})
    assert program.run("--expect-plan", "plan.json").code == 0
    assert list_writes(server) == ["CreateDataIntegrationAssociation", "UpdateDataIntegrationAssociation"]


def test_creates_beyond_max_creates_are_all_blocked(program: Program, server: SandboxServer) -> None:
    """If a plan has more creates than --max-creates, every create is blocked."""
    program.add("october", "november")
    result = program.run("--max-creates", "1", "-o", "json")
    assert (result.code, set(result.decisions.values()), list_writes(server)) == (1, {"blocked"}, [])
    assert program.run("--max-creates", "2").code == 0
    assert len(list_writes(server)) == 2


def test_reviewed_plan_file_is_not_overwritten(program: Program, server: SandboxServer) -> None:
    """A report cannot replace the file of the reviewed plan."""
    program.add("october")
    _, file = review_plan(program)
    program.add("october", **{"2026-11-01": "2026-11-02"})
    result = program.run("--expect-plan", file, "-o", f"json=manifests/../{file}")
    assert (result.code, list_writes(server)) == (64, [])
    assert "would replace the reviewed plan: write the report to another file" in result.err


def test_report_of_a_rejected_run_is_not_a_reviewed_plan(program: Program, server: SandboxServer) -> None:
    """The report of a rejected run is not accepted as a reviewed plan."""
    program.add("october")
    _, file = review_plan(program)
    program.add("october", **{"2026-11-01": "2026-11-02"})
    assert program.run("--expect-plan", file, "-o", "json=refused.json").code == 1
    result = program.run("--expect-plan", "refused.json")
    assert (result.code, list_writes(server)) == (64, [])
    assert "the report is from a run that was refused" in result.err


@pytest.mark.parametrize("value", ["", " ", "deep.json"])
def test_unusable_expect_plan_value_is_a_usage_error(program: Program, server: SandboxServer, value: str) -> None:
    """An empty value and a deeply nested file are usage errors."""
    program.add("october")
    (program.folder / "deep.json").write_text("[" * 200_000)
    result = program.run("--expect-plan", value)
    assert (result.code, list_writes(server)) == (64, [])
    assert "internal error" not in result.err


@pytest.mark.parametrize("name", ["EXPECT_PLAN", "MAX_CREATES", "DRY_RUN", "MODE", "TARGET"])
def test_empty_guardrail_variable_is_a_usage_error(program: Program, server: SandboxServer, name: str) -> None:
    """An empty safety variable is a usage error, because a CI job may have meant it as a limit."""
    program.add("october")
    result = program.run(env={f"RECONCILER_{name}": ""})
    assert (result.code, list_writes(server)) == (64, [])
    assert f"RECONCILER_{name} is set but empty" in result.err


EMPTY_DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
UNREACHABLE_ENDPOINT = "http://127.0.0.1:9"


@pytest.mark.parametrize("format_", FORMATS)
def test_digest_is_absent_without_a_plan(program: Program, format_: str) -> None:
    """A report without manifests and a report of failed targets have no digest."""
    (program.folder / "manifests").mkdir()
    empty_run = program.run("--dry-run", "-o", format_)
    program.add("october")
    failed_run = Program(program.folder, UNREACHABLE_ENDPOINT).run("--dry-run", "-o", format_)
    for result, code in ((empty_run, 0), (failed_run, 1)):
        assert result.code == code
        assert "sha256:" not in result.out
        assert "expect-plan" not in result.out
        (event,) = result.find_events("run finished")
        assert event["planDigest"] is None


def test_plan_without_writes_has_a_digest(program: Program, server: SandboxServer) -> None:
    """A plan without writes has a digest, and matches only other plans without writes."""
    (program.folder / "manifests").mkdir()
    assert program.run("--dry-run", "-o", "json=empty.json").code == 0
    assert program.run("--expect-plan", "empty.json").code == 0
    assert program.run("--expect-plan", EMPTY_DIGEST).code == 0
    program.add("october")
    for plan in (EMPTY_DIGEST, "empty.json"):
        rejection = program.run("--expect-plan", plan)
        assert (rejection.code, list_writes(server)) == (1, [])
        assert "now      sha256:" in rejection.out
    assert program.run().code == 0
    digest, file = review_plan(program)
    assert digest == EMPTY_DIGEST
    for plan in (digest, file):
        result = program.run("--expect-plan", plan, "-o", "json")
        assert (result.code, result.report["planDigest"], len(list_writes(server))) == (0, EMPTY_DIGEST, 1)


def test_missing_plan_does_not_match_the_reviewed_plan(program: Program, server: SandboxServer) -> None:
    """A run without a plan does not match a reviewed plan, and reports no digest."""
    program.add("october")
    digest, _ = review_plan(program)
    unreachable = Program(program.folder, UNREACHABLE_ENDPOINT).run("--expect-plan", digest)
    (program.folder / "manifests" / "october.yaml").unlink()
    for result in (unreachable, program.run("--expect-plan", digest)):
        assert result.code == 1
        assert "now      there is no plan" in result.out
        assert "e3b0c442" not in result.out
    program.add("october")
    assert Program(program.folder, UNREACHABLE_ENDPOINT).run("--dry-run", "-o", "json=failed.json").code == 1
    rejection = program.run("--expect-plan", "failed.json")
    assert (rejection.code, list_writes(server)) == (64, [])
    assert "the report has no plan, because its targets failed" in rejection.err
