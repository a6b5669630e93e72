"""Reads the journal out of a store: decoded, and refused where it is not to be trusted."""

from __future__ import annotations

import json

from reconciler import redaction
from reconciler.core.errors import StateConflict, StateError
from reconciler.core.journal.codec import MalformedJournal, decode
from reconciler.core.journal.records import Journal
from reconciler.edge.state.store import ReadableStore

NO_JOURNAL_MESSAGE = "there is no journal at {place}"


class StoredJournalReader:
    """The journal of one account and Region, seen through reads alone.

    One that was exchanged for another installation's, or for an older version, while this process knows better is
    refused. `must_exist` says what to do where there is none: that is more likely a mistake than a beginning, and is
    refused, unless somebody said that it is one.
    """

    def __init__(self, store: ReadableStore, account: str, region: str, *, must_exist: str | None = None) -> None:
        self._store, self._account, self._region = store, account, region
        self._must_exist = must_exist
        self._version: str | None = None
        self._last_journal: Journal | None = None

    @property
    def place(self) -> str:
        """Where the journal is, for messages."""
        return self._store.place

    def read(self) -> Journal:
        """Return the journal; an empty one, without a lineage, where there is none. Raises StateError."""
        journal, version = self._load()
        self._refuse_exchanged(journal)
        self.note(journal, version)
        return journal

    def note(self, journal: Journal, version: str | None) -> None:
        """Remember what stands in the store: as it was read, or as this process has just written it."""
        self._last_journal, self._version = journal, version

    def get_version(self, journal: Journal) -> str | None:
        """Return the store's version of what was read or written last; None where there was nothing.

        Raises StateConflict where that was not this journal.
        """
        if self._last_journal != journal:
            raise StateConflict(f"the journal {self.place} was written by someone else during this run")
        return self._version

    def _load(self) -> tuple[Journal, str | None]:
        stored, place = self._store.load(), self._store.place
        if stored is None:
            if self._must_exist and not (
                self._last_journal and self._last_journal.lineage
            ):  # one that was there is gone
                raise StateError(f"{NO_JOURNAL_MESSAGE.format(place=place)}: {self._must_exist}")
            return Journal(self._account, self._region, lineage=""), None
        try:
            journal = decode(json.loads(stored.text, parse_constant=_refuse_constant))
        except (ValueError, RecursionError) as error:
            message = redaction.describe_error(error)
            reason = message if isinstance(error, MalformedJournal) else f"it is no JSON ({message})"
            remedy = "restore the newest version that can be read, or run the version of this program that wrote it"
            message = f"the journal {place} cannot be used: {reason}; it was left as it is: {remedy}"
            raise StateError(message) from error
        if (journal.account, journal.region) != (self._account, self._region):
            raise StateError(
                f"the journal {place} is of account {journal.account} in {journal.region}: "
                "give every installation its own --state"
            )
        return journal, stored.version

    def _refuse_exchanged(self, journal: Journal) -> None:
        last_journal, remedy = (
            self._last_journal,
            "restore the newest version, or restart this process to go on with what is there",
        )
        if last_journal is None or not last_journal.lineage:
            return
        if journal.lineage != last_journal.lineage:
            change = f"another installation's (lineage {journal.lineage})" if journal.lineage else "gone"
            raise StateError(f"the journal {self.place} is {change} since this process read it: {remedy}")
        if journal.serial < last_journal.serial:
            serial_change = f"went back from serial {last_journal.serial} to {journal.serial}"
            raise StateError(f"the journal {self.place} {serial_change} since this process read it: {remedy}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON (RFC 8259, 6)")
