"""Decision table of live associations that are bound: drift, changes and Updates."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.journal.records import Bound, Record, UpdatePending
from reconciler.core.model import Live, Mode, Spec, build_natural_key
from reconciler.core.plan.decision import Adopt, Changed, Decision, Drifted, InSync, Settling, Update
from reconciler.core.plan.difference import compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.text import format_timestamp

_UNKNOWN_CHANGE = "git and AWS differ, and the journal does not show which of them changed"
"""Reason not to send the manifest of an adopted association that differs from it."""

_EXECUTION = "ExecutionConfiguration"
_REPEAT_WARNING = "REPEATS the export"


def decide_bound(inputs: DecisionInput, record: Record, bound: Bound, live: Live) -> Decision:
    """Return the decision for a live association that is bound: in sync, drifted, changed, update or settling."""
    bound = replace(bound, arn=live.arn, missing_since=None)
    ignore = inputs.manifest.policy.ignore
    if bound.update and not _has_drifted(record.request, live, ignore):
        bound = replace(bound, update=None)  # List shows the result of the Update
    record = replace(record, state=bound)
    differences = compare(inputs.request, record.request, live.spec, ignore)
    if inputs.old_name:
        next_step = "; the run after it decides about the differences" if differences else ""
        reason = f"the manifest was renamed from {inputs.old_name}, which a run records{next_step}"
        return Adopt(inputs.manifest, live, record, differences, reason)
    if bound.update:
        baseline: Spec = {**record.request, _EXECUTION: record.previous_executions[-1]}
        if not _has_drifted(baseline, live, ignore):
            return _decide_pending_update(inputs, record, bound.update, live, baseline)
    if any(difference.is_changed for difference in differences):
        return _decide_changed(inputs, record, live, record.request)
    record = inputs.acknowledge_generation(record)
    return Drifted(inputs.manifest, live, record, differences) if differences else InSync(inputs.manifest, live, record)


def _decide_pending_update(
    inputs: DecisionInput, record: Record, update: UpdatePending, live: Live, baseline: Spec
) -> Decision:
    """Wait for an Update that List does not show yet, then report it. Send it again only for a raised generation."""
    manifest, until = inputs.manifest, update.at + inputs.rules.options.settle_time
    differences = compare(inputs.request, baseline, live.spec, manifest.policy.ignore)
    event = f"an update was sent at {format_timestamp(update.at)}"
    if not update.refusal and inputs.rules.now < until:
        # If git has changed the request since, a raised generation belongs to the new request.
        is_same_request = inputs.request == record.request
        reason = f"{event}, and List does not show it yet"
        return Settling(
            manifest,
            inputs.acknowledge_generation(record) if is_same_request else record,
            until,
            reason,
            live,
            differences,
        )
    if inputs.request != record.request:
        return _decide_changed(inputs, record, live, baseline)
    if inputs.is_generation_raised(record) and _may_update(inputs):
        reason = f"policy.generation was raised; the update {_REPEAT_WARNING}"
        return Update(manifest, live, _build_update_record(inputs, record, baseline), record, differences, reason)
    result = f"AWS refused the update: {update.refusal}" if update.refusal else "List never showed the update"
    steps = _describe_steps(inputs, record, should_raise=not inputs.is_generation_raised(record))
    reason = f"{event}, and {result}: to send the update again, {steps}; the update {_REPEAT_WARNING}"
    return Changed(manifest, live, record, differences, reason)


def describe_unknown_change(inputs: DecisionInput, record: Record, live: Live) -> str:
    """Describe how an adopted association differs from git, with the ways to resolve it.

    `record` holds the live values as applied.
    """
    differences = compare(inputs.request, record.request, live.spec)
    fixed_members = [each.path for each in differences if each.is_changed and not each.is_updatable]
    fixed_members += [] if _EXECUTION in inputs.request else [f"/{_EXECUTION}"]
    steps = _describe_steps(inputs, inputs.acknowledge_generation(record), should_raise=True)
    remedy = (
        f"an update cannot change {', '.join(fixed_members)} to what git has"
        if fixed_members
        else f"to send what git has, {steps}; the update {_REPEAT_WARNING}"
    )
    return f"{_UNKNOWN_CHANGE}: to keep what AWS has, copy its values into git; {remedy}"


def _decide_changed(inputs: DecisionInput, record: Record, live: Live, baseline: Spec) -> Decision:
    """Send the change in git if an Update can make it, the rules allow it, and it overwrites no drift.

    `baseline` is the applied request as far as List can show it. Without an Update, report the change, or adopt it if
    AWS already shows it.
    """
    differences = compare(inputs.request, baseline, live.spec, inputs.manifest.policy.ignore)
    if all(each.is_readable and each.is_updatable and each.desired == each.live for each in differences):
        adopted_record = _replace_request(inputs.acknowledge_generation(record), inputs.request, baseline, None)
        return Adopt(inputs.manifest, live, adopted_record, (), "AWS already has the configuration that git requests")
    if obstacle := _find_update_obstacle(inputs, record, live, baseline):
        return Changed(inputs.manifest, live, record, differences, obstacle)
    updated_record = _build_update_record(inputs, record, baseline)
    return Update(
        inputs.manifest,
        live,
        updated_record,
        record,
        differences,
        f"{_describe_change(inputs, record)}; the update {_REPEAT_WARNING}",
    )


def _find_update_obstacle(inputs: DecisionInput, record: Record, live: Live, baseline: Spec) -> str | None:
    """Return the reason not to send a change; None if it may be sent."""
    generation = inputs.manifest.policy.generation
    # policy.ignore does not apply here: an Update overwrites its members, too.
    differences = compare(inputs.request, baseline, live.spec)
    if fixed_members := ", ".join(each.path for each in differences if each.is_changed and not each.is_updatable):
        is_same_key = build_natural_key(inputs.request) == record.key
        advice = (
            ", with another DestinationURI or ClientId, because a new name alone keeps this association"
            if is_same_key
            else ""
        )
        return (
            f"an update cannot change {fixed_members}: restore the old values in this manifest, and write a manifest "
            f"for the new values, with a new name{advice}"
        )
    if _EXECUTION not in inputs.request:
        return (
            "an update cannot remove ExecutionConfiguration: restore it in this manifest, and write a manifest without "
            "it, with a new name"
        )
    drifted_members = ", ".join(each.path for each in differences if each.is_drifted)
    if drifted_members or not _may_update(inputs):
        return _describe_unsent_change(inputs, record, drifted_members)
    if generation < record.generation:
        return (
            f"policy.generation is {generation} and was {record.generation} before, as in an older revision: run the "
            f"latest revision, or set policy.generation to {record.generation} or more; until then nothing is sent"
        )
    if inputs.request[_EXECUTION] in record.previous_executions and not inputs.is_generation_raised(record):
        return _describe_unsent_change(inputs, record, "")
    return None


def _describe_unsent_change(inputs: DecisionInput, record: Record, drifted_members: str) -> str:
    """Return why a change is not sent and every step that sends it. The drift comes first: an update overwrites it."""
    change = _describe_change(inputs, record)
    is_previous = _is_previous_execution(inputs, record)
    steps = _describe_steps(inputs, record, should_raise=is_previous)
    if drifted_members:
        remedy = "put the values of AWS into git first, and make the change afterwards"
        later_steps = f"; to send the change then, {steps}; the update {_REPEAT_WARNING}" if steps else ""
        return f"{change}, and an update would overwrite drift in AWS ({drifted_members}): {remedy}{later_steps}"
    if is_previous and record.token:
        causes = "this run reads an old revision, or the manifest was reverted; for a revert"
    else:
        causes = "to send the change"
    return f"{change}, and the change was not sent: {causes}, {steps}; the update {_REPEAT_WARNING}"


def _is_previous_execution(inputs: DecisionInput, record: Record) -> bool:
    """Tell whether the manifest requests an earlier ExecutionConfiguration and policy.generation is not raised."""
    return inputs.request.get(_EXECUTION) in record.previous_executions and not inputs.is_generation_raised(record)


def _describe_change(inputs: DecisionInput, record: Record) -> str:
    """Describe the change as far as the journal knows it. The history of an adopted association is unknown."""
    if not _is_previous_execution(inputs, record):
        return (
            "policy.generation was raised"
            if inputs.request.get(_EXECUTION) in record.previous_executions
            else "git changed the configuration"
        )
    if record.token is None:
        return f"{_UNKNOWN_CHANGE} since the adoption"
    return "git asks for a configuration that was sent before"


def _may_update(inputs: DecisionInput) -> bool:
    return inputs.rules.options.mode.choose_stricter(inputs.manifest.policy.mode) is Mode.CREATE_AND_UPDATE


def _describe_steps(inputs: DecisionInput, record: Record, *, should_raise: bool) -> str:
    """Return the steps that an Update still needs: a raised generation, and the mode of the manifest and of the run."""
    mode = Mode.CREATE_AND_UPDATE
    generation_step = (inputs.describe_remedy(record),) if should_raise else ()
    manifest_part = () if inputs.manifest.policy.mode is mode else ("policy.mode in the manifest",)
    run_part = () if inputs.rules.options.mode is mode else ("--mode",)
    settings = " and ".join((*manifest_part, *run_part))
    mode_step = (f"set {settings} to {mode.value}",) if settings else ()
    return " and ".join((*generation_step, *mode_step))


def _has_drifted(applied: Spec, live: Live, ignore: tuple[str, ...]) -> bool:
    """Tell whether the live association differs from the applied request."""
    return bool(compare(applied, applied, live.spec, ignore))


def _build_update_record(inputs: DecisionInput, record: Record, baseline: Spec) -> Record:
    """Return the record to write before an Update, with the new request as applied."""
    if inputs.is_generation_raised(record):
        record = replace(inputs.acknowledge_generation(record), previous_executions=())
    return _replace_request(record, inputs.request, baseline, UpdatePending(inputs.rules.now))


def _replace_request(record: Record, request: Spec, baseline: Spec, update: UpdatePending | None) -> Record:
    """Return the record with the new applied request. Keep the previous and the last live ExecutionConfiguration."""
    assert isinstance(record.state, Bound)
    old_execution, live_execution = record.request.get(_EXECUTION), baseline.get(_EXECUTION)
    new_execution = request.get(_EXECUTION)
    previous_executions = (
        *(each for each in (*record.previous_executions, old_execution) if each not in (live_execution, new_execution)),
        live_execution,
    )
    return replace(
        record, request=request, state=replace(record.state, update=update), previous_executions=previous_executions
    )
