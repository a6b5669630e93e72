"""Writes the journal into a store: compared and swapped, by one run at a time under a lease."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace

from reconciler.core.errors import LeaseHeld, StateConflict, StateError, StateWriteUnknown, VersionConflict
from reconciler.core.journal.codec import MalformedJournal, decode, encode
from reconciler.core.journal.records import LEASE, Journal, Lease, Written
from reconciler.core.ports import Clock, Timer
from reconciler.core.text import timestamp
from reconciler.edge.state.reader import JournalReader
from reconciler.edge.state.store import Store

_TRIES = 3
"""How often answers are written again where the journal moves under them, or the store does not answer."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes: `run` is an id that no other run has, `holder` tells people who it is, `host` where it runs."""

    run: str
    holder: str
    host: str
    revision: str | None = None


class JournalWriter:
    """Writes the journal of one account and Region. `timeout` is how many seconds to wait for another's lease."""

    def __init__(  # noqa: PLR0913 - where, who, and when
        self,
        store: Store,
        reader: JournalReader,
        author: Author,
        clock: Clock,
        timer: Timer,
        *,
        timeout: float,
        new_lineage: Callable[[], str],
    ) -> None:
        self._store, self._reader, self._author = store, reader, author
        self._clock, self._timer, self._timeout = clock, timer, timeout
        self._new_lineage = new_lineage

    @property
    def place(self) -> str:
        """Where the journal is, for messages."""
        return self._store.place

    def swap(self, expected: Journal, new: Journal) -> None:
        """Write `new` where the journal still is `expected`. Raises LeaseHeld, StateConflict and StateError.

        Where only decisions are to be noted, and another run has the lease or was faster, nothing is written: it notes
        its own.
        """
        only_noted = new.records == expected.records
        lenient = suppress(LeaseHeld, StateConflict) if only_noted else nullcontext()
        with lenient, self._claimed(expected, wait=not only_noted):
            self.put(self.numbered(replace(new, lease=None), expected), self._reader.version_of(expected))

    @contextmanager
    def lease(self, expected: Journal, new: Journal) -> Iterator[LeasedJournal]:
        """Do so, and take the lease in the same write."""
        with self._claimed(expected, wait=True):
            leased = self._leased(new, expected, expected.serial + 1)
            yield LeasedJournal(self, *self.put(leased, self._reader.version_of(expected)))

    def unlock(self, expected: Journal) -> None:
        """Take the lease from whoever holds it, where the journal still is `expected`. Raises StateError.

        LeaseHeld where a living process of this machine holds it.
        """
        if not self._store.claim():
            raise LeaseHeld(f"{self._store.place} is held by a living process of this machine: end that first")
        try:
            self.put(self.numbered(replace(expected, lease=None), expected), self._reader.version_of(expected))
        finally:
            self._store.release()

    def renewed(self, new: Journal, held: Journal) -> Journal:
        """Return a journal to write with the lease that `held` has, for another term. Raises StateConflict."""
        assert held.lease
        if self._clock.now() >= held.lease.expires:
            raise StateConflict(f"the lease of {self._store.place} has expired")
        return self._leased(new, held, held.lease.number)

    def numbered(self, new: Journal, found: Journal) -> Journal:
        """Return a journal as it is to be written after another."""
        return replace(
            new,
            lineage=found.lineage or self._new_lineage(),
            serial=found.serial + 1,
            written=Written(self._author.run, self._clock.now(), self._author.revision),
        )

    def put(self, journal: Journal, version: str | None) -> tuple[Journal, str]:
        """Replace one version of the journal, and return it with its own. Raises StateConflict and StateError.

        Where the store's answer was lost, or says that something else is there, what is there tells: the journal holds
        this run's id, so that what reads the same was written by this very call.
        """
        text = json.dumps(encode(journal), indent=2) + "\n"
        self._require_readable(text)
        try:
            new = self._store.put(text, version)
        except (StateConflict, StateWriteUnknown) as error:
            stored = self._store.load()
            if stored and stored.version == version and isinstance(error, VersionConflict):
                raise StateError(
                    f"the journal {self.place} was not written: nobody else wrote it, but its version is another to "
                    "S3 than in S3's answers: reach S3 without what changes those, such as a proxy that compresses them"
                ) from error
            if stored is None or stored.text != text:
                raise
            new = stored.version
        self._reader.note(journal, new)
        return journal, new

    def _require_readable(self, text: str) -> None:
        """Refuse to write what no later run could read. Raises StateError."""
        try:
            decode(json.loads(text))
        except MalformedJournal as error:
            raise StateError(
                f"the journal {self.place} was not written, since it could not be read again: {error}"
            ) from error

    def found(self) -> tuple[Journal, str | None]:
        """Return the journal as it is now, and its version. Raises StateError."""
        found = self._reader.read()
        return found, self._reader.version_of(found)

    def _leased(self, new: Journal, found: Journal, number: int) -> Journal:
        expires = self._clock.now() + LEASE
        lease = Lease(self._author.run, self._author.holder, self._author.host, number, expires)
        return replace(self.numbered(new, found), lease=lease)

    @contextmanager
    def _claimed(self, expected: Journal, *, wait: bool) -> Iterator[None]:
        """Wait until nobody else writes, and keep it so."""
        found, deadline = expected, self._timer.monotonic() + (self._timeout if wait else 0)
        while not self._claim(found):
            if self._timer.monotonic() >= deadline:
                raise LeaseHeld(self._held_by(found.lease))
            self._timer.sleep(0.1 if self._store.exclusive else 1)
            found = self._reader.read()
        try:
            yield
        finally:
            self._store.release()

    def _claim(self, found: Journal) -> bool:
        """Claim the store, unless another run has the lease."""
        if not self._store.claim():
            return False
        if self._free(found.lease):
            return True
        self._store.release()
        return False

    def _held_by(self, lease: Lease | None) -> str:
        holder = f"{lease.holder} until {timestamp(lease.expires)}" if lease else "another process"
        way_out = "wait for it, or raise --lock-timeout; reconcile unlock frees what a dead one left"
        return f"{self._store.place} is held by {holder}: {way_out}"

    def _free(self, lease: Lease | None) -> bool:
        """Tell whether a lease is nobody's: given back, expired, or of a process of this machine that is dead."""
        if lease is None or self._clock.now() >= lease.expires:
            return True
        return self._store.exclusive and lease.host == self._author.host


class LeasedJournal:
    """The journal while one run has its lease."""

    def __init__(self, writer: JournalWriter, journal: Journal, version: str | None) -> None:
        self._writer, self._journal, self._version = writer, journal, version

    @property
    def journal(self) -> Journal:
        """The journal as this run wrote it last."""
        return self._journal

    def write(self, change: Callable[[Journal], Journal]) -> Journal:
        """Write a change, and renew the lease. Raises StateConflict where it was lost, and StateError."""
        for _ in range(_TRIES):
            renewed = self._writer.renewed(change(self._journal), self._journal)
            try:
                self._journal, self._version = self._writer.put(renewed, self._version)
            except StateConflict:
                self.confirm()
            else:
                return self._journal
        raise StateConflict("others wrote the journal each time")

    def finish(self, change: Callable[[Journal], Journal]) -> None:
        """Write a change, and give the lease back; where it was lost, keep what others wrote. Raises StateError."""
        journal, version, tries = self._journal, self._version, 0
        while True:
            tries += 1
            ours, changed = self._is_ours(journal), change(journal)
            if not ours and changed.says_what(journal):
                return
            given_back = replace(changed, lease=None if ours else journal.lease)
            try:
                self._writer.put(self._writer.numbered(given_back, journal), version)
            except StateError:
                if tries == _TRIES:
                    raise
                journal, version = self._writer.found()
            else:
                return

    def _is_ours(self, journal: Journal) -> bool:
        ours, lease = self._journal.lease, journal.lease
        return bool(ours and lease and (lease.run, lease.number) == (ours.run, ours.number))

    def confirm(self) -> None:
        """Look whether the lease still is this run's. Raises StateConflict where it was lost, and StateError."""
        journal, version = self._writer.found()
        if not self._is_ours(journal):
            now = f"{journal.lease.holder} has it" if journal.lease else "it was freed"
            raise StateConflict(f"the lease of {self._writer.place} was lost: {now}")
        self._journal, self._version = journal, version
