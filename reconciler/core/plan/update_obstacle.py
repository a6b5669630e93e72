"""Describe why a change in git is not sent as an Update, and the steps that send it."""

from __future__ import annotations

from reconciler.core.journal.records import Record
from reconciler.core.model import Live, Mode, Spec, build_natural_key
from reconciler.core.plan.difference import compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.request.export_window import EXECUTION

_UNKNOWN_CHANGE = "git and AWS differ, and the journal does not show which of them changed"
"""Reason not to send the manifest of an adopted association that differs from it."""

REPEAT_WARNING = "REPEATS the export"


def describe_unknown_change(inputs: DecisionInput, record: Record, live: Live) -> str:
    """Describe how an adopted association differs from git, with the ways to resolve it.

    `record` holds the live values as applied.
    """
    differences = compare(inputs.request, record.request, live.spec)
    fixed_members = [each.path for each in differences if each.is_changed and not each.is_updatable]
    fixed_members += [] if EXECUTION in inputs.request else [f"/{EXECUTION}"]
    steps = describe_steps(inputs, inputs.acknowledge_generation(record), should_raise=True)
    remedy = (
        f"an update cannot change {', '.join(fixed_members)} to what git has"
        if fixed_members
        else f"to send what git has, {steps}; the update {REPEAT_WARNING}"
    )
    return f"{_UNKNOWN_CHANGE}: to keep what AWS has, copy its values into git; {remedy}"


def find_update_obstacle(inputs: DecisionInput, record: Record, live: Live, baseline: Spec) -> str | None:
    """Return the reason not to send a change; None if it may be sent."""
    generation = inputs.manifest.policy.generation
    # policy.ignore does not apply here: an Update overwrites its members, too.
    differences = compare(inputs.request, baseline, live.spec)
    if fixed_members := ", ".join(each.path for each in differences if each.is_changed and not each.is_updatable):
        is_same_key = build_natural_key(inputs.request) == record.key
        advice = (
            " and another DestinationURI or ClientId, because a new name alone keeps this association"
            if is_same_key
            else ""
        )
        return (
            f"an update cannot change {fixed_members}: restore the old values in this manifest, and write a manifest "
            f"for the new values, with a new name{advice}"
        )
    if EXECUTION not in inputs.request:
        return (
            "an update cannot remove ExecutionConfiguration: restore it in this manifest, and write a manifest without "
            "it, with a new name"
        )
    drifted_members = ", ".join(each.path for each in differences if each.is_drifted)
    if drifted_members or not may_update(inputs):
        return _describe_unsent_change(inputs, record, drifted_members)
    if generation < record.generation:
        return inputs.describe_older_generation(record)
    if inputs.request[EXECUTION] in record.previous_executions and not inputs.is_generation_raised(record):
        return _describe_unsent_change(inputs, record, "")
    return None


def _describe_unsent_change(inputs: DecisionInput, record: Record, drifted_members: str) -> str:
    """Return why a change is not sent and every step that sends it. The drift comes first: an update overwrites it."""
    change = describe_change(inputs, record)
    is_previous = _is_previous_execution(inputs, record)
    steps = describe_steps(inputs, record, should_raise=is_previous)
    if drifted_members:
        remedy = "put the values of AWS into git first, and make the change afterwards"
        later_steps = f"; to send the change then, {steps}; the update {REPEAT_WARNING}" if steps else ""
        return f"{change}, and an update would overwrite drift in AWS ({drifted_members}): {remedy}{later_steps}"
    if is_previous and record.token:
        causes = "this run reads an old revision, or the manifest was reverted; for a revert"
    else:
        causes = "to send the change"
    return f"{change}, and the change was not sent: {causes}, {steps}; the update {REPEAT_WARNING}"


def _is_previous_execution(inputs: DecisionInput, record: Record) -> bool:
    """Tell whether the manifest requests an earlier ExecutionConfiguration and policy.generation is not raised."""
    return inputs.request.get(EXECUTION) in record.previous_executions and not inputs.is_generation_raised(record)


def describe_change(inputs: DecisionInput, record: Record) -> str:
    """Describe the change as far as the journal knows it. The history of an adopted association is unknown."""
    if not _is_previous_execution(inputs, record):
        return (
            "policy.generation was raised"
            if inputs.request.get(EXECUTION) in record.previous_executions
            else "git changed the configuration"
        )
    if record.token is None:
        return f"{_UNKNOWN_CHANGE} since the adoption"
    return "git asks for a configuration that was sent before"


def may_update(inputs: DecisionInput) -> bool:
    """Tell whether the modes of the manifest and of the run allow Updates."""
    return inputs.rules.options.mode.choose_stricter(inputs.manifest.policy.mode) is Mode.CREATE_AND_UPDATE


def describe_steps(inputs: DecisionInput, record: Record, *, should_raise: bool) -> str:
    """Return the steps that an Update still needs: a raised generation, and the mode of the manifest and of the run."""
    mode = Mode.CREATE_AND_UPDATE
    generation_step = (inputs.describe_remedy(record),) if should_raise else ()
    manifest_part = () if inputs.manifest.policy.mode is mode else ("policy.mode in the manifest",)
    run_part = () if inputs.rules.options.mode is mode else ("--mode",)
    settings = " and ".join((*manifest_part, *run_part))
    mode_step = (f"set {settings} to {mode.value}",) if settings else ()
    return ", and ".join((*generation_step, *mode_step))
