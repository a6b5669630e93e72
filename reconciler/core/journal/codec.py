"""Encode the journal as a JSON document that people can read, and decode it. Reject every other document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, assert_never

from reconciler.core.journal.job_codec import (
    decode_job,
    decode_recurrence,
    decode_window,
    encode_job,
    encode_recurrence,
    encode_window,
)
from reconciler.core.journal.jobs import JobSource
from reconciler.core.journal.members import (
    decode_count,
    decode_optional,
    decode_text,
    decode_timestamp,
    require_known_members,
)
from reconciler.core.journal.migrations import OLDER_FORMATS, V1, V3, is_older_format, migrate
from reconciler.core.journal.records import (
    Bound,
    CreatePending,
    Journal,
    LastDecision,
    LastWrite,
    Lease,
    Record,
    RecordState,
)
from reconciler.core.model import Execution
from reconciler.core.request.token import compute_client_token, encode_canonical_json

FORMAT = V3
_FORMAT_PREFIX = "reconciler/journal/"
_RECORD_MEMBERS = ("status", "token", "incarnation", "generation", "request", "former", "recurrence")
_PENDING_MEMBERS = ("attempts", "firstAttempt", "lastAttempt", "seen")
_BOUND_MEMBERS = ("associationId", "arn", "since", "missingSince", "job", "earlyWindow")


class MalformedJournal(ValueError):
    """A document that is not a journal of a known format. The text of the error gives the reason."""


class UnknownFormat(MalformedJournal):
    """A journal in a format that this program does not know, such as that of a newer version."""


def encode(journal: Journal) -> dict[str, Any]:
    """Return the journal as the JSON document that schemas/journal.v3.json describes."""
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
        if document["format"] == FORMAT or (
            is_older_format(document["format"]) and (document["format"] != V1 or "digest" in document)
        ):
            # Documents of v1 have no digest: in one with a digest, the number of the format was changed.
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
    require_known_members(
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
        account=decode_text(document["account"]),
        region=decode_text(document["region"]),
        lineage=decode_text(document["lineage"]),
        serial=decode_count(document["serial"]),
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
        "recurrence": record.recurrence and encode_recurrence(record.recurrence),
    }


def _encode_state(state: RecordState) -> dict[str, Any]:
    match state:
        case CreatePending(attempts, first_attempt, last_attempt, live_ids):
            times = {"firstAttempt": first_attempt.isoformat(), "lastAttempt": last_attempt.isoformat()}
            return {"status": "intended", "attempts": attempts, **times, "seen": list(live_ids)}
        case Bound():
            missing_since = state.missing_since
            return {
                "status": "bound",
                "associationId": state.association_id,
                "arn": state.arn,
                "since": state.since.isoformat(),
                "missingSince": missing_since and missing_since.isoformat(),
                "job": state.job and encode_job(state.job),
                "earlyWindow": state.early_window and encode_window(state.early_window),
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
    record = Record(
        name=name,
        request=request,
        token=decode_optional(decode_text, document["token"]),
        incarnation=decode_count(document["incarnation"]),
        generation=decode_count(document["generation"]),
        state=_decode_state(name, document),
        previous_executions=tuple(previous_executions),
        recurrence=decode_optional(decode_recurrence, document["recurrence"]),
    )
    job = record.state.job if isinstance(record.state, Bound) else None
    if job and job.source is JobSource.UPDATE and not previous_executions:
        raise ValueError(f"{name!r} has the job of an update but no former")
    if isinstance(record.state, CreatePending) and record.token != compute_client_token(
        record.request, record.incarnation
    ):
        raise ValueError(f"the token of {name!r} does not match its request")
    return record


def _decode_state(name: str, document: dict[str, Any]) -> RecordState:
    if document["status"] == "intended":
        require_known_members(document, *_RECORD_MEMBERS, *_PENDING_MEMBERS)
        first_attempt, last_attempt = (
            decode_timestamp(document["firstAttempt"]),
            decode_timestamp(document["lastAttempt"]),
        )
        if not isinstance(document["seen"], list):
            raise TypeError(f"seen of {name!r}")
        return CreatePending(
            decode_count(document["attempts"], minimum=1),
            first_attempt,
            last_attempt,
            tuple(map(decode_text, document["seen"])),
        )
    if document["status"] == "bound":
        require_known_members(document, *_RECORD_MEMBERS, *_BOUND_MEMBERS)
        return Bound(
            association_id=decode_text(document["associationId"]),
            since=decode_timestamp(document["since"]),
            arn=decode_optional(decode_text, document["arn"]),
            missing_since=decode_optional(decode_timestamp, document["missingSince"]),
            job=decode_optional(decode_job, document["job"]),
            early_window=decode_optional(decode_window, document["earlyWindow"]),
        )
    raise ValueError(f"status {document['status']!r} of {name!r}")


def _decode_last_decision(document: dict[str, Any]) -> LastDecision:
    require_known_members(document, "decision", "since", "lastExecution")
    execution = document["lastExecution"]
    if execution is not None:
        require_known_members(execution, "status", "message")
        execution = Execution(decode_text(execution["status"]), decode_optional(decode_text, execution["message"]))
    return LastDecision(decode_text(document["decision"]), decode_timestamp(document["since"]), execution)


def _decode_lease(document: dict[str, Any] | None) -> Lease | None:
    if document is None:
        return None
    require_known_members(document, "run", "holder", "host", "number", "expires")
    run, holder, host = (decode_text(document[member]) for member in ("run", "holder", "host"))
    return Lease(run, holder, host, decode_count(document["number"]), decode_timestamp(document["expires"]))


def _decode_last_write(document: dict[str, Any] | None) -> LastWrite | None:
    if document is None:
        return None
    require_known_members(document, "run", "at", "revision")
    return LastWrite(
        decode_text(document["run"]),
        decode_timestamp(document["at"]),
        decode_optional(decode_text, document["revision"]),
    )
