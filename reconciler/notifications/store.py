"""What receivers were told, as it is kept beside the journal: never the reason why anything else waits or fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from reconciler import redaction
from reconciler.core.errors import StateConflict, StateError
from reconciler.core.notifications.state import NotificationState, decode, encode
from reconciler.edge.state.store import Store

_TRIES = 3


class Ledgers:
    """The ledger of each receiver. Where the store fails, memory serves, and `troubled` is told why, once.

    Without a store (a dry run writes nothing) they last as long as the process. `now` tells which times to believe.
    """

    def __init__(self, store: Store | None, troubled: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._store, self._troubled, self._now = store, troubled, now
        self._ledgers: dict[str, NotificationState] = {}
        self._version: str | None = None
        self._trouble = ""
        self._claimed = False
        self._read = store is None

    def __getitem__(self, receiver: str) -> NotificationState:
        """Return what a receiver was told."""
        return self._ledgers.get(receiver, NotificationState()).without_future_times(self._now())

    def known(self) -> bool:
        """Tell whether it is known what people were told before this process began; look, where it is not yet."""
        if not self._read:
            with self.held():
                pass
        return self._read

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Read them anew and let no other process of this machine tell meanwhile; False where another one does."""
        if not self._store:
            yield True
            return
        free = True
        try:
            try:
                free = self._claimed = self._store.claim()
                self._load()
            except StateError as error:
                self._say(str(error))
            yield free
        finally:
            self._claimed = False
            self._store.release()

    def keep(self, receiver: str, ledger: NotificationState) -> None:
        """Remember what a receiver was told; within `held`."""
        self._ledgers[receiver] = ledger.merge(self[receiver])
        if not self._store or not self._claimed:
            return
        said = ""
        for _ in range(_TRIES):
            try:
                self._version = self._store.put(json.dumps(encode(self._ledgers), indent=1), self._version)
            except StateConflict as error:
                said = str(error)
                self._reload()
            except StateError as error:
                said = str(error)
                break
            else:
                self._trouble = "" if self._read else self._trouble
                return
        self._say(said)

    def _reload(self) -> None:
        try:
            self._load()
        except StateError as error:
            self._say(str(error))

    def _load(self) -> None:
        """Bring in what is kept. Where nothing is, nothing was told: so it is at a first start. Raises StateError."""
        assert self._store
        stored = self._store.load()
        self._version = stored.version if stored else None
        try:
            kept = decode(json.loads(stored.text)) if stored else {}
        except (ValueError, RecursionError) as error:
            kept = {}
            self._say(f"{self._store.place} is not understood, and begun anew: {redaction.describe_error(error)}")
        self._read = True
        for receiver, ledger in kept.items():
            self._ledgers[receiver] = self[receiver].merge(ledger.without_future_times(self._now()))

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._troubled(trouble)
