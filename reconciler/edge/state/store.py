"""Where one journal is kept: a text that is replaced whole, and only by who knows what it replaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """A text as it was found. `version` tells it from every other that stood there before or will stand there."""

    text: str
    version: str


class Source(Protocol):
    """A place for one text, as far as it can be read."""

    @property
    def place(self) -> str:
        """Where it is, for messages: a path or a URL."""

    def load(self) -> Stored | None:
        """Return what is there, None where nothing is. Raises StateError."""


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """What is left of a store where nothing may be written."""

    place: str
    load: Callable[[], Stored | None]

    @classmethod
    def of(cls, store: Store) -> ReadOnly:
        """Return the reading half of a store."""
        return cls(store.place, store.load)


class Store(Source, Protocol):
    """A place for one text, with compare-and-swap."""

    @property
    def exclusive(self) -> bool:
        """Whether `claim` proves that no other process of this machine is at work here."""

    def put(self, text: str, version: str | None) -> str:
        """Replace exactly `version` (None: only where nothing is), for good, and return the new version.

        The caller has claimed the place. Raises StateMoved where something else stood there, StateUncertain where
        nobody knows whether the text was written, and StateError where it was not.
        """

    def claim(self) -> bool:
        """Take this machine's lock on the place, without waiting; False where another process has it.

        The kernel frees it when its holder dies. A store that machines share has none, and says True.
        Raises StateError.
        """

    def release(self) -> None:
        """Free the lock. Never raises."""
