"""Has people notified while a controller runs: who is told, what is remembered of it, and who hears how it went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler import settings
from reconciler.cli import EXIT_FAILED
from reconciler.cli.addressees import Addressees
from reconciler.cli.choices import Choices
from reconciler.cli.journals import Journals
from reconciler.core.controller.status import Board
from reconciler.edge import logs
from reconciler.edge.clock import SystemClock
from reconciler.edge.metrics import Metrics
from reconciler.notifications.thread import Tidings

if TYPE_CHECKING:
    from reconciler.edge.apprise import AppriseReceiver
    from reconciler.render.notification import Message


@contextmanager
def notifying(choices: Choices, places: tuple[str, ...], every: timedelta, metrics: Metrics) -> Iterator[Tidings]:
    """Have people notified while the block runs, if any are named. Raises click.UsageError and click.ClickException."""
    addressees = Addressees(settings.read())
    tidings = Tidings(_beginning(choices, places, every, metrics, addressees) if addressees.any else None)
    code = EXIT_FAILED
    try:
        yield tidings
        code = 0
    finally:
        tidings.end(code)


def _beginning(
    choices: Choices, places: tuple[str, ...], every: timedelta, metrics: Metrics, addressees: Addressees
) -> Callable[[Callable[[], Board]], Callable[[], None]]:
    from reconciler.notifications.dispatcher import Courier, Round
    from reconciler.notifications.store import Ledgers

    store = None if choices.dry_run else Journals.of(choices).beside("notices.json")
    heard, clock = _Heard(metrics), SystemClock()
    scope = scope_of(choices, places)

    def begin(board: Callable[[], Board]) -> Callable[[], None]:
        def named() -> list[tuple[str, AppriseReceiver]]:
            return [(f"{scope} {each.name}", each) for each in addressees()]

        return Courier(Round(board, named, every, clock), Ledgers(store, heard.troubled, clock.now), heard).go

    return begin


def scope_of(choices: Choices, places: tuple[str, ...]) -> str:
    """Return what is the same for controllers that do the same: of others on one state, none is told what it told."""
    return hashlib.sha256(json.dumps([places, sorted(choices.targets)]).encode()).hexdigest()[:8]


class _Heard:
    """What becomes of messages, as log lines and counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def delivered(self, receiver: str, message: Message) -> None:
        """Log and count a message that was taken."""
        self._metrics.told("delivered")
        logs.logger().info(logs.NOTICE_DELIVERED, receiver=receiver, title=message.title)

    def failed(self, receiver: str, failures: int, pause: float) -> None:
        """Log and count one that was not."""
        self._metrics.told("failed")
        logs.logger().warning(logs.NOTICE_NOT_DELIVERED, receiver=receiver, failures=failures, again=pause)

    def troubled(self, trouble: str) -> None:
        """Log why people may be told again what they were told."""
        logs.logger().warning(logs.LEDGER_TROUBLED, error=trouble)
