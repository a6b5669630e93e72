"""Describe what the next runs do after a call that failed or had no answer."""

from __future__ import annotations

from typing import assert_never

from reconciler.core.apply.outcome import Created, NotSent, RefusalKind, Refused, Skipped, Unknown, Updated
from reconciler.core.durations import format_duration
from reconciler.core.journal.records import CreatePending
from reconciler.core.plan.write import Create, Update, Write
from reconciler.core.report.report import AssociationReport


def describe_next_attempt(association: AssociationReport) -> str | None:
    """Return what happens next to a call that failed or had no answer. None stands for other outcomes."""
    match association.outcome:
        case Refused(kind=kind):
            return _describe_refused(association, kind)
        case NotSent():
            return "AWS did not carry out this call: the next run sends it again"
        case Unknown():
            return _describe_unanswered(association.write)
        case Created() | Updated() | Skipped() | None:
            return None
        case other:
            assert_never(other)


def _describe_refused(association: AssociationReport, kind: RefusalKind) -> str | None:
    if association.waits_for_quota:
        return "held: this passes by itself, and a later run sends the update, once fewer exports are running"
    match association.write:
        case Create() as create:
            return _describe_refused_create(create)
        case Update():
            return _describe_refused_update(association, kind)
        case None:
            return None
        case other:
            assert_never(other)


def _describe_unanswered(write: Write | None) -> str | None:
    match write:
        case Create():
            next_step = "waits before it sends the Create again"
        case Update():
            next_step = "does not send the Update again"
        case None:
            return None
        case other:
            assert_never(other)
    return f"AWS may have carried out this call: the next run checks AWS, and {next_step}"


def _describe_refused_create(create: Create) -> str:
    """Return what happens next to a refused Create. If it was a repeated one, the first one may have succeeded."""
    if isinstance(create.record.state, CreatePending) and create.record.state.attempts > 1:
        return (
            "AWS may have carried out an earlier Create: correct the cause; the next run checks AWS, and waits before "
            "it sends the Create again"
        )
    return "AWS created nothing: correct the cause; the next run sends the Create again"


def _describe_refused_update(association: AssociationReport, kind: RefusalKind) -> str:
    pause = None if association.pause is None else format_duration(association.pause)
    if kind is RefusalKind.MISSING:
        return "AWS changed nothing: the next run sends the update again, if List still shows the association"
    if kind is RefusalKind.DENY and pause:
        return f"AWS changed nothing: a run tries the update again after {pause}, and later with growing pauses"
    if kind is RefusalKind.REQUEST and pause:
        return f"AWS changed nothing: a run sends the update once more after {pause}, because a job may have run"
    if kind is RefusalKind.REQUEST:
        return "AWS refused this update before, and changed nothing: correct the cause; the next run says what to do"
    return "AWS changed nothing: correct the cause; the next run sends the update again"
