"""`reconcile controller` as a process under faults: it reports each fault, keeps running, and recovers by itself."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from support.bucket import Bucket
from support.controller import EVERY_SECOND, ControllerProcess, watch_controller
from support.disks import mount_disk
from support.http_servers import request_page
from support.program import Program, create_environment
from support.proxy import FaultProxy, Request, build_error

from reconciler.sandbox import Behaviour, SandboxServer

CREATE = "CreateDataIntegrationAssociation"


@pytest.fixture(autouse=True)
def ignore_tokens(server: SandboxServer) -> None:
    """Let the sandbox ignore ClientTokens, so that a repeated Create creates a second association."""
    server.sandbox.set_behaviour(Behaviour(tokens="ignored", associations_per_integration=500))


def test_full_disk_under_the_journal_stops_all_calls(program: Program, server: SandboxServer) -> None:
    """A controller sends no Create while the journal cannot be written, and creates each association once afterwards.

    If the answer to a Create cannot be written, List shows the result to the next run.
    """
    program.add("october")
    controllers: list[ControllerProcess] = []

    def limit_file_size(size: int) -> None:
        hard_limit = resource.prlimit(controllers[0].process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(controllers[0].process.pid, resource.RLIMIT_FSIZE, (size, hard_limit))

    def fill_disk(request: Request) -> None:
        if request.operation == CREATE and b"december" in request.body:
            limit_file_size(0)

    with FaultProxy(server.url, before_request=fill_disk) as proxy:
        process = Program(program.folder, proxy.url).start(*EVERY_SECOND, "--listen", "127.0.0.1:0")
        with watch_controller(process) as controller:
            controllers.append(controller)
            url = controller.wait_for_event("listening")["url"]
            controller.wait_for_event("run finished", create=1)
            limit_file_size(0)
            program.add("november")
            message = controller.wait_for_event("target failed")["error"]
            assert "us-east-1.json cannot be written: File too large: raise the file size limit" in message
            assert controller.wait_for_event("run finished")["inSync"] == 1
            assert request_page(f"{url}/readyz")[0] == request_page(f"{url}/healthz")[0] == 200
            assert 'reconciler_runs_total{result="failed",target="default"}' in request_page(f"{url}/metrics")[1]
            assert len(server.sandbox.executed_writes) == 1
            limit_file_size(resource.RLIM_INFINITY)
            controller.wait_for_event("association created", association="november")
            program.add("december")
            message = controller.wait_for_event("target failed")["error"]
            assert "AWS may have carried out the sent calls; the next run looks for them in List" in message
            assert "cannot be written" in controller.wait_for_event("target failed")["error"]
            limit_file_size(resource.RLIM_INFINITY)
            controller.wait_for_event("run finished", inSync=3)
    assert len(server.sandbox.executed_writes) == 3


def test_controller_waits_for_a_full_or_read_only_disk(program: Program, server: SandboxServer, tmp_path: Path) -> None:
    """The error says how to repair the disk, other associations stay in sync, and a repaired disk needs no restart."""
    program.add("a")
    with mount_disk(tmp_path / "state") as state:
        state.fill()
        with watch_controller(program.start(*EVERY_SECOND, "--state", str(state.folder), "--new-state")) as controller:
            message = controller.wait_for_event("target failed")["error"]
            assert f"{state.folder}/sandbox" in message
            assert "No space left on device: free some space there" in message
            assert server.sandbox.executed_writes == ()
            state.clear()
            controller.wait_for_event("association created", association="a")
            controller.wait_for_event(
                "run finished", inSync=1
            )  # the journal has recorded that; later runs write nothing
            state.remount("ro")
            program.add("b")
            message = controller.wait_for_event("target failed")["error"]
            assert "cannot be acquired: Read-only file system: mount it writable, or choose another folder" in message
            assert controller.wait_for_event("run finished")["inSync"] == 1
            assert len(server.sandbox.executed_writes) == 1
            state.remount("rw")
            controller.wait_for_event("association created", association="b")
    assert len(server.sandbox.executed_writes) == 2


def test_full_disk_under_the_log_does_not_stop_the_controller(program: Program, server: SandboxServer) -> None:
    """A controller that cannot write its log creates each association once, and stops on SIGTERM."""
    program.add("october")
    run_count, third_run = [0], threading.Event()

    def count_run(request: Request) -> None:
        run_count[0] += request.operation == "STS"
        if run_count[0] == 3:
            third_run.set()

    with FaultProxy(server.url, before_request=count_run) as proxy, Path("/dev/full").open("w") as log:
        command = Program(program.folder, proxy.url).build_command(*EVERY_SECOND)
        process = subprocess.Popen(command, cwd=program.folder, env=create_environment(), stdout=log, stderr=log)
        try:
            assert third_run.wait(60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
            process.wait()
    assert len(server.sandbox.executed_writes) == 1


def test_full_log_pipe_does_not_prevent_shutdown(program: Program) -> None:
    """The process ends after --shutdown-timeout even if every thread hangs while it writes to the log."""
    program.add("october")
    read_end, write_end = os.pipe()
    fcntl.fcntl(read_end, fcntl.F_SETPIPE_SZ, 4096)
    command = program.build_command(*EVERY_SECOND, "--shutdown-timeout", "1s")
    process = subprocess.Popen(
        command, cwd=program.folder, env=create_environment(), stdout=write_end, stderr=write_end, text=True
    )
    try:
        with os.fdopen(read_end, encoding="utf-8") as log:
            assert any('"run finished"' in line for line in log)
            pipe = os.open(f"/proc/self/fd/{write_end}", os.O_WRONLY | os.O_NONBLOCK)
            with suppress(BlockingIOError):
                while os.write(pipe, b"x"):
                    pass
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) in (0, 1)
    finally:
        process.kill()
        process.wait()
        os.close(write_end)
        os.close(pipe)


EXPIRED = b"<Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message>"


def build_xml_error(body: bytes) -> bytes:
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
    credentials, valid_keys, create_count = tmp_path / "credentials", {"FIRST"}, [0]

    def write_credentials(key: str) -> None:
        credentials.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = x\n")

    def check_credentials(request: Request) -> bytes | None:
        authorization = request.headers["Authorization"]
        if not any(f"Credential={key}/" in authorization for key in valid_keys):
            error = b"<Error>%s</Error>" % EXPIRED
            return build_xml_error(
                error
                if "/s3/" in authorization
                else b"<ErrorResponse>%s<RequestId>r</RequestId></ErrorResponse>" % error
            )
        create_count[0] += request.operation == CREATE
        return (
            build_error(403, "ExpiredTokenException") if request.operation == CREATE and create_count[0] == 2 else None
        )

    program.add("october")
    write_credentials("FIRST")
    with FaultProxy(server.url, before_request=check_credentials) as proxy:
        env = {
            "AWS_ENDPOINT_URL": proxy.url, "AWS_REGION": "us-east-1",
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_CONFIG_FILE": "/dev/null",
        }  # fmt: skip
        options = ("--state", bucket.url, "--new-state", "--listen", "127.0.0.1:0")
        process = Program(program.folder).start(*EVERY_SECOND, *options, env=env)
        with watch_controller(process) as controller:
            url = controller.wait_for_event("listening")["url"]
            controller.wait_for_event("association created", association="october")
            valid_keys.clear()
            message = controller.wait_for_event("target failed")["error"]
            assert message.startswith(
                "GetCallerIdentity: ExpiredToken: The security token included in the request is exp"
            )
            assert message.endswith("; renew the credentials where boto3 finds them: the next run reads them again")
            assert request_page(f"{url}/readyz")[0] == 200
            assert 'code="ExpiredToken",operation="GetCallerIdentity"' in request_page(f"{url}/metrics")[1]
            assert "ExpiredToken" in request_page(url)[1]
            valid_keys.add("SECOND")
            program.add("november")
            write_credentials("SECOND")
            event = controller.wait_for_event("create failed", association="november")
            assert (event["result"], "renew the credentials" in event["error"]) == ("refused", True)
            controller.wait_for_event("association created", association="november")
    assert len(server.sandbox.executed_writes) == 2


CLOCK_PROGRAM = """
import sys
from datetime import datetime, timedelta
from pathlib import Path

import apscheduler.schedulers.base

import reconciler.edge.clock
from reconciler.cli import main

offset_file = Path(sys.argv.pop(1))

class ShiftedDatetime(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(hours=int(offset_file.read_text()))

apscheduler.schedulers.base.datetime = reconciler.edge.clock.datetime = ShiftedDatetime
main()
"""
"""The program with a clock that is ahead by the hours in a file."""


def test_clock_jumps_do_not_disturb_the_controller(program: Program, server: SandboxServer, tmp_path: Path) -> None:
    """After a clock jump, runs keep their interval, nothing is created twice, and no run counts as stuck."""
    program.add("october")
    file = tmp_path / "offset"
    file.write_text("0")

    def set_clock(offset: int) -> None:
        (tmp_path / "new").write_text(str(offset))
        (tmp_path / "new").replace(file)

    command = [
        sys.executable,
        "-c",
        CLOCK_PROGRAM,
        str(file),
        *program.build_command(*EVERY_SECOND, "--listen", ":0")[1:],
    ]
    process = subprocess.Popen(
        command, cwd=program.folder, env=create_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with watch_controller(process) as controller:
        url = controller.wait_for_event("listening")["url"]
        controller.wait_for_event("association created", association="october")
        for offset, jump, name in ((3, 3, "november"), (-3, -6, "december")):
            set_clock(offset)
            assert abs(controller.wait_for_event("clock jumped")["seconds"] - jump * 3600) < 600
            for _ in range(2):
                assert controller.wait_for_event("run finished")["inSync"]
            program.add(name)
            controller.wait_for_event("association created", association=name)
            assert request_page(f"{url}/healthz")[0] == 200
        controller.wait_for_event("run finished", inSync=3)
    assert "run stuck" not in controller.events
    assert len(server.sandbox.executed_writes) == 3


def test_two_controllers_on_one_state_create_nothing_twice(program: Program, server: SandboxServer) -> None:
    """The second controller names the process that holds the lease, and takes over when that process is killed."""
    create_request, kill = threading.Event(), threading.Event()
    holder: list[int] = []

    def build_hook(number: int) -> Callable[[Request], None]:
        def hold(request: Request) -> None:
            if request.operation == CREATE and b"exports/c" in request.body and not holder:
                holder.append(number)
                create_request.set()
                kill.wait()

        return hold

    program.add("a")
    with ExitStack() as stack:
        stack.callback(kill.set)
        controllers = []
        for number in range(2):
            proxy = stack.enter_context(FaultProxy(server.url, before_request=build_hook(number)))
            proxied_program = Program(program.folder, proxy.url)
            controllers.append(ControllerProcess(proxied_program.start(*EVERY_SECOND, "--lock-timeout", "1s")))
            stack.callback(controllers[-1].close)
        for count, name in enumerate(("b", "c"), 1):
            for each in controllers:
                each.wait_for_event("run finished", inSync=count)
            assert len(server.sandbox.executed_writes) == count
            program.add(name)
        assert create_request.wait(60)
        first, other = controllers[holder[0]], controllers[1 - holder[0]]
        assert (
            other.wait_for_event("run finished", settling=1)["inSync"] == 2
        )  # the other process has started to create "c"
        program.add("d")
        message = other.wait_for_event("target failed")["error"]
        assert f"is held by process {first.process.pid} on " in message
        assert "wait for that run, or raise --lock-timeout" in message
        assert other.wait_for_event("run finished")["inSync"] == 2
        first.process.kill()
        first.process.wait()
        kill.set()
        other.wait_for_event("run finished", inSync=4)
        for each in controllers:
            assert "unexpected error" not in each.events
    assert len(server.sandbox.executed_writes) == 4
