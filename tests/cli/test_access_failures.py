"""A run without access to AWS ends with a line that names `reconcile doctor`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.controller import EVERY_SECOND, watch_controller
from support.program import EXPORT, TARGET, CompletedRun, Program
from support.proxy import FaultProxy, Request, build_error

from reconciler.sandbox import SandboxServer

ADVICE = "reconcile: `reconcile doctor` shows what is wrong with credentials, Region and network"
COMMANDS = [(), ("--dry-run",), ("explain", "october"), ("export",)]
FAILURES: dict[str, Callable[[Request], bytes | None]] = {
    "credentials": lambda _: build_error(403, "InvalidClientTokenId"),
    "permission": lambda each: None if each.operation == "STS" else build_error(403, "AccessDeniedException"),
    "clock": lambda _: build_error(403, "RequestTimeTooSkewed"),
}
SPEC = 'spec: {Region: REGION, AccountId: "ACCOUNT"}\n'


def has_advice_at_the_end(result: CompletedRun) -> bool:
    """Return whether the last line on standard error is the advice, and no other line is."""
    return result.err.splitlines().index(ADVICE) == len(result.err.splitlines()) - 1


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.parametrize("failure", list(FAILURES))
def test_refused_access_ends_with_the_doctor(
    program: Program, server: SandboxServer, arguments: tuple[str, ...], failure: str
) -> None:
    """If AWS refuses credentials, the time or a permission, the command fails, and its last line names the doctor."""
    program.add("october")
    with FaultProxy(server.url, before_request=FAILURES[failure]) as proxy:
        result = Program(program.folder, proxy.url).run(*arguments)
    assert result.code == 1
    assert has_advice_at_the_end(result)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_closed_port_ends_with_the_doctor(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """If the endpoint cannot be reached, the command fails, and its last line names the doctor."""
    program = Program(tmp_path, "http://127.0.0.1:9")
    program.add("october")
    result = program.run(*arguments, env={"AWS_MAX_ATTEMPTS": "1"})
    assert result.code == 1
    assert has_advice_at_the_end(result)


@pytest.mark.parametrize("arguments", [("status",), ("windows", "october"), ("unlock", "prod", "--yes")])
def test_unreachable_bucket_ends_with_the_doctor(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """If only the journal has to be read, and its bucket cannot be reached, the last line names the doctor, too."""
    program = Program(tmp_path, "http://127.0.0.1:9")
    program.add("october")
    spec = SPEC.replace("REGION", "us-east-1").replace("ACCOUNT", "123456789012")
    (tmp_path / "manifests" / "target.yaml").write_text(TARGET.replace("NAME", "prod") + spec)
    october = tmp_path / "manifests" / "october.yaml"
    october.write_text(october.read_text() + "target: prod\n")
    result = program.run(*arguments, "--state", "s3://corp-state/x", env={"AWS_MAX_ATTEMPTS": "1"})
    assert result.code == 1
    assert "the journal s3://corp-state/x" in result.out + result.err
    assert has_advice_at_the_end(result)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_missing_region_ends_with_the_doctor(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """If no Region is configured, the command fails, and its last line names the doctor."""
    program = Program(tmp_path)
    program.add("october")
    result = program.run(*arguments)
    assert result.code == 1
    assert "no Region is configured" in result.out + result.err
    assert has_advice_at_the_end(result)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_several_failed_targets_give_one_advice(program: Program, arguments: tuple[str, ...]) -> None:
    """If the credentials belong to another account than several targets declare, the doctor is named once."""
    for name, region in (("one", "us-east-1"), ("two", "us-west-2")):
        program.add(name, text=TARGET + SPEC, REGION=region, ACCOUNT="999999999999")
        program.add(f"october-{name}", text=EXPORT.replace("NAME", "october") + f"target: {name}\n")
    result = program.run(*arguments)
    assert result.code == 1
    assert has_advice_at_the_end(result)


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_terminal_shows_the_error_once(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The report shows why a target failed. On the same terminal, the log does not repeat it."""
    program = Program(tmp_path)
    program.add("october")
    screen = program.run_on_terminal(*arguments)
    assert (screen.count("no Region is configured"), "run finished" in screen) == (1, False)
    assert screen.splitlines()[-1] == ADVICE


def test_terminal_shows_the_error_if_the_report_is_a_file(tmp_path: Path) -> None:
    """If the report goes to a file, the log on the terminal has the error."""
    program = Program(tmp_path)
    program.add("october")
    screen = program.run_on_terminal("-o", "json=report.json")
    assert "target failed" in screen
    assert "no Region is configured" in screen


def test_other_failures_do_not_name_the_doctor(program: Program) -> None:
    """A corrupt journal, an invalid manifest and wrong usage are no failures of access."""
    program.add("october")
    state = program.folder / ".reconciler" / "sandbox"
    state.mkdir(parents=True)
    (state / "123456789012-us-east-1.json").write_text("{")
    assert all(ADVICE not in program.run(*arguments).err for arguments in COMMANDS)
    assert ADVICE not in program.run("--fail-on", "unmanaged").err
    program.add("november", text="kind: Unknown\n")
    assert ADVICE not in program.run().err


def test_advice_is_not_in_the_report(tmp_path: Path) -> None:
    """The advice goes to standard error only, so that the JSON report stays a document."""
    program = Program(tmp_path)
    program.add("october")
    result = program.run("--dry-run", "-o", "json")
    assert "no Region" in result.report["targets"][0]["error"]
    assert "doctor" not in result.out


def test_controller_does_not_name_the_doctor(tmp_path: Path) -> None:
    """The log of a controller has the error of the target, and no advice for a person at a terminal."""
    program = Program(tmp_path)
    program.add("october")
    with watch_controller(program.start(*EVERY_SECOND)) as controller:
        assert "no Region" in controller.wait_for_event("target failed")["error"]
    assert "doctor" not in str(controller.log)
