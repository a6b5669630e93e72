"""`reconcile` as a process, against a sandbox over HTTP."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest
from support.program import EXPORT, TARGET, Program, terminate
from support.proxy import FaultProxy, Request

from reconciler.edge.manifests.schema import load_schema
from reconciler.sandbox import Behaviour, SandboxServer

GUARDRAILS = """\
spec: {Region: us-east-1, AccountId: "ACCOUNT", MaxCreates: 1, AllowedDestinations: ["s3://corp-exports/*"]}
"""


def create_client(server: SandboxServer) -> Any:
    """Return an AppIntegrations client that prepares associations."""
    return boto3.client(
        "appintegrations", "us-east-1", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x"
    )


def list_files(folder: Path) -> set[str]:
    """Return the names of the files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_missing_association_is_created_once_and_then_in_sync(program: Program, server: SandboxServer) -> None:
    """A dry run plans a missing association, a run creates it, and the next run finds it in sync."""
    program.add("october")
    dry_run = program.run("--dry-run", "--detailed-exitcode")
    assert dry_run.code == 2
    assert "Nothing was written" in dry_run.out
    first = program.run("--detailed-exitcode", "-o", "json")
    assert (first.code, first.decisions) == (0, {"october": "create"})
    outcome = first.report["targets"][0]["associations"][0]["outcome"]
    assert outcome["result"] == "created"
    assert first.find_events("association created")[0]["id"] == outcome["id"]
    second = program.run("--detailed-exitcode", "-o", "json")
    assert (second.code, second.decisions) == (0, {"october": "in-sync"})
    assert second.report["targets"][0]["associations"][0]["unverifiable"] == ["/ObjectConfiguration"]
    assert len(server.sandbox.executed_writes) == 1


def test_a_dry_run_cannot_write(program: Program, server: SandboxServer) -> None:
    """A dry run makes only reads, and creates no file."""
    program.add("october")
    files = list_files(program.folder)
    with FaultProxy(server.url) as proxy:
        result = Program(program.folder, proxy.url).run("--dry-run")
    assert result.code == 0
    assert set(proxy.counts) == {"STS", "ListDataIntegrations", "ListDataIntegrationAssociation"}
    assert list_files(program.folder) == files


def test_the_json_report_fits_its_schema(program: Program, server: SandboxServer) -> None:
    """A report with every kind of decision fits the schema, and each decision is shown as text."""
    program.add("same", "drifts", "changes", "gone")
    assert program.run().code == 0
    aws = create_client(server)
    response = aws.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")
    ids = {each["DestinationURI"].rpartition("/")[2]: each for each in response["DataIntegrationAssociations"]}
    aws.update_data_integration_association(
        DataIntegrationIdentifier="profiles-export",
        DataIntegrationAssociationIdentifier=ids["drifts"]["DataIntegrationAssociationArn"].rpartition("/")[2],
        ExecutionConfiguration={
            "ExecutionMode": "SCHEDULED",
            "ScheduleConfiguration": {"ScheduleExpression": "rate(1 day)"},
        },
    )
    gone = ids["gone"]["DataIntegrationAssociationArn"]
    account, region = gone.split(":")[4], gone.split(":")[3]
    server.sandbox.get_service(account, region).remove_association(gone.rpartition("/")[2])
    aws.create_data_integration_association(DataIntegrationIdentifier="crm-accounts", DestinationURI="s3://x/strange")
    replacements = {"2026-11-01": "2026-11-02"}
    program.add("changes", **replacements)
    program.add("waits", text=EXPORT + "policy: {suspend: true}\n")
    program.add("nowhere", **{"profiles-export": "profile-export"})
    write_count = len(server.sandbox.executed_writes)
    result = program.run("-o", "json", "--detailed-exitcode")
    jsonschema.validate(result.report, load_schema("report.v1.json"), cls=jsonschema.Draft202012Validator)
    assert result.decisions == {
        "same": "in-sync", "drifts": "drifted", "changes": "changed", "gone": "settling", "waits": "held",
        "nowhere": "blocked",
    }  # fmt: skip
    assert result.code == 1
    assert result.report["summary"]["unmanaged"] == 1
    assert len(server.sandbox.executed_writes) == write_count
    (event,) = result.find_events("drift detected")
    assert event["association"] == "drifts"
    assert event["differences"][0]["path"].startswith("/ExecutionConfiguration/")
    (run_event,) = result.find_events("run finished")
    assert run_event["drifted"] == 1
    text = program.run()
    for word in ("in-sync", "drifted", "changed", "settling", "held", "blocked", "unmanaged"):
        assert word in text.out
    assert "+ git" in text.out


def test_an_update_is_announced_and_sent_once(program: Program, server: SandboxServer) -> None:
    """An update is sent once if manifest and run allow it, and the plan says that it repeats the export."""
    text = EXPORT + "policy: {mode: create-and-update}\n"
    program.add("october", text=text)
    server.sandbox.set_behaviour(replace(server.sandbox.behaviour, job_seconds=0))
    program.run()
    program.add("october", text=text, **{"2026-11-01": "2026-11-02"})
    assert program.run("--mode", "create", "-o", "json").decisions == {"october": "changed"}
    assert program.run("--dry-run", "-o", "json").decisions == {"october": "held"}
    assert program.run("--settle-time", "0s", "--mode", "create", "-o", "json").decisions == {"october": "changed"}
    dry_run = program.run("--dry-run", "-o", "json", "--detailed-exitcode")
    (planned_update,) = dry_run.report["targets"][0]["associations"]
    assert (dry_run.code, planned_update["decision"], planned_update["outcome"]) == (2, "update", None)
    assert "REPEATS the export" in planned_update["reason"]
    result = program.run("-o", "json", "--detailed-exitcode")
    (association,) = result.report["targets"][0]["associations"]
    assert (result.code, association["outcome"]) == (0, {"result": "updated", "id": None, "error": None})
    assert result.report["planDigest"] == dry_run.report["planDigest"]
    assert result.find_events("association updated")
    assert program.run("-o", "json").decisions == {"october": "in-sync"}
    assert [each.operation[:6] for each in server.sandbox.executed_writes] == ["Create", "Update"]


def test_live_association_is_adopted(program: Program, server: SandboxServer) -> None:
    """A matching live association is adopted, and nothing is created."""
    window = {"StartTime": "1790812800000", "EndTime": "1793491200000"}
    create_client(server).create_data_integration_association(
        DataIntegrationIdentifier="profiles-export",
        DestinationURI="s3://corp-exports/october",
        ExecutionConfiguration={"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": window},
    )
    program.add("october")
    assert program.run("-o", "json").decisions == {"october": "adopt"}
    assert program.run("-o", "json").decisions == {"october": "in-sync"}
    assert len(server.sandbox.executed_writes) == 1


def test_lost_response_fails_the_run_and_creates_nothing_twice(program: Program, server: SandboxServer) -> None:
    """A Create without an answer fails the run, and the next run adopts the association."""
    server.sandbox.set_behaviour(Behaviour(lose_answers=1, tokens="ignored"))
    program.add("october")
    first = program.run("-o", "json")
    assert first.code == 1
    assert first.report["targets"][0]["associations"][0]["outcome"]["result"] == "unknown"
    assert first.find_events("create unanswered")[0]["result"] == "unknown"
    assert first.find_events("create failed") == []
    assert program.run("-o", "json").decisions == {"october": "adopt"}
    assert len(server.sandbox.executed_writes) == 1


def test_refused_call_is_reported_with_the_aws_message(program: Program, server: SandboxServer) -> None:
    """The report of a refused call contains the message of AWS. It names no command that could not find the cause."""
    server.sandbox.set_behaviour(Behaviour(explicit_deny=True))
    program.add("october")
    result = program.run()
    assert result.code == 1
    assert "explicit deny in a resource-based policy" in result.out
    assert "failed" in result.out
    report = " ".join(result.out.split())
    assert "AWS created nothing: correct the cause; the next run sends the Create again" in report
    assert "reconcile doctor" not in report


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_lets_the_current_call_finish(program: Program, server: SandboxServer, number: signal.Signals) -> None:
    """After a signal, the current Create is recorded, the next is not sent, and the exit code contains the signal."""
    program.add("a", "b")
    processes: list[Any] = []

    def stop(request: Request) -> None:
        if request.operation == "CreateDataIntegrationAssociation":
            terminate(processes[0], number)

    with FaultProxy(server.url, before_request=stop) as proxy:
        process = Program(program.folder, proxy.url).start("-o", "json")
        processes.append(process)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    outcomes = {each["name"]: each["outcome"]["result"] for each in json.loads(out)["targets"][0]["associations"]}
    assert outcomes == {"a": "created", "b": "skipped"}
    assert program.run("-o", "json").decisions == {"a": "in-sync", "b": "create"}
    assert len(server.sandbox.executed_writes) == 2


def test_corrupt_journal_is_rejected_and_left_unchanged(program: Program, server: SandboxServer) -> None:
    """A corrupt journal fails its target, stays unchanged, and stops every write."""
    program.add("october")
    state = program.folder / ".reconciler" / "sandbox"
    state.mkdir(parents=True)
    path = state / "123456789012-us-east-1.json"
    path.write_text("{")
    result = program.run("-o", "json")
    assert result.code == 1
    assert "this run did not change it" in result.report["targets"][0]["error"]
    assert result.decisions == {"october": "blocked"}
    assert path.read_text() == "{"
    assert server.sandbox.executed_writes == ()


def test_failing_target_does_not_stop_the_other(program: Program, server: SandboxServer) -> None:
    """A target with the wrong account fails, and the other target is reconciled."""
    program.add("right", text=TARGET + GUARDRAILS, ACCOUNT="123456789012")
    program.add("wrong", text=TARGET + GUARDRAILS, ACCOUNT="999999999999")
    program.add("a", text=EXPORT + "target: right\n")
    program.add("b", text=EXPORT + "target: wrong\n")
    result = program.run("-o", "json")
    assert result.code == 1
    assert result.decisions == {"a": "create", "b": "blocked"}
    errors = {each["name"]: each["error"] for each in result.report["targets"]}
    assert "declares 999999999999" in errors["wrong"]
    assert errors["right"] is None
    assert result.find_events("target failed")[0]["target"] == "wrong"
    assert len(server.sandbox.executed_writes) == 1
    right_result = program.run("--target", "right", "-o", "json")
    assert (right_result.code, right_result.decisions) == (0, {"a": "in-sync"})
    misspelt_result = program.run("--target", "rigth")
    assert misspelt_result.code == 64
    assert "did you mean 'right'?" in misspelt_result.err


def test_targets_with_the_same_account_and_region_are_rejected(program: Program, server: SandboxServer) -> None:
    """Two Targets with the same account and Region are invalid, because they would share a journal."""
    program.add("one", "two", text=TARGET + GUARDRAILS, ACCOUNT="123456789012")
    program.add("a", text=EXPORT + "target: one\n")
    result = program.run("--target", "one")
    assert result.code == 3
    assert (
        "manifests/two.yaml:4:7: /spec: the Target at manifests/one.yaml:1 has the same account and Region"
        in result.err
    )
    assert server.sandbox.executed_writes == ()


def test_guardrails_of_a_target_block_creates(program: Program, server: SandboxServer) -> None:
    """MaxCreates and AllowedDestinations of a Target block creates."""
    program.add("right", text=TARGET + GUARDRAILS, ACCOUNT="123456789012")
    program.add("a", "b")
    result = program.run()
    assert result.code == 1
    assert "MaxCreates" in result.out
    (program.folder / "manifests" / "b.yaml").unlink()
    program.add("a", **{"s3://corp-exports": "s3://elsewhere"})
    assert "AllowedDestinations" in program.run().out
    assert server.sandbox.executed_writes == ()


def test_observe_mode_creates_nothing(program: Program, server: SandboxServer) -> None:
    """`--mode observe` holds a missing association."""
    program.add("october")
    assert program.run("--mode", "observe", "-o", "json").decisions == {"october": "held"}
    assert server.sandbox.executed_writes == ()


def test_manifests_are_read_from_standard_input(program: Program, server: SandboxServer) -> None:
    """`reconcile -f -` reads manifests from standard input."""
    result = program.run("-f", "-", "-o", "json", stdin=EXPORT.replace("NAME", "october"))
    assert result.decisions == {"october": "create"}
    assert len(server.sandbox.executed_writes) == 1


def test_an_empty_folder_is_valid_and_warned_about(program: Program) -> None:
    """A folder without manifests succeeds, with a warning in log and report, even with --strict."""
    (program.folder / "manifests").mkdir()
    result = program.run("--strict", "-o", "json")
    assert result.code == 0
    assert result.find_events("no manifests")
    assert not result.find_events("manifest warning")
    assert [each["message"] for each in result.report["warnings"]] == [
        "no file contains a DataIntegrationAssociation: nothing will be created"
    ]


def test_revision_is_in_the_report_and_the_log(program: Program) -> None:
    """The value of --revision is in the report and in the log."""
    program.add("october")
    result = program.run("--dry-run", "--revision", "abc123", "-o", "json")
    assert result.report["run"]["revision"] == "abc123"
    assert result.find_events("run finished")[0]["revision"] == "abc123"
    assert result.find_events("run finished")[0]["run"] == result.report["run"]["id"]


def test_one_run_writes_several_outputs(program: Program) -> None:
    """One run writes text to standard output, and JSON to a file."""
    program.add("october")
    result = program.run("--dry-run", "-o", "text", "-o", "json=plan.json")
    assert "october" in result.out
    assert json.loads((program.folder / "plan.json").read_text())["summary"]["create"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "xml"), "unknown format 'xml': use one of text, json"),
        (("-o", "json="), "the file name after '=' is missing"),
        (("-o", "json=none/plan.json"), "the folder none does not exist"),
        (("-o", "json", "-o", "text"), "several outputs go to standard output"),
        (("-o", "json=x", "-o", "text=x"), "several outputs go to the same file"),
        (("-o", "\x1b[2J"), "unknown format '\\x1b[2J'"),
        (("--settle-time", "99999999999999d"), "longer than a year"),
        (("--endpoint-url", ""), "write http://HOST:PORT"),
        (("--endpoint-url", "http://127.0.0.1:99999"), "write http://HOST:PORT"),
        (("controller", "-f", "-"), "can only be read once"),
        (("--settle-time", "soon"), "such as 90s, 5m or 24h"),
        (("--mode", "delete"), "'delete'"),
        (("--state", "s3://Bucket/prefix"), "'Bucket', which is not a valid bucket name"),
        (("--state", "gs://bucket/prefix"), "write s3://bucket/prefix"),
        (("--state", "s3:/bucket/prefix"), "write s3://bucket/prefix"),
        (("--sandbox", "--state", "s3://bucket/prefix"), "keeps its journal in a folder"),
        (("--sandbox", "--endpoint-url", "http://127.0.0.1:9"), "use one of them"),
        (("--endpoint-url", "foo"), "write http://HOST:PORT"),
        (("--region", "fips-us-east-1"), "write us-east-1, and set AWS_USE_FIPS_ENDPOINT=true"),
        (("--region", "US-EAST-1", "--sandbox"), "'US-EAST-1' is not a Region: write us-east-1"),
        (("--nonsense",), "--nonsense"),
        (("nonsense",), "nonsense"),
    ],
)
def test_usage_error_exits_with_64(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """A usage error exits with 64, and its message says what to write instead."""
    program = Program(tmp_path)
    program.add("october")
    result = program.run(*arguments)
    assert result.code == 64
    assert message in result.err
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err


def test_run_in_ci_without_a_lasting_state_is_rejected(program: Program, server: SandboxServer) -> None:
    """In CI, a run that may create needs --state, because the folder of a job is lost."""
    program.add("october")
    result = program.run(env={"CI": "true"})
    assert result.code == 64
    assert "--state" in result.err
    dry_run = program.run("--dry-run", env={"CI": "true"})
    assert dry_run.code == 0
    assert "in CI, a run that may create is refused without --state: use --state or RECONCILER_STATE" in dry_run.err
    assert "no state given" not in program.run("--dry-run").err
    assert program.run("--state", "", env={"CI": "true"}).code == 64
    assert program.run(env={"CI": "true", "RECONCILER_STATE": "kept", "RECONCILER_NEW_STATE": "*"}).code == 0
    assert len(server.sandbox.executed_writes) == 1
    assert (program.folder / "kept" / "sandbox" / "123456789012-us-east-1.json").exists()


def test_options_are_read_from_environment_variables(program: Program) -> None:
    """A RECONCILER_* variable sets its option."""
    program.add("october")
    assert program.run("-o", "json", env={"RECONCILER_MODE": "observe"}).decisions == {"october": "held"}


def test_unreachable_endpoint_is_a_one_line_error(tmp_path: Path) -> None:
    """An unreachable endpoint fails the target, exits with 1, and prints no traceback."""
    program = Program(tmp_path, "http://127.0.0.1:9")
    program.add("october")
    result = program.run("--dry-run", env={"AWS_MAX_ATTEMPTS": "1"})
    assert result.code == 1
    assert "GetCallerIdentity" in result.out
    assert "Traceback" not in result.err + result.out


def test_colours_and_symbols_appear_only_on_a_terminal(program: Program) -> None:
    """Colours appear on a terminal without NO_COLOR, and never in a pipe."""
    program.add("october")
    assert "\x1b[" not in program.run("--dry-run").out
    output = program.run_on_terminal("--dry-run")
    assert "\x1b[32m+ create" in output
    assert "\x1b[" not in program.run_on_terminal("--dry-run", env={"NO_COLOR": "1"})


def test_held_export_on_a_terminal_needs_a_later_run(program: Program) -> None:
    """On a terminal, the report says that nothing sends a held export later. In a pipe and in CI it does not."""
    program.add("later", text=EXPORT.replace("2026-11-01", "2126-11-01"))
    sentence = (
        "Nothing here sends the held export later: run reconcile again after 2126-11-01 01:00:00Z, or run it on a "
        "schedule (docs/how-to/run-on-a-schedule.md)."
    )
    assert sentence in program.run_on_terminal()
    assert sentence in program.run(env={"GIT_DIR": "."}).out
    assert "Nothing here" not in program.run_on_terminal("--state", "s", "--new-state", "*", env={"CI": "true"})
    assert "Nothing here" not in program.run_on_terminal("--dry-run")
    assert "Nothing here" not in program.run().out
    (target,) = program.run("-o", "json").report["targets"]
    assert [each["until"] for each in target["associations"]] == ["2126-11-01T01:00:00+00:00"]


def test_progress_bar_appears_only_on_a_terminal(program: Program) -> None:
    """A progress bar appears on a terminal for ten associations, and never in a pipe."""
    program.add(*(f"n{number}" for number in range(10)))
    assert "sending" in program.run_on_terminal()
    assert "creating" not in program.run().err


def test_hostile_values_do_not_reach_the_terminal(program: Program, server: SandboxServer) -> None:
    """Escape sequences in manifests and AWS answers are printed as visible characters."""
    server.sandbox.set_behaviour(Behaviour())
    hostile = "\x1b]0;owned\x07\x1b[2J"
    create_client(server).create_data_integration_association(
        DataIntegrationIdentifier="crm-accounts", ClientId=hostile
    )
    program.add("october", text=EXPORT.replace("ObjectConf", 'ClientId: "a\\e[2Jb"\n  ObjectConf'))
    for output in (program.run_on_terminal("--dry-run"), program.run_on_terminal("--dry-run", "-o", "json")):
        assert "\x1b]0" not in output
        assert "\x1b[2J" not in output


def test_warning_about_a_source_changes_neither_exit_code_nor_digest(program: Program) -> None:
    """A source that AWS is reported to refuse is a warning of the report, in every exit code and with --strict."""
    program.add("articles", text=EXPORT.replace("profiles-export", "knowledge-articles"))
    arguments = ("--dry-run", "--strict", "-o", "json")
    result = program.run(*arguments)
    assert (result.code, result.decisions) == (0, {"articles": "create"})
    (warning,) = result.report["warnings"]
    assert (warning["file"], warning["pointer"]) == ("manifests/articles.yaml", "/spec/DataIntegrationIdentifier")
    assert "explicit deny" in warning["message"]
    digest = result.report["planDigest"]
    applied = program.run("--expect-plan", digest)
    assert applied.code == 0
    assert "warning: manifests/articles.yaml:1:1: /spec/DataIntegrationIdentifier: AWS is reported" in applied.out
    assert program.run("-o", "json").report["warnings"] == []
