"""Writes the journal into a store: compared and swapped, by one run at a time under a lease."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace

from reconciler.core.errors import LeaseHeld, StateConflict, StateError, StateWriteUnknown, VersionConflict
from reconciler.core.journal.codec import MalformedJournal, decode, encode
from reconciler.core.journal.records import LEASE_DURATION, Journal, LastWrite, Lease
from reconciler.core.ports import Clock, Timer
from reconciler.core.text import timestamp
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import Store

_MAX_TRIES = 3
"""How often answers are written again where the journal moves under them, or the store does not answer."""


@dataclass(frozen=True, slots=True)
class JournalAuthor:
    """Who writes: `run` is an id that no other run has, `holder` tells people who it is, `host` where it runs."""

    run: str
    holder: str
    host: str
    revision: str | None = None


class StoredJournalWriter:
    """Writes the journal of one account and Region. `timeout` is how many seconds to wait for another's lease."""

    def __init__(  # noqa: PLR0913 - where, who, and when
        self,
        store: Store,
        reader: StoredJournalReader,
        author: JournalAuthor,
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
        has_decisions_only = new.records == expected.records
        suppression = suppress(LeaseHeld, StateConflict) if has_decisions_only else nullcontext()
        with suppression, self._hold_claim(expected, wait=not has_decisions_only):
            self.put(self.with_next_serial(replace(new, lease=None), expected), self._reader.get_version(expected))

    @contextmanager
    def lease(self, expected: Journal, new: Journal) -> Iterator[StoredLeasedJournal]:
        """Do so, and take the lease in the same write."""
        with self._hold_claim(expected, wait=True):
            journal = self._with_lease(new, expected, expected.serial + 1)
            yield StoredLeasedJournal(self, *self.put(journal, self._reader.get_version(expected)))

    def unlock(self, expected: Journal) -> None:
        """Take the lease from whoever holds it, where the journal still is `expected`. Raises StateError.

        LeaseHeld where a living process of this machine holds it.
        """
        if not self._store.claim():
            raise LeaseHeld(f"{self._store.place} is held by a living process of this machine: end that first")
        try:
            self.put(self.with_next_serial(replace(expected, lease=None), expected), self._reader.get_version(expected))
        finally:
            self._store.release()

    def with_renewed_lease(self, new: Journal, leased: Journal) -> Journal:
        """Return a journal to write with the lease that `leased` has, for another term. Raises StateConflict."""
        assert leased.lease
        if self._clock.now() >= leased.lease.expires:
            raise StateConflict(f"the lease of {self._store.place} has expired")
        return self._with_lease(new, leased, leased.lease.number)

    def with_next_serial(self, new: Journal, previous: Journal) -> Journal:
        """Return a journal as it is to be written after another."""
        return replace(
            new,
            lineage=previous.lineage or self._new_lineage(),
            serial=previous.serial + 1,
            last_write=LastWrite(self._author.run, self._clock.now(), self._author.revision),
        )

    def put(self, journal: Journal, version: str | None) -> tuple[Journal, str]:
        """Replace one version of the journal, and return it with its own. Raises StateConflict and StateError.

        Where the store's answer was lost, or says that something else is there, what is there tells: the journal holds
        this run's id, so that what reads the same was written by this very call.
        """
        text = json.dumps(encode(journal), indent=2) + "\n"
        self._require_readable(text)
        try:
            new_version = self._store.put(text, version)
        except (StateConflict, StateWriteUnknown) as error:
            stored = self._store.load()
            if stored and stored.version == version and isinstance(error, VersionConflict):
                raise StateError(
                    f"the journal {self.place} was not written: nobody else wrote it, but its version is another to "
                    "S3 than in S3's answers: reach S3 without what changes those, such as a proxy that compresses them"
                ) from error
            if stored is None or stored.text != text:
                raise
            new_version = stored.version
        self._reader.note(journal, new_version)
        return journal, new_version

    def _require_readable(self, text: str) -> None:
        """Refuse to write what no later run could read. Raises StateError."""
        try:
            decode(json.loads(text))
        except MalformedJournal as error:
            raise StateError(
                f"the journal {self.place} was not written, since it could not be read again: {error}"
            ) from error

    def read(self) -> tuple[Journal, str | None]:
        """Return the journal as it is now, and its version. Raises StateError."""
        journal = self._reader.read()
        return journal, self._reader.get_version(journal)

    def _with_lease(self, new: Journal, previous: Journal, number: int) -> Journal:
        expires = self._clock.now() + LEASE_DURATION
        lease = Lease(self._author.run, self._author.holder, self._author.host, number, expires)
        return replace(self.with_next_serial(new, previous), lease=lease)

    @contextmanager
    def _hold_claim(self, expected: Journal, *, wait: bool) -> Iterator[None]:
        """Wait until nobody else writes, and keep it so."""
        journal, deadline = expected, self._timer.monotonic() + (self._timeout if wait else 0)
        while not self._claim(journal):
            if self._timer.monotonic() >= deadline:
                raise LeaseHeld(self._describe_holder(journal.lease))
            self._timer.sleep(0.1 if self._store.is_exclusive else 1)
            journal = self._reader.read()
        try:
            yield
        finally:
            self._store.release()

    def _claim(self, journal: Journal) -> bool:
        """Claim the store, unless another run has the lease."""
        if not self._store.claim():
            return False
        if self._is_free(journal.lease):
            return True
        self._store.release()
        return False

    def _describe_holder(self, lease: Lease | None) -> str:
        holder = f"{lease.holder} until {timestamp(lease.expires)}" if lease else "another process"
        remedy = "wait for it, or raise --lock-timeout; reconcile unlock frees what a dead one left"
        return f"{self._store.place} is held by {holder}: {remedy}"

    def _is_free(self, lease: Lease | None) -> bool:
        """Tell whether a lease is nobody's: given back, expired, or of a process of this machine that is dead."""
        if lease is None or self._clock.now() >= lease.expires:
            return True
        return self._store.is_exclusive and lease.host == self._author.host


class StoredLeasedJournal:
    """The journal while one run has its lease."""

    def __init__(self, writer: StoredJournalWriter, journal: Journal, version: str | None) -> None:
        self._writer, self._journal, self._version = writer, journal, version

    @property
    def journal(self) -> Journal:
        """The journal as this run wrote it last."""
        return self._journal

    def write(self, change: Callable[[Journal], Journal]) -> Journal:
        """Write a change, and renew the lease. Raises StateConflict where it was lost, and StateError."""
        for _ in range(_MAX_TRIES):
            journal = self._writer.with_renewed_lease(change(self._journal), self._journal)
            try:
                self._journal, self._version = self._writer.put(journal, self._version)
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
            is_ours, new_journal = self._is_ours(journal), change(journal)
            if not is_ours and new_journal.has_same_content_as(journal):
                return
            final_journal = replace(new_journal, lease=None if is_ours else journal.lease)
            try:
                self._writer.put(self._writer.with_next_serial(final_journal, journal), version)
            except StateError:
                if tries == _MAX_TRIES:
                    raise
                journal, version = self._writer.read()
            else:
                return

    def _is_ours(self, journal: Journal) -> bool:
        own_lease, lease = self._journal.lease, journal.lease
        return bool(own_lease and lease and (lease.run, lease.number) == (own_lease.run, own_lease.number))

    def confirm(self) -> None:
        """Look whether the lease still is this run's. Raises StateConflict where it was lost, and StateError."""
        journal, version = self._writer.read()
        if not self._is_ours(journal):
            state = f"{journal.lease.holder} has it" if journal.lease else "it was freed"
            raise StateConflict(f"the lease of {self._writer.place} was lost: {state}")
        self._journal, self._version = journal, version
