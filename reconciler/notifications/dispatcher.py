"""Brings people what they were not told yet: what they were told and how all stands is enough, so nothing queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from reconciler.core.controller.status import ControllerStatus
from reconciler.core.notifications.changes import (
    OUTAGE_TOLERANCE,
    build_summary,
    drop_removed_targets,
    find_changes,
    snapshot_targets,
)
from reconciler.core.notifications.state import NotificationState
from reconciler.core.ports import Timer
from reconciler.notifications.store import NotificationStore
from reconciler.render import notification
from reconciler.render.notification import Message

if TYPE_CHECKING:
    from reconciler.edge.apprise import Receiver

_FIRST_DELAY = 10.0
"""Seconds until a delivery that failed is tried again; doubled with each further failure."""
_MAX_DOUBLINGS = 6
"""How often at most: up to some ten minutes."""


class DeliveryEvents(Protocol):
    """Is told what becomes of messages."""

    def on_delivered(self, receiver: str, message: Message) -> None:
        """Say that a receiver took a message."""

    def on_delivery_failed(self, receiver: str, failures: int, delay: float) -> None:
        """Say that one did not, how often in a row, and in how many seconds it is tried again."""


@dataclass(slots=True)
class _RetryState:
    failures: int = 0
    retry_at: float = 0


@dataclass(frozen=True, slots=True)
class DispatchContext:
    """What a courier goes by: how all stands, who is to be told (behind a name), how often all of it, and the time."""

    get_status: Callable[[], ControllerStatus]
    get_receivers: Callable[[], Sequence[tuple[str, Receiver]]]
    summary_interval: timedelta
    timer: Timer


class Dispatcher:
    """Tells each receiver for itself: one that takes nothing holds up no other, and is told later what then stands."""

    def __init__(self, context: DispatchContext, states: NotificationStore, events: DeliveryEvents) -> None:
        self._context, self._states, self._events = context, states, events
        self._retries: dict[str, _RetryState] = {}

    def dispatch(self) -> None:
        """Deliver what there is to deliver."""
        status = self._context.get_status()
        if not self._states.ensure_loaded() and status.now - status.started_at < OUTAGE_TOLERANCE:
            return  # better late than twice
        for name, receiver in self._context.get_receivers():
            if self._context.timer.monotonic() >= self._retries.setdefault(name, _RetryState()).retry_at:
                self._deliver(name, receiver, status)

    def _deliver(self, name: str, receiver: Receiver, status: ControllerStatus) -> None:
        if self._build_messages(self._states[name], status)[1] == self._states[name]:
            return
        with self._states.lock() as is_locked:
            if not is_locked:
                return
            state = drop_removed_targets(self._states[name], status)
            messages, final_state = self._build_messages(state, status)
            for message, state_after in messages:
                if not self._send(name, receiver, message):
                    return
                self._states.save(name, state_after)
            if not messages and final_state != self._states[name]:
                self._states.save(name, final_state)  # what git dropped

    def _build_messages(
        self, state: NotificationState, status: ControllerStatus
    ) -> tuple[list[tuple[Message, NotificationState]], NotificationState]:
        """Return each message with the ledger once it is delivered, and the ledger at the end."""
        snapshots, messages = snapshot_targets(status), []
        state = drop_removed_targets(state, status)
        notifications, state = find_changes(state, snapshots)
        if notifications:
            messages.append((notification.build_change_message(notifications), state))
        if summary := build_summary(state, status, snapshots, self._context.summary_interval):
            state = replace(state, last_summary=summary.at)
            messages.append((notification.build_summary_message(summary), state))
        return messages, state

    def _send(self, name: str, receiver: Receiver, message: Message) -> bool:
        retry = self._retries[name]
        if receiver.send(message.title, message.body, message.severity):
            self._retries[name] = _RetryState()
            self._events.on_delivered(receiver.name, message)
            return True
        delay = _FIRST_DELAY * 2 ** min(retry.failures, _MAX_DOUBLINGS)
        retry.failures += 1
        retry.retry_at = self._context.timer.monotonic() + delay
        self._events.on_delivery_failed(receiver.name, retry.failures, delay)
        return False
