"""What the journal holds before the calls of a plan, and after each kind of answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOW, SETTLE, journal, live, manifest, observed, record, rules

from reconciler.core.apply import answered, intents
from reconciler.core.journal import Bound, Intended, Record
from reconciler.core.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown
from reconciler.core.plan import plan

FIRST = NOW - SETTLE * 4
LATER = NOW + timedelta(minutes=2)


def after(outcome: Outcome, remembered: Record | None = None) -> Record | None:
    """Return the record after one Create with this outcome."""
    before = journal(*([remembered] if remembered else []))
    intended = intents(before, plan([manifest()], observed(), before, rules()), LATER)
    done = answered(before, intended, {"export": outcome}, LATER)
    return done.records.get("export")


def lost(attempts: int) -> Record:
    """Return the record of a Create that is due to be repeated."""
    return replace(record(), state=Intended(attempts, FIRST, NOW - SETTLE * 2**attempts))


def test_an_intent_carries_the_time_of_writing() -> None:
    """Not of planning: the settle time counts from the last moment at which it may have been sent."""
    before = journal()
    intended = intents(before, plan([manifest()], observed(), before, rules()), LATER)
    assert intended.records["export"].state == Intended(1, LATER, LATER)


def test_an_adoption_is_a_record_and_no_intent() -> None:
    """Adoption writes what is bound, and takes over the record of a renamed manifest."""
    before = journal(record("old"))
    intended = intents(before, plan([manifest("new")], observed(live()), before, rules()), LATER)
    assert intended.records == {"new": record("new")}


def test_a_created_association_is_bound() -> None:
    """The answer's id is remembered, and from when on."""
    bound = after(Created("a9"))
    assert bound is not None
    assert bound.state == Bound("a9", LATER)


@pytest.mark.parametrize("outcome", [Refused("no"), NotSent("busy"), Skipped("stopped")])
def test_where_nothing_was_done_the_intent_goes(outcome: Outcome) -> None:
    """The next run may try again at once."""
    assert after(outcome) is None


def test_where_nobody_knows_the_intent_stays() -> None:
    """An unknown outcome is remembered as such."""
    unknown = after(Unknown("time-out"))
    assert unknown is not None
    assert unknown.state == Intended(1, LATER, LATER)


def test_a_refused_repetition_proves_nothing() -> None:
    """The first Create may be what the second is refused for: the outcome stays unknown."""
    refused = after(Refused("already associated"), lost(1))
    assert refused is not None
    assert refused.state == Intended(2, FIRST, LATER)


@pytest.mark.parametrize("outcome", [NotSent("busy"), Skipped("stopped")])
def test_a_repetition_that_was_not_sent_is_no_attempt(outcome: Outcome) -> None:
    """What was remembered before comes back, waiting time and all."""
    assert after(outcome, lost(1)) == lost(1)


def test_a_rename_outlasts_a_repetition_that_was_not_sent() -> None:
    """The record of a renamed manifest is not forgotten because a call came to nothing."""
    before = journal(replace(lost(1), name="old"), record("other", DestinationURI="s3://corp-exports/other"))
    manifests = [manifest(), manifest("other", DestinationURI="s3://corp-exports/other")]
    seen = observed(live(DestinationURI="s3://corp-exports/other"))
    intended = intents(before, plan(manifests, seen, before, rules()), LATER)
    assert set(intended.records) == {"export", "other"}
    done = answered(before, intended, {"export": NotSent("busy")}, LATER)
    assert done.records["export"] == lost(1)


def test_the_wait_begins_after_the_last_call() -> None:
    """An answer that took long to be lost is waited for from its end on."""
    before = journal()
    intended = intents(before, plan([manifest()], observed(), before, rules()), NOW)
    done = answered(before, intended, {"export": Unknown("time-out")}, LATER)
    assert done.records["export"].state == Intended(1, NOW, LATER)
