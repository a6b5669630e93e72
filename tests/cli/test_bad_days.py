"""`reconcile controller` as a process under faults: it reports each fault, keeps running, and recovers by itself."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cli.test_controller import get
from support.bucket import Bucket
from support.disks import mount_disk
from support.program import Program, create_environment
from support.proxy import FaultProxy, Request, build_error

from reconciler.sandbox import Behaviour, SandboxServer

EVERY_SECOND = ("controller", "--interval", "1s", "--poll-interval", "1s")
CREATE = "CreateDataIntegrationAssociation"


@pytest.fixture(autouse=True)
def forgetful(server: SandboxServer) -> None:
    """Let the sandbox ignore ClientTokens, so that a repeated Create creates a second association."""
    server.sandbox.set_behaviour(Behaviour(tokens="ignored", associations_per_integration=500))


class Controller:
    """A running controller and its log lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[Any] = []

    def next(self, event: str, **fields: Any) -> Any:
        """Return the next log line with this event and these fields. The test's timeout ends a wait without result."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == event and fields.items() <= self.log[-1].items():
                return self.log[-1]
        raise AssertionError(f"the log ended without {event!r}: {self.log}")

    @property
    def events(self) -> set[str]:
        """The events in the log."""
        return {entry["event"] for entry in self.log}


@contextmanager
def controlling(process: subprocess.Popen[str]) -> Iterator[Controller]:
    """Stop the controller at the end of the block, and check that it ran until then without an unexpected error."""
    controller = Controller(process)
    try:
        yield controller
        process.send_signal(signal.SIGTERM)
        controller.next("controller stopped")
        assert process.wait(timeout=30) == 0
        assert "unexpected error" not in controller.events
    finally:
        process.kill()
        process.communicate()


def test_full_disk_under_the_journal_stops_all_calls(program: Program, server: SandboxServer) -> None:
    """A controller sends no Create while the journal cannot be written, and creates each association once afterwards.

    If the answer to a Create cannot be written, List shows the result to the next run.
    """
    program.add("october")
    running: list[Controller] = []

    def limit(size: int) -> None:
        hard = resource.prlimit(running[0].process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(running[0].process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def no_room(request: Request) -> None:
        if request.operation == CREATE and b"december" in request.body:
            limit(0)

    with FaultProxy(server.url, before_request=no_room) as wire:
        process = Program(program.folder, wire.url).start(*EVERY_SECOND, "--listen", "127.0.0.1:0")
        with controlling(process) as controller:
            running.append(controller)
            url = controller.next("listening")["url"]
            controller.next("run finished", create=1)
            limit(0)
            program.add("november")
            said = controller.next("target failed")["error"]
            assert "us-east-1.json cannot be written: File too large: raise the file size limit" in said
            assert controller.next("run finished")["inSync"] == 1
            assert get(f"{url}/readyz")[0] == get(f"{url}/healthz")[0] == 200
            assert 'reconciler_runs_total{result="failed",target="default"}' in get(f"{url}/metrics")[1]
            assert len(server.sandbox.executed_writes) == 1
            limit(resource.RLIM_INFINITY)
            controller.next("association created", association="november")
            program.add("december")
            said = controller.next("target failed")["error"]
            assert "AWS may have carried out the sent calls; the next run looks for them in List" in said
            assert "cannot be written" in controller.next("target failed")["error"]
            limit(resource.RLIM_INFINITY)
            controller.next("run finished", inSync=3)
    assert len(server.sandbox.executed_writes) == 3


def test_controller_waits_for_a_full_or_read_only_disk(program: Program, server: SandboxServer, tmp_path: Path) -> None:
    """The error says how to repair the disk, other associations stay in sync, and a repaired disk needs no restart."""
    program.add("a")
    with mount_disk(tmp_path / "state") as state:
        state.fill()
        with controlling(program.start(*EVERY_SECOND, "--state", str(state.folder), "--new-state")) as controller:
            said = controller.next("target failed")["error"]
            assert f"{state.folder}/sandbox" in said
            assert "No space left on device: free some space there" in said
            assert server.sandbox.executed_writes == ()
            state.clear()
            controller.next("association created", association="a")
            controller.next("run finished", inSync=1)  # the journal has recorded that; later runs write nothing
            state.remount("ro")
            program.add("b")
            said = controller.next("target failed")["error"]
            assert "cannot be acquired: Read-only file system: mount it writable, or choose another folder" in said
            assert controller.next("run finished")["inSync"] == 1
            assert len(server.sandbox.executed_writes) == 1
            state.remount("rw")
            controller.next("association created", association="b")
    assert len(server.sandbox.executed_writes) == 2


def test_full_disk_under_the_log_does_not_stop_the_controller(program: Program, server: SandboxServer) -> None:
    """A controller that cannot write its log creates each association once, and stops on SIGTERM."""
    program.add("october")
    runs, enough = [0], threading.Event()

    def count(request: Request) -> None:
        runs[0] += request.operation == "STS"
        if runs[0] == 3:
            enough.set()

    with FaultProxy(server.url, before_request=count) as wire, Path("/dev/full").open("w") as full:
        command = Program(program.folder, wire.url).build_command(*EVERY_SECOND)
        process = subprocess.Popen(command, cwd=program.folder, env=create_environment(), stdout=full, stderr=full)
        try:
            assert enough.wait(60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
            process.wait()
    assert len(server.sandbox.executed_writes) == 1


def test_full_log_pipe_does_not_prevent_shutdown(program: Program) -> None:
    """The process ends after --shutdown-timeout even if every thread hangs while it writes to the log."""
    program.add("october")
    reading, writing = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    command = program.build_command(*EVERY_SECOND, "--shutdown-timeout", "1s")
    process = subprocess.Popen(
        command, cwd=program.folder, env=create_environment(), stdout=writing, stderr=writing, text=True
    )
    try:
        with os.fdopen(reading, encoding="utf-8") as log:
            assert any('"run finished"' in line for line in log)
            blocking = os.open(f"/proc/self/fd/{writing}", os.O_WRONLY | os.O_NONBLOCK)
            with suppress(BlockingIOError):
                while os.write(blocking, b"x"):
                    pass
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) in (0, 1)
    finally:
        process.kill()
        process.wait()
        os.close(writing)
        os.close(blocking)


EXPIRED = b"<Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message>"


def xml(body: bytes) -> bytes:
    """Return a response with an error in an XML protocol of AWS."""
    return (
        b"HTTP/1.1 403 X\r\nx-amz-request-id: r\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    )


def test_expired_credentials_are_reloaded(
    program: Program, server: SandboxServer, bucket: Bucket, tmp_path: Path
) -> None:
    """A controller needs no restart for new credentials in the credentials file, for AWS and for the journal in S3.

    A Create that AWS refused for expired credentials is sent again.
    """
    credentials, good, creates = tmp_path / "credentials", {"FIRST"}, [0]

    def renew(key: str) -> None:
        credentials.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n")

    def judge(request: Request) -> bytes | None:
        signed = request.headers["Authorization"]
        if not any(f"Credential={key}/" in signed for key in good):
            error = b"<Error>%s</Error>" % EXPIRED
            return xml(
                error if "/s3/" in signed else b"<ErrorResponse>%s<RequestId>r</RequestId></ErrorResponse>" % error
            )
        creates[0] += request.operation == CREATE
        return build_error(403, "ExpiredTokenException") if request.operation == CREATE and creates[0] == 2 else None

    program.add("october")
    renew("FIRST")
    with FaultProxy(server.url, before_request=judge) as wire:
        env = {
            "AWS_ENDPOINT_URL": wire.url, "AWS_REGION": "us-east-1",
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_CONFIG_FILE": "/dev/null",
        }  # fmt: skip
        options = ("--state", bucket.url, "--new-state", "--listen", "127.0.0.1:0")
        process = Program(program.folder).start(*EVERY_SECOND, *options, env=env)
        with controlling(process) as controller:
            url = controller.next("listening")["url"]
            controller.next("association created", association="october")
            good.clear()
            said = controller.next("target failed")["error"]
            assert said.startswith("GetCallerIdentity: ExpiredToken: The security token included in the request is exp")
            assert said.endswith("; renew the credentials where boto3 finds them: the next run reads them again")
            assert get(f"{url}/readyz")[0] == 200
            assert 'code="ExpiredToken",operation="GetCallerIdentity"' in get(f"{url}/metrics")[1]
            assert "ExpiredToken" in get(url)[1]
            good.add("SECOND")
            program.add("november")
            renew("SECOND")
            refused = controller.next("create failed", association="november")
            assert (refused["result"], "renew the credentials" in refused["error"]) == ("refused", True)
            controller.next("association created", association="november")
    assert len(server.sandbox.executed_writes) == 2


SHIFTED = """
import sys
from datetime import datetime, timedelta
from pathlib import Path

import apscheduler.schedulers.base

import reconciler.edge.clock
from reconciler.cli import main

ahead = Path(sys.argv.pop(1))

class Shifted(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(hours=int(ahead.read_text()))

apscheduler.schedulers.base.datetime = reconciler.edge.clock.datetime = Shifted
main()
"""
"""The program with a clock that is ahead by the hours in a file."""


def test_clock_jumps_do_not_disturb_the_controller(program: Program, server: SandboxServer, tmp_path: Path) -> None:
    """After a clock jump, runs keep their interval, nothing is created twice, and no run counts as stuck."""
    program.add("october")
    file = tmp_path / "ahead"
    file.write_text("0")

    def set_clock(ahead: int) -> None:
        (tmp_path / "new").write_text(str(ahead))
        (tmp_path / "new").replace(file)

    command = [sys.executable, "-c", SHIFTED, str(file), *program.build_command(*EVERY_SECOND, "--listen", ":0")[1:]]
    process = subprocess.Popen(
        command, cwd=program.folder, env=create_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with controlling(process) as controller:
        url = controller.next("listening")["url"]
        controller.next("association created", association="october")
        for ahead, jump, name in ((3, 3, "november"), (-3, -6, "december")):
            set_clock(ahead)
            assert abs(controller.next("clock jumped")["seconds"] - jump * 3600) < 600
            for _ in range(2):
                assert controller.next("run finished")["inSync"]
            program.add(name)
            controller.next("association created", association=name)
            assert get(f"{url}/healthz")[0] == 200
        controller.next("run finished", inSync=3)
    assert "run stuck" not in controller.events
    assert len(server.sandbox.executed_writes) == 3


def test_two_controllers_on_one_state_create_nothing_twice(program: Program, server: SandboxServer) -> None:
    """The second controller names the process that holds the lease, and takes over when that process is killed."""
    creating, killed = threading.Event(), threading.Event()
    holder: list[int] = []

    def hold(number: int) -> Callable[[Request], None]:
        def before(request: Request) -> None:
            if request.operation == CREATE and b"exports/c" in request.body and not holder:
                holder.append(number)
                creating.set()
                killed.wait()

        return before

    program.add("a")
    with ExitStack() as stack:
        stack.callback(killed.set)
        both = []
        for number in range(2):
            wire = stack.enter_context(FaultProxy(server.url, before_request=hold(number)))
            aimed = Program(program.folder, wire.url)
            both.append(Controller(stack.enter_context(aimed.start(*EVERY_SECOND, "--lock-timeout", "1s"))))
            stack.callback(both[-1].process.kill)
        for count, name in enumerate(("b", "c"), 1):
            for each in both:
                each.next("run finished", inSync=count)
            assert len(server.sandbox.executed_writes) == count
            program.add(name)
        assert creating.wait(60)
        first, other = both[holder[0]], both[1 - holder[0]]
        assert other.next("run finished", settling=1)["inSync"] == 2  # the other process has started to create "c"
        program.add("d")
        said = other.next("target failed")["error"]
        assert f"is held by process {first.process.pid} on " in said
        assert "wait for it, or raise --lock-timeout" in said
        assert other.next("run finished")["inSync"] == 2
        first.process.kill()
        first.process.wait()
        killed.set()
        other.next("run finished", inSync=4)
        for each in both:
            assert "unexpected error" not in each.events
    assert len(server.sandbox.executed_writes) == 4
