"""Decision on retired manifests: cover the association and resolve an unanswered Create, without a write to AWS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, build_natural_key
from reconciler.core.plan.decision import Blocked, Decision, Retired, Settling
from reconciler.core.plan.inputs import DecisionInput, describe_adoption_conflict, describe_ambiguity
from reconciler.core.plan.recurring.early_window import remember_early_window
from reconciler.core.text import format_timestamp


def decide_retired(inputs: DecisionInput, explanation: str) -> Decision:
    """Return the decision on a retired manifest. `explanation` is the text of policy.retired.

    A raised policy.generation is acknowledged. It has no effect, then or later.
    """
    manifest, adopt = inputs.manifest, inputs.manifest.policy.adopt
    record = inputs.acknowledge_generation(inputs.record) if inputs.record else None
    matches = _find_associations(inputs, record)
    if adopt and not matches and inputs.adoption_owner:
        return Blocked(manifest, describe_adoption_conflict(adopt, inputs.adoption_owner))
    if len(matches) > 1:
        return Blocked(manifest, describe_ambiguity(matches))
    if matches:
        new_record = _record_live(inputs, record, matches[0]) if record else None
        return Retired(manifest, matches[0], new_record, describe_retirement(explanation))
    if record and isinstance(record.state, CreatePending):
        return _decide_pending_create(inputs, record, record.state, explanation)
    return Retired(manifest, None, record, describe_retirement(explanation, "List does not show its association"))


def describe_retirement(explanation: str, event: str = "") -> str:
    """Return the reason of a decision on a retired manifest, with the text of policy.retired last."""
    return f"{event}{'; ' if event else ''}policy.retired: {explanation}"


def _find_associations(inputs: DecisionInput, record: Record | None) -> Sequence[Live]:
    """Return the live associations that may belong to the manifest.

    These are the bound one if List shows it, otherwise the one in policy.adopt, otherwise those with the natural key.
    """
    if record and isinstance(record.state, Bound):
        bound_id = record.state.association_id
        if bound_associations := [live for live in inputs.candidates if live.id == bound_id]:
            return bound_associations
    if adopt := inputs.manifest.policy.adopt:
        return [live for live in inputs.candidates if live.arn == adopt]
    return inputs.find_matches(record.key if record else build_natural_key(inputs.request))


def _record_live(inputs: DecisionInput, record: Record, live: Live) -> Record:
    """Return the record with what List shows: the result of an unanswered Create, or the bound association.

    A record that is bound to another association does not change.
    """
    match record.state:
        case CreatePending():
            state = Bound(live.id, inputs.rules.now, live.arn)
        case Bound(association_id) as bound if association_id == live.id:
            state = replace(bound, arn=live.arn, missing_since=None)
        case _:
            return record
    return replace(record, state=remember_early_window(state, live, inputs.look_time))


def _decide_pending_create(
    inputs: DecisionInput, record: Record, pending: CreatePending, explanation: str
) -> Settling | Retired:
    """Wait for the result of an unanswered Create while List may lag. The Create is never sent again."""
    sent_at, until = format_timestamp(pending.last_attempt), pending.last_attempt + inputs.rules.options.settle_time
    if inputs.rules.now < until:
        event = (
            f"a Create was sent at {sent_at} and its answer is unknown; List may not show its association before "
            f"{format_timestamp(until)}"
        )
        return Settling(inputs.manifest, record, until, describe_retirement(explanation, event))
    event = f"the Create of {sent_at} has no answer and is not sent again, and List does not show its association"
    return Retired(inputs.manifest, None, record, describe_retirement(explanation, event))
