"""What the journal holds before the calls of a plan, and after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from reconciler.core.decisions import Adopt, Create, Plan
from reconciler.core.journal import Bound, Intended, Journal
from reconciler.core.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown


def intents(recorded: Journal, plan: Plan, now: datetime) -> Journal:
    """Return the journal to write before the first call: what is about to be sent, and what is adopted."""
    sent = [
        replace(create.record, state=replace(create.record.state, last_attempt=now))
        for create in plan.creates
        if isinstance(create.record.state, Intended)
    ]
    decided: tuple[Create | Adopt, ...] = (*plan.creates, *plan.adopts)
    renamed = [decision.replaces for decision in decided if decision.replaces]
    return recorded.without(*renamed).with_records(*sent, *(adopt.record for adopt in plan.adopts))


def answered(recorded: Journal, intended: Journal, outcomes: Mapping[str, Outcome], now: datetime) -> Journal:
    """Return the journal to write after the last call. `recorded` is what it was before the intents.

    Where nothing was done, what was remembered before comes back. A refusal of a *repeated* Create says nothing
    about the first one, which may be what it was refused for: the intent stays.
    """
    after = intended
    for name, outcome in outcomes.items():
        record = intended.records[name]
        repeated = isinstance(record.state, Intended) and record.state.attempts > 1
        match outcome:
            case Created(association_id):
                after = after.with_records(replace(record, state=Bound(association_id, now)))
            case Refused() if repeated:
                pass
            case Refused() | NotSent() | Skipped():
                before = recorded.records.get(name)
                after = after.with_records(before) if before else after.without(name)
            case Unknown():
                pass
            case other:
                assert_never(other)
    return replace(after, serial=intended.serial + 1)
