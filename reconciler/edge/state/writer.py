"""Write the journal to a store with compare-and-swap. The lease allows one run at a time to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace

from reconciler.core.errors import LeaseHeld, StateConflict, StateError, StateWriteUnknown, VersionConflict
from reconciler.core.journal.codec import MalformedJournal, decode, encode
from reconciler.core.journal.records import LEASE_DURATION, Journal, LastWrite, Lease
from reconciler.core.ports import Clock, Timer
from reconciler.core.text import format_timestamp
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import Store

_MAX_TRIES = 3
"""Maximum attempts of a write if other processes change the journal, or if the store does not answer."""


@dataclass(frozen=True, slots=True)
class JournalAuthor:
    """The run that writes: its unique id, the name of the lease holder for messages, and its host."""

    run: str
    holder: str
    host: str
    revision: str | None = None


class StoredJournalWriter:
    """A writer of the journal of one account and Region.

    `timeout` is the maximum time to wait for the lease of another run, in seconds. `new_lineage` returns the lineage
    for a new journal.
    """

    def __init__(  # noqa: PLR0913 - the store, the author and the clocks are separate dependencies
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
        """The path or URL of the journal, for messages."""
        return self._store.place

    def swap(self, expected: Journal, new: Journal) -> None:
        """Write `new` if the journal still is `expected`. Raises LeaseHeld, StateConflict and StateError.

        If only decisions changed, and another run holds the lease or wrote first, nothing is written and nothing is
        raised: the other run records its own decisions.
        """
        has_decisions_only = new.records == expected.records
        suppression = suppress(LeaseHeld, StateConflict) if has_decisions_only else nullcontext()
        with suppression, self._hold_claim(expected, should_wait=not has_decisions_only):
            self.put(self.with_next_serial(replace(new, lease=None), expected), self._reader.get_version(expected))

    @contextmanager
    def lease(self, expected: Journal, new: Journal) -> Iterator[StoredLeasedJournal]:
        """Write `new` if the journal still is `expected`, and acquire the lease in the same write.

        The lease lasts until `StoredLeasedJournal.finish`, or until it expires. Raises LeaseHeld, StateConflict and
        StateError.
        """
        with self._hold_claim(expected, should_wait=True):
            journal = self._with_lease(new, expected, expected.serial + 1)
            yield StoredLeasedJournal(self, *self.put(journal, self._reader.get_version(expected)))

    def unlock(self, expected: Journal) -> None:
        """Free the lease of another run if the journal still is `expected`. Raises StateConflict and StateError.

        Raises LeaseHeld if a running process of this machine holds the lease.
        """
        if not self._store.claim():
            raise LeaseHeld(
                f"the lease of {self._store.place} is held by a running process of this machine: end that process first"
            )
        try:
            self.put(self.with_next_serial(replace(expected, lease=None), expected), self._reader.get_version(expected))
        finally:
            self._store.release()

    def with_renewed_lease(self, new: Journal, leased: Journal) -> Journal:
        """Return `new` with the renewed lease of `leased`. Raises StateConflict if that lease has expired."""
        assert leased.lease
        if self._clock.now() >= leased.lease.expires:
            raise StateConflict(f"the lease of {self._store.place} has expired")
        return self._with_lease(new, leased, leased.lease.number)

    def with_next_serial(self, new: Journal, previous: Journal) -> Journal:
        """Return `new` with the lineage and the next serial of `previous`, and with this run as its last writer."""
        return replace(
            new,
            lineage=previous.lineage or self._new_lineage(),
            serial=previous.serial + 1,
            last_write=LastWrite(self._author.run, self._clock.now(), self._author.revision),
        )

    def put(self, journal: Journal, version: str | None) -> tuple[Journal, str]:
        """Replace a version of the journal, and return the journal with its new version.

        After a lost answer or a conflict, the stored text is read and compared. A journal contains the id of its run,
        and an equal text was therefore written by this call. Raises StateConflict and StateError.
        """
        text = json.dumps(encode(journal), indent=2) + "\n"
        self._require_readable(text)
        try:
            new_version = self._store.put(text, version)
        except (StateConflict, StateWriteUnknown) as error:
            stored = self._store.load()
            if stored and stored.version == version and isinstance(error, VersionConflict):
                raise StateError(
                    f"the journal {self.place} was not written: no other process changed it, but "
                    f"{error.change_without_writer}"
                ) from error
            if stored is None or stored.text != text:
                raise
            new_version = stored.version
        self._reader.note(journal, new_version)
        return journal, new_version

    def _require_readable(self, text: str) -> None:
        """Reject a text that no later run could read. Raises StateError."""
        try:
            decode(json.loads(text))
        except MalformedJournal as error:
            raise StateError(
                f"the journal {self.place} was not written, because no later run could read it: {error}"
            ) from error

    def read(self) -> tuple[Journal, str | None]:
        """Return the current journal and its version. Raises StateError."""
        journal = self._reader.read()
        return journal, self._reader.get_version(journal)

    def _with_lease(self, new: Journal, previous: Journal, number: int) -> Journal:
        expires = self._clock.now() + LEASE_DURATION
        lease = Lease(self._author.run, self._author.holder, self._author.host, number, expires)
        return replace(self.with_next_serial(new, previous), lease=lease)

    @contextmanager
    def _hold_claim(self, expected: Journal, *, should_wait: bool) -> Iterator[None]:
        """Keep the store claimed while the block runs, after waiting for another run's lease.

        Without `should_wait`, raise LeaseHeld at once if the store is not free.
        """
        journal, deadline = expected, self._timer.monotonic() + (self._timeout if should_wait else 0)
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
        """Claim the store, and return whether that succeeded. It fails while another run holds the lease."""
        if not self._store.claim():
            return False
        if self._is_free(journal.lease):
            return True
        self._store.release()
        return False

    def _describe_holder(self, lease: Lease | None) -> str:
        holder = f"{lease.holder} until {format_timestamp(lease.expires)}" if lease else "another process"
        remedy = (
            "wait for that run, or raise --lock-timeout; "
            "if that run is dead, free its lease with reconcile unlock TARGET"
        )
        return f"nothing was written, because the lease of {self._store.place} is held by {holder}: {remedy}"

    def _is_free(self, lease: Lease | None) -> bool:
        """Return whether a lease is free: released, expired, or held by a dead process of this machine."""
        if lease is None or self._clock.now() >= lease.expires:
            return True
        return self._store.is_exclusive and lease.host == self._author.host


class StoredLeasedJournal:
    """The journal while this run holds its lease."""

    def __init__(self, writer: StoredJournalWriter, journal: Journal, version: str | None) -> None:
        self._writer, self._journal, self._version = writer, journal, version

    @property
    def journal(self) -> Journal:
        """The journal that this run last wrote."""
        return self._journal

    def write(self, change: Callable[[Journal], Journal]) -> Journal:
        """Write a change and renew the lease. Raises StateConflict if the lease was lost, and StateError."""
        for _ in range(_MAX_TRIES):
            journal = self._writer.with_renewed_lease(change(self._journal), self._journal)
            try:
                self._journal, self._version = self._writer.put(journal, self._version)
            except StateConflict:
                self.confirm()
            else:
                return self._journal
        raise StateConflict(
            f"the journal {self._writer.place} was changed by other processes in each of {_MAX_TRIES} attempts"
        )

    def finish(self, change: Callable[[Journal], Journal]) -> None:
        """Write a change and release the lease. Raises StateError.

        If the lease was lost, apply the change to the journal that the other processes wrote, and leave their lease.
        """
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
        """Confirm that this run still holds the lease. Raises StateConflict if the lease was lost, and StateError."""
        journal, version = self._writer.read()
        if not self._is_ours(journal):
            state = f"{journal.lease.holder} holds it" if journal.lease else "it was freed"
            raise StateConflict(f"the lease of {self._writer.place} was lost: {state}")
        self._journal, self._version = journal, version
