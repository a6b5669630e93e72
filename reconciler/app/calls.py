"""Build the queue through which every target calls AppIntegrations."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom

from reconciler.core.model import Target
from reconciler.edge.aws import TargetSession, judge_failure
from reconciler.edge.call_queue import CallQueue, QueuePace
from reconciler.edge.clock import SystemClock


def create_call_queue(clock: SystemClock, is_stopped: Callable[[], bool] = lambda: False) -> CallQueue:
    """Return the queue of the calls of a process. After a stop, it sends none."""
    return CallQueue(clock, is_stopped, judge_failure, SystemRandom().random)


def open_pace(
    queue: CallQueue, session: TargetSession, target: Target, on_wait: Callable[[float], None] = lambda _: None
) -> QueuePace:
    """Return the pace of the account and Region of a session, as the Target limits it."""
    return queue.open_pace((session.account, session.region), target.requests_per_second, target.burst, on_wait)
