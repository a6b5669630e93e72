"""Killed runs create nothing twice. The sandbox ignores every ClientToken, so only the journal protects.

A game has four rounds, and a seed deals 40 rounds to the games: 20 with the journal in a folder, and 20 with the
journal in S3. In each round, git gets two more manifests, and one or two processes run. A fault happens to a process: a
SIGKILL at a known request (before the intents, between the intents and the Create, during the Create, before or after
the write of the results), a SIGKILL at a random moment, or the loss of a request or an answer. Between two rounds, the
times in the journal are moved back by hours, where an operator would wait. A run without a fault ends the game. Then
every manifest must have exactly one association.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
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
from support.program import CompletedRun, Program
from support.proxy import FaultProxy, Request

from reconciler.core.journal.codec import add_digest
from reconciler.sandbox import Behaviour, SandboxServer

STS, LOOK, CREATE = "STS", "ListDataIntegrationAssociation", "CreateDataIntegrationAssociation"
PUT = "PutObject"
ROUNDS_OF_A_GAME = 4
BETWEEN_ROUNDS, BEFORE_THE_LAST_RUN = timedelta(minutes=100), timedelta(hours=2)
"""Longer than the settle time of each attempt (15, 30, 60 and 120 minutes). A game ends within eight hours of its first
Create, after which a run would give up the Create."""


class How(Enum):
    """The kind of a fault at a request."""

    KILLED_UNSENT = "the process is killed, and the request never arrives"
    KILLED_UNDER_WAY = "the process is killed, and the request arrives once every process has ended"
    KILLED_UNANSWERED = "the process is killed once the request was carried out"
    KILLED_SOON = "the process is killed some milliseconds later"
    REQUEST_LOST = "the request never arrives"
    ANSWER_LOST = "the request is carried out, and the answer never arrives"
    DELAYED = "the connection breaks, and the request arrives once every process has ended"

    @property
    def kills(self) -> bool:
        """True if the fault certainly kills the process at the request."""
        return self in {How.KILLED_UNSENT, How.KILLED_UNDER_WAY, How.KILLED_UNANSWERED}


@dataclass(frozen=True, slots=True)
class Fate:
    """The fault of one process, at its n-th request for an operation. None means every operation."""

    operation: str | None
    nth: int
    how: How
    seconds: float = 0


@dataclass(frozen=True, slots=True)
class Round:
    """The faults of the processes of a round, with None for no fault. The processes run at once or in turn."""

    fates: tuple[Fate | None, ...]
    in_turn: bool = False


KILLS = (How.KILLED_UNSENT, How.KILLED_UNDER_WAY, How.KILLED_UNANSWERED)
LOCAL = (
    Round((Fate(STS, 1, How.KILLED_UNSENT),)),
    Round((Fate(LOOK, 4, How.KILLED_UNANSWERED),)),  # the second List before the intents are written
    *(Round((Fate(CREATE, nth, how),)) for nth in (1, 2) for how in KILLS),
    Round((Fate(LOOK, 5, How.KILLED_UNSENT),)),  # the last List, after the results are written
    Round((Fate(CREATE, 1, How.ANSWER_LOST),)),
    Round((Fate(CREATE, 1, How.KILLED_UNDER_WAY), None), in_turn=True),
    Round((Fate(CREATE, 1, How.DELAYED), None), in_turn=True),
    Round((None, None)),
    Round((Fate(CREATE, 2, How.KILLED_UNDER_WAY), Fate(CREATE, 1, How.ANSWER_LOST))),
    Round((Fate(CREATE, 1, How.KILLED_UNANSWERED), Fate(CREATE, 1, How.REQUEST_LOST))),
)
S3 = (
    *(Round((Fate(PUT, nth, how),)) for nth in (1, 2) for how in KILLS),
    *(Round((Fate(CREATE, 1, how),)) for how in KILLS),
    Round((Fate(CREATE, 2, How.KILLED_UNANSWERED),)),
    Round((Fate(CREATE, 1, How.ANSWER_LOST),)),
    Round((Fate(PUT, 1, How.KILLED_UNDER_WAY), None), in_turn=True),
    Round((Fate(CREATE, 1, How.DELAYED), None), in_turn=True),
    Round((None, None)),
    Round((Fate(CREATE, 1, How.KILLED_UNDER_WAY), Fate(CREATE, 1, How.REQUEST_LOST))),
)


def deal(seed: int, rounds: Sequence[Round], *, requests: int) -> list[tuple[Round, ...]]:
    """Return games that contain each round once, and five rounds with kills at random moments."""
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    soon = [Fate(None, dice.randint(1, requests), How.KILLED_SOON, dice.uniform(0, 0.03)) for _ in range(6)]
    moments = [*(Round((fate,)) for fate in soon[2:]), Round((soon[0], soon[1]))]
    deck = [*rounds, *moments]
    dice.shuffle(deck)
    return [tuple(deck[at : at + ROUNDS_OF_A_GAME]) for at in range(0, len(deck), ROUNDS_OF_A_GAME)]


class State(Protocol):
    """The place of the journal of a game."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the command-line options for this journal."""

    def read(self) -> str | None:
        """Return the journal's text, or None if there is no journal yet."""

    def write(self, text: str) -> None:
        """Replace the journal's text."""


class Folder:
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


class Shared:
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


class Fateful(FaultProxy):
    """A proxy between one process and the sandbox, which causes the fault. No request is left when its block ends."""

    def __init__(self, upstream: str, fate: Fate | None, ended: threading.Event) -> None:
        super().__init__(upstream, self._came_in, self._carried_out)
        self._server.daemon_threads = False  # the end of the block waits for its threads
        self._upstream, self._fate, self._ended = urlsplit(upstream), fate, ended
        self._lock, self._left = threading.Lock(), fate.nth if fate else 0
        self._chosen: Request | None = None
        self.process: Future[subprocess.Popen[str]] = Future()
        self.late = ThreadPoolExecutor(1)

    def _came_in(self, request: Request) -> bytes | None:
        if not self._is_chosen(request) or not self._fate:
            return None
        match self._fate.how:
            case How.KILLED_UNSENT:
                self._kill()
                return b""
            case How.KILLED_UNDER_WAY:
                self._kill()
                self._ended.wait()
            case How.KILLED_SOON:
                threading.Timer(self._fate.seconds, self._kill).start()
            case How.REQUEST_LOST:
                return b""
            case How.DELAYED:
                self.late.submit(self._deliver, request)
                return b""
            case _:
                pass
        return None

    def _carried_out(self, request: Request) -> bytes | None:
        if request is self._chosen and self._fate:
            if self._fate.how is How.KILLED_UNANSWERED:
                self._kill()
            if self._fate.how in {How.KILLED_UNANSWERED, How.ANSWER_LOST}:
                return b""
        return None

    def _is_chosen(self, request: Request) -> bool:
        with self._lock:
            if self._fate and self._fate.operation in {None, request.operation}:
                self._left -= 1
                if not self._left:
                    self._chosen = request
                    return True
        return False

    def _deliver(self, request: Request) -> None:
        self._ended.wait()
        upstream = HTTPConnection(self._upstream.netloc)
        upstream.request(request.method, request.path, request.body, request.headers)
        assert upstream.getresponse().read()
        upstream.close()

    def _kill(self) -> None:
        process = self.process.result()
        process.kill()
        process.wait()


def play(round_: Round, program: Program, server: SandboxServer, options: Sequence[str]) -> list[CompletedRun]:
    """Run the processes of a round with their faults, and return their results once every request has ended."""
    ended = threading.Event()
    with ExitStack() as stack:
        wires = [stack.enter_context(Fateful(server.url, fate, ended)) for fate in round_.fates]
        for wire in wires:
            stack.enter_context(wire.late)
        stack.callback(ended.set)
        processes = []
        for wire in wires:
            process = stack.enter_context(Program(program.folder, wire.url).start(*options))
            stack.callback(process.kill)
            wire.process.set_result(process)
            processes.append(process)
            if round_.in_turn:
                process.wait(timeout=60)
        said = [process.communicate(timeout=60) for process in processes]
    return [CompletedRun(process.returncode, *each) for process, each in zip(processes, said, strict=True)]


def older(text: str, by: timedelta) -> str:
    """Return a journal with its times moved back."""

    def earlier(moment: re.Match[str]) -> str:
        return (datetime.fromisoformat(moment[0]) - by).isoformat()

    aged = re.sub(r"(?<=\")\d{4}-\d\d-\d\dT[\d:.]+\+00:00(?=\")", earlier, text)
    return json.dumps(add_digest(json.loads(aged)))


def created(server: SandboxServer) -> Counter[str]:
    """Return the number of associations for each destination."""
    client: Any = boto3.client(
        "appintegrations", REGION, endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x"
    )
    pages = client.get_paginator("list_data_integration_associations").paginate(
        DataIntegrationIdentifier="profiles-export"
    )
    return Counter(each["DestinationURI"] for page in pages for each in page["DataIntegrationAssociations"])


def never_twice(game: Sequence[Round], program: Program, server: SandboxServer, state: State) -> None:
    """Play a game. Check that no association exists twice after a round, and that each exists once at the end."""
    for number, round_ in enumerate(game):
        program.add(f"m{number}-a", f"m{number}-b")
        for fate, done in zip(round_.fates, play(round_, program, server, state.options), strict=True):
            assert "Traceback" not in done.err
            assert done.code in {0, 1, -signal.SIGKILL}
            if fate and fate.how.kills and (len(round_.fates) == 1 or round_.in_turn):
                assert done.code == -signal.SIGKILL
        assert all(count == 1 for count in created(server).values())
        if text := state.read():
            state.write(older(text, BETWEEN_ROUNDS if number + 1 < len(game) else BEFORE_THE_LAST_RUN))
    last = program.run("-o", "json", *state.options)
    names = {path.stem for path in (program.folder / "manifests").iterdir()}
    assert (last.code, set(last.decisions)) == (0, names)
    assert set(last.decisions.values()) <= {"create", "adopt", "in-sync"}
    assert created(server) == {f"s3://corp-exports/{name}": 1 for name in names}
    assert len(server.sandbox.executed_writes) == len(names)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a sandbox that ignores ClientTokens, and whose jobs end at once."""
    with SandboxServer(behaviour=Behaviour(tokens="ignored", associations_per_integration=500, job_seconds=0)) as one:
        yield one


def shorten(games: list[tuple[Round, ...]], first: int = 0) -> list[Any]:
    """Return the games, with every other one marked for --thorough only."""
    return [
        game if number % 2 == first else pytest.param(game, marks=pytest.mark.thorough)
        for number, game in enumerate(games)
    ]


@pytest.mark.parametrize("game", shorten(deal(1, LOCAL, requests=9)))
def test_killed_runs_create_nothing_twice(game: tuple[Round, ...], program: Program, server: SandboxServer) -> None:
    """With the journal in a folder, each manifest is created exactly once, whatever is killed or lost."""
    never_twice(game, program, server, Folder(program))


@pytest.mark.parametrize("game", shorten(deal(2, S3, requests=12), first=1))
def test_killed_runs_with_a_shared_journal_create_nothing_twice(
    game: tuple[Round, ...], program: Program, server: SandboxServer
) -> None:
    """With the journal in S3, each manifest is created exactly once, although killed runs leave their lease behind."""
    never_twice(game, program, server, Shared(server))
