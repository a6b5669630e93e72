"""The journal's document is read back as it was written, or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, journal, record
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.journal import Bound, Intended, Journal, MalformedJournal, Record, decode, encode

times = st.just(NOW)
states = st.builds(Intended, st.integers(1, 5), times, times) | st.builds(Bound, st.text(min_size=1), times)
names = st.text(min_size=1, max_size=6)
records = st.builds(
    lambda name, token, incarnation, state: Record(name, record().request, token, incarnation, state),
    names,
    st.none() | st.text(min_size=1),
    st.integers(0, 9),
    states,
)


@given(st.lists(records, max_size=4))
def test_what_is_written_is_read_back(found: list[Record]) -> None:
    """Encoding and decoding through JSON text loses nothing."""
    written = journal(*found)
    assert decode(json.loads(json.dumps(encode(written)))) == written


def broken(**changes: Any) -> dict[str, Any]:
    """Return a document with a fault in it."""
    return {**encode(journal(record())), **changes}


def broken_record(**changes: Any) -> dict[str, Any]:
    """Return a document with a fault in its one record."""
    document = encode(journal(record()))
    return {**document, "records": {"export": {**document["records"]["export"], **changes}}}


def waiting(**changes: Any) -> dict[str, Any]:
    """Return a document with a fault in the record of a lost answer."""
    document = encode(journal(replace(record(), state=Intended(1, NOW, NOW))))
    return {**document, "records": {"export": {**document["records"]["export"], **changes}}}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "no journal"),
        ([], "no journal"),
        ({}, "no journal"),
        ({"format": 1}, "no journal"),
        (broken(format="terraform/v4"), "no journal"),
        (broken(format="reconciler/journal/v2"), "reads 'reconciler/journal/v1'"),
        (broken(account=5), "5 is no string"),
        (broken(serial="3"), "'3' is no whole number"),
        (broken(serial=True), "True is no whole number"),
        (broken(lease={}), "unknown 'lease'"),
        (broken_record(generation=2), "unknown 'generation'"),
        (broken_record(status="intended", attempts=0), "unknown"),
        (waiting(attempts=0), "0 is no whole number from 1"),
        (broken(records=[]), "of the wrong type"),
        (broken(records={"export": None}), "of the wrong type"),
        ({key: value for key, value in broken().items() if key != "lineage"}, "lineage"),
        (broken_record(status="gone"), "gone"),
        (broken_record(since="2026-11-01T12:00:00"), "has no zone"),
        (broken_record(since=7), "7 is no string"),
        (broken_record(request={}), "request of 'export'"),
        (broken_record(request=[]), "request of 'export'"),
        (broken_record(token=7), "7 is no string"),
        (broken_record(incarnation=None), "of the wrong type"),
    ],
)
def test_what_is_not_understood_is_refused(document: object, reason: str) -> None:
    """A journal of another format, or a broken one, is never guessed at."""
    with pytest.raises(MalformedJournal, match=reason):
        decode(document)


def test_records_are_added_and_left_out() -> None:
    """The serial is not touched: it counts writes, and only a write raises it."""
    start = journal(record("a"), record("b"))
    added = start.with_records(record("c"))
    assert (added.serial, set(added.records)) == (start.serial, {"a", "b", "c"})
    assert (added.without("a", "zz").serial, set(added.without("a").records)) == (start.serial, {"b", "c"})


def test_a_document_is_in_order_and_says_what_it_is() -> None:
    """A person can read it: format first, records by name."""
    document = encode(journal(record("b"), replace(record("a"), state=Intended(2, NOW, NOW + timedelta(1)))))
    assert next(iter(document)) == "format"
    assert list(document["records"]) == ["a", "b"]
    assert document["records"]["a"]["status"] == "intended"


def test_an_empty_journal_is_one_too() -> None:
    """Nothing remembered is a journal as well."""
    assert decode(encode(Journal("1", "r", "l"))).records == {}
