"""Render a report as JSON (schemas/report.v1.json) and a validation result as JSON (schemas/findings.v1.json)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.errors import Problem
from reconciler.core.journal.records import Bound, Record
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.model import Execution, Live
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.write import Create, Update, Write, is_window_update
from reconciler.core.report.overdue import is_overdue
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.shards import Shard
from reconciler.core.text import escape_workflow_commands
from reconciler.render import windows

FORMAT = "reconciler/report/v1"
FINDINGS_FORMAT = "reconciler/findings/v1"


def render(report: Report, *, is_terminal: bool = False) -> str:
    """Return the report as a JSON document with a final newline."""
    return dump_document(encode_report(report))


def dump_document(tree: Any) -> str:
    """Return a tree as a JSON document with a final newline, without terminal escapes or workflow commands."""
    return escape_workflow_commands(json.dumps(tree, indent=2, ensure_ascii=True)) + "\n"


def dump_line(tree: Any) -> str:
    """Return a tree as one line of JSON, without terminal escapes or workflow commands."""
    return escape_workflow_commands(json.dumps(tree, ensure_ascii=True))


def stream_report(report: Report) -> Iterator[str]:
    """Yield the report as JSON in pieces of one line. Encoding a large report at once would take tens of MB."""
    yield from stream_object(_encode_head(report), targets=stream_array(map(_stream_target, report.targets)))


def _stream_target(target: TargetReport) -> Iterator[str]:
    associations = stream_array((dump_line(encode_association(each)),) for each in target.associations)
    unmanaged = stream_array((dump_line(_encode_unmanaged(each, target)),) for each in target.unmanaged)
    orphaned = stream_array((dump_line(_encode_orphan(each, target)),) for each in target.orphaned)
    yield from stream_object(
        _encode_target_head(target), associations=associations, unmanaged=unmanaged, orphaned=orphaned
    )


def stream_object(first_members: Mapping[str, Any], **others: Iterable[str]) -> Iterator[str]:
    """Yield a JSON object in pieces: the first members, then the other members, which come in pieces themselves."""
    yield dump_line(first_members)[:-1]
    for name, pieces in others.items():
        yield f', "{name}": '
        yield from pieces
    yield "}"


def stream_array(stream_items: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a JSON array in pieces, with each item on a separate line."""
    yield "["
    for number, pieces in enumerate(stream_items):
        yield ",\n" if number else "\n"
        yield from pieces
    yield "]"


def encode_report(report: Report) -> dict[str, Any]:
    """Return the report as the tree that the schema describes."""
    return {**_encode_head(report), "targets": [_encode_target(target) for target in report.targets]}


def _encode_head(report: Report) -> dict[str, Any]:
    run = report.run
    return {
        "format": FORMAT,
        "planDigest": report.plan_digest if report.has_plan else None,
        "run": {
            "id": run.id,
            "startedAt": run.started_at.isoformat(),
            "finishedAt": run.finished_at.isoformat(),
            "dryRun": run.dry_run,
            "revision": run.revision,
            "version": run.version,
            "shard": encode_shard(run.shard),
        },
        "summary": dict(report.summary),
        "coverage": _encode_coverage(report),
        "warnings": [encode_problem(each) for each in report.warnings],
        "mismatch": report.mismatch
        and {
            "reviewed": report.mismatch.reviewed_digest,
            "differences": None if report.mismatch.differences is None else list(report.mismatch.differences),
        },
    }


def encode_shard(shard: Shard | None) -> dict[str, int] | None:
    """Return a shard as a tree. None stands for a process with the targets of all shards."""
    return None if shard is None else {"number": shard.number, "count": shard.count}


def _encode_coverage(report: Report | TargetReport) -> dict[str, int]:
    return {"managed": report.managed_count, "ignored": report.ignored_count, "live": report.live_count}


def render_findings(result: ValidationResult, *, is_terminal: bool = False) -> str:
    """Return the problems and warnings of a revision as a JSON document with a final newline."""
    tree = {
        "format": FINDINGS_FORMAT,
        "valid": not result.problems,
        "revision": result.revision,
        "manifests": result.manifest_count,
        "targets": result.target_count,
        "problems": [encode_problem(each) for each in result.problems],
        "warnings": [encode_problem(each) for each in result.warnings],
    }
    return dump_document(tree)


def encode_problem(problem: Problem) -> dict[str, Any]:
    """Return a problem as a tree."""
    return {
        "file": problem.file,
        "line": problem.line or None,
        "column": problem.column or None,
        "pointer": problem.pointer,
        "message": problem.message,
    }


def _encode_target(target: TargetReport) -> dict[str, Any]:
    return {
        **_encode_target_head(target),
        "associations": [encode_association(each) for each in target.associations],
        "unmanaged": [_encode_unmanaged(live, target) for live in target.unmanaged],
        "orphaned": [_encode_orphan(record, target) for record in target.orphaned],
    }


def _encode_target_head(target: TargetReport) -> dict[str, Any]:
    return {
        "name": target.name,
        "account": target.account,
        "region": target.region,
        "error": target.error,
        "ignored": [{"arn": each.live.arn, "reason": each.reason} for each in target.ignored],
        "coverage": _encode_coverage(target),
        "unlisted": [
            {"dataIntegrationArn": arn, "dataIntegrationName": target.integration_names.get(arn), "reason": reason}
            for arn, reason in target.unlisted
        ],
    }


def encode_association(association: AssociationReport) -> dict[str, Any]:
    """Return the association of one manifest as a tree."""
    origin = association.origin
    return {
        "name": association.name,
        "origin": {"file": origin.file, "line": origin.line, "column": origin.column},
        "decision": association.decision,
        "reason": association.reason,
        "since": association.since and association.since.isoformat(),
        "until": association.until and association.until.isoformat(),
        "exitCode": association.exit_code,
        "dryRunExitCode": association.dry_run_exit_code,
        "overdue": is_overdue(association),
        "arn": association.arn,
        "clientToken": association.client_token,
        "differences": [_encode_difference(difference) for difference in association.differences],
        "unverifiable": list(association.unverifiable),
        "lastExecution": _encode_execution(association.last_execution),
        "outcome": _encode_outcome(association.outcome),
        "windows": windows.encode(association.windows),
        "write": _encode_write(association.write),
    }


def _encode_write(write: Write | None) -> dict[str, Any] | None:
    token: str | None = None
    association_id: str | None = None
    match write:
        case None:
            return None
        case Create():
            token = write.token
        case Update():
            association_id = write.association_id
        case other:
            assert_never(other)
    return {
        "operation": write.operation,
        "clientToken": token,
        "associationId": association_id,
        "request": write.request,
        "reviewed": not is_window_update(write),
    }


def _encode_difference(difference: Difference) -> dict[str, Any]:
    return {
        "path": difference.path,
        "desired": difference.desired,
        "applied": difference.applied,
        "live": difference.live,
    }


def _encode_unmanaged(live: Live, target: TargetReport) -> dict[str, Any]:
    return {
        "arn": live.arn,
        "dataIntegrationArn": live.spec["DataIntegrationIdentifier"],
        "dataIntegrationName": target.integration_names.get(str(live.spec["DataIntegrationIdentifier"])),
        "clientId": live.spec.get("ClientId"),
        "destinationURI": live.spec.get("DestinationURI"),
        "lastExecution": _encode_execution(live.last_execution),
    }


def _encode_orphan(record: Record, target: TargetReport) -> dict[str, Any]:
    integration, client, destination = record.key
    bound = record.state if isinstance(record.state, Bound) else None
    return {
        "name": record.name,
        "dataIntegrationArn": integration,
        "dataIntegrationName": target.integration_names.get(integration),
        "clientId": client or None,
        "destinationURI": destination or None,
        "associationId": bound.association_id if bound else None,
    }


def _encode_execution(execution: Execution | None) -> dict[str, Any] | None:
    return {"status": execution.status, "message": execution.message} if execution else None


def _encode_outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    match outcome:
        case None:
            return None
        case Created(association_id):
            return {"result": "created", "id": association_id, "error": None}
        case Updated():
            return {"result": "updated", "id": None, "error": None}
        case Refused(reason) | NotSent(reason):
            return {"result": "failed", "id": None, "error": reason}
        case Unknown(reason):
            return {"result": "unknown", "id": None, "error": reason}
        case Skipped(reason):
            return {"result": "skipped", "id": None, "error": reason}
        case other:
            assert_never(other)
