"""Decision table: turn one manifest and its inputs into one decision. The first matching row applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from reconciler.core.journal.jobs import COMPLETED, Job, JobSource
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, OnLoss, build_natural_key, extract_uuid, resembles
from reconciler.core.plan.decide_bound import decide_bound, describe_unknown_change
from reconciler.core.plan.decide_retired import decide_retired
from reconciler.core.plan.decision import Adopt, Blocked, Create, Decision, Finished, Lost, Settling
from reconciler.core.plan.difference import compare, with_live_values
from reconciler.core.plan.inputs import DecisionInput, describe_adoption_conflict, describe_ambiguity
from reconciler.core.plan.recurrence import (
    add_window,
    find_backfill_problem,
    start_recurrence,
    with_live_execution,
)
from reconciler.core.request.export_window import EXECUTION, starts_export
from reconciler.core.request.token import compute_client_token
from reconciler.core.text import format_timestamp
from reconciler.core.windows.due import Window, compute_next_window

MISSING_REASON = "neither AWS nor the journal has the association"
"""Reason of an ordinary Create."""

RESEND_PERIOD = timedelta(hours=8)
"""Time limit for retries of a Create whose answer was lost. Afterwards AWS may have forgotten the token and the job."""

MAX_ATTEMPTS = 5
"""Maximum number of attempts of a Create whose answer was lost, including the first attempt."""


def decide(inputs: DecisionInput) -> Decision:
    """Return the decision for one manifest."""
    if inputs.manifest.policy.retired:
        return decide_retired(inputs, inputs.manifest.policy.retired)
    if inputs.manifest.policy.adopt:
        return _adopt_named(inputs, inputs.manifest.policy.adopt)
    if inputs.record is None:
        return _create(inputs, 0, MISSING_REASON)
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
    return _adopt(inputs, live, record_to_adopt, "policy.adopt names this association")


def _decide_pending_create(inputs: DecisionInput, record: Record, pending: CreatePending) -> Decision:
    """Decide on a Create whose answer was lost: adopt its result, wait, retry or give up."""
    matches = inputs.find_matches(record.key)
    if len(matches) > 1:
        return Blocked(inputs.manifest, describe_ambiguity(matches))
    if matches:
        return _adopt(inputs, matches[0], record, "a Create whose answer was lost has succeeded")
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
            "for an export to this destination; if there is one, name it in policy.adopt; if there is none, "
            f"{inputs.describe_remedy(record)} to create it",
        )
    if inputs.request != record.request:
        return _give_up(
            inputs,
            record,
            f"git changed the request while the answer to a Create for {' '.join(filter(None, record.key[1:]))} is "
            "unknown, and the old request is not sent again: look in AWS for that association; if there is one, name "
            f"it in policy.adopt; if there is none, restore the old request, or {inputs.describe_remedy(record)} to "
            "create the new one",
        )
    if suspects := [
        live for live in inputs.unexplained if live.id not in pending.live_ids or resembles(record.request, live.spec)
    ]:
        event = f"the answer to the Create of {format_timestamp(pending.last_attempt)} is unknown"
        return Blocked(inputs.manifest, f"{event}, and {_describe_suspects(suspects)}", suspects=tuple(suspects))
    next_state = CreatePending(attempts + 1, pending.first_attempt, now, pending.live_ids)
    reason = f"attempt {next_state.attempts}: the last attempt had no answer, and List does not show the association"
    return _create_unless_claimed(
        inputs,
        Create(inputs.manifest, replace(inputs.acknowledge_generation(record), state=next_state), record, reason),
    )


def _describe_attempts(pending: CreatePending) -> str:
    """Return a clause with the number of attempts and the time of the first attempt."""
    first_attempt = format_timestamp(pending.first_attempt)
    if pending.attempts == 1:
        return f"the Create of {first_attempt} has no answer"
    return f"{pending.attempts} Creates since {first_attempt} have no answer"


def _give_up(inputs: DecisionInput, record: Record, reason: str) -> Decision:
    """Block until a person raises policy.generation, then create."""
    if inputs.is_generation_raised(record):
        return _create(inputs, record.incarnation + 1, "given up, and policy.generation was raised")
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
            f"List no longer shows the association {bound.association_id}, and shows this one with the same data "
            "integration, ClientId and DestinationURI"
        )
        return _adopt(inputs, matches[0], record, reason)
    if now < bound.since + settle_time:
        wait_reason = "just created or adopted, and List does not show it yet"
        return Settling(manifest, inputs.acknowledge_generation(record), bound.since + settle_time, wait_reason)
    if bound.missing_since is None or now < bound.missing_since + settle_time:
        missing_state = replace(bound, missing_since=bound.missing_since or now)
        until = (bound.missing_since or now) + settle_time
        reason = (
            "List does not show the association; the association counts as lost if List still does not show it after "
            f"{format_timestamp(until)}"
        )
        return Settling(manifest, replace(inputs.acknowledge_generation(record), state=missing_state), until, reason)
    return _decide_lost(inputs, record, bound)


def _decide_lost(inputs: DecisionInput, record: Record, bound: Bound) -> Decision:
    """Recreate a lost association if the manifest requests it; otherwise report the loss.

    A completed export that no other follows is finished. An association with windows to come is created again only if a
    person raises policy.generation.
    """
    policy, loss = inputs.manifest.policy, f"List no longer shows the association {bound.association_id}"
    next_window, is_recurring = _find_window_after_loss(inputs, record), inputs.manifest.window is not None
    is_finished = bound.job is not None and bound.job.result == COMPLETED and starts_export(record.request)
    if next_window is None and is_finished and not (inputs.is_generation_raised(record) and not is_recurring):
        reason = f"its export was completed, and {loss}"
        return Finished(inputs.manifest, inputs.acknowledge_generation(record), reason)
    if next_window is None and is_recurring:
        return Lost(inputs.manifest, record, f"{loss}, and no window begins after window.last: look for it in AWS")
    if policy.adopt:
        return Lost(inputs.manifest, record, f"{loss}, which policy.adopt names: correct or remove policy.adopt")
    if inputs.is_generation_raised(record):
        return _create(inputs, record.incarnation + 1, f"{loss}, and policy.generation was raised")
    remedy = (
        f"look for it in AWS; if it is gone, {inputs.describe_remedy(record)} to create it again, which repeats the "
        "export"
    )
    if policy.on_loss is OnLoss.REPORT or is_recurring:
        return Lost(inputs.manifest, record, f"{loss}: {remedy}")
    if bound.arn is None:
        reason = "no run ever saw it in List, and it may still exist"
        return Lost(
            inputs.manifest,
            record,
            f"policy.onLoss does not recreate the association {bound.association_id}, because {reason}: {remedy}",
        )
    return _create(inputs, record.incarnation + 1, f"{loss}, and policy.onLoss is recreate")


def _find_window_after_loss(inputs: DecisionInput, record: Record | None) -> Window | None:
    """Return the window of the next Create: the first one after the watermark. None without recurring windows."""
    recurrence = record.recurrence if record else None
    declaration = inputs.manifest.window
    return compute_next_window(declaration, recurrence.watermark if recurrence else None) if declaration else None


def _create(inputs: DecisionInput, incarnation: int, reason: str) -> Decision:
    """Create the requested association, or adopt it if List shows it. Block if either is uncertain."""
    now, manifest, matches = inputs.rules.now, inputs.manifest, inputs.find_matches(build_natural_key(inputs.request))
    if len(matches) > 1:
        return Blocked(manifest, describe_ambiguity(matches))
    record = inputs.record
    if record and build_natural_key(inputs.request) != record.key and record.key[0] in inputs.integration_arns:
        return Blocked(
            manifest,
            f"the name belongs to another association ({' '.join(filter(None, record.key[1:]))}), which is lost or "
            "given up: restore the old values in this manifest, or give the manifest a new name",
        )
    if matches:
        return _adopt(inputs, matches[0], None, "AWS already has the association, and the journal does not")
    if suspects := [live for live in inputs.unexplained if resembles(inputs.request, live.spec)]:
        return Blocked(manifest, _describe_suspects(suspects), suspects=tuple(suspects))
    request, recurrence = inputs.request, None
    if manifest.window:
        window = _find_window_after_loss(inputs, record)
        assert window
        if not (record and record.recurrence) and (problem := find_backfill_problem(inputs)):
            return Blocked(manifest, problem)
        request, recurrence = add_window(request, window), start_recurrence(manifest.window, window, record)
    intent = Record(
        manifest.name,
        request,
        compute_client_token(request, incarnation),
        incarnation,
        manifest.policy.generation,
        CreatePending(1, now, now, inputs.live_ids),
        record.previous_executions if record else (),
        recurrence,
    )
    return _create_unless_claimed(inputs, Create(manifest, intent, record, reason))


def _describe_suspects(suspects: Sequence[Live]) -> str:
    """Return the reason to block if unexplained live associations may belong to the manifest."""
    names = ", ".join(sorted(map(_describe_live, suspects)))
    if len(suspects) == 1:
        return (
            f"List shows {names}, which may be the association of this manifest (the journal has no Create of it, and "
            "no manifest names it in policy.adopt): if it is, set policy.adopt of this manifest to that ARN; if it is "
            "not, set policy.adopt of its own manifest, an existing or a new one, to that ARN"
        )
    return (
        f"List shows {len(suspects)} associations that may be the association of this manifest (the journal has no "
        f"Create of them, and no manifest names them in policy.adopt): {names}: if one of them is, set policy.adopt of "
        "this manifest to its ARN; set policy.adopt of a manifest of its own, an existing or a new one, for each other "
        "association"
    )


def _describe_live(live: Live) -> str:
    return f"{live.arn} ({' '.join(filter(None, build_natural_key(live.spec)[1:])) or 'no DestinationURI'})"


def _create_unless_claimed(inputs: DecisionInput, create: Create) -> Decision:
    """Return the Create, or block if another name has the requested association or an unanswered Create of it."""
    if not inputs.holder:
        return create
    return Blocked(
        inputs.manifest,
        f"the requested association, or a Create for it without an answer, belongs to the name {inputs.holder!r}: if "
        f"the names of two manifests were exchanged, exchange them back; if {inputs.holder!r} now describes another "
        f"association, give that manifest a new name, and restore the old content of {inputs.holder!r}",
        create,
    )


def _adopt(inputs: DecisionInput, live: Live, record: Record | None, reason: str) -> Adopt:
    """Bind the manifest to a live association.

    The request of an earlier Create for it counts as applied. Without such a Create, the live values count as applied.
    """
    manifest, bound = inputs.manifest, Bound(live.id, inputs.rules.now, live.arn)
    if record and isinstance(record.state, CreatePending) and starts_export(record.request):
        bound = replace(bound, job=Job(JobSource.CREATE, record.state.last_attempt))
    if manifest.window and not (record and isinstance(record.state, CreatePending)):
        inputs = replace(inputs, request=with_live_execution(inputs.request, live))
    if record is None:
        incarnation = inputs.record.incarnation if inputs.record else 0
        record = Record(manifest.name, inputs.request, None, incarnation, manifest.policy.generation, bound)
    if isinstance(record.state, Bound):
        record, reason = _record_live_as_applied(inputs, record, live, reason)
    record = replace(inputs.acknowledge_generation(record), state=bound)
    differences = compare(inputs.request, record.request, live.spec, manifest.policy.ignore)
    return Adopt(manifest, live, record, differences, reason)


def _record_live_as_applied(inputs: DecisionInput, record: Record, live: Live, reason: str) -> tuple[Record, str]:
    """Return the record with the live values as applied, and the reason with the difference from git.

    The journal holds no request that was applied to this association. It is therefore unknown whether git or AWS
    changed. The current request in git counts as an earlier request, and is not sent until a person raises
    policy.generation.
    """
    differences = compare(record.request, record.request, live.spec, inputs.manifest.policy.ignore)
    if not differences:
        return record, reason
    live_request = with_live_values(record.request, differences)
    previous_executions = list(record.previous_executions)
    for execution in (record.request.get(EXECUTION), inputs.request.get(EXECUTION)):
        if execution not in (None, live_request.get(EXECUTION), *previous_executions):
            previous_executions.append(execution)
    record = replace(record, request=live_request, token=None, previous_executions=tuple(previous_executions))
    return record, f"{reason}; {describe_unknown_change(inputs, record, live)}"
