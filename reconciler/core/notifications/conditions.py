"""Find the condition of an association and of its last export, and what receivers read about it."""

from __future__ import annotations

import hashlib
from typing import assert_never

from reconciler.core.apply.outcome import SUCCESSES, NotSent, Refused, Unknown
from reconciler.core.journal.jobs import FAILED
from reconciler.core.notifications.state import Condition, OpenAlert
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.overdue import is_overdue
from reconciler.core.report.report import AssociationReport
from reconciler.core.report.windows import WindowReport, WindowState
from reconciler.core.request.token import encode_canonical_json
from reconciler.core.text import strip_full_stop

RESTART_MARK = "again"
"""The mark of a failed export that is running again. If it fails again, receivers are notified again."""

_KINDS_OF_DRIFT = (DecisionKind.DRIFTED, DecisionKind.CHANGED)
_FORMS_OF_REFUSAL = (Condition.HELD, Condition.WINDOW_OVERDUE, Condition.FAILED, Condition.BLOCKED)
"""The conditions of an association whose last request was refused, the mildest first."""


def find_condition(association: AssociationReport, *, is_listed: bool) -> Condition:
    """Return the condition of an association.

    If `is_listed` is False, a blocked association is unclear, because the failed List may be the only reason.
    """
    if association.has_failed:
        return Condition.UNANSWERED if isinstance(association.outcome, Unknown) else Condition.FAILED
    if isinstance(association.outcome, SUCCESSES):
        return Condition.WELL
    return (
        Condition.UNCLEAR
        if waits_after_failure(association)
        else _find_condition_of_decision(association, is_listed=is_listed)
    )


def _find_condition_of_decision(association: AssociationReport, *, is_listed: bool) -> Condition:
    """Return the condition that a decision means, apart from its call and the last export."""
    if association.needs_attention:
        return Condition.WINDOW_OVERDUE if is_overdue(association) else Condition.HELD
    match association.decision:
        case DecisionKind.BLOCKED:
            return Condition.BLOCKED if is_listed else Condition.UNCLEAR
        case DecisionKind.LOST:
            return Condition.LOST
        case DecisionKind.DRIFTED | DecisionKind.CHANGED:
            has_drifted = any(each.is_drifted for each in association.differences)
            return Condition.DRIFTED if has_drifted else Condition.UNCLEAR
        case DecisionKind.IN_SYNC | DecisionKind.ADOPT | DecisionKind.RETIRED | DecisionKind.FINISHED:
            return Condition.WELL
        case DecisionKind.HELD | DecisionKind.CREATE | DecisionKind.UPDATE | DecisionKind.SETTLING:
            return Condition.UNCLEAR
        case other:
            assert_never(other)


def waits_after_failure(association: AssociationReport) -> bool:
    """Tell whether a write is held or blocked because the last export failed. Receivers are notified of that export.

    A dry run takes no notice of a block whose cause is an earlier call or job.
    """
    if association.decision is DecisionKind.HELD:
        last = association.windows.last if association.windows else None
        return last is not None and last.state is WindowState.FAILED
    is_past = association.decision is DecisionKind.BLOCKED and association.exit_code > association.dry_run_exit_code
    has_failed = bool(association.exports) and association.exports[-1].job.result == FAILED
    return is_past and has_failed and find_export_condition(association)[0] is Condition.EXPORT_FAILED


def find_export_condition(association: AssociationReport) -> tuple[Condition, str]:
    """Return the condition of the last export, and its mark.

    The last export of recurring windows is the one in the journal, because LastExecutionStatus may belong to an earlier
    job. Each of them has its own mark. While a policy holds the association, nothing is known of its export.
    """
    if association.is_resting:
        return Condition.UNCLEAR, ""
    if association.windows and association.windows.last:
        return _find_window_condition(association.windows)
    match association.last_execution.status if association.last_execution else "":
        case "FAILED":
            return Condition.EXPORT_FAILED, ""
        case "COMPLETED":
            return Condition.WELL, ""
        case "IN_PROGRESS":
            return Condition.UNCLEAR, RESTART_MARK
        case _:
            return Condition.UNCLEAR, ""


def _find_window_condition(windows: WindowReport) -> tuple[Condition, str]:
    """Return the condition of the last export that has ended, if it failed, and otherwise of the last one.

    The run that sees a failure may send the next window at once, which exports the failed one again.
    """
    last, last_ended = windows.last, windows.last_ended
    if last_ended and windows.has_failed:
        return Condition.EXPORT_FAILED, build_mark(last_ended.job.sent_at.isoformat())
    is_well = last is not None and last.state is WindowState.DONE
    return (Condition.WELL if is_well else Condition.UNCLEAR), ""


def describe_cause(association: AssociationReport) -> str:
    """Return the reason of a condition, without the message of a job.

    For drift, return the drifted members without their confidential values.
    """
    if isinstance(association.outcome, Refused | NotSent | Unknown):
        return association.outcome.reason
    paths = ", ".join(each.path for each in association.differences if each.is_drifted)
    if paths and association.decision in _KINDS_OF_DRIFT:
        return paths
    message = association.last_execution.message if association.last_execution else None
    event = f"FAILED: {strip_full_stop(message)}" if message else ""
    return association.reason.replace(event, "FAILED") if event else association.reason


def find_mark(association: AssociationReport, condition: Condition) -> str:
    """Return the mark of the condition of an association: that of its drift, or that of a refused request."""
    if condition is Condition.DRIFTED:
        return build_drift_mark(association)
    last = association.exports[-1] if association.exports else None
    if condition in _FORMS_OF_REFUSAL and last and last.job.refusal:
        return build_mark(str(last.window and (last.window.start, last.window.end)))
    return ""


def is_milder_form(alert: OpenAlert, other: OpenAlert) -> bool:
    """Tell whether an alert is about the same refused request as another one, and not more severe.

    AWS may refuse the same request again and again, and the association is held or blocked in between.
    """
    is_same = alert.mark == other.mark != "" and {alert.condition, other.condition} <= set(_FORMS_OF_REFUSAL)
    return is_same and _FORMS_OF_REFUSAL.index(alert.condition) <= _FORMS_OF_REFUSAL.index(other.condition)


def build_drift_mark(association: AssociationReport) -> str:
    """Return a mark that differs from the mark of every other drift."""
    return build_mark(
        *(
            part
            for each in association.differences
            if each.is_drifted
            for part in (each.path, encode_canonical_json(each.live))
        )
    )


def build_mark(*parts: str) -> str:
    """Return a mark of several texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
