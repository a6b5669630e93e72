"""A journal decodes to the value that was encoded, and every other document is rejected."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.builders import NOW, journal, record
from support.paths import REPOSITORY

from reconciler.core.journal.codec import MalformedJournal, add_digest, decode, encode
from reconciler.core.journal.job_codec import encode_job, encode_recurrence
from reconciler.core.journal.jobs import (
    Job,
    JobSource,
    Omission,
    OmissionCause,
    PastWindow,
    Recurrence,
    Refusal,
    WindowRule,
)
from reconciler.core.journal.records import (
    Bound,
    CreatePending,
    Journal,
    LastDecision,
    LastWrite,
    Lease,
    Record,
)
from reconciler.core.model import Execution
from reconciler.core.request.token import compute_client_token
from reconciler.core.windows.due import Window

SCHEMA = Draft202012Validator(json.loads((REPOSITORY / "schemas/journal.v3.json").read_text()))

TOKEN = compute_client_token(record().request, 0)
times = st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the time zone
counts = st.integers(0, 2**53 - 1)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
executions = st.none() | st.just(record().request["ExecutionConfiguration"])
refusals = st.none() | st.builds(Refusal, words, st.booleans())
jobs = st.builds(
    Job, st.sampled_from(JobSource), times, st.booleans(), refusals, counts, st.booleans(), st.booleans(),
    st.none() | times, st.none() | times, st.sampled_from((None, "COMPLETED", "FAILED")), st.none() | times,
)  # fmt: skip
dates = st.dates(date(2000, 1, 1), date(2199, 12, 31))
rules = st.builds(
    WindowRule, words, words, dates, st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))
)
recurrences = st.none() | st.builds(
    Recurrence, times, times, st.booleans(), st.lists(rules, max_size=2).map(tuple),
    st.lists(st.builds(PastWindow, times, times, jobs), max_size=2).map(tuple), st.none() | times, st.none() | times,
    st.lists(dates, max_size=2).map(tuple),
    st.lists(st.builds(Omission, times, times, st.sampled_from(OmissionCause)), max_size=2).map(tuple),
)  # fmt: skip
bound_states = st.builds(
    Bound,
    words,
    times,
    st.none() | words,
    st.none() | times,
    st.none() | jobs,
    st.none() | st.builds(Window, times, times),
)
previous_executions = st.lists(executions, min_size=1, max_size=2).map(tuple)
states = (
    st.builds(CreatePending, st.integers(1, 5), times, times, st.lists(words, max_size=2).map(tuple)) | bound_states
)
records = st.builds(
    Record,
    words,
    st.just(record().request),
    words,
    st.integers(0, 9),
    st.integers(1, 9),
    states,
    previous_executions,
    recurrences,
).map(
    lambda each: (
        replace(each, token=compute_client_token(each.request, each.incarnation))
        if isinstance(each.state, CreatePending)
        else each
    )
)
last_decisions = st.builds(LastDecision, words, times, st.none() | st.builds(Execution, words, st.none() | words))
journals = st.builds(
    Journal,
    words,
    words,
    words,
    counts,
    st.lists(records, max_size=3).map(lambda found: {each.name: each for each in found}),
    st.dictionaries(words, last_decisions, max_size=3),
    st.none() | st.builds(Lease, words, words, words, counts, times),
    st.none() | st.builds(LastWrite, words, times, st.none() | words),
)


@given(journals)
def test_encoded_journal_decodes_to_the_same_value(generated: Journal) -> None:
    """A journal survives encoding and decoding as JSON text, and its document fits the schema."""
    document = json.loads(json.dumps(encode(generated)))
    assert decode(document) == generated
    SCHEMA.validate(document)


JOB = encode_job(Job(JobSource.UPDATE, NOW))
RECURRENCE = encode_recurrence(Recurrence(NOW, NOW))
LEASE = {"run": "r", "holder": "process 1", "host": "h", "number": 3, "expires": NOW.isoformat()}


def build_document(**changes: Any) -> dict[str, Any]:
    """Return a document with changed members and the digest that fits them."""
    return add_digest({**encode(journal(record())), **changes})


def build_record_document(**changes: Any) -> dict[str, Any]:
    """Return a document whose only record has changed members."""
    document = encode(journal(record()))
    return add_digest({**document, "records": {"export": {**document["records"]["export"], **changes}}})


def build_pending_document(**changes: Any) -> dict[str, Any]:
    """Return a document with changed members in the record of a Create without an answer."""
    document = encode(journal(replace(record(), state=CreatePending(1, NOW, NOW))))
    return add_digest({**document, "records": {"export": {**document["records"]["export"], **changes}}})


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "it is not a journal"),
        ([], "it is not a journal"),
        ({}, "it is not a journal"),
        ({"format": 1}, "it is not a journal"),
        (build_document(format="terraform/v4"), "it is not a journal"),
        (
            build_document(format="reconciler/journal/v4"),
            "reads reconciler/journal/v1, reconciler/journal/v2 and reconciler/journal/v3",
        ),
        (build_document(account=5), "5 is not a string"),
        (build_document(serial="3"), "'3' is not a whole number"),
        (build_document(serial=True), "True is not a whole number"),
        (build_document(lease={}), "missing"),
        (build_document(lease={**LEASE, "number": -1}), "-1 is not a whole number"),
        (build_document(lease={**LEASE, "more": 1}), "unknown 'more'"),
        (build_document(written={"run": "r"}), "missing"),
        (build_document(decisions={"export": {"decision": "in-sync"}}), "missing"),
        (build_document(colour="red"), "unknown 'colour'"),
        (build_record_document(colour="red"), "unknown 'colour'"),
        (build_record_document(job={"source": "update"}, former=[None]), "missing"),
        (build_record_document(job={**JOB, "result": "DONE"}, former=[None]), "result 'DONE'"),
        (build_record_document(job={**JOB, "accepted": 1}, former=[None]), "1 is neither true nor false"),
        (build_record_document(job={**JOB, "source": "x"}, former=[None]), "'x' is not a valid JobSource"),
        (build_record_document(job=JOB), "'export' has the job of an update but no former"),
        (build_record_document(recurrence={**RECURRENCE, "skipped": {}}), "{} is not a list"),
        (build_record_document(recurrence={**RECURRENCE, "more": 1}), "unknown 'more'"),
        (build_record_document(recurrence={**RECURRENCE, "watermark": "2026-11-01T12:00:00"}), "has no time zone"),
        (build_record_document(recurrence={**RECURRENCE, "watermark": "1969-12-31T12:00:00Z"}), "is not between 1970"),
        (build_record_document(recurrence={**RECURRENCE, "skipped": ["2026-02-30"]}), "day is out of range"),
        (build_record_document(recurrence={**RECURRENCE, "rules": [{"every": "month"}]}), "missing"),
        (build_record_document(recurrence={**RECURRENCE, "past": [{"start": NOW.isoformat()}]}), "missing"),
        (build_record_document(recurrence={**RECURRENCE, "omissions": [{"start": NOW.isoformat()}]}), "missing"),
        (build_record_document(since=7), "7 is not a string"),
        (build_record_document(former={}), "former of 'export'"),
        (build_record_document(former=[7]), "former of 'export'"),
        (build_record_document(status="gone"), "status 'gone' of 'export'"),
        (build_pending_document(seen="a1"), "seen of 'export'"),
        (build_record_document(request={}), "request of 'export'"),
        (build_record_document(request=[]), "request of 'export'"),
        (build_record_document(token=7), "7 is not a string"),
        (build_record_document(incarnation=None), "of the wrong type"),
    ],
)
def test_malformed_journal_is_rejected(document: object, reason: str) -> None:
    """A document that is malformed or has an unknown format is rejected with the reason."""
    with pytest.raises(MalformedJournal, match=reason):
        decode(document)


def test_changing_records_leaves_the_serial_unchanged() -> None:
    """The serial counts writes, so adding or removing records does not raise it."""
    start = journal(record("a"), record("b"))
    extended = start.with_records(record("c"))
    assert (extended.serial, set(extended.records)) == (start.serial, {"a", "b", "c"})
    assert (extended.without_records("a", "zz").serial, set(extended.without_records("a").records)) == (
        start.serial,
        {"b", "c"},
    )


def test_journal_document_starts_with_its_format_and_sorts_records() -> None:
    """The document starts with its format and has its records in order of name, for readers."""
    document = encode(journal(record("b"), replace(record("a"), state=CreatePending(2, NOW, NOW + timedelta(1)))))
    assert next(iter(document)) == "format"
    assert list(document["records"]) == ["a", "b"]
    assert document["records"]["a"]["status"] == "intended"


def test_empty_journal_is_valid() -> None:
    """A journal without records can be encoded and decoded."""
    assert decode(encode(Journal("1", "r", "l"))).records == {}


def test_schema_rejects_the_documents_that_the_program_rejects() -> None:
    """Unknown members, other formats and wrong types do not fit the schema either."""
    documents = (
        build_document(colour="red"),
        build_document(format="reconciler/journal/v1"),
        build_document(serial="3"),
        build_pending_document(attempts=0),
    )
    assert [document for document in documents if SCHEMA.is_valid(document)] == []


def test_journal_of_version_0_is_migrated() -> None:
    """The migration of a document of version 0 keeps its contents and adds the members that it lacks."""
    document = json.loads((Path(__file__).parent / "journal.v0.json").read_text())
    journal = decode(document)
    assert {name: (each.token, each.incarnation, each.request) for name, each in journal.records.items()} == {
        name: (each["token"], each["incarnation"], each["request"]) for name, each in document["records"].items()
    }
    states = [journal.records[name].state for name in ("bound", "waiting")]
    assert isinstance(states[0], Bound)
    assert states[0].arn is None
    assert isinstance(states[1], CreatePending)
    assert decode(encode(journal)) == journal
    with pytest.raises(MalformedJournal, match="missing"):
        decode({**document, "lease": None})


def test_journal_of_version_1_is_migrated() -> None:
    """The migration of a document of version 1 adds a digest and an empty list of the ids that List showed."""
    document = json.loads((Path(__file__).parent / "journal.v1.json").read_text())
    journal = decode(document)
    assert {name: (each.token, each.incarnation, each.request) for name, each in journal.records.items()} == {
        name: (each["token"], each["incarnation"], each["request"]) for name, each in document["records"].items()
    }
    pending = journal.records["waiting"].state
    assert isinstance(pending, CreatePending)
    assert (pending.attempts, pending.live_ids) == (2, ())
    migrated = encode(journal)
    assert migrated["format"] == "reconciler/journal/v3"
    assert decode(migrated) == journal
    changed = json.dumps(document).replace("fca855226b7d", "fca855226b7e")
    with pytest.raises(MalformedJournal, match="the token of 'waiting' does not match its request"):
        decode(json.loads(changed))


def test_journal_of_version_2_is_migrated() -> None:
    """The migration of a document of version 2 turns Updates that List does not show into jobs."""
    document = json.loads((Path(__file__).parent / "journal.v2.json").read_text())
    journal = decode(document)
    assert {name: (each.token, each.incarnation, each.request) for name, each in journal.records.items()} == {
        name: (each["token"], each["incarnation"], each["request"]) for name, each in document["records"].items()
    }
    states = {name: each.state for name, each in journal.records.items()}
    jobs = {name: state.job for name, state in states.items() if isinstance(state, Bound)}
    refusal = Refusal("InvalidRequest: no")
    assert jobs == {
        "bound": None,
        "refused": Job(JobSource.UPDATE, NOW, refusal=refusal, refusal_count=1),
        "unanswered": Job(JobSource.UPDATE, NOW),
    }
    assert states["waiting"] == CreatePending(2, NOW, NOW, ("a1",))
    assert {each.recurrence for each in journal.records.values()} == {None}
    migrated = encode(journal)
    assert migrated["format"] == "reconciler/journal/v3"
    SCHEMA.validate(migrated)
    assert decode(migrated) == journal


def test_journal_of_version_2_needs_its_digest() -> None:
    """A document of version 2 that was changed, or whose digest was removed, is rejected."""
    document = json.loads((Path(__file__).parent / "journal.v2.json").read_text())
    with pytest.raises(MalformedJournal, match="its digest does not match its content"):
        decode({**document, "serial": 9})
    del document["digest"]
    with pytest.raises(MalformedJournal, match="missing"):
        decode(document)


@pytest.mark.parametrize("version", ["v0", "v1", "v2"])
def test_journal_relabelled_as_older_fails_its_digest(version: str) -> None:
    """The digest covers the format, and a genuine document of version 1 has no digest."""
    text = json.dumps(encode(journal(record())))
    with pytest.raises(MalformedJournal, match="something other than this program edited or damaged it"):
        decode(json.loads(text.replace("reconciler/journal/v3", f"reconciler/journal/{version}")))


@given(journals, st.data())
def test_changed_character_is_detected(generated: Journal, data: st.DataObject) -> None:
    """A journal with one changed character is rejected, unless the character does not change its contents."""
    text = json.dumps(encode(generated))
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("0123456789abcdef-:T"))
    try:
        changed = json.loads(text[:position] + other + text[position + 1 :])
    except ValueError:
        return
    if changed != json.loads(text):
        with pytest.raises(MalformedJournal):
            decode(changed)
