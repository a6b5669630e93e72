"""Decision table: turn one manifest and its inputs into one decision. The first matching row applies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, build_natural_key, extract_uuid, resembles
from reconciler.core.plan.adopt_live import adopt_live
from reconciler.core.plan.decide_bound import decide_bound
from reconciler.core.plan.decide_missing import (
    create_association,
    create_unless_claimed,
    decide_lost,
    describe_suspects,
)
from reconciler.core.plan.decide_retired import decide_retired
from reconciler.core.plan.decision import Adopt, Blocked, Decision, Finished, Settling
from reconciler.core.plan.inputs import DecisionInput, describe_adoption_conflict, describe_ambiguity
from reconciler.core.plan.recurring.adopt_window import check_adoption
from reconciler.core.plan.write import Create
from reconciler.core.request.export_window import read_window
from reconciler.core.text import format_timestamp

MISSING_REASON = "neither AWS nor the journal has the association"
"""Reason of an ordinary Create."""

RESEND_PERIOD = timedelta(hours=8)
"""Time limit for retries of a Create whose answer was lost. Afterwards AWS may have forgotten the token and the job."""

MAX_ATTEMPTS = 5
"""Maximum number of attempts of a Create whose answer was lost, including the first attempt."""


def decide(inputs: DecisionInput) -> Decision:
    """Return the decision for one manifest."""
    decision = _decide(inputs)
    return check_adoption(inputs, decision) if isinstance(decision, Adopt) else decision


def _decide(inputs: DecisionInput) -> Decision:
    if inputs.manifest.policy.retired:
        return decide_retired(inputs, inputs.manifest.policy.retired)
    if inputs.manifest.policy.adopt:
        return _adopt_named(inputs, inputs.manifest.policy.adopt)
    if inputs.record is None:
        return create_association(inputs, 0, MISSING_REASON)
    match inputs.record.state:
        case Bound() as bound:
            return _decide_by_id(inputs, inputs.record, bound)
        case CreatePending() as pending:
            return _decide_pending_create(inputs, inputs.record, pending)
        case other:
            assert_never(other)


def _adopt_named(inputs: DecisionInput, arn: str) -> Decision:
    """Adopt the association in policy.adopt, or block. Never create an association."""
    record, live = inputs.record, next((live for live in inputs.candidates if live.arn == arn), None)
    if record and isinstance(record.state, Bound) and record.state.association_id == extract_uuid(arn):
        return _decide_by_id(inputs, record, record.state)
    if live is None:
        fault = (
            describe_adoption_conflict(arn, inputs.adoption_owner)
            if inputs.adoption_owner
            else f"List does not show {arn}, which policy.adopt names: correct policy.adopt"
        )
        return Blocked(inputs.manifest, fault)
    if record and isinstance(record.state, Bound) and build_natural_key(live.spec) != record.key:
        return Blocked(
            inputs.manifest,
            "the association in policy.adopt differs in data integration, ClientId or DestinationURI from "
            f"{record.state.association_id}, the association of this manifest: adopt it in a manifest with a new name",
        )
    record_to_adopt = replace(record, token=None) if record and isinstance(record.state, Bound) else record
    return adopt_live(inputs, live, record_to_adopt, "policy.adopt names this association")


def _decide_pending_create(inputs: DecisionInput, record: Record, pending: CreatePending) -> Decision:
    """Decide on a Create whose answer was lost: adopt its result, wait, retry or give up."""
    matches = inputs.find_matches(record.key)
    if len(matches) > 1:
        return Blocked(inputs.manifest, describe_ambiguity(matches))
    if matches:
        return _adopt_match(inputs, record, matches[0])
    now, settle_time, attempts = inputs.rules.now, inputs.rules.options.settle_time, pending.attempts
    until = pending.last_attempt + settle_time * 2 ** (min(attempts, MAX_ATTEMPTS) - 1)
    if now < until:
        wait_reason = (
            f"a Create was sent at {format_timestamp(pending.last_attempt)} and its answer is unknown; "
            f"no retry before {format_timestamp(until)}"
        )
        return Settling(inputs.manifest, inputs.acknowledge_generation(record), until, wait_reason)
    if attempts >= MAX_ATTEMPTS or now > pending.first_attempt + max(RESEND_PERIOD, settle_time * 2**MAX_ATTEMPTS):
        return _give_up(
            inputs,
            record,
            f"given up: {_describe_attempts(pending)}, and List does not show the association: look in AWS "
            "for an export to this destination; if there is one, set policy.adopt to the ARN of its association; if "
            "there is none, "
            f"{inputs.describe_remedy(record)} to create it",
        )
    if inputs.request != record.request:
        return _give_up(
            inputs,
            record,
            f"git changed the request while the answer to a Create for {' '.join(filter(None, record.key[1:]))} is "
            "unknown, and the old request is not sent again: look in AWS for that association; if it exists, set "
            f"policy.adopt to its ARN; if it does not, restore the old request, or {inputs.describe_remedy(record)} to "
            "create the new one",
        )
    if suspects := [
        live for live in inputs.unexplained if live.id not in pending.live_ids or resembles(record.request, live.spec)
    ]:
        event = f"the answer to the Create of {format_timestamp(pending.last_attempt)} is unknown"
        return Blocked(inputs.manifest, f"{event}, and {describe_suspects(suspects)}", suspects=tuple(suspects))
    next_state = CreatePending(attempts + 1, pending.first_attempt, now, pending.live_ids)
    reason = f"attempt {next_state.attempts}: the last attempt had no answer, and List does not show the association"
    return create_unless_claimed(
        inputs,
        Create(inputs.manifest, replace(inputs.acknowledge_generation(record), state=next_state), record, reason),
    )


def _adopt_match(inputs: DecisionInput, record: Record, live: Live) -> Adopt:
    """Adopt the association that may be the result of a Create whose answer was lost.

    With another window, it is somebody else's if the Create was that of a recurring window. Otherwise it has drifted.
    """
    if read_window(record.request) == read_window(live.spec):
        return adopt_live(inputs, live, record, "a Create whose answer was lost has succeeded")
    if record.is_recurring:
        other_record = replace(record, state=Bound(live.id, inputs.rules.now))
        return adopt_live(inputs, live, other_record, "List shows an association with another window")
    reason = "the answer to a Create was lost, and List shows an association with another window"
    return adopt_live(inputs, live, record, reason)


def _describe_attempts(pending: CreatePending) -> str:
    """Return a clause with the number of attempts and the time of the first attempt."""
    first_attempt = format_timestamp(pending.first_attempt)
    if pending.attempts == 1:
        return f"the Create of {first_attempt} has no answer"
    return f"{pending.attempts} Creates since {first_attempt} have no answer"


def _give_up(inputs: DecisionInput, record: Record, reason: str) -> Decision:
    """Block until a person raises policy.generation, then create."""
    if inputs.is_generation_raised(record):
        return create_association(inputs, record.incarnation + 1, "given up, and policy.generation was raised")
    return Blocked(inputs.manifest, reason)


def _decide_by_id(inputs: DecisionInput, record: Record, bound: Bound) -> Decision:
    """Decide on a bound association: compare it, wait for it, or treat it as lost."""
    manifest, now, settle_time = inputs.manifest, inputs.rules.now, inputs.rules.options.settle_time
    live = next((live for live in inputs.candidates if live.id == bound.association_id), None)
    if live:
        return decide_bound(inputs, record, bound, live)
    matches = () if manifest.policy.adopt else inputs.find_matches(record.key)
    if len(matches) > 1:
        return Blocked(manifest, describe_ambiguity(matches))
    if matches:
        reason = (
            f"List no longer shows the association {bound.association_id}, but shows this one, which has the same "
            "data integration, ClientId and DestinationURI"
        )
        return adopt_live(inputs, matches[0], record, reason)
    if now < bound.since + settle_time:
        wait_reason = "the association was just created or adopted, and List does not show it yet"
        return Settling(manifest, inputs.acknowledge_generation(record), bound.since + settle_time, wait_reason)
    if bound.missing_since is None or inputs.look_time < bound.missing_since + settle_time:
        missing_since = bound.missing_since or inputs.look_time
        missing_state = replace(bound, missing_since=missing_since)
        until = missing_since + settle_time
        state = "finished" if isinstance(decide_lost(inputs, record, bound), Finished) else "lost"
        reason = (
            f"List does not show the association; the association counts as {state} if List still does not show it "
            f"after {format_timestamp(until)}"
        )
        return Settling(manifest, replace(inputs.acknowledge_generation(record), state=missing_state), until, reason)
    return decide_lost(inputs, record, bound)
