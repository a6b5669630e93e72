"""Send each receiver what changed since its last notification. Changes are computed from state, without a queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.notifications.changes import (
    build_summary,
    drop_removed_targets,
    find_changes,
    record_first_look,
)
from reconciler.core.notifications.kinds import Kind
from reconciler.core.notifications.snapshots import OUTAGE_TOLERANCE, TargetSnapshot, snapshot_targets
from reconciler.core.notifications.state import NotificationState
from reconciler.core.ports import Timer
from reconciler.core.shards import Shard
from reconciler.notifications.store import NotificationStore
from reconciler.render import notification
from reconciler.render.notification import Message

_FIRST_DELAY = 10.0
"""Seconds before the first retry of a failed delivery. Each further failure doubles the delay."""
_MAX_DOUBLINGS = 6
"""The most doublings of the delay, which is then 640 seconds."""


class Receiver(Protocol):
    """A service that delivers messages to people."""

    @property
    def name(self) -> str:
        """A display name: the URL scheme and an ordinal. Never contains a secret."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of notifications that the receiver gets."""

    def send(self, title: str, body: str, severity: str) -> bool:
        """Send a message and return whether the service accepted it. Never raises.

        `severity` is info, success, warning or failure.
        """


class DeliveryEvents(Protocol):
    """Callbacks for delivered and failed messages."""

    def on_delivered(self, receiver: str, message: Message) -> None:
        """Record that a receiver accepted a message."""

    def on_delivery_failed(self, receiver: str, failures: int, delay: float) -> None:
        """Record a failed delivery, its number in a row, and the seconds before the retry."""


@dataclass(slots=True)
class _RetryState:
    failures: int = 0
    retry_at: float = 0


@dataclass(frozen=True, slots=True)
class DispatchContext:
    """Inputs of the dispatcher: the controller's status, the receivers by name, the summary interval and a timer.

    `shard` is the shard of the controller, or None if it has the targets of all shards.
    """

    get_status: Callable[[], ControllerStatus]
    get_receivers: Callable[[], Sequence[tuple[str, Receiver]]]
    summary_interval: timedelta
    timer: Timer
    shard: Shard | None = None


class Dispatcher:
    """Dispatcher of notifications, with separate retries for each receiver.

    A receiver that fails does not delay the others. Its retry sends the changes up to the time of the retry.
    """

    def __init__(self, context: DispatchContext, states: NotificationStore, events: DeliveryEvents) -> None:
        self._context, self._states, self._events = context, states, events
        self._retries: dict[str, _RetryState] = {}

    def dispatch(self) -> None:
        """Send the pending messages to each receiver, unless the receiver waits for its retry."""
        status = self._context.get_status()
        if not self._states.ensure_loaded() and status.now - status.started_at < OUTAGE_TOLERANCE:
            return  # without the stored state, messages would be sent a second time
        snapshots = snapshot_targets(status)
        for name, receiver in self._context.get_receivers():
            if self._context.timer.monotonic() >= self._retries.setdefault(name, _RetryState()).retry_at:
                self._deliver(name, receiver, status, snapshots)

    def _deliver(
        self, name: str, receiver: Receiver, status: ControllerStatus, snapshots: Mapping[str, TargetSnapshot]
    ) -> None:
        kinds = receiver.kinds
        if self._build_messages(self._states[name], status, snapshots, kinds)[1] == self._states[name]:
            return
        with self._states.lock() as is_locked:
            if not is_locked:
                return
            messages, final_state = self._build_messages(self._states[name], status, snapshots, kinds)
            for message, state_after in messages:
                if not self._send(name, receiver, message):
                    final_state = _prepare(self._states[name], status, snapshots)
                    break
                self._states.save(name, state_after)
            if final_state != self._states[name]:
                self._states.save(name, final_state)  # a change without a message

    def _build_messages(
        self,
        state: NotificationState,
        status: ControllerStatus,
        snapshots: Mapping[str, TargetSnapshot],
        kinds: frozenset[Kind],
    ) -> tuple[list[tuple[Message, NotificationState]], NotificationState]:
        """Return each message with the state after its delivery, and the state after all deliveries.

        The state also records changes of other kinds, which are then no news if the receiver chooses their kinds later.
        """
        messages, shard = [], self._context.shard
        notifications, state = find_changes(_prepare(state, status, snapshots), snapshots)
        if chosen := tuple(each for each in notifications if each.kind in kinds):
            messages.append((notification.build_change_message(chosen, shard), state))
        summary = build_summary(state, status, snapshots, self._context.summary_interval, shard)
        if summary and Kind.SUMMARY in kinds:
            state = replace(state, last_summary=summary.at)
            messages.append((notification.build_summary_message(summary, shard), state))
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


def _prepare(
    state: NotificationState, status: ControllerStatus, snapshots: Mapping[str, TargetSnapshot]
) -> NotificationState:
    """Return the state without removed targets, and with the earlier events of new targets.

    Soon after the start, a receiver without a state gets the writes since the start.
    """
    since = status.started_at if status.now - status.started_at < OUTAGE_TOLERANCE else None
    return record_first_look(drop_removed_targets(state, status), snapshots, since)
