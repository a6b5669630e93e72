"""Encode the journal as a JSON document that people can read, and decode it. Reject every other document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, assert_never

from reconciler.core.journal.migrations import OLDER_FORMATS, V2, is_older_format, migrate
from reconciler.core.journal.records import (
    Bound,
    CreatePending,
    Journal,
    LastDecision,
    LastWrite,
    Lease,
    Record,
    RecordState,
    UpdatePending,
)
from reconciler.core.model import Execution
from reconciler.core.request.token import compute_client_token, encode_canonical_json

T = TypeVar("T")

FORMAT = V2
_FORMAT_PREFIX = "reconciler/journal/"
_RECORD_MEMBERS = ("status", "token", "incarnation", "generation", "request", "former")
_PENDING_MEMBERS = ("attempts", "firstAttempt", "lastAttempt", "seen")
_YEARS = range(2000, 2200)
"""The valid years of a time. Arithmetic with a time near year 1 or 9999 would overflow."""
_MAX_COUNT = 2**53 - 1
"""The largest whole number that every JSON parser reads exactly (RFC 8259, section 6)."""
_BOUND_MEMBERS = ("associationId", "arn", "since", "missingSince", "update")


class MalformedJournal(ValueError):
    """A document that is not a journal of a known format. The text of the error gives the reason."""


class UnknownFormat(MalformedJournal):
    """A journal in a format that this program does not know, such as that of a newer version."""


def encode(journal: Journal) -> dict[str, Any]:
    """Return the journal as the JSON document that schemas/journal.v2.json describes."""
    return add_digest(_encode(journal))


def add_digest(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with the digest of its other members."""
    return {**tree, "digest": _compute_digest(tree)}


def _compute_digest(tree: Mapping[str, Any]) -> str:
    """Return `sha256:…` for the members of a document other than its digest."""
    rest = {member: value for member, value in tree.items() if member != "digest"}
    return "sha256:" + hashlib.sha256(encode_canonical_json(rest).encode()).hexdigest()


def _encode(journal: Journal) -> dict[str, Any]:
    lease, last_write = journal.lease, journal.last_write
    return {
        "format": FORMAT,
        "account": journal.account,
        "region": journal.region,
        "lineage": journal.lineage,
        "serial": journal.serial,
        "written": last_write
        and {"run": last_write.run, "at": last_write.at.isoformat(), "revision": last_write.revision},
        "lease": lease
        and {
            "run": lease.run,
            "holder": lease.holder,
            "host": lease.host,
            "number": lease.number,
            "expires": lease.expires.isoformat(),
        },
        "decisions": {
            name: encode_last_decision(journal.last_decisions[name]) for name in sorted(journal.last_decisions)
        },
        "records": {name: encode_record(journal.records[name]) for name in sorted(journal.records)},
    }


def decode(document: object) -> Journal:
    """Return the journal in a JSON document. Older formats are migrated. Raises MalformedJournal."""
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith(_FORMAT_PREFIX):
        raise MalformedJournal("it is not a journal of this program")
    try:
        json.dumps(document, ensure_ascii=False).encode()  # raises ValueError for a lone surrogate
        if document["format"] == FORMAT or (is_older_format(document["format"]) and "digest" in document):
            # Documents of older formats have no digest: in one with a digest, the number of the format was changed.
            _require_digest(document)
        document = migrate(document)
        if document["format"] == FORMAT:
            return _decode(document)
    except MalformedJournal:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedJournal(f"a member is missing, unknown or of the wrong type ({error})") from None
    raise UnknownFormat(
        f"it has format {document['format']!r}, and this program reads {', '.join(OLDER_FORMATS)} and {FORMAT}"
    )


def _require_digest(document: Mapping[str, Any]) -> None:
    """Raise MalformedJournal if the document was changed after the program wrote it."""
    if document["digest"] != _compute_digest(document):
        raise MalformedJournal(
            "something other than this program edited or damaged it (its digest does not match its content)"
        )


def _decode(document: dict[str, Any]) -> Journal:
    _require_known_members(
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
        account=_decode_text(document["account"]),
        region=_decode_text(document["region"]),
        lineage=_decode_text(document["lineage"]),
        serial=_decode_count(document["serial"]),
        records={name: _decode_record(name, record) for name, record in document["records"].items()},
        last_decisions={name: _decode_last_decision(each) for name, each in document["decisions"].items()},
        lease=_decode_lease(document["lease"]),
        last_write=_decode_last_write(document["written"]),
    )


def encode_last_decision(last_decision: LastDecision) -> dict[str, Any]:
    """Return the last decision for a manifest as a JSON object."""
    execution = last_decision.last_execution
    return {
        "decision": last_decision.decision,
        "since": last_decision.since.isoformat(),
        "lastExecution": execution and {"status": execution.status, "message": execution.message},
    }


def encode_record(record: Record) -> dict[str, Any]:
    """Return a record as a JSON object."""
    return {
        **_encode_state(record.state),
        "token": record.token,
        "incarnation": record.incarnation,
        "generation": record.generation,
        "request": record.request,
        "former": list(record.previous_executions),
    }


def _encode_state(state: RecordState) -> dict[str, Any]:
    match state:
        case CreatePending(attempts, first_attempt, last_attempt, live_ids):
            times = {"firstAttempt": first_attempt.isoformat(), "lastAttempt": last_attempt.isoformat()}
            return {"status": "intended", "attempts": attempts, **times, "seen": list(live_ids)}
        case Bound():
            update, missing_since = state.update, state.missing_since
            return {
                "status": "bound",
                "associationId": state.association_id,
                "arn": state.arn,
                "since": state.since.isoformat(),
                "missingSince": missing_since and missing_since.isoformat(),
                "update": update and {"at": update.at.isoformat(), "refused": update.refusal},
            }
        case other:
            assert_never(other)


def _decode_record(name: str, document: dict[str, Any]) -> Record:
    request = document["request"]
    if not isinstance(request, dict) or not isinstance(request.get("DataIntegrationIdentifier"), str):
        raise TypeError(f"request of {name!r}")
    previous_executions = document["former"]
    if not isinstance(previous_executions, list) or not all(
        each is None or isinstance(each, dict) for each in previous_executions
    ):
        raise TypeError(f"former of {name!r}")
    if document.get("update") and not previous_executions:
        raise ValueError(f"{name!r} has an update but no former")
    record = Record(
        name=name,
        request=request,
        token=_decode_optional(_decode_text, document["token"]),
        incarnation=_decode_count(document["incarnation"]),
        generation=_decode_count(document["generation"]),
        state=_decode_state(name, document),
        previous_executions=tuple(previous_executions),
    )
    if isinstance(record.state, CreatePending) and record.token != compute_client_token(
        record.request, record.incarnation
    ):
        raise ValueError(f"the token of {name!r} does not match its request")
    return record


def _decode_state(name: str, document: dict[str, Any]) -> RecordState:
    if document["status"] == "intended":
        _require_known_members(document, *_RECORD_MEMBERS, *_PENDING_MEMBERS)
        first_attempt, last_attempt = (
            _decode_timestamp(document["firstAttempt"]),
            _decode_timestamp(document["lastAttempt"]),
        )
        if not isinstance(document["seen"], list):
            raise TypeError(f"seen of {name!r}")
        return CreatePending(
            _decode_count(document["attempts"], minimum=1),
            first_attempt,
            last_attempt,
            tuple(map(_decode_text, document["seen"])),
        )
    if document["status"] == "bound":
        _require_known_members(document, *_RECORD_MEMBERS, *_BOUND_MEMBERS)
        return Bound(
            association_id=_decode_text(document["associationId"]),
            since=_decode_timestamp(document["since"]),
            arn=_decode_optional(_decode_text, document["arn"]),
            missing_since=_decode_optional(_decode_timestamp, document["missingSince"]),
            update=_decode_update(document["update"]),
        )
    raise ValueError(f"status {document['status']!r} of {name!r}")


def _decode_update(document: dict[str, Any] | None) -> UpdatePending | None:
    if document is None:
        return None
    _require_known_members(document, "at", "refused")
    return UpdatePending(_decode_timestamp(document["at"]), _decode_optional(_decode_text, document["refused"]))


def _decode_last_decision(document: dict[str, Any]) -> LastDecision:
    _require_known_members(document, "decision", "since", "lastExecution")
    execution = document["lastExecution"]
    if execution is not None:
        _require_known_members(execution, "status", "message")
        execution = Execution(_decode_text(execution["status"]), _decode_optional(_decode_text, execution["message"]))
    return LastDecision(_decode_text(document["decision"]), _decode_timestamp(document["since"]), execution)


def _decode_lease(document: dict[str, Any] | None) -> Lease | None:
    if document is None:
        return None
    _require_known_members(document, "run", "holder", "host", "number", "expires")
    run, holder, host = (_decode_text(document[member]) for member in ("run", "holder", "host"))
    return Lease(run, holder, host, _decode_count(document["number"]), _decode_timestamp(document["expires"]))


def _decode_last_write(document: dict[str, Any] | None) -> LastWrite | None:
    if document is None:
        return None
    _require_known_members(document, "run", "at", "revision")
    return LastWrite(
        _decode_text(document["run"]),
        _decode_timestamp(document["at"]),
        _decode_optional(_decode_text, document["revision"]),
    )


def _require_known_members(document: Mapping[str, Any], *members: str) -> None:
    """Raise ValueError if a document has unknown members, because the next write would lose them."""
    if unknown := sorted(set(document) - set(members)):
        raise ValueError(f"unknown {', '.join(map(repr, unknown))}")


def _decode_optional(decode_value: Callable[[object], T], value: object) -> T | None:
    return None if value is None else decode_value(value)


def _decode_count(value: object, minimum: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= _MAX_COUNT:
        raise TypeError(f"{value!r} is not a whole number from {minimum} to {_MAX_COUNT}")
    return value


def _decode_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _decode_timestamp(value: object) -> datetime:
    time = datetime.fromisoformat(_decode_text(value))
    if time.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    if time.year not in _YEARS:
        raise ValueError(f"{value!r} is not between {_YEARS.start} and {_YEARS.stop - 1}")
    return time
