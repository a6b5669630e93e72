"""`reconcile controller`, as a process: it repeats, survives bad revisions and stops when told."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from program import EXPORT, TARGET, Program, terminate
from wire import Request, Wire

from reconciler.sandbox import SandboxServer


class Controller:
    """A running controller, and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def next(self, event: str) -> Any:
        """Return the next line of this event; the test's own time-out ends a wait in vain."""
        assert self.process.stderr
        for line in self.process.stderr:
            entry = json.loads(line)
            if entry["event"] == event:
                return entry
        raise AssertionError(f"the log ended without {event!r}")


@contextmanager
def controlling(program: Program, *arguments: str) -> Iterator[Controller]:
    """Run a controller that passes every second; stop it at the end."""
    process = program.start("controller", "--interval", "1s", *arguments)
    try:
        yield Controller(process)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    finally:
        process.kill()
        process.communicate()


def test_it_repeats_and_creates_once(program: Program, server: SandboxServer) -> None:
    """The first pass creates, the next find nothing to do; SIGTERM ends it with exit 0."""
    program.add("october")
    with controlling(program) as controller:
        assert controller.next("run finished")["create"] == 1
        assert controller.next("run finished")["inSync"] == 1
        assert controller.next("run finished")["inSync"] == 1
    assert controller.process.returncode == 0
    assert len(server.sandbox.carried_out) == 1


def test_an_invalid_revision_leaves_the_last_good_one_in_force(program: Program, server: SandboxServer) -> None:
    """It is reported by file and line, and drift is still watched; the corrected one is taken up."""
    program.add("october")
    with controlling(program) as controller:
        controller.next("run finished")
        program.add("november", text="kind: [")
        assert "november.yaml:2:1" in controller.next("manifest invalid")["problem"]
        assert controller.next("revision refused")["earlierRevisionInForce"] is True
        assert controller.next("run finished")["inSync"] == 1
        program.add("november")
        while (finished := controller.next("run finished"))["create"] == 0:
            pass
        assert finished["inSync"] == 1
    assert len(server.sandbox.carried_out) == 2


def test_it_waits_for_a_first_valid_revision(program: Program) -> None:
    """Started on nonsense it calls nothing, and begins when there is something to do."""
    program.add("october", text="kind: [")
    with controlling(program) as controller:
        assert controller.next("revision refused")["earlierRevisionInForce"] is False
        program.add("october", text=EXPORT)
        assert controller.next("run finished")["create"] == 1


def test_sigterm_lets_the_call_under_way_finish(program: Program, server: SandboxServer) -> None:
    """The Create under way is journalled, the next is not begun, and the exit code is 0."""
    program.add("a", "b")
    running: list[Controller] = []

    def stop(request: Request) -> None:
        if request.operation == "CreateDataIntegrationAssociation":
            terminate(running[0].process)

    with Wire(server.url, before=stop) as wire:
        aimed = Program(program.folder, wire.url)
        process = aimed.start("controller", "--interval", "1s")
        running.append(Controller(process))
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(server.sandbox.carried_out) == 1
    assert program.run("-o", "json").decisions == {"a": "in-sync", "b": "create"}


@pytest.mark.parametrize(("command", "code"), [(("controller",), 0), ((), 128 + signal.SIGTERM)])
def test_a_stop_does_not_wait_for_the_pace(
    program: Program, server: SandboxServer, command: tuple[str, ...], code: int
) -> None:
    """A target whose lists take minutes at its rate ends within the grace period all the same."""
    program.add(
        "slow",
        text=TARGET + "spec: {Region: us-east-1, AccountId: '123456789012', RequestsPerSecond: 0.01, Burst: 1}\n",
    )
    program.add("october")
    listed = threading.Event()

    def seen(request: Request) -> None:
        if request.operation == "ListDataIntegrations":
            listed.set()

    with Wire(server.url, before=seen) as wire:
        process = Program(program.folder, wire.url).start(*command)
        assert listed.wait(30)
        terminate(process)
        process.communicate(timeout=20)
    assert process.returncode == code
    assert server.sandbox.carried_out == ()
