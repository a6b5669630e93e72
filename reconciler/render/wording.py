"""The sentences that several formats share: about an association, a call, a value and the whole run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from reconciler.core.apply.outcome import Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.journal.records import CreatePending, Record
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.model import Json, Live
from reconciler.core.plan.decide import MISSING_REASON
from reconciler.core.plan.decision import Create, Update, Write
from reconciler.core.plan.difference import Difference, flatten
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.request.times import format_millis
from reconciler.core.text import escape_workflow_commands, plural, sanitize, timestamp_to_the_minute
from reconciler.render.kinds import ReportKind, get_kind

NO_PLAN = "there is no plan"
"""What is said instead of a digest where one was reviewed."""

_MAX_PATH_WIDTH = 72


def is_read_only(report: Report) -> bool:
    """Return whether nothing was done: in a dry run, and where another plan had been reviewed."""
    return report.run.dry_run or report.mismatch is not None


def get_label(kind: ReportKind, report: Report) -> str:
    """Return how a kind is counted."""
    return "adopted" if kind is ReportKind.ADOPT and not is_read_only(report) else kind.label


def get_plan_digest(report: Report) -> str | None:
    """Return the digest of the plan, None where nothing was planned."""
    return report.plan_digest if report.has_plan else None


def count_kinds(report: Report) -> Counter[ReportKind]:
    """Return how many associations there are of each kind, each counted once."""
    return Counter(map(get_kind, report.associations))


def format_verdict(report: Report) -> str:
    """Return the report as one line."""
    counts = count_kinds(report)
    counts[ReportKind.UNMANAGED] = report.summary["unmanaged"]
    parts = [f"{counts[kind]:,} {get_label(kind, report)}" for kind in ReportKind if counts[kind]]
    if failed_count := sum(bool(target.error) for target in report.targets):
        parts.insert(0, f"{plural(failed_count, 'target')} failed")
    start = "Not the plan that was reviewed: " if report.mismatch else ""
    end = " Nothing was written." if is_read_only(report) else ""
    return f"{'Dry run' if report.run.dry_run else 'Run'}: {start}{', '.join(parts) or 'nothing to do'}.{end}"


def format_coverage(report: Report | TargetReport) -> str:
    """Return how much of what is live a manifest covers."""
    verb = "is" if report.managed_count == 1 else "are"
    return f"{report.managed_count:,} of {report.live_count:,} live associations {verb} managed"


def format_validation(result: ValidationResult) -> str:
    """Return the findings as one line."""
    commit_part = f" of commit {sanitize(result.revision)}" if result.revision else ""
    if result.problems:
        count = result.problem_count or len(result.problems)
        return f"{plural(count, 'problem')} in the manifests{commit_part}: none is used."
    counts = ((result.manifest_count, "manifest"), (result.target_count, "target"))
    subjects = ", ".join(plural(count, noun) for count, noun in counts if count)
    warning_count = len(result.warnings)
    warnings = f", {plural(warning_count, 'warning')}" if warning_count else ""
    return f"{subjects or 'no manifests'}{commit_part}: valid{warnings}."


def describe_association(association: AssociationReport) -> tuple[str, ...]:
    """Return all there is to say of an association, line by line, none of which can break out of its line."""
    return (*list_sentences(association), *format_differences(association), *format_write(association))


def format_flow(association: AssociationReport) -> str:
    """Return from which data integration to which destination the data goes."""
    return sanitize(f"{association.integration} → {association.destination or '(no destination)'}")


def list_sentences(association: AssociationReport) -> tuple[str, ...]:
    """Return why it is so, what is known of it, and what nobody can know."""
    return tuple(sanitize(sentence) for sentence in _yield_sentences(association))


def _yield_sentences(association: AssociationReport) -> Iterator[str]:
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
    if next_step := describe_next_step(association):
        yield next_step
    if association.arn:
        yield f"live: {association.arn}"
    if execution := association.last_execution:
        message = f": {execution.message}" if execution.message else ""
        yield f"last job {execution.status.lower().replace('_', ' ')}{message}"
    if association.unverifiable:
        yield f"unverifiable, since AWS never shows it: {' '.join(association.unverifiable)}"


def describe_next_step(association: AssociationReport) -> str | None:
    """Return what follows from a call without an answer; None where the answer is known."""
    match association.outcome, association.write:
        case Unknown(), Create():
            next_step = "and waits before it sends anything"
        case Unknown(), Update():
            next_step = "and sends it in no case again"
        case _:
            return None
    return f"it may have been carried out: the next run looks for it, {next_step}"


def format_differences(association: AssociationReport) -> tuple[str, ...]:
    """Return what is not the same everywhere, as the lines of a diff."""
    return tuple(line for difference in association.differences for line in _format_difference(difference))


def _format_difference(difference: Difference) -> Iterator[str]:
    yield f"  {sanitize(difference.path)}"
    yield (
        f"- live     {format_exact_value(difference.live)}"
        if difference.is_readable
        else "- live     unverifiable: AWS does not show it"
    )
    if difference.is_changed:
        yield f"- applied  {format_exact_value(difference.applied)}"
    yield f"+ git      {format_exact_value(difference.desired)}"


def format_write(association: AssociationReport) -> tuple[str, ...]:
    """Return the call that was reviewed, is made or was made: what it does, and every member that it sends."""
    if not (write := association.write):
        return ()
    members = [(sanitize(path), format_exact_value(value)) for path, value in flatten(write.body)]
    width = max((len(path) for path, _ in members if len(path) <= _MAX_PATH_WIDTH), default=0)
    return (format_operation(write), *(f"+ {path:<{width}}  {value}" for path, value in members))


def format_operation(write: Write) -> str:
    """Return the operation of a call, and what AWS knows the call by."""
    repeat_warning = ", which REPEATS the export" if isinstance(write, Update) else ""
    return sanitize(f"{write.operation}, {write.reference_name} {write.reference}{repeat_warning}")


def format_exact_value(value: Json) -> str:
    """Return a value as JSON on one line, so that no two values look alike, and a time for people behind it."""
    if value is None:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = text.translate({ord(char): json.dumps(char)[1:-1] for char in set(text) if not char.isprintable()})
    readable_value = format_millis(value) if isinstance(value, str) else value
    return escape_workflow_commands(f"{text} ({readable_value})" if readable_value != value else text)


def format_live_flow(live: Live, target: TargetReport) -> str:
    """Return from which data integration to which destination the data of a live association goes."""
    integration = target.get_integration_name(str(live.spec["DataIntegrationIdentifier"]))
    return f"{integration} → {live.spec.get('DestinationURI', '(no destination)')}"


def format_record_flow(record: Record, target: TargetReport) -> str:
    """Return from which data integration to which destination, and for whom, the data of a record goes."""
    integration, client, destination = record.key
    sink = " ".join(filter(None, (destination or "(no destination)", client)))
    return f"{target.get_integration_name(integration)} → {sink}"


def describe_unmanaged(live: Live, target: TargetReport) -> str:
    """Return what is known of a live association that no manifest covers."""
    client = f" for {live.spec['ClientId']}" if live.spec.get("ClientId") else ""
    return sanitize(f"{live.arn}: {format_live_flow(live, target)}{client}")


def explain_orphan(record: Record) -> str:
    """Return why a record has no manifest, and whether a Create of it is still open."""
    if isinstance(record.state, CreatePending):
        return (
            f"its manifest is gone, and a Create of {timestamp_to_the_minute(record.state.last_attempt)} has no answer"
        )
    return "its manifest is gone"


def describe_orphan(record: Record, target: TargetReport) -> str:
    """Return what the journal remembers of an association whose manifest is gone."""
    return sanitize(f"{record.name}: {format_record_flow(record, target)}: {explain_orphan(record)}")


def describe_unlisted(arn: str, reason: str, target: TargetReport) -> str:
    """Return why a data integration could not be listed, and what follows."""
    return sanitize(f"{target.format_integration(arn)}: {reason}; what is unmanaged there is not known")


def format_target(target: TargetReport) -> str:
    """Return a target's name, account and Region."""
    return sanitize(" ".join(part for part in (target.name, target.account, target.region) if part))


def describe_mismatch(report: Report) -> tuple[str, ...]:
    """Return how the plan differs from the one that was reviewed."""
    if not report.mismatch:
        return ()
    differences = report.mismatch.differences
    if differences is None:
        differences = ("only the digest of the reviewed plan was given: what differs is not known",)
    return (
        f"reviewed {sanitize(report.mismatch.reviewed_digest)}",
        f"now {get_plan_digest(report) or NO_PLAN}",
        *(sanitize(sentence) for sentence in differences),
    )


def format_value(value: Json) -> str:
    """Return a value on one line, epoch milliseconds with the time that they mean."""
    if value is None:
        return "(absent)"
    if not isinstance(value, str):
        return sanitize(json.dumps(value, ensure_ascii=False))
    time = format_millis(value)
    return sanitize(value) if time == value else f"{value} ({time})"
