"""The commands that call nothing: help, version, schema and validate."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from program import EXPORT, SCRIPT, Program, environment

from reconciler.cli.app import app
from reconciler.cli.help import HELP

REPOSITORY = Path(__file__).parents[2]


def test_help_names_every_command_and_option(tmp_path: Path) -> None:
    """A stranger finds the way from `reconcile --help` alone."""
    shown = Program(tmp_path).run("--help").out
    for word in (
        "controller", "validate", "schema", "sandbox", "--dry-run", "--file", "--output", "--state", "--target",
        "--region", "--profile", "--endpoint-url", "--mode", "--detailed-exitcode", "--sandbox", "--version",
        "--settle-time", "--lock-timeout",
    ):  # fmt: skip
        assert word in shown


def test_the_ready_made_help_is_the_one_that_click_renders() -> None:
    """No option is missing from it, and none is there that is not."""
    rendered = CliRunner().invoke(app, ["--help"], prog_name="reconcile", terminal_width=80).output
    assert rendered == HELP, f"reconciler/cli/help.py is to hold:\n{rendered}"


@pytest.mark.parametrize("command", ["run", "controller", "validate", "schema", "sandbox"])
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    """And it costs no AWS library."""
    done = Program(tmp_path).run(command, "--help")
    assert (done.code, done.err) == (0, "")


def test_the_version(tmp_path: Path) -> None:
    """One line, for bug reports."""
    assert Program(tmp_path).run("--version").out.startswith("reconcile 0.")


@pytest.mark.parametrize("kind", ["DataIntegrationAssociation", "Target", "Report", "Journal"])
def test_schemas_are_printed(tmp_path: Path, kind: str) -> None:
    """What is printed is a JSON Schema that a checker accepts."""
    document = json.loads(Program(tmp_path).run("schema", kind).out)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["title"] == kind


def test_validate_needs_nothing_and_counts(tmp_path: Path) -> None:
    """The examples are valid, and the command says how many they are."""
    done = Program(tmp_path).run("validate", "-f", str(REPOSITORY / "manifests"))
    assert (done.code, done.out, done.err) == (0, "2 manifests, 1 target: valid\n", "")


def test_validate_says_that_there_is_nothing(tmp_path: Path) -> None:
    """An empty folder is valid, and does not look like one with manifests; the ambient target is none of its own."""
    (tmp_path / "manifests").mkdir()
    program = Program(tmp_path)
    assert program.run("validate").out == "no manifests: valid\n"
    program.add("october")
    assert program.run("validate").out == "1 manifest: valid\n"


def test_validate_reports_every_problem_as_text_and_json(tmp_path: Path) -> None:
    """file:line:column: /pointer: message; exit 3."""
    program = Program(tmp_path)
    program.add("october", text=EXPORT.replace("spec:", "spec:\n  ClientTokn: x"))
    text = program.run("validate")
    assert text.code == 3
    assert text.out.startswith("manifests/october.yaml:5:3: /spec/ClientTokn: unknown key 'ClientTokn'")
    document = json.loads(program.run("validate", "-o", "json").out)
    assert document["valid"] is False
    assert document["problems"][0]["pointer"] == "/spec/ClientTokn"


@pytest.mark.parametrize("arguments", ["--help", "--version", "schema", "run --help"])
def test_a_full_disk_or_a_closed_output_is_no_traceback(tmp_path: Path, arguments: str) -> None:
    """Whatever standard output is, there is an exit code and no traceback."""
    for redirected, code in ((">/dev/full", 1), (">&-", None), ("| true", None)):
        done = subprocess.run(
            f"{SCRIPT} {arguments} {redirected}",
            shell=True, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr
        assert "internal error" not in done.stderr
        assert code in {None, done.returncode}


def test_without_standard_streams_a_run_is_still_a_run(tmp_path: Path) -> None:
    """A daemon without any of them creates, and remembers it."""
    program = Program(tmp_path)
    program.add("october")
    done = subprocess.run(
        f"{SCRIPT} --sandbox >&- 2>&- <&-",
        shell=True, cwd=tmp_path, env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert program.run("--sandbox", "-o", "json").decisions == {"october": "in-sync"}
