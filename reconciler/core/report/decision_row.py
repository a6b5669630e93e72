"""Describe the row of the decision table that a decision comes from: record, live association and condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from reconciler.core.journal.jobs import Job
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, Manifest
from reconciler.core.plan.decision import (
    Adopt,
    Blocked,
    Changed,
    Decision,
    Drifted,
    Finished,
    Held,
    InSync,
    Lost,
    Retired,
    Settling,
)
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.write import Create, Update, Write
from reconciler.core.report.difference_order import order_differences
from reconciler.core.text import format_timestamp


@dataclass(frozen=True, slots=True)
class Row:
    """Row of the decision table: record, live association and decision. A guardrail may stop the write.

    `condition` tells the row from other rows with the same record and live association. It is None if there are no
    such rows.
    """

    record: str
    live: str
    condition: str | None
    decision: str
    guardrail: str | None


def get_write(decision: Decision) -> Write | None:
    """Return the write of a decision, also one that waits. None for trouble of an earlier call."""
    if isinstance(decision, Write):
        return decision
    match decision:
        case Blocked(is_past=True):
            return None
        case Held() | Blocked():
            return decision.write
        case _:
            return None


def build_row(decision: Decision, record: Record | None, live: str, rules: RunRules) -> Row:
    """Return the row of a decision. `live` is the part about the live association."""
    write = get_write(decision)
    guardrail = decision.reason if isinstance(decision, Held | Blocked) and write else None
    return Row(
        record=", ".join(_describe_record(record)),
        live=live,
        condition="; ".join(_describe_conditions(decision, write, record, rules)) or None,
        decision=write.kind if write and guardrail else decision.kind,
        guardrail=guardrail,
    )


def _describe_record(record: Record | None) -> Iterator[str]:
    """Yield the parts of the row about the record."""
    match record.state if record else None:
        case None:
            yield "none"
        case CreatePending(attempts):
            yield f"a Create was sent and its answer is unknown (attempt {attempts})"
        case Bound(association_id, missing_since=missing_since, job=job):
            yield f"bound to {association_id}"
            if missing_since:
                yield "List left it out"
            if job:
                yield _describe_job(job)
        case other:
            assert_never(other)


def _describe_job(job: Job) -> str:
    if job.is_skipped:
        return "window.skip left out the window of its last call"
    if job.refusal:
        return "AWS refused an update"
    if job.is_update_unshown:
        return "an update was sent, and List does not show it yet"
    if job.result is None:
        return "the journal does not have the end of its export yet"
    return f"its export ended as {job.result}"


def describe_live(
    manifest: Manifest, record: Record | None, live: Live | None, matches: Sequence[Live], unlisted: str | None
) -> str:
    """Return the part of the row about the live association."""
    if unlisted is not None:
        return "its data integration could not be listed"
    if record and isinstance(record.state, Bound) and live and live.id == record.state.association_id:
        return "the bound association"
    if adopt := manifest.policy.adopt:
        is_adopted = live is not None and live.arn == adopt
        return "the association in policy.adopt" if is_adopted else "not the association in policy.adopt"
    return f"{len(matches) if len(matches) > 1 else 'one'} with the same natural key" if matches else "none"


def _describe_conditions(
    decision: Decision, write: Write | None, record: Record | None, rules: RunRules
) -> Iterator[str]:
    """Yield the conditions of the row: differences, times and policies."""
    policy = decision.manifest.policy
    if policy.adopt and not isinstance(decision, Blocked):  # the reason of a blocked decision names it
        yield f"policy.adopt names {policy.adopt}"
    match write or decision:
        case Create() as create:
            yield from _explain_repetition(create)
        case Adopt() as adopt:
            yield from _explain_adoption(adopt, record)
        case InSync(warning=warning):
            yield warning or "git, the applied request and AWS are equal in every member that AWS shows"
        case Retired():
            yield "policy.retired is set"
        case Drifted(differences=differences):
            yield from _describe_differences(differences)
        case Changed(differences=differences) | Update(differences=differences):
            yield from _describe_differences(differences)
            yield f"the mode in effect is {rules.options.mode.choose_stricter(policy.mode)}"
        case Settling(until=until):
            yield f"it is {format_timestamp(rules.now)}, and the wait ends at {format_timestamp(until)}"
        case Lost():
            yield "List left it out in two runs, a settle time apart"
            yield f"policy.onLoss {policy.on_loss}, policy.generation {policy.generation}"
        case Finished():
            yield "its last export was completed, and List left it out in two runs, a settle time apart"
        case Held() | Blocked() as blocked:
            yield blocked.reason.partition(": ")[0]
        case other:
            assert_never(other)


def _explain_adoption(adopt: Adopt, record: Record | None) -> Iterator[str]:
    if record and record.name != adopt.record.name:
        yield f"renamed from {record.name}"
    yield from _describe_differences(adopt.differences) if adopt.differences else ("AWS matches git",)


def _explain_repetition(create: Create) -> Iterator[str]:
    """Yield the conditions of a repeated Create. A first Create has none."""
    previous_record, policy = create.previous_record, create.manifest.policy
    if previous_record is None:
        return
    match previous_record.state:
        case CreatePending(attempts) if create.record.incarnation == previous_record.incarnation:
            yield f"the wait after attempt {attempts} is over"
            return
        case CreatePending():
            yield "given up"
        case Bound():
            yield "List left it out in two runs, a settle time apart"
        case other:
            assert_never(other)
    if policy.generation > previous_record.generation:
        yield f"policy.generation was raised from {previous_record.generation} to {policy.generation}"
    else:
        yield f"policy.onLoss {policy.on_loss}"


def _describe_differences(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield the members that differ between desired and applied, then those that differ between applied and live."""
    differences = order_differences(differences)
    changed_members = [each for each in differences if each.is_changed]
    if changed_members:
        can = "can" if all(each.is_updatable for each in changed_members) else "cannot"
        object_ = "it" if len(changed_members) == 1 else "all of these"
        paths = " ".join(each.path for each in changed_members)
        yield f"git differs from the applied request in {paths}, and an update {can} change {object_}"
    else:
        yield "git equals the applied request"
    if drifted_paths := [each.path for each in differences if each.is_drifted]:
        yield f"AWS differs from the applied request: {' '.join(drifted_paths)}"
