"""The sandbox from the command line: in the process, over HTTP, and across restarts."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path

import pytest
from support.paths import REPOSITORY
from support.program import Program, create_environment

from reconciler.sandbox import Behaviour
from reconciler.sandbox.store import DataFile

MONTHLY = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
policy: {mode: create-and-update}
window: {every: month, first: 2031-01-01}
spec: {DataIntegrationIdentifier: profiles-export, DestinationURI: s3://corp-exports/NAME}
"""


@contextmanager
def serve_sandbox(program: Program, *arguments: str) -> Iterator[str]:
    """Run `reconcile sandbox` and yield its endpoint. SIGTERM ends it with exit code 0."""
    process = program.start("sandbox", "--port", "0", *arguments)
    assert process.stdout
    line = process.stdout.readline()
    try:
        yield line.split()[3]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_demo_exports_three_months_in_two_environments(tmp_path: Path) -> None:
    """`make demo` plans and creates the example manifests, and sends a window each month in both environments."""
    variables = (f"BIN={Path(sys.executable).parent}", f"DEMO={tmp_path / 'demo'}")
    demo = subprocess.run(
        ["make", "--old-file", ".venv/ready", "demo", *variables],
        cwd=REPOSITORY,
        env=create_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    created, updated, in_sync = "3 created", "2 updated, 1 in sync", "3 in sync"
    months = [created, in_sync, updated, in_sync, updated, in_sync]
    summaries = re.findall(r"^(?:Dry run|Run): (.*?)\. ", demo.stdout, re.MULTILINE)
    assert summaries == ["3 to create", *months]
    windows = re.findall(r"^  (done|to come) +2\d{3}-(\d\d)-01 to 2\d{3}-(\d\d)-01  ", demo.stdout, re.MULTILINE)
    assert [" ".join(each) for each in windows] == [
        "done 10 11", "done 11 12", "done 12 01", "to come 01 02", "to come 02 03", "to come 03 04",
    ]  # fmt: skip


def test_clock_of_the_sandbox_runs_on_from_the_given_time(tmp_path: Path) -> None:
    """--sandbox-time sets the clocks of the program and of the sandbox, so a window is due by both."""
    program = Program(tmp_path)
    program.add("monthly", text=MONTHLY)
    for day, decision in (("2031-01-31", "held"), ("2031-02-01", "create"), ("2031-02-02", "in-sync")):
        result = program.run("--sandbox", "--sandbox-time", f"{day}T01:00:00+00:00", "-o", "json")
        assert result.decisions == {"monthly": decision}
        assert result.report["run"]["startedAt"].startswith(f"{day}T01:00")


def test_completed_export_is_logged_once_although_a_plan_was_rejected(tmp_path: Path) -> None:
    """A run whose plan was rejected saves nothing and logs no completed export. The next run logs it, and no later."""
    program = Program(tmp_path)
    program.add("monthly", text=MONTHLY)
    runs = [
        program.run("--sandbox", "--sandbox-time", f"{day}T02:00:00Z", *options)
        for day, options in (
            ("2031-02-01", ()),
            ("2031-02-02", ("--expect-plan", f"sha256:{0:064}")),
            ("2031-02-03", ()),
            ("2031-02-04", ()),
        )
    ]
    assert [run.code for run in runs] == [0, 1, 0, 0]
    assert [len(run.find_events("export completed")) for run in runs] == [0, 0, 1, 0]


def test_controller_runs_at_the_time_of_the_sandbox(tmp_path: Path) -> None:
    """With --sandbox-time, a controller does not wait for that time: it runs at once, as at that time."""
    program = Program(tmp_path)
    program.add("monthly", text=MONTHLY)
    process = program.start("controller", "--sandbox", "--sandbox-time", "2031-02-01T02:00:00Z")
    assert process.stderr
    events = (json.loads(line) for line in process.stderr)
    finished = next(event for event in events if event["event"] == "run finished")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert (finished["created"], process.returncode) == (1, 0)


@pytest.mark.parametrize("time", ["tomorrow", "2026-13-01T00:00:00Z", "1999-12-31T23:59:59Z", "9999-12-31"])
def test_unusable_time_of_the_sandbox_is_a_usage_error(time: str, tmp_path: Path) -> None:
    """A --sandbox-time that is no time, or out of range, is a usage error that shows an example."""
    result = Program(tmp_path).run("--sandbox", "--sandbox-time", time)
    assert result.code == 64
    assert f"{time!r} is not a time for the sandbox: write a date and a time, such as 2026-12-01T02:00" in result.err


def test_time_of_aws_cannot_be_set(tmp_path: Path) -> None:
    """--sandbox-time without --sandbox is a usage error, and AWS is not called."""
    result = Program(tmp_path, "http://127.0.0.1:1").run("--dry-run", "--sandbox-time", "2026-12-01T02:00:00Z")
    assert result.code == 64
    assert "--sandbox-time needs --sandbox: the time of AWS cannot be set" in result.err


def test_switches_of_the_sandbox_apply_to_one_run(tmp_path: Path) -> None:
    """--sandbox-set lets the export of this run fail, and the next run sees it. Exports of later runs are completed."""
    program = Program(tmp_path)
    program.add("october")
    first, later = "2026-12-01T02:00:00Z", "2026-12-01T03:00:00Z"
    assert program.run("--sandbox", "--sandbox-time", first, "--sandbox-set", "job_outcome=FAILED").code == 0
    failed = program.run("--sandbox", "--sandbox-time", later, "-o", "json")
    assert (failed.code, failed.report["targets"][0]["associations"][0]["lastExecution"]["status"]) == (1, "FAILED")
    program.add("november")
    assert program.run("--sandbox", "--sandbox-time", later).code == 1
    report = program.run("--sandbox", "--sandbox-time", "2026-12-01T04:00:00Z", "-o", "json").report
    statuses = {each["name"]: each["lastExecution"]["status"] for each in report["targets"][0]["associations"]}
    assert statuses == {"october": "FAILED", "november": "COMPLETED"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sandbox-set", "job_outcome=FAILED"), "--sandbox-set needs --sandbox: give a served sandbox its switches"),
        (("--sandbox", "--sandbox-set", "job_outcom=x"), "unknown switch 'job_outcom': did you mean 'job_outcome'?"),
        (("--sandbox", "--sandbox-set", "list_lag=soon"), "--sandbox-set 'list_lag=soon': expected"),
    ],
)
def test_wrong_switch_of_a_run_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """A switch that is unknown, has a wrong value, or would reach AWS is a usage error, and nothing is called."""
    program = Program(tmp_path, None if "--sandbox" in arguments else "http://127.0.0.1:1")
    program.add("october")
    result = program.run("--dry-run", *arguments)
    assert (result.code, message in result.err) == (64, True)


def test_restarted_sandbox_server_keeps_its_data(tmp_path: Path) -> None:
    """A sandbox with --data keeps its associations after a restart."""
    program = Program(tmp_path)
    program.add("october")
    with serve_sandbox(program, "--data", "data.json") as url:
        assert Program(tmp_path, url).run("-o", "json").decisions == {"october": "create"}
    with serve_sandbox(program, "--data", "data.json") as url:
        assert Program(tmp_path, url).run("-o", "json").decisions == {"october": "in-sync"}
        assert Program(tmp_path, url).run("-o", "json", "--state", "other", "--new-state").decisions == {
            "october": "adopt"
        }


def test_help_of_the_sandbox_lists_every_switch(tmp_path: Path) -> None:
    """The help of `reconcile sandbox` names every switch of the behaviour."""
    words = set(re.findall(r"\w+", Program(tmp_path).run("sandbox", "--help").out))
    assert {field.name for field in fields(Behaviour)} <= words


def test_port_out_of_range_is_a_usage_error(tmp_path: Path) -> None:
    """A port above 65535 is a usage error that names the range."""
    result = Program(tmp_path).run("sandbox", "--port", "65536")
    assert (result.code, "65536 is out of range: it must be from 0 to 65535" in result.err) == (64, True)


def test_misspelt_sandbox_switch_is_a_usage_error(tmp_path: Path) -> None:
    """--set changes the behaviour of the sandbox, and a misspelled switch is a usage error."""
    program = Program(tmp_path)
    program.add("october")
    with serve_sandbox(program, "--set", "explicit_deny=true") as url:
        assert "explicit deny" in Program(tmp_path, url).run().out
    result = program.run("sandbox", "--set", "tokns=ignored")
    assert result.code == 64
    assert "tokens" in result.err


def test_port_in_use_is_a_one_line_error(tmp_path: Path) -> None:
    """A port in use is reported in one line with a remedy."""
    program = Program(tmp_path)
    with serve_sandbox(program) as url:
        result = program.run("sandbox", "--port", url.rpartition(":")[2])
    assert result.code == 1
    assert "choose another port with --port" in result.err


def test_foreign_address_is_a_one_line_error(tmp_path: Path) -> None:
    """An address of another machine is reported with the option that corrects it."""
    result = Program(tmp_path).run("sandbox", "--host", "192.0.2.1", "--port", "0")
    assert result.code == 1
    assert "cannot listen on 192.0.2.1:0: " in result.err
    assert "choose another address with --host" in result.err


def test_state_that_is_a_file_is_a_usage_error(tmp_path: Path) -> None:
    """A --state that is a file, or is below a file, is wrong usage, with and without --sandbox."""
    program = Program(tmp_path)
    (tmp_path / "file").touch()
    for state, place in (("file", "'file'"), ("file/below", "'file/below': 'file'")):
        for options in (("--sandbox",), ("--dry-run",)):
            result = program.run(*options, "--state", state)
            assert result.code == 64
            assert f"--state {place} is a file: give the path of a folder" in result.err


def test_two_sandboxes_cannot_share_a_folder(tmp_path: Path) -> None:
    """A run with --sandbox names the option that selects another folder if a process uses the same sandbox."""
    program = Program(tmp_path)
    program.add("october")
    with closing(DataFile(tmp_path / ".reconciler" / "sandbox" / "sandbox-data.json")):
        result = program.run("--sandbox")
    assert result.code == 1
    assert "stop the other process, or choose another folder with --state" in result.err


def test_invalid_host_name_is_a_one_line_error(tmp_path: Path) -> None:
    """An invalid host name is reported in one line, even if Python cannot encode it."""
    result = Program(tmp_path).run("sandbox", "--host", "nö..x")
    assert result.code == 1
    assert "cannot listen on n" in result.err
    assert "internal error" not in result.err


def test_broken_data_file_is_a_one_line_error(tmp_path: Path) -> None:
    """A broken data file is reported in one line, and stays unchanged."""
    (tmp_path / "data.json").write_text("{")
    result = Program(tmp_path).run("sandbox", "--port", "0", "--data", "data.json")
    assert result.code == 1
    assert "data.json" in result.err
    assert "Traceback" not in result.err
    assert (tmp_path / "data.json").read_text() == "{"
    in_process = Program(tmp_path)
    in_process.add("october")
    (tmp_path / ".reconciler" / "sandbox").mkdir(parents=True)
    (tmp_path / ".reconciler" / "sandbox" / "sandbox-data.json").write_text("{")
    result = in_process.run("--sandbox")
    assert result.code == 1
    assert "internal error" not in result.err


def test_missing_sandbox_extra_is_a_one_line_error(tmp_path: Path) -> None:
    """If the sandbox is not installed, one line says how to install it."""
    program = Program(tmp_path)
    program.add("october")
    (tmp_path / "moto.py").write_text("raise ImportError('no moto')")
    result = subprocess.run(
        program.build_command("--sandbox"),
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "pip install '.[sandbox]' in a checkout" in result.stderr


def test_files_are_private_to_their_owner_under_any_umask(tmp_path: Path) -> None:
    """Only the owner can read the journal, the sandbox's data, their locks and their folders."""
    program = Program(tmp_path)
    program.add("october")
    command = program.build_command("--sandbox", "--state", "deep/state")
    result = subprocess.run(command, cwd=tmp_path, env=create_environment(), capture_output=True, check=False, umask=0)
    assert result.returncode == 0
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep", *(tmp_path / "deep").rglob("*"))}
    assert len(modes) > 5
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
