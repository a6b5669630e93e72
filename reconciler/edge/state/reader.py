"""Read and decode the journal from a store, and reject a journal that cannot be trusted."""

from __future__ import annotations

import json

from reconciler import redaction
from reconciler.core.errors import StateConflict, StateError
from reconciler.core.journal.codec import MalformedJournal, UnknownFormat, decode
from reconciler.core.journal.records import Journal
from reconciler.edge.state.store import ReadableStore

NO_JOURNAL_MESSAGE = "there is no journal at {place}"


class StoredJournalReader:
    """A reader of the journal of one account and Region.

    It rejects a journal that was removed, or replaced by an older version or by the journal of another installation,
    since this process last read it. `must_exist` makes a missing journal an error, because a missing journal is more
    likely a mistake than a first run. Its value is the remedy in the message. None allows a missing journal.
    """

    def __init__(self, store: ReadableStore, account: str, region: str, *, must_exist: str | None = None) -> None:
        self._store, self._account, self._region = store, account, region
        self._must_exist = must_exist
        self._version: str | None = None
        self._last_journal: Journal | None = None

    @property
    def place(self) -> str:
        """The path or URL of the journal, for messages."""
        return self._store.place

    def read(self) -> Journal:
        """Return the journal, or an empty one without a lineage if there is none. Raises StateError."""
        journal, version = self._load()
        self._refuse_exchanged(journal)
        self.note(journal, version)
        return journal

    def note(self, journal: Journal, version: str | None) -> None:
        """Remember the journal in the store and its version, after a read or a write."""
        self._last_journal, self._version = journal, version

    def get_version(self, journal: Journal) -> str | None:
        """Return the version of the journal that was last read or written, or None if there was no journal.

        Raises StateConflict if that journal differs from `journal`.
        """
        if self._last_journal != journal:
            raise StateConflict(f"the journal {self.place} was changed by another process during this run")
        return self._version

    def _load(self) -> tuple[Journal, str | None]:
        stored, place = self._store.load(), self._store.place
        if stored is None:
            # If this process has read the journal before, `_refuse_exchanged` reports that it was removed.
            if self._must_exist and not (self._last_journal and self._last_journal.lineage):
                raise StateError(f"{NO_JOURNAL_MESSAGE.format(place=place)}: {self._must_exist}")
            return Journal(self._account, self._region, lineage=""), None
        try:
            journal = decode(json.loads(stored.text, parse_constant=_refuse_constant))
        except (ValueError, RecursionError) as error:
            message = redaction.describe_error(error)
            remedy = "restore the newest intact backup of the journal"
            if isinstance(error, UnknownFormat):
                remedy = f"run the newer version of this program that wrote it, or {remedy}"
            if isinstance(error, MalformedJournal):
                reason = message
            else:
                reason = f"it is not JSON ({message})" if stored.text.strip() else "it is empty"
            message = f"the journal {place} cannot be used: {reason}; this run did not change it: {remedy}"
            raise StateError(message) from error
        if (journal.account, journal.region) != (self._account, self._region):
            raise StateError(
                f"the journal {place} belongs to account {journal.account} in {journal.region}, not to account "
                f"{self._account} in {self._region}: use another --state"
            )
        return journal, stored.version

    def _refuse_exchanged(self, journal: Journal) -> None:
        last_journal, remedy = (
            self._last_journal,
            "restore the newest version, or restart this process to use the journal that is there now",
        )
        if last_journal is None or not last_journal.lineage:
            return
        if journal.lineage != last_journal.lineage:
            change = (
                f"was replaced by the journal of another installation (lineage {journal.lineage})"
                if journal.lineage
                else "was removed"
            )
            raise StateError(f"the journal {self.place} {change} since this process read it: {remedy}")
        if journal.serial < last_journal.serial:
            serial_change = f"went back from serial {last_journal.serial} to {journal.serial}"
            raise StateError(f"the journal {self.place} {serial_change} since this process read it: {remedy}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON (RFC 8259, 6)")
