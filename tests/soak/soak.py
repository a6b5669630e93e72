"""Soak test of a controller: rounds of pushes, webhooks, signals and faults, with a sample after each."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from soak.aws import Faults, meddle
from soak.bounds import Sample
from soak.controller import INTERNAL, Controller, controlling
from soak.git import Remote
from soak.process import sample
from support.program import Program
from support.proxy import FaultProxy
from support.receivers import ChatServer
from support.repository import GIT

from reconciler.sandbox import Behaviour, SandboxServer

_SHOWN = ("/", "/metrics", "/healthz", "/?target=target-00&decision=drifted", "/api/v1/report", "/readyz")
_PUSH = {"X-GitHub-Event": "push"}
_PUSHED = json.dumps({"ref": "refs/heads/main"}).encode()
_SPOILED = 10
"""Number of pushes in which the middle one is invalid."""
_DENIED = 40
"""Number of rounds in whose last quarter a target fails, because its Region denies every request."""
_MEDDLED = 5
"""Number of rounds in which a person changes an association in AWS once."""
_SILENT = 3
"""Number of rounds in which the receiver of notifications is down once."""
_TOLD = (
    "run finished",
    "revision activated",
    "revision rejected",
    "target failed",
    "association created",
    "association updated",
    "create failed",
    "update failed",
    "drift detected",
    "notification delivered",
    "notification not delivered",
    "unexpected error",
    INTERNAL,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Amount of work, and its time limit in seconds. Each round runs every target.

    `share` is the probability of a fault in a request to AWS. `notified` turns notifications on.
    """

    rounds: int
    pushes: int
    targets: int
    seconds: float
    share: float = 0.005
    notified: bool = True


@dataclass(frozen=True, slots=True)
class Soaked:
    """Samples after each round, and counts of events."""

    samples: tuple[Sample, ...]
    counts: Counter[str]


def soak(plan: Plan, folder: Path) -> Soaked:
    """Keep a controller busy for several rounds, and take a sample after each."""
    until = time.monotonic() + plan.seconds
    samples: list[Sample] = []
    with _around(plan, folder) as around:
        while len(samples) < plan.rounds and time.monotonic() < until:
            number = len(samples) + 1
            around.round(number, push=number * plan.pushes // plan.rounds > around.pushes)
            samples.append(sample(around.controller.pid, folder / "tmp", around.controller.count("run finished")))
        return Soaked(tuple(samples), around.counts())


@contextmanager
def _around(plan: Plan, folder: Path) -> Iterator[_Around]:
    """Start a controller with its services, and wait for the first run of each target."""
    for name in ("here", "tmp"):
        (folder / name).mkdir()
    faults, remote = Faults(Random(0), plan.share), Remote(folder, plan.targets)  # noqa: S311 - no secret
    with ExitStack() as stack:
        server = stack.enter_context(SandboxServer(behaviour=Behaviour(job_seconds=0)))
        wire = stack.enter_context(FaultProxy(server.url, faults.before, faults.after, is_persistent=True))
        chat = stack.enter_context(ChatServer().serve())
        program = Program(folder / "here", wire.url)
        follow = ("--git-url", remote.url, "--git-ref", "main", "--mode", "create-and-update")
        told = {"RECONCILER_NOTIFY_URLS": chat.url} if plan.notified else {}
        env = {**GIT, **told, "TMPDIR": str(folder / "tmp")}
        controller = stack.enter_context(controlling(program, *follow, env=env))
        controller.until("run finished", remote.places)()
        yield _Around(controller, remote, server, faults, chat)


@dataclass(slots=True)
class _Around:
    """A controller with the services around it."""

    controller: Controller
    remote: Remote
    server: SandboxServer
    faults: Faults
    chat: ChatServer
    pushes: int = 0
    hooks: int = 0
    meddled: int = 0

    def round(self, number: int, *, push: bool) -> None:
        """Run every target once, for one of several reasons, and return when they have finished."""
        self._trouble(number)
        self.pushes += push
        spoiled = push and self.pushes % _SPOILED == _SPOILED // 2
        if spoiled:
            refused = self.controller.until("revision rejected")
            self.remote.spoil()
            self._hook("github", _PUSH, _PUSHED)
            refused()
        finished = self.controller.until("run finished", self.remote.places)
        if push and not spoiled:
            self.remote.change(number)
            self._hook("github", _PUSH, _PUSHED)
        elif number % 2:
            self._hook("generic", {}, b"")
        else:
            self.controller.hang_up()
        self._hook("generic", {}, b"", proven=False)
        assert self.controller.ask(_SHOWN[number % len(_SHOWN)]) == 200
        finished()

    def counts(self) -> Counter[str]:
        """Return the counts of log events, changes and faults."""
        told = Counter({event: self.controller.count(event) for event in _TOLD})
        done = {"pushes": self.pushes, "webhooks": self.hooks, "changes by other people": self.meddled}
        return told + Counter(done) + self.faults.counts

    def _hook(self, sender: str, headers: dict[str, str], body: bytes, *, proven: bool = True) -> None:
        self.hooks += 1
        self.controller.hook(sender, headers, body, proven=proven)

    def _trouble(self, number: int) -> None:
        places = list(self.remote.places.values())
        failing = number % _DENIED > 0.75 * _DENIED
        self.faults.down = places[number // _DENIED % len(places)][1] if failing else None
        self.chat.is_down = number % _SILENT == 0
        if number % _MEDDLED == 0:
            account, region = places[number // _MEDDLED % len(places)]
            self.meddled += meddle(self.server.sandbox, account, region, start=f"{1788220800000 + number}")
