"""Stores for journals. A writer replaces the whole text of a store, and must know the version that it replaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredText:
    """The text of a store. Each text that the store ever contains has a different `version`."""

    text: str
    version: str


class ReadableStore(Protocol):
    """A store of one text, without write access."""

    @property
    def place(self) -> str:
        """The path or URL of the store, for messages."""

    def load(self) -> StoredText | None:
        """Return the stored text, or None if there is none. Raises StateError."""


@dataclass(frozen=True, slots=True)
class ReadOnlyStore:
    """A `ReadableStore` that gives access to the `load` method of a store only."""

    place: str
    load: Callable[[], StoredText | None]

    @classmethod
    def from_store(cls, store: Store) -> ReadOnlyStore:
        """Return a read-only view of a store."""
        return cls(store.place, store.load)


@dataclass(frozen=True, slots=True)
class UncheckedWrite:
    """A write permission that cannot be checked without a write: the reason, and what the user must make sure of."""

    reason: str
    remedy: str


class StateLocation(Protocol):
    """The location of the journals of an installation."""

    @property
    def name(self) -> str:
        """The path or URL of the location, for messages."""

    @property
    def is_shared(self) -> bool:
        """True if several machines can use the location."""

    @property
    def restore_remedy(self) -> str:
        """The advice for a user whose existing journal is missing."""

    @property
    def unchecked_write(self) -> UncheckedWrite | None:
        """The write permission that no check covers. None if `find_obstacle` and `find_file_obstacle` cover it."""

    def open_store(self, document: str) -> Store:
        """Return the store of the document with this file name."""

    def find_obstacle(self) -> str | None:
        """Return why the location cannot be written, or None if no obstacle is visible without a write."""

    def find_file_obstacle(self, document: str) -> str | None:
        """Return why a run cannot open an existing side file of a document, or None if it can open each of them."""


class Store(ReadableStore, Protocol):
    """A store of one text, with compare-and-swap."""

    @property
    def is_exclusive(self) -> bool:
        """True if a successful `claim` proves that no other process of this machine uses the store."""

    def put(self, text: str, version: str | None) -> str:
        """Replace the text durably if it has this version, and return the new version.

        The version None means that there must be no text. The caller must have claimed the store. Raises StateConflict
        if the store has another version, StateWriteUnknown if it is unknown whether the text was written, and
        StateError if the text was not written. A store whose version may change without a writer raises
        VersionConflict instead of StateConflict.
        """

    def claim(self) -> bool:
        """Acquire this machine's lock on the store without waiting. Return False if another process holds it.

        The kernel releases the lock if its holder dies. A store that several machines share has no lock and returns
        True. Raises StateError.
        """

    def release(self) -> None:
        """Release the lock. Never raises."""
