"""What the journal holds before the calls of a plan, while they are made, and after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.journal.records import Bound, Intended, Journal, Record, Sent, Standing
from reconciler.core.plan.decision import Blocked, Decision, Plan, Write, live_of

FRESH = timedelta(seconds=60)
"""How long after its intent was written a call may be sent: what was stopped and resumed sends nothing late."""

STALE = timedelta(minutes=5)
"""How long after a look at AWS nothing more is begun on its strength."""


def remembered(recorded: Journal, plan: Plan, now: datetime) -> Journal:
    """Return the journal to write before the first call: what is about to be sent, and what else was learnt."""
    sent = {write.manifest.name for write in plan.writes}
    records = [decision.record for decision in plan.decisions if decision.record]
    stamped = (_stamped(record, now) if record.name in sent else record for record in records)
    journal = recorded.without(*plan.renamed).with_records(*stamped)
    journal = journal.with_records(*_found_again(journal, plan.seen))
    standings = {name: standing for name, standing in recorded.standings.items() if name in journal.records}
    standings |= {decision.manifest.name: _standing(recorded, decision, now) for decision in plan.decisions}
    return replace(journal, standings=standings)


def answered(
    journal: Journal, wrote: Journal, writes: Sequence[Write], outcomes: Mapping[str, Outcome], now: datetime
) -> Journal:
    """Return the journal to write after calls: what has no outcome yet stays intended.

    Only records that still are what this run `wrote` are touched: others have been decided by another run since.
    Where nothing was done, what was there before comes back. A refusal of a *repeated* Create says nothing about the
    first one, which may be what it was refused for: the intent stays. What is still unknown is waited for from `now`
    on, which is after the last call.
    """
    for write, record in _ours(journal, wrote, writes):
        if outcome := outcomes.get(record.name):
            after = _after(record, write.before, outcome, now)
            journal = journal.with_records(after) if after else journal.without(record.name)
    return journal


def renewed(
    journal: Journal, wrote: Journal, writes: Sequence[Write], outcomes: Mapping[str, Outcome], now: datetime
) -> Journal:
    """Return the journal to write while calls remain: the answers so far, and the other intents as of now."""
    rest = [_stamped(record, now) for _, record in _ours(journal, wrote, writes) if record.name not in outcomes]
    return answered(journal, wrote, writes, outcomes, now).with_records(*rest)


def _after(record: Record, before: Record | None, outcome: Outcome, now: datetime) -> Record | None:
    """Return what is to be remembered of one call."""
    match outcome, record.state:
        case (NotSent() | Skipped(), _):
            return before
        case (Refused(reason), Bound(update=sent) as bound):
            assert sent
            return replace(record, state=replace(bound, update=replace(sent, refused=reason)))
        case (Refused(), Intended(attempts=1)):
            return before
        case (Created(association_id), Intended()):
            return replace(record, state=Bound(association_id, now))
        case (Refused() | Unknown() | Updated() | Created(), _):
            return _waited_for(record, now)
        case other:
            assert_never(other)


def _found_again(journal: Journal, seen: frozenset[str]) -> Iterator[Record]:
    """Yield the records of what List shows again, also where its manifest is gone or was blocked."""
    for record in journal.records.values():
        state = record.state
        if isinstance(state, Bound) and state.missing_since and state.association_id in seen:
            yield replace(record, state=replace(state, missing_since=None))


def _ours(journal: Journal, wrote: Journal, writes: Sequence[Write]) -> Iterator[tuple[Write, Record]]:
    """Yield the calls with their intents as they stand, unless somebody else has touched them since this run wrote.

    While the lease is this run's, nobody has: an intent may only be newer there than this run knows, where the answer
    to a renewal was lost.
    """
    leased = bool(journal.lease and wrote.lease and journal.lease.run == wrote.lease.run)
    for write in writes:
        wrote_it, there = wrote.records.get(write.manifest.name), journal.records.get(write.manifest.name)
        if there and wrote_it and (there == wrote_it or (leased and _of_one_call(there, wrote_it))):
            yield write, there


def _of_one_call(one: Record, other: Record) -> bool:
    """Tell whether two records hold the intent of the same call, whenever it was written."""
    match one.state, other.state:
        case Intended(attempts), Intended(others):
            return (one.token, attempts) == (other.token, others)
        case Bound(update=Sent()), Bound(update=Sent()):
            return one.request == other.request
        case _:
            return False


def _stamped(record: Record, now: datetime) -> Record:
    """Return an intent as of now: what was never sent before is so for the first time."""
    state = record.state
    if isinstance(state, Intended) and state.attempts == 1:
        record = replace(record, state=replace(state, first_attempt=now))
    return _waited_for(record, now)


def _waited_for(record: Record, now: datetime) -> Record:
    """Return an intent from which on the settle time counts from now."""
    match record.state:
        case Intended() as intended:
            return replace(record, state=replace(intended, last_attempt=now))
        case Bound(update=sent) as bound:
            assert sent
            return replace(record, state=replace(bound, update=replace(sent, at=now)))
        case other:
            assert_never(other)


def _standing(recorded: Journal, decision: Decision, now: datetime) -> Standing:
    """Return how a manifest stands: since when, where its decision is another than in the run before.

    Who could not look leaves it as it was, or what has been so for days would begin anew with each hiccup.
    """
    last, live = recorded.standings.get(decision.manifest.name), live_of(decision)
    if last and isinstance(decision, Blocked) and decision.unseen:
        return last
    if last is None:
        return Standing(decision.kind, now, live.last_execution if live else None)
    since = last.since if last.decision == decision.kind else now
    return Standing(decision.kind, since, live.last_execution if live else last.last_execution)
