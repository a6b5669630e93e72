"""Soak test of a controller: rounds of pushes, webhooks, signals and faults, with a sample after each."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from soak.aws import Faults, change_by_hand
from soak.bounds import Sample
from soak.controller import INTERNAL, count_events, run_controller, send_webhook
from soak.git import RemoteRepository
from soak.process import read_sample
from support.controller import ControllerProcess
from support.http_servers import request_page
from support.program import Program
from support.proxy import FaultProxy
from support.receivers import ChatServer
from support.repository import GIT

from reconciler.sandbox import Behaviour, SandboxServer

_PAGES = ("/", "/metrics", "/healthz", "/?target=target-00&decision=drifted", "/api/v1/report", "/readyz")
_PUSH_HEADERS = {"X-GitHub-Event": "push"}
_PUSH_BODY = json.dumps({"ref": "refs/heads/main"}).encode()
_INVALID_EVERY = 10
"""Number of pushes in which the middle one is invalid."""
_DENIED_EVERY = 40
"""Number of rounds in whose last quarter a target fails, because its Region denies every request."""
_CHANGED_EVERY = 5
"""Number of rounds in which a person changes an association in AWS once."""
_SILENT_EVERY = 3
"""Number of rounds in which the receiver of notifications is down once."""
_EVENTS = (
    "run finished",
    "revision activated",
    "revision rejected",
    "target failed",
    "association created",
    "association updated",
    "create failed",
    "create unanswered",
    "update failed",
    "update unanswered",
    "drift detected",
    "notification delivered",
    "notification not delivered",
    "unexpected error",
    INTERNAL,
)


@dataclass(frozen=True, slots=True)
class Workload:
    """Amount of work, and its time limit in seconds. Each round runs every target.

    `fault_share` is the probability of a fault in a request to AWS. `has_notifications` turns notifications on.
    """

    rounds: int
    pushes: int
    targets: int
    seconds: float
    fault_share: float = 0.005
    has_notifications: bool = True


@dataclass(frozen=True, slots=True)
class SoakResult:
    """Samples after each round, and counts of events."""

    samples: tuple[Sample, ...]
    counts: Counter[str]


def run_soak(plan: Workload, folder: Path) -> SoakResult:
    """Keep a controller busy for several rounds, and take a sample after each."""
    deadline = time.monotonic() + plan.seconds
    samples: list[Sample] = []
    with _start_services(plan, folder) as services:
        while len(samples) < plan.rounds and time.monotonic() < deadline:
            number = len(samples) + 1
            services.run_round(number, has_push=number * plan.pushes // plan.rounds > services.push_count)
            samples.append(
                read_sample(
                    services.controller.process.pid, folder / "tmp", count_events(services.controller, "run finished")
                )
            )
        return SoakResult(tuple(samples), services.count_all())


@contextmanager
def _start_services(plan: Workload, folder: Path) -> Iterator[_Services]:
    """Start a controller with its services, and wait for the first run of each target."""
    for name in ("here", "tmp"):
        (folder / name).mkdir()
    faults, repository = Faults(Random(0), plan.fault_share), RemoteRepository(folder, plan.targets)  # noqa: S311 - no secret
    with ExitStack() as stack:
        server = stack.enter_context(SandboxServer(behaviour=Behaviour(job_seconds=0)))
        proxy = stack.enter_context(
            FaultProxy(server.url, faults.reject_request, faults.lose_response, is_persistent=True)
        )
        chat = stack.enter_context(ChatServer().serve())
        program = Program(folder / "here", proxy.url)
        options = ("--git-url", repository.url, "--git-ref", "main")
        notification_settings = {"RECONCILER_NOTIFY_URLS": chat.url} if plan.has_notifications else {}
        env = {**GIT, **notification_settings, "TMPDIR": str(folder / "tmp")}
        controller = stack.enter_context(run_controller(program, *options, env=env))
        wait_for_runs = controller.expect_event("run finished", repository.accounts)
        url = controller.wait_for_event("listening")["url"]
        wait_for_runs()
        yield _Services(controller, url, repository, server, faults, chat)


@dataclass(slots=True)
class _Services:
    """A controller with the services around it."""

    controller: ControllerProcess
    url: str
    repository: RemoteRepository
    server: SandboxServer
    faults: Faults
    chat: ChatServer
    push_count: int = 0
    webhook_count: int = 0
    change_count: int = 0

    def run_round(self, number: int, *, has_push: bool) -> None:
        """Run every target once, for one of several reasons, and return when they have finished."""
        self._inject_faults(number)
        self.push_count += has_push
        is_invalid = has_push and self.push_count % _INVALID_EVERY == _INVALID_EVERY // 2
        if is_invalid:
            wait_for_rejection = self.controller.expect_event("revision rejected")
            self.repository.push_invalid()
            self._send_webhook("github", _PUSH_HEADERS, _PUSH_BODY)
            wait_for_rejection()
        wait_for_runs = self.controller.expect_event("run finished", self.repository.accounts)
        if has_push and not is_invalid:
            self.repository.push_change(number)
            self._send_webhook("github", _PUSH_HEADERS, _PUSH_BODY)
        elif number % 2:
            self._send_webhook("generic", {}, b"")
        else:
            self.controller.process.send_signal(signal.SIGHUP)
        self._send_webhook("generic", {}, b"", is_signed=False)
        assert request_page(self.url + _PAGES[number % len(_PAGES)])[0] == 200
        wait_for_runs()

    def count_all(self) -> Counter[str]:
        """Return the counts of log events, changes and faults."""
        event_counts = Counter({event: count_events(self.controller, event) for event in _EVENTS})
        change_counts = {
            "pushes": self.push_count,
            "webhooks": self.webhook_count,
            "changes by other people": self.change_count,
        }
        return event_counts + Counter(change_counts) + self.faults.counts

    def _send_webhook(self, sender: str, headers: dict[str, str], body: bytes, *, is_signed: bool = True) -> None:
        self.webhook_count += 1
        send_webhook(self.url, sender, headers, body, is_signed=is_signed)

    def _inject_faults(self, number: int) -> None:
        accounts = list(self.repository.accounts.values())
        is_failing = number % _DENIED_EVERY > 0.75 * _DENIED_EVERY
        self.faults.failing_region = accounts[number // _DENIED_EVERY % len(accounts)][1] if is_failing else None
        self.chat.is_down = number % _SILENT_EVERY == 0
        if number % _CHANGED_EVERY == 0:
            account, region = accounts[number // _CHANGED_EVERY % len(accounts)]
            self.change_count += change_by_hand(self.server.sandbox, account, region, start=f"{1788220800000 + number}")
