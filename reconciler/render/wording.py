"""Compose the sentences that several formats share: about an association, a call, a value and a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from reconciler.core.apply.outcome import Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.journal.records import CreatePending, Record
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.model import Json, Live
from reconciler.core.plan.decide import MISSING_REASON
from reconciler.core.plan.difference import Difference, flatten
from reconciler.core.plan.write import Write
from reconciler.core.report.overdue import is_overdue
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.request.times import format_millis
from reconciler.core.shards import Shard
from reconciler.core.text import (
    escape_workflow_commands,
    format_count,
    format_timestamp_to_the_minute,
    sanitize,
)
from reconciler.render import after_call, last_export, windows
from reconciler.render.kinds import ReportKind, get_kind

OVERDUE = "overdue"
"""The word for an association with a window that was due for a day and was not sent, whatever its decision is."""

BEFORE_UPDATE = "before the update:"
"""The line above the differences that a successful update has removed."""

UNVERIFIABLE_VALUE = "unverifiable: AWS does not show it"
"""The text that stands for the live value of a member that AWS does not return."""

_MAX_PATH_WIDTH = 72


def is_read_only(report: Report) -> bool:
    """Return whether the run wrote nothing, because it was a dry run or did not match the reviewed plan."""
    return report.run.dry_run or report.mismatch is not None


def get_label(kind: ReportKind, report: Report) -> str:
    """Return the label of a kind in a report."""
    return "adopted" if kind is ReportKind.ADOPT and not is_read_only(report) else kind.label


def format_label(association: AssociationReport, report: Report) -> str:
    """Return the label of an association in a report: its kind, and whether a window is overdue."""
    return get_label(get_kind(association), report) + (f", {OVERDUE}" if is_overdue(association) else "")


def count_kinds(report: Report) -> Counter[ReportKind]:
    """Count the associations of each kind."""
    return Counter(map(get_kind, report.associations))


def count_overdue(report: Report) -> int:
    """Count the associations with an overdue window."""
    return sum(is_overdue(each) for each in report.associations)


def format_verdict(report: Report) -> str:
    """Return the counts of a report as one line."""
    counts = count_kinds(report)
    counts[ReportKind.UNMANAGED] = report.unmanaged_count
    parts = [f"{counts[kind]:,} {get_label(kind, report)}" for kind in ReportKind if counts[kind]]
    if failed_count := sum(bool(target.error) for target in report.targets):
        parts.insert(0, f"{format_count(failed_count, 'target')} failed")
    if unlisted_count := sum(len(target.unlisted) for target in report.targets):
        parts.insert(0, f"{format_count(unlisted_count, 'data integration')} not listed")
    if overdue_count := count_overdue(report):
        parts = [", ".join(parts) + f"; {overdue_count:,} {OVERDUE}"]
    if report.run.is_question:
        return f"Plan: {', '.join(parts)}. Nothing was written yet."
    name, figures = "Dry run" if report.run.dry_run else "Run", ", ".join(parts) or "nothing to do"
    if report.mismatch:
        stop = "the plan differs from the reviewed plan. Nothing was written"
        return f"{name} stopped: {stop}. The current plan: {figures}."
    return f"{name}: {figures}.{' Nothing was written.' if is_read_only(report) else ''}"


def describe_shard(shard: Shard, target_count: int) -> str:
    """Return the shard of a run, and how many targets belong to it, without a full stop."""
    return f"Shard {shard} has {format_count(target_count, 'target') if target_count else 'no targets'}"


def format_coverage(report: Report | TargetReport) -> str:
    """Return how many of the live associations are managed, and how many are ignored."""
    verb = "is" if 1 in {report.managed_count, report.live_count} else "are"
    ignored = f", {report.ignored_count:,} ignored" if report.ignored_count else ""
    return f"{report.managed_count:,} of {format_count(report.live_count, 'live association')} {verb} managed{ignored}"


def format_validation(result: ValidationResult) -> str:
    """Return the findings as one line."""
    commit = f"commit {sanitize(result.revision)}" if result.revision else ""
    if result.problems:
        count = format_count(result.problem_count or len(result.problems), "problem")
        return f"{count} in the manifests{commit and f' of {commit}'}; no manifest is used."
    counts = ((result.manifest_count, "manifest"), (result.target_count, "target"))
    subjects = ", ".join(format_count(count, noun) for count, noun in counts if count)
    warning_count = len(result.warnings)
    warnings = f", {format_count(warning_count, 'warning')}" if warning_count else ""
    nothing = "no manifests in any target" if warning_count else "no manifests"
    return f"{subjects or nothing}{commit and f' in {commit}'}{': valid' if subjects else ''}{warnings}."


def describe_association(association: AssociationReport) -> tuple[str, ...]:
    """Return the sentences, windows, differences and call of an association, as lines that contain no line breaks."""
    return (
        *list_association_sentences(association),
        *windows.list_sentences(association.windows),
        *format_differences(association),
        *format_write(association),
    )


def format_flow(association: AssociationReport) -> str:
    """Return the data integration and the destination of an association."""
    return sanitize(f"{association.integration} → {association.destination or '(no destination)'}")


def list_association_sentences(association: AssociationReport) -> tuple[str, ...]:
    """Return the reason, outcome, ARN, last export and unverifiable members of an association, as sentences."""
    return tuple(sanitize(sentence) for sentence in _yield_sentences(association))


def list_reasons(association: AssociationReport) -> tuple[str, ...]:
    """Return the reason, outcome and next step of an association, as sentences."""
    return tuple(sanitize(sentence) for sentence in _yield_reasons(association))


def _yield_sentences(association: AssociationReport) -> Iterator[str]:
    yield from _yield_reasons(association)
    if association.arn:
        yield f"live: {association.arn}"
    if execution := association.last_execution:
        message = f": {execution.message}" if execution.message else ""
        yield f"{last_export.describe_last_export(execution, association.windows)}{message}"
    if association.unverifiable:
        yield f"unverifiable, because AWS does not show it: {' '.join(association.unverifiable)}"


def _yield_reasons(association: AssociationReport) -> Iterator[str]:
    if association.reason and association.reason != MISSING_REASON:
        yield association.reason
    match association.outcome:
        case Refused(reason) | NotSent(reason) | Unknown(reason) | Skipped(reason):
            yield reason
        case Created(association_id):
            yield f"association {association_id}"
        case Updated() | None:
            pass
        case other:
            assert_never(other)
    if next_step := after_call.describe_next_attempt(association):
        yield next_step


def format_differences(association: AssociationReport) -> tuple[str, ...]:
    """Return the differences between git, the applied request and AWS, as the lines of a diff."""
    lines = [line for difference in association.differences for line in _format_difference(difference)]
    return (BEFORE_UPDATE, *lines) if lines and isinstance(association.outcome, Updated) else tuple(lines)


def _format_difference(difference: Difference) -> Iterator[str]:
    yield f"  {sanitize(difference.path)}"
    live_value = format_exact_value(difference.live) if difference.is_readable else UNVERIFIABLE_VALUE
    yield f"- live     {live_value}"
    if difference.is_changed:
        yield f"- applied  {format_exact_value(difference.applied)}"
    yield f"+ git      {format_exact_value(difference.desired)}"


def format_write(association: AssociationReport) -> tuple[str, ...]:
    """Return the call of an association: a line with the operation, then a line for each member of the request."""
    if not (write := association.write):
        return ()
    members = [(sanitize(path), format_exact_value(value)) for path, value in flatten(write.body)]
    width = max((len(path) for path, _ in members if len(path) <= _MAX_PATH_WIDTH), default=0)
    return (format_operation(write), *(f"+ {path:<{width}}  {value}" for path, value in members))


def format_operation(write: Write) -> str:
    """Return the operation of a call, and its ClientToken or association."""
    repeat_warning = ", which STARTS an export" if write.repeats_export else ""
    return sanitize(f"{write.operation}, {write.reference_name} {write.reference}{repeat_warning}")


def format_exact_value(value: Json) -> str:
    """Return a value as JSON on one line, so that different values look different. A time is added in readable form."""
    if value is None:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = text.translate({ord(char): json.dumps(char)[1:-1] for char in set(text) if not char.isprintable()})
    readable_value = format_millis(value) if isinstance(value, str) else value
    return escape_workflow_commands(f"{text} ({readable_value})" if readable_value != value else text)


def format_live_flow(live: Live, target: TargetReport) -> str:
    """Return the data integration and the destination of a live association."""
    integration = target.get_integration_name(str(live.spec["DataIntegrationIdentifier"]))
    return f"{integration} → {live.spec.get('DestinationURI', '(no destination)')}"


def format_record_flow(record: Record, target: TargetReport) -> str:
    """Return the data integration, destination and client of a record."""
    integration, client, destination = record.key
    sink = " ".join(filter(None, (destination or "(no destination)", client)))
    return f"{target.get_integration_name(integration)} → {sink}"


def describe_unmanaged(live: Live, target: TargetReport) -> str:
    """Return the ARN, data integration, destination and client of an unmanaged association."""
    client = f" for {live.spec['ClientId']}" if live.spec.get("ClientId") else ""
    return sanitize(f"{live.arn}: {format_live_flow(live, target)}{client}")


def explain_orphan(record: Record, target: TargetReport) -> str:
    """Return the reason why a record is orphaned, and what is known of its association."""
    cause = "its manifest was removed, or no longer selects this target"
    if isinstance(record.state, CreatePending):
        sent_at = format_timestamp_to_the_minute(record.state.last_attempt)
        return f"{cause}; the Create sent at {sent_at} has no answer"
    is_unmanaged = any(live.id == record.state.association_id for live in target.unmanaged)
    place = "; its association is listed as unmanaged" if is_unmanaged else ""
    if not (record.recurrence and record.is_recurring):
        return f"{cause}{place}"
    stop = format_timestamp_to_the_minute(record.recurrence.watermark)
    remedy = "to continue, add the manifest to this target again; to end the exports, add it with policy.retired"
    return f"{cause}; nothing after {stop} is exported: {remedy}{place}"


def describe_orphan(record: Record, target: TargetReport) -> str:
    """Return the name, data integration, destination and client of a record whose manifest was removed."""
    return sanitize(f"{record.name}: {format_record_flow(record, target)}: {explain_orphan(record, target)}")


def describe_unlisted(arn: str, reason: str, target: TargetReport) -> str:
    """Return why a data integration could not be listed, and that its unmanaged associations are unknown."""
    return sanitize(f"{target.format_integration(arn)}: {reason}; its unmanaged associations are unknown")


def format_target(target: TargetReport) -> str:
    """Return a target's name, account and Region."""
    return sanitize(" ".join(part for part in (target.name, target.account, target.region) if part))


def format_value(value: Json) -> str:
    """Return a value on one line. Epoch milliseconds are followed by the time in readable form."""
    if value is None:
        return "(absent)"
    if not isinstance(value, str):
        return sanitize(json.dumps(value, ensure_ascii=False))
    time = format_millis(value)
    return sanitize(value) if time == value else f"{value} ({time})"
