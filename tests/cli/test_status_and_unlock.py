"""The commands for the journal and its lease: `reconcile status`, `reconcile unlock` and `--lock-timeout`."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from support.bucket import Bucket
from support.program import EXPORT, Process, Program
from support.proxy import FaultProxy, Request

from reconciler.sandbox import Behaviour, SandboxServer

CREATE, LIST = "CreateDataIntegrationAssociation", "ListDataIntegrationAssociation"
LOCAL = ".reconciler/sandbox/123456789012-us-east-1.json"
IN_S3 = ("--state", Bucket.url, "--new-state")
HOLDER = r"process \d+ on \S+ until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"


class HoldingProxy(FaultProxy):
    """A proxy that holds the first Create until the test releases it."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream, before_request=self._hold)
        self.arrived, self.release = threading.Event(), threading.Event()

    def _hold(self, request: Request) -> None:
        if request.operation == CREATE:
            self.arrived.set()
            self.release.wait()


@contextmanager
def hold_create(program: Program, server: SandboxServer, *options: str) -> Iterator[tuple[HoldingProxy, Process]]:
    """Start a run, and yield while its first Create is pending, so that it holds the lease."""
    with HoldingProxy(server.url) as proxy:
        process = Program(program.folder, proxy.url).start(*options)
        try:
            assert proxy.arrived.wait(60)
            yield proxy, process
        finally:
            proxy.release.set()
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=60)
            process.kill()


def leave_lease(program: Program, server: SandboxServer, *options: str) -> None:
    """Kill a run during its first Create, which never arrives."""
    with FaultProxy(server.url) as proxy:
        proxy.before_request = lambda request: kill() if request.operation == CREATE else None
        start = threading.Event()

        def kill() -> bytes:
            assert start.wait(60)
            process.kill()
            process.wait()
            return b""

        process = Program(program.folder, proxy.url).start(*options)
        start.set()
        process.communicate(timeout=60)


def read_status(program: Program, *options: str) -> Any:
    """Return the status of the only target."""
    result = program.run("status", "-o", "json", *options)
    document = json.loads(result.out)
    assert document["format"] == "reconciler/status/v1"
    (target,) = document["targets"]
    assert result.code == (1 if target["error"] else 0)
    return target


def test_status_without_a_journal_succeeds_and_creates_no_file(program: Program) -> None:
    """`reconcile status` without a journal succeeds and creates no file."""
    program.add("october")
    result = program.run("status")
    assert (result.code, result.out) == (0, f"default  123456789012 us-east-1  {LOCAL}\n  no journal yet\n\n")
    target = read_status(program)
    assert (target["serial"], target["written"], target["lease"], target["associations"]) == (0, None, None, [])
    assert not (program.folder / ".reconciler").exists()


def test_status_shows_each_association_with_its_decision(program: Program, server: SandboxServer) -> None:
    """The status shows name, decision, time, last export and ARN of each association, as text and as JSON."""
    server.sandbox.set_behaviour(Behaviour(job_seconds=3600))
    program.add("kept", "removed")
    assert program.run("--revision", "abc123").code == 0
    assert program.run("--revision", "def456").code == 0
    (program.folder / "manifests" / "removed.yaml").unlink()
    program.add("unanswered")
    with FaultProxy(server.url, before_request=lambda request: b"" if request.operation == CREATE else None) as proxy:
        assert Program(program.folder, proxy.url).run("--revision", "abc999").code == 1
    assert program.run("-o", "json").decisions == {"kept": "in-sync", "unanswered": "settling"}

    target = read_status(program)
    assert (target["name"], target["place"], target["lease"]) == ("default", LOCAL, None)
    kept, removed, unanswered = target["associations"]
    assert (kept["name"], kept["decision"], kept["state"], kept["orphaned"]) == ("kept", "in-sync", "live", False)
    assert kept["arn"].endswith(f"/{kept['associationId']}")
    assert kept["lastExecution"]["status"] == "IN_PROGRESS"
    assert (removed["name"], removed["orphaned"], removed["state"]) == ("removed", True, "live")
    assert (unanswered["decision"], unanswered["arn"], unanswered["lastExecution"]) == ("settling", None, None)
    assert re.fullmatch(r"the answer to a Create is unknown; attempt 1 at \S+ \S+Z", unanswered["state"])

    text = program.run("status").out
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
    for line in (
        rf"default  123456789012 us-east-1  {LOCAL}",
        rf"  last written {moment} by run \S+",
        rf"  in-sync    kept        since {moment}  last export in progress",
        rf"      live: {kept['arn']}",
        r"  orphaned   removed     last export in progress",
        rf"      live: {removed['arn']}",
        rf"  settling   unanswered  since {moment}",
        rf"      {unanswered['state']}",
    ):
        assert re.search(rf"^{line}$", text, re.MULTILINE), line


def test_status_shows_the_last_written_revision(program: Program) -> None:
    """The status shows the revision of the last write."""
    program.add("october")
    assert program.run("--revision", "abc123").code == 0
    assert read_status(program)["written"]["revision"] == "abc123"
    assert re.search(r"^  last written \S+ \S+ by run \S+, revision abc123$", program.run("status").out, re.MULTILINE)


def test_unreadable_journal_is_a_one_line_error(program: Program) -> None:
    """A corrupt journal is reported in one line with exit code 1, and stays unchanged."""
    program.add("october")
    path = program.folder / LOCAL
    path.parent.mkdir(parents=True)
    path.write_text("{")
    result = program.run("status")
    assert result.code == 1
    assert f"  failed: the journal {LOCAL} cannot be used: " in result.out
    assert "Traceback" not in result.err
    assert "this run did not change it" in read_status(program)["error"]
    assert path.read_text() == "{"


def test_status_of_a_shared_journal_writes_nothing(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """The status of a journal in S3 needs one read, and no call of AppIntegrations."""
    program.add("october")
    assert program.run(*IN_S3).code == 0
    with FaultProxy(server.url) as proxy:
        target = read_status(Program(program.folder, proxy.url), "--state", bucket.url)
        assert proxy.counts == {"STS": 1, "GetObject": 1}
    assert target["place"] == bucket.location
    assert [each["name"] for each in target["associations"]] == ["october"]


def test_unlock_reports_a_free_journal(program: Program) -> None:
    """`reconcile unlock` reports a free lease without a journal, and after a finished run."""
    program.add("october")
    for _ in range(2):
        result = program.run("unlock", "default", "--yes")
        assert (result.code, result.out) == (0, f"No run holds the lease of {LOCAL}.\n")
        assert program.run().code == 0
    misspelt_result = program.run("unlock", "defualt")
    assert misspelt_result.code == 64
    assert "did you mean 'default'?" in misspelt_result.err


def test_lease_of_a_dead_run_is_shown_and_freed(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """`reconcile unlock` shows the holder, and frees the lease with --yes only."""
    program.add("october")
    leave_lease(program, server, *IN_S3)
    target = read_status(program, "--state", bucket.url)
    assert target["lease"]["holder"].startswith("process ")
    assert re.search(rf"^  lease held by {HOLDER}$", program.run("status", "--state", bucket.url).out, re.MULTILINE)
    first_unlock = program.run("unlock", "default", "--state", bucket.url)
    assert re.fullmatch(rf"The lease of {bucket.location} is held by {HOLDER} \(number 1\)\.\n", first_unlock.out)
    assert first_unlock.code == 64
    assert "if that run is dead, use --yes" in first_unlock.err
    assert bucket.journal["lease"]
    second_unlock = program.run("unlock", "default", "--state", bucket.url, "--yes")
    assert (second_unlock.code, second_unlock.out.splitlines()[-1]) == (0, "The lease is free.")
    assert bucket.journal["lease"] is None
    assert bucket.journal["records"]["october"]["status"] == "intended"
    program.add("november")
    next_run = program.run("-o", "json", "--lock-timeout", "0s", "--state", bucket.url)
    assert (next_run.code, next_run.decisions) == (0, {"october": "settling", "november": "create"})
    assert len(server.sandbox.executed_writes) == 1


@pytest.mark.parametrize("answer", ["\n", "\x04"])
def test_unlock_without_confirmation_frees_nothing(
    program: Program, server: SandboxServer, bucket: Bucket, answer: str
) -> None:
    """On a terminal, an empty answer and the end of input leave the lease unchanged."""
    program.add("october")
    leave_lease(program, server, *IN_S3)
    journal = bucket.text
    output = program.run_on_terminal("unlock", "default", "--state", bucket.url, answer=answer)
    assert re.search(rf"is held by {HOLDER}", output)
    assert "That run must be dead. Free its lease? [y/N]" in output
    assert "The lease is free." not in output
    assert bucket.text == journal


def test_unlock_with_confirmation_frees_the_lease(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """On a terminal, the answer `y` frees the lease."""
    program.add("october")
    leave_lease(program, server, *IN_S3)
    output = program.run_on_terminal("unlock", "default", "--state", bucket.url, answer="y\n")
    assert "The lease is free." in output
    assert bucket.journal["lease"] is None


def test_lease_of_a_live_local_process_is_not_freed(program: Program, server: SandboxServer) -> None:
    """The lease of a live process on this machine is not freed, even with --yes, and its run then succeeds."""
    program.add("october")
    with hold_create(program, server) as (proxy, process):
        result = program.run("unlock", "default", "--yes")
        assert result.code == 1
        assert f"{LOCAL} is held by a running process of this machine: end that process first" in result.err
        assert "Traceback" not in result.err
        assert read_status(program)["lease"]
        proxy.release.set()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert read_status(program)["lease"] is None
    assert len(server.sandbox.executed_writes) == 1


def test_run_with_a_freed_lease_makes_no_further_call(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """A live run whose lease was freed sends no Create after the current one."""
    program.add("a", "b")
    with hold_create(program, server, *IN_S3) as (proxy, process):
        assert "The lease is free." in program.run("unlock", "default", "--state", bucket.url, "--yes").out
        proxy.release.set()
        process.communicate(timeout=60)
    assert len(server.sandbox.executed_writes) == 1


def test_lease_of_a_dead_local_process_needs_no_unlock(program: Program, server: SandboxServer) -> None:
    """With the journal in a folder, the next run ignores the lease of a dead process, and unlock frees it."""
    program.add("october")
    leave_lease(program, server)
    assert read_status(program)["lease"]
    program.add("november")
    next_run = program.run("-o", "json", "--lock-timeout", "0s")
    assert (next_run.code, next_run.decisions) == (0, {"october": "settling", "november": "create"})
    program.add("december")
    leave_lease(program, server)
    assert "The lease is free." in program.run("unlock", "default", "--yes").out
    assert read_status(program)["lease"] is None


@pytest.mark.parametrize("options", [(), IN_S3], ids=["local", "s3"])
@pytest.mark.usefixtures("bucket")
def test_dry_run_takes_no_lease(program: Program, server: SandboxServer, options: tuple[str, ...]) -> None:
    """A dry run shows its plan while another run holds the lease, and leaves the lease unchanged."""
    program.add("october")
    with hold_create(program, server, *options):
        program.add("november")
        before = read_status(program, *options[:2])
        dry_run = program.run("--dry-run", "-o", "json", "--lock-timeout", "0s", *options)
        assert (dry_run.code, dry_run.decisions) == (0, {"october": "settling", "november": "create"})
        assert read_status(program, *options[:2]) == before
        assert before["lease"]
    assert len(server.sandbox.executed_writes) == 1


@pytest.mark.parametrize("options", [(), IN_S3], ids=["local", "s3"])
@pytest.mark.usefixtures("bucket")
def test_run_without_lock_timeout_fails_with_the_holder(
    program: Program, server: SandboxServer, options: tuple[str, ...]
) -> None:
    """With `--lock-timeout 0s`, a second run names the holder of the lease, fails at once, and sends nothing."""
    program.add("october")
    with hold_create(program, server, *options):
        program.add("november")
        second = program.run("--lock-timeout", "0s", *options)
        assert second.code == 1
        (line,) = [line for line in second.out.splitlines() if line.startswith("  failed: ")]
        assert re.search(
            rf"is held by {HOLDER}: wait for that run, or raise --lock-timeout; if that run is dead, free its lease",
            line,
        )
        assert "Traceback" not in second.err
    assert len(server.sandbox.executed_writes) == 1


@pytest.mark.parametrize("options", [(), IN_S3], ids=["local", "s3"])
@pytest.mark.usefixtures("bucket")
def test_second_run_waits_and_then_replans(program: Program, server: SandboxServer, options: tuple[str, ...]) -> None:
    """A second run waits for the lease, reads the result of the first run, and creates only the rest."""
    server.sandbox.set_behaviour(Behaviour(tokens="ignored"))
    program.add("october")
    with hold_create(program, server, *options) as (proxy, process):
        program.add("november", text=EXPORT)

        def release_create(request: Request) -> None:
            reads = second_proxy.counts.get("GetObject", 0)
            if (request.operation == LIST and second_proxy.counts[LIST] == 4 and not options) or reads == 2:
                proxy.release.set()

        with FaultProxy(server.url, before_request=release_create) as second_proxy:
            result = Program(program.folder, second_proxy.url).run("-o", "json", *options)
            counts = second_proxy.counts
        process.communicate(timeout=60)
    assert (process.returncode, result.code) == (0, 0)
    assert result.decisions == {"october": "in-sync", "november": "create"}
    assert counts["ListDataIntegrations"] == 2
    assert counts[CREATE] == 1
    assert len(server.sandbox.executed_writes) == 2
