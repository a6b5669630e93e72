"""Results go to any number of outputs, in any format, even if there is no plan."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from support.program import EXPORT, Program

from reconciler.edge.manifests.schema import load_schema
from reconciler.render.formats import FORMATS
from reconciler.sandbox import SandboxServer


def build_arguments(*arguments: str) -> list[str]:
    """Return a command that writes each format to its own file."""
    return [*arguments, *(word for name in FORMATS for word in ("-o", f"{name}={name}.out"))]


def test_every_format_contains_the_plan_digest(program: Program) -> None:
    """Every format of a dry run contains the digest of the plan."""
    program.add("october")
    result = program.run(*build_arguments("--dry-run"))
    assert (result.code, result.out) == (0, "")
    reports = {name: (program.folder / f"{name}.out").read_text() for name in FORMATS}
    digest = json.loads(reports["json"])["planDigest"]
    assert {name for name, text in reports.items() if digest in text} == set(FORMATS)
    assert "s3://corp-exports/october" in reports["markdown"]


def test_one_output_goes_to_standard_output_beside_files(program: Program) -> None:
    """One format goes to standard output while others go to files, as a CI job needs."""
    program.add("october")
    result = program.run("--dry-run", "-o", "github", "-o", "json=plan.json")
    assert result.out.startswith("::")
    assert json.loads((program.folder / "plan.json").read_text())["summary"]["create"] == 1


@pytest.mark.parametrize("command", ["run", "validate"])
def test_invalid_manifests_are_reported_in_every_format(program: Program, server: SandboxServer, command: str) -> None:
    """Every format reports the problems of invalid manifests, and the exit code is 3."""
    program.add("october", StartTime="StartTim")
    result = program.run(*build_arguments(command))
    assert result.code == 3
    reports = {name: (program.folder / f"{name}.out").read_text() for name in FORMATS}
    assert all("StartTim" in text for text in reports.values())
    findings = json.loads(reports["json"])
    jsonschema.validate(findings, load_schema("findings.v1.json"), cls=jsonschema.Draft202012Validator)
    assert findings["problems"][0]["line"] == 10
    assert "::error file=manifests/october.yaml,line=10," in reports["github"]
    assert json.loads(reports["sarif"])["runs"][0]["results"][0]["level"] == "error"
    assert ET.fromstring(reports["junit"]).find(".//failure") is not None  # noqa: S314 - our own
    assert server.sandbox.executed_writes == ()


def test_valid_manifests_are_reported_in_every_format(program: Program) -> None:
    """Every format reports the warnings of valid manifests, and the exit code is 0."""
    program.add("october", text=EXPORT + "policy: {onLoss: recreate}\n")
    result = program.run(*build_arguments("validate"))
    assert (result.code, result.err) == (0, "")
    reports = {name: (program.folder / f"{name}.out").read_text() for name in FORMATS}
    assert reports["text"] == (
        "warning: manifests/october.yaml:11:18: /policy/onLoss: recreate exports the data again if List stops "
        "showing the association of an ON_DEMAND export before a run has seen that the export completed: set onLoss "
        "to report; to export again on purpose, raise policy.generation\n"
        "1 manifest: valid, 1 warning\n"
    )
    assert json.loads(reports["json"])["warnings"][0]["pointer"] == "/policy/onLoss"
    assert "::warning file=manifests/october.yaml,line=11," in reports["github"]


def test_strict_makes_warnings_errors(program: Program, server: SandboxServer) -> None:
    """--strict turns warnings into errors for `validate` and for runs."""
    program.add("october", text=EXPORT + "policy: {onLoss: recreate}\n")
    validation = program.run("validate", "--strict", "-o", "json")
    assert (validation.code, validation.report["valid"]) == (3, False)
    result = program.run("--strict")
    assert (result.code, result.out, server.sandbox.executed_writes) == (3, "", ())
    assert "/policy/onLoss" in result.err


def test_run_reports_manifest_warnings(program: Program) -> None:
    """A run with warnings continues, and shows them in the report and in the log."""
    program.add("october", text=EXPORT + "policy: {onLoss: recreate}\n")
    result = program.run("-o", "json")
    assert (result.code, result.report["warnings"][0]["pointer"]) == (0, "/policy/onLoss")
    assert "/policy/onLoss" in result.find_events("manifest warning")[0]["warning"]
    assert "warning: manifests/october.yaml:11:18: /policy/onLoss" in program.run().out


@pytest.mark.parametrize("command", ["--dry-run", "validate"])
def test_github_summary_is_appended(program: Program, command: str) -> None:
    """The job summary is appended to the file of GitHub Actions, and only for the format `github`."""
    program.add("october")
    summary = program.folder / "summary.md"
    summary.write_text("before\n")
    environment = {"GITHUB_STEP_SUMMARY": str(summary)}
    program.run(command, env=environment)
    assert summary.read_text() == "before\n"
    program.run(command, "-o", "github", env=environment)
    assert summary.read_text().startswith("before\n")
    assert len(summary.read_text()) > len("before\n")


def test_unwritable_github_summary_is_a_one_line_error(program: Program) -> None:
    """An unwritable job summary exits with 1 after the other outputs are written."""
    program.add("october")
    result = program.run("--dry-run", "-o", "github", env={"GITHUB_STEP_SUMMARY": "/nonexistent/summary"})
    assert (result.code, result.out[:2]) == (1, "::")
    message = "GITHUB_STEP_SUMMARY /nonexistent/summary cannot be written: No such file or directory"
    assert result.err.splitlines()[-1] == f"reconcile: {message}"


@pytest.mark.parametrize("command", ["--dry-run", "validate"])
def test_problems_are_printed_when_the_report_cannot_be_written(program: Program, command: str) -> None:
    """If the report cannot be written, the problems are printed, and the exit code is still 3."""
    program.add("october", StartTime="StartTim")
    result = program.run(command, "-o", "json=/dev/full")
    assert result.code == 3
    assert "/dev/full cannot be written: No space left on device" in result.err
    assert "manifests/october.yaml:10:" in result.err


def test_a_report_is_shown_in_every_locale(program: Program, server: SandboxServer) -> None:
    """Characters that standard output cannot encode are escaped, and the run completes."""
    program.add("october")
    result = program.run("-o", "text", "-o", "json=report.json", env={"PYTHONIOENCODING": "latin-1"})
    assert (result.code, len(server.sandbox.executed_writes)) == (0, 1)
    assert "profiles-export \\u2192 s3://corp-exports/october" in result.out
    assert json.loads((program.folder / "report.json").read_text())["summary"]["create"] == 1


@pytest.mark.parametrize("path", ["manifests/../plan.out", "FOLDER/plan.out", "/dev/stdout"])
def test_two_outputs_to_one_file_are_rejected(program: Program, path: str) -> None:
    """Two outputs to the same file are a usage error, however the file is named."""
    program.add("october")
    first_output = "text" if path == "/dev/stdout" else "json=plan.out"
    result = program.run(
        "--dry-run", "-o", first_output, "-o", f"markdown={path.replace('FOLDER', str(program.folder))}"
    )
    assert (result.code, result.out) == (64, "")
    assert "several outputs go to the same file: give each output its own file" in result.err


def test_impossible_output_file_name_is_a_usage_error(program: Program) -> None:
    """A file name that is too long is a usage error."""
    result = program.run("--dry-run", "-o", f"json={'a' * 300}")
    assert result.code == 64
    assert "cannot be written: File name too long" in result.err


def test_line_breaks_in_arguments_cannot_inject_workflow_commands(program: Program) -> None:
    """Line breaks in arguments are escaped, so they cannot start a workflow command of GitHub Actions."""
    for option, value, escaped in (
        ("-o", "json=a\n::error::x/b", "\\u000a::error::x"),
        ("--expect-plan", "no\n::error::x", "\\n::error::x"),
    ):
        result = program.run("--dry-run", option, value)
        assert result.code == 64
        assert escaped in result.err
        assert not [line for line in result.err.splitlines() if line.startswith("::")]


@pytest.mark.parametrize("command", ["--dry-run", "run", "validate", "status", "explain", "windows", "doctor"])
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("xml", "unknown format 'xml': use one of text, json"),
        ("json=", "the file name after '=' is missing"),
        ("json=manifests", "manifests is a folder"),
        ("json=none/plan.json", "the folder none does not exist"),
    ],
)
def test_unwritable_output_is_rejected_before_any_call(
    program: Program, server: SandboxServer, command: str, output: str, message: str
) -> None:
    """An unwritable output is a usage error before AWS is called, because the report would be lost."""
    program.add("october")
    name = ["october"] if command in {"explain", "windows"} else []
    result = program.run(command, *name, "-o", output)
    assert (result.code, result.out, server.sandbox.executed_writes) == (64, "", ())
    assert message in result.err


def test_full_disk_under_one_output_does_not_affect_the_others(program: Program) -> None:
    """If one output fails, the other outputs are written, and the exit code is 1."""
    program.add("october")
    result = program.run("--dry-run", "-o", "markdown=/dev/full", "-o", "json=plan.json")
    assert result.code == 1
    assert "/dev/full cannot be written: No space left on device" in result.err
    assert json.loads((program.folder / "plan.json").read_text())["summary"]["create"] == 1


def test_fail_on_unmanaged_changes_the_detailed_exit_code(program: Program) -> None:
    """--fail-on unmanaged changes the exit code to 2, and needs --detailed-exitcode."""
    program.add("october")
    program.run()
    (program.folder / "manifests" / "october.yaml").unlink()
    program.add("november", text=EXPORT + "policy: {mode: observe}\n", **{"profiles-export": "crm-accounts"})
    (program.folder / "manifests" / "november.yaml").unlink()
    assert program.run("--detailed-exitcode").code == 0
    result = program.run("--detailed-exitcode", "--fail-on", "unmanaged")
    assert result.code == 2
    assert "its manifest was removed, or no longer selects this target" in result.out
    assert "0 of 1 live association is managed" in result.out
    assert program.run("--fail-on", "unmanaged").code == 64


@pytest.mark.parametrize("command", ["run", "validate", "doctor", "explain"])
@pytest.mark.parametrize("files", [(), ("-f", "manifests"), ("-f", "manifests/october.yaml")])
def test_output_does_not_replace_a_manifest(
    program: Program, server: SandboxServer, command: str, files: tuple[str, ...]
) -> None:
    """An output whose file is a manifest is refused before the run, and the manifest stays unchanged."""
    program.add("october")
    name = ("october",) if command == "explain" else ()
    result = program.run(command, *name, *files, "-o", "json=manifests/october.yaml")
    assert (result.code, result.out) == (64, "")
    assert "-o json=manifests/october.yaml would replace a manifest" in result.err
    assert (program.folder / "manifests" / "october.yaml").read_text() == EXPORT.replace("NAME", "october")
    assert server.sandbox.executed_writes == ()


def test_output_beside_the_manifests_is_written(program: Program) -> None:
    """A file in the folder that is not read as a manifest may be an output."""
    program.add("october")
    assert program.run("validate", "-o", "json=manifests/findings.txt").code == 0
    assert program.run("validate", "-o", "json=manifests/findings.txt").code == 0
