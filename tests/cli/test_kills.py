"""Killed runs create nothing twice. The sandbox ignores every ClientToken, so only the journal protects.

A scenario has four rounds. A seed distributes 40 rounds to the scenarios: 20 with the journal in a folder, and 20 with
the journal in S3. In each round, git gets two more manifests, and one or two processes run. A fault happens to a
process: a SIGKILL at a known request (before the intents, between the intents and the Create, during the Create, before
or after the write of the results), a SIGKILL at a random moment, or the loss of a request or an answer. Between two
rounds, the times in the journal are moved back by hours, where an operator would wait. A run without a fault ends the
scenario. Then every manifest must have exactly one association.
"""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from http.client import HTTPConnection
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
import pytest
from support.bucket import ACCOUNT, REGION, Bucket
from support.program import CompletedRun, Process, Program
from support.proxy import FaultProxy, Request

from reconciler.core.journal.codec import add_digest
from reconciler.sandbox import Behaviour, SandboxServer

STS, LIST, CREATE = "STS", "ListDataIntegrationAssociation", "CreateDataIntegrationAssociation"
PUT = "PutObject"
ROUNDS_PER_SCENARIO = 4
ROUND_INTERVAL, FINAL_INTERVAL = timedelta(minutes=100), timedelta(hours=2)
"""Longer than the settle time of each attempt (15, 30, 60 and 120 minutes). A scenario ends within eight hours of its
first Create, after which a run would give up the Create."""


class Fault(Enum):
    """The kind of a fault at a request."""

    KILL_BEFORE_REQUEST = "the process is killed, and the request never arrives"
    KILL_DURING_REQUEST = "the process is killed, and the request arrives once every process has ended"
    KILL_AFTER_REQUEST = "the process is killed once the request was carried out"
    KILL_LATER = "the process is killed some milliseconds later"
    LOSE_REQUEST = "the request never arrives"
    LOSE_RESPONSE = "the request is carried out, and the answer never arrives"
    DELAY_REQUEST = "the connection breaks, and the request arrives once every process has ended"

    @property
    def is_kill(self) -> bool:
        """True if the fault certainly kills the process at the request."""
        return self in {Fault.KILL_BEFORE_REQUEST, Fault.KILL_DURING_REQUEST, Fault.KILL_AFTER_REQUEST}


@dataclass(frozen=True, slots=True)
class Injection:
    """The fault of one process, at its n-th request for an operation. None means every operation."""

    operation: str | None
    nth: int
    fault: Fault
    seconds: float = 0


@dataclass(frozen=True, slots=True)
class Round:
    """The faults of the processes of a round, with None for no fault. The processes run at once or in turn."""

    injections: tuple[Injection | None, ...]
    is_sequential: bool = False


KILLS = (Fault.KILL_BEFORE_REQUEST, Fault.KILL_DURING_REQUEST, Fault.KILL_AFTER_REQUEST)
FOLDER_ROUNDS = (
    Round((Injection(STS, 1, Fault.KILL_BEFORE_REQUEST),)),
    Round((Injection(LIST, 4, Fault.KILL_AFTER_REQUEST),)),  # the second List before the intents are written
    *(Round((Injection(CREATE, nth, fault),)) for nth in (1, 2) for fault in KILLS),
    Round((Injection(LIST, 5, Fault.KILL_BEFORE_REQUEST),)),  # the last List, after the results are written
    Round((Injection(CREATE, 1, Fault.LOSE_RESPONSE),)),
    Round((Injection(CREATE, 1, Fault.KILL_DURING_REQUEST), None), is_sequential=True),
    Round((Injection(CREATE, 1, Fault.DELAY_REQUEST), None), is_sequential=True),
    Round((None, None)),
    Round((Injection(CREATE, 2, Fault.KILL_DURING_REQUEST), Injection(CREATE, 1, Fault.LOSE_RESPONSE))),
    Round((Injection(CREATE, 1, Fault.KILL_AFTER_REQUEST), Injection(CREATE, 1, Fault.LOSE_REQUEST))),
)
BUCKET_ROUNDS = (
    *(Round((Injection(PUT, nth, fault),)) for nth in (1, 2) for fault in KILLS),
    *(Round((Injection(CREATE, 1, fault),)) for fault in KILLS),
    Round((Injection(CREATE, 2, Fault.KILL_AFTER_REQUEST),)),
    Round((Injection(CREATE, 1, Fault.LOSE_RESPONSE),)),
    Round((Injection(PUT, 1, Fault.KILL_DURING_REQUEST), None), is_sequential=True),
    Round((Injection(CREATE, 1, Fault.DELAY_REQUEST), None), is_sequential=True),
    Round((None, None)),
    Round((Injection(CREATE, 1, Fault.KILL_DURING_REQUEST), Injection(CREATE, 1, Fault.LOSE_REQUEST))),
)


def build_scenarios(seed: int, rounds: Sequence[Round], *, requests: int) -> list[tuple[Round, ...]]:
    """Return scenarios that contain each round once, and five rounds with kills at random moments."""
    generator = random.Random(seed)  # noqa: S311 - a test that can be repeated
    late_kills = [
        Injection(None, generator.randint(1, requests), Fault.KILL_LATER, generator.uniform(0, 0.03)) for _ in range(6)
    ]
    late_rounds = [*(Round((injection,)) for injection in late_kills[2:]), Round((late_kills[0], late_kills[1]))]
    all_rounds = [*rounds, *late_rounds]
    generator.shuffle(all_rounds)
    return [
        tuple(all_rounds[index : index + ROUNDS_PER_SCENARIO])
        for index in range(0, len(all_rounds), ROUNDS_PER_SCENARIO)
    ]


class JournalAccess(Protocol):
    """The place of the journal of a scenario."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the command-line options for this journal."""

    def read(self) -> str | None:
        """Return the journal's text, or None if there is no journal yet."""

    def write(self, text: str) -> None:
        """Replace the journal's text."""


class FolderJournal:
    """A journal in a folder."""

    options = ("--state", "state", "--new-state")

    def __init__(self, program: Program) -> None:
        self._path = program.folder / "state" / "sandbox" / f"{ACCOUNT}-{REGION}.json"

    def read(self) -> str | None:
        """Return the journal's text, or None if there is no journal yet."""
        return self._path.read_text() if self._path.exists() else None

    def write(self, text: str) -> None:
        """Replace the journal's text."""
        self._path.write_text(text)


class BucketJournal:
    """A journal in S3. Runs do not wait for its lease, which a killed process keeps until the journal is aged."""

    options = ("--state", Bucket.url, "--new-state", "--lock-timeout", "0s")

    def __init__(self, server: SandboxServer) -> None:
        self._bucket = Bucket(server.url)

    def read(self) -> str | None:
        """Return the journal's text, or None if there is no journal yet."""
        return self._bucket.text if self._bucket.keys else None

    def write(self, text: str) -> None:
        """Replace the journal's text."""
        self._bucket.text = text


class InjectingProxy(FaultProxy):
    """A proxy between one process and the sandbox, which causes the fault. No request is left when its block ends."""

    def __init__(self, upstream: str, injection: Injection | None, round_end: threading.Event) -> None:
        super().__init__(upstream, self._inject_before, self._inject_after)
        self._server.daemon_threads = False  # the end of the block waits for its threads
        self._upstream, self._injection, self._round_end = urlsplit(upstream), injection, round_end
        self._lock, self._remaining = threading.Lock(), injection.nth if injection else 0
        self._target: Request | None = None
        self.process: Future[Process] = Future()
        self.delayed_requests = ThreadPoolExecutor(1)

    def _inject_before(self, request: Request) -> bytes | None:
        if not self._is_target(request) or not self._injection:
            return None
        match self._injection.fault:
            case Fault.KILL_BEFORE_REQUEST:
                self._kill()
                return b""
            case Fault.KILL_DURING_REQUEST:
                self._kill()
                self._round_end.wait()
            case Fault.KILL_LATER:
                threading.Timer(self._injection.seconds, self._kill).start()
            case Fault.LOSE_REQUEST:
                return b""
            case Fault.DELAY_REQUEST:
                self.delayed_requests.submit(self._deliver, request)
                return b""
            case _:
                pass
        return None

    def _inject_after(self, request: Request) -> bytes | None:
        if request is self._target and self._injection:
            if self._injection.fault is Fault.KILL_AFTER_REQUEST:
                self._kill()
            if self._injection.fault in {Fault.KILL_AFTER_REQUEST, Fault.LOSE_RESPONSE}:
                return b""
        return None

    def _is_target(self, request: Request) -> bool:
        with self._lock:
            if self._injection and self._injection.operation in {None, request.operation}:
                self._remaining -= 1
                if not self._remaining:
                    self._target = request
                    return True
        return False

    def _deliver(self, request: Request) -> None:
        self._round_end.wait()
        upstream = HTTPConnection(self._upstream.netloc, timeout=60)
        upstream.request(request.method, request.path, request.body, request.headers)
        assert upstream.getresponse().read()
        upstream.close()

    def _kill(self) -> None:
        process = self.process.result()
        process.kill()
        process.wait()


def run_round(round_: Round, program: Program, server: SandboxServer, options: Sequence[str]) -> list[CompletedRun]:
    """Run the processes of a round with their faults, and return their results once every request has ended."""
    round_end = threading.Event()
    with ExitStack() as stack:
        proxies = [
            stack.enter_context(InjectingProxy(server.url, injection, round_end)) for injection in round_.injections
        ]
        for proxy in proxies:
            stack.enter_context(proxy.delayed_requests)
        stack.callback(round_end.set)
        processes = []
        for proxy in proxies:
            process = Program(program.folder, proxy.url).start(*options)
            stack.enter_context(process)
            stack.callback(process.kill)
            proxy.process.set_result(process)
            processes.append(process)
            if round_.is_sequential:
                process.wait(timeout=60)
        outputs = [process.communicate(timeout=60) for process in processes]
    return [CompletedRun(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]


def age_journal(text: str, duration: timedelta) -> str:
    """Return a journal with its times moved back."""

    def shift(match: re.Match[str]) -> str:
        return (datetime.fromisoformat(match[0]) - duration).isoformat()

    shifted = re.sub(r"(?<=\")\d{4}-\d\d-\d\dT[\d:.]+\+00:00(?=\")", shift, text)
    return json.dumps(add_digest(json.loads(shifted)))


def count_associations(server: SandboxServer) -> Counter[str]:
    """Return the number of associations for each destination."""
    client: Any = boto3.client(
        "appintegrations", REGION, endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x"
    )
    pages = client.get_paginator("list_data_integration_associations").paginate(
        DataIntegrationIdentifier="profiles-export"
    )
    return Counter(each["DestinationURI"] for page in pages for each in page["DataIntegrationAssociations"])


def check_scenario(scenario: Sequence[Round], program: Program, server: SandboxServer, journal: JournalAccess) -> None:
    """Run a scenario. Check that no association exists twice after a round, and that each exists once at the end."""
    for number, round_ in enumerate(scenario):
        program.add(f"m{number}-a", f"m{number}-b")
        for injection, result in zip(
            round_.injections, run_round(round_, program, server, journal.options), strict=True
        ):
            assert "Traceback" not in result.err
            assert result.code in {0, 1, -signal.SIGKILL}
            if injection and injection.fault.is_kill and (len(round_.injections) == 1 or round_.is_sequential):
                assert result.code == -signal.SIGKILL
        assert all(count == 1 for count in count_associations(server).values())
        if text := journal.read():
            journal.write(age_journal(text, ROUND_INTERVAL if number + 1 < len(scenario) else FINAL_INTERVAL))
    last_run = program.run("-o", "json", *journal.options)
    names = {path.stem for path in (program.folder / "manifests").iterdir()}
    assert (last_run.code, set(last_run.decisions)) == (0, names)
    assert set(last_run.decisions.values()) <= {"create", "adopt", "in-sync"}
    assert count_associations(server) == {f"s3://corp-exports/{name}": 1 for name in names}
    assert len(server.sandbox.executed_writes) == len(names)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a sandbox that ignores ClientTokens, and whose jobs end at once."""
    with SandboxServer(
        behaviour=Behaviour(tokens="ignored", associations_per_integration=500, job_seconds=0)
    ) as server:
        yield server


def mark_thorough(scenarios: list[tuple[Round, ...]], first: int = 0) -> list[Any]:
    """Return the scenarios, with every other one marked for --thorough only."""
    return [
        scenario if number % 2 == first else pytest.param(scenario, marks=pytest.mark.thorough)
        for number, scenario in enumerate(scenarios)
    ]


@pytest.mark.parametrize("scenario", mark_thorough(build_scenarios(1, FOLDER_ROUNDS, requests=9)))
def test_killed_runs_create_nothing_twice(scenario: tuple[Round, ...], program: Program, server: SandboxServer) -> None:
    """With the journal in a folder, each manifest is created exactly once, whatever is killed or lost."""
    check_scenario(scenario, program, server, FolderJournal(program))


@pytest.mark.parametrize("scenario", mark_thorough(build_scenarios(2, BUCKET_ROUNDS, requests=12), first=1))
def test_killed_runs_with_a_shared_journal_create_nothing_twice(
    scenario: tuple[Round, ...], program: Program, server: SandboxServer
) -> None:
    """With the journal in S3, each manifest is created exactly once, although killed runs leave their lease behind."""
    check_scenario(scenario, program, server, BucketJournal(server))


def test_request_that_a_killed_client_did_not_complete_never_reaches_aws(server: SandboxServer) -> None:
    """A client that is killed between the head and the body of a request has sent nothing, and nothing waits for it."""
    with (
        InjectingProxy(server.url, None, threading.Event()) as proxy,
        socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=60) as client,
    ):
        client.sendall(b"PUT /journals/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(64).startswith(b"HTTP/1.1 100")
        client.sendall(b"half")
    assert proxy.requests == []
