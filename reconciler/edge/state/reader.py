"""Reads the journal out of a store: decoded, and refused where it is not to be trusted."""

from __future__ import annotations

import json

from reconciler import redaction
from reconciler.core.errors import StateConflict, StateError
from reconciler.core.journal.codec import MalformedJournal, decode
from reconciler.core.journal.records import Journal
from reconciler.edge.state.store import Source

NO_JOURNAL = "there is no journal at {place}"


class JournalReader:
    """The journal of one account and Region, seen through reads alone.

    One that was exchanged for another installation's, or for an older version, while this process knows better is
    refused. `must_exist` says what to do where there is none: that is more likely a mistake than a beginning, and is
    refused, unless somebody said that it is one.
    """

    def __init__(self, source: Source, account: str, region: str, *, must_exist: str | None = None) -> None:
        self._source, self._account, self._region = source, account, region
        self._must_exist = must_exist
        self._version: str | None = None
        self._known: Journal | None = None

    @property
    def place(self) -> str:
        """Where the journal is, for messages."""
        return self._source.place

    def read(self) -> Journal:
        """Return the journal; an empty one, without a lineage, where there is none. Raises StateError."""
        journal, version = self._load()
        self._refuse_exchanged(journal)
        self.note(journal, version)
        return journal

    def note(self, journal: Journal, version: str | None) -> None:
        """Remember what stands in the store: as it was read, or as this process has just written it."""
        self._known, self._version = journal, version

    def version_of(self, journal: Journal) -> str | None:
        """Return the store's version of what was read or written last; None where there was nothing.

        Raises StateConflict where that was not this journal.
        """
        if self._known != journal:
            raise StateConflict(f"the journal {self.place} was written by someone else during this run")
        return self._version

    def _load(self) -> tuple[Journal, str | None]:
        stored, place = self._source.load(), self._source.place
        if stored is None:
            if self._must_exist and not (self._known and self._known.lineage):  # one that was there is gone
                raise StateError(f"{NO_JOURNAL.format(place=place)}: {self._must_exist}")
            return Journal(self._account, self._region, lineage=""), None
        try:
            journal = decode(json.loads(stored.text, parse_constant=_refuse_constant))
        except (ValueError, RecursionError) as error:
            said = redaction.describe_error(error)
            reason = said if isinstance(error, MalformedJournal) else f"it is no JSON ({said})"
            way_out = "restore the newest version that can be read, or run the version of this program that wrote it"
            said = f"the journal {place} cannot be used: {reason}; it was left as it is: {way_out}"
            raise StateError(said) from error
        if (journal.account, journal.region) != (self._account, self._region):
            raise StateError(
                f"the journal {place} is of account {journal.account} in {journal.region}: "
                "give every installation its own --state"
            )
        return journal, stored.version

    def _refuse_exchanged(self, journal: Journal) -> None:
        known, way_out = self._known, "restore the newest version, or restart this process to go on with what is there"
        if known is None or not known.lineage:
            return
        if journal.lineage != known.lineage:
            found = f"another installation's (lineage {journal.lineage})" if journal.lineage else "gone"
            raise StateError(f"the journal {self.place} is {found} since this process read it: {way_out}")
        if journal.serial < known.serial:
            went_back = f"went back from serial {known.serial} to {journal.serial}"
            raise StateError(f"the journal {self.place} {went_back} since this process read it: {way_out}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON (RFC 8259, 6)")
