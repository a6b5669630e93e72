"""`--state s3://…` as processes against the S3 of a sandbox: one journal, shared and never overwritten blindly."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest
from support.bucket import REGION, Bucket
from support.program import CompletedRun, Program
from support.proxy import FaultProxy

from reconciler.sandbox import Behaviour, SandboxServer

STATE, NEW_STATE = ("--state", Bucket.url), ("--state", Bucket.url, "--new-state")


@pytest.fixture(autouse=True)
def ignore_tokens(server: SandboxServer) -> None:
    """Let the sandbox ignore ClientTokens, and let its jobs end at once, so that nothing changes between two runs."""
    server.sandbox.set_behaviour(Behaviour(tokens="ignored", associations_per_integration=500, job_seconds=0))


def route_through(proxy: FaultProxy, program: Program) -> Program:
    """Return the program behind a proxy without recorded requests."""
    proxy.requests.clear()
    return Program(program.folder, proxy.url)


def count_gets_and_puts(proxy: FaultProxy) -> tuple[int, int]:
    """Return how often the journal was read and written."""
    return proxy.counts.get("GetObject", 0), proxy.counts.get("PutObject", 0)


def read_error(result: CompletedRun) -> str:
    """Return the error of the only target, which is one line on standard output."""
    assert result.code == 1
    assert "Traceback" not in result.err
    (line,) = [line for line in result.out.splitlines() if line.startswith("  failed: ")]
    return line.removeprefix("  failed: ")


def test_journal_in_s3_starts_only_with_new_state(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """Without a journal and --new-state, a run makes no call of AppIntegrations, and a dry run reports the refusal."""
    program.add("october")
    with FaultProxy(server.url) as proxy:
        message = read_error(route_through(proxy, program).run(*STATE))
        assert proxy.counts == {"STS": 1, "GetObject": 1}
    assert message.startswith(f"there is no journal at {bucket.location}: ")
    assert "add --new-state once" in message
    assert "restore the object of the journal from an older version in the bucket" in message
    dry_run = program.run("--dry-run", "-o", "json", *STATE)
    assert (dry_run.code, dry_run.decisions, bucket.keys) == (1, {"october": "create"}, [])
    assert dry_run.report["targets"][0]["error"].startswith(f"a run would be refused: {message}")
    assert program.run("--dry-run", *NEW_STATE).code == 0
    assert program.run(*NEW_STATE).code == 0
    assert bucket.keys == [bucket.key]
    assert program.run("-o", "json", *STATE).decisions == {"october": "in-sync"}
    assert len(server.sandbox.executed_writes) == 1


def test_run_makes_few_requests_to_s3(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """A run that creates reads the journal once and once before each call, and writes it three times.

    It writes before the calls, after them, and after its last look at List.

    The next run records that everything is in sync, and later runs only read.
    """
    program.add("a", "b", "c")
    with FaultProxy(server.url) as proxy:
        counts = []
        for options in (("--dry-run", *NEW_STATE), NEW_STATE, STATE, STATE):
            assert route_through(proxy, program).run(*options).code == 0
            counts.append(count_gets_and_puts(proxy))
    assert counts == [(1, 0), (1 + 3, 3), (1, 1), (1, 0)]
    assert bucket.journal["lease"] is None


def test_journal_writes_leave_encryption_and_storage_to_the_bucket(
    program: Program, server: SandboxServer, bucket: Bucket
) -> None:
    """Each write of the journal has a condition, and sets neither encryption, access nor storage class."""
    program.add("october")
    with FaultProxy(server.url) as proxy:
        assert route_through(proxy, program).run(*NEW_STATE).code == 0
        puts = [request for request in proxy.requests if request.operation == "PutObject"]
    headers = [{name.lower(): value for name, value in put.headers.items()} for put in puts]
    assert [("if-none-match" in each, "if-match" in each) for each in headers] == [(True, False), *[(False, True)] * 2]
    for each in headers:
        overrides = {"x-amz-acl", "x-amz-storage-class", "x-amz-tagging"} | {
            name
            for name in each
            if name.startswith(("x-amz-server-side-encryption", "x-amz-grant", "x-amz-object-lock"))
        }
        assert not overrides & each.keys()
    assert bucket.journal["records"]["october"]["status"] == "bound"


def test_concurrent_processes_create_each_association_once(
    program: Program, server: SandboxServer, bucket: Bucket
) -> None:
    """Four processes with the same manifests create each association once, and record each one."""
    names = ("a", "b", "c")
    program.add(*names)
    with ExitStack() as stack:
        processes = [program.start(*NEW_STATE) for _ in range(4)]
        for process in processes:
            stack.enter_context(process)
            stack.callback(process.kill)
        outputs = [process.communicate(timeout=60) for process in processes]
    assert {process.returncode for process in processes} <= {0, 1}
    assert not [err for _, err in outputs if "Traceback" in err]
    assert len(server.sandbox.executed_writes) == len(names)
    last_run = program.run("-o", "json", *STATE)
    assert (last_run.code, last_run.decisions) == (0, dict.fromkeys(names, "in-sync"))
    assert bucket.journal["lease"] is None


def test_concurrent_processes_keep_each_others_records(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """Four processes with different manifests keep the records of the others."""
    names = [f"only-{number}" for number in range(4)]
    program.add(*names)
    with ExitStack() as stack:
        processes = [program.start(*NEW_STATE, "-f", f"manifests/{name}.yaml") for name in names]
        for process in processes:
            stack.enter_context(process)
            stack.callback(process.kill)
        for process in processes:
            _, err = process.communicate(timeout=60)
            assert "Traceback" not in err
    assert {process.returncode for process in processes} <= {0, 1}
    records = bucket.journal["records"]
    assert len(records) == len(server.sandbox.executed_writes)
    assert {name for name, process in zip(names, processes, strict=True) if process.returncode == 0} <= records.keys()
    last_run = program.run("-o", "json", *STATE)
    assert last_run.code == 0
    assert all(last_run.decisions[name] == "in-sync" for name in records)
    assert len(server.sandbox.executed_writes) == len(names)


def build_foreign_journal(account: str) -> dict[str, Any]:
    """Return a valid journal of another account."""
    return {
        "format": "reconciler/journal/v1", "account": account, "region": REGION, "lineage": "theirs", "serial": 1,
        "written": None, "lease": None, "decisions": {}, "records": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "",
            "cannot be used: it is empty; this run did not change it: restore the newest intact backup of the journal",
        ),
        ('{"format": "reconciler/journal/v1", "acc', "Unterminated string starting at"),
        ('{"format": "reconciler/journal/v9"}', "has format 'reconciler/journal/v9', and this program reads"),
        (json.dumps({**build_foreign_journal("123456789012"), "quorum": 1}), "unknown 'quorum'"),
        ("{}", "it is not a journal of this program"),
        (
            json.dumps(build_foreign_journal("999999999999")),
            "account 999999999999 in us-east-1, not to account 123456789012 in us-east-1: use another --state",
        ),
    ],
)
def test_foreign_or_corrupt_journal_is_left_unchanged(
    program: Program, server: SandboxServer, bucket: Bucket, text: str, reason: str
) -> None:
    """A corrupt or newer journal, or one of another account, is rejected in one line and stays unchanged."""
    program.add("october")
    bucket.text = text
    with FaultProxy(server.url) as proxy:
        message = read_error(route_through(proxy, program).run(*NEW_STATE))
        assert message.startswith(f"the journal {bucket.location} ")
        assert reason in message
        assert proxy.counts == {"STS": 1, "GetObject": 1}
    assert bucket.text == text


def test_missing_bucket_is_a_one_line_error(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """A missing bucket is reported in one line, and is not created."""
    program.add("october")
    location = bucket.location.replace(bucket.name, "jurnals")
    for options in (("--new-state",), ("--dry-run",)):
        message = read_error(program.run(*options, "--state", "s3://jurnals/prod"))
        reason = "the bucket jurnals does not exist: create it, or choose another bucket"
        assert message == f"the journal {location} cannot be read: {reason}"
    assert server.sandbox.executed_writes == ()


@pytest.mark.usefixtures("bucket")
def test_a_ci_job_may_create_with_a_journal_in_s3(program: Program, server: SandboxServer) -> None:
    """A run in CI may create if its journal is in S3."""
    program.add("october")
    assert program.run(env={"CI": "true"}).code == 64
    assert program.run(*NEW_STATE, env={"CI": "true"}).code == 0
    assert program.run(env={"CI": "true", "RECONCILER_STATE": Bucket.url}).code == 0
    assert len(server.sandbox.executed_writes) == 1


def test_journal_of_a_folder_continues_in_s3(program: Program, server: SandboxServer, bucket: Bucket) -> None:
    """The file of a journal, copied to the prefix in S3, is the journal there: no --new-state, and no second export."""
    program.add("october")
    assert program.run().code == 0
    (path,) = (program.folder / ".reconciler").rglob(f"*-{REGION}.json")
    assert bucket.key.endswith(f"/{path.relative_to(program.folder / '.reconciler')}")
    bucket.text = path.read_text()
    assert program.run(*STATE).code == 0
    assert len(server.sandbox.executed_writes) == 1
    assert bucket.journal["records"]["october"]["status"] == "bound"
