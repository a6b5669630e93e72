"""A new journal is created only on request, because a missing journal usually means an unmounted volume."""

from __future__ import annotations

import json
import shutil

import pytest
from support.program import Program, terminate

from reconciler.sandbox import Behaviour, SandboxServer

STATE = ("--state", "state")
TARGETS = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: prod}
spec: {Region: us-east-1, AccountId: "123456789012"}
---
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: staging}
spec: {Region: us-west-2, AccountId: "123456789012"}
"""


@pytest.fixture(autouse=True)
def ignore_tokens(server: SandboxServer) -> None:
    """Let the sandbox ignore ClientTokens, and let its jobs end at once."""
    server.sandbox.set_behaviour(Behaviour(tokens="ignored", associations_per_integration=500, job_seconds=0))


def test_empty_state_folder_does_not_start_a_new_journal(program: Program, server: SandboxServer) -> None:
    """A run creates nothing while the journal's folder is missing or empty, although List is empty as well."""
    program.add("october")
    assert program.run(*STATE, "--new-state").code == 0
    assert program.run(*STATE).code == 0
    shutil.rmtree(program.folder / "state")
    for has_folder in (False, True):
        if has_folder:
            (program.folder / "state").mkdir()
        for mode in ("create", "observe"):
            result = program.run(*STATE, "--mode", mode, "-o", "json")
            (target,) = result.report["targets"]
            assert result.code == 1
            assert target["error"] == (
                "there is no journal at state/sandbox/123456789012-us-east-1.json: if this is the first run for this "
                "account and Region, add --new-state once; otherwise, correct --state, or mount the folder of the "
                "journal, or restore the journal from a backup"
            )
    assert list((program.folder / "state").iterdir()) == []
    assert len(server.sandbox.executed_writes) == 1


def test_dry_run_warns_that_the_run_would_be_refused(program: Program, server: SandboxServer) -> None:
    """A dry run without a journal shows the plan and the refusal, and with --new-state only the plan."""
    program.add("october")
    result = program.run("--dry-run", *STATE, "-o", "json")
    assert (result.code, result.decisions) == (1, {"october": "create"})
    assert result.report["targets"][0]["error"].startswith(
        "a run would be refused: there is no journal at state/sandbox/"
    )
    new_state_result = program.run("--dry-run", *STATE, "-o", "json", "--new-state")
    assert (new_state_result.code, new_state_result.report["targets"][0]["error"]) == (0, None)
    assert not (program.folder / "state").exists()
    assert server.sandbox.executed_writes == ()


def test_dry_run_without_a_journal_shows_what_it_would_adopt(program: Program) -> None:
    """A dry run without a journal lists an association to adopt, and not as one whose adoption failed."""
    program.add("october")
    assert program.run(*STATE, "--new-state").code == 0
    shutil.rmtree(program.folder / "state")
    result = program.run("--dry-run", *STATE)
    assert result.code == 1
    assert "1 to adopt" in result.out
    assert "not adopted" not in result.out


def test_new_state_applies_only_to_the_targets_it_names(program: Program, server: SandboxServer) -> None:
    """A journal is created only for the targets that match a glob of --new-state."""
    program.add("targets", text=TARGETS)
    for name in ("prod", "staging"):
        program.add(f"of-{name}", text=f"# of {name}\n" + _build_manifest(name))
    result = program.run(*STATE, "--new-state", "prod", "-o", "json")
    errors = {target["name"]: target["error"] for target in result.report["targets"]}
    assert (result.code, errors["prod"]) == (1, None)
    assert errors["staging"].startswith("there is no journal at state/sandbox/123456789012-us-west-2.json")
    assert len(server.sandbox.executed_writes) == 1
    shutil.rmtree(program.folder / "state")
    second_result = program.run(*STATE, "-o", "json", env={"RECONCILER_NEW_STATE": "stag*, nob*"})
    assert second_result.code == 64
    second_result = program.run(*STATE, "-o", "json", env={"RECONCILER_NEW_STATE": "stag*"})
    errors = {target["name"]: target["error"] for target in second_result.report["targets"]}
    assert (second_result.code, errors["staging"]) == (1, None)
    assert errors["prod"].startswith("there is no journal at ")
    assert len(server.sandbox.executed_writes) == 2


def _build_manifest(target: str) -> str:
    return f"""\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {{name: of-{target}}}
target: {target}
spec:
  DataIntegrationIdentifier: profiles-export
  DestinationURI: s3://corp-exports/{target}
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration: {{StartTime: 2026-10-01T00:00:00Z, EndTime: 2026-11-01T00:00:00Z}}
"""


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (("--new-state",), {}),
        (("--new-state", "--detailed-exitcode"), {}),
        (("--new-state=default",), {}),
        (("--new-state", "def*"), {}),
        (("--new-state", "default", "--new-state", "*"), {}),
        ((), {"RECONCILER_NEW_STATE": "*"}),
        ((), {"RECONCILER_NEW_STATE": "default"}),
        ((), {"RECONCILER_NEW_STATE": "default, d*"}),
        ((), {"RECONCILER_NEW_STATE": "default\nd*"}),
    ],
)
def test_new_state_is_declared_by_option_or_variable(
    program: Program, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    """--new-state works with and without names, and as the variable RECONCILER_NEW_STATE."""
    program.add("october")
    assert program.run(*STATE, *options, env=variables).code == 0
    assert (program.folder / "state" / "sandbox" / "123456789012-us-east-1.json").exists()


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (("--new-state", "prod"), {}),
        (("--new-state", ""), {}),
        (("--new-state", "run"), {}),
        (("--new-state", "true"), {}),
        (("--new-state", "DEFAULT"), {}),
        ((), {"RECONCILER_NEW_STATE": "true"}),
        ((), {"RECONCILER_NEW_STATE": " "}),
        ((), {"RECONCILER_NEW_STATE": '"*"'}),
    ],
)
def test_new_state_glob_that_matches_no_target_is_an_error(
    program: Program, server: SandboxServer, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    """A glob that matches no target is a usage error, such as the name of a command or a boolean."""
    program.add("october")
    assert program.run(*STATE, *options, env=variables).code == 64
    assert server.sandbox.executed_writes == ()
    assert not (program.folder / "state").exists()


def test_second_run_needs_no_new_state_option(program: Program) -> None:
    """A run without associations creates the journal, so the next run needs no --new-state."""
    program.add(
        "default",
        text="apiVersion: appintegrations.reconciler/v1\nkind: Target\nmetadata: {name: default}\n"
        "spec: {Region: us-east-1, AccountId: '123456789012'}\n",
    )
    assert program.run(*STATE, "--new-state").code == 0
    journal = json.loads((program.folder / "state" / "sandbox" / "123456789012-us-east-1.json").read_text())
    assert journal["records"] == {}
    program.add("october")
    assert program.run(*STATE).code == 0


def test_default_state_folder_starts_by_itself_only_on_a_workstation(program: Program, server: SandboxServer) -> None:
    """In a CI job and in the image, the default folder needs --new-state for a new journal."""
    program.add("october")
    for variables in ({"RECONCILER_CONTAINER": "1"}, {"RECONCILER_CONTAINER": "yes"}):
        result = program.run("-o", "json", env=variables)
        assert result.code == 1
        assert "add --new-state once" in result.report["targets"][0]["error"]
        assert program.run("--dry-run", env=variables).code == 1
        checks = program.run("doctor", "-o", "json", env=variables).report["targets"][0]["checks"]
        assert [check["result"] for check in checks if check["name"] == "journal"] == ["failed"]
    assert program.run("--mode", "observe", env={"CI": "true"}).code == 1
    assert program.run("--dry-run", env={"CI": "true"}).code == 0
    assert not (program.folder / ".reconciler").exists()
    assert program.run("--new-state", env={"RECONCILER_CONTAINER": "1"}).code == 0
    shutil.rmtree(program.folder / ".reconciler")
    assert program.run(env={"RECONCILER_CONTAINER": "0"}).code == 0
    assert len(server.sandbox.executed_writes) == 1


def test_sandbox_state_needs_no_new_state_option(program: Program) -> None:
    """A sandbox creates its journal without --new-state, even in CI and in the image."""
    sandbox_program = Program(program.folder)
    sandbox_program.add("october")
    assert sandbox_program.run("--sandbox", *STATE, env={"CI": "true", "RECONCILER_CONTAINER": "1"}).code == 0


def test_read_only_commands_work_without_a_journal(program: Program) -> None:
    """Commands that only read report a missing journal, and create no file."""
    program.add("october")
    assert program.run("validate").code == 0
    assert "no journal yet" in program.run("status", *STATE).out
    assert program.run("explain", "october", *STATE).code == 0
    assert program.run("export", *STATE).code == 0
    assert "No run holds" in program.run("unlock", "default", *STATE).out
    assert not (program.folder / "state").exists()


def test_controller_does_not_start_a_new_journal_unasked(program: Program, server: SandboxServer) -> None:
    """Without --new-state a controller reports failed targets. With --new-state it creates."""
    program.add("october")
    for options, event in (((), "target failed"), (("--new-state",), "association created")):
        process = program.start("controller", *STATE, "--interval", "1s", *options)
        assert process.stderr
        assert any(json.loads(line)["event"] == event for line in process.stderr if line.startswith("{"))
        terminate(process)
        process.communicate(timeout=60)
    assert len(server.sandbox.executed_writes) == 1
