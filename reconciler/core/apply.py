"""What the journal holds before the calls of a plan, and after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.core.decisions import Adopt, Create, Plan
from reconciler.core.journal import Bound, Intended, Journal, Record
from reconciler.core.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown

FRESH = timedelta(seconds=60)
"""How long after its intent was written a Create may be sent: what was stopped and resumed sends nothing late."""


def intents(recorded: Journal, plan: Plan, now: datetime) -> Journal:
    """Return the journal to write before the first call: what is about to be sent, and what is adopted."""
    sent = [
        replace(create.record, state=Intended(state.attempts, now if state.attempts == 1 else state.first_attempt, now))
        for create in plan.creates
        if isinstance(state := create.record.state, Intended)
    ]
    decided: tuple[Create | Adopt, ...] = (*plan.creates, *plan.adopts)
    renamed = [decision.replaces for decision in decided if decision.replaces]
    return recorded.without(*renamed).with_records(*sent, *(adopt.record for adopt in plan.adopts))


def answered(recorded: Journal, intended: Journal, outcomes: Mapping[str, Outcome], now: datetime) -> Journal:
    """Return the journal to write after the last call. `recorded` is what it was before the intents.

    Where nothing was done, what was remembered before comes back. A refusal of a *repeated* Create says nothing
    about the first one, which may be what it was refused for: the intent stays. What is still unknown is waited for
    from `now` on, which is after the last call.
    """
    before = {record.name: record for record in recorded.records.values()}
    before |= {record.name: record for record in _renamed(recorded, intended)}
    after = intended
    for name, outcome in outcomes.items():
        record = intended.records[name]
        assert isinstance(record.state, Intended)
        match outcome:
            case Created(association_id):
                after = after.with_records(replace(record, state=Bound(association_id, now)))
            case Refused() if record.state.attempts > 1:
                after = after.with_records(replace(record, state=replace(record.state, last_attempt=now)))
            case Unknown():
                after = after.with_records(replace(record, state=replace(record.state, last_attempt=now)))
            case Refused() | NotSent() | Skipped():
                after = after.with_records(before[name]) if name in before else after.without(name)
            case other:
                assert_never(other)
    return after


def _renamed(recorded: Journal, intended: Journal) -> Iterator[Record]:
    """Yield what was remembered under old names, under the new ones: a rename outlasts a call that came to nothing."""
    gone = {record.key: record for name, record in recorded.records.items() if name not in intended.records}
    for name, record in intended.records.items():
        if name not in recorded.records and record.key in gone:
            yield replace(gone[record.key], name=name)
