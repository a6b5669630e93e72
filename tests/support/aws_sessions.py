"""Open the session of a target, and make its calls without a limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from reconciler.core.model import Target
from reconciler.edge.aws import ConnectionSettings, SharedClients, SharedModels, TargetSession, judge_failure
from reconciler.edge.call_queue import CallQueue, QueuePace
from reconciler.edge.clock import SystemClock

MODELS = SharedModels()


def connect(
    target: Target, connection: ConnectionSettings, listener: Callable[[Any], None] = lambda _: None
) -> TargetSession:
    """Return a session of a target that shares no client."""
    clients = SharedClients(connection, MODELS, SystemClock().monotonic)
    try:
        return TargetSession(target, clients, listener)
    finally:
        clients.close()


def create_pace(rate: float = 10_000, on_wait: Callable[[float], None] = lambda _: None) -> QueuePace:
    """Return a pace of a new queue, which repeats failed calls without a pause."""
    queue = CallQueue(SystemClock(), lambda: False, judge_failure, lambda: 0.0)
    return queue.open_pace(("123456789012", "us-east-1"), rate, 1_000, on_wait)


class InlinePace:
    """A pace that makes each call in the thread of its sender. `wait` is called before each call."""

    def __init__(self, wait: Callable[[], None] = lambda: None) -> None:
        self.wait = wait
        self._calls: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._is_busy = False

    def send(self, call: Callable[[], Any], on_done: Callable[[Any], None], max_attempts: int) -> None:  # noqa: ARG002
        """Make a call once, and then those that `on_done` sends."""
        self._calls.append((call, on_done))
        if self._is_busy:
            return
        self._is_busy = True
        while self._calls:
            next_call, report = self._calls.popleft()
            report(self._make(next_call))
        self._is_busy = False

    def record(self, error: Exception | None) -> None:
        """Do nothing."""

    def _make(self, call: Callable[[], Any]) -> Any:
        try:
            self.wait()
            return call()
        except Exception as error:  # noqa: BLE001 - the sender gets the error
            return error
