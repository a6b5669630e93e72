"""Keep the history of a controller beside the journals, so that it survives a restart. A failure stops no run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from reconciler import redaction
from reconciler.app.config import RunConfig
from reconciler.app.notifications import compute_scope
from reconciler.app.state import Journals
from reconciler.core.controller.run_history import RunHistory, decode, encode
from reconciler.core.errors import ReconcilerError, StateConflict
from reconciler.edge import logs
from reconciler.edge.state.store import Store

_SAVE_INTERVAL = 60.0
"""Seconds between two writes, if there was a run. A process that is killed loses the runs since the last one."""
_STOP_TIMEOUT = 3.0
"""Timeout in seconds of the last write at the end of the process."""


class HistoryOwner(Protocol):
    """The controller, as far as its history is concerned."""

    def get_history(self) -> RunHistory:
        """Return the current history."""

    def restore_history(self, earlier: RunHistory) -> None:
        """Add an earlier history."""


class HistoryStore:
    """The stored history of one controller. `on_error` receives the reason of a failure once."""

    def __init__(self, store: Store, owner: HistoryOwner, on_error: Callable[[str], None]) -> None:
        self._store, self._owner, self._on_error = store, owner, on_error
        self._version: str | None = None
        self._is_loaded = False
        self._saved: RunHistory | None = None
        self._last_error = ""

    def synchronise(self) -> None:
        """Load the stored history unless it is loaded, and save the current one if it has changed."""
        if self._is_loaded and self._owner.get_history() == self._saved:
            return
        try:
            if not self._store.claim():
                return  # another process of this machine saves it
            try:
                self._load()
                self._save()
            finally:
                self._store.release()
        except StateConflict:
            self._is_loaded = False  # another machine has saved it: the next call adds that history to this one
        except ReconcilerError as error:
            self._report_error(str(error))
        else:
            self._last_error = ""

    def _load(self) -> None:
        if self._is_loaded:
            return
        stored = self._store.load()
        self._version = stored.version if stored else None
        self._is_loaded = True
        if stored is None:
            return
        try:
            self._owner.restore_history(decode(json.loads(stored.text)))
        except (ValueError, RecursionError) as error:
            self._report_error(
                f"{self._store.place} is malformed, and a new one replaces it: {redaction.describe_error(error)}"
            )

    def _save(self) -> None:
        history = self._owner.get_history()
        self._version = self._store.put(json.dumps(encode(history), separators=(",", ":")), self._version)
        self._saved = history

    def _report_error(self, message: str) -> None:
        if message != self._last_error:
            self._last_error = message
            self._on_error(message)


@contextmanager
def keep_history(config: RunConfig, places: tuple[str, ...], owner: HistoryOwner) -> Iterator[None]:
    """Keep the history while the block runs, and save it at the end. A dry run, which writes nothing, keeps none."""
    if config.dry_run:
        yield
        return
    document = f"runs-{compute_scope(config, places)}.json"
    history_store = HistoryStore(Journals.from_config(config).location.open_store(document), owner, _log_error)
    stop = threading.Event()
    thread = threading.Thread(
        target=save_until_stop, args=(history_store.synchronise, stop), name="run history", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_TIMEOUT)


def save_until_stop(synchronise: Callable[[], None], stop: threading.Event) -> None:
    """Save the history every minute, and for the last time after the stop: a run may end during an earlier save."""
    is_last = False
    while not is_last:
        is_last = stop.is_set()
        try:
            synchronise()
        except Exception as error:  # noqa: BLE001 - after an error, the thread must still save later runs
            logs.get_logger().error(
                logs.events.UNEXPECTED_ERROR, what="run history", error=redaction.describe_error(error)
            )
        if not is_last:
            stop.wait(_SAVE_INTERVAL)


def _log_error(message: str) -> None:
    logs.get_logger().warning(logs.events.RUN_HISTORY_NOT_SAVED, error=message)
