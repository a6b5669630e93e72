"""What the program remembers of one account and Region, and the JSON document that it is kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias, assert_never

from reconciler.core.model import NaturalKey, Spec, natural_key

FORMAT = "reconciler/journal/v1"


@dataclass(frozen=True, slots=True)
class Intended:
    """A Create was about to be sent, and no answer is known. `attempts` counts from 1."""

    attempts: int
    first_attempt: datetime
    last_attempt: datetime


@dataclass(frozen=True, slots=True)
class Bound:
    """The association is known by its id: AWS answered with it, or List showed it."""

    association_id: str
    since: datetime


State: TypeAlias = Intended | Bound


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of one association.

    `request` is the resolved, normalised request as applied. `token` is None where the association was
    adopted, since somebody else's token made it.
    """

    name: str
    request: Spec
    token: str | None
    incarnation: int
    state: State

    @property
    def key(self) -> NaturalKey:
        """The natural key of the request as applied."""
        return natural_key(self.request)


@dataclass(frozen=True, slots=True)
class Journal:
    """All records of one account and Region. `serial` counts writes; `lineage` tells installations apart."""

    account: str
    region: str
    lineage: str
    serial: int = 0
    records: Mapping[str, Record] = field(default_factory=dict)

    def with_records(self, *changed: Record) -> Journal:
        """Return this journal with these records added or replaced."""
        return replace(self, records={**self.records, **{record.name: record for record in changed}})

    def without(self, *names: str) -> Journal:
        """Return this journal less the records of these names."""
        return replace(self, records={k: v for k, v in self.records.items() if k not in names})


class MalformedJournal(ValueError):  # noqa: N818 - named for what it found
    """The document is no journal that this version understands. The text says why."""


def encode(journal: Journal) -> dict[str, Any]:
    """Return the journal as the JSON document that a person can read."""
    return {
        "format": FORMAT,
        "account": journal.account,
        "region": journal.region,
        "lineage": journal.lineage,
        "serial": journal.serial,
        "records": {name: _encode_record(journal.records[name]) for name in sorted(journal.records)},
    }


def decode(document: object) -> Journal:
    """Return the journal in a JSON document. Raises MalformedJournal."""
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith("reconciler/journal/"):
        raise MalformedJournal("it is no journal of this program")
    if document["format"] != FORMAT:
        raise MalformedJournal(f"it has format {document['format']!r}, and this version reads {FORMAT!r}")
    try:
        _know(document, "format", "account", "region", "lineage", "serial", "records")
        return Journal(
            account=_text(document["account"]),
            region=_text(document["region"]),
            lineage=_text(document["lineage"]),
            serial=_count(document["serial"]),
            records={name: _decode_record(name, record) for name, record in document["records"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedJournal(f"a member is missing, unknown or of the wrong type ({error})") from None


def _encode_record(record: Record) -> dict[str, Any]:
    state: dict[str, Any]
    match record.state:
        case Intended(attempts, first_attempt, last_attempt):
            times = {"firstAttempt": first_attempt.isoformat(), "lastAttempt": last_attempt.isoformat()}
            state = {"status": "intended", "attempts": attempts, **times}
        case Bound(association_id, since):
            state = {"status": "bound", "associationId": association_id, "since": since.isoformat()}
        case other:
            assert_never(other)
    return {
        **state,
        "token": record.token,
        "incarnation": record.incarnation,
        "request": record.request,
    }


def _decode_record(name: str, document: dict[str, Any]) -> Record:
    state: State
    common = ("status", "token", "incarnation", "request")
    if document["status"] == "intended":
        _know(document, *common, "attempts", "firstAttempt", "lastAttempt")
        first, last = _moment(document["firstAttempt"]), _moment(document["lastAttempt"])
        state = Intended(_count(document["attempts"], least=1), first, last)
    elif document["status"] == "bound":
        _know(document, *common, "associationId", "since")
        state = Bound(_text(document["associationId"]), _moment(document["since"]))
    else:
        raise ValueError(f"status {document['status']!r} of {name!r}")
    request = document["request"]
    if not isinstance(request, dict) or "DataIntegrationIdentifier" not in request:
        raise TypeError(f"request of {name!r}")
    token = document["token"]
    return Record(
        name=name,
        request=request,
        token=None if token is None else _text(token),
        incarnation=_count(document["incarnation"]),
        state=state,
    )


def _know(document: Mapping[str, Any], *members: str) -> None:
    """Refuse members of a later version: what is not understood would be lost with the next write."""
    if unknown := sorted(set(document) - set(members)):
        raise ValueError(f"unknown {', '.join(map(repr, unknown))}")


def _count(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise TypeError(f"{value!r} is no whole number from {least} on")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no string")
    return value


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return moment
