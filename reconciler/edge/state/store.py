"""Where one journal is kept: a text that is replaced whole, and only by who knows what it replaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text as it was found. `version` tells it from every other that stood there before or will stand there."""

    text: str
    version: str


class ReadableStore(Protocol):
    """A place for one text, as far as it can be read."""

    @property
    def place(self) -> str:
        """Where it is, for messages: a path or a URL."""

    def load(self) -> StoredText | None:
        """Return what is there, None where nothing is. Raises StateError."""


@dataclass(frozen=True, slots=True)
class ReadOnlyStore:
    """What is left of a store where nothing may be written."""

    place: str
    load: Callable[[], StoredText | None]

    @classmethod
    def from_store(cls, store: Store) -> ReadOnlyStore:
        """Return the reading half of a store."""
        return cls(store.place, store.load)


@dataclass(frozen=True, slots=True)
class UncheckedWrite:
    """A permission to write that cannot be checked without writing: why not, and what to make sure of."""

    reason: str
    remedy: str


class StateLocation(Protocol):
    """The place of all journals of an installation."""

    @property
    def name(self) -> str:
        """Where it is, for messages: a path or a URL."""

    @property
    def is_shared(self) -> bool:
        """Whether several machines can use it."""

    @property
    def restore_remedy(self) -> str:
        """What to do if a journal that was there is missing."""

    @property
    def unchecked_write(self) -> UncheckedWrite | None:
        """What no check can find out here; None if `find_obstacle` and `find_file_obstacle` find it out."""

    def open_store(self, document: str) -> Store:
        """Return the store of one document, by its file name."""

    def find_obstacle(self) -> str | None:
        """Return why nothing can be written here, as far as that shows without writing; None if nothing shows."""

    def find_file_obstacle(self, document: str) -> str | None:
        """Return which existing file of a document a run cannot open; None if it can open all of them."""


class Store(ReadableStore, Protocol):
    """A place for one text, with compare-and-swap."""

    @property
    def is_exclusive(self) -> bool:
        """Whether `claim` proves that no other process of this machine is at work here."""

    def put(self, text: str, version: str | None) -> str:
        """Replace exactly `version` (None: only where nothing is), for good, and return the new version.

        The caller has claimed the place. Raises StateConflict where something else stood there, StateWriteUnknown where
        nobody knows whether the text was written, and StateError where it was not.
        """

    def claim(self) -> bool:
        """Take this machine's lock on the place, without waiting; False where another process has it.

        The kernel frees it when its holder dies. A store that machines share has none, and says True.
        Raises StateError.
        """

    def release(self) -> None:
        """Free the lock. Never raises."""
