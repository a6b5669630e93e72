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
from reconciler.notifications.store import Ledgers
from reconciler.render import notification
from reconciler.render.notification import Message

if TYPE_CHECKING:
    from reconciler.edge.apprise import Receiver

_PAUSE = 10.0
"""Seconds until a delivery that failed is tried again; doubled with each further failure."""
_DOUBLED = 6
"""How often at most: up to some ten minutes."""


class Heard(Protocol):
    """Is told what becomes of messages."""

    def delivered(self, receiver: str, message: Message) -> None:
        """Say that a receiver took a message."""

    def failed(self, receiver: str, failures: int, pause: float) -> None:
        """Say that one did not, how often in a row, and in how many seconds it is tried again."""


@dataclass(slots=True)
class _Pause:
    failures: int = 0
    until: float = 0


@dataclass(frozen=True, slots=True)
class Round:
    """What a courier goes by: how all stands, who is to be told (behind a name), how often all of it, and the time."""

    board: Callable[[], ControllerStatus]
    receivers: Callable[[], Sequence[tuple[str, Receiver]]]
    heartbeat: timedelta
    timer: Timer


class Courier:
    """Tells each receiver for itself: one that takes nothing holds up no other, and is told later what then stands."""

    def __init__(self, round_: Round, ledgers: Ledgers, heard: Heard) -> None:
        self._round, self._ledgers, self._heard = round_, ledgers, heard
        self._pauses: dict[str, _Pause] = {}

    def go(self) -> None:
        """Deliver what there is to deliver."""
        board = self._round.board()
        if not self._ledgers.known() and board.now - board.started_at < OUTAGE_TOLERANCE:
            return  # better late than twice
        for name, receiver in self._round.receivers():
            if self._round.timer.monotonic() >= self._pauses.setdefault(name, _Pause()).until:
                self._visit(name, receiver, board)

    def _visit(self, name: str, receiver: Receiver, board: ControllerStatus) -> None:
        if self._due(self._ledgers[name], board)[1] == self._ledgers[name]:
            return
        with self._ledgers.held() as free:
            if not free:
                return
            ledger = drop_removed_targets(self._ledgers[name], board)
            messages, after = self._due(ledger, board)
            for message, told in messages:
                if not self._sent(name, receiver, message):
                    return
                self._ledgers.keep(name, told)
            if not messages and after != self._ledgers[name]:
                self._ledgers.keep(name, after)  # what git dropped

    def _due(
        self, ledger: NotificationState, board: ControllerStatus
    ) -> tuple[list[tuple[Message, NotificationState]], NotificationState]:
        """Return each message with the ledger once it is delivered, and the ledger at the end."""
        found, messages = snapshot_targets(board), []
        ledger = drop_removed_targets(ledger, board)
        notices, ledger = find_changes(ledger, found)
        if notices:
            messages.append((notification.told(notices), ledger))
        if daily := build_summary(ledger, board, found, self._round.heartbeat):
            ledger = replace(ledger, last_summary=daily.at)
            messages.append((notification.summary(daily), ledger))
        return messages, ledger

    def _sent(self, name: str, receiver: Receiver, message: Message) -> bool:
        pause = self._pauses[name]
        if receiver.send(message.title, message.body, message.severity):
            self._pauses[name] = _Pause()
            self._heard.delivered(receiver.name, message)
            return True
        seconds = _PAUSE * 2 ** min(pause.failures, _DOUBLED)
        pause.failures += 1
        pause.until = self._round.timer.monotonic() + seconds
        self._heard.failed(receiver.name, pause.failures, seconds)
        return False
