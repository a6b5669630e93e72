"""Store the notification state beside the journal. A failure of the store never stops a notification."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from reconciler import redaction
from reconciler.core.errors import StateConflict, StateError
from reconciler.core.notifications.state import NotificationState, decode, encode
from reconciler.edge.state.store import Store

_MAX_ATTEMPTS = 3


class NotificationStore:
    """The notification state of each receiver, in memory and in a store.

    If the store fails, the state stays in memory, and `on_error` receives the reason once. Without a store, as in a dry
    run, the state lasts as long as the process. Times in the state that are later than `now()` are ignored.
    """

    def __init__(self, store: Store | None, on_error: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._store, self._on_error, self._now = store, on_error, now
        self._states: dict[str, NotificationState] = {}
        self._version: str | None = None
        self._last_error = ""
        self._is_locked = False
        self._is_loaded = store is None

    def __getitem__(self, receiver: str) -> NotificationState:
        """Return the notification state of a receiver."""
        return self._states.get(receiver, NotificationState()).without_future_times(self._now())

    def ensure_loaded(self) -> bool:
        """Load the stored state unless it is loaded already. Return whether it is loaded."""
        if not self._is_loaded:
            with self.lock():
                pass
        return self._is_loaded

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Lock the store against other processes of this machine, and load it again.

        Yield False if another process holds the lock.
        """
        if not self._store:
            yield True
            return
        is_locked = True
        try:
            try:
                is_locked = self._is_locked = self._store.claim()
                self._load()
            except StateError as error:
                self._report_error(str(error))
            yield is_locked
        finally:
            self._is_locked = False
            self._store.release()

    def save(self, receiver: str, state: NotificationState) -> None:
        """Save the notification state of a receiver. Call this within `lock`."""
        self._states[receiver] = state.merge(self[receiver])
        if not self._store or not self._is_locked:
            return
        message = ""
        for _ in range(_MAX_ATTEMPTS):
            try:
                self._version = self._store.put(json.dumps(encode(self._states), indent=1), self._version)
            except StateConflict as error:
                message = str(error)
                self._reload()
            except StateError as error:
                message = str(error)
                break
            else:
                self._last_error = "" if self._is_loaded else self._last_error
                return
        self._report_error(message)

    def _reload(self) -> None:
        try:
            self._load()
        except StateError as error:
            self._report_error(str(error))

    def _load(self) -> None:
        """Merge the stored state into the state in memory. Raises StateError.

        A missing state counts as empty, as at the first start.
        """
        assert self._store
        stored = self._store.load()
        self._version = stored.version if stored else None
        try:
            stored_states = decode(json.loads(stored.text)) if stored else {}
        except (ValueError, RecursionError) as error:
            stored_states = {}
            self._report_error(
                f"{self._store.place} is malformed, and a new one replaces it: {redaction.describe_error(error)}"
            )
        self._is_loaded = True
        for receiver, state in stored_states.items():
            self._states[receiver] = self[receiver].merge(state.without_future_times(self._now()))

    def _report_error(self, message: str) -> None:
        if message != self._last_error:
            self._last_error = message
            self._on_error(message)
