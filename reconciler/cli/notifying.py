"""Has people notified while a controller runs, in a thread of its own: nothing waits for it."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import settings
from reconciler.cli import EXIT_FAILED
from reconciler.cli.choices import Choices
from reconciler.cli.journals import Journals
from reconciler.core.board import Board
from reconciler.edge import logs
from reconciler.edge.metrics import Metrics
from reconciler.edge.system import SystemClock
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.edge.notify import AppriseReceiver
    from reconciler.render.notice import Message

_GLANCE = 15.0
"""Seconds from one look to the next where nothing happens: some news is that nothing happened."""
_GATHER = 2.0
"""Seconds for which a message waits for what happens at the same time."""
_LEAVE = 3.0
"""Seconds that a last delivery is given when the process ends; what is left is told after the next start."""
_CLOSE = 1.0
"""Seconds that the rest of the process is given after that, where a delivery still hangs."""


class Addresses:
    """Who is to be told: a variable, or a file that is looked at anew each time, so that it can change.

    Raises click.UsageError and click.ClickException where that names nobody who can be reached.
    """

    def __init__(self, here: Settings) -> None:
        if here.notify_urls and here.notify_urls_file:
            raise click.UsageError("RECONCILER_NOTIFY_URLS and RECONCILER_NOTIFY_URLS_FILE: set one of them")
        self._file = Path(here.notify_urls_file) if here.notify_urls_file else None
        self.any = bool(here.notify_urls or self._file)
        self._text: str | None = here.notify_urls
        self._receivers: tuple[AppriseReceiver, ...] = ()
        if self.any:
            self._begin()

    def __call__(self) -> tuple[AppriseReceiver, ...]:
        """Return them as they are now; where what is new is wrong, as they were."""
        if self._file is None:
            return self._receivers
        try:
            text = _text(self._file)
        except (OSError, UnicodeDecodeError):
            return self._receivers  # as while it is replaced
        if text != self._text:
            self._text = text
            self._take(text)
        return self._receivers

    def _begin(self) -> None:
        from reconciler.edge.notify import NotInstalled, WrongReceiver, receivers  # noqa: PLC0415 - only who wants it

        name = "RECONCILER_NOTIFY_URLS"
        if self._file:
            name = f"RECONCILER_NOTIFY_URLS_FILE {self._file}"
            try:
                self._text = _text(self._file)
            except (OSError, UnicodeDecodeError) as error:
                raise click.UsageError(f"{name}: cannot be read") from error
        try:
            self._receivers = receivers(self._text or "")
        except NotInstalled as error:
            said = "notifications are not installed: pip install 'appintegrations-reconciler[notify]'"
            raise click.ClickException(said) from error
        except WrongReceiver as error:
            raise click.UsageError(f"{name}: {error}") from error
        if not self._receivers:
            raise click.UsageError(f"{name}: names nobody; write URLs of apprise, between blanks or on lines")

    def _take(self, text: str) -> None:
        from reconciler.edge.notify import WrongReceiver, receivers  # noqa: PLC0415 - as above

        try:
            self._receivers = receivers(text)
        except WrongReceiver as error:
            logs.logger().error(logs.RECEIVERS_REFUSED, error=str(error))
        else:
            logs.logger().info(logs.RECEIVERS_TAKEN, receivers=[each.name for each in self._receivers])


class Tidings:
    """Has a thread that tells people, once it is begun; where nobody is to be told, nothing happens."""

    def __init__(self, begin: Callable[[Callable[[], Board]], Callable[[], None]] | None) -> None:
        self._begin = begin
        self._news, self._ending = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def poke(self) -> None:
        """Say that there may be news."""
        self._news.set()

    def begin(self, board: Callable[[], Board]) -> None:
        """Tell, from now on, how all stands on a board."""
        if self._begin:
            tell = self._begin(board)
            self._thread = threading.Thread(target=self._tell, args=(tell,), name="notifications", daemon=True)
            self._thread.start()

    def end(self, code: int, leave: float = _LEAVE) -> None:
        """Tell what is left, if that is done in a moment; else see to it that the process ends, with a code.

        What hangs in a thread of apprise would hold it up: Python waits for threads of a pool.
        """
        self._ending.set()
        self._news.set()
        if self._thread:
            self._thread.join(leave)
            if self._thread.is_alive():
                watchdog = threading.Timer(_CLOSE, os._exit, args=(code,))
                watchdog.daemon = True
                watchdog.start()

    def _tell(self, tell: Callable[[], None]) -> None:
        last = False
        while not last:
            if self._news.wait(_GLANCE):
                self._ending.wait(_GATHER)
            self._news.clear()
            last = self._ending.is_set()
            try:
                tell()
            except Exception as error:  # noqa: BLE001 - a thread that ends by an error tells nothing ever after
                logs.logger().error(logs.PASS_FAILED, what="notifications", error=f"{type(error).__name__}")


@contextmanager
def notifying(choices: Choices, places: tuple[str, ...], every: timedelta, metrics: Metrics) -> Iterator[Tidings]:
    """Have people notified while the block runs, if any are named. Raises click.UsageError and click.ClickException."""
    addresses = Addresses(settings.read())
    tidings = Tidings(_beginning(choices, places, every, metrics, addresses) if addresses.any else None)
    code = EXIT_FAILED
    try:
        yield tidings
        code = 0
    finally:
        tidings.end(code)


def _beginning(
    choices: Choices, places: tuple[str, ...], every: timedelta, metrics: Metrics, addresses: Addresses
) -> Callable[[Callable[[], Board]], Callable[[], None]]:
    from reconciler.cli.courier import Courier, Round  # noqa: PLC0415 - only who wants it
    from reconciler.cli.ledgers import Ledgers  # noqa: PLC0415

    store = None if choices.dry_run else Journals.of(choices).beside("notices.json")
    heard = _Heard(metrics)
    scope = scope_of(choices, places)

    def begin(board: Callable[[], Board]) -> Callable[[], None]:
        def named() -> list[tuple[str, AppriseReceiver]]:
            return [(f"{scope} {each.name}", each) for each in addresses()]

        return Courier(Round(board, named, every, SystemClock()), Ledgers(store, heard.troubled), heard).go

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


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
