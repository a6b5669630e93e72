"""The journal as the JSON document that it is kept in: for people to read, and refused where it is not understood."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, assert_never

from reconciler.core.journal.migrations import KNOWN, V2, is_older, migrated
from reconciler.core.journal.records import Bound, Intended, Journal, Lease, Record, Sent, Standing, State, Written
from reconciler.core.model import Execution
from reconciler.core.request.token import canonical_json, client_token

T = TypeVar("T")

FORMAT = V2
_FAMILY = "reconciler/journal/"
_RECORD = ("status", "token", "incarnation", "generation", "request", "former")
_INTENDED = ("attempts", "firstAttempt", "lastAttempt", "seen")
_YEARS = range(2000, 2200)
"""In which times of a journal lie: later or earlier ones are mistakes, and cannot be reckoned with."""
_MOST = 2**53 - 1
"""The greatest whole number that every JSON reader keeps (RFC 8259, 6)."""
_BOUND = ("associationId", "arn", "since", "missingSince", "update")


class MalformedJournal(ValueError):
    """The document is no journal that this version understands. The text says why."""


def encode(journal: Journal) -> dict[str, Any]:
    """Return the journal as the tree that schemas/journal.v2.json describes."""
    return sealed(_encode(journal))


def sealed(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with the digest over the rest of it."""
    return {**tree, "digest": _digest(tree)}


def _digest(tree: Mapping[str, Any]) -> str:
    """Return `sha256:…` over all of a document but its digest."""
    rest = {member: value for member, value in tree.items() if member != "digest"}
    return "sha256:" + hashlib.sha256(canonical_json(rest).encode()).hexdigest()


def _encode(journal: Journal) -> dict[str, Any]:
    lease, written = journal.lease, journal.written
    return {
        "format": FORMAT,
        "account": journal.account,
        "region": journal.region,
        "lineage": journal.lineage,
        "serial": journal.serial,
        "written": written and {"run": written.run, "at": written.at.isoformat(), "revision": written.revision},
        "lease": lease
        and {
            "run": lease.run,
            "holder": lease.holder,
            "host": lease.host,
            "number": lease.number,
            "expires": lease.expires.isoformat(),
        },
        "decisions": {name: encode_standing(journal.standings[name]) for name in sorted(journal.standings)},
        "records": {name: encode_record(journal.records[name]) for name in sorted(journal.records)},
    }


def decode(document: object) -> Journal:
    """Return the journal in a JSON document, of an older format too. Raises MalformedJournal."""
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith(_FAMILY):
        raise MalformedJournal("it is no journal of this program")
    try:
        json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate could not be written again
        if document["format"] == FORMAT or (is_older(document["format"]) and "digest" in document):
            _require_digest(document)  # an older one has none: it is the digit of the format that was changed
        document = migrated(document)
        if document["format"] == FORMAT:
            return _decode(document)
    except MalformedJournal:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedJournal(f"a member is missing, unknown or of the wrong type ({error})") from None
    raise MalformedJournal(
        f"it has format {document['format']!r}, and this version reads {', '.join(KNOWN)} and {FORMAT}"
    )


def _require_digest(document: Mapping[str, Any]) -> None:
    """Refuse a document that is not what this program wrote. Raises MalformedJournal."""
    if document["digest"] != _digest(document):
        raise MalformedJournal("it was changed after it was written: its content and its digest differ")


def _decode(document: dict[str, Any]) -> Journal:
    _know(
        document,
        "format",
        "digest",
        "account",
        "region",
        "lineage",
        "serial",
        "written",
        "lease",
        "decisions",
        "records",
    )
    return Journal(
        account=_text(document["account"]),
        region=_text(document["region"]),
        lineage=_text(document["lineage"]),
        serial=_count(document["serial"]),
        records={name: _decode_record(name, record) for name, record in document["records"].items()},
        standings={name: _decode_standing(each) for name, each in document["decisions"].items()},
        lease=_decode_lease(document["lease"]),
        written=_decode_written(document["written"]),
    )


def encode_standing(standing: Standing) -> dict[str, Any]:
    """Return what the last run decided as a tree."""
    execution = standing.last_execution
    return {
        "decision": standing.decision,
        "since": standing.since.isoformat(),
        "lastExecution": execution and {"status": execution.status, "message": execution.message},
    }


def encode_record(record: Record) -> dict[str, Any]:
    """Return a record as a tree."""
    return {
        **_encode_state(record.state),
        "token": record.token,
        "incarnation": record.incarnation,
        "generation": record.generation,
        "request": record.request,
        "former": list(record.former),
    }


def _encode_state(state: State) -> dict[str, Any]:
    match state:
        case Intended(attempts, first_attempt, last_attempt, seen):
            times = {"firstAttempt": first_attempt.isoformat(), "lastAttempt": last_attempt.isoformat()}
            return {"status": "intended", "attempts": attempts, **times, "seen": list(seen)}
        case Bound():
            update, missing = state.update, state.missing_since
            return {
                "status": "bound",
                "associationId": state.association_id,
                "arn": state.arn,
                "since": state.since.isoformat(),
                "missingSince": missing and missing.isoformat(),
                "update": update and {"at": update.at.isoformat(), "refused": update.refused},
            }
        case other:
            assert_never(other)


def _decode_record(name: str, document: dict[str, Any]) -> Record:
    request = document["request"]
    if not isinstance(request, dict) or not isinstance(request.get("DataIntegrationIdentifier"), str):
        raise TypeError(f"request of {name!r}")
    former = document["former"]
    if not isinstance(former, list) or not all(each is None or isinstance(each, dict) for each in former):
        raise TypeError(f"former of {name!r}")
    if document.get("update") and not former:
        raise ValueError(f"update of {name!r} without former")
    record = Record(
        name=name,
        request=request,
        token=_maybe(_text, document["token"]),
        incarnation=_count(document["incarnation"]),
        generation=_count(document["generation"]),
        state=_decode_state(name, document),
        former=tuple(former),
    )
    if isinstance(record.state, Intended) and record.token != client_token(record.request, record.incarnation):
        raise ValueError(f"token of {name!r} is not that of its request")
    return record


def _decode_state(name: str, document: dict[str, Any]) -> State:
    if document["status"] == "intended":
        _know(document, *_RECORD, *_INTENDED)
        first, last = _moment(document["firstAttempt"]), _moment(document["lastAttempt"])
        if not isinstance(document["seen"], list):
            raise TypeError(f"seen of {name!r}")
        return Intended(_count(document["attempts"], least=1), first, last, tuple(map(_text, document["seen"])))
    if document["status"] == "bound":
        _know(document, *_RECORD, *_BOUND)
        return Bound(
            association_id=_text(document["associationId"]),
            since=_moment(document["since"]),
            arn=_maybe(_text, document["arn"]),
            missing_since=_maybe(_moment, document["missingSince"]),
            update=_decode_update(document["update"]),
        )
    raise ValueError(f"status {document['status']!r} of {name!r}")


def _decode_update(document: dict[str, Any] | None) -> Sent | None:
    if document is None:
        return None
    _know(document, "at", "refused")
    return Sent(_moment(document["at"]), _maybe(_text, document["refused"]))


def _decode_standing(document: dict[str, Any]) -> Standing:
    _know(document, "decision", "since", "lastExecution")
    execution = document["lastExecution"]
    if execution is not None:
        _know(execution, "status", "message")
        execution = Execution(_text(execution["status"]), _maybe(_text, execution["message"]))
    return Standing(_text(document["decision"]), _moment(document["since"]), execution)


def _decode_lease(document: dict[str, Any] | None) -> Lease | None:
    if document is None:
        return None
    _know(document, "run", "holder", "host", "number", "expires")
    run, holder, host = (_text(document[member]) for member in ("run", "holder", "host"))
    return Lease(run, holder, host, _count(document["number"]), _moment(document["expires"]))


def _decode_written(document: dict[str, Any] | None) -> Written | None:
    if document is None:
        return None
    _know(document, "run", "at", "revision")
    return Written(_text(document["run"]), _moment(document["at"]), _maybe(_text, document["revision"]))


def _know(document: Mapping[str, Any], *members: str) -> None:
    """Refuse members of a later version: what is not understood would be lost with the next write."""
    if unknown := sorted(set(document) - set(members)):
        raise ValueError(f"unknown {', '.join(map(repr, unknown))}")


def _maybe(read: Callable[[object], T], value: object) -> T | None:
    return None if value is None else read(value)


def _count(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
        raise TypeError(f"{value!r} is no whole number from {least} to {_MOST}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no string")
    return value


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    if moment.year not in _YEARS:
        raise ValueError(f"{value!r} is not between {_YEARS.start} and {_YEARS.stop - 1}")
    return moment
