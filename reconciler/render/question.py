"""Render the question to a person at the terminal, before writes that cannot be undone."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.model import ensure_mapping
from reconciler.core.plan.decision_kind import WRITE_KINDS, DecisionKind
from reconciler.core.plan.write import Write
from reconciler.core.report.report import Report
from reconciler.core.request.export_window import EXECUTION
from reconciler.core.text import format_count


def list_sent_writes(report: Report) -> tuple[Write, ...]:
    """Return the writes that a run sends now. Those that wait are not among them."""
    return tuple(each.write for each in report.associations if each.write and each.decision in WRITE_KINDS)


def format_question(writes: Sequence[Write], *, is_sandbox: bool) -> str:
    """Return what the writes start, and the question, as one line without a line break."""
    schedule_count = sum(map(_has_schedule, writes))
    export_count = len(writes) - schedule_count
    exports, schedules = format_count(export_count, "export"), format_count(schedule_count, "schedule")
    parts = []
    if export_count:
        verb = "starts" if export_count == 1 else "start"
        parts.append(f"{exports} of customer data {verb} at once and cannot be stopped.")
    if schedule_count:
        verb = "begins" if schedule_count == 1 else "begin"
        parts.append(f"{schedules} of exports {verb}, and AWS deletes no association.")
    action = "Create" if all(write.kind is DecisionKind.CREATE for write in writes) else "Send"
    place = "In the sandbox: " if is_sandbox else ""
    return f"{place}{' '.join(parts)} {action} {'it' if len(writes) == 1 else 'them'}? Type yes: "


def _has_schedule(write: Write) -> bool:
    """Tell whether a write sets a schedule. Any other write may start an export at once."""
    return ensure_mapping(write.request.get(EXECUTION)).get("ExecutionMode") == "SCHEDULED"
