"""Change the journal before, between and after the calls of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.core.apply.outcome import Created, NotSent, Outcome, RefusalKind, Refused, Skipped, Unknown, Updated
from reconciler.core.journal.jobs import RUNNING, Job, JobSource, Refusal
from reconciler.core.journal.records import Bound, CreatePending, Journal, LastDecision, Record
from reconciler.core.model import Live
from reconciler.core.plan.decision import Blocked, Decision, get_live
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.update_record import has_drifted
from reconciler.core.plan.write import Write
from reconciler.core.request.export_window import read_window, starts_export

MAX_INTENT_AGE = timedelta(seconds=60)
"""Maximum age of an intent when its call is sent. It keeps a process that was suspended from sending a call late."""
LATE_CALL = (
    "this run was delayed for more than a minute after it wrote the call to the journal; "
    "the next run plans the call again"
)
"""The reason not to send a call whose intent is too old."""

_LASTING_REFUSALS = (RefusalKind.REQUEST, RefusalKind.DENY)
"""Refusals of an Update that a later run does not repeat at once."""

MAX_OBSERVATION_AGE = timedelta(minutes=5)
"""Maximum age of an observation when the writes of its plan begin."""


def with_intents(journal: Journal, plan: Plan, now: datetime) -> Journal:
    """Return the journal to write before the first call: the intents and the other changed records."""
    write_names = {write.manifest.name for write in plan.writes}
    records = [decision.record for decision in plan.decisions if decision.record]
    stamped_records = (_stamp_intent(record, now) if record.name in write_names else record for record in records)
    new_journal = journal.without_records(*plan.old_names).with_records(*stamped_records)
    new_journal = new_journal.with_records(*_clear_missing_since(new_journal, plan.live_ids))
    last_decisions = {
        name: last_decision for name, last_decision in journal.last_decisions.items() if name in new_journal.records
    }
    last_decisions |= {
        decision.manifest.name: _build_last_decision(journal, decision, now) for decision in plan.decisions
    }
    return replace(new_journal, last_decisions=last_decisions)


def with_outcomes(
    journal: Journal, own_journal: Journal, writes: Sequence[Write], outcomes: Mapping[str, Outcome], now: datetime
) -> Journal:
    """Return the journal to write after calls. Writes without an outcome keep their intents.

    Change only records that still equal those of `own_journal`, because another run has decided on the others.
    If a call had no effect, restore the previous record. If AWS refuses a *repeated* Create, keep the intent: the first
    Create may have succeeded and caused the refusal. The settle time of an unknown outcome starts at `now`, after the
    last call.
    """
    for write, record in _find_own_intents(journal, own_journal, writes):
        if outcome := outcomes.get(record.name):
            new_record = apply_outcome(record, write.previous_record, outcome, now)
            journal = journal.with_records(new_record) if new_record else journal.without_records(record.name)
    return journal


def with_look(journal: Journal, writes: Iterable[Write], live: Mapping[str, Live], now: datetime) -> Journal:
    """Return the journal after a look at List behind the calls: the new jobs that run, and the status in List.

    `writes` are those that AWS carried out, and `live` holds the associations by id.
    """
    for write in writes:
        name = write.manifest.name
        record, last_decision = journal.records.get(name), journal.last_decisions.get(name)
        association = live.get(record.state.association_id) if record and isinstance(record.state, Bound) else None
        if record and association:
            journal = journal.with_records(apply_look(record, association, write.manifest.policy.ignore, now))
            if last_decision:
                last_decision = replace(last_decision, last_execution=association.last_execution)
                journal = replace(journal, last_decisions={**journal.last_decisions, name: last_decision})
    return journal


def apply_look(record: Record, live: Live, ignore: tuple[str, ...], now: datetime) -> Record:
    """Return the record of a new job after a look at List behind its call.

    No job of the association ran before the call, so a running one is the new job. Without IN_PROGRESS, a later run
    records when List first shows the configuration: the clock of AWS, which that time is compared with, is not known
    here.
    """
    state = record.state
    assert isinstance(state, Bound)
    execution, job = live.last_execution, state.job
    if job and execution and execution.status == RUNNING and job.result is None:
        shown_at = job.shown_at or (now if _is_shown(record, live, ignore) else None)
        job = replace(job, shown_at=shown_at, running_at=job.running_at or now)
    return replace(record, state=replace(state, arn=live.arn, job=job))


def with_renewed_intents(
    journal: Journal, own_journal: Journal, writes: Sequence[Write], outcomes: Mapping[str, Outcome], now: datetime
) -> Journal:
    """Return the journal to write while calls remain: the outcomes so far, and the other intents renewed at `now`."""
    remaining = [
        _stamp_intent(record, now)
        for _, record in _find_own_intents(journal, own_journal, writes)
        if record.name not in outcomes
    ]
    return with_outcomes(journal, own_journal, writes, outcomes, now).with_records(*remaining)


def apply_outcome(record: Record, previous_record: Record | None, outcome: Outcome, now: datetime) -> Record | None:
    """Return the record after one call; None removes it from the journal."""
    match outcome, record.state:
        case (NotSent() | Skipped(), _):
            return previous_record
        case (Refused(reason, kind), Bound(job=job) as bound):
            assert job
            if kind not in _LASTING_REFUSALS:
                return previous_record
            refusal = Refusal(reason, is_denied=kind is RefusalKind.DENY)
            job = replace(job, sent_at=now, refusal=refusal, refusal_count=job.refusal_count + 1)
            return replace(record, state=replace(bound, job=job))
        case (Refused(), CreatePending(attempts=1)):
            return previous_record
        case (Created(association_id), CreatePending()):
            job = Job(JobSource.CREATE, now, is_accepted=True) if starts_export(record.request) else None
            return replace(record, state=Bound(association_id, now, job=job))
        case (Updated(), Bound(job=job) as bound):
            assert job
            return replace(record, state=replace(bound, job=replace(job, sent_at=now, is_accepted=True)))
        case (Refused() | Unknown() | Updated() | Created(), _):
            return _restart_wait(record, now)
        case other:
            assert_never(other)


def _is_shown(record: Record, live: Live, ignore: tuple[str, ...]) -> bool:
    """Tell whether List shows the configuration of the last call. For a recurring window, the window decides."""
    if record.recurrence:
        return read_window(live.spec) == read_window(record.request)
    return not has_drifted(record.request, live, ignore)


def _clear_missing_since(journal: Journal, live_ids: frozenset[str]) -> Iterator[Record]:
    """Yield the records of associations that List shows again, including orphaned and blocked ones."""
    for record in journal.records.values():
        state = record.state
        if isinstance(state, Bound) and state.missing_since and state.association_id in live_ids:
            yield replace(record, state=replace(state, missing_since=None))


def _find_own_intents(
    journal: Journal, own_journal: Journal, writes: Sequence[Write]
) -> Iterator[tuple[Write, Record]]:
    """Yield the writes and their current intents, without intents that another run has changed.

    No other run changes intents while this run holds the lease. A stored intent that is newer than the one in
    `own_journal` then means that the answer to a renewal was lost.
    """
    has_lease = bool(journal.lease and own_journal.lease and journal.lease.run == own_journal.lease.run)
    for write in writes:
        own, current = own_journal.records.get(write.manifest.name), journal.records.get(write.manifest.name)
        if current and own and (current == own or (has_lease and _is_same_call(current, own))):
            yield write, current


def _is_same_call(one: Record, other: Record) -> bool:
    """Tell whether two records hold the intent of the same call, regardless of its time."""
    match one.state, other.state:
        case CreatePending(attempts), CreatePending(other_attempts):
            return (one.token, attempts) == (other.token, other_attempts)
        case Bound(job=Job()), Bound(job=Job()):
            return one.request == other.request
        case _:
            return False


def _stamp_intent(record: Record, now: datetime) -> Record:
    """Return the intent with `now` as its time. A first attempt also begins at `now`."""
    state = record.state
    if isinstance(state, CreatePending) and state.attempts == 1:
        record = replace(record, state=replace(state, first_attempt=now))
    return _restart_wait(record, now)


def _restart_wait(record: Record, now: datetime) -> Record:
    """Return the intent with its settle time restarted at `now`."""
    match record.state:
        case CreatePending() as intended:
            return replace(record, state=replace(intended, last_attempt=now))
        case Bound(job=job) as bound:
            assert job
            return replace(record, state=replace(bound, job=replace(job, sent_at=now)))
        case other:
            assert_never(other)


def _build_last_decision(journal: Journal, decision: Decision, now: datetime) -> LastDecision:
    """Return the decision of a manifest and its start. The start is `now` if the decision changed.

    If AWS could not be listed, keep the previous decision. Otherwise a single failed List would reset its start.
    """
    last, live = journal.last_decisions.get(decision.manifest.name), get_live(decision)
    if last and isinstance(decision, Blocked) and decision.is_unobserved:
        return last
    if last is None:
        return LastDecision(decision.kind, now, live.last_execution if live else None)
    since = last.since if last.decision == decision.kind else now
    return LastDecision(decision.kind, since, live.last_execution if live else last.last_execution)
