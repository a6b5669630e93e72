"""Find out why the windows to come of an association may not be sent, for people who read when they go out."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from reconciler.core.journal.records import LastDecision, Record
from reconciler.core.model import Manifest
from reconciler.core.plan.decision import Adopt, Decision, Held
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.recurring.recurrence import (
    continue_late,
    describe_late_first,
    describe_missing_backfill,
    is_superseded,
)
from reconciler.core.report.windows import WindowReport

_UNRECORDED_NOTICE = (
    "each export is sent without another review; if AWS has the association already, a run decides first how far its "
    "data was exported"
)


def find_obstacle(decision: Decision) -> str | None:
    """Return the reason of a run not to send the windows to come. None if they go out by themselves."""
    match decision:
        case Held(is_temporary=is_temporary):
            return None if is_temporary else "this run sends no export of it"
        case Adopt():
            return None  # its kind tells what the next run will decide
        case _:
            return _describe_obstacle(decision.kind)


def add_recorded_obstacle(
    report: WindowReport, manifest: Manifest, record: Record | None, last_decision: LastDecision | None
) -> WindowReport:
    """Return the windows of a manifest with the reason not to send them, as far as git and the journal show it."""
    if record is None and last_decision is None:
        problem = describe_missing_backfill(manifest.window, report.now) if manifest.window else None
        notice = f"blocked, unless AWS has the association already: {problem}" if problem else _UNRECORDED_NOTICE
        return replace(report, notice=notice)
    return replace(report, obstacle=find_recorded_obstacle(manifest, record, last_decision))


def find_recorded_obstacle(manifest: Manifest, record: Record | None, last_decision: LastDecision | None) -> str | None:
    """Return the reason not to send the windows of a manifest, as far as git and the journal show it."""
    declaration, recurrence = manifest.window, record.recurrence if record else None
    if declaration and record and recurrence and manifest.policy.generation <= record.generation:
        if manifest.policy.generation < record.generation:
            return (
                f"no export is sent, because policy.generation is {manifest.policy.generation} and was "
                f"{record.generation} before"
            )
        if is_superseded(declaration, recurrence):
            return (
                "no export is sent, because this window is an older one, which a later revision replaced: to return "
                f"to it, raise policy.generation above {record.generation}"
            )
    if (
        declaration
        and recurrence
        and (problem := describe_late_first(declaration, continue_late(declaration, recurrence)))
    ):
        return f"no export is sent: {problem}"
    kind = next((each for each in DecisionKind if last_decision and each == last_decision.decision), None)
    if kind is DecisionKind.HELD:
        return "the last run held the association: reconcile explain shows what its exports wait for"
    return _describe_obstacle(kind) if kind else None


def has_seen_association(last_decision: LastDecision | None) -> bool:
    """Tell whether List showed the association of a manifest at its last decision."""
    return last_decision is not None and last_decision.last_execution is not None


def _describe_obstacle(kind: DecisionKind) -> str | None:
    """Return the reason of a kind of decisions, apart from held ones, not to send the windows to come."""
    match kind:
        case DecisionKind.BLOCKED:  # a refused Update may be sent again by itself
            return "the association is blocked: its exports may be sent later than this, or not at all"
        case DecisionKind.CHANGED | DecisionKind.LOST:
            return f"no export is sent while the association is {kind}"
        case (
            DecisionKind.CREATE
            | DecisionKind.UPDATE
            | DecisionKind.ADOPT
            | DecisionKind.IN_SYNC
            | DecisionKind.RETIRED
            | DecisionKind.DRIFTED
            | DecisionKind.SETTLING
            | DecisionKind.FINISHED
            | DecisionKind.HELD
        ):
            return None
        case other:
            assert_never(other)
